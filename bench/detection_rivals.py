"""Months of reports in which the truth is known, grouped by the product and by a tuned density rule; the kit scores both.

For every column the kit makes a world for each seed: a clean one, one of another network with fewer valves, one as utilities find it (`degraded`); on request
one with three times the bursts (`storm`) and one with a third of the history (`thinned`). The product learns from each world's own history, unlabelled, and
takes the reports in order; beside it runs a sliding ST-DBSCAN of 400 m, 1.5 h and 4 reports.

Prints one JSON object for each column as it is done, and last one for all: the keys of the first column, the others by their names. Its keys
    seeds
    ours, rival         means of the kit's scores, and milliseconds of processor per report (ms_mean, ms_p99)
    worst_seed          the seed of our lowest event F1, with that

`MAINLINE_BENCH_SEEDS` names the seeds, `MAINLINE_BENCH_COLUMNS` the columns, `MAINLINE_BENCH_WITHOUT` terms of the engine to leave out instead of asking the
rival (`all` for every one): then a column has for each term its means. `MAINLINE_BENCH_FOLDER` keeps worlds and what was learnt for the next time.
"""

import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from app.commands.bench import machine
from bench._detection import World, kit, means, replayed
from bench._without import TERMS

SEEDS = "301,302,303,304,305"
COLUMNS = "clean,other_network,degraded"


def main() -> None:
    seeds = [int(one) for one in os.environ.get("MAINLINE_BENCH_SEEDS", SEEDS).split(",")]
    columns = os.environ.get("MAINLINE_BENCH_COLUMNS", COLUMNS).split(",")
    terms = os.environ.get("MAINLINE_BENCH_WITHOUT", "")
    head = {"bench": "detection_rivals", "date": datetime.now(UTC).date().isoformat(), "machine": machine()}
    source = kit()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(os.environ.get("MAINLINE_BENCH_FOLDER", scratch))
        folder.mkdir(parents=True, exist_ok=True)
        measured: dict[str, dict[str, object]] = {}
        for column in columns:
            if terms:
                left_out = list(TERMS) if terms == "all" else terms.split(",")
                measured[column] = without(source, folder, column, seeds, left_out)
            else:
                measured[column] = beside(source, folder, column, seeds)
            print(json.dumps(head | {"column": column} | measured[column]), flush=True)
    first, *others = columns
    print(json.dumps(head | {"column": first} | measured[first] | {one: measured[one] for one in others}))


def beside(source: Path, folder: Path, column: str, seeds: list[int]) -> dict[str, object]:
    """Replay a column's worlds, by us and by the rival."""
    worlds = [
        World(source, folder, column, seed, is_rival=rival) for rival in (False, True) for seed in seeds
    ]
    scores = replayed(worlds)
    ours, rival = scores[: len(seeds)], scores[len(seeds) :]
    event_f1, worst = min((one["event_f1"] or 0.0, seed) for one, seed in zip(ours, seeds, strict=True))
    return {
        "seeds": seeds,
        "ours": means(ours),
        "rival": means(rival),
        "worst_seed": {"seed": worst, "event_f1": event_f1},
    }


def without(source: Path, folder: Path, column: str, seeds: list[int], terms: list[str]) -> dict[str, object]:
    """Replay a column's worlds, each time with one term left out; habits learnt with all."""
    scores = replayed([World(source, folder, column, seed, term) for term in ("", *terms) for seed in seeds])
    each = [means(scores[at : at + len(seeds)]) for at in range(0, len(scores), len(seeds))]
    return {"seeds": seeds, "all": each[0], "without": dict(zip(terms, each[1:], strict=True))}


if __name__ == "__main__":
    main()
