"""The whole product, running: web, ingest and worker as processes of their own on a small town, with a real broker."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx
from sqlalchemy.engine import URL

from app.provision import mosquitto
from app.provision.mosquitto import Broker
from app.provision.state import free_port
from core import auth, clock
from core.db import SessionFactory, session_factory, transaction
from tests.town import Town, load_town

PROCESSES = {"web": "app.main", "ingest": "app.ingest", "triage": "app.triage", "worker": "app.worker"}
ROLES = ("agent", "dispatcher", "supervisor", "leader", "administrator")
PASSWORD = "water for everybody"
PATIENCE_S = 120.0
LOG_LINES = 15


@dataclass
class Product:
    """A running product and the means to talk to it and to hurt it."""

    base_url: str
    database_url: str
    mqtt_port: int
    town: Town
    factory: SessionFactory
    environment: Mapping[str, str]
    logs: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def client(self, username: str, password: str = PASSWORD) -> httpx.Client:
        """Log in and return what speaks as that person."""
        client = httpx.Client(base_url=self.base_url, timeout=20)
        answer = client.post("/api/login", json={"username": username, "password": password})
        answer.raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        client.cookies.clear()
        return client

    def start(self, name: str) -> None:
        log: IO[bytes]
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", PROCESSES[name]], env=dict(self.environment), stderr=log, stdout=log
            )

    def kill(self, name: str) -> None:
        """End a process as a power cut would."""
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def stop(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()

    def log_of(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace")


def wait_for(condition: Any, *, what: str, patience_s: float = PATIENCE_S) -> Any:
    """Wait until a callable returns something true, and return that. Any: whatever the condition gives."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        try:
            value = condition()
        except (httpx.TransportError, OSError):
            value = None
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"waited {patience_s} s for {what}")


@contextmanager
def running(database: URL, folder: Path, *, factor: float = 1.0, **settings: str) -> Iterator[Product]:
    """Start the product on an empty, migrated database; ends with everything stopped."""
    database_url = database.render_as_string(hide_password=False)
    factory = session_factory(database_url, pool_size=3)
    with transaction(factory) as session:
        town = load_town(session)
        clock.set_clock(session, kind="test", factor=factor)
        for role in ROLES:
            auth.add_user(session, username=role, password=PASSWORD, role=role, language="en")
    web_port, mqtt_port = free_port(), free_port()
    broker = Broker(folder / "broker")
    service_passwords = {user: secrets.token_hex(8) for user in mosquitto.SERVICE_USERS}
    mosquitto.configure(broker, port=mqtt_port, service_passwords=service_passwords, crews={})
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "MQTT_URL": f"mqtt://ingest:{service_passwords['ingest']}@127.0.0.1:{mqtt_port}",
        "MAINLINE_MQTT_PUBLISHER_URL": f"mqtt://publisher:{service_passwords['publisher']}@127.0.0.1:{mqtt_port}",
        "MAINLINE_BROKER_FOLDER": str(broker.folder),
        "MAINLINE_TOKEN_SECRET": secrets.token_hex(32),
        "MAINLINE_WORKSPACE": "test",
        "MAINLINE_WEB_PORT": str(web_port),
        "MAINLINE_LOGIN_FAILURES_MAX": "1000",
        **settings,
    }
    logs = folder / "logs"
    logs.mkdir()
    account = mosquitto.account()
    broker_process = subprocess.Popen(
        [mosquitto.program(), "-c", str(broker.configuration)],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        **account.popen_arguments(),
    )
    product = Product(
        f"http://127.0.0.1:{web_port}", database_url, mqtt_port, town, factory, environment, logs
    )
    try:
        for name in PROCESSES:
            product.start(name)
        wait_for(lambda: httpx.get(f"{product.base_url}/api/health").is_success, what="the web process")
        yield product
    finally:
        for name in PROCESSES:  # shown only when the test fails
            print(f"--- {name}", *product.log_of(name).splitlines()[-LOG_LINES:], sep="\n")
        product.stop()
        broker_process.terminate()
        broker_process.wait(timeout=10)
