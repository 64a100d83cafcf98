"""Who does the work: offers and answers, the way there, giving up.

A work order has at most one assignment that counts, a crew at most one open offer and at most one job that binds it: rows are locked in the
order work order, crew, assignment, and unique indexes of the database stand behind the checks. Crews are locked without waiting, so two
workers that want the same crew never wait for each other; the slower one asks the next.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.deadlines import cancel_deadline, set_deadline
from core.events import AssignmentOffered, DeadlineKind
from core.outbox import emit
from core.settings import Settings
from dispatch import queries
from dispatch.changes import SYSTEM, By, move_assignment, move_work_order, record_change
from dispatch.errors import (
    CrewIsBusy,
    CrewNotEligible,
    NoSuchAssignment,
    NoSuchCrew,
    NoSuchWorkOrder,
    OfferGone,
    StepRefused,
    WorkOrderTaken,
)
from dispatch.models import COMMITTED, Assignment, AssignmentState, Crew, WorkOrder, WorkOrderState
from dispatch.ranking import RankedCrew, crew_facts, rank_able, rank_crews, straight_line_choice, why_not
from gis.coordinates import LonLat

log = structlog.get_logger()

RETRIES_GROW: Final = 8
ANSWERED_BY_CREW: Final = (*COMMITTED, AssignmentState.LEFT_SITE)
"""States that show the crew said yes."""
WAITING_TRIES_MAX: Final = 8
"""Pieces of waiting work looked at in one transaction for a crew that became free."""


# --- choosing --------------------------------------------------------------------------------------------------------------


def assign(session: Session, order_id: UUID, *, settings: Settings) -> Assignment | None:
    """Offer a work order to the best crew; with nobody to ask, try again later.

    Does nothing when the work is not waiting any more or somebody is being asked already, so it may be called again at any time.

    Parameters
    ----------
    order_id
        The work order; its `preferred_crew_id` is asked first if it can go.

    Returns
    -------
    offer
        The offer made; None when there was nothing to do or nobody to ask.
    """
    order = queries.order_row(session, order_id, lock=True)
    if order is None or order.state != WorkOrderState.PROPOSED:
        return None
    if queries.live_assignment(session, order.id) is not None:
        return None
    ranked = rank_able(
        session, LonLat.from_stored(order.place), skills=order.skills, settings=settings, order_id=order.id
    )
    for choice in sorted(ranked, key=lambda one: one.crew_id != order.preferred_crew_id):
        crew = queries.lock_crew(session, choice.crew_id)
        if crew is None or queries.live_assignments_of_crew(session, crew.id):
            continue
        return _offer(session, order, crew, ranked, settings=settings)
    set_deadline(
        session,
        kind=DeadlineKind.RETRY_ASSIGNMENT,
        subject_id=order.id,
        due_at=utc_now() + retry_after(utc_now() - order.created_at, retry_s=settings.assignment_retry_s),
    )
    log.info("dispatch.nobody_to_ask", work_order_id=str(order.id), crews=len(ranked))
    return None


def retry_after(age: timedelta, *, retry_s: float) -> timedelta:
    """How long to wait before waiting work is tried again: longer the longer it waits, for a crew set free finds it at once."""
    return timedelta(seconds=min(max(retry_s, age.total_seconds() / 2), RETRIES_GROW * retry_s))


def assign_waiting(session: Session, crew_id: UUID, *, settings: Settings) -> Assignment | None:
    """Find work for a crew that has become free: the most urgent that waits, then the oldest.

    Each piece of work still goes to whoever gets there first; the search ends once this crew has been asked, or after a few tries: all work
    tried stays locked until then, and what is left comes up again by itself.
    """
    tries = 0
    waiting = queries.waiting_orders(session)
    me = (
        next((one for one in crew_facts(session, settings=settings) if one.crew_id == crew_id), None)
        if waiting
        else None
    )
    for order_id, skills in waiting:
        if me is None or why_not(me, skills=frozenset(skills), stale_s=settings.position_stale_s) is not None:
            continue
        offer = assign(session, order_id, settings=settings)
        if offer is not None and offer.crew_id == crew_id:
            return offer
        tries += 1
        if tries == WAITING_TRIES_MAX:
            break
    return None


def offer_by_hand(
    session: Session, order_id: UUID, crew_id: UUID, *, by: By, settings: Settings
) -> Assignment:
    """Offer a work order to the crew a dispatcher chose, whatever the list says.

    An open offer of the work to somebody else, or of other work to this crew, is withdrawn.

    Raises
    ------
    WorkOrderTaken
        A crew has accepted it.
    StepRefused
        It is over.
    NoSuchCrew, CrewNotEligible
        There is no such crew, or it is not in service any more.
    CrewIsBusy
        The crew is being asked by another dispatcher, decided about, or taking other work at this moment.
    """
    order = _order(session, order_id)
    if order.ended_at is not None:
        raise StepRefused
    known = session.get(Crew, crew_id)
    if known is None:
        raise NoSuchCrew
    if not known.is_active:
        raise CrewNotEligible
    crew = queries.lock_crew(session, crew_id)
    if crew is None:
        raise CrewIsBusy
    standing = queries.live_assignment(session, order.id, lock=True)
    if standing is not None:
        if standing.state in COMMITTED:
            raise WorkOrderTaken
        if standing.crew_id == crew.id:
            return standing
        _withdraw(session, standing, order, by=By(user_id=by.user_id, why="dispatch.why.other_crew"))
    for other in queries.live_assignments_of_crew(session, crew.id):
        if other.state != AssignmentState.OFFERED:
            continue
        asked, other_order = _job(session, other.id, None)  # the crew may have answered while we waited
        if asked.state in COMMITTED or (asked.state == AssignmentState.OFFERED and asked.is_by_hand):
            raise CrewIsBusy
        if asked.state == AssignmentState.OFFERED:
            _withdraw(session, asked, other_order, by=By(user_id=by.user_id, why="dispatch.why.other_work"))
    ranked = rank_crews(
        session, LonLat.from_stored(order.place), skills=order.skills, settings=settings, order_id=order.id
    )
    return _offer(session, order, crew, ranked, settings=settings, by=by, is_by_hand=True)


def _offer(
    session: Session,
    order: WorkOrder,
    crew: Crew,
    ranked: Sequence[RankedCrew],
    *,
    settings: Settings,
    by: By = SYSTEM,
    is_by_hand: bool = False,
) -> Assignment:
    now = utc_now()
    mine = next((one for one in ranked if one.crew_id == crew.id), None)
    straight = straight_line_choice(ranked)
    assignment = Assignment(
        work_order_id=order.id,
        crew_id=crew.id,
        offered_at=now,
        expires_at=now + timedelta(seconds=settings.offer_timeout_s),
        travel_time_s=mine.travel_time_s if mine else None,
        distance_m=mine.distance_m if mine else None,
        straight_line_choice_travel_s=straight.travel_time_s if straight else None,
        is_by_hand=is_by_hand,
    )
    session.add(assignment)
    session.flush()
    record_change(
        session,
        assignment,
        incident_id=order.incident_id,
        from_state=None,
        to_state=AssignmentState.OFFERED,
        by=By(by.user_id, crew.id, by.why),
    )
    emit(session, AssignmentOffered(assignment.id, order.id, crew.id, crew.code, assignment.expires_at))
    set_deadline(
        session, kind=DeadlineKind.OFFER_EXPIRES, subject_id=assignment.id, due_at=assignment.expires_at
    )
    cancel_deadline(session, kind=DeadlineKind.RETRY_ASSIGNMENT, subject_id=order.id)
    log.info(
        "dispatch.work_offered",
        assignment_id=str(assignment.id),
        work_order_id=str(order.id),
        crew_id=str(crew.id),
        travel_time_s=assignment.travel_time_s,
        is_by_hand=is_by_hand,
    )
    return assignment


# --- the crew's answers ----------------------------------------------------------------------------------------------------


def accept(session: Session, assignment_id: UUID, *, crew_id: UUID) -> Assignment:
    """Take an offered job; the same crew saying so again changes nothing.

    Raises
    ------
    NoSuchAssignment
        The crew has no such job.
    OfferGone
        It was withdrawn, expired or declined in the meantime.
    CrewIsBusy
        Another job binds the crew.
    """
    assignment, order = _job(session, assignment_id, crew_id)
    if assignment.state in ANSWERED_BY_CREW:
        return assignment
    if assignment.state != AssignmentState.OFFERED:
        raise OfferGone
    try:
        with session.begin_nested():
            move_assignment(session, assignment, order, AssignmentState.ACCEPTED, by=By(crew_id=crew_id))
            session.flush()
    except IntegrityError as error:  # the unique indexes that stand behind the rules
        raise CrewIsBusy from error
    cancel_deadline(session, kind=DeadlineKind.OFFER_EXPIRES, subject_id=assignment.id)
    move_work_order(session, order, WorkOrderState.SCHEDULED, by=By(crew_id=crew_id))
    session.flush()
    return assignment


def decline(session: Session, assignment_id: UUID, *, crew_id: UUID, reason: str) -> Assignment:
    """Refuse an offered job; the next best crew will be asked.

    Raises
    ------
    NoSuchAssignment, OfferGone
        As their names say.
    """
    assignment, order = _job(session, assignment_id, crew_id)
    if assignment.state == AssignmentState.DECLINED:
        return assignment
    if assignment.state != AssignmentState.OFFERED:
        raise OfferGone
    assignment.decline_reason = reason
    move_assignment(session, assignment, order, AssignmentState.DECLINED, by=By(crew_id=crew_id, why=reason))
    cancel_deadline(session, kind=DeadlineKind.OFFER_EXPIRES, subject_id=assignment.id)
    session.flush()
    return assignment


def start_travel(session: Session, assignment_id: UUID, *, crew_id: UUID) -> Assignment:
    """Set out for an accepted job; said again, nothing changes.

    Raises
    ------
    NoSuchAssignment, StepRefused
        As their names say.
    """
    assignment, order = _job(session, assignment_id, crew_id)
    if assignment.state in (AssignmentState.EN_ROUTE, AssignmentState.ON_SITE, AssignmentState.LEFT_SITE):
        return assignment
    move_assignment(session, assignment, order, AssignmentState.EN_ROUTE, by=By(crew_id=crew_id))
    _get_under_way(session, order, crew_id)
    session.flush()
    return assignment


def arrive(session: Session, assignment_id: UUID, *, crew_id: UUID) -> Assignment:
    """Be on site; said again, nothing changes. A crew that stood next to the place need not have set out.

    Raises
    ------
    NoSuchAssignment, StepRefused
        As their names say.
    """
    assignment, order = _job(session, assignment_id, crew_id)
    if assignment.state in (AssignmentState.ON_SITE, AssignmentState.LEFT_SITE):
        return assignment
    move_assignment(session, assignment, order, AssignmentState.ON_SITE, by=By(crew_id=crew_id))
    _get_under_way(session, order, crew_id)
    cancel_deadline(session, kind=DeadlineKind.ARRIVAL_PROMISED, subject_id=order.id)
    session.flush()
    return assignment


def leave_site(session: Session, assignment: Assignment, order: WorkOrder) -> None:
    """Be done there; the crew is free.

    Raises
    ------
    StepRefused
        The crew is not on site.
    """
    move_assignment(session, assignment, order, AssignmentState.LEFT_SITE, by=By(crew_id=assignment.crew_id))


def release(session: Session, assignment_id: UUID, *, by: By) -> Assignment:
    """Give back a job that binds a crew; the work waits for another.

    Raises
    ------
    NoSuchAssignment, StepRefused
        As their names say.
    """
    assignment, order = _job(session, assignment_id, None)
    move_assignment(session, assignment, order, AssignmentState.RELEASED, by=by)
    if order.state in (WorkOrderState.SCHEDULED, WorkOrderState.UNDER_WAY, WorkOrderState.SUSPENDED):
        move_work_order(session, order, WorkOrderState.PROPOSED, by=by)
    session.flush()
    return assignment


def release_order(session: Session, order_id: UUID, *, by: By) -> Assignment:
    """Take work off the crew it binds; it waits for another.

    Raises
    ------
    NoSuchWorkOrder
        There is none of that id.
    StepRefused
        It binds nobody.
    """
    order = _order(session, order_id)
    standing = queries.live_assignment(session, order.id, lock=True)
    if standing is None or standing.state not in COMMITTED:
        raise StepRefused
    return release(session, standing.id, by=by)


# --- time and others -------------------------------------------------------------------------------------------------------


def expire(session: Session, assignment_id: UUID, *, at: datetime) -> Assignment | None:
    """End an offer whose time has passed; one that was answered stays as it is.

    Parameters
    ----------
    at
        The time that has come; the handler's own clock may be a little behind it.
    """
    try:
        assignment, order = _job(session, assignment_id, None)
    except NoSuchAssignment:
        return None
    if assignment.state != AssignmentState.OFFERED or assignment.expires_at > at:
        return None
    move_assignment(session, assignment, order, AssignmentState.EXPIRED, by=By(why="dispatch.why.no_answer"))
    session.flush()
    return assignment


def end_all(session: Session, order: WorkOrder, *, by: By) -> None:
    """Call off whoever was asked for, or is at, a work order that is given up; the caller has locked it."""
    assignment = queries.live_assignment(session, order.id, lock=True)
    if assignment is None:
        return
    if assignment.state == AssignmentState.OFFERED:
        _withdraw(session, assignment, order, by=by)
    else:
        move_assignment(session, assignment, order, AssignmentState.RELEASED, by=by)
    session.flush()


def _withdraw(session: Session, assignment: Assignment, order: WorkOrder, *, by: By) -> None:
    move_assignment(session, assignment, order, AssignmentState.WITHDRAWN, by=by)
    cancel_deadline(session, kind=DeadlineKind.OFFER_EXPIRES, subject_id=assignment.id)
    session.flush()


def _get_under_way(session: Session, order: WorkOrder, crew_id: UUID) -> None:
    if order.state != WorkOrderState.UNDER_WAY:
        move_work_order(session, order, WorkOrderState.UNDER_WAY, by=By(crew_id=crew_id))


def _order(session: Session, order_id: UUID) -> WorkOrder:
    order = queries.order_row(session, order_id, lock=True)
    if order is None:
        raise NoSuchWorkOrder
    return order


def _job(session: Session, assignment_id: UUID, crew_id: UUID | None) -> tuple[Assignment, WorkOrder]:
    """Lock an assignment and its work order, the work order first; with a crew named, only its own."""
    seen = queries.assignment_row(session, assignment_id)
    if seen is None or (crew_id is not None and seen.crew_id != crew_id):
        raise NoSuchAssignment
    order = _order(session, seen.work_order_id)
    assignment = queries.assignment_row(session, assignment_id, lock=True)
    if assignment is None:
        raise NoSuchAssignment
    return assignment, order
