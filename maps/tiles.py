"""Vector tiles of the network and the base map, cut by PostGIS.

Layers, columns and filters are constants of this file; from a request come only numbers, which are bound, and the set's name, which is
looked up. What changes with the network is named by its revision: it is the ETag, and the key of the cache of low zooms.
"""

import gzip
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.auth import Actor
from gis.coordinates import WEB_MERCATOR_SRID, WGS84_SRID
from gis.models import RoadGraph
from gis.service_area import area_facts
from maps.errors import NoSuchTile

ZOOM_MAX = 16
"""Pages draw closer views from the tiles of this zoom."""
CACHED_ZOOM_MAX = 13
"""Tiles up to this zoom are kept: they hold much and are asked for by everybody."""
CACHE_BYTES_MAX = 64_000_000
GZIP_LEVEL = 4
EXTENT = 4096
"""Units a tile is wide."""
BUFFER = 96
"""Units drawn beyond a tile's edge, so that wide lines do not end there."""


class TileSet(StrEnum):
    """What tiles there are."""

    NETWORK = "network"
    BASE = "base"


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer of a set, in SQL: what it shows from which rows, and from which zoom on."""

    name: str
    zoom_min: int
    geom: str
    columns: str
    source: str
    where: str = "true"


# A city's small pipes would fill a far view: least diameter drawn, by zoom, millimetres.
_PIPE_DIAMETER_SQL = "CASE WHEN :z <= 10 THEN 300 WHEN :z <= 11 THEN 200 WHEN :z <= 12 THEN 150 ELSE 0 END"
# OpenStreetMap's classes in four ranks; far views hold the upper ones only.
_ROAD_RANKS = {
    1: ("motorway", "motorway_link", "trunk", "trunk_link", "primary", "primary_link"),
    2: ("secondary", "secondary_link", "tertiary", "tertiary_link"),
    3: ("residential", "unclassified", "living_street"),
}
_ROAD_RANK_SQL = (
    "CASE r.road_class "
    + " ".join(f"WHEN '{kind}' THEN {rank}" for rank, kinds in _ROAD_RANKS.items() for kind in kinds)
    + " ELSE 4 END"
)
_ROAD_RANK_MAX_SQL = "CASE WHEN :z <= 10 THEN 1 WHEN :z <= 12 THEN 2 WHEN :z <= 13 THEN 3 ELSE 4 END"
_VALVE_MARK_SQL = "CASE WHEN v.operable = 'no' THEN 'seized' WHEN v.is_closed THEN 'closed' ELSE 'open' END"
# The bow-tie lies along its pipe; its picture is drawn pointing east, an azimuth counts from north.
# One that joins two nodes stands on no pipe and lies east.
_VALVE_BEARING_SQL = f"""coalesce(round(degrees(ST_Azimuth(ST_Transform(ST_StartPoint(p.geom), {WEB_MERCATOR_SRID}),
    ST_Transform(ST_EndPoint(p.geom), {WEB_MERCATOR_SRID}))) - 90), 0)"""

_LAYERS: dict[TileSet, tuple[_Layer, ...]] = {
    TileSet.NETWORK: (
        _Layer(
            "pipes",
            9,
            "p.geom",
            "p.id::text AS id, p.asset_code, p.pipe_class, p.diameter_mm, p.material, p.segment_id, p.is_closed,"
            " p.lifecycle_status = 'in_service' AS in_service",
            "gis.pipe p",
            f"p.lifecycle_status <> 'abandoned' AND coalesce(p.diameter_mm, 0) >= {_PIPE_DIAMETER_SQL}",
        ),
        _Layer(
            "valves",
            15,
            "v.geom",
            f"v.id::text AS id, v.asset_code, v.valve_type, {_VALVE_MARK_SQL} AS mark, {_VALVE_BEARING_SQL} AS bearing_deg",
            "gis.valve v LEFT JOIN gis.pipe p ON p.id = v.pipe_id",
            "v.lifecycle_status <> 'abandoned'",
        ),
        _Layer(
            "hydrants",
            15,
            "h.geom",
            "h.id::text AS id, h.asset_code",
            "gis.hydrant h",
            "h.lifecycle_status <> 'abandoned'",
        ),
    ),
    TileSet.BASE: (
        _Layer("water", 9, "l.geom", "l.kind, l.name", "gis.land_area l"),
        _Layer(
            "roads",
            9,
            "r.geom",
            f"r.name, {_ROAD_RANK_SQL} AS rank",
            "gis.road_edge r",
            f"(r.reverse_of IS NULL OR r.reverse_of > r.id) AND {_ROAD_RANK_SQL} <= {_ROAD_RANK_MAX_SQL}",
        ),
        _Layer("buildings", 14, "b.geom", "b.use", "gis.building b"),
    ),
}
_SCOPED = {TileSet.NETWORK}
"""Sets that end at the border of a person's area; streets are no secret."""


