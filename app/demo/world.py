"""The truth: where mains burst, who is dry, and when the water is back.

The simulators' own simple hydraulics: a burst empties its valve segment and whatever no source reaches without it, and
lowers the pressure up to two segments away. The product never sees this; it only hears those who call.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from app.demo.town import Flags, Ints, Town
from gis.coordinates import LonLat

LOW_PRESSURE_HOPS = 2
"""Segments between a burst and the last customer who feels it in his tap."""
FIND_RADIUS_M = 300.0
"""How far round the place it was sent to a crew looks and listens for water."""
APART_M = 900.0
"""Bursts of one plan are this far apart where the city allows: neighbouring mains seldom break within hours."""
SLOW_LEAK_SHARE = 0.15
"""Bursts that only show in the street: nobody is dry, passers-by report them over hours."""
_PLACES_TRIED = 200


class Supply(StrEnum):
    """What comes from a customer's tap."""

    NORMAL = "normal"
    LOW = "low"
    NONE = "none"


class BurstKind(StrEnum):
    """How a main fails."""

    BURST = "burst"
    SLOW_LEAK = "slow_leak"


@dataclass(frozen=True, slots=True)
class PlannedBurst:
    """A main that will fail: so long after the run begins, at a share of the pipe's length."""

    number: int
    pipe: int
    share: float
    kind: BurstKind
    after: timedelta


@dataclass(slots=True)
class Burst:
    """A main that failed."""

    number: int
    kind: BurstKind
    pipe: int
    place: LonLat
    began_at: datetime
    dry: frozenset[int]
    low: frozenset[int]
    found_at: datetime | None = None
    restored_at: datetime | None = None

    @property
    def is_running(self) -> bool:
        """Whether water still escapes."""
        return self.restored_at is None


@dataclass(slots=True)
class Segments:
    """Which pipes go dry together, and which segments neighbour which; found by the world's own few lines."""

    of_pipe: Ints
    of_node: Ints
    pairs: Ints
    count: int
    fed: Ints
    customers: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, town: Town) -> "Segments":
        """Cut the network at every valve that closes and label what still hangs together."""
        pipes, nodes = town.pipe_count, town.node_count
        holds = town.valve_closed | ~town.valve_stuck
        cut: Flags = np.concatenate([town.pipe_closed, town.pipe_closed])
        cut[(town.valve_pipe + pipes * town.valve_at_to)[holds]] = True
        ends = np.concatenate([town.pipe_from, town.pipe_to]) + pipes
        links = np.tile(np.arange(pipes), 2)
        label = _components(pipes + nodes, links[~cut], ends[~cut])
        stands_at = np.where(town.valve_at_to, town.pipe_to[town.valve_pipe], town.pipe_from[town.valve_pipe])
        passes = ~town.valve_closed & ~town.pipe_closed[town.valve_pipe]
        sides = np.column_stack([label[town.valve_pipe], label[pipes + stands_at]])[passes]
        pairs = np.unique(np.sort(sides[sides[:, 0] != sides[:, 1]], axis=1), axis=0).reshape(-1, 2)
        made = cls(
            of_pipe=label[:pipes],
            of_node=label[pipes:],
            pairs=pairs.astype(np.int64),
            count=int(label.max(initial=-1)) + 1,
            fed=np.unique(label[pipes + town.sources]),
        )
        for customer, segment in enumerate(made.of_pipe[town.customer_pipe].tolist()):
            made.customers.setdefault(segment, []).append(customer)
        return made

    def dry_without(self, segment: int) -> set[int]:
        """List what is dry while a segment is empty: itself, and all that is fed today but not without it."""
        without = self.pairs[(self.pairs != segment).all(axis=1)]
        today = self._reached(self.pairs, self.fed)
        then = self._reached(without, self.fed[self.fed != segment])
        return {segment, *np.flatnonzero(today & ~then).tolist()}

    def within(self, start: set[int], hops: int) -> set[int]:
        """List the segments at most so many open valves away from any of `start`, those included."""
        near = set(start)
        for _ in range(hops):
            inside = np.isin(self.pairs, list(near))
            near.update(np.unique(self.pairs[inside.any(axis=1)]).tolist())
        return near

    def served_from(self, segments: set[int]) -> frozenset[int]:
        """List the customers on some segments."""
        return frozenset(one for segment in segments for one in self.customers.get(segment, ()))

    def _reached(self, pairs: Ints, sources: Ints) -> Flags:
        label = _components(self.count, pairs[:, 0], pairs[:, 1])
        reached: Flags = np.isin(label, label[sources])
        return reached


