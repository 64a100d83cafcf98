"""Which valves to close for a break, what else falls dry, who loses water."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from gis.coordinates import LonLat
from gis.isolation.arrays import Ints
from gis.isolation.network import CRITICAL_KINDS, NONE, IsolationNetwork
from gis.models import CustomerClass


@dataclass(frozen=True, slots=True)
class ValveToClose:
    """One valve of a plan, in its turn; `point` is None where the network has no place on Earth."""

    id: UUID
    asset_code: str
    point: LonLat | None
    order: int


@dataclass(frozen=True, slots=True)
class IsolationPlan:
    """What closing round a break takes and does.

    `customers` counts the accounts on the segment and on everything cut off with it, `critical` those among them that must be warned
    first; `length_m` and `volume_m3` are of the segment's own pipes, the volume of those whose diameter is known:
    `length_without_volume_m` is the length of the others.
    """

    pipe_id: UUID
    segment_ids: tuple[int, ...]
    segment_pipe_ids: tuple[UUID, ...]
    valves_to_close: tuple[ValveToClose, ...]
    valves_already_closed: tuple[UUID, ...]
    cut_off_pipe_ids: tuple[UUID, ...]
    cut_off_segment_ids: tuple[int, ...]
    customers: int
    critical: Mapping[CustomerClass, int]
    length_m: float
    volume_m3: float
    length_without_volume_m: float

    @property
    def critical_customers(self) -> int:
        """How many accounts must be warned first."""
        return sum(self.critical.values())


@dataclass(frozen=True, slots=True)
class DryPipes:
    """What falls dry when segments are shut together; pipes by their place in the network's arrays, rising."""

    segments: tuple[int, ...]
    pipes: Ints
    cut_off_parts: Ints
    cut_off_pipes: Ints

    @property
    def all_pipes(self) -> Ints:
        """The pipes of the segments and those cut off with them."""
        return np.concatenate([self.pipes, self.cut_off_pipes])


def merged(network: IsolationNetwork, segment: int, stuck: Collection[int]) -> list[int]:
    """Join segments across open valves that will not turn; the numbers of those that become one, rising."""
    bridges = _bridges(network, stuck)
    together = {segment}
    grew = bool(bridges)
    while grew:
        grew = False
        for first, second in bridges:
            if (first in together) != (second in together):
                together |= {first, second}
                grew = True
    return sorted(together)


def _bridges(network: IsolationNetwork, stuck: Collection[int]) -> list[tuple[int, int]]:
    """List the pairs of segments that only valves which will not turn keep apart."""
    open_stuck = [one for one in set(stuck) if not network.valve_closed[one] and not network.valve_stuck[one]]
    # A joint with another valve that does turn, or is shut, stays a boundary; so does the joint of a closed pipe.
    left: dict[int, int] = {}
    for valve in open_stuck:
        joint = int(network.valve_joint[valve])
        if joint != NONE:
            left[joint] = left.get(joint, int(network.joint_shutters[joint])) - 1
    first, second = network.valve_sides
    return [
        (int(first[valve]), int(second[valve]))
        for valve in open_stuck
        if left.get(int(network.valve_joint[valve]), 0) == 0
        and (network.valve_pipe[valve] == NONE or not network.pipe_closed[network.valve_pipe[valve]])
    ]


def shut(network: IsolationNetwork, segments: Iterable[int]) -> DryPipes:
    """Find what falls dry when some segments are shut at a time."""
    numbers = tuple(sorted(set(segments)))
    parts = network.feeding.cut_off(numbers)
    return DryPipes(
        segments=numbers,
        pipes=np.sort(
            np.concatenate([network.pipes_of(one) for one in numbers] or [network.pipes_of(0)[:0]])
        ),
        cut_off_parts=parts,
        cut_off_pipes=network.feeding.pipes_in(parts),
    )


def critical_among(network: IsolationNetwork, pipes: Ints) -> dict[CustomerClass, int]:
    """Count the accounts on pipes that must be warned first, by kind; kinds without any are left out."""
    counts = network.critical[pipes].sum(axis=0).tolist()
    return {kind: int(count) for kind, count in zip(CRITICAL_KINDS, counts, strict=True) if count}


def isolation_plan(
    network: IsolationNetwork, pipe_id: UUID, *, inoperable: Collection[UUID] = ()
) -> IsolationPlan:
    """Find the valves that isolate a broken main, and what falls dry.

    The segment is everything reached from the broken pipe, in either direction, without passing an isolation valve or a
    closed link. Open valves with exactly one end in it must be closed. Pipes outside it are cut off when some source
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
        Valves in the order to close them: first those that keep other sources from feeding the segment, the nearest to a
        source first, since through it comes most; then those that only lead into what is cut off anyway.

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
    dry = shut(network, merged(network, int(network.segment_of[pipe]), stuck))
    to_close, already = ([], []) if network.pipe_closed[pipe] else _valves_round(network, dry, stuck)
    all_pipes = dry.all_pipes
    volume = network.pipe_volume_m3[dry.pipes]
    length = network.pipe_length_m[dry.pipes]
    is_known = ~np.isnan(volume)
    return IsolationPlan(
        pipe_id=pipe_id,
        segment_ids=dry.segments,
        segment_pipe_ids=network.pipe_ids(dry.pipes),
        valves_to_close=tuple(
            ValveToClose(
                id=network.valve_id(valve),
                asset_code=network.valve_code[valve],
                point=_place(network, valve),
                order=order,
            )
            for order, valve in enumerate(to_close, start=1)
        ),
        valves_already_closed=tuple(network.valve_id(valve) for valve in already),
        cut_off_pipe_ids=network.pipe_ids(dry.cut_off_pipes),
        cut_off_segment_ids=tuple(network.feeding.segments_among(dry.cut_off_parts).tolist()),
        customers=int(network.customers[all_pipes].sum()),
        critical=critical_among(network, all_pipes),
        length_m=float(length.sum()),
        volume_m3=float(volume[is_known].sum()),
        length_without_volume_m=float(length[~is_known].sum()),
    )


def _valves_round(
    network: IsolationNetwork, dry: DryPipes, stuck: Collection[int]
) -> tuple[list[int], list[int]]:
    """List the valves to close, in their order, and those that are closed already."""
    inside = set(dry.segments)
    first, second = network.valve_sides
    to_close: list[int] = []
    already: list[int] = []
    for valve in sorted({valve for segment in dry.segments for valve in network.valves_of(segment).tolist()}):
        if int(first[valve]) in inside and int(second[valve]) in inside:
            continue
        if network.valve_closed[valve]:
            already.append(valve)
        elif valve not in stuck and not network.valve_stuck[valve]:
            to_close.append(valve)
    feeding = network.feeding
    beyond = set(dry.cut_off_parts.tolist())

    def turn(valve: int) -> tuple[bool, int, str]:
        """Whether no water comes through it once the others are shut, how far from a source it stands, its name."""
        near, far = network.valve_ends(valve)
        other = int(feeding.part_of[far if int(first[valve]) in inside else near])
        steps = int(feeding.steps[other])
        return steps < 0 or other in beyond, steps, network.valve_code[valve]

    return sorted(to_close, key=turn), already


def _place(network: IsolationNetwork, valve: int) -> LonLat | None:
    lon, lat = float(network.valve_lon[valve]), float(network.valve_lat[valve])
    return None if np.isnan(lon) else LonLat(lon=lon, lat=lat)


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
