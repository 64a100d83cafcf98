"""The road graph as arrays: who gets there first, and by which streets.

The model is osmnx's directed graph with its travel times; parallel edges are kept in the edge table, and the search
matrix holds the fastest of them. One search on the reversed matrix, started at the destination, gives the exact travel
time from everywhere.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import shapely
import shapely.ops
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.coordinates import LonLat, metric_plane, straight_line_m, utm_srid
from gis.errors import NoRoadGraph, NoRoadNearby, NoRouteFound
from gis.models import RoadGraph as RoadGraphRow

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEARCH_LIMITS_S = (900.0, 1800.0, np.inf)
"""Most crews are near: a search that stops at 15 minutes costs a tenth of a full one (measured)."""
EXPECTED_MPS = 8.0
"""What a crew makes good in a straight line; only chooses the first limit to try."""
SNAP_LIMIT_M = 2000.0
AT_JUNCTION_M = 0.5
"""A place this near to an edge's end stands at the junction and may leave it by any street."""
E7 = 1e7
"""Coordinates are kept in whole units of 1e-7 degrees, OpenStreetMap's own precision."""


class Turn(StrEnum):
    """What the driver does where a step begins."""

    DEPART = "depart"
    STRAIGHT = "straight"
    SLIGHT_LEFT = "slight_left"
    LEFT = "left"
    SHARP_LEFT = "sharp_left"
    SLIGHT_RIGHT = "slight_right"
    RIGHT = "right"
    SHARP_RIGHT = "sharp_right"
    U_TURN = "u_turn"


@dataclass(frozen=True, slots=True)
class Travel:
    """The fastest way from one origin; `seconds` and `metres` are None when there is none."""

    origin: int
    seconds: float | None
    metres: float | None
    snapped_m: float
    """How far the origin lies from the road it starts on."""


