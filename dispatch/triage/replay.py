"""A recorded stretch of calls gone through as it came: habits learnt from what was before, then each call once, in order."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from dispatch.clauses import joined
from dispatch.triage.bundle import Bundle
from dispatch.triage.calls import Call, moment
from dispatch.triage.engine import Engine
from dispatch.triage.learning import learn
from dispatch.triage.reasons import moved
from dispatch.triage.verdicts import VerdictKind

LANGUAGE = "en"
ROUNDING = timedelta(seconds=1)
"""An alarm is written as raised this much later: whole seconds must not put it before its newest call."""


def replay(bundle: Bundle, *, progress: Callable[[str, int, int], None] | None = None) -> Engine:
    """Learn from a bundle's history and take its reports in order.

    Parameters
    ----------
    bundle
        What was recorded.
    progress
        Told what is being done, how many calls are through and how many there are.
    """
    told = progress or _unheard
    habits = learn(
        bundle.supply, bundle.history, bundle.works, progress=lambda at, of: told("learning", at, of)
    )
    engine = Engine(bundle.supply, habits, bundle.works)
    for at, one in enumerate(bundle.reports):
        engine.take(one)
        told("replaying", at + 1, len(bundle.reports))
    return engine


def _unheard(what: str, at: int, of: int) -> None:
    """Tell nobody."""


def write_assignments(engine: Engine, path: Path) -> None:
    """Write where every call stands: when it came, and in the end."""
    _write(
        path,
        ("report_id", "incident_id_on_arrival", "incident_id", "repeat_of"),
        (
            (call.told.id, call.arrived_as, call.label, call.repeat_of.told.id if call.repeat_of else "")
            for call in engine.calls
        ),
    )


def write_alarms(engine: Engine, path: Path) -> None:
    """Write the alarms with the calls known when they were raised."""
    _write(
        path,
        ("incident_id", "raised_at", "report_ids"),
        (
            (one.label, (moment(one.at_h) + ROUNDING).isoformat(timespec="seconds"), " ".join(one.calls))
            for one in engine.alarms
        ),
    )


def write_explanations(engine: Engine, path: Path) -> None:
    """Write what became of every call and why, one object a line."""
    with path.open("w", encoding="utf-8") as file:
        for call in engine.calls:
            file.write(json.dumps(explanation(call), ensure_ascii=False) + "\n")


def explanation(call: Call) -> dict[str, Any]:  # Any: numbers and words, as JSON has them
    """Tell what became of a call, why, and what was weighed; of one that moved, also where from and why."""
    verdict = call.verdict
    if verdict is None:
        raise ValueError(f"{call.told.id} has not been decided yet")
    clauses = (*verdict.clauses, *(moved(one) for one in call.moves))
    return {
        "report_id": call.told.id,
        "decision": (VerdictKind.MOVED if call.moves else verdict.kind).value,
        "incident_id": call.label,
        "reason": joined(clauses, LANGUAGE),
        "odds": round(call.explained, 4),
        "on_arrival": {
            "decision": verdict.kind.value,
            "incident_id": verdict.label,
            "odds": round(verdict.odds, 4),
            "weighed": [
                {"incident_id": one.label, "scope": one.scope, "odds": round(one.odds, 4)}
                for one in verdict.candidates
            ],
        },
        "codes": [{"code": one.code, "values": one.values} for one in clauses],
    }


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
