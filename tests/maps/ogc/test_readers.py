"""Real readers against the running product: all find the same features at the same places."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyproj import Transformer
from sqlalchemy import text
from sqlalchemy.engine import URL

from core import auth
from core.db import transaction
from tests.app.provisioning import reachable_folder
from tests.maps.conftest import box_wkt
from tests.maps.ogc.readers import READERS, Asked, Places
from tests.product import PASSWORD, Product, running
from tests.town import SRID

pytestmark = pytest.mark.slow

MANY = 12_000
"""More nodes than one page may hold."""
PLACES_AGREE_DEG = 2e-6
PLACES_AGREE_M = 0.2


@pytest.fixture(scope="module")
def product(template_url: URL, create_database: Callable[..., URL]) -> Iterator[Product]:
    with (
        reachable_folder() as folder,
        running(create_database(template=template_url.database), folder) as product,
    ):
        with transaction(product.factory) as session:
            auth.add_user(
                session,
                username="west",
                password=PASSWORD,
                role="dispatcher",
                language="zh",
                area_wkt=box_wkt(product.town, -100, -50, 150, 90),
            )
            origin = product.town.place(-5000, -5000)
            session.execute(
                text(
                    "INSERT INTO gis.junction (id, asset_code, node_type, base_demand_lps, lifecycle_status, geom)"
                    " SELECT gen_random_uuid(), 'N' || i, 'junction', 0, 'in_service',"
                    " ST_SetSRID(ST_MakePoint(:lon + (i % 100) * 1e-5, :lat + (i / 100) * 1e-5), 4326)"
                    " FROM generate_series(1, :many) i"
                ),
                {"lon": origin.lon, "lat": origin.lat, "many": MANY},
            )
        yield product


@pytest.fixture
def ask(product: Product, tmp_path: Path) -> Callable[..., Places]:
    def ask(reader: str, collection: str, **more: object) -> Places:
        return READERS[reader](Asked(f"{product.base_url}/ogc", collection, **more), tmp_path)  # type: ignore[arg-type]

    return ask


def same_places(found: Places, expected: Places, tolerance: float) -> bool:
    return found.keys() == expected.keys() and all(
        abs(found[name][axis] - expected[name][axis]) <= tolerance for name in expected for axis in (0, 1)
    )


def truth(product: Product, collection: str, **query: str) -> Places:
    """What the interface says in one page, read without any reader's help."""
    answer = product.client("administrator").get(
        f"/ogc/collections/{collection}/items", params={"limit": "10000", **query}
    )
    answer.raise_for_status()
    found = {}
    for one in answer.json()["features"]:
        line = one["geometry"]["coordinates"]
        pairs = [line] if one["geometry"]["type"] == "Point" else line
        xs, ys = zip(*pairs, strict=True)
        found[one["id"]] = ((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)
    return found


@pytest.mark.parametrize("reader", READERS)
def test_each_reader_turns_the_pages_and_finds_every_pipe(
    product: Product, ask: Callable[..., Places], reader: str
) -> None:
    expected = truth(product, "pipes")
    assert set(expected) == {str(one) for one in product.town.pipes.values()}
    assert same_places(ask(reader, "pipes", page=10), expected, PLACES_AGREE_DEG)


@pytest.mark.parametrize("reader", READERS)
def test_each_reader_takes_more_than_a_page_may_hold(
    product: Product, ask: Callable[..., Places], reader: str
) -> None:
    found = ask(reader, "junctions", page=5000)
    assert len(found) == MANY + len(product.town.junctions)


@pytest.mark.parametrize("reader", READERS)
def test_a_box_gives_each_reader_the_same_pipes(
    product: Product, ask: Callable[..., Places], reader: str
) -> None:
    south_west, north_east = product.town.place(-20, -20), product.town.place(150, 90)
    bbox = (south_west.lon, south_west.lat, north_east.lon, north_east.lat)
    expected = {
        name
        for name in ("FR", "H00", "H10", "V00", "V10", "V01", "V11", "H01", "H11")
        if name in product.town.pipes
    }
    found = ask(reader, "pipes", page=4, bbox=bbox)
    assert set(found) == {str(product.town.pipes[name]) for name in expected}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("srid", [4326, 4490, SRID])
def test_each_reader_finds_the_same_places_in_each_system(
    product: Product, ask: Callable[..., Places], reader: str, srid: int
) -> None:
    turn = Transformer.from_crs(4326, srid, always_xy=True)
    found = ask(reader, "valves", page=7, srid=srid)
    expected = {name: turn.transform(*place) for name, place in truth(product, "valves").items()}
    tolerance = PLACES_AGREE_M if srid == SRID else PLACES_AGREE_DEG
    assert same_places(found, expected, tolerance)


@pytest.mark.parametrize("reader", READERS)
def test_a_person_with_an_area_sees_his_area_through_each_reader(
    product: Product, ask: Callable[..., Places], reader: str
) -> None:
    found = ask(reader, "pipes", page=4, username="west")
    expected = ("FR", "H00", "H10", "V00", "V10", "V01", "V11", "H01", "H11")
    assert set(found) == {str(product.town.pipes[name]) for name in expected}
