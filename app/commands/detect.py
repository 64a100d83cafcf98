"""`./mainline detect`: a recorded stretch of calls gone through as the stream would have, without a database."""

import argparse
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

from app.provision.errors import ProvisionError
from app.provision.output import write_json, write_line, written_whole
from app.provision.progress import step, tell
from core.errors import MainlineError
from dispatch.triage.bundle import read
from dispatch.triage.engine import Engine
from dispatch.triage.replay import replay, write_alarms, write_assignments, write_explanations

TELL_EVERY_S = 10.0
WRITERS = {
    "assignments.csv": write_assignments,
    "alarms.csv": write_alarms,
    "explanations.jsonl": write_explanations,
}


def run(options: argparse.Namespace) -> int:
    """Answer `detect replay`."""
    began = monotonic()
    try:
        with step(f"reading {options.bundle}"):
            bundle = read(options.bundle)
    except MainlineError as error:
        raise ProvisionError(error.detail) from error
    for remark in bundle.remarks:
        tell(remark)
    engine = replay(bundle, progress=_Teller())
    _write(engine, options.out)
    result = {
        "history": len(bundle.history),
        "reports": len(engine.calls),
        "incidents": len({call.label for call in engine.calls}),
        "alarms": len(engine.alarms),
        "repeats": sum(call.repeat_of is not None for call in engine.calls),
        "moved": sum(call.arrived_as != call.label for call in engine.calls),
        "seconds": round(monotonic() - began, 1),
    }
    if options.json:
        write_json(result)
    else:
        write_line(
            f"{result['reports']} reports: {result['incidents']} incidents, {result['alarms']} alarms, "
            f"{result['repeats']} repeats, {result['moved']} moved; {result['seconds']} s"
        )
    return 0


def _write(engine: Engine, out: Path) -> None:
    """Write all files of a run; they appear together, when the last is whole."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProvisionError(f"{out}: cannot be made: {error.strerror}") from error
    with step(f"writing {out}"), ExitStack() as files:
        for name, write in WRITERS.items():
            write(engine, files.enter_context(written_whole(out / name)))


class _Teller:
    """Tells how far a replay is, now and then."""

    def __init__(self) -> None:
        self._told_at = monotonic()

    def __call__(self, what: str, at: int, of: int) -> None:
        if monotonic() - self._told_at >= TELL_EVERY_S:
            self._told_at = monotonic()
            tell(f"{what}: {at} of {of} calls")
