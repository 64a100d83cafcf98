"""Ways, drive-time areas and cover over HTTP, checked by hand on the town's grid; everybody drives 10 m/s."""

import pytest
import shapely
import shapely.geometry
from sqlalchemy import delete, select, update
from sqlalchemy.event import listen, remove

from core.db import new_id
from gis.coordinates import Datum, LonLat, from_wgs84, loaded, metric_plane
from gis.models import Address, CustomerAccount, ServiceArea
from gis.roads.storing import store_road_graph
from tests.town import SRID, Town, town_roads

TOWN_ROAD_M = 6 * 600.0 + 7 * 400.0
FAR = {"lon": -33.0, "lat": 41.0}


@pytest.fixture
def agent(town, log_in):
    return log_in("agent")


@pytest.fixture
def ask(client, agent):
    def ask(what, **wanted):
        answer = client.post(f"/api/roads/{what}", json=wanted, headers=agent)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


def body(place: LonLat, datum: str = "wgs84") -> dict[str, object]:
    given = from_wgs84(place, Datum(datum))
    return {"lon": given.lon, "lat": given.lat, "datum": datum}


def area_of(feature):
    """In metres, with the rings turned as RFC 7946 wants them."""
    found = shapely.geometry.shape(feature["geometry"])
    assert found.is_valid
    assert all(part.exterior.is_ccw for part in found.geoms)
    return metric_plane(SRID).project(found)


def spot(east_m, north_m):
    return metric_plane(SRID).point(Town.place(east_m, north_m))


# --- ways ------------------------------------------------------------------------------------------


def test_a_way_is_drawn_and_told_in_either_language(ask):
    ends = {"from": body(Town.place(250, 0)), "to": body(Town.place(130, 160))}
    way = ask("route", **ends)
    assert (way["seconds"], way["metres"]) == (28.0, 280.0)
    assert way["geometry"]["type"] == "LineString"
    assert [step["instruction"] for step in way["steps"]] == [
        "Head west along Mill Street",
        "Turn right onto Cedar Avenue",
        "Turn left onto Market Street",
    ]
    turned = Town.junction(2, 0)
    assert way["steps"][1]["point"] == pytest.approx({"lon": turned.lon, "lat": turned.lat}, abs=2e-7)
    assert [step["instruction"] for step in ask("route", **ends, language="zh")["steps"]] == [
        "沿Mill Street向西出发",
        "右转，进入Cedar Avenue",
        "左转，进入Market Street",
    ]
    assert way["closures_avoided"] == []


def test_a_way_names_the_closures_it_goes_round(client, ask, log_in):
    def close(name: str) -> str:
        wanted = {"cause": "works", "reason": name, "point": body(Town.on_pipe(name, 50.0)), "radius_m": 5.0}
        return client.post("/api/roads/closures", json=wanted, headers=log_in("dispatcher")).json()["id"]

    avoided, _elsewhere = close("H20"), close("H44")
    way = ask("route", **{"from": body(Town.junction(2, 0)), "to": body(Town.junction(3, 0))})
    assert way["seconds"] == 26.0
    assert way["closures_avoided"] == [avoided]


def test_points_are_taken_in_the_datum_they_name(ask):
    shanghai = LonLat(lon=121.47, lat=31.23)
    assert body(shanghai, "gcj02")["lon"] != shanghai.lon  # in the town, at sea, both are the same
    ends = {"from": body(Town.junction(0, 0), "bd09"), "to": body(Town.junction(2, 0), "gcj02")}
    assert ask("route", **ends)["seconds"] == pytest.approx(20.0, abs=0.1)


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("route", {"from": FAR, "to": {"lon": -33.0, "lat": 40.0}}),
        ("route", {"from": {"lon": -33.0, "lat": 40.0}, "to": FAR}),
        ("reach", {"point": FAR}),
        ("cover", {"points": [{"lon": -33.0, "lat": 40.0}, FAR]}),
    ],
)
def test_too_far_from_a_road_is_refused(client, agent, what, wanted):
    answer = client.post(f"/api/roads/{what}", json=wanted, headers=agent)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/no-road-nearby")


