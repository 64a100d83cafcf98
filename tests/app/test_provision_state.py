"""The state folder: its lock, its files, its ports; and processes that are never confused."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.provision import processes, state, workspace_settings
from app.provision.errors import ProvisionError
from app.provision.state import CHECKOUT, State

_HOLD = """
import sys, time
from pathlib import Path
from app.provision.state import State, locked
with locked(State(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def test_second_launcher_waits_for_the_first(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path), "0.5"], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    began = time.monotonic()
    with state.locked(State(tmp_path)), state.locked(State(tmp_path)):
        waited_s = time.monotonic() - began
        with state.locked_if_free(State(tmp_path)) as held:
            assert held is False
    assert waited_s > 0.2
    assert first.wait() == 0
    assert "waiting for it" in capfd.readouterr().err
    with state.locked_if_free(State(tmp_path)) as held:
        assert held is True


def test_lock_is_not_left_to_a_server(tmp_path: Path) -> None:
    with state.locked(State(tmp_path)):
        server = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with state.locked_if_free(State(tmp_path)) as held:
            assert held is True
    finally:
        server.kill()
        server.wait()


def test_killed_launcher_leaves_no_lock(tmp_path: Path) -> None:
    first = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path), "60"], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    first.kill()
    first.wait()
    with state.locked_if_free(State(tmp_path)) as held:
        assert held is True


def test_file_is_replaced_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    state.write_atomically(path, "old")
    with path.open() as reader:
        state.write_atomically(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize("name", ["", "Main", "../x", "a-b", "1st", "a" * 41, "水"])
def test_workspace_name_that_is_no_database_name_is_refused(name: str) -> None:
    with pytest.raises(ProvisionError, match="a name starts with a small letter"):
        State(Path("/nowhere")).workspace(name)


def test_state_folder_of_somebody_else_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MAINLINE_STATE", str(tmp_path))
    assert state.open_state().folder == tmp_path
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(ProvisionError, match="belongs to user"):
        state.open_state()


def test_free_port_passes_over_what_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert state.port_is_free(port) is False
        assert state.free_port(preferred=range(port, port + 1)) != port
    assert state.free_port(preferred=range(port, port + 1)) == port
    assert state.free_port(preferred=range(port, port + 1), taken=frozenset({port})) != port


def test_settings_are_made_once_and_keep_the_operators_lines(tmp_path: Path) -> None:
    folder = State(tmp_path).workspace("main")
    first = workspace_settings.ensure(State(tmp_path), folder)
    assert folder.settings_file.stat().st_mode & 0o777 == 0o600
    assert len(first["MAINLINE_TOKEN_SECRET"]) >= 32
    text = folder.settings_file.read_text().replace(f"MAINLINE_MQTT_PORT={first['MAINLINE_MQTT_PORT']}\n", "")
    folder.settings_file.write_text(text + "# our own\nMAINLINE_UTILITY_NAME='Water of Ourtown'\n")
    second = workspace_settings.ensure(State(tmp_path), folder)
    assert second == first | {"MAINLINE_UTILITY_NAME": "Water of Ourtown"} | {
        "MAINLINE_MQTT_PORT": second["MAINLINE_MQTT_PORT"]
    }
    assert "# our own\n" in folder.settings_file.read_text()


def test_two_workspaces_share_no_port_even_while_both_are_down(tmp_path: Path) -> None:
    first = workspace_settings.ensure(State(tmp_path), State(tmp_path).workspace("first"))
    second = workspace_settings.ensure(State(tmp_path), State(tmp_path).workspace("second"))
    ports = [
        settings[key] for settings in (first, second) for key in ("MAINLINE_WEB_PORT", "MAINLINE_MQTT_PORT")
    ]
    assert len(set(ports)) == 4


def test_port_from_the_environment_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = State(tmp_path).workspace("main")
    monkeypatch.setenv("MAINLINE_WEB_PORT", "18999")
    workspace_settings.ensure(State(tmp_path), folder)
    monkeypatch.delenv("MAINLINE_WEB_PORT")
    assert workspace_settings.ensure(State(tmp_path), folder)["MAINLINE_WEB_PORT"] == "18999"
    monkeypatch.setenv("MAINLINE_WEB_PORT", "http")
    with pytest.raises(ProvisionError, match="MAINLINE_WEB_PORT=http: not a port"):
        workspace_settings.ensure(State(tmp_path), folder)


def test_line_that_is_no_setting_is_pointed_at(tmp_path: Path) -> None:
    folder = State(tmp_path).workspace("main")
    folder.folder.mkdir(parents=True)
    folder.settings_file.write_text("# fine\nMAINLINE_WEB_PORT 80\n")
    with pytest.raises(ProvisionError, match=r"settings\.env, line 2: not KEY=value"):
        workspace_settings.read(folder)


def test_process_is_known_by_its_start_not_by_its_number_alone(tmp_path: Path) -> None:
    child = subprocess.Popen(["sleep", "60"])
    entry = processes.record(tmp_path, "sleeper", child.pid)
    assert entry is not None
    assert processes.running(tmp_path, "sleeper") == entry
    stranger = processes.ProcessRecord(
        "sleeper", child.pid, entry.start_ticks - 1, entry.boot_id, entry.started_at
    )
    assert processes.is_alive(stranger) is False
    assert processes.end(stranger, patience_s=1) is False
    assert child.poll() is None
    assert processes.end(entry, patience_s=5) is True
    child.wait()
    assert processes.running(tmp_path, "sleeper") is None


def test_process_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "deaf\n"
    entry = processes.record(tmp_path, "deaf", child.pid)
    assert entry is not None
    assert processes.end(entry, patience_s=0.2) is True
    assert child.wait() == -9


def test_record_that_makes_no_sense_is_no_process(tmp_path: Path) -> None:
    (tmp_path / "web.pid.json").write_text('{"pid": ')
    assert processes.running(tmp_path, "web") is None
