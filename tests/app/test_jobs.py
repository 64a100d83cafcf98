"""Jobs really run: notices reach phones after commit and only then, the broker learns of devices."""

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.engine import URL

from app.jobs import (
    PUBLISH_JOB_NOTICE,
    WRITE_BROKER_CREDENTIALS,
    let_broker_know_devices,
    make_worker_app,
    tell_crew_of_change,
    tell_crew_of_offer,
)
from core.clock import utc_now
from core.db import SessionFactory, new_id
from core.events import AssignmentChanged, AssignmentOffered, DeviceCredentialsChanged
from core.jobs import defer
from dispatch.models import TrialState
from dispatch.triage import trials
from tests.brokers import RunningBroker, wait_until
from tests.conftest import make_settings
from tracker.devices import register_device, revoke_device

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
def worker(broker: RunningBroker, cloned_database: URL) -> Iterator[None]:
    """Runs jobs in a thread, as the worker process does."""
    settings = make_settings(
        cloned_database,
        mqtt_publisher_url=broker.url("publisher"),
        broker_folder=broker.broker.folder,
    )
    stop = threading.Event()

    async def work() -> None:
        async with make_worker_app(settings).open_async() as jobs:
            working = asyncio.create_task(jobs.run_worker_async(install_signal_handlers=False, concurrency=4))
            while not stop.is_set():
                await asyncio.sleep(0.02)
            working.cancel()
            await asyncio.wait([working])

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    yield
    stop.set()
    thread.join(10)


def offer(*, seconds: float = 180) -> AssignmentOffered:
    return AssignmentOffered(
        assignment_id=new_id(),
        work_order_id=new_id(),
        crew_id=new_id(),
        crew_code="C-07",
        expires_at=utc_now() + timedelta(seconds=seconds),
    )


def done(factory: SessionFactory, task: str) -> int:
    with factory() as session:
        query = text(
            "SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded' AND task_name = :task"
        )
        return session.scalar(query, {"task": task}) or 0


def test_offer_reaches_the_crews_phone_after_commit_and_only_then(
    broker: RunningBroker, factory: SessionFactory
) -> None:
    broker.admit({"C-07": "secret", "C-08": "secret"})
    phone, other = broker.phone("C-07"), broker.phone("C-08")
    phone.subscribe("crews/C-07/jobs")
    other.subscribe("crews/C-08/jobs")
    event = offer()
    with factory() as session, session.begin():
        tell_crew_of_offer(session, event)
        assert phone.hears_nothing()
    assert phone.hears() == (
        "crews/C-07/jobs",
        {
            "kind": "offer",
            "assignment_id": str(event.assignment_id),
            "work_order_id": str(event.work_order_id),
            "expires_at": event.expires_at.isoformat(),
        },
    )
    assert other.hears_nothing()


def test_offer_rolled_back_is_never_told(broker: RunningBroker, factory: SessionFactory) -> None:
    broker.admit({"C-07": "secret"})
    phone = broker.phone("C-07")
    phone.subscribe("crews/C-07/jobs")
    with factory() as session:
        tell_crew_of_offer(session, offer())
        session.rollback()
    assert phone.hears_nothing()


def test_notice_takes_a_tenth_of_a_second(broker: RunningBroker, factory: SessionFactory) -> None:
    broker.admit({"C-07": "secret"})
    phone = broker.phone("C-07")
    phone.subscribe("crews/C-07/jobs")
    took = []
    for _ in range(11):
        with factory() as session, session.begin():
            tell_crew_of_offer(session, offer())
        begun = time.monotonic()
        phone.hears()
        took.append(time.monotonic() - begun)
    assert sorted(took)[5] < 0.1, took


def test_repeated_event_tells_once_while_the_first_notice_waits(factory: SessionFactory) -> None:
    event = offer()
    with factory() as session, session.begin():
        tell_crew_of_offer(session, event)
        tell_crew_of_offer(session, event)
        assert session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")) == 1
        session.execute(text("SELECT 1"))  # the refused second one left the transaction usable


