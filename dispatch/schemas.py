"""What dispatch's routes take and give."""

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core.messages import say
from core.schemas import Wire
from core.text import Line
from dispatch.duplicates.suggestions import Suggestion
from dispatch.models import Cause, Crew, IncidentKind, RepeatKey, Shift, Skill, WorkOrderKind
from dispatch.ranking import CrewDistance, RankedCrew
from dispatch.repeats import RepeatOffender, RepeatView
from dispatch.views import (
    AttachedReport,
    IncidentDetail,
    IncidentSummary,
    PlanView,
    TimelineEntry,
    ValveStep,
    WorkOrderView,
)
from gis.coordinates import LonLat, geojson_line
from gis.schemas import PointIn, PointOut
from tracker.schemas import PresenceName

T = TypeVar("T")
CategoryName = Literal["no_water", "low_pressure", "leak", "water_quality", "other"]


class Page(BaseModel, Generic[T]):
    """A part of a list; `next` is the cursor of the following part."""

    items: list[T]
    next: str | None = None


class _View(BaseModel):
    """Root of what is read from dispatch's plain values."""

    model_config = ConfigDict(from_attributes=True)


# --- incidents -------------------------------------------------------------------------------------------------------------


class PlaceOut(BaseModel):
    """Where it is."""

    point: PointOut
    street: str | None


class IncidentOut(_View):
    """An incident as a line of the queue."""

    id: UUID
    number: int
    kind: str
    state: str
    level: str
    priority: int
    point: PointOut
    street: str | None
    pipe_id: UUID | None
    segment_ids: list[int]
    zone_id: UUID | None
    report_count: int
    customer_count: int
    customers_without_water: int
    critical_customers: int
    opened_at: datetime
    last_report_at: datetime
    changed_at: datetime
    estimate_at: datetime | None
    review_at: datetime | None
    closed_at: datetime | None
    cause: str | None
    due_at: datetime | None
    crew_codes: list[str]

    @classmethod
    def of(cls, summary: IncidentSummary) -> "IncidentOut":
        """Write an incident down."""
        return cls.model_validate(summary)


class AttachedReportOut(_View):
    """A report of an incident and why it is there, in the reader's language."""

    report_id: UUID
    report_number: int
    category: str
    point: PointOut
    segment_id: int | None
    received_at: datetime
    attached_at: datetime
    confidence: float
    """How sure its place on the network is."""
    decision: str
    came_from_number: int | None
    """The incident it belonged to at first, where that is another."""
    reason: str

    @classmethod
    def of(cls, report: AttachedReport) -> "AttachedReportOut":
        """Write a report of an incident down."""
        return cls.model_validate(report)


class TimelineEntryOut(_View):
    """One step, in the reader's language."""

    at: datetime
    subject: str
    subject_id: UUID
    from_state: str | None
    to_state: str
    what: str
    who: str | None
    why: str

    @classmethod
    def of(cls, entry: TimelineEntry) -> "TimelineEntryOut":
        """Write a step down."""
        return cls.model_validate(entry)


class ValveOut(_View):
    """A valve of a plan, in its turn."""

    id: UUID
    asset_code: str
    point: PointOut
    order: int

    @classmethod
    def of(cls, valve: ValveStep) -> "ValveOut":
        """Write a valve down."""
        return cls.model_validate(valve)


class PlanOut(_View):
    """What to shut, and who goes dry."""

    pipe_id: UUID
    made_at: datetime
    segment_ids: list[int]
    valves_to_close: list[ValveOut]
    valves_already_closed: list[ValveOut]
    customers: int
    critical_customers: int
    length_m: float

    @classmethod
    def of(cls, plan: PlanView) -> "PlanOut":
        """Write a plan down."""
        return cls.model_validate(plan)


class AssignmentOut(_View):
    """A crew asked for, or bound to, a work order."""

    id: UUID
    crew_id: UUID
    crew_code: str
    crew_name: str
    state: str
    offered_at: datetime
    expires_at: datetime
    answered_at: datetime | None
    en_route_at: datetime | None
    on_site_at: datetime | None
    ended_at: datetime | None
    travel_time_s: float | None
    distance_m: float | None
    straight_line_choice_travel_s: float | None
    is_by_hand: bool
    decline_reason: str | None


class WorkOrderOut(_View):
    """A work order and all who were asked for it, latest first."""

    id: UUID
    number: int
    kind: str
    state: str
    priority: int
    incident_id: UUID
    incident_number: int
    point: PointOut
    street: str | None
    skills: list[str]
    created_at: datetime
    arrive_by_at: datetime
    ended_at: datetime | None
    is_late: bool
    finding: dict[str, Any] | None  # Any: JSON as the field wrote it
    crew_code: str | None
    assignment_state: str | None
    assignments: list[AssignmentOut]

    @classmethod
    def of(cls, order: WorkOrderView) -> "WorkOrderOut":
        """Write a work order down."""
        return cls.model_validate(order)


