"""A utility's network, announced work, history and reports as files; what is left out or put right on the way is told."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np

from dispatch.errors import BadBundle
from dispatch.triage.calls import Told, hours
from dispatch.triage.habits import CATEGORIES, OTHER, Habits
from dispatch.triage.supply import POINT_EVERY_M, Floats, Ints, SupplyMap
from dispatch.triage.works import Works
from gis.coordinates import LonLat, MetricPlane, metric_plane, utm_srid
from gis.errors import BadCoordinate
from gis.isolation import CRITICAL_KINDS, NONE, IsolationNetwork, keys_of

NODE_VOTE: Final = 0.1
"""A segment lies in the zone of its pipes; its nodes decide where it has none."""
REPORT_COLUMNS: Final = (
    "report_id",
    "reported_at",
    "category",
    "lon",
    "lat",
    "location_quality",
    "customer_id",
    "address_id",
)

Row = dict[str, str]
Feature = tuple[dict[str, Any], Any]  # Any: properties and coordinates as GeoJSON has them


@dataclass(frozen=True)
class Bundle:
    """What a replay reads; reports and history in order of time, with a line for all that was put right."""

    supply: SupplyMap
    works: tuple[Works, ...]
    history: tuple[Told, ...]
    reports: tuple[Told, ...]
    remarks: tuple[str, ...]


def read(folder: Path) -> Bundle:
    """Read a bundle: `network/`, `reports.csv`, and where they are there `history.csv` and `planned_works.csv`; nothing else.

    Raises
    ------
    BadBundle
        Something is missing or wrong; the text says file, line or feature, and what.
    """
    if not folder.is_dir():
        raise BadBundle(f"{folder}: there is no such folder")
    town = _read_town(folder / "network")
    remarks: list[str] = []
    works: tuple[Works, ...] = ()
    if (folder / "planned_works.csv").exists():
        works = tuple(_works(folder / "planned_works.csv", town))
    else:
        remarks.append("planned_works.csv is not there: no work was announced")
    history: tuple[Told, ...] = ()
    if (folder / "history.csv").exists():
        history = _told(folder / "history.csv", town, remarks)
    else:
        remarks.append("history.csv is not there: nothing is learnt")
    return Bundle(town.supply, works, history, _told(folder / "reports.csv", town, remarks), tuple(remarks))


# --- the network -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Town:
    """The supply, and what its files call things."""

    supply: SupplyMap
    plane: MetricPlane
    segment_of_pipe: dict[str, int]
    customer_at: dict[str, int]
    address_at: dict[str, int]


def _read_town(folder: Path) -> _Town:
    nodes, pipes = _features(folder / "nodes.geojson"), _features(folder / "pipes.geojson")
    valves = _features(folder / "valves.geojson")
    customers = [
        row
        for _, row in _rows(folder / "customers.csv", ("customer_id", "address_id", "lon", "lat", "pipe_id"))
    ]
    try:
        lon, lat = nodes[0][1][:2]
        plane = metric_plane(utm_srid(LonLat(lon=float(lon), lat=float(lat))))
        pipe_at = {one["pipe_id"]: at for at, (one, _) in enumerate(pipes)}
        served = np.array([pipe_at[one["pipe_id"]] for one in customers], dtype=np.int64)
        network = _network(nodes, pipes, valves, pipe_at, served)
        zone, network = _zones(network, [one["zone"] for one, _ in pipes], [one["zone"] for one, _ in nodes])
        number = network.segments
        place = np.full(network.vertex_count, -1)
        place[number] = np.arange(len(number))
        segment_of = place[network.segment_of]
        addresses = {
            name: at for at, name in enumerate(dict.fromkeys(one["address_id"] for one in customers))
        }
        pipe_xy, pipe_segment = _pipe_points([line for _, line in pipes], segment_of, plane)
        supply = SupplyMap(
            network=network,
            number=number,
            zone=zone[number],
            customer_xy=_in_plane(
                [one["lon"] for one in customers], [one["lat"] for one in customers], plane
            ),
            customer_segment=segment_of[served],
            address=np.array([addresses[one["address_id"]] for one in customers], dtype=np.int64),
            pipe_xy=pipe_xy,
            pipe_segment=pipe_segment,
        )
    except KeyError as error:
        raise BadBundle(f"{folder}: {error} is named or needed by another file, and is not there") from error
    except (IndexError, TypeError, ValueError) as error:
        raise BadBundle(f"{folder}: is no network of nodes, pipes and customers: {error}") from error
    if not customers:
        raise BadBundle(f"{folder / 'customers.csv'}: holds no customers")
    return _Town(
        supply=supply,
        plane=plane,
        segment_of_pipe={name: int(segment_of[at]) for name, at in pipe_at.items()},
        customer_at={one["customer_id"]: at for at, one in enumerate(customers)},
        address_at=addresses,
    )


def _network(
    nodes: Sequence[Feature],
    pipes: Sequence[Feature],
    valves: Sequence[Feature],
    pipe_at: dict[str, int],
    served: Ints,
) -> IsolationNetwork:
    node_at = {one["node_id"]: at for at, (one, _) in enumerate(nodes)}
    count = len(pipes)
    return IsolationNetwork(
        pipe_key=keys_of(UUID(int=at) for at in range(count)),
        pipe_code=[one["pipe_id"] for one, _ in pipes],
        pipe_from=np.array([node_at[one["from_node"]] for one, _ in pipes]),
        pipe_to=np.array([node_at[one["to_node"]] for one, _ in pipes]),
        pipe_length_m=np.ones(count),
        pipe_volume_m3=np.full(count, np.nan),
        pipe_closed=np.zeros(count, dtype=bool),
        pipe_one_way=np.zeros(count, dtype=bool),
        customers=np.bincount(served, minlength=count),
        critical=np.zeros((count, len(CRITICAL_KINDS)), dtype=np.int64),
        node_count=len(nodes),
        sources=np.array([at for at, (one, _) in enumerate(nodes) if one["source"]], dtype=np.int64),
        valve_key=keys_of(UUID(int=at) for at in range(len(valves))),
        valve_code=[one["valve_id"] for one, _ in valves],
        valve_pipe=np.array([pipe_at[one["pipe_id"]] for one, _ in valves], dtype=np.int64),
        valve_node=np.array([node_at[one["node_id"]] for one, _ in valves], dtype=np.int64),
        valve_to_node=np.full(len(valves), NONE),
        valve_closed=np.zeros(len(valves), dtype=bool),
        valve_stuck=np.zeros(len(valves), dtype=bool),
        valve_lon=np.full(len(valves), np.nan),
        valve_lat=np.full(len(valves), np.nan),
    )


def _zones(
    network: IsolationNetwork, pipe_zone: Sequence[int], node_zone: Sequence[int]
) -> tuple[Ints, IsolationNetwork]:
    """Put every segment in the zone of most of its pipes, and shut the valves between zones.

    A segment whose pipes lie in two zones is a map with a valve missing. Read with care, it feeds neither zone: all its valves count as shut,
    so that nobody is thought safe because of a way through it that may not be there.
    """
    of_vertex = np.concatenate([np.array(pipe_zone, dtype=np.int64), np.array(node_zone, dtype=np.int64)])
    votes = np.zeros((network.vertex_count, int(of_vertex.max()) + 1))
    weight = np.concatenate([np.ones(len(pipe_zone)), np.full(len(node_zone), NODE_VOTE)])
    np.add.at(votes, (network.segment_of, of_vertex), weight)
    zone = votes.argmax(axis=1)
    spans = (votes >= 1.0).sum(axis=1) > 1
    side_a, side_b = network.valve_sides
    return zone, replace(network, valve_closed=(zone[side_a] != zone[side_b]) | spans[side_a] | spans[side_b])


def _pipe_points(
    lines: Sequence[Any], segment_of: Ints, plane: MetricPlane
) -> tuple[Floats, Ints]:  # Any: coordinates
    """Put points along every pipe, and tell whose they are."""
    points, owners = [], []
    for at, line in enumerate(lines):
        corners = np.array(line, dtype=np.float64)
        x, y = plane.to_plane(corners[:, 0], corners[:, 1])
        length_m = float(np.hypot(x[-1] - x[0], y[-1] - y[0]))
        count = max(1, int(length_m / POINT_EVERY_M))
        share = (np.arange(count) + 0.5) / count
        points.append(np.column_stack([x[0] + share * (x[-1] - x[0]), y[0] + share * (y[-1] - y[0])]))
        owners.append(np.full(count, segment_of[at]))
    return np.concatenate(points), np.concatenate(owners)


def _in_plane(lon: Sequence[str], lat: Sequence[str], plane: MetricPlane) -> Floats:
    x, y = plane.to_plane(np.array(lon, dtype=np.float64), np.array(lat, dtype=np.float64))
    if not np.isfinite(x + y).all():
        raise ValueError("a customer's lon and lat are no place")
    return np.column_stack([x, y])


# --- works and calls -------------------------------------------------------------------------------------------------------


def _works(path: Path, town: _Town) -> Iterator[Works]:
    for line, row in _rows(path, ("work_id", "starts_at", "ends_at", "pipe_ids")):
        known = [town.segment_of_pipe[one] for one in row["pipe_ids"].split() if one in town.segment_of_pipe]
        starts_h, ends_h = _hours(row["starts_at"], path, line), _hours(row["ends_at"], path, line)
        if ends_h < starts_h:
            raise BadBundle(f"{path}: line {line}: the work ends before it starts")
        yield Works(row["work_id"], np.unique(np.array(known, dtype=np.int64)), starts_h, ends_h)


def _told(path: Path, town: _Town, remarks: list[str]) -> tuple[Told, ...]:
    """Read calls and put them in order of time; tell how many came out of order or name what nobody knows."""
    told: list[Told] = []
    seen: set[str] = set()
    strange: list[str] = []
    unknown: list[str] = []
    errors = Habits().place_error_m
    for line, row in _rows(path, REPORT_COLUMNS):
        name = row["report_id"]
        if not name or name in seen:
            raise BadBundle(f"{path}: line {line}: the report_id {name!r} is empty or stands there twice")
        seen.add(name)
        if row["location_quality"] not in errors:
            raise BadBundle(
                f"{path}: line {line}: location_quality {row['location_quality']!r} is none of {', '.join(errors)}"
            )
        if row["category"] not in CATEGORIES:
            strange.append(name)
        customer, address = row["customer_id"], row["address_id"]
        if (customer and customer not in town.customer_at) or (address and address not in town.address_at):
            unknown.append(name)
        place = _place(row, path, line)
        x, y = town.plane.to_plane(np.array([place.lon]), np.array([place.lat]))
        told.append(
            Told(
                id=name,
                at_h=_hours(row["reported_at"], path, line),
                category=CATEGORIES.index(row["category"]) if row["category"] in CATEGORIES else OTHER,
                x=float(x[0]),
                y=float(y[0]),
                error=row["location_quality"],
                customer=town.customer_at.get(customer, -1),
                address=town.address_at.get(address, -1),
            )
        )
    late = [two.id for one, two in pairwise(told) if two.at_h < one.at_h]
    for some, what in (
        (strange, "of a category that is not known, taken as other"),
        (unknown, "of a customer or address that is not known, taken by their place"),
        (late, "out of order, taken in order of time"),
    ):
        if some:
            remarks.append(f"{path.name}: {len(some)} {what}, the first {some[0]}")
    return tuple(sorted(told, key=lambda one: one.at_h))


# --- files -----------------------------------------------------------------------------------------------------------------


def _place(row: Row, path: Path, line: int) -> LonLat:
    try:
        return LonLat(lon=float(row["lon"]), lat=float(row["lat"]))
    except (ValueError, BadCoordinate):
        raise BadBundle(
            f"{path}: line {line}: lon {row['lon']!r} and lat {row['lat']!r} are no place"
        ) from None


def _hours(text: str, path: Path, line: int) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadBundle(f"{path}: line {line}: {text!r} is no time as ISO 8601 writes it") from None
    if at.tzinfo is None:
        raise BadBundle(f"{path}: line {line}: {text!r} lacks its offset from UTC")
    return hours(at)


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """Go through the rows of a CSV, each with its line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [one for one in columns if one not in (reader.fieldnames or ())]
            if missing:
                raise BadBundle(f"{path}: line 1: the column {missing[0]} is missing")
            for row in reader:
                if any(row[one] is None for one in columns):
                    raise BadBundle(f"{path}: line {reader.line_num}: has fewer values than the first line")
                yield reader.line_num, {one: row[one].strip() for one in columns}
    except OSError as error:
        raise BadBundle(f"{path}: {(error.strerror or 'cannot be read').lower()}") from error
    except UnicodeDecodeError as error:
        raise BadBundle(f"{path}: is not UTF-8 text") from error
    except csv.Error as error:
        raise BadBundle(f"{path}: {error}") from error


def _features(path: Path) -> list[Feature]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["features"]
        return [(one["properties"], one["geometry"]["coordinates"]) for one in found]
    except OSError as error:
        raise BadBundle(f"{path}: {(error.strerror or 'cannot be read').lower()}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadBundle(f"{path}: is no GeoJSON of features: {error}") from error
