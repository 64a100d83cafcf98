"""The Python environment: one folder for each set of pinned requirements, made whole or made again. Standard library only."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from app.provision.errors import ProvisionError
from app.provision.progress import step
from app.provision.state import CHECKOUT, State, make_folder

RUN = ("requirements.txt",)
TEST = ("requirements.txt", "requirements-dev.txt")
_UV = ("requirements-uv.txt",)
_COMPLETE = ".complete"
"""Written last; a folder without it was interrupted. Environments hold their own address, so they cannot be renamed into place."""


def python_of(environment: Path) -> Path:
    """Return the interpreter of an environment."""
    return environment / "bin" / "python"


def environment_folder(state: State, requirements: tuple[str, ...]) -> Path:
    """Name the environment for these requirement files and this Python."""
    digest = hashlib.sha256(f"{sys.version}{sys.base_prefix}{platform.machine()}".encode())
    for name in requirements:
        digest.update((CHECKOUT / name).read_bytes())
    return state.environments / digest.hexdigest()[:16]


def is_complete(environment: Path) -> bool:
    """Whether an environment was made to the end and its Python is still there."""
    return (environment / _COMPLETE).exists() and python_of(environment).exists()


def ensure(state: State, requirements: tuple[str, ...]) -> Path:
    """Make the environment unless it is there. The caller holds the state folder's lock.

    Every file is checked against the hashes in the requirements.

    Raises
    ------
    ProvisionError
        It could not be made, most often for want of a network.
    """
    folder = environment_folder(state, requirements)
    if is_complete(folder):
        return folder
    uv = _ensure_uv(state)
    with step(f"installing the Python packages of {' and '.join(requirements)}"):
        shutil.rmtree(folder, ignore_errors=True)
        make_folder(folder.parent, mode=0o755)
        environment = uv_environment(state, pip=python_of(uv))
        program = str(uv / "bin" / "uv")
        _run([program, "venv", "-q", "--python", sys.executable, str(folder)], environment)
        sync = [
            program,
            "pip",
            "sync",
            "--require-hashes",
            "--compile-bytecode",
            "--python",
            str(python_of(folder)),
        ]
        _run([*sync, *(str(CHECKOUT / name) for name in requirements)], environment)
        (folder / _COMPLETE).touch()
    return folder


def install_beside(state: State, requirements: str, target: Path) -> None:
    """Install one requirements file into a folder of its own, outside every environment."""
    uv = _ensure_uv(state)
    command = [str(uv / "bin" / "uv"), "pip", "install", "--require-hashes", "--python", sys.executable]
    command += ["--target", str(target), "-r", str(CHECKOUT / requirements)]
    _run(command, uv_environment(state, pip=python_of(uv)))


def _ensure_uv(state: State) -> Path:
    """Make the small environment that holds only the installer."""
    folder = environment_folder(state, _UV)
    if is_complete(folder):
        return folder
    with step("fetching the package installer"):
        shutil.rmtree(folder, ignore_errors=True)
        make_folder(folder.parent, mode=0o755)
        environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        _run([sys.executable, "-m", "venv", str(folder)], environment)
        install = [str(python_of(folder)), "-m", "pip", "install", "-q", "--require-hashes", "--no-deps"]
        _run([*install, *(f"-r{CHECKOUT / name}" for name in _UV)], environment)
        (folder / _COMPLETE).touch()
    return folder


def uv_environment(state: State, *, pip: Path) -> dict[str, str]:
    """Return the environment uv runs in: this Python only, and the package index that pip was told to use.

    Parameters
    ----------
    pip
        A Python whose pip is asked for its configuration: an organisation's mirror is most often set there.
    """
    environment = dict(os.environ)
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    environment.setdefault("UV_CACHE_DIR", str(state.cache / "uv"))
    if Path("/etc/ssl/certs/ca-certificates.crt").exists():
        environment.setdefault("UV_SYSTEM_CERTS", "true")  # an organisation's own authority is known there
    told = _pip_configuration(pip)
    if index := told.get("index-url"):
        environment.setdefault("UV_DEFAULT_INDEX", index)
    if told.get("no-index", "").lower() in ("1", "true", "yes"):
        environment.setdefault("UV_NO_INDEX", "1")
        environment.setdefault("UV_FIND_LINKS", ",".join(told.get("find-links", "").split()))
    return environment


def _pip_configuration(python: Path) -> dict[str, str]:
    listed = subprocess.run(
        [str(python), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    found: dict[str, str] = {}
    for line in listed.stdout.splitlines():
        key, separator, value = line.partition("=")
        if separator:
            found[key.removeprefix("global.").removeprefix("install.").strip(":").removeprefix("env:.")] = (
                value.strip("'\"")
            )
    return found


def _run(command: list[str], environment: dict[str, str]) -> None:
    status = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environment, check=False
    ).returncode
    if status != 0:
        raise ProvisionError(
            f"{' '.join(command[:3])} … failed ({status}); its lines above say why (a network is needed once)"
        )
