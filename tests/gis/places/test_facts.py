"""What lies near a place, counted by hand on the town's plan."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from core.clock import utc_now
from gis.coordinates import Datum, LonLat, from_wgs84
from gis.models import LifecycleStatus, PlannedShutdown, Valve
from tests.gis.places.conftest import Ask
from tests.town import Town

Headers = dict[str, str]
MILL = Town.place(30.0, 12.0)
"""The door of 1 Mill Street: 30 m along H00, 12 m to its north."""


def facts(ask: Ask, who: Headers, at: LonLat = MILL, *, expect: int = 200, **more: Any) -> Any:
    asked = {"lon": at.lon, "lat": at.lat} | more
    return ask("GET", "/api/places/near", who, expect=expect, params=asked)


def shutdown(
    session: Session, town: Town, pipe: str, *, starts_in: timedelta, called_off: bool = False
) -> PlannedShutdown:
    now = utc_now()
    planned = PlannedShutdown(
        title=f"Work on {pipe}",
        pipe_ids=[town.pipes[pipe]],
        starts_at=now + starts_in,
        ends_at=now + starts_in + timedelta(hours=4),
        called_off_at=now if called_off else None,
    )
    session.add(planned)
    session.flush()
    return planned


def test_the_main_is_told_with_all_that_is_known_of_it(ask: Ask, agent: Headers, town: Town) -> None:
    main = facts(ask, agent)["main"]
    assert main["distance_m"] == pytest.approx(12.0, abs=0.05)
    assert main.pop("confidence") > 0.5
    assert main | {"distance_m": 12} == {
        "id": str(town.pipes["H00"]),
        "asset_code": "H00",
        "pipe_class": "distribution",
        "diameter_mm": 150,
        "material": "DI",
        "install_year": 1998,
        "road_name": "Mill Street",
        "is_closed": False,
        "segment_id": town.segments["H00"],
        "zone_code": "WEST",
        "zone_name": "Zone West",
        "distance_m": 12,
    }


def test_valves_are_told_nearest_first_with_their_state(
    ask: Ask, agent: Headers, town: Town, session: Session
) -> None:
    """From (199, 162): VV22 stands 2 m north of J22 (200, 160) and does not turn; VV21 at (200, 82), VV12 at (100, 162)."""
    session.execute(update(Valve).where(Valve.asset_code == "VV21").values(is_closed=True))
    found = facts(ask, agent, Town.place(199.0, 162.0), radius_m=110)["valves"]
    even = [one["asset_code"] for one in found["items"][1:3]]
    assert set(even) == {"VV21", "VV23"}
    assert [one["asset_code"] for one in found["items"]] == ["VV22", *even, "VV12", "VV32"]
    assert found["total"] == 5
    assert [one["distance_m"] for one in found["items"]] == pytest.approx([1, 80, 80, 99, 101], abs=0.2)
    states = {one["asset_code"]: (one["is_closed"], one["operable"]) for one in found["items"]}
    assert states["VV22"] == (False, "no")
    assert states["VV21"] == (True, "yes")
    assert found["items"][0]["point"] == pytest.approx(
        {"lon": Town.place(200.0, 162.0).lon, "lat": Town.place(200.0, 162.0).lat}, abs=1e-6
    )


def test_what_is_abandoned_or_only_proposed_is_not_there(ask: Ask, agent: Headers, session: Session) -> None:
    """Only VV00, 2 m north of J00, is within 50 m of the door."""
    assert [one["asset_code"] for one in facts(ask, agent, radius_m=50)["valves"]["items"]] == ["VV00"]
    for fate in (LifecycleStatus.ABANDONED, LifecycleStatus.PROPOSED):
        session.execute(update(Valve).where(Valve.asset_code == "VV00").values(lifecycle_status=fate))
        assert facts(ask, agent, radius_m=50)["valves"] == {"items": [], "total": 0}


def test_hydrants_and_buildings_are_told_with_distances(ask: Ask, agent: Headers, town: Town) -> None:
    """HY0 stands at (50, 0), 20 m east and 12 m south of the door; HY1 at (50, 80)."""
    found = facts(ask, agent, radius_m=75)
    hydrants = found["hydrants"]["items"]
    assert [(one["asset_code"], one["diameter_mm"]) for one in hydrants] == [("HY0", 80), ("HY1", 80)]
    told = [one["distance_m"] for one in hydrants]
    assert told == pytest.approx([544**0.5, (20**2 + 68**2) ** 0.5], abs=0.1)
    assert hydrants[0]["id"] == str(town.hydrants["HY0"])
    house = found["buildings"]["items"][0]
    assert (house["use"], house["floor_count"], house["distance_m"]) == ("residential", 2, 0.0)


def test_customers_are_counted_never_named(ask: Ask, agent: Headers, town: Town) -> None:
    """Within 50 m of (30, 12): eleven flats at the door, one house each at (30,-12), (70,12), (70,-12), (12,25), (-12,25), (12,55)."""
    found = facts(ask, agent, radius_m=50)
    assert found["customers"] == {"total": 17, "critical": {}}
    assert found["buildings"]["total"] == 7
    wider = facts(ask, agent, radius_m=52)
    assert wider["buildings"]["total"] == 7 + 1, "the house of (30, 68) begins at 63 m north"
    assert wider["customers"]["total"] == 17, "its service line ends in its middle"
    assert all(name not in str(found) for name in ("Miller", "+1202555", "100001"))


def test_critical_customers_are_counted_by_their_kind(ask: Ask, agent: Headers) -> None:
    """The hospital is the first house on H23, at (230, 252)."""
    found = facts(ask, agent, Town.place(230.0, 252.0), radius_m=10)["customers"]
    assert found == {"total": 1, "critical": {"hospital": 1}}


def test_streets_and_land_come_nearest_first(ask: Ask, agent: Headers, session: Session) -> None:
    """Mill Street is 12 m away, Ash Avenue 30 m, Church Street 68 m; from row 5 the river (450 to 500 m north) is 50 m away."""
    found = facts(ask, agent, radius_m=70)
    assert [one["name"] for one in found["streets"]["items"]] == [
        "Mill Street",
        "Ash Avenue",
        "Church Street",
    ]
    told = [one["distance_m"] for one in found["streets"]["items"]]
    assert told == pytest.approx([12.0, 30.0, 68.0], abs=0.1)
    assert found["land"] == {"items": [], "total": 0}
    river = facts(ask, agent, Town.place(30.0, 400.0))["land"]["items"][0]
    assert (river["kind"], river["name"]) == ("water", "River")
    assert river["distance_m"] == pytest.approx(50.0, abs=0.1)
    inside = facts(ask, agent, Town.place(30.0, 460.0))["land"]["items"][0]
    assert inside["distance_m"] == 0.0


def test_the_list_is_cut_and_says_how_many_there_are(ask: Ask, agent: Headers, session: Session) -> None:
    found = facts(ask, agent, Town.place(200.0, 160.0), radius_m=500)["buildings"]
    assert len(found["items"]) == 50
    assert found["total"] == 140 - sum(
        1 for x, y in outlines() if ((x - 200.0) ** 2 + (y - 160.0) ** 2) ** 0.5 > 500.0
    )


def outlines() -> list[tuple[float, float]]:
    """The corner of each house nearest to (200, 160), by the town's description."""
    doors = [
        (100.0 * c + x, 80.0 * r + y)
        for c in range(6)
        for r in range(6)
        if c != 3 or r == 0
        for x in (30, 70)
        for y in (12, -12)
    ]
    doors += [(x, 80.0 * r + y) for r in (0, 1, 2, 4) for x in (-12.0, 12.0) for y in (25, 55)]
    return [(min(max(200.0, x - 5), x + 5), min(max(160.0, y - 5), y + 5)) for x, y in doors]