def layers_of(tile_set: TileSet) -> list[tuple[str, int]]:
    """Name a set's layers, each with the zoom from which on it is drawn."""
    return [(layer.name, layer.zoom_min) for layer in _LAYERS[tile_set]]


def _layer_sql(layer: _Layer, *, is_scoped: bool) -> str:
    area = f"AND ST_Intersects({layer.geom}, ST_GeomFromText(:area, {WGS84_SRID}))" if is_scoped else ""
    return f"""
    (SELECT coalesce(ST_AsMVT(t, '{layer.name}', {EXTENT}, 'geom'), ''::bytea) FROM (
        SELECT ST_AsMVTGeom(ST_Transform({layer.geom}, {WEB_MERCATOR_SRID}), ST_TileEnvelope(:z, :x, :y), {EXTENT}, {BUFFER}, true)
                   AS geom, {layer.columns}
          FROM {layer.source}
         WHERE {layer.where} {area}
           AND {layer.geom} && ST_Transform(ST_TileEnvelope(:z, :x, :y, margin => {BUFFER / EXTENT}), {WGS84_SRID})
    ) t WHERE t.geom IS NOT NULL)"""


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile as it goes out: gzip, or nothing to draw."""

    etag: str
    body: bytes | None
    """None: the asker has it already."""

    def plain(self) -> bytes:
        """Unpack it for those who take no gzip."""
        return gzip.decompress(self.body) if self.body else b""


class _Cache:
    """Keeps the tiles asked for last, up to so many bytes."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, int, int, int], bytes] = OrderedDict()

    def get(self, key: tuple[str, int, int, int]) -> bytes | None:
        with self._lock:
            body = self._kept.get(key)
            if body is not None:
                self._kept.move_to_end(key)
            return body

    def put(self, key: tuple[str, int, int, int], body: bytes) -> None:
        with self._lock:
            self._bytes += len(body) - len(self._kept.pop(key, b""))
            self._kept[key] = body
            while self._bytes > self._bytes_max:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= len(dropped)


_cache = _Cache(CACHE_BYTES_MAX)


def etag_of(session: Session, actor: Actor, tile_set: TileSet) -> str:
    """Name the state of a set as an actor sees it; a tile of the same name is the same tile."""
    revision = str(area_facts(session).network_revision)
    if tile_set is TileSet.BASE:
        roads = session.scalar(select(RoadGraph.version).where(RoadGraph.is_current))
        revision = f"{revision}/{roads}"
    if tile_set in _SCOPED and actor.area_wkt is not None:
        revision += f"/{actor.area_wkt}"
    digest = hashlib.sha256(f"{tile_set}/{revision}".encode()).hexdigest()[:20]
    return f'"{digest}"'


def tile(
    session: Session,
    actor: Actor,
    tile_set: TileSet,
    *,
    z: int,
    x: int,
    y: int,
    known_etag: str | None = None,
) -> Tile:
    """Cut a tile.

    Parameters
    ----------
    z, x, y
        Zoom, column from the west, row from the north (XYZ).
    known_etag
        What the asker has.

    Raises
    ------
    NoSuchTile
        The numbers name no tile.
    NoServiceArea
        No network is loaded.
    """
    side = 1 << z if 0 <= z <= ZOOM_MAX else 0
    if not (0 <= x < side and 0 <= y < side):
        raise NoSuchTile
    etag = etag_of(session, actor, tile_set)
    if known_etag == etag:
        return Tile(etag, None)
    key = (etag, z, x, y)
    body = _cache.get(key) if z <= CACHED_ZOOM_MAX else None
    if body is None:
        body = _cut(session, actor, tile_set, z, x, y)
        if z <= CACHED_ZOOM_MAX:
            _cache.put(key, body)
    return Tile(etag, body)


def _cut(session: Session, actor: Actor, tile_set: TileSet, z: int, x: int, y: int) -> bytes:
    is_scoped = tile_set in _SCOPED and actor.area_wkt is not None
    layers = [_layer_sql(layer, is_scoped=is_scoped) for layer in _LAYERS[tile_set] if z >= layer.zoom_min]
    if not layers:
        return b""
    values: dict[str, object] = {"z": z, "x": x, "y": y}
    if is_scoped:
        values["area"] = actor.area_wkt
    raw = session.scalar(text("SELECT " + " || ".join(layers)), values)
    return gzip.compress(bytes(raw), compresslevel=GZIP_LEVEL, mtime=0) if raw else b""
