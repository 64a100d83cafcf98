"""A sign of life: a file a process touches while its loop turns, for whoever watches over it."""

import time
from pathlib import Path

EVERY_S = 2.0
"""Real seconds between two touches."""


class Heartbeat:
    """Touches `FOLDER/NAME.heartbeat` while it is told to.

    Parameters
    ----------
    folder
        The workspace's folder of running processes; None where nobody watches.
    """

    def __init__(self, folder: Path | None, name: str) -> None:
        self._path = folder / f"{name}.heartbeat" if folder is not None else None
        self._beaten = float("-inf")

    def beat(self) -> None:
        """Touch the file, unless that was done a moment ago."""
        if self._path is None or time.monotonic() - self._beaten < EVERY_S:
            return
        self._beaten = time.monotonic()
        self._path.touch()
