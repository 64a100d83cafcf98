"""Roads closed and slowed on the town's grid: from when to when, by whom, what becomes of the ways."""

from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import delete, select

from core import clock
from core.clock import Clock, real_now, utc_now
from core.models import AuditEntry
from gis.coordinates import LonLat, loaded, straight_line_m
from gis.models import RoadClosure, ServiceArea
from gis.roads import current
from gis.roads.current import current_roads
from gis.roads.engine import route_between, ways_to
from gis.roads.storing import store_road_graph
from gis.service_area import forget_area
from tests.town import Town, town_roads

WEST, EAST = Town.junction(2, 0), Town.junction(3, 0)
SITE = Town.on_pipe("H20", 50.0)
OPEN_S, ROUND_S = 10.0, 26.0
"""Along Mill Street; round by Church Street: 8 + 10 + 8."""
CLOSURES = "/api/roads/closures"


@pytest.fixture
def dispatcher(town, log_in):
    return log_in("dispatcher")


def body(place: LonLat, **more: object) -> dict[str, object]:
    return {"lon": place.lon, "lat": place.lat, "datum": "wgs84"} | more


def at_site(**more: object) -> dict[str, object]:
    return {"cause": "works", "reason": "trench", "point": body(SITE), "radius_m": 10.0} | more


@pytest.fixture
def close(client, dispatcher):
    def close(**wanted):
        answer = client.post(CLOSURES, json=at_site(**wanted), headers=dispatcher)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return close


def seconds(session) -> float:
    return round(route_between(session, WEST, EAST).seconds, 1)


def later(**span: float) -> None:
    now = real_now()
    clock.use(Clock(now, now + timedelta(**span)))


def test_a_closure_is_gone_round_until_it_is_lifted(session, client, dispatcher, close):
    assert seconds(session) == OPEN_S
    made = close()
    assert seconds(session) == ROUND_S
    lifted = client.post(f"{CLOSURES}/{made['id']}/lift", headers=dispatcher).json()
    assert lifted["lifted_at"]
    assert lifted["lifted_by"]
    assert seconds(session) == OPEN_S
    again = client.post(f"{CLOSURES}/{made['id']}/lift", headers=dispatcher)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/closure-over")
    deeds = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert [deed for deed in deeds if deed.startswith("road_closure")] == [
        "road_closure.make",
        "road_closure.lift",
    ]


def test_a_closure_holds_from_its_start_to_its_end(session, close):
    now = utc_now()
    close(starts_at=(now + timedelta(hours=1)).isoformat(), ends_at=(now + timedelta(hours=2)).isoformat())
    assert seconds(session) == OPEN_S
    later(hours=1, minutes=1)
    assert seconds(session) == ROUND_S
    later(hours=2, minutes=1)
    assert seconds(session) == OPEN_S


@pytest.mark.parametrize(("factor", "expected"), [(2.0, 20.0), (3.0, ROUND_S)])
def test_a_slowed_street_takes_so_many_times_as_long(session, close, factor, expected):
    close(slowdown=factor)
    assert seconds(session) == expected


def test_where_closures_meet_the_worst_holds(session, client, dispatcher, close):
    close(slowdown=2.0)
    shut = close()
    assert seconds(session) == ROUND_S
    client.post(f"{CLOSURES}/{shut['id']}/lift", headers=dispatcher)
    assert seconds(session) == 20.0


def test_crews_still_get_to_a_site_within_a_closure(session, close):
    """Six blocks touch 90 m round the site: three of Mill Street, two avenues, one of Church Street; beyond them the crew stops."""
    close(radius_m=90.0)
    roads = current_roads(session)
    assert roads.is_shut(np.arange(len(roads.line_factor))).sum() == 6
    crew = Town.junction(0, 3)
    (travel,) = ways_to(session, [crew], SITE).travels()
    assert travel.seconds is not None
    arrived = route_between(session, crew, SITE).geometry[-1]
    assert straight_line_m(arrived, SITE) == pytest.approx(94.3, abs=1.0)  # J21 or J31: 50 m beside, 80 m up
    (out,) = ways_to(session, [SITE], crew).travels()
    assert out.snapped_m == pytest.approx(94.3, abs=1.0)


