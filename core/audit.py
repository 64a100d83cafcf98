"""Who did what, from where, when; added to in the transaction of the deed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import real_now, utc_now
from core.models import AuditEntry


def record(
    session: Session, actor: Actor | None, *, action: str, subject_id: UUID | None = None, digest: str = ""
) -> None:
    """Write down a deed.

    Parameters
    ----------
    actor
        Who; None for the system itself.
    action
        `thing.verb`, as in `report.take`.
    subject_id
        What it was done to.
    digest
        What changed, in a few words without personal data.
    """
    _add(
        session,
        user_id=actor.user_id if actor else None,
        username=actor.username if actor else None,
        client_address=actor.client_address if actor else None,
        action=action,
        subject_id=subject_id,
        digest=digest,
    )


def record_log_in(
    session: Session, *, user_id: UUID, username: str, client_address: str, session_id: UUID
) -> None:
    """Write down that somebody logged in: he is no actor yet."""
    _add(
        session,
        user_id=user_id,
        username=username,
        client_address=client_address,
        action="session.begin",
        subject_id=session_id,
        digest="",
    )


def _add(
    session: Session,
    *,
    user_id: UUID | None,
    username: str | None,
    client_address: str | None,
    action: str,
    subject_id: UUID | None,
    digest: str,
) -> None:
    session.add(
        AuditEntry(
            at=utc_now(),
            real_at=real_now(),
            user_id=user_id,
            username=username,
            client_address=client_address,
            action=action,
            subject_id=subject_id,
            digest=digest,
        )
    )


def entries(
    session: Session,
    *,
    action: str | None = None,
    subject_id: UUID | None = None,
    before: datetime | None = None,
    limit: int = 100,
) -> Sequence[AuditEntry]:
    """List deeds, newest first."""
    query = select(AuditEntry).order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(limit)
    if action is not None:
        query = query.where(AuditEntry.action == action)
    if subject_id is not None:
        query = query.where(AuditEntry.subject_id == subject_id)
    if before is not None:
        query = query.where(AuditEntry.at < before)
    return session.scalars(query).all()
