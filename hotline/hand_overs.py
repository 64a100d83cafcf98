"""Handing a caller over: he was told to turn to somebody else, and the report says to whom.

This changes no state: whether the case is answered by it is the agent's to say.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.db import new_id
from hotline import cases
from hotline.directory.entries import entry_of
from hotline.errors import CaseClosed, EntryRetired, HandOverNotFound
from hotline.models import CaseState, HandOver, Report


@dataclass(frozen=True, slots=True)
class Made:
    """A hand-over, and whether it was not there before."""

    hand_over: HandOver
    is_new: bool


def hand_over(session: Session, report: Report, entry_id: UUID, *, note: str, by: UUID) -> Made:
    """Write down to whom a caller was handed over; the same entry again, unless taken back, is the same hand-over.

    Raises
    ------
    EntryNotFound, EntryRetired
        There is no such entry, or its number is given to nobody any more.
    CaseClosed
        The matter is over; a new one needs a new report.
    """
    entry = entry_of(session, entry_id)
    known = select(HandOver).where(
        HandOver.report_id == report.id, HandOver.entry_id == entry.id, HandOver.taken_back_at.is_(None)
    )
    before = session.scalar(known)
    if before is not None:
        return Made(before, is_new=False)
    if not entry.is_active:
        raise EntryRetired
    case = cases.lock_case(session, report.case_id) if report.case_id else None
    if case is not None and case.state == CaseState.CLOSED:
        raise CaseClosed
    made = session.scalar(
        insert(HandOver)
        .values(
            id=new_id(),
            report_id=report.id,
            entry_id=entry.id,
            name_zh=entry.name_zh,
            name_en=entry.name_en,
            phones=entry.phones,
            note=note,
            at=utc_now(),
            by_user_id=by,
        )
        .on_conflict_do_nothing()
        .returning(HandOver)
    )
    if made is None:
        return Made(session.scalars(known).one(), is_new=False)
    if case is not None:
        cases.note_step(session, case, why="handed_over", by=by, note=_told(made))
    return Made(made, is_new=True)


def take_back(session: Session, report: Report, hand_over_id: UUID, *, by: UUID) -> HandOver:
    """Take a hand-over back; doing it again changes nothing.

    Raises
    ------
    HandOverNotFound
        The report has none of that id.
    """
    found = session.scalar(
        select(HandOver)
        .where(HandOver.id == hand_over_id, HandOver.report_id == report.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise HandOverNotFound
    if found.taken_back_at is None:
        found.taken_back_at, found.taken_back_by = utc_now(), by
        if report.case_id is not None:
            case = cases.lock_case(session, report.case_id)
            cases.note_step(session, case, why="hand_over_taken_back", by=by, note=_told(found))
    return found


def _told(made: HandOver) -> str:
    """Write what the caller was told, in no language of ours: names, numbers, the agent's own words."""
    name = " / ".join(filter(None, (made.name_zh, made.name_en)))
    return "\n".join(filter(None, (f"{name} {', '.join(made.phones)}", made.note)))
