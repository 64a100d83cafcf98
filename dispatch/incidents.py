"""Incidents: opened by a report, grown by others, taken through their states by named steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.events import (
    AreaOutageSuspected,
    IncidentClosed,
    IncidentOpened,
    IncidentReopened,
    ReportAttached,
)
from core.outbox import emit
from core.settings import Settings
from dispatch import outages, queries
from dispatch.assessment import infer_kind, infer_level, likely_break
from dispatch.changes import SYSTEM, By, move_incident, record_change
from dispatch.errors import NoSuchIncident, StepRefused, WorkStillOpen
from dispatch.models import (
    OPEN_STATES,
    Cause,
    Incident,
    IncidentKind,
    IncidentLevel,
    IncidentReport,
    IncidentState,
    WorkOrder,
    WorkOrderState,
)
from dispatch.priority import priority
from dispatch.queries import Member
from dispatch.reports import Category, ReportFacts
from dispatch.surroundings import current_surroundings, shutdowns

log = structlog.get_logger()

LEVEL_ORDER: Final = tuple(IncidentLevel)
KIND_OF_CAUSE: Final[dict[Cause, IncidentKind]] = {
    Cause.BURST: IncidentKind.BURST,
    Cause.LEAK: IncidentKind.LEAK,
    Cause.CLOSED_VALVE: IncidentKind.OUTAGE,
    Cause.LOW_PRESSURE: IncidentKind.LOW_PRESSURE,
    Cause.DIRTY_MAIN: IncidentKind.WATER_QUALITY,
}
"""What a finding makes of an incident; other causes leave its kind as it was."""
CLUSTER_CUSTOMERS_MIN: Final = 3
"""Fewer callers are no cluster, whoever confirms it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReport:
    """A located report on its way into an incident."""

    facts: ReportFacts
    number: int
    street: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """Where a report goes, as triage decided.

    Parameters
    ----------
    decision
        opened, joined or repeat.
    reason
        Why, part by part, each a `code` and its `values`.
    alarm
        The level from which on somebody must look, where triage is sure of that now.
    shutdown_id
        The announced work it comes from.
    """

    decision: str
    reason: list[dict[str, Any]]  # Any: numbers and words
    alarm: IncidentLevel | None = None
    shutdown_id: UUID | None = None


def get(session: Session, incident_id: UUID, *, lock: bool = False) -> Incident:
    """Read an incident.

    Parameters
    ----------
    lock
        Keep others from changing it until this transaction ends.

    Raises
    ------
    NoSuchIncident
        There is none of that id.
    """
    incident = queries.incident_row(session, incident_id, lock=lock)
    if incident is None:
        raise NoSuchIncident
    return incident


def heir(session: Session, incident_id: UUID, *, lock: bool = False) -> Incident:
    """Read an incident, or the one it lives on in after merging."""
    incident = get(session, incident_id, lock=lock)
    while incident.merged_into_id is not None:
        incident = get(session, incident.merged_into_id, lock=lock)
    return incident


# --- reports ---------------------------------------------------------------------------------------------------------------


def open_incident(session: Session, report: NewReport, placing: Placing, *, settings: Settings) -> Incident:
    """Open an incident for a report that fits no other."""
    now, facts = utc_now(), report.facts
    kind = infer_kind([facts])
    incident = Incident(
        kind=kind,
        priority=priority(kind=kind, level=IncidentLevel.SINGLE, has_leak=facts.category == Category.LEAK),
        place=facts.place.as_stored(),
        street=report.street,
        pipe_id=facts.pipe_id,
        segment_ids=[] if facts.segment_id is None else [facts.segment_id],
        zone_id=facts.zone_id,
        report_count=1,
        customer_count=1,
        shutdown_id=placing.shutdown_id,
        opened_at=now,
        last_report_at=report.received_at,
        changed_at=now,
    )
    session.add(incident)
    session.flush()  # its number comes from the database
    record_change(
        session,
        incident,
        incident_id=incident.id,
        from_state=None,
        to_state=IncidentState.SUSPECTED,
        by=By(why="dispatch.why.first_report"),
    )
    emit(session, IncidentOpened(incident.id))
    _add_report(session, incident, report, placing)
    _alarm(session, incident, placing.alarm)
    _assess(session, incident, [Member(facts, report.street, now)], [], settings=settings)
    log.info("dispatch.incident_opened", incident_id=str(incident.id), report_id=str(facts.report_id))
    return incident


def attach_report(
    session: Session, incident: Incident, report: NewReport, placing: Placing, *, settings: Settings
) -> None:
    """Add a report to an incident with the reason for it, and look at the incident anew.

    Raises
    ------
    StepRefused
        The incident is over.
    """
    _ensure_open(incident)
    _add_report(session, incident, report, placing)
    _alarm(session, incident, placing.alarm)
    reassess(session, incident, settings=settings)


