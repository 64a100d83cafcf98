"""What the product asks of the roads, and all it knows of whatever answers; another engine would stand behind these functions (ADR 19)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import utc_now
from gis.coordinates import LonLat, line_shape, loaded
from gis.errors import NoRouteFound
from gis.models import RoadClosure
from gis.roads.closures import in_force_now
from gis.roads.cover import Cover, cover
from gis.roads.current import current_roads
from gis.roads.reach import reach_within, reached_areas
from gis.roads.telling import Route, step_text
from gis.roads.ways import Ways, route

__all__ = [
    "Cover",
    "DriveTimeArea",
    "Route",
    "Ways",
    "closures_avoided",
    "cover",
    "drive_time_areas",
    "route_between",
    "step_text",
    "warm",
    "ways_to",
]


@dataclass(frozen=True, slots=True)
class DriveTimeArea:
    """What can be reached in so many seconds: an area in longitude and latitude, and metres of street."""

    limit_s: float
    area: Any  # shapely has no types
    road_m: float


def warm(session: Session) -> None:
    """Make ready what every question needs, so that the first is as quick as the next.

    Raises
    ------
    NoRoadGraph
        No roads are loaded.
    """
    current_roads(session)


def ways_to(session: Session, origins: Sequence[LonLat], destination: LonLat) -> Ways:
    """Find the fastest ways from several places to one, on the roads as they are now.

    Raises
    ------
    NoRoadGraph
        No roads are loaded.
    NoRoadNearby
        No road near the destination.
    """
    return Ways(current_roads(session), origins, destination)


def route_between(session: Session, origin: LonLat, destination: LonLat) -> Route:
    """Find the fastest way between two places, on the roads as they are now.

    Raises
    ------
    NoRoadGraph
        No roads are loaded.
    NoRoadNearby
        No road near one of the ends.
    NoRouteFound
        One-way streets, closures or a gap leave no way.
    """
    return route(current_roads(session), origin, destination)


def closures_avoided(session: Session, origin: LonLat, destination: LonLat, way: Route) -> list[UUID]:
    """Name the closures in force that the way would lead through were they not there."""
    roads = current_roads(session)
    if (roads.line_factor == 1.0).all():
        return []
    try:
        undisturbed = route(roads.undisturbed, origin, destination)
    except NoRouteFound:
        return []
    before, now = (line_shape(one.geometry) for one in (undisturbed, way))
    closures = session.execute(
        select(RoadClosure.id, RoadClosure.area)
        .where(in_force_now(utc_now()))
        .order_by(RoadClosure.created_at)
    )
    return [
        closure
        for closure, area in closures
        if before.intersects(loaded(area)) and not now.intersects(loaded(area))
    ]


def drive_time_areas(
    session: Session, place: LonLat, limits_s: Sequence[float], *, towards: bool
) -> list[DriveTimeArea]:
    """Draw what can be reached from a place within several times, or from where it can be reached.

    Raises
    ------
    NoRoadGraph, NoRoadNearby
        As for a way.
    """
    limits = sorted(set(limits_s))
    found = reach_within(current_roads(session), [place], limits, towards=towards)
    return [
        DriveTimeArea(limit_s, area, reach.road_m())
        for limit_s, reach, area in zip(limits, found, reached_areas(found), strict=True)
    ]
