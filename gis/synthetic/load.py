"""Stores a city bundle in an empty database, fast: binary COPY, indexes and foreign keys made afterwards."""

import hashlib
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from gis.coordinates import stored
from gis.copying import array, byte_strings, copy_rows, fixed, points, shapes, texts, uuids
from gis.errors import CityAlreadyLoaded
from gis.geocoding import normalise
from gis.isolation import CRITICAL_KINDS, NONE, IsolationNetwork, pipe_volumes_m3
from gis.models import (
    LifecycleStatus,
    NodeType,
    Operable,
    PressureZone,
    ServiceArea,
)
from gis.roads.storing import store_road_graph
from gis.segments import segment_facts, segment_lines
from gis.synthetic.bundle import City, read_bundle
from gis.synthetic.progress import Progress, silent

_UUID_OID, _INT4_OID = 2950, 23
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
        progress(f"storing {city.roads.edge_count:,} road edges")
        store_road_graph(session, city.roads, source=city.manifest["source"])
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
    copy_rows(
        cursor,
        PressureZone.__tablename__,
        {
            "id": uuids(zone_id),
            "code": texts(city.zones.code),
            "name": texts(city.zones.name),
            "source_head_m": fixed(city.zones.head_m, ">f8"),
            "geom": shapes(city.zones.shape.geometries()),
        },
    )
    progress("finding valve segments")
    lines = pipes.shape.geometries()
    network = isolation_network(city, pipe_id, valve_id)
    _store_segments(cursor, network, lines, valve_id)
    progress(f"storing {len(pipes.code):,} pipes in {len(network.segments):,} segments")
    segment = network.segment_of
    copy_rows(
        cursor,
        "junction",
        {
            "id": uuids(node_id),
            "asset_code": texts(nodes.code),
            "node_type": texts(nodes.kind),
            "elevation_m": fixed(nodes.elevation_m, ">f8"),
            "head_m": fixed(nodes.head_m, ">f8", null=np.isnan(nodes.head_m)),
            "base_demand_lps": fixed(nodes.demand_lps, ">f8"),
            "zone_id": uuids(zone_id, nodes.zone),
            "segment_id": fixed(segment[len(pipes.code) :], ">i4"),
            "geom": points(nodes.lon, nodes.lat),
        },
    )
    names = city.streets.name
    copy_rows(
        cursor,
        "pipe",
        {
            "id": uuids(pipe_id),
            "asset_code": texts(pipes.code),
            "from_node_id": uuids(node_id, pipes.start),
            "to_node_id": uuids(node_id, pipes.end),
            "pipe_class": texts(pipes.kind),
            "diameter_mm": fixed(pipes.diameter_mm, ">i4"),
            "material": texts(pipes.material),
            "install_year": fixed(pipes.year, ">i4"),
            "length_m": fixed(pipes.length_m, ">f8"),
            "roughness": fixed(pipes.roughness, ">f8"),
            "road_name": texts([names[one] if one >= 0 else None for one in pipes.street.tolist()]),
            "zone_id": uuids(zone_id, pipes.zone),
            "segment_id": fixed(segment[: len(pipes.code)], ">i4"),
            "lifecycle_status": texts([LifecycleStatus.IN_SERVICE] * len(pipes.code)),
            "is_closed": fixed(pipes.closed, "u1"),
            "has_check_valve": fixed(np.zeros(len(pipes.code)), "u1"),
            "geom": shapes(lines),
        },
    )
    at_node = np.where(valves.at_end, pipes.end[valves.pipe], pipes.start[valves.pipe])
    copy_rows(
        cursor,
        "valve",
        {
            "id": uuids(valve_id),
            "asset_code": texts(valves.code),
            "pipe_id": uuids(pipe_id, valves.pipe),
            "node_id": uuids(node_id, at_node),
            "valve_type": texts(valves.kind),
            "diameter_mm": fixed(pipes.diameter_mm[valves.pipe], ">i4"),
            "is_closed": fixed(valves.closed, "u1"),
            "operable": texts(valves.operable),
            "lifecycle_status": texts([LifecycleStatus.IN_SERVICE] * len(valves.code)),
            "geom": points(valves.lon, valves.lat),
        },
    )
    copy_rows(
        cursor,
        "hydrant",
        {
            "id": uuids(ids.of("hydrant", len(city.hydrants.code))),
            "asset_code": texts(city.hydrants.code),
            "pipe_id": uuids(pipe_id, city.hydrants.pipe),
            "chainage_m": fixed(city.hydrants.chainage_m, ">f8"),
            "diameter_mm": fixed(np.full(len(city.hydrants.code), 80), ">i4"),
            "lifecycle_status": texts([LifecycleStatus.IN_SERVICE] * len(city.hydrants.code)),
            "geom": points(city.hydrants.lon, city.hydrants.lat),
        },
    )


