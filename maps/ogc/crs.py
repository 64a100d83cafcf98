"""Coordinate systems by their OGC names, in the axis order of their definitions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gis.coordinates import CGCS2000_SRID, WGS84_SRID, is_north_first

DEGREE_DIGITS = 7
"""Decimals of a degree: about a centimetre."""
METRE_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Crs:
    """A coordinate system features can be asked for in.

    Parameters
    ----------
    is_north_first
        Its first axis is the latitude or the northing.
    """

    uri: str
    srid: int
    is_north_first: bool
    is_degrees: bool

    @property
    def digits(self) -> int:
        """Decimals worth writing."""
        return DEGREE_DIGITS if self.is_degrees else METRE_DIGITS

    @property
    def is_stored(self) -> bool:
        """Whether stored numbers are its numbers, the order aside."""
        return self.srid == WGS84_SRID


CRS84: Final = Crs("http://www.opengis.net/def/crs/OGC/1.3/CRS84", WGS84_SRID, False, True)
"""Longitude before latitude in WGS 84: how things are stored, and the answer to those who name no system."""


def epsg(srid: int, *, is_degrees: bool) -> Crs:
    """Name a system of the EPSG register."""
    uri = f"http://www.opengis.net/def/crs/EPSG/0/{srid}"
    return Crs(uri, srid, is_north_first(srid), is_degrees)


def offered(metric_srid: int | None, *, has_place: bool = True) -> tuple[Crs, ...]:
    """List the systems of a network: WGS 84 in both orders, CGCS2000, its own plane; one without a place on Earth has no other than the default."""
    if not has_place:
        return (CRS84,)
    degrees = (CRS84, epsg(WGS84_SRID, is_degrees=True), epsg(CGCS2000_SRID, is_degrees=True))
    return degrees if metric_srid is None else (*degrees, epsg(metric_srid, is_degrees=False))


def by_uri(uri: str, among: Sequence[Crs]) -> Crs | None:
    """Find a system by its name."""
    return next((one for one in among if one.uri == uri), None)
