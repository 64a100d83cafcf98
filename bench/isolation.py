"""Isolation on a network of more than a million links, in process and through the API; and on a smaller one beside wntr.

A real network (Net6, which comes with wntr: 61 pumps, 32 tanks, a reservoir) gets a valve layer as wntr makes it and is laid side by side until it
has a million links. Neighbours are joined by pipes and only every `SOURCE_TILES`-th tile keeps its reservoir and tanks, so that water comes from afar.
Questions are about pipes drawn at random; a part of them with valves round the break that will not turn. Through the API they go one after the other
to a real server process, which checks the log-in each time. Memory is the peak of the process that builds the network and answers.
"""

import gc
import json
import os
import random
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import numpy as np
import psycopg
import wntr

from app.commands.bench import machine
from app.provision import workspace_settings, workspaces
from app.provision.state import CHECKOUT, free_port, open_state
from core import auth
from core.db import libpq_url, session_factory, transaction
from gis.isolation import CRITICAL_KINDS, NONE, IsolationNetwork, isolation_plan, pipe_volumes_m3

LINKS = 1_000_000
SOURCE_TILES = 10
JOINS = 2
"""Pipes between two neighbouring tiles."""
QUERIES = 20_000
STUCK_QUERIES = 5_000
STUCK = 2
"""Valves of a plan found not to turn."""
API_QUERIES = 1_000
WARM_UP = 50
SMALL_TILES = 1
SEED = 7
WORKSPACE = "benchisolation"
START_PATIENCE_S = 120.0
Ints = np.ndarray


