"""Asking processes how they are. Standard library only."""

import json
import socket
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

PATIENCE_S = 5.0
HEARTBEAT_MAX_S = 30.0
"""A process that leaves heartbeats and left none for this long hangs."""


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


def heartbeat_age_s(run: Path, process: str) -> float | None:
    """Tell how long ago a process left its heartbeat (`NAME.heartbeat`, touched while its loops turn); None: it leaves none."""
    try:
        return max(0.0, time.time() - (run / f"{process}.heartbeat").stat().st_mtime)
    except OSError:
        return None
