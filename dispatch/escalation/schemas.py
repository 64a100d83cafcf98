"""What the routes of escalations take and give."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from core.messages import say
from core.schemas import Wire
from core.text import Line, Prose
from dispatch.escalation import rules, snapshot
from dispatch.escalation.models import (
    Closure,
    Escalation,
    EscalationChange,
    EscalationRule,
    EscalationState,
    Proof,
    ReportedHow,
    TermUnit,
    Trigger,
)
from dispatch.escalation.rules import RuleText, Rung, Term, role_word
from dispatch.escalation.steps import WHY
from dispatch.models import Incident


def _of_the_clock(value: time) -> time:
    if value.tzinfo is not None:
        msg = "is a time of the utility's own clocks; leave the zone out"
        raise ValueError(msg)
    return value


Role = Annotated[Line, Field(min_length=1, max_length=60)]
Words = Annotated[Prose, Field(min_length=1)]
Names = Mapping[UUID | None, str]


class EscalationReportIn(Wire):
    """How the recipient was told, and in what words."""

    how: ReportedHow
    words: Words


class AcknowledgeIn(Wire):
    """What the recipient says to it."""

    words: Prose = ""


class CloseEscalationIn(Wire):
    """Why nothing needs to be told any more."""

    why: Words


class RungIn(Wire):
    """Who is next, and how long after it was overdue; 0: at once."""

    role: Role
    n: Annotated[int, Field(ge=0, le=240)]
    unit: TermUnit


class RuleIn(Wire):
    """A rule as it is to be from now on."""

    code: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$")]
    trigger: Trigger
    times_min: Annotated[int, Field(ge=2, le=100)] | None = None
    window_days: Annotated[int, Field(ge=1, le=3660)] | None = None
    n: Annotated[int, Field(ge=1, le=240)]
    unit: TermUnit
    cut_off: Annotated[time, AfterValidator(_of_the_clock)] | None = None
    counts_trigger_day: bool = False
    recipient_role: Role
    deputy_role: Role | None = None
    ladder: Annotated[list[RungIn], Field(default_factory=list, max_length=5)]
    proof: Proof = Proof.REPORT
    closure: Closure = Closure.TOLD_AND_OVER
    source: Prose = ""
    is_active: bool = True

    def said(self) -> RuleText:
        """Give it in the trade's own terms."""
        return RuleText(
            code=self.code,
            trigger=self.trigger,
            times_min=self.times_min,
            window_days=self.window_days,
            term=Term(self.n, self.unit, self.cut_off, self.counts_trigger_day),
            recipient_role=self.recipient_role,
            deputy_role=self.deputy_role,
            ladder=[Rung(one.role, one.n, one.unit) for one in self.ladder],
            proof=self.proof,
            closure=self.closure,
            source=self.source,
            is_active=self.is_active,
        )


class RungOut(BaseModel):
    """A rung of a ladder."""

    role: str
    n: int
    unit: TermUnit


class RuleOut(BaseModel):
    """A version of a rule, also in words."""

    id: UUID
    code: str
    version: int
    words: str
    trigger: Trigger
    times_min: int | None
    window_days: int | None
    n: int
    unit: TermUnit
    cut_off: time | None
    counts_trigger_day: bool
    recipient_role: str
    deputy_role: str | None
    ladder: list[RungOut]
    proof: Proof
    closure: Closure
    source: str
    is_active: bool
    made_at: datetime
    made_by: str | None
    superseded_at: datetime | None

    @classmethod
    def of(cls, rule: EscalationRule, *, names: Names, language: str) -> "RuleOut":
        """Write a rule down."""
        return cls(
            id=rule.id,
            code=rule.code,
            version=rule.version,
            words=rules.in_words(rule, language),
            trigger=Trigger(rule.trigger),
            times_min=rule.times_min,
            window_days=rule.window_days,
            n=rule.n,
            unit=TermUnit(rule.unit),
            cut_off=rule.cut_off,
            counts_trigger_day=rule.counts_trigger_day,
            recipient_role=rule.recipient_role,
            deputy_role=rule.deputy_role,
            ladder=[RungOut(role=one.role, n=one.n, unit=one.unit) for one in rules.rungs_of(rule)],
            proof=Proof(rule.proof),
            closure=Closure(rule.closure),
            source=rule.source,
            is_active=rule.is_active,
            made_at=rule.made_at,
            made_by=names.get(rule.made_by),
            superseded_at=rule.superseded_at,
        )


class RoleNameOut(BaseModel):
    """A role that can be told, and its name in the reader's language."""

    role: str
    word: str

    @classmethod
    def of(cls, role: str, language: str) -> "RoleNameOut":
        """Write a role down."""
        return cls(role=role, word=role_word(role, language))


class RulesOut(BaseModel):
    """The rules as they stand, and the roles one can choose from."""

    items: list[RuleOut]
    roles: list[RoleNameOut]


class RehearsedOut(BaseModel):
    """An escalation that a rule would have raised."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    due_at: datetime
    is_confirmed: bool
    incident_id: UUID | None
    incident_number: int | None
    asset_kind: str | None
    asset_id: str | None


class WorkThenOut(BaseModel):
    """What the field was doing."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    kind: str
    state: str
    crew_code: str | None
    on_site_at: datetime | None


