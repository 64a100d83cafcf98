"""What callers say, located: among the kit's 43,000 addresses, and among a million; beside plain trigrams in PostgreSQL.

The million are the kit's city laid side by side under other names: in each copy the characters of road and place names are exchanged for others,
so that names sound different and are as long and as alike as real ones. Each question goes the whole way, look-up of the answer's text in the
database included; the kit's own program scores the answers.
"""

import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from shapely.affinity import translate
from sqlalchemy.orm import Session

from app.commands.bench import machine
from app.provision import workspaces
from app.provision.state import CHECKOUT
from core.db import libpq_url, session_factory, transaction
from gis.address_import.records import ImportedAddress, ImportedRoad, Source
from gis.address_import.storing import store_addresses
from gis.address_import.tables import read_addresses, read_roads
from gis.coordinates import LonLat
from gis.geocoding import geocode, normalise

COPIES = 24
"""How often the kit's city must be laid side by side to make a million addresses."""
STEP_DEG = 0.5
"""Between two copies."""
KEPT = frozenset("路街道大巷弄号东南西北中区县市镇乡村园苑小")
"""Characters that say what kind of name it is, or which part; they stay as they are."""
WARM_UP = 20
TRIGRAM_QUERIES = 300
WORKSPACE, MILLION = "benchgeocoding", "benchmillion"

Answer = tuple[LonLat | None, float]


def main() -> None:
    folder = Path(os.environ.get("MAINLINE_DATA", CHECKOUT.parent / "shared"))
    kit = folder / "data" / "geocoding"
    base, roads = read_addresses(kit / "base.csv").addresses, read_roads(kit / "roads.csv")
    with (kit / "queries.csv").open(encoding="utf-8") as lines:
        queries = [(row["query_id"], row["text"]) for row in csv.DictReader(lines)]
    small, _ = measured(WORKSPACE, base, roads, queries, kit, folder)
    large, import_s = measured(MILLION, *copied(base, roads), queries, kit, folder)
    trigram = beside_trigrams(WORKSPACE, queries, kit, folder)
    result = {
        "bench": "geocoding",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "addresses": len(base),
        **small,
        "million": len(base) * COPIES,
        "million_import_s": round(import_s, 1),
        **{f"million_{key}": large[key] for key in ("all", "load_s", "p50_ms", "p95_ms")},
        **trigram,
    }
    print(json.dumps(result))


def copied(
    base: Sequence[ImportedAddress], roads: Sequence[ImportedRoad]
) -> tuple[list[ImportedAddress], list[ImportedRoad]]:
    """Lay the city side by side under other names; the first copy keeps its own."""
    letters = sorted({c for one in base for c in one.road + one.place if c >= "一" and c not in KEPT})
    addresses: list[ImportedAddress] = []
    lines: list[ImportedRoad] = []
    for number in range(COPIES):
        others = letters.copy()
        if number:
            random.Random(number).shuffle(others)
        names = str.maketrans(dict(zip(letters, others, strict=True)))
        east, north = STEP_DEG * (number % 5), -STEP_DEG * (number // 5)
        addresses.extend(
            replace(
                one,
                code=f"{number}-{one.code}",
                road=one.road.translate(names),
                place=one.place.translate(names),
                point=LonLat(lon=one.point.lon + east, lat=one.point.lat + north),
            )
            for one in base
        )
        lines.extend(
            replace(one, name=one.name.translate(names), line=translate(one.line, east, north))
            for one in roads
        )
    return addresses, lines


def measured(
    workspace: str,
    addresses: Sequence[ImportedAddress],
    roads: Sequence[ImportedRoad],
    queries: Sequence[tuple[str, str]],
    kit: Path,
    folder: Path,
) -> tuple[dict[str, float], float]:
    """Import addresses, ask every question, and let the kit score the answers."""
    factory = session_factory(workspaces.ensure_database(workspace), pool_size=1)
    began = time.perf_counter()
    with transaction(factory) as session:
        store_addresses(session, Source.TABLE, addresses, roads)
    import_s = time.perf_counter() - began
    with factory() as session:
        began = time.perf_counter()
        geocode(session, "1")
        load_s = time.perf_counter() - began
        scores, taken_ms = asked(queries, _geocoder(session), kit, folder)
    return scores | {
        "load_s": round(load_s, 2),
        "p50_ms": quantile(taken_ms, 0.5),
        "p95_ms": quantile(taken_ms, 0.95),
    }, import_s


def _geocoder(session: Session) -> Callable[[str], Answer]:
    def ask(words: str) -> Answer:
        found = geocode(session, words, limit=1)
        return (found[0].point, found[0].confidence) if found else (None, 0.0)

    return ask


def beside_trigrams(
    workspace: str, queries: Sequence[tuple[str, str]], kit: Path, folder: Path
) -> dict[str, float]:
    """Ask some of the questions of PostgreSQL's trigrams alone: the address whose text is most like the words."""
    with psycopg.connect(libpq_url(workspaces.ensure_database(workspace))) as connection:
        connection.execute("CREATE TEMP TABLE said AS SELECT normalised, geom FROM gis.address")
        connection.execute("CREATE INDEX ON said USING gist (normalised gist_trgm_ops)")
        connection.execute("ANALYZE said")

        def ask(words: str) -> Answer:
            row = connection.execute(
                "SELECT ST_X(geom), ST_Y(geom) FROM said ORDER BY normalised <-> %s LIMIT 1",
                (normalise(words),),
            ).fetchone()
            return (LonLat(lon=row[0], lat=row[1]) if row else None), 0.0

        some = random.Random(1).sample(list(queries), TRIGRAM_QUERIES)
        scores, taken_ms = asked(some, ask, kit, folder)
    return {"trigram_all": scores["all"], "trigram_p95_ms": quantile(taken_ms, 0.95)}


def asked(
    queries: Sequence[tuple[str, str]], ask: Callable[[str], Answer], kit: Path, folder: Path
) -> tuple[dict[str, float], list[float]]:
    """Ask the questions one after the other; the kit's scores, and milliseconds for each."""
    for _, words in queries[:WARM_UP]:
        ask(words)
    taken_ms = []
    with tempfile.TemporaryDirectory() as scratch:
        asked_path, located = Path(scratch, "queries.csv"), Path(scratch, "located.csv")
        chosen = {query_id for query_id, _ in queries}
        with (
            (kit / "queries.csv").open(encoding="utf-8") as lines,
            asked_path.open("w", encoding="utf-8", newline="") as kept,
        ):
            reader = csv.DictReader(lines)
            writer = csv.DictWriter(kept, reader.fieldnames or ())
            writer.writeheader()
            writer.writerows(row for row in reader if row["query_id"] in chosen)
        with located.open("w", encoding="utf-8", newline="") as answers:
            rows = csv.writer(answers)
            rows.writerow(("query_id", "lon", "lat", "confidence"))
            for query_id, words in queries:
                began = time.perf_counter()
                place, confidence = ask(words)
                taken_ms.append(1000.0 * (time.perf_counter() - began))
                rows.writerow((query_id, place.lon if place else "", place.lat if place else "", confidence))
        score = folder / "bench" / "geocoding" / "score.py"
        scored = subprocess.run(
            [sys.executable, str(score), str(asked_path), str(located)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return dict(json.loads(scored.stdout)), taken_ms


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)


if __name__ == "__main__":
    main()
