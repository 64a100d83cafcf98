"""What goes dry: the isolation plan of an incident, and telling the hotline about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.deadlines import cancel_deadline, set_deadline
from core.events import DeadlineKind, OutageDeclared, OutageEnded
from core.outbox import emit
from core.settings import Settings
from dispatch.models import (
    OPEN_STATES,
    Incident,
    IncidentKind,
    IncidentLevel,
    IncidentState,
    IsolationPlan,
)
from dispatch.surroundings import Surroundings
from gis.errors import PipeNotFound
from gis.isolation import IsolationPlan as IsolationTrace

log = structlog.get_logger()

DRY_KINDS: Final = frozenset({IncidentKind.BURST, IncidentKind.OUTAGE})
"""Kinds that leave customers without water."""
_REVIEW_SHARE: Final = 0.5
"""An estimate that proved too short is followed by one of this share of a usual repair."""
_WET_STATES: Final = frozenset({IncidentState.RESTORING, IncidentState.CLOSED, IncidentState.DISMISSED})


@dataclass(frozen=True, slots=True)
class Estimate:
    """When water is back, and until when that may be said."""

    restored_at: datetime
    review_at: datetime


def wants_plan(*, kind: IncidentKind, level: IncidentLevel, is_confirmed: bool) -> bool:
    """Whether an incident is sure enough to work out what to shut: a burst, more than one dry caller, or what a person confirmed."""
    if kind is IncidentKind.BURST:
        return True
    if kind is IncidentKind.OUTAGE:
        return is_confirmed or level is not IncidentLevel.SINGLE
    return kind is IncidentKind.LEAK and is_confirmed


def estimate(
    *,
    opened_at: datetime,
    now: datetime,
    before: datetime | None,
    arrive_s: float,
    repair_s: float,
    review_s: float,
) -> Estimate:
    """Estimate when water is back.

    Parameters
    ----------
    before
        The estimate so far; it holds as long as it lies ahead.
    arrive_s, repair_s
        Usual times to arrive and to repair, seconds.
    review_s
        For how long an estimate may be told before somebody looks at it again, seconds.
    """
    restored_at = before or opened_at + timedelta(seconds=arrive_s + repair_s)
    if restored_at <= now:
        restored_at = now + timedelta(seconds=repair_s * _REVIEW_SHARE)
    return Estimate(restored_at=restored_at, review_at=min(now + timedelta(seconds=review_s), restored_at))


def current_plan(session: Session, incident: Incident) -> IsolationPlan | None:
    """Give the plan that holds for an incident: the latest."""
    return session.scalar(
        select(IsolationPlan)
        .where(IsolationPlan.incident_id == incident.id)
        .order_by(IsolationPlan.made_at.desc(), IsolationPlan.id.desc())
        .limit(1)
    )


def replan(
    session: Session, incident: Incident, surroundings: Surroundings | None, *, settings: Settings
) -> None:
    """Work out anew what to shut and who is dry, and tell the hotline what changed.

    A plan equal to the last is not stored again. An incident that is not sure enough has none; an outage declared before ends then.
    """
    trace = _trace(incident, surroundings)
    if trace is None:
        incident.customers_without_water = incident.critical_customers = 0
        end(session, incident)
        return
    before = current_plan(session, incident)
    valves = [str(valve.id) for valve in trace.valves_to_close]
    segments = sorted({*trace.segment_ids, *trace.cut_off_segment_ids})
    if before is None or before.valve_ids != valves or sorted(before.segment_ids) != segments:
        session.add(
            IsolationPlan(
                incident_id=incident.id,
                pipe_id=trace.pipe_id,
                made_at=utc_now(),
                valve_ids=valves,
                closed_valve_ids=[str(one) for one in trace.valves_already_closed],
                segment_ids=segments,
                customers=trace.customers,
                critical_customers=trace.critical_customers,
                length_m=trace.length_m,
            )
        )
        session.flush()
        log.info(
            "dispatch.plan_made", incident_id=str(incident.id), valves=len(valves), customers=trace.customers
        )
    if incident.kind in DRY_KINDS:
        incident.customers_without_water = trace.customers
        incident.critical_customers = trace.critical_customers
        declare(session, incident, segments, settings=settings)
    else:
        incident.customers_without_water = incident.critical_customers = 0
        end(session, incident)


def declare(
    session: Session,
    incident: Incident,
    segments: Sequence[int],
    *,
    settings: Settings,
    is_review: bool = False,
) -> None:
    """Tell the hotline which segments are without water; said again only when something changed, or at a review."""
    is_known = incident.outage_declared_at is not None and sorted(incident.segment_ids) == list(segments)
    if is_known and not is_review:
        return
    now = utc_now()
    incident.segment_ids = list(segments)
    guess = estimate(
        opened_at=incident.opened_at,
        now=now,
        before=incident.estimate_at,
        arrive_s=settings.arrival_promise_s,
        repair_s=settings.repair_usual_s,
        review_s=settings.estimate_review_s,
    )
    incident.estimate_at, incident.review_at = guess.restored_at, guess.review_at
    incident.outage_declared_at = incident.changed_at = now
    set_deadline(session, kind=DeadlineKind.ESTIMATE_REVIEW, subject_id=incident.id, due_at=guess.review_at)
    emit(
        session,
        OutageDeclared(
            incident_id=incident.id,
            incident_number=incident.number,
            cause=incident.kind,
            segment_ids=tuple(segments),
            customers=incident.customers_without_water,
            estimate_at=guess.restored_at,
            review_at=guess.review_at,
            declared_at=now,
        ),
    )


def review(session: Session, incident: Incident, *, settings: Settings) -> None:
    """Look at an estimate whose review time has come, and say the new one; nothing is left to say once there is water."""
    if incident.outage_declared_at is None or incident.state not in OPEN_STATES:
        return
    declare(session, incident, sorted(incident.segment_ids), settings=settings, is_review=True)


def end(session: Session, incident: Incident) -> None:
    """Tell the hotline that the incident's segments have water again; without an outage, nothing happens."""
    if incident.outage_declared_at is None:
        return
    incident.outage_declared_at = incident.estimate_at = incident.review_at = None
    incident.customers_without_water = incident.critical_customers = 0
    incident.changed_at = utc_now()
    cancel_deadline(session, kind=DeadlineKind.ESTIMATE_REVIEW, subject_id=incident.id)
    emit(session, OutageEnded(incident.id, ended_at=incident.changed_at))


def _trace(incident: Incident, surroundings: Surroundings | None) -> IsolationTrace | None:
    is_sure = wants_plan(
        kind=IncidentKind(incident.kind),
        level=IncidentLevel(incident.level),
        is_confirmed=incident.confirmed_at is not None,
    )
    if not is_sure or surroundings is None or incident.pipe_id is None or incident.state in _WET_STATES:
        return None
    try:
        return surroundings.plan(incident.pipe_id)
    except PipeNotFound:
        log.warning("dispatch.no_plan", incident_id=str(incident.id))
        return None
