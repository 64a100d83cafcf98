"""A workspace brought up for real in a state folder of its own: restarted, backed up, restored, taken down."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from app.commands import status
from app.provision import cluster, health, postgres, processes, servers, stopping, workspaces
from app.provision.backup import back_up, restore
from app.provision.errors import ProvisionError, ServerUnreachable
from app.provision.state import CHECKOUT, State
from app.provision.workspaces import RunningWorkspace
from core.db import libpq_url
from tests.app.provisioning import scratch_state, wait_until

START_PATIENCE_S = 300.0

pytestmark = pytest.mark.timeout(2 * START_PATIENCE_S)


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Name these and no servers in the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (
            "DATABASE_URL",
            "MQTT_URL",
            "MAINLINE_WEB_PORT",
            "MAINLINE_MQTT_PORT",
            "MAINLINE_PAGES_DIR",
        ):
            patch.delenv(name, raising=False)
        for name, value in values.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def state() -> Iterator[State]:
    with scratch_state() as state, environment(MAINLINE_STATE=str(state.folder)):
        try:
            yield state
        finally:
            for folder in state.workspaces():
                stopping.stop_processes(folder)
            cluster.stop(cluster.main_cluster(state))


@pytest.fixture(scope="module")
def main(state: State) -> RunningWorkspace:
    """Brought up by two launchers at once, as when somebody is impatient."""
    command = [sys.executable, "-m", "app.cli", "up", "--no-pages"]
    both = [
        subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=START_PATIENCE_S)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert answers[0] == answers[1] != ""
    return workspaces.ensure_up("main", build_web=False)


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def run_cli(*arguments: str, **values: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=CHECKOUT,
        env=os.environ | values,
        capture_output=True,
        text=True,
        timeout=START_PATIENCE_S,
        check=False,
    )


def test_workspace_answers_and_its_seeds_are_planted(main: RunningWorkspace) -> None:
    said = health.ask(main.web_url)
    assert said is not None
    assert (said["status"], said["workspace"]) == ("ok", "main")
    roles = execute(main.database_url, "SELECT count(*) FROM core.post_role")
    assert roles == [(7,)]


def test_second_start_changes_nothing(main: RunningWorkspace) -> None:
    before = processes.running(main.folder.run, "supervisor")
    again = workspaces.ensure_up("main", build_web=False)
    assert (again.database_url, again.mqtt_url, again.web_url) == (
        main.database_url,
        main.mqtt_url,
        main.web_url,
    )
    assert processes.running(main.folder.run, "supervisor") == before


def test_two_launchers_at_once_started_each_process_once(main: RunningWorkspace) -> None:
    log = (main.folder.logs / "supervisor.log").read_text()
    assert log.count("process_started name=web ") == 1


def test_killed_process_comes_back(main: RunningWorkspace) -> None:
    web = processes.running(main.folder.run, "web")
    assert web is not None
    os.kill(web.pid, signal.SIGKILL)
    wait_until(lambda: health.ask(main.web_url) is None)
    wait_until(lambda: health.ask(main.web_url), patience_s=START_PATIENCE_S)
    rows = {row["name"]: row for row in report(main)["processes"]}
    assert rows["web"]["state"] == "running"
    assert rows["web"]["restarts"] == 1
    assert rows["mosquitto"]["state"] == rows["worker"]["state"] == rows["supervisor"]["state"] == "running"


def report(workspace: RunningWorkspace) -> dict[str, list[dict[str, object]]]:
    return status.workspace_status(workspace.folder)  # type: ignore[return-value]


def test_killed_database_server_comes_back(main: RunningWorkspace, state: State) -> None:
    private = cluster.main_cluster(state)
    server = cluster.server_started_at(private)
    assert server is not None
    os.kill(server[0], signal.SIGKILL)
    wait_until(lambda: cluster.server_started_at(private) is None)
    wait_until(lambda: health.ask(main.web_url), patience_s=START_PATIENCE_S)


def test_changed_settings_restart_the_processes(main: RunningWorkspace) -> None:
    before = processes.running(main.folder.run, "supervisor")
    named = {"MAINLINE_UTILITY_NAME": "Water of Ourtown"}
    workspaces.ensure_up("main", env_extra=named, build_web=False, wait=False)
    after = processes.running(main.folder.run, "supervisor")
    assert before is not None
    assert after is not None
    assert before.pid != after.pid
    assert b"MAINLINE_UTILITY_NAME=Water of Ourtown" in Path(f"/proc/{after.pid}/environ").read_bytes()


def test_backup_restored_elsewhere_holds_the_same_data_and_people(
    main: RunningWorkspace, state: State, tmp_path: Path
) -> None:
    answer = run_cli("user", "add", "anna", "--role", "agent")
    assert answer.stdout.startswith("anna: agent, password ")
    file = tmp_path / "main.mainline"
    back_up("main", file)
    assert file.stat().st_mode & 0o777 == 0o600
    restore("copy", file)
    copy = postgres.database_url(cluster.main_cluster(state), "mainline_copy")
    tables = execute(
        main.database_url,
        "SELECT schemaname, relname FROM pg_stat_user_tables WHERE schemaname IN ('core', 'gis', 'hotline', 'dispatch') ORDER BY 1, 2",
    )
    assert len(tables) > 10
    for schema, table in tables:
        count = f'SELECT count(*) FROM "{schema}"."{table}"'
        assert execute(copy, count) == execute(main.database_url, count), table
    owners = execute(copy, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('core', 'gis')")
    assert owners == [(cluster.APP,)]
    with pytest.raises(ProvisionError, match="workspace copy exists already"):
        restore("copy", file)
    restore("copy", file, force=True)
    assert "mainline_copy_restoring" not in postgres.list_databases(cluster.main_cluster(state))


def test_broken_backup_leaves_the_workspace_as_it_was(main: RunningWorkspace, tmp_path: Path) -> None:
    file = tmp_path / "main.mainline"
    back_up("main", file)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ProvisionError, match="not a backup of Mainline"):
        restore("main", file, force=True)
    assert execute(main.database_url, "SELECT count(*) FROM core.post_role") == [(7,)]
    assert run_cli("restore", str(tmp_path / "none")).returncode == 3


def test_taken_port_says_what_to_do(state: State) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        answer = run_cli("--workspace", "squeezed", "up", "--no-pages", MAINLINE_WEB_PORT=str(port))
    assert answer.returncode == 3
    assert f"port {port} of workspace squeezed is used by another program" in answer.stderr
    assert "MAINLINE_WEB_PORT=NUMBER ./mainline --workspace squeezed up" in answer.stderr


def test_server_of_others_that_does_not_answer_ends_with_status_4(state: State) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = listener.getsockname()[1]
    for variable, url in (
        ("DATABASE_URL", f"postgresql://u:p@127.0.0.1:{silent}/db"),
        ("MQTT_URL", f"mqtt://u:p@127.0.0.1:{silent}"),
    ):
        answer = run_cli("--workspace", "silent", "up", "--no-pages", **{variable: url})
        assert answer.returncode == 4
        last = answer.stderr.strip().splitlines()[-1]
        assert last.startswith(f"mainline: {variable}: no answer")
        assert "u:p" not in answer.stderr


def test_server_of_others_is_used_and_none_is_started(main: RunningWorkspace, state: State) -> None:
    private = cluster.main_cluster(state)
    postgres.ensure_database(private, "foreign")
    url = postgres.database_url(private, "foreign")
    wait_until(lambda: processes.running(main.folder.run, "mosquitto"))
    with environment(
        MAINLINE_STATE=str(state.folder), DATABASE_URL=url.replace("+psycopg", ""), MQTT_URL=main.mqtt_url
    ):
        foreign = workspaces.ensure_up("foreign", build_web=False, wait=False)
    try:
        assert foreign.database_url == url
        assert foreign.mqtt_url == main.mqtt_url
        assert foreign.broker is None
        wait_until(lambda: processes.running(foreign.folder.run, "worker"))
        assert "mosquitto" not in processes.names(foreign.folder.run)
        assert "mainline_foreign" not in postgres.list_databases(private)
    finally:
        assert run_cli("--workspace", "foreign", "down").returncode == 0
    assert processes.names(foreign.folder.run) == []
    assert processes.running(main.folder.run, "worker"), "down of one workspace leaves the others"


def test_broker_address_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ProvisionError, match="MQTT_URL: give mqtt://"):
        servers.check_broker("127.0.0.1:1883")
    with pytest.raises(ServerUnreachable):
        servers.check_broker("mqtt://nowhere.invalid")


def test_down_stops_everything_and_status_tells_it(main: RunningWorkspace, state: State) -> None:
    recorded = [processes.read(main.folder.run, name) for name in processes.names(main.folder.run)]
    assert run_cli("down").returncode == 0
    assert [entry for entry in recorded if entry and processes.is_alive(entry)] == []
    answer = json.loads(run_cli("status", "--json").stdout)
    assert answer["postgres"]["state"] == "down"
    assert {process["state"] for workspace in answer["workspaces"] for process in workspace["processes"]} == {
        "down"
    }
    assert run_cli("down").stderr.strip() == "nothing was running"
