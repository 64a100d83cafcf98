"""A workspace brought up whole: its database, broker, pages and processes; and taken down again."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.provision import (
    cluster,
    health,
    logs,
    migrations,
    mosquitto,
    postgres,
    processes,
    seeds,
    servers,
    stopping,
    web_build,
    workspace_settings,
)
from app.provision.errors import ProvisionError
from app.provision.mosquitto import Broker
from app.provision.progress import step, tell
from app.provision.state import CHECKOUT, State, WorkspaceFolder, locked, open_state, port_is_free
from core.db import session_factory, transaction
from tracker.queries import broker_users

START_PATIENCE_S = 300.0
"""Generous: on a busy machine three processes take a minute to import what they use."""
FAILED_STARTS_MAX = 4
"""So often the web process may end while it starts before we stop waiting and show why."""

_CODE = ("core", "gis", "hotline", "tracker", "dispatch", "fieldapp_api", "maps", "app", "migrations")
_NOT_IN_FINGERPRINT = ("MAINLINE_TEST_", "MAINLINE_DATA", "MAINLINE_STATE")


@dataclass(frozen=True, slots=True)
class RunningWorkspace:
    """A workspace whose processes run.

    Parameters
    ----------
    database_url
        For SQLAlchemy, as the product's own role.
    mqtt_url, mqtt_publisher_url
        The broker for ingest and for the process that writes to crews; secrets inside.
    broker
        The private broker's folder; None when the broker is kept by others.
    web_url
        Where the pages and the API answer.
    environment
        What the processes were started with: for a further process of the same workspace.
    """

    folder: WorkspaceFolder
    database_url: str = field(repr=False)
    mqtt_url: str = field(repr=False)
    mqtt_publisher_url: str = field(repr=False)
    broker: Broker | None
    web_url: str
    environment: Mapping[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        """Name of the workspace."""
        return self.folder.name


def ensure_up(
    name: str, *, env_extra: Mapping[str, str] | None = None, build_web: bool = True, wait: bool = True
) -> RunningWorkspace:
    """Bring a workspace up: make what is missing, start what is down, restart what runs with other code or settings.

    Parameters
    ----------
    env_extra
        Further settings for the processes (`MAINLINE_…`); they come before the environment and settings.env.
    build_web
        Build the pages if these sources were not built before.
    wait
        Return only once the web process answers.

    Raises
    ------
    ServerUnreachable
        `DATABASE_URL` or `MQTT_URL` names a server that does not answer.
    ProvisionError
        Something is missing, a port is taken, or the processes do not start.
    """
    state = open_state()
    folder = state.workspace(name)
    with locked(state):
        settings = workspace_settings.ensure(state, folder)
        database_url = database_address(state, folder, settings)
        pages = web_build.ensure(state) if build_web else _built_pages(state)
        environment = process_environment(
            state, folder, settings, database_url=database_url, pages=pages, extra=env_extra or {}
        )
        if not environment.get("MAINLINE_BROKER_FOLDER"):
            servers.check_broker(environment["MQTT_URL"])
        mark = _fingerprint(environment)
        if not _runs_as(folder, mark):
            stop_processes(name)
            _check_ports(folder, environment)
            bring_up_to_date(database_url)
            if environment.get("MAINLINE_BROKER_FOLDER"):
                configure_broker(Broker(folder.broker), settings, database_url=database_url)
            _start_supervisor(folder, environment, mark)
        running = RunningWorkspace(
            folder,
            database_url,
            environment["MQTT_URL"],
            environment["MAINLINE_MQTT_PUBLISHER_URL"],
            Broker(folder.broker) if environment.get("MAINLINE_BROKER_FOLDER") else None,
            health.web_url(environment),
            environment,
        )
        if wait:
            _wait_until_healthy(running)
    return running


def ensure_database(name: str) -> str:
    """Make a workspace's database, with the schema of this checkout, and return its address; starts no process of ours."""
    state = open_state()
    folder = state.workspace(name)
    with locked(state):
        settings = workspace_settings.ensure(state, folder)
        database_url = database_address(state, folder, settings)
        bring_up_to_date(database_url)
    return database_url


