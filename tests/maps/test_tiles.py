"""Vector tiles over HTTP, as pages get them."""

import math

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from core.db import new_id
from gis.coordinates import LonLat
from gis.models import ServiceArea
from tests.conftest import LogIn
from tests.maps.conftest import box_wkt
from tests.maps.mvt import Layer, read_tile
from tests.town import Town


def tile_of(place: LonLat, z: int) -> tuple[int, int]:
    """Column and row of the tile a place lies in (the usual XYZ numbering)."""
    x = (place.lon + 180.0) / 360.0
    y = (1.0 - math.asinh(math.tan(math.radians(place.lat))) / math.pi) / 2.0
    return int(x * 2**z), int(y * 2**z)


def get(client: TestClient, headers: dict[str, str], name: str, place: LonLat, z: int) -> dict[str, Layer]:
    x, y = tile_of(place, z)
    answer = client.get(f"/api/tiles/{name}/{z}/{x}/{y}.mvt", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert answer.headers["content-encoding"] == "gzip"
    return read_tile(answer.content)


def test_the_whole_town_is_in_one_tile_of_a_middle_zoom(
    client: TestClient, log_in: LogIn, town: Town
) -> None:
    network = get(client, log_in("dispatcher"), "network", town.place(300, 200), 13)
    assert {pipe["asset_code"] for pipe in network["pipes"].features} == set(town.pipes)
    assert set(network) == {"pipes"}, "valves and hydrants are for close views"
    (main,) = (pipe for pipe in network["pipes"].features if pipe["asset_code"] == "FR")
    assert main["diameter_mm"] == 300
    assert main["pipe_class"] == "transmission"
    assert main["id"] == str(town.pipes["FR"])
    assert main["in_service"] is True
    assert [pipe["asset_code"] for pipe in network["pipes"].features if pipe["is_closed"]] == ["V03"]


def test_far_views_hold_wide_pipes_only(client: TestClient, log_in: LogIn, town: Town) -> None:
    network = get(client, log_in("dispatcher"), "network", town.place(300, 200), 11)
    assert {pipe["asset_code"] for pipe in network["pipes"].features} == {"FR", "FT"}


def test_close_views_show_valves_as_they_stand(client: TestClient, log_in: LogIn, town: Town) -> None:
    headers = log_in("dispatcher")
    marks = {}
    for at in (town.place(210, 160), town.place(395, 0), town.place(10, 10)):
        for valve in get(client, headers, "network", at, 16)["valves"].features:
            marks[valve["asset_code"]] = (valve["mark"], valve["bearing_deg"])
    assert marks["VV22"] == ("seized", -90)
    assert marks["VH30"] == ("closed", 0)
    assert marks["VV00"][0] == "open"


def test_streets_are_drawn_once_whichever_ways_they_go(client: TestClient, log_in: LogIn, town: Town) -> None:
    base = get(client, log_in("dispatcher"), "base", town.place(300, 200), 14)
    names = [road["name"] for road in base["roads"].features]
    assert names.count("Mill Street") == 6, "two ways, six blocks"
    assert names.count("Church Street") == 6, "one way, six blocks"
    assert {road["rank"] for road in base["roads"].features} == {3}
    assert [land["kind"] for land in base["water"].features] == ["water"]


def test_an_area_ends_the_network_but_not_the_streets(client: TestClient, log_in: LogIn, town: Town) -> None:
    headers = log_in("dispatcher", area_wkt=box_wkt(town, -100, -50, 150, 90))
    pipes = get(client, headers, "network", town.place(50, 40), 14)["pipes"].features
    assert {pipe["asset_code"] for pipe in pipes} == {
        "FR",
        "H00",
        "H10",
        "V00",
        "V10",
        "V01",
        "V11",
        "H01",
        "H11",
    }
    assert len(get(client, headers, "base", town.place(50, 40), 14)["roads"].features) > 60


def test_a_tile_is_asked_for_again_only_when_the_network_changed(
    client: TestClient, log_in: LogIn, town: Town, session: Session
) -> None:
    headers = log_in("dispatcher")
    x, y = tile_of(town.place(0, 0), 13)
    path = f"/api/tiles/network/13/{x}/{y}.mvt"
    first = client.get(path, headers=headers)
    again = client.get(path, headers=headers | {"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    session.execute(update(ServiceArea).values(network_revision=new_id()))
    changed = client.get(path, headers=headers | {"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_those_who_take_no_gzip_get_it_plain(client: TestClient, log_in: LogIn, town: Town) -> None:
    x, y = tile_of(town.place(0, 0), 14)
    answer = client.get(
        f"/api/tiles/network/14/{x}/{y}.mvt", headers=log_in("dispatcher") | {"Accept-Encoding": "identity"}
    )
    assert "content-encoding" not in answer.headers
    assert "pipes" in read_tile(answer.content)


def test_where_nothing_is_there_is_nothing_to_draw(client: TestClient, log_in: LogIn) -> None:
    assert client.get("/api/tiles/network/14/0/0.mvt", headers=log_in("dispatcher")).status_code == 204


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("network/3/8/0", 404),
        ("network/3/0/8", 404),
        ("network/17/0/0", 422),
        ("network/-1/0/0", 422),
        ("network/3/x/0", 422),
        ("customers/3/0/0", 422),
        ("network; DROP TABLE gis.pipe/3/0/0", 422),
    ],
)
def test_numbers_that_name_no_tile_are_refused(
    client: TestClient, log_in: LogIn, path: str, status: int
) -> None:
    answer = client.get(f"/api/tiles/{path}.mvt", headers=log_in("dispatcher"))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_tiles_are_for_those_who_may_read_the_map(client: TestClient, log_in: LogIn) -> None:
    assert client.get("/api/tiles/network/3/0/0.mvt").status_code == 401
    assert client.get("/api/tiles/network/3/0/0.mvt", headers=log_in("crew")).status_code == 403
