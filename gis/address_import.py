"""Addresses and roads from CSV files become what callers' words are compared with.

`address_id, lon, lat` and at least one of `road` and `place` make an address; `district`, `road_no`, `building` and `postcode` are read where they
are. A file of roads gives `road` and `wkt` (a line in longitude and latitude), and `district` where one name is borne by several.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import shapely
from psycopg import sql
from sqlalchemy.orm import Session

from core.db import new_id
from gis.coordinates import Datum, LonLat, stored_wkb, to_wgs84
from gis.errors import BadAddressFile, BadCoordinate
from gis.geocoding import normalise

ENCODINGS = ("utf-8-sig", "gb18030")
NEEDED, NEEDED_OF_ROADS = ("address_id", "lon", "lat"), ("road", "wkt")
FIELD_MAX = 500
HOUSE_DIGITS_MAX = 9
_HAN = re.compile(r"[㐀-鿿]")
_HOUSE = re.compile(r"^\s*(\d+)")


@dataclass(frozen=True, slots=True)
class ImportedAddress:
    """One address as its file gives it, its place in WGS 84."""

    code: str
    district: str
    road: str
    house_number: str
    place: str
    building: str
    postcode: str
    point: LonLat

    @property
    def ordinal(self) -> int | None:
        """Leading digits of the house number."""
        match = _HOUSE.match(self.house_number)
        return int(match[1]) if match and len(match[1]) <= HOUSE_DIGITS_MAX else None

    def text(self) -> str:
        """Write the address as one line, as its language does."""
        if _HAN.search(self.road + self.place):
            number = f"{self.house_number}号" if self.house_number.isdigit() else self.house_number
            building = f"{self.building}幢" if self.building.isdigit() else self.building
            return f"{self.district}{self.road}{number}{self.place}{building}"
        parts = (f"{self.road} {self.house_number}", f"{self.place} {self.building}", self.district)
        return ", ".join(part.strip() for part in parts if part.strip())


@dataclass(frozen=True, slots=True)
class ImportedRoad:
    """One road as its file gives it, in WGS 84."""

    name: str
    district: str
    line: shapely.MultiLineString


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line left out, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class AddressFile:
    """What a file of addresses holds."""

    addresses: list[ImportedAddress]
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class Stored:
    """What an import changed."""

    addresses: int
    roads: int
    removed: int


def read_addresses(path: Path, *, datum: Datum = Datum.WGS84) -> AddressFile:
    """Read a file of addresses.

    Parameters
    ----------
    datum
        How its longitudes and latitudes are meant.

    Raises
    ------
    BadAddressFile
        It cannot be read, lacks a column, or a line has no place on Earth or an id that came before; says which line.
    """
    found, rejected, seen = [], [], set()
    for line, row in _rows(path, NEEDED):
        code = row["address_id"]
        if not code or code in seen:
            raise BadAddressFile(
                f"{path}: line {line}: address_id {code!r} {'came before' if code else 'is empty'}."
            )
        seen.add(code)
        point = _point(path, line, row, datum)
        if not row.get("road") and not row.get("place"):
            rejected.append(Rejected(line, "neither road nor place"))
            continue
        found.append(
            ImportedAddress(
                code=code,
                district=row.get("district", ""),
                road=row.get("road", ""),
                house_number=row.get("road_no", ""),
                place=row.get("place", ""),
                building=row.get("building", ""),
                postcode=row.get("postcode", ""),
                point=point,
            )
        )
    return AddressFile(found, rejected)


def read_roads(path: Path, *, datum: Datum = Datum.WGS84) -> list[ImportedRoad]:
    """Read a file of roads; lines of one name and district are one road.

    Raises
    ------
    BadAddressFile
        As `read_addresses`, or a `wkt` is no line.
    """
    pieces: dict[tuple[str, str], list[shapely.LineString]] = {}
    for line, row in _rows(path, NEEDED_OF_ROADS):
        if not row["road"]:
            raise BadAddressFile(f"{path}: line {line}: road is empty.")
        try:
            shape = shapely.from_wkt(row["wkt"])
        except shapely.errors.GEOSException:
            shape = None
        if shape is None or shape.is_empty or shape.geom_type not in ("LineString", "MultiLineString"):
            raise BadAddressFile(f"{path}: line {line}: wkt is no line.")
        try:
            moved = shapely.transform(shape, lambda pairs: _to_wgs84(pairs, datum))
        except BadCoordinate as error:
            raise BadAddressFile(f"{path}: line {line}: {error.detail}") from error
        pieces.setdefault((row["road"], row.get("district", "")), []).extend(
            shapely.get_parts(moved).tolist()
        )
    return [
        ImportedRoad(name, district, shapely.MultiLineString(lines))
        for (name, district), lines in pieces.items()
    ]


def _to_wgs84(pairs: Any, datum: Datum) -> Any:
    places = [to_wgs84(LonLat(lon=float(lon), lat=float(lat)), datum) for lon, lat in pairs]
    return np.array([(place.lon, place.lat) for place in places])


def _rows(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Read lines with their numbers; fields without blanks around them."""
    with _opened(path) as lines:
        reader = csv.DictReader(lines, restval="")
        missing = [name for name in needed if name not in (reader.fieldnames or ())]
        if missing:
            raise BadAddressFile(f"{path}: line 1: no column {', '.join(missing)}.")
        try:
            for row in reader:
                if None in row:
                    raise BadAddressFile(f"{path}: line {reader.line_num}: more fields than columns.")
                fields = {name: value.strip() for name, value in row.items()}
                if any(len(value) > FIELD_MAX for name, value in fields.items() if name != "wkt"):
                    raise BadAddressFile(
                        f"{path}: line {reader.line_num}: a field is longer than {FIELD_MAX} characters."
                    )
                if any("\x00" in value for value in fields.values()):
                    raise BadAddressFile(
                        f"{path}: line {reader.line_num}: holds a character that is no text."
                    )
                yield reader.line_num, fields
        except csv.Error as error:
            raise BadAddressFile(f"{path}: line {reader.line_num}: {error}.") from error


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[str]]:
    """Open a file in the encoding it can be read in."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadAddressFile(f"{path}: cannot be read: {error.strerror}.") from error
    for encoding in ENCODINGS:
        try:
            words = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        yield iter(words.splitlines(keepends=True))
        return
    raise BadAddressFile(f"{path}: is neither UTF-8 nor GB 18030.")


def _point(path: Path, line: int, row: Mapping[str, str], datum: Datum) -> LonLat:
    try:
        lon, lat = float(row["lon"]), float(row["lat"])
        if lon == 0.0 and lat == 0.0:
            raise BadAddressFile(f"{path}: line {line}: lon and lat are both 0, which is no address.")
        return to_wgs84(LonLat(lon=lon, lat=lat), datum)
    except ValueError as error:
        raise BadAddressFile(
            f"{path}: line {line}: lon {row['lon']!r}, lat {row['lat']!r} are no numbers."
        ) from error
    except BadCoordinate as error:
        raise BadAddressFile(
            f"{path}: line {line}: lon {row['lon']}, lat {row['lat']} are not on Earth."
        ) from error


# --- storing ---------------------------------------------------------------------------------------

_TABLES = """
    DROP TABLE IF EXISTS imported_road, imported_address;
    CREATE TEMP TABLE imported_road (name text, district text, normalised text, geom geometry) ON COMMIT DROP;
    CREATE TEMP TABLE imported_address (
        id uuid, code text, district text, street text, house_number text, house_ordinal integer, place text, building text, postcode text,
        text text, normalised text, geom geometry, street_id uuid
    ) ON COMMIT DROP"""
_STEPS = (
    "ANALYZE imported_address",
    """UPDATE gis.street s SET geom = coalesce(r.geom, s.geom) FROM imported_road r
        WHERE s.name = r.name AND s.district IS NOT DISTINCT FROM r.district AND r.geom IS NOT NULL""",
    """INSERT INTO gis.street (id, name, district, normalised, is_imported, geom)
       SELECT gen_random_uuid(), r.name, r.district, r.normalised, true, r.geom FROM imported_road r
        WHERE NOT EXISTS (SELECT FROM gis.street s WHERE s.name = r.name AND s.district IS NOT DISTINCT FROM r.district)""",
    """UPDATE imported_address a SET street_id = s.id
         FROM (SELECT DISTINCT ON (name, district) id, name, district FROM gis.street ORDER BY name, district, id) s
        WHERE s.name = a.street AND s.district = a.district""",
    """UPDATE imported_address a SET street_id = s.id
         FROM (SELECT DISTINCT ON (name) id, name FROM gis.street ORDER BY name, district NULLS FIRST, id) s
        WHERE a.street_id IS NULL AND s.name = a.street""",
    """INSERT INTO gis.address AS old (id, code, street_id, street, house_number, house_ordinal, district, place, building, postcode, text,
                                       normalised, geom)
       SELECT id, code, street_id, street, house_number, house_ordinal, district, place, building, postcode, text, normalised, geom
         FROM imported_address
       ON CONFLICT (code) DO UPDATE SET street_id = excluded.street_id, street = excluded.street, house_number = excluded.house_number,
           house_ordinal = excluded.house_ordinal, district = excluded.district, place = excluded.place, building = excluded.building,
           postcode = excluded.postcode, text = excluded.text, normalised = excluded.normalised, geom = excluded.geom""",
)
_REMOVE_ADDRESSES = """
    DELETE FROM gis.address a WHERE a.code IS NOT NULL AND NOT EXISTS (SELECT FROM imported_address i WHERE i.code = a.code)
       AND NOT EXISTS (SELECT FROM gis.customer_account c WHERE c.address_id = a.id)"""
_REMOVE_STREETS = """
    DELETE FROM gis.street s WHERE s.is_imported AND NOT EXISTS (SELECT FROM imported_road r WHERE r.name = s.name)
       AND NOT EXISTS (SELECT FROM gis.address a WHERE a.street_id = s.id)"""


def store_addresses(
    session: Session, addresses: Sequence[ImportedAddress], roads: Sequence[ImportedRoad]
) -> Stored:
    """Make the imported addresses and roads what these files say.

    An address known by its code is changed, a new one added; one that an earlier import brought and this one does not name goes, unless a
    customer lives there. Addresses that came otherwise stay.
    """
    connection = session.connection().connection.driver_connection
    if not isinstance(connection, psycopg.Connection):
        raise TypeError("importing addresses needs a psycopg connection")
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        _copy(cursor, "imported_road", _road_columns(roads, addresses))
        _copy(cursor, "imported_address", _columns(addresses))
        for statement in _STEPS:
            cursor.execute(statement.encode())
        removed = cursor.execute(_REMOVE_ADDRESSES).rowcount
        cursor.execute(_REMOVE_STREETS)
    session.expire_all()
    return Stored(addresses=len(addresses), roads=len(roads), removed=removed)


def _road_columns(
    roads: Sequence[ImportedRoad], addresses: Sequence[ImportedAddress]
) -> dict[str, Sequence[Any]]:
    """List the roads, with those that addresses name and no file draws."""
    drawn = {road.name for road in roads}
    others = sorted({one.road for one in addresses if one.road} - drawn)
    names = [*(road.name for road in roads), *others]
    return {
        "name": names,
        "district": [*(road.district or None for road in roads), *(None for _ in others)],
        "normalised": [normalise(name) for name in names],
        "geom": [*_shapes([road.line for road in roads]), *(None for _ in others)],
    }


def _columns(addresses: Sequence[ImportedAddress]) -> dict[str, Sequence[Any]]:
    texts = [one.text() for one in addresses]
    return {
        "id": [new_id() for _ in addresses],
        "street": [one.road for one in addresses],
        "house_ordinal": [one.ordinal for one in addresses],
        "text": texts,
        "normalised": [normalise(text) for text in texts],
        "geom": _shapes([one.point.as_point() for one in addresses]),
        **{
            name: [getattr(one, name) or None for one in addresses]
            for name in ("code", "district", "house_number", "place", "building", "postcode")
        },
    }


def _shapes(shapes: Sequence[shapely.Geometry]) -> list[str]:
    array = np.empty(len(shapes), dtype=object)
    array[:] = shapes
    return [bytes(one).hex() for one in stored_wkb(array)]


def _copy(cursor: psycopg.Cursor[Any], table: str, columns: Mapping[str, Sequence[Any]]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(name) for name in columns)
    )
    with cursor.copy(statement) as copy:
        for row in zip(*columns.values(), strict=True):
            copy.write_row(row)
