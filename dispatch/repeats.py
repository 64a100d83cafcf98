"""The same customer, address or main complained of again within the window of its matter, also after it was said to be over.

Whoever told of a matter and tells of it again is a repeat whether or not his incident is open. Others are a repeat of a main only when they
tell of it in a new incident after the old one was said to be over: until then they are what makes the incident large.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    cast,
    false,
    func,
    or_,
    select,
    true,
    union,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, distinct_on
from sqlalchemy.orm import Session, aliased

from core.auth import Actor
from core.clock import utc_now
from core.events import RepeatedComplaint
from core.outbox import emit
from core.rights import PersonalField
from core.settings import Settings
from dispatch.models import Change, Incident, IncidentReport, IncidentState, Repeat, RepeatKey
from dispatch.policy import NOT_OUR_MAIN
from dispatch.reports import SUPPLY, SURE_PLACE, Category
from gis.coordinates import LonLat
from gis.models import Address, CustomerAccount, Pipe
from gis.places.circle import Circle

log = structlog.get_logger()

OVER: Final = frozenset({IncidentState.CLOSED, IncidentState.DISMISSED})
DOORSTEP_M: Final = 2.5
"""A report this near an address comes from there, its place being sure: half the narrowest house front, so that no neighbour is nearer. It
was located by the address, or pinned on the house; no satellite fix is as good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What repeats are told by."""

    report_id: UUID
    category: str
    received_at: datetime
    customer_account_id: UUID | None
    caller_key: str
    address_id: UUID | None
    """Where it comes from; None when that is not known, or several customers live there."""
    pipe_id: UUID | None
    """None when the main is not sure, nothing of ours was wrong, or the incident is known to repeat that of its main."""
    incident_id: UUID
    was_over: bool = False
    """Of an earlier one: its incident was said to be over when the new one came."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """By what a complaint repeats earlier ones, and how many there are now."""

    key: RepeatKey
    subject: str
    earlier_report_id: UUID
    times: int
    on_closed: bool


def windows_of(settings: Settings) -> Mapping[str, timedelta]:
    """Take the windows of the categories from the settings.

    Dry taps and low pressure are felt at once: who calls later has new trouble. A leak is seen again by the next who passes. Taste and colour
    come back with the next flushing or the next change of source.
    """
    days = {
        Category.NO_WATER: settings.repeat_no_water_days,
        Category.LOW_PRESSURE: settings.repeat_low_pressure_days,
        Category.LEAK: settings.repeat_leak_days,
        Category.WATER_QUALITY: settings.repeat_water_quality_days,
        Category.OTHER: settings.repeat_other_days,
    }
    return {category: timedelta(days=count) for category, count in days.items()}


def repetitions(complaint: Complaint, earlier: Iterable[Complaint], *, window: timedelta) -> list[Repetition]:
    """Find by what a complaint repeats earlier ones: its customer (or caller), its address, its main, each once at most.

    Parameters
    ----------
    earlier
        Complaints that have something in common with it; those outside the window or about something else are passed over.
    window
        Of its category, backwards from its receipt.
    """
    since = complaint.received_at - window
    alike = sorted(
        (
            one
            for one in earlier
            if since <= one.received_at <= complaint.received_at
            and one.report_id != complaint.report_id
            and _is_same_matter(one.category, complaint.category)
        ),
        key=lambda one: (one.received_at, one.report_id),
    )
    theirs = [one for one in alike if _is_same_customer(one, complaint)]
    there = [one for one in alike if _is_same_address(one, complaint)]
    broken = [one for one in alike if _is_same_main(one, complaint)]
    found: list[Repetition] = []
    if theirs:
        accounts = [one.customer_account_id for one in (complaint, *reversed(theirs))]
        account = next((one for one in accounts if one is not None), None)
        key = RepeatKey.CALLER if account is None else RepeatKey.CUSTOMER
        found.append(_repetition(key, account or complaint.caller_key, theirs, len(theirs)))
    if any(one not in theirs for one in there):
        found.append(_repetition(RepeatKey.ADDRESS, complaint.address_id, there, len(there)))
    if broken:
        incidents = {one.incident_id for one in broken}
        found.append(_repetition(RepeatKey.ASSET, complaint.pipe_id, broken, len(incidents)))
    return found


def _repetition(
    key: RepeatKey, subject: UUID | str | None, earlier: Sequence[Complaint], before: int
) -> Repetition:
    latest = earlier[-1]
    return Repetition(key, str(subject), latest.report_id, before + 1, latest.was_over)


def _is_same_matter(one: str, other: str) -> bool:
    return one == other or (one in SUPPLY and other in SUPPLY)


def _are_two_customers(one: Complaint, other: Complaint) -> bool:
    known = {one.customer_account_id, other.customer_account_id}
    return None not in known and len(known) == 2


def _is_same_customer(one: Complaint, other: Complaint) -> bool:
    if _are_two_customers(one, other):
        return False  # a caretaker who rings for two flats
    is_same_account = one.customer_account_id is not None and (
        one.customer_account_id == other.customer_account_id
    )
    return is_same_account or one.caller_key == other.caller_key


def _is_same_address(one: Complaint, other: Complaint) -> bool:
    is_there = one.address_id is not None and one.address_id == other.address_id
    return is_there and not _are_two_customers(one, other)


def _is_same_main(one: Complaint, other: Complaint) -> bool:
    return (
        one.pipe_id is not None
        and one.pipe_id == other.pipe_id
        and one.was_over
        and one.incident_id != other.incident_id
        and other.category != Category.OTHER
    )


# --- stored ----------------------------------------------------------------------------------------------------------------


def note_repeat(session: Session, report_id: UUID, *, settings: Settings) -> None:
    """Keep, and tell, that a report repeats earlier ones; noted once, noting it again changes nothing."""
    rows = session.execute(_WITH_KEPT, {"report_id": report_id}).all()
    if not rows:
        return
    row = rows[0][0]
    kept = {kept_id: subject for _, kept_id, subject in rows}
    if report_id in kept:
        return
    window = windows_of(settings)[row.category]
    home = _household(session, row)
    complaint = Complaint(
        report_id=row.report_id,
        category=row.category,
        received_at=row.received_at,
        customer_account_id=row.customer_account_id,
        caller_key=row.caller_key,
        address_id=home.id if home else None,
        pipe_id=None if row.confidence < SURE_PLACE or str(row.pipe_id) in kept.values() else row.pipe_id,
        incident_id=row.incident_id,
    )
    found = repetitions(
        complaint, _earlier(session, complaint, home, since=row.received_at - window), window=window
    )
    if not found:
        return
    for one in found:
        session.add(
            Repeat(
                report_id=report_id,
                key=one.key,
                subject=one.subject,
                earlier_report_id=one.earlier_report_id,
                times=one.times,
                window_days=window.days,
                on_closed=one.on_closed,
                at=row.received_at,
            )
        )
    session.flush()
    emit(
        session,
        RepeatedComplaint(
            row.incident_id,
            report_id=report_id,
            times=max(one.times for one in found),
            window_days=window.days,
            on_closed=any(one.on_closed for one in found),
        ),
    )
    log.info(
        "dispatch.complaint_repeated",
        report_id=str(report_id),
        incident_id=str(row.incident_id),
        keys=[one.key.value for one in found],
    )


def _with_kept() -> Select[IncidentReport, UUID | None, str | None]:
    of_incident = aliased(IncidentReport)
    is_of_main = and_(
        Repeat.key == RepeatKey.ASSET, Repeat.subject == cast(IncidentReport.pipe_id, Repeat.subject.type)
    )
    kept = (
        select(Repeat.report_id, Repeat.subject)
        .join(of_incident, of_incident.report_id == Repeat.report_id)
        .where(
            of_incident.incident_id == IncidentReport.incident_id,
            or_(Repeat.report_id == IncidentReport.report_id, is_of_main),
        )
        .lateral()
    )
    return (
        select(IncidentReport, kept.c.report_id, kept.c.subject)
        .outerjoin(kept, true())
        .where(IncidentReport.report_id == bindparam("report_id"))
    )


_WITH_KEPT: Final = _with_kept()
"""A report with those of its incident that are kept already and what they repeat: the report itself, and those that repeat its main. That a
main repeats is kept once an incident. Asked for each report while its caller waits, so written once."""


@dataclass(frozen=True, slots=True)
class _Home:
    """An address at which one customer lives at most."""

    id: UUID
    place: LonLat
    account_id: UUID | None


def _household(session: Session, row: IncidentReport) -> _Home | None:
    """Find the address a report comes from: its customer's, else the nearest to a sure place."""
    lodger = aliased(CustomerAccount)
    lodgers = select(func.array_agg(lodger.id)).where(lodger.address_id == Address.id).scalar_subquery()
    query = select(Address.id, Address.geom, lodgers)
    if row.customer_account_id is not None:
        query = query.join(CustomerAccount, CustomerAccount.address_id == Address.id).where(
            CustomerAccount.id == row.customer_account_id
        )
    elif row.confidence >= SURE_PLACE:
        near = Circle(LonLat.from_stored(row.place), DOORSTEP_M)
        query = query.where(near.holds(Address.geom)).order_by(near.distance_m(Address.geom), Address.id)
    else:
        return None
    found = session.execute(query.limit(1)).one_or_none()
    if found is None:
        return None
    address_id, geom, accounts = found
    if len(accounts or ()) > 1:
        return None
    return _Home(address_id, LonLat.from_stored(geom), accounts[0] if accounts else None)


