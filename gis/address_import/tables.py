"""Addresses and roads from CSV files.

`address_id, lon, lat` and at least one of `road` and `place` make an address; `district`, `road_no`, `building` and `postcode` are read where they
are. A file of roads gives `road` and `wkt` (a line in longitude and latitude), and `district` where one name is borne by several.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from gis.address_import.records import (
    AddressFile,
    ImportedAddress,
    ImportedRoad,
    Rejected,
    refuse_odd_text,
)
from gis.coordinates import Datum, LonLat, to_wgs84
from gis.errors import BadAddressFile, BadCoordinate

ENCODINGS = ("utf-8-sig", "gb18030")
NEEDED, NEEDED_OF_ROADS = ("address_id", "lon", "lat"), ("road", "wkt")


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
    if not found:
        raise BadAddressFile(f"{path}: holds no address.")
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
                refuse_odd_text(
                    f"{path}: line {reader.line_num}",
                    [text for name, text in fields.items() if name != "wkt"],
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
        yield io.StringIO(words, newline="")
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
