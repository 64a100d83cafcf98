"""`./mainline demo`: says at once what is going on; all that takes long to read in is read in afterwards."""

import argparse
import importlib

from app.provision.progress import tell


def run(options: argparse.Namespace) -> int:
    """Prepare a city, run it, count it."""
    tell(f"· demo in workspace {options.workspace}: a city that calls, and a fleet that drives")
    return int(importlib.import_module("app.demo.play").run(options))
