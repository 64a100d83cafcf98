"""What tracker reads."""

import re
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select, text, tuple_
from sqlalchemy.orm import Session

from tracker.models import Device, DroppedMessage, LatestPosition, Position, Presence

_DAY_TABLE = re.compile(r"position_(\d{4})(\d{2})(\d{2})")

LatestRow = Row[
    UUID,
    float,
    float,
    datetime,
    datetime,
    datetime,
    float | None,
    float | None,
    float | None,
    float | None,
    str | None,
]
LATEST: Final = (
    select(
        LatestPosition.crew_id,
        func.ST_X(LatestPosition.geom),
        func.ST_Y(LatestPosition.geom),
        LatestPosition.recorded_at,
        LatestPosition.received_at,
        LatestPosition.stored_at,
        LatestPosition.accuracy_m,
        LatestPosition.speed_mps,
        LatestPosition.course_deg,
        LatestPosition.battery_pct,
        Presence.state,
    )
    .outerjoin(Presence, Presence.crew_id == LatestPosition.crew_id)
    .order_by(LatestPosition.crew_id)
)
"""Latest positions with the state of the crews' presence (None: never heard). Asked for each report by those who wait for a crew, so
written once, and without rows to be made objects of."""


def position_days(session: Session) -> set[date]:
    """Tell which days have a partition of their own."""
    names = session.scalars(
        text(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'tracker.position'::regclass"
        )
    )
    matches = (_DAY_TABLE.fullmatch(name) for name in names)
    return {date(int(m[1]), int(m[2]), int(m[3])) for m in matches if m}


def crews_by_username(session: Session) -> dict[str, UUID]:
    """Map the broker's user names of devices in use to their crews."""
    rows = session.execute(select(Device.mqtt_username, Device.crew_id).where(Device.revoked_at.is_(None)))
    return dict(rows.all())


def broker_users(session: Session) -> dict[str, str]:
    """Map the broker's user names of devices in use to the hashes of their passwords."""
    rows = session.execute(
        select(Device.mqtt_username, Device.password_hash).where(Device.revoked_at.is_(None))
    )
    return dict(rows.all())


def has_device(session: Session, crew_id: UUID) -> bool:
    """Whether a device was ever registered for a crew."""
    return session.scalar(select(Device.id).where(Device.crew_id == crew_id).limit(1)) is not None


def trail_rows(
    crew_id: UUID,
    *,
    since: datetime,
    until: datetime,
    after: tuple[datetime, str] | None,
    limit: int,
    where: ColumnElement[bool] | None = None,
) -> Select[Position]:
    """Select a crew's fixes in the order of its devices' clocks, from `since` on and before `until`.

    Parameters
    ----------
    after
        Time and device of the last fix already read.
    """
    query = select(Position).where(
        Position.crew_id == crew_id, Position.recorded_at >= since, Position.recorded_at < until
    )
    if after is not None:
        query = query.where(tuple_(Position.recorded_at, Position.device) > tuple_(*after))
    if where is not None:
        query = query.where(where)
    return query.order_by(Position.recorded_at, Position.device).limit(limit)


def dropped_since(session: Session, day: date) -> list[DroppedMessage]:
    """List counts of messages not taken, newest day first."""
    return list(
        session.scalars(
            select(DroppedMessage)
            .where(DroppedMessage.day >= day)
            .order_by(DroppedMessage.day.desc(), DroppedMessage.reason)
        )
    )
