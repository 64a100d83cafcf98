"""The ingest process against a real Mosquitto and a real PostGIS, killed and cut off."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.engine import URL

from core.clock import utc_now
from core.db import SessionFactory, new_id
from tests.brokers import RunningBroker, wait_until
from tests.conftest import make_settings
from tracker.devices import register_device
from tracker.models import DroppedMessage, Position, Presence
from tracker.positions import latest_position

TOPIC = "owntracks/C-07/phone"
Start = Callable[..., "subprocess.Popen[bytes]"]


FIRST = int((utc_now() - timedelta(hours=3)).timestamp())


def location(second: int, **more: object) -> dict[str, object]:
    """A fix made `second` seconds after the first: each second its own row, all of them past."""
    return {"_type": "location", "lat": 60.17, "lon": 24.94, "tst": FIRST + second, **more}


@pytest.fixture
def crew_id(factory: SessionFactory) -> UUID:
    crew_id = new_id()
    with factory() as session, session.begin():
        register_device(session, crew_id=crew_id, mqtt_username="C-07")
    return crew_id


@pytest.fixture
def start(broker: RunningBroker, cloned_database: URL, crew_id: UUID) -> Iterator[Start]:
    """Starts ingest processes on the test's broker and database; C-07's phone may speak."""
    broker.admit({"C-07": "secret", "C-08": "secret"})
    environment = os.environ | {
        "DATABASE_URL": cloned_database.render_as_string(hide_password=False),
        "MQTT_URL": broker.url("ingest"),
        "MAINLINE_TOKEN_SECRET": make_settings(cloned_database).token_secret.get_secret_value(),
        "MAINLINE_INGEST_BATCH_ROWS": "200",
    }
    started: list[subprocess.Popen[bytes]] = []

    def start(**settings: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "-m", "app.ingest"], env=environment | settings, stderr=subprocess.PIPE
        )
        started.append(process)
        assert process.stderr is not None
        while True:
            line = process.stderr.readline()
            assert line, "ingest ended"
            if b"ingest.subscribed" in line:
                break
        os.set_blocking(process.stderr.fileno(), False)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stderr is not None
        sys.stderr.buffer.write(process.stderr.read() or b"")  # shown when a test fails
        process.stderr.close()


def stored(factory: SessionFactory) -> int:
    with factory() as session:
        return session.scalar(select(func.count()).select_from(Position)) or 0


def drops(factory: SessionFactory) -> dict[str, int]:
    with factory() as session:
        return dict(session.execute(select(DroppedMessage.reason, DroppedMessage.count)).all())


def presence(factory: SessionFactory, crew_id: UUID) -> str | None:
    with factory() as session:
        return session.scalar(select(Presence.state).where(Presence.crew_id == crew_id))


def test_position_of_a_phone_is_stored_and_the_connection_cut_takes_it_offline(
    start: Start,
    broker: RunningBroker,
    factory: SessionFactory,
    crew_id: UUID,
) -> None:
    start()
    phone = broker.phone("C-07", last_will=(TOPIC, b'{"_type":"lwt","tst":1}'))
    now = int(utc_now().timestamp())
    phone.publish(TOPIC, {"_type": "location", "lat": 60.17, "lon": 24.94, "tst": now, "vel": 36})
    wait_until(lambda: presence(factory, crew_id) == "online")
    with factory() as session:
        position = latest_position(session, crew_id)
    assert position is not None
    assert position.speed_mps == 10.0
    time.sleep(1.1)  # the fix must be older than the loss
    phone.cut()
    wait_until(lambda: presence(factory, crew_id) == "offline")


def test_what_cannot_be_taken_is_counted_and_the_rest_goes_on(
    start: Start,
    broker: RunningBroker,
    factory: SessionFactory,
) -> None:
    start()
    phone, stranger = broker.phone("C-07"), broker.phone("C-08")
    phone.publish(TOPIC, b"\x00\x01 no json")
    phone.publish("owntracks/C-07/phone/much/too/deep", location(1))
    phone.publish("owntracks/C-07", location(1))
    phone.publish(TOPIC, b"{" + b" " * 100_000 + b"}")
    phone.publish(TOPIC, location(2, lon=999))
    stranger.publish("owntracks/C-08/phone", location(3))  # the broker knows it, no crew does
    phone.publish(TOPIC, location(4))
    phone.publish(TOPIC, location(5), qos=0)
    wait_until(lambda: stored(factory) == 2)
    wait_until(lambda: sum(drops(factory).values()) == 6)
    assert drops(factory) == {
        "not_json": 1,
        "wrong_topic": 2,
        "oversize": 1,
        "out_of_range": 1,
        "unknown_crew": 1,
    }


def test_crew_cannot_speak_as_another_nor_hear_its_jobs(
    start: Start,
    broker: RunningBroker,
    factory: SessionFactory,
) -> None:
    start()
    stranger, publisher = broker.phone("C-08"), broker.phone("publisher", "publisher-secret")
    stranger.publish(TOPIC, location(1))
    stranger.publish("elsewhere", location(2))
    stranger.subscribe("crews/C-07/jobs")
    stranger.subscribe("owntracks/#")
    publisher.publish("crews/C-07/jobs", {"kind": "offer"})
    broker.phone("C-07").publish(TOPIC, location(3))
    wait_until(lambda: stored(factory) == 1)
    assert stranger.hears_nothing()
    assert drops(factory) == {}


def test_what_was_published_while_ingest_was_down_arrives(
    start: Start,
    broker: RunningBroker,
    factory: SessionFactory,
) -> None:
    ingest = start()
    phone = broker.phone("C-07")
    phone.publish(TOPIC, location(0))
    wait_until(lambda: stored(factory) == 1)
    ingest.terminate()
    assert ingest.wait(5) == 0
    for second in range(1, 301):
        phone.publish(TOPIC, location(second))
    assert stored(factory) == 1
    start()
    wait_until(lambda: stored(factory) == 301)


def test_killed_again_and_again_in_the_middle_of_a_stream_it_loses_nothing(
    start: Start,
    broker: RunningBroker,
    factory: SessionFactory,
) -> None:
    start().kill()
    phone = broker.phone("C-07")
    published = 0
    for _ in range(4):
        ingest = start()
        before = published
        sent = [phone.client.publish(TOPIC, json.dumps(location(before + i)), qos=1) for i in range(700)]
        published += len(sent)
        give_up = time.monotonic() + 10
        while stored(factory) <= before:
            assert time.monotonic() < give_up
        os.kill(ingest.pid, signal.SIGKILL)
        for one in sent:
            one.wait_for_publish(10)  # the broker has told the phone that each is safe
    start()
    wait_until(lambda: stored(factory) == published, patience_s=30)
    time.sleep(0.5)
    assert (stored(factory), drops(factory)) == (published, {})


def test_with_the_database_away_messages_wait_and_are_stored_when_it_is_back(
    start: Start,
    broker: RunningBroker,
    factory: SessionFactory,
    cloned_database: URL,
) -> None:
    start()
    phone = broker.phone("C-07")
    phone.publish(TOPIC, location(0))
    wait_until(lambda: stored(factory) == 1)
    with factory() as session, session.begin():
        session.execute(text("ALTER TABLE tracker.position RENAME TO position_away"))
    for second in range(1, 1001):
        phone.client.publish(TOPIC, json.dumps(location(second)), qos=1)
    time.sleep(1.5)
    with factory() as session, session.begin():
        session.execute(text("ALTER TABLE tracker.position_away RENAME TO position"))
    wait_until(lambda: stored(factory) == 1001, patience_s=20)
    assert drops(factory) == {}


def test_heart_beats_only_while_it_listens(start: Start, broker: RunningBroker, tmp_path: Path) -> None:
    start(MAINLINE_RUN_DIR=str(tmp_path))
    heartbeat = tmp_path / "ingest.heartbeat"
    wait_until(heartbeat.exists)
    first = heartbeat.stat().st_mtime_ns
    wait_until(lambda: heartbeat.stat().st_mtime_ns > first)
    broker.stop()
    time.sleep(0.5)
    last = heartbeat.stat().st_mtime_ns
    time.sleep(2.5)
    assert heartbeat.stat().st_mtime_ns == last
    broker.start()
    wait_until(lambda: heartbeat.stat().st_mtime_ns > last)


def test_broker_started_again_is_found_again(
    start: Start,
    broker: RunningBroker,
    factory: SessionFactory,
) -> None:
    start()
    broker.phone("C-07").publish(TOPIC, location(0))
    wait_until(lambda: stored(factory) == 1)
    broker.stop()
    broker.start()
    broker.phone("C-07").publish(TOPIC, location(1))
    wait_until(lambda: stored(factory) == 2, patience_s=20)


def test_several_ingests_divide_the_work(
    start: Start,
    broker: RunningBroker,
    factory: SessionFactory,
) -> None:
    first, second = (
        start(MAINLINE_INGEST_SHARE_GROUP="ingest", MAINLINE_INGEST_CLIENT_ID=name) for name in ("one", "two")
    )
    phone = broker.phone("C-07")
    for number in range(400):
        phone.client.publish(TOPIC, json.dumps(location(number)), qos=1)
    wait_until(lambda: stored(factory) == 400)
    tallies = []
    for process in (first, second):
        process.terminate()
        assert process.wait(5) == 0
        assert process.stderr is not None
        told = [json.loads(line) for line in process.stderr.read().splitlines()]
        tallies.append(sum(line["stored"] for line in told if line["event"] == "ingest.messages_taken"))
    assert sum(tallies) == 400
    assert min(tallies) > 0


@pytest.mark.slow
def test_it_keeps_up_with_2000_positions_a_second(
    start: Start,
    broker: RunningBroker,
    factory: SessionFactory,
) -> None:
    ingest = start()
    phone = broker.phone("C-07")
    phone.publish(TOPIC, location(0))
    wait_until(lambda: stored(factory) == 1)
    ingest.terminate()
    ingest.wait(5)
    last = [phone.client.publish(TOPIC, json.dumps(location(i)), qos=1) for i in range(1, 6001)][-1]
    last.wait_for_publish(60)
    ingest = start(MAINLINE_INGEST_BATCH_ROWS="1000")
    cpu, begun = cpu_s(ingest.pid), time.monotonic()
    wait_until(lambda: stored(factory) == 6001, patience_s=60)
    # By its own processor time, so that neighbours on the machine do not decide.
    spent = cpu_s(ingest.pid) - cpu
    print(f"{6000 / spent:.0f} positions a CPU second, {6000 / (time.monotonic() - begun):.0f} a second")
    assert 6000 / spent > 2000


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
