"""Which streets and customers nobody reaches in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.auth import Actor
from gis.coordinates import LonLat, loaded
from gis.kept import Kept
from gis.models import Address, CustomerAccount, Meter, ServiceArea
from gis.roads.current import current_roads
from gis.roads.graph import Floats, Ints, RoadGraph
from gis.roads.overlay import Roads
from gis.roads.reach import Reach, line_metres, missed_area, reach_within
from gis.roads.snapping import Snapped, snap


@dataclass(frozen=True, slots=True)
class Cover:
    """What nobody reaches in time."""

    missed_area: Any  # shapely has no types
    road_m: float
    missed_road_m: float
    missed_customers: int


@dataclass(frozen=True, slots=True)
class Customers:
    """Where customers live, how many at each place, and where they meet the roads when none is closed."""

    lon: Floats
    lat: Floats
    counts: Ints
    snapped: Snapped


_CUSTOMERS: Kept[Customers] = Kept()
"""Anew with each network published and each road graph read."""


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
    served = session.execute(select(ServiceArea.network_revision, ServiceArea.geom)).one_or_none()
    revision, stored_area = served if served is not None else (None, None)
    area: Any = None if stored_area is None else loaded(stored_area)  # shapely has no types
    his = actor.area()
    if his is not None:
        area = his if area is None else area.intersection(his)
    lines, missed = missed_area(reach, area)
    road_m = float(line_metres(roads)[lines].sum())
    customers = _current_customers(session, roads.graph, revision)
    missed_customers = _missed_customers(roads, customers, his, reach)
    return Cover(missed, road_m, road_m - reach.road_m(lines), missed_customers)


def _missed_customers(roads: Roads, customers: Customers, his: Any, reach: Reach) -> int:
    """Count the customers of a person's area whose place on the nearest open street is not reached."""
    counts = customers.counts
    if his is not None:
        shapely.prepare(his)
        counts = np.where(shapely.intersects_xy(his, customers.lon, customers.lat), counts, 0)
    held = reach.holds(customers.snapped)
    moved = np.flatnonzero(roads.is_shut(customers.snapped.line) & (counts > 0))
    if len(moved):
        places = [LonLat(lon=customers.lon[at], lat=customers.lat[at]) for at in moved.tolist()]
        held[moved] = reach.holds(snap(roads, places, to_open=True))
    return int(counts[~held].sum())


def _current_customers(session: Session, graph: RoadGraph, network_revision: UUID | None) -> Customers:
    return _CUSTOMERS.get((network_revision, graph), lambda: _load_customers(session, graph))


def _load_customers(session: Session, graph: RoadGraph) -> Customers:
    where = func.coalesce(Address.geom, Meter.geom)
    rows = session.execute(
        select(func.ST_X(where), func.ST_Y(where), func.count())
        .select_from(CustomerAccount)
        .outerjoin(Address, Address.id == CustomerAccount.address_id)
        .outerjoin(Meter, Meter.id == CustomerAccount.meter_id)
        .where(where.is_not(None))
        .group_by(where)
    ).all()
    places = [LonLat(lon=lon, lat=lat) for lon, lat, _ in rows]
    return Customers(
        lon=np.array([place.lon for place in places]),
        lat=np.array([place.lat for place in places]),
        counts=np.array([count for _, _, count in rows], dtype=np.int64),
        snapped=snap(Roads.without_closures(graph), places, to_open=False),
    )
