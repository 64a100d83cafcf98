"""What is at a point of the small town, and on which side of the street."""

import pytest
import shapely

from gis.coordinates import Datum, LonLat, from_wgs84
from gis.places.reverse import Quarter, is_across, side_of_street
from tests.town import Town

STREET = shapely.MultiLineString(
    [[(0, 0), (50, 0)], [(100, 0), (50, 0)]]
)  # its pieces drawn towards each other


@pytest.mark.parametrize(
    ("at", "side"),
    [
        ((25, 8), Quarter.NORTH),
        ((75, 8), Quarter.NORTH),
        ((75, -8), Quarter.SOUTH),
        ((110, 3), Quarter.EAST),
        ((-9, 3), Quarter.WEST),
        ((30, 0.4), None),
    ],
)
def test_the_side_of_a_street_is_told_as_people_say_it(at, side):
    assert side_of_street(STREET, shapely.Point(at)) is side


def test_two_points_lie_across_a_street_where_it_lies_between():
    north, further, south = shapely.Point(20, 8), shapely.Point(80, 12), shapely.Point(80, -8)
    assert not is_across(STREET, north, further)
    assert is_across(STREET, north, south)
    assert is_across(STREET, south, north)


# --- through the API ---------------------------------------------------------------------------------


@pytest.fixture
def agent(town, log_in):
    return log_in("agent")


def ask(client, headers, place: LonLat, **more: object):
    return client.get(
        "/api/places/reverse", params={"lon": place.lon, "lat": place.lat} | more, headers=headers
    )


def test_a_point_before_a_house_is_told_its_address_street_and_main(client, agent, town):
    """6 m south of the door of 9 Market Street, which is 12 m north of H22, 30 m along it."""
    answer = ask(client, agent, Town.on_pipe("H22", 30.0, left_m=6.0))
    assert answer.status_code == 200
    found = answer.json()
    assert found["street"] == {
        "name": "Market Street",
        "distance_m": pytest.approx(6.0, abs=0.02),
        "side": "north",
    }
    first, second, third = found["addresses"][:3]
    assert (first["text"], first["house_number"], first["is_across"]) == ("9 Market Street", "9", False)
    assert first["distance_m"] == pytest.approx(6.0, abs=0.02)
    assert (second["text"], second["is_across"]) == ("10 Market Street", True)
    assert second["distance_m"] == pytest.approx(18.0, abs=0.03)
    # 11 Market Street is 40 m along and 6 m away from the street's line as the door of 9 is.
    assert (third["text"], third["distance_m"]) == ("11 Market Street", pytest.approx(40.45, abs=0.05))
    main = found["main"]
    assert (main["pipe_code"], main["side"], main["chainage_m"]) == (
        "H22",
        "left",
        pytest.approx(30.0, abs=0.02),
    )
    assert (main["segment_id"], main["zone_id"]) == (town.segments["H22"], str(town.zones["West"]))
    assert 0.5 < main["confidence"] <= 1.0


def test_an_address_of_another_street_lies_neither_across_nor_not(client, agent, town):
    found = ask(client, agent, Town.on_pipe("V00", 40.0, left_m=-6.0)).json()
    assert found["street"]["name"] == "Ash Avenue"
    assert found["street"]["side"] == "east"
    across = {near["text"]: near["is_across"] for near in found["addresses"]}
    assert across["1 Ash Avenue"] is True
    assert across["2 Ash Avenue"] is False
    assert {near["is_across"] for near in found["addresses"] if near["street"] != "Ash Avenue"} <= {None}


def test_a_point_of_a_chinese_map_says_so(client, agent, town):
    place = Town.on_pipe("H22", 30.0, left_m=6.0)
    meant = from_wgs84(place, Datum.GCJ02)
    answer = ask(client, agent, meant, datum="gcj02")
    assert answer.json()["point"] == {"lon": round(place.lon, 7), "lat": round(place.lat, 7)}


