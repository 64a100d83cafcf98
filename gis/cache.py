"""Keeps this process's road graph and network, and reads them anew when the stored ones change."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.errors import NoRoadGraph
from gis.isolation import IsolationNetwork
from gis.models import RoadGraph as RoadGraphRow
from gis.queries import load_isolation_network
from gis.roads import RoadGraph, load_road_graph
from gis.service_area import area_facts

T = TypeVar("T")


class _Kept(Generic[T]):
    """One value, made by one thread at a time, kept while its revision stays the same."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: tuple[UUID, T] | None = None

    def get(self, revision: UUID, make: Callable[[], T]) -> T:
        """Give the value of a revision, making it when another one is kept."""
        kept = self._kept
        if kept is not None and kept[0] == revision:
            return kept[1]
        with self._lock:
            if self._kept is None or self._kept[0] != revision:
                self._kept = (revision, make())
            return self._kept[1]


_ROADS: _Kept[RoadGraph] = _Kept()
_NETWORK: _Kept[IsolationNetwork] = _Kept()


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
