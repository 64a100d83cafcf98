"""Roads of a large city: reading them, one incident and 200 crews, a closure taking effect; beside networkx and igraph.

Ours starts and ends anywhere on an edge, snapping included, and gives seconds and metres; networkx and igraph get junctions and give
seconds alone, on the same weights. Times are wall clock; `_cpu_` ones what the thread itself used.
"""

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import igraph
import networkx as nx
import numpy as np
import shapely

from app.provision import workspaces
from app.provision.state import CHECKOUT
from core.clock import utc_now
from core.db import SessionFactory, session_factory
from gis.coordinates import LonLat, stored
from gis.models import ClosureCause, RoadClosure
from gis.roads.current import current_roads
from gis.roads.graph import E7, RoadGraph
from gis.roads.matrix import travel_rows
from gis.roads.overlay import Roads, Slowed, lines_touching
from gis.roads.reach import reach_within, reached_areas
from gis.roads.storing import load_road_graph
from gis.roads.ways import Ways, route

WORKSPACE = "benchrouting"
EXTRACT = Path(os.environ.get("MAINLINE_DATA", CHECKOUT.parent / "shared"), "data/roads/porto.osm.pbf")
CREWS = 200
QUERIES = 300
RIVAL_QUERIES = 15
CLOSURES = 200
CLOSURE_RADIUS_DEG = 0.002
"""About 200 m: a burst main's surroundings."""
WARM_UP = 5
SEED = 7


def main() -> None:
    began = time.perf_counter()
    command = ["--workspace", WORKSPACE, "roads", "import", str(EXTRACT), "--json"]
    subprocess.run(
        [sys.executable, "-P", "-m", "app.cli", *command], cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=True
    )
    import_s = time.perf_counter() - began
    factory = session_factory(workspaces.ensure_database(WORKSPACE), pool_size=1)
    with factory() as session:
        began = time.perf_counter()
        graph = load_road_graph(session).warm()
        roads = Roads.without_closures(graph).warm()
        load_s = time.perf_counter() - began
    gc.collect()
    gc.freeze()
    rng = np.random.default_rng(SEED)
    answer: dict[str, object] = {
        "extract": EXTRACT.name,
        "nodes": graph.node_count,
        "edges": graph.edge_count,
        "import_s": round(import_s, 1),
        "load_s": round(load_s, 2),
    }
    answer |= one_to_many(roads, rng)
    answer |= closures(factory, roads, rng)
    answer |= rivals(graph, rng)
    answer["load"] = round(os.getloadavg()[0], 1)
    print(json.dumps(answer))


def places(graph: RoadGraph, rng: np.random.Generator, count: int) -> list[LonLat]:
    """Places some metres beside streets all over the city."""
    lines = graph.shapes(rng.integers(graph.edge_count, size=count))
    at = shapely.line_interpolate_point(lines, rng.random(count), normalized=True)
    return [LonLat(lon=float(point.x) + 5e-5, lat=float(point.y) + 5e-5) for point in at]