@dataclass(frozen=True, slots=True)
class Step:
    """Follow one street."""

    road_name: str | None
    turn: Turn
    bearing_deg: float
    metres: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Route:
    """The fastest way by road, drawn and told."""

    seconds: float
    metres: float
    geometry: tuple[LonLat, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _Snap:
    """Where points meet the roads: per point an edge, how far along it (0..1), and how far away."""

    edge: Ints
    fraction: Floats
    distance_m: Floats

    def row(self, index: int) -> "_Snap":
        """Give one of the points alone."""
        one = slice(index, index + 1)
        return _Snap(self.edge[one], self.fraction[one], self.distance_m[one])


@dataclass(frozen=True, slots=True)
class _Gates:
    """The ways off a snapped point onto nodes: node, edge used, seconds, metres, share of the edge; node -1 is no way."""

    node: Ints
    edge: Ints
    seconds: Floats
    metres: Floats

    def row(self, index: int) -> "_Gates":
        """Give the ways off one of the points."""
        one = slice(index, index + 1)
        return _Gates(self.node[one], self.edge[one], self.seconds[one], self.metres[one])


@dataclass(frozen=True)
class RoadGraph:
    """A directed road graph in arrays; never changed after it is made, safe to share between threads.

    Parameters
    ----------
    node_id
        OpenStreetMap ids of the nodes; edges name nodes by their place in this array.
    node_lon_e7, node_lat_e7
        Places of the nodes in 1e-7 degrees.
    edge_u, edge_v
        First and last node of each directed edge.
    edge_length_m, edge_time_s
        Length and free-flow travel time; times are positive.
    edge_name, edge_class
        Indexes into `names` (-1: nameless) and `classes`.
    edge_reverse
        The edge of the other direction over the same geometry, -1 for a one-way street.
    line_start
        Offsets of each edge's vertices in `vertex_lon_e7`, one more than there are edges.
    """

    node_id: Ints
    node_lon_e7: NDArray[np.int32]
    node_lat_e7: NDArray[np.int32]
    edge_u: NDArray[np.int32]
    edge_v: NDArray[np.int32]
    edge_length_m: Floats
    edge_time_s: Floats
    edge_name: NDArray[np.int32]
    edge_class: NDArray[np.int16]
    edge_reverse: NDArray[np.int32]
    line_start: Ints
    vertex_lon_e7: NDArray[np.int32]
    vertex_lat_e7: NDArray[np.int32]
    names: tuple[str, ...]
    classes: tuple[str, ...]

    # --- keeping -------------------------------------------------------------------------------

    def to_npz(self) -> bytes:
        """Write the graph for `gis.road_graph.arrays`; the same graph gives the same bytes."""
        arrays: dict[str, NDArray[Any]] = {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if name not in ("names", "classes")
        }
        arrays["names"] = np.frombuffer("\x1f".join(self.names).encode(), dtype=np.uint8)
        arrays["classes"] = np.frombuffer("\x1f".join(self.classes).encode(), dtype=np.uint8)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_npz(cls, raw: bytes) -> "RoadGraph":
        """Read what `to_npz` wrote."""
        with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
            parts: dict[str, Any] = {name: arrays[name] for name in arrays.files}
        for name in ("names", "classes"):
            joined = parts[name].tobytes().decode()
            parts[name] = tuple(joined.split("\x1f")) if joined else ()
        return cls(**parts)

    # --- derived, made once ----------------------------------------------------------------------

    @property
    def node_count(self) -> int:
        """How many nodes there are."""
        return len(self.node_id)

    @property
    def edge_count(self) -> int:
        """How many directed edges there are."""
        return len(self.edge_u)

    @cached_property
    def srid(self) -> int:
        """The metric system the graph measures in."""
        return utm_srid(
            LonLat(lon=float(np.median(self.node_lon_e7)) / E7, lat=float(np.median(self.node_lat_e7)) / E7)
        )

    @cached_property
    def _reversed(self) -> tuple[Ints, Ints, Floats, Ints]:
        """The reversed search matrix: row starts, columns, seconds, and the edge behind each entry."""
        order = np.lexsort((self.edge_time_s, self.edge_u, self.edge_v))
        rows, columns = self.edge_v[order], self.edge_u[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
        first &= rows != columns
        edges = order[first].astype(np.int64)
        starts = np.zeros(self.node_count + 1, dtype=np.int64)
        np.cumsum(np.bincount(self.edge_v[edges], minlength=self.node_count), out=starts[1:])
        return starts, self.edge_u[edges].astype(np.int64), self.edge_time_s[edges], edges

    @cached_property
    def _entry_key(self) -> Ints:
        """Rises along the reversed matrix, so that the edge between two nodes is found by bisection."""
        starts, columns, _, _ = self._reversed
        rows = np.repeat(np.arange(self.node_count, dtype=np.int64), np.diff(starts))
        return rows * self.node_count + columns

    @cached_property
    def _drawn(self) -> Ints:
        """One edge of each pair that shares a geometry: what points snap to."""
        edges = np.arange(self.edge_count)
        return edges[(self.edge_reverse < 0) | (self.edge_reverse > edges)]

    @cached_property
    def _plane_vertices(self) -> Floats:
        x, y = metric_plane(self.srid).to_plane(self.vertex_lon_e7 / E7, self.vertex_lat_e7 / E7)
        return np.column_stack([x, y])

    @cached_property
    def _lines(self) -> NDArray[Any]:
        """Plane geometries of the drawn edges."""
        counts = np.diff(self.line_start)[self._drawn]
        taken = np.repeat(
            self.line_start[self._drawn] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts
        )
        taken += np.arange(counts.sum())
        lines = shapely.linestrings(
            self._plane_vertices[taken], indices=np.repeat(np.arange(len(self._drawn)), counts)
        )
        shapely.prepare(lines)
        return np.asarray(lines, dtype=object)

    @cached_property
    def _line_length(self) -> Floats:
        return np.maximum(shapely.length(self._lines), 1e-6)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self._lines)

    def warm(self) -> "RoadGraph":
        """Make every derived array now, so that the first question is as quick as the next."""
        _ = self._entry_key, self._tree, self._line_length
        return self

    # --- snapping ----------------------------------------------------------------------------------

    def _snap(self, places: Sequence[LonLat]) -> _Snap:
        """Find the nearest place on an edge for each point."""
        x, y = metric_plane(self.srid).to_plane(
            np.array([place.lon for place in places], dtype=np.float64),
            np.array([place.lat for place in places], dtype=np.float64),
        )
        points = np.asarray(shapely.points(x, y))
        line = np.asarray(self._tree.nearest(points), dtype=np.int64)
        along = shapely.line_locate_point(self._lines[line], points)
        return _Snap(
            edge=self._drawn[line],
            fraction=np.clip(along / self._line_length[line], 0.0, 1.0),
            distance_m=np.asarray(shapely.distance(self._lines[line], points), dtype=np.float64),
        )

    def _gates(self, snap: _Snap, *, leaving: bool) -> _Gates:
        """List the ways between snapped points and nodes: two columns, by the edge itself and by its reverse.

        Leaving, the edge leads on to its last node; arriving, it is entered at its first.
        """
        edge = snap.edge
        reverse = self.edge_reverse[edge].astype(np.int64)
        length, time = self.edge_length_m[edge], self.edge_time_s[edge]
        one_way = reverse < 0
        reverse_time = np.where(one_way, 0.0, self.edge_time_s[reverse])
        done = snap.fraction
        ahead = (1.0 - done) if leaving else done
        u, v = self.edge_u[edge].astype(np.int64), self.edge_v[edge].astype(np.int64)
        node = np.column_stack([v, u] if leaving else [u, v])
        seconds = np.column_stack([ahead * time, (1.0 - ahead) * reverse_time])
        metres = np.column_stack([ahead * length, (1.0 - ahead) * length])
        used = np.column_stack([edge, reverse])
        node[one_way, 1] = -1
        at_u, at_v = done * length <= AT_JUNCTION_M, (1.0 - done) * length <= AT_JUNCTION_M
        for stands, which in ((at_u, u), (at_v, v)):
            node[stands] = which[stands, None]
            seconds[stands], metres[stands], used[stands] = 0.0, 0.0, -1
        return _Gates(node=node, edge=used, seconds=seconds, metres=metres)

    # --- searching ---------------------------------------------------------------------------------

    def _search(self, gates: _Gates, limit_s: float) -> tuple[Floats, Ints]:
        """Search backwards from a destination: seconds from every node, and the next node on the way.

        The destination joins the matrix as one more row whose entries are its gates.
        """
        starts, columns, seconds, _ = self._reversed
        open_gates = gates.node[0] >= 0
        if gates.node[0, 0] == gates.node[0, 1]:
            open_gates[np.argmax(gates.seconds[0])] = False
        target = self.node_count
        matrix = csr_matrix(
            (
                np.concatenate([seconds, gates.seconds[0][open_gates]]),
                np.concatenate([columns, gates.node[0][open_gates]]),
                np.append(starts, starts[-1] + np.count_nonzero(open_gates)),
            ),
            shape=(target + 1, target + 1),
        )
        cost, following = dijkstra(matrix, indices=[target], limit=limit_s, return_predecessors=True)
        return cost[0], following[0].astype(np.int64)

    def _edge_between(self, node: Ints, following: Ints) -> Ints:
        """Name the fastest edge from each node to the one that follows it."""
        _, _, _, edges = self._reversed
        return edges[np.searchsorted(self._entry_key, following * self.node_count + node)]

    def _metres_to_target(self, start: Ints, following: Ints, gates: _Gates) -> Floats:
        """Add up the lengths along the fastest ways from `start` nodes to the destination.

        Ways run together, so each node is walked once: first all chains are followed to where they meet an earlier
        one, then their edges are looked up at once, then the chains are added up backwards.
        """
        chains: list[list[int]] = []
        seen: set[int] = set()
        for first in start.tolist():
            chain, node = [], first
            while node not in seen:
                seen.add(node)
                chain.append(node)
                node = int(following[node])
                if not 0 <= node < self.node_count:
                    break
            chains.append(chain)
        nodes = np.array([node for chain in chains for node in chain], dtype=np.int64)
        ahead = following[nodes]
        drives = ahead < self.node_count
        step = np.zeros(len(nodes))
        step[drives] = self.edge_length_m[self._edge_between(nodes[drives], ahead[drives])]
        for index in np.flatnonzero(~drives).tolist():
            step[index] = gates.metres[0][self._gate_at(gates, int(nodes[index]))]
        metres = {self.node_count: 0.0}
        at = 0
        steps, onward = step.tolist(), ahead.tolist()
        for chain in chains:
            for place in range(at + len(chain) - 1, at - 1, -1):
                metres[chain[place - at]] = steps[place] + metres[onward[place]]
            at += len(chain)
        return np.array([metres[node] for node in start.tolist()])

    @staticmethod
    def _gate_at(gates: _Gates, node: int) -> int:
        """Choose the destination's fastest gate at `node`."""
        fits = np.flatnonzero(gates.node[0] == node)
        return int(fits[np.argmin(gates.seconds[0][fits])])

    def _along_one_edge(self, origins: _Snap, target: _Snap) -> tuple[Floats, Floats]:
        """Seconds and metres for origins that stand on the destination's own edge, infinite for the others."""
        edge = target.edge[0]
        same = origins.edge == edge
        step = target.fraction[0] - origins.fraction
        reverse = self.edge_reverse[edge]
        back_s = self.edge_time_s[reverse] if reverse >= 0 else np.inf
        with np.errstate(invalid="ignore"):
            seconds = np.where(step >= 0, step * self.edge_time_s[edge], -step * back_s)
        seconds = np.where(step == 0, 0.0, seconds)
        return (
            np.where(same, seconds, np.inf),
            np.where(same, np.abs(step) * self.edge_length_m[edge], np.inf),
        )

    def edge_points(self, edge: int) -> list[LonLat]:
        """Give an edge's vertices in driving order."""
        part = slice(self.line_start[edge], self.line_start[edge + 1])
        return [
            LonLat(lon=float(lon) / E7, lat=float(lat) / E7)
            for lon, lat in zip(self.vertex_lon_e7[part], self.vertex_lat_e7[part], strict=True)
        ]

    def edge_name_of(self, edge: int) -> str | None:
        """Give an edge's street name, if it has one."""
        index = int(self.edge_name[edge])
        return self.names[index] if index >= 0 else None


def load_road_graph(session: Session) -> RoadGraph:
    """Read the current road graph.

    Raises
    ------
    NoRoadGraph
        None is loaded.
    """
    raw = session.scalar(select(RoadGraphRow.arrays).where(RoadGraphRow.is_current))
    if raw is None:
        raise NoRoadGraph
    return RoadGraph.from_npz(raw).warm()


def _limits(origins: Sequence[LonLat], destination: LonLat, wanted: int) -> tuple[float, ...]:
    """Choose the search limits to try: from the first that should reach the `wanted`-th nearest origin."""
    if wanted < 1:
        return SEARCH_LIMITS_S[:1]
    away = sorted(straight_line_m(origin, destination) for origin in origins)
    expected_s = away[min(wanted, len(away)) - 1] / EXPECTED_MPS
    return tuple(limit for limit in SEARCH_LIMITS_S if limit >= expected_s)


class Ways:
    """The fastest ways by road from several origins to one destination, exact, found by one search.

    Parameters
    ----------
    graph
        The roads.
    origins
        Where crews are.
    destination
        Where one of them must go.
    snap_limit_m
        How far a place may lie from the nearest road, metres.

    Raises
    ------
    NoRoadNearby
        No road near the destination.
    """

    def __init__(
        self,
        graph: RoadGraph,
        origins: Sequence[LonLat],
        destination: LonLat,
        *,
        snap_limit_m: float = SNAP_LIMIT_M,
    ) -> None:
        self._graph = graph
        self._origins = origins
        self._target = graph._snap([destination])
        if self._target.distance_m[0] > snap_limit_m:
            raise NoRoadNearby
        self._starts = graph._snap(origins)
        self._arriving = graph._gates(self._target, leaving=False)
        self._leaving = graph._gates(self._starts, leaving=True)
        beside_s, self._beside_m = graph._along_one_edge(self._starts, self._target)
        self.is_usable = self._starts.distance_m <= snap_limit_m
        row = np.arange(len(origins))
        wanted = int(self.is_usable.sum())
        for limit_s in _limits(origins, destination, wanted):
            cost, self._following = graph._search(self._arriving, limit_s)
            by_gate = np.where(
                self._leaving.node >= 0, self._leaving.seconds + cost[self._leaving.node], np.inf
            )
            self._gate = np.argmin(by_gate, axis=1)
            driven_s = by_gate[row, self._gate]
            seconds = np.where(self.is_usable, np.minimum(driven_s, beside_s), np.inf)
            self._seconds: Floats = np.where(seconds <= limit_s, seconds, np.inf)
            if np.isfinite(self._seconds).sum() >= wanted:
                break
        self._is_driven = driven_s <= beside_s
        """By way of junctions, not only along the edge both ends stand on."""

    def travels(self) -> list[Travel]:
        """Measure them: fastest first; those that cannot get there last, without a time."""
        reached = np.isfinite(self._seconds)
        metres = np.where(reached, self._beside_m, np.inf)
        drives = np.flatnonzero(reached & self._is_driven)
        gate = self._gate[drives]
        metres[drives] = self._leaving.metres[drives, gate] + self._graph._metres_to_target(
            self._leaving.node[drives, gate], self._following, self._arriving
        )
        travels = [
            Travel(
                origin=i,
                seconds=float(self._seconds[i]) if reached[i] else None,
                metres=float(metres[i]) if reached[i] else None,
                snapped_m=float(self._starts.distance_m[i]),
            )
            for i in range(len(self._origins))
        ]
        return sorted(
            travels, key=lambda travel: (travel.seconds is None, travel.seconds or 0.0, travel.origin)
        )

    def route(self, origin: int) -> Route | None:
        """Draw one, with the streets to follow; None where the origin cannot get there."""
        if not np.isfinite(self._seconds[origin]):
            return None
        start, leaving = self._starts.row(origin), self._leaving.row(origin)
        if self._is_driven[origin]:
            gate = int(self._gate[origin])
            pieces = _pieces(self._graph, start, self._target, leaving, gate, self._arriving, self._following)
        else:
            pieces = [_one_piece(self._graph, start, self._target)]
        return _told(self._graph, pieces, self._origins[origin])


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of an edge that is driven: from one share of its length to another."""

    edge: int
    start: float
    end: float


def route(
    graph: RoadGraph, origin: LonLat, destination: LonLat, *, snap_limit_m: float = SNAP_LIMIT_M
) -> Route:
    """Find the fastest way by road, with its geometry and the streets to follow.

    Raises
    ------
    NoRoadNearby
        No road near one of the ends.
    NoRouteFound
        One-way streets or a gap leave no way.
    """
    ways = Ways(graph, [origin], destination, snap_limit_m=snap_limit_m)
    if not ways.is_usable[0]:
        raise NoRoadNearby
    found = ways.route(0)
    if found is None:
        raise NoRouteFound
    return found


def _one_piece(graph: RoadGraph, start: _Snap, target: _Snap) -> _Piece:
    """Drive along the one edge both ends stand on."""
    edge, here, there = int(start.edge[0]), float(start.fraction[0]), float(target.fraction[0])
    if there >= here:
        return _Piece(edge, here, there)
    return _Piece(int(graph.edge_reverse[edge]), 1.0 - here, 1.0 - there)


def _pieces(
    graph: RoadGraph,
    start: _Snap,
    target: _Snap,
    leaving: _Gates,
    gate: int,
    arriving: _Gates,
    following: Ints,
) -> list[_Piece]:
    """List the driven parts of edges from origin to destination."""
    pieces = []
    first = int(leaving.edge[0, gate])
    if first >= 0:
        done = float(start.fraction[0])
        pieces.append(_Piece(first, done if first == start.edge[0] else 1.0 - done, 1.0))
    node = int(leaving.node[0, gate])
    while (ahead := int(following[node])) < graph.node_count and ahead >= 0:
        edge = graph._edge_between(np.array([node]), np.array([ahead]))[0]
        pieces.append(_Piece(int(edge), 0.0, 1.0))
        node = ahead
    last = int(arriving.edge[0, RoadGraph._gate_at(arriving, node)])
    if last >= 0:
        until = float(target.fraction[0])
        pieces.append(_Piece(last, 0.0, until if last == target.edge[0] else 1.0 - until))
    return pieces


def _drawn_piece(graph: RoadGraph, piece: _Piece) -> list[tuple[float, float]]:
    """Cut an edge's plane geometry to the part that is driven."""
    part = slice(graph.line_start[piece.edge], graph.line_start[piece.edge + 1])
    vertices = graph._plane_vertices[part]
    if piece.start == 0.0 and piece.end == 1.0:
        return [(x, y) for x, y in vertices.tolist()]
    whole = shapely.LineString(vertices)
    line = shapely.ops.substring(whole, piece.start, piece.end, normalized=True)
    return [(float(x), float(y)) for x, y in shapely.get_coordinates(line)]


def _bearing_deg(a: tuple[float, float], b: tuple[float, float]) -> float:
    return float(np.degrees(np.arctan2(b[0] - a[0], b[1] - a[1])) % 360.0)


def _turn(before_deg: float, after_deg: float) -> Turn:
    """Name the change of bearing; limits as drivers' instructions commonly draw them."""
    change = (after_deg - before_deg + 180.0) % 360.0 - 180.0
    size, right = abs(change), change > 0
    if size < 20.0:
        return Turn.STRAIGHT
    if size < 50.0:
        return Turn.SLIGHT_RIGHT if right else Turn.SLIGHT_LEFT
    if size < 125.0:
        return Turn.RIGHT if right else Turn.LEFT
    if size < 170.0:
        return Turn.SHARP_RIGHT if right else Turn.SHARP_LEFT
    return Turn.U_TURN


def _told(graph: RoadGraph, pieces: list[_Piece], origin: LonLat) -> Route:
    """Join driven pieces into one line and one list of streets."""
    corners: list[tuple[float, float]] = []
    steps: list[Step] = []
    arrived_deg: float | None = None
    for piece in pieces:
        line = _drawn_piece(graph, piece)
        share = piece.end - piece.start
        metres = share * float(graph.edge_length_m[piece.edge])
        seconds = share * float(graph.edge_time_s[piece.edge])
        corners.extend(line if not corners else line[1:])
        if len(line) < 2 or line[0] == line[-1] == line[1]:
            continue
        name, leaves_deg = graph.edge_name_of(piece.edge), _bearing_deg(line[0], line[1])
        turn = Turn.DEPART if arrived_deg is None else _turn(arrived_deg, leaves_deg)
        goes_on = turn in (Turn.STRAIGHT, Turn.SLIGHT_LEFT, Turn.SLIGHT_RIGHT) or name is not None
        if steps and steps[-1].road_name == name and goes_on:
            last = steps[-1]
            steps[-1] = Step(name, last.turn, last.bearing_deg, last.metres + metres, last.seconds + seconds)
        else:
            steps.append(Step(name, turn, leaves_deg, metres, seconds))
        arrived_deg = _bearing_deg(line[-2], line[-1])
    if corners:
        plane = np.array(corners)
        lons, lats = metric_plane(graph.srid).to_degrees(plane[:, 0], plane[:, 1])
        geometry = tuple(LonLat(lon=float(lon), lat=float(lat)) for lon, lat in zip(lons, lats, strict=True))
    else:
        geometry = (origin,)
    return Route(
        seconds=sum((p.end - p.start) * float(graph.edge_time_s[p.edge]) for p in pieces),
        metres=sum((p.end - p.start) * float(graph.edge_length_m[p.edge]) for p in pieces),
        geometry=geometry,
        steps=tuple(steps),
    )
