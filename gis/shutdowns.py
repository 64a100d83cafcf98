"""Work announced ahead for which mains are shut, and what happens when two such works meet.

Two shutdowns conflict when their times overlap and either something falls dry by both, or both together cut off customers whom neither
cuts off alone: those fed from two sides, one of which each of them takes away.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import combinations
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, exists, func, select, true
from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import utc_now
from gis.errors import PipeNotFound, ShutdownNotFound, ShutdownOver, ShutdownTimesWrong, ValveNotFound
from gis.isolation import DryPipes, IsolationNetwork, critical_among, merged, shut
from gis.isolation.arrays import Ints
from gis.models import CustomerClass, Pipe, PlannedShutdown

TOGETHER_MAX = 4
"""Larger sets of shutdowns that run at one time are looked at by their smaller ones."""


@dataclass(frozen=True, slots=True)
class Work:
    """What shutting takes: mains to be worked on, valves that do not turn, from when to when; `id` is None for a break that was not planned."""

    id: UUID | None
    pipe_ids: tuple[UUID, ...]
    inoperable: tuple[UUID, ...]
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, planned: PlannedShutdown) -> "Work":
        """See a stored shutdown as plain values."""
        return cls(
            id=planned.id,
            pipe_ids=tuple(planned.pipe_ids),
            inoperable=tuple(planned.inoperable_valve_ids),
            starts_at=planned.starts_at,
            ends_at=planned.ends_at,
        )


@dataclass(frozen=True, slots=True)
class Effect:
    """Who has no water during a shutdown."""

    pipes: int
    customers: int
    critical: Mapping[CustomerClass, int]
    length_m: float


@dataclass(frozen=True, slots=True)
class ShutdownConflict:
    """A shutdown and others that run at the same time.

    Parameters
    ----------
    with_ids
        The others, all of which run at one time with it.
    starts_at, ends_at
        While all of them run.
    shared_pipe_ids
        Mains that fall dry by more than one of them.
    extra_pipe_ids, extra
        Mains that only all of them together cut off, and who hangs on them.
    """

    with_ids: tuple[UUID, ...]
    starts_at: datetime
    ends_at: datetime
    shared_pipe_ids: tuple[UUID, ...]
    extra_pipe_ids: tuple[UUID, ...]
    extra: Effect


def dry_by(network: IsolationNetwork, works: Iterable[Work]) -> DryPipes:
    """Find what falls dry while some works run; a valve that does not turn turns for none of them.

    Assets that the network no longer has are passed over: a plan may be older than the network.
    """
    works = list(works)
    stuck = {at for work in works for at in _valves(network, work.inoperable)}
    segments = {
        segment
        for work in works
        for pipe in _pipes(network, work.pipe_ids)
        for segment in merged(network, int(network.segment_of[pipe]), stuck)
    }
    return shut(network, segments)


def effect(network: IsolationNetwork, work: Work) -> Effect:
    """Tell who has no water during a shutdown."""
    return _effect(network, dry_by(network, [work]).all_pipes)


def conflicts(network: IsolationNetwork, work: Work, others: Sequence[Work]) -> list[ShutdownConflict]:
    """Find the shutdowns that must not run at the same time as one, and what they would do together.

    Every pair is looked at, and every set of up to `TOGETHER_MAX` that run at one time; of a larger set only what no smaller one cuts off
    counts as extra.
    """
    near = [other for other in others if other.id != work.id and _overlap([work, other])]

    @cache
    def dry(members: frozenset[int]) -> Ints:
        return dry_by(network, [near[at] if at >= 0 else work for at in members]).all_pipes

    found: list[ShutdownConflict] = []
    for size in range(1, TOGETHER_MAX):
        for chosen in combinations(range(len(near)), size):
            times = _overlap([work, *(near[at] for at in chosen)])
            if times is None:
                continue
            members = (-1, *chosen)
            less = [frozenset(some) for some in combinations(members, size)]
            extra = np.setdiff1d(dry(frozenset(members)), np.concatenate([dry(some) for some in less]))
            shared = np.intersect1d(dry(frozenset([-1])), dry(frozenset(chosen))) if size == 1 else extra[:0]
            if len(extra) or len(shared):
                found.append(
                    ShutdownConflict(
                        with_ids=tuple(one for at in chosen if (one := near[at].id) is not None),
                        starts_at=times[0],
                        ends_at=times[1],
                        shared_pipe_ids=network.pipe_ids(shared),
                        extra_pipe_ids=network.pipe_ids(extra),
                        extra=_effect(network, extra),
                    )
                )
    return sorted(found, key=lambda one: (-one.extra.customers, one.starts_at, len(one.with_ids)))


def _overlap(works: Sequence[Work]) -> tuple[datetime, datetime] | None:
    """Tell from when to when all of some works run."""
    start, end = max(one.starts_at for one in works), min(one.ends_at for one in works)
    return (start, end) if start < end else None


def _effect(network: IsolationNetwork, pipes: Ints) -> Effect:
    return Effect(
        pipes=len(pipes),
        customers=int(network.customers[pipes].sum()),
        critical=critical_among(network, pipes),
        length_m=float(network.pipe_length_m[pipes].sum()),
    )


def _pipes(network: IsolationNetwork, ids: Iterable[UUID]) -> list[int]:
    found = []
    for one in ids:
        try:
            found.append(network.pipe_index(one))
        except PipeNotFound:
            continue
    return found


def _valves(network: IsolationNetwork, ids: Iterable[UUID]) -> list[int]:
    found = []
    for one in ids:
        try:
            found.append(network.valve_index(one))
        except ValveNotFound:
            continue
    return found


# --- stored ----------------------------------------------------------------------------------------


def his(actor: Actor) -> ColumnElement[bool]:
    """Condition that one of a shutdown's mains lies in a person's area."""
    if actor.area_wkt is None:
        return true()
    return exists().where(Pipe.id == func.any(PlannedShutdown.pipe_ids), actor.area_filter(Pipe.geom))


def shutdowns_between(
    session: Session, starts_at: datetime, ends_at: datetime, *, condition: ColumnElement[bool] | None = None
) -> Sequence[PlannedShutdown]:
    """List the shutdowns that run at some time between two, those called off left out, the first to start first."""
    query = select(PlannedShutdown).where(
        PlannedShutdown.called_off_at.is_(None),
        PlannedShutdown.starts_at < ends_at,
        PlannedShutdown.ends_at > starts_at,
    )
    if condition is not None:
        query = query.where(condition)
    return session.scalars(query.order_by(PlannedShutdown.starts_at, PlannedShutdown.id)).all()


def shutdown_of(session: Session, actor: Actor, shutdown_id: UUID) -> PlannedShutdown:
    """Give a shutdown of a person's area.

    Raises
    ------
    ShutdownNotFound
        There is none.
    """
    found = session.scalar(
        select(PlannedShutdown).where(PlannedShutdown.id == shutdown_id, his(actor)).with_for_update()
    )
    if found is None:
        raise ShutdownNotFound
    return found


def plan_shutdown(
    session: Session,
    actor: Actor,
    network: IsolationNetwork,
    *,
    title: str,
    pipe_ids: Collection[UUID],
    inoperable: Collection[UUID],
    starts_at: datetime,
    ends_at: datetime,
    before: PlannedShutdown | None = None,
) -> PlannedShutdown:
    """Store a shutdown, or change one that is not over.

    Raises
    ------
    PipeNotFound, ValveNotFound
        An asset does not exist, or a main does not lie in the person's area.
    ShutdownTimesWrong
        It ends before it starts, or has ended already.
    ShutdownOver
        The one to change is over or called off.
    """
    if ends_at <= starts_at or ends_at <= utc_now():
        raise ShutdownTimesWrong
    for pipe in pipe_ids:
        network.pipe_index(pipe)
    for valve in inoperable:
        network.valve_index(valve)
    seen = session.scalar(
        select(func.count()).select_from(Pipe).where(Pipe.id.in_(pipe_ids), actor.area_filter(Pipe.geom))
    )
    if seen != len(set(pipe_ids)):
        raise PipeNotFound
    planned = before or PlannedShutdown(created_by=actor.user_id)
    if before is not None:
        ensure_not_over(before)
    planned.title = title
    planned.pipe_ids = sorted(set(pipe_ids))
    planned.inoperable_valve_ids = sorted(set(inoperable))
    planned.starts_at, planned.ends_at = starts_at, ends_at
    session.add(planned)
    session.flush()
    return planned


def call_off(session: Session, planned: PlannedShutdown) -> None:
    """Call a shutdown off.

    Raises
    ------
    ShutdownOver
        It is over, or called off already.
    """
    ensure_not_over(planned)
    planned.called_off_at = utc_now()
    session.flush()


def ensure_not_over(planned: PlannedShutdown) -> None:
    """Refuse to change what is over.

    Raises
    ------
    ShutdownOver
        It is over or called off.
    """
    if planned.called_off_at is not None or planned.ends_at <= utc_now():
        raise ShutdownOver
