"""A circle round a place, asked of stored geometries in metres."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select

from core.auth import Actor
from gis.coordinates import LonLat, box_around, geography


@dataclass(frozen=True, slots=True)
class Circle:
    """Everything within `radius_m` of a place. Columns are Any: mapped geometries carry no type of their own."""

    place: LonLat
    radius_m: float

    def distance_m(self, column: Any) -> ColumnElement[float]:
        """Measure from the place to a geometry, metres."""
        return func.ST_Distance(geography(column), geography(self.place.as_sql()))

    def holds(self, column: Any) -> ColumnElement[bool]:
        """Condition that some of a geometry lies within; the box comes first, for the spatial index."""
        return and_(
            self.touches_box(column),
            func.ST_DWithin(geography(column), geography(self.place.as_sql()), self.radius_m),
        )

    def touches_box(self, column: Any) -> ColumnElement[bool]:
        """Condition that a geometry may lie within: the sieve alone."""
        box: ColumnElement[bool] = column.op("&&")(box_around(self.place, self.radius_m))
        return box

    def nearest(self, actor: Actor, geom: Any, *columns: Any) -> Select[Any]:
        """Ask for what of a table lies within and a person may see, nearest first; the distance comes after the columns."""
        distance_m = self.distance_m(geom)
        return (
            select(*columns, distance_m)
            .where(self.holds(geom), actor.area_filter(geom))
            .order_by(distance_m, columns[0])
        )
