"""The command line: what it takes, what it needs, and how it ends."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app import bootstrap, cli
from app.cli import COMMANDS, Provides
from app.commands import bench
from app.provision import packages, settings_manual
from app.provision.errors import ProvisionError
from app.provision.state import CHECKOUT

LAUNCHER = CHECKOUT / "mainline"
SYSTEM_PYTHON = Path("/usr/bin/python3")


def launch(*arguments: str, state: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the launcher as a person would, with nothing of our environment's Python."""
    return subprocess.run(
        [str(LAUNCHER), *arguments],
        cwd="/",
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MAINLINE_STATE": str(state), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_commands_that_need_nothing_run_before_anything_is_installed(tmp_path: Path) -> None:
    for arguments in (["status"], ["down"], ["--help"], ["demo", "--help"]):
        answer = launch(*arguments, state=tmp_path / "none")
        assert answer.returncode == 0, answer.stderr
    assert "no workspace yet" in launch("status", state=tmp_path / "none").stdout
    assert not (tmp_path / "none").exists()


def test_wrong_arguments_end_with_status_2_before_anything_is_installed(tmp_path: Path) -> None:
    for arguments in (
        [],
        ["dance"],
        ["demo", "--speed", "0"],
        ["demo", "--minutes", "soon"],
        ["user", "add"],
        ["up", "--dance"],
    ):
        answer = launch(*arguments, state=tmp_path / "none")
        assert answer.returncode == 2
        assert "usage:" in answer.stderr
    assert not (tmp_path / "none").exists()


def test_missing_input_ends_with_status_3_and_one_line(tmp_path: Path) -> None:
    answer = launch("logs", "web", state=tmp_path)
    assert answer.returncode == 3
    assert answer.stderr == "mainline: workspace main has no log of web; there are: none\n"
    answer = launch("--workspace", "Not A Name", "logs", state=tmp_path)
    assert answer.returncode == 3
    assert answer.stderr.count("\n") == 1


def test_launcher_follows_a_link_and_ignores_packages_in_the_folder_it_is_called_from(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").write_text("raise SystemExit('a stranger was imported')\n")
    (tmp_path / "mainline").symlink_to(LAUNCHER)
    answer = subprocess.run(
        [str(tmp_path / "mainline"), "status"],
        cwd=tmp_path,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MAINLINE_STATE": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr


def test_what_runs_before_the_environment_uses_only_the_standard_library() -> None:
    script = (
        "import sys, app.bootstrap, app.commands.status, app.commands.down, app.commands.logs\n"
        "ours = {'app', 'tracker', 'core'}\n"
        "foreign = {name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names) - ours - {'__main__'}\n"
        "print(sorted(name for name in foreign if not name.startswith(('_', 'sitecustomize'))))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-S", "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert answer.stdout == "[]\n", answer.stderr


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_a_module_with_run(name: str) -> None:
    path = CHECKOUT / (COMMANDS[name].module.replace(".", "/") + ".py")
    assert re.search(
        r"^def run\((options|args|arguments): argparse\.Namespace\) -> int:", path.read_text(), re.MULTILINE
    )


def test_every_command_is_told_in_the_operations_manual() -> None:
    manual = (CHECKOUT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"./mainline {name}" not in manual] == []


def test_manual_lists_the_settings_of_today() -> None:
    manual = settings_manual.MANUAL.read_text(encoding="utf-8")
    assert settings_manual.with_table(manual) == manual, "run: python -m app.provision.settings_manual"


def test_workspace_is_main_but_for_the_demo_and_what_means_all() -> None:
    assert cli.parse(["up"]).workspace == "main"
    assert cli.parse(["demo"]).workspace == "demo"
    assert cli.parse(["down"]).workspace is None
    assert cli.parse(["--workspace", "west", "demo"]).workspace == "west"


def test_pytest_arguments_pass_untouched() -> None:
    assert cli.parse(["test", "-x", "-k", "name", "tests/gis"]).pytest_arguments == [
        "-x",
        "-k",
        "name",
        "tests/gis",
    ]
    assert cli.parse(["test"]).pytest_arguments == []


def test_demo_takes_what_outside_checks_give() -> None:
    given = cli.parse(
        [
            "demo",
            "--city",
            "x.osm.pbf",
            "--crews",
            "40",
            "--minutes",
            "5",
            "--speed",
            "60",
            "--headless",
            "--json",
        ]
    )
    assert (given.city, given.crews, given.minutes, given.speed) == (Path("x.osm.pbf"), 40, 5.0, 60.0)
    assert given.headless is True
    assert given.json is True


def test_servers_of_others_need_no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/db")
    monkeypatch.delenv("MQTT_URL", raising=False)
    assert bootstrap.needed_programs(Provides.RUN) == [packages.MOSQUITTO]
    assert packages.POSTGRES in bootstrap.needed_programs(Provides.TEST)
    assert packages.CHROMIUM not in bootstrap.needed_programs(Provides.RUN)


def test_machine_without_apt_or_sudo_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    need = packages.Need("A thing", ("a-thing", "its-friend"), lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProvisionError, match=r"missing: A thing\. This system has no apt"):
        packages.ensure([need])
    (tmp_path / "apt-get").write_text("#!/bin/sh\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ProvisionError, match="apt-get install --no-install-recommends a-thing its-friend"):
        packages.ensure([need])


def test_unknown_benchmark_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ProvisionError, match="no benchmark dance; there are:"):
        bench.run(cli.parse(["bench", "dance"]))
