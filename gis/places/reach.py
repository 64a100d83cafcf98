"""A circle round a place, asked of stored geometries in metres."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from core.auth import Actor
from gis.coordinates import LonLat, box_around, geography
from gis.errors import OutsideServiceArea
from gis.service_area import ensure_in_service_area


@dataclass(frozen=True, slots=True)
class Reach:
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


def ensure_seen(session: Session, actor: Actor, place: LonLat, *, margin_m: float) -> None:
    """Refuse a place that is not served, or not the person's to look at.

    Raises
    ------
    OutsideServiceArea
        It lies outside the area served, or outside his.
    """
    ensure_in_service_area(session, place, margin_m=margin_m)
    if actor.area_wkt is not None and not session.scalar(select(actor.area_filter(place.as_sql()))):
        raise OutsideServiceArea
