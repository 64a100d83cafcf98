"""How an incident ends: closed when its work is finished and water is back, reopened when a caller is no better off."""

from uuid import UUID

from sqlalchemy.orm import Session

from core.settings import Settings
from dispatch import incidents, queries, work_orders
from dispatch.changes import By
from dispatch.errors import WorkStillOpen
from dispatch.models import (
    COMMITTED,
    OPEN_STATES,
    Action,
    Cause,
    Incident,
    IncidentKind,
    IncidentState,
    WorkOrder,
    WorkOrderKind,
)
from dispatch.policy import NOT_OUR_MAIN, Next, after_finding, wanted_work
from dispatch.work_orders import Finding


def order_work(session: Session, incident: Incident, *, settings: Settings) -> WorkOrder | None:
    """Make the work order an open incident needs, if it has none."""
    if incident.state not in OPEN_STATES:
        return None
    has_open_work = bool(queries.open_orders_of(session, incident.id))
    kind = wanted_work(IncidentKind(incident.kind), has_open_work=has_open_work)
    if kind is None:
        return None
    return work_orders.create(session, incident, kind, settings=settings)


def settle(session: Session, order_id: UUID, *, settings: Settings) -> WorkOrder | None:
    """Draw the consequences of a finished work order; drawn once, doing it again changes nothing.

    Returns
    -------
    follow_up
        The repair that has to follow, offered first to the crew that was there; people order it where they dispatch by hand.
    """
    order = work_orders.get(session, order_id)
    incident = incidents.heir(session, order.incident_id, lock=True)
    finding = Finding.of(order)
    if finding is None or incident.state not in OPEN_STATES or queries.has_follow_up(session, order):
        return None
    by = _crew_of(session, order)
    _learn(session, incident, finding, settings=settings, by=by)
    decisive = _decisive(session, order)
    finding = Finding.of(decisive) or finding
    following = after_finding(
        finding.cause,
        finding.action,
        water_restored=finding.water_restored,
        has_other_work=bool(queries.open_orders_of(session, incident.id)),
    )
    if following is Next.CLOSE:
        if incident.state in (IncidentState.REPAIRING, IncidentState.ISOLATED):
            incidents.restore(session, incident, by=by)
        incidents.close(session, incident, cause=finding.cause, by=by)
    elif following is Next.REPAIR and settings.auto_dispatch:
        return work_orders.create(
            session,
            incident,
            WorkOrderKind.REPAIR,
            settings=settings,
            preferred_crew_id=_crew_of(session, decisive).crew_id,
        )
    return None


def _crew_of(session: Session, order: WorkOrder) -> By:
    job = queries.last_assignment(session, order.id)
    return By(crew_id=job.crew_id if job else None)


def _decisive(session: Session, order: WorkOrder) -> WorkOrder:
    """Name the work whose finding counts: of those that waited for this one, the last that found a main broken or mended it."""
    waited = [
        one
        for one in queries.orders_ended_during(session, order)
        if (found := Finding.of(one)) is not None and found.cause not in NOT_OUR_MAIN
    ]
    own = Finding.of(order)
    return waited[-1] if waited and own is not None and own.cause in NOT_OUR_MAIN else order


def still_without(
    session: Session, incident_id: UUID, *, report_id: UUID, settings: Settings
) -> WorkOrder | None:
    """Take up again what a caller says is not over: reopen a closed incident, and send somebody unless people dispatch by hand."""
    incident = incidents.heir(session, incident_id, lock=True)
    if incident.state in OPEN_STATES:
        incidents.tell_again(session, incident, report_id=report_id, settings=settings)
    else:
        incidents.reopen(
            session,
            incident,
            report_id=report_id,
            settings=settings,
            by=By(why="dispatch.why.still_without"),
        )
    if not settings.auto_dispatch or queries.open_orders_of(session, incident.id):
        return None
    return work_orders.create(session, incident, WorkOrderKind.INSPECT, settings=settings)


def call_off_work(session: Session, incident: Incident, *, by: By) -> None:
    """Give up an incident's work that binds nobody, before a person closes or dismisses it.

    Raises
    ------
    WorkStillOpen
        A crew has accepted some of it; that work is cancelled by name or finished.
    """
    orders = queries.open_orders_of(session, incident.id, lock=True)
    for order in orders:
        asked = queries.live_assignment(session, order.id, lock=True)
        if asked is not None and asked.state in COMMITTED:
            raise WorkStillOpen
    for order in orders:
        work_orders.cancel(session, order, by=by)


def _learn(session: Session, incident: Incident, finding: Finding, *, settings: Settings, by: By) -> None:
    """Take over what the field found: it confirms the incident, and says what it is."""
    if finding.cause in NOT_OUR_MAIN or finding.cause is Cause.OTHER:
        return
    if incident.state == IncidentState.SUSPECTED:
        kind = incidents.KIND_OF_CAUSE.get(finding.cause)
        incidents.confirm(session, incident, settings=settings, by=by, kind=kind)
    if finding.action is Action.ISOLATED and incident.state in (
        IncidentState.CONFIRMED,
        IncidentState.ISOLATING,
    ):
        incidents.isolate(session, incident, by=by)