def _components(size: int, left: Ints, right: Ints) -> Ints:
    graph = csr_matrix((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


class World:
    """What is really the matter, and nothing else; the simulators ask it, the product cannot."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.segments = Segments.of(town)
        self.bursts: list[Burst] = []

    def strike(self, planned: PlannedBurst, at: datetime) -> Burst:
        """Let a main fail now."""
        dry: frozenset[int] = frozenset()
        low: frozenset[int] = frozenset()
        if planned.kind is BurstKind.BURST:
            empty = self.segments.dry_without(int(self.segments.of_pipe[planned.pipe]))
            near = self.segments.within(empty, LOW_PRESSURE_HOPS)
            dry = self.segments.served_from(empty)
            low = self.segments.served_from(near) - dry
        burst = Burst(
            number=planned.number,
            kind=planned.kind,
            pipe=planned.pipe,
            place=self.town.place_on_pipe(planned.pipe, planned.share),
            began_at=at,
            dry=dry,
            low=low,
        )
        self.bursts.append(burst)
        return burst

    def restore(self, burst: Burst, at: datetime) -> None:
        """The main is mended and the water is back."""
        burst.restored_at = burst.restored_at or at

    def supply(self, customer: int) -> Supply:
        """Tell what comes from a customer's tap now."""
        running = [burst for burst in self.bursts if burst.is_running]
        if any(customer in burst.dry for burst in running):
            return Supply.NONE
        if any(customer in burst.low for burst in running):
            return Supply.LOW
        return Supply.NORMAL

    def running_near(self, place: LonLat, *, radius_m: float = FIND_RADIUS_M) -> Burst | None:
        """Find the nearest burst that still runs, as a crew who looks round a place would."""
        near = [
            (distance_m, burst.number, burst)
            for burst in self.bursts
            if burst.is_running and (distance_m := self.town.distance_m(place, burst.place)) <= radius_m
        ]
        return min(near)[2] if near else None


def plan_bursts(
    world: World, *, count: int, span: timedelta, seed: int, first: int = 0
) -> list[PlannedBurst]:
    """Choose which mains fail and when, the same for the same seed.

    Parameters
    ----------
    count
        How many.
    span
        In which time; the first fails at once, so that there is something to see, the others evenly with a jitter.
    first
        Number of the first one.

    Returns
    -------
    planned
        By time. A pipe's chance grows with its length and with those it serves nearby; pipes without water never fail.
    """
    rng = random.Random(f"{seed} bursts")
    town = world.town
    weight = _weights(world)
    if not weight.any():
        return []
    planned: list[PlannedBurst] = []
    step = span / max(count, 1)
    for number in range(count):
        jitter = rng.uniform(-0.35, 0.35) if number else 0.0
        after = max(timedelta(), step * (number + jitter))
        kind = BurstKind.SLOW_LEAK if rng.random() < SLOW_LEAK_SHARE and number else BurstKind.BURST
        candidates = rng.choices(range(town.pipe_count), weights=weight.tolist(), k=_PLACES_TRIED)
        shares = [rng.uniform(0.1, 0.9) for _ in candidates]
        others = [town.place_on_pipe(other.pipe, other.share) for other in planned]
        pipe, share = _apart(town, list(zip(candidates, shares, strict=True)), others)
        planned.append(PlannedBurst(first + number, pipe, share, kind, after))
    return sorted(planned, key=lambda one: (one.after, one.number))


def _weights(world: World) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How likely each pipe is to fail where somebody would notice."""
    town = world.town
    watered = ~town.pipe_closed
    served = np.zeros(world.segments.count)
    for segment, customers in world.segments.customers.items():
        served[segment] = len(customers)
    around = served[world.segments.of_pipe]
    return np.where(watered & (around > 0), town.pipe_length_m, 0.0)


def _apart(
    town: Town, candidates: Sequence[tuple[int, float]], others: Sequence[LonLat]
) -> tuple[int, float]:
    """Take the first candidate far enough from all others, else the one farthest from them."""
    best, best_m = candidates[0], -1.0
    for pipe, share in candidates:
        place = town.place_on_pipe(pipe, share)
        nearest_m = min((town.distance_m(place, other) for other in others), default=APART_M)
        if nearest_m >= APART_M:
            return pipe, share
        if nearest_m > best_m:
            best, best_m = (pipe, share), nearest_m
    return best
