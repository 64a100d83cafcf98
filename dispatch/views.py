"""Dispatch as others see it: plain values for pages, maps and phones."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gis.coordinates import LonLat


@dataclass(frozen=True, slots=True)
class ValveStep:
    """A valve of an isolation plan, in its turn."""

    id: UUID
    asset_code: str
    point: LonLat
    order: int


@dataclass(frozen=True, slots=True)
class PlanView:
    """The isolation plan that holds for an incident."""

    pipe_id: UUID
    made_at: datetime
    segment_ids: list[int]
    valves_to_close: list[ValveStep]
    valves_already_closed: list[ValveStep]
    customers: int
    critical_customers: int
    length_m: float


@dataclass(frozen=True, slots=True)
class IncidentSummary:
    """An incident as a line of the queue and a flag on the map."""

    id: UUID
    number: int
    kind: str
    state: str
    level: str
    priority: int
    point: LonLat
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
    """When water is expected; empty once it, or its time of review, has passed."""
    review_at: datetime | None
    closed_at: datetime | None
    cause: str | None
    due_at: datetime | None
    """Earliest promised arrival of open work whose crew is not there yet."""
    crew_codes: list[str]
    """Crews bound to its work."""


@dataclass(frozen=True, slots=True)
class AttachedReport:
    """A report of an incident and why it is there."""

    report_id: UUID
    report_number: int
    category: str
    point: LonLat
    segment_id: int | None
    received_at: datetime
    attached_at: datetime
    confidence: float
    """How sure its place on the network is."""
    decision: str
    came_from_number: int | None
    """The incident it belonged to at first, where that is another."""
    reason: str
    """In the reader's language."""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One step of an incident, of its work or of its crews."""

    at: datetime
    subject: str
    subject_id: UUID
    from_state: str | None
    to_state: str
    what: str
    """In the reader's language."""
    by_user_id: UUID | None
    by_crew_id: UUID | None
    who: str | None
    why: str


@dataclass(frozen=True, slots=True)
class AssignmentView:
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


@dataclass(frozen=True, slots=True)
class WorkOrderView:
    """A work order and all who were asked for it, latest first."""

    id: UUID
    number: int
    kind: str
    state: str
    priority: int
    incident_id: UUID
    incident_number: int
    point: LonLat
    street: str | None
    skills: list[str]
    created_at: datetime
    arrive_by_at: datetime
    ended_at: datetime | None
    is_late: bool
    """Promised arrival has passed and nobody was there in time."""
    finding: dict[str, Any] | None  # Any: JSON
    crew_code: str | None
    """The crew whose assignment counts now, or counted last."""
    assignment_state: str | None
    assignments: list[AssignmentView]


@dataclass(frozen=True, slots=True)
class IncidentDetail:
    """Everything about one incident."""

    summary: IncidentSummary
    merged_into_id: UUID | None
    merged_into_number: int | None
    split_from_id: UUID | None
    also_numbers: list[int]
    """Old numbers it answers to."""
    reports: list[AttachedReport]
    timeline: list[TimelineEntry]
    plan: PlanView | None
    work_orders: list[WorkOrderView]


@dataclass(frozen=True, slots=True)
class CrewJob:
    """A job as the crew's phone shows it; no caller in it."""

    assignment_id: UUID
    state: str
    offered_at: datetime
    expires_at: datetime
    en_route_at: datetime | None
    on_site_at: datetime | None
    travel_time_s: float | None
    distance_m: float | None
    is_by_hand: bool
    work_order_id: UUID
    work_order_number: int
    work_order_state: str
    kind: str
    priority: int
    arrive_by_at: datetime
    place: LonLat
    street: str | None
    description: str
    """What is known, in the language asked for."""
    incident_id: UUID
    incident_number: int
    incident_kind: str
    pipe_id: UUID | None
    valves: list[ValveStep]
    customers_without_water: int


@dataclass(frozen=True, slots=True)
class CrewJobRef:
    """What a crew is at, for lists and maps."""

    assignment_id: UUID
    state: str
    work_order_id: UUID
    work_order_number: int
    incident_id: UUID
    incident_number: int
    travel_time_s: float | None
    distance_m: float | None
    started_at: datetime | None
    """When the crew set out; empty before."""
    place: LonLat


@dataclass(frozen=True, slots=True)
class CrewSummary:
    """A crew: where it is, whether it is there, what it is at."""

    crew_id: UUID
    code: str
    name: str
    skills: list[str]
    is_active: bool
    is_on_shift: bool
    shift_ends_at: datetime | None
    presence: str
    status: str
    """free, offered, accepted, en_route, on_site or off_duty."""
    point: LonLat | None
    recorded_at: datetime | None
    accuracy_m: float | None
    course_deg: float | None
    speed_mps: float | None
    job: CrewJobRef | None
