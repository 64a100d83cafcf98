"""Searches of the roads from one place outwards: exact, on scipy's Dijkstra."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

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

    Nodes have the numbers of the contraction; the place itself comes last.

    Parameters
    ----------
    seconds
        By node; infinite where there is no way.
    found_s
        The same as the search left them; nodes left out that are reached sooner by a step back to them are not done with.
    following
        The next node on the way, for the others; the place follows itself.
    step_m
        How far that is.
    matrix
        What was searched.
    gates
        The place's own ways to the nodes, by their numbers.
    """

    seconds: Floats
    found_s: Floats
    following: NDArray[np.int32]
    step_m: Floats
    matrix: Matrix
    gates: Gates

    def seconds_of(self, nodes: Ints) -> Floats:
        """Tell how long it takes between nodes and the place."""
        return np.asarray(self.seconds[self.matrix.steps.contraction.number[nodes]])

    def metres_from(self, nodes: Ints) -> Floats:
        """Add up the lengths of the ways from nodes that reach the place, one step of all of them at a time."""
        steps = self.matrix.steps
        at: Ints = steps.contraction.number[nodes]
        metres, place = np.zeros(len(nodes)), len(self.seconds) - 1
        while len(out := np.flatnonzero(self.seconds[at] < self.found_s[at])):
            step = self._onward(at[out])
            metres[out] += steps.metres[step]
            at[out] = steps.contraction.row[step]
        while (at != place).any():
            for _ in range(STEPS_AT_ONCE):
                metres += self.step_m[at]
                at = self.following[at].astype(np.int64)
        return metres

    def way_from(self, node: int) -> tuple[list[int], int]:
        """Name the edges of the way from a node, and the gate it ends at."""
        steps, place = self.matrix.steps, len(self.seconds) - 1
        at, way = int(steps.contraction.number[node]), list[int]()
        while True:
            if self.seconds[at] < self.found_s[at]:
                step = int(self._onward(np.array([at]))[0])
            elif (ahead := int(self.following[at])) != place:
                step = steps.contraction.between(ahead, at)
            else:
                return self.matrix.edge[way].tolist(), self._gate_at(at)
            way.extend(steps.pairs_of(step))
            at = int(steps.contraction.row[step])

    def _onward(self, nodes: Ints) -> Ints:
        """Choose the step by which nodes left out are reached soonest."""
        steps = self.matrix.steps
        back = steps.contraction.back[nodes]
        soonest = np.argmin(self.seconds[steps.contraction.row[back]] + steps.seconds[back], axis=1)
        return np.asarray(back[np.arange(len(nodes)), soonest])

    def _gate_at(self, node: int) -> int:
        """Choose by which gate the place is reached from a node that stands at one."""
        return int(np.argmin(np.where(self.gates.node[0] == node, self.gates.seconds[0], np.inf)))


def through(tree: Tree, others: Gates) -> tuple[Ints, Floats]:
    """Choose by which gate other places reach a searched one soonest: the gate, and the seconds."""
    by_gate = others.seconds + np.where(others.node >= 0, tree.seconds_of(others.node), np.inf)
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
    contraction, seconds = matrix.steps.contraction, matrix.steps.seconds
    column, searched = contraction.column[: contraction.searched], seconds[: contraction.searched]
    numbered = replace(places, node=np.where(places.node >= 0, contraction.number[places.node], -1))
    for first in range(0, len(places.node), at_once):
        some = range(first, min(first + at_once, len(places.node)))
        found, following = dijkstra(
            _with_places(contraction.starts, column, searched, numbered, some),
            indices=np.arange(nodes, nodes + len(some)),
            limit=limit_s,
            return_predecessors=True,
        )
        for at, place in enumerate(some):
            following[at, following[at] == nodes + at] = nodes
            yield _tree(matrix, numbered.at(place), found[at, :nodes], following[at, :nodes], limit_s)


def nearest(roads: Roads, places: Gates, *, limit_s: float, towards: bool) -> Floats:
    """Tell the seconds between every node and whichever of the places is nearest to it."""
    nodes = roads.graph.node_count
    count = len(places.node)
    matrix = roads.backward if towards else roads.forward
    entries = matrix.entries
    seconds = dijkstra(
        _with_places(entries.starts, entries.column, matrix.seconds, places, range(count)),
        indices=np.arange(nodes, nodes + count),
        limit=limit_s,
        min_only=True,
    )
    return np.asarray(seconds[:nodes])


def _with_places(
    starts: NDArray[np.int32], column: NDArray[np.int32], seconds: Floats, places: Gates, some: range
) -> csr_matrix:
    """Add places to a search matrix: each a row whose entries are its gates."""
    part = slice(some.start, some.stop)
    node, gate_s = places.node[part], places.seconds[part]
    is_way = node >= 0
    size = len(starts) - 1 + len(some)
    ends = np.cumsum(is_way.sum(axis=1), dtype=np.int32) + starts[-1]
    return csr_matrix(
        (
            np.concatenate([seconds, gate_s[is_way]]),
            np.concatenate([column, node[is_way].astype(np.int32)]),
            np.concatenate([starts, ends.astype(np.int32)]),
        ),
        shape=(size, size),
    )


def _tree(
    matrix: Matrix, place: Gates, found_s: Floats, following: NDArray[np.int32], limit_s: float
) -> Tree:
    """Reach the nodes left out, and measure the steps of the ways between the others."""
    steps, contraction, nodes = matrix.steps, matrix.steps.contraction, len(found_s)
    seconds = np.append(found_s, 0.0)
    for sweep in contraction.sweeps:
        by_row = seconds.take(contraction.row[sweep]) + steps.seconds[sweep]
        begin = contraction.column[sweep.start]
        known = seconds[begin : begin + len(by_row)]
        np.minimum(known, by_row, out=known)
    seconds[seconds > limit_s] = np.inf
    following = np.append(following, np.int32(nodes))
    step_m = np.zeros(nodes + 1)
    of_kept = contraction.starts[contraction.kept]
    used = np.flatnonzero(following.take(contraction.column[:of_kept]) == contraction.row[:of_kept])
    step_m[contraction.column[used]] = steps.metres[used]
    for node in np.flatnonzero((following >= contraction.kept) & (following < nodes)).tolist():
        step_m[node] = steps.metres[contraction.between(int(following[node]), node)]
    for gate in np.argsort(-place.seconds[0], kind="stable"):  # where both lead to one node, the faster
        node = place.node[0, gate]
        if node >= 0 and following[node] == nodes:
            step_m[node] = place.metres[0, gate]
    return Tree(seconds, np.append(found_s, 0.0), following, step_m, matrix, place)
