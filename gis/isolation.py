"""Which valves to close for a break, what else falls dry, who loses water.

Pipes and nodes are the vertices of one bipartite graph; a pipe is joined to each of its two nodes. An isolation valve
stands on such a joint. Cutting every joint with a valve leaves the *segments*: what goes dry together. A closed pipe is
cut from both of its nodes and is a segment of its own. An open valve that will not turn cuts nothing.
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from uuid import UUID

import igraph
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from gis.coordinates import LonLat
from gis.errors import PipeNotFound, ValveNotFound

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Keys = NDArray[np.bytes_]
"""UUIDs as 16 bytes each, rising."""


def keys_of(ids: Iterable[UUID]) -> Keys:
    """Pack UUIDs for an `IsolationNetwork`; they must come in rising order."""
    return np.frombuffer(b"".join(one.bytes for one in ids), dtype="S16")


def _uuid(keys: Keys, index: int) -> UUID:
    """Unpack one UUID (numpy drops trailing zero bytes, hence the padding)."""
    return UUID(bytes=bytes(keys[index]).ljust(16, b"\0"))


@dataclass(frozen=True, slots=True)
class ValveToClose:
    """One valve of a plan, in its turn."""

    id: UUID
    asset_code: str
    point: LonLat
    order: int


@dataclass(frozen=True, slots=True)
class IsolationPlan:
    """What closing round a break takes and does.

    `customers` counts the accounts on the segment and on everything cut off with it; `length_m` is the length of the
    segment's own pipes.
    """

    pipe_id: UUID
    segment_ids: tuple[int, ...]
    segment_pipe_ids: tuple[UUID, ...]
    valves_to_close: tuple[ValveToClose, ...]
    valves_already_closed: tuple[UUID, ...]
    cut_off_pipe_ids: tuple[UUID, ...]
    cut_off_segment_ids: tuple[int, ...]
    customers: int
    critical_customers: int
    length_m: float


@dataclass(frozen=True)
class IsolationNetwork:
    """The pipe network in arrays, for tracing; never changed after it is made, safe to share between threads.

    Parameters
    ----------
    pipe_key, valve_key
        UUIDs of pipes and valves as 16 bytes, rising; pipes and valves are named by their place in these arrays.
    pipe_from, pipe_to
        The two nodes of each pipe.
    pipe_closed
        Whether the pipe carries no water.
    node_count
        How many nodes there are.
    sources
        Nodes that are tanks or reservoirs.
    valve_pipe, valve_at_to
        The pipe a valve stands on, and whether it stands at the pipe's second node.
    valve_closed
        Whether the valve is shut.
    valve_stuck
        Whether the valve is known not to turn.
    customers, critical
        Accounts served from each pipe, and those among them that must be warned first.
    """

    pipe_key: Keys
    pipe_code: Sequence[str]
    pipe_from: Ints
    pipe_to: Ints
    pipe_length_m: Floats
    pipe_closed: Flags
    customers: Ints
    critical: Ints
    node_count: int
    sources: Ints
    valve_key: Keys
    valve_code: Sequence[str]
    valve_pipe: Ints
    valve_at_to: Flags
    valve_closed: Flags
    valve_stuck: Flags
    valve_lon: Floats
    valve_lat: Floats

    @property
    def pipe_count(self) -> int:
        """How many pipes there are."""
        return len(self.pipe_from)

    @cached_property
    def _valve_node(self) -> Ints:
        """The node each valve stands at."""
        return np.where(self.valve_at_to, self.pipe_to[self.valve_pipe], self.pipe_from[self.valve_pipe])

    def _joined(self, cut: Flags) -> tuple[int, Ints]:
        """Label what hangs together over the joints not `cut` (first the pipes' first ends, then their second)."""
        pipes = self.pipe_count
        ends = np.concatenate([self.pipe_from, self.pipe_to]) + pipes
        links = np.tile(np.arange(pipes), 2)
        size = pipes + self.node_count
        kept = ~cut
        graph = csr_matrix(
            (np.ones(np.count_nonzero(kept), dtype=np.int8), (links[kept], ends[kept])), shape=(size, size)
        )
        count, label = connected_components(graph, directed=False)
        return int(count), np.asarray(label, dtype=np.int64)

    def _joint(self, valves: Ints) -> Ints:
        """Number the joints that `valves` stand on."""
        return self.valve_pipe[valves] + self.pipe_count * self.valve_at_to[valves]

    @cached_property
    def _cut_by_valves(self) -> Flags:
        """Joints that can be, or are, shut; an open valve that is stuck shuts nothing."""
        cut = np.tile(self.pipe_closed, 2)
        cut[self._joint(np.flatnonzero(self.valve_closed | ~self.valve_stuck))] = True
        return cut

    @cached_property
    def _cut_today(self) -> Flags:
        """Joints no water passes as things stand."""
        cut = np.tile(self.pipe_closed, 2)
        cut[self._joint(np.flatnonzero(self.valve_closed))] = True
        return cut

    @cached_property
    def segment_of(self) -> Ints:
        """The segment of each pipe, then of each node.

        A segment is numbered by its first pipe's place in the arrays (or, without any pipe, by its first node's, after
        all pipes): so when two segments become one, all others keep their numbers.
        """
        _, label = self._joined(self._cut_by_valves)
        _, first, member = np.unique(label, return_index=True, return_inverse=True)
        return np.asarray(first, dtype=np.int64)[member]

    @cached_property
    def segments(self) -> Ints:
        """The numbers of all segments, rising, those that are a bare node between valves included."""
        return np.unique(self.segment_of)

    def has_segment(self, segment: int) -> bool:
        """Whether there is a segment of that number."""
        return 0 <= segment < self._numbers and int(self.segment_of[segment]) == segment

    @property
    def _numbers(self) -> int:
        """One more than the highest number a segment can have."""
        return self.pipe_count + self.node_count

    @cached_property
    def _pipes_by_segment(self) -> tuple[Ints, Ints]:
        """Pipes sorted by segment, and where each segment starts."""
        segments = self.segment_of[: self.pipe_count]
        order = np.argsort(segments, kind="stable").astype(np.int64)
        starts = np.searchsorted(segments[order], np.arange(self._numbers + 1)).astype(np.int64)
        return order, starts

    def pipes_of(self, segment: int) -> Ints:
        """List the pipes of a segment."""
        order, starts = self._pipes_by_segment
        return order[starts[segment] : starts[segment + 1]]

    @cached_property
    def valve_sides(self) -> tuple[Ints, Ints]:
        """The segments at a valve's pipe and at its node."""
        return (
            self.segment_of[self.valve_pipe],
            self.segment_of[self.pipe_count + self._valve_node],
        )

    @cached_property
    def _valves_by_segment(self) -> tuple[Ints, Ints]:
        """Valves sorted by the segments they bound (each twice), and where each segment starts."""
        sides = self.valve_sides
        bounds = np.flatnonzero(sides[0] != sides[1])
        segments = np.concatenate([sides[0][bounds], sides[1][bounds]])
        order = np.argsort(segments, kind="stable")
        starts = np.searchsorted(segments[order], np.arange(self._numbers + 1)).astype(np.int64)
        return np.tile(bounds, 2)[order], starts

    def valves_of(self, segment: int) -> Ints:
        """List the valves with exactly one end in a segment."""
        order, starts = self._valves_by_segment
        return order[starts[segment] : starts[segment + 1]]

    @cached_property
    def _fed_segments(self) -> Ints:
        """Segments that hold a source."""
        return np.unique(self.segment_of[self.pipe_count + self.sources])

    @cached_property
    def _passages(self) -> NDArray[np.int64]:
        """Pairs of segments between which water passes today, each once."""
        side_a, side_b = self.valve_sides
        carries = ~self._cut_today[self._joint(np.arange(len(self.valve_pipe)))] & (side_a != side_b)
        if not carries.any():
            return np.empty((0, 2), dtype=np.int64)
        pairs = np.sort(np.column_stack([side_a[carries], side_b[carries]]), axis=1)
        return np.unique(pairs, axis=0)

    @cached_property
    def _cut_off_parent(self) -> Ints:
        """Parents in the dominator tree over segments; -1 where none is.

        A segment is cut off by another when every way from every source leads through it; that is what a dominator is
        (Lengauer and Tarjan 1979). The tree of a super-source answers for all segments at once.
        """
        root = self._numbers
        pairs = self._passages
        feeds = np.column_stack([np.full(len(self._fed_segments), root), self._fed_segments])
        graph = igraph.Graph(
            n=root + 1, edges=np.concatenate([pairs, pairs[:, ::-1], feeds]).tolist(), directed=True
        )
        parent = np.array(
            [-1 if above is None or above != above else int(above) for above in graph.dominator(root)],
            dtype=np.int64,
        )
        parent[parent == root] = -1
        return parent

    @cached_property
    def _cut_off(self) -> tuple[Ints, Ints]:
        """Children in the dominator tree: segments sorted by parent, and where each parent's start."""
        parent = self._cut_off_parent
        order = np.argsort(parent, kind="stable").astype(np.int64)
        starts = np.searchsorted(parent[order], np.arange(self._numbers + 1)).astype(np.int64)
        return order, starts

    def cut_off_by(self, segment: int) -> list[int]:
        """List the segments no source reaches while `segment` is shut, itself left out, rising."""
        order, starts = self._cut_off
        found: list[int] = []
        waiting = [segment]
        while waiting:
            one = waiting.pop()
            below = order[starts[one] : starts[one + 1]].tolist()
            found.extend(below)
            waiting.extend(below)
        return sorted(found)

    def cutting_off(self, segment: int) -> list[int]:
        """List the segments that leave `segment` without any source when they are shut, the nearest first."""
        found: list[int] = []
        above = int(self._cut_off_parent[segment])
        while above >= 0:
            found.append(above)
            above = int(self._cut_off_parent[above])
        return found

    def pipe_index(self, pipe_id: UUID) -> int:
        """Find a pipe's place in the arrays.

        Raises
        ------
        PipeNotFound
            There is none of that id.
        """
        index = _index(self.pipe_key, pipe_id)
        if index is None:
            raise PipeNotFound
        return index

    def valve_index(self, valve_id: UUID) -> int:
        """Find a valve's place in the arrays.

        Raises
        ------
        ValveNotFound
            There is none of that id.
        """
        index = _index(self.valve_key, valve_id)
        if index is None:
            raise ValveNotFound
        return index

    def pipe_id(self, index: int) -> UUID:
        """Give the id of the pipe at a place in the arrays."""
        return _uuid(self.pipe_key, index)

    def valve_id(self, index: int) -> UUID:
        """Give the id of the valve at a place in the arrays."""
        return _uuid(self.valve_key, index)

    def with_valves(
        self, *, closed: Collection[UUID] = (), inoperable: Collection[UUID] = ()
    ) -> "IsolationNetwork":
        """See the network with some valves shut, or known not to turn, without changing what is stored."""
        valve_closed, valve_stuck = self.valve_closed.copy(), self.valve_stuck.copy()
        valve_closed[[self.valve_index(one) for one in closed]] = True
        valve_stuck[[self.valve_index(one) for one in inoperable]] = True
        return replace(self, valve_closed=valve_closed, valve_stuck=valve_stuck)

    def warm(self) -> "IsolationNetwork":
        """Make every derived array now, so that the first question is as quick as the next."""
        _ = self._pipes_by_segment, self._valves_by_segment, self._cut_off
        return self


def _index(keys: Keys, wanted: UUID) -> int | None:
    if not len(keys):
        return None
    key = np.array(wanted.bytes, dtype="S16")
    index = int(np.searchsorted(keys, key))
    return index if index < len(keys) and keys[index] == key else None


def _merged(network: IsolationNetwork, segment: int, stuck: frozenset[int]) -> list[int]:
    """Join segments across open valves that will not turn."""
    if not stuck:
        return [segment]
    side_a, side_b = network.valve_sides
    # A joint with a second valve that does turn stays a boundary; so does a shut one.
    shutting = np.flatnonzero(network.valve_closed | ~network.valve_stuck)
    shutting = shutting[network.valve_closed[shutting] | ~np.isin(shutting, list(stuck))]
    turning = set(network._joint(shutting).tolist())
    open_stuck = [
        valve
        for valve in stuck
        if not network.valve_closed[valve]
        and not network.pipe_closed[network.valve_pipe[valve]]
        and int(network._joint(np.array([valve]))[0]) not in turning
    ]
    merged, grew = {segment}, True
    while grew:
        grew = False
        for valve in open_stuck:
            ends = {int(side_a[valve]), int(side_b[valve])}
            if ends & merged and not ends <= merged:
                merged |= ends
                grew = True
    return sorted(merged)


def _cut_off_pipes(network: IsolationNetwork, segments: Sequence[int]) -> tuple[Ints, list[int]]:
    """Find the pipes no source reaches once the segments are shut, and their segments."""
    alone = len(segments) == 1
    dry = network.cut_off_by(segments[0]) if alone else _cut_off_together(network, segments)
    pipes = [network.pipes_of(one) for one in dry]
    return (np.sort(np.concatenate(pipes)) if pipes else np.empty(0, dtype=np.int64)), dry


def _reached(size: int, pairs: NDArray[np.int64], starts: Ints) -> Flags:
    """Mark the segments water gets to from those that hold a source."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    graph = csr_matrix((np.ones(len(both), dtype=np.int8), (both[:, 0], both[:, 1])), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    fed: Flags = np.isin(label, label[starts])
    return fed


def _cut_off_together(network: IsolationNetwork, segments: Sequence[int]) -> list[int]:
    """Find what several segments shut at once cut off: reachable today, not without them."""
    size, pairs, feeds = network._numbers, network._passages, network._fed_segments
    shut = np.zeros(size, dtype=bool)
    shut[list(segments)] = True
    today = _reached(size, pairs, feeds)
    left = _reached(size, pairs[~shut[pairs].any(axis=1)], feeds[~shut[feeds]])
    return [int(one) for one in np.flatnonzero(today & ~left & ~shut)]


def isolation_plan(
    network: IsolationNetwork, pipe_id: UUID, *, inoperable: Collection[UUID] = ()
) -> IsolationPlan:
    """Find the valves that isolate a broken main, and what falls dry.

    The segment is everything reached from the broken pipe, in either direction, without passing an isolation valve or a
    closed pipe. Open valves with exactly one end in it must be closed. Pipes outside it are cut off when some source
    feeds them today and none does once the segment is shut. A closed pipe needs no valve.

    Parameters
    ----------
    network
        The network as it stands.
    pipe_id
        The broken pipe.
    inoperable
        Valves found not to turn, besides those the network knows of: an open one counts as plain pipe and widens the
        segment, a shut one stays a barrier.

    Returns
    -------
    plan
        Valves in the order to close them: first those that keep other sources from feeding the segment, large before
        small in customers beyond, then those that only lead into what is cut off anyway.

    Raises
    ------
    PipeNotFound, ValveNotFound
        No such asset.

    References
    ----------
    Walski (1993), Water distribution valve topology for reliability analysis.
    Jun and Loganathan (2007), Valve-controlled segments in water distribution systems (unintended isolation).
    """
    pipe = network.pipe_index(pipe_id)
    stuck = frozenset(network.valve_index(one) for one in inoperable)
    segments = _merged(network, int(network.segment_of[pipe]), stuck)
    pipes = np.sort(np.concatenate([network.pipes_of(one) for one in segments]))
    dry_pipes, dry_segments = _cut_off_pipes(network, segments)
    to_close: list[int] = []
    already: list[int] = []
    if not network.pipe_closed[pipe]:
        inside = set(segments)
        side_a, side_b = network.valve_sides
        for valve in sorted({int(one) for segment in segments for one in network.valves_of(segment)}):
            if int(side_a[valve]) in inside and int(side_b[valve]) in inside:
                continue
            if network.valve_closed[valve]:
                already.append(valve)
            elif valve not in stuck and not network.valve_stuck[valve]:
                to_close.append(valve)
        beyond = set(dry_segments)

        def turn(valve: int) -> tuple[bool, str]:
            other = int(side_b[valve]) if int(side_a[valve]) in inside else int(side_a[valve])
            return other in beyond, network.valve_code[valve]

        to_close.sort(key=turn)
    dry = np.concatenate([pipes, dry_pipes])
    return IsolationPlan(
        pipe_id=pipe_id,
        segment_ids=tuple(segments),
        segment_pipe_ids=tuple(network.pipe_id(int(one)) for one in pipes),
        valves_to_close=tuple(
            ValveToClose(
                id=network.valve_id(valve),
                asset_code=network.valve_code[valve],
                point=LonLat(lon=float(network.valve_lon[valve]), lat=float(network.valve_lat[valve])),
                order=order,
            )
            for order, valve in enumerate(to_close, start=1)
        ),
        valves_already_closed=tuple(network.valve_id(valve) for valve in already),
        cut_off_pipe_ids=tuple(network.pipe_id(int(one)) for one in dry_pipes),
        cut_off_segment_ids=tuple(dry_segments),
        customers=int(network.customers[dry].sum()),
        critical_customers=int(network.critical[dry].sum()),
        length_m=float(network.pipe_length_m[pipes].sum()),
    )


def segment_neighbours(network: IsolationNetwork, segment: int) -> list[int]:
    """List the segments that share a valve with `segment`, open or closed."""
    side_a, side_b = network.valve_sides
    valves = network.valves_of(segment)
    return sorted({*side_a[valves].tolist(), *side_b[valves].tolist()} - {segment})


def segments_within(network: IsolationNetwork, segment: int, hops: int) -> dict[int, int]:
    """Tell which segments lie within so many valves of `segment`, and how many valves away each is."""
    away = {segment: 0}
    waiting = deque([segment])
    while waiting:
        one = waiting.popleft()
        if away[one] == hops:
            continue
        for other in segment_neighbours(network, one):
            if other not in away:
                away[other] = away[one] + 1
                waiting.append(other)
    return away
