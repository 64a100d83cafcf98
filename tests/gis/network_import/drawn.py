"""Small invented bundles, written as files the way utilities hand them over."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely

GK114 = 4547
"""CGCS2000, three-degree zone of 114 E, eastings without prefix."""
EAST, NORTH = 500_000.0, 2_500_000.0


def line(*pairs: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([(EAST + x, NORTH + y) for x, y in pairs])


def point(x: float, y: float) -> shapely.Point:
    return shapely.Point(EAST + x, NORTH + y)


def write(
    path: Path, layer: str, shapes: Sequence[Any], *, srid: int | None = GK114, **fields: Sequence[Any]
) -> Path:
    frame = gpd.GeoDataFrame(dict(fields), geometry=list(shapes), crs=srid)
    if path.suffix == ".gpkg":
        frame.to_file(path, layer=layer, engine="pyogrio", driver="GPKG")
    else:
        frame.to_file(path, engine="pyogrio")
    return path
