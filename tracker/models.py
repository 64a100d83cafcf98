"""Where crews are: devices, their positions, whether they are there."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, Date, DateTime, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, new_id
from gis.coordinates import geometry_column

SCHEMA = "tracker"
Timestamp = DateTime(timezone=True)


class PresenceState(StrEnum):
    """Whether a crew's phone is there."""

    ONLINE = "online"
    STALE = "stale"
    OFFLINE = "offline"
    OFF_DUTY = "off_duty"


class Device(Base):
    """A phone or vehicle terminal that may speak to the broker, and the crew it speaks for."""

    __tablename__ = "device"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    mqtt_username: Mapped[str] = mapped_column(String(40), unique=True)
    password_hash: Mapped[str] = mapped_column(String(300))
    """In the broker's own form; the password itself is shown once and kept nowhere."""
    crew_id: Mapped[UUID] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(Timestamp)
    revoked_at: Mapped[datetime | None] = mapped_column(Timestamp)


class Position(Base):
    """A fix as the device told it: its own time and ours. Kept by day; one row a crew, device and device time."""

    __tablename__ = "position"
    __table_args__ = (
        Index("ix_position_recorded_at_brin", "recorded_at", postgresql_using="brin"),
        {"schema": SCHEMA, "postgresql_partition_by": "RANGE (recorded_at)"},
    )

    crew_id: Mapped[UUID] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp, primary_key=True)
    device: Mapped[str] = mapped_column(String(60), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(Timestamp)
    geom: Mapped[WKBElement] = geometry_column("Point", spatial_index=False)
    accuracy_m: Mapped[float | None]
    speed_mps: Mapped[float | None]
    course_deg: Mapped[float | None]
    battery_pct: Mapped[float | None]


class LatestPosition(Base):
    """The fix of a crew with the latest device time that is not in the future; arrival order does not matter."""

    __tablename__ = "latest_position"
    __table_args__ = ({"schema": SCHEMA},)

    crew_id: Mapped[UUID] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)
    stored_at: Mapped[datetime] = mapped_column(Timestamp, index=True)
    """Real time of storing, by which the live map finds who moved."""
    geom: Mapped[WKBElement] = geometry_column("Point")
    accuracy_m: Mapped[float | None]
    speed_mps: Mapped[float | None]
    course_deg: Mapped[float | None]
    battery_pct: Mapped[float | None]


class Presence(Base):
    """Whether a crew's phone is there, since when and why we think so."""

    __tablename__ = "presence"
    __table_args__ = ({"schema": SCHEMA},)

    crew_id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(20))
    changed_at: Mapped[datetime] = mapped_column(Timestamp)
    heard_at: Mapped[datetime] = mapped_column(Timestamp)
    reason: Mapped[str] = mapped_column(String(40))


class DroppedMessage(Base):
    """How many messages of a kind were not taken on a day, and why; counted, never silently lost."""

    __tablename__ = "dropped_message"
    __table_args__ = ({"schema": SCHEMA},)

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    reason: Mapped[str] = mapped_column(String(40), primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    last_topic: Mapped[str] = mapped_column(String(200))
    last_at: Mapped[datetime] = mapped_column(Timestamp)
