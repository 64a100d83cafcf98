"""Longitude and latitude, datums, metric systems: the one file that knows SRIDs and axis orders."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import shapely
import shapely.geometry
from geoalchemy2 import Geography, Geometry
from geoalchemy2.elements import WKBElement
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from sqlalchemy import ColumnElement, cast, func
from sqlalchemy.orm import MappedColumn, mapped_column

from gis.errors import BadCoordinate

WGS84_SRID = 4326
WEB_MERCATOR_SRID = 3857
"""Only for cutting map tiles; never measure in it."""

CGCS2000_SRID = 4490
"""China's own degrees; equal to WGS 84 to a few centimetres."""

GeometryKind = Literal["Point", "LineString", "Polygon", "MultiLineString", "MultiPolygon", "Geometry"]
Floats = NDArray[np.float64]

EARTH_RADIUS_M = 6_371_008.8


# --- storage -------------------------------------------------------------------------------------


def geometry_type(kind: GeometryKind, *, spatial_index: bool = True) -> Geometry:
    """Give the type of a stored geometry of `kind`, longitude and latitude in WGS 84."""
    return Geometry(kind, srid=WGS84_SRID, spatial_index=spatial_index)


def geometry_column(
    kind: GeometryKind, *, nullable: bool = False, spatial_index: bool = True
) -> MappedColumn[Any]:
    """Declare a stored geometry, by default with its spatial index.

    Mapped values are geoalchemy2's WKBElement, which carries no type information of its own.
    """
    return mapped_column(geometry_type(kind, spatial_index=spatial_index), nullable=nullable)


def stored(geometry: shapely.Geometry) -> WKBElement:
    """Wrap a geometry in longitude and latitude for storing."""
    return WKBElement(shapely.to_wkb(geometry), srid=WGS84_SRID)


def loaded(element: WKBElement) -> shapely.Geometry:
    """Unwrap a stored geometry: longitude and latitude."""
    return shapely.from_wkb(bytes(element.desc, "ascii") if isinstance(element.desc, str) else element.data)


def stored_wkb(geometries: NDArray[Any]) -> NDArray[Any]:
    """Write geometries in longitude and latitude as the database's own bytes, for COPY."""
    return np.asarray(
        shapely.to_wkb(shapely.set_srid(geometries, WGS84_SRID), include_srid=True), dtype=object
    )


def geography(column: Any) -> ColumnElement[Any]:
    """See a stored geometry as geography, so that PostGIS measures in metres on the spheroid."""
    return cast(column, Geography(srid=WGS84_SRID))


# --- points --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LonLat:
    """A place on Earth in WGS 84; named arguments only, so that the axes cannot be swapped in silence."""

    lon: float
    lat: float

    def __post_init__(self) -> None:
        if not (-180.0 <= self.lon <= 180.0 and -90.0 <= self.lat <= 90.0):  # also refuses NaN
            raise BadCoordinate

    def as_point(self) -> shapely.Point:
        """Give the point as a geometry, x = longitude."""
        return shapely.Point(self.lon, self.lat)

    def as_sql(self) -> ColumnElement[Any]:
        """Give the point as an SQL geometry."""
        return func.ST_SetSRID(
            func.ST_MakePoint(self.lon, self.lat), WGS84_SRID, type_=geometry_type("Point")
        )

    def as_stored(self) -> WKBElement:
        """Give the point for storing in a `geometry_column("Point")`."""
        return stored(self.as_point())

    def as_geojson(self) -> dict[str, Any]:
        """Give the point as an RFC 7946 geometry, 7 decimals."""
        return {"type": "Point", "coordinates": [round(self.lon, 7), round(self.lat, 7)]}

    @classmethod
    def from_geometry(cls, point: shapely.Point) -> "LonLat":
        """Take a point geometry, x = longitude."""
        return cls(lon=point.x, lat=point.y)

    @classmethod
    def from_stored(cls, element: WKBElement) -> "LonLat":
        """Take a stored point."""
        point = loaded(element)
        if not isinstance(point, shapely.Point):
            raise TypeError(f"a point was expected, not a {type(point).__name__}")
        return cls.from_geometry(point)

    @classmethod
    def from_lat_lon(cls, pair: Sequence[float]) -> "LonLat":
        """Take a pair from those who speak (latitude, longitude): folium, Leaflet, geocoders."""
        lat, lon = pair
        return cls(lon=lon, lat=lat)

    def lat_lon(self) -> tuple[float, float]:
        """Give the pair to those who speak (latitude, longitude)."""
        return self.lat, self.lon


def geojson_line(points: Sequence[LonLat]) -> dict[str, Any]:
    """Give points as an RFC 7946 LineString, 7 decimals; a single point is doubled."""
    places = [[round(point.lon, 7), round(point.lat, 7)] for point in points]
    return {"type": "LineString", "coordinates": places * 2 if len(places) == 1 else places}


