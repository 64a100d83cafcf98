"""Where places meet the roads, and how they leave them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.coordinates import LonLat, metric_plane
from gis.roads.graph import E7, Floats, Ints
from gis.roads.overlay import Roads

AT_JUNCTION_M = 0.5
"""A place this near to an edge's end stands at the junction and may leave it by any street."""
PLANE_REACH_DEG = 45.0
"""So far east and west a plane is asked about: what lies on the other side of the Earth it would draw on top of the roads."""
FIRST_RING_M = 25.0
"""Where the nearest line is looked for first."""


@dataclass(frozen=True, slots=True)
class Snapped:
    """Where places meet the roads: for each a line, how far along it, and how far away, metres.

    The share of the length is 0 or 1 for places that stand at a junction.

    A place on another side of the Earth, where the plane has no coordinates, is infinitely far and has no share.
    """

    line: Ints
    fraction: Floats
    distance_m: Floats

    def at(self, place: int) -> "Snapped":
        """Give one of the places."""
        return self._part(slice(place, place + 1))

    def but_first(self) -> "Snapped":
        """Give all but the first place."""
        return self._part(slice(1, None))

    def _part(self, some: slice) -> "Snapped":
        return Snapped(self.line[some], self.fraction[some], self.distance_m[some])


@dataclass(frozen=True, slots=True)
class Gates:
    """The ways between snapped places and nodes, two for each: along its line and against it.

    Parameters
    ----------
    node
        The node reached; -1 where there is no way.
    edge
        The edge driven on; -1 at a junction.
    seconds, metres
        How long and how far.
    """

    node: Ints
    edge: Ints
    seconds: Floats
    metres: Floats

    def at(self, place: int) -> "Gates":
        """Give the ways of one place."""
        one = slice(place, place + 1)
        return Gates(self.node[one], self.edge[one], self.seconds[one], self.metres[one])


def snap(roads: Roads, places: Sequence[LonLat], *, to_open: bool) -> Snapped:
    """Find the nearest place on a line for each place.

    Parameters
    ----------
    to_open
        Whether lines that are shut are passed over: whoever drives to a closed site leaves the car where it may still stand.
    """
    graph = roads.graph
    lon = np.array([place.lon for place in places], dtype=np.float64)
    lat = np.array([place.lat for place in places], dtype=np.float64)
    x, y = metric_plane(graph.srid).to_plane(lon, lat)
    east = (lon - graph.node_lon_e7[0] / E7 + 180.0) % 360.0 - 180.0
    on_plane = np.isfinite(x) & np.isfinite(y) & (np.abs(east) < PLANE_REACH_DEG)
    points = np.asarray(shapely.points(x[on_plane], y[on_plane]), dtype=object)
    line = np.zeros(len(x), dtype=np.int64)
    fraction, distance_m = np.full(len(x), np.nan), np.full(len(x), np.inf)
    line[on_plane] = near = _nearest_lines(roads, points, to_open=to_open)
    along = shapely.line_locate_point(graph.line_shapes[near], points)
    share = np.clip(along / graph.line_length_m[near], 0.0, 1.0)
    at_end_m = np.minimum(share, 1.0 - share) * graph.edge_length_m[graph.lines.edge[near]]
    fraction[on_plane] = np.where(at_end_m <= AT_JUNCTION_M, np.round(share), share)
    distance_m[on_plane] = shapely.distance(graph.line_shapes[near], points)
    return Snapped(line, fraction, distance_m)


def _nearest_lines(roads: Roads, points: NDArray[Any], *, to_open: bool) -> Ints:
    """Choose the nearest line of each point; of equals the first.

    Most points lie by a street: looking at the few lines about each is four times as quick as the index's own search (measured).
    """
    graph = roads.graph
    x, y = shapely.get_x(points), shapely.get_y(points)
    point, line = graph.tree.query(
        shapely.box(x - FIRST_RING_M, y - FIRST_RING_M, x + FIRST_RING_M, y + FIRST_RING_M)
    )
    distance_m = shapely.distance(points[point], graph.line_shapes[line])
    if to_open:
        distance_m[roads.is_shut(line)] = np.inf
    order = np.lexsort((line, distance_m, point))
    first = order[np.flatnonzero(np.diff(point[order], prepend=-1))]
    chosen = np.full(len(points), -1, dtype=np.int64)
    sure = first[distance_m[first] <= FIRST_RING_M]
    chosen[point[sure]] = line[sure]
    far = np.flatnonzero(chosen < 0)
    chosen[far] = graph.tree.nearest(points[far])
    if to_open:
        for at in far[roads.is_shut(chosen[far])].tolist():
            chosen[at] = _nearest_open(roads, points[at], int(chosen[at]))
    return chosen


def _nearest_open(roads: Roads, point: shapely.Point, nearest: int) -> int:
    """Look round a place in rings, each twice as wide, for a line that is not shut; without any the nearest stays."""
    graph = roads.graph
    ring_m = 2.0 * max(FIRST_RING_M, float(shapely.distance(graph.line_shapes[nearest], point)))
    while True:
        near = np.asarray(graph.tree.query(point, predicate="dwithin", distance=ring_m), dtype=np.int64)
        usable = near[~roads.is_shut(near)]
        if len(usable):
            return int(usable[np.argmin(shapely.distance(graph.line_shapes[usable], point))])
        if len(near) == len(graph.line_shapes):
            return nearest
        ring_m *= 2.0


def gates(roads: Roads, snapped: Snapped, *, leaving: bool) -> Gates:
    """List the ways between snapped places and nodes.

    Leaving, the edge leads on to its last node; arriving, it is entered at its first. A place on a line that is shut has no way, unless
    it stands at a junction.
    """
    graph, line = roads.graph, snapped.line
    lines = graph.lines
    edge = np.column_stack([lines.forth[line], lines.back[line]])
    u, v = (ends[lines.edge[line]].astype(np.int64) for ends in (graph.edge_u, graph.edge_v))
    node = np.column_stack([v, u] if leaving else [u, v])
    done = snapped.fraction[:, None]
    share = np.hstack([1.0 - done, done] if leaving else [done, 1.0 - done])
    time = np.where(edge >= 0, roads.seconds_of(edge), np.inf)
    metres = share * graph.edge_length_m[edge]
    is_open = np.isfinite(time) & np.isfinite(share)
    node[~is_open] = -1
    seconds = np.where(is_open, share * np.where(is_open, time, 0.0), np.inf)
    for stands, which in ((snapped.fraction == 0.0, u), (snapped.fraction == 1.0, v)):
        node[stands] = which[stands, None]
        edge[stands], seconds[stands], metres[stands] = -1, 0.0, 0.0
    return Gates(node=node, edge=edge, seconds=seconds, metres=metres)


def beside(roads: Roads, origins: Snapped, destinations: Snapped) -> tuple[Floats, Floats]:
    """Measure the ways along one line for pairs that stand on the same: seconds and metres, infinite for the others.

    Origins and destinations go pair by pair; a single one on either side goes with all of the other.
    """
    graph, line = roads.graph, destinations.line
    step = destinations.fraction - origins.fraction
    edge = np.where(step >= 0, graph.lines.forth[line], graph.lines.back[line])
    time = np.where(edge >= 0, roads.seconds_of(edge), np.inf)
    with np.errstate(invalid="ignore"):  # nothing times infinite
        seconds = np.where(step == 0, 0.0, np.abs(step) * time)
    is_way = (origins.line == line) & np.isfinite(seconds)
    return (
        np.where(is_way, seconds, np.inf),
        np.where(is_way, np.abs(step) * graph.edge_length_m[edge], np.inf),
    )
