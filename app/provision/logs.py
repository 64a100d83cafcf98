"""Reading the processes' logs. Standard library only."""

import os
from pathlib import Path

_TAIL_BYTES = 256_000


def last_lines(path: Path, *, count: int = 12) -> list[str]:
    """Return the end of a log; empty when there is none."""
    try:
        with path.open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - _TAIL_BYTES))
            return log.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []
