"""A hundred thousand points put on a million mains, each with all mains in reach weighed; PostGIS, wntr and geopandas beside it.

Magnetic Island's pipes (a real network: bends, dead ends, 43 m on average) are laid side by side until there are a million. Points
are drawn along them at random and moved by 15 m of noise either way, as phones do. Ours weighs every main within 60 m by all its terms (streets,
zones, house connections on either side are made up at random, so that none is skipped) and gives shares of belief, the best, its chainage and
side; the others give the nearest main only. Memory is the peak of the process that holds the mains and answers.
"""

import json
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import psycopg
import shapely
import wntr

from app.commands.bench import machine
from app.provision import workspaces
from app.provision.state import CHECKOUT
from core.db import libpq_url
from gis.isolation import NONE
from gis.mains import CLASSES, STATUSES, Clues, Mains
from gis.models import LifecycleStatus, PipeClass

LINES = 1_000_000
POINTS = 100_000
POSTGIS_POINTS = 20_000
WNTR_POINTS = 5_000
SINGLES = 5_000
NOISE_M = 15.0
REACH_M = 60.0
WIDE_REACH_M = 120.0
"""The radius of the product."""
APART_M = 200.0
"""Between two tiles."""
ROUNDS = 3
STREETS = 500
ZONES = 8
TAPS = 3.0
"""House connections on either side of a main, on average."""
SEED = 7
WORKSPACE = "benchsnapping"
Lines = np.ndarray


