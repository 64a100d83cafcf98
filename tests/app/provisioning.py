"""What the tests of provisioning share."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from app.provision.state import State

PATIENCE_S = 10.0


def wait_until(condition: Callable[[], object], *, patience_s: float = PATIENCE_S) -> None:
    give_up = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A folder servers of other users can reach; the parents of pytest's tmp_path are closed to them."""
    with TemporaryDirectory(prefix="mainline-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def scratch_state() -> Iterator[State]:
    with reachable_folder() as folder:
        yield State(folder / "state")
