"""The standard interface over HTTP: what it says of itself, what can be asked of it, and what is refused."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import auth
from core.db import SessionFactory
from core.models import LoginSession, User
from core.settings import Settings
from dispatch.models import Incident
from gis.coordinates import metric_plane
from gis.models import Junction, LifecycleStatus, Pipe, ServiceArea, Valve
from maps.ogc.collections import COLLECTIONS
from tests.conftest import PASSWORD, PEER, LogIn
from tests.maps.conftest import Scene, box_wkt
from tests.maps.mvt import read_tile
from tests.maps.test_tiles import tile_of
from tests.town import SRID, Town

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
WEST = ("FR", "H00", "H10", "V00", "V10", "V01", "V11", "H01", "H11")
"""The pipes of the town's south-west corner."""
FORBIDDEN = (
    "phone",
    "caller",
    "address",
    "account_no",
    "customer_name",
    "display_name",
    "building",
    "street",
)


def get(client: TestClient, headers: dict[str, str], path: str, **query: object) -> dict[str, Any]:
    answer = client.get(f"/ogc{path}", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def items(
    client: TestClient, headers: dict[str, str], collection: str, **query: object
) -> list[dict[str, Any]]:
    page = get(client, headers, f"/collections/{collection}/items", **query)
    assert page["numberReturned"] == len(page["features"])
    return page["features"]


def codes(features: list[dict[str, Any]]) -> set[str]:
    return {one["properties"]["asset_code"] for one in features}


def linked(document: dict[str, Any], rel: str) -> str:
    return next(one["href"] for one in document["links"] if one["rel"] == rel)


def basic(username: str, password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


def test_the_first_page_leads_to_everything(client: TestClient, log_in: LogIn) -> None:
    headers = log_in("dispatcher")
    landing = get(client, headers, "")
    for rel in ("self", "service-desc", "service-doc", "conformance", "data"):
        answer = client.get(linked(landing, rel), headers=headers)
        assert answer.status_code == 200, rel
    assert (
        "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs"
        in get(client, headers, "/conformance")["conformsTo"]
    )
    definition = client.get(linked(landing, "service-desc"), headers=headers)
    assert definition.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    limit = definition.json()["components"]["parameters"]["limit"]["schema"]
    assert limit == {"type": "integer", "minimum": 1, "maximum": 10000, "default": 1000}


def test_collections_are_listed_with_place_and_systems(
    client: TestClient, log_in: LogIn, town: Town, scene: Scene
) -> None:
    listed = get(client, log_in("administrator"), "/collections")["collections"]
    assert [one["id"] for one in listed] == [one.name for one in COLLECTIONS]
    for one in listed:
        assert one["crs"] == [CRS84, f"{EPSG}4326", f"{EPSG}4490", f"{EPSG}{SRID}"]
        assert one["storageCrs"] == CRS84
        (west, south, east, north) = one["extent"]["spatial"]["bbox"][0]
        assert west < town.place(0, 0).lon < east
        assert south < town.place(0, 0).lat < north
    (incidents,) = (one for one in listed if one["id"] == "incidents")
    assert incidents["extent"]["temporal"]["interval"][0][1] is None


def test_every_collection_can_be_read_and_holds_what_the_definition_says(
    client: TestClient, log_in: LogIn, scene: Scene
) -> None:
    headers = log_in("administrator")
    schemas = get(client, headers, "/api")["components"]["schemas"]
    for collection in COLLECTIONS:
        features = items(client, headers, collection.name)
        if collection.name not in ("control_links",):
            assert features, collection.name
        schema = json.loads(json.dumps(schemas[collection.name]).replace(', "nullable": true', ""))
        assert list(schema["properties"]["properties"]["properties"]) == list(collection.properties)
        for feature in features:
            assert list(feature["properties"]) == list(collection.properties)
            assert feature["properties"].keys() == collection.properties.keys()
            bare = {key: value for key, value in feature["properties"].items() if value is not None}
            Draft202012Validator(schema).validate(feature | {"properties": bare, "geometry": {}})
            alone = get(client, headers, f"/collections/{collection.name}/items/{feature['id']}")
            assert alone["geometry"] == feature["geometry"]
            assert alone["properties"] == feature["properties"]


def test_no_personal_data_is_in_any_collection(client: TestClient, log_in: LogIn, scene: Scene) -> None:
    headers = log_in("administrator")
    for collection in COLLECTIONS:
        assert not [name for name in collection.properties if any(word in name for word in FORBIDDEN)]
        said = json.dumps(items(client, headers, collection.name), ensure_ascii=False)
        for word in (
            "王芳",
            "+1202555",
            "Church Street 1",
            "1 Mill Street",
            "水从路面冒出来",
            "Littlebrook Hospital",
        ):
            assert word not in said, (collection.name, word)


def test_pages_follow_each_other_while_the_network_changes(
    client: TestClient, log_in: LogIn, town: Town, session: Session
) -> None:
    headers = log_in("dispatcher")
    page = get(client, headers, "/collections/pipes/items", limit=10)
    assert page["numberMatched"] == len(town.pipes)
    seen = [one["id"] for one in page["features"]]
    first = session.get_one(Pipe, town.pipes["H00"])
    first.lifecycle_status = LifecycleStatus.ABANDONED
    session.flush()
    turns = 0
    while following := [one["href"] for one in page["links"] if one["rel"] == "next"]:
        page = client.get(following[0], headers=headers).json()
        assert page["numberReturned"] == len(page["features"]) <= 10
        seen += [one["id"] for one in page["features"]]
        turns += 1
    assert turns == 6
    assert len(seen) == len(set(seen))
    assert seen == sorted(seen)
    assert set(seen) | {str(first.id)} == {str(one) for one in town.pipes.values()}


def test_a_page_is_never_longer_than_ten_thousand(client: TestClient, log_in: LogIn) -> None:
    page = get(client, log_in("dispatcher"), "/collections/pipes/items", limit=99999)
    assert page["numberReturned"] == 68


def test_abandoned_assets_are_not_shown(
    client: TestClient, log_in: LogIn, town: Town, session: Session
) -> None:
    headers = log_in("dispatcher")
    session.execute(
        update(Pipe).where(Pipe.asset_code == "H00").values(lifecycle_status=LifecycleStatus.ABANDONED)
    )
    session.execute(
        update(Valve).where(Valve.asset_code == "VV00").values(lifecycle_status=LifecycleStatus.ABANDONED)
    )
    assert codes(items(client, headers, "pipes")) == set(town.pipes) - {"H00"}
    assert "VV00" not in codes(items(client, headers, "valves"))
    assert "H00" not in {
        one["properties"]["pipe"] for one in items(client, headers, "service_connections", limit=1000)
    }
    lost = client.get(f"/ogc/collections/pipes/items/{town.pipes['H00']}", headers=headers)
    assert lost.status_code == 404
    x, y = tile_of(town.place(0, 0), 16)
    tile = read_tile(client.get(f"/ogc/tiles/WebMercatorQuad/16/{y}/{x}", headers=headers).content)
    assert "H00" not in {one["asset_code"] for one in tile["pipes"].features}
    assert "VV00" not in {one["asset_code"] for one in tile["valves"].features}


@pytest.mark.parametrize("srid", [4326, 4490, SRID])
def test_axes_stand_in_the_order_of_their_system(
    client: TestClient, log_in: LogIn, town: Town, srid: int
) -> None:
    headers = log_in("dispatcher")
    path = f"/ogc/collections/pipes/items/{town.pipes['H00']}"
    answer = client.get(path, headers=headers, params={"crs": f"{EPSG}{srid}"})
    assert answer.headers["content-crs"] == f"<{EPSG}{srid}>"
    begin = answer.json()["geometry"]["coordinates"][0]
    place = town.place(0, 0)
    plane = metric_plane(SRID).point(place)
    expected = (plane.x, plane.y) if srid == SRID else (place.lat, place.lon)
    assert begin == pytest.approx(expected, abs=2e-3 if srid == SRID else 2e-7)
    plain = client.get(path, headers=headers)
    assert plain.headers["content-crs"] == f"<{CRS84}>"
    assert plain.json()["geometry"]["coordinates"][0] == pytest.approx((place.lon, place.lat), abs=2e-7)


def test_a_gauss_krueger_zone_names_north_first(
    client: TestClient, log_in: LogIn, town: Town, session: Session
) -> None:
    """EPSG:4526, CGCS2000 zone 38, is northing before easting; the town moved there has swapped numbers."""
    session.execute(update(ServiceArea).values(metric_srid=4526))
    headers = log_in("dispatcher")
    answer = get(client, headers, f"/collections/pipes/items/{town.pipes['H00']}", crs=f"{EPSG}4526")
    place = town.place(0, 0)
    plane = metric_plane(4526).point(place)
    assert answer["geometry"]["coordinates"][0] == pytest.approx((plane.y, plane.x), rel=1e-6)


def test_a_box_means_the_same_in_every_system(client: TestClient, log_in: LogIn, town: Town) -> None:
    headers = log_in("dispatcher")
    low, high = town.place(-20, -20), town.place(150, 90)
    plane_low, plane_high = metric_plane(SRID).point(low), metric_plane(SRID).point(high)
    boxes = {
        CRS84: (low.lon, low.lat, high.lon, high.lat),
        f"{EPSG}4326": (low.lat, low.lon, high.lat, high.lon),
        f"{EPSG}4490": (low.lat, low.lon, high.lat, high.lon),
        f"{EPSG}{SRID}": (plane_low.x, plane_low.y, plane_high.x, plane_high.y),
    }
    for crs, box in boxes.items():
        query = {"bbox": ",".join(map(str, box)), "bbox-crs": crs}
        assert codes(items(client, headers, "pipes", **query)) == set(WEST), crs
    with_heights = ",".join(map(str, (low.lon, low.lat, 0, high.lon, high.lat, 90)))
    assert codes(items(client, headers, "pipes", bbox=with_heights)) == set(WEST)
    assert items(client, headers, "pipes", bbox="10,10,11,11") == []
    plane_world = {"bbox": "-1e300,-1e300,1e300,1e300", "bbox-crs": f"{EPSG}{SRID}"}
    assert len(items(client, headers, "pipes", **plane_world)) == 68
    assert len(items(client, headers, "pipes", bbox="-300,-95,300,95")) == 68, "QGIS zoomed out"
    assert items(client, headers, "pipes", bbox="170,-80,-170,80") == [], "across the date line"
    assert len(items(client, headers, "pipes", bbox="-34,-80,-170,80")) == 68, "nearly round the world"


def test_properties_choose(client: TestClient, log_in: LogIn, town: Town) -> None:
    headers = log_in("dispatcher")
    assert codes(items(client, headers, "pipes", asset_code="H11")) == {"H11"}
    assert codes(items(client, headers, "pipes", is_closed="true")) == {"V03"}
    assert codes(items(client, headers, "pipes", diameter_mm=300)) == {"FR", "FT"}
    assert codes(items(client, headers, "pipes", segment=town.segments["H00"])) == {
        "FR",
        "H00",
        "H10",
        "H20",
        "H30",
    }
    assert items(client, headers, "pipes", asset_code="' OR true --") == []
    assert items(client, headers, "pipes", diameter_mm=99999999999999) == []
    west = items(client, headers, "pipes", zone="WEST", limit=1000)
    assert {one["properties"]["zone"] for one in west} == {"WEST"}


def test_incidents_are_chosen_by_when_they_were(
    client: TestClient, log_in: LogIn, session: Session, scene: Scene
) -> None:
    headers = log_in("dispatcher")
    session.execute(
        update(Incident).values(opened_at="2026-03-01T10:00:00Z", closed_at="2026-03-01T12:00:00Z")
    )
    for span, count in {
        "2026-03-01T11:00:00Z": 1,
        "2026-03-01T19:00:00+08:00": 1,
        "2026-03-01T09:00:00Z/2026-03-01T09:59:00Z": 0,
        "2026-03-01T09:00:00Z/2026-03-01T10:30:00Z": 1,
        "../2026-03-01T09:00:00Z": 0,
        "2026-03-01T12:00:01Z/..": 0,
        "2026-03-01T11:00:00Z/": 1,
        "../..": 1,
    }.items():
        assert len(items(client, headers, "incidents", datetime=span)) == count, span
    session.execute(update(Incident).values(closed_at=None))
    assert len(items(client, headers, "incidents", datetime="2027-01-01T00:00:00Z/..")) == 1, "still open"
    assert len(items(client, headers, "pipes", datetime="2027-01-01T00:00:00Z")) == 68, "pipes have no time"


@pytest.mark.parametrize(
    "query",
    [
        "foo=1",
        "Limit=1",
        "limit=0",
        "limit=-1",
        "limit=ten",
        "limit=",
        "limit=1&limit=2",
        "bbox=1,2,3",
        "bbox=1,2,3,x",
        "bbox=1,2,3,nan",
        "bbox=3,50,4,40",
        "bbox=1_0,2,3,4",
        "limit=%D9%A1",
        "bbox=113,22.5,114,inf",
        "bbox=22.5,113.1,22.6,113.2",
        "bbox=1,2,3,4&bbox-crs=EPSG:4326",
        f"bbox=1,2,3,4&bbox-crs={EPSG}3857",
        f"bbox=5,2,3,4&bbox-crs={EPSG}{SRID}",
        "crs=",
        f"crs={EPSG}27700",
        "datetime=yesterday",
        "datetime=2026-03-01",
        "datetime=2026-03-02T00:00:00Z/2026-03-01T00:00:00Z",
        "datetime=2026-03-01T00:00:00Z/x/y",
        "cursor=1",
        "cursor=1.x",
        "f=xml",
        "is_closed=maybe",
        "diameter_mm=1.5",
        "length_m=nan",
        "asset_code=%00",
        "segments=1",
    ],
)
def test_what_cannot_be_read_is_refused_by_name(client: TestClient, log_in: LogIn, query: str) -> None:
    answer = client.get(f"/ogc/collections/pipes/items?{query}", headers=log_in("dispatcher"))
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/bad-parameter"
    assert answer.json()["errors"][0]["pointer"].removeprefix("#/") in query


def test_what_is_not_there_is_not_found(client: TestClient, log_in: LogIn, town: Town) -> None:
    headers = log_in("dispatcher")
    for path in (
        "pipes/items/nonsense",
        "pipes/items/00000000-0000-0000-0000-000000000000",
        "segments/items/99999999999",
        f"segments/items/{town.pipes['H00']}",
        f"valves/items/{town.pipes['H00']}",
        "customers",
        "customers/items",
    ):
        assert client.get(f"/ogc/collections/{path}", headers=headers).status_code == 404, path


def test_an_area_ends_what_is_seen(client: TestClient, log_in: LogIn, town: Town, scene: Scene) -> None:
    """The incident lies at (140, 80), the crew in the corner; the other corner of the town sees neither."""
    west = log_in("dispatcher", area_wkt=box_wkt(town, -100, -50, 150, 90))
    east = log_in("dispatcher", area_wkt=box_wkt(town, 380, 200, 700, 500))
    page = get(client, west, "/collections/pipes/items")
    assert (codes(page["features"]), page["numberMatched"]) == (set(WEST), len(WEST))
    everything = "-180,-90,180,90"
    assert codes(items(client, west, "pipes", bbox=everything)) == set(WEST)
    assert codes(items(client, west, "pipes", limit=4)) < set(WEST)
    assert len(items(client, west, "incidents")) == len(items(client, west, "crews")) == 1
    assert items(client, east, "incidents") == items(client, east, "crews") == []
    assert not codes(items(client, east, "pipes")) & set(WEST)
    hidden = client.get(f"/ogc/collections/pipes/items/{town.pipes['H00']}", headers=east)
    assert hidden.status_code == 404
    seen = get(client, west, "/collections/pipes")["extent"]["spatial"]["bbox"][0]
    assert seen[2] == pytest.approx(town.place(150, 0).lon, abs=1e-6)


def test_each_collection_asks_for_its_own_right(client: TestClient, log_in: LogIn, scene: Scene) -> None:
    agent, crew = log_in("agent"), log_in("crew")
    assert [one["id"] for one in get(client, agent, "/collections")["collections"]] == [
        one.name for one in COLLECTIONS if one.name != "crews"
    ]
    assert client.get("/ogc/collections/crews/items", headers=agent).status_code == 403
    assert get(client, crew, "/collections")["collections"] == []
    for collection in COLLECTIONS:
        for path in ("", "/items", "/items/1"):
            answer = client.get(f"/ogc/collections/{collection.name}{path}", headers=crew)
            assert answer.status_code == 403, (collection.name, path)


def test_a_network_without_a_place_has_features_without_geometry(
    client: TestClient, log_in: LogIn, town: Town, session: Session
) -> None:
    for model in (Junction, Pipe, Valve):
        session.execute(update(model).values(geom=None))
    session.execute(update(ServiceArea).values(geom=None, metric_srid=None))
    headers = log_in("dispatcher")
    described = get(client, headers, "/collections/pipes")
    assert described["crs"] == [CRS84]
    assert "extent" not in described
    pipes = items(client, headers, "pipes")
    assert len(pipes) == 68
    assert {str(one["geometry"]) for one in pipes} == {"None"}
    assert items(client, headers, "pipes", bbox="-180,-90,180,90") == []
    limited = log_in("dispatcher", area_wkt=box_wkt(town, -1000, -1000, 2000, 2000))
    assert items(client, limited, "pipes") == [], "no place means not in his area"


def test_people_get_pages_in_which_nothing_runs(
    client: TestClient, log_in: LogIn, town: Town, session: Session
) -> None:
    evil = "<script>alert(1)</script>&\"'"
    session.execute(update(Pipe).where(Pipe.asset_code == "H00").values(material=evil))
    headers = log_in("dispatcher") | {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
    for path in (
        "",
        "/conformance",
        "/collections",
        "/collections/pipes",
        "/collections/pipes/items?limit=100",
        f"/collections/pipes/items/{town.pipes['H00']}",
        "/api.html",
    ):
        answer = client.get(f"/ogc{path}", headers=headers)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html"), path
        assert "<script" not in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    listed = client.get("/ogc/collections/pipes/items?limit=100&f=html", headers=headers).text
    assert "&lt;script&gt;alert(1)" in listed
    assert client.get("/ogc?f=json", headers=headers).headers["content-type"] == "application/json"


def test_basic_is_for_this_interface_alone_and_counts_like_any_log_in(
    committing_client: TestClient, factory: SessionFactory
) -> None:
    client = committing_client
    with factory() as session, session.begin():
        auth.add_user(session, username="gis", password=PASSWORD, role="dispatcher")
    asked = client.get("/ogc")
    assert asked.status_code == 401
    assert asked.headers["www-authenticate"].startswith("Basic ")
    for _ in range(3):
        assert client.get("/ogc", headers=basic("gis")).status_code == 200
    with factory() as session:
        assert len(session.scalars(select(LoginSession)).all()) == 1, "one log-in for many requests"
    assert client.get("/api/me", headers=basic("gis")).status_code == 401
    for _ in range(client.app.state.settings.login_failures_max):  # type: ignore[attr-defined]  # typed as a bare ASGI callable
        assert client.get("/ogc", headers=basic("gis", "wrong")).status_code == 401
    for wrong in ("Basic", "Basic !!", "Basic " + base64.b64encode(b"no colon").decode(), "Basic AAA="):
        assert client.get("/ogc", headers={"Authorization": wrong}).status_code == 401
    paused = client.get("/ogc", headers=basic("gis") | {"User-Agent": "another"})
    assert (paused.status_code, paused.json()["type"]) == (429, "/problems/login-paused")


def test_a_revoked_or_disabled_or_changed_log_in_opens_nothing(
    committing_client: TestClient, factory: SessionFactory
) -> None:
    client = committing_client
    with factory() as session, session.begin():
        auth.add_user(session, username="root", password=PASSWORD, role="administrator")
        user_id = auth.add_user(session, username="gis", password=PASSWORD, role="dispatcher").id
    assert client.get("/ogc", headers=basic("gis")).status_code == 200
    with factory() as session, session.begin():
        auth.revoke(session, session.scalars(select(LoginSession.id)).one())
    assert client.get("/ogc", headers=basic("gis")).status_code == 200, "the password still holds"
    with factory() as session, session.begin():
        assert len(session.scalars(select(LoginSession)).all()) == 2
        session.get_one(User, user_id).password_hash = auth.hash_password("another one entirely")
    assert client.get("/ogc", headers=basic("gis")).status_code == 401
    assert client.get("/ogc", headers=basic("gis", "another one entirely")).status_code == 200
    with factory() as session, session.begin():
        auth.change_user(session, user_id, is_disabled=True)
    assert client.get("/ogc", headers=basic("gis", "another one entirely")).status_code == 401


def test_a_page_of_ours_comes_with_its_cookie(client: TestClient, session: Session) -> None:
    auth.add_user(session, username="li", password=PASSWORD, role="dispatcher")
    session.flush()
    assert client.post("/api/login", json={"username": "li", "password": PASSWORD}).status_code == 200
    assert client.get("/ogc/collections/pipes/items?limit=1").status_code == 200


def test_tiles_are_described_and_cut(client: TestClient, log_in: LogIn, town: Town) -> None:
    headers = log_in("dispatcher")
    (described,) = get(client, headers, "/tiles")["tilesets"]
    assert [one["id"] for one in described["layers"]] == ["pipes", "valves", "hydrants"]
    tilejson = get(client, headers, "/tiles/WebMercatorQuad", f="tilejson")
    x, y = tile_of(town.place(300, 200), 13)
    path = urlsplit(tilejson["tiles"][0].format(z=13, x=x, y=y)).path
    answer = client.get(path, headers=headers)
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert {one["asset_code"] for one in read_tile(answer.content)["pipes"].features} == set(town.pipes)
    assert client.get("/ogc/tiles/WebMercatorQuad/3/9/0", headers=headers).status_code == 404
    square = get(client, headers, "/tileMatrixSets/WebMercatorQuad")
    far = square["tileMatrices"][0]
    assert far["scaleDenominator"] == pytest.approx(559082264.0287178)
    assert square["tileMatrices"][16]["matrixWidth"] == 65536


def test_the_link_called_next_keeps_what_was_asked(client: TestClient, log_in: LogIn) -> None:
    headers = log_in("dispatcher")
    page = get(client, headers, "/collections/pipes/items", limit=2, zone="WEST", crs=f"{EPSG}4490")
    asked = parse_qs(urlsplit(linked(page, "next")).query)
    assert (asked["limit"], asked["zone"], asked["crs"]) == (["2"], ["WEST"], [f"{EPSG}4490"])


def test_links_name_the_address_people_came_by_if_a_known_proxy_says_so(
    client: TestClient, log_in: LogIn, settings: Settings
) -> None:
    headers = log_in("dispatcher") | {"X-Forwarded-Proto": "https", "Host": "gis.utility.example"}
    assert linked(get(client, headers, ""), "data") == "http://gis.utility.example/ogc/collections"
    client.app.state.settings = settings.model_copy(update={"trusted_proxies": (PEER[0],)})  # type: ignore[attr-defined]
    assert linked(get(client, headers, ""), "data") == "https://gis.utility.example/ogc/collections"
