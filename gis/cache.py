"""Keeps this process's road graph and network, and reads them anew when the stored ones change."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.errors import NoRoadGraph
from gis.isolation import IsolationNetwork
from gis.kept import Kept
from gis.models import RoadGraph as RoadGraphRow
from gis.queries import load_isolation_network
from gis.roads import RoadGraph, load_road_graph
from gis.service_area import area_facts

_ROADS: Kept[RoadGraph] = Kept()
_NETWORK: Kept[IsolationNetwork] = Kept()


def current_roads(session: Session) -> RoadGraph:
    """Give the current road graph.

    Raises
    ------
    NoRoadGraph
        None is loaded.
    """
    revision = session.scalar(select(RoadGraphRow.revision).where(RoadGraphRow.is_current))
    if revision is None:
        raise NoRoadGraph
    return _ROADS.get(revision, lambda: load_road_graph(session))


def current_network(session: Session) -> IsolationNetwork:
    """Give the network for tracing, as it stands.

    Raises
    ------
    NoServiceArea
        No network is loaded.
    """
    revision = area_facts(session).network_revision
    return _NETWORK.get(revision, lambda: load_isolation_network(session).warm())
