"""Keeps this process's network and mains, and reads them anew when what is stored changes."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.coordinates import metric_plane
from gis.isolation import IsolationNetwork
from gis.kept import Kept
from gis.mains import Mains
from gis.models import RoadGraph
from gis.queries import load_isolation_network, load_mains
from gis.service_area import area_facts

_NETWORK: Kept[IsolationNetwork] = Kept()
_MAINS: Kept[Mains] = Kept()


def current_network(session: Session) -> IsolationNetwork:
    """Give the network for tracing, as it stands.

    Raises
    ------
    NoServiceArea
        No network is loaded.
    """
    revision = area_facts(session).network_revision
    return _NETWORK.get(revision, lambda: load_isolation_network(session).warm())


def current_mains(session: Session) -> Mains:
    """Give the mains a place may be served from; a new road graph moves no main, but tells anew on which side of its street each lies.

    Raises
    ------
    NoServiceArea
        No network is loaded, or it has no place on Earth.
    """
    facts = area_facts(session)
    plane = metric_plane(facts.plane_srid)
    roads = session.scalar(select(RoadGraph.revision).where(RoadGraph.is_current))
    return _MAINS.get((facts.network_revision, roads), lambda: load_mains(session, plane).warm())