def test_where_nothing_is_near_nothing_is_claimed(client, agent, town):
    found = ask(client, agent, Town.place(-190.0, 590.0)).json()
    assert (found["street"], found["addresses"], found["main"]) == (None, [], None)


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"lon": 10.0, "lat": 10.0}, "outside-service-area"),
        ({"lon": 200.0, "lat": 10.0}, None),
        ({"lon": "nan", "lat": 10.0}, None),
        ({"lon": 10.0}, None),
        ({"lon": 10.0, "lat": 10.0, "datum": "mars"}, None),
    ],
)
def test_a_point_that_cannot_be_is_refused(client, agent, town, params, problem):
    answer = client.get("/api/places/reverse", params=params, headers=agent)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert problem is None or answer.json()["type"].endswith(problem)


def test_swapped_axes_are_told(client, agent, town):
    place = Town.place(300, 200)
    answer = client.get("/api/places/reverse", params={"lon": place.lat, "lat": place.lon}, headers=agent)
    assert answer.status_code == 422
    assert "swapped" in answer.json()["detail"]


def test_nothing_leaves_a_persons_area(client, log_in, town):
    """East of x = 350 only: the west does not exist for him, and what lies just beyond his border neither."""
    corners = [Town.place(x, y) for x, y in ((350, -100), (700, -100), (700, 500), (350, 500), (350, -100))]
    ring = ", ".join(f"{p.lon} {p.lat}" for p in corners)
    east = log_in("dispatcher", area_wkt=f"MULTIPOLYGON((({ring})))")
    refused = ask(client, east, Town.on_pipe("H22", 30.0, left_m=6.0))
    assert (refused.status_code, refused.json()["type"].split("/")[-1]) == (422, "outside-service-area")


def test_mains_beyond_a_persons_area_are_not_what_else_is_meant(client, agent, log_in, town):
    """North of y = 168 only. The point is 4 m from V42; V41 and H42 end 12 m south of it, at J42 (400, 160)."""
    place = Town.place(404.0, 172.0)
    corners = [Town.place(x, y) for x, y in ((0, 168), (700, 168), (700, 500), (0, 500), (0, 168))]
    ring = ", ".join(f"{p.lon} {p.lat}" for p in corners)
    north = log_in("supervisor", area_wkt=f"MULTIPOLYGON((({ring})))")
    for answer in (main_told, locate):
        seen, known = (answer(client, who, place) for who in (agent, north))
        assert {"V42", "V41", "H42"} <= mains(seen)
        assert mains(known) == mains(seen) - SOUTH
        assert "V42" in mains(known)


SOUTH = {f"{way}{column}{row}" for way in "HV" for column in range(7) for row in range(2)}
SOUTH |= {f"H{column}2" for column in range(6)}
"""What lies wholly south of y = 168."""


def main_told(client, headers, place: LonLat):
    return ask(client, headers, place).json()["main"]


def locate(client, headers, place: LonLat):
    return client.post(
        "/api/locate", json={"point": {"lon": place.lon, "lat": place.lat}}, headers=headers
    ).json()


def mains(found) -> set[str]:
    """The main of an answer, and those it could be instead."""
    return {found["pipe_code"], *(other["pipe_code"] for other in found["alternatives"])}


def test_nobody_is_answered_without_the_permission(client, log_in, town):
    place = Town.place(300, 200)
    assert ask(client, {}, place).status_code == 401
    assert ask(client, log_in("crew"), place).status_code == 403


@pytest.mark.parametrize("at", [(30.0, 12.0), (92.0, 11.0), (96.0, 6.0), (250.0, 35.0), (360.0, 200.0)])
def test_the_facts_are_of_the_main_that_is_told(client, agent, town, at):
    place = Town.place(*at)
    told = ask(client, agent, place).json()["main"]
    facts = client.get("/api/places/near", params={"lon": place.lon, "lat": place.lat}, headers=agent)
    known = facts.json()["main"]
    assert (known["id"], known["confidence"]) == (
        told["pipe_id"],
        pytest.approx(told["confidence"], abs=1e-4),
    )
