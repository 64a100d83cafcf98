"""Where a source's coordinates lie on Earth: stated, checked, and brought to WGS 84 by the best operation PROJ has."""

import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from pyproj import CRS, Proj, Transformer
from pyproj.exceptions import CRSError, ProjError
from pyproj.transformer import AreaOfInterest, TransformerGroup

from gis.coordinates import WEB_MERCATOR_SRID, WGS84_SRID, Floats, LonLat, metric_plane, utm_srid
from gis.errors import BadNetworkFile
from gis.network_import.draft import LOCAL

AREA_MARGIN_DEG = 3.0
"""How far outside the area a system is meant for data may lie: utilities do stretch a zone, never by half a world."""
SCALE_ERROR_MAX = 0.002
"""A plane whose metres are wrong by more is not measured in."""
ZONE_STEP_M = 1_000_000.0
"""A zone's number is written in front of a Gauss-Krüger easting as so many thousand kilometres."""
STRAY_PERCENTILES = (2.0, 98.0)
"""Coordinates outside are not counted when an operation is chosen: files hold zeros."""
FALSE_EASTING_M = 500_000.0
EASTING_REACH_M = 350_000.0
"""No point of a zone of six degrees lies farther from its central meridian."""

_AUTHORITY_CODE = re.compile(r"(?i)^\s*(EPSG|ESRI|IGNF|OGC)\s*:\s*([A-Z0-9]+)\s*$")

_UNDEFINED = re.compile(r"(?i)undefined|^unknown$|^unnamed$")
"""How software names a system that it does not know; with all its parameters it could still be used, without datum it is a guess."""


@dataclass(frozen=True, slots=True)
class SourceSystem:
    """The system a layer's coordinates are in: `crs` is none for plane metres without a place on Earth."""

    label: str
    crs: CRS | None


def stated_system(text: str) -> SourceSystem:
    """Read what a person states: `EPSG:28355`, or `local`.

    Raises
    ------
    BadNetworkFile
        There is no such system.
    """
    if text.strip().lower() == LOCAL:
        return SourceSystem(LOCAL, None)
    named = _AUTHORITY_CODE.match(text)
    if named is None:
        raise BadNetworkFile(f"{text!r} is no coordinate system: write EPSG:NUMBER, or {LOCAL}")
    try:
        crs = CRS.from_user_input(f"{named[1].upper()}:{named[2]}")
    except CRSError as error:
        raise BadNetworkFile(f"PROJ knows no coordinate system {text.strip()}") from error
    return SourceSystem(f"{named[1].upper()}:{named[2]}", horizontal(crs))


def described_system(description: str) -> SourceSystem | None:
    """Read what a file says of its system (authority code or WKT); none where it says nothing usable on Earth."""
    try:
        crs = horizontal(CRS.from_user_input(description))
    except CRSError:
        return None
    if not (crs.is_geographic or crs.is_projected) or _UNDEFINED.search(crs.name):
        return None
    authority = crs.to_authority(min_confidence=70)
    return SourceSystem(":".join(authority) if authority else crs.name, crs)


def horizontal(crs: CRS) -> CRS:
    """Leave the heights out of a system that has them."""
    if crs.is_bound and crs.source_crs is not None:
        return horizontal(crs.source_crs)
    return crs.sub_crs_list[0] if crs.is_compound else crs.to_2d()


@dataclass(frozen=True, slots=True)
class Placing:
    """How a system's coordinates come to longitude and latitude.

    Parameters
    ----------
    described
        PROJ's operation and the accuracy it states.
    caution
        What somebody should know: a better operation that is not installed, or none at all.
    """

    described: str
    caution: str | None
    _transformer: Transformer

    def to_degrees(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Give longitudes and latitudes."""
        lon, lat = self._transformer.transform(x, y)
        return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)

    def to_plane(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """Give the system's own coordinates back, by the same operation."""
        x, y = self._transformer.transform(lon, lat, direction="INVERSE")
        return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)

    def geometries(self, shapes: Any) -> Any:
        """Give an array of geometries in longitude and latitude."""
        return shapely.transform(shapes, lambda xy: np.column_stack(self.to_degrees(xy[:, 0], xy[:, 1])))


def place_on_earth(system: SourceSystem, x: Floats, y: Floats) -> Placing:
    """Find the most accurate operation for these coordinates, and refuse what cannot be meant.

    Parameters
    ----------
    system
        With a place on Earth.
    x, y
        Finite coordinates in the system's units, x to the east.

    Raises
    ------
    BadNetworkFile
        The coordinates cannot be in that system: a zone's prefix that disagrees, degrees for metres, swapped axes.
    """
    crs = system.crs
    if crs is None:
        raise ValueError("local coordinates have no place on Earth")
    plain = _usual_operation(crs)
    if (wrong := _wrong_zone(system, x)) and not _fits(
        crs, *(np.asarray(one) for one in plain.transform(y, x))
    ):
        raise BadNetworkFile(wrong)
    lon, lat = (np.asarray(values) for values in plain.transform(x, y))
    if not _fits(crs, lon, lat):
        raise BadNetworkFile(_misfit(system, plain, x, y, lon, lat))
    known = np.isfinite(lon) & np.isfinite(lat)
    west, east = np.percentile(lon[known], STRAY_PERCENTILES)
    south, north = np.percentile(lat[known], STRAY_PERCENTILES)
    box = AreaOfInterest(float(west), float(south), float(east), float(north))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is missing is told as a caution
            group = TransformerGroup(crs, WGS84_SRID, always_xy=True, area_of_interest=box)
    except ProjError as error:
        raise BadNetworkFile(f"PROJ knows no way from {system.label} to WGS 84") from error
    best = group.transformers[0] if group.transformers else plain
    is_stated = best.accuracy is not None and best.accuracy >= 0
    how_well = f"{best.accuracy:g} m" if is_stated else "accuracy unknown"
    described = f"{system.label} to WGS 84: {best.description} ({how_well})"
    caution = None
    if not group.best_available and group.unavailable_operations:
        better = group.unavailable_operations[0]
        caution = f"a better operation is not installed: {better.name}"
        if is_stated and better.accuracy >= 0:
            caution += f" ({better.accuracy:g} m instead of {how_well})"
    elif not is_stated:
        caution = "PROJ states no accuracy for the operation used"
    return Placing(described, caution, best)


