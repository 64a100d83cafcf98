"""When crews are on duty."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.clock import utc_now
from core.deadlines import set_deadline
from core.events import DeadlineKind
from core.settings import Settings
from dispatch import crews, queries
from dispatch.errors import BadShift, ShiftOverlaps
from dispatch.models import Shift
from tracker.presence import begin_duty, end_duty


def create(session: Session, *, crew_id: UUID, starts_at: datetime, ends_at: datetime) -> Shift:
    """Put a crew on duty for a span of time.

    Raises
    ------
    BadShift
        It ends before it starts.
    NoSuchCrew
        There is none of that id.
    ShiftOverlaps
        The crew has another shift in that time.
    """
    if ends_at <= starts_at:
        raise BadShift
    crew = crews.get(session, crew_id)
    session.refresh(crew, with_for_update={"key_share": True})
    if queries.shifts_between(session, since=starts_at, until=ends_at, crew_id=crew.id):
        raise ShiftOverlaps
    shift = Shift(crew_id=crew.id, starts_at=starts_at, ends_at=ends_at)
    session.add(shift)
    session.flush()
    for kind, at in ((DeadlineKind.SHIFT_STARTS, starts_at), (DeadlineKind.SHIFT_ENDS, ends_at)):
        set_deadline(session, kind=kind, subject_id=shift.id, due_at=at)
    return shift


def start(session: Session, shift_id: UUID, *, settings: Settings) -> Shift | None:
    """Begin a crew's duty when its shift begins; None when the shift is past or gone."""
    shift = session.get(Shift, shift_id)
    if shift is None or shift.ends_at <= utc_now():
        return None
    begin_duty(session, shift.crew_id, settings=settings)
    return shift


def end(session: Session, shift_id: UUID, *, at: datetime) -> Shift | None:
    """End a crew's duty when its shift ends, unless another one follows at once.

    Parameters
    ----------
    at
        The time that has come. The handler's own clock may be a little behind it, or, after a standstill, in a later shift.
    """
    shift = session.get(Shift, shift_id)
    if shift is None or any(
        shift.crew_id in queries.shifts_at(session, moment) for moment in (at, max(at, utc_now()))
    ):
        return None
    end_duty(session, shift.crew_id)
    return shift