def one_to_many(roads: Roads, rng: np.random.Generator) -> dict[str, object]:
    graph = roads.graph

    def ask() -> None:
        Ways(roads, crews, incident).travels()

    walls, cpus = [], []
    for _ in range(WARM_UP + QUERIES):
        crews, (incident,) = places(graph, rng, CREWS), places(graph, rng, 1)
        wall, cpu = timed(ask)
        walls.append(wall)
        cpus.append(cpu)
    routes = []
    for _ in range(QUERIES // 3):
        start, end = places(graph, rng, 2)
        routes.append(timed(route, roads, start, end)[0])
    origins, destinations = places(graph, rng, 50), places(graph, rng, CREWS)
    table_ms, _ = timed(lambda: list(travel_rows(roads, origins, destinations)))
    reach_ms, _ = timed(
        lambda: reached_areas(reach_within(roads, [incident], [300.0, 600.0, 900.0], towards=False))
    )
    return {
        "queries": QUERIES,
        "one_to_200_p50_ms": quantile(walls[WARM_UP:], 0.5),
        "one_to_200_p95_ms": quantile(walls[WARM_UP:], 0.95),
        "one_to_200_p95_cpu_ms": quantile(cpus[WARM_UP:], 0.95),
        "route_p95_ms": quantile(routes, 0.95),
        "table_50_by_200_ms": round(table_ms),
        "reach_5_10_15_minutes_ms": round(reach_ms),
    }


def closures(factory: SessionFactory, roads: Roads, rng: np.random.Generator) -> dict[str, object]:
    """Lay one more closure over a city that has some; in the process alone, and from the database to the next answer."""
    graph = roads.graph

    def shut(area: shapely.Polygon) -> Roads:
        return roads.slowed([Slowed(lines_touching(graph, area), np.inf)]).warm()

    walls, cpus = [], []
    for (place,) in (places(graph, rng, 1) for _ in range(WARM_UP + CLOSURES)):
        area = place.as_point().buffer(CLOSURE_RADIUS_DEG)
        wall, cpu = timed(shut, area)
        walls.append(wall)
        cpus.append(cpu)
    seen = []
    with factory() as session:
        current_roads(session)
        for (place,) in (places(graph, rng, 1) for _ in range(WARM_UP + 20)):
            session.add(
                RoadClosure(
                    cause=ClosureCause.WORKS,
                    reason="bench",
                    area=stored(shapely.MultiPolygon([place.as_point().buffer(CLOSURE_RADIUS_DEG)])),
                    starts_at=utc_now(),
                )
            )
            session.flush()
            seen.append(timed(current_roads, session)[0])
        session.rollback()
    return {
        "closure_ms": quantile(walls[WARM_UP:], 0.5),
        "closure_p95_ms": quantile(walls[WARM_UP:], 0.95),
        "closure_p95_cpu_ms": quantile(cpus[WARM_UP:], 0.95),
        "closure_seen_p50_ms": quantile(seen[WARM_UP:], 0.5),
    }


def rivals(graph: RoadGraph, rng: np.random.Generator) -> dict[str, object]:
    """The same question between junctions, asked of networkx and igraph."""
    weights = graph.edge_time_s.tolist()
    ends = list(zip(graph.edge_u.tolist(), graph.edge_v.tolist(), strict=True))
    backwards = nx.MultiDiGraph()
    backwards.add_nodes_from(range(graph.node_count))
    backwards.add_edges_from(
        (v, u, {"travel_time": time}) for (u, v), time in zip(ends, weights, strict=True)
    )
    other = igraph.Graph(graph.node_count, ends, directed=True)
    roads = Roads.without_closures(graph)
    networkx_ms, igraph_ms, off = [], [], 0.0
    for _ in range(RIVAL_QUERIES):
        incident, *crews = rng.choice(graph.node_count, 1 + CREWS, replace=False).tolist()
        began = time.perf_counter()
        by_node = nx.single_source_dijkstra_path_length(backwards, incident, weight="travel_time")
        networkx_ms.append(1000.0 * (time.perf_counter() - began))
        began = time.perf_counter()
        (by_igraph,) = other.distances([incident], crews, weights=weights, mode="in")
        igraph_ms.append(1000.0 * (time.perf_counter() - began))
        at = [
            LonLat(lon=graph.node_lon_e7[node] / E7, lat=graph.node_lat_e7[node] / E7)
            for node in (incident, *crews)
        ]
        ours = sorted(Ways(roads, at[1:], at[0]).travels(), key=lambda travel: travel.origin)
        for theirs in ([by_node[crew] for crew in crews], by_igraph):
            told = [travel.seconds or 0.0 for travel in ours]
            off = max(off, float(np.abs(np.array(theirs) - np.array(told)).max()))
    return {
        "networkx_one_to_200_ms": quantile(networkx_ms, 0.5),
        "igraph_one_to_200_ms": quantile(igraph_ms, 0.5),
        "off_at_most_s": round(off, 9),
    }


def timed(ask: Callable[..., object], *given: object) -> tuple[float, float]:
    """Milliseconds it took, and how many of them this thread was at it."""
    began, began_cpu = time.perf_counter(), time.thread_time()
    ask(*given)
    return 1000.0 * (time.perf_counter() - began), 1000.0 * (time.thread_time() - began_cpu)


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)


if __name__ == "__main__":
    main()
