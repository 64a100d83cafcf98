"""A real Mosquitto for a test, and phones that speak to it."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from app.provision import mosquitto
from app.provision.mosquitto import Broker
from app.provision.state import free_port, port_is_free
from tracker.broker_password import mosquitto_hash

SERVICE_PASSWORDS = {"ingest": "ingest-secret", "publisher": "publisher-secret"}
PATIENCE_S = 10.0


def wait_until(condition: Callable[[], object], *, patience_s: float = PATIENCE_S) -> None:
    give_up = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.02)


class Phone:
    """A client of the broker: `publish` returns when the broker has it, `heard` is what it was told."""

    def __init__(
        self, port: int, username: str, password: str, *, last_will: tuple[str, bytes] | None = None
    ) -> None:
        self.heard: Queue[tuple[str, bytes]] = Queue()
        self._up: Queue[bool] = Queue()
        self._subscribed: Queue[bool] = Queue()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.username_pw_set(username, password)
        self.client.max_inflight_messages_set(500)
        if last_will:
            self.client.will_set(*last_will, qos=1)
        self.client.on_connect = lambda _c, _u, _f, code, _p: self._up.put(not code.is_failure)
        self.client.on_subscribe = lambda _c, _u, _m, codes, _p: self._subscribed.put(
            not any(code.is_failure for code in codes)
        )
        self.client.on_message = lambda _c, _u, message: self.heard.put((message.topic, message.payload))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def is_let_in(self) -> bool:
        return self._up.get(timeout=PATIENCE_S)

    def subscribe(self, topic: str) -> bool:
        self.client.subscribe(topic, qos=1)
        return self._subscribed.get(timeout=PATIENCE_S)

    def publish(self, topic: str, payload: object, *, qos: int = 1) -> None:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.client.publish(topic, raw, qos=qos).wait_for_publish(PATIENCE_S)

    def hears(self) -> tuple[str, Any]:
        topic, payload = self.heard.get(timeout=PATIENCE_S)
        return topic, json.loads(payload)

    def hears_nothing(self, *, for_s: float = 0.3) -> bool:
        try:
            self.heard.get(timeout=for_s)
        except Empty:
            return True
        return False

    def cut(self) -> None:
        """Lose the connection as a phone in a tunnel does: without a word."""
        socket = self.client.socket()
        self.client.loop_stop()
        if socket is not None:
            socket.close()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@dataclass
class RunningBroker:
    """A broker process, where it listens, and who may speak to it."""

    broker: Broker
    port: int
    process: "subprocess.Popen[bytes] | None" = None
    phones: list[Phone] = field(default_factory=list)

    def url(self, user: str) -> str:
        return f"mqtt://{user}:{SERVICE_PASSWORDS[user]}@127.0.0.1:{self.port}"

    def admit(self, passwords: Mapping[str, str]) -> None:
        """Let these crews in, and only these."""
        mosquitto.write_credentials(
            self.broker, {user: mosquitto_hash(password) for user, password in passwords.items()}
        )
        time.sleep(0.2)  # the signal is handled between two turns of the broker's loop

    def phone(self, username: str, password: str = "secret", **details: Any) -> Phone:
        """Connect a phone, and wait until the broker lets it in."""
        phone = Phone(self.port, username, password, **details)
        self.phones.append(phone)
        while not phone.is_let_in():
            pass  # it tries again by itself
        return phone

    def start(self) -> None:
        self.process = subprocess.Popen(
            [mosquitto.program(), "-c", str(self.broker.configuration)],
            stderr=subprocess.DEVNULL,
            **mosquitto.account().popen_arguments(),
        )
        wait_until(lambda: not port_is_free(self.port))

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(PATIENCE_S)


@contextmanager
def running_broker() -> Iterator[RunningBroker]:
    # Not pytest's tmp_path: its parents are closed to the user the broker runs as.
    with TemporaryDirectory(prefix="mainline-broker-") as name:
        Path(name).chmod(0o711)
        running = RunningBroker(Broker(Path(name) / "mosquitto"), free_port())
        mosquitto.configure(running.broker, port=running.port, service_passwords=SERVICE_PASSWORDS)
        running.start()
        try:
            yield running
        finally:
            for phone in running.phones:
                phone.close()
            running.stop()


@pytest.fixture
def broker() -> Iterator[RunningBroker]:
    """A broker of the test's own: shared subscriptions outlive their clients, so tests must not share one."""
    with running_broker() as running:
        yield running
