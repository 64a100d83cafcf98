"""The network's vector tiles as OGC API Tiles describes them: one tileset in the usual square of Web Mercator."""

import math
from typing import Any

from core.messages import say
from gis.coordinates import WEB_MERCATOR_SRID
from maps.ogc.crs import CRS84
from maps.ogc.documents import JSON, MVT, link
from maps.ogc.reader import Bounds
from maps.tiles import ZOOM_MAX, TileSet, layers_of

MATRIX_SET = "WebMercatorQuad"
MATRIX_SET_URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{MATRIX_SET}"
MERCATOR_URI = f"http://www.opengis.net/def/crs/EPSG/0/{WEB_MERCATOR_SRID}"
TILE_PIXELS = 256
PIXEL_M = 0.00028
"""The standard's pixel, by which scales are told, metres."""
HALF_WORLD_M = math.pi * 6_378_137.0

Document = dict[str, Any]
"""JSON to be; Any: of many types."""


def matrix_sets(base: str) -> Document:
    """List the one tile matrix set."""
    self_link = link(f"{base}/tileMatrixSets/{MATRIX_SET}", "self", JSON)
    return {"tileMatrixSets": [{"id": MATRIX_SET, "uri": MATRIX_SET_URI, "links": [self_link]}]}


def matrix_set() -> Document:
    """Define the square: zoom by zoom, from the north-west corner."""
    matrices = []
    for z in range(ZOOM_MAX + 1):
        cell_m = 2 * HALF_WORLD_M / (TILE_PIXELS << z)
        matrices.append(
            {
                "id": str(z),
                "scaleDenominator": cell_m / PIXEL_M,
                "cellSize": cell_m,
                "cornerOfOrigin": "topLeft",
                "pointOfOrigin": [-HALF_WORLD_M, HALF_WORLD_M],
                "tileWidth": TILE_PIXELS,
                "tileHeight": TILE_PIXELS,
                "matrixWidth": 1 << z,
                "matrixHeight": 1 << z,
            }
        )
    return {
        "id": MATRIX_SET,
        "title": "Google Maps Compatible for the World",
        "uri": MATRIX_SET_URI,
        "crs": MERCATOR_URI,
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": matrices,
    }


def tilesets(base: str, bounds: Bounds | None, language: str) -> Document:
    """List the tilesets there are."""
    return {"links": [link(f"{base}/tiles", "self", JSON)], "tilesets": [tileset(base, bounds, language)]}


def tileset(base: str, bounds: Bounds | None, language: str) -> Document:
    """Describe the network's tileset."""
    address = f"{base}/tiles/{MATRIX_SET}"
    described: Document = {
        "title": say("maps.ogc.tiles", language),
        "dataType": "vector",
        "crs": MERCATOR_URI,
        "tileMatrixSetURI": MATRIX_SET_URI,
        "layers": [
            {"id": name, "dataType": "vector", "minTileMatrix": str(zoom_min)}
            for name, zoom_min in layers_of(TileSet.NETWORK)
        ],
        "links": [
            link(address, "self", JSON),
            link(f"{address}?f=tilejson", "describedby", JSON, "TileJSON"),
            link(
                f"{base}/tileMatrixSets/{MATRIX_SET}",
                "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme",
                JSON,
            ),
            link(f"{address}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}", "item", MVT) | {"templated": True},
        ],
    }
    if bounds is not None:
        west, south, east, north = bounds
        described["boundingBox"] = {
            "lowerLeft": [west, south],
            "upperRight": [east, north],
            "crs": CRS84.uri,
        }
    return described


def tilejson(base: str, bounds: Bounds | None, language: str) -> Document:
    """Describe the same as TileJSON, for MapLibre and QGIS."""
    layers = layers_of(TileSet.NETWORK)
    return {
        "tilejson": "3.0.0",
        "name": say("maps.ogc.tiles", language),
        "scheme": "xyz",
        "tiles": [f"{base}/tiles/{MATRIX_SET}/{{z}}/{{y}}/{{x}}"],
        "minzoom": min(zoom_min for _, zoom_min in layers),
        "maxzoom": ZOOM_MAX,
        **({"bounds": list(bounds)} if bounds else {}),
        "vector_layers": [
            {"id": name, "minzoom": zoom_min, "maxzoom": ZOOM_MAX, "fields": {}} for name, zoom_min in layers
        ],
    }
