"""A workspace made ready for a demo: the city built once, loaded once, copied for each run; people, crews and clock set.

Building the city and building the pages go side by side: each keeps one processor busy.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from app.demo import bundles
from app.demo.bundles import Bundle
from app.demo.numbers import list_numbers
from app.demo.people import Cast, hire
from app.demo.phone import Broker
from app.demo.stage import Stage
from app.demo.town import Town
from app.demo.whereabouts import Whereabouts, whereabouts
from app.provision import (
    cluster,
    migrations,
    mosquitto,
    postgres,
    web_build,
    workspace_settings,
    workspaces,
)
from app.provision.cluster import Cluster
from app.provision.errors import ProvisionError
from app.provision.progress import step
from app.provision.state import WorkspaceFolder, locked, open_state
from core import clock
from core.db import SCHEMAS, libpq_url, session_factory, transaction

KIND = "demo"
MQTT_PORT = 1883


@dataclass(frozen=True, slots=True)
class Prepared:
    """A workspace that runs and waits for its public and its fleet."""

    stage: Stage
    town: Town
    folder: Path


def prepare(name: str, *, extract: Path | None, crews: int, speed: float, hours: float | None) -> Prepared:
    """Make a workspace a demo of a city, from scratch, and bring it up.

    Parameters
    ----------
    extract
        OpenStreetMap extract; the one that comes with us when None.
    speed
        How much faster than life the workspace's clock runs.
    hours
        How long the run takes in the trade's time; None: no end.

    Raises
    ------
    ProvisionError
        The workspace holds other data than a demo's, the extract cannot be used, or something does not start.
    """
    state = open_state()
    folder = state.workspace(name)
    with locked(state):
        settings = workspace_settings.ensure(state, folder)
        database_url = workspaces.database_address(state, folder, settings)
        _refuse_other_data(database_url, name)
        with ThreadPoolExecutor(2) as beside:
            pages = beside.submit(web_build.ensure, state)
            bundle = bundles.ensure_bundle(state, extract)
            reading = beside.submit(bundles.read_town, bundle.folder)
            workspaces.stop_processes(name)
            if workspaces.external_database(settings):
                _fill_anew(database_url, bundle)
            else:
                _copy_anew(cluster.main_cluster(state), folder, bundle)
            town = reading.result()
            pages.result()
        where = whereabouts(bundles.centre(town))
        _settle(folder, settings, where)
        _forget_messages(folder)
        with step(f"hiring {crews} crews"):
            cast = _hire(database_url, town, where, crews=crews, speed=speed, hours=hours)
        running = workspaces.ensure_up(name)
        stage = Stage(
            web_url=running.web_url,
            broker=_broker(running.mqtt_url),
            passwords=cast.passwords,
            crews=cast.crews,
            bundle=bundle.folder,
        )
        stage.save(folder.folder)
    return Prepared(stage, town, folder.folder)


def _refuse_other_data(database_url: str, name: str) -> None:
    """See that nothing is lost: a demo starts from scratch.

    Raises
    ------
    ProvisionError
        The workspace has people or reports and is no demo.
    """
    with psycopg.connect(libpq_url(database_url)) as connection:
        if not _has(connection, "core.clock"):
            return
        row = connection.execute("SELECT kind FROM core.clock").fetchone()
        if row is not None and row[0] == KIND:
            return
        used = any(
            connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None
            for table in ("core.user_account", "hotline.report", "gis.pipe")
            if _has(connection, table)
        )
    if used:
        raise ProvisionError(
            f"workspace {name} holds data that is no demo's, and a demo starts from scratch; "
            "name another: ./mainline --workspace NAME demo"
        )


def _has(connection: psycopg.Connection, table: str) -> bool:
    found = connection.execute("SELECT to_regclass(%s)", [table]).fetchone()
    return found is not None and found[0] is not None


def _copy_anew(private: Cluster, folder: WorkspaceFolder, bundle: Bundle) -> None:
    """Replace the workspace's database by a copy of the city's."""
    template = bundles.ensure_template(private, bundle)
    with step("copying the city into the workspace"):
        postgres.drop_database(private, folder.database)
        postgres.create_database(private, folder.database, template=template)


def _fill_anew(database_url: str, bundle: Bundle) -> None:
    """Load the city into a database kept by others, where there are no templates of ours."""
    migrations.upgrade(database_url)
    with psycopg.connect(libpq_url(database_url)) as connection:
        tables = connection.execute(
            """SELECT schemaname, tablename FROM pg_tables
                WHERE (schemaname = ANY(%s) OR starts_with(tablename, 'procrastinate_'))
                  AND tablename <> 'alembic_version'""",
            [list(SCHEMAS)],
        ).fetchall()
        names = sql.SQL(", ").join(sql.Identifier(*row) for row in tables)
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))
    bundles.load(database_url, bundle)


def _settle(folder: WorkspaceFolder, settings: Mapping[str, str], where: Whereabouts | None) -> None:
    """Write the city's zone and country into the workspace's settings."""
    if where is None:
        return
    local = {
        "MAINLINE_UTILITY_TIMEZONE": where.timezone,
        "MAINLINE_HOLIDAY_COUNTRY": where.country,
        "MAINLINE_PHONE_REGION": where.country,
    }
    if any(settings.get(key) != value for key, value in local.items()):
        workspace_settings.replace(folder, {**settings, **local})


def _forget_messages(folder: WorkspaceFolder) -> None:
    """Empty the broker's store: what an earlier run left would reach this one as its own."""
    store = mosquitto.Broker(folder.broker).store
    for path in store.glob("*") if store.is_dir() else ():
        path.unlink()


def _hire(
    database_url: str, town: Town, where: Whereabouts | None, *, crews: int, speed: float, hours: float | None
) -> Cast:
    """Set the clock to this morning, make the people and list the numbers they hand callers over to."""
    now = clock.real_now()
    factory = session_factory(database_url, pool_size=1)
    with transaction(factory) as session:
        begins = where.this_morning(now) if where is not None else now
        clock.use(clock.set_clock(session, kind=KIND, factor=speed, trade_epoch=begins))
        list_numbers(session)
        return hire(session, town, count=crews, hours=hours)


def _broker(mqtt_url: str) -> Broker:
    parts = urlsplit(mqtt_url)
    return Broker(parts.hostname or "127.0.0.1", parts.port or MQTT_PORT)
