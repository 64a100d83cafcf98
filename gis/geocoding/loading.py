"""The stored streets, addresses and names that people gave, ready to be compared with words; kept while they stay the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gis.coordinates import LonLat, MetricPlane, metric_plane, utm_srid
from gis.geocoding.gazetteer import NONE, AddressColumns, Gazetteer, RoadColumns
from gis.kept import Kept
from gis.models import AddressBook

_SEPARATOR = "\x1f"
ID_BYTES = 16

# Each column comes as one value: a million addresses cost a few round figures instead of a million Python rows.
_STREETS = r"""
    SELECT coalesce(string_agg(translate(s.name, E'\x1f', ''), E'\x1f' ORDER BY s.id), ''),
           coalesce(string_agg(translate(coalesce(s.district, ''), E'\x1f', ''), E'\x1f' ORDER BY s.id), ''),
           array_agg(ST_AsBinary(s.geom) ORDER BY s.id), count(*)
      FROM gis.street s"""
_ADDRESSES = r"""
    WITH road AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS number FROM gis.street)
    SELECT coalesce(string_agg(uuid_send(a.id), ''::bytea ORDER BY a.id), ''::bytea),
           coalesce(string_agg(int8send(coalesce(r.number, -1)), ''::bytea ORDER BY a.id), ''::bytea),
           coalesce(string_agg(int8send(coalesce(a.house_ordinal, -1)), ''::bytea ORDER BY a.id), ''::bytea),
           coalesce(string_agg(float8send(ST_X(a.geom)) || float8send(ST_Y(a.geom)), ''::bytea ORDER BY a.id), ''::bytea),
           coalesce(string_agg(translate(coalesce(a.place, ''), E'\x1f', ''), E'\x1f' ORDER BY a.id), ''),
           coalesce(string_agg(translate(coalesce(a.district, ''), E'\x1f', ''), E'\x1f' ORDER BY a.id), ''),
           coalesce(string_agg(translate(lower(ltrim(coalesce(a.house_number, ''), '0123456789 ')), E'\x1f', ''), E'\x1f' ORDER BY a.id), ''),
           coalesce(string_agg(translate(lower(coalesce(a.building, '')), E'\x1f', ''), E'\x1f' ORDER BY a.id), ''),
           coalesce(string_agg(translate(coalesce(a.postcode, ''), E'\x1f', ''), E'\x1f' ORDER BY a.id), '')
      FROM gis.address a LEFT JOIN road r ON r.id = a.street_id"""
_ALL = text(f"SELECT * FROM ({_STREETS}) streets CROSS JOIN ({_ADDRESSES}) addresses")
"""One statement sees one state of both tables: addresses name their streets by rows."""


_NAMES = text("""
    SELECT name, coalesce(district, '') AS district, ST_X(geom) AS lon, ST_Y(geom) AS lat
      FROM gis.place_name WHERE withdrawn_at IS NULL ORDER BY id""")


@dataclass(frozen=True)
class KnownPlaces:
    """The gazetteer of what is stored, and how its addresses are found again; names that people gave stand behind the addresses."""

    gazetteer: Gazetteer
    plane: MetricPlane
    centre: LonLat
    ids: bytes
    postcode: Sequence[str]

    def address_id(self, row: int) -> UUID | None:
        """Give the id of an address; None where the row is a name that people gave."""
        raw = self.ids[ID_BYTES * row : ID_BYTES * (row + 1)]
        return UUID(bytes=raw) if raw else None

    @cached_property
    def by_postcode(self) -> dict[str, list[int]]:
        """The addresses of each postcode."""
        found: dict[str, list[int]] = {}
        for row, code in enumerate(self.postcode):
            if code:
                found.setdefault(code, []).append(row)
        return found


_KEPT: Kept[KnownPlaces | None] = Kept()


def known_places(session: Session) -> KnownPlaces | None:
    """Give the streets, addresses and names as they are stored now; None where there are none."""
    revision = session.scalar(select(AddressBook.revision))
    return None if revision is None else _KEPT.get(revision, lambda: load_places(session))


def load_places(session: Session) -> KnownPlaces | None:
    """Read all streets, addresses and names that people gave: some twenty seconds for a million."""
    names, districts, lines, count, ids, roads, numbers, points, *words = session.execute(_ALL).one()
    given = session.execute(_NAMES).all()
    places = np.append(
        np.frombuffer(points, dtype=">f8").astype(np.float64), [(one.lon, one.lat) for one in given]
    ).reshape(-1, 2)
    drawn = shapely.from_wkb(
        np.array([None if one is None else bytes(one) for one in lines or []], dtype=object)
    )
    seen = np.concatenate([places, shapely.get_coordinates(drawn)])
    if not len(seen):
        return None
    lon, lat = np.median(seen, axis=0)
    centre = LonLat(lon=float(lon), lat=float(lat))
    plane = metric_plane(utm_srid(centre))
    x, y = plane.to_plane(places[:, 0], places[:, 1])
    place, district, letter, building, postcode = (_split(one, len(ids) // ID_BYTES) for one in words)
    no_number, unsaid = np.full(len(given), NONE), [""] * len(given)
    addresses = AddressColumns(
        road=np.append(_whole(roads), no_number),
        place=place + [one.name for one in given],
        district=district + [one.district for one in given],
        number=np.append(_whole(numbers), no_number),
        letter=letter + unsaid,
        building=building + unsaid,
        x=x,
        y=y,
    )
    gazetteer = Gazetteer(
        addresses,
        RoadColumns(_split(names, count), _split(districts, count), _joined(plane, drawn)),
        srid=plane.srid,
    )
    return KnownPlaces(gazetteer, plane, centre, bytes(ids), postcode)


def _split(joined: str, count: int) -> list[str]:
    return joined.split(_SEPARATOR) if count else []


def _whole(raw: bytes) -> NDArray[np.int64]:
    return np.frombuffer(raw, dtype=">i8").astype(np.int64)


def _joined(plane: MetricPlane, drawn: NDArray[np.object_]) -> NDArray[np.object_]:
    """Bring drawn streets into the plane, pieces that touch as one line, so that houses can be measured along it."""
    there = ~shapely.is_missing(drawn) & ~shapely.is_empty(drawn)
    lines = np.full(len(drawn), None, dtype=object)
    lines[there] = shapely.line_merge(plane.project(drawn[there]))
    return lines
