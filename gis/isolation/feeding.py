"""Which way water comes, and what is lost when something on its way is shut.

Water passes valves, check valves, pumps and pressure reducers inside one segment too, and some of them in one direction only:
so water is traced over *parts*, the pieces of segments within which it passes either way. A network without such links has
one part a segment.

Shutting one part is answered for all parts at once by the dominator tree of a super-source (Lengauer and Tarjan 1979): a part is
cut off by another when every way from every source leads through it. Several parts that vanish together (a segment with a pump
inside, segments that became one by a valve that will not turn, two shutdowns at a time) are answered by a search that touches little
more than what is lost: of a tree along which water reaches everything, only what hangs below them can lose water; for each part
next to them one looks backwards for a way from what does not.
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import igraph
import numpy as np
from scipy.sparse.csgraph import breadth_first_order

from gis.isolation.arrays import Ints, directed_graph, grouped, once
from gis.isolation.trees import NestedTree


@dataclass(frozen=True)
class Neighbours:
    """The vertices one step away from each."""

    beside: Ints
    starts: Ints

    @classmethod
    def of(cls, pairs: Ints, count: int) -> "Neighbours":
        """Keep the second of each pair by the first."""
        order, starts = grouped(pairs[:, 0], count)
        return cls(pairs[order, 1], starts)

    def __getitem__(self, vertex: int) -> list[int]:
        found: list[int] = self.beside[self.starts[vertex] : self.starts[vertex + 1]].tolist()
        return found


@dataclass(frozen=True)
class Feeding:
    """How water reaches every part; never changed after it is made.

    Parameters
    ----------
    part_of
        The part of each pipe, then of each node.
    segment_of_part
        The segment each part belongs to.
    into, out_of
        Parts from, and to, which water passes in one step.
    reach
        A tree of shortest ways from the sources; its root is one more than the last part. Parts outside it have no water today.
    dominators
        The parts without which a part has no water, as a tree with the same root.
    """

    part_of: Ints
    segment_of_part: Ints
    into: Neighbours
    out_of: Neighbours
    reach: NestedTree
    dominators: NestedTree
    steps: Ints
    """How many parts lie between a source and each part; -1 where no water comes."""
    _parts: tuple[Ints, Ints]
    _pipes: tuple[Ints, Ints]

    @classmethod
    def of(
        cls,
        *,
        part_of: Ints,
        part_count: int,
        passages: Ints,
        source_parts: Ints,
        segment_of: Ints,
        pipe_count: int,
    ) -> "Feeding":
        """Work out how water reaches the parts.

        Parameters
        ----------
        passages
            Pairs of parts: water passes from the first to the second.
        source_parts
            The parts with a tank or reservoir.
        """
        root = part_count
        # As one number a pair, sorting is quick; a pair that occurs twice says nothing new.
        keys = once((passages[:, 0] * part_count + passages[:, 1])[passages[:, 0] != passages[:, 1]])
        ways = np.column_stack([keys // max(part_count, 1), keys % max(part_count, 1)])
        sources = once(source_parts)
        feeds = np.concatenate([ways, np.column_stack([np.full(len(sources), root), sources])])
        found, parent = breadth_first_order(
            directed_graph(root + 1, feeds), root, directed=True, return_predecessors=True
        )
        order: list[int] = found.tolist()
        reach = NestedTree.of(order, np.where(parent < 0, -1, parent).astype(np.int64))
        dominators = NestedTree.of(order, _dominators(feeds, root))
        segment_of_part = np.zeros(part_count, dtype=np.int64)
        segment_of_part[part_of] = segment_of
        return cls(
            part_of=part_of,
            segment_of_part=segment_of_part,
            into=Neighbours.of(ways[:, ::-1], part_count),
            out_of=Neighbours.of(ways, part_count),
            reach=reach,
            dominators=dominators,
            steps=_steps(order, reach.parent)[:part_count],
            _parts=grouped(segment_of_part, len(segment_of)),
            _pipes=_pipes_in_order(part_of[:pipe_count], dominators),
        )

    def parts_of(self, segment: int) -> Ints:
        """List the parts of a segment."""
        order, starts = self._parts
        return order[starts[segment] : starts[segment + 1]]

    def cut_off(self, segments: Iterable[int]) -> Ints:
        """List the parts that have water today and no source any more once some segments are shut; those themselves left out."""
        shut = [
            part for one in segments for part in self.parts_of(one).tolist() if self.reach.first[part] >= 0
        ]
        if not shut:
            return np.empty(0, dtype=np.int64)
        if len(shut) == 1:
            return self.dominators.below(shut[0])
        return np.array(sorted(self._cut_off_together(shut)), dtype=np.int64)

    def pipes_in(self, parts: Ints) -> Ints:
        """List the pipes of parts that have water today, rising."""
        pipes, starts = self._pipes
        at = self.dominators.first[parts]
        if not len(at):
            return pipes[:0]
        low, high = int(at.min()), int(at.max()) + 1
        if high - low == len(at):  # they stand without a gap, as everything below one part does
            return np.sort(pipes[starts[low] : starts[high]])
        return np.sort(np.concatenate([pipes[starts[one] : starts[one + 1]] for one in at.tolist()]))

    def segments_among(self, parts: Ints) -> Ints:
        """List the segments of parts, rising."""
        return once(self.segment_of_part[parts])

    def cutting_off(self, segment: int) -> list[int]:
        """List the segments that leave some part of a segment without any source when they are shut, the nearest first."""
        found: dict[int, None] = {}
        for part in self.parts_of(segment).tolist():
            if self.reach.first[part] < 0:
                continue
            certain = set(self.dominators.above(part)[:-1])
            # What cuts a part off stands on every way to it, on the shortest too.
            for over in self.reach.above(part)[:-1]:
                other = int(self.segment_of_part[over])
                if other == segment or other in found:
                    continue
                if over in certain or (len(self.parts_of(other)) > 1 and part in self.cut_off([other])):
                    found[other] = None
        return list(found)

    def _cut_off_together(self, shut: Sequence[int]) -> set[int]:
        """Find what several parts shut at once cut off."""
        spans = [(int(self.reach.first[part]), int(self.reach.behind[part])) for part in shut]
        gone, fed = set(shut), set[int]()
        dry: set[int] = set()
        waiting = deque(beside for part in shut for beside in self.out_of[part])
        while waiting:
            part = waiting.popleft()
            if part in gone or part in dry or part in fed:
                continue
            way, lost = self._look_back(part, spans, gone, fed, dry)
            fed.update(way)
            dry.update(lost)
            waiting.extend(beside for one in lost for beside in self.out_of[one])
        return dry

    def _look_back(
        self,
        part: int,
        spans: Sequence[tuple[int, int]],
        gone: Collection[int],
        fed: Collection[int],
        dry: Collection[int],
    ) -> tuple[list[int], list[int]]:
        """Look for a way from what keeps its water to a part: the way, or else everything that hangs on it and has none."""
        came_from = {part: part}
        waiting = deque([part])
        while waiting:
            one = waiting.popleft()
            at = int(self.reach.first[one])
            if one in fed or not any(first <= at < behind for first, behind in spans):
                way = [one]
                while one != part:
                    one = came_from[one]
                    way.append(one)
                return way, []
            for before in self.into[one]:
                if before not in came_from and before not in gone and before not in dry:
                    came_from[before] = one
                    # What has no water today gives none.
                    if self.reach.first[before] >= 0:
                        waiting.append(before)
        return [], [one for one in came_from if self.reach.first[one] >= 0]


def _dominators(feeds: Ints, root: int) -> Ints:
    """Find each part's immediate dominator; -1 for the root and for what no water reaches."""
    above = igraph.Graph(n=root + 1, edges=feeds, directed=True).dominator(root)
    found = np.array([-1 if one is None else one for one in above], dtype=np.float64)
    found[np.isnan(found)] = -1
    found[root] = -1
    return found.astype(np.int64)


def _steps(order: Sequence[int], parent: Ints) -> Ints:
    """Count the parts between a source and each part along the shortest way."""
    steps = [-1] * len(parent)
    above = parent.tolist()
    for one in order[1:]:
        steps[one] = steps[above[one]] + 1
    return np.array(steps, dtype=np.int64)


def _pipes_in_order(part_of_pipe: Ints, dominators: NestedTree) -> tuple[Ints, Ints]:
    """Sort pipes by where their parts stand among the dominators, and tell where each place starts."""
    at = dominators.first[part_of_pipe]
    pipes = np.flatnonzero(at >= 0)
    order, starts = grouped(at[pipes], len(dominators.standing))
    return pipes[order], starts
