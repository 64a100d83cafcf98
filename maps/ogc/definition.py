"""The API definition in OpenAPI 3.0, which clients read: QGIS and GDAL take the size of their pages from it."""

from typing import Any

from core.messages import say
from maps.ogc.asking import LIMIT_DEFAULT, LIMIT_MAX
from maps.ogc.collections import COLLECTIONS, Collection, Kind
from maps.ogc.documents import GEOJSON, HTML, JSON, MVT, OPENAPI

Document = dict[str, Any]
"""JSON to be; Any: of many types."""

_SCHEMAS: dict[Kind, Document] = {
    Kind.TEXT: {"type": "string"},
    Kind.INTEGER: {"type": "integer"},
    Kind.NUMBER: {"type": "number"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.TIME: {"type": "string", "format": "date-time"},
    Kind.LIST: {"type": "array", "items": {}},
}
_LIMIT: Document = {
    "name": "limit",
    "in": "query",
    "description": f"How many features a page holds at most; more than {LIMIT_MAX} are not sent at once.",
    "required": False,
    "schema": {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT},
    "style": "form",
    "explode": False,
}
_BBOX: Document = {
    "name": "bbox",
    "in": "query",
    "description": "Only features that meet this box: four numbers in the axis order of bbox-crs, or six with heights.",
    "required": False,
    "schema": {
        "type": "array",
        "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
        "items": {"type": "number"},
    },
    "style": "form",
    "explode": False,
}
_DATETIME: Document = {
    "name": "datetime",
    "in": "query",
    "description": "Only features that were there at a time or in a span such as 2026-05-04T00:00:00Z/..; what has no time is not chosen by it.",
    "required": False,
    "schema": {"type": "string"},
    "style": "form",
    "explode": False,
}


def _uri(name: str, description: str) -> Document:
    return {
        "name": name,
        "in": "query",
        "description": description,
        "required": False,
        "schema": {"type": "string", "format": "uri"},
        "style": "form",
        "explode": False,
    }


_CRS = _uri("crs", "The system of the answer's coordinates; the collection lists those there are.")
_BBOX_CRS = _uri("bbox-crs", "The system of the box's coordinates.")
FORM: Document = {
    "name": "f",
    "in": "query",
    "description": "For programs or for people.",
    "required": False,
    "schema": {"type": "string", "enum": ["json", "html"]},
}
_CURSOR: Document = {
    "name": "cursor",
    "in": "query",
    "description": "Where the page begins: taken from a link called next.",
    "required": False,
    "schema": {"type": "string"},
}
FEATURE_CRS = [_CRS, FORM]
"""What may be asked of one feature."""


def item_parameters(collection: Collection) -> list[Document]:
    """List what may be asked of a collection's items."""
    filters = [
        {"name": name, "in": "query", "required": False, "schema": _SCHEMAS[kind]}
        for name, kind in collection.filters.items()
    ]
    return [_BBOX, _BBOX_CRS, _DATETIME, _LIMIT, _CRS, FORM, _CURSOR, *filters]


def feature_schema(collection: Collection) -> Document:
    """Describe a collection's features."""
    id_schema = {"type": "integer"} if collection.has_number_ids else {"type": "string", "format": "uuid"}
    return {
        "type": "object",
        "required": ["type", "id", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": id_schema,
            "geometry": {"type": "object", "nullable": True},
            "properties": {
                "type": "object",
                "properties": {
                    name: _SCHEMAS[kind] | {"nullable": True} for name, kind in collection.properties.items()
                },
            },
        },
    }


def definition(base: str, language: str) -> Document:
    """Write the definition of the whole interface."""
    paths: Document = {
        "/": _get("landing", _answers(JSON, HTML), [FORM]),
        "/conformance": _get("conformance", _answers(JSON, HTML), [FORM]),
        "/api": _get("definition", _answers(OPENAPI), []),
        "/collections": _get("collections", _answers(JSON, HTML), [FORM]),
    }
    for collection in COLLECTIONS:
        name, title = collection.name, say(f"maps.ogc.collection.{collection.name}", language)
        feature = {"$ref": f"#/components/schemas/{name}"}
        page = {
            "type": "object",
            "required": ["type", "features"],
            "properties": {
                "type": {"type": "string", "enum": ["FeatureCollection"]},
                "features": {"type": "array", "items": feature},
                "links": {"type": "array", "items": {"type": "object"}},
                "timeStamp": {"type": "string", "format": "date-time"},
                "numberMatched": {"type": "integer", "minimum": 0},
                "numberReturned": {"type": "integer", "minimum": 0},
            },
        }
        parameters = [
            {"$ref": "#/components/parameters/limit"} if one is _LIMIT else one
            for one in item_parameters(collection)
        ]
        paths[f"/collections/{name}"] = _get(f"{name}.collection", _answers(JSON, HTML), [FORM], title)
        paths[f"/collections/{name}/items"] = _get(
            f"{name}.items", _answers(GEOJSON, HTML, schema=page), parameters, title
        )
        feature_id = {"name": "featureId", "in": "path", "required": True, "schema": {"type": "string"}}
        paths[f"/collections/{name}/items/{{featureId}}"] = _get(
            f"{name}.item", _answers(GEOJSON, HTML, schema=feature), [feature_id, *FEATURE_CRS], title
        )
    numbers = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "integer"}}
        for name in ("tileMatrix", "tileRow", "tileCol")
    ]
    paths |= {
        "/tileMatrixSets": _get("tileMatrixSets", _answers(JSON), []),
        "/tileMatrixSets/WebMercatorQuad": _get("tileMatrixSet", _answers(JSON), []),
        "/tiles": _get("tilesets", _answers(JSON), []),
        "/tiles/WebMercatorQuad": _get("tileset", _answers(JSON), []),
        "/tiles/WebMercatorQuad/{tileMatrix}/{tileRow}/{tileCol}": _get("tile", _answers(MVT), numbers),
    }
    return {
        "openapi": "3.0.3",
        "info": {
            "title": say("maps.ogc.title", language),
            "description": say("maps.ogc.about", language),
            "version": "1.0.0",
        },
        "servers": [{"url": base}],
        "security": [{"basic": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "parameters": {
                "limit": _LIMIT,
                "bbox": _BBOX,
                "datetime": _DATETIME,
                "crs": _CRS,
                "bbox-crs": _BBOX_CRS,
            },
            "schemas": {one.name: feature_schema(one) for one in COLLECTIONS},
        },
    }


def _answers(*kinds: str, schema: Document | None = None) -> Document:
    return {
        kind: {"schema": schema or {"type": "object"}} if kind != HTML else {"schema": {"type": "string"}}
        for kind in kinds
    }


def _get(name: str, content: Document, parameters: list[Document], summary: str = "") -> Document:
    refusals = {
        status: {"description": what, "content": {"application/problem+json": {}}}
        for status, what in (
            ("400", "The address cannot be read."),
            ("401", "Log in first."),
            ("403", "Not among your rights."),
        )
    }
    return {
        "get": {
            "operationId": name,
            "summary": summary or name,
            "parameters": parameters,
            "responses": {"200": {"description": "As asked.", "content": content}, **refusals},
        }
    }