class IncidentDetailOut(IncidentOut):
    """Everything about one incident."""

    place: PlaceOut
    merged_into_id: UUID | None
    merged_into_number: int | None
    split_from_id: UUID | None
    also_numbers: list[int]
    reports: list[AttachedReportOut]
    timeline: list[TimelineEntryOut]
    plan: PlanOut | None
    work_orders: list[WorkOrderOut]

    @classmethod
    def of_detail(cls, detail: IncidentDetail) -> "IncidentDetailOut":
        """Write everything down."""
        summary = IncidentOut.of(detail.summary)
        return cls(
            **summary.model_dump(),
            place=PlaceOut(point=summary.point, street=summary.street),
            merged_into_id=detail.merged_into_id,
            merged_into_number=detail.merged_into_number,
            split_from_id=detail.split_from_id,
            also_numbers=detail.also_numbers,
            reports=[AttachedReportOut.of(one) for one in detail.reports],
            timeline=[TimelineEntryOut.of(one) for one in detail.timeline],
            plan=PlanOut.of(detail.plan) if detail.plan else None,
            work_orders=[WorkOrderOut.of(one) for one in detail.work_orders],
        )


class ConfirmIn(Wire):
    """That it is real, and what it is if that is known better."""

    kind: IncidentKind | None = None


class WhyIn(Wire):
    """Why somebody decides so."""

    why: Annotated[Line, Field(min_length=1)]


class CloseIn(Wire):
    """What it was, and why it is over."""

    cause: Cause = Cause.OTHER
    why: Annotated[Line, Field(min_length=1)]


class MergeIn(Wire):
    """The incident it is one with; the older of the two goes on."""

    into_incident_id: UUID


class SplitIn(Wire):
    """The reports that are about something else."""

    report_ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)]


# --- what is probably known already ---------------------------------------------------------------------------------------


class DuplicatesIn(Wire):
    """What is known of a report while it is being taken: its place as it was located."""

    category: CategoryName
    point: PointIn
    segment_id: int | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] = 1.0
    account_no: Line | None = None


class DuplicateOut(BaseModel):
    """An incident that the report is probably about, by the likeliest of its reports."""

    incident_id: UUID
    incident_number: int
    kind: str
    state: str
    level: str
    street: str | None
    point: PointOut
    report_count: int
    customers_without_water: int
    estimate_at: datetime | None
    report_number: int
    category: str
    distance_m: float
    valves: int | None
    """Between the two segments: 0 in the same one; null where they are far apart or not known."""
    is_same_customer: bool
    age_s: float
    odds: float
    """How many times likelier the same matter than chance."""
    where: str
    reason: str

    @classmethod
    def of(cls, one: Suggestion, *, category: str, language: str) -> "DuplicateOut":
        """Write a suggestion down."""
        return cls(
            incident_id=one.incident.id,
            incident_number=one.incident.number,
            kind=one.incident.kind,
            state=one.incident.state,
            level=one.incident.level,
            street=one.incident.street,
            point=PointOut.of(one.incident.point),
            report_count=one.incident.report_count,
            customers_without_water=one.incident.customers_without_water,
            estimate_at=one.incident.estimate_at,
            report_number=one.report_number,
            category=one.category,
            distance_m=round(one.distance_m, 1),
            valves=one.valves,
            is_same_customer=one.is_same_customer,
            age_s=round(one.age.total_seconds(), 1),
            odds=float(f"{one.odds:.2g}"),
            where=one.where(language),
            reason=one.reason(language, category=category),
        )


# --- crews for an incident --------------------------------------------------------------------------------------------------


class LineStringOut(BaseModel):
    """A GeoJSON line, longitude first (RFC 7946)."""

    type: Literal["LineString"]
    coordinates: list[tuple[float, float]]

    @classmethod
    def of(cls, points: tuple[LonLat, ...]) -> "LineStringOut":
        """Write a line down."""
        return cls.model_validate(geojson_line(points))


class RankedCrewOut(BaseModel):
    """A crew in its place on the list; the reason tells why it cannot be asked."""

    crew_id: UUID
    code: str
    name: str
    travel_time_s: float | None
    distance_m: float | None
    straight_line_m: float | None
    eligible: bool
    reason_code: str | None
    reason: str | None
    position_age_s: float | None
    route: LineStringOut | None

    @classmethod
    def of(cls, crew: RankedCrew, *, language: str) -> "RankedCrewOut":
        """Write a ranked crew down."""
        return cls(
            crew_id=crew.crew_id,
            code=crew.code,
            name=crew.name,
            travel_time_s=crew.travel_time_s,
            distance_m=crew.distance_m,
            straight_line_m=crew.straight_line_m,
            eligible=crew.is_eligible,
            reason_code=crew.reason,
            reason=_reason(crew, language),
            position_age_s=crew.position_age_s,
            route=LineStringOut.of(crew.route) if crew.route else None,
        )


