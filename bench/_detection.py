"""Worlds of the detection kit: made by it, replayed by the product or by its rival, and scored by it.

Each replay runs in a process of its own, two at a time, and is timed by the processor, one call at a time. What the product calls its parts is
known here alone.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from csv import DictReader
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from pickle import dumps, loads
from random import Random
from typing import Final

import numpy as np

from app.provision.state import CHECKOUT
from app.tuning import give_way
from bench._st_dbscan import Density
from bench._without import RULES, without
from dispatch.triage.bundle import Bundle, read
from dispatch.triage.engine import Engine
from dispatch.triage.habits import Habits
from dispatch.triage.learning import learn
from dispatch.triage.replay import write_alarms, write_assignments

PROCESSES: Final = 2
MISSING: Final = 3
"""Exit status when the kit is not there."""
ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
KEPT_SHARE: Final = 1 / 3
"""Of a history thinned."""

COLUMNS: Final[dict[str, list[str]]] = {
    "clean": [],
    "other_network": ["--network-seed", "7", "--valve-share", "0.45"],
    "degraded": ["--degraded"],
    "storm": ["--storm", "3"],
    "thinned": [],
}
"""How the kit makes each world; a thinned one is a clean one with a third of its history."""

Scores = dict[str, float | None]
"""None where nothing was found to be measured."""


@dataclass(frozen=True)
class World:
    """One bundle, and how it is replayed."""

    kit: Path
    folder: Path
    column: str
    seed: int
    without: str = ""
    """The term of the engine that is left out."""
    is_rival: bool = False


def kit() -> Path:
    """Find the kit; ends the process when it is not there."""
    folder = Path(os.environ.get("MAINLINE_DATA", CHECKOUT.parent / "shared"), "bench", "detection")
    if not (folder / "make_bundle.py").is_file():
        print(
            f"{folder} does not hold the detection kit; MAINLINE_DATA names the folder it is in",
            file=sys.stderr,
        )
        raise SystemExit(MISSING)
    return folder


def replayed(worlds: Sequence[World]) -> list[Scores]:
    """Make what is not there yet, replay each world and score it, in their order."""
    os.environ |= ONE_THREAD  # for the processes to come: what is timed is not spread
    with ProcessPoolExecutor(
        PROCESSES, get_context("spawn"), initializer=give_way, max_tasks_per_child=1
    ) as pool:
        bundles = {(one.folder, one.column, one.seed): one for one in worlds}
        list(pool.map(_made, bundles.values()))
        return list(pool.map(_replayed, worlds))


def means(scores: Sequence[Scores]) -> Scores:
    """Take the mean of every score."""
    columns = {key: [value for one in scores if (value := one[key]) is not None] for key in scores[0]}
    return {key: round(statistics.fmean(values), 4) if values else None for key, values in columns.items()}


def _bundle(world: World) -> Path:
    return world.folder / f"{world.column}_{world.seed}"


def _made(world: World) -> None:
    bundle = _bundle(world)
    if bundle.is_dir():
        return
    with tempfile.TemporaryDirectory(dir=world.folder) as scratch:
        making = Path(scratch, "bundle")
        command = [
            sys.executable,
            "-B",
            str(world.kit / "make_bundle.py"),
            str(making),
            "--seed",
            str(world.seed),
        ]
        subprocess.run([*command, *COLUMNS[world.column]], stdout=subprocess.DEVNULL, check=True)
        if world.column == "thinned":
            _thin(making / "history.csv", world.seed)
        making.rename(bundle)


def _thin(history: Path, seed: int) -> None:
    head, *rows = history.read_text(encoding="utf-8").splitlines(keepends=True)
    random = Random(seed)
    history.write_text(
        "".join([head, *(row for row in rows if random.random() < KEPT_SHARE)]), encoding="utf-8"
    )


def _replayed(world: World) -> Scores:
    bundle = _bundle(world)
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch)
        taken_ms = _rival(bundle, run) if world.is_rival else _ours(world, bundle, run)
        scored = subprocess.run(
            [sys.executable, str(world.kit / "score.py"), str(bundle), str(run)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    scores: Scores = json.loads(scored.stdout)
    scores |= {"ms_mean": float(np.mean(taken_ms)), "ms_p99": float(np.quantile(taken_ms, 0.99))}
    shown = means([scores])
    print(
        f"{world.column} {world.seed} {world.without or ('rival' if world.is_rival else 'ours')}",
        shown,
        file=sys.stderr,
        flush=True,
    )
    return scores


def _ours(world: World, bundle: Path, run: Path) -> list[float]:
    """Learn from the bundle's history, with all terms, then take its reports."""
    given = read(bundle)
    habits = Habits() if world.without == "learning" else _learnt(given, bundle / "habits.pickle")
    if world.without:
        without(world.without)
    works = () if world.without == "works" else given.works
    engine = Engine(given.supply, habits, works, rules=RULES.get(world.without))
    taken_ms = []
    for told in given.reports:
        began = time.process_time()
        engine.take(told)
        taken_ms.append(1000.0 * (time.process_time() - began))
    write_assignments(engine, run / "assignments.csv")
    write_alarms(engine, run / "alarms.csv")
    return taken_ms


def _learnt(given: Bundle, kept: Path) -> Habits:
    """Learn once for each world; a folder that is kept keeps that too."""
    if not kept.is_file():
        kept.write_bytes(dumps(learn(given.supply, given.history, given.works)))
    habits: Habits = loads(kept.read_bytes())  # written by this bench
    return habits


def _rival(bundle: Path, run: Path) -> list[float]:
    density = Density()
    taken_ms = []
    with (bundle / "reports.csv").open(encoding="utf-8", newline="") as file:
        for row in DictReader(file):
            began = time.process_time()
            density.take(row)
            taken_ms.append(1000.0 * (time.process_time() - began))
    density.write(run)
    return taken_ms
