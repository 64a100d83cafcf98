"""Entries of the directory: looked up, found for a place, kept. None is deleted; every change keeps what was there before.

The numbers are public: everybody who may read the directory reads all of it, also what answers outside his own area.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final
from uuid import UUID

import shapely
from sqlalchemy import ColumnElement, func, or_, select, true
from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import utc_now
from gis.coordinates import LonLat, geography, loaded, stored
from hotline.errors import EntryBeyondArea, EntryNotFound
from hotline.models import DirectoryChange, DirectoryEntry, EntryKind, Matter

LISTED_MAX: Final = 1000
_IN_ORDER: Final = (
    DirectoryEntry.position,
    DirectoryEntry.name_zh,
    DirectoryEntry.name_en,
    DirectoryEntry.id,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an entry says."""

    kind: EntryKind
    name_zh: str
    name_en: str
    phones: list[str]
    hours_zh: str
    hours_en: str
    matters: list[Matter]
    note_zh: str
    note_en: str
    position: int
    area: shapely.Geometry | None
    """Where it answers; None: everywhere."""


_WORDS: Final = [one.name for one in fields(Said) if one.name != "area"]


def search(
    session: Session,
    *,
    q: str = "",
    kind: EntryKind | None = None,
    matter: Matter | None = None,
    is_active: bool | None = True,
    limit: int | None = LISTED_MAX,
) -> Sequence[DirectoryEntry]:
    """List entries in their order.

    Parameters
    ----------
    q
        Words, each of which stands in a name, a note or the hours, or in a number, however either is written.
    matter
        Those that answer for it, by name or because they answer for everything.
    is_active
        None: those retired too.
    limit
        None: all.
    """
    query = select(DirectoryEntry).where(*(_mentions(word) for word in q.split())).order_by(*_IN_ORDER)
    if kind is not None:
        query = query.where(DirectoryEntry.kind == kind)
    if is_active is not None:
        query = query.where(DirectoryEntry.is_active.is_(is_active))
    return session.scalars(query.where(_answers_for(matter)).limit(limit)).all()


def answering_at(
    session: Session, place: LonLat, *, matter: Matter | None = None
) -> Sequence[DirectoryEntry]:
    """List who answers for a place, best first: an area of its own before everywhere, the matter by name before everything, small areas before large.

    The place need not be one we serve: a neighbour's customer is handed over, too.
    """
    is_specific = DirectoryEntry.area.is_not(None)
    return session.scalars(
        select(DirectoryEntry)
        .where(
            DirectoryEntry.is_active,
            _answers_for(matter),
            or_(~is_specific, func.ST_Intersects(DirectoryEntry.area, place.as_sql())),
        )
        .order_by(
            is_specific.desc(),
            (func.cardinality(DirectoryEntry.matters) > 0).desc(),
            func.ST_Area(geography(DirectoryEntry.area)),
            *_IN_ORDER,
        )
        .limit(LISTED_MAX)
    ).all()


def _mentions(word: str) -> ColumnElement[bool]:
    words = (
        DirectoryEntry.name_zh,
        DirectoryEntry.name_en,
        DirectoryEntry.note_zh,
        DirectoryEntry.note_en,
        DirectoryEntry.hours_zh,
        DirectoryEntry.hours_en,
    )
    found = [column.icontains(word, autoescape=True) for column in words]
    digits = re.sub(r"[^0-9]", "", word)
    if digits and re.fullmatch(r"[-+0-9()/]+", word):
        numbers = func.regexp_replace(func.array_to_string(DirectoryEntry.phones, ","), "[^0-9,]", "", "g")
        found.append(numbers.contains(digits))
    return or_(*found)


def _answers_for(matter: Matter | None) -> ColumnElement[bool]:
    if matter is None:
        return true()
    return or_(func.cardinality(DirectoryEntry.matters) == 0, DirectoryEntry.matters.contains([matter.value]))


