"""Imported addresses and roads become what callers' words are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy.orm import Session

from core.db import new_id
from gis.address_import.records import ImportedAddress, ImportedRoad, Source
from gis.copying import copy_values, shape_texts
from gis.geocoding import normalise


@dataclass(frozen=True, slots=True)
class Stored:
    """What an import changed."""

    addresses: int
    roads: int
    removed: int


_TABLES = """
    DROP TABLE IF EXISTS imported_road, imported_address;
    CREATE TEMP TABLE imported_road (name text, district text, normalised text, geom geometry) ON COMMIT DROP;
    CREATE TEMP TABLE imported_address (
        id uuid, code text, district text, street text, house_number text, house_ordinal integer, place text, building text, postcode text,
        text text, normalised text, geom geometry, street_id uuid
    ) ON COMMIT DROP"""
_STEPS = (
    "ANALYZE imported_address",
    """UPDATE gis.street s SET geom = coalesce(r.geom, s.geom) FROM imported_road r
        WHERE s.name = r.name AND s.district IS NOT DISTINCT FROM r.district AND r.geom IS NOT NULL""",
    """INSERT INTO gis.street (id, name, district, normalised, source, geom)
       SELECT gen_random_uuid(), r.name, r.district, r.normalised, %(source)s, r.geom FROM imported_road r
        WHERE NOT EXISTS (SELECT FROM gis.street s WHERE s.name = r.name AND s.district IS NOT DISTINCT FROM r.district)""",
    """UPDATE imported_address a SET street_id = s.id
         FROM (SELECT DISTINCT ON (name, district) id, name, district FROM gis.street ORDER BY name, district, id) s
        WHERE s.name = a.street AND s.district = a.district""",
    """UPDATE imported_address a SET street_id = s.id
         FROM (SELECT DISTINCT ON (name) id, name FROM gis.street ORDER BY name, district NULLS FIRST, id) s
        WHERE a.street_id IS NULL AND s.name = a.street""",
    """INSERT INTO gis.address AS old (id, source, code, street_id, street, house_number, house_ordinal, district, place, building, postcode, text,
                                       normalised, geom)
       SELECT id, %(source)s, code, street_id, street, house_number, house_ordinal, district, place, building, postcode, text, normalised, geom
         FROM imported_address
       ON CONFLICT (source, code) DO UPDATE SET street_id = excluded.street_id, street = excluded.street, house_number = excluded.house_number,
           house_ordinal = excluded.house_ordinal, district = excluded.district, place = excluded.place, building = excluded.building,
           postcode = excluded.postcode, text = excluded.text, normalised = excluded.normalised, geom = excluded.geom""",
)
_REMOVE_ADDRESSES = """
    DELETE FROM gis.address a WHERE a.source = %(source)s AND NOT EXISTS (SELECT FROM imported_address i WHERE i.code = a.code)
       AND NOT EXISTS (SELECT FROM gis.customer_account c WHERE c.address_id = a.id)"""
_REMOVE_STREETS = """
    DELETE FROM gis.street s WHERE s.source = %(source)s AND NOT EXISTS (SELECT FROM imported_road r WHERE r.name = s.name)
       AND NOT EXISTS (SELECT FROM gis.address a WHERE a.street_id = s.id)"""


def store_addresses(
    session: Session, source: Source, addresses: Sequence[ImportedAddress], roads: Sequence[ImportedRoad]
) -> Stored:
    """Make the imported addresses and roads what these files say.

    An address known by its code is changed, a new one added; one that an earlier import brought and this one does not name goes, unless a
    customer lives there. Addresses that came otherwise stay.
    """
    connection = session.connection().connection.driver_connection
    if not isinstance(connection, psycopg.Connection):
        raise TypeError("importing addresses needs a psycopg connection")
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        copy_values(cursor, "imported_road", _road_columns(roads, addresses))
        copy_values(cursor, "imported_address", _columns(addresses))
        for statement in _STEPS:
            cursor.execute(statement.encode(), {"source": source} if "%(source)s" in statement else None)
        removed = cursor.execute(_REMOVE_ADDRESSES, {"source": source}).rowcount
        cursor.execute(_REMOVE_STREETS, {"source": source})
    session.expire_all()
    return Stored(addresses=len(addresses), roads=len(roads), removed=removed)


def _road_columns(
    roads: Sequence[ImportedRoad], addresses: Sequence[ImportedAddress]
) -> dict[str, Sequence[Any]]:
    """List the roads, with those that addresses name and no file draws."""
    drawn = {road.name for road in roads}
    others = sorted({one.road for one in addresses if one.road} - drawn)
    names = [*(road.name for road in roads), *others]
    return {
        "name": names,
        "district": [*(road.district or None for road in roads), *(None for _ in others)],
        "normalised": [normalise(name) for name in names],
        "geom": [*shape_texts([road.line for road in roads]), *(None for _ in others)],
    }


def _columns(addresses: Sequence[ImportedAddress]) -> dict[str, Sequence[Any]]:
    texts = [one.text() for one in addresses]
    return {
        "id": [new_id() for _ in addresses],
        "street": [one.road for one in addresses],
        "house_ordinal": [one.ordinal for one in addresses],
        "text": texts,
        "normalised": [normalise(text) for text in texts],
        "geom": shape_texts([one.point.as_point() for one in addresses]),
        **{
            name: [getattr(one, name) or None for one in addresses]
            for name in ("code", "district", "house_number", "place", "building", "postcode")
        },
    }