class CrewDistanceOut(BaseModel):
    """How far a crew is from a place: seconds and metres by road where there is a way, as the crow flies where its place is known."""

    crew_id: UUID
    code: str
    name: str
    is_on_shift: bool
    presence: PresenceName | None
    """Whether its phone is there; null when it was never heard."""
    bound_state: str | None
    """State of the work offered to it or binding it."""
    bound_order_number: int | None
    point: PointOut | None
    position_age_s: float | None
    is_stale: bool
    """Whether the fix is too old to be believed, or missing."""
    travel_time_s: float | None
    distance_m: float | None
    straight_line_m: float | None

    @classmethod
    def of(cls, one: CrewDistance, *, stale_s: float) -> "CrewDistanceOut":
        """Write a crew's distance down."""
        crew = one.crew
        age_s = crew.position_age_s
        return cls(
            crew_id=crew.crew_id,
            code=crew.code,
            name=crew.name,
            is_on_shift=crew.is_on_shift,
            presence=crew.presence.value if crew.presence else None,
            bound_state=crew.bound_state,
            bound_order_number=crew.bound_order_number,
            point=PointOut.of(crew.point) if crew.point else None,
            position_age_s=None if age_s is None else round(age_s, 1),
            is_stale=age_s is None or age_s > stale_s,
            travel_time_s=round(one.travel.seconds, 1) if one.travel else None,
            distance_m=round(one.travel.metres, 1) if one.travel else None,
            straight_line_m=None if one.straight_line_m is None else round(one.straight_line_m, 1),
        )


def _reason(crew: RankedCrew, language: str) -> str | None:
    if crew.reason is None:
        return None
    values = dict(crew.reason_values)
    if "skills" in values:
        values["skills"] = ", ".join(say(f"dispatch.skill.{skill}", language) for skill in values["skills"])
    return say(f"dispatch.reason.{crew.reason}", language, **values)


class RankedCrewsOut(BaseModel):
    """All crews for a place, in the order in which to ask them."""

    ranked: list[RankedCrewOut]


class RepeatOut(_View):
    """A complaint that repeats an earlier one."""

    report_id: UUID
    report_number: int
    earlier_report_id: UUID
    earlier_report_number: int
    key: RepeatKey
    subject: str
    label: str | None
    times: int
    window_days: int
    on_closed: bool
    at: datetime
    category: str
    incident_id: UUID
    incident_number: int
    incident_state: str
    point: PointOut
    street: str | None

    @classmethod
    def of(cls, repeat: RepeatView) -> "RepeatOut":
        """Write a repeat down."""
        return cls.model_validate(repeat)


class RepeatOffenderOut(_View):
    """Who or what was complained of again and again."""

    key: RepeatKey
    subject: str
    label: str | None
    repeats: int
    on_closed: int
    times: int
    first_at: datetime
    last_at: datetime
    latest: RepeatOut

    @classmethod
    def of(cls, offender: RepeatOffender) -> "RepeatOffenderOut":
        """Write a repeat offender down."""
        return cls.model_validate(offender)


# --- work orders -----------------------------------------------------------------------------------------------------------


class WorkOrderIn(Wire):
    """What the field is to do."""

    kind: WorkOrderKind


class OfferIn(Wire):
    """The crew to ask."""

    crew_id: UUID


# --- crews and shifts ------------------------------------------------------------------------------------------------------


class CrewIn(Wire):
    """A new crew; its code is also its phone's name at the broker."""

    code: Annotated[Line, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_.-]+$")]
    name: Annotated[Line, Field(min_length=1, max_length=120)]
    skills: Annotated[list[Skill], Field(min_length=1, max_length=len(Skill))]
    depot: PointIn | None = None


class CrewOut(BaseModel):
    """A crew."""

    id: UUID
    code: str
    name: str
    skills: list[str]
    depot: PointOut | None
    is_active: bool
    on_shift_until: datetime | None

    @classmethod
    def of(cls, crew: Crew, shift: Shift | None) -> "CrewOut":
        """Write a crew down."""
        return cls(
            id=crew.id,
            code=crew.code,
            name=crew.name,
            skills=list(crew.skills),
            depot=PointOut.of(LonLat.from_stored(crew.depot)) if crew.depot is not None else None,
            is_active=crew.is_active,
            on_shift_until=shift.ends_at if shift else None,
        )


class ShiftIn(Wire):
    """When a crew is on duty."""

    crew_id: UUID
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class ShiftOut(_View):
    """A crew's span of duty."""

    id: UUID
    crew_id: UUID
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, shift: Shift) -> "ShiftOut":
        """Write a shift down."""
        return cls.model_validate(shift)


class DeviceOut(_View):
    """How a crew's phone speaks to the broker; shown this once."""

    mqtt_username: str
    mqtt_password: str
