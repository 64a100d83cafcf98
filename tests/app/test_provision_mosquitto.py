"""The private broker, driven with a real Mosquitto."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Queue

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from app.provision import mosquitto
from app.provision.mosquitto import Broker
from app.provision.state import free_port, port_is_free
from tests.app.provisioning import PATIENCE_S, reachable_folder, wait_until
from tracker.broker_password import mosquitto_hash

PASSWORDS = {"ingest": "ingest-secret", "publisher": "publisher-secret"}


class RunningBroker:
    """A broker process and where it listens."""

    def __init__(self, broker: Broker, port: int) -> None:
        self.broker = broker
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [mosquitto.program(), "-c", str(self.broker.configuration)],
            stderr=subprocess.DEVNULL,
            **mosquitto.account().popen_arguments(),
        )
        wait_until(lambda: not port_is_free(self.port))

    def stop(self, *, kill: bool = False) -> None:
        assert self.process is not None
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        self.process.wait(PATIENCE_S)


@pytest.fixture
def running() -> Iterator[RunningBroker]:
    with reachable_folder() as folder:
        running = RunningBroker(Broker(folder / "mosquitto"), free_port())
        mosquitto.configure(running.broker, port=running.port, service_passwords=PASSWORDS, crews={})
        running.start()
        yield running
        running.stop()


@contextmanager
def client(
    running: RunningBroker, user: str, password: str, *, client_id: str = "", expiry_s: int = 0
) -> Iterator[tuple[mqtt.Client, "Queue[tuple[str, object]]"]]:
    """Connect; what happens (connected, received, published) arrives on the queue."""
    happened: Queue[tuple[str, object]] = Queue()
    connection = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5)
    connection.username_pw_set(user, password)
    connection.on_connect = lambda _c, _u, flags, code, _p: happened.put(
        ("connected", (str(code), flags.session_present))
    )
    connection.on_message = lambda _c, _u, message: happened.put(
        ("message", (message.topic, message.payload))
    )
    connection.on_publish = lambda _c, _u, _mid, code, _p: happened.put(("published", str(code)))
    connection.on_subscribe = lambda _c, _u, _mid, codes, _p: happened.put(
        ("subscribed", [str(code) for code in codes])
    )
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = expiry_s
    connection.connect("127.0.0.1", running.port, clean_start=expiry_s == 0, properties=properties)
    connection.loop_start()
    try:
        yield connection, happened
    finally:
        with suppress(RuntimeError):
            connection.disconnect()
        connection.loop_stop()


def next_of(happened: "Queue[tuple[str, object]]", kind: str) -> object:
    give_up = time.monotonic() + PATIENCE_S
    while True:
        found, what = happened.get(timeout=max(0.01, give_up - time.monotonic()))
        if found == kind:
            return what


def test_hash_is_the_one_the_broker_computes(running: RunningBroker) -> None:
    mosquitto.write_credentials(running.broker, {"C-07": mosquitto_hash("right")})
    time.sleep(0.2)  # the signal is handled between two turns of the broker's loop
    with client(running, "C-07", "right") as (_, happened):
        assert next_of(happened, "connected") == ("Success", False)
    with client(running, "C-07", "wrong") as (_, happened):
        assert next_of(happened, "connected") == ("Not authorized", False)
    with client(running, "ingest", PASSWORDS["ingest"]) as (_, happened):
        assert next_of(happened, "connected") == ("Success", False)


def test_nobody_connects_without_a_name(running: RunningBroker) -> None:
    with client(running, "", "") as (_, happened):
        assert next_of(happened, "connected") == ("Not authorized", False)


def test_crew_speaks_only_under_its_own_name(running: RunningBroker) -> None:
    mosquitto.write_credentials(running.broker, {"C-07": mosquitto_hash("x"), "C-08": mosquitto_hash("x")})
    time.sleep(0.2)
    with (
        client(running, "ingest", PASSWORDS["ingest"]) as (ingest, heard),
        client(running, "C-07", "x") as (crew, happened),
    ):
        next_of(heard, "connected")
        ingest.subscribe("owntracks/#", qos=1)
        next_of(heard, "subscribed")
        next_of(happened, "connected")
        crew.publish("owntracks/C-08/phone", b"foreign", qos=1)
        assert next_of(happened, "published") == "Not authorized"
        crew.publish("owntracks/C-07/phone", b"own", qos=1)
        assert next_of(happened, "published") == "Success"
        assert next_of(heard, "message") == ("owntracks/C-07/phone", b"own")


def test_crew_hears_only_its_own_jobs(running: RunningBroker) -> None:
    mosquitto.write_credentials(running.broker, {"C-07": mosquitto_hash("x")})
    time.sleep(0.2)
    with (
        client(running, "C-07", "x") as (crew, heard),
        client(running, "publisher", PASSWORDS["publisher"]) as (publisher, happened),
    ):
        next_of(heard, "connected")
        crew.subscribe(
            [
                ("crews/C-07/jobs", mqtt.SubscribeOptions(qos=1)),
                ("crews/C-08/jobs", mqtt.SubscribeOptions(qos=1)),
            ]
        )
        next_of(heard, "subscribed")
        next_of(happened, "connected")
        publisher.publish("crews/C-08/jobs", b"foreign", qos=1)
        publisher.publish("crews/C-07/jobs", b"own", qos=1)
        assert next_of(heard, "message") == ("crews/C-07/jobs", b"own")
        with pytest.raises(Empty):
            heard.get(timeout=0.2)


def test_crew_left_out_is_shut_out(running: RunningBroker) -> None:
    mosquitto.write_credentials(running.broker, {"C-07": mosquitto_hash("x")})
    mosquitto.write_credentials(running.broker, {"C-08": mosquitto_hash("x")})
    time.sleep(0.2)
    with client(running, "C-07", "x") as (_, happened):
        assert next_of(happened, "connected") == ("Not authorized", False)


@pytest.mark.parametrize("name", ["C/07", "C+7", "#", "a:b", "two words", "", "ingest"])
def test_name_that_means_something_to_the_broker_is_refused(running: RunningBroker, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a broker's user name"):
        mosquitto.write_credentials(running.broker, {name: mosquitto_hash("x")})


def test_more_than_the_brokers_default_queue_waits_for_an_absent_ingest_over_a_restart(
    running: RunningBroker,
) -> None:
    ingest = {"client_id": "ingest-1", "expiry_s": 3600}
    with client(running, "ingest", PASSWORDS["ingest"], **ingest) as (reader, heard):
        next_of(heard, "connected")
        reader.subscribe("owntracks/#", qos=1)
        next_of(heard, "subscribed")
    with client(running, "publisher", PASSWORDS["publisher"]) as (phone, happened):
        next_of(happened, "connected")
        for number in range(1500):  # Mosquitto's own limit is 1000
            phone.publish("owntracks/C-07/phone", str(number).encode(), qos=1)
        assert [next_of(happened, "published") for _ in range(1500)] == ["Success"] * 1500
    running.stop()
    running.start()
    with client(running, "ingest", PASSWORDS["ingest"], **ingest) as (_, heard):
        assert next_of(heard, "connected") == ("Success", True)
        received = [next_of(heard, "message") for _ in range(1500)]
    assert received == [("owntracks/C-07/phone", str(number).encode()) for number in range(1500)]


def test_reload_never_signals_a_stranger(running: RunningBroker) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        running.broker.pid_file.write_text(f"{stranger.pid}\n")
        assert mosquitto.reload(running.broker) is False
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
