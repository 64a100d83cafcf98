"""Processes we started: recorded so that a number reused by a stranger is never taken for ours."""

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from app.provision.state import write_atomically

_START_TIME_FIELD = 21  # of /proc/PID/stat, counted from 0; see proc(5)


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """One running process.

    Parameters
    ----------
    start_ticks
        Clock ticks after boot at which it started: with the pid, this names a process for good.
    boot_id
        The boot it belongs to; ticks begin anew with each.
    started_at
        Seconds since 1970.
    port
        Where it listens, when it does.
    restarts
        How often it was started again since the supervisor began.
    """

    name: str
    pid: int
    start_ticks: int
    boot_id: str
    started_at: float
    port: int | None = None
    restarts: int = 0
    fingerprint: str = ""


def start_ticks(pid: int) -> int | None:
    """When a process started, in ticks after boot; None when there is none or it has ended and waits to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()
    if fields[0] in ("Z", "X"):
        return None
    return int(fields[_START_TIME_FIELD - 2])


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def record(
    folder: Path, name: str, pid: int, *, port: int | None = None, restarts: int = 0, fingerprint: str = ""
) -> ProcessRecord | None:
    """Write down a process just started; None when it has already ended."""
    ticks = start_ticks(pid)
    if ticks is None:
        return None
    entry = ProcessRecord(name, pid, ticks, _boot_id(), time.time(), port, restarts, fingerprint)
    write_atomically(_path(folder, name), json.dumps(asdict(entry)) + "\n", mode=0o644)
    return entry


def read(folder: Path, name: str) -> ProcessRecord | None:
    """Read a record, alive or not; None when there is none or it makes no sense."""
    try:
        return ProcessRecord(**json.loads(_path(folder, name).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def running(folder: Path, name: str) -> ProcessRecord | None:
    """Return the record of a process that is alive, else None."""
    entry = read(folder, name)
    return entry if entry is not None and is_alive(entry) else None


def forget(folder: Path, name: str) -> None:
    """Delete a record."""
    _path(folder, name).unlink(missing_ok=True)


def names(folder: Path) -> list[str]:
    """Name every recorded process."""
    return sorted(path.name.removesuffix(".pid.json") for path in folder.glob("*.pid.json"))


def is_alive(entry: ProcessRecord) -> bool:
    """Whether that very process still runs."""
    return entry.boot_id == _boot_id() and start_ticks(entry.pid) == entry.start_ticks


def end(entry: ProcessRecord, *, patience_s: float) -> bool:
    """Ask a process to end, and kill it when it does not.

    Parameters
    ----------
    patience_s
        Seconds between SIGTERM and SIGKILL.

    Returns
    -------
    asked
        False when it was not running.
    """
    if not is_alive(entry):
        return False
    for sign, wait_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.kill(entry.pid, sign)
        give_up = time.monotonic() + wait_s
        while time.monotonic() < give_up:
            if not is_alive(entry):
                return True
            time.sleep(0.05)
    return True


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.pid.json"
