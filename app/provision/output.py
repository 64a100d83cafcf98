"""Results for whoever asked: standard output."""

import json
import sys


def write_line(text: str) -> None:
    """Write one line of a result."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write_json(value: object) -> None:
    """Write one JSON object on one line."""
    write_line(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
