"""A draft beside the stored network: temporary tables of the same columns, in which every asset has the id it has or will have."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.db import Base, new_id
from gis.copying import copy_values, shape_texts
from gis.geocoding import normalise, parse_address
from gis.models import (
    ControlLink,
    CustomerAccount,
    Hydrant,
    Junction,
    Pipe,
    PressureZone,
    Valve,
)
from gis.network_import.draft import NetworkDraft


@dataclass(frozen=True, slots=True)
class Kind:
    """A table of assets that versions write: its key, and the columns that come from a draft."""

    table: str
    model: type[Base]
    key: str
    draft_list: str
    columns: tuple[str, ...]
    has_lifecycle: bool = True

    @property
    def staged(self) -> str:
        """The temporary table beside it."""
        return f"staged_{self.table}"


_FATE = ("lifecycle_status", "geom")
ZONES = Kind("pressure_zone", PressureZone, "code", "zones", ("name", "source_head_m", "geom"), False)
JUNCTIONS = Kind(
    "junction",
    Junction,
    "asset_code",
    "junctions",
    ("node_type", "elevation_m", "head_m", "base_demand_lps", "zone_id", *_FATE),
)
PIPES = Kind(
    "pipe",
    Pipe,
    "asset_code",
    "pipes",
    (
        "from_node_id",
        "to_node_id",
        "pipe_class",
        "diameter_mm",
        "material",
        "install_year",
        "length_m",
        "roughness",
        "road_name",
        "zone_id",
        "is_closed",
        "has_check_valve",
        *_FATE,
    ),
)
CONTROL_LINKS = Kind(
    "control_link",
    ControlLink,
    "asset_code",
    "control_links",
    ("link_type", "from_node_id", "to_node_id", "diameter_mm", "setting", "is_closed", *_FATE),
)
VALVES = Kind(
    "valve",
    Valve,
    "asset_code",
    "valves",
    ("pipe_id", "node_id", "to_node_id", "valve_type", "diameter_mm", "is_closed", "operable", *_FATE),
)
HYDRANTS = Kind(
    "hydrant", Hydrant, "asset_code", "hydrants", ("pipe_id", "chainage_m", "diameter_mm", *_FATE)
)
ASSET_KINDS = (ZONES, JUNCTIONS, PIPES, CONTROL_LINKS, VALVES, HYDRANTS)
"""In the order in which they may be written: what is referred to comes first."""

STAGED_CUSTOMER = "staged_customer"

Ids = Mapping[str, UUID]
Values = Sequence[Any]  # Any: one column's values, of whatever type the column has


def stage(session: Session, draft: NetworkDraft) -> None:
    """Write a sound draft into temporary tables that last as long as the transaction."""
    connection = session.connection().connection.driver_connection
    if not isinstance(connection, psycopg.Connection):
        raise TypeError("staging a network needs a psycopg connection")
    with connection.cursor() as cursor:
        known = {kind: _known_ids(session, kind) for kind in ASSET_KINDS}
        ids: dict[Kind, Ids] = {}
        for kind in ASSET_KINDS:
            assets = getattr(draft, kind.draft_list)
            ids[kind] = {one.code: known[kind].get(one.code) or new_id() for one in assets}
            columns = _COLUMNS[kind](assets, ids)
            keys = [one.code for one in assets]
            is_new = [code not in known[kind] for code in keys]
            cursor.execute(
                f"DROP TABLE IF EXISTS {kind.staged};"
                f"CREATE TEMP TABLE {kind.staged} (LIKE gis.{kind.table}) ON COMMIT DROP;"
                f"ALTER TABLE {kind.staged} ADD is_new boolean".encode()
            )
            copy_values(
                cursor,
                kind.staged,
                {"id": list(ids[kind].values()), kind.key: keys, **columns, "is_new": is_new},
            )
            cursor.execute(f"ANALYZE {kind.staged}".encode())
        _stage_customers(session, cursor, draft, ids[PIPES])


def _known_ids(session: Session, kind: Kind) -> dict[str, UUID]:
    rows = session.execute(text(f"SELECT {kind.key}, id FROM gis.{kind.table}"))
    return {row[0]: row[1] for row in rows}


def _of(assets: Sequence[Any], *names: str) -> dict[str, Values]:
    """Take fields that are named like their columns."""
    return {name: [getattr(one, name) for one in assets] for name in names}


def _refs(ids: Ids, codes: Iterable[str | None]) -> list[UUID | None]:
    return [None if code is None else ids[code] for code in codes]


def _zone_columns(assets: Sequence[Any], ids: Mapping[Kind, Ids]) -> dict[str, Values]:
    return {**_of(assets, "name", "source_head_m"), "geom": shape_texts(one.outline for one in assets)}


def _junction_columns(assets: Sequence[Any], ids: Mapping[Kind, Ids]) -> dict[str, Values]:
    return {
        **_of(assets, "node_type", "elevation_m", "head_m", "base_demand_lps"),
        "zone_id": _refs(ids[ZONES], (one.zone for one in assets)),
        "lifecycle_status": ["in_service"] * len(assets),
        "geom": shape_texts(one.place for one in assets),
    }


def _ends(assets: Sequence[Any], ids: Mapping[Kind, Ids]) -> dict[str, Values]:
    return {
        "from_node_id": _refs(ids[JUNCTIONS], (one.from_node for one in assets)),
        "to_node_id": _refs(ids[JUNCTIONS], (one.to_node for one in assets)),
    }


def _pipe_columns(assets: Sequence[Any], ids: Mapping[Kind, Ids]) -> dict[str, Values]:
    return {
        **_ends(assets, ids),
        **_of(assets, "pipe_class", "diameter_mm", "material", "install_year", "length_m", "roughness"),
        **_of(assets, "road_name", "is_closed", "has_check_valve", "lifecycle_status"),
        "zone_id": _refs(ids[ZONES], (one.zone for one in assets)),
        "geom": shape_texts(one.line for one in assets),
    }


def _control_link_columns(assets: Sequence[Any], ids: Mapping[Kind, Ids]) -> dict[str, Values]:
    return {
        **_ends(assets, ids),
        **_of(assets, "link_type", "diameter_mm", "setting", "is_closed", "lifecycle_status"),
        "geom": shape_texts(one.line for one in assets),
    }


def _valve_columns(assets: Sequence[Any], ids: Mapping[Kind, Ids]) -> dict[str, Values]:
    return {
        "pipe_id": _refs(ids[PIPES], (one.pipe for one in assets)),
        "node_id": _refs(ids[JUNCTIONS], (one.node for one in assets)),
        "to_node_id": _refs(ids[JUNCTIONS], (one.to_node for one in assets)),
        **_of(assets, "valve_type", "diameter_mm", "is_closed", "operable", "lifecycle_status"),
        "geom": shape_texts(one.place for one in assets),
    }


def _hydrant_columns(assets: Sequence[Any], ids: Mapping[Kind, Ids]) -> dict[str, Values]:
    return {
        "pipe_id": _refs(ids[PIPES], (one.pipe for one in assets)),
        **_of(assets, "chainage_m", "diameter_mm", "lifecycle_status"),
        "geom": shape_texts(one.place for one in assets),
    }


_COLUMNS: dict[Kind, Callable[[Sequence[Any], Mapping[Kind, Ids]], dict[str, Values]]] = {
    ZONES: _zone_columns,
    JUNCTIONS: _junction_columns,
    PIPES: _pipe_columns,
    CONTROL_LINKS: _control_link_columns,
    VALVES: _valve_columns,
    HYDRANTS: _hydrant_columns,
}


def _stage_customers(session: Session, cursor: psycopg.Cursor[Any], draft: NetworkDraft, pipes: Ids) -> None:
    known = {
        row.account_no: row.id
        for row in session.execute(select(CustomerAccount.account_no, CustomerAccount.id))
    }
    some = draft.customers
    # Only who is new may need an address made; reading one takes its time.
    read = [
        parse_address(one.address) if one.address and one.account_no not in known else None for one in some
    ]
    cursor.execute(
        f"""DROP TABLE IF EXISTS {STAGED_CUSTOMER};
        CREATE TEMP TABLE {STAGED_CUSTOMER} (
            id uuid, is_new boolean, account_no text, name text, phone text, customer_class text, pipe_id uuid,
            chainage_m double precision, place geometry, address text, normalised text, street text, house_ordinal integer,
            house_letter text, connection_id uuid, address_id uuid
        ) ON COMMIT DROP""".encode()
    )
    copy_values(
        cursor,
        STAGED_CUSTOMER,
        {
            "id": [known.get(one.account_no) or new_id() for one in some],
            "is_new": [one.account_no not in known for one in some],
            **_of(some, "account_no", "name", "phone", "customer_class", "address"),
            "pipe_id": _refs(pipes, (one.pipe for one in some)),
            "chainage_m": [one.tap_chainage_m for one in some],
            "place": shape_texts(one.place for one in some),
            "normalised": [normalise(one.address) if one.address else None for one in some],
            "street": [one.street or None if one else None for one in read],
            "house_ordinal": [one.number if one else None for one in read],
            "house_letter": [one.number_letter if one else None for one in read],
        },
    )
    cursor.execute(f"ANALYZE {STAGED_CUSTOMER}".encode())
