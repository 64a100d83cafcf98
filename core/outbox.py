"""Events as rows: written with the change they describe, handled until it worked.

The relay takes unhandled rows by `handled_at IS NULL` (never by "id greater than the last one": ids are given out before commit), a
batch in one transaction, so that commits do not bound its speed. When a handler fails, the batch is undone and done again with each event
in a savepoint, so that the failing one spoils only itself. It is tried later and later, then parked where an operator sees it.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import structlog
from psycopg import Connection
from pydantic import TypeAdapter
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    all_,
    any_,
    bindparam,
    func,
    literal,
    select,
    text,
    true,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core import events
from core.clock import real_now, utc_now
from core.db import SessionFactory, libpq_url
from core.errors import NotFound
from core.events import Event
from core.models import OutboxEvent

log = structlog.get_logger()

CHANNEL = "outbox"
"""What the database notifies at a commit that wrote events, with each event's name (trigger `core.tell_outbox`)."""
BATCH_S = 0.05
"""Real seconds a batch goes on before it is committed, so that nobody waits long for rows its handlers hold."""
LOCK_WAIT_MS = 200
"""How long a handler waits for a row that somebody else holds; then its event is tried again soon, which is no failure. Processes that
handle events open their connections with it (`session_factory`)."""
HELD_ROW_RETRY_S = 0.2
HELD_ROW_STATES = frozenset({"55P03", "40P01"})
"""SQLSTATEs of a lock not had in time and of a deadlock."""
Handler = Callable[[Session, Any], None]  # Any: each handler takes its own event class
Subscriptions = Mapping[type[Event], Sequence[Handler]]


_BROUGHT_ABOUT = "core.outbox"
"""Where a relay's session keeps the events its handlers emit."""
_EMITTED_AT = "core.outbox.emitted_at"
"""Where it keeps when the event in hand was emitted."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of one look at the outbox."""

    taken: int
    """Events taken, handled or not."""
    is_drained: bool
    """Nothing was left to do; what was committed since has told the listeners."""


class _Due(NamedTuple):
    """What the relay needs to know of an event to be handled."""

    id: UUID
    name: str
    payload: dict[str, Any]  # Any: see OutboxEvent
    emitted_at: datetime


class NoSuchEvent(NotFound):
    """There is no parked event with this id."""


@cache
def _adapter(name: str) -> TypeAdapter[Event]:
    return TypeAdapter(getattr(events, name))


def listen(database_url: str) -> Connection:
    """Open a connection that hears of new events, outside every pool and every transaction; it may hold what belongs to a connection."""
    connection = psycopg.connect(libpq_url(database_url), autocommit=True)
    connection.execute(f"LISTEN {CHANNEL}")
    return connection


def emit(session: Session, event: Event) -> None:
    """Record that something happened; the database wakes listeners when, and only when, the transaction commits."""
    row = OutboxEvent(
        name=type(event).__name__,
        payload=_adapter(type(event).__name__).dump_python(event, mode="json"),
        emitted_at=utc_now(),
    )
    session.add(row)
    session.info.get(_BROUGHT_ABOUT, []).append(row)


def read_event(row: OutboxEvent | _Due) -> Event:
    """Turn a stored row back into its event."""
    return _adapter(row.name).validate_python(row.payload)


def emitted_at(session: Session) -> datetime:
    """Tell when the event that is being handled was emitted: clocks it starts run from then, however late it is handled."""
    at: datetime | None = session.info.get(_EMITTED_AT)
    return at or utc_now()


def handle_batch(
    factory: SessionFactory,
    subscriptions: Subscriptions,
    *,
    batch: int,
    attempts_max: int,
    retry_s: float,
    only: frozenset[str] | None = None,
    without: frozenset[str] = frozenset(),
) -> Batch:
    """Handle the oldest unhandled events, each followed by those it brings about, in one transaction.

    Parameters
    ----------
    batch
        Events read at once; the whole ends after `BATCH_S`, when nothing is left, or when an event fails.
    attempts_max
        Failures after which an event is parked.
    retry_s
        Real seconds before the first retry; doubles with each.
    only
        Names of the events this relay handles: a lane, in which what an event brings about is handled with it however long that takes.
    without
        Names of the events it leaves to another.

    Returns
    -------
    batch
        How many events were taken, and whether any are left.
    """
    take = partial(_take, factory, subscriptions, batch=batch, only=only, without=without)
    try:
        taken, _ = take(is_apart=False)
    except Exception:  # noqa: BLE001 - undone as a whole; which event it was shows when each is handled by itself
        taken, failed = take(is_apart=True)
        for event_id, failure in failed:
            with factory() as session, session.begin():
                _note_failure(session, event_id, failure, attempts_max=attempts_max, retry_s=retry_s)
    return taken


