"""Two incidents that are one, and one that is two. The older number survives; nothing of either history is lost."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from core.clock import utc_now
from core.deadlines import set_deadline
from core.events import DeadlineKind, IncidentMerged, IncidentOpened, IncidentUnmerged, ReportAttached
from core.outbox import emit
from core.settings import Settings
from dispatch import incidents, outages, queries, work_orders
from dispatch.changes import By, move_incident, record_change
from dispatch.errors import MergeIntoItself, NothingToSplit, StepRefused
from dispatch.models import (
    COMMITTED,
    OPEN_STATES,
    Incident,
    IncidentKind,
    IncidentReport,
    IncidentState,
    WorkOrder,
)

_S = IncidentState
PROGRESS: Final = (_S.SUSPECTED, _S.CONFIRMED, _S.ISOLATING, _S.ISOLATED, _S.REPAIRING, _S.RESTORING)
"""The states of an open incident, in the order in which it goes through them."""
STEPS_TO: Final[dict[IncidentState, tuple[IncidentState, ...]]] = {
    _S.SUSPECTED: (),
    _S.CONFIRMED: (_S.CONFIRMED,),
    _S.ISOLATING: (_S.CONFIRMED, _S.ISOLATING),
    _S.ISOLATED: (_S.CONFIRMED, _S.ISOLATING, _S.ISOLATED),
    _S.REPAIRING: (_S.CONFIRMED, _S.REPAIRING),
    _S.RESTORING: (_S.CONFIRMED, _S.RESTORING),
}
"""How an incident that was only suspected gets as far as the one merged into it."""


def merge(session: Session, one: Incident, other: Incident, *, settings: Settings, by: By) -> Incident:
    """Make one incident of two; the younger becomes another name of the older.

    Reports go along. Work that binds a crew goes along unchanged; of other work the older incident keeps what it has, and the earliest
    promise. What a person confirmed of either stays confirmed.

    Returns
    -------
    heir
        The older incident.

    Raises
    ------
    MergeIntoItself
        Both are the same.
    StepRefused
        One of them is over.
    """
    if one.id == other.id:
        raise MergeIntoItself
    heir, younger = sorted((one, other), key=lambda incident: incident.number)
    for incident in (heir, younger):
        if incident.state not in OPEN_STATES:
            msg = f"Incident #{incident.number} is {incident.state}; only open incidents can be merged."
            raise StepRefused(msg)
    rows = queries.reports_of(session, younger.id)
    for row in rows:
        row.incident_id = heir.id
        row.decision = "moved"
    if heir.confirmed_at is None and younger.confirmed_at is not None:
        _inherit_confirmation(heir, younger)
    _catch_up(session, heir, younger, by=by)
    _move_work(session, heir, younger, by=by)
    move_incident(session, younger, IncidentState.MERGED, by=by)
    outages.end(session, younger)
    younger.merged_into_id, younger.closed_at = heir.id, utc_now()
    heir.last_report_at = max(heir.last_report_at, younger.last_report_at)
    session.flush()
    emit(
        session,
        IncidentMerged(
            younger.id,
            into_incident_id=heir.id,
            into_number=heir.number,
            report_ids=tuple(row.report_id for row in rows),
        ),
    )
    if heir.shutdown_id != younger.shutdown_id:
        heir.shutdown_id = None  # more than announced work: somebody has to look
    heir.is_grouped_by_hand |= by.user_id is not None
    heir.alarmed_at = min(
        (one.alarmed_at for one in (heir, younger) if one.alarmed_at is not None), default=None
    )
    incidents.reassess(session, heir, settings=settings)
    return heir


def unmerge(session: Session, incident: Incident, *, settings: Settings, by: By) -> Incident:
    """Undo a merge: the incident takes back the reports it had, and lives on as suspected.

    Raises
    ------
    StepRefused
        It was not merged, its heir is over, or nothing of the heir's was its own at first: what was split off and merged again is split off anew.
    """
    if incident.state != IncidentState.MERGED or incident.merged_into_id is None:
        raise StepRefused
    heir = incidents.heir(session, incident.merged_into_id, lock=True)
    if heir.state not in OPEN_STATES:
        msg = (
            f"Incident #{heir.number} is {heir.state}; what was merged into it cannot be taken out any more."
        )
        raise StepRefused(msg)
    mine = [row for row in queries.reports_of(session, heir.id) if row.triaged_into_id == incident.id]
    if not mine:
        msg = f"No report of #{heir.number} was at first in #{incident.number}; split off those that do not belong there."
        raise StepRefused(msg)
    move_incident(session, incident, IncidentState.SUSPECTED, by=by)
    incident.merged_into_id = incident.closed_at = incident.confirmed_at = None
    emit(
        session,
        IncidentUnmerged(
            incident.id,
            incident_number=incident.number,
            report_ids=tuple(row.report_id for row in mine),
        ),
    )
    _hand_over(session, mine, incident)
    incident.is_grouped_by_hand = heir.is_grouped_by_hand = True
    emit(session, IncidentOpened(incident.id))
    incidents.reassess(session, incident, settings=settings)
    incidents.reassess(session, heir, settings=settings)
    return incident


def split(
    session: Session, incident: Incident, report_ids: Collection[UUID], *, settings: Settings, by: By
) -> Incident:
    """Take some of an incident's reports out into an incident of their own.

    Raises
    ------
    NothingToSplit
        None, all, or reports of another incident were named.
    StepRefused
        The incident is over.
    """
    if incident.state not in OPEN_STATES:
        raise StepRefused
    rows = queries.reports_of(session, incident.id)
    leaving = [row for row in rows if row.report_id in set(report_ids)]
    if len(leaving) != len(set(report_ids)) or not 0 < len(leaving) < len(rows):
        raise NothingToSplit
    now, first = utc_now(), leaving[0]
    child = Incident(
        kind=IncidentKind.OTHER,
        priority=incident.priority,
        place=first.place,
        street=first.street,
        pipe_id=first.pipe_id,
        zone_id=first.zone_id,
        opened_at=now,
        last_report_at=max(row.received_at for row in leaving),
        changed_at=now,
        split_from_id=incident.id,
        is_grouped_by_hand=True,
    )
    incident.is_grouped_by_hand = True
    session.add(child)
    session.flush()
    record_change(
        session, child, incident_id=child.id, from_state=None, to_state=IncidentState.SUSPECTED, by=by
    )
    _hand_over(session, leaving, child)
    emit(session, IncidentOpened(child.id))
    incidents.reassess(session, child, settings=settings)
    incidents.reassess(session, incident, settings=settings)
    return child


def move(
    session: Session,
    rows: Collection[IncidentReport],
    came_from: Incident,
    goes_to: Incident,
    *,
    settings: Settings,
    by: By,
) -> None:
    """Take some of an incident's reports over to another, because they tell of its trouble."""
    for incident in (came_from, goes_to):
        record_change(
            session,
            incident,
            incident_id=incident.id,
            from_state=incident.state,
            to_state=incident.state,
            by=by,
        )
    goes_to.last_report_at = max(goes_to.last_report_at, *(row.received_at for row in rows))
    _hand_over(session, rows, goes_to)
    incidents.reassess(session, goes_to, settings=settings)
    incidents.reassess(session, came_from, settings=settings)


