"""The pipe network in arrays: what hangs together, and what goes dry together.

Pipes and nodes are the vertices of one bipartite graph; a pipe is joined to each of its two nodes. An isolation valve stands
on such a joint, or joins two nodes by itself. Pumps and control valves join two nodes as well. Cutting every joint with a
valve leaves the *segments*: what goes dry together. A closed pipe is cut from both of its nodes and is a segment of its own.
An open valve that will not turn cuts nothing.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from gis.errors import PipeNotFound, ValveNotFound
from gis.isolation.arrays import Flags, Floats, Ints, grouped, hanging_together
from gis.isolation.feeding import Feeding
from gis.models import CRITICAL_CLASSES, CustomerClass

Keys = NDArray[np.bytes_]
"""UUIDs as 16 bytes each, rising."""

CRITICAL_KINDS: tuple[CustomerClass, ...] = tuple(one for one in CustomerClass if one in CRITICAL_CLASSES)
"""The columns of `IsolationNetwork.critical`."""

NONE = -1
"""In place of a pipe or node that a valve does not have."""


def keys_of(ids: Iterable[UUID]) -> Keys:
    """Pack UUIDs for an `IsolationNetwork`; they must come in rising order."""
    return np.frombuffer(b"".join(one.bytes for one in ids), dtype="S16")


def pipe_volumes_m3(diameter_mm: Floats | Ints, length_m: Floats) -> Floats:
    """Work out what pipes hold; not a number where the diameter is not known."""
    volumes: Floats = np.pi / 4.0 * (np.asarray(diameter_mm, dtype=np.float64) / 1000.0) ** 2 * length_m
    return volumes


def uuid_at(keys: Keys, index: int) -> UUID:
    """Unpack one UUID (numpy drops trailing zero bytes, hence the padding)."""
    return UUID(bytes=bytes(keys[index]).ljust(16, b"\0"))


def _no_ints() -> Ints:
    return np.empty(0, dtype=np.int64)


def _no_flags() -> Flags:
    return np.empty(0, dtype=bool)


@dataclass(frozen=True, kw_only=True)
class IsolationNetwork:
    """The pipe network in arrays, for tracing; never changed after it is made, safe to share between threads.

    Parameters
    ----------
    pipe_key, valve_key
        UUIDs of pipes and valves as 16 bytes, rising; pipes and valves are named by their place in these arrays.
    pipe_from, pipe_to
        The two nodes of each pipe.
    pipe_volume_m3
        What each pipe holds; not a number where its diameter is not known.
    pipe_closed
        Whether the pipe carries no water.
    pipe_one_way
        Whether water passes the pipe from its first node to its second only.
    customers, critical
        Accounts served from each pipe, and those among them that must be warned first: a row a pipe, a column each of
        `CRITICAL_KINDS`.
    node_count
        How many nodes there are.
    sources
        Nodes that are tanks or reservoirs.
    control_from, control_to, control_closed
        Pumps and control valves, which water passes from their first node to their second.
    valve_pipe, valve_node, valve_to_node
        The pipe a valve stands on and the node it stands at; or, where `valve_pipe` is -1, the two nodes it joins.
    valve_closed
        Whether the valve is shut.
    valve_stuck
        Whether the valve is known not to turn.
    valve_lon, valve_lat
        Where it stands; not numbers where the network has no place on Earth.
    """

    pipe_key: Keys
    pipe_code: Sequence[str]
    pipe_from: Ints
    pipe_to: Ints
    pipe_length_m: Floats
    pipe_volume_m3: Floats
    pipe_closed: Flags
    pipe_one_way: Flags
    customers: Ints
    critical: Ints
    node_count: int
    sources: Ints
    control_from: Ints = field(default_factory=_no_ints)
    control_to: Ints = field(default_factory=_no_ints)
    control_closed: Flags = field(default_factory=_no_flags)
    valve_key: Keys
    valve_code: Sequence[str]
    valve_pipe: Ints
    valve_node: Ints
    valve_to_node: Ints
    valve_closed: Flags
    valve_stuck: Flags
    valve_lon: Floats
    valve_lat: Floats

    @property
    def pipe_count(self) -> int:
        """How many pipes there are."""
        return len(self.pipe_from)

    @property
    def vertex_count(self) -> int:
        """How many pipes and nodes there are; one more than the highest number a segment can have."""
        return self.pipe_count + self.node_count

    @property
    def link_count(self) -> int:
        """How many links there are: pipes, pumps and control valves, valves between two nodes."""
        return self.pipe_count + len(self.control_from) + int(np.count_nonzero(self.valve_pipe == NONE))

    # --- joints: first the pipes' first ends, then their second -----------------------------------------------------

    @cached_property
    def _ends(self) -> Ints:
        """The vertex of the node at each joint."""
        return np.concatenate([self.pipe_from, self.pipe_to]) + self.pipe_count

    @cached_property
    def valve_joint(self) -> Ints:
        """The joint each valve stands on; -1 for a valve between two nodes."""
        on_pipe = self.valve_pipe != NONE
        at_second = (
            on_pipe & (self.pipe_to[self.valve_pipe] == self.valve_node) if self.pipe_count else on_pipe
        )
        return np.where(on_pipe, self.valve_pipe + self.pipe_count * at_second, NONE)

    @cached_property
    def _valve_ends(self) -> tuple[Ints, Ints]:
        """The two vertices each valve stands between."""
        between = self.valve_pipe == NONE
        return (
            np.where(between, self.valve_node + self.pipe_count, self.valve_pipe),
            np.where(between, self.valve_to_node, self.valve_node) + self.pipe_count,
        )

    @cached_property
    def _shuts(self) -> Flags:
        """Valves that can be, or are, shut; an open valve that is stuck shuts nothing."""
        shuts: Flags = self.valve_closed | ~self.valve_stuck
        return shuts

    @cached_property
    def joint_shutters(self) -> Ints:
        """How many valves can shut, or do shut, each joint."""
        joints = self.valve_joint[self._shuts & (self.valve_joint != NONE)]
        return np.bincount(joints, minlength=2 * self.pipe_count).astype(np.int64)

    @cached_property
    def _is_joined(self) -> Flags:
        """Joints that no valve can shut, of pipes that are not closed."""
        joined: Flags = (self.joint_shutters == 0) & ~np.tile(self.pipe_closed, 2)
        return joined

    @cached_property
    def carries(self) -> Flags:
        """Joints water passes as things stand."""
        carries = ~np.tile(self.pipe_closed, 2)
        shut = self.valve_joint[self.valve_closed]
        carries[shut[shut != NONE]] = False
        return carries

    @cached_property
    def _is_entry(self) -> Flags:
        """Joints at which water enters a pipe with a check valve and never leaves it."""
        return np.concatenate([self.pipe_one_way, np.zeros(self.pipe_count, dtype=bool)])

    def _pairs_at(self, joints: Flags) -> Ints:
        """List pipe and node of some joints."""
        at = np.flatnonzero(joints)
        return np.column_stack([at % max(self.pipe_count, 1), self._ends[at]])

    def _pairs_of_valves(self, valves: Flags) -> Ints:
        """List both ends of some valves."""
        first, second = self._valve_ends
        return np.column_stack([first[valves], second[valves]])

    @cached_property
    def _plain_valves(self) -> Ints:
        """Both ends of the valves between two nodes that are open and will not turn: plain pipe."""
        return self._pairs_of_valves((self.valve_pipe == NONE) & ~self._shuts)

    @cached_property
    def _controls(self) -> Ints:
        """First and second node of the pumps and control valves that are not closed."""
        is_open = ~self.control_closed
        return np.column_stack([self.control_from[is_open], self.control_to[is_open]]) + self.pipe_count

    # --- segments ---------------------------------------------------------------------------------------------------

    @cached_property
    def segment_of(self) -> Ints:
        """The segment of each pipe, then of each node.

        A segment is numbered by its first pipe's place in the arrays (or, without any pipe, by its first node's, after
        all pipes): so when two segments become one, all others keep their numbers.
        """
        pairs = [self._pairs_at(self._is_joined), self._plain_valves, self._controls]
        count, label = hanging_together(self.vertex_count, pairs)
        first = np.empty(count, dtype=np.int64)
        first[label[::-1]] = np.arange(self.vertex_count - 1, -1, -1)
        return first[label]

    @cached_property
    def segments(self) -> Ints:
        """The numbers of all segments, rising, those that are a bare node between valves included."""
        return np.flatnonzero(self.segment_of == np.arange(self.vertex_count))

    def has_segment(self, segment: int) -> bool:
        """Whether there is a segment of that number."""
        return 0 <= segment < self.vertex_count and int(self.segment_of[segment]) == segment

    @cached_property
    def _pipes_by_segment(self) -> tuple[Ints, Ints]:
        return grouped(self.segment_of[: self.pipe_count], self.vertex_count)

    def pipes_of(self, segment: int) -> Ints:
        """List the pipes of a segment, rising."""
        order, starts = self._pipes_by_segment
        return order[starts[segment] : starts[segment + 1]]

    @cached_property
    def valve_sides(self) -> tuple[Ints, Ints]:
        """The segments at a valve's two ends: at its pipe and its node, or at its two nodes."""
        first, second = self._valve_ends
        return self.segment_of[first], self.segment_of[second]

    @cached_property
    def _valves_by_segment(self) -> tuple[Ints, Ints]:
        """Valves sorted by the segments they bound (each twice), and where each segment starts."""
        sides = self.valve_sides
        bounds = np.flatnonzero(sides[0] != sides[1])
        order, starts = grouped(np.concatenate([sides[0][bounds], sides[1][bounds]]), self.vertex_count)
        return np.tile(bounds, 2)[order], starts

    def valves_of(self, segment: int) -> Ints:
        """List the valves with exactly one end in a segment."""
        order, starts = self._valves_by_segment
        return order[starts[segment] : starts[segment + 1]]

    def valve_ends(self, valve: int) -> tuple[int, int]:
        """Tell the two vertices a valve stands between: its pipe and its node, or its two nodes."""
        first, second = self._valve_ends
        return int(first[valve]), int(second[valve])

    # --- feeding ----------------------------------------------------------------------------------------------------

    @cached_property
    def feeding(self) -> Feeding:
        """Which way water comes, and what is lost when segments are shut."""
        both_ways = self._is_joined & ~self._is_entry
        part_count, part_of = hanging_together(
            self.vertex_count, [self._pairs_at(both_ways), self._plain_valves]
        )
        crossing = self.carries & ~both_ways
        entering = self._pairs_at(crossing & self._is_entry)[:, ::-1]
        either_way = self._pairs_at(crossing & ~self._is_entry)
        turning = self._pairs_of_valves((self.valve_pipe == NONE) & ~self.valve_closed & self._shuts)
        ways = [either_way, either_way[:, ::-1], turning, turning[:, ::-1], entering, self._controls]
        return Feeding.of(
            part_of=part_of,
            part_count=part_count,
            passages=part_of[np.concatenate(ways)],
            source_parts=part_of[self.sources + self.pipe_count],
            segment_of=self.segment_of,
            pipe_count=self.pipe_count,
        )

    def cut_off_by(self, segment: int) -> list[int]:
        """List the segments of which something has no source any more while `segment` is shut, itself left out, rising."""
        lost: list[int] = self.feeding.segments_among(self.feeding.cut_off([segment])).tolist()
        return lost

    def cutting_off(self, segment: int) -> list[int]:
        """List the segments that leave something of `segment` without any source when they are shut, the nearest first."""
        return self.feeding.cutting_off(segment)

    # --- names ------------------------------------------------------------------------------------------------------

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
        return uuid_at(self.pipe_key, index)

    def pipe_ids(self, indices: Ints) -> tuple[UUID, ...]:
        """Give the ids of pipes at some places in the arrays."""
        packed = self.pipe_key[indices].tobytes()
        return tuple(UUID(bytes=packed[at : at + 16]) for at in range(0, len(packed), 16))

    def valve_id(self, index: int) -> UUID:
        """Give the id of the valve at a place in the arrays."""
        return uuid_at(self.valve_key, index)

    def with_valves(
        self, *, closed: Collection[UUID] = (), inoperable: Collection[UUID] = ()
    ) -> "IsolationNetwork":
        """See the network with some valves shut, or known not to turn, without changing what is stored.

        Everything is derived anew; for a plan round valves that do not turn, `isolation_plan` takes them directly.
        """
        valve_closed, valve_stuck = self.valve_closed.copy(), self.valve_stuck.copy()
        valve_closed[[self.valve_index(one) for one in closed]] = True
        valve_stuck[[self.valve_index(one) for one in inoperable]] = True
        return replace(self, valve_closed=valve_closed, valve_stuck=valve_stuck)

    def warm(self) -> "IsolationNetwork":
        """Make every derived array now, so that the first question is as quick as the next."""
        _ = self._pipes_by_segment, self._valves_by_segment, self.feeding
        return self


def _index(keys: Keys, wanted: UUID) -> int | None:
    if not len(keys):
        return None
    key = np.array(wanted.bytes, dtype="S16")
    index = int(np.searchsorted(keys, key))
    return index if index < len(keys) and keys[index] == key else None
