"""Pictures of places: added, found near a place, withdrawn and restored; none is ever deleted."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import utc_now
from core.db import new_id
from core.settings import Settings
from gis.coordinates import LonLat
from gis.errors import (
    PictureElsewhere,
    PictureNotFound,
    PictureOfOthers,
    PictureTakenInTheFuture,
    PictureTooLarge,
    PictureWithdrawn,
    PictureWithoutPlace,
)
from gis.models import Picture, PictureKind
from gis.places import additions
from gis.places.circle import Circle
from gis.places.photographs import MEDIA_TYPE, read_photograph
from gis.service_area import ensure_seen

PICTURE_BYTES_MAX: Final = 12_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What somebody says of a picture; where he says nothing, its file may."""

    place: LonLat | None = None
    taken_at: datetime | None = None
    caption: str = ""
    kind: PictureKind = PictureKind.SITE
    subject_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Added:
    """A picture, and whether it was not there before."""

    picture: Picture
    is_new: bool


def add_picture(session: Session, settings: Settings, actor: Actor, sent: bytes, told: Told) -> Added:
    """Store a picture; the same file sent again is the same picture, wherever it is said to be.

    Raises
    ------
    BadPicture, PictureTooLarge
        It is no picture, no whole one, or too large.
    PictureWithoutPlace
        Neither the sender nor the file says where it was taken.
    OutsideServiceArea
        That place is not served, or not his.
    PictureTakenInTheFuture
        The sender says so; a camera's clock that does is not believed.
    PictureWithdrawn, PictureElsewhere
        It is known, but not to be seen.
    """
    if len(sent) > PICTURE_BYTES_MAX:
        raise PictureTooLarge
    now = utc_now()
    latest = now + timedelta(seconds=settings.report_future_tolerance_s)
    if told.taken_at is not None and told.taken_at > latest:
        raise PictureTakenInTheFuture
    digest = hashlib.sha256(sent).hexdigest()
    known = session.scalar(select(Picture).where(Picture.sha256 == digest))
    if known is not None:
        return Added(_known(session, actor, known), is_new=False)
    photograph = read_photograph(sent, zone=ZoneInfo(settings.utility_timezone))
    place = told.place or photograph.place
    if place is None:
        raise PictureWithoutPlace
    ensure_seen(session, actor, place, margin_m=settings.service_area_margin_m)
    by_camera = photograph.taken_at if photograph.taken_at and photograph.taken_at <= latest else None
    made = session.scalar(
        insert(Picture)
        .values(
            id=new_id(),
            kind=told.kind,
            caption=told.caption,
            taken_at=told.taken_at or by_camera,
            subject_ids=list(told.subject_ids),
            sha256=digest,
            media_type=MEDIA_TYPE,
            width=photograph.width,
            height=photograph.height,
            content=photograph.content,
            thumbnail=photograph.thumbnail,
            created_by=actor.user_id,
            created_at=now,
            geom=place.as_stored(),
        )
        .on_conflict_do_nothing(index_elements=[Picture.sha256])
        .returning(Picture)
    )
    if made is not None:
        return Added(made, is_new=True)
    meanwhile = session.scalars(select(Picture).where(Picture.sha256 == digest)).one()
    return Added(_known(session, actor, meanwhile), is_new=False)


def _known(session: Session, actor: Actor, picture: Picture) -> Picture:
    if picture.withdrawn_at is not None:
        raise PictureWithdrawn
    if not session.scalar(select(actor.area_filter(Picture.geom)).where(Picture.id == picture.id)):
        raise PictureElsewhere
    return picture


def pictures_near(
    session: Session, actor: Actor, circle: Circle, *, withdrawn: bool = False, limit: int = 100
) -> Sequence[tuple[Picture, float]]:
    """List pictures with their distances in metres, nearest first; those withdrawn only to who may restore them."""
    return additions.additions_near(session, actor, Picture, circle, withdrawn=withdrawn, limit=limit)


def picture_of(session: Session, actor: Actor, picture_id: UUID, *, lock: bool = False) -> Picture:
    """Give a picture of a person's area; one that is withdrawn only to who may restore it.

    Raises
    ------
    PictureNotFound
        There is none.
    """
    picture = additions.addition_of(session, actor, Picture, picture_id, lock=lock)
    if picture is None:
        raise PictureNotFound
    return picture


def withdraw(session: Session, actor: Actor, picture_id: UUID) -> Picture:
    """Show a picture to nobody any more; doing it again changes nothing.

    Raises
    ------
    PictureNotFound
        There is none.
    PictureOfOthers
        Somebody else added it.
    """
    picture = _to_change(session, actor, picture_id)
    additions.withdraw(actor, picture)
    return picture


def restore(session: Session, actor: Actor, picture_id: UUID) -> Picture:
    """Show a withdrawn picture again; doing it again changes nothing.

    Raises
    ------
    PictureNotFound
        There is none, or somebody else withdrew it.
    PictureOfOthers
        Somebody else added it, and it is not withdrawn.
    """
    picture = _to_change(session, actor, picture_id)
    additions.restore(picture)
    return picture


def _to_change(session: Session, actor: Actor, picture_id: UUID) -> Picture:
    picture = picture_of(session, actor, picture_id, lock=True)
    if not additions.may_change(actor, picture):
        raise PictureOfOthers
    return picture
