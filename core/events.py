"""Everything the packages tell each other. Read this file first.

Past tense; ids, enums and plain values; no logic; no personal data. An event is a row of `core.outbox`, written in the transaction
of the change it describes. `app/subscriptions.py` says who reacts.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class DeadlineKind(StrEnum):
    """What a deadline is about; `DeadlineReached` carries it."""

    OFFER_EXPIRES = "offer_expires"
    RETRY_ASSIGNMENT = "retry_assignment"
    ARRIVAL_PROMISED = "arrival_promised"
    ESTIMATE_REVIEW = "estimate_review"
    CALLBACK_RETRY = "callback_retry"
    CALLBACK_CLAIM_ENDS = "callback_claim_ends"
    PRESENCE_STALE = "presence_stale"
    SHIFT_STARTS = "shift_starts"
    SHIFT_ENDS = "shift_ends"
    RECTIFICATION_DUE = "rectification_due"
    OBSERVATION_ENDS = "observation_ends"
    ESCALATION_STEP = "escalation_step"
    """An escalation comes near, is due, or climbs; whichever is next."""


class Event:
    """Marks the dataclasses that may be emitted."""


# --- hotline ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReportTaken(Event):
    """Somebody told us something; it is stored."""

    report_id: UUID


@dataclass(frozen=True, slots=True)
class ReportLocated(Event):
    """A report's place on the network is known (at intake, or later by an agent)."""

    report_id: UUID
    report_number: int
    category: str
    lon: float
    lat: float
    pipe_id: UUID
    segment_id: int | None
    zone_id: UUID | None
    confidence: float
    customer_account_id: UUID | None
    caller_key: str
    """Same for the same caller, tells nothing about him: a keyed hash of the phone number, or the report's id."""
    street: str | None
    extent: str
    noticed_at: datetime
    received_at: datetime
    repeat_of: UUID | None


@dataclass(frozen=True, slots=True)
class ReportUnlocated(Event):
    """A report's place could not be found; an agent has to ask."""

    report_id: UUID


@dataclass(frozen=True, slots=True)
class CallbackDue(Event):
    """Somebody must hear back."""

    callback_id: UUID
    report_id: UUID
    incident_id: UUID | None


@dataclass(frozen=True, slots=True)
class CallbackMade(Event):
    """A callback ended: outcome satisfied, dissatisfied, still_without or not_reached (given up)."""

    callback_id: UUID
    report_id: UUID
    incident_id: UUID | None
    outcome: str


# --- dispatch --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IncidentOpened(Event):
    """A first report gave reason to suspect one cause."""

    incident_id: UUID


@dataclass(frozen=True, slots=True)
class ReportAttached(Event):
    """A report belongs to an incident, for a stored reason."""

    report_id: UUID
    incident_id: UUID
    incident_number: int
    decision: str


@dataclass(frozen=True, slots=True)
class AreaOutageSuspected(Event):
    """An incident grew to a cluster or an area."""

    incident_id: UUID
    level: str


@dataclass(frozen=True, slots=True)
class EscalationChanged(Event):
    """An escalation went on: due, overdue, climbed, reported, acknowledged, joined, closed; or pending (raised, or due later again)."""

    escalation_id: UUID
    incident_id: UUID | None
    to_state: str
    role: str
    """Whose turn it is to be told."""


@dataclass(frozen=True, slots=True)
class RingBackNoted(Event):
    """A customer was rung about an incident: where it is broken may be known better."""

    ring_back_id: UUID
    incident_id: UUID
    answer: str


@dataclass(frozen=True, slots=True)
class IncidentStateChanged(Event):
    """An incident went from one state to another by a named transition."""

    incident_id: UUID
    from_state: str
    to_state: str


@dataclass(frozen=True, slots=True)
class IncidentMerged(Event):
    """An incident lives on in another, whose number it now answers to."""

    incident_id: UUID
    into_incident_id: UUID
    into_number: int
    report_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class IncidentUnmerged(Event):
    """A merge was undone: the incident answers for itself again, and took these reports back."""

    incident_id: UUID
    incident_number: int
    report_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class OutageDeclared(Event):
    """These segments are, or will be, without water; said again when the estimate or the extent changes."""

    incident_id: UUID
    incident_number: int
    cause: str
    segment_ids: tuple[int, ...]
    customers: int
    estimate_at: datetime | None
    review_at: datetime | None
    declared_at: datetime
    """When this was decided; older news than what is known is passed over."""


@dataclass(frozen=True, slots=True)
class OutageEnded(Event):
    """The segments of this incident have water again."""

    incident_id: UUID
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class IncidentClosed(Event):
    """It is over; these reports' callers must hear back. `closure_no` counts the closings of a reopened incident."""

    incident_id: UUID
    closure_no: int
    report_ids: tuple[UUID, ...]
    cause: str


@dataclass(frozen=True, slots=True)
class IncidentReopened(Event):
    """A caller still has no water: the incident lives again."""

    incident_id: UUID
    report_id: UUID
    closure_no: int
    """The closing that it undoes."""


@dataclass(frozen=True, slots=True)
class RepeatedComplaint(Event):
    """A customer, an address or a main is complained of again within the window of its matter."""

    incident_id: UUID
    report_id: UUID
    times: int
    window_days: int
    on_closed: bool


@dataclass(frozen=True, slots=True)
class AssetFaultsRepeated(Event):
    """An asset had one more fault, and has too many in its period: it needs more than repairs."""

    asset_kind: str
    asset_id: str
    faults: int
    window_days: int


@dataclass(frozen=True, slots=True)
class WorkOrderCreated(Event):
    """There is a job for the field."""

    work_order_id: UUID
    incident_id: UUID


@dataclass(frozen=True, slots=True)
class WorkOrderCompleted(Event):
    """The field reports the job done, with what was found."""

    work_order_id: UUID
    incident_id: UUID


@dataclass(frozen=True, slots=True)
class WorkOrderCancelled(Event):
    """The job is not needed any more."""

    work_order_id: UUID
    incident_id: UUID


@dataclass(frozen=True, slots=True)
class AssignmentOffered(Event):
    """A crew is asked to take a work order until `expires_at`."""

    assignment_id: UUID
    work_order_id: UUID
    crew_id: UUID
    crew_code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AssignmentChanged(Event):
    """An assignment went on: accepted, declined, expired, withdrawn, en_route, on_site, left_site, released."""

    assignment_id: UUID
    work_order_id: UUID
    crew_id: UUID
    crew_code: str
    to_state: str


# --- tracker ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PresenceChanged(Event):
    """A crew's phone went online, stale or offline, or its shift ended."""

    crew_id: UUID
    state: str


@dataclass(frozen=True, slots=True)
class DeviceCredentialsChanged(Event):
    """A device may, or may no longer, speak to the broker."""

    device_id: UUID


# --- core ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CalendarChanged(Event):
    """Days of a year were edited, or the year was confirmed."""

    year: int


@dataclass(frozen=True, slots=True)
class DeadlineReached(Event):
    """A deadline passed; told once."""

    deadline_id: UUID
    kind: DeadlineKind
    subject_id: UUID
    due_at: datetime
