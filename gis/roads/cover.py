"""Which streets and customers nobody reaches in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.auth import Actor
from gis.coordinates import LonLat, loaded
from gis.models import Address, CustomerAccount, Meter, ServiceArea
from gis.roads.current import current_roads
from gis.roads.overlay import Roads
from gis.roads.reach import Reach, line_metres, missed_area, reach_within
from gis.roads.snapping import snap


@dataclass(frozen=True, slots=True)
class Cover:
    """What nobody reaches in time."""

    missed_area: Any  # shapely has no types
    road_m: float
    missed_road_m: float
    missed_customers: int


def cover(session: Session, actor: Actor, places: Sequence[LonLat], limit_s: float) -> Cover:
    """Find the streets and customers of a person's part of the service area that none of some places reaches in time.

    Without a service area all streets count.

    Raises
    ------
    NoRoadGraph, NoRoadNearby
        As for a way.
    """
    roads = current_roads(session)
    (reach,) = reach_within(roads, places, [limit_s], towards=False)
    stored_area = session.scalar(select(ServiceArea.geom))
    area: Any = None if stored_area is None else loaded(stored_area)  # shapely has no types
    if actor.area_wkt is not None:
        his = shapely.from_wkt(actor.area_wkt)
        area = his if area is None else area.intersection(his)
    lines, missed = missed_area(reach, area)
    road_m = float(line_metres(roads)[lines].sum())
    return Cover(
        missed, road_m, road_m - reach.road_m(lines), _missed_customers(session, actor, roads, reach)
    )


def _missed_customers(session: Session, actor: Actor, roads: Roads, reach: Reach) -> int:
    """Count the customers whose place on the nearest street is not reached."""
    where = func.coalesce(Address.geom, Meter.geom)
    rows = session.execute(
        select(func.ST_X(where), func.ST_Y(where), func.count())
        .select_from(CustomerAccount)
        .outerjoin(Address, Address.id == CustomerAccount.address_id)
        .outerjoin(Meter, Meter.id == CustomerAccount.meter_id)
        .where(where.is_not(None), actor.area_filter(where))
        .group_by(where)
    ).all()
    if not rows:
        return 0
    at = snap(roads, [LonLat(lon=lon, lat=lat) for lon, lat, _ in rows], to_open=True)
    counts = np.array([count for _, _, count in rows])
    return int(counts[~reach.holds(at)].sum())
