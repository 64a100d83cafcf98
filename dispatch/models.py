"""Incidents, the work they need, and the crews who do it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, new_id
from gis.coordinates import geography, geometry_column

SCHEMA = "dispatch"
Timestamp = DateTime(timezone=True)


class IncidentKind(StrEnum):
    """What seems, or is known, to be wrong."""

    BURST = "burst"
    LEAK = "leak"
    OUTAGE = "outage"
    LOW_PRESSURE = "low_pressure"
    WATER_QUALITY = "water_quality"
    OTHER = "other"


class IncidentState(StrEnum):
    """Where an incident stands."""

    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"
    ISOLATING = "isolating"
    ISOLATED = "isolated"
    REPAIRING = "repairing"
    RESTORING = "restoring"
    CLOSED = "closed"
    DISMISSED = "dismissed"
    MERGED = "merged"


class IncidentLevel(StrEnum):
    """How far an incident reaches."""

    SINGLE = "single"
    CLUSTER = "cluster"
    AREA = "area"
    ZONE = "zone"


class WorkOrderKind(StrEnum):
    """What the field is to do."""

    INSPECT = "inspect"
    REPAIR = "repair"


class WorkOrderState(StrEnum):
    """Where a work order stands."""

    PROPOSED = "proposed"
    SCHEDULED = "scheduled"
    UNDER_WAY = "under_way"
    SUSPENDED = "suspended"
    DONE = "done"
    VERIFIED = "verified"
    CANCELLED = "cancelled"


class AssignmentState(StrEnum):
    """Where an assignment stands."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    LEFT_SITE = "left_site"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    RELEASED = "released"


class Skill(StrEnum):
    """What a crew can do, and a work order asks for."""

    INSPECT = "inspect"
    REPAIR = "repair"


class Cause(StrEnum):
    """What the field found."""

    BURST = "burst"
    LEAK = "leak"
    CLOSED_VALVE = "closed_valve"
    LOW_PRESSURE = "low_pressure"
    DIRTY_MAIN = "dirty_main"
    PRIVATE_PLUMBING = "private_plumbing"
    NOTHING_FOUND = "nothing_found"
    OTHER = "other"
    DISMISSED = "dismissed"
    """Said by a dispatcher, not by the field: there was no incident."""


class RepeatKey(StrEnum):
    """What two complaints have in common."""

    CUSTOMER = "customer"
    CALLER = "caller"
    """The same telephone, where no account is known."""
    ADDRESS = "address"
    ASSET = "asset"


class AssetKind(StrEnum):
    """What has faults of its own."""

    PIPE = "pipe"
    VALVE = "valve"
    SEGMENT = "segment"
    ZONE = "zone"


class RectificationState(StrEnum):
    """Where the cure of an asset that fails again and again stands."""

    OPEN = "open"
    ANALYSED = "analysed"
    PLANNED = "planned"
    DONE = "done"
    VERIFIED = "verified"
    OBSERVING = "observing"
    CLOSED = "closed"


class Action(StrEnum):
    """What the field did."""

    REPAIRED = "repaired"
    ISOLATED = "isolated"
    VALVE_OPENED = "valve_opened"
    FLUSHED = "flushed"
    INSPECTED = "inspected"
    NONE = "none"


class Answer(StrEnum):
    """What a customer who was rung says of his tap, and what else ringing him may bring."""

    HAS_WATER = "has_water"
    NO_WATER = "no_water"
    LOW_PRESSURE = "low_pressure"
    NOBODY_ANSWERED = "nobody_answered"
    WRONG_NUMBER = "wrong_number"


OPEN_STATES = (
    IncidentState.SUSPECTED,
    IncidentState.CONFIRMED,
    IncidentState.ISOLATING,
    IncidentState.ISOLATED,
    IncidentState.REPAIRING,
    IncidentState.RESTORING,
)
"""States in which an incident still needs somebody."""
COMMITTED = (AssignmentState.ACCEPTED, AssignmentState.EN_ROUTE, AssignmentState.ON_SITE)
"""States in which a crew is bound to its work."""
LIVE = (AssignmentState.OFFERED, *COMMITTED)
"""States in which an assignment still counts."""

