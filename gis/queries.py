"""Reading the network's tables."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.isolation import IsolationNetwork
from gis.models import CRITICAL_CLASSES

# Each column comes as one value, so that 60,000 pipes cost a few round figures instead of 60,000 Python rows.
_PIPES = text("""
    SELECT coalesce(string_agg(uuid_send(p.id), ''::bytea ORDER BY p.id), ''::bytea),
           coalesce(string_agg(uuid_send(p.from_node_id), ''::bytea ORDER BY p.id), ''::bytea),
           coalesce(string_agg(uuid_send(p.to_node_id), ''::bytea ORDER BY p.id), ''::bytea),
           coalesce(string_agg(float8send(p.length_m), ''::bytea ORDER BY p.id), ''::bytea),
           coalesce(string_agg(boolsend(p.is_closed OR p.lifecycle_status <> 'in_service'), ''::bytea ORDER BY p.id), ''::bytea),
           coalesce(string_agg(p.asset_code, E'\\x1f' ORDER BY p.id), '')
      FROM gis.pipe p""")
_NODES = text("""
    SELECT coalesce(string_agg(uuid_send(id), ''::bytea ORDER BY id), ''::bytea),
           coalesce(string_agg(boolsend(node_type <> 'junction'), ''::bytea ORDER BY id), ''::bytea)
      FROM gis.junction""")
_VALVES = text("""
    SELECT coalesce(string_agg(uuid_send(id), ''::bytea ORDER BY id), ''::bytea),
           coalesce(string_agg(uuid_send(pipe_id), ''::bytea ORDER BY id), ''::bytea),
           coalesce(string_agg(uuid_send(node_id), ''::bytea ORDER BY id), ''::bytea),
           coalesce(string_agg(boolsend(is_closed), ''::bytea ORDER BY id), ''::bytea),
           coalesce(string_agg(boolsend(operable = 'no'), ''::bytea ORDER BY id), ''::bytea),
           coalesce(string_agg(float8send(ST_X(geom)) || float8send(ST_Y(geom)), ''::bytea ORDER BY id), ''::bytea),
           coalesce(string_agg(asset_code, E'\\x1f' ORDER BY id), '')
      FROM gis.valve""")
_CUSTOMERS = text("""
    SELECT coalesce(string_agg(uuid_send(pipe_id), ''::bytea ORDER BY pipe_id), ''::bytea),
           coalesce(string_agg(int8send(accounts), ''::bytea ORDER BY pipe_id), ''::bytea),
           coalesce(string_agg(int8send(critical), ''::bytea ORDER BY pipe_id), ''::bytea)
      FROM (SELECT c.pipe_id, count(*) AS accounts, count(*) FILTER (WHERE a.customer_class = ANY(:critical)) AS critical
              FROM gis.customer_account a JOIN gis.service_connection c ON c.id = a.service_connection_id
             GROUP BY c.pipe_id) per_pipe""")


def _keys(raw: Any) -> NDArray[np.bytes_]:
    return np.frombuffer(raw, dtype="S16")


def _flags(raw: Any) -> NDArray[np.bool_]:
    return np.frombuffer(raw, dtype=np.uint8).astype(bool)


def _floats(raw: Any) -> NDArray[np.float64]:
    return np.frombuffer(raw, dtype=">f8").astype(np.float64)


def _codes(joined: str) -> list[str]:
    return joined.split("\x1f") if joined else []


def load_isolation_network(session: Session) -> IsolationNetwork:
    """Read the whole network for tracing; a city of 60,000 pipes takes about a second."""
    pipe, start, end, length, closed, codes = session.execute(_PIPES).one()
    node, is_source = session.execute(_NODES).one()
    valve, valve_pipe, valve_node, shut, stuck, places, valve_codes = session.execute(_VALVES).one()
    served, accounts, critical = session.execute(
        _CUSTOMERS, {"critical": sorted(one.value for one in CRITICAL_CLASSES)}
    ).one()
    pipes, nodes = _keys(pipe), _keys(node)
    pipe_to = np.searchsorted(nodes, _keys(end))
    on_pipe = np.searchsorted(pipes, _keys(valve_pipe))
    customers, must_warn = np.zeros(len(pipes), dtype=np.int64), np.zeros(len(pipes), dtype=np.int64)
    at = np.searchsorted(pipes, _keys(served))
    customers[at] = np.frombuffer(accounts, dtype=">i8")
    must_warn[at] = np.frombuffer(critical, dtype=">i8")
    points = _floats(places).reshape(-1, 2)
    return IsolationNetwork(
        pipe_key=pipes,
        pipe_code=_codes(codes),
        pipe_from=np.searchsorted(nodes, _keys(start)),
        pipe_to=pipe_to,
        pipe_length_m=_floats(length),
        pipe_closed=_flags(closed),
        customers=customers,
        critical=must_warn,
        node_count=len(nodes),
        sources=np.flatnonzero(_flags(is_source)),
        valve_key=_keys(valve),
        valve_code=_codes(valve_codes),
        valve_pipe=on_pipe,
        valve_at_to=pipe_to[on_pipe] == np.searchsorted(nodes, _keys(valve_node)),
        valve_closed=_flags(shut),
        valve_stuck=_flags(stuck),
        valve_lon=points[:, 0],
        valve_lat=points[:, 1],
    )
