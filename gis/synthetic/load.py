"""Stores a city bundle in an empty database, fast: binary COPY, indexes and foreign keys made afterwards."""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from gis.coordinates import stored, stored_wkb
from gis.errors import CityAlreadyLoaded
from gis.geocoding import normalise
from gis.isolation import CRITICAL_KINDS, NONE, IsolationNetwork, pipe_volumes_m3
from gis.models import (
    LifecycleStatus,
    NodeType,
    Operable,
    PressureZone,
    RoadGraph,
    ServiceArea,
)
from gis.roads import E7
from gis.segments import segment_facts, segment_lines
from gis.synthetic.bundle import City, read_bundle
from gis.synthetic.chance import Ints
from gis.synthetic.progress import Progress, silent

Column = list[bytes]
"""One field of every row, each with its length before it, as COPY BINARY wants it."""

_NULL = struct.pack("!i", -1)
_HEAD = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
_TAIL = struct.pack("!h", -1)
_UUID_OID, _INT4_OID = 2950, 23
ROWS_PER_WRITE = 20_000
EPOCH_MS = 1_704_067_200_000
"""The moment all ids of bundles claim to be made, 2024-01-01: version 7 ids need one, and it must not vary."""


# --- ids -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Ids:
    """Makes ids that depend on the bundle, the table and the row alone, rising with the row."""

    seed: int

    def of(self, table: str, count: int) -> NDArray[np.uint8]:
        """Give ids of version 7, 16 bytes each: time, table, city, row."""
        mark = int.from_bytes(hashlib.blake2b(table.encode(), digest_size=2).digest(), "big") & 0xFFF
        raw = np.zeros((count, 16), dtype=np.uint8)
        raw[:, :6] = np.frombuffer(EPOCH_MS.to_bytes(6, "big"), dtype=np.uint8)
        raw[:, 6:8] = np.frombuffer((0x7000 | mark).to_bytes(2, "big"), dtype=np.uint8)
        low = (np.uint64(0b10) << np.uint64(62)) | (np.uint64(self.seed & 0x3FFFFFFF) << np.uint64(32))
        rows = (low | np.arange(1, count + 1, dtype=np.uint64)).astype(">u8")
        raw[:, 8:] = rows.view(np.uint8).reshape(-1, 8)
        return raw


# --- encoding --------------------------------------------------------------------------------------


def _fixed(values: NDArray[Any], kind: str, *, null: NDArray[np.bool_] | None = None) -> Column:
    """Encode numbers of one big-endian kind (`>f8`, `>i4`, `>i8`, `>i2`, `u1` for booleans)."""
    size = np.dtype(kind).itemsize
    raw = np.empty((len(values), 4 + size), dtype=np.uint8)
    raw[:, :4] = np.frombuffer(struct.pack("!i", size), dtype=np.uint8)
    raw[:, 4:] = np.ascontiguousarray(values.astype(kind)).view(np.uint8).reshape(-1, size)
    column = _cut(raw)
    if null is not None:
        for index in np.flatnonzero(null).tolist():
            column[index] = _NULL
    return column


def _cut(raw: NDArray[np.uint8]) -> Column:
    step, whole = raw.shape[1], raw.tobytes()
    return [whole[at : at + step] for at in range(0, len(whole), step)]


def _uuids(ids: NDArray[np.uint8], rows: Ints | None = None) -> Column:
    """Encode ids, or those that `rows` point at (-1: null)."""
    chosen = (
        ids if rows is None else ids[np.maximum(rows, 0)] if len(ids) else np.zeros((len(rows), 16), np.uint8)
    )
    raw = np.empty((len(chosen), 20), dtype=np.uint8)
    raw[:, :4] = np.frombuffer(struct.pack("!i", 16), dtype=np.uint8)
    raw[:, 4:] = chosen
    column = _cut(raw)
    if rows is not None:
        for index in np.flatnonzero(rows < 0).tolist():
            column[index] = _NULL
    return column


def _bytes(values: Sequence[bytes | None]) -> Column:
    return [_NULL if value is None else struct.pack("!i", len(value)) + value for value in values]


