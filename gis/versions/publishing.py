"""A draft becomes the network: every asset keeps its id under its code, and what it was is kept beside it."""

from pathlib import PurePath
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.db import new_id
from gis.coordinates import loaded, metric_plane, stored
from gis.models import (
    DraftFeature,
    IsolationSegment,
    NetworkUpload,
    NetworkVersion,
    ServiceArea,
    VersionState,
)
from gis.network_import.draft import NetworkDraft
from gis.segments import rebuild_segments
from gis.service_area import forget_area
from gis.versions.customers import Served, publish_customers
from gis.versions.differences import fate_sql
from gis.versions.identity import NEW_ID_SQL
from gis.versions.register import content_of, new_version, take_turn, version_for_change
from gis.versions.snapshot import record_first
from gis.versions.staging import ASSET_KINDS, Kind, stage

OUTLINE_MARGIN_M = 250.0
"""How far the area served reaches beyond the outermost main, metres."""
_OF_A_DRAFT = ("publishing", "publish_problem", "attempts")
_LASTING = ("area_name", "transformation", "counts", "bounds")
"""What of a summary is as true of the same content published again."""


def publish(session: Session, number: int, *, published_by: UUID | None) -> NetworkVersion:
    """Make a draft the network, in the session's one transaction: all of it or nothing.

    Assets are told apart by their codes: one that was there keeps its id, what changed is recorded as it was, what the
    draft does not have is abandoned and stays as a row, what comes back gets its old id. Accounts the draft does not
    name stay. Readers see the network as it was until the transaction ends; then every process reads it anew, by its
    revision.

    Raises
    ------
    VersionNotFound
        There is none of that number.
    NotADraft
        It is none, or was published or discarded meanwhile.
    """
    take_turn(session)
    version = version_for_change(session, number, VersionState.DRAFT)
    record_first(session)
    draft = content_of(version)
    stage(session, draft)
    for kind in ASSET_KINDS:
        _publish_kind(session, kind, number)
    _publish_area(session, version, draft)
    served = publish_customers(session)
    for kind in ASSET_KINDS:
        session.execute(text(f"ANALYZE gis.{kind.table}"))
    session.expire_all()  # what the session holds of assets was written past it
    rebuild_segments(session)
    _supersede(session, version, published_by, served)
    return version


def draft_of_earlier(session: Session, number: int, *, by: UUID | None) -> NetworkVersion:
    """Make a draft of the content of an earlier version; publishing it goes back to that.

    Raises
    ------
    VersionNotFound
        There is none of that number.
    NotADraft
        It was never published, or is the one that serves.
    """
    take_turn(session)
    record_first(session)
    earlier = version_for_change(session, number, VersionState.SUPERSEDED)
    return new_version(
        session,
        state=VersionState.DRAFT,
        source=earlier.source,
        crs=earlier.crs,
        goes_back_to=number,
        summary={key: earlier.summary[key] for key in _LASTING if key in earlier.summary},
        mapping=earlier.mapping,
        content=earlier.content,
        created_by=by,
    )


def go_back(session: Session, number: int, *, by: UUID | None) -> NetworkVersion:
    """Publish the content of an earlier version again, as a new version; see `draft_of_earlier` and `publish`."""
    return publish(session, draft_of_earlier(session, number, by=by).number, published_by=by)


# --- assets ---------------------------------------------------------------------------------------


