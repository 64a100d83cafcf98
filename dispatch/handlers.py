"""What dispatch does when something happened. Every handler accepts a repeat."""

from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from core.events import (
    AreaOutageSuspected,
    AssignmentChanged,
    CallbackMade,
    DeadlineKind,
    DeadlineReached,
    IncidentClosed,
    IncidentOpened,
    IncidentReopened,
    PresenceChanged,
    ReportAttached,
    ReportLocated,
    WorkOrderCompleted,
    WorkOrderCreated,
)
from core.settings import Settings, get_settings
from dispatch import assignment, closure, incidents, outages, queries, repeats, shifts
from dispatch.changes import By, record_change
from dispatch.incidents import NewReport
from dispatch.models import (
    AssignmentState,
    IncidentState,
    WorkOrderKind,
)
from dispatch.priority import URGENT
from dispatch.rectification import cases as rectifications
from dispatch.reports import ReportFacts
from dispatch.triage.placing import place
from gis.coordinates import LonLat
from tracker.models import PresenceState

log = structlog.get_logger()

STILL_WITHOUT = "still_without"
MOVED = "moved"
BEFORE_REPAIR = (IncidentState.CONFIRMED, IncidentState.ISOLATING, IncidentState.ISOLATED)


def triage_report(session: Session, event: ReportLocated) -> None:
    """A report has a place: find or open its incident. Runs in the ordered lane, one consumer at a time."""
    if queries.report_row(session, event.report_id) is not None:
        return
    place(session, new_report(event), settings=get_settings())


def note_repeat(session: Session, event: ReportAttached) -> None:
    """A report has its incident: see whether it repeats an earlier one. What is only moved was seen before."""
    if event.decision != MOVED:
        repeats.note_repeat(session, event.report_id, settings=get_settings())


def count_fault(session: Session, event: IncidentClosed | IncidentReopened) -> None:
    """An incident is over, or lives again: its assets have a fault more or less."""
    rectifications.recount(session, event.incident_id, settings=get_settings())


def dispatch_incident(
    session: Session, event: IncidentOpened | AreaOutageSuspected | IncidentReopened
) -> None:
    """An incident began, grew or lives again: somebody has to go."""
    settings = get_settings()
    if not settings.auto_dispatch:
        return
    incident = incidents.heir(session, event.incident_id, lock=True)
    if incident.shutdown_id is not None:
        return  # those who work there know
    closure.order_work(session, incident, settings=settings)


def offer_work(session: Session, event: WorkOrderCreated) -> None:
    """There is work: ask the crew that gets there first."""
    settings = get_settings()
    if settings.auto_dispatch:
        assignment.assign(session, event.work_order_id, settings=settings)


def follow_assignment(session: Session, event: AssignmentChanged) -> None:
    """A crew answered, arrived or is free: ask the next, begin the repair, find new work."""
    settings = get_settings()
    match AssignmentState(event.to_state):
        case AssignmentState.ON_SITE:
            _begin_repair(session, event.work_order_id, event.crew_id)
        case AssignmentState.DECLINED | AssignmentState.RELEASED | AssignmentState.WITHDRAWN if (
            settings.auto_dispatch
        ):
            assignment.assign(session, event.work_order_id, settings=settings)
            assignment.assign_waiting(session, event.crew_id, settings=settings)
        case AssignmentState.EXPIRED if settings.auto_dispatch:
            assignment.assign(session, event.work_order_id, settings=settings)
        case _:
            return


def finish_work(session: Session, event: WorkOrderCompleted) -> None:
    """Work is done: close the incident or order what follows; its crew is free for it, or for other work."""
    settings = get_settings()
    follow_up = closure.settle(session, event.work_order_id, settings=settings)
    if not settings.auto_dispatch:
        return
    if follow_up is not None:
        assignment.assign(session, follow_up.id, settings=settings)
    done_by = queries.last_assignment(session, event.work_order_id)
    if done_by is not None:
        assignment.assign_waiting(session, done_by.crew_id, settings=settings)