def main() -> None:
    # The large network is built in a process of its own, so that the peak of memory is its own too.
    if len(sys.argv) > 1:
        print(json.dumps(large(Path(sys.argv[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        tile = Path(folder, "tile.npz")
        small = make_tile(tile)
        measured = subprocess.run(
            [sys.executable, "-P", "-m", "bench.isolation", str(tile)],
            cwd=CHECKOUT,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    answer = json.loads(measured.stdout.splitlines()[-1])
    head = {"bench": "isolation", "date": datetime.now(UTC).date().isoformat(), "machine": machine()}
    print(json.dumps(head | answer | small))


def make_tile(path: Path) -> dict[str, object]:
    """Give Net6 valves, keep it as arrays, and measure wntr's segments and ours on the same input."""
    model = wntr.network.WaterNetworkModel(
        str(Path(wntr.__file__).parent / "library" / "networks" / "Net6.inp")
    )
    layer = wntr.network.generate_valve_layer(model, "strategic", 2, seed=SEED)
    node = {name: number for number, name in enumerate(model.node_name_list)}
    pipes = list(model.pipes())
    place = {name: number for number, (name, _) in enumerate(pipes)}
    controls = [link for name, link in model.links() if name not in place]
    on_pipes = layer[layer["link"].isin(place)]
    np.savez(
        path,
        nodes=len(node),
        pipes=[(node[link.start_node_name], node[link.end_node_name]) for _, link in pipes],
        length_m=[link.length for _, link in pipes],
        diameter_mm=[1000.0 * link.diameter for _, link in pipes],
        one_way=[link.check_valve for _, link in pipes],
        closed=[link.initial_status == wntr.network.LinkStatus.Closed for _, link in pipes],
        controls=[(node[link.start_node_name], node[link.end_node_name]) for link in controls],
        sources=[node[name] for name in (*model.tank_name_list, *model.reservoir_name_list)],
        valves=[(place[row.link], node[row.node]) for row in on_pipes.itertuples()],
    )
    began = time.perf_counter()
    wntr.metrics.valve_segments(model.to_graph(), layer)
    wntr_s = time.perf_counter() - began
    network = laid(path, SMALL_TILES)
    began = time.perf_counter()
    segments = len(network.segments)
    ours_s = time.perf_counter() - began
    return {
        "same_input": "Net6",
        "same_input_links": network.link_count,
        "same_input_segments": segments,
        "same_input_s": round(ours_s, 4),
        "wntr_same_input_s": round(wntr_s, 2),
    }


def laid(path: Path, tiles: int) -> IsolationNetwork:
    """Lay the tile side by side in a square."""
    tile = np.load(path)
    nodes, pipes, controls = int(tile["nodes"]), tile["pipes"], tile["controls"]
    rng = np.random.default_rng(SEED)
    wide = int(np.ceil(np.sqrt(tiles)))
    offset = np.arange(tiles) * nodes
    neighbours = [(one, one + 1) for one in range(tiles - 1) if (one + 1) % wide] + [
        (one, one + wide) for one in range(tiles - wide)
    ]
    joins = np.array(
        [
            (one * nodes + rng.integers(nodes), other * nodes + rng.integers(nodes))
            for one, other in neighbours
            for _ in range(JOINS)
        ],
        dtype=np.int64,
    ).reshape(-1, 2)

    def again(values: Ints) -> Ints:
        return np.tile(values, tiles)

    def moved(values: Ints) -> Ints:
        return (values[None, :] + offset[:, None]).ravel()

    start = np.concatenate([moved(pipes[:, 0]), joins[:, 0]])
    end = np.concatenate([moved(pipes[:, 1]), joins[:, 1]])
    length_m = np.concatenate([again(tile["length_m"]), np.full(len(joins), 500.0)])
    diameter_mm = np.concatenate([again(tile["diameter_mm"]), np.full(len(joins), 300.0)])
    nothing = np.zeros(len(joins), dtype=bool)
    customers = rng.poisson(3.0, len(start))
    valve_pipe = (tile["valves"][:, 0][None, :] + np.arange(tiles)[:, None] * len(pipes)).ravel()
    count = len(valve_pipe)
    return IsolationNetwork(
        pipe_key=keys(len(start), 1),
        pipe_code=[f"P{number}" for number in range(len(start))],
        pipe_from=start,
        pipe_to=end,
        pipe_length_m=length_m,
        pipe_volume_m3=pipe_volumes_m3(diameter_mm, length_m),
        pipe_closed=np.concatenate([again(tile["closed"]), nothing]),
        pipe_one_way=np.concatenate([again(tile["one_way"]), nothing]),
        customers=customers,
        critical=np.zeros((len(start), len(CRITICAL_KINDS)), dtype=np.int64),
        node_count=nodes * tiles,
        sources=(tile["sources"][None, :] + offset[::SOURCE_TILES, None]).ravel(),
        control_from=moved(controls[:, 0]),
        control_to=moved(controls[:, 1]),
        control_closed=np.zeros(len(controls) * tiles, dtype=bool),
        valve_key=keys(count, 2),
        valve_code=[f"V{number}" for number in range(count)],
        valve_pipe=valve_pipe,
        valve_node=moved(tile["valves"][:, 1]),
        valve_to_node=np.full(count, NONE),
        valve_closed=rng.random(count) < 0.01,
        valve_stuck=rng.random(count) < 0.02,
        valve_lon=np.full(count, 24.9),
        valve_lat=np.full(count, 60.2),
    )


def keys(count: int, kind: int) -> np.ndarray:
    """Make rising ids."""
    halves = np.empty((count, 2), dtype=">u8")
    halves[:, 0], halves[:, 1] = kind, np.arange(1, count + 1)
    return np.frombuffer(halves.tobytes(), dtype="S16")


def large(path: Path) -> dict[str, object]:
    tile = np.load(path)
    per_tile = len(tile["pipes"]) + len(tile["controls"])
    network = laid(path, -(-LINKS // per_tile))
    began, began_cpu = time.perf_counter(), time.process_time()
    network.warm()
    build_s, build_cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    # As the server does: what stays is not looked at again and again.
    gc.collect()
    gc.freeze()
    rng = random.Random(SEED)
    asked = [network.pipe_id(rng.randrange(network.pipe_count)) for _ in range(QUERIES)]
    plain_ms, plain_cpu_ms, cut_off = [], [], 0
    for pipe in asked:
        began, began_cpu = time.perf_counter(), time.thread_time()
        plan = isolation_plan(network, pipe)
        plain_ms.append(1000.0 * (time.perf_counter() - began))
        plain_cpu_ms.append(1000.0 * (time.thread_time() - began_cpu))
        cut_off += bool(plan.cut_off_pipe_ids)
    stuck_ms = []
    for pipe in asked[:STUCK_QUERIES]:
        valves = [valve.id for valve in isolation_plan(network, pipe).valves_to_close]
        stuck = rng.sample(valves, min(STUCK, len(valves)))
        began = time.perf_counter()
        isolation_plan(network, pipe, inoperable=stuck)
        stuck_ms.append(1000.0 * (time.perf_counter() - began))
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    in_process: dict[str, object] = {
        "links": network.link_count,
        "nodes": network.node_count,
        "valves": len(network.valve_pipe),
        "segments": len(network.segments),
        "build_s": round(build_s, 2),
        "build_cpu_s": round(build_cpu_s, 2),
        "rss_mb": round(rss_mb),
        "queries": QUERIES,
        "cut_off_share": round(cut_off / QUERIES, 3),
        "query_p50_ms": quantile(plain_ms, 0.5),
        "query_p99_ms": quantile(plain_ms, 0.99),
        "query_max_ms": quantile(plain_ms, 1.0),
        "query_p99_cpu_ms": quantile(plain_cpu_ms, 0.99),
        "stuck_p50_ms": quantile(stuck_ms, 0.5),
        "stuck_p99_ms": quantile(stuck_ms, 0.99),
        "stuck_max_ms": quantile(stuck_ms, 1.0),
    }
    print(json.dumps(in_process), file=sys.stderr)
    return in_process | through_the_api(network, asked)


# --- through the API -------------------------------------------------------------------------------


def through_the_api(network: IsolationNetwork, asked: list[UUID]) -> dict[str, object]:
    """Store the network in a database of its own, start the server, and ask."""
    url = workspaces.ensure_database(WORKSPACE)
    username, password = f"bench-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    with transaction(session_factory(url, pool_size=1)) as session:
        auth.add_user(session, username=username, password=password, role="dispatcher")
    began = time.perf_counter()
    store(url, network)
    stored_s = time.perf_counter() - began
    began = time.perf_counter()
    with server(url) as client:
        ready_s = time.perf_counter() - began
        token = client.post("/api/login", json={"username": username, "password": password})
        client.headers["Authorization"] = f"Bearer {token.raise_for_status().json()['access_token']}"
        client.cookies.clear()
        for pipe in asked[:WARM_UP]:
            ask(client, pipe)
        times = []
        for pipe in asked[WARM_UP : WARM_UP + API_QUERIES]:
            began = time.perf_counter()
            ask(client, pipe)
            times.append(1000.0 * (time.perf_counter() - began))
    return {
        "stored_s": round(stored_s, 1),
        "server_ready_s": round(ready_s, 1),
        "api_queries": len(times),
        "api_p50_ms": quantile(times, 0.5),
        "api_p99_ms": quantile(times, 0.99),
        "load": round(os.getloadavg()[0], 1),
    }


def ask(client: httpx.Client, pipe: UUID) -> None:
    client.get("/api/network/isolation", params={"pipe_id": str(pipe)}).raise_for_status()


def store(url: str, network: IsolationNetwork) -> None:
    """Write what tracing reads, in place of what is there."""
    node = [UUID(bytes=bytes(key).ljust(16, b"\0")) for key in keys(network.node_count, 3)]
    sources = set(network.sources.tolist())
    tables: dict[str, Iterator[tuple[object, ...]]] = {
        "junction (id, asset_code, node_type, base_demand_lps)": (
            (one, f"N{at}", "reservoir" if at in sources else "junction", 0.0) for at, one in enumerate(node)
        ),
        "pipe (id, asset_code, from_node_id, to_node_id, pipe_class, length_m, lifecycle_status, is_closed, has_check_valve)": (
            (
                network.pipe_id(at),
                network.pipe_code[at],
                node[start],
                node[end],
                "distribution",
                length,
                "in_service",
                closed,
                one_way,
            )
            for at, (start, end, length, closed, one_way) in enumerate(
                zip(
                    network.pipe_from.tolist(),
                    network.pipe_to.tolist(),
                    network.pipe_length_m.tolist(),
                    network.pipe_closed.tolist(),
                    network.pipe_one_way.tolist(),
                    strict=True,
                )
            )
        ),
        "control_link (id, asset_code, link_type, from_node_id, to_node_id, is_closed, lifecycle_status)": (
            (UUID(int=(4 << 64) + at), f"C{at}", "pump", node[start], node[end], False, "in_service")
            for at, (start, end) in enumerate(
                zip(network.control_from.tolist(), network.control_to.tolist(), strict=True)
            )
        ),
        "valve (id, asset_code, pipe_id, node_id, valve_type, is_closed, operable, lifecycle_status)": (
            (
                network.valve_id(at),
                network.valve_code[at],
                network.pipe_id(pipe),
                node[stands_at],
                "gate",
                closed,
                "no" if stuck else "yes",
                "in_service",
            )
            for at, (pipe, stands_at, closed, stuck) in enumerate(
                zip(
                    network.valve_pipe.tolist(),
                    network.valve_node.tolist(),
                    network.valve_closed.tolist(),
                    network.valve_stuck.tolist(),
                    strict=True,
                )
            )
        ),
    }
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute("TRUNCATE gis.junction, gis.service_area CASCADE")
        connection.execute(
            "INSERT INTO gis.service_area (id, name, built_from, network_revision) VALUES (1, 'bench', 'bench', gen_random_uuid())"
        )
        for table, rows in tables.items():
            with connection.cursor().copy(f"COPY gis.{table} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute("ANALYZE")


@contextmanager
def server(url: str) -> Iterator[httpx.Client]:
    """Run the web process and give a client of it."""
    state = open_state()
    folder = state.workspace(WORKSPACE)
    port = free_port()
    environment = workspaces.process_environment(
        state,
        folder,
        workspace_settings.read(folder),
        database_url=url,
        pages=None,
        extra={"MAINLINE_WEB_PORT": str(port), "MAINLINE_LOG_LEVEL": "WARNING"},
    )
    environment["MAINLINE_WEB_PORT"] = str(port)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "app.main"], cwd=CHECKOUT, env=environment, stdout=sys.stderr
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300.0, trust_env=False) as client:
            patience = time.monotonic() + START_PATIENCE_S
            while True:
                try:
                    client.get("/api/me")
                    break
                except httpx.TransportError:
                    if process.poll() is not None or time.monotonic() > patience:
                        raise SystemExit("the web process did not start") from None
                    time.sleep(0.2)
            yield client
    finally:
        process.terminate()
        process.wait(30)


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)


if __name__ == "__main__":
    main()