def _earlier(
    session: Session, complaint: Complaint, home: _Home | None, *, since: datetime
) -> list[Complaint]:
    """Read the complaints of a window that came before one, and have its customer, caller, address or main."""
    before = and_(
        IncidentReport.received_at.between(since, complaint.received_at),
        IncidentReport.report_id != complaint.report_id,
    )
    at_home = _is_from(home)
    alike = [IncidentReport.caller_key == complaint.caller_key, at_home]
    if complaint.customer_account_id is not None:
        alike.append(IncidentReport.customer_account_id == complaint.customer_account_id)
    if complaint.pipe_id is not None:
        alike.append(
            and_(
                IncidentReport.pipe_id == complaint.pipe_id,
                IncidentReport.incident_id != complaint.incident_id,
            )
        )
    # Each search by its own index; joined into one condition they would read the whole table.
    found = union(*(select(IncidentReport.report_id).where(before, one) for one in alike))
    rows = session.execute(
        select(IncidentReport, Incident.cause, at_home)
        .join(Incident, Incident.id == IncidentReport.incident_id)
        .where(IncidentReport.report_id.in_(found))
    ).all()
    over = _over_at(session, {row.incident_id for row, _, _ in rows}, complaint.received_at)
    return [
        Complaint(
            report_id=row.report_id,
            category=row.category,
            received_at=row.received_at,
            customer_account_id=row.customer_account_id,
            caller_key=row.caller_key,
            address_id=complaint.address_id if is_at_home else None,
            pipe_id=row.pipe_id if row.confidence >= SURE_PLACE and cause not in NOT_OUR_MAIN else None,
            incident_id=row.incident_id,
            was_over=row.incident_id in over,
        )
        for row, cause, is_at_home in rows
    ]