def test_shutdowns_ahead_are_told_where_their_cut_off_reaches(
    ask: Ask, agent: Headers, town: Town, session: Session
) -> None:
    """Row 5 hangs on row 0, not row 0 on row 5; what is called off, over or far ahead is not told."""
    soon, later = timedelta(days=1), timedelta(days=90)
    row_0 = shutdown(session, town, "H00", starts_in=soon)
    row_5 = shutdown(session, town, "H05", starts_in=timedelta(hours=-1))
    shutdown(session, town, "V60", starts_in=soon)
    shutdown(session, town, "H10", starts_in=soon, called_off=True)
    shutdown(session, town, "H10", starts_in=timedelta(hours=-5))
    shutdown(session, town, "H10", starts_in=later)
    assert [one["id"] for one in facts(ask, agent)["shutdowns"]] == [str(row_0.id)]
    far = facts(ask, agent, Town.on_pipe("H05", 30.0, left_m=12.0))["shutdowns"]
    assert [(one["id"], one["title"]) for one in far] == [
        (str(row_5.id), "Work on H05"),
        (str(row_0.id), "Work on H00"),
    ]


def test_far_from_any_main_there_is_none(ask: Ask, agent: Headers) -> None:
    found = facts(ask, agent, Town.place(-180.0, 590.0))
    assert (found["main"], found["shutdowns"], found["customers"]["total"]) == (None, [], 0)


