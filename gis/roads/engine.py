"""What the product asks of the roads, and all it knows of whatever answers; another engine would stand behind these functions (ADR 19)."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from gis.coordinates import LonLat
from gis.roads.current import current_roads
from gis.roads.telling import Route
from gis.roads.ways import Ways, route

__all__ = ["Ways", "route_between", "ways_to"]


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
