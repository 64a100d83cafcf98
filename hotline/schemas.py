"""What the hotline's routes take and give. Personal fields leave only through here, each behind its right."""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

import shapely
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from core.auth import Actor
from core.rights import PersonalField
from core.schemas import Wire
from core.text import Line, Prose
from gis.coordinates import LonLat
from gis.schemas import Accuracy, LocationOut, PointIn
from hotline.identity import mask_phone
from hotline.intake import NewReport, Whereabouts, place_of
from hotline.models import (
    Callback,
    CallbackAttempt,
    CallbackOutcome,
    CallbackState,
    Case,
    CaseChange,
    CaseState,
    Category,
    Channel,
    Extent,
    HandOver,
    KnownOutage,
    Report,
    ReportState,
)

T = TypeVar("T")
YEARS = (2000, 2100)


def _of_our_time(moment: datetime) -> datetime:
    if not YEARS[0] <= moment.year < YEARS[1]:
        msg = f"must lie between the years {YEARS[0]} and {YEARS[1]}"
        raise ValueError(msg)
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_of_our_time)]
AccountNo = Annotated[Line, Field(max_length=60)]
Phone = Annotated[Line, Field(max_length=40)]


class Page(BaseModel, Generic[T]):
    """Part of a list, and where the next part begins; null at the end."""

    items: list[T]
    next: str | None


class CallerIn(Wire):
    """Who calls."""

    name: Line | None = None
    phone: Phone | None = None


class WhereaboutsIn(Wire):
    """What a caller says about the place."""

    account_no: AccountNo | None = None
    address_id: UUID | None = None
    """An address that was offered."""
    address_text: Line | None = None
    point: PointIn | None = None
    accuracy_m: Accuracy | None = None
    street: Line | None = None
    """The street the point lies in, where that is known."""

    def whereabouts(self) -> Whereabouts:
        """Convert to what the trade works with: WGS 84, nothing instead of empty words."""
        return Whereabouts(
            account_no=self.account_no or None,
            address_id=self.address_id,
            address_text=self.address_text or None,
            point=self.point.place() if self.point else None,
            accuracy_m=self.accuracy_m,
            street=self.street or None,
            **({"datum": self.point.datum} if self.point else {}),
        )


class ReportIn(WhereaboutsIn):
    """What somebody tells us."""

    client_id: UUID | None = None
    channel: Channel
    category: Category
    description: Prose = ""
    caller: CallerIn = Field(default_factory=CallerIn)
    extent: Extent = Extent.UNKNOWN
    noticed_at: Moment | None = None
    sent_at: Moment | None = None

    def new_report(self) -> NewReport:
        """Convert to what intake takes."""
        return NewReport(
            channel=self.channel,
            category=self.category,
            description=self.description,
            caller_name=self.caller.name or None,
            caller_phone=self.caller.phone or None,
            whereabouts=self.whereabouts(),
            extent=self.extent,
            noticed_at=self.noticed_at,
            client_id=self.client_id,
            source_at=self.sent_at,
        )


class LookupIn(Wire):
    """The number that rings."""

    phone: Annotated[Phone, Field(min_length=1)]


class AnswerIn(Wire):
    """What an agent found out or did."""

    answer: Annotated[Prose, Field(min_length=1)]


class HandOverIn(Wire):
    """Whom the caller was told to turn to: an entry of the directory, and what else was said."""

    entry_id: UUID
    note: Prose = ""


class OutcomeIn(Wire):
    """What a call brought."""

    outcome: CallbackOutcome
    reason: Line = ""
    note: Prose = ""


class CallerOut(BaseModel):
    """Who called; the number masked for those who may not see it."""

    name: str | None
    phone: str | None

    @classmethod
    def of(cls, report: Report, actor: Actor) -> "CallerOut":
        """Show a report's caller."""
        return cls(name=report.caller_name, phone=phone_for(report.caller_phone, actor))


class TriedOut(BaseModel):
    """What did not lead to a place: which indications, why, and a guess too unsure to act on."""

    ways: list[str] = Field(default_factory=list)
    problem: str | None = None
    guess: LocationOut | None = None


