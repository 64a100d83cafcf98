"""What the public told us, the matters it opened, and who must hear back."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, new_id
from gis.coordinates import geometry_column

SCHEMA = "hotline"
Timestamp = DateTime(timezone=True)


class Channel(StrEnum):
    """How a report reached us."""

    PHONE = "phone"
    COUNTER = "counter"
    LETTER = "letter"
    MAIL = "mail"
    WEB = "web"
    APP = "app"
    SMS = "sms"
    CHAT = "chat"


class Category(StrEnum):
    """What the caller noticed."""

    NO_WATER = "no_water"
    LOW_PRESSURE = "low_pressure"
    LEAK = "leak"
    WATER_QUALITY = "water_quality"
    OTHER = "other"


class Extent(StrEnum):
    """How far the trouble reaches, as the caller sees it."""

    ONLY_ME = "only_me"
    BUILDING = "building"
    STREET = "street"
    UNKNOWN = "unknown"


class ReportState(StrEnum):
    """Where a report stands; `in_case` and `answered` are told by its case."""

    TAKEN = "taken"
    LOCATED = "located"
    UNLOCATED = "unlocated"


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    IN_HAND = "in_hand"
    ANSWERED = "answered"
    CALLED_BACK = "called_back"
    CLOSED = "closed"


class CallbackState(StrEnum):
    """Where a callback stands."""

    DUE = "due"
    ATTEMPTING = "attempting"
    REACHED = "reached"
    NOT_REACHED = "not_reached"
    WAIVED = "waived"


class CallbackOutcome(StrEnum):
    """What a callback brought."""

    SATISFIED = "satisfied"
    DISSATISFIED = "dissatisfied"
    STILL_WITHOUT = "still_without"
    NOT_REACHED = "not_reached"


class EntryKind(StrEnum):
    """Whose number stands in the directory."""

    BRANCH = "branch"
    PARTNER = "partner"
    EMERGENCY = "emergency"
    GOVERNMENT = "government"


class Matter(StrEnum):
    """What callers ask for; the first are the categories of reports, the others are mostly answered elsewhere."""

    NO_WATER = "no_water"
    LOW_PRESSURE = "low_pressure"
    LEAK = "leak"
    WATER_QUALITY = "water_quality"
    OTHER = "other"
    BILLING = "billing"
    CONNECTION = "connection"
    PRIVATE_PLUMBING = "private_plumbing"
    SEWER = "sewer"
    ROADS = "roads"
    GAS = "gas"
    POWER = "power"
    HEATING = "heating"


class Case(Base):
    """A matter followed until its caller is satisfied."""

    __tablename__ = "case_file"
    __table_args__ = (Index("ix_case_file_state", "state", "opened_at"), {"schema": SCHEMA})

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    state: Mapped[str] = mapped_column(String(20), default=CaseState.OPEN)
    category: Mapped[str] = mapped_column(String(20))
    owner_id: Mapped[UUID | None]
    """The agent who keeps it until it is done."""
    incident_id: Mapped[UUID | None] = mapped_column(index=True)
    incident_number: Mapped[int | None] = mapped_column(BigInteger)
    answer_count: Mapped[int] = mapped_column(default=0)
    """How often an agent answered it; counts the callbacks of each answer apart."""
    is_with_desk: Mapped[bool] = mapped_column(default=True)
    """Whether somebody of the desk has to do something; if not, an incident or a callback takes it on."""
    opened_at: Mapped[datetime] = mapped_column(Timestamp)
    closed_at: Mapped[datetime | None] = mapped_column(Timestamp)

    reports: Mapped[list["Report"]] = relationship(
        back_populates="case", lazy="raise", order_by="Report.received_at"
    )


class CaseChange(Base):
    """A step of a case: from where to where, who, when, why. Only ever added to."""

    __tablename__ = "case_change"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.case_file.id"), index=True)
    from_state: Mapped[str | None] = mapped_column(String(20))
    to_state: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(Timestamp)
    by_user_id: Mapped[UUID | None]
    why: Mapped[str] = mapped_column(String(40), default="")
    """A key of the catalogues: `hotline.case_change.<why>`."""
    note: Mapped[str] = mapped_column(Text, default="")
    """What the agent wrote, the answer given for one."""

    case: Mapped[Case] = relationship(lazy="raise")


class Report(Base):
    """One contact about a matter. Never changed in substance: its place may become known, its case may move on."""

    __tablename__ = "report"
    __table_args__ = (
        UniqueConstraint("client_id"),
        Index("ix_report_received_at", "received_at"),
        Index("ix_report_state", "state", "received_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    client_id: Mapped[UUID | None]
    """The sender's own id; a second sending of the same is the same report."""
    state: Mapped[str] = mapped_column(String(20), default=ReportState.TAKEN)
    channel: Mapped[str] = mapped_column(String(20))
    category: Mapped[str] = mapped_column(String(20))
    extent: Mapped[str] = mapped_column(String(20), default=Extent.UNKNOWN)
    description: Mapped[str] = mapped_column(Text, default="")
    caller_name: Mapped[str | None] = mapped_column(String(200))
    caller_phone: Mapped[str | None] = mapped_column(String(32), index=True)
    """E.164 where it can be read as a number, else its digits."""
    caller_key: Mapped[str] = mapped_column(String(64), index=True)
    """Same for the same caller, tells nothing about him; see `hotline.identity.caller_key`."""
    account_no: Mapped[str | None] = mapped_column(String(60))
    address_text: Mapped[str | None] = mapped_column(String(200))
    stated_point: Mapped[WKBElement | None] = geometry_column("Point", nullable=True, spatial_index=False)
    """In WGS 84, whatever it came in."""
    stated_datum: Mapped[str | None] = mapped_column(String(10))
    """What it came in."""
    noticed_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)
    source_at: Mapped[datetime | None] = mapped_column(Timestamp)
    """The sender's own time, where he gave one."""
    taken_by: Mapped[UUID | None]
    # Where it is on the network; empty while unlocated
    place: Mapped[WKBElement | None] = geometry_column("Point", nullable=True)
    customer_account_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("gis.customer_account.id", ondelete="SET NULL"), index=True
    )
    pipe_id: Mapped[UUID | None]
    segment_id: Mapped[int | None] = mapped_column(index=True)
    location: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """The Location as it was found: gis.schemas.LocationOut in JSON; Any: JSON."""
    located_at: Mapped[datetime | None] = mapped_column(Timestamp)
    location_tried: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """While unlocated: the ways that led nowhere, why, and a guess too unsure to act on. Any: JSON of `hotline.schemas.TriedOut`."""
    # What became of it
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey(f"{SCHEMA}.case_file.id"), index=True)
    repeat_of: Mapped[UUID | None] = mapped_column(ForeignKey(f"{SCHEMA}.report.id"))
    incident_id: Mapped[UUID | None] = mapped_column(index=True)
    incident_number: Mapped[int | None] = mapped_column(BigInteger)

    case: Mapped[Case | None] = relationship(back_populates="reports", lazy="raise")