def _texts(values: Sequence[str | None]) -> Column:
    return _bytes([None if value is None else value.encode() for value in values])


def _shapes(geometries: NDArray[Any]) -> Column:
    return _bytes([None if one is None else bytes(one) for one in stored_wkb(geometries)])


def _points(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Column:
    return _shapes(np.asarray(shapely.points(lon, lat), dtype=object))


def _array(oid: int, elements: Sequence[bytes]) -> bytes:
    """Encode one array of fixed-size elements."""
    if not elements:
        return struct.pack("!iii", 0, 0, oid)
    body = b"".join(struct.pack("!i", len(one)) + one for one in elements)
    return struct.pack("!iiiii", 1, 0, oid, len(elements), 1) + body


def _copy(cursor: psycopg.Cursor[Any], table: str, columns: dict[str, Column]) -> None:
    """Send one table."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier("gis", table), sql.SQL(", ").join(sql.Identifier(name) for name in columns)
    )
    rows = len(next(iter(columns.values())))
    head = struct.pack("!h", len(columns))
    with cursor.copy(statement) as copy:
        copy.write(_HEAD)
        for start in range(0, rows, ROWS_PER_WRITE):
            part = [column[start : start + ROWS_PER_WRITE] for column in columns.values()]
            copy.write(b"".join(chain.from_iterable(zip(repeat(head), *part, strict=False))))
        copy.write(_TAIL)


@contextmanager
def _bare_tables(cursor: psycopg.Cursor[Any]) -> Iterator[None]:
    """Take foreign keys and indexes off the package's tables while they fill, and put them back as they were."""
    keys = cursor.execute(
        """SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c
            WHERE c.contype = 'f' AND c.connamespace = 'gis'::regnamespace ORDER BY 1, 2"""
    ).fetchall()
    indexes = cursor.execute(
        """SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
             JOIN pg_class r ON r.oid = i.indrelid
            WHERE r.relnamespace = 'gis'::regnamespace
              AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid) ORDER BY 1"""
    ).fetchall()
    for table, name, _ in keys:
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'.encode())
    for index, _ in indexes:
        cursor.execute(f"DROP INDEX {index}".encode())
    cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
    yield
    for _, definition in indexes:
        cursor.execute(definition.encode())
    for table, name, definition in keys:
        cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}'.encode())


# --- loading ---------------------------------------------------------------------------------------


def load_city(session: Session, bundle: Path | City, *, progress: Progress = silent) -> None:
    """Store a city in an empty database, in the session's transaction.

    Parameters
    ----------
    session
        On a migrated database without a network. While it loads, the package's tables are locked.
    bundle
        The bundle's folder, or the city read from it.
    progress
        Called with one line for each step.

    Raises
    ------
    CityAlreadyLoaded
        The database holds a network.
    BadBundle
        The bundle is incomplete or of another version.
    """
    if session.scalar(select(ServiceArea.id)) is not None:
        raise CityAlreadyLoaded
    city = bundle if isinstance(bundle, City) else read_bundle(bundle)
    seed = "|".join([city.manifest["name"], city.manifest["source"], str(city.manifest["generator"])])
    ids = _Ids(int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest(), "big"))
    connection = session.connection().connection.driver_connection
    if not isinstance(connection, psycopg.Connection):
        raise TypeError("loading a city needs a psycopg connection")
    with connection.cursor() as cursor, _bare_tables(cursor):
        _store_network(session, cursor, city, ids, progress)
        _store_customers(cursor, city, ids, progress)
        _store_roads(session, cursor, city, progress)
        progress("making indexes")
    with connection.cursor() as cursor:
        progress("gathering statistics")
        for table in cursor.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'gis'::regnamespace AND relkind = 'r'"
        ).fetchall():
            cursor.execute(f"ANALYZE {table[0]}".encode())