def _hand_over(session: Session, rows: Collection[IncidentReport], to: Incident) -> None:
    """Move reports to an incident, and tell it, so that cases and callbacks follow."""
    for row in rows:
        row.incident_id = to.id
        row.decision = "moved"
    session.flush()
    for row in rows:
        emit(session, ReportAttached(row.report_id, to.id, to.number, decision="moved"))


def _catch_up(session: Session, heir: Incident, younger: Incident, *, by: By) -> None:
    """Take the heir as far as the younger one had come; water that comes back there is not told of a main known to be broken here."""
    goal = IncidentState(younger.state)
    if goal is IncidentState.RESTORING and heir.state != IncidentState.SUSPECTED:
        return
    if PROGRESS.index(goal) <= PROGRESS.index(IncidentState(heir.state)):
        return
    for step in STEPS_TO[goal]:
        if PROGRESS.index(step) > PROGRESS.index(IncidentState(heir.state)):
            move_incident(session, heir, step, by=by)


def _inherit_confirmation(heir: Incident, younger: Incident) -> None:
    heir.confirmed_at, heir.kind, heir.place = younger.confirmed_at, younger.kind, younger.place
    heir.pipe_id, heir.street, heir.zone_id = younger.pipe_id, younger.street, younger.zone_id


def _move_work(session: Session, heir: Incident, younger: Incident, *, by: By) -> None:
    kept = list(queries.open_orders_of(session, heir.id, lock=True))
    for order in queries.open_orders_of(session, younger.id, lock=True):
        asked = queries.live_assignment(session, order.id, lock=True)
        is_bound = asked is not None and asked.state in COMMITTED
        if kept and not is_bound:
            _keep_promise(session, kept[0], order)
            work_orders.cancel(session, order, by=By(user_id=by.user_id, why="dispatch.why.merged"))
        else:
            order.incident_id = heir.id
            kept.append(order)
    session.flush()


def _keep_promise(session: Session, kept: WorkOrder, given_up: WorkOrder) -> None:
    """A promise never moves later: the work that stays takes over the earlier one, unless somebody is there."""
    if given_up.arrive_by_at >= kept.arrive_by_at:
        return
    kept.arrive_by_at = given_up.arrive_by_at
    arrived = queries.last_assignment(session, kept.id)
    if arrived is None or arrived.on_site_at is None:
        set_deadline(
            session, kind=DeadlineKind.ARRIVAL_PROMISED, subject_id=kept.id, due_at=kept.arrive_by_at
        )
