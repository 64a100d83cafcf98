"""Reading the network's tables."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gis.isolation import CRITICAL_KINDS, NONE, IsolationNetwork, pipe_volumes_m3
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


class BrokenReference(LookupError):
    """A stored asset stands on something that is not there or abandoned: whoever stored it made a mistake."""


def _keys(raw: Any) -> NDArray[np.bytes_]:
    return np.frombuffer(raw, dtype="S16")


def _flags(raw: Any) -> NDArray[np.bool_]:
    return np.frombuffer(raw, dtype=np.uint8).astype(bool)


def _floats(raw: Any) -> NDArray[np.float64]:
    return np.frombuffer(raw, dtype=">f8").astype(np.float64)


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
