"""Who does the work: offers, answers, the way there."""

from uuid import UUID

from sqlalchemy.orm import Session

from dispatch.models import Assignment


def accept(session: Session, assignment_id: UUID, *, crew_id: UUID) -> Assignment:
    """Take an offered job; the same crew saying so again changes nothing.

    Raises
    ------
    NoSuchAssignment, OfferGone, CrewIsBusy
        As their names say.
    """
    raise NotImplementedError


def decline(session: Session, assignment_id: UUID, *, crew_id: UUID, reason: str) -> Assignment:
    """Refuse an offered job; the next best crew will be asked."""
    raise NotImplementedError


def start_travel(session: Session, assignment_id: UUID, *, crew_id: UUID) -> Assignment:
    """Set out for an accepted job."""
    raise NotImplementedError


def arrive(session: Session, assignment_id: UUID, *, crew_id: UUID) -> Assignment:
    """Be on site."""
    raise NotImplementedError
