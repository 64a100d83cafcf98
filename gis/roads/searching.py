"""Searches of the roads from one place outwards: exact, on scipy's Dijkstra."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from gis.roads.graph import Floats, Ints
from gis.roads.overlay import Matrix, Roads
from gis.roads.snapping import Gates

STEPS_AT_ONCE = 16
"""Looking whether all ways have ended costs as much as a step; whoever is there stays there."""
BATCH_BYTES = 64_000_000
"""What the times of several searches made at once may take."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The fastest ways between every node and one place.

    Parameters
    ----------
    seconds
        By node, the place itself last; infinite where there is no way.
    following
        The next node on the way; the place itself follows itself, and has the number of nodes as its own.
    step
        Which pair of `matrix` leads there, or, counted on from there, which of the place's own gates.
    step_m
        How far each step is.
    """

    seconds: Floats
    following: NDArray[np.int32]
    step: NDArray[np.int32]
    step_m: Floats
    matrix: Matrix

    def metres_from(self, nodes: Ints) -> Floats:
        """Add up the lengths of the ways from nodes that reach the place, one step of all of them at a time."""
        metres, at, place = np.zeros(len(nodes)), nodes.astype(np.int32), len(self.seconds) - 1
        while (at != place).any():
            for _ in range(STEPS_AT_ONCE):
                metres += self.step_m[self.step[at]]
                at = self.following[at]
        return metres

    def edge_at(self, node: int) -> int:
        """Name the edge that leads on from a node that is not at the place's gates."""
        return int(self.matrix.edge[self.step[node]])


def through(tree: Tree, others: Gates) -> tuple[Ints, Floats]:
    """Choose by which gate other places reach a searched one soonest: the gate, and the seconds."""
    by_gate = others.seconds + np.where(others.node >= 0, tree.seconds[others.node], np.inf)
    gate = np.argmin(by_gate, axis=1)
    return gate, by_gate[np.arange(len(gate)), gate]


def search(roads: Roads, places: Gates, *, limit_s: float = np.inf, towards: bool = True) -> Iterator[Tree]:
    """Search from places one by one, several at once as far as memory allows.

    Parameters
    ----------
    places
        Their ways to the nodes: arriving ones for ways towards the places, leaving ones for ways from them.
    towards
        Whether ways lead to the places, or from them.
    """
    nodes = roads.graph.node_count
    at_once = max(1, BATCH_BYTES // (16 * (nodes + 1)))
    matrix = roads.backward if towards else roads.forward
    for first in range(0, len(places.node), at_once):
        some = range(first, min(first + at_once, len(places.node)))
        seconds, following = dijkstra(
            _with_places(matrix, nodes, places, some),
            indices=np.arange(nodes, nodes + len(some)),
            limit=limit_s,
            return_predecessors=True,
        )
        for at, place in enumerate(some):
            yield _tree(matrix, places.at(place), seconds[at], following[at], nodes + at, nodes)


def nearest(roads: Roads, places: Gates, *, limit_s: float, towards: bool) -> Floats:
    """Tell the seconds between every node and whichever of the places is nearest to it."""
    nodes = roads.graph.node_count
    count = len(places.node)
    matrix = roads.backward if towards else roads.forward
    seconds = dijkstra(
        _with_places(matrix, nodes, places, range(count)),
        indices=np.arange(nodes, nodes + count),
        limit=limit_s,
        min_only=True,
    )
    return np.asarray(seconds[:nodes])


def _with_places(matrix: Matrix, nodes: int, places: Gates, some: range) -> csr_matrix:
    """Add places to the search matrix: each a row whose entries are its gates."""
    part = slice(some.start, some.stop)
    node, seconds = places.node[part], places.seconds[part]
    is_way = node >= 0
    size = nodes + len(some)
    entries = matrix.entries
    starts = np.cumsum(is_way.sum(axis=1), dtype=np.int32) + entries.starts[-1]
    return csr_matrix(
        (
            np.concatenate([matrix.seconds, seconds[is_way]]),
            np.concatenate([entries.column, node[is_way].astype(np.int32)]),
            np.concatenate([entries.starts, starts.astype(np.int32)]),
        ),
        shape=(size, size),
    )


def _tree(
    matrix: Matrix, place: Gates, seconds: Floats, following: NDArray[np.int32], root: int, nodes: int
) -> Tree:
    """Name the steps of one search's ways."""
    entries, gates = matrix.entries, place.node.shape[1]
    next_node = np.append(following[:nodes], np.int32(root))
    used = np.flatnonzero(next_node[entries.column] == entries.row)
    nowhere = len(matrix.seconds) + gates
    step = np.full(nodes + 1, nowhere, dtype=np.int32)
    step[entries.column[used]] = used
    next_node[next_node == root] = nodes
    for gate in np.argsort(-place.seconds[0], kind="stable"):  # where both lead to one node, the faster
        node = place.node[0, gate]
        if node >= 0 and next_node[node] == nodes:
            step[node] = len(matrix.seconds) + gate
    return Tree(
        seconds=np.append(seconds[:nodes], 0.0),
        following=next_node,
        step=step,
        step_m=np.concatenate([matrix.metres, place.metres[0], [0.0]]),
        matrix=matrix,
    )