def test_a_change_takes_its_place_and_what_it_was_stays_on_record(session, client, dispatcher, close):
    made, before = close(), utc_now()
    moved = client.put(
        f"{CLOSURES}/{made['id']}",
        json=at_site(point=body(Town.on_pipe("H21", 50.0)), reason="moved", subject_id=str(uuid4())),
        headers=dispatcher,
    ).json()
    assert moved["id"] == made["id"]
    assert moved["starts_at"] == made["starts_at"]
    assert seconds(session) == OPEN_S
    history = client.get(f"{CLOSURES}/{made['id']}", headers=dispatcher).json()["items"]
    assert [one["reason"] for one in history] == ["moved", "trench"]
    assert history[1]["superseded_at"] == history[0]["created_at"]
    assert session.query(RoadClosure).count() == 2
    assert listed(client, dispatcher) == ["moved"]
    assert listed(client, dispatcher, at=before.isoformat()) == ["trench"]


def listed(client, headers, **between) -> list[str]:
    answer = client.get(CLOSURES, params=between, headers=headers)
    assert answer.status_code == 200, answer.text
    return [one["reason"] for one in answer.json()["items"]]


def test_closures_are_listed_as_they_hold_or_held(client, dispatcher, close):
    now = utc_now()
    close(
        reason="night",
        starts_at=(now + timedelta(hours=5)).isoformat(),
        ends_at=(now + timedelta(hours=9)).isoformat(),
    )
    lifted = close(reason="lifted")
    client.post(f"{CLOSURES}/{lifted['id']}/lift", headers=dispatcher)
    close(reason="open end")
    assert listed(client, dispatcher) == ["open end"]
    assert listed(client, dispatcher, at=(now + timedelta(hours=6)).isoformat()) == ["open end", "night"]
    assert listed(client, dispatcher, starts_at=(now - timedelta(hours=1)).isoformat()) == [
        "open end",
        "lifted",
        "night",
    ]
    assert listed(client, dispatcher, ends_at=(now + timedelta(hours=2)).isoformat()) == [
        "open end",
        "lifted",
    ]


def test_roads_are_closed_along_lines_over_mains_and_by_polygons(session, client, dispatcher, town):
    def blocked(**place: object) -> float:
        answer = client.post(CLOSURES, json={"cause": "hand", "reason": "x"} | place, headers=dispatcher)
        assert answer.status_code == 201, answer.text
        found = seconds(session)
        client.post(f"{CLOSURES}/{answer.json()['id']}/lift", headers=dispatcher)
        return found

    across = [body(Town.place(250, -20)), body(Town.place(250, 20))]
    assert blocked(line=across, width_m=4.0) == ROUND_S
    assert blocked(pipe_ids=[str(town.pipes["H20"])]) == ROUND_S
    assert blocked(pipe_ids=[str(town.pipes["V20"])]) == OPEN_S  # the crossing at its end stays open
    assert blocked(segment_ids=[town.segments["H20"]]) == ROUND_S
    ring = [Town.place(*corner) for corner in ((240, -9), (260, -9), (260, 9), (240, 9), (240, -9))]
    polygon = {"type": "Polygon", "coordinates": [[[one.lon, one.lat] for one in ring]]}
    assert blocked(polygon=polygon) == ROUND_S


