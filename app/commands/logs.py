"""`./mainline logs`: the end of the processes' logs."""

import argparse
import time
from pathlib import Path

from app.provision import cluster
from app.provision.errors import ProvisionError
from app.provision.logs import last_lines
from app.provision.output import write_line
from app.provision.state import State, WorkspaceFolder, locate_state

_LOOK_EVERY_S = 0.5


def run(options: argparse.Namespace) -> int:
    """Print the last lines, each with its process when there is more than one."""
    state = locate_state()
    paths = _logs(state, state.workspace(options.workspace), options.process)
    offsets = {path: path.stat().st_size for path in paths}
    for path in paths:
        for line in last_lines(path, count=options.lines):
            write_line(_labelled(path, line, alone=len(paths) == 1))
    while options.follow:
        time.sleep(_LOOK_EVERY_S)
        for path in paths:
            offsets[path] = _write_new(path, offsets[path], alone=len(paths) == 1)
    return 0


def _logs(state: State, folder: WorkspaceFolder, process: str | None) -> list[Path]:
    database = sorted(cluster.main_cluster(state).log.glob("*.log"), key=lambda path: path.stat().st_mtime)[
        -1:
    ]
    if process == "postgres":
        found = database
    elif process:
        found = [path for path in [folder.logs / f"{process}.log"] if path.exists()]
    else:
        found = sorted(folder.logs.glob("*.log"))
    if not found:
        known = ", ".join(
            [path.stem for path in sorted(folder.logs.glob("*.log"))] + ["postgres"] * bool(database)
        )
        raise ProvisionError(
            f"workspace {folder.name} has no log of {process or 'anything'}; there are: {known or 'none'}"
        )
    return found


def _write_new(path: Path, offset: int, *, alone: bool) -> int:
    size = path.stat().st_size
    if size < offset:
        offset = 0  # turned over
    with path.open("rb") as log:
        log.seek(offset)
        new = log.read()
    whole = new[: new.rfind(b"\n") + 1]
    for line in whole.decode(errors="replace").splitlines():
        write_line(_labelled(path, line, alone=alone))
    return offset + len(whole)


def _labelled(path: Path, line: str, *, alone: bool) -> str:
    return line if alone else f"{path.stem:<10} {line}"