def main() -> None:
    # Ours is measured in a process of its own, so that the peak of memory is its own too.
    if len(sys.argv) > 1:
        print(json.dumps(ours()))
        return
    measured = subprocess.run(
        [sys.executable, "-P", "-m", "bench.snapping", "ours"],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer = json.loads(measured.stdout.splitlines()[-1])
    head = {"bench": "snapping", "date": datetime.now(UTC).date().isoformat(), "machine": machine()}
    print(json.dumps(head | answer | others() | {"load": round(os.getloadavg()[0], 1)}))


def laid() -> tuple[Lines, Lines]:
    """Lay Magnetic Island's pipes side by side in a square: the lines, and their diameters in millimetres."""
    path = Path(os.environ.get("MAINLINE_DATA", "../shared"), "data", "networks", "magnetic_island.inp")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on units of roughness
        model = wntr.network.WaterNetworkModel(str(path))
    pipes = [pipe for _, pipe in model.pipes()]
    tile = [
        np.array([pipe.start_node.coordinates, *pipe.vertices, pipe.end_node.coordinates]) for pipe in pipes
    ]
    corners = np.concatenate(tile)
    counts = np.array([len(one) for one in tile])
    tiles = -(-LINES // len(tile))
    at = np.arange(tiles)
    wide = int(np.ceil(np.sqrt(tiles)))
    size = np.ptp(corners, axis=0) + APART_M
    moved = corners[None, :, :] + (np.column_stack([at % wide, at // wide]) * size)[:, None, :]
    owner = np.repeat(np.arange(tiles * len(tile)), np.tile(counts, tiles))
    lines = shapely.linestrings(moved.reshape(-1, 2), indices=owner)[:LINES]
    diameter_mm = np.tile([1000.0 * pipe.diameter for pipe in pipes], tiles)[:LINES]
    return np.asarray(lines, dtype=object), diameter_mm


def drawn(lines: Lines, rng: np.random.Generator) -> np.ndarray:
    """Draw points along lines and move them by noise: a row each, metres."""
    chosen = rng.integers(len(lines), size=POINTS)
    on_line = shapely.line_interpolate_point(lines[chosen], rng.random(POINTS), normalized=True)
    return np.asarray(shapely.get_coordinates(on_line) + rng.normal(0.0, NOISE_M, (POINTS, 2)))


def mains_of(lines: Lines, diameter_mm: np.ndarray, rng: np.random.Generator) -> Mains:
    count = len(lines)
    halves = np.empty((count, 2), dtype=">u8")
    halves[:, 0], halves[:, 1] = 1, np.arange(1, count + 1)
    return Mains(
        key=np.frombuffer(halves.tobytes(), dtype="S16"),
        code=[f"P{number:07}" for number in range(count)],
        lines=lines,
        length_m=shapely.length(lines),
        road=rng.integers(NONE, STREETS, count),
        road_names=[f"Street {number}" for number in range(STREETS)],
        zone=rng.integers(NONE, ZONES, count),
        zone_key=np.array([bytes([number + 1]) * 16 for number in range(ZONES)]),
        segment=np.arange(count) // 4,
        pipe_class=np.full(count, CLASSES.index(PipeClass.DISTRIBUTION)),
        status=np.full(count, STATUSES.index(LifecycleStatus.IN_SERVICE)),
        diameter_mm=diameter_mm,
        is_closed=rng.random(count) < 0.01,
        taps=rng.poisson(TAPS, (count, 2)),
        centreline=rng.integers(-1, 2, count),
    )


def ours() -> dict[str, object]:
    rng = np.random.default_rng(SEED)
    lines, diameter_mm = laid()
    places = drawn(lines, rng)
    mains = mains_of(lines, diameter_mm, rng)
    build_s = timed(mains.warm)
    clues = Clues.of(places, np.full(POINTS, NOISE_M), street=rng.integers(NONE, STREETS, POINTS))

    def snapped(reach_m: float) -> Callable[[], object]:
        return lambda: mains.match(clues, np.full(POINTS, reach_m)).best()

    snapped(REACH_M)()
    began_cpu = time.process_time()
    near_s = np.median([timed(snapped(REACH_M)) for _ in range(ROUNDS)])
    near_cpu_s = (time.process_time() - began_cpu) / ROUNDS
    wide_s = np.median([timed(snapped(WIDE_REACH_M)) for _ in range(ROUNDS)])
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    found = mains.match(clues, np.full(POINTS, REACH_M))
    single_us = []
    reach = np.full(1, REACH_M)
    for at in range(SINGLES):
        one = clues.part(slice(at, at + 1))
        single_us.append(1e6 * timed(lambda one=one: mains.match(one, reach).ranked(0)))  # type: ignore[misc]  # bound now
    return {
        "points": POINTS,
        "lines": len(lines),
        "candidates_per_point": round(len(found.main) / POINTS, 1),
        "points_per_s": round(POINTS / near_s),
        "points_per_cpu_s": round(POINTS / near_cpu_s),
        "wide_points_per_s": round(POINTS / wide_s),
        "build_s": round(build_s, 2),
        "rss_mb": round(rss_mb),
        "single_p50_us": round(float(np.quantile(single_us, 0.5))),
        "single_p99_us": round(float(np.quantile(single_us, 0.99))),
    }


def others() -> dict[str, object]:
    rng = np.random.default_rng(SEED)
    lines, _ = laid()
    places = drawn(lines, rng)
    points = gpd.GeoDataFrame(geometry=shapely.points(places))
    mains = gpd.GeoDataFrame(geometry=lines)
    assert len(mains.sindex) == len(lines)  # builds it: no rival pays for it in its time
    some = points.iloc[:WNTR_POINTS]
    sjoin_s = timed(lambda: gpd.sjoin_nearest(points, mains, max_distance=REACH_M, distance_col="distance_m"))
    wntr_s = timed(lambda: wntr.gis.snap(some, mains, REACH_M))
    return {
        "sjoin_points_per_s": round(POINTS / sjoin_s),
        "wntr_points_per_s": round(WNTR_POINTS / wntr_s),
        "wntr_points": WNTR_POINTS,
    } | in_postgis(lines, places[:POSTGIS_POINTS])


def in_postgis(lines: Lines, places: np.ndarray) -> dict[str, object]:
    """Ask for the nearest main of each point and where on it, in one statement."""
    url = workspaces.ensure_database(WORKSPACE)
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE main (id int, geom geometry(LineString))")
        connection.execute("CREATE TEMP TABLE place (id int, geom geometry(Point))")
        began = time.perf_counter()
        for table, shapes in (("main", lines), ("place", shapely.points(places))):
            with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                for number, line in enumerate(shapely.to_wkb(shapes, hex=True)):
                    copy.write_row((number, line))
        connection.execute("CREATE INDEX ON main USING gist (geom)")
        connection.execute("VACUUM ANALYZE main")
        build_s = time.perf_counter() - began
        asked_s = timed(
            lambda: connection.execute("""
                SELECT place.id, near.id, ST_LineLocatePoint(near.geom, place.geom)
                  FROM place CROSS JOIN LATERAL
                       (SELECT main.id, main.geom FROM main ORDER BY main.geom <-> place.geom LIMIT 1) near""").fetchall()
        )
    return {
        "postgis_points_per_s": round(len(places) / asked_s),
        "postgis_points": len(places),
        "postgis_build_s": round(build_s, 1),
    }


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