class ReportOut(BaseModel):
    """A report as somebody may see it."""

    id: UUID
    number: int
    client_id: UUID | None
    state: ReportState
    channel: Channel
    category: Category
    extent: Extent
    description: str
    caller: CallerOut
    account_no: str | None
    address_text: str | None
    location: LocationOut | None
    tried: TriedOut | None
    case_id: UUID | None
    incident_id: UUID | None
    incident_number: int | None
    repeat_of: UUID | None
    noticed_at: datetime
    received_at: datetime
    located_at: datetime | None

    @classmethod
    def of(cls, report: Report, actor: Actor) -> "ReportOut":
        """Show a report; of a place outside his area somebody sees that it is taken, not where it is or whose."""
        is_his = is_in_area(report, actor)
        sees_address = is_his and actor.sees(PersonalField.ADDRESS)
        return cls(
            id=report.id,
            number=report.number,
            client_id=report.client_id,
            state=ReportState(report.state),
            channel=Channel(report.channel),
            category=Category(report.category),
            extent=Extent(report.extent),
            description=report.description if is_his else "",
            caller=CallerOut.of(report, actor) if is_his else CallerOut(name=None, phone=None),
            account_no=report.account_no if sees_address else None,
            address_text=report.address_text if sees_address else None,
            location=_location(report.location, actor) if is_his else None,
            tried=_tried(report, actor, is_his=is_his),
            case_id=report.case_id,
            incident_id=report.incident_id,
            incident_number=report.incident_number,
            repeat_of=report.repeat_of,
            noticed_at=report.noticed_at,
            received_at=report.received_at,
            located_at=report.located_at,
        )


class HandOverOut(BaseModel):
    """To whom a caller was handed over, in the words and numbers of that day; taken back if it was a mistake."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    entry_id: UUID
    name_zh: str
    name_en: str
    phones: list[str]
    note: str
    at: datetime
    by_user_id: UUID | None
    taken_back_at: datetime | None

    @classmethod
    def of(cls, hand_over: HandOver) -> "HandOverOut":
        """Show a hand-over."""
        return cls.model_validate(hand_over)


class ReportDetailOut(ReportOut):
    """A report with everything that was done about it alone."""

    hand_overs: list[HandOverOut]


class KnownOutageOut(BaseModel):
    """What is dry, and what a caller may be told; no estimate that is past its review."""

    incident_id: UUID
    incident_number: int
    cause: str
    segment_ids: list[int]
    customers: int
    declared_at: datetime
    estimate_at: datetime | None
    review_at: datetime | None
    say: str

    @classmethod
    def of(cls, outage: KnownOutage, *, estimate_at: datetime | None, say: str) -> "KnownOutageOut":
        """Show an outage with the words for it."""
        return cls(
            incident_id=outage.incident_id,
            incident_number=outage.incident_number,
            cause=outage.cause,
            segment_ids=outage.segment_ids,
            customers=outage.customers,
            declared_at=outage.declared_at,
            estimate_at=estimate_at,
            review_at=outage.review_at if estimate_at is not None else None,
            say=say,
        )


class AccountOut(BaseModel):
    """A customer account of a caller."""

    account_no: str
    name: str
    customer_class: str
    address_text: str | None
    location: LocationOut | None


class CallerLookupOut(BaseModel):
    """Who rings: his accounts, what he told us lately, and whether his water is known to be off."""

    phone: str | None
    accounts: list[AccountOut]
    recent_reports: list[ReportOut]
    known_outage: KnownOutageOut | None


class CaseOut(BaseModel):
    """A case."""

    id: UUID
    number: int
    state: CaseState
    category: Category
    owner_id: UUID | None
    is_with_desk: bool
    incident_id: UUID | None
    incident_number: int | None
    opened_at: datetime
    closed_at: datetime | None
    report_ids: list[UUID]

    @classmethod
    def of(cls, case: Case, reports: list[Report]) -> "CaseOut":
        """Show a case."""
        return cls(
            id=case.id,
            number=case.number,
            state=CaseState(case.state),
            category=Category(case.category),
            owner_id=case.owner_id,
            is_with_desk=case.is_with_desk,
            incident_id=case.incident_id,
            incident_number=case.incident_number,
            opened_at=case.opened_at,
            closed_at=case.closed_at,
            report_ids=[report.id for report in reports],
        )


class CaseChangeOut(BaseModel):
    """A step of a case."""

    at: datetime
    from_state: str | None
    to_state: str
    by_user_id: UUID | None
    why: str
    text: str
    note: str

    @classmethod
    def of(cls, change: CaseChange, text: str) -> "CaseChangeOut":
        """Show a step, with its reason in words."""
        return cls(
            at=change.at,
            from_state=change.from_state,
            to_state=change.to_state,
            by_user_id=change.by_user_id,
            why=change.why,
            text=text,
            note=change.note,
        )


class CaseDetailOut(CaseOut):
    """A case with everything in it."""

    reports: list[ReportOut]
    changes: list[CaseChangeOut]


class CallbackOut(BaseModel):
    """Somebody who must hear back, and what to say to him."""

    id: UUID
    state: CallbackState
    outcome: CallbackOutcome | None
    report_id: UUID
    report_number: int
    case_id: UUID | None
    incident_id: UUID | None
    incident_number: int | None
    category: Category
    cause: str | None
    caller: CallerOut
    address_text: str | None
    reason: str
    script: str
    due_at: datetime
    not_before_at: datetime
    attempts: int
    claimed_by: UUID | None
    claimed_at: datetime | None
    ended_at: datetime | None
    ended_why: str | None

    @classmethod
    def of(
        cls, callback: Callback, report: Report, actor: Actor, *, phone: str | None, script: str
    ) -> "CallbackOut":
        """Show a callback; `phone` is the number to call, which may be the customer's."""
        return cls(
            id=callback.id,
            state=CallbackState(callback.state),
            outcome=CallbackOutcome(callback.outcome) if callback.outcome else None,
            report_id=report.id,
            report_number=report.number,
            case_id=callback.case_id,
            incident_id=callback.incident_id,
            incident_number=report.incident_number,
            category=Category(report.category),
            cause=callback.cause,
            caller=CallerOut(name=report.caller_name, phone=phone_for(phone, actor)),
            address_text=_address_of(report) if actor.sees(PersonalField.ADDRESS) else None,
            reason=callback.reason,
            script=script,
            due_at=callback.due_at,
            not_before_at=callback.not_before_at,
            attempts=callback.attempt_count,
            claimed_by=callback.claimed_by,
            claimed_at=callback.claimed_at,
            ended_at=callback.ended_at,
            ended_why=callback.ended_why,
        )