def _is_from(home: _Home | None) -> ColumnElement[bool]:
    """Whether a stored report comes from an address: its customer's, or the place is there and nobody known called."""
    if home is None:
        return false()
    on_the_doorstep = and_(
        IncidentReport.customer_account_id.is_(None),
        IncidentReport.confidence >= SURE_PLACE,
        Circle(home.place, DOORSTEP_M).holds(IncidentReport.place),
    )
    if home.account_id is None:
        return on_the_doorstep
    return or_(IncidentReport.customer_account_id == home.account_id, on_the_doorstep)


def _over_at(session: Session, incident_ids: Iterable[UUID], at: datetime) -> set[UUID]:
    """Tell which incidents had been said to be over before a time, and did not live again by then."""
    ids = set(incident_ids)
    if not ids:
        return set()
    rows = session.execute(
        select(Change.subject_id, Change.to_state)
        .ext(distinct_on(Change.subject_id))
        .where(Change.subject_id.in_(ids), Change.at < at)
        .order_by(Change.subject_id, Change.at.desc(), Change.id.desc())
    )
    return {incident_id for incident_id, state in rows if state in OVER}


# --- for people ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RepeatView:
    """A complaint that repeats an earlier one, as a line of a list."""

    report_id: UUID
    report_number: int
    earlier_report_id: UUID
    earlier_report_number: int
    key: str
    subject: str
    label: str | None
    """Account number, address or code of the main, as far as the reader may see it."""
    times: int
    window_days: int
    on_closed: bool
    at: datetime
    category: str
    incident_id: UUID
    incident_number: int
    incident_state: str
    point: LonLat
    street: str | None


@dataclass(frozen=True, slots=True)
class RepeatOffender:
    """A customer, caller, address or main with repeated complaints."""

    key: str
    subject: str
    label: str | None
    repeats: int
    on_closed: int
    """How many of them came when the matter was said to be over."""
    times: int
    """The most complaints within one window."""
    first_at: datetime
    last_at: datetime
    latest: RepeatView