def heed_callback(session: Session, event: CallbackMade) -> None:
    """A caller was called back: if he still has no water, the incident lives again."""
    if event.outcome != STILL_WITHOUT or event.incident_id is None:
        return
    closure.still_without(session, event.incident_id, report_id=event.report_id, settings=get_settings())


def welcome_crew(session: Session, event: PresenceChanged) -> None:
    """A crew's phone is there again: it may be just the crew that waiting work needs."""
    settings = get_settings()
    if event.state == PresenceState.ONLINE and settings.auto_dispatch:
        assignment.assign_waiting(session, event.crew_id, settings=settings)


def heed_deadline(session: Session, event: DeadlineReached) -> None:
    """A time of dispatch's has come."""
    settings = get_settings()
    match event.kind:
        case DeadlineKind.OFFER_EXPIRES:
            assignment.expire(session, event.subject_id, at=event.due_at)
        case DeadlineKind.RETRY_ASSIGNMENT if settings.auto_dispatch:
            assignment.assign(session, event.subject_id, settings=settings)
        case DeadlineKind.ARRIVAL_PROMISED:
            _press(session, event.subject_id, settings=settings)
        case DeadlineKind.ESTIMATE_REVIEW:
            outages.review(session, incidents.get(session, event.subject_id, lock=True), settings=settings)
        case DeadlineKind.SHIFT_STARTS:
            shift = shifts.start(session, event.subject_id, settings=settings)
            if shift is not None and settings.auto_dispatch:
                assignment.assign_waiting(session, shift.crew_id, settings=settings)
        case DeadlineKind.SHIFT_ENDS:
            shifts.end(session, event.subject_id, at=event.due_at)
        case DeadlineKind.RECTIFICATION_DUE:
            rectifications.note_overdue(session, event.subject_id)
        case DeadlineKind.OBSERVATION_ENDS:
            rectifications.end_observation(session, event.subject_id)
        case _:
            return


def new_report(event: ReportLocated) -> NewReport:
    """See a located report as dispatch takes it; nobody notices later than he calls."""
    facts = ReportFacts(
        report_id=event.report_id,
        category=event.category,
        place=LonLat(lon=event.lon, lat=event.lat),
        pipe_id=event.pipe_id,
        segment_id=event.segment_id,
        zone_id=event.zone_id,
        confidence=event.confidence,
        caller_key=event.caller_key,
        customer_account_id=event.customer_account_id,
        noticed_at=min(event.noticed_at, event.received_at),
        extent=event.extent,
        repeat_of=event.repeat_of,
    )
    return NewReport(
        facts=facts, number=event.report_number, street=event.street, received_at=event.received_at
    )


def _begin_repair(session: Session, order_id: UUID, crew_id: UUID) -> None:
    order = queries.order_row(session, order_id)
    if order is None or order.kind != WorkOrderKind.REPAIR or order.ended_at is not None:
        return
    incident = incidents.heir(session, order.incident_id, lock=True)
    if incident.state in BEFORE_REPAIR:
        incidents.start_repair(session, incident, by=By(crew_id=crew_id))


def _press(session: Session, order_id: UUID, *, settings: Settings) -> None:
    """Nobody is there at the promised time: the work becomes more urgent, and if nobody is coming, somebody is asked at once."""
    order = queries.order_row(session, order_id, lock=True)
    if order is None or order.ended_at is not None:
        return
    standing = queries.live_assignment(session, order.id)
    if standing is not None and standing.on_site_at is not None:
        return
    order.priority = max(URGENT, order.priority - 1)
    record_change(
        session,
        order,
        incident_id=order.incident_id,
        from_state=order.state,
        to_state=order.state,
        by=By(why="dispatch.why.late"),
    )
    log.info("dispatch.arrival_late", work_order_id=str(order.id))
    if settings.auto_dispatch:
        assignment.assign(session, order.id, settings=settings)
