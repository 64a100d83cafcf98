"""Rules of escalation in all their versions, escalations, and every step of each."""

from datetime import datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, Time, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, new_id
from dispatch.models import SCHEMA, Timestamp


class Trigger(StrEnum):
    """What a rule is about."""

    CLUSTER = "cluster"
    AREA = "area"
    ZONE = "zone"
    REPEAT = "repeat"
    ASSET_FAULTS = "asset_faults"


class TermUnit(StrEnum):
    """In what a term is counted."""

    WORKING_DAY = "working_day"
    HOUR = "hour"


class Proof(StrEnum):
    """What shows that the recipient was told."""

    REPORT = "report"
    """Who told him, when, how, in what words."""
    ACKNOWLEDGEMENT = "acknowledgement"
    """He says so himself."""


class Closure(StrEnum):
    """What ends an escalation."""

    TOLD_AND_OVER = "told_and_over"
    """The incident is over and there is proof; one never reported stays."""
    TOLD = "told"
    OVER = "over"
    """The incident is over, told or not."""


class ReportedHow(StrEnum):
    """How the recipient was told."""

    IN_PERSON = "in_person"
    PHONE = "phone"
    MESSAGE = "message"
    IN_WRITING = "in_writing"


class EscalationState(StrEnum):
    """Where an escalation stands."""

    PENDING = "pending"
    DUE = "due"
    """Its last day, or the last quarter of its hours, has begun."""
    OVERDUE = "overdue"
    CLIMBED = "climbed"
    """Overdue, and now for the next of its ladder."""
    REPORTED = "reported"
    ACKNOWLEDGED = "acknowledged"
    JOINED = "joined"
    """Its incident was merged into one with an escalation by the same rule, which keeps the earlier deadline."""
    CLOSED = "closed"


_LIVE_SQL = "closed_at IS NULL AND joined_into_id IS NULL"


class EscalationRule(Base):
    """One version of a rule. Never overwritten: what it says anew is the next version."""

    __tablename__ = "escalation_rule"
    __table_args__ = (
        Index("uq_escalation_rule_version", "code", "version", unique=True),
        Index("uq_escalation_rule_current", "code", unique=True, postgresql_where="superseded_at IS NULL"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(40))
    """The rule's name through all its versions."""
    version: Mapped[int]
    trigger: Mapped[str] = mapped_column(String(20))
    times_min: Mapped[int | None]
    """Complaints or faults that make a repeat; for levels, triage knows what makes one."""
    window_days: Mapped[int | None]
    n: Mapped[int]
    unit: Mapped[str] = mapped_column(String(20))
    cut_off: Mapped[time | None] = mapped_column(Time)
    """Hour of the last working day by the utility's clocks; empty: its end."""
    counts_trigger_day: Mapped[bool] = mapped_column(default=False)
    recipient_role: Mapped[str] = mapped_column(String(60))
    deputy_role: Mapped[str | None] = mapped_column(String(60))
    ladder: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    """Who is next when it is overdue, rung by rung: role, n, unit. Any: JSON, read by `rules.rungs_of`."""
    proof: Mapped[str] = mapped_column(String(20))
    closure: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(Text, default="")
    """The words of whoever ordered it."""
    is_active: Mapped[bool] = mapped_column(default=True)
    made_at: Mapped[datetime] = mapped_column(Timestamp)
    made_by: Mapped[UUID | None]
    superseded_at: Mapped[datetime | None] = mapped_column(Timestamp)


class Escalation(Base):
    """Somebody must be told of an incident, or of an asset, by a rule."""

    __tablename__ = "escalation"
    __table_args__ = (
        Index(
            "uq_escalation_incident",
            "rule_code",
            "incident_id",
            unique=True,
            postgresql_where=f"{_LIVE_SQL} AND incident_id IS NOT NULL",
        ),
        Index(
            "uq_escalation_asset",
            "rule_code",
            "asset_kind",
            "asset_id",
            unique=True,
            postgresql_where=f"{_LIVE_SQL} AND asset_id IS NOT NULL",
        ),
        Index("ix_escalation_live", "due_at", postgresql_where=_LIVE_SQL),
        CheckConstraint("(incident_id IS NULL) <> (asset_id IS NULL)", name="one_subject"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    rule_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.escalation_rule.id"), index=True)
    rule_code: Mapped[str] = mapped_column(String(40))
    incident_id: Mapped[UUID | None] = mapped_column(ForeignKey(f"{SCHEMA}.incident.id"), index=True)
    raised_for_id: Mapped[UUID | None] = mapped_column(ForeignKey(f"{SCHEMA}.incident.id"), index=True)
    """The incident it was raised for at first; merging changes `incident_id` only."""
    asset_kind: Mapped[str | None] = mapped_column(String(40))
    asset_id: Mapped[str | None] = mapped_column(String(80))
    clock_start: Mapped[datetime] = mapped_column(Timestamp)
    """When what triggered it happened."""
    own_due_at: Mapped[datetime] = mapped_column(Timestamp)
    """By its own clock; those joined to it may be due earlier."""
    due_at: Mapped[datetime] = mapped_column(Timestamp)
    near_at: Mapped[datetime] = mapped_column(Timestamp)
    is_confirmed: Mapped[bool]
    """The calendar it was counted by is confirmed."""
    state: Mapped[str] = mapped_column(String(20), default=EscalationState.PENDING)
    role: Mapped[str] = mapped_column(String(60))
    """Whose turn it is to be told."""
    rung: Mapped[int] = mapped_column(default=0)
    """Rungs of the ladder it has climbed."""
    climbs_at: Mapped[datetime | None] = mapped_column(Timestamp)
    at_trigger: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What was known then; see `snapshot.py`. Any: JSON."""
    reported_at: Mapped[datetime | None] = mapped_column(Timestamp)
    reported_by: Mapped[UUID | None]
    reported_to: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    """Who held the role then."""
    reported_how: Mapped[str | None] = mapped_column(String(20))
    reported_words: Mapped[str | None] = mapped_column(Text)
    at_report: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    acknowledged_at: Mapped[datetime | None] = mapped_column(Timestamp)
    acknowledged_by: Mapped[UUID | None]
    acknowledged_words: Mapped[str | None] = mapped_column(Text)
    closed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    joined_into_id: Mapped[UUID | None] = mapped_column(ForeignKey(f"{SCHEMA}.escalation.id"), index=True)

    rule: Mapped[EscalationRule] = relationship(lazy="joined", innerjoin=True, viewonly=True)


class EscalationChange(Base):
    """A step of an escalation, or a deadline counted anew. Only ever added to."""

    __tablename__ = "escalation_change"
    __table_args__ = (Index("ix_escalation_change", "escalation_id", "at"), {"schema": SCHEMA})

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    escalation_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.escalation.id"))
    at: Mapped[datetime] = mapped_column(Timestamp)
    from_state: Mapped[str | None] = mapped_column(String(20))
    to_state: Mapped[str] = mapped_column(String(20))
    role: Mapped[str] = mapped_column(String(60))
    due_before: Mapped[datetime | None] = mapped_column(Timestamp)
    due_at: Mapped[datetime] = mapped_column(Timestamp)
    by_user_id: Mapped[UUID | None]
    why: Mapped[str] = mapped_column(Text, default="")
    """A key of the catalogues when the system took the step, else somebody's words."""