def geojson_area(area: Any) -> dict[str, Any]:
    """Write an area as an RFC 7946 geometry: 7 decimals, outer rings counter-clockwise. Any: shapely has no types; JSON."""
    rounded = shapely.set_precision(area, 1e-7)
    parts = [shapely.geometry.polygon.orient(part) for part in shapely.get_parts(rounded) if part.area > 0]
    rings = [
        [[[round(x, 7), round(y, 7)] for x, y in ring.coords] for ring in (part.exterior, *part.interiors)]
        for part in parts
    ]
    return {"type": "MultiPolygon", "coordinates": rings}


def line_shape(points: Sequence[LonLat]) -> Any:
    """Give points as a line in longitude and latitude, a single one as a point."""
    pairs = [(point.lon, point.lat) for point in points]
    return shapely.LineString(pairs) if len(pairs) > 1 else shapely.Point(pairs[0])


def straight_line_m(a: LonLat, b: LonLat) -> float:
    """Measure the great circle between two places, metres (sphere, good to 0.5 %)."""
    half_lat = math.radians(b.lat - a.lat) / 2
    half_lon = math.radians(b.lon - a.lon) / 2
    chord = (
        math.sin(half_lat) ** 2
        + math.cos(math.radians(a.lat)) * math.cos(math.radians(b.lat)) * math.sin(half_lon) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


def straight_lines_m(places: Sequence[LonLat], there: LonLat) -> Floats:
    """Measure the great circles between many places and one, metres; as `straight_line_m`, at once."""
    lon, lat = np.radians([[place.lon for place in places], [place.lat for place in places]])
    chord = np.sin((lat - math.radians(there.lat)) / 2.0) ** 2
    chord += (
        np.cos(lat) * math.cos(math.radians(there.lat)) * np.sin((lon - math.radians(there.lon)) / 2.0) ** 2
    )
    return np.asarray(2.0 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, chord))))


def box_around(place: LonLat, metres: float) -> WKBElement:
    """Draw a box that holds everything within `metres` of a place: a first sieve that a spatial index can use."""
    metres_per_degree = (
        110_500.0  # the least a degree of latitude measures, so that the box is never too small
    )
    high = metres / metres_per_degree
    wide = min(180.0, high / max(0.01, math.cos(math.radians(abs(place.lat) + high))))
    return stored(shapely.box(place.lon - wide, place.lat - high, place.lon + wide, place.lat + high))


# --- metric systems ------------------------------------------------------------------------------