# --- drive-time areas ------------------------------------------------------------------------------


def reach(ask, place, *seconds, **more):
    found = ask("reach", point=body(place), minutes=[one / 60.0 for one in seconds], **more)
    assert found["type"] == "FeatureCollection"
    return found["features"]


def test_ten_seconds_from_a_corner_reach_a_hundred_metres_along_the_streets_one_ways_obeyed(ask):
    """Mill Street to the next corner, Ash Avenue 100 m, and from its first corner 20 m east along Church Street."""
    (feature,) = reach(ask, Town.junction(0, 0), 10.0)
    assert feature["properties"]["road_m"] == pytest.approx(100 + 100 + 20, abs=0.2)
    area = area_of(feature)
    assert all(area.contains(spot(*at)) for at in ((99, 0), (145, 0), (0, 145), (15, 80), (0, -45)))
    assert not any(area.intersects(spot(*at)) for at in ((156, 0), (0, 156), (100, 80)))


def test_one_way_streets_reach_a_place_from_behind_only(ask):
    """Towards the corner nobody comes west along Church Street."""
    (feature,) = reach(ask, Town.junction(0, 0), 10.0, towards=True)
    assert feature["properties"]["road_m"] == pytest.approx(100 + 100, abs=0.2)


@pytest.mark.parametrize(("towards", "west", "east"), [(False, 240, 270), (True, 210, 240)])
def test_a_one_way_street_is_cut_where_the_time_runs_out(ask, towards, west, east):
    (feature,) = reach(ask, Town.on_pipe("H21", 40.0), 3.0, towards=towards)
    assert feature["properties"]["road_m"] == pytest.approx(30.0, abs=0.1)
    bounds = area_of(feature).bounds
    assert bounds[0] == pytest.approx(spot(west - 50, 0).x, abs=3.0)
    assert bounds[2] == pytest.approx(spot(east + 50, 0).x, abs=3.0)


def test_longer_times_hold_shorter_ones_and_come_after_them(ask):
    features = reach(ask, Town.on_pipe("H33", 50.0), 30.0, 10.0, 600.0, 10.0)
    assert [round(one["properties"]["minutes"] * 60) for one in features] == [10, 30, 600]
    small, middle, large = (area_of(one) for one in features)
    assert middle.buffer(10).contains(small)
    assert large.buffer(10).contains(middle)
    assert features[-1]["properties"]["road_m"] == pytest.approx(TOWN_ROAD_M, abs=1.0)


def test_each_area_is_the_same_alone_and_among_others(ask):
    place = Town.on_pipe("H21", 40.0)
    together = [area_of(one) for one in reach(ask, place, 5.0, 12.0, 20.0)]
    for seconds, area in zip((5.0, 12.0, 20.0), together, strict=True):
        (alone,) = reach(ask, place, seconds)
        assert area.symmetric_difference(area_of(alone)).area < 0.02 * area.area


@pytest.mark.parametrize("minutes", [[61.0], [5.0, 10.0, 15.0, 20.0, 25.0]])
def test_more_than_an_hour_or_four_areas_is_refused(client, agent, minutes):
    wanted = {"point": body(Town.junction(0, 0)), "minutes": minutes}
    assert client.post("/api/roads/reach", json=wanted, headers=agent).status_code == 422


# --- cover -----------------------------------------------------------------------------------------


def test_what_nobody_reaches_in_time_is_drawn_measured_and_counted(ask):
    """From the corner of Mill Street in 10 s: 14 accounts along H00 and 4 along V00 are reached, of 150."""
    found = ask("cover", points=[body(Town.junction(0, 0))], minutes=10 / 60)
    told = found["properties"]
    assert told["road_m"] == pytest.approx(TOWN_ROAD_M, abs=1.0)
    assert told["uncovered_road_m"] == pytest.approx(TOWN_ROAD_M - 220.0, abs=1.0)
    assert told["uncovered_share"] == pytest.approx(1 - 220.0 / TOWN_ROAD_M, abs=1e-3)
    assert told["uncovered_customers"] == 150 - 18
    area = area_of(found)
    assert area.contains(spot(300, 200))
    assert not area.intersects(spot(50, 0))