class Callback(Base):
    """Somebody must hear back. Nobody is called back twice for the same thing: one a caller and closing."""

    __tablename__ = "callback"
    __table_args__ = (
        UniqueConstraint("matter_id", "closure_no", "caller_key"),
        Index("ix_callback_state", "state", "due_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    report_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.report.id"), index=True)
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey(f"{SCHEMA}.case_file.id"), index=True)
    incident_id: Mapped[UUID | None] = mapped_column(index=True)
    matter_id: Mapped[UUID]
    """What ended: the incident closed, or the case answered."""
    closure_no: Mapped[int] = mapped_column(default=1)
    """Which closing of it, or which answer."""
    caller_key: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(40))
    """Key of what to say: `hotline.script.<reason>`."""
    cause: Mapped[str | None] = mapped_column(String(40))
    """What was found, as dispatch names it."""
    state: Mapped[str] = mapped_column(String(20), default=CallbackState.DUE)
    outcome: Mapped[str | None] = mapped_column(String(20))
    due_at: Mapped[datetime] = mapped_column(Timestamp)
    not_before_at: Mapped[datetime] = mapped_column(Timestamp)
    claimed_by: Mapped[UUID | None]
    claimed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    attempt_count: Mapped[int] = mapped_column(default=0)
    overtaken_by: Mapped[str | None] = mapped_column(String(40))
    """Why it need not be tried again while somebody is trying: what it was to tell no longer holds."""
    ended_why: Mapped[str | None] = mapped_column(String(40))
    """Why it was waived or given up: `hotline.callback_end.<ended_why>`."""
    ended_at: Mapped[datetime | None] = mapped_column(Timestamp)


