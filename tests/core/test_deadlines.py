"""Deadlines fire once, when their time has come and nobody cancelled them."""

import threading
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import func, select

from core import clock
from core.clock import REAL, Clock, real_now, utc_now
from core.db import SessionFactory
from core.deadlines import cancel_deadline, set_deadline, sweep
from core.events import DeadlineKind, DeadlineReached
from core.models import OutboxEvent
from core.outbox import read_event

KIND = DeadlineKind.OFFER_EXPIRES


def told(factory: SessionFactory) -> int:
    with factory() as session:
        return session.scalar(select(func.count()).where(OutboxEvent.name == DeadlineReached.__name__)) or 0


def test_a_deadline_is_told_once_after_its_time(factory: SessionFactory) -> None:
    subject = uuid4()
    with factory() as session, session.begin():
        set_deadline(session, kind=KIND, subject_id=subject, due_at=utc_now() - timedelta(seconds=1))
        set_deadline(session, kind=KIND, subject_id=uuid4(), due_at=utc_now() + timedelta(hours=1))
    assert sweep(factory, batch=10) == 1
    assert sweep(factory, batch=10) == 0
    with factory() as session:
        (row,) = session.scalars(select(OutboxEvent))
        event = read_event(row)
    assert isinstance(event, DeadlineReached)
    assert (event.kind, event.subject_id) == (KIND, subject)


def test_a_cancelled_deadline_is_never_told(factory: SessionFactory) -> None:
    subject = uuid4()
    with factory() as session, session.begin():
        set_deadline(session, kind=KIND, subject_id=subject, due_at=utc_now())
        cancel_deadline(session, kind=KIND, subject_id=subject)
    assert sweep(factory, batch=10) == 0


def test_setting_it_again_replaces_the_open_one(factory: SessionFactory) -> None:
    subject = uuid4()
    with factory() as session, session.begin():
        for hours in (-2, -1):
            set_deadline(session, kind=KIND, subject_id=subject, due_at=utc_now() + timedelta(hours=hours))
    assert sweep(factory, batch=10) == 1


def test_two_workers_sweeping_at_once_tell_each_deadline_once(factory: SessionFactory) -> None:
    with factory() as session, session.begin():
        for _ in range(300):
            set_deadline(session, kind=KIND, subject_id=uuid4(), due_at=utc_now() - timedelta(seconds=1))
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait()
        while sweep(factory, batch=20):
            pass

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told(factory) == 300


def test_a_fast_clock_brings_deadlines_sooner(factory: SessionFactory) -> None:
    with factory() as session, session.begin():
        set_deadline(session, kind=KIND, subject_id=uuid4(), due_at=utc_now() + timedelta(minutes=30))
    assert sweep(factory, batch=10) == 0
    then = real_now() - timedelta(minutes=1)
    clock.use(Clock(real_epoch=then, trade_epoch=then, factor=60.0))
    assert sweep(factory, batch=10) == 1
    clock.use(REAL)