def alarm(session: Session, incident: Incident, level: IncidentLevel, *, settings: Settings) -> None:
    """Note that chance does not explain an incident's calls any more, and how far it reaches at least."""
    _alarm(session, incident, level)
    reassess(session, incident, settings=settings)


def _alarm(session: Session, incident: Incident, level: IncidentLevel | None) -> None:
    if level is not None:
        incident.alarmed_at = incident.alarmed_at or utc_now()
        _raise_level(session, incident, level)


def _add_report(session: Session, incident: Incident, report: NewReport, placing: Placing) -> None:
    facts = report.facts
    session.add(
        IncidentReport(
            report_id=facts.report_id,
            report_number=report.number,
            incident_id=incident.id,
            triaged_into_id=incident.id,
            category=facts.category,
            extent=facts.extent,
            place=facts.place.as_stored(),
            pipe_id=facts.pipe_id,
            segment_id=facts.segment_id,
            zone_id=facts.zone_id,
            street=report.street,
            confidence=facts.confidence,
            customer_account_id=facts.customer_account_id,
            caller_key=facts.caller_key,
            noticed_at=facts.noticed_at,
            repeat_of=facts.repeat_of,
            received_at=report.received_at,
            attached_at=utc_now(),
            decision=placing.decision,
            reason=placing.reason,
        )
    )
    incident.last_report_at = max(incident.last_report_at, report.received_at)
    emit(session, ReportAttached(facts.report_id, incident.id, incident.number, decision=placing.decision))


def reassess(session: Session, incident: Incident, *, settings: Settings) -> None:
    """Look at an incident's reports anew: kind, place, level, who is dry, how urgent.

    What a person confirmed (kind and place) stays; a level never falls by itself; the place of work that somebody was asked for stays.
    """
    members = queries.members_of(session, incident.id)
    if members:
        open_orders = queries.open_orders_of(session, incident.id)
        _assess(session, incident, members, open_orders, settings=settings)
        incident.changed_at = utc_now()


def _assess(
    session: Session,
    incident: Incident,
    members: Sequence[Member],
    open_orders: Sequence[WorkOrder],
    *,
    settings: Settings,
) -> None:
    fresh = [one for one in members if _is_fresh(one.last_told_at, incident)] or members
    facts = [one.facts for one in fresh]
    surroundings = current_surroundings(session)
    incident.report_count = len(members)
    incident.customer_count = len({one.facts.customer_key for one in members})
    if incident.confirmed_at is None:
        incident.kind = infer_kind(facts)
        cause = likely_break(facts, shutdowns(surroundings, [one.segment_id for one in facts]))
        incident.place = cause.place.place.as_stored()
        incident.pipe_id, incident.zone_id = cause.main.pipe_id, cause.main.zone_id
        incident.street = next(one.street for one in fresh if one.facts.report_id == cause.place.report_id)
    if incident.outage_declared_at is None:
        incident.segment_ids = sorted({one.segment_id for one in facts if one.segment_id is not None})
    _grow(session, incident, facts)
    outages.replan(session, incident, surroundings, settings=settings)
    if incident.customers_without_water:
        _grow(session, incident, facts)
    _set_priority(
        session, incident, open_orders, has_leak=any(one.category == Category.LEAK for one in facts)
    )


def _is_fresh(last_told_at: datetime, incident: Incident) -> bool:
    """Whether a report still tells of trouble: after a reopening, only what was told since."""
    return incident.reopened_at is None or last_told_at >= incident.reopened_at


def _grow(session: Session, incident: Incident, facts: Sequence[ReportFacts]) -> None:
    """Raise the level of what is no chance if the reports now reach farther."""
    is_sure = incident.alarmed_at is not None or incident.confirmed_at is not None
    if is_sure and len({one.customer_key for one in facts}) >= CLUSTER_CUSTOMERS_MIN:
        _raise_level(
            session,
            incident,
            infer_level(facts, customers_without_water=incident.customers_without_water),
        )


def _raise_level(session: Session, incident: Incident, level: IncidentLevel) -> None:
    if LEVEL_ORDER.index(level) <= LEVEL_ORDER.index(IncidentLevel(incident.level)):
        return
    incident.level = level
    record_change(
        session,
        incident,
        incident_id=incident.id,
        from_state=incident.state,
        to_state=incident.state,
        by=By(why=f"dispatch.why.level_{level.value}"),
    )
    emit(session, AreaOutageSuspected(incident.id, level=level.value))


def _set_priority(
    session: Session, incident: Incident, open_orders: Sequence[WorkOrder], *, has_leak: bool
) -> None:
    """Rank the incident anew; its open work follows, and moves to its place unless a crew was asked already."""
    incident.priority = priority(
        kind=IncidentKind(incident.kind),
        level=IncidentLevel(incident.level),
        customers_without_water=incident.customers_without_water,
        critical_customers=incident.critical_customers,
        has_leak=has_leak,
    )
    for order in open_orders:
        order.priority = min(order.priority, incident.priority)
        if order.state == WorkOrderState.PROPOSED and queries.live_assignment(session, order.id) is None:
            order.place = incident.place