def isolation_network(
    city: City, pipe_ids: NDArray[np.uint8], valve_ids: NDArray[np.uint8]
) -> IsolationNetwork:
    """See a bundle's network as it will be read back from the tables."""
    pipes = len(city.pipes.code)
    served = city.connections.pipe[city.accounts.connection]
    kinds = np.array(city.accounts.customer_class)
    return IsolationNetwork(
        pipe_key=np.frombuffer(pipe_ids.tobytes(), dtype="S16"),
        pipe_code=city.pipes.code,
        pipe_from=city.pipes.start,
        pipe_to=city.pipes.end,
        pipe_length_m=city.pipes.length_m,
        pipe_volume_m3=pipe_volumes_m3(city.pipes.diameter_mm, city.pipes.length_m),
        pipe_closed=city.pipes.closed,
        pipe_one_way=np.zeros(pipes, dtype=bool),
        customers=np.bincount(served, minlength=pipes),
        critical=np.column_stack(
            [np.bincount(served[kinds == kind.value], minlength=pipes) for kind in CRITICAL_KINDS]
        ),
        node_count=len(city.nodes.code),
        sources=np.flatnonzero(np.array(city.nodes.kind) != NodeType.JUNCTION.value),
        valve_key=np.frombuffer(valve_ids.tobytes(), dtype="S16"),
        valve_code=city.valves.code,
        valve_pipe=city.valves.pipe,
        valve_node=np.where(
            city.valves.at_end, city.pipes.end[city.valves.pipe], city.pipes.start[city.valves.pipe]
        ),
        valve_to_node=np.full(len(city.valves.code), NONE),
        valve_closed=city.valves.closed,
        valve_stuck=np.array(city.valves.operable) == Operable.NO.value,
        valve_lon=city.valves.lon,
        valve_lat=city.valves.lat,
    )


def _store_network(
    session: Session, cursor: psycopg.Cursor[Any], city: City, ids: _Ids, progress: Progress
) -> None:
    manifest, nodes, pipes, valves = city.manifest, city.nodes, city.pipes, city.valves
    zone_id, node_id = ids.of("zone", len(city.zones.code)), ids.of("node", len(nodes.code))
    pipe_id, valve_id = ids.of("pipe", len(pipes.code)), ids.of("valve", len(valves.code))
    session.execute(
        insert(ServiceArea).values(
            id=1,
            name=manifest["name"],
            metric_srid=manifest["srid"],
            built_from=manifest["source"],
            geom=stored(city.area.shape.geometries()[0]),
        )
    )
    session.flush()
    _copy(
        cursor,
        PressureZone.__tablename__,
        {
            "id": _uuids(zone_id),
            "code": _texts(city.zones.code),
            "name": _texts(city.zones.name),
            "source_head_m": _fixed(city.zones.head_m, ">f8"),
            "geom": _shapes(city.zones.shape.geometries()),
        },
    )
    progress("finding valve segments")
    lines = pipes.shape.geometries()
    network = isolation_network(city, pipe_id, valve_id)
    _store_segments(cursor, network, lines, valve_id)
    progress(f"storing {len(pipes.code):,} pipes in {len(network.segments):,} segments")
    segment = network.segment_of
    _copy(
        cursor,
        "junction",
        {
            "id": _uuids(node_id),
            "asset_code": _texts(nodes.code),
            "node_type": _texts(nodes.kind),
            "elevation_m": _fixed(nodes.elevation_m, ">f8"),
            "head_m": _fixed(nodes.head_m, ">f8", null=np.isnan(nodes.head_m)),
            "base_demand_lps": _fixed(nodes.demand_lps, ">f8"),
            "zone_id": _uuids(zone_id, nodes.zone),
            "segment_id": _fixed(segment[len(pipes.code) :], ">i4"),
            "geom": _points(nodes.lon, nodes.lat),
        },
    )
    names = city.streets.name
    _copy(
        cursor,
        "pipe",
        {
            "id": _uuids(pipe_id),
            "asset_code": _texts(pipes.code),
            "from_node_id": _uuids(node_id, pipes.start),
            "to_node_id": _uuids(node_id, pipes.end),
            "pipe_class": _texts(pipes.kind),
            "diameter_mm": _fixed(pipes.diameter_mm, ">i4"),
            "material": _texts(pipes.material),
            "install_year": _fixed(pipes.year, ">i4"),
            "length_m": _fixed(pipes.length_m, ">f8"),
            "roughness": _fixed(pipes.roughness, ">f8"),
            "road_name": _texts([names[one] if one >= 0 else None for one in pipes.street.tolist()]),
            "zone_id": _uuids(zone_id, pipes.zone),
            "segment_id": _fixed(segment[: len(pipes.code)], ">i4"),
            "lifecycle_status": _texts([LifecycleStatus.IN_SERVICE] * len(pipes.code)),
            "is_closed": _fixed(pipes.closed, "u1"),
            "has_check_valve": _fixed(np.zeros(len(pipes.code)), "u1"),
            "geom": _shapes(lines),
        },
    )
    at_node = np.where(valves.at_end, pipes.end[valves.pipe], pipes.start[valves.pipe])
    _copy(
        cursor,
        "valve",
        {
            "id": _uuids(valve_id),
            "asset_code": _texts(valves.code),
            "pipe_id": _uuids(pipe_id, valves.pipe),
            "node_id": _uuids(node_id, at_node),
            "valve_type": _texts(valves.kind),
            "diameter_mm": _fixed(pipes.diameter_mm[valves.pipe], ">i4"),
            "is_closed": _fixed(valves.closed, "u1"),
            "operable": _texts(valves.operable),
            "lifecycle_status": _texts([LifecycleStatus.IN_SERVICE] * len(valves.code)),
            "geom": _points(valves.lon, valves.lat),
        },
    )
    _copy(
        cursor,
        "hydrant",
        {
            "id": _uuids(ids.of("hydrant", len(city.hydrants.code))),
            "asset_code": _texts(city.hydrants.code),
            "pipe_id": _uuids(pipe_id, city.hydrants.pipe),
            "chainage_m": _fixed(city.hydrants.chainage_m, ">f8"),
            "diameter_mm": _fixed(np.full(len(city.hydrants.code), 80), ">i4"),
            "lifecycle_status": _texts([LifecycleStatus.IN_SERVICE] * len(city.hydrants.code)),
            "geom": _points(city.hydrants.lon, city.hydrants.lat),
        },
    )


