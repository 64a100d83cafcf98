"""The sign of life."""

import os
from pathlib import Path

from core.heartbeat import Heartbeat


def test_heart_beats_at_most_every_few_seconds_and_only_where_somebody_watches(tmp_path: Path) -> None:
    heart = Heartbeat(tmp_path, "worker")
    heart.beat()
    path = tmp_path / "worker.heartbeat"
    os.utime(path, (0, 0))
    heart.beat()
    assert path.stat().st_mtime == 0
    Heartbeat(None, "worker").beat()
    assert [entry.name for entry in tmp_path.iterdir()] == ["worker.heartbeat"]