def test_phone_is_told_what_was_decided_without_it(broker: RunningBroker, factory: SessionFactory) -> None:
    broker.admit({"C-07": "secret"})
    phone = broker.phone("C-07")
    phone.subscribe("crews/C-07/jobs")
    for state in ("accepted", "en_route", "withdrawn"):
        with factory() as session, session.begin():
            tell_crew_of_change(session, AssignmentChanged(new_id(), new_id(), new_id(), "C-07", state))
    assert phone.hears()[1]["kind"] == "withdrawn"
    assert phone.hears_nothing()


def test_offer_that_ended_meanwhile_is_not_told(broker: RunningBroker, factory: SessionFactory) -> None:
    broker.admit({"C-07": "secret"})
    phone = broker.phone("C-07")
    phone.subscribe("crews/C-07/jobs")
    with factory() as session, session.begin():
        tell_crew_of_offer(session, offer(seconds=-1))
    wait_until(lambda: done(factory, PUBLISH_JOB_NOTICE) == 1)
    assert phone.hears_nothing()


def test_notice_waits_for_a_broker_that_is_away(broker: RunningBroker, factory: SessionFactory) -> None:
    broker.admit({"C-07": "secret"})
    broker.stop()
    with factory() as session, session.begin():
        tell_crew_of_offer(session, offer())
    time.sleep(0.5)
    broker.start()
    phone = broker.phone("C-07")
    phone.subscribe("crews/C-07/jobs")
    assert phone.hears()[1]["kind"] == "offer"


def test_registered_device_is_let_in_and_a_revoked_one_shut_out(
    broker: RunningBroker, factory: SessionFactory
) -> None:
    with factory() as session, session.begin():
        password = register_device(session, crew_id=new_id(), mqtt_username="C-11")
        let_broker_know_devices(session, DeviceCredentialsChanged(new_id()))
        let_broker_know_devices(session, DeviceCredentialsChanged(new_id()))
    wait_until(lambda: done(factory, WRITE_BROKER_CREDENTIALS) == 1)
    assert broker.phone("C-11", password).subscribe("crews/C-11/jobs")
    with factory() as session, session.begin():
        revoke_device(session, mqtt_username="C-11")
        let_broker_know_devices(session, DeviceCredentialsChanged(new_id()))
    wait_until(lambda: done(factory, WRITE_BROKER_CREDENTIALS) == 2)
    assert "C-11" not in broker.broker.passwords.read_text()


def test_unknown_task_waits_for_a_worker_that_knows_it(factory: SessionFactory) -> None:
    with factory() as session, session.begin():
        defer(session, f"{PUBLISH_JOB_NOTICE}_of_tomorrow")
        assert session.scalar(select(func.count()).select_from(text("procrastinate_jobs"))) == 1


def test_jobs_of_a_killed_worker_are_done_by_another(broker: RunningBroker, factory: SessionFactory) -> None:
    broker.admit({"C-07": "secret"})
    phone = broker.phone("C-07")
    phone.subscribe("crews/C-07/jobs")
    event = offer()
    with factory() as session, session.begin():
        tell_crew_of_offer(session, event)
        let_broker_know_devices(session, DeviceCredentialsChanged(new_id()))
        # Taken by a worker that was killed: it never says another word.
        session.execute(text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL"))
        let_broker_know_devices(session, DeviceCredentialsChanged(new_id()))
        session.execute(
            text(
                "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 day' WHERE status = 'todo'"
            )
        )
    give_up = time.monotonic() + 40
    while phone.heard.empty():
        assert time.monotonic() < give_up
        time.sleep(0.1)
    assert phone.hears()[1]["assignment_id"] == str(event.assignment_id)


def test_a_trial_of_triage_that_cannot_be_made_says_why(factory: SessionFactory) -> None:
    with factory() as session, session.begin():
        trial_id = trials.ask(session, {"alarm_odds": 20}, days=30, by=new_id()).id

    def failed() -> bool:
        with factory() as session:
            return trials.get(session, trial_id).state == TrialState.FAILED

    wait_until(failed)
    with factory() as session:
        assert (
            trials.get(session, trial_id).problem == "No network is loaded yet; import one or start the demo."
        )
