"""Lists of places and closed areas that come as files: read whole or refused with the line or feature that is wrong."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely
import shapely.geometry

from gis.coordinates import LonLat
from gis.errors import BadClosedAreas, BadCoordinate, BadPlaces

COLUMNS = ("id", "lon", "lat")
LON_LIMIT, LAT_LIMIT = 180.0, 90.0


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A place and what its file calls it."""

    id: str
    place: LonLat


def read_places(path: Path) -> list[NamedPlace]:
    """Read a CSV of places with the columns id, lon, lat.

    Raises
    ------
    BadPlaces
        The file is missing or wrong; the text says where.
    """
    places: list[NamedPlace] = []
    seen: set[str] = set()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            at = _columns(path, next(reader, []))
            try:
                for row in reader:
                    if not row:
                        continue
                    places.append(_place(path, reader.line_num, row, at))
                    if places[-1].id in seen:
                        raise BadPlaces(
                            f"{path}: line {reader.line_num}: the id {places[-1].id} stands there twice"
                        )
                    seen.add(places[-1].id)
            except csv.Error as error:
                raise BadPlaces(f"{path}: line {reader.line_num}: {error}") from error
    except OSError as error:
        raise BadPlaces(f"{path}: {(error.strerror or 'cannot be read').lower()}") from error
    except UnicodeDecodeError as error:
        raise BadPlaces(f"{path}: is not UTF-8 text") from error
    except csv.Error as error:
        raise BadPlaces(f"{path}: line 1: {error}") from error
    return places


def _columns(path: Path, header: list[str]) -> tuple[int, ...]:
    names = [name.strip() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise BadPlaces(f"{path}: line 1: the column {missing[0]} is missing; id, lon, lat are needed")
    return tuple(names.index(name) for name in COLUMNS)


def _place(path: Path, line: int, row: list[str], at: tuple[int, ...]) -> NamedPlace:
    if len(row) <= max(at):
        raise BadPlaces(f"{path}: line {line}: has {len(row)} values, fewer than the first line")
    name, lon, lat = (row[column].strip() for column in at)
    if not name:
        raise BadPlaces(f"{path}: line {line}: the id is empty")
    try:
        return NamedPlace(name, LonLat(lon=float(lon), lat=float(lat)))
    except ValueError:
        raise BadPlaces(f"{path}: line {line}: lon {lon!r} and lat {lat!r} are no numbers") from None
    except BadCoordinate as error:
        raise BadPlaces(f"{path}: line {line}: lon {lon} and lat {lat}: {error.detail}") from None


def read_closed_areas(path: Path) -> Any:
    """Read the polygons of a GeoJSON file as one area in longitude and latitude; Any: shapely has no types.

    Raises
    ------
    BadClosedAreas
        The file is missing, no GeoJSON, or holds what is no polygon; the text says which feature.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadClosedAreas(f"{path}: {(error.strerror or 'cannot be read').lower()}") from error
    except UnicodeDecodeError as error:
        raise BadClosedAreas(f"{path}: is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise BadClosedAreas(f"{path}: line {error.lineno}: is no JSON: {error.msg}") from error
    except RecursionError as error:
        raise BadClosedAreas(f"{path}: is nested too deeply") from error
    return shapely.MultiPolygon(
        [part for where, one in _geometries(path, content) for part in _parts(where, one)]
    )


def _geometries(path: Path, content: Any) -> Iterator[tuple[str, Any]]:
    """List the geometries with words for where they stand; what JSON holds has any type."""
    kind = content.get("type") if isinstance(content, dict) else None
    if kind == "FeatureCollection":
        features = content.get("features")
        if not isinstance(features, list):
            raise BadClosedAreas(f"{path}: has no list of features")
        for number, feature in enumerate(features, start=1):
            where = f"{path}: feature {number}"
            if not isinstance(feature, dict) or feature.get("type") != "Feature":
                raise BadClosedAreas(f"{where}: is no feature")
            yield where, feature.get("geometry")
    elif kind == "Feature":
        yield f"{path}: feature 1", content.get("geometry")
    elif kind in ("Polygon", "MultiPolygon"):
        yield str(path), content
    else:
        raise BadClosedAreas(f"{path}: is no GeoJSON of polygons")


def _parts(where: str, geometry: Any) -> list[shapely.Polygon]:
    """Read one geometry; what JSON holds has any type."""
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        raise BadClosedAreas(f"{where}: its geometry is no polygon")
    try:
        area = shapely.force_2d(shapely.geometry.shape(geometry))
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        OverflowError,
        shapely.errors.ShapelyError,
    ) as error:
        raise BadClosedAreas(f"{where}: its coordinates are no polygon") from error
    if area.is_empty:
        raise BadClosedAreas(f"{where}: its polygon is empty")
    west, south, east, north = area.bounds
    if not (west >= -LON_LIMIT and east <= LON_LIMIT and south >= -LAT_LIMIT and north <= LAT_LIMIT):
        raise BadClosedAreas(f"{where}: longitude and latitude in degrees are needed")
    if not area.is_valid:
        raise BadClosedAreas(f"{where}: its polygon is not valid: {shapely.is_valid_reason(area)}")
    return [part for part in shapely.get_parts(area) if isinstance(part, shapely.Polygon)]
