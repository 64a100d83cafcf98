"""Clocks that run down: one row each, set and cancelled with what they are about, fired once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.db import SessionFactory
from core.events import DeadlineKind, DeadlineReached
from core.models import Deadline
from core.outbox import emit


def set_deadline(session: Session, *, kind: DeadlineKind, subject_id: UUID, due_at: datetime) -> None:
    """Let `DeadlineReached` be told at `due_at`; replaces an open deadline of the same kind and subject."""
    cancel_deadline(session, kind=kind, subject_id=subject_id)
    session.add(Deadline(kind=kind.value, subject_id=subject_id, due_at=due_at, set_at=utc_now()))
    session.flush()


def cancel_deadline(session: Session, *, kind: DeadlineKind, subject_id: UUID) -> None:
    """End an open deadline; without one, nothing happens."""
    session.execute(
        update(Deadline)
        .where(
            Deadline.kind == kind.value,
            Deadline.subject_id == subject_id,
            Deadline.fired_at.is_(None),
            Deadline.cancelled_at.is_(None),
        )
        .values(cancelled_at=utc_now()),
        execution_options={"synchronize_session": False},
    )


def sweep(factory: SessionFactory, *, batch: int) -> int:
    """Fire the deadlines whose time has come, in one transaction.

    Any number of workers may sweep at once: rows are locked and skipped, so each fires once.

    Returns
    -------
    fired
        How many deadlines were fired.
    """
    with factory() as session, session.begin():
        now = utc_now()
        due = session.scalars(
            select(Deadline)
            .where(Deadline.due_at <= now, Deadline.fired_at.is_(None), Deadline.cancelled_at.is_(None))
            .order_by(Deadline.due_at)
            .limit(batch)
            .with_for_update(skip_locked=True)
        ).all()
        for deadline in due:
            deadline.fired_at = now
            emit(
                session,
                DeadlineReached(
                    deadline.id, DeadlineKind(deadline.kind), deadline.subject_id, deadline.due_at
                ),
            )
    return len(due)
