"""What deciding about a report costs with a hundred thousand open ones, and in a storm on top; in process and without the commit.

The kit draws a large network (a grid of 130 by 130 streets: some 20,000 segments, 250,000 customers). Calls with no common cause come at its rate per customer,
and nothing is ever forgotten: the memory of incidents and sightings is made endless. What is timed is the last of them, then 2,000 calls
of one zone within 20 minutes. The garbage collector is set as our processes set it.

Prints one JSON object, its keys
    segments, customers, open_reports, open_incidents
    mean_ms, p99_ms, p999_ms, max_ms     of the last reports, by the clock
    storm_mean_ms, storm_p99_ms, storm_max_ms
    rss_mb                               peak of the process, libraries included
"""

import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from app.commands.bench import machine
from app.tuning import THREAD_SWITCH_S
from bench._detection import ONE_THREAD, kit
from dispatch.triage.bundle import read
from dispatch.triage.calls import Told
from dispatch.triage.engine import Engine
from dispatch.triage.habits import Habits
from dispatch.triage.rules import StreamRules
from dispatch.triage.supply import SupplyMap

SIZE = int(os.environ.get("MAINLINE_BENCH_SIZE", "130"))
OPEN = int(os.environ.get("MAINLINE_BENCH_OPEN", "100000"))
TIMED = 20_000
CALLS_PER_CUSTOMER_DAY = 80.0 / 51_475
"""Of the kit's smaller network."""
CATEGORY_SHARE = (0.3, 0.22, 0.15, 0.13, 0.2)
ACCOUNT_KNOWN, ADDRESS_KNOWN = 0.7, 0.88
NOISE_M = 20.0
STORM_CALLS, STORM_H = 2_000, 1 / 3
STORM_SHARE = (0.03, 0.77, 0.15, 0.03, 0.02)
SEED = 7


def main() -> None:
    if not ONE_THREAD.items() <= os.environ.items():  # libraries read it when they are loaded
        raise SystemExit(
            subprocess.run(
                [sys.executable, "-P", "-m", "bench.detection_cost"], env=os.environ | ONE_THREAD, check=False
            ).returncode
        )
    source = kit()
    with tempfile.TemporaryDirectory() as scratch:
        bundle = Path(os.environ.get("MAINLINE_BENCH_FOLDER", scratch), f"large_{SIZE}")
        if not bundle.is_dir():
            command = [sys.executable, "-B", str(source / "make_bundle.py"), str(bundle), "--seed", "1"]
            subprocess.run(
                [*command, "--size", str(SIZE), "--days", "1"], stdout=subprocess.DEVNULL, check=True
            )
        supply = read(bundle).supply
    rng = np.random.default_rng(SEED)
    habits = Habits()
    habits = replace(habits, calls_per_day=CALLS_PER_CUSTOMER_DAY * supply.customer_count)
    engine = Engine(supply, habits, rules=StreamRules(forget_h=np.inf, site_h=np.inf))
    sys.setswitchinterval(THREAD_SWITCH_S)
    before = list(background(supply, OPEN, rng))
    timed(engine, before[:-TIMED])
    gc.collect()
    gc.freeze()
    usual_ms = timed(engine, before[-TIMED:])
    incidents = len(engine.incidents)
    storm_ms = timed(engine, list(storm(supply, before[-1].at_h, rng)))
    result = {
        "bench": "detection_cost",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "segments": supply.segment_count,
        "customers": supply.customer_count,
        "open_reports": len(before),
        "open_incidents": incidents,
        "mean_ms": round(float(usual_ms.mean()), 2),
        "p99_ms": round(float(np.quantile(usual_ms, 0.99)), 2),
        "p999_ms": round(float(np.quantile(usual_ms, 0.999)), 2),
        "max_ms": round(float(usual_ms.max()), 1),
        "storm_mean_ms": round(float(storm_ms.mean()), 2),
        "storm_p99_ms": round(float(np.quantile(storm_ms, 0.99)), 2),
        "storm_max_ms": round(float(storm_ms.max()), 1),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(result))


def background(supply: SupplyMap, count: int, rng: np.random.Generator) -> Iterator[Told]:
    """Draw calls that have nothing to do with each other."""
    per_h = CALLS_PER_CUSTOMER_DAY * supply.customer_count / 24.0
    times = np.cumsum(rng.exponential(1.0 / per_h, count))
    return drawn(supply, "B", times, rng.integers(supply.customer_count, size=count), CATEGORY_SHARE, rng)


def storm(supply: SupplyMap, begins_h: float, rng: np.random.Generator) -> Iterator[Told]:
    """Draw calls of one zone that come almost at once: its largest."""
    zone = max(supply.zone_customers, key=lambda one: supply.zone_customers[one])
    inside = np.flatnonzero(supply.zone[supply.customer_segment] == zone)
    times = begins_h + np.sort(rng.uniform(0.0, STORM_H, STORM_CALLS))
    return drawn(supply, "S", times, rng.choice(inside, STORM_CALLS, replace=False), STORM_SHARE, rng)


def drawn(
    supply: SupplyMap,
    prefix: str,
    times: np.ndarray,
    customers: np.ndarray,
    category_share: Sequence[float],
    rng: np.random.Generator,
) -> Iterator[Told]:
    """Let customers call, some without a name and some without an address."""
    categories = rng.choice(len(category_share), len(times), p=category_share)
    places = supply.customer_xy[customers] + rng.normal(0.0, NOISE_M, (len(times), 2))
    named, placed = rng.random((2, len(times))) < [[ACCOUNT_KNOWN], [ADDRESS_KNOWN]]
    for at, customer in enumerate(customers.tolist()):
        yield Told(
            id=f"{prefix}{at}",
            at_h=float(times[at]),
            category=int(categories[at]),
            x=float(places[at, 0]),
            y=float(places[at, 1]),
            error="roof",
            customer=customer if named[at] else -1,
            address=int(supply.address[customer]) if placed[at] else -1,
        )


def timed(engine: Engine, calls: Sequence[Told]) -> np.ndarray:
    """Take calls; milliseconds of each."""
    taken_ms = np.empty(len(calls))
    for at, told in enumerate(calls):
        began = time.perf_counter()
        engine.take(told)
        taken_ms[at] = 1000.0 * (time.perf_counter() - began)
    return taken_ms


if __name__ == "__main__":
    main()
