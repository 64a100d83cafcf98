"""Graphs and groups on arrays of integers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def hanging_together(size: int, pairs: Sequence[Ints]) -> tuple[int, Ints]:
    """Label what hangs together over pairs of vertices: how many labels there are, and each vertex's."""
    count, label = connected_components(directed_graph(size, np.concatenate(pairs)), directed=False)
    return int(count), np.asarray(label, dtype=np.int64)


def directed_graph(size: int, pairs: Ints) -> csr_matrix:
    """Make a sparse matrix of pairs of vertices; a pair given twice counts once."""
    # Booleans, since repeated entries are summed and a sum of zero would be no edge.
    return csr_matrix((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(size, size))


def grouped(group: Ints, count: int) -> tuple[Ints, Ints]:
    """Sort things by their group: the things, and where each of `count` groups starts (and, one more, the end)."""
    order = np.argsort(group, kind="stable").astype(np.int64)
    starts = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(group, minlength=count), out=starts[1:])
    return order, starts


def once(numbers: Ints) -> Ints:
    """Sort numbers and keep each once; for millions many times quicker than `numpy.unique`, which hashes."""
    rising = np.sort(numbers)
    is_new = np.ones(len(rising), dtype=bool)
    np.not_equal(rising[1:], rising[:-1], out=is_new[1:])
    return rising[is_new]
