"""The same documents for people: plain pages that load nothing, every word escaped."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from core.messages import say
from maps.ogc.collections import Collection
from maps.ogc.reader import Page

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:1.5rem auto;padding:0 1rem;color:#1a2530;background:#fff}"
    "table{border-collapse:collapse;font-size:13px}td,th{border:1px solid #c8d0d8;padding:.2rem .5rem;text-align:left;white-space:nowrap}"
    "th{background:#eef2f5}.wide{overflow-x:auto}a{color:#0b5cad}pre{overflow-x:auto;background:#f4f6f8;padding:.8rem}"
    "@media(prefers-color-scheme:dark){body{color:#e4e9ee;background:#12181f}th,pre{background:#1d262f}td,th{border-color:#3a4652}a{color:#7db8f0}}"
)
SHOWN_MAX = 1000
"""Characters of a geometry that are shown."""

Links = Sequence[Mapping[str, str]]
Document = Mapping[str, Any]
"""JSON to be; Any: of many types."""


def document_page(document: Document, language: str) -> str:
    """Show a document: its words, its links, and all of it as JSON."""
    title = str(document.get("title") or say("maps.ogc.title", language))
    about = str(document.get("description") or "")
    items = "".join(_collection_line(one) for one in document.get("collections", ()))
    body = f"<p>{escape(about)}</p>" + (f"<ul>{items}</ul>" if items else "")
    rest = {key: value for key, value in document.items() if key not in ("links", "collections")}
    return _page(title, body + _links(document.get("links", ())) + _json(rest), language)


def items_page(collection: Collection, page: Page, links: Links, language: str) -> str:
    """Show a page of features as a table."""
    columns = list(collection.properties)
    heads = "".join(f"<th>{escape(name)}</th>" for name in ("id", *columns))
    home = next(one["href"] for one in links if one["rel"] == "collection")
    rows = []
    for one in page.features:
        feature = json.loads(one)
        address = escape(f"{home}/items/{feature['id']}?f=html")
        cells = "".join(f"<td>{escape(_said(feature['properties'][name]))}</td>" for name in columns)
        rows.append(f'<tr><td><a href="{address}">{escape(str(feature["id"]))}</a></td>{cells}</tr>')
    counted = say("maps.ogc.counted", language, shown=len(page.features), matched=page.matched)
    body = f'<p>{escape(counted)}</p>{_links(links)}<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    return _page(say(f"maps.ogc.collection.{collection.name}", language), body, language)


def feature_page(collection: Collection, feature: str, links: Links, language: str) -> str:
    """Show one feature."""
    read = json.loads(feature)
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(_said(value))}</td></tr>"
        for name, value in read["properties"].items()
    )
    geometry = json.dumps(read["geometry"])
    shown = geometry if len(geometry) <= SHOWN_MAX else f"{geometry[:SHOWN_MAX]} …"
    body = f"<table>{rows}</table>{_links(links)}<pre>{escape(shown)}</pre>"
    title = f"{say(f'maps.ogc.collection.{collection.name}', language)} {read['id']}"
    return _page(title, body, language)


def definition_page(definition: Document, language: str) -> str:
    """Show what can be asked."""
    parts = []
    for path, methods in definition["paths"].items():
        asked = methods["get"]["parameters"]
        named = [one.get("name") or str(one["$ref"]).rsplit("/", 1)[-1] for one in asked]
        parts.append(
            f"<tr><td>{escape(path)}</td><td>{escape(methods['get']['summary'])}</td><td>{escape(', '.join(named))}</td></tr>"
        )
    intro = (
        f"<p>{escape(definition['info']['description'])}</p><p>{escape(say('maps.ogc.how', language))}</p>"
    )
    return _page(
        definition["info"]["title"],
        f'{intro}<div class="wide"><table>{"".join(parts)}</table></div>',
        language,
    )


def _page(title: str, body: str, language: str) -> str:
    return (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>"
    )


def _links(links: Links) -> str:
    lines = "".join(
        f'<li><a href="{escape(one["href"])}">{escape(one.get("title") or one["rel"])}</a> {escape(one["type"])}</li>'
        for one in links
        if "templated" not in one
    )
    return f"<ul>{lines}</ul>"


def _collection_line(collection: Document) -> str:
    address = next(one["href"] for one in collection["links"] if one["type"] == "text/html")
    return f'<li><a href="{escape(address)}">{escape(collection["title"])}</a>: {escape(collection["description"])}</li>'


def _json(rest: Document) -> str:
    return f"<pre>{escape(json.dumps(rest, indent=1, ensure_ascii=False))}</pre>" if rest else ""


def _said(value: object) -> str:
    return "" if value is None else str(value)
