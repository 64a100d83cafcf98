"""A container's health check: `python -m app.provision.healthcheck PROCESS`. Standard library only, as it runs often."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from app.provision import health


def is_healthy(process: str, settings: Mapping[str, str]) -> bool:
    """Whether the process of this container answers, or lately left its heartbeat."""
    if process == "web":
        return health.ask(health.web_url(settings)) is not None
    heartbeat = Path(settings["MAINLINE_RUN_DIR"]) / f"{process}.heartbeat"
    return heartbeat.exists() and time.time() - heartbeat.stat().st_mtime <= health.HEARTBEAT_MAX_S


if __name__ == "__main__":
    sys.exit(0 if is_healthy(sys.argv[1], os.environ) else 1)
