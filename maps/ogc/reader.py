"""Reading the restricted views: as a role that sees nothing else, with the caller's rights told to the transaction.

The SQL is made of this package's constants; what comes from outside is bound.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy import column, exists, func, select, table, text
from sqlalchemy.orm import Session

from core.auth import Actor
from gis.coordinates import WGS84_SRID, metric_plane
from gis.models import ServiceArea
from maps.ogc.asking import Box, Cursor, FeatureId, Question, Span
from maps.ogc.collections import Collection, Kind
from maps.ogc.crs import CRS84, Crs, offered
from maps.ogc.errors import NoSuchFeature

EVERYWHERE = "everywhere"
WINDOW_MARGIN_DEG = 1e-5
"""What the first sieve lets through beside a box; the box itself is tested in its own system."""
BOX_SIDE_PARTS = 64
"""Pieces the sides of a plane box are cut into before they are bent into degrees."""
WORLD = (-180.0, -90.0, 180.0, 90.0)

Bounds = tuple[float, float, float, float]
"""West, south, east, north, in degrees."""

_TELL = text(
    "SELECT set_config('ogc.operations', :operations, true), set_config('ogc.area', :area, true),"
    " set_config('ogc.window', :window, true), set_config('jit', 'off', true),"
    " set_config('plan_cache_mode', 'force_custom_plan', true), set_config('max_parallel_workers_per_gather', '0', true)"
)
"""Answers are short, so compiling and parallel workers cost more than they save; a plan holds for the settings it was made under."""
_TAKE_ROLE = text("SET LOCAL ROLE mainline_ogc")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a network lies and in which systems it can be asked for."""

    systems: tuple[Crs, ...]
    bounds: Bounds | None


@dataclass(frozen=True, slots=True)
class Page:
    """Features as JSON text, in the order of their ids."""

    features: list[str]
    matched: int
    following: Cursor | None


def network_place(session: Session, actor: Actor) -> Place:
    """Tell the systems that are offered, and what part of the area served an actor may see."""
    geom = ServiceArea.geom
    spatial_ref_sys = table("spatial_ref_sys", column("srid"))
    row = session.execute(
        select(
            ServiceArea.metric_srid,
            exists().where(spatial_ref_sys.c.srid == ServiceArea.metric_srid),
            func.ST_XMin(geom),
            func.ST_YMin(geom),
            func.ST_XMax(geom),
            func.ST_YMax(geom),
        )
    ).one_or_none()
    if row is None or row[2] is None:
        return Place(offered(None, has_place=False), None)
    metric_srid, is_usable, *bounds = row
    west, south, east, north = _area_bounds(actor) or bounds
    return Place(offered(metric_srid if is_usable else None), (west, south, east, north))


@contextmanager
def restricted(session: Session, actor: Actor, *, window: Bounds | None = None) -> Iterator[None]:
    """Read as the restricted role: whatever happens inside, the session is itself again afterwards and nothing was written.

    Parameters
    ----------
    window
        What views named _in_window hold, degrees.
    """
    told = {
        "operations": ",".join(sorted(actor.operations)),
        "area": EVERYWHERE if actor.area_wkt is None else f"SRID={WGS84_SRID};{actor.area_wkt}",
        "window": f"SRID={WGS84_SRID};{shapely.box(*window).wkt}" if window else "",
    }
    savepoint = session.begin_nested()
    try:
        session.execute(_TELL, told)
        session.execute(_TAKE_ROLE)
        yield
    finally:
        savepoint.rollback()


def read_page(session: Session, actor: Actor, collection: Collection, question: Question) -> Page:
    """Read one page of a collection, and count what matches when it is the first.

    Pages follow each other by id: what is added or removed meanwhile neither repeats nor hides a feature that stays.
    """
    window = _window(actor, question.box)
    where, values = _conditions(collection, question)
    after = "TRUE"
    if question.cursor is not None:
        after, values["after"] = "id > :after", question.cursor.after
    source = _view(collection, window)
    # No ORDER BY: the view has its own. LIMIT of one more than asked for tells whether anything follows.
    page = text(
        f"SELECT id, {_feature_sql(collection, question.crs)} FROM {source} WHERE {after} AND {where} LIMIT :most"
    )
    with restricted(session, actor, window=window):
        rows = session.execute(page, values | {"most": question.limit + 1}).all()
        is_more = len(rows) > question.limit
        shown = rows[: question.limit]
        if question.cursor is not None:
            matched = question.cursor.matched
        elif is_more:
            matched = session.scalar(text(f"SELECT count(*) FROM {source} WHERE {where}"), values) or 0
        else:
            matched = len(shown)
    following = Cursor(max(matched, len(shown)), shown[-1][0]) if is_more else None
    return Page([row[1] for row in shown], matched, following)