def test_the_datum_is_converted(ask: Ask, agent: Headers) -> None:
    shifted = from_wgs84(MILL, Datum.BD09)
    found = facts(ask, agent, shifted, datum="bd09", radius_m=5)
    assert found["point"] == pytest.approx({"lon": MILL.lon, "lat": MILL.lat}, abs=1e-6)
    assert found["customers"]["total"] == 11


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"lon": 200.0}, "#/lon"),
        ({"lat": "north"}, "#/lat"),
        ({"lat": "nan"}, "#/lat"),
        ({"radius_m": 0}, "#/radius_m"),
        ({"radius_m": 501}, "#/radius_m"),
        ({"radius_m": "inf"}, "#/radius_m"),
        ({"datum": "mars"}, "#/datum"),
        ({"colour": "red"}, "#/colour"),
    ],
)
def test_malformed_questions_are_named_by_their_place(
    ask: Ask, agent: Headers, asked: dict[str, Any], pointer: str
) -> None:
    said = facts(ask, agent, expect=422, **asked)
    assert [error["pointer"] for error in said["errors"]] == [pointer]


def test_swapped_axes_are_told(ask: Ask, agent: Headers) -> None:
    said = ask("GET", "/api/places/near", agent, expect=422, params={"lon": MILL.lat, "lat": MILL.lon})
    assert "swapped" in said["detail"]


def test_nothing_outside_a_persons_area_is_told(ask: Ask, agent: Headers, east_agent: Headers) -> None:
    """The border of his area runs at 350 m; the closed valve VH30 stands at (398, 0), VV30 at (300, 2)."""
    assert facts(ask, east_agent, expect=422)["type"] == "/problems/outside-service-area"
    edge = Town.place(352.0, 12.0)
    codes = {
        who: {one["asset_code"] for one in facts(ask, headers, edge)["valves"]["items"]}
        for who, headers in (("all", agent), ("east", east_agent))
    }
    assert "VV30" in codes["all"] - codes["east"]
    assert "VH30" in codes["east"]
    seen, all_there = (
        facts(ask, who, edge, radius_m=90)["customers"]["total"] for who in (east_agent, agent)
    )
    assert (seen, all_there) == (4, 8), (
        "H30 has houses at 330 (two, west of the border) and 370; H40 has them from 430 on"
    )


def test_crews_are_not_answered_here(ask: Ask, town: Town, log_in: Any) -> None:
    facts(ask, log_in("crew"), expect=403)
