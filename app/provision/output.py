"""Results for whoever asked: standard output, and files that appear when they are whole."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.provision.errors import ProvisionError


def write_line(text: str) -> None:
    """Write one line of a result."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write_json(value: object) -> None:
    """Write one JSON object on one line."""
    write_line(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give the path to write a file at, which takes its own name when all of it is written, and goes when something is refused.

    Raises
    ------
    ProvisionError
        The file cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise ProvisionError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
