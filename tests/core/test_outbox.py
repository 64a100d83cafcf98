"""Events: written with their change, handled until it worked, never half."""

import os
import signal
import subprocess
import sys
import threading
from time import sleep
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from core.clock import real_now
from core.db import SessionFactory, session_factory
from core.events import IncidentOpened, ReportTaken
from core.models import AuditEntry, OutboxEvent
from core.outbox import (
    BATCH_S,
    HELD_ROW_RETRY_S,
    LOCK_WAIT_MS,
    Batch,
    NoSuchEvent,
    count_waiting,
    emit,
    handle_batch,
    listen,
    parked_events,
    read_event,
    retry_parked,
)

RELAY: dict[str, Any] = {"batch": 100, "attempts_max": 3, "retry_s": 0.0}


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a batch last as long as a busy machine takes for it."""
    monkeypatch.setattr("core.outbox.BATCH_S", 30.0)


def handled(factory: SessionFactory, *arguments: Any, **options: Any) -> int:
    """Handle what is due, and tell how many events were taken."""
    return handle_batch(factory, *arguments, **options).taken


def note(session: Session, event: ReportTaken) -> None:
    """A handler whose effect can be counted."""
    session.add(
        AuditEntry(at=real_now(), real_at=real_now(), action="test.noted", subject_id=event.report_id)
    )
    session.flush()


def fail(session: Session, event: ReportTaken) -> None:
    note(session, event)
    msg = "no luck"
    raise RuntimeError(msg)


def noted(factory: SessionFactory) -> int:
    with factory() as session:
        return session.scalar(select(func.count()).where(AuditEntry.action == "test.noted")) or 0


def emit_some(factory: SessionFactory, n: int = 1) -> None:
    with factory() as session, session.begin():
        for _ in range(n):
            emit(session, ReportTaken(uuid4()))


def test_an_event_comes_back_as_it_was_written(session: Session) -> None:
    event = IncidentOpened(uuid4())
    emit(session, event)
    session.flush()
    row = session.scalars(select(OutboxEvent).order_by(OutboxEvent.id.desc())).first()
    assert row is not None
    assert read_event(row) == event


def test_a_rolled_back_change_leaves_no_event(factory: SessionFactory) -> None:
    with factory() as session:
        emit(session, ReportTaken(uuid4()))
        session.flush()
        session.rollback()
    assert handled(factory, {ReportTaken: (note,)}, **RELAY) == 0


def test_listeners_are_woken_only_by_the_commit_and_told_each_name_once(
    factory: SessionFactory, cloned_database: URL
) -> None:
    with listen(cloned_database.render_as_string(hide_password=False)) as listener:
        with factory() as session:
            for event in (ReportTaken(uuid4()), IncidentOpened(uuid4()), ReportTaken(uuid4())):
                emit(session, event)
            session.flush()
            assert list(listener.notifies(timeout=0.3, stop_after=1)) == []
            session.commit()
        told = [notice.payload for notice in listener.notifies(timeout=2, stop_after=2)]
        assert sorted(told) == ["IncidentOpened", "ReportTaken"]
        assert list(listener.notifies(timeout=0.3, stop_after=1)) == []


@pytest.mark.usefixtures("patient")
def test_what_an_event_brings_about_becomes_visible_with_it(factory: SessionFactory) -> None:
    emit_some(factory)
    waiting_outside: list[tuple[int, int]] = []

    def bring_about(session: Session, event: ReportTaken) -> None:
        emit(session, IncidentOpened(event.report_id))

    def look_from_outside(_: Session, __: IncidentOpened) -> None:
        with factory() as outside:
            waiting_outside.append(count_waiting(outside))

    batch = handle_batch(
        factory, {ReportTaken: (bring_about,), IncidentOpened: (look_from_outside,)}, **RELAY
    )
    assert (batch.taken, batch.is_drained) == (2, True)
    assert waiting_outside == [(1, 0)], "nothing of the batch was committed before its end"
    with factory() as session:
        assert count_waiting(session) == (0, 0)


@pytest.mark.usefixtures("patient")
def test_what_an_event_brings_about_comes_before_what_waited_longer(factory: SessionFactory) -> None:
    emit_some(factory, 2)
    seen: list[str] = []

    def bring_about(session: Session, event: ReportTaken) -> None:
        seen.append("taken")
        for _ in range(2):
            emit(session, IncidentOpened(uuid4()))

    def opened(session: Session, event: IncidentOpened) -> None:
        seen.append("opened")

    assert handled(factory, {ReportTaken: (bring_about,), IncidentOpened: (opened,)}, **RELAY) == 6
    assert seen == ["taken", "opened", "opened"] * 2


@pytest.mark.usefixtures("patient")
def test_what_was_brought_about_in_vain_did_not_happen(factory: SessionFactory) -> None:
    """A handler may take a step of its own back; what it emitted in it is gone."""
    emit_some(factory)

    def try_and_give_up(session: Session, event: ReportTaken) -> None:
        with session.begin_nested() as step:
            emit(session, IncidentOpened(event.report_id))
            session.flush()
            step.rollback()

    batch = handle_batch(factory, {ReportTaken: (try_and_give_up,), IncidentOpened: (fail,)}, **RELAY)
    assert (batch.taken, batch.is_drained) == (1, True)


@pytest.mark.usefixtures("patient")
def test_one_that_fails_leaves_what_brought_it_about(factory: SessionFactory) -> None:
    emit_some(factory)

    def bring_about(session: Session, event: ReportTaken) -> None:
        note(session, event)
        emit(session, IncidentOpened(event.report_id))

    assert handled(factory, {ReportTaken: (bring_about,), IncidentOpened: (fail,)}, **RELAY) == 2
    assert noted(factory) == 1
    with factory() as session:
        assert count_waiting(session) == (1, 0)


def test_a_batch_says_whether_something_is_left(factory: SessionFactory) -> None:
    emit_some(factory, 3)

    def take_long(session: Session, event: ReportTaken) -> None:
        sleep(2 * BATCH_S)

    left = [handle_batch(factory, {ReportTaken: (take_long,)}, **RELAY).is_drained for _ in range(3)]
    assert left == [False, False, True]
    assert handle_batch(factory, {ReportTaken: (fail,)}, **RELAY) == Batch(taken=0, is_drained=True)


def test_a_lane_follows_an_event_to_its_end_however_long_that_takes(factory: SessionFactory) -> None:
    emit_some(factory, 2)

    def take_long(session: Session, event: ReportTaken) -> None:
        sleep(2 * BATCH_S)
        emit(session, IncidentOpened(event.report_id))

    handlers = {ReportTaken: (take_long,), IncidentOpened: (lambda session, event: None,)}
    assert handled(factory, handlers, **RELAY) == 1, "side by side, the batch ends with its time"
    lane = frozenset({"ReportTaken", "IncidentOpened"})
    with factory() as session, session.begin():
        session.execute(text("DELETE FROM core.outbox WHERE name = 'IncidentOpened'"))
    assert handled(factory, handlers, only=lane, **RELAY) == 2


@pytest.mark.usefixtures("patient")
def test_events_that_work_need_no_savepoint(factory: SessionFactory) -> None:
    emit_some(factory, 2)
    stepped: list[bool] = []

    def look(session: Session, event: ReportTaken) -> None:
        stepped.append(session.in_nested_transaction())
        note(session, event)

    assert handled(factory, {ReportTaken: (look,)}, **RELAY) == 2
    assert stepped == [False, False]
    emit_some(factory)
    assert handled(factory, {ReportTaken: (look, fail)}, **RELAY) == 1
    assert stepped[2:] == [False, True], "undone, then by itself"
    assert noted(factory) == 2


def test_each_event_is_handled_once(factory: SessionFactory) -> None:
    emit_some(factory, 5)
    taken = 0
    while more := handled(factory, {ReportTaken: (note,)}, **RELAY):
        taken += more
    assert taken == noted(factory) == 5


def test_a_failing_handler_leaves_nothing_of_its_own_and_spoils_nobody_elses(factory: SessionFactory) -> None:
    with factory() as session, session.begin():
        emit(session, ReportTaken(uuid4()))
        emit(session, IncidentOpened(uuid4()))
    seen: list[IncidentOpened] = []
    handlers = {ReportTaken: (fail,), IncidentOpened: (lambda _, event: seen.append(event),)}
    for _ in range(6):
        handled(factory, handlers, **RELAY)
    assert noted(factory) == 0
    assert len(seen) == 1


def test_a_handler_that_meets_a_held_row_lets_go_and_comes_back(
    factory: SessionFactory, cloned_database: URL
) -> None:
    url = cloned_database.render_as_string(hide_password=False)
    relay = session_factory(url, pool_size=2, lock_wait_ms=LOCK_WAIT_MS)
    with factory() as session, session.begin():
        session.add(AuditEntry(at=real_now(), real_at=real_now(), action="test.held"))
    emit_some(factory)

    def touch(session: Session, event: ReportTaken) -> None:
        session.execute(text("UPDATE core.audit_entry SET digest = digest || 'x' WHERE action = 'test.held'"))

    with factory() as holder, holder.begin():
        holder.execute(text("SELECT 1 FROM core.audit_entry WHERE action = 'test.held' FOR UPDATE"))
        for _ in range(RELAY["attempts_max"] + 1):
            assert handled(relay, {ReportTaken: (touch,)}, **RELAY) == 1
            sleep(1.5 * HELD_ROW_RETRY_S)
    assert handled(relay, {ReportTaken: (touch,)}, **RELAY) == 1
    with factory() as session:
        assert session.scalar(text("SELECT digest FROM core.audit_entry WHERE action = 'test.held'")) == "x"


def test_an_event_that_keeps_failing_is_parked_and_can_be_tried_again(factory: SessionFactory) -> None:
    emit_some(factory)
    while handled(factory, {ReportTaken: (fail,)}, **RELAY):
        pass
    with factory() as session, session.begin():
        (row,) = parked_events(session)
        assert (row.attempts, count_waiting(session)) == (3, (0, 1))
        assert "no luck" in (row.last_error or "")
        retry_parked(session, row.id)
        with pytest.raises(NoSuchEvent):
            retry_parked(session, uuid4())
    handled(factory, {ReportTaken: (note,)}, **RELAY)
    assert noted(factory) == 1


def test_an_event_committed_late_is_not_missed(factory: SessionFactory) -> None:
    with factory() as slow:
        emit(slow, ReportTaken(uuid4()))
        slow.flush()
        emit_some(factory)
        assert handled(factory, {ReportTaken: (note,)}, **RELAY) == 1
        slow.commit()
    assert handled(factory, {ReportTaken: (note,)}, **RELAY) == 1
    assert noted(factory) == 2


def test_two_relays_share_the_work_and_double_none(factory: SessionFactory) -> None:
    emit_some(factory, 200)

    def relay() -> None:
        while handled(factory, {ReportTaken: (note,)}, batch=10, attempts_max=3, retry_s=0.0):
            pass

    threads = [threading.Thread(target=relay) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert noted(factory) == 200


def test_a_lane_takes_only_its_own_events(factory: SessionFactory) -> None:
    with factory() as session, session.begin():
        emit(session, ReportTaken(uuid4()))
        emit(session, IncidentOpened(uuid4()))
    assert handled(factory, {}, only=frozenset({"IncidentOpened"}), **RELAY) == 1
    assert handled(factory, {}, without=frozenset({"ReportTaken"}), **RELAY) == 0
    assert handled(factory, {}, **RELAY) == 1


KILLED_HANDLER = """
import os, sys
from core.db import session_factory
from core.events import ReportTaken
from core.outbox import handle_batch
from tests.core.test_outbox import note

def die(session, event):
    note(session, event)
    print("half way", flush=True)
    sys.stdin.read()

handle_batch(session_factory(sys.argv[1]), {ReportTaken: (die,)}, batch=10, attempts_max=3, retry_s=0)
"""


def test_a_handler_killed_half_way_leaves_nothing_and_runs_again(
    factory: SessionFactory, cloned_database: URL
) -> None:
    emit_some(factory)
    url = cloned_database.render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_HANDLER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "half way\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with factory() as session:
        # The server notices the dead client; until then its row stays locked and is skipped, never doubled.
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
            )
        )
    assert noted(factory) == 0
    for _ in range(50):
        if handled(factory, {ReportTaken: (note,)}, **RELAY):
            break
    assert noted(factory) == 1
