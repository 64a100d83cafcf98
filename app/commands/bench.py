"""`./mainline bench`: every benchmark of `bench/`, each one JSON object."""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from app.provision.errors import ProvisionError
from app.provision.output import write_json, write_line
from app.provision.progress import tell
from app.provision.state import CHECKOUT, open_state


def run(options: argparse.Namespace) -> int:
    """Run the named benchmarks, or all, one after the other; 1 when one of them failed."""
    known = benchmarks()
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        raise ProvisionError(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}")
    failed = False
    for name in options.names or known:
        result = measure(name)
        if result is None:
            failed = True
        elif options.json:
            write_json(result)
        else:
            write_line(f"{result['bench']}  {result['date']}")
            for key, value in result.items():
                if key not in ("bench", "date", "machine"):
                    write_line(f"  {key:<28}{value}")
    return 1 if failed else 0


def benchmarks() -> list[str]:
    """Name the benchmarks."""
    return sorted(path.stem for path in Path(CHECKOUT, "bench").glob("[a-z]*.py"))


def measure(name: str) -> dict[str, object] | None:
    """Run one benchmark: a module whose last line of standard output is a JSON object; None when it failed."""
    environment = os.environ | {"MAINLINE_STATE": str(open_state().folder), "PYTHONPATH": str(CHECKOUT)}
    answer = subprocess.run(
        [sys.executable, "-P", "-m", f"bench.{name}"],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    lines = answer.stdout.strip().splitlines()
    try:
        found = json.loads(lines[-1]) if answer.returncode == 0 and lines else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        tell(f"bench {name} failed ({answer.returncode})")
        return None
    stamp: dict[str, object] = {
        "bench": name,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
    }
    return stamp | found


def machine() -> str:
    """Say what it was measured on: processor count and memory, no name of the machine."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{platform.machine()}, {os.cpu_count()} cores, {memory_gb:.0f} GB, Python {platform.python_version()}"