def _publish_kind(session: Session, kind: Kind, number: int) -> None:
    table, columns = kind.table, kind.columns
    fate = f"fate_{table}"
    inserted = ", ".join(("id", kind.key, *columns))
    gone = "lifecycle_status = 'abandoned'" if kind.has_lifecycle else "geom = NULL"
    session.execute(text(f"DROP TABLE IF EXISTS {fate}"))
    for statement in (
        f"""CREATE TEMP TABLE {fate} ON COMMIT DROP AS
            SELECT * FROM ({fate_sql(kind)}) f WHERE change IS NOT NULL AND change <> 'same'""",
        f"ANALYZE {fate}",
        f"""INSERT INTO gis.asset_change (id, version, asset_kind, asset_id, asset_code, change, before)
            SELECT {NEW_ID_SQL}, {number:d}, '{table}', coalesce(f.stored_id, f.staged_id), f.code, f.change,
                   to_jsonb(t) - 'segment_id'
              FROM {fate} f LEFT JOIN gis.{table} t ON t.id = f.stored_id""",
        f"""INSERT INTO gis.{table} ({inserted})
            SELECT {inserted} FROM {kind.staged} s JOIN (SELECT staged_id FROM {fate} WHERE stored_id IS NULL) f
                   ON f.staged_id = s.id""",
        f"""UPDATE gis.{table} t SET {", ".join(f"{one} = s.{one}" for one in columns)}
              FROM {fate} f JOIN {kind.staged} s ON s.id = f.staged_id WHERE t.id = f.stored_id""",
        f"UPDATE gis.{table} t SET {gone} FROM {fate} f WHERE t.id = f.stored_id AND f.staged_id IS NULL",
    ):
        session.execute(text(statement))


# --- area -----------------------------------------------------------------------------------------


def outline_of(draft: NetworkDraft) -> shapely.MultiPolygon | None:
    """Draw the area a network serves: the hull of its mains and nodes, and a margin round it.

    Returns
    -------
    outline
        Longitude and latitude; None where the network has no place on Earth.
    """
    lines = [one.line for one in draft.pipes if one.line is not None]
    shapes = [*lines, *(one.place for one in draft.junctions if one.place is not None)]
    if draft.metric_srid is None or not shapes:
        return None
    plane = metric_plane(draft.metric_srid)
    x, y = plane.to_plane(*np.asarray(shapely.get_coordinates(shapes)).T)
    hull = shapely.MultiPoint(np.column_stack([x, y])).convex_hull.buffer(OUTLINE_MARGIN_M)
    return shapely.MultiPolygon([shapely.orient_polygons(plane.unproject(hull))])


def _publish_area(session: Session, version: NetworkVersion, draft: NetworkDraft) -> None:
    outline = outline_of(draft)
    name = version.summary.get("area_name") or _area_name(session, outline, draft.source)
    values: dict[str, Any] = {
        "name": name,
        "metric_srid": None if outline is None else draft.metric_srid,
        "built_from": draft.source,
        "network_revision": new_id(),
        "geom": None if outline is None else stored(outline),
    }
    session.execute(
        insert(ServiceArea)
        .values(id=1, **values)
        .on_conflict_do_update(index_elements=[ServiceArea.id], set_=values)
    )
    forget_area(session)
    version.summary = version.summary | {"area_name": name}
    session.flush()


def _area_name(session: Session, outline: shapely.MultiPolygon | None, source: str) -> str:
    """Keep the area's name while it is about the same area, or else name it after the file."""
    area: ServiceArea | None = session.scalar(select(ServiceArea))
    if area is None or area.geom is None or outline is None:
        return PurePath(source.split(",")[0]).stem or source
    if bool(shapely.intersects(loaded(area.geom), outline)):
        return area.name
    return PurePath(source.split(",")[0]).stem or source


# --- the version ----------------------------------------------------------------------------------


def _supersede(session: Session, version: NetworkVersion, by: UUID | None, served: Served) -> None:
    """Put the version in the place of the one before; that one first, since only one may serve."""
    session.execute(
        update(NetworkVersion)
        .where(NetworkVersion.state == VersionState.PUBLISHED)
        .values(state=VersionState.SUPERSEDED)
    )
    session.execute(delete(DraftFeature).where(DraftFeature.version == version.number))
    session.execute(delete(NetworkUpload).where(NetworkUpload.version == version.number))
    version.state = VersionState.PUBLISHED
    version.published_by, version.published_at = by, utc_now()
    version.summary = {key: value for key, value in version.summary.items() if key not in _OF_A_DRAFT} | {
        "segments": session.scalar(select(text("count(*)")).select_from(IsolationSegment)),
        "accounts_moved": served.moved_to_nearest,
        "accounts_without_main": served.without_main,
        "accounts_without_main_examples": served.without_main_examples,
    }
    session.flush()
