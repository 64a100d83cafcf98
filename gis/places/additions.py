"""What people add to the map: seen by those whose area it lies in, withdrawn and restored by whom it belongs to, never deleted."""

from collections.abc import Sequence
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import utc_now
from core.rights import Operation
from gis.models import Picture, PlaceName
from gis.places.circle import Circle

Addition = TypeVar("Addition", Picture, PlaceName)

_KEEPERS: Final = {Picture: Operation.PICTURES_MANAGE, PlaceName: Operation.PLACES_MANAGE}
"""Who looks after everybody's."""


def may_change(actor: Actor, one: Picture | PlaceName) -> bool:
    """Whether a person may withdraw something, or restore it: it was he who added, or withdrew it, or he looks after all of them."""
    whose = one.created_by if one.withdrawn_at is None else one.withdrawn_by
    return actor.may(_KEEPERS[type(one)]) or whose == actor.user_id


def additions_near(
    session: Session, actor: Actor, kind: type[Addition], circle: Circle, *, withdrawn: bool, limit: int
) -> Sequence[tuple[Addition, float]]:
    """List what was added with distances in metres, nearest first; what was withdrawn only to who may restore it."""
    distance = circle.distance_m(kind.geom)
    rows = session.execute(
        select(kind, distance)
        .where(
            circle.holds(kind.geom),
            actor.area_filter(kind.geom),
            kind.withdrawn_at.is_not(None) if withdrawn else kind.withdrawn_at.is_(None),
            _may_restore(actor, kind) if withdrawn else true(),
        )
        .order_by(distance, kind.id)
        .limit(limit)
    )
    return [(one, metres) for one, metres in rows]


def addition_of(
    session: Session, actor: Actor, kind: type[Addition], of_id: UUID, *, lock: bool = False
) -> Addition | None:
    """Give what was added in a person's area; what is withdrawn only to who may restore it."""
    query = select(kind).where(kind.id == of_id, actor.area_filter(kind.geom))
    one = session.scalar(query.with_for_update() if lock else query)
    return None if one is None or (one.withdrawn_at is not None and not may_change(actor, one)) else one


def withdraw(actor: Actor, one: Picture | PlaceName) -> None:
    """Show it to nobody any more; doing it again changes nothing."""
    if one.withdrawn_at is None:
        one.withdrawn_by, one.withdrawn_at = actor.user_id, utc_now()


def restore(one: Picture | PlaceName) -> None:
    """Show it again."""
    one.withdrawn_by, one.withdrawn_at = None, None


def _may_restore(actor: Actor, kind: type[Picture] | type[PlaceName]) -> ColumnElement[bool]:
    return true() if actor.may(_KEEPERS[kind]) else kind.withdrawn_by == actor.user_id