@pytest.mark.parametrize(
    "wanted",
    [
        {"point": None, "radius_m": None},
        {"radius_m": None},
        {"width_m": 3.0},
        {"slowdown": 1.0},
        {"reason": ""},
        {"ends_at": "2020-01-01T00:00:00Z"},
        {"point": {"lon": 10.0, "lat": 90.0}},
        {"point": None, "radius_m": None, "line": [body(SITE), body(SITE)], "width_m": 4.0},
        {"point": None, "radius_m": None, "segment_ids": [1 << 40]},
        {"point": None, "radius_m": None, "pipe_ids": [str(uuid4())]},
        {"point": None, "radius_m": None, "polygon": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}},
        {
            "point": None,
            "radius_m": None,
            "polygon": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]]},
        },
    ],
)
def test_what_makes_no_sense_is_refused(client, dispatcher, wanted):
    answer = client.post(CLOSURES, json=at_site(**wanted), headers=dispatcher)
    assert answer.status_code in (404, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_closures_elsewhere_do_not_exist_for_somebody_with_an_area(client, log_in, dispatcher, close):
    ring = ", ".join(f"{one.lon} {one.lat}" for one in (Town.place(*at) for at in ((350, -200), (800, -200), (800, 600), (350, 600), (350, -200))))  # fmt: skip
    east = log_in("dispatcher", area_wkt=f"MULTIPOLYGON((({ring})))")
    made = close()
    assert listed(client, east) == []
    for answer in (
        client.get(f"{CLOSURES}/{made['id']}", headers=east),
        client.put(f"{CLOSURES}/{made['id']}", json=at_site(), headers=east),
        client.post(f"{CLOSURES}/{made['id']}/lift", headers=east),
    ):
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/closure-not-found")
    beyond = client.post(CLOSURES, json=at_site(), headers=east)
    assert (beyond.status_code, beyond.json()["type"]) == (422, "/problems/closure-elsewhere")
    his = client.post(
        CLOSURES, json=at_site(point=body(Town.on_pipe("H50", 50.0)), reason="his"), headers=east
    )
    assert his.status_code == 201
    assert listed(client, east) == ["his"]


def ring_of(west_m, south_m, east_m, north_m) -> list[list[float]]:
    corners = ((west_m, south_m), (east_m, south_m), (east_m, north_m), (west_m, north_m), (west_m, south_m))
    return [[one.lon, one.lat] for one in (Town.place(*at) for at in corners)]


def by_polygon(*ring: list[float]) -> dict[str, object]:
    return {"cause": "hand", "reason": "x", "polygon": {"type": "Polygon", "coordinates": [list(ring)]}}


def refused(client, headers, wanted) -> tuple[int, str]:
    answer = client.post(CLOSURES, json=wanted, headers=headers)
    return answer.status_code, answer.json()["type"]


def test_a_closure_with_swapped_axes_is_refused(client, dispatcher):
    """The town lies at 40 degrees north and 33 west; the other way round that is at sea."""
    swapped = at_site(point={"lon": SITE.lat, "lat": SITE.lon, "datum": "wgs84"})
    assert refused(client, dispatcher, swapped) == (422, "/problems/closure-outside-service-area")


def test_a_change_may_not_carry_a_closure_out_of_the_service_area(session, client, dispatcher, close):
    made = close()
    far = at_site(point={"lon": SITE.lon + 1.0, "lat": SITE.lat, "datum": "wgs84"})
    answer = client.put(f"{CLOSURES}/{made['id']}", json=far, headers=dispatcher)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/closure-outside-service-area")
    assert seconds(session) == ROUND_S


def test_without_a_service_area_the_extent_of_the_roads_counts(session, client, dispatcher, close):
    """Inside the grid's box, though 40 m off its streets, is near enough; a degree east is not."""
    session.execute(delete(ServiceArea))
    forget_area(session)
    close(point=body(Town.place(250, 40)))
    far = at_site(point={"lon": SITE.lon + 1.0, "lat": SITE.lat, "datum": "wgs84"})
    assert refused(client, dispatcher, far) == (422, "/problems/closure-outside-service-area")


@pytest.mark.parametrize(
    "ring",
    [
        [[-179, -89], [179, -89], [179, 89], [-179, 89], [-179, -89]],
        ring_of(-10_000, -100, 10_100, 500),
        ring_of(200, -15_000, 300, 5_100),
    ],
)
def test_a_closure_of_more_than_20_km_from_side_to_side_is_refused(client, dispatcher, ring):
    assert refused(client, dispatcher, by_polygon(*ring)) == (422, "/problems/closure-too-large")


def test_a_large_closure_of_less_than_20_km_is_taken(session, close):
    close(radius_m=5000.0)
    assert current_roads(session).is_shut(np.arange(len(current_roads(session).line_factor))).all()


def test_what_reaches_beyond_ones_area_is_neither_lifted_nor_changed(session, client, log_in, close):
    """The closure covers Mill Street's third block, from 200 to 300 m; his area ends within it."""
    ring = ", ".join(f"{lon} {lat}" for lon, lat in ring_of(250, -200, 800, 600))
    east = log_in("dispatcher", area_wkt=f"MULTIPOLYGON((({ring})))")
    made = close()
    assert listed(client, east) == ["trench"]
    for answer in (
        client.post(f"{CLOSURES}/{made['id']}/lift", headers=east),
        client.put(
            f"{CLOSURES}/{made['id']}", json=at_site(point=body(Town.on_pipe("H50", 50.0))), headers=east
        ),
    ):
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/closure-beyond-area")
    assert seconds(session) == ROUND_S


def test_unknown_segments_and_mains_are_refused_by_name(client, dispatcher, town):
    known, unknown = town.segments["H20"], max(town.segments.values()) + 7
    nobody = uuid4()
    for wanted, named in (
        ({"segment_ids": [known, unknown]}, str(unknown)),
        ({"pipe_ids": [str(town.pipes["H20"]), str(nobody)]}, str(nobody)),
    ):
        answer = client.post(CLOSURES, json={"cause": "hand", "reason": "x"} | wanted, headers=dispatcher)
        assert answer.status_code == 404
        assert answer.json()["detail"].count(named) == 1
        assert f" {known} " not in answer.json()["detail"]


@pytest.mark.parametrize(
    ("west_m", "told"),
    [(250, (422, "/problems/closure-elsewhere")), (550, (404, "/problems/segment-not-found"))],
)
def test_a_segment_is_closed_whole_or_not_at_all(client, log_in, town, west_m, told):
    """An area that begins within the segment's main does not hold it; from one farther east it is not seen."""
    ring = ", ".join(f"{lon} {lat}" for lon, lat in ring_of(west_m, -200, 800, 600))
    east = log_in("dispatcher", area_wkt=f"MULTIPOLYGON((({ring})))")
    wanted = {"cause": "hand", "reason": "x", "segment_ids": [town.segments["H20"]]}
    assert refused(client, east, wanted) == told


def test_lists_are_as_long_as_is_asked_and_the_newest_come_first(client, dispatcher, close):
    for reason in ("first", "second", "third"):
        close(reason=reason)
    assert listed(client, dispatcher, limit=2) == ["third", "second"]
    assert listed(client, dispatcher, starts_at="2020-01-01T00:00:00Z", limit=1) == ["third"]
    assert client.get(CLOSURES, params={"limit": 1001}, headers=dispatcher).status_code == 422


def test_a_closure_names_who_made_and_who_lifted_it(client, log_in, town):
    making = log_in("dispatcher", display_name="Wang Fang")
    lifting = log_in("dispatcher", display_name="Ann Lee")
    made = client.post(CLOSURES, json=at_site(), headers=making).json()
    assert (made["created_by_name"], made["lifted_by_name"]) == ("Wang Fang", None)
    lifted = client.post(f"{CLOSURES}/{made['id']}/lift", headers=lifting).json()
    assert (lifted["created_by_name"], lifted["lifted_by_name"]) == ("Wang Fang", "Ann Lee")


def test_agents_see_closures_and_do_not_make_them(client, log_in, close):
    made, agent = close(), log_in("agent")
    assert listed(client, agent) == ["trench"]
    assert client.post(CLOSURES, json=at_site(), headers=agent).status_code == 403
    assert client.post(f"{CLOSURES}/{made['id']}/lift", headers=agent).status_code == 403


def test_the_graph_stays_as_it_is_and_only_what_changed_is_worked_out(session, close, monkeypatch):
    before = current_roads(session)
    times = before.graph.edge_time_s.copy()
    close()
    asked = []
    found = current.slowed_lines
    monkeypatch.setattr(current, "slowed_lines", lambda *given: asked.append(given[2]) or found(*given))
    first = current_roads(session)
    assert current_roads(session) is first
    close(point=body(Town.on_pipe("H43", 50.0)))
    second = current_roads(session)
    assert [len(revisions) for revisions in asked] == [1, 1]
    assert np.isinf(second.line_factor).sum() == 2
    assert second.graph is first.graph is before.graph
    assert before.graph.edge_time_s.tolist() == times.tolist()


def test_closures_stay_when_the_roads_are_read_anew(session, close):
    close()
    store_road_graph(session, town_roads(), source="again")
    assert seconds(session) == ROUND_S


def test_an_area_is_kept_as_polygons_in_longitude_and_latitude(session, close):
    close()
    (area,) = session.scalars(select(RoadClosure.area)).all()
    assert loaded(area).contains(SITE.as_point())
    assert loaded(area).geom_type == "MultiPolygon"
