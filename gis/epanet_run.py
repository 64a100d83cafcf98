"""A process that lets EPANET solve models at one moment: `python -m gis.epanet_run FILE.inp …` writes each one's pressures beside it.

It calls the EPANET 2.2 library that comes with wntr without importing wntr itself, which takes seconds and is not needed here.
"""

import ctypes
import importlib.util
import json
import sys
from pathlib import Path

EN_NODECOUNT, EN_PRESSURE = 0, 11
NAME_BYTES = 64
MESSAGE_BYTES = 256
WARNINGS_BELOW = 100
"""EPANET's codes up to here are warnings: nodes cut off from every source are what is looked for."""


class EpanetRefused(Exception):
    """EPANET cannot solve a model; the text is its own."""


def library() -> Path:
    """Find wntr's EPANET library."""
    found = importlib.util.find_spec("wntr")
    if found is None or found.origin is None:
        raise EpanetRefused("wntr is not installed")
    folder = Path(found.origin).parent / "epanet" / "libepanet"
    if sys.platform == "win32":
        return folder / "windows-x64" / "epanet22.dll"
    if sys.platform == "darwin":
        return next(iter(sorted(folder.glob("darwin-*/libepanet2*.dylib"))))
    return folder / "linux-x64" / "libepanet22.so"


def pressures(engine: ctypes.CDLL, file: Path) -> dict[str, float]:
    """Solve one model: the pressure at each node, metres."""

    def call(name: str, *arguments: object) -> None:
        code = getattr(engine, name)(*arguments)
        if code >= WARNINGS_BELOW:
            message = ctypes.create_string_buffer(MESSAGE_BYTES)
            engine.ENgeterror(code, message, MESSAGE_BYTES)
            raise EpanetRefused(message.value.decode(errors="replace"))

    names = [str(file), str(file.with_suffix(".rpt")), str(file.with_suffix(".bin"))]
    call("ENopen", *(one.encode() for one in names))
    try:
        call("ENopenH")
        call("ENinitH", 0)
        call("ENrunH", ctypes.byref(ctypes.c_long()))
        count = ctypes.c_int()
        call("ENgetcount", EN_NODECOUNT, ctypes.byref(count))
        found: dict[str, float] = {}
        name, value = ctypes.create_string_buffer(NAME_BYTES), ctypes.c_float()
        for node in range(1, count.value + 1):
            call("ENgetnodeid", node, name)
            call("ENgetnodevalue", node, EN_PRESSURE, ctypes.byref(value))
            found[name.value.decode()] = value.value
        return found
    finally:
        engine.ENclose()


def main(files: list[str]) -> int:
    """Solve every model; 1 with a line that says why when EPANET refuses one."""
    try:
        engine = ctypes.CDLL(str(library()))
        for file in map(Path, files):
            file.with_suffix(".json").write_text(json.dumps(pressures(engine, file)), encoding="utf-8")
    except (EpanetRefused, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
