"""The roads as they can be driven now: the graph, never changed, with what closures make of it laid over."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.coordinates import metric_plane
from gis.roads.graph import Entries, Floats, Ints, RoadGraph

STRAIGHT_DEG = 0.001
"""A border longer than this, about 100 m, is divided before it is projected: straight in degrees is bent in the plane."""
PLANE_MARGIN_M = 0.1
"""More than projecting moves a line that is straight in degrees."""


@dataclass(frozen=True, slots=True)
class Slowed:
    """Lines on which driving takes longer; an infinite factor shuts them."""

    lines: Ints
    factor: float


@dataclass(frozen=True)
class Matrix:
    """The fastest edge between each two neighbouring nodes, in the order of `entries`: its time, number and length."""

    entries: Entries
    seconds: Floats
    edge: Ints
    metres: Floats


@dataclass(frozen=True)
class Roads:
    """A road graph and how much longer each of its lines takes; safe to share between threads.

    Parameters
    ----------
    line_factor
        By how much driving along each line takes longer than the graph says; infinite where it is shut.
    """

    graph: RoadGraph
    line_factor: Floats

    @classmethod
    def without_closures(cls, graph: RoadGraph) -> "Roads":
        """See the graph as it stands."""
        return cls(graph, np.ones(len(graph.lines.edge)))

    def slowed(self, closures: Iterable[Slowed]) -> "Roads":
        """Lay closures over; where several meet the greatest holds."""
        factor = self.line_factor.copy()
        for closure in closures:
            factor[closure.lines] = np.maximum(factor[closure.lines], closure.factor)
        return Roads(self.graph, factor)

    @cached_property
    def edge_time_s(self) -> Floats:
        """What each edge takes, infinite where it is shut."""
        return self.graph.edge_time_s * self.line_factor[self.graph.lines.of_edge]

    def is_shut(self, lines: Ints) -> NDArray[np.bool_]:
        """Tell which of some lines are shut."""
        return np.isinf(self.line_factor[lines])

    @cached_property
    def backward(self) -> Matrix:
        """For searches from a destination."""
        return self._matrix(self.graph.backward)

    @cached_property
    def forward(self) -> Matrix:
        """For searches from an origin."""
        return self._matrix(self.graph.forward)

    def warm(self) -> "Roads":
        """Work out now what every question from or to a place needs."""
        _ = self.backward
        return self

    def _matrix(self, entries: Entries) -> Matrix:
        """Choose the fastest of the edges that join each two nodes."""
        if not len(entries.first):
            return Matrix(entries, np.empty(0), entries.edges, np.empty(0))
        time = self.edge_time_s[entries.edges]
        seconds = np.minimum.reduceat(time, entries.first)
        counts = np.diff(entries.first, append=len(entries.edges))
        fastest = np.flatnonzero(time == np.repeat(seconds, counts))[::-1]
        pair = np.repeat(np.arange(len(entries.first)), counts)
        edge = np.empty(len(entries.first), dtype=np.int64)
        edge[pair[fastest]] = entries.edges[fastest]  # of equals the first, which is written last
        return Matrix(entries, seconds, edge, self.graph.edge_length_m[edge])


def lines_touching(graph: RoadGraph, area: Any) -> Ints:
    """Find the lines that touch an area given in longitude and latitude.

    Both are straight in degrees there, as GeoJSON and the exported graph mean them; the plane's index only chooses whom to ask.

    Parameters
    ----------
    area
        A polygon or several. Any: shapely has no types.
    """
    if area.is_empty:
        return np.empty(0, dtype=np.int64)
    plane = metric_plane(graph.srid)
    projected = plane.project(shapely.segmentize(area, STRAIGHT_DEG)).buffer(PLANE_MARGIN_M, quad_segs=1)
    near = np.sort(graph.tree.query(projected, predicate="intersects"))
    if not len(near):
        return np.empty(0, dtype=np.int64)
    shapely.prepare(area)
    return near[shapely.intersects(area, graph.shapes(graph.lines.edge[near]))].astype(np.int64)
