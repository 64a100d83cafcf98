"""What the interface says of itself: landing page, conformance, collections, pages of features."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from core.auth import Actor
from core.messages import say
from maps.ogc.asking import FeatureId
from maps.ogc.collections import COLLECTIONS, Collection
from maps.ogc.crs import CRS84
from maps.ogc.reader import Page, Place

JSON = "application/json"
GEOJSON = "application/geo+json"
HTML = "text/html"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
MVT = "application/vnd.mapbox-vector-tile"
TILESETS_REL = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"

_FEATURES = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf"
_CRS = "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf"
_COMMON = "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf"
_TILES = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf"
CONFORMS_TO = (
    f"{_COMMON}/core",
    f"{_FEATURES}/core",
    f"{_FEATURES}/oas30",
    f"{_FEATURES}/html",
    f"{_FEATURES}/geojson",
    f"{_CRS}/crs",
    f"{_TILES}/core",
    f"{_TILES}/tileset",
    f"{_TILES}/tilesets-list",
    f"{_TILES}/dataset-tilesets",
    f"{_TILES}/mvt",
)

Document = dict[str, Any]
"""JSON to be; Any: of many types."""


def link(href: str, rel: str, kind: str, title: str = "") -> dict[str, str]:
    """Write a link."""
    written = {"href": href, "rel": rel, "type": kind}
    return written | {"title": title} if title else written


def with_query(address: str, query: Mapping[str, str]) -> str:
    """Add parameters to an address."""
    return f"{address}?{urlencode(query)}" if query else address


def self_links(address: str, *, is_html: bool, kind: str = JSON) -> list[dict[str, str]]:
    """Link a resource to itself and to its other form."""
    machine, people = with_query(address, {"f": "json"}), with_query(address, {"f": "html"})
    return [
        link(machine, "alternate" if is_html else "self", kind),
        link(people, "self" if is_html else "alternate", HTML),
    ]


def visible(actor: Actor) -> list[Collection]:
    """List the collections an actor may read."""
    return [collection for collection in COLLECTIONS if actor.may(collection.operation)]


def landing(base: str, language: str, *, is_html: bool = False) -> Document:
    """Tell where to begin; QGIS will not connect without service-desc and conformance."""
    return {
        "title": say("maps.ogc.title", language),
        "description": say("maps.ogc.about", language),
        "links": [
            *self_links(base, is_html=is_html),
            link(f"{base}/api", "service-desc", OPENAPI, say("maps.ogc.definition", language)),
            link(f"{base}/api.html", "service-doc", HTML, say("maps.ogc.documentation", language)),
            link(f"{base}/conformance", "conformance", JSON, say("maps.ogc.conformance", language)),
            link(f"{base}/collections", "data", JSON, say("maps.ogc.collections", language)),
            link(f"{base}/tiles", TILESETS_REL, JSON, say("maps.ogc.tilesets", language)),
        ],
    }


def conformance() -> Document:
    """Tell what of the standards is kept."""
    return {"conformsTo": list(CONFORMS_TO)}


def collections(
    base: str,
    actor: Actor,
    place: Place,
    since: Mapping[str, str | None],
    language: str,
    *,
    is_html: bool = False,
) -> Document:
    """List what an actor may read."""
    return {
        "links": self_links(f"{base}/collections", is_html=is_html),
        "crs": [one.uri for one in place.systems],
        "collections": [
            collection_document(base, one, place, since.get(one.name), language) for one in visible(actor)
        ],
    }


def collection_document(
    base: str,
    collection: Collection,
    place: Place,
    since: str | None,
    language: str,
    *,
    is_html: bool = False,
) -> Document:
    """Describe a collection.

    Parameters
    ----------
    since
        Since when it has features, for those that have times.
    """
    address = f"{base}/collections/{collection.name}"
    extent: Document = {}
    if place.bounds is not None:
        extent["spatial"] = {"bbox": [list(place.bounds)], "crs": CRS84.uri}
    if since is not None:
        extent["temporal"] = {"interval": [[since, None]]}
    return {
        "id": collection.name,
        "title": say(f"maps.ogc.collection.{collection.name}", language),
        "description": say(f"maps.ogc.collection.{collection.name}.about", language),
        "itemType": "feature",
        **({"extent": extent} if extent else {}),
        "crs": [one.uri for one in place.systems],
        "storageCrs": CRS84.uri,
        "links": [
            *self_links(address, is_html=is_html),
            link(f"{address}/items", "items", GEOJSON),
            link(f"{address}/items?f=html", "items", HTML),
        ],
    }


def item_links(
    base: str, collection: Collection, page: Page, asked: dict[str, str], *, is_html: bool
) -> list[dict[str, str]]:
    """Link a page to itself, to the page after it and to its collection."""
    address = f"{base}/collections/{collection.name}"
    items = f"{address}/items"
    machine, people = asked | {"f": "json"}, asked | {"f": "html"}
    links = [
        link(with_query(items, machine), "alternate" if is_html else "self", GEOJSON),
        link(with_query(items, people), "self" if is_html else "alternate", HTML),
        link(address, "collection", JSON),
    ]
    if page.following is not None:
        onward = (people if is_html else machine) | {"cursor": str(page.following)}
        links.append(link(with_query(items, onward), "next", HTML if is_html else GEOJSON))
    return links


def page_text(page: Page, links: Sequence[Mapping[str, str]], at: datetime) -> str:
    """Write a page of features whose JSON is written already."""
    head = json.dumps(
        {
            "type": "FeatureCollection",
            "timeStamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "numberMatched": page.matched,
            "numberReturned": len(page.features),
            "links": links,
        },
        ensure_ascii=False,
    )
    return f'{head[:-1]},"features":[{",".join(page.features)}]}}'


def feature_links(
    base: str,
    collection: Collection,
    feature_id: FeatureId,
    asked: dict[str, str],
    *,
    is_html: bool = False,
) -> list[dict[str, str]]:
    """Link a feature to itself and to its collection."""
    address = f"{base}/collections/{collection.name}"
    item = f"{address}/items/{feature_id}"
    return [
        link(
            with_query(item, asked | {"f": "json"}),
            "alternate" if is_html else "self",
            GEOJSON,
        ),
        link(with_query(item, asked | {"f": "html"}), "self" if is_html else "alternate", HTML),
        link(address, "collection", JSON),
    ]