_COMMITTED_SQL = "state IN ('accepted', 'en_route', 'on_site') AND NOT is_by_hand"
_LIVE_SQL = "state IN ('offered', 'accepted', 'en_route', 'on_site')"


class Incident(Base):
    """One cause of trouble. Its identity survives: a merged one answers to its old number."""

    __tablename__ = "incident"
    __table_args__ = (
        Index("ix_incident_open", "opened_at", postgresql_where="closed_at IS NULL"),
        Index("ix_incident_changed_at", "changed_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(BigInteger, Identity(start=1001), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default=IncidentState.SUSPECTED)
    level: Mapped[str] = mapped_column(String(20), default=IncidentLevel.SINGLE)
    priority: Mapped[int]
    """1 is most urgent, 4 least."""
    place: Mapped[WKBElement] = geometry_column("Point")
    street: Mapped[str | None] = mapped_column(String(200))
    pipe_id: Mapped[UUID | None]
    segment_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)
    zone_id: Mapped[UUID | None]
    customers_without_water: Mapped[int] = mapped_column(default=0)
    critical_customers: Mapped[int] = mapped_column(default=0)
    """Hospitals, schools and their like among those without water."""
    report_count: Mapped[int] = mapped_column(default=0)
    customer_count: Mapped[int] = mapped_column(default=0)
    """Distinct callers among its reports."""
    opened_at: Mapped[datetime] = mapped_column(Timestamp)
    last_report_at: Mapped[datetime] = mapped_column(Timestamp)
    changed_at: Mapped[datetime] = mapped_column(Timestamp)
    confirmed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    alarmed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    """When triage was first sure that chance does not explain its calls."""
    is_grouped_by_hand: Mapped[bool] = mapped_column(default=False)
    """Whether a person merged or split it: triage takes nothing away from it any more."""
    shutdown_id: Mapped[UUID | None]
    """The announced work whose callers it gathers; nobody is sent."""
    estimate_at: Mapped[datetime | None] = mapped_column(Timestamp)
    review_at: Mapped[datetime | None] = mapped_column(Timestamp)
    closed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    reopened_at: Mapped[datetime | None] = mapped_column(Timestamp)
    """Since when it lives again; what was told before is settled."""
    closure_no: Mapped[int] = mapped_column(default=0)
    outage_declared_at: Mapped[datetime | None] = mapped_column(Timestamp)
    """When the hotline was last told that its segments are without water; empty once they have water."""
    cause: Mapped[str | None] = mapped_column(String(40))
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey(f"{SCHEMA}.incident.id"))
    split_from_id: Mapped[UUID | None] = mapped_column(ForeignKey(f"{SCHEMA}.incident.id"))


class IncidentReport(Base):
    """A report as dispatch sees it, the incident it belongs to, and why."""

    __tablename__ = "incident_report"
    __table_args__ = (
        Index("ix_incident_report_pipe_id", "pipe_id", "received_at"),
        Index("ix_incident_report_received_at", "received_at"),
        Index("ix_incident_report_attached_at", "attached_at"),
        {"schema": SCHEMA},
    )

    report_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_number: Mapped[int] = mapped_column(BigInteger)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.incident.id"), index=True)
    triaged_into_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.incident.id"))
    """The incident it joined or opened at first; merging and splitting change `incident_id` only."""
    category: Mapped[str] = mapped_column(String(20))
    extent: Mapped[str] = mapped_column(String(20), default="unknown")
    place: Mapped[WKBElement] = geometry_column("Point")
    pipe_id: Mapped[UUID]
    segment_id: Mapped[int | None] = mapped_column(index=True)
    zone_id: Mapped[UUID | None]
    street: Mapped[str | None] = mapped_column(String(200))
    confidence: Mapped[float] = mapped_column(default=1.0)
    customer_account_id: Mapped[UUID | None] = mapped_column(index=True)
    caller_key: Mapped[str] = mapped_column(String(64), index=True)
    noticed_at: Mapped[datetime] = mapped_column(Timestamp)
    received_at: Mapped[datetime] = mapped_column(Timestamp)
    repeat_of: Mapped[UUID | None]
    """The earlier report that its caller said it repeats."""
    told_again_at: Mapped[datetime | None] = mapped_column(Timestamp)
    """When its caller last said, called back, that nothing is better."""
    attached_at: Mapped[datetime] = mapped_column(Timestamp)
    decision: Mapped[str] = mapped_column(String(20))
    """opened, joined, repeat, moved."""
    reason: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)  # Any: numbers and words
    """Why, part by part: each a `code` of the catalogues and the `values` that fill it."""


