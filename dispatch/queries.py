"""Reading dispatch's tables."""

from uuid import UUID

from sqlalchemy.orm import Session

from core.auth import Actor
from dispatch.views import CrewJob, CrewSummary, IncidentDetail, IncidentSummary


def open_incidents(session: Session, actor: Actor) -> list[IncidentSummary]:
    """List the open incidents in the actor's area, most urgent first."""
    raise NotImplementedError


def incident_detail(session: Session, actor: Actor, incident_id: UUID) -> IncidentDetail:
    """Tell everything about one incident, in the actor's language; a merged one is told as what it was, with its heir."""
    raise NotImplementedError


def crews_overview(session: Session, actor: Actor) -> list[CrewSummary]:
    """List active crews with place, presence and job; those placed outside the actor's area are left out."""
    raise NotImplementedError


def jobs_of_crew(session: Session, crew_id: UUID, *, language: str = "en") -> list[CrewJob]:
    """List a crew's open offers and the work that binds it, oldest first."""
    raise NotImplementedError