def entry_of(session: Session, entry_id: UUID, *, lock: bool = False) -> DirectoryEntry:
    """Give an entry, retired or not; locked, it is as it stands once whoever held it is done.

    Raises
    ------
    EntryNotFound
        There is none.
    """
    query = select(DirectoryEntry).where(DirectoryEntry.id == entry_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    entry = session.scalar(query)
    if entry is None:
        raise EntryNotFound
    return entry


def history_of(session: Session, entry_id: UUID) -> Sequence[DirectoryChange]:
    """List the changes of an entry, latest first."""
    return session.scalars(
        select(DirectoryChange)
        .where(DirectoryChange.entry_id == entry_id)
        .order_by(DirectoryChange.at.desc(), DirectoryChange.id.desc())
    ).all()


# --- kept ----------------------------------------------------------------------------------------------------------------------


def add(session: Session, actor: Actor | None, said: Said) -> DirectoryEntry:
    """Add an entry.

    Parameters
    ----------
    actor
        Who; None for the system itself.

    Raises
    ------
    EntryBeyondArea
        It answers beyond the person's area.
    """
    entry = DirectoryEntry(is_active=True)
    _write(entry, said)
    session.add(entry)
    _keep(session, actor, entry, "added", before=None)
    return entry


def change(session: Session, actor: Actor, entry_id: UUID, said: Said) -> DirectoryEntry:
    """Let an entry say something else; what it said before stays in its history.

    Raises
    ------
    EntryNotFound
        There is none.
    EntryBeyondArea
        It answers, or would answer, beyond the person's area.
    """
    entry = _his_entry(session, actor, entry_id)
    before = as_it_is(entry)
    _write(entry, said)
    _keep(session, actor, entry, "changed", before=before)
    return entry


def retire(session: Session, actor: Actor, entry_id: UUID) -> DirectoryEntry:
    """Give an entry's number to nobody any more; doing it again changes nothing.

    Raises
    ------
    EntryNotFound, EntryBeyondArea
        There is none, or it is not his to change.
    """
    return _switch(session, actor, entry_id, is_active=False)


def restore(session: Session, actor: Actor, entry_id: UUID) -> DirectoryEntry:
    """Take a retired entry up again; doing it again changes nothing.

    Raises
    ------
    EntryNotFound, EntryBeyondArea
        There is none, or it is not his to change.
    """
    return _switch(session, actor, entry_id, is_active=True)


def _switch(session: Session, actor: Actor, entry_id: UUID, *, is_active: bool) -> DirectoryEntry:
    entry = _his_entry(session, actor, entry_id)
    if entry.is_active != is_active:
        before = as_it_is(entry)
        entry.is_active = is_active
        _keep(session, actor, entry, "restored" if is_active else "retired", before=before)
    return entry


def _his_entry(session: Session, actor: Actor, entry_id: UUID) -> DirectoryEntry:
    entry = entry_of(session, entry_id, lock=True)
    _ensure_his(actor, entry)
    return entry


def _ensure_his(actor: Actor | None, entry: DirectoryEntry) -> None:
    area = None if actor is None else actor.area()
    if area is None:
        return
    if entry.area is None or not area.covers(loaded(entry.area)):
        raise EntryBeyondArea


def _keep(
    session: Session,
    actor: Actor | None,
    entry: DirectoryEntry,
    what: str,
    *,
    before: dict[str, Any] | None,
) -> None:
    """Stamp a change and keep what was there before (Any: JSON)."""
    _ensure_his(actor, entry)
    by, now = actor.user_id if actor else None, utc_now()
    entry.changed_by, entry.changed_at = by, now
    session.flush()
    session.add(DirectoryChange(entry_id=entry.id, change=what, before=before, at=now, by_user_id=by))
    session.flush()


def _write(entry: DirectoryEntry, said: Said) -> None:
    for name in _WORDS:
        setattr(entry, name, getattr(said, name))
    entry.area = stored(said.area) if said.area is not None else None


def as_it_is(entry: DirectoryEntry) -> dict[str, Any]:
    """Write down what an entry says (Any: JSON)."""
    return {name: getattr(entry, name) for name in _WORDS} | {
        "area": drawn(entry),
        "is_active": entry.is_active,
    }


def drawn(entry: DirectoryEntry) -> dict[str, Any] | None:
    """Draw an entry's area as GeoJSON (Any: GeoJSON)."""
    return None if entry.area is None else json.loads(shapely.to_geojson(loaded(entry.area)))