def _store_segments(
    cursor: psycopg.Cursor[Any], network: IsolationNetwork, lines: NDArray[Any], valve_id: NDArray[np.uint8]
) -> None:
    facts = list(segment_facts(network))
    drawn = np.empty(len(facts), dtype=object)
    drawn[:] = segment_lines(network, lines)
    key = [row.tobytes() for row in valve_id]
    _copy(
        cursor,
        "isolation_segment",
        {
            "id": _fixed(network.segments, ">i4"),
            "pipe_count": _fixed(np.array([fact.pipe_count for fact in facts]), ">i4"),
            "length_m": _fixed(np.array([fact.length_m for fact in facts]), ">f8"),
            "customer_count": _fixed(np.array([fact.customer_count for fact in facts]), ">i4"),
            "valve_ids": _bytes([_array(_UUID_OID, [key[valve] for valve in fact.valves]) for fact in facts]),
            "cut_off_segment_ids": _bytes(
                [_array(_INT4_OID, [struct.pack("!i", one) for one in fact.cut_off]) for fact in facts]
            ),
            "geom": _shapes(drawn),
        },
    )


def _store_customers(cursor: psycopg.Cursor[Any], city: City, ids: _Ids, progress: Progress) -> None:
    progress(
        f"storing {len(city.addresses.text):,} addresses and {len(city.accounts.account_no):,} customers"
    )
    streets, addresses, connections, accounts = city.streets, city.addresses, city.connections, city.accounts
    street_id, building_id = ids.of("street", len(streets.name)), ids.of("building", len(city.buildings.use))
    address_id = ids.of("address", len(addresses.text))
    connection_id, meter_id = ids.of("connection", len(connections.pipe)), ids.of("meter", len(accounts.name))
    pipe_id = ids.of("pipe", len(city.pipes.code))
    _copy(
        cursor,
        "street",
        {
            "id": _uuids(street_id),
            "name": _texts(streets.name),
            "district": _texts(streets.place),
            "normalised": _texts([normalise(name) for name in streets.name]),
            "geom": _shapes(streets.shape.geometries()),
        },
    )
    _copy(
        cursor,
        "building",
        {
            "id": _uuids(building_id),
            "floor_count": _fixed(city.buildings.floors, ">i4"),
            "use": _texts(city.buildings.use),
            "geom": _shapes(city.buildings.shape.geometries()),
        },
    )
    street = addresses.street.tolist()
    _copy(
        cursor,
        "address",
        {
            "id": _uuids(address_id),
            "street_id": _uuids(street_id, addresses.street),
            "street": _texts([streets.name[one] for one in street]),
            "house_number": _texts(addresses.number),
            "house_ordinal": _fixed(addresses.ordinal, ">i4"),
            "district": _texts([streets.place[one] for one in street]),
            "text": _texts(addresses.text),
            "normalised": _texts([normalise(text) for text in addresses.text]),
            "building_id": _uuids(building_id, addresses.building),
            "geom": _points(addresses.lon, addresses.lat),
        },
    )
    _copy(
        cursor,
        "service_connection",
        {
            "id": _uuids(connection_id),
            "pipe_id": _uuids(pipe_id, connections.pipe),
            "tap_chainage_m": _fixed(connections.chainage_m, ">f8"),
            "tap_side": _texts(connections.side),
            "diameter_mm": _fixed(connections.diameter_mm, ">i4"),
            "building_id": _uuids(building_id, addresses.building[connections.address]),
            "geom": _shapes(connections.shape.geometries()),
        },
    )
    at = connections.address[accounts.connection]
    _copy(
        cursor,
        "meter",
        {
            "id": _uuids(meter_id),
            "service_connection_id": _uuids(connection_id, accounts.connection),
            "serial_no": _texts([f"M{number}" for number in accounts.account_no]),
            "diameter_mm": _fixed(np.full(len(at), 15), ">i4"),
            "geom": _points(addresses.lon[at], addresses.lat[at]),
        },
    )
    _copy(
        cursor,
        "customer_account",
        {
            "id": _uuids(ids.of("account", len(accounts.name))),
            "account_no": _texts(accounts.account_no),
            "name": _texts(accounts.name),
            "phone": _texts(accounts.phone),
            "address_id": _uuids(address_id, at),
            "service_connection_id": _uuids(connection_id, accounts.connection),
            "meter_id": _uuids(meter_id),
            "customer_class": _texts(accounts.customer_class),
        },
    )
    _copy(
        cursor,
        "land_area",
        {
            "id": _uuids(ids.of("land", len(city.land.kind))),
            "kind": _texts(city.land.kind),
            "name": _texts([name or None for name in city.land.name]),
            "geom": _shapes(city.land.shape.geometries()),
        },
    )


