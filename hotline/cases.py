"""Cases: the matter followed until its caller is satisfied. Every report belongs to exactly one.

A case changes only through the functions here: each checks the state before, and records who, when and why. `settle` is the end of the
way: when nobody of a case still has to hear back, it is called back and closed.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from core.clock import utc_now
from core.db import new_id
from hotline import queries
from hotline.errors import CaseAlreadyAnswered, CaseClosed, CaseNotFound, CaseWithIncident
from hotline.models import CallbackState, Case, CaseChange, CaseState, Report

WORKED: Final = (CaseState.OPEN, CaseState.IN_HAND)
"""States in which somebody still has to do something."""


def open_case(session: Session, report: Report, *, by: UUID | None = None) -> Case:
    """Open the case of a report that is no repeat."""
    now = utc_now()
    case = Case(id=new_id(), category=report.category, state=CaseState.OPEN, opened_at=now)
    session.add(case)
    _record(session, case, None, CaseState.OPEN, by=by, why="report_taken", at=now)
    report.case = case
    return case


def join_case(session: Session, report: Report, case: Case, *, by: UUID | None = None) -> None:
    """Let a repeat join its original's case; one that was answered is in hand again, at the desk until an incident takes it on."""
    report.case = case
    if case.state in (CaseState.ANSWERED, CaseState.CALLED_BACK):
        case.is_with_desk = True
        _move(session, case, CaseState.IN_HAND, by=by, why="reported_again")
    else:
        _record(session, case, case.state, case.state, by=by, why="reported_again")


def lock_case(session: Session, case_id: UUID) -> Case:
    """Read a case so that nobody else changes it meanwhile.

    Raises
    ------
    CaseNotFound
        There is none.
    """
    case = session.get(Case, case_id, with_for_update=True, populate_existing=True)
    if case is None:
        raise CaseNotFound
    return case


def take_in_hand(session: Session, case: Case, *, by: UUID) -> None:
    """Make an agent the owner of a case until it is done.

    Raises
    ------
    CaseClosed
        It is done already.
    """
    if case.state == CaseState.CLOSED:
        raise CaseClosed
    if case.owner_id == by and case.state != CaseState.OPEN:
        return
    case.owner_id = by
    to_state = CaseState.IN_HAND if case.state == CaseState.OPEN else CaseState(case.state)
    _move(session, case, to_state, by=by, why="taken_in_hand")


def follow_incident(session: Session, case: Case, incident_id: UUID, number: int | None) -> bool:
    """Link a case to the incident one of its reports belongs to; from here on it goes as the incident goes.

    Returns
    -------
    is_moved
        Whether it followed none or another before.
    """
    if case.incident_id == incident_id:
        case.incident_number = number or case.incident_number
        return False
    case.incident_id, case.incident_number = incident_id, number
    case.is_with_desk = False
    if case.state in WORKED:
        _move(session, case, CaseState.IN_HAND, why="incident_linked")
    return True


def answer_by_incident(session: Session, case: Case) -> None:
    """Note that the incident a case follows is over; one that is answered or closed stays as it is."""
    if case.state in WORKED:
        case.is_with_desk = False
        _move(session, case, CaseState.ANSWERED, why="incident_closed")


def answer_by_agent(session: Session, case: Case, *, by: UUID, answer: str) -> None:
    """Note what an agent found out or did about a case that no incident answers.

    Raises
    ------
    CaseAlreadyAnswered, CaseClosed
        There is nothing left to answer.
    CaseWithIncident
        An open incident answers it.
    """
    if case.state == CaseState.CLOSED:
        raise CaseClosed
    if case.state not in WORKED:
        raise CaseAlreadyAnswered
    if case.incident_id is not None and not case.is_with_desk:
        raise CaseWithIncident
    case.answer_count += 1
    case.is_with_desk = False
    case.owner_id = case.owner_id or by
    _move(session, case, CaseState.ANSWERED, by=by, why="answered_by_agent", note=answer)


def note_step(session: Session, case: Case, *, why: str, by: UUID, note: str = "") -> None:
    """Write down what was done about a case that stays where it is."""
    _record(session, case, case.state, case.state, by=by, why=why, note=note)


def take_up_again(
    session: Session, case: Case, *, why: str, is_with_desk: bool, by: UUID | None = None
) -> None:
    """Put an answered case in hand again: the caller is not content, or the incident lives again."""
    if case.state in WORKED:
        return
    case.closed_at, case.is_with_desk = None, is_with_desk
    _move(session, case, CaseState.IN_HAND, by=by, why=why)


def settle(session: Session, case: Case, *, by: UUID | None = None) -> None:
    """Close an answered case when nobody still has to hear back about it.

    Those reached make it called back first; where nobody could be, it is closed for that reason.
    """
    if case.state != CaseState.ANSWERED:
        return
    states = queries.callback_states_of_case(session, case)
    if states & {CallbackState.DUE, CallbackState.ATTEMPTING}:
        return
    if CallbackState.REACHED in states:
        _move(session, case, CaseState.CALLED_BACK, by=by, why="callers_reached")
        why = "callers_content"
    else:
        why = "nobody_reached" if CallbackState.NOT_REACHED in states else "nobody_to_call"
    _move(session, case, CaseState.CLOSED, by=by, why=why)
    case.closed_at = utc_now()


def _move(
    session: Session,
    case: Case,
    to_state: CaseState,
    *,
    why: str,
    by: UUID | None = None,
    note: str = "",
) -> None:
    from_state, case.state = case.state, to_state.value
    _record(session, case, from_state, to_state, by=by, why=why, note=note)


def _record(
    session: Session,
    case: Case,
    from_state: str | None,
    to_state: str,
    *,
    why: str,
    by: UUID | None = None,
    note: str = "",
    at: datetime | None = None,
) -> None:
    session.add(
        CaseChange(
            case=case,
            from_state=from_state,
            to_state=str(to_state),
            at=at or utc_now(),
            by_user_id=by,
            why=why,
            note=note,
        )
    )
