"""Processes that are killed in the middle of an import or a publish: the old version serves on, the next try succeeds."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.engine import URL

from app.provision.state import CHECKOUT
from core.db import SessionFactory, transaction
from gis.cache import current_network
from gis.models import AssetChange, DraftFeature, NetworkVersion, Pipe, ServiceArea, VersionState
from gis.versions import go_back, make_version, publish
from gis.versions.packing import pack
from gis.versions.snapshot import snapshot
from tests.app.provisioning import reachable_folder
from tests.product import running, wait_for
from tests.town import load_town

WIDER_MM = 555


@pytest.fixture
def packed(factory: SessionFactory, tmp_path: Path) -> Path:
    """The town, stored; and the same with every main wider, packed in a file."""
    with transaction(factory) as session:
        load_town(session)
        draft = snapshot(session)
    wider = replace(draft, pipes=[replace(pipe, diameter_mm=WIDER_MM) for pipe in draft.pipes])
    path = tmp_path / "wider.packed"
    path.write_bytes(pack(wider))
    return path


@contextmanager
def held_up(factory: SessionFactory, table: str) -> Iterator[None]:
    """Let whoever writes to a table wait, as long as this lasts."""
    with factory() as session:
        session.execute(text(f"LOCK TABLE {table} IN SHARE MODE"))
        yield
        session.rollback()


def is_waiting(factory: SessionFactory) -> bool:
    with factory() as session:
        query = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database() WHERE NOT l.granted"
        return bool(session.scalar(text(query)))


def kill_while(url: URL, factory: SessionFactory, *arguments: str, at: str) -> None:
    """Start a process and kill it for good when it is about to write to a table."""
    environment = {**os.environ, "DATABASE_URL": url.render_as_string(hide_password=False)}
    with held_up(factory, at):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.gis.publish_once", *arguments], cwd=CHECKOUT, env=environment
        )
        wait_for(
            lambda: is_waiting(factory) or process.poll() is not None, what="the process to be in the middle"
        )
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()


def state_of_network(factory: SessionFactory) -> tuple[object, ...]:
    with factory() as session:
        return (
            session.scalars(select(ServiceArea.network_revision)).one(),
            session.scalars(select(Pipe.diameter_mm).distinct().order_by(Pipe.diameter_mm)).all(),
            session.scalar(select(func.count()).select_from(AssetChange)),
            current_network(session).pipe_count,
        )


def test_an_import_killed_in_the_middle_leaves_nothing_and_the_next_succeeds(
    cloned_database: URL, factory: SessionFactory, packed: Path
) -> None:
    before = state_of_network(factory)
    kill_while(cloned_database, factory, "read", str(packed), at="gis.draft_feature")
    with factory() as session:
        assert session.scalar(select(func.count()).select_from(NetworkVersion)) == 0
        assert session.scalar(select(func.count()).select_from(DraftFeature)) == 0
    assert state_of_network(factory) == before
    again = subprocess.run(
        [sys.executable, "-m", "tests.gis.publish_once", "read", str(packed)],
        cwd=CHECKOUT,
        env={**os.environ, "DATABASE_URL": cloned_database.render_as_string(hide_password=False)},
        check=False,
    )
    assert again.returncode == 0
    with factory() as session:
        states = session.scalars(select(NetworkVersion.state).order_by(NetworkVersion.number)).all()
    assert states == [VersionState.PUBLISHED, VersionState.DRAFT]


@pytest.mark.parametrize("at", ["gis.asset_change", "gis.valve", "gis.isolation_segment"])
def test_a_publish_killed_in_the_middle_leaves_the_old_version_serving_and_the_next_succeeds(
    cloned_database: URL, factory: SessionFactory, packed: Path, at: str
) -> None:
    with transaction(factory) as session:
        draft = snapshot(session)
        wider = replace(
            draft,
            pipes=[replace(pipe, diameter_mm=WIDER_MM) for pipe in draft.pipes],
            valves=[replace(valve, diameter_mm=WIDER_MM) for valve in draft.valves],
        )
        make_version(session, wider, mapping=None, created_by=None)
    before = state_of_network(factory)
    kill_while(cloned_database, factory, "publish", "2", at=at)
    assert state_of_network(factory) == before
    with transaction(factory) as session:
        assert session.get_one(NetworkVersion, 1).state is VersionState.PUBLISHED
        assert session.get_one(NetworkVersion, 2).state is VersionState.DRAFT
        publish(session, 2, published_by=None)  # waits until the dead process's transaction is gone
    assert state_of_network(factory)[1] == [WIDER_MM]
    with transaction(factory) as session:
        go_back(session, 1, by=None)
    assert state_of_network(factory)[1] == before[1]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_worker_killed_while_it_publishes_is_followed_by_one_that_does(
    template_url: URL, create_database: Callable[..., URL]
) -> None:
    database = create_database(template=template_url.database)
    with reachable_folder() as folder, running(database, folder) as product:
        with transaction(product.factory) as session:
            draft = snapshot(session)
            wider = replace(draft, pipes=[replace(pipe, diameter_mm=WIDER_MM) for pipe in draft.pipes])
            make_version(session, wider, mapping=None, created_by=None)
        gis_desk = product.client("supervisor")
        with held_up(product.factory, "gis.isolation_segment"):
            gis_desk.post("/api/network/versions/2/publish").raise_for_status()
            wait_for(lambda: is_waiting(product.factory), what="the worker to be in the middle")
            product.kill("worker")
        assert gis_desk.get("/api/network/versions/1").json()["state"] == "published"
        assert gis_desk.get("/api/network/versions/2").json()["is_publishing"]
        product.start("worker")
        wait_for(
            lambda: gis_desk.get("/api/network/versions/2").json()["state"] == "published",
            what="another worker to publish it",
            patience_s=150,
        )
        assert gis_desk.get("/api/network/versions/1").json()["state"] == "superseded"