def _store_roads(session: Session, cursor: psycopg.Cursor[Any], city: City, progress: Progress) -> None:
    graph = city.roads
    progress(f"storing {graph.edge_count:,} road edges")
    session.execute(
        insert(RoadGraph).values(
            version=1,
            is_current=True,
            arrays=graph.to_npz(),
            node_count=graph.node_count,
            edge_count=graph.edge_count,
            source=city.manifest["source"],
        )
    )
    session.flush()
    counts = np.diff(graph.line_start)
    lines = shapely.linestrings(
        np.column_stack([graph.vertex_lon_e7 / E7, graph.vertex_lat_e7 / E7]),
        indices=np.repeat(np.arange(graph.edge_count), counts),
    )
    reverse = graph.edge_reverse.astype(np.int64)
    _copy(
        cursor,
        "road_edge",
        {
            "id": _fixed(np.arange(graph.edge_count), ">i8"),
            "u": _fixed(graph.node_id[graph.edge_u], ">i8"),
            "v": _fixed(graph.node_id[graph.edge_v], ">i8"),
            "name": _texts([graph.edge_name_of(edge) for edge in range(graph.edge_count)]),
            "road_class": _texts([graph.classes[one] for one in graph.edge_class.tolist()]),
            "length_m": _fixed(graph.edge_length_m, ">f8"),
            "travel_time_s": _fixed(graph.edge_time_s, ">f8"),
            "reverse_of": _fixed(reverse, ">i8", null=reverse < 0),
            "geom": _shapes(np.asarray(lines, dtype=object)),
        },
    )