def _take(
    factory: SessionFactory,
    subscriptions: Subscriptions,
    *,
    batch: int,
    only: frozenset[str] | None,
    without: frozenset[str],
    is_apart: bool,
) -> tuple[Batch, list[tuple[UUID, Exception]]]:
    """Handle a batch and tell which events failed; without a savepoint for each, what one raises undoes them all and is raised again."""
    failed: list[tuple[UUID, Exception]] = []
    done: list[UUID] = []
    heard = frozenset(kind.__name__ for kind in subscriptions)
    with factory() as session, session.begin():
        found = session.execute(_due(only, without), {"now": real_now(), "count": batch})
        rows = deque(_Due(*row) for row in found)
        is_all = len(rows) < batch
        chained = 0
        # Until nothing is left or time is up: what was handled so far holds rows that others wait for.
        ends_at = monotonic() + BATCH_S
        while rows and not failed and (monotonic() <= ends_at or (only and chained > 0)):
            row = rows.popleft()
            chained = max(0, chained - 1)
            brought_about: list[OutboxEvent] = []
            session.info[_BROUGHT_ABOUT] = brought_about
            session.info[_EMITTED_AT] = row.emitted_at
            try:
                if row.name in heard:
                    with session.begin_nested() if is_apart else nullcontext():
                        _handle(session, read_event(row), subscriptions)
            except Exception as error:
                if not is_apart:
                    raise
                failed.append((row.id, error))
            else:
                done.append(row.id)
                stands = [
                    _Due(one.id, one.name, one.payload, one.emitted_at)
                    for one in brought_about
                    if one in session and _is_ours(one.name, only, without)
                ]
                rows.extendleft(reversed(stands))
                chained += len(stands)
        _note_done(session, done)
    return Batch(len(done) + len(failed), is_drained=is_all and not rows and not failed), failed


def parked_events(session: Session, *, limit: int = 100) -> Sequence[OutboxEvent]:
    """List the events an operator has to look at, oldest first."""
    return session.scalars(
        select(OutboxEvent)
        .where(OutboxEvent.parked_at.is_not(None))
        .order_by(OutboxEvent.parked_at)
        .limit(limit)
    ).all()


def retry_parked(session: Session, event_id: UUID) -> OutboxEvent:
    """Give a parked event another set of attempts.

    Raises
    ------
    NoSuchEvent
        Nothing with this id is parked.
    """
    row = session.get(OutboxEvent, event_id, with_for_update=True)
    if row is None or row.parked_at is None:
        raise NoSuchEvent
    row.parked_at = None
    row.attempts = 0
    row.next_attempt_at = real_now()
    session.execute(text(f"NOTIFY {CHANNEL}"))
    return row


def count_waiting(session: Session) -> tuple[int, int]:
    """Count the events not yet handled and those parked."""
    waiting = session.scalar(
        select(func.count()).where(OutboxEvent.handled_at.is_(None), OutboxEvent.parked_at.is_(None))
    )
    parked = session.scalar(select(func.count()).where(OutboxEvent.parked_at.is_not(None)))
    return waiting or 0, parked or 0


@cache
def _due(only: frozenset[str] | None, without: frozenset[str]) -> Select[UUID, str, dict[str, Any], datetime]:
    """Ask for the oldest `count` events due `now`."""
    name: ColumnElement[bool] = true()
    if only is not None:
        name = OutboxEvent.name == any_(literal(sorted(only), ARRAY(Text)))
    elif without:
        name = OutboxEvent.name != all_(literal(sorted(without), ARRAY(Text)))
    return (
        select(OutboxEvent.id, OutboxEvent.name, OutboxEvent.payload, OutboxEvent.emitted_at)
        .where(
            OutboxEvent.handled_at.is_(None),
            OutboxEvent.parked_at.is_(None),
            OutboxEvent.next_attempt_at <= bindparam("now"),
            name,
        )
        .order_by(OutboxEvent.id)
        .limit(bindparam("count"))
        .with_for_update(skip_locked=True)
    )


def _is_ours(name: str, only: frozenset[str] | None, without: frozenset[str]) -> bool:
    return name not in without and (only is None or name in only)


def _handle(session: Session, event: Event, subscriptions: Subscriptions) -> None:
    for handler in subscriptions.get(type(event), ()):
        handler(session, event)
    session.flush()


def _note_done(session: Session, done: list[UUID]) -> None:
    if done:
        session.execute(
            update(OutboxEvent).where(OutboxEvent.id.in_(done)).values(handled_at=real_now()),
            execution_options={"synchronize_session": False},
        )


def _is_held_row(error: Exception) -> bool:
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in HELD_ROW_STATES


def _note_failure(
    session: Session, event_id: UUID, error: Exception, *, attempts_max: int, retry_s: float
) -> None:
    row = session.get(OutboxEvent, event_id, with_for_update=True)
    if row is None or row.handled_at is not None:
        return
    if _is_held_row(error):
        row.next_attempt_at = real_now() + timedelta(seconds=HELD_ROW_RETRY_S)
        log.info("outbox.event_waits", event_id=str(event_id), name=row.name)
        return
    attempts = row.attempts + 1
    is_parked = attempts >= attempts_max
    session.execute(
        update(OutboxEvent)
        .where(OutboxEvent.id == event_id)
        .values(
            attempts=attempts,
            last_error=f"{type(error).__name__}: {str(error)[:1000]}",
            next_attempt_at=real_now() + timedelta(seconds=retry_s * 2 ** (attempts - 1)),
            parked_at=real_now() if is_parked else None,
        )
    )
    log.warning(
        "outbox.event_parked" if is_parked else "outbox.event_failed",
        event_id=str(event_id),
        name=row.name,
        attempts=attempts,
        error=type(error).__name__,
    )
