"""`./mainline test`: every check and every test, the same at a desk and in CI."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from app.provision import cluster, postgres, web_build
from app.provision.errors import ProvisionError
from app.provision.output import write_line
from app.provision.state import CHECKOUT, State, locked, make_folder, open_state

_OURS = ("DATABASE_URL", "MQTT_URL")
"""Tests make servers of their own; they never touch one the environment names."""
ALL_AT_ONCE = ["-n", "auto", "--dist", "loadfile"]
"""Every test, on every core; the tests of one file stay together, since they share what is dear to make."""


def run(options: argparse.Namespace) -> int:
    """Run the checks, then pytest; with arguments for pytest, pytest alone. Not 0 if anything failed."""
    state = open_state()
    environment = test_environment(state)
    failed = [] if options.pytest_arguments else run_checks(state, environment)
    if failed:
        write_line(f"failed checks: {', '.join(failed)} (the tests run nevertheless)")
    arguments = options.pytest_arguments or ALL_AT_ONCE
    status = _python(environment, "pytest", "-o", f"cache_dir={state.cache / 'pytest'}", *arguments)
    return status or (1 if failed else 0)


def test_environment(state: State) -> dict[str, str]:
    """Start the tests' cluster, build the pages, and tell the tests where both are."""
    tests = cluster.test_cluster(state)
    with locked(state):
        cluster.ensure_running(tests)
        pages = web_build.ensure(state)
    environment = {key: value for key, value in os.environ.items() if key not in _OURS}
    environment |= {
        "MAINLINE_STATE": str(state.folder),
        "MAINLINE_TEST_DATABASE_URL": postgres.admin_url(tests),
        "PYTHONPATH": str(CHECKOUT),
        "RUFF_CACHE_DIR": str(state.cache / "ruff"),
        "MYPY_CACHE_DIR": str(state.cache / "mypy"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(make_folder(state.cache / "hypothesis")),
    }
    if pages is not None:
        environment["MAINLINE_PAGES_DIR"] = str(pages)
    return environment


def run_checks(state: State, environment: dict[str, str]) -> list[str]:
    """Run formatter, linters and type checks; return the names of those that failed."""
    checks = {
        "ruff format": ("ruff", "format", "--check", "."),
        "ruff check": ("ruff", "check", "."),
        "mypy": ("mypy",),
    }
    failed = []
    for name, command in checks.items():
        write_line(f"== {name}")
        if _python(environment, *command) != 0:
            failed.append(name)
    write_line("== import contracts")
    # import-linter has no module to run; its program stands beside our Python.
    contracts = [
        str(Path(sys.executable).parent / "lint-imports"),
        "--cache-dir",
        str(state.cache / "import-linter"),
    ]
    if subprocess.run(contracts, cwd=CHECKOUT, env=environment, check=False).returncode != 0:
        failed.append("import contracts")
    return failed + _check_pages(state)


def _check_pages(state: State) -> list[str]:
    package = web_build.SOURCES / "package.json"
    scripts = json.loads(package.read_text(encoding="utf-8")).get("scripts", {}) if package.exists() else {}
    failed = []
    for script in ("check", "test"):
        if script not in scripts:
            continue
        write_line(f"== pages: {script}")
        try:
            with locked(state):
                web_build.run_npm(state, web_build.prepare_workbench(state), "run", script)
        except ProvisionError as error:
            write_line(str(error))
            failed.append(f"pages: {script}")
    return failed


def _python(environment: dict[str, str], module: str, *arguments: str) -> int:
    sys.stdout.flush()
    return subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=CHECKOUT, env=environment, check=False
    ).returncode