def read_feature(
    session: Session, actor: Actor, collection: Collection, feature_id: FeatureId, crs: Crs
) -> str:
    """Read one feature as JSON text.

    Raises
    ------
    NoSuchFeature
        There is none, or it is not his to see.
    """
    query = text(f"SELECT {_feature_sql(collection, crs)} FROM ogc.{collection.name} WHERE id = :id")
    with restricted(session, actor):
        found: str | None = session.scalar(query, {"id": feature_id})
    if found is None:
        raise NoSuchFeature
    return found


def oldest(session: Session, actor: Actor, collection: Collection) -> str | None:
    """Tell since when there are features of a collection with times, as RFC 3339."""
    query = text(f"SELECT to_json(min({collection.begins})) #>> '{{}}' FROM ogc.{collection.name}")
    with restricted(session, actor):
        since: str | None = session.scalar(query)
    return since


def _view(collection: Collection, window: Bounds | None) -> str:
    return f"ogc.{collection.name}_in_window" if window else f"ogc.{collection.name}"


def _placed(crs: Crs) -> str:
    return "geom" if crs.is_stored else f"ST_Transform(geom, {crs.srid})"


def _feature_sql(collection: Collection, crs: Crs) -> str:
    """Write a feature as text; the concatenation spares PostgreSQL reading the geometry's JSON again."""
    geom = _placed(crs)
    if crs is CRS84 and collection.has_areas:
        geom = f"ST_ForcePolygonCCW({geom})"  # not for lines: it would turn them round
    elif crs.is_north_first:
        geom = f"ST_FlipCoordinates({geom})"
    properties = ", ".join(f"'{name}', {name}" for name in collection.properties)
    return (
        '\'{"type":"Feature","id":\' || to_json(id)::text'
        f" || ',\"geometry\":' || coalesce(ST_AsGeoJSON({geom}, {crs.digits}, 0), 'null')"
        f" || ',\"properties\":' || json_build_object({properties})::text || '}}'"
    )


def _conditions(collection: Collection, question: Question) -> tuple[str, dict[str, Any]]:
    """Write down what a feature must be like; Any: values of many types."""
    parts: list[str] = []
    values: dict[str, Any] = {}
    for name, value in question.filters:
        kind = {Kind.INTEGER: "bigint", Kind.NUMBER: "float8"}.get(collection.filters[name])
        parts.append(f"{name} = CAST(:{name} AS {kind})" if kind else f"{name} = :{name}")
        values[name] = value
    if question.box is not None:
        met = []
        for i, edges in enumerate(question.box.parts):
            names = [f"box_{i}_{edge}" for edge in range(4)]
            envelope = f"ST_MakeEnvelope({', '.join(f':{one}' for one in names)}, {question.box.crs.srid})"
            met.append(f"ST_Intersects({_placed(question.box.crs)}, {envelope})")
            values |= dict(zip(names, edges, strict=True))
        parts.append(f"({' OR '.join(met)})")
    if question.span is not None and collection.begins is not None:
        parts += _span_conditions(collection, question.span, values)
    return " AND ".join(parts) or "TRUE", values


def _span_conditions(collection: Collection, span: Span, values: dict[str, Any]) -> Iterator[str]:
    if span.until is not None:
        values["until"] = span.until
        yield f"{collection.begins} <= :until"
    if span.since is not None:
        values["since"] = span.since
        if collection.ends == collection.begins:
            yield f"{collection.ends} >= :since"
        else:
            yield f"coalesce({collection.ends}, 'infinity') >= :since"


def _window(actor: Actor, box: Box | None) -> Bounds | None:
    """Choose the first sieve: round the box, else round the actor's area; None to read everything."""
    if box is None:
        return _area_bounds(actor)
    if len(box.parts) > 1:
        return (WORLD[0], box.south, WORLD[2], box.north)
    west, south, east, north = box.parts[0]
    if not box.crs.is_degrees:
        sides = shapely.segmentize(
            shapely.box(west, south, east, north), max(east - west, north - south, 1.0) / BOX_SIDE_PARTS
        )
        bent = metric_plane(box.crs.srid).unproject(sides)
        west, south, east, north = shapely.bounds(bent)
        if not all(-360.0 < edge < 360.0 for edge in (west, south, east, north)):
            return WORLD  # a box far beyond what the projection is made for
        # A side's bow between two corners, and the box's inside, both stay within a fraction of its extent.
        bow_deg = max(east - west, north - south) / BOX_SIDE_PARTS
        west, south, east, north = west - bow_deg, south - bow_deg, east + bow_deg, north + bow_deg
    margin = WINDOW_MARGIN_DEG
    return (west - margin, south - margin, east + margin, north + margin)


def _area_bounds(actor: Actor) -> Bounds | None:
    area = actor.area()
    if area is None:
        return None
    west, south, east, north = area.bounds
    return (west, south, east, north)


def feature_with_links(feature: str, links: Sequence[Mapping[str, str]]) -> str:
    """Add links to a feature's text."""
    return f'{feature[:-1]},"links":{json.dumps(links, ensure_ascii=False)}}}'
