"""The steps of incidents, work orders and assignments: which are allowed, and the one way to take them.

Only the named functions of `incidents.py`, `work_orders.py` and `assignment.py` call this file; each says what else a step does.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.events import AssignmentChanged, IncidentStateChanged
from core.outbox import emit
from dispatch.errors import StepRefused
from dispatch.models import (
    COMMITTED,
    OPEN_STATES,
    Assignment,
    AssignmentState,
    Change,
    Crew,
    Incident,
    IncidentState,
    WorkOrder,
    WorkOrderState,
)

log = structlog.get_logger()

_I, _W, _A = IncidentState, WorkOrderState, AssignmentState

INCIDENT_STEPS: Final[Mapping[IncidentState, Collection[IncidentState]]] = {
    _I.SUSPECTED: {_I.CONFIRMED, _I.CLOSED, _I.DISMISSED, _I.MERGED},
    _I.CONFIRMED: {
        _I.SUSPECTED,
        _I.ISOLATING,
        _I.REPAIRING,
        _I.RESTORING,
        _I.CLOSED,
        _I.DISMISSED,
        _I.MERGED,
    },
    _I.ISOLATING: {_I.ISOLATED, _I.REPAIRING, _I.RESTORING, _I.CLOSED, _I.MERGED},
    _I.ISOLATED: {_I.REPAIRING, _I.RESTORING, _I.CLOSED, _I.MERGED},
    _I.REPAIRING: {_I.RESTORING, _I.CLOSED, _I.MERGED},
    _I.RESTORING: {_I.REPAIRING, _I.CLOSED, _I.MERGED},
    _I.CLOSED: {_I.SUSPECTED, _I.CONFIRMED},
    _I.DISMISSED: {_I.SUSPECTED},
    _I.MERGED: set(OPEN_STATES),
}
"""Back from closed and dismissed leads only reopening, back from merged only its undoing."""

WORK_ORDER_STEPS: Final[Mapping[WorkOrderState, Collection[WorkOrderState]]] = {
    _W.PROPOSED: {_W.SCHEDULED, _W.CANCELLED},
    _W.SCHEDULED: {_W.PROPOSED, _W.UNDER_WAY, _W.CANCELLED},
    _W.UNDER_WAY: {_W.PROPOSED, _W.SUSPENDED, _W.DONE, _W.CANCELLED},
    _W.SUSPENDED: {_W.PROPOSED, _W.UNDER_WAY, _W.CANCELLED},
    _W.DONE: {_W.VERIFIED},
    _W.VERIFIED: set(),
    _W.CANCELLED: set(),
}

ASSIGNMENT_STEPS: Final[Mapping[AssignmentState, Collection[AssignmentState]]] = {
    _A.OFFERED: {_A.ACCEPTED, _A.DECLINED, _A.EXPIRED, _A.WITHDRAWN},
    _A.ACCEPTED: {_A.EN_ROUTE, _A.ON_SITE, _A.RELEASED},
    _A.EN_ROUTE: {_A.ON_SITE, _A.RELEASED},
    _A.ON_SITE: {_A.LEFT_SITE, _A.RELEASED},
    _A.LEFT_SITE: set(),
    _A.DECLINED: set(),
    _A.EXPIRED: set(),
    _A.WITHDRAWN: set(),
    _A.RELEASED: set(),
}


@dataclass(frozen=True, slots=True)
class By:
    """Who takes a step, and why; nobody named means the system itself."""

    user_id: UUID | None = None
    crew_id: UUID | None = None
    why: str = ""


SYSTEM: Final = By()


def record_change(
    session: Session,
    thing: Incident | WorkOrder | Assignment,
    *,
    incident_id: UUID,
    from_state: str | None,
    to_state: str,
    by: By,
) -> None:
    """Add a line to the history of an incident, a work order or an assignment."""
    session.add(
        Change(
            subject=type(thing).__tablename__,
            subject_id=thing.id,
            incident_id=incident_id,
            from_state=from_state,
            to_state=to_state,
            at=utc_now(),
            by_user_id=by.user_id,
            by_crew_id=by.crew_id,
            why=by.why[:200],
        )
    )


def move_incident(session: Session, incident: Incident, to: IncidentState, *, by: By = SYSTEM) -> None:
    """Take an incident to another state, record it and tell it.

    Raises
    ------
    StepRefused
        Its present state does not lead there.
    """
    before = IncidentState(incident.state)
    if to not in INCIDENT_STEPS[before]:
        raise StepRefused(_refusal(f"Incident #{incident.number}", before, to))
    incident.state, incident.changed_at = to, utc_now()
    record_change(session, incident, incident_id=incident.id, from_state=before, to_state=to, by=by)
    emit(session, IncidentStateChanged(incident.id, from_state=before.value, to_state=to.value))
    log.info(
        "dispatch.incident_moved", incident_id=str(incident.id), from_state=before.value, to_state=to.value
    )


def move_work_order(session: Session, order: WorkOrder, to: WorkOrderState, *, by: By = SYSTEM) -> None:
    """Take a work order to another state and record it.

    Raises
    ------
    StepRefused
        Its present state does not lead there.
    """
    before = WorkOrderState(order.state)
    if to not in WORK_ORDER_STEPS[before]:
        raise StepRefused(_refusal(f"Work order W-{order.number}", before, to))
    order.state = to
    record_change(session, order, incident_id=order.incident_id, from_state=before, to_state=to, by=by)


def move_assignment(
    session: Session, assignment: Assignment, order: WorkOrder, to: AssignmentState, *, by: By = SYSTEM
) -> None:
    """Take an assignment to another state, stamp it, record it and tell it.

    Raises
    ------
    StepRefused
        Its present state does not lead there.
    """
    before = AssignmentState(assignment.state)
    if to not in ASSIGNMENT_STEPS[before]:
        raise StepRefused(_refusal("The job", before, to))
    now = utc_now()
    assignment.state = to
    if before is AssignmentState.OFFERED:
        assignment.answered_at = now
    if to is AssignmentState.EN_ROUTE:
        assignment.en_route_at = now
    elif to is AssignmentState.ON_SITE:
        assignment.on_site_at = now
    if to not in COMMITTED:
        assignment.ended_at = now
    record_change(session, assignment, incident_id=order.incident_id, from_state=before, to_state=to, by=by)
    crew_code = session.get_one(Crew, assignment.crew_id).code
    emit(
        session, AssignmentChanged(assignment.id, order.id, assignment.crew_id, crew_code, to_state=to.value)
    )
    log.info(
        "dispatch.assignment_moved",
        assignment_id=str(assignment.id),
        work_order_id=str(order.id),
        crew_id=str(assignment.crew_id),
        from_state=before.value,
        to_state=to.value,
    )


def _refusal(what: str, before: str, to: str) -> str:
    return f"{what} is {before} and cannot become {to}; look at it again, somebody may have been quicker."
