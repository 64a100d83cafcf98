"""What tracker's routes give."""

import base64
import binascii
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from gis.schemas import PointOut
from tracker.errors import BadCursor
from tracker.models import DroppedMessage
from tracker.positions import CrewPosition, TrailPoint

PresenceName = Literal["online", "stale", "offline", "off_duty"]


class PositionOut(BaseModel):
    """Where a crew was last, and whether its phone is there."""

    crew_id: UUID
    point: PointOut
    recorded_at: datetime
    received_at: datetime
    age_s: float
    accuracy_m: float | None
    speed_mps: float | None
    course_deg: float | None
    battery_pct: float | None
    presence: PresenceName

    @classmethod
    def of(cls, position: CrewPosition, *, now: datetime) -> "PositionOut":
        """Write a crew's position down as it stands at `now`."""
        return cls(
            crew_id=position.crew_id,
            point=PointOut.of(position.point),
            recorded_at=position.recorded_at,
            received_at=position.received_at,
            age_s=round(position.age_s(now), 1),
            accuracy_m=position.accuracy_m,
            speed_mps=position.speed_mps,
            course_deg=position.course_deg,
            battery_pct=position.battery_pct,
            presence=position.presence.value,
        )


class TrailPointOut(BaseModel):
    """One fix of a trail: the device's time and ours."""

    recorded_at: datetime
    received_at: datetime
    device: str
    point: PointOut
    accuracy_m: float | None
    speed_mps: float | None
    course_deg: float | None

    @classmethod
    def of(cls, fix: TrailPoint) -> "TrailPointOut":
        """Write a fix down."""
        return cls(
            recorded_at=fix.recorded_at,
            received_at=fix.received_at,
            device=fix.device,
            point=PointOut.of(fix.point),
            accuracy_m=fix.accuracy_m,
            speed_mps=fix.speed_mps,
            course_deg=fix.course_deg,
        )


class TrailOut(BaseModel):
    """Where a crew was; `next` asks for what follows."""

    crew_id: UUID
    since: datetime
    until: datetime
    items: list[TrailPointOut]
    next: str | None


class DroppedOut(BaseModel):
    """Messages not taken on a day for one reason."""

    day: date
    reason: str
    count: int
    last_topic: str
    last_at: datetime

    @classmethod
    def of(cls, row: DroppedMessage) -> "DroppedOut":
        """Write a count down."""
        return cls(
            day=row.day, reason=row.reason, count=row.count, last_topic=row.last_topic, last_at=row.last_at
        )


def cursor_after(fix: TrailPoint) -> str:
    """Name the place behind a fix, so that reading can go on there."""
    return base64.urlsafe_b64encode(f"{fix.recorded_at.isoformat()} {fix.device}".encode()).decode()


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """Read what `cursor_after` wrote.

    Raises
    ------
    BadCursor
        It is something else.
    """
    try:
        moment, _, device = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        recorded_at = datetime.fromisoformat(moment)
    except (ValueError, binascii.Error) as error:
        raise BadCursor from error
    if recorded_at.tzinfo is None or "\0" in device:
        raise BadCursor
    return recorded_at, device
