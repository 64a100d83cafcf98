"""Jobs for the field: made, finished, given up."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from dispatch.models import Action, Cause, WorkOrder


@dataclass(frozen=True, slots=True)
class Finding:
    """What the field found and did."""

    cause: Cause
    action: Action
    water_restored: bool
    note: str = ""


def complete(session: Session, assignment_id: UUID, *, crew_id: UUID, finding: Finding) -> WorkOrder:
    """Finish a job with what was found; the crew leaves the site."""
    raise NotImplementedError
