"""Trees as nested intervals: whether one thing hangs below another is two comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gis.isolation.arrays import Ints


@dataclass(frozen=True, slots=True)
class NestedTree:
    """A rooted tree whose members are numbered so that everything below a member follows it without a gap.

    Parameters
    ----------
    parent
        Each vertex's parent; -1 for the root, and for vertices that are not in the tree.
    first, behind
        Where a vertex stands, and where the vertices below it end; both -1 for vertices that are not in the tree.
    standing
        The vertices by where they stand.
    """

    parent: Ints
    first: Ints
    behind: Ints
    standing: Ints

    @classmethod
    def of(cls, downward: Sequence[int], parent: Ints) -> "NestedTree":
        """Number a tree.

        Parameters
        ----------
        downward
            Its vertices in an order in which parents come before their children, the root first.
        parent
            Each vertex's parent.
        """
        above = parent.tolist()
        size = [1] * len(above)
        for vertex in reversed(downward[1:]):
            size[above[vertex]] += size[vertex]
        first = [-1] * len(above)
        free = [0] * len(above)
        if len(downward):
            first[downward[0]], free[downward[0]] = 0, 1
        for vertex in downward[1:]:
            over = above[vertex]
            at = free[over]
            first[vertex], free[vertex] = at, at + 1
            free[over] = at + size[vertex]
        standing_at = np.array(first, dtype=np.int64)
        inside = np.asarray(downward, dtype=np.int64)
        standing = np.empty(len(inside), dtype=np.int64)
        standing[standing_at[inside]] = inside
        behind = np.where(standing_at >= 0, standing_at + np.array(size, dtype=np.int64), -1)
        return cls(parent, standing_at, behind, standing)

    def below(self, vertex: int) -> Ints:
        """List what hangs below a vertex, itself left out."""
        return self.standing[int(self.first[vertex]) + 1 : int(self.behind[vertex])]

    def above(self, vertex: int) -> list[int]:
        """List what a vertex hangs on, the nearest first, the root included."""
        found: list[int] = []
        over = int(self.parent[vertex])
        while over >= 0:
            found.append(over)
            over = int(self.parent[over])
        return found