class CallingHabits(Base):
    """How people call here, as triage learnt it from what they told; the newest counts."""

    __tablename__ = "calling_habits"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    learnt_at: Mapped[datetime] = mapped_column(Timestamp, index=True)
    since: Mapped[datetime] = mapped_column(Timestamp)
    """From the calls of this time on."""
    calls: Mapped[int]
    habits: Mapped[dict[str, Any]] = mapped_column(JSONB)  # Any: numbers and lists of them


class TriageRules(Base):
    """What a utility set about triage; the newest counts. Only ever added to."""

    __tablename__ = "triage_rules"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    rules: Mapped[dict[str, float]] = mapped_column(JSONB)
    """What differs from the defaults."""
    set_at: Mapped[datetime] = mapped_column(Timestamp, index=True)
    set_by: Mapped[UUID]
    why: Mapped[str] = mapped_column(Text)


class TrialState(StrEnum):
    """How far a trial is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class TriageTrial(Base):
    """What other settings would have done on the calls of the last days, gone through again with both."""

    __tablename__ = "triage_trial"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    asked_by: Mapped[UUID]
    asked_at: Mapped[datetime] = mapped_column(Timestamp, index=True)
    days: Mapped[int]
    rules: Mapped[dict[str, float]] = mapped_column(JSONB)
    """What is tried, as it differs from the defaults."""
    state: Mapped[str] = mapped_column(String(20), default=TrialState.WAITING)
    progress: Mapped[float] = mapped_column(default=0.0)
    """Share of its calls gone through."""
    ended_at: Mapped[datetime | None] = mapped_column(Timestamp)
    problem: Mapped[str | None] = mapped_column(Text)
    """Why it came to nothing."""
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # Any: figures, and lists of them


class Change(Base):
    """A step of an incident, a work order or an assignment: from where to where, who, when, why. Only ever added to."""

    __tablename__ = "change"
    __table_args__ = (
        Index("ix_change_subject_id", "subject_id", "at"),
        Index("ix_change_incident_id", "incident_id", "at"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject: Mapped[str] = mapped_column(String(20))
    """incident, work_order or assignment."""
    subject_id: Mapped[UUID]
    incident_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.incident.id"))
    from_state: Mapped[str | None] = mapped_column(String(20))
    to_state: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(Timestamp)
    by_user_id: Mapped[UUID | None]
    by_crew_id: Mapped[UUID | None]
    why: Mapped[str] = mapped_column(String(200), default="")


class IsolationPlan(Base):
    """Valves to close for an incident, and who goes dry; a later plan replaces an earlier one."""

    __tablename__ = "isolation_plan"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.incident.id"), index=True)
    pipe_id: Mapped[UUID]
    made_at: Mapped[datetime] = mapped_column(Timestamp)
    valve_ids: Mapped[list[str]] = mapped_column(ARRAY(String(36)))
    """In the order to close."""
    closed_valve_ids: Mapped[list[str]] = mapped_column(ARRAY(String(36)))
    segment_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    customers: Mapped[int]
    critical_customers: Mapped[int] = mapped_column(default=0)
    length_m: Mapped[float]


class RingBack(Base):
    """A customer rung and asked whether he has water, and what came of it. Only ever added to."""

    __tablename__ = "ring_back"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.incident.id"), index=True)
    customer_account_id: Mapped[UUID] = mapped_column(index=True)
    pipe_id: Mapped[UUID]
    """The main he was served from."""
    answer: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(Timestamp)
    by_user_id: Mapped[UUID]


class Crew(Base):
    """Who can go."""

    __tablename__ = "crew"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    """Also its phone's name at the broker."""
    name: Mapped[str] = mapped_column(String(120))
    skills: Mapped[list[str]] = mapped_column(ARRAY(String(40)))
    depot: Mapped[WKBElement | None] = geometry_column("Point", nullable=True)
    is_active: Mapped[bool] = mapped_column(default=True)


