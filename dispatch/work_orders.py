"""Jobs for the field: made, finished, paused, given up."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.deadlines import cancel_deadline, set_deadline
from core.events import DeadlineKind, WorkOrderCancelled, WorkOrderCompleted, WorkOrderCreated
from core.outbox import emit
from core.settings import Settings
from dispatch import assignment as assignments
from dispatch import queries
from dispatch.changes import SYSTEM, By, move_work_order, record_change
from dispatch.errors import NoSuchAssignment, NoSuchWorkOrder, StepRefused
from dispatch.models import (
    OPEN_STATES,
    Action,
    AssignmentState,
    Cause,
    Incident,
    Skill,
    WorkOrder,
    WorkOrderKind,
    WorkOrderState,
)
from gis.errors import ValveNotFound
from gis.models import Valve

log = structlog.get_logger()

SKILLS_OF: Final[dict[WorkOrderKind, tuple[Skill, ...]]] = {
    WorkOrderKind.INSPECT: (Skill.INSPECT,),
    WorkOrderKind.REPAIR: (Skill.REPAIR,),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What the field found and did."""

    cause: Cause
    action: Action
    water_restored: bool
    note: str = ""
    valve_id: UUID | None = None
    """The valve that was found closed."""

    @classmethod
    def of(cls, order: WorkOrder) -> "Finding | None":
        """Read the finding of a finished work order."""
        if order.finding is None:
            return None
        stored = order.finding
        return cls(
            cause=Cause(stored["cause"]),
            action=Action(stored["action"]),
            water_restored=bool(stored["water_restored"]),
            note=str(stored["note"]),
            valve_id=UUID(stored["valve_id"]) if stored.get("valve_id") else None,
        )

    def stored(self) -> dict[str, Any]:
        """Write the finding down as JSON, which Any stands for."""
        said = {**asdict(self), "cause": self.cause.value, "action": self.action.value}
        valve_id = said.pop("valve_id")
        return said if valve_id is None else {**said, "valve_id": str(valve_id)}


def create(
    session: Session,
    incident: Incident,
    kind: WorkOrderKind,
    *,
    settings: Settings,
    by: By = SYSTEM,
    preferred_crew_id: UUID | None = None,
) -> WorkOrder:
    """Make a work order for an incident, with the promise to be there in time.

    Raises
    ------
    StepRefused
        The incident is over.
    """
    if incident.state not in OPEN_STATES:
        msg = f"Incident #{incident.number} is {incident.state}; it needs no more work."
        raise StepRefused(msg)
    now = utc_now()
    order = WorkOrder(
        incident_id=incident.id,
        kind=kind,
        priority=incident.priority,
        place=incident.place,
        skills=[skill.value for skill in SKILLS_OF[kind]],
        preferred_crew_id=preferred_crew_id,
        created_at=now,
        arrive_by_at=now + timedelta(seconds=settings.arrival_promise_s),
    )
    session.add(order)
    session.flush()
    record_change(
        session,
        order,
        incident_id=incident.id,
        from_state=None,
        to_state=WorkOrderState.PROPOSED,
        by=by,
    )
    incident.changed_at = now
    set_deadline(session, kind=DeadlineKind.ARRIVAL_PROMISED, subject_id=order.id, due_at=order.arrive_by_at)
    emit(session, WorkOrderCreated(order.id, incident.id))
    log.info(
        "dispatch.work_order_created",
        work_order_id=str(order.id),
        incident_id=str(incident.id),
        kind=kind.value,
    )
    return order


def complete(session: Session, assignment_id: UUID, *, crew_id: UUID, finding: Finding) -> WorkOrder:
    """Finish a job with what was found; the crew leaves the site. Said again, nothing changes.

    Raises
    ------
    NoSuchAssignment
        The crew has no such job.
    StepRefused
        The crew is not on site.
    ValveNotFound
        The valve it names does not exist.
    """
    if finding.valve_id is not None and session.get(Valve, finding.valve_id) is None:
        raise ValveNotFound
    job = queries.assignment_row(session, assignment_id)
    if job is None or job.crew_id != crew_id:
        raise NoSuchAssignment
    order = get(session, job.work_order_id, lock=True)
    session.refresh(job, with_for_update={"key_share": True})
    if job.state == AssignmentState.LEFT_SITE:
        return order
    by = By(crew_id=crew_id)
    assignments.leave_site(session, job, order)
    order.finding = finding.stored()
    _end(session, order, WorkOrderState.DONE, by=by)
    emit(session, WorkOrderCompleted(order.id, order.incident_id))
    log.info(
        "dispatch.work_order_completed",
        work_order_id=str(order.id),
        cause=finding.cause.value,
        action=finding.action.value,
        water_restored=finding.water_restored,
    )
    return order


def cancel(session: Session, order: WorkOrder, *, by: By) -> None:
    """Give a work order up; whoever was asked or bound is called off.

    Raises
    ------
    StepRefused
        It is done or cancelled already.
    """
    order = get(session, order.id, lock=True)
    if order.ended_at is not None:
        raise StepRefused
    assignments.end_all(session, order, by=by)
    _end(session, order, WorkOrderState.CANCELLED, by=by)
    emit(session, WorkOrderCancelled(order.id, order.incident_id))


def suspend(session: Session, order: WorkOrder, *, by: By) -> None:
    """Pause work that is under way; the crew stays bound to it.

    Raises
    ------
    StepRefused
        It is not under way.
    """
    move_work_order(session, order, WorkOrderState.SUSPENDED, by=by)
    session.flush()


def resume(session: Session, order: WorkOrder, *, by: By) -> None:
    """Go on with paused work.

    Raises
    ------
    StepRefused
        It is not paused.
    """
    move_work_order(session, order, WorkOrderState.UNDER_WAY, by=by)
    session.flush()


def get(session: Session, order_id: UUID, *, lock: bool = False) -> WorkOrder:
    """Read a work order.

    Raises
    ------
    NoSuchWorkOrder
        There is none of that id.
    """
    order = queries.order_row(session, order_id, lock=lock)
    if order is None:
        raise NoSuchWorkOrder
    return order


def _end(session: Session, order: WorkOrder, state: WorkOrderState, *, by: By) -> None:
    if order.state == WorkOrderState.SUSPENDED and state is WorkOrderState.DONE:
        move_work_order(session, order, WorkOrderState.UNDER_WAY, by=by)
    move_work_order(session, order, state, by=by)
    order.ended_at = utc_now()
    for kind in (DeadlineKind.ARRIVAL_PROMISED, DeadlineKind.RETRY_ASSIGNMENT):
        cancel_deadline(session, kind=kind, subject_id=order.id)
    session.flush()