@pytest.fixture
def reads_of_customers(session):
    """Statements that read customers, as they are sent."""
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_):
        if statement.startswith("SELECT") and "gis.customer_account" in statement:
            sent.append(statement)

    engine = session.get_bind().engine
    listen(engine, "before_cursor_execute", note)
    yield sent
    remove(engine, "before_cursor_execute", note)


def test_customers_are_read_once_for_a_network_and_its_roads(session, ask, reads_of_customers):
    def missed() -> int:
        found = ask("cover", points=[body(Town.junction(0, 0))], minutes=10 / 60)
        return found["properties"]["uncovered_customers"]

    assert [missed(), missed()] == [150 - 18, 150 - 18]
    assert len(reads_of_customers) == 1
    session.execute(delete(CustomerAccount))
    session.execute(update(ServiceArea).values(network_revision=new_id()))
    assert missed() == 0
    assert len(reads_of_customers) == 2
    store_road_graph(session, town_roads(), source="again")
    assert missed() == 0
    assert len(reads_of_customers) == 3


def test_customers_of_a_closed_block_are_met_on_the_nearest_open_street(ask, client, log_in):
    """In 4 s from Ash Avenue, 20 m up, Mill Street is driven for 20 m; the 12 accounts 30 m along it are met on the avenue once it is shut."""
    asked = {"points": [body(Town.place(0, 20))], "minutes": 4 / 60}
    before = ask("cover", **asked)["properties"]["uncovered_customers"]
    wanted = {"cause": "works", "reason": "x", "point": body(Town.on_pipe("H00", 50.0)), "radius_m": 5.0}
    made = client.post("/api/roads/closures", json=wanted, headers=log_in("dispatcher"))
    assert made.status_code == 201
    assert ask("cover", **asked)["properties"]["uncovered_customers"] == before - 12


def test_two_depots_cover_what_either_reaches(ask):
    one, other = body(Town.junction(0, 0)), body(Town.junction(6, 5))
    both = ask("cover", points=[one, other], minutes=10 / 60)["properties"]["uncovered_road_m"]
    missed = [ask("cover", points=[one_], minutes=10 / 60)["properties"] for one_ in (one, other)]
    assert TOWN_ROAD_M - both == pytest.approx(
        sum(TOWN_ROAD_M - alone["uncovered_road_m"] for alone in missed), abs=0.5
    )


def test_a_covered_town_has_no_gaps(ask):
    found = ask("cover", points=[body(Town.junction(3, 3))], minutes=10)
    assert found["geometry"] == {"type": "MultiPolygon", "coordinates": []}
    assert found["properties"]["uncovered_share"] == 0.0
    assert found["properties"]["uncovered_customers"] == 0


def test_cover_is_told_of_ones_own_area_only(session, client, log_in, town):
    """West of 350 m lie four avenues and 350 m of each street; streets count where their middle lies: four of six blocks reach over it."""
    corners = ((-200, -200), (340, -200), (340, 600), (-200, 600), (-200, -200))
    ring = ", ".join(f"{one.lon} {one.lat}" for one in (Town.place(*at) for at in corners))
    west = log_in("agent", area_wkt=f"MULTIPOLYGON((({ring})))")
    wanted = {"points": [body(Town.junction(0, 0))], "minutes": 10}
    told = client.post("/api/roads/cover", json=wanted, headers=west).json()["properties"]
    assert told["road_m"] == pytest.approx(6 * 300.0 + 4 * 400.0, abs=1.0)
    shown = shapely.Polygon([(one.lon, one.lat) for one in (Town.place(*at) for at in corners)])
    wanted = {"points": [body(Town.junction(6, 5))], "minutes": 1 / 60}
    told = client.post("/api/roads/cover", json=wanted, headers=west).json()["properties"]
    homes = session.scalars(
        select(Address.geom).join(CustomerAccount, CustomerAccount.address_id == Address.id)
    )
    assert told["uncovered_customers"] == sum(shown.contains(loaded(home)) for home in homes) > 0
