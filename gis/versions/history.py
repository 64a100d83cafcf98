"""What became of one asset: every version that touched it, and which of its fields changed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.auth import Actor
from gis.models import AssetChange, NetworkVersion
from gis.versions.staging import ASSET_KINDS, JUNCTIONS, PIPES, ZONES, Kind

Fields = dict[str, Any]  # Any: JSON values of whatever columns the table has
UNTOLD = frozenset({"id", "segment_id", "asset_code", "code"})
"""Columns that say nothing of the asset itself, or never change."""
_REFERS_TO = {"pipe_id": PIPES, "zone_id": ZONES}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field as it was and as it became."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """What one version did to the asset."""

    version: int
    change: str
    at: datetime | None
    by: UUID | None
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class AssetHistory:
    """An asset as it is, and how it came to be so, the latest first."""

    kind: str
    id: UUID
    code: str
    now: Fields
    steps: tuple[HistoryStep, ...]


def histories(session: Session, actor: Actor, code: str) -> list[AssetHistory]:
    """Tell the history of every asset of that code in the reader's area; a code is unique among assets of one kind only."""
    found = []
    for kind in ASSET_KINDS:
        columns = kind.model.__table__.columns
        row = session.execute(
            select(columns["id"]).where(columns[kind.key] == code, actor.area_filter(columns["geom"]))
        ).one_or_none()
        if row is not None:
            found.append(_history(session, kind, row.id, code))
    return found


def _history(session: Session, kind: Kind, asset_id: UUID, code: str) -> AssetHistory:
    now: Fields = session.execute(
        text(f"SELECT to_jsonb(t) FROM gis.{kind.table} t WHERE id = :id"), {"id": asset_id}
    ).scalar_one()
    rows = session.execute(
        select(AssetChange, NetworkVersion)
        .join(NetworkVersion, NetworkVersion.number == AssetChange.version)
        .where(AssetChange.asset_id == asset_id, AssetChange.asset_kind == kind.table)
        .order_by(AssetChange.version.desc())
    ).all()
    names = _names(session, [now, *(change.before or {} for change, _ in rows)])
    after, steps = _told(now, names), []
    for change, version in rows:
        before = None if change.before is None else _told(change.before, names)
        steps.append(
            HistoryStep(
                version=version.number,
                change=change.change,
                at=version.published_at,
                by=version.published_by,
                fields=() if before is None else tuple(_differences(before, after)),
            )
        )
        if before is not None:
            after = before
    return AssetHistory(kind.table, asset_id, code, _told(now, names), tuple(steps))


def _names(session: Session, rows: Iterable[Fields]) -> dict[str, str]:
    """Find the codes of what an asset refers to, by id."""
    wanted: dict[Kind, set[str]] = {}
    for row in rows:
        for column, value in row.items():
            if column.endswith("_id") and column not in UNTOLD and value is not None:
                wanted.setdefault(_REFERS_TO.get(column, JUNCTIONS), set()).add(value)
    names = {}
    for kind, ids in wanted.items():
        columns = kind.model.__table__.columns
        for id_, code in session.execute(
            select(columns["id"], columns[kind.key]).where(columns["id"].in_([UUID(one) for one in ids]))
        ):
            names[str(id_)] = code
    return names


def _told(row: Fields, names: Mapping[str, str]) -> Fields:
    """Choose what is told of a row, with codes for ids: `zone_id` becomes `zone`."""
    return {
        column.removesuffix("_id"): names.get(value, value) if column.endswith("_id") else value
        for column, value in row.items()
        if column not in UNTOLD
    }


def _differences(before: Fields, after: Fields) -> Iterator[FieldChange]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield FieldChange(name, before.get(name), after.get(name))
