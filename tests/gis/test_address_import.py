"""Addresses and roads from CSV files."""

import csv
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from gis.address_import import read_addresses, read_roads, store_addresses
from gis.coordinates import Datum, LonLat, from_wgs84, straight_line_m
from gis.errors import BadAddressFile
from gis.geocoding import MatchKind, geocode
from gis.models import Address, AddressBook, CustomerAccount, Street

HEAD = "address_id,district,road,road_no,place,building,postcode,lon,lat"
BASE = f"""{HEAD}
1,雁塔区,科技路,10,,,710075,108.9100,34.2300
2,雁塔区,科技路,20,,,710075,108.9110,34.2300
3,雁塔区,科技路,37,阳光花园,8,710075,108.9127,34.2298
4,,,,人民医院,,,108.9500,34.2600
"""
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
    return store_addresses(session, read_addresses(base, **how).addresses, read_roads(roads, **how))


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
    stored = imported(session, *files(base=f"{HEAD}\n"))
    assert stored.removed == 3
    assert session.scalar(select(Address.code).where(Address.code.is_not(None))) == "3"


def test_addresses_that_came_otherwise_stay(session, town, files):
    before = session.scalar(select(func.count()).select_from(Address))
    imported(session, *files())
    imported(session, *files(base=f"{HEAD}\n", roads="road,wkt\n"))
    assert session.scalar(select(func.count()).select_from(Address)) == before
    assert geocode(session, "5 Mill Street")[0].address_id == town.addresses["5 Mill Street"]


def test_a_street_already_known_is_drawn_anew_and_kept(session, town, files):
    count = session.scalar(select(func.count()).select_from(Street))
    roads = 'road,wkt,district\nMill Street,"LINESTRING (24.9 60.1, 24.91 60.1)",Littlebrook\n'
    imported(session, *files(base=f"{HEAD}\n", roads=roads))
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
