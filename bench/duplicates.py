"""Duplicates suggested while reports come in: those that a city's staff marked, found among 58,000 reports; beside a plain rule.

`boston311_2015_h1.csv.gz` (Boston 311, January to June 2015, City of Boston open data) is read in order of time. For each report that names a place the
product's scorer suggests at most three earlier ones; it learns from the reports before it alone, day by day, and never sees what staff wrote when closing.
A pair is two reports of which the closing words of one call it a duplicate and name the other. The rule beside it suggests every report of the same type
within 50 m and 7 days. Reports without an address have no place for either.

Then 100,000 open incidents are put into a database of their own, over 12 by 12 km and 2,000 of them within 300 m of one place, and what an agent's page asks
while he types is asked in process.

Prints one JSON object, its keys
    days, reports, pairs          of the whole file, and how many have no place (unplaced)
    recall, suggestions_per_day   share of the pairs suggested when the later of the two came, and suggestions on the average day
    first_recall                  the same counting the first suggestion only, with first_suggestions_per_day
    rule_...                      the same of the rule as it stands: every earlier report of that type within 50 m and 7 days
    rule_open_...                 of the rule that leaves out what was closed when the report came
    fresh_...                     all of these on the second half alone, which no number was chosen on
    p50_ms, p99_ms                one report of the file, found and weighed in memory
    open_...                      one answer among the open incidents, statements included; storm_... where the 2,000 are
    learn_s                       what a process learns once a day, from the latest 5,000 reports
"""

import csv
import gzip
import json
import os
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from pydantic import SecretStr
from sqlalchemy import text

from app.commands.bench import machine
from app.provision import workspaces
from app.provision.state import CHECKOUT
from core.auth import Actor
from core.clock import utc_now
from core.db import session_factory, transaction
from core.scope import WGS84_SRID
from core.settings import Settings
from dispatch.duplicates.odds import Closeness, Habits, History, Past, best
from dispatch.duplicates.suggestions import Asked, known_already, warm
from gis.coordinates import EARTH_RADIUS_M, LonLat

NAMED_CASE: Final = re.compile(r"(?<!\d)\d{12}(?!\d)")
CALLED_DUPLICATE: Final = re.compile(r"dup|already", re.IGNORECASE)
RULE_STEPS: Final = (Closeness.SAME_PLACE, Closeness.TOUCHING, Closeness.NEXT_DOOR, Closeness.NEAR)
"""To 50 m."""
RULE_AGE: Final = timedelta(days=7)
ADDRESSES_MAX: Final = 10
"""A point that so many different addresses share is where a geocoder puts what it does not find."""
DAY_S: Final = 86_400.0
FRESH_FROM: Final = 90
"""Days from which on no number was chosen."""
WORKSPACE: Final = "benchduplicates"
OPEN, STORM = 100_000, 2_000
WARM_UP, QUESTIONS = 20, 200
EMPTY: Final = "TRUNCATE dispatch.incident CASCADE"
DRAW: Final = """
    CREATE TEMP TABLE drawn AS
        SELECT gen_random_uuid() AS id, gen_random_uuid() AS report_id, n,
               ST_SetSRID(ST_MakePoint(r * (random() - 0.5), r * (random() - 0.5)), :srid) AS place,
               (ARRAY['no_water', 'low_pressure', 'leak', 'water_quality', 'other'])[1 + n % 5] AS category,
               CAST(:now AS timestamptz) - random() * interval '80 days' AS at
        FROM (SELECT n, CASE WHEN n <= :storm THEN 0.0054 ELSE 0.108 END AS r FROM generate_series(1, :open) AS n) AS one
"""
"""Open incidents round the point of no longitude and no latitude, a report each; the storm's first."""
FILL: Final = (
    """
    INSERT INTO dispatch.incident (id, kind, state, level, priority, place, segment_ids, customers_without_water, critical_customers,
                                   report_count, customer_count, opened_at, last_report_at, changed_at, closure_no)
        SELECT id, 'leak', 'suspected', 'single', 3, place, '{}', 0, 0, 1, 1, at, at, at, 0 FROM drawn
    """,
    """
    INSERT INTO dispatch.incident_report (report_id, report_number, incident_id, triaged_into_id, category, extent, place, pipe_id,
                                          confidence, caller_key, noticed_at, received_at, attached_at, decision, reason_code, reason_values)
        SELECT report_id, n, id, id, category, 'unknown', place, id, 1.0, n, at, at, at, 'opened', 'dispatch.triage.alone', '{}' FROM drawn
    """,
)
ANYBODY: Final = Actor(
    user_id=UUID(int=0),
    username="bench",
    display_name="bench",
    role="agent",
    operations=frozenset(),
    fields=frozenset(),
    area_wkt=None,
    desk_ids=frozenset(),
    crew_id=None,
    session_id=UUID(int=0),
    language="en",
    client_address=None,
)


