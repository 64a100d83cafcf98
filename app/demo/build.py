"""Builds a city's bundle in a process of its own, so that the memory it takes is given back: `python -m app.demo.build FOLDER [EXTRACT]`."""

import sys
from pathlib import Path
from time import monotonic

from app.provision.progress import tell
from core.errors import MainlineError
from gis.synthetic.build import build_city


def main(arguments: list[str]) -> int:
    """Build, telling each step and how long it all has taken so far; 3 when the extract is no good."""
    began = monotonic()
    folder, *extract = map(Path, arguments)
    try:
        build_city(
            extract[0] if extract else None,
            folder,
            progress=lambda line: tell(f"  {monotonic() - began:4.0f} s  {line}"),
        )
    except MainlineError as error:
        tell(error.detail)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
