"""Taking reports: stored at once, located at once where that can be done, and never lost because it cannot.

Only malformed input is refused, and a point outside the area served, both before anything is stored.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.db import new_id
from core.errors import FieldError
from core.events import ReportLocated, ReportTaken, ReportUnlocated
from core.outbox import emit
from core.settings import Settings
from gis.coordinates import Datum, LonLat, straight_line_m
from gis.errors import (
    AccountNotFound,
    AddressNotFound,
    CallerUnknown,
    NoMainNearby,
    NoServiceArea,
    NothingToLocate,
)
from gis.location import Location, locate
from gis.schemas import LocationOut
from gis.service_area import ensure_in_service_area
from hotline import cases, queries
from hotline.errors import NoticedInTheFuture, ReportAlreadyLocated, ReportNotFound
from hotline.identity import caller_key, normalise_phone
from hotline.models import CaseState, Category, Channel, Extent, Report, ReportState

log = structlog.get_logger()

NOT_LOCATED: Final = (
    AccountNotFound,
    AddressNotFound,
    CallerUnknown,
    NoMainNearby,
    NoServiceArea,
    NothingToLocate,
)
"""Refusals of gis after which a report is unlocated; any other is a fault and must show."""
CLIENT_ID_UNIQUE: Final = "uq_report_client_id"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What a caller says about the place; the point in WGS 84."""

    account_no: str | None = None
    address_id: UUID | None = None
    """An address of ours, chosen from those offered."""
    address_text: str | None = None
    point: LonLat | None = None
    accuracy_m: float | None = None
    """How far off the point may be, where that is known."""
    street: str | None = None
    """The street the point lies in, where that is known."""
    datum: Datum = Datum.WGS84
    """What the point came in."""


