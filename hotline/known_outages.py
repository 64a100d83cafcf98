"""The hotline's own copy of what is dry, so that callers are answered even while dispatch is down."""

from datetime import datetime

from sqlalchemy import case, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.events import OutageDeclared, OutageEnded
from hotline.models import KnownOutage


def learn(session: Session, declared: OutageDeclared) -> None:
    """Take over an outage, or what changed about it: the extent, the estimate; unless something newer is known."""
    news = {
        "incident_number": declared.incident_number,
        "cause": declared.cause,
        "segment_ids": list(declared.segment_ids),
        "customers": declared.customers,
        "estimate_at": declared.estimate_at,
        "review_at": declared.review_at,
        "ended_at": None,
        "decided_at": declared.declared_at,
    }
    begins_at = case((KnownOutage.ended_at.is_not(None), declared.declared_at), else_=KnownOutage.declared_at)
    session.execute(
        insert(KnownOutage)
        .values(incident_id=declared.incident_id, declared_at=declared.declared_at, **news)
        .on_conflict_do_update(
            index_elements=["incident_id"],
            set_={**news, "declared_at": begins_at},
            where=KnownOutage.decided_at <= declared.declared_at,
        )
    )


def end(session: Session, ended: OutageEnded) -> None:
    """Note that an incident's segments have water again, also before it is told that they were dry."""
    session.execute(
        insert(KnownOutage)
        .values(
            incident_id=ended.incident_id,
            incident_number=0,
            cause="",
            segment_ids=[],
            customers=0,
            declared_at=ended.ended_at,
            ended_at=ended.ended_at,
            decided_at=ended.ended_at,
        )
        .on_conflict_do_update(
            index_elements=["incident_id"],
            set_={
                "ended_at": func.coalesce(KnownOutage.ended_at, ended.ended_at),
                "decided_at": ended.ended_at,
            },
            where=KnownOutage.decided_at <= ended.ended_at,
        )
    )


def estimate_to_tell(outage: KnownOutage, *, now: datetime) -> datetime | None:
    """Tell when water is expected; nothing once the estimate itself or the time to review it has passed."""
    if outage.estimate_at is None or outage.estimate_at <= now:
        return None
    if outage.review_at is not None and outage.review_at <= now:
        return None
    return outage.estimate_at
