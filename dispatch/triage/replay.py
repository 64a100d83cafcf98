"""A recorded month replayed: network, works, history and reports read from files, decisions written to files."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np

from dispatch.triage.calls import Told
from dispatch.triage.engine import Engine
from dispatch.triage.habits import CATEGORIES, Habits
from dispatch.triage.supply import SupplyMap
from dispatch.triage.works import Works
from gis.coordinates import LonLat, metric_plane, utm_srid
from gis.isolation import NONE, IsolationNetwork, keys_of

POINT_EVERY_M = 20.0
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Bundle:
    supply: SupplyMap
    works: tuple[Works, ...]
    history: tuple[Told, ...]
    reports: tuple[Told, ...]


def hours(text: str) -> float:
    return (datetime.fromisoformat(text) - EPOCH).total_seconds() / 3600.0


def read(folder: Path) -> Bundle:
    net = folder / "network"
    nodes = [one["properties"] | {"xy": one["geometry"]["coordinates"]} for one in _features(net / "nodes.geojson")]
    pipes = [one["properties"] | {"line": one["geometry"]["coordinates"]} for one in _features(net / "pipes.geojson")]
    valves = [one["properties"] for one in _features(net / "valves.geojson")]
    plane = metric_plane(utm_srid(LonLat(lon=nodes[0]["xy"][0], lat=nodes[0]["xy"][1])))
    node_at = {one["node_id"]: at for at, one in enumerate(nodes)}
    pipe_at = {one["pipe_id"]: at for at, one in enumerate(pipes)}
    with open(net / "customers.csv", newline="") as file:
        customers = list(csv.DictReader(file))
    served = np.array([pipe_at[one["pipe_id"]] for one in customers])
    node_zone = np.array([one["zone"] for one in nodes])
    start = np.array([node_at[one["from_node"]] for one in pipes])
    end = np.array([node_at[one["to_node"]] for one in pipes])
    count = len(pipes)
    network = IsolationNetwork(
        pipe_key=keys_of(UUID(int=at) for at in range(count)),
        pipe_code=[one["pipe_id"] for one in pipes],
        pipe_from=start,
        pipe_to=end,
        pipe_length_m=np.full(count, 1.0),
        pipe_volume_m3=np.full(count, np.nan),
        pipe_closed=np.zeros(count, bool),
        pipe_one_way=np.zeros(count, bool),
        customers=np.bincount(served, minlength=count),
        critical=np.zeros((count, 0), dtype=np.int64),
        node_count=len(nodes),
        sources=np.array([at for at, one in enumerate(nodes) if one["source"]]),
        valve_key=keys_of(UUID(int=at) for at in range(len(valves))),
        valve_code=[one["valve_id"] for one in valves],
        valve_pipe=np.array([pipe_at[one["pipe_id"]] for one in valves]),
        valve_node=np.array([node_at[one["node_id"]] for one in valves]),
        valve_to_node=np.full(len(valves), NONE),
        valve_closed=np.zeros(len(valves), bool),
        valve_stuck=np.zeros(len(valves), bool),
        valve_lon=np.full(len(valves), np.nan),
        valve_lat=np.full(len(valves), np.nan),
    )
    zone_of_vertex = np.concatenate([np.array([one["zone"] for one in pipes]), node_zone])
    votes = np.zeros((network.vertex_count, zone_of_vertex.max() + 1))
    weight = np.concatenate([np.ones(count), np.full(len(nodes), 0.1)])
    np.add.at(votes, (network.segment_of, zone_of_vertex), weight)
    zone_of_segment = votes.argmax(axis=1)
    side_a, side_b = network.valve_sides
    from dataclasses import replace

    spans = (votes[:, :] >= 1.0).sum(axis=1) > 1
    network = replace(network, valve_closed=(zone_of_segment[side_a] != zone_of_segment[side_b]) | spans[side_a] | spans[side_b])
    number = network.segments
    place = np.full(network.vertex_count, -1)
    place[number] = np.arange(len(number))
    segment_of = place[network.segment_of]
    x, y = plane.to_plane(np.array([float(one["lon"]) for one in customers]), np.array([float(one["lat"]) for one in customers]))
    lines = [np.array(one["line"]) for one in pipes]
    px, py, ps = [], [], []
    for at, line in enumerate(lines):
        lx, ly = plane.to_plane(line[:, 0], line[:, 1])
        length = float(np.hypot(lx[-1] - lx[0], ly[-1] - ly[0]))
        share = (np.arange(max(1, int(length / POINT_EVERY_M))) + 0.5) / max(1, int(length / POINT_EVERY_M))
        px.append(lx[0] + share * (lx[-1] - lx[0]))
        py.append(ly[0] + share * (ly[-1] - ly[0]))
        ps.append(np.full(len(share), segment_of[at]))
    addresses = {name: at for at, name in enumerate(dict.fromkeys(one["address_id"] for one in customers))}
    supply = SupplyMap(
        network=network,
        number=number,
        zone=zone_of_segment[number],
        customer_xy=np.column_stack([x, y]),
        customer_segment=segment_of[served],
        address=np.array([addresses[one["address_id"]] for one in customers]),
        pipe_xy=np.column_stack([np.concatenate(px), np.concatenate(py)]),
        pipe_segment=np.concatenate(ps),
    )
    customer_at = {one["customer_id"]: at for at, one in enumerate(customers)}

    def told(path: Path) -> tuple[Told, ...]:
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
        lon, lat = (np.array([float(one[key]) for one in rows]) for key in ("lon", "lat"))
        east, north = plane.to_plane(lon, lat)
        return tuple(
            Told(
                id=one["report_id"],
                at_h=hours(one["reported_at"]),
                category=CATEGORIES.index(one["category"]),
                x=float(east[at]),
                y=float(north[at]),
                error=one["location_quality"],
                customer=customer_at.get(one["customer_id"], -1),
                address=addresses.get(one["address_id"], -1),
            )
            for at, one in enumerate(rows)
        )

    with open(folder / "planned_works.csv", newline="") as file:
        works = tuple(
            Works(
                label=one["work_id"],
                segments=np.unique(segment_of[[pipe_at[p] for p in one["pipe_ids"].split() if p in pipe_at]]),
                starts_h=hours(one["starts_at"]),
                ends_h=hours(one["ends_at"]),
            )
            for one in csv.DictReader(file)
        )
    return Bundle(supply, works, told(folder / "history.csv"), told(folder / "reports.csv"))


def _features(path: Path) -> list[dict]:
    return json.loads(path.read_text())["features"]


def write(engine: Engine, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "assignments.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["report_id", "incident_id_on_arrival", "incident_id", "repeat_of"])
        for call in engine.calls:
            writer.writerow([call.told.id, call.arrived_as, call.label, call.repeat_of.told.id if call.repeat_of else ""])
    with open(out / "alarms.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["incident_id", "raised_at", "report_ids"])
        for alarm in engine.alarms:
            at = EPOCH + timedelta(hours=alarm.at_h)
            writer.writerow([alarm.label, (at + timedelta(seconds=1)).isoformat(timespec="seconds"), " ".join(alarm.calls)])
