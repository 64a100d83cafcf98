"""The road graph as arrays: nodes, directed edges, their geometry, and the lines that are drawn for them.

The model is osmnx's directed graph with its travel times; parallel edges are kept.
"""

import io
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.coordinates import LonLat, metric_plane, utm_srid
from gis.roads.contraction import Contraction, Lists, contract, runs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

E7 = 1e7
"""Coordinates are kept in whole units of 1e-7 degrees, OpenStreetMap's own precision."""


@dataclass(frozen=True)
class Lines:
    """What is drawn, and what points snap to: one line for all edges over the same geometry, in either direction.

    Parameters
    ----------
    edge
        The edge whose direction the line has.
    forth, back
        The fastest edges along the line and against it; -1 where nobody may drive back.
    of_edge
        The line of each edge of the graph.
    edges
        The edges of each line.
    """

    edge: Ints
    forth: Ints
    back: Ints
    of_edge: Ints
    edges: Lists


@dataclass(frozen=True)
class Entries:
    """Pairs of neighbouring nodes in the order of a search matrix, each with the edges that join them.

    Parameters
    ----------
    starts
        Where each node's row begins, one more than there are nodes.
    row, column
        The two nodes of each pair.
    edges
        The edges of each pair, the faster first; loops are of none.
    of_edge
        The pair of each edge of the graph, -1 for loops.
    """

    starts: NDArray[np.int32]
    row: NDArray[np.int32]
    column: NDArray[np.int32]
    edges: Lists
    of_edge: Ints

    @cached_property
    def contraction(self) -> Contraction:
        """Which nodes a search passes over."""
        return contract(self.row, self.column, len(self.starts) - 1)


@dataclass(frozen=True, eq=False)
class RoadGraph:
    """A directed road graph in arrays; never changed after it is made, safe to share between threads, equal to itself only.

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
    def forward(self) -> Entries:
        """The search matrix from every node to those its edges lead to."""
        return self._entries(self.edge_u, self.edge_v)

    @cached_property
    def backward(self) -> Entries:
        """The search matrix from every node to those whose edges lead to it."""
        return self._entries(self.edge_v, self.edge_u)

    def _entries(self, row: NDArray[np.int32], column: NDArray[np.int32]) -> Entries:
        edges = np.lexsort((self.edge_time_s, column, row))
        edges = edges[row[edges] != column[edges]]
        begins = np.ones(len(edges), dtype=bool)
        begins[1:] = (np.diff(row[edges]) != 0) | (np.diff(column[edges]) != 0)
        first = np.flatnonzero(begins)
        rows = row[edges[first]]
        starts = np.zeros(self.node_count + 1, dtype=np.int32)
        np.cumsum(np.bincount(rows, minlength=self.node_count), out=starts[1:])
        of_edge = np.full(self.edge_count, -1, dtype=np.int64)
        of_edge[edges] = np.cumsum(begins) - 1
        return Entries(
            starts=starts,
            row=rows,
            column=column[edges[first]],
            edges=Lists(np.append(first, len(edges)), edges),
            of_edge=of_edge,
        )

    @cached_property
    def lines(self) -> Lines:
        """One line for all edges over the same geometry."""
        every = np.arange(self.edge_count)
        edge = np.flatnonzero((self.edge_reverse < 0) | (self.edge_reverse > every))
        of_edge = np.full(self.edge_count, -1, dtype=np.int64)
        forth, back = edge.copy(), self.edge_reverse[edge].astype(np.int64)
        of_edge[edge] = np.arange(len(edge))
        of_edge[back[back >= 0]] = np.flatnonzero(back >= 0)
        kept = np.ones(len(edge), dtype=bool)
        for twins in self._twins(edge):
            chosen = twins[0]
            shape = self._vertices_of(int(edge[chosen]))
            for other in twins[1:]:
                same = self._vertices_of(int(edge[other])) == shape
                ahead, behind = (forth, back) if same else (back, forth)
                forth[chosen] = self._faster(forth[chosen], ahead[other])
                back[chosen] = self._faster(back[chosen], behind[other])
                of_edge[of_edge == other] = chosen
                kept[other] = False
        place = np.cumsum(kept) - 1
        of_edge = place[of_edge]
        edges = Lists.under(of_edge, every, int(kept.sum()))
        return Lines(edge=edge[kept], forth=forth[kept], back=back[kept], of_edge=of_edge, edges=edges)

    def _twins(self, edge: Ints) -> list[list[int]]:
        """List the groups among some edges that lie over one geometry, in either direction."""
        low, high = np.minimum(self.edge_u, self.edge_v)[edge], np.maximum(self.edge_u, self.edge_v)[edge]
        pair = low.astype(np.int64) * self.node_count + high
        _, group, count = np.unique(pair, return_inverse=True, return_counts=True)
        groups: dict[tuple[tuple[int, int], ...], list[int]] = {}
        for at in np.flatnonzero(count[group] > 1).tolist():
            shape = self._vertices_of(int(edge[at]))
            groups.setdefault(min(shape, shape[::-1]), []).append(at)
        return [twins for twins in groups.values() if len(twins) > 1]

    def _vertices_of(self, edge: int) -> tuple[tuple[int, int], ...]:
        part = slice(self.line_start[edge], self.line_start[edge + 1])
        return tuple(zip(self.vertex_lon_e7[part].tolist(), self.vertex_lat_e7[part].tolist(), strict=True))

    def _faster(self, one: int, other: int) -> int:
        """Choose between two edges, of which either may be -1."""
        if one < 0 or other < 0:
            return max(one, other)
        return one if self.edge_time_s[one] <= self.edge_time_s[other] else other

    @cached_property
    def plane_vertices(self) -> Floats:
        """The edges' vertices in the metric plane."""
        x, y = metric_plane(self.srid).to_plane(self.vertex_lon_e7 / E7, self.vertex_lat_e7 / E7)
        return np.column_stack([x, y])

    @cached_property
    def line_shapes(self) -> NDArray[Any]:
        """Plane geometries of the lines."""
        of_line, vertex = self._vertices(self.lines.edge)
        shapes = np.asarray(shapely.linestrings(self.plane_vertices[vertex], indices=of_line), dtype=object)
        shapely.prepare(shapes)
        return shapes

    @cached_property
    def line_length_m(self) -> Floats:
        """Plane lengths of the lines, never 0."""
        return np.maximum(shapely.length(self.line_shapes), 1e-6)

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The lines in space."""
        return shapely.STRtree(self.line_shapes)

    def shapes(self, edges: Ints) -> NDArray[Any]:
        """Draw edges in longitude and latitude."""
        of_edge, vertex = self._vertices(edges)
        pairs = np.column_stack([self.vertex_lon_e7[vertex] / E7, self.vertex_lat_e7[vertex] / E7])
        return np.asarray(shapely.linestrings(pairs, indices=of_edge), dtype=object)

    def _vertices(self, edges: Ints) -> tuple[Ints, Ints]:
        """List the vertices of some edges, and beside each the place of its edge among them."""
        counts = self.line_start[edges + 1] - self.line_start[edges]
        return np.repeat(np.arange(len(edges)), counts), runs(self.line_start[edges], counts)

    def warm(self) -> "RoadGraph":
        """Make every derived array now, so that the first question is as quick as the next."""
        _ = self.backward.contraction, self.forward, self.tree, self.line_length_m
        return self

    def edge_name_of(self, edge: int) -> str | None:
        """Give an edge's street name, if it has one."""
        index = int(self.edge_name[edge])
        return self.names[index] if index >= 0 else None