class CallbackAttempt(Base):
    """One try to reach somebody. Only ever added to."""

    __tablename__ = "callback_attempt"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    callback_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.callback.id"), index=True)
    at: Mapped[datetime] = mapped_column(Timestamp)
    by_user_id: Mapped[UUID | None]
    outcome: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(200), default="")
    """Why the caller was not reached."""
    note: Mapped[str] = mapped_column(Text, default="")


class KnownOutage(Base):
    """The hotline's own copy of what is dry, so that callers are answered even while dispatch is down."""

    __tablename__ = "known_outage"
    __table_args__ = (
        Index("ix_known_outage_segments", "segment_ids", postgresql_using="gin"),
        {"schema": SCHEMA},
    )

    incident_id: Mapped[UUID] = mapped_column(primary_key=True)
    incident_number: Mapped[int] = mapped_column(BigInteger)
    cause: Mapped[str] = mapped_column(String(40))
    segment_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    customers: Mapped[int]
    declared_at: Mapped[datetime] = mapped_column(Timestamp)
    estimate_at: Mapped[datetime | None] = mapped_column(Timestamp)
    review_at: Mapped[datetime | None] = mapped_column(Timestamp)
    ended_at: Mapped[datetime | None] = mapped_column(Timestamp)
    decided_at: Mapped[datetime] = mapped_column(Timestamp)
    """When dispatch decided what is written here; older news that comes late changes nothing."""


class MergedIncident(Base):
    """An incident that lives on in another; kept so that news which comes late still finds its way."""

    __tablename__ = "merged_incident"
    __table_args__ = ({"schema": SCHEMA},)

    incident_id: Mapped[UUID] = mapped_column(primary_key=True)
    into_incident_id: Mapped[UUID]
    into_number: Mapped[int] = mapped_column(BigInteger)


class DirectoryEntry(Base):
    """Somebody else to call: a branch, a partner, an emergency or a government hotline; what he answers for and where."""

    __tablename__ = "directory_entry"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(20))
    name_zh: Mapped[str] = mapped_column(String(200), default="")
    name_en: Mapped[str] = mapped_column(String(200), default="")
    phones: Mapped[list[str]] = mapped_column(ARRAY(String(40)))
    """As they are read out; short numbers such as 12345 among them."""
    hours_zh: Mapped[str] = mapped_column(String(200), default="")
    hours_en: Mapped[str] = mapped_column(String(200), default="")
    matters: Mapped[list[str]] = mapped_column(ARRAY(String(20)), default=list)
    """None named: everything."""
    note_zh: Mapped[str] = mapped_column(Text, default="")
    """What to say to the caller who is handed over."""
    note_en: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int]
    """Where it stands in the list; equal ones by name."""
    area: Mapped[WKBElement | None] = geometry_column("MultiPolygon", nullable=True, spatial_index=False)
    """Where he answers; none: everywhere."""
    is_active: Mapped[bool] = mapped_column(default=True)
    changed_by: Mapped[UUID | None]
    changed_at: Mapped[datetime] = mapped_column(Timestamp)


class DirectoryChange(Base):
    """A change of an entry and what it said before. Only ever added to."""

    __tablename__ = "directory_change"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    entry_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.directory_entry.id"), index=True)
    change: Mapped[str] = mapped_column(String(20))
    """added, changed, retired, restored"""
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """The entry as it was; Any: JSON."""
    at: Mapped[datetime] = mapped_column(Timestamp)
    by_user_id: Mapped[UUID | None]


class HandOver(Base):
    """A caller was told to turn to somebody else, and to whom; name and numbers as he was told them."""

    __tablename__ = "hand_over"
    __table_args__ = (
        Index(
            "uq_hand_over_report_id_entry_id",
            "report_id",
            "entry_id",
            unique=True,
            postgresql_where="taken_back_at IS NULL",
        ),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    report_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.report.id"))
    entry_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.directory_entry.id"), index=True)
    name_zh: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))
    phones: Mapped[list[str]] = mapped_column(ARRAY(String(40)))
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(Timestamp)
    by_user_id: Mapped[UUID | None]
    taken_back_at: Mapped[datetime | None] = mapped_column(Timestamp)
    taken_back_by: Mapped[UUID | None]