@dataclass(frozen=True, slots=True)
class NewReport:
    """What somebody tells us, as it came in."""

    channel: Channel
    category: Category
    description: str = ""
    caller_name: str | None = None
    caller_phone: str | None = None
    """As written."""
    whereabouts: Whereabouts = field(default_factory=Whereabouts)
    extent: Extent = Extent.UNKNOWN
    noticed_at: datetime | None = None
    client_id: UUID | None = None
    """The sender's own id; sending it again is no second report."""
    source_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A report that is stored, and whether it is new."""

    report: Report
    is_new: bool


def take_report(session: Session, settings: Settings, new: NewReport, *, by: UUID | None = None) -> Taken:
    """Take a report: store it, find its place, put it in a case.

    Parameters
    ----------
    new
        What was told.
    by
        The agent who took it; None when the public sent it.

    Returns
    -------
    taken
        The report; not new when the same `client_id` was taken before, also by a request that ran at the same time.

    Raises
    ------
    NoticedInTheFuture
        It says to have been noticed later than now.
    OutsideServiceArea
        Its point lies outside the area served; the text says so when the axes look swapped.
    """
    if new.client_id is not None:
        earlier = queries.report_by_client_id(session, new.client_id)
        if earlier is not None:
            return Taken(earlier, is_new=False)
    now = utc_now()
    _check(session, settings, new, now)
    phone = normalise_phone(new.caller_phone, region=settings.phone_region)
    place, tried = _find_place(session, settings, new.whereabouts, category=new.category, phone=phone)
    report = _make(settings, new, phone=phone, now=now, by=by)
    _set_place(report, place, tried, now)
    if new.client_id is None:
        _store(session, settings, report, by=by)
    else:
        try:
            with session.begin_nested():
                _store(session, settings, report, by=by)
        except IntegrityError as error:
            earlier = queries.report_by_client_id(session, new.client_id)
            if earlier is None or CLIENT_ID_UNIQUE not in str(error.orig):
                raise
            return Taken(earlier, is_new=False)
    with session.no_autoflush:  # one flush for both, with whatever the edge adds
        emit(session, ReportTaken(report.id))
        _tell_place(session, report, place)
    log.info(
        "hotline.report_taken",
        report_id=str(report.id),
        state=report.state,
        method=place.method.value if place else None,
        is_repeat=report.repeat_of is not None,
    )
    return Taken(report, is_new=True)


def locate_report(session: Session, settings: Settings, report_id: UUID, whereabouts: Whereabouts) -> Report:
    """Find the place of an unlocated report from what an agent asked out of the caller.

    Raises
    ------
    ReportNotFound
        There is none.
    ReportAlreadyLocated
        Its place is known; what crews act on is not changed under them.
    OutsideServiceArea, AccountNotFound, AddressNotFound, NoMainNearby, NothingToLocate
        That does not lead to a place either; nothing is changed.
    """
    report = session.get(Report, report_id, with_for_update=True, populate_existing=True)
    if report is None:
        raise ReportNotFound
    if report.state != ReportState.UNLOCATED:
        raise ReportAlreadyLocated
    if whereabouts.point is not None:
        ensure_in_service_area(session, whereabouts.point, margin_m=settings.service_area_margin_m)
    place = locate(
        session,
        account_no=whereabouts.account_no,
        address_id=whereabouts.address_id,
        address_text=whereabouts.address_text,
        point=whereabouts.point,
        accuracy_m=whereabouts.accuracy_m or settings.gps_accuracy_default_m,
        street=whereabouts.street,
        radius_m=settings.locate_radius_m,
    )
    _set_place(report, place, {}, utc_now())
    session.flush()
    _tell_place(session, report, place)
    log.info("hotline.report_located", report_id=str(report.id), method=place.method.value)
    return report


def is_same_matter(new: Report, original: Report, *, apart_max_m: float) -> bool:
    """Whether a report repeats an earlier one of the same kind: the same customer, or the same caller about the same place."""
    if new.customer_account_id is not None and new.customer_account_id == original.customer_account_id:
        return True
    if new.place is None or original.place is None:
        return True
    return straight_line_m(place_of(new), place_of(original)) <= apart_max_m


def place_of(report: Report) -> LonLat:
    """Tell where a located report is."""
    assert report.location is not None
    point = report.location["point"]
    return LonLat(lon=point["lon"], lat=point["lat"])


def _check(session: Session, settings: Settings, new: NewReport, now: datetime) -> None:
    tolerance = timedelta(seconds=settings.report_future_tolerance_s)
    if new.noticed_at is not None and new.noticed_at > now + tolerance:
        raise NoticedInTheFuture(errors=[FieldError("#/noticed_at", "lies in the future")])
    if new.whereabouts.point is not None:
        try:
            ensure_in_service_area(session, new.whereabouts.point, margin_m=settings.service_area_margin_m)
        except NoServiceArea:
            log.warning("hotline.no_network")


def _find_place(
    session: Session,
    settings: Settings,
    whereabouts: Whereabouts,
    *,
    category: Category,
    phone: str | None,
) -> tuple[Location | None, dict[str, Any]]:
    """Find the place, or tell what was tried: gis decides which indication counts first."""
    account_no = whereabouts.account_no
    if category is Category.LEAK and whereabouts.point is not None:
        account_no = None  # a pin says where the water runs, the account only who saw it
    ways = {
        "account_no": account_no,
        "address_id": whereabouts.address_id,
        "point": whereabouts.point,
        "address_text": whereabouts.address_text,
        "phone": phone,
    }
    tried: dict[str, Any] = {"ways": [way for way, value in ways.items() if value]}
    try:
        place = locate(
            session,
            account_no=account_no,
            address_id=whereabouts.address_id,
            point=whereabouts.point,
            address_text=whereabouts.address_text,
            phone=phone,
            accuracy_m=whereabouts.accuracy_m or settings.gps_accuracy_default_m,
            street=whereabouts.street,
            radius_m=settings.locate_radius_m,
        )
    except NOT_LOCATED as refusal:
        return None, tried | {"problem": refusal.slug}
    if place.confidence < settings.locate_confidence_min:
        guess = LocationOut.of(place).model_dump(mode="json")
        return None, tried | {"problem": "not-sure", "guess": guess}
    return place, {}


def _make(settings: Settings, new: NewReport, *, phone: str | None, now: datetime, by: UUID | None) -> Report:
    report_id = new_id()
    point = new.whereabouts.point
    account_no = new.whereabouts.account_no
    return Report(
        id=report_id,
        client_id=new.client_id,
        state=ReportState.TAKEN,
        channel=new.channel,
        category=new.category,
        extent=new.extent,
        description=new.description,
        caller_name=new.caller_name,
        caller_phone=phone,
        caller_key=caller_key(settings, phone=phone, account_no=account_no, report_id=report_id),
        account_no=account_no,
        address_text=new.whereabouts.address_text,
        stated_point=point.as_stored() if point else None,
        stated_datum=new.whereabouts.datum if point else None,
        noticed_at=min(new.noticed_at or now, now),
        received_at=now,
        source_at=new.source_at,
        taken_by=by,
    )


def _set_place(report: Report, place: Location | None, tried: dict[str, Any], now: datetime) -> None:
    report.location_tried = tried
    if place is None:
        report.state = ReportState.UNLOCATED
        return
    report.state = ReportState.LOCATED
    report.place = place.point.as_stored()
    report.customer_account_id = place.account_id
    report.pipe_id, report.segment_id = place.pipe_id, place.segment_id
    report.location = LocationOut.of(place).model_dump(mode="json")
    report.located_at = now


def _store(session: Session, settings: Settings, report: Report, *, by: UUID | None) -> None:
    """Put a report in its case, its original's if it is a repeat, and write both down."""
    candidates = queries.originals(
        session,
        category=report.category,
        caller_key=report.caller_key,
        customer_account_id=report.customer_account_id,
        since=report.received_at - timedelta(seconds=settings.repeat_window_s),
    )
    original = next(
        (o for o in candidates if is_same_matter(report, o, apart_max_m=settings.repeat_distance_max_m)), None
    )
    case = cases.lock_case(session, original.case_id) if original and original.case_id else None
    if original is None or case is None or case.state == CaseState.CLOSED:  # closed while we waited for it
        cases.open_case(session, report, by=by)
    else:
        report.repeat_of = original.id
        cases.join_case(session, report, case, by=by)
    session.add(report)
    session.flush()


def _tell_place(session: Session, report: Report, place: Location | None) -> None:
    if place is None:
        emit(session, ReportUnlocated(report.id))
        return
    emit(
        session,
        ReportLocated(
            report_id=report.id,
            report_number=report.number,
            category=report.category,
            lon=place.point.lon,
            lat=place.point.lat,
            pipe_id=place.pipe_id,
            segment_id=place.segment_id,
            zone_id=place.zone_id,
            confidence=place.confidence,
            customer_account_id=place.account_id,
            caller_key=report.caller_key,
            street=place.street,
            extent=report.extent,
            noticed_at=report.noticed_at,
            received_at=report.received_at,
            repeat_of=report.repeat_of,
        ),
    )
