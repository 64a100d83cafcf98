"""Progress for the person at the terminal: standard error only, so that `--json` owns standard output."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic


def tell(text: str) -> None:
    """Write one line of progress."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step and, when it took a while, how long it took."""
    tell(f"· {title} …")
    began = monotonic()
    yield
    took_s = monotonic() - began
    if took_s >= 1.0:
        tell(f"  done in {took_s:.0f} s")