@dataclass(frozen=True, slots=True)
class Stream:
    """The file's reports in order of time, and the pairs staff marked, the later one second."""

    past: Past
    kinds: int
    unplaced: int
    pairs: frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Suggested:
    """One suggestion: which earlier report for which, and whether it came first in its list."""

    earlier: int
    later: int
    is_first: bool = False


def main() -> None:
    folder = Path(os.environ.get("MAINLINE_DATA", CHECKOUT.parent / "shared"))
    stream = read_stream(folder / "data" / "reports" / "boston311_2015_h1.csv.gz")
    fields = Settings.model_fields
    history = History(stream.past, age_max=timedelta(days=fields["duplicate_days"].default))
    taken_ms: list[float] = []
    ours = list(
        suggested(
            stream,
            history,
            odds_min=fields["duplicate_odds_min"].default,
            most=fields["duplicate_suggestions_max"].default,
            taken_ms=taken_ms,
        )
    )
    of_rule, of_open = by_rule(stream, history)
    days = int(stream.past.at_s[-1] // DAY_S) + 1
    result: dict[str, object] = {
        "bench": "duplicates",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "days": days,
        "reports": len(stream.past.kinds),
        "unplaced": stream.unplaced,
        "pairs": len(stream.pairs),
    }
    for label, first_day in (("", 0), ("fresh_", FRESH_FROM)):
        for name, found in (
            ("", ours),
            ("first_", [one for one in ours if one.is_first]),
            ("rule_", of_rule),
            ("rule_open_", of_open),
        ):
            recall, a_day = scored(stream, found, first_day=first_day, days=days)
            result |= {f"{label}{name}recall": recall, f"{label}{name}suggestions_per_day": a_day}
    result |= {
        "fresh_pairs": sum(bool(stream.past.at_s[later] >= FRESH_FROM * DAY_S) for _, later in stream.pairs),
        "p50_ms": round(float(np.quantile(taken_ms, 0.5)), 2),
        "p99_ms": round(float(np.quantile(taken_ms, 0.99)), 2),
        **answered(),
    }
    print(json.dumps(result))


def read_stream(path: Path) -> Stream:
    """Read the file; what it says of a report's end is used from that time on only."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        rows = sorted(csv.DictReader(lines), key=lambda row: (_at(row["OPEN_DT"]), row["CASE_ENQUIRY_ID"]))
    first = _at(rows[0]["OPEN_DT"]).replace(hour=0, minute=0, second=0)
    index = {row["CASE_ENQUIRY_ID"]: n for n, row in enumerate(rows)}
    pairs = {
        (min(n, named), max(n, named))
        for n, row in enumerate(rows)
        if CALLED_DUPLICATE.search(row["CLOSURE_REASON"])
        for one in NAMED_CASE.findall(row["CLOSURE_REASON"])
        if (named := index.get(one)) is not None and named != n
    }
    kinds, places = _codes([row["TYPE"] for row in rows]), _codes([row["Location"] for row in rows])
    lon, lat = (np.array([float(row[name]) for row in rows]) for name in ("LONGITUDE", "LATITUDE"))
    metres_per_degree = np.pi / 180.0 * EARTH_RADIUS_M
    east = lon * metres_per_degree * np.cos(np.radians(lat.mean()))
    north = lat * metres_per_degree
    has_address = np.array([bool(row["Location"]) for row in rows])
    is_placed = has_address & ~_is_fallback(
        [(row["LONGITUDE"], row["LATITUDE"]) for row in rows], [row["Location"] for row in rows]
    )
    past = Past(
        kinds=kinds,
        east_m=np.where(is_placed, east, np.nan),
        north_m=np.where(is_placed, north, np.nan),
        places=np.where(has_address, places, -1),
        segments=np.full(len(rows), -1),
        at_s=np.array([(_at(row["OPEN_DT"]) - first).total_seconds() for row in rows]),
        over_at_s=np.array(
            [(_at(row["CLOSED_DT"]) - first).total_seconds() if row["CLOSED_DT"] else np.inf for row in rows]
        ),
    )
    return Stream(past, int(kinds.max()) + 1, int((~has_address).sum()), frozenset(pairs))


def suggested(
    stream: Stream, history: History, *, odds_min: float, most: int, taken_ms: list[float]
) -> Iterator[Suggested]:
    """Suggest earlier reports for each that comes, then learn from it; pools are worked out once a day."""
    habits, day = Habits(stream.kinds), 0
    for later, kind in enumerate(stream.past.kinds.tolist()):
        if stream.past.at_s[later] // DAY_S > day:
            day = int(stream.past.at_s[later] // DAY_S)
            habits.settle()
        began = time.perf_counter()
        others, earlier = history.before(later)
        chosen = best(habits.odds(kind, earlier), earlier.age_s, odds_min=odds_min, most=most)
        taken_ms.append(1000.0 * (time.perf_counter() - began))
        for rank, one in enumerate(chosen):
            yield Suggested(int(others[one]), later, is_first=rank == 0)
        if stream.past.places[later] >= 0:
            habits.learn(kind, earlier)


def by_rule(stream: Stream, history: History) -> tuple[list[Suggested], list[Suggested]]:
    """Suggest by the plain rule, among all earlier reports with an address and among those still open."""
    past = stream.past
    every: list[Suggested] = []
    still_open: list[Suggested] = []
    for later, kind in enumerate(past.kinds.tolist()):
        others, earlier = history.before(later)
        is_rule = (
            (earlier.kinds == kind)
            & np.isin(earlier.closeness, RULE_STEPS)
            & (earlier.age_s <= RULE_AGE.total_seconds())
        )
        every.extend(Suggested(int(one), later) for one in others[is_rule])
        still_open.extend(Suggested(int(one), later) for one in others[is_rule & ~earlier.is_over])
    return every, still_open


def scored(stream: Stream, found: list[Suggested], *, first_day: int, days: int) -> tuple[float, float]:
    """Tell which share of the marked pairs was suggested, and how many suggestions a day that took."""
    counted = {(one.earlier, one.later) for one in found if stream.past.at_s[one.later] >= first_day * DAY_S}
    pairs = {pair for pair in stream.pairs if stream.past.at_s[pair[1]] >= first_day * DAY_S}
    return round(len(counted & pairs) / len(pairs), 3), round(len(counted) / (days - first_day), 1)


def answered() -> dict[str, float]:
    """Ask what an agent's page asks, among very many open incidents."""
    address = workspaces.ensure_database(WORKSPACE)
    factory = session_factory(address, pool_size=1)
    with transaction(factory) as session:
        session.execute(text(EMPTY))
        session.execute(text(DRAW), {"open": OPEN, "storm": STORM, "srid": WGS84_SRID, "now": utc_now()})
        for one in FILL:
            session.execute(text(one))
    with transaction(factory) as session:
        session.execute(text("ANALYZE dispatch.incident, dispatch.incident_report"))
    settings = Settings(database_url=SecretStr(address), token_secret=SecretStr("unused" * 10))
    rng = np.random.default_rng(1)
    taken_ms: dict[str, list[float]] = {"open": [], "storm": []}
    with factory() as session:
        began = time.perf_counter()
        warm(session, settings)
        learn_s = time.perf_counter() - began
        for n in range(WARM_UP + QUESTIONS):
            for name, spread_deg in (("open", 0.05), ("storm", 0.001)):
                east, north = rng.uniform(-spread_deg, spread_deg, 2)
                place = LonLat(lon=float(east), lat=float(north))
                began = time.perf_counter()
                known_already(session, ANYBODY, Asked(category="leak", place=place), settings=settings)
                if n >= WARM_UP:
                    taken_ms[name].append(1000.0 * (time.perf_counter() - began))
    return {"open_incidents": OPEN, "learn_s": round(learn_s, 2)} | {
        f"{name}_{label}_ms": round(float(np.quantile(taken, share)), 1)
        for name, taken in taken_ms.items()
        for label, share in (("p50", 0.5), ("p95", 0.95), ("max", 1.0))
    }


def _is_fallback(points: list[tuple[str, str]], addresses: list[str]) -> NDArray[np.bool_]:
    """Whether a report's point is one that many addresses had shared when it came."""
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    shared = []
    for point, address in zip(points, addresses, strict=True):
        if address:
            seen[point].add(address)
        shared.append(len(seen[point]) > ADDRESSES_MAX)
    return np.array(shared)


def _codes(words: list[str]) -> NDArray[np.int64]:
    return np.unique(words, return_inverse=True)[1].astype(np.int64)


def _at(text: str) -> datetime:
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)  # local; only spans are used


if __name__ == "__main__":
    main()