def stop_processes(name: str) -> bool:
    """End a workspace's supervisor and with it its processes; tell whether any ran. Its database stays."""
    return stopping.stop_processes(open_state().workspace(name))


def process_environment(
    state: State,
    folder: WorkspaceFolder,
    settings: Mapping[str, str],
    *,
    database_url: str,
    pages: Path | None,
    extra: Mapping[str, str],
) -> dict[str, str]:
    """Compose the environment of a workspace's processes.

    What the launcher decides (servers, folders, name) comes first, then `extra`, then our environment, then settings.env.
    """
    environment = {**settings, **os.environ, **extra}
    mqtt_url = os.environ.get("MQTT_URL") or settings.get("MQTT_URL")
    if mqtt_url:
        environment["MQTT_URL"] = mqtt_url
        environment.setdefault("MAINLINE_MQTT_PUBLISHER_URL", mqtt_url)
        environment.pop("MAINLINE_BROKER_FOLDER", None)
    else:
        port = settings["MAINLINE_MQTT_PORT"]
        for key, user, password in (
            ("MQTT_URL", mosquitto.INGEST, settings["MAINLINE_MQTT_INGEST_PASSWORD"]),
            (
                "MAINLINE_MQTT_PUBLISHER_URL",
                mosquitto.PUBLISHER,
                settings["MAINLINE_MQTT_PUBLISHER_PASSWORD"],
            ),
        ):
            environment[key] = f"mqtt://{user}:{password}@127.0.0.1:{port}"
        environment["MAINLINE_BROKER_FOLDER"] = str(folder.broker)
    environment["DATABASE_URL"] = database_url
    environment["MAINLINE_PRIVATE_CLUSTER"] = "" if external_database(settings) else "1"
    environment["MAINLINE_WORKSPACE"] = folder.name
    environment["MAINLINE_RUN_DIR"] = str(folder.run)
    environment["MAINLINE_STATE"] = str(state.folder)
    environment["PYTHONPATH"] = str(CHECKOUT)
    environment["PYTHONUNBUFFERED"] = "1"
    if pages is not None:
        environment["MAINLINE_PAGES_DIR"] = str(pages)
    else:
        environment.pop("MAINLINE_PAGES_DIR", None)
    return environment


def external_database(settings: Mapping[str, str]) -> str | None:
    """Return the address of a database kept by others, if the environment or the workspace's settings name one."""
    given = os.environ.get("DATABASE_URL") or settings.get("DATABASE_URL")
    return servers.sqlalchemy_url(given) if given else None


def database_address(state: State, folder: WorkspaceFolder, settings: Mapping[str, str]) -> str:
    """See that the workspace's database can be reached, making what is missing; the caller holds the state folder's lock."""
    external = external_database(settings)
    if external:
        servers.check_database(external)
        return external
    private = cluster.main_cluster(state)
    if not cluster.is_running(private):
        cluster.ensure_running(private)
    postgres.ensure_app_role(private)
    if postgres.ensure_database(private, folder.database):
        tell(f"· made database {folder.database}")
    return postgres.database_url(private, folder.database)


def bring_up_to_date(database_url: str) -> None:
    """Give a database the schema of this checkout and what a new workspace starts with."""
    migrations.upgrade(database_url)
    with transaction(session_factory(database_url, pool_size=1)) as session:
        seeds.plant(session)


def _built_pages(state: State) -> Path | None:
    pages = state.pages / web_build.sources_digest() if web_build.SOURCES.is_dir() else None
    return pages if pages is not None and pages.exists() else None