class Shift(Base):
    """When a crew is on duty."""

    __tablename__ = "shift"
    __table_args__ = (Index("ix_shift_crew_id", "crew_id", "starts_at"), {"schema": SCHEMA})

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    crew_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.crew.id"))
    starts_at: Mapped[datetime] = mapped_column(Timestamp)
    ends_at: Mapped[datetime] = mapped_column(Timestamp)


class WorkOrder(Base):
    """A job for the field."""

    __tablename__ = "work_order"
    __table_args__ = (
        Index("ix_work_order_open", "priority", "created_at", postgresql_where="ended_at IS NULL"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(BigInteger, Identity(start=2001), unique=True)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.incident.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default=WorkOrderState.PROPOSED)
    priority: Mapped[int]
    place: Mapped[WKBElement] = geometry_column("Point")
    skills: Mapped[list[str]] = mapped_column(ARRAY(String(40)))
    preferred_crew_id: Mapped[UUID | None] = mapped_column(ForeignKey(f"{SCHEMA}.crew.id"))
    """Who is asked first, because it knows the place already."""
    created_at: Mapped[datetime] = mapped_column(Timestamp)
    arrive_by_at: Mapped[datetime] = mapped_column(Timestamp)
    ended_at: Mapped[datetime | None] = mapped_column(Timestamp)
    finding: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """What was found and done: cause, action, note, water_restored. Any: JSON."""


class Assignment(Base):
    """A crew offered and taking a work order.

    A work order has at most one assignment that counts, a crew at most one open offer and at most one assignment that binds it, unless a
    dispatcher gave it a second by hand.
    """

    __tablename__ = "assignment"
    __table_args__ = (
        Index("uq_assignment_crew_committed", "crew_id", unique=True, postgresql_where=_COMMITTED_SQL),
        Index("uq_assignment_crew_offered", "crew_id", unique=True, postgresql_where="state = 'offered'"),
        Index("uq_assignment_work_order_live", "work_order_id", unique=True, postgresql_where=_LIVE_SQL),
        Index("ix_assignment_work_order_id", "work_order_id"),
        Index("ix_assignment_crew_id", "crew_id", "offered_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.work_order.id"))
    crew_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.crew.id"))
    state: Mapped[str] = mapped_column(String(20), default=AssignmentState.OFFERED)
    offered_at: Mapped[datetime] = mapped_column(Timestamp)
    expires_at: Mapped[datetime] = mapped_column(Timestamp)
    answered_at: Mapped[datetime | None] = mapped_column(Timestamp)
    en_route_at: Mapped[datetime | None] = mapped_column(Timestamp)
    on_site_at: Mapped[datetime | None] = mapped_column(Timestamp)
    ended_at: Mapped[datetime | None] = mapped_column(Timestamp)
    travel_time_s: Mapped[float | None]
    distance_m: Mapped[float | None]
    straight_line_choice_travel_s: Mapped[float | None]
    """What the trip had taken, had the crew nearest as the crow flies been chosen; shows what road times are worth."""
    decline_reason: Mapped[str | None] = mapped_column(Text)
    is_by_hand: Mapped[bool] = mapped_column(default=False)


class Repeat(Base):
    """A complaint that repeats an earlier one: by what, how many times now, in how many days. Only ever added to."""

    __tablename__ = "repeat"
    __table_args__ = (
        Index("ix_repeat_subject", "key", "subject", "at"),
        Index("ix_repeat_at", "at"),
        {"schema": SCHEMA},
    )

    report_id: Mapped[UUID] = mapped_column(
        ForeignKey(f"{SCHEMA}.incident_report.report_id"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(10), primary_key=True)
    subject: Mapped[str] = mapped_column(String(64))
    """Id of the account, address or main, or the key of the caller."""
    earlier_report_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.incident_report.report_id"))
    """The latest that it repeats."""
    times: Mapped[int]
    """How many complaints, this one included; of an asset, how many incidents."""
    window_days: Mapped[int]
    on_closed: Mapped[bool]
    """The earlier one was said to be over when this one came."""
    at: Mapped[datetime] = mapped_column(Timestamp)
    """When it was received."""


class Fault(Base):
    """A closed incident that was a fault of ours, and the assets it counts on. It goes when the incident lives again."""

    __tablename__ = "fault"
    __table_args__ = (
        Index("ix_fault_pipe_id", "pipe_id", "at"),
        Index("ix_fault_zone_id", "zone_id", "at"),
        Index("ix_fault_valve_id", "valve_id", postgresql_where="valve_id IS NOT NULL"),
        {"schema": SCHEMA},
    )

    incident_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.incident.id"), primary_key=True)
    cause: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(Timestamp)
    """When the incident began, or began again."""
    pipe_id: Mapped[UUID | None]
    valve_id: Mapped[UUID | None]
    zone_id: Mapped[UUID | None]


class Rectification(Base):
    """The cure of an asset with repeated faults: one an asset, reopened under its number when the faults come back."""

    __tablename__ = "rectification"
    __table_args__ = (UniqueConstraint("asset_kind", "asset_id"), {"schema": SCHEMA})

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(BigInteger, Identity(start=3001), unique=True)
    asset_kind: Mapped[str] = mapped_column(String(10))
    asset_id: Mapped[UUID]
    """Of a segment, the id of one of its mains: segments are numbered anew with each version of the network."""
    state: Mapped[str] = mapped_column(String(20), default=RectificationState.OPEN)
    failed_measures: Mapped[int] = mapped_column(default=0)
    """How often faults came back after a measure was done."""
    root_cause: Mapped[str | None] = mapped_column(Text)
    measure: Mapped[str | None] = mapped_column(Text)
    owner_id: Mapped[UUID | None]
    """The person responsible for the measure."""
    due_at: Mapped[datetime | None] = mapped_column(Timestamp)
    done_at: Mapped[datetime | None] = mapped_column(Timestamp)
    done_by: Mapped[UUID | None]
    verified_by: Mapped[UUID | None]
    observation_ends_at: Mapped[datetime | None] = mapped_column(Timestamp)
    opened_at: Mapped[datetime] = mapped_column(Timestamp)
    changed_at: Mapped[datetime] = mapped_column(Timestamp)
    closed_at: Mapped[datetime | None] = mapped_column(Timestamp)


class RectificationChange(Base):
    """A step of a rectification: from where to where, who, when, why, and what was said. Only ever added to."""

    __tablename__ = "rectification_change"
    __table_args__ = (
        Index("ix_rectification_change_rectification_id", "rectification_id", "at"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    rectification_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.rectification.id"))
    from_state: Mapped[str | None] = mapped_column(String(20))
    to_state: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(Timestamp)
    by_user_id: Mapped[UUID | None]
    why: Mapped[str] = mapped_column(String(200), default="")
    said: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """The fields this step wrote: root cause, measure, owner, due date. Any: JSON."""


Index(
    "ix_incident_report_place_geography", geography(IncidentReport.__table__.c.place), postgresql_using="gist"
)
