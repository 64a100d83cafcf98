"""Tables of the shared kernel: events, deadlines, clock, calendar, people and what they did."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, CIDR, INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, new_id
from core.scope import WGS84_SRID

SCHEMA = "core"
Timestamp = DateTime(timezone=True)


class OutboxEvent(Base):
    """An event on its way to its handlers, and afterwards the record that it happened."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_unhandled", "id", postgresql_where="handled_at IS NULL AND parked_at IS NULL"),
        Index("ix_outbox_inserted_at", "inserted_at"),
        Index("ix_outbox_parked", "parked_at", postgresql_where="parked_at IS NOT NULL"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80))
    payload: Mapped[dict[str, Any]] = mapped_column(
        JSONB
    )  # Any: each event's own fields, typed in core/events.py
    emitted_at: Mapped[datetime] = mapped_column(Timestamp)
    inserted_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.clock_timestamp())
    handled_at: Mapped[datetime | None] = mapped_column(Timestamp)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(Timestamp, server_default=func.clock_timestamp())
    parked_at: Mapped[datetime | None] = mapped_column(Timestamp)
    last_error: Mapped[str | None] = mapped_column(Text)


class Deadline(Base):
    """Something that must be looked at when its time comes, unless cancelled before."""

    __tablename__ = "deadline"
    __table_args__ = (
        Index(
            "uq_deadline_open",
            "kind",
            "subject_id",
            unique=True,
            postgresql_where="fired_at IS NULL AND cancelled_at IS NULL",
        ),
        Index("ix_deadline_due", "due_at", postgresql_where="fired_at IS NULL AND cancelled_at IS NULL"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[UUID]
    due_at: Mapped[datetime] = mapped_column(Timestamp)
    set_at: Mapped[datetime] = mapped_column(Timestamp)
    fired_at: Mapped[datetime | None] = mapped_column(Timestamp)
    cancelled_at: Mapped[datetime | None] = mapped_column(Timestamp)


class WorkspaceClock(Base):
    """The workspace's clock; one row. `kind` tells whether it may run at another speed than life."""

    __tablename__ = "clock"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    kind: Mapped[str] = mapped_column(String(10), default="live")
    real_epoch: Mapped[datetime] = mapped_column(Timestamp)
    trade_epoch: Mapped[datetime] = mapped_column(Timestamp)
    factor: Mapped[float] = mapped_column(default=1.0)


class CalendarDay(Base):
    """A day that is not what its weekday says: a holiday, a make-up working day, a local day."""

    __tablename__ = "calendar_day"
    __table_args__ = ({"schema": SCHEMA},)

    day: Mapped[date] = mapped_column(primary_key=True)
    is_working: Mapped[bool]
    name: Mapped[str] = mapped_column(String(120))
    source: Mapped[str] = mapped_column(String(20))
    changed_at: Mapped[datetime] = mapped_column(Timestamp)


class CalendarYear(Base):
    """Whether a year's days were seeded, and whether a person confirmed them against the published notice."""

    __tablename__ = "calendar_year"
    __table_args__ = ({"schema": SCHEMA},)

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seeded_at: Mapped[datetime] = mapped_column(Timestamp)
    confirmed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    confirmed_by: Mapped[UUID | None]


class UserGroup(Base):
    """People of one function: which functions they reach, and from which addresses."""

    __tablename__ = "user_group"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    functions: Mapped[list[str]] = mapped_column(ARRAY(String(40)))
    networks: Mapped[list[str]] = mapped_column(ARRAY(CIDR), default=list)


class PostRole(Base):
    """A post in a group: the operations its holder may perform and the personal fields he sees."""

    __tablename__ = "post_role"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    group_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.user_group.id"), index=True)
    operations: Mapped[list[str]] = mapped_column(ARRAY(String(40)))
    fields: Mapped[list[str]] = mapped_column(ARRAY(String(20)), default=list)

    group: Mapped[UserGroup] = relationship(lazy="joined")


class User(Base):
    """A person (or a crew's phone) who logs in."""

    __tablename__ = "user_account"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(String(60), unique=True)
    display_name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(String(200))
    role_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.post_role.id"), index=True)
    language: Mapped[str | None] = mapped_column(String(2))
    desk_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    area: Mapped[WKBElement | None] = mapped_column(
        Geometry("MULTIPOLYGON", srid=WGS84_SRID, spatial_index=False)
    )
    crew_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(Timestamp)
    disabled_at: Mapped[datetime | None] = mapped_column(Timestamp)

    role: Mapped[PostRole] = relationship(lazy="joined")


class LoginSession(Base):
    """One log-in; ends by time, by logging out or by being revoked. All its times are real time."""

    __tablename__ = "login_session"
    __table_args__ = (UniqueConstraint("refresh_hash"), {"schema": SCHEMA})

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.user_account.id"), index=True)
    refresh_hash: Mapped[str] = mapped_column(String(64))
    client_address: Mapped[str] = mapped_column(INET)
    user_agent: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(Timestamp)
    expires_at: Mapped[datetime] = mapped_column(Timestamp)
    revoked_at: Mapped[datetime | None] = mapped_column(Timestamp)


class LoginFailure(Base):
    """A log-in that was refused, in real time; counted by name and by address."""

    __tablename__ = "login_failure"
    __table_args__ = (Index("ix_login_failure_at", "at"), {"schema": SCHEMA})

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(String(60))
    client_address: Mapped[str] = mapped_column(INET)
    at: Mapped[datetime] = mapped_column(Timestamp)


class AuditEntry(Base):
    """Who did what, from where, when. Only ever added to."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_at", "at"),
        Index("ix_audit_entry_subject_id", "subject_id"),
        {"schema": SCHEMA},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(Timestamp)
    real_at: Mapped[datetime] = mapped_column(Timestamp)
    user_id: Mapped[UUID | None]
    username: Mapped[str | None] = mapped_column(String(60))
    client_address: Mapped[str | None] = mapped_column(INET)
    action: Mapped[str] = mapped_column(String(60))
    subject_id: Mapped[UUID | None]
    digest: Mapped[str] = mapped_column(Text, default="")
