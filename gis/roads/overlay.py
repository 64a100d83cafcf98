"""The roads as they can be driven now: the graph, never changed, with what closures make of it laid over."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.coordinates import metric_plane
from gis.roads.contraction import Steps, distinct, time_again, time_steps
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
    """The fastest edge between each two neighbouring nodes, in the order of `entries`: its time and number.

    Parameters
    ----------
    length_m
        Of each edge of the graph.
    before, changed
        What it was worked out from, if anything, and which pairs are not as there.
    """

    entries: Entries
    seconds: Floats
    edge: NDArray[np.int32]
    length_m: Floats
    before: "Matrix | None"
    changed: Ints

    @cached_property
    def steps(self) -> Steps:
        """What is searched instead, with the nodes left out that a search passes over."""
        if self.before is None:
            return time_steps(self.entries.contraction, self.seconds, self.edge, self.length_m)
        return time_again(self.before.steps, self.changed, self.seconds, self.edge, self.length_m)


@dataclass(frozen=True)
class Roads:
    """A road graph and how much longer each of its lines takes; safe to share between threads.

    Parameters
    ----------
    line_factor
        By how much driving along each line takes longer than the graph says; infinite where it is shut.
    before
        The roads without the last closures, if any were laid over: what those do not touch is not worked out again.
    """

    graph: RoadGraph
    line_factor: Floats
    before: "Roads | None" = None

    @classmethod
    def without_closures(cls, graph: RoadGraph) -> "Roads":
        """See the graph as it stands."""
        return cls(graph, np.ones(len(graph.lines.edge)))

    def slowed(self, closures: Iterable[Slowed]) -> "Roads":
        """Lay closures over; where several meet the greatest holds."""
        factor = self.line_factor.copy()
        for closure in closures:
            factor[closure.lines] = np.maximum(factor[closure.lines], closure.factor)
        return Roads(self.graph, factor, self)

    @property
    def undisturbed(self) -> "Roads":
        """The same without closures."""
        return self if self.before is None else self.before.undisturbed

    def seconds_of(self, edges: Ints) -> Floats:
        """Tell what some edges take, infinite where they are shut."""
        return np.asarray(self.graph.edge_time_s[edges] * self.line_factor[self.graph.lines.of_edge[edges]])

    def is_shut(self, lines: Ints) -> NDArray[np.bool_]:
        """Tell which of some lines are shut."""
        return np.isinf(self.line_factor[lines])

    @cached_property
    def backward(self) -> Matrix:
        """For searches from a destination."""
        return self._matrix(self.graph.backward, None if self.before is None else self.before.backward)

    @cached_property
    def forward(self) -> Matrix:
        """For searches from an origin."""
        return self._matrix(self.graph.forward, None if self.before is None else self.before.forward)

    def warm(self) -> "Roads":
        """Work out now what every question from or to a place needs."""
        _ = self.backward.steps
        return self

    @cached_property
    def _changed(self) -> Ints:
        """The edges that do not take what they took before."""
        if self.before is None:
            return np.arange(self.graph.edge_count)
        return self.graph.lines.edges.of(np.flatnonzero(self.line_factor != self.before.line_factor))

    def _matrix(self, entries: Entries, before: Matrix | None) -> Matrix:
        """Choose the fastest of the edges that join each two nodes, of equals the first."""
        touched = entries.of_edge[self._changed]
        pairs = distinct(touched[touched >= 0])
        edges, counts = entries.edges.of(pairs), entries.edges.counts(pairs)
        edge_s = self.seconds_of(edges)
        fastest = np.lexsort((edge_s, np.repeat(pairs, counts)))[np.cumsum(counts) - counts]
        if before is None:
            size = len(entries.row)
            seconds, edge = np.empty(size), np.empty(size, dtype=np.int32)
        else:
            seconds, edge = before.seconds.copy(), before.edge.copy()
        seconds[pairs], edge[pairs] = edge_s[fastest], edges[fastest]
        return Matrix(entries, seconds, edge, self.graph.edge_length_m, before, pairs)


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
    projected = plane.project(shapely.segmentize(area, STRAIGHT_DEG))
    near = np.sort(graph.tree.query(projected, predicate="dwithin", distance=PLANE_MARGIN_M))
    if not len(near):
        return np.empty(0, dtype=np.int64)
    shapely.prepare(area)
    return near[shapely.intersects(area, graph.shapes(graph.lines.edge[near]))].astype(np.int64)
