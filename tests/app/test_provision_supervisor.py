"""The supervisor: what ends is started again, and everything ends with it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.provision import processes, supervisor
from app.provision.processes import ProcessRecord
from app.provision.supervisor import Service, Supervisor
from tests.app.provisioning import wait_until

SLEEP = ("sleep", "60")


class RunningSupervisor:
    """A supervisor turning in a thread."""

    def __init__(self, services: list[Service], folder: Path) -> None:
        self.logs, self.run = folder / "logs", folder / "run"
        for path in (self.logs, self.run):
            path.mkdir(exist_ok=True)
        self.supervisor = Supervisor(services, logs=self.logs, run=self.run)
        self.thread = threading.Thread(target=self.supervisor.run)

    def start(self) -> None:
        self.thread.start()

    def end(self) -> None:
        self.supervisor.end()
        self.thread.join(20)
        assert not self.thread.is_alive()

    def record(self, name: str) -> ProcessRecord:
        found: list[ProcessRecord] = []

        def runs() -> bool:
            entry = processes.running(self.run, name)
            if entry is not None:
                found.append(entry)
            return entry is not None

        wait_until(runs)
        return found[0]


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[RunningSupervisor]:
    running = RunningSupervisor([Service("first", SLEEP), Service("second", SLEEP)], tmp_path)
    running.start()
    yield running
    running.end()


def test_killed_process_is_started_again_and_the_others_are_left_alone(supervised: RunningSupervisor) -> None:
    first, second = supervised.record("first"), supervised.record("second")
    os.kill(first.pid, signal.SIGKILL)
    wait_until(lambda: supervised.record("first").pid != first.pid)
    assert supervised.record("first").restarts == 1
    assert supervised.record("second") == second


def test_all_end_with_the_supervisor(tmp_path: Path) -> None:
    running = RunningSupervisor([Service("first", SLEEP), Service("second", SLEEP)], tmp_path)
    running.start()
    entries = [running.record("first"), running.record("second")]
    running.end()
    assert [processes.is_alive(entry) for entry in entries] == [False, False]
    assert processes.names(running.run) == []


def test_broker_ends_after_the_processes_that_use_it(tmp_path: Path) -> None:
    note = tmp_path / "ends"
    say = "trap 'echo {0} >> {1}; exit' TERM; echo ready; while :; do sleep 0.05; done"
    services = [
        Service(name, ("sh", "-c", say.format(name, note))) for name in (supervisor.BROKER, "web", "worker")
    ]
    running = RunningSupervisor(services, tmp_path)
    running.start()
    wait_until(lambda: all((running.logs / f"{service.name}.log").exists() for service in services))
    wait_until(lambda: all((running.logs / f"{service.name}.log").read_text() for service in services))
    running.end()
    assert note.read_text().split()[-1] == supervisor.BROKER
    assert sorted(note.read_text().split()) == ["mosquitto", "web", "worker"]


def test_what_a_killed_supervisor_left_is_ended_first(tmp_path: Path) -> None:
    running = RunningSupervisor([Service("web", SLEEP)], tmp_path)
    orphan = subprocess.Popen(SLEEP)
    processes.record(running.run, "web", orphan.pid)
    running.start()
    try:
        assert orphan.wait(10) == -signal.SIGTERM
        wait_until(lambda: running.record("web").pid != orphan.pid)
    finally:
        running.end()


def test_process_that_keeps_ending_is_started_later_and_later(tmp_path: Path) -> None:
    assert [supervisor.restart_delay_s(failures) for failures in (0, 1, 2, 5, 100)] == [
        0.2,
        0.4,
        0.8,
        6.4,
        30.0,
    ]
    running = RunningSupervisor(
        [Service("broken", (sys.executable, "-c", "print('broken'); raise SystemExit(1)"))], tmp_path
    )
    running.start()
    log = running.logs / "broken.log"
    wait_until(lambda: log.exists() and log.read_text().count("broken") >= 2)
    running.end()
    assert log.read_text().count("broken") <= 4


def test_program_that_is_missing_does_not_stop_the_others(tmp_path: Path) -> None:
    running = RunningSupervisor([Service("missing", ("/no/such/program",)), Service("web", SLEEP)], tmp_path)
    running.start()
    assert running.record("web").restarts == 0
    running.end()


def test_log_is_turned_over_in_place(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("ab", buffering=0) as writer:
        for number in range(5):
            writer.write(f"{number}".encode() * 100)
            supervisor.turn_over_logs(tmp_path, bytes_max=50, kept=3)
            assert log.stat().st_size == 0
        writer.write(b"new\n")
    assert log.read_bytes() == b"new\n"
    assert [(tmp_path / f"web.log.{number}").read_bytes()[:1] for number in (1, 2, 3)] == [b"4", b"3", b"2"]
    assert not (tmp_path / "web.log.4").exists()
