"""Longitude and latitude, datums, metric systems: the one file that knows SRIDs and axis orders."""

from typing import Any, Literal

from geoalchemy2 import Geometry
from sqlalchemy.orm import MappedColumn, mapped_column

WGS84_SRID = 4326

GeometryKind = Literal["Point", "LineString", "Polygon", "MultiLineString", "MultiPolygon"]


def geometry_type(kind: GeometryKind) -> Geometry:
    """Give the type of a stored geometry of `kind`, longitude and latitude in WGS 84."""
    return Geometry(kind, srid=WGS84_SRID, spatial_index=True)


def geometry_column(kind: GeometryKind, *, nullable: bool = False) -> MappedColumn[Any]:
    """Declare a stored geometry with its spatial index.

    Mapped values are geoalchemy2's WKBElement, which carries no type information of its own.
    """
    return mapped_column(geometry_type(kind), nullable=nullable)
