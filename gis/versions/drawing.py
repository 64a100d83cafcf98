"""A draft on the map: vector tiles of what it holds, each asset with what would become of it."""

import gzip
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gis.coordinates import WEB_MERCATOR_SRID, WGS84_SRID
from gis.errors import NoSuchDraftTile
from gis.models import DraftFeature

ZOOM_MAX = 16
POINTS_ZOOM_MIN = 14
"""Valves and hydrants are drawn from here on, unless something would become of them."""
EXTENT = 4096
BUFFER = 64
GZIP_LEVEL = 4
FOUND_MAX = 10

# Far out a city's unchanged small mains would fill the tile; what would change is drawn from everywhere.
_TILE = text(f"""
    SELECT coalesce(ST_AsMVT(t, 'draft', {EXTENT}, 'geom'), ''::bytea) FROM (
        SELECT f.asset_kind AS kind, f.asset_code AS code, f.change, f.diameter_mm,
               ST_AsMVTGeom(ST_Transform(f.geom, {WEB_MERCATOR_SRID}), ST_TileEnvelope(:z, :x, :y), {EXTENT}, {BUFFER}, true) AS geom
          FROM gis.draft_feature f
         WHERE f.version = :number
           AND f.geom && ST_Transform(ST_TileEnvelope(:z, :x, :y, margin => {BUFFER / EXTENT}), {WGS84_SRID})
           AND (f.change <> 'same' OR (CASE WHEN f.asset_kind IN ('pipe', 'control_link')
                    THEN :z >= 12 OR coalesce(f.diameter_mm, 0) >= CASE WHEN :z <= 9 THEN 300 ELSE 150 END
                    ELSE :z >= {POINTS_ZOOM_MIN} END))
    ) t WHERE t.geom IS NOT NULL""")


@dataclass(frozen=True, slots=True)
class DraftPlace:
    """Where an asset of a draft lies: the box round it, and what would become of it."""

    kind: str
    code: str
    change: str
    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class DraftTile:
    """A tile, packed by gzip; empty where there is nothing to draw."""

    body: bytes

    def plain(self) -> bytes:
        """Unpack it for those who take no gzip."""
        return gzip.decompress(self.body)


def draft_tile(session: Session, number: int, *, z: int, x: int, y: int) -> DraftTile:
    """Cut a tile of a draft.

    Raises
    ------
    NoSuchDraftTile
        The numbers name no tile.
    """
    side = 1 << z if 0 <= z <= ZOOM_MAX else 0
    if not (0 <= x < side and 0 <= y < side):
        raise NoSuchDraftTile
    raw: Any = session.scalar(_TILE, {"number": number, "z": z, "x": x, "y": y})
    return DraftTile(gzip.compress(bytes(raw), compresslevel=GZIP_LEVEL, mtime=0) if raw else b"")


def find_in_draft(session: Session, number: int, code: str) -> list[DraftPlace]:
    """Find where the assets of a code lie in a draft."""
    box = func.Box2D(DraftFeature.geom)
    rows = session.execute(
        select(
            DraftFeature.asset_kind,
            DraftFeature.asset_code,
            DraftFeature.change,
            func.ST_XMin(box),
            func.ST_YMin(box),
            func.ST_XMax(box),
            func.ST_YMax(box),
        )
        .where(DraftFeature.version == number, DraftFeature.asset_code == code)
        .limit(FOUND_MAX)
    )
    return [DraftPlace(*row) for row in rows]
