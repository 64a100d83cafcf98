"""Asking processes how they are. Standard library only."""

import json
import socket
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from app.provision.processes import ProcessRecord

PATIENCE_S = 5.0
HEARTBEAT_MAX_S = 30.0
"""A process that left no heartbeat for this long hangs."""


def web_url(environment: Mapping[str, str]) -> str:
    """Return the address under which this machine reaches the web process."""
    host = environment.get("MAINLINE_WEB_HOST", "127.0.0.1")
    if host in ("0.0.0.0", "::", ""):  # everywhere: also here
        host = "127.0.0.1"
    return f"http://{host}:{environment['MAINLINE_WEB_PORT']}"


def ask(url: str) -> dict[str, object] | None:
    """Ask the web process how it is; None when it does not answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/api/health", timeout=PATIENCE_S) as answer:
            found = json.load(answer)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def listens(port: int) -> bool:
    """Whether something takes connections on a loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S).close()
    except OSError:
        return False
    return True


def beats(run: Path, entry: ProcessRecord) -> bool:
    """Whether a process left its heartbeat (`NAME.heartbeat`, touched while its loop turns) since it started, and lately."""
    try:
        touched_at = (run / f"{entry.name}.heartbeat").stat().st_mtime
    except OSError:
        return False
    return touched_at >= entry.started_at and time.time() - touched_at <= HEARTBEAT_MAX_S