def _store_segments(
    cursor: psycopg.Cursor[Any], network: IsolationNetwork, lines: NDArray[Any], valve_id: NDArray[np.uint8]
) -> None:
    facts = list(segment_facts(network))
    drawn = np.empty(len(facts), dtype=object)
    drawn[:] = segment_lines(network, lines)
    key = [row.tobytes() for row in valve_id]
    copy_rows(
        cursor,
        "isolation_segment",
        {
            "id": fixed(network.segments, ">i4"),
            "pipe_count": fixed(np.array([fact.pipe_count for fact in facts]), ">i4"),
            "length_m": fixed(np.array([fact.length_m for fact in facts]), ">f8"),
            "customer_count": fixed(np.array([fact.customer_count for fact in facts]), ">i4"),
            "valve_ids": byte_strings(
                [array(_UUID_OID, [key[valve] for valve in fact.valves]) for fact in facts]
            ),
            "cut_off_segment_ids": byte_strings(
                [array(_INT4_OID, [struct.pack("!i", one) for one in fact.cut_off]) for fact in facts]
            ),
            "geom": shapes(drawn),
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
    copy_rows(
        cursor,
        "street",
        {
            "id": uuids(street_id),
            "name": texts(streets.name),
            "district": texts(streets.place),
            "normalised": texts([normalise(name) for name in streets.name]),
            "geom": shapes(streets.shape.geometries()),
        },
    )
    copy_rows(
        cursor,
        "building",
        {
            "id": uuids(building_id),
            "floor_count": fixed(city.buildings.floors, ">i4"),
            "use": texts(city.buildings.use),
            "geom": shapes(city.buildings.shape.geometries()),
        },
    )
    street = addresses.street.tolist()
    copy_rows(
        cursor,
        "address",
        {
            "id": uuids(address_id),
            "street_id": uuids(street_id, addresses.street),
            "street": texts([streets.name[one] for one in street]),
            "house_number": texts(addresses.number),
            "house_ordinal": fixed(addresses.ordinal, ">i4"),
            "district": texts([streets.place[one] for one in street]),
            "text": texts(addresses.text),
            "normalised": texts([normalise(text) for text in addresses.text]),
            "building_id": uuids(building_id, addresses.building),
            "geom": points(addresses.lon, addresses.lat),
        },
    )
    copy_rows(
        cursor,
        "service_connection",
        {
            "id": uuids(connection_id),
            "pipe_id": uuids(pipe_id, connections.pipe),
            "tap_chainage_m": fixed(connections.chainage_m, ">f8"),
            "tap_side": texts(connections.side),
            "diameter_mm": fixed(connections.diameter_mm, ">i4"),
            "building_id": uuids(building_id, addresses.building[connections.address]),
            "geom": shapes(connections.shape.geometries()),
        },
    )
    at = connections.address[accounts.connection]
    copy_rows(
        cursor,
        "meter",
        {
            "id": uuids(meter_id),
            "service_connection_id": uuids(connection_id, accounts.connection),
            "serial_no": texts([f"M{number}" for number in accounts.account_no]),
            "diameter_mm": fixed(np.full(len(at), 15), ">i4"),
            "geom": points(addresses.lon[at], addresses.lat[at]),
        },
    )
    copy_rows(
        cursor,
        "customer_account",
        {
            "id": uuids(ids.of("account", len(accounts.name))),
            "account_no": texts(accounts.account_no),
            "name": texts(accounts.name),
            "phone": texts(accounts.phone),
            "address_id": uuids(address_id, at),
            "service_connection_id": uuids(connection_id, accounts.connection),
            "meter_id": uuids(meter_id),
            "customer_class": texts(accounts.customer_class),
        },
    )
    copy_rows(
        cursor,
        "land_area",
        {
            "id": uuids(ids.of("land", len(city.land.kind))),
            "kind": texts(city.land.kind),
            "name": texts([name or None for name in city.land.name]),
            "geom": shapes(city.land.shape.geometries()),
        },
    )
