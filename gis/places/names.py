"""Names of places that no register knows: taught by who hears them, corrected, withdrawn; geocoding hears them from then on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import utc_now
from core.settings import Settings
from gis.coordinates import LonLat
from gis.errors import (
    PlaceNameKnown,
    PlaceNameNotFound,
    PlaceNameOfOthers,
    PlaceNameTooShort,
    PlaceNameWithdrawn,
)
from gis.geocoding.folding import fold
from gis.models import AddressBook, PlaceName
from gis.places import additions
from gis.places.circle import Circle
from gis.service_area import ensure_seen

SAME_PLACE_M: Final = 50.0
"""Within this distance one name means one place."""
NAME_CHARACTERS_MIN: Final = 2
"""A name of one character would be heard in everything that is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What is to be said of a place; None stays as it is, an empty district is none."""

    name: str | None = None
    place: LonLat | None = None
    district: str | None = None
    note: str | None = None


def names_near(
    session: Session, actor: Actor, circle: Circle, *, withdrawn: bool = False, limit: int = 100
) -> Sequence[tuple[PlaceName, float]]:
    """List names with their distances in metres, nearest first; those withdrawn only to who may restore them."""
    return additions.additions_near(session, actor, PlaceName, circle, withdrawn=withdrawn, limit=limit)


def name_place(
    session: Session, settings: Settings, actor: Actor, name: str, place: LonLat, wording: Wording
) -> PlaceName:
    """Teach a place's name.

    Raises
    ------
    OutsideServiceArea
        The place is not served, or not his.
    PlaceNameTooShort
        Nobody could be heard saying it.
    PlaceNameKnown
        A place next to it has that name.
    """
    ensure_seen(session, actor, place, margin_m=settings.service_area_margin_m)
    _ensure_new(session, name, place)
    made = PlaceName(
        name=name,
        district=wording.district or None,
        note=wording.note or "",
        created_by=actor.user_id,
        created_at=utc_now(),
        geom=place.as_stored(),
    )
    session.add(made)
    session.flush()
    return made


def correct(session: Session, settings: Settings, actor: Actor, name_id: UUID, wording: Wording) -> PlaceName:
    """Change a name, or where it is.

    Raises
    ------
    PlaceNameNotFound
        There is none.
    PlaceNameOfOthers
        Somebody else gave it.
    PlaceNameWithdrawn
        It is not in use.
    OutsideServiceArea, PlaceNameTooShort, PlaceNameKnown
        As for a new one.
    """
    known = _to_change(session, actor, name_id)
    if known.withdrawn_at is not None:
        raise PlaceNameWithdrawn
    if wording.place is not None:
        ensure_seen(session, actor, wording.place, margin_m=settings.service_area_margin_m)
    name = known.name if wording.name is None else wording.name
    place = wording.place or LonLat.from_stored(known.geom)
    _ensure_new(session, name, place, besides=known.id)
    known.name, known.geom = name, place.as_stored()
    if wording.district is not None:
        known.district = wording.district or None
    if wording.note is not None:
        known.note = wording.note
    known.changed_by, known.changed_at = actor.user_id, utc_now()
    session.flush()
    return known


def withdraw(session: Session, actor: Actor, name_id: UUID) -> PlaceName:
    """Let a name be heard no more; doing it again changes nothing.

    Raises
    ------
    PlaceNameNotFound
        There is none.
    PlaceNameOfOthers
        Somebody else gave it.
    """
    known = _to_change(session, actor, name_id)
    additions.withdraw(actor, known)
    session.flush()
    return known


def restore(session: Session, actor: Actor, name_id: UUID) -> PlaceName:
    """Let a withdrawn name be heard again; doing it again changes nothing.

    Raises
    ------
    PlaceNameNotFound
        There is none, or somebody else withdrew it.
    PlaceNameOfOthers
        Somebody else gave it, and it is not withdrawn.
    PlaceNameKnown
        A place next to it was given that name meanwhile.
    """
    known = _to_change(session, actor, name_id)
    if known.withdrawn_at is not None:
        _ensure_new(session, known.name, LonLat.from_stored(known.geom), besides=known.id)
        additions.restore(known)
        session.flush()
    return known


def _to_change(session: Session, actor: Actor, name_id: UUID) -> PlaceName:
    known = additions.addition_of(session, actor, PlaceName, name_id, lock=True)
    if known is None:
        raise PlaceNameNotFound
    if not additions.may_change(actor, known):
        raise PlaceNameOfOthers
    return known


def _ensure_new(session: Session, name: str, place: LonLat, *, besides: UUID | None = None) -> None:
    """Refuse a name that cannot be told apart, however it is written."""
    if len(fold(name).replace(" ", "")) < NAME_CHARACTERS_MIN:
        raise PlaceNameTooShort
    session.execute(select(AddressBook.revision).with_for_update())  # one person at a time gives names
    near = select(PlaceName.name).where(
        Circle(place, SAME_PLACE_M).holds(PlaceName.geom),
        PlaceName.withdrawn_at.is_(None),
        PlaceName.id.is_distinct_from(besides),
    )
    for known in session.scalars(near):
        if fold(known) == fold(name):
            raise PlaceNameKnown(f"“{known}” is the name of a place within 50 m already; change that one.")