@lru_cache(maxsize=32)
def _usual_operation(crs: CRS) -> Transformer:
    return Transformer.from_crs(crs, WGS84_SRID, always_xy=True)


def metric_srid_for(systems: Sequence[SourceSystem], centre: LonLat) -> int:
    """Choose the plane to measure in: the first source's own where it is true to scale, else the UTM zone."""
    for system in systems:
        code = system.crs.to_epsg() if system.crs is not None else None
        if code is None or code == WEB_MERCATOR_SRID or system.crs is None or not system.crs.is_projected:
            continue
        try:
            metric_plane(code)
            factors = Proj(system.crs).get_factors(centre.lon, centre.lat)
        except (ValueError, ProjError):  # not in metres, or no such factors
            continue
        scales = (factors.meridional_scale, factors.parallel_scale)
        if all(abs(scale - 1.0) <= SCALE_ERROR_MAX for scale in scales):
            return code
    return utm_srid(centre)


def _fits(crs: CRS, lon: Floats, lat: Floats) -> bool:
    """Tell whether most places are on Earth and near the area the system is meant for; strays are told one by one."""
    known = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0)
    if np.count_nonzero(known) < len(lon) / 2:
        return False
    area = crs.area_of_use
    if area is None:
        return True
    middle_lon, middle_lat = float(np.median(lon[known])), float(np.median(lat[known]))
    if not area.south - AREA_MARGIN_DEG <= middle_lat <= area.north + AREA_MARGIN_DEG:
        return False
    if area.west <= area.east:
        return area.west - AREA_MARGIN_DEG <= middle_lon <= area.east + AREA_MARGIN_DEG
    return middle_lon >= area.west - AREA_MARGIN_DEG or middle_lon <= area.east + AREA_MARGIN_DEG


def _misfit(system: SourceSystem, plain: Transformer, x: Floats, y: Floats, lon: Floats, lat: Floats) -> str:
    """Say in one line why the coordinates cannot be in the system."""
    sample = f"x {np.median(x):.10g}, y {np.median(y):.10g}"
    crs = system.crs
    assert crs is not None
    swapped = (np.asarray(values) for values in plain.transform(y, x))
    if _fits(crs, *swapped):
        return f"coordinates ({sample}) do not fit {system.label}, but do with x and y exchanged: set swap_axes in the mapping"
    if crs.is_geographic:
        return (
            f"coordinates ({sample}) are no degrees, as {system.label} has them: name the system they are in"
        )
    if np.abs(x).max() <= 180.0 and np.abs(y).max() <= 90.0:
        return (
            f"coordinates ({sample}) look like degrees, not like {system.label}: name the system they are in"
        )
    where = ""
    known = np.isfinite(lon) & np.isfinite(lat)
    if known.any():
        where = f" would lie at {np.median(lon[known]):.4f}, {np.median(lat[known]):.4f}, which"
    return f"coordinates ({sample}){where} is far outside where {system.label} is used: name the system they are in"


def _wrong_zone(system: SourceSystem, x: Floats) -> str | None:
    """Compare the zone written in front of the eastings with the one the system has there."""
    crs = system.crs
    if crs is None or not crs.is_projected or crs.axis_info[0].unit_name != "metre":
        return None
    operation = crs.coordinate_operation
    if operation is None or "Transverse Mercator" not in operation.method_name:
        return None
    false_easting = next(
        (float(one.value) for one in operation.params if one.name == "False easting"), FALSE_EASTING_M
    )
    declared, written = _zone_prefix(false_easting), _zone_prefix(float(np.median(x)))
    if false_easting % ZONE_STEP_M != FALSE_EASTING_M or declared == written:
        return None
    if abs(float(np.median(x)) % ZONE_STEP_M - false_easting % ZONE_STEP_M) > EASTING_REACH_M:
        return None  # no easting of any zone
    if written < 1 or written > 60:
        if declared and written == 0:
            return (
                f"eastings (such as {np.median(x):.0f}) have no zone in front, "
                f"those of {system.label} begin with {declared}: declare the system of that zone without prefix"
            )
        return None
    has = f"begin with {declared}" if declared else "have no zone in front"
    return (
        f"eastings (such as {np.median(x):.0f}) begin with zone {written}, those of {system.label} {has}: "
        f"declare the system of zone {written} with prefix"
    )


def _zone_prefix(easting: float) -> int:
    return math.floor(easting / ZONE_STEP_M)
