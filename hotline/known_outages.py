"""The hotline's own copy of what is dry, so that callers are answered even while dispatch is down."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.events import OutageDeclared
from hotline.models import KnownOutage


def learn(session: Session, declared: OutageDeclared) -> None:
    """Take over an outage, or what changed about it: the extent, the estimate."""
    news = {
        "incident_number": declared.incident_number,
        "cause": declared.cause,
        "segment_ids": list(declared.segment_ids),
        "customers": declared.customers,
        "estimate_at": declared.estimate_at,
        "review_at": declared.review_at,
        "ended_at": None,
    }
    session.execute(
        insert(KnownOutage)
        .values(incident_id=declared.incident_id, declared_at=utc_now(), **news)
        .on_conflict_do_update(index_elements=["incident_id"], set_=news)
    )


def end(session: Session, incident_id: UUID) -> None:
    """Note that an incident's segments have water again."""
    outage = session.get(KnownOutage, incident_id, with_for_update=True)
    if outage is not None and outage.ended_at is None:
        outage.ended_at = utc_now()


def estimate_to_tell(outage: KnownOutage, *, now: datetime) -> datetime | None:
    """Tell when water is expected; nothing once the estimate itself or the time to review it has passed."""
    if outage.estimate_at is None or outage.estimate_at <= now:
        return None
    if outage.review_at is not None and outage.review_at <= now:
        return None
    return outage.estimate_at