class AttemptOut(BaseModel):
    """One try to reach somebody."""

    at: datetime
    by_user_id: UUID | None
    outcome: CallbackOutcome
    reason: str
    note: str

    @classmethod
    def of(cls, attempt: CallbackAttempt) -> "AttemptOut":
        """Show a try."""
        return cls(
            at=attempt.at,
            by_user_id=attempt.by_user_id,
            outcome=CallbackOutcome(attempt.outcome),
            reason=attempt.reason,
            note=attempt.note,
        )


class CallbackDetailOut(CallbackOut):
    """A callback with everything that was tried."""

    tries: list[AttemptOut]


CallbackFilter = Literal["due", "attempting", "reached", "not_reached", "waived"]


def phone_for(phone: str | None, actor: Actor) -> str | None:
    """Show a number, masked for those who may not see numbers."""
    return phone if actor.sees(PersonalField.PHONE) else mask_phone(phone)


def is_in_area(report: Report, actor: Actor) -> bool:
    """Whether a report is somebody's to see: of his area, if he has one; then an unlocated one is not."""
    if actor.area_wkt is None:
        return True
    return report.location is not None and _is_within(place_of(report), actor.area_wkt)


def location_for(location: LocationOut, actor: Actor) -> LocationOut:
    """Show a place without what somebody may not see: addresses, and what else it might be outside his area."""
    area_wkt = actor.area_wkt
    if area_wkt is not None:
        location.alternatives = [
            other
            for other in location.alternatives
            if _is_within(LonLat(lon=other.point.lon, lat=other.point.lat), area_wkt)
        ]
    if not actor.sees(PersonalField.ADDRESS):
        location.address_text = location.account_no = None
        for other in location.alternatives:
            other.address_text = None
    return location


def _is_within(place: LonLat, area_wkt: str) -> bool:
    return bool(shapely.intersects(_area(area_wkt), place.as_point()))


@lru_cache(maxsize=64)
def _area(area_wkt: str) -> shapely.Geometry:
    return shapely.from_wkt(area_wkt)


def _location(found: dict[str, object] | None, actor: Actor) -> LocationOut | None:
    return None if found is None else location_for(LocationOut.model_validate(found), actor)


def _tried(report: Report, actor: Actor, *, is_his: bool) -> TriedOut | None:
    if report.state == ReportState.LOCATED:
        return None
    tried = TriedOut.model_validate(report.location_tried)
    if tried.guess is not None:
        tried.guess = location_for(tried.guess, actor) if is_his else None
    return tried


def _address_of(report: Report) -> str | None:
    found = report.location["address_text"] if report.location else None
    return report.address_text or found