class IncidentThenOut(BaseModel):
    """An incident as it was."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    number: int
    kind: str
    state: str
    level: str
    calls: int
    customers: int
    customers_without_water: int
    critical_customers: int
    streets: list[str]
    segment_ids: list[int]
    opened_at: datetime
    last_report_at: datetime
    estimate_at: datetime | None
    closed_at: datetime | None
    cause: str | None
    work: list[WorkThenOut]


class SnapshotOut(BaseModel):
    """What there was to tell at a moment."""

    model_config = ConfigDict(from_attributes=True)

    taken_at: datetime
    incident: IncidentThenOut | None
    times: int | None
    window_days: int | None
    is_on_closed: bool

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "SnapshotOut":  # Any: a snapshot's JSON
        """Write a snapshot down."""
        return cls.model_validate(snapshot.read(stored))


class EscalationOut(BaseModel):
    """An escalation as a line of the list."""

    id: UUID
    rule_code: str
    rule_version: int
    trigger: Trigger
    state: EscalationState
    incident_id: UUID | None
    incident_number: int | None
    incident_kind: str | None
    incident_level: str | None
    incident_is_over: bool
    street: str | None
    asset_kind: str | None
    asset_id: str | None
    clock_start: datetime
    due_at: datetime
    is_confirmed: bool
    """Whether the calendar that the deadline was counted by is confirmed."""
    role: str
    role_word: str
    rung: int
    climbs_at: datetime | None
    reported_at: datetime | None
    reported_by: str | None
    reported_how: ReportedHow | None
    is_reported_late: bool
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    closed_at: datetime | None

    @classmethod
    def of(
        cls, row: Escalation, incident: Incident | None, *, names: Names, language: str
    ) -> "EscalationOut":
        """Write an escalation down."""
        return cls.model_validate(_line(row, incident, names=names, language=language))


class EscalationStepOut(BaseModel):
    """A step of an escalation, in the reader's language."""

    at: datetime
    from_state: EscalationState | None
    to_state: EscalationState
    role_word: str
    who: str | None
    why: str
    due_before: datetime | None
    due_at: datetime

    @classmethod
    def of(cls, row: EscalationChange, *, names: Names, language: str) -> "EscalationStepOut":
        """Write a step down."""
        return cls(
            at=row.at,
            from_state=EscalationState(row.from_state) if row.from_state else None,
            to_state=EscalationState(row.to_state),
            role_word=role_word(row.role, language),
            who=names.get(row.by_user_id),
            why=say(row.why, language) if row.why.startswith(WHY) else row.why,
            due_before=row.due_before,
            due_at=row.due_at,
        )


class EscalationDetailOut(EscalationOut):
    """Everything about an escalation: its rule in words, who is to be told, what was known, what was done."""

    rule_words: str
    proof: Proof
    recipients: list[str]
    """Who is to be told now."""
    is_for_reader: bool
    reported_to: list[str]
    reported_words: str | None
    acknowledged_words: str | None
    at_trigger: SnapshotOut
    at_report: SnapshotOut | None
    joined_into_id: UUID | None
    history: list[EscalationStepOut]

    @classmethod
    def of_detail(
        cls,
        row: Escalation,
        incident: Incident | None,
        *,
        recipients: list[str],
        is_for_reader: bool,
        history: list[EscalationChange],
        names: Names,
        language: str,
    ) -> "EscalationDetailOut":
        """Write an escalation down with all that belongs to it."""
        return cls.model_validate(
            _line(row, incident, names=names, language=language)
            | {
                "rule_words": rules.in_words(row.rule, language),
                "proof": row.rule.proof,
                "recipients": recipients,
                "is_for_reader": is_for_reader,
                "reported_to": [names[one] for one in row.reported_to if one in names],
                "reported_words": row.reported_words,
                "acknowledged_words": row.acknowledged_words,
                "at_trigger": SnapshotOut.of(row.at_trigger),
                "at_report": SnapshotOut.of(row.at_report) if row.at_report else None,
                "joined_into_id": row.joined_into_id,
                "history": [EscalationStepOut.of(one, names=names, language=language) for one in history],
            }
        )


def _line(row: Escalation, incident: Incident | None, *, names: Names, language: str) -> dict[str, object]:
    return {
        "id": row.id,
        "rule_code": row.rule_code,
        "rule_version": row.rule.version,
        "trigger": row.rule.trigger,
        "state": row.state,
        "incident_id": row.incident_id,
        "incident_number": incident.number if incident else None,
        "incident_kind": incident.kind if incident else None,
        "incident_level": incident.level if incident else None,
        "incident_is_over": incident is not None and incident.closed_at is not None,
        "street": incident.street if incident else None,
        "asset_kind": row.asset_kind,
        "asset_id": row.asset_id,
        "clock_start": row.clock_start,
        "due_at": row.due_at,
        "is_confirmed": row.is_confirmed,
        "role": row.role,
        "role_word": role_word(row.role, language),
        "rung": row.rung,
        "climbs_at": row.climbs_at,
        "reported_at": row.reported_at,
        "reported_by": names.get(row.reported_by),
        "reported_how": row.reported_how,
        "is_reported_late": row.reported_at is not None and row.reported_at > row.due_at,
        "acknowledged_at": row.acknowledged_at,
        "acknowledged_by": names.get(row.acknowledged_by),
        "closed_at": row.closed_at,
    }