class MetricPlane:
    """A projected system in metres for measuring near one place; safe to share between threads.

    Parameters
    ----------
    srid
        EPSG code of a projected system whose unit is the metre.
    """

    def __init__(self, srid: int) -> None:
        crs = CRS.from_epsg(srid)
        if not crs.is_projected or any(axis.unit_name != "metre" for axis in crs.axis_info[:2]):
            raise ValueError(f"EPSG:{srid} is not a projected system in metres")
        self.srid = srid
        self._forth = Transformer.from_crs(WGS84_SRID, srid, always_xy=True)
        self._back = Transformer.from_crs(srid, WGS84_SRID, always_xy=True)

    def to_plane(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """Project arrays of longitudes and latitudes to metres east and north."""
        x, y = self._forth.transform(lon, lat)
        return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)

    def to_degrees(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Take arrays of metres east and north back to longitudes and latitudes."""
        lon, lat = self._back.transform(x, y)
        return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)

    def point(self, place: LonLat) -> shapely.Point:
        """Project one place."""
        x, y = self._forth.transform(place.lon, place.lat)
        return shapely.Point(x, y)

    def place(self, point: shapely.Point) -> LonLat:
        """Take one plane point back to longitude and latitude."""
        lon, lat = self._back.transform(point.x, point.y)
        return LonLat(lon=lon, lat=lat)

    def project(self, geometry: Any) -> Any:
        """Project a geometry, or an array of them, given in longitude and latitude."""
        return shapely.transform(
            geometry, lambda pairs: np.column_stack(self.to_plane(pairs[:, 0], pairs[:, 1]))
        )

    def unproject(self, geometry: Any) -> Any:
        """Take plane geometries back to longitude and latitude."""
        return shapely.transform(
            geometry, lambda pairs: np.column_stack(self.to_degrees(pairs[:, 0], pairs[:, 1]))
        )


@lru_cache(maxsize=8)
def metric_plane(srid: int) -> MetricPlane:
    """Give the plane of an EPSG code, made once."""
    return MetricPlane(srid)


@lru_cache(maxsize=64)
def is_north_first(srid: int) -> bool:
    """Tell whether a system's own definition names north before east, as EPSG:4326 and the Gauss-Krüger zones of CGCS2000 do."""
    first = CRS.from_epsg(srid).axis_info[0].direction
    return str(first).lower() in ("north", "south")


def utm_srid(place: LonLat) -> int:
    """Name the UTM zone a place lies in (WGS 84), as an EPSG code."""
    zone = min(60, int((place.lon + 180.0) // 6.0) + 1)
    return (32600 if place.lat >= 0 else 32700) + zone


# --- datums --------------------------------------------------------------------------------------


class Datum(StrEnum):
    """How longitude and latitude were meant by whoever sent them."""

    WGS84 = "wgs84"
    CGCS2000 = "cgcs2000"
    GCJ02 = "gcj02"
    BD09 = "bd09"


# The GCJ-02 offset is defined on the Krassovsky ellipsoid, for this box; see coordtransform, eviltransform.
_KRASSOVSKY_A_M = 6_378_245.0
_KRASSOVSKY_E2 = 0.00669342162296594323
_GCJ_BOX = (72.004, 0.8293, 137.8347, 55.8271)
_BD_TURN = math.pi * 3000.0 / 180.0
_INVERSE_TOLERANCE_DEG = 1e-11
_INVERSE_ROUNDS = 30


def _in_gcj_box(lon: float, lat: float) -> bool:
    west, south, east, north = _GCJ_BOX
    return west <= lon <= east and south <= lat <= north


def _gcj_offset(lon: float, lat: float) -> tuple[float, float]:
    x, y = lon - 105.0, lat - 35.0
    ripple = (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + ripple
    d_lat += (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    d_lat += (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + ripple
    d_lon += (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    d_lon += (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
    phi = math.radians(lat)
    w = 1.0 - _KRASSOVSKY_E2 * math.sin(phi) ** 2
    meridian_m = _KRASSOVSKY_A_M * (1.0 - _KRASSOVSKY_E2) / (w * math.sqrt(w))
    parallel_m = _KRASSOVSKY_A_M / math.sqrt(w) * math.cos(phi)
    return math.degrees(d_lon / parallel_m), math.degrees(d_lat / meridian_m)


def _wgs84_to_gcj02(lon: float, lat: float) -> tuple[float, float]:
    if not _in_gcj_box(lon, lat):
        return lon, lat
    d_lon, d_lat = _gcj_offset(lon, lat)
    return lon + d_lon, lat + d_lat


def _gcj02_to_wgs84(lon: float, lat: float) -> tuple[float, float]:
    """Invert the offset by fixed point: it varies by about 1e-5 of itself per step, so a few rounds suffice."""
    guess_lon, guess_lat = lon, lat
    for _ in range(_INVERSE_ROUNDS):
        there_lon, there_lat = _wgs84_to_gcj02(guess_lon, guess_lat)
        miss_lon, miss_lat = lon - there_lon, lat - there_lat
        guess_lon, guess_lat = guess_lon + miss_lon, guess_lat + miss_lat
        if max(abs(miss_lon), abs(miss_lat)) < _INVERSE_TOLERANCE_DEG:
            break
    return guess_lon, guess_lat


def _gcj02_to_bd09(lon: float, lat: float) -> tuple[float, float]:
    radius = math.hypot(lon, lat) + 0.00002 * math.sin(lat * _BD_TURN)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * _BD_TURN)
    return radius * math.cos(angle) + 0.0065, radius * math.sin(angle) + 0.006


def _bd09_to_gcj02(lon: float, lat: float) -> tuple[float, float]:
    guess_lon, guess_lat = lon - 0.0065, lat - 0.006
    for _ in range(_INVERSE_ROUNDS):
        there_lon, there_lat = _gcj02_to_bd09(guess_lon, guess_lat)
        miss_lon, miss_lat = lon - there_lon, lat - there_lat
        guess_lon, guess_lat = guess_lon + miss_lon, guess_lat + miss_lat
        if max(abs(miss_lon), abs(miss_lat)) < _INVERSE_TOLERANCE_DEG:
            break
    return guess_lon, guess_lat


def to_wgs84(point: LonLat, datum: Datum) -> LonLat:
    """Convert a point given in `datum` to WGS 84.

    Parameters
    ----------
    point
        Longitude and latitude as the source means them.
    datum
        CGCS 2000 equals WGS 84 to a few centimetres and passes unchanged.

    Returns
    -------
    point
        In WGS 84; the round trip is good to a micrometre inside China, outside it GCJ-02 is WGS 84.
    """
    match datum:
        case Datum.WGS84 | Datum.CGCS2000:
            return point
        case Datum.GCJ02:
            lon, lat = _gcj02_to_wgs84(point.lon, point.lat)
        case Datum.BD09:
            lon, lat = _gcj02_to_wgs84(*_bd09_to_gcj02(point.lon, point.lat))
    return LonLat(lon=lon, lat=lat)


def from_wgs84(point: LonLat, datum: Datum) -> LonLat:
    """Convert a WGS 84 point to `datum`, for maps and phones that speak it."""
    match datum:
        case Datum.WGS84 | Datum.CGCS2000:
            return point
        case Datum.GCJ02:
            lon, lat = _wgs84_to_gcj02(point.lon, point.lat)
        case Datum.BD09:
            lon, lat = _gcj02_to_bd09(*_wgs84_to_gcj02(point.lon, point.lat))
    return LonLat(lon=lon, lat=lat)