# --- steps -----------------------------------------------------------------------------------------------------------------


def confirm(
    session: Session,
    incident: Incident,
    *,
    settings: Settings,
    by: By = SYSTEM,
    kind: IncidentKind | None = None,
) -> None:
    """Say that the incident is real, and what it is; from now on prediction leaves kind and place alone.

    Raises
    ------
    StepRefused
        It is not merely suspected.
    """
    move_incident(session, incident, IncidentState.CONFIRMED, by=by)
    incident.confirmed_at = utc_now()
    incident.kind = kind or incident.kind
    reassess(session, incident, settings=settings)


def unconfirm(session: Session, incident: Incident, *, settings: Settings, by: By = SYSTEM) -> None:
    """Take a confirmation back, as long as nothing was built on it.

    Raises
    ------
    StepRefused
        It is not confirmed, or has gone on.
    """
    move_incident(session, incident, IncidentState.SUSPECTED, by=by)
    incident.confirmed_at = None
    reassess(session, incident, settings=settings)


def isolate(session: Session, incident: Incident, *, by: By = SYSTEM) -> None:
    """Record that the valves round it are being, and now are, closed."""
    if incident.state == IncidentState.CONFIRMED:
        move_incident(session, incident, IncidentState.ISOLATING, by=by)
    move_incident(session, incident, IncidentState.ISOLATED, by=by)


def start_repair(session: Session, incident: Incident, *, by: By = SYSTEM) -> None:
    """Record that its repair has begun."""
    move_incident(session, incident, IncidentState.REPAIRING, by=by)


def restore(session: Session, incident: Incident, *, by: By = SYSTEM) -> None:
    """Record that water is coming back."""
    move_incident(session, incident, IncidentState.RESTORING, by=by)
    outages.end(session, incident)


def close(session: Session, incident: Incident, *, cause: Cause, by: By = SYSTEM) -> None:
    """Say that it is over; its callers will hear back.

    Raises
    ------
    WorkStillOpen
        Work on it is not finished.
    StepRefused
        It is not open.
    """
    if queries.open_orders_of(session, incident.id):
        raise WorkStillOpen
    _finish(session, incident, IncidentState.CLOSED, cause=cause, by=by)


def dismiss(session: Session, incident: Incident, *, by: By) -> None:
    """Say that there is nothing to it; its callers will hear back.

    Raises
    ------
    WorkStillOpen, StepRefused
        As their names say.
    """
    if queries.open_orders_of(session, incident.id):
        raise WorkStillOpen
    _finish(session, incident, IncidentState.DISMISSED, cause=Cause.DISMISSED, by=by)


def _finish(session: Session, incident: Incident, state: IncidentState, *, cause: Cause, by: By) -> None:
    told = [one for one in queries.members_of(session, incident.id) if _is_fresh(one.last_told_at, incident)]
    move_incident(session, incident, state, by=by)
    outages.end(session, incident)
    incident.closed_at = utc_now()
    incident.closure_no += 1
    incident.cause = cause
    session.flush()
    emit(
        session,
        IncidentClosed(
            incident.id,
            closure_no=incident.closure_no,
            report_ids=tuple(one.facts.report_id for one in told),
            cause=cause.value,
        ),
    )


def reopen(
    session: Session, incident: Incident, *, report_id: UUID, settings: Settings, by: By = SYSTEM
) -> None:
    """Let a closed incident live again because a caller is no better off.

    What was known is settled with the closing: only what is told from now on counts, so one caller still without water does not declare the
    whole street dry again.

    Raises
    ------
    StepRefused
        It is not closed.
    """
    move_incident(session, incident, IncidentState.SUSPECTED, by=by)
    incident.closed_at = incident.confirmed_at = incident.alarmed_at = incident.cause = None
    incident.level = IncidentLevel.SINGLE
    incident.reopened_at = utc_now()
    row = queries.report_row(session, report_id)
    if row is not None and row.incident_id == incident.id:
        row.told_again_at = incident.reopened_at
    session.flush()
    emit(session, IncidentReopened(incident.id, report_id=report_id, closure_no=incident.closure_no))
    reassess(session, incident, settings=settings)


def tell_again(session: Session, incident: Incident, *, report_id: UUID, settings: Settings) -> None:
    """Note that a caller of an open incident is still no better off."""
    _ensure_open(incident)
    row = queries.report_row(session, report_id)
    if row is not None:
        row.told_again_at = utc_now()
    incident.last_report_at = utc_now()
    reassess(session, incident, settings=settings)


def _ensure_open(incident: Incident) -> None:
    if incident.state not in OPEN_STATES:
        msg = f"Incident #{incident.number} is {incident.state}; nothing can be added to it."
        raise StepRefused(msg)
