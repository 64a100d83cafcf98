"""The private cluster: made, started, repaired, stopped."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.provision import cluster, postgres
from app.provision.cluster import Cluster
from app.provision.errors import ProvisionError
from core.db import libpq_url
from tests.app.provisioning import reachable_folder, wait_until


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    with reachable_folder() as folder:
        private = Cluster(folder / "postgres", durable=False)
        cluster.ensure_running(private)
        postgres.ensure_app_role(private)
        yield private
        cluster.stop(private)


def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(libpq_url(url)) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_database_has_postgis_and_belongs_to_the_products_role(running: Cluster) -> None:
    assert postgres.ensure_database(running, "mainline_a") is True
    assert postgres.ensure_database(running, "mainline_a") is False
    url = postgres.database_url(running, "mainline_a")
    assert ask(url, "SELECT current_user, ST_Distance('POINT(0 0)', 'POINT(3 4)')") == [("mainline", 5.0)]
    assert ask(url, "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user") == [
        (False, False)
    ]
    assert ask(url, "SELECT has_database_privilege(current_user, current_database(), 'CREATE')") == [(True,)]


def test_copy_of_a_database_in_use_holds_the_same(running: Cluster) -> None:
    postgres.ensure_database(running, "mainline_template")
    url = postgres.database_url(running, "mainline_template")
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        connection.commit()
        postgres.create_database(running, "mainline_copy", template="mainline_template")
    assert ask(postgres.database_url(running, "mainline_copy"), "SELECT number FROM kept") == [(7,)]
    postgres.rename_database(running, "mainline_copy", "mainline_renamed")
    assert postgres.list_databases(running, prefix="mainline_re") == ["mainline_renamed"]
    postgres.drop_database(running, "mainline_renamed")
    assert not postgres.database_exists(running, "mainline_renamed")


def test_passwords_are_asked_for_and_kept_to_the_servers_user(running: Cluster) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            host="127.0.0.1", port=running.port, user=cluster.ADMIN, password="wrong", dbname="postgres"
        )
    for role in (cluster.ADMIN, cluster.APP):
        assert (running.folder / f"{role}.password").stat().st_mode & 0o777 == 0o600
    assert running.folder.stat().st_mode & 0o777 == 0o700


def test_settings_are_in_force(running: Cluster) -> None:
    url = postgres.admin_url(running)
    names = "'jit', 'shared_buffers', 'max_connections', 'data_checksums', 'listen_addresses', 'unix_socket_directories'"
    found = dict(ask(url, f"SELECT name, setting FROM pg_settings WHERE name IN ({names})"))
    assert found == {
        "jit": "off",
        "shared_buffers": "32768",  # of 8 kB
        "max_connections": "200",
        "data_checksums": "on",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
    }


def test_killed_server_starts_again_with_what_was_committed(running: Cluster) -> None:
    postgres.ensure_database(running, "mainline_crash")
    url = postgres.database_url(running, "mainline_crash")
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute(
            "SET synchronous_commit = on"
        )  # what the tests' cluster leaves out, the real one does
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    started = cluster.server_started_at(running)
    assert started is not None
    os.kill(started[0], signal.SIGKILL)
    wait_until(lambda: cluster.server_started_at(running) is None)
    cluster.ensure_running(running)
    assert ask(postgres.database_url(running, "mainline_crash"), "SELECT number FROM kept") == [(7,)]


def test_pid_file_of_a_stranger_does_not_keep_the_server_down(running: Cluster) -> None:
    cluster.stop(running)
    stranger = subprocess.Popen(["sleep", "60"], **cluster.server_account("postgres").popen_arguments())
    try:
        pid_file = running.data / "postmaster.pid"
        pid_file.write_text(f"{stranger.pid}\n{running.data}\n1\n{running.port}\n")
        assert cluster.is_running(running) is False
        assert cluster.stop(running) is False
        cluster.ensure_running(running)
        assert cluster.is_running(running)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_taken_port_is_given_up_for_another(running: Cluster) -> None:
    cluster.stop(running)
    port = running.port
    with socket.create_server(("127.0.0.1", port)):
        cluster.ensure_running(running)
        assert running.port != port
        assert ask(postgres.admin_url(running), "SELECT 1") == [(1,)]


def test_interrupted_making_is_made_again() -> None:
    with reachable_folder() as folder:
        private = Cluster(folder / "postgres", durable=False)
        half = private.folder / "data.tmp"
        half.mkdir(parents=True)
        (half / "PG_VERSION").write_text("15\n")  # initdb writes it early
        assert private.exists is False
        cluster.ensure_running(private)
        try:
            assert cluster.is_running(private)
            assert not half.exists()
        finally:
            assert cluster.stop(private) is True
        assert cluster.is_running(private) is False


def test_folder_the_server_cannot_reach_is_named(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("servers run as ourselves")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ProvisionError, match="closed to others; name another state folder"):
        cluster.ensure_running(Cluster(closed / "postgres"))
