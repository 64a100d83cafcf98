"""Worker and triage: wake at a commit, keep order in triage, hand over, end when told."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from app.triage import Triage
from app.worker import Worker
from core.clock import utc_now
from core.db import SessionFactory, session_factory
from core.deadlines import set_deadline
from core.events import DeadlineKind, DeadlineReached, ReportLocated, ReportTaken
from core.outbox import Subscriptions, emit
from tests.conftest import make_settings
from tests.product import wait_for

Start = Callable[..., Worker | Triage]


@pytest.fixture
def start(cloned_database: URL) -> Iterator[Start]:
    running: list[tuple[Worker | Triage, threading.Thread]] = []

    def start(subscriptions: Subscriptions, process: type[Worker] | type[Triage] = Worker) -> Worker | Triage:
        settings = make_settings(cloned_database, relay_poll_s=0.5, deadline_poll_s=0.1)
        factory = session_factory(settings.database_url.get_secret_value(), pool_size=5)
        worker = process(settings, factory, subscriptions=subscriptions)
        thread = threading.Thread(target=worker.run)
        thread.start()
        running.append((worker, thread))
        return worker

    yield start
    for worker, thread in running:
        worker.end()
        thread.join(timeout=10)
        assert not thread.is_alive(), "the worker ends when told"


def located(number: int) -> ReportLocated:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return ReportLocated(
        uuid4(),
        number,
        "no_water",
        1.0,
        2.0,
        uuid4(),
        1,
        None,
        0.9,
        None,
        "key",
        None,
        "unknown",
        moment,
        moment,
        None,
    )


def emit_all(factory: SessionFactory, *events: ReportTaken | ReportLocated) -> None:
    for event in events:
        with factory() as session, session.begin():
            emit(session, event)


def test_a_commit_wakes_the_relay_long_before_it_looks_by_itself(
    start: Start, factory: SessionFactory
) -> None:
    seen = threading.Event()
    start({ReportTaken: (lambda *_: seen.set(),)})
    time.sleep(1.0)
    before = time.monotonic()
    emit_all(factory, ReportTaken(uuid4()))
    assert seen.wait(5)
    assert time.monotonic() - before < 5


def test_triage_has_one_consumer_in_order_and_a_standby_that_takes_over(
    start: Start, factory: SessionFactory
) -> None:
    handled: list[tuple[str, int]] = []

    def note(name: str) -> Subscriptions:
        def handler(_: Session, event: ReportLocated) -> None:
            handled.append((name, event.report_number))

        return {ReportLocated: (handler,)}

    first = start(note("first"), Triage)
    emit_all(factory, located(0))
    wait_for(lambda: handled, what="the first to take the lane", patience_s=10)
    start(note("second"), Triage)
    emit_all(factory, *(located(n) for n in range(1, 30)))
    wait_for(lambda: len(handled) == 30, what="the lane to be worked off", patience_s=10)
    assert handled == [("first", n) for n in range(30)]
    first.end()
    emit_all(factory, *(located(n) for n in range(30, 40)))
    wait_for(lambda: len(handled) == 40, what="the standby to take over", patience_s=10)
    assert handled[30:] == [("second", n) for n in range(30, 40)]


def test_a_deadline_reaches_its_handler(start: Start, factory: SessionFactory) -> None:
    told: list[DeadlineReached] = []
    start({DeadlineReached: (lambda _, event: told.append(event),)})
    subject = uuid4()
    with factory() as session, session.begin():
        set_deadline(
            session,
            kind=DeadlineKind.RETRY_ASSIGNMENT,
            subject_id=subject,
            due_at=utc_now() + timedelta(seconds=0.3),
        )
    wait_for(lambda: told, what="the deadline", patience_s=10)
    assert [event.subject_id for event in told] == [subject]