def configure_broker(
    broker: Broker,
    settings: Mapping[str, str],
    *,
    database_url: str,
    port: int | None = None,
    host: str = "127.0.0.1",
) -> None:
    """Write the private broker's files: who may connect is what the database says.

    Parameters
    ----------
    settings
        With the passwords of the product's own users, and the port unless `port` gives it.
    """
    with transaction(session_factory(database_url, pool_size=1)) as session:
        crews = broker_users(session)
    mosquitto.configure(
        broker,
        port=port or int(settings["MAINLINE_MQTT_PORT"]),
        host=host,
        service_passwords={
            mosquitto.INGEST: settings["MAINLINE_MQTT_INGEST_PASSWORD"],
            mosquitto.PUBLISHER: settings["MAINLINE_MQTT_PUBLISHER_PASSWORD"],
        },
        crews=crews,
    )


def _check_ports(folder: WorkspaceFolder, environment: Mapping[str, str]) -> None:
    """See that nobody took the workspace's ports while it was down.

    Raises
    ------
    ProvisionError
        Somebody did.
    """
    keys = ["MAINLINE_WEB_PORT"] + (
        ["MAINLINE_MQTT_PORT"] if environment.get("MAINLINE_BROKER_FOLDER") else []
    )
    for key in keys:
        port = int(environment[key])
        if not port_is_free(port):
            raise ProvisionError(
                f"port {port} of workspace {folder.name} is used by another program; stop that program, "
                f"or choose another port: {key}=NUMBER ./mainline --workspace {folder.name} up"
            )


def _fingerprint(environment: Mapping[str, str]) -> str:
    """Sum up code and settings: processes that run with others are restarted."""
    digest = hashlib.sha256(sys.executable.encode())
    for key in sorted(environment):
        ours = key in ("DATABASE_URL", "MQTT_URL") or key.startswith("MAINLINE_")
        if ours and not key.startswith(_NOT_IN_FINGERPRINT):
            digest.update(f"{key}={environment[key]}\n".encode())
    for package in _CODE:
        for path in sorted(Path(CHECKOUT, package).rglob("*")):
            if path.suffix in (".py", ".json"):
                status = path.stat()
                digest.update(f"{path}{status.st_size}{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _runs_as(folder: WorkspaceFolder, mark: str) -> bool:
    entry = processes.running(folder.run, stopping.SUPERVISOR)
    return entry is not None and entry.fingerprint == mark


def _start_supervisor(folder: WorkspaceFolder, environment: Mapping[str, str], mark: str) -> None:
    with (folder.logs / "supervisor.log").open("ab") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "app.provision.supervisor",
                "--workspace",
                folder.name,
                "--fingerprint",
                mark,
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=CHECKOUT,
            env=dict(environment),
            start_new_session=True,
        )
    give_up = time.monotonic() + START_PATIENCE_S
    while not _runs_as(folder, mark):
        if process.poll() is not None or time.monotonic() > give_up:
            raise ProvisionError(
                "\n".join(["the supervisor did not start:", *logs.last_lines(folder.logs / "supervisor.log")])
            )
        time.sleep(0.05)


def _wait_until_healthy(running: RunningWorkspace) -> None:
    """Wait until every process answers, ingest above all: what phones send before it listens, nobody keeps."""
    waiting = ["web", "ingest", "triage", "worker"]
    if all(_answers(running, name) for name in waiting):
        return
    give_up = time.monotonic() + START_PATIENCE_S
    with step(f"starting the processes of workspace {running.name}"):
        while waiting:
            if _answers(running, waiting[0]):
                waiting.pop(0)
                continue
            entry = processes.read(running.folder.run, waiting[0])
            failing = entry is not None and entry.restarts >= FAILED_STARTS_MAX
            if failing or time.monotonic() > give_up:
                said = logs.last_lines(running.folder.logs / f"{waiting[0]}.log")
                raise ProvisionError(
                    "\n".join([f"process {waiting[0]} does not start; its last lines:", *said])
                )
            time.sleep(0.1)


def _answers(running: RunningWorkspace, name: str) -> bool:
    if name == "web":
        return health.ask(running.web_url) is not None
    entry = processes.running(running.folder.run, name)
    return entry is not None and health.beats(running.folder.run, entry)
