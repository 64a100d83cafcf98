"""Keeps a workspace's processes alive: `python -m app.provision.supervisor --workspace NAME`.

A process that ends is started again, at once the first time and later and later while it keeps ending. Their output goes
straight to files, so that the processes live on if the supervisor is killed; the next one ends what it finds and starts anew.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from app.provision import cluster, mosquitto, processes
from app.provision.accounts import Account
from app.provision.cluster import Cluster
from app.provision.errors import ProvisionError
from app.provision.mosquitto import Broker
from app.provision.state import CHECKOUT, State, WorkspaceFolder, locate_state, locked_if_free
from app.provision.stopping import BROKER_PATIENCE_S, PROCESS_PATIENCE_S, SUPERVISOR

BROKER = "mosquitto"
PYTHON_PROCESSES = (
    ("web", "app.main"),
    ("ingest", "app.ingest"),
    ("triage", "app.triage"),
    ("worker", "app.worker"),
)

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 30.0
STEADY_AFTER_S = 30.0
"""A process that ran this long is not failing to start; its next restart is immediate again."""
TURN_S = 0.2
CHORES_EVERY_S = 2.0
LOG_BYTES_MAX = 10_000_000
LOGS_KEPT = 3


@dataclass(frozen=True, slots=True)
class Service:
    """One process to keep alive.

    Parameters
    ----------
    account
        Who it runs as; ourselves when None.
    environment
        Its whole environment; ours when None.
    wait_for_port
        Later services start only once it listens on `port`.
    """

    name: str
    command: tuple[str, ...]
    port: int | None = None
    account: Account | None = None
    environment: dict[str, str] | None = None
    wait_for_port: bool = False


@dataclass(slots=True)
class _Child:
    service: Service
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    restarts: int = -1
    failures: int = 0
    start_at: float = field(default_factory=time.monotonic)


def restart_delay_s(failures: int) -> float:
    """How long to wait before a process is started again after `failures` short runs."""
    return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(failures, 16))


def workspace_services(folder: WorkspaceFolder, environment: dict[str, str]) -> list[Service]:
    """List the processes of a workspace, in the order in which they start.

    Parameters
    ----------
    environment
        As made by `workspaces.process_environment`; with `MAINLINE_BROKER_FOLDER`, the broker is ours to run.
    """
    services = []
    if environment.get("MAINLINE_BROKER_FOLDER"):
        services.append(
            Service(
                BROKER,
                (mosquitto.program(), "-c", str(Broker(folder.broker).configuration)),
                port=int(environment["MAINLINE_MQTT_PORT"]),
                account=mosquitto.account(),
                environment={"PATH": environment.get("PATH", "")},
                wait_for_port=True,
            )
        )
    for name, module in PYTHON_PROCESSES:
        port = int(environment["MAINLINE_WEB_PORT"]) if name == "web" else None
        services.append(
            Service(name, (sys.executable, "-P", "-m", module), port=port, environment=environment)
        )
    return services


class Supervisor:
    """Starts services, starts them again, and ends them all when asked to.

    Parameters
    ----------
    logs, run
        Folders of logs and of process records.
    private_cluster
        The database server to start again should it be killed; None when it is not ours.
    """

    def __init__(
        self,
        services: Sequence[Service],
        *,
        logs: Path,
        run: Path,
        state: State | None = None,
        private_cluster: Cluster | None = None,
    ) -> None:
        self._children = [_Child(service) for service in services]
        self._logs = logs
        self._run = run
        self._state = state
        self._cluster = private_cluster
        self._ending = False
        self._chores_at = 0.0

    def end(self) -> None:
        """Ask the loop to end; safe in a signal handler."""
        self._ending = True

    def run(self) -> None:
        """Keep the services alive until asked to end, then end them in the order that loses nothing."""
        self._end_leftovers()
        try:
            while not self._ending:
                for child in self._children:
                    self._attend(child)
                if time.monotonic() >= self._chores_at:
                    self._chores_at = time.monotonic() + CHORES_EVERY_S
                    turn_over_logs(self._logs)
                    self._keep_cluster()
                time.sleep(TURN_S)
        finally:
            self._end_all()

    def _attend(self, child: _Child) -> None:
        if child.process is not None:
            status = child.process.poll()
            if status is None:
                return
            ran_s = time.monotonic() - child.started
            child.failures = 0 if ran_s >= STEADY_AFTER_S else child.failures + 1
            delay_s = restart_delay_s(child.failures)
            log(
                "process_ended",
                name=child.service.name,
                status=status,
                ran_s=round(ran_s, 1),
                restart_in_s=delay_s,
            )
            child.process = None
            child.start_at = time.monotonic() + delay_s
        if time.monotonic() >= child.start_at:
            self._start(child)

    def _start(self, child: _Child) -> None:
        service = child.service
        child.restarts += 1
        child.started = time.monotonic()
        arguments = service.account.popen_arguments() if service.account else {}
        with (self._logs / f"{service.name}.log").open("ab") as output:
            try:
                child.process = subprocess.Popen(
                    service.command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=CHECKOUT if service.account is None else "/",
                    env=service.environment,
                    **arguments,
                )
            except OSError as error:
                child.failures += 1
                child.start_at = time.monotonic() + restart_delay_s(child.failures)
                log("process_not_started", name=service.name, error=str(error))
                return
        processes.record(
            self._run, service.name, child.process.pid, port=service.port, restarts=child.restarts
        )
        log("process_started", name=service.name, pid=child.process.pid, restarts=child.restarts)
        if service.wait_for_port and service.port is not None:
            _wait_for_port(service.port, child.process)

    def _keep_cluster(self) -> None:
        if (
            self._state is None
            or self._cluster is None
            or cluster.server_started_at(self._cluster) is not None
        ):
            return
        with locked_if_free(self._state) as held:
            if not held:
                return  # somebody is starting or stopping it
            log("cluster_found_dead")
            try:
                cluster.ensure_running(self._cluster)
            except ProvisionError as error:
                log("cluster_not_started", error=str(error))

    def _end_leftovers(self) -> None:
        """End what an earlier, killed supervisor left running."""
        for name in processes.names(self._run):
            entry = processes.running(self._run, name)
            if entry is not None and entry.pid != os.getpid():
                log("leftover_ended", name=name, pid=entry.pid)
                processes.end(entry, patience_s=PROCESS_PATIENCE_S)

    def _end_all(self) -> None:
        """End the processes together, and the broker after them: it holds what they have not taken."""
        brokers = [child for child in self._children if child.service.name == BROKER]
        others = [child for child in self._children if child.service.name != BROKER]
        for group, patience_s in ((others, PROCESS_PATIENCE_S), (brokers, BROKER_PATIENCE_S)):
            living = [
                child.process for child in group if child.process is not None and child.process.poll() is None
            ]
            for process in living:
                process.terminate()
            give_up = time.monotonic() + patience_s
            for process in living:
                try:
                    process.wait(max(0.0, give_up - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        for child in self._children:
            processes.forget(self._run, child.service.name)
            log("process_stopped", name=child.service.name)


def _wait_for_port(
    port: int, process: subprocess.Popen[bytes], *, patience_s: float = BROKER_PATIENCE_S
) -> None:
    give_up = time.monotonic() + patience_s
    while process.poll() is None and time.monotonic() < give_up:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)


def turn_over_logs(folder: Path, *, bytes_max: int = LOG_BYTES_MAX, kept: int = LOGS_KEPT) -> None:
    """Copy a log that has grown aside and empty it.

    The processes append to an open file, so it is emptied in place; a line written between the two steps is lost.
    """
    for path in folder.glob("*.log"):
        if path.stat().st_size <= bytes_max:
            continue
        for number in range(kept - 1, 0, -1):
            older = path.with_name(f"{path.name}.{number}")
            if older.exists():
                older.replace(path.with_name(f"{path.name}.{number + 1}"))
        shutil.copyfile(path, path.with_name(f"{path.name}.1"))
        os.truncate(path, 0)


def log(event: str, **values: object) -> None:
    """Write one line about what the supervisor did."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    rest = " ".join(f"{key}={value}" for key, value in values.items())
    sys.stderr.write(f"{now} supervisor.{event} {rest}\n")
    sys.stderr.flush()


def main(arguments: Sequence[str]) -> int:
    """Supervise one workspace with the environment the launcher prepared."""
    parser = argparse.ArgumentParser(prog="python -m app.provision.supervisor")
    parser.add_argument("--workspace", required=True)
    parser.add_argument(
        "--fingerprint", default="", help="what the launcher started us with, to tell when it has changed"
    )
    options = parser.parse_args(arguments)
    state = locate_state()
    folder = state.workspace(options.workspace)
    environment = dict(os.environ)
    supervisor = Supervisor(
        workspace_services(folder, environment),
        logs=folder.logs,
        run=folder.run,
        state=state,
        private_cluster=cluster.main_cluster(state) if environment.get("MAINLINE_PRIVATE_CLUSTER") else None,
    )
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda _sign, _frame: supervisor.end())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    processes.record(folder.run, SUPERVISOR, os.getpid(), fingerprint=options.fingerprint)
    try:
        supervisor.run()
    finally:
        processes.forget(folder.run, SUPERVISOR)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
