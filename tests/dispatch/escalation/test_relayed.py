"""Escalations with real workers: two at once, late ones, and one that is killed in the middle."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.engine import URL

from app.provision.state import CHECKOUT
from app.subscriptions import SUBSCRIPTIONS
from core import clock
from core.clock import Clock, real_now, utc_now
from core.db import SessionFactory, transaction
from core.deadlines import sweep
from core.events import AreaOutageSuspected, RepeatedComplaint
from core.models import Deadline, OutboxEvent
from core.outbox import LOCK_WAIT_MS, emit, handle_batch
from dispatch.escalation.models import Escalation, EscalationChange
from dispatch.models import Incident, IncidentKind
from tests.product import wait_for
from tests.town import Town

INCIDENTS = 12
WORK_ONCE = """
from app.subscriptions import SUBSCRIPTIONS
from core.db import session_factory
from core.outbox import handle_batch
from core.settings import get_settings
factory = session_factory(get_settings().database_url.get_secret_value(), pool_size=2)
handle_batch(factory, SUBSCRIPTIONS, batch=20, attempts_max=3, retry_s=0.0)
"""


@pytest.fixture(autouse=True)
def _nobody_is_sent(by_hand_only: None) -> None:
    """Crews are of no matter here."""


def open_incidents(factory: SessionFactory, count: int) -> list[UUID]:
    now = utc_now()
    with transaction(factory) as session:
        rows = [
            Incident(
                kind=IncidentKind.OUTAGE,
                priority=2,
                place=Town.junction(1, 1).as_stored(),
                opened_at=now,
                last_report_at=now,
                changed_at=now,
            )
            for _ in range(count)
        ]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def relay(factory: SessionFactory) -> None:
    while not handle_batch(factory, SUBSCRIPTIONS, batch=20, attempts_max=3, retry_s=0.0).is_drained:
        pass


def raised(factory: SessionFactory) -> int:
    with factory() as session:
        return session.scalar(select(func.count()).select_from(Escalation)) or 0


def test_two_workers_raise_each_escalation_once_and_fire_each_deadline_once(factory: SessionFactory) -> None:
    incident_ids = open_incidents(factory, INCIDENTS)
    with transaction(factory) as session:
        for _ in range(3):
            for incident_id in incident_ids:
                emit(session, AreaOutageSuspected(incident_id, level="cluster"))
                emit(session, RepeatedComplaint(incident_id, uuid4(), 3, window_days=7, on_closed=False))
    barrier = threading.Barrier(2)

    def work() -> None:
        with factory() as session:
            session.execute(text(f"SET lock_timeout = {LOCK_WAIT_MS}"))
            session.commit()
        barrier.wait()
        for _ in range(200):
            relay(factory)
            with factory() as session:
                if not session.scalar(select(func.count()).where(OutboxEvent.handled_at.is_(None))):
                    return

    def both() -> None:
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    both()
    assert raised(factory) == 2 * INCIDENTS
    with factory() as session:
        assert session.scalar(select(func.count()).where(OutboxEvent.parked_at.is_not(None))) == 0
    clock.use(Clock(real_now(), utc_now() + timedelta(days=40), 1e-9))
    sweepers = [threading.Thread(target=sweep, args=(factory,), kwargs={"batch": 100}) for _ in range(2)]
    for thread in sweepers:
        thread.start()
    for thread in sweepers:
        thread.join()
    both()
    with factory() as session:
        for one in session.scalars(select(Escalation)):
            query = select(EscalationChange.to_state).where(EscalationChange.escalation_id == one.id)
            assert session.scalars(query.order_by(EscalationChange.id)).all() == [
                "pending",
                "overdue",
                "climbed",
            ]


def test_the_clock_starts_when_it_happened_however_late_it_is_handled(factory: SessionFactory) -> None:
    happened = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    clock.use(Clock(real_now(), happened, 1e-9))
    (incident_id,) = open_incidents(factory, 1)
    with transaction(factory) as session:
        emit(session, AreaOutageSuspected(incident_id, level="area"))
    clock.use(Clock(real_now(), happened + timedelta(days=1), 1e-9))
    relay(factory)
    with factory() as session:
        (one,) = session.scalars(select(Escalation))
        assert abs(one.clock_start - happened) < timedelta(seconds=1)
        assert one.due_at == datetime(2026, 3, 4, 16, 0, tzinfo=UTC)  # Wednesday's end in Shanghai


def test_a_worker_killed_in_the_middle_leaves_nothing_and_the_next_does_it_all(
    factory: SessionFactory, cloned_database: URL
) -> None:
    (incident_id,) = open_incidents(factory, 1)
    with transaction(factory) as session:
        emit(session, AreaOutageSuspected(incident_id, level="cluster"))
    environment = {
        **os.environ,
        "DATABASE_URL": cloned_database.render_as_string(hide_password=False),
        "MAINLINE_AUTO_DISPATCH": "false",
    }
    with factory() as session:
        session.execute(text("LOCK TABLE core.deadline IN SHARE MODE"))  # its last write waits for this
        process = subprocess.Popen([sys.executable, "-c", WORK_ONCE], cwd=CHECKOUT, env=environment)

        def is_waiting() -> bool:
            query = text(
                "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
                "AND d.datname = current_database() WHERE NOT l.granted"
            )
            return bool(session.scalar(query))

        wait_for(
            lambda: is_waiting() or process.poll() is not None,
            what="the worker to be in the middle",
            patience_s=180.0,
        )
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        session.rollback()
    with factory() as session:
        assert session.scalar(select(func.count()).select_from(EscalationChange)) == 0
        assert session.scalar(select(func.count()).select_from(Deadline)) == 0
        assert session.scalar(select(func.count()).where(OutboxEvent.handled_at.is_not(None))) == 0
    assert raised(factory) == 0
    relay(factory)
    assert raised(factory) == 1
    with factory() as session:
        assert session.scalar(select(func.count()).select_from(Deadline)) == 1
