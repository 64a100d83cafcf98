"""Reading the network's tables."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gis.coordinates import MetricPlane
from gis.isolation import CRITICAL_KINDS, NONE, IsolationNetwork, pipe_volumes_m3
from gis.mains import CLASSES, STATUSES, Mains, sides_of_centrelines
from gis.models import Pipe

# Each column comes as one value, so that 60,000 pipes cost a few round figures instead of 60,000 Python rows.
# What is abandoned is not there. What is only proposed, or out of service, carries no water: a pipe or a pump is closed,
# a valve on a pipe does not turn.
_PIPES = text("""
    SELECT coalesce(string_agg(uuid_send(p.id), ''::bytea ORDER BY p.id), ''::bytea),
           coalesce(string_agg(uuid_send(p.from_node_id), ''::bytea ORDER BY p.id), ''::bytea),
           coalesce(string_agg(uuid_send(p.to_node_id), ''::bytea ORDER BY p.id), ''::bytea),
           coalesce(string_agg(float8send(p.length_m), ''::bytea ORDER BY p.id), ''::bytea),
           coalesce(string_agg(float8send(coalesce(p.diameter_mm, 'NaN'::float8)), ''::bytea ORDER BY p.id), ''::bytea),
           coalesce(string_agg(boolsend(p.is_closed OR p.lifecycle_status <> 'in_service'), ''::bytea ORDER BY p.id), ''::bytea),
           coalesce(string_agg(boolsend(p.has_check_valve), ''::bytea ORDER BY p.id), ''::bytea),
           coalesce(string_agg(p.asset_code, E'\\x1f' ORDER BY p.id), '')
      FROM gis.pipe p WHERE p.lifecycle_status <> 'abandoned'""")
_RECORDS = text("""
    SELECT coalesce(string_agg(float8send(coalesce(p.diameter_mm, 'NaN'::float8)), ''::bytea ORDER BY p.id), ''::bytea),
           coalesce(string_agg(float8send(coalesce(p.install_year, 'NaN'::float8)), ''::bytea ORDER BY p.id), ''::bytea),
           coalesce(string_agg(coalesce(p.material, ''), E'\\x1f' ORDER BY p.id), '')
      FROM gis.pipe p WHERE p.lifecycle_status <> 'abandoned'""")
_NODES = text("""
    SELECT coalesce(string_agg(uuid_send(id), ''::bytea ORDER BY id), ''::bytea),
           coalesce(string_agg(boolsend(node_type <> 'junction' AND lifecycle_status = 'in_service'), ''::bytea ORDER BY id), ''::bytea)
      FROM gis.junction WHERE lifecycle_status <> 'abandoned'""")
_CONTROLS = text("""
    SELECT coalesce(string_agg(uuid_send(from_node_id), ''::bytea ORDER BY id), ''::bytea),
           coalesce(string_agg(uuid_send(to_node_id), ''::bytea ORDER BY id), ''::bytea),
           coalesce(string_agg(boolsend(is_closed OR lifecycle_status <> 'in_service'), ''::bytea ORDER BY id), ''::bytea)
      FROM gis.control_link WHERE lifecycle_status <> 'abandoned'""")
_VALVES = text("""
    SELECT coalesce(string_agg(uuid_send(v.id), ''::bytea ORDER BY v.id), ''::bytea),
           coalesce(string_agg(uuid_send(coalesce(v.pipe_id, v.to_node_id)), ''::bytea ORDER BY v.id), ''::bytea),
           coalesce(string_agg(uuid_send(v.node_id), ''::bytea ORDER BY v.id), ''::bytea),
           coalesce(string_agg(boolsend(v.pipe_id IS NOT NULL), ''::bytea ORDER BY v.id), ''::bytea),
           coalesce(string_agg(boolsend(v.is_closed OR v.pipe_id IS NULL AND v.lifecycle_status <> 'in_service'), ''::bytea ORDER BY v.id), ''::bytea),
           coalesce(string_agg(boolsend(v.operable = 'no' OR v.lifecycle_status <> 'in_service'), ''::bytea ORDER BY v.id), ''::bytea),
           coalesce(string_agg(float8send(coalesce(ST_X(v.geom), 'NaN')) || float8send(coalesce(ST_Y(v.geom), 'NaN')), ''::bytea ORDER BY v.id), ''::bytea),
           coalesce(string_agg(v.asset_code, E'\\x1f' ORDER BY v.id), '')
      FROM gis.valve v LEFT JOIN gis.pipe p ON p.id = v.pipe_id
     WHERE v.lifecycle_status <> 'abandoned' AND (p.id IS NULL OR p.lifecycle_status <> 'abandoned')""")
_CUSTOMERS = text("""
    SELECT coalesce(string_agg(uuid_send(pipe_id), ''::bytea ORDER BY pipe_id, kind), ''::bytea),
           coalesce(string_agg(int8send(accounts), ''::bytea ORDER BY pipe_id, kind), ''::bytea),
           coalesce(string_agg(int8send(kind), ''::bytea ORDER BY pipe_id, kind), ''::bytea)
      FROM (SELECT c.pipe_id, coalesce(array_position(CAST(:kinds AS text[]), CAST(a.customer_class AS text)), 0)::int8 AS kind, count(*) AS accounts
              FROM gis.customer_account a JOIN gis.service_connection c ON c.id = a.service_connection_id
              JOIN gis.pipe p ON p.id = c.pipe_id
             WHERE p.lifecycle_status <> 'abandoned'
             GROUP BY 1, 2) per_pipe""")

# A line's binary form without its first nine bytes (byte order, kind, number of corners) is its corners. Sorted once, as Python sorts.
_MAINS = text("""
    SELECT coalesce(string_agg(uuid_send(p.id), ''::bytea), ''::bytea),
           coalesce(string_agg(p.code, E'\\x1f'), ''),
           coalesce(string_agg(substring(ST_AsBinary(p.geom, 'NDR') FROM 10), ''::bytea), ''::bytea),
           coalesce(string_agg(int8send(ST_NPoints(p.geom)), ''::bytea), ''::bytea),
           coalesce(string_agg(float8send(p.length_m), ''::bytea), ''::bytea),
           coalesce(string_agg(coalesce(p.road_name, ''), E'\\x1f'), ''),
           coalesce(string_agg(uuid_send(coalesce(p.zone_id, '00000000-0000-0000-0000-000000000000')), ''::bytea), ''::bytea),
           coalesce(string_agg(int8send(coalesce(p.segment_id, -1)), ''::bytea), ''::bytea),
           coalesce(string_agg(int8send(array_position(CAST(:classes AS text[]), CAST(p.pipe_class AS text))), ''::bytea), ''::bytea),
           coalesce(string_agg(int8send(array_position(CAST(:statuses AS text[]), CAST(p.lifecycle_status AS text))), ''::bytea), ''::bytea),
           coalesce(string_agg(float8send(coalesce(p.diameter_mm, 'NaN'::float8)), ''::bytea), ''::bytea),
           coalesce(string_agg(boolsend(p.is_closed), ''::bytea), ''::bytea),
           coalesce(string_agg(int8send(coalesce(p.on_left, 0)) || int8send(coalesce(p.on_right, 0)), ''::bytea), ''::bytea)
      FROM (SELECT pipe.*, asset_code COLLATE "C" AS code, on_left, on_right
              FROM gis.pipe
              LEFT JOIN (SELECT pipe_id, count(*) FILTER (WHERE tap_side = 'left') AS on_left, count(*) FILTER (WHERE tap_side = 'right') AS on_right
                           FROM gis.service_connection GROUP BY pipe_id) tapped ON pipe_id = pipe.id
             WHERE lifecycle_status <> 'abandoned' AND ST_NPoints(geom) > 1
             ORDER BY code) p""")
_CENTRELINES = text("""
    SELECT coalesce(string_agg(substring(ST_AsBinary(geom, 'NDR') FROM 10), ''::bytea ORDER BY id), ''::bytea),
           coalesce(string_agg(int8send(ST_NPoints(geom)), ''::bytea ORDER BY id), ''::bytea),
           coalesce(string_agg(name, E'\\x1f' ORDER BY id), '')
      FROM gis.road_edge WHERE reverse_of IS NULL AND name <> '' AND ST_NPoints(geom) > 1""")

_PLACES_SERVED = text("""
    SELECT coalesce(string_agg(uuid_send(a.id), ''::bytea ORDER BY a.id), ''::bytea),
           coalesce(string_agg(uuid_send(c.pipe_id), ''::bytea ORDER BY a.id), ''::bytea),
           coalesce(string_agg(uuid_send(coalesce(a.address_id, c.building_id, a.id)), ''::bytea ORDER BY a.id), ''::bytea),
           coalesce(string_agg(float8send(ST_X(at.place)) || float8send(ST_Y(at.place)), ''::bytea ORDER BY a.id), ''::bytea)
      FROM gis.customer_account a JOIN gis.service_connection c ON c.id = a.service_connection_id
      JOIN gis.pipe p ON p.id = c.pipe_id LEFT JOIN gis.address d ON d.id = a.address_id
     CROSS JOIN LATERAL (SELECT coalesce(d.geom, ST_EndPoint(c.geom), ST_LineInterpolatePoint(
                                p.geom, least(1.0, greatest(0.0, c.tap_chainage_m / nullif(p.length_m, 0))))) AS place) at
     WHERE p.lifecycle_status <> 'abandoned' AND at.place IS NOT NULL""")


@dataclass(frozen=True, slots=True)
class CustomerPlaces:
    """Where customers are: UUIDs as 16 bytes of accounts (rising), of their mains and of what they share an address by; metres of the plane."""

    account_key: NDArray[np.bytes_]
    pipe_key: NDArray[np.bytes_]
    address_key: NDArray[np.bytes_]
    xy: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PipeRecords:
    """What is recorded of the pipes of an `IsolationNetwork`, in its order; not a number, or empty, where it is not known."""

    diameter_mm: NDArray[np.float64]
    install_year: NDArray[np.float64]
    material: list[str]


class BrokenReference(LookupError):
    """A stored asset stands on something that is not there or abandoned: whoever stored it made a mistake."""


def _keys(raw: Any) -> NDArray[np.bytes_]:
    return np.frombuffer(raw, dtype="S16")


def _flags(raw: Any) -> NDArray[np.bool_]:
    return np.frombuffer(raw, dtype=np.uint8).astype(bool)


def _floats(raw: Any) -> NDArray[np.float64]:
    return np.frombuffer(raw, dtype=">f8").astype(np.float64)


def _ints(raw: Any) -> NDArray[np.int64]:
    return np.frombuffer(raw, dtype=">i8").astype(np.int64)


def _codes(joined: str) -> list[str]:
    return joined.split("\x1f") if joined else []


def _places(keys: NDArray[np.bytes_], wanted: NDArray[np.bytes_]) -> NDArray[np.int64]:
    """Find ids among rising ones."""
    at = np.searchsorted(keys, wanted)
    if len(wanted) and (not len(keys) or at.max() >= len(keys) or (keys[at] != wanted).any()):
        raise BrokenReference
    return at


def load_isolation_network(session: Session) -> IsolationNetwork:
    """Read the whole network for tracing; a city of 60,000 pipes takes about a second."""
    pipe, start, end, length, diameter, closed, one_way, codes = session.execute(_PIPES).one()
    node, is_source = session.execute(_NODES).one()
    from_node, to_node, control_closed = session.execute(_CONTROLS).one()
    valve, other, valve_node, on_pipe, shut, stuck, points, valve_codes = session.execute(_VALVES).one()
    served, accounts, kind = session.execute(
        _CUSTOMERS, {"kinds": [one.value for one in CRITICAL_KINDS]}
    ).one()
    pipes, nodes = _keys(pipe), _keys(node)
    at, kinds = _places(pipes, _keys(served)), np.frombuffer(kind, dtype=">i8").astype(np.int64)
    # Column 0 is everybody else.
    customers = np.zeros((len(pipes), 1 + len(CRITICAL_KINDS)), dtype=np.int64)
    customers[at, kinds] = np.frombuffer(accounts, dtype=">i8")
    stands_on_pipe, beside = _flags(on_pipe), _keys(other)
    valve_pipe, valve_to_node = np.full((2, len(beside)), NONE, dtype=np.int64)
    valve_pipe[stands_on_pipe] = _places(pipes, beside[stands_on_pipe])
    valve_to_node[~stands_on_pipe] = _places(nodes, beside[~stands_on_pipe])
    places = _floats(points).reshape(-1, 2)
    return IsolationNetwork(
        pipe_key=pipes,
        pipe_code=_codes(codes),
        pipe_from=_places(nodes, _keys(start)),
        pipe_to=_places(nodes, _keys(end)),
        pipe_length_m=_floats(length),
        pipe_volume_m3=pipe_volumes_m3(_floats(diameter), _floats(length)),
        pipe_closed=_flags(closed),
        pipe_one_way=_flags(one_way),
        customers=customers.sum(axis=1),
        critical=customers[:, 1:],
        node_count=len(nodes),
        sources=np.flatnonzero(_flags(is_source)),
        control_from=_places(nodes, _keys(from_node)),
        control_to=_places(nodes, _keys(to_node)),
        control_closed=_flags(control_closed),
        valve_key=_keys(valve),
        valve_code=_codes(valve_codes),
        valve_pipe=valve_pipe,
        valve_node=_places(nodes, _keys(valve_node)),
        valve_to_node=valve_to_node,
        valve_closed=_flags(shut),
        valve_stuck=_flags(stuck),
        valve_lon=places[:, 0],
        valve_lat=places[:, 1],
    )


def load_pipe_records(session: Session, *, count: int) -> PipeRecords:
    """Read diameter, year and material of all `count` pipes."""
    diameter, year, material = session.execute(_RECORDS).one()
    return PipeRecords(_floats(diameter), _floats(year), material.split("\x1f") if count else [])


def load_customer_places(session: Session, plane: MetricPlane) -> CustomerPlaces:
    """Read where all customers are, and what serves them; without an address, where their line ends or leaves the main."""
    account, pipe, address, points = session.execute(_PLACES_SERVED).one()
    places = _floats(points).reshape(-1, 2)
    x, y = plane.to_plane(places[:, 0], places[:, 1])
    return CustomerPlaces(_keys(account), _keys(pipe), _keys(address), np.column_stack([x, y]))


def load_mains(session: Session, plane: MetricPlane) -> Mains:
    """Read all mains for weighing them, and on which side of each its street's centreline lies; 70,000 take about a second."""
    (
        pipe,
        codes,
        corners,
        corner_counts,
        length,
        roads,
        zone,
        segment,
        pipe_class,
        status,
        diameter,
        closed,
        taps,
    ) = session.execute(
        _MAINS,
        {"classes": [one.value for one in CLASSES], "statuses": [one.value for one in STATUSES]},
    ).one()
    lines = _lines(plane, corners, corner_counts)
    names = roads.split("\x1f") if len(lines) else []
    road_names = sorted(set(names) - {""})
    number = {name: at for at, name in enumerate(road_names)} | {"": NONE}
    zone_key, zone_at = np.unique(_keys(zone), return_inverse=True)
    if len(zone_key) and zone_key[0] == b"":  # the zone that is none sorts first
        zone_key, zone_at = zone_key[1:], zone_at - 1
    road_corners, road_counts, centreline_names = session.execute(_CENTRELINES).one()
    return Mains(
        key=_keys(pipe),
        code=_codes(codes),
        lines=lines,
        length_m=_floats(length),
        road=np.array([number[name] for name in names], dtype=np.int64),
        road_names=road_names,
        zone=zone_at,
        zone_key=zone_key,
        segment=_ints(segment),
        pipe_class=_ints(pipe_class) - 1,
        status=_ints(status) - 1,
        diameter_mm=_floats(diameter),
        is_closed=_flags(closed),
        taps=_ints(taps).reshape(-1, 2),
        centreline=sides_of_centrelines(
            lines,
            names,
            _lines(plane, road_corners, road_counts),
            _codes(centreline_names),
        ),
    )


def _lines(plane: MetricPlane, corners: Any, counts: Any) -> NDArray[np.object_]:
    """Draw lines in the plane from all their corners, longitude before latitude, and the number of corners of each."""
    degrees = np.frombuffer(corners, dtype="<f8").reshape(-1, 2)
    of_each = _ints(counts)
    drawn = shapely.linestrings(
        np.column_stack(plane.to_plane(degrees[:, 0], degrees[:, 1])),
        indices=np.repeat(np.arange(len(of_each)), of_each),
    )
    return np.asarray(drawn, dtype=object)


def drawn_pipes(session: Session, pipe_ids: Sequence[UUID]) -> dict[str, Any] | None:
    """Draw pipes as one GeoJSON line; None where none of them has a place (Any: GeoJSON)."""
    if not pipe_ids:
        return None
    drawn = session.scalar(
        select(func.ST_AsGeoJSON(func.ST_Multi(func.ST_Collect(Pipe.geom)), 7)).where(
            Pipe.id == func.any(list(pipe_ids))
        )
    )
    return None if drawn is None else json.loads(drawn)