def list_repeats(
    session: Session,
    actor: Actor,
    *,
    key: RepeatKey | None = None,
    subject: str | None = None,
    incident_id: UUID | None = None,
    since: datetime | None = None,
    limit: int,
) -> list[RepeatView]:
    """List the repeats of the actor's area, newest first."""
    conditions = [
        Repeat.key == key if key else true(),
        Repeat.subject == subject if subject is not None else true(),
        IncidentReport.incident_id == incident_id if incident_id else true(),
        Repeat.at >= since if since else true(),
    ]
    return _views(session, actor, and_(*conditions), limit=limit)


def repeat_offenders(
    session: Session, actor: Actor, *, key: RepeatKey, days: int, times_min: int, limit: int
) -> list[RepeatOffender]:
    """List who or what was complained of again and again lately in the actor's area, the most often first."""
    count, most = func.count(), func.max(Repeat.times)
    rows = session.execute(
        select(
            Repeat.subject,
            count,
            func.sum(cast(Repeat.on_closed, Integer)),
            most,
            func.min(Repeat.at),
            func.max(Repeat.at),
            func.array_agg(aggregate_order_by(Repeat.report_id, Repeat.at.desc(), Repeat.report_id.desc())),
        )
        .join(IncidentReport, IncidentReport.report_id == Repeat.report_id)
        .where(
            Repeat.key == key,
            Repeat.at >= utc_now() - timedelta(days=days),
            actor.area_filter(IncidentReport.place),
        )
        .group_by(Repeat.subject)
        .having(most >= times_min)
        .order_by(most.desc(), count.desc(), Repeat.subject)
        .limit(limit)
    ).all()
    latest = _views(
        session, actor, and_(Repeat.key == key, Repeat.report_id.in_([row[-1][0] for row in rows]))
    )
    by_subject = {one.subject: one for one in latest}
    return [
        RepeatOffender(
            key=key.value,
            subject=subject,
            label=by_subject[subject].label,
            repeats=repeats,
            on_closed=on_closed,
            times=times,
            first_at=first_at,
            last_at=last_at,
            latest=by_subject[subject],
        )
        for subject, repeats, on_closed, times, first_at, last_at, _ in rows
    ]


def _views(
    session: Session, actor: Actor, condition: ColumnElement[bool], *, limit: int | None = None
) -> list[RepeatView]:
    earlier = select(IncidentReport.report_id, IncidentReport.report_number).subquery()
    rows = session.execute(
        select(Repeat, IncidentReport, Incident.number, Incident.state, earlier.c.report_number)
        .join(IncidentReport, IncidentReport.report_id == Repeat.report_id)
        .join(Incident, Incident.id == IncidentReport.incident_id)
        .join(earlier, earlier.c.report_id == Repeat.earlier_report_id)
        .where(condition, actor.area_filter(IncidentReport.place))
        .order_by(Repeat.at.desc(), Repeat.report_id.desc(), Repeat.key)
        .limit(limit)
    ).all()
    labels = _labels(session, actor, {(repeat.key, repeat.subject) for repeat, *_ in rows})
    return [
        RepeatView(
            report_id=report.report_id,
            report_number=report.report_number,
            earlier_report_id=repeat.earlier_report_id,
            earlier_report_number=earlier_number,
            key=repeat.key,
            subject=repeat.subject,
            label=labels.get((repeat.key, repeat.subject)),
            times=repeat.times,
            window_days=repeat.window_days,
            on_closed=repeat.on_closed,
            at=repeat.at,
            category=report.category,
            incident_id=report.incident_id,
            incident_number=number,
            incident_state=state,
            point=LonLat.from_stored(report.place),
            street=report.street,
        )
        for repeat, report, number, state, earlier_number in rows
    ]


def _labels(
    session: Session, actor: Actor, subjects: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """Name the subjects of repeats: a caller has no name here, an address only for those who see addresses."""
    columns = {
        RepeatKey.CUSTOMER: (CustomerAccount.id, CustomerAccount.account_no),
        RepeatKey.ASSET: (Pipe.id, Pipe.asset_code),
    }
    if actor.sees(PersonalField.ADDRESS):
        columns[RepeatKey.ADDRESS] = (Address.id, Address.text)
    named: dict[tuple[str, str], str] = {}
    for key, (column, name) in columns.items():
        ids = [UUID(subject) for of, subject in subjects if of == key]
        if ids:
            for id_, words in session.execute(select(column, name).where(column.in_(ids))):
                named[key, str(id_)] = words
    return named
