"""SELECTs of the hotline; what a person may see is decided here by his area."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from core.auth import Actor
from gis.models import Address, CustomerAccount, IsolationSegment, Pipe, ServiceConnection
from hotline.models import (
    Callback,
    CallbackAttempt,
    CallbackOutcome,
    CallbackState,
    Case,
    CaseChange,
    CaseState,
    HandOver,
    KnownOutage,
    MergedIncident,
    Report,
)

PENDING: Final = (CallbackState.DUE, CallbackState.ATTEMPTING)


# --- reports ---------------------------------------------------------------------------------------------------------------


def visible_reports(actor: Actor) -> Select[Report]:
    """Start a question about the reports somebody may see: of his area; unlocated ones only for those without an area."""
    return select(Report).where(actor.area_filter(Report.place))


def report_by_client_id(session: Session, client_id: UUID) -> Report | None:
    """Find what a sender sent before under his own id."""
    return session.scalar(select(Report).where(Report.client_id == client_id))


def originals(
    session: Session,
    *,
    category: str,
    caller_key: str,
    customer_account_id: UUID | None,
    since: datetime,
    limit: int = 5,
) -> Sequence[Report]:
    """Find reports of the same kind by the same customer or caller whose cases are not closed, latest first."""
    values = {
        "category": category,
        "caller_key": caller_key,
        "customer_account_id": customer_account_id,
        "since": since,
        "count": limit,
    }
    return session.scalars(_ORIGINALS, values).all()


_ORIGINALS: Final = (
    select(Report)
    .join(Case, Case.id == Report.case_id)
    .where(
        or_(
            Report.caller_key == bindparam("caller_key"),
            Report.customer_account_id == bindparam("customer_account_id"),
        ),
        Report.category == bindparam("category"),
        Report.received_at >= bindparam("since"),
        Report.repeat_of.is_(None),
        Case.state != CaseState.CLOSED,
    )
    .order_by(Report.received_at.desc())
    .limit(bindparam("count"))
)
"""Asked with each report taken, so written once."""


def reports_seen(
    session: Session,
    actor: Actor,
    *,
    state: str | None,
    since: datetime | None,
    before_id: UUID | None,
    limit: int,
) -> Sequence[Report]:
    """List reports, newest first."""
    query = visible_reports(actor).order_by(Report.id.desc()).limit(limit)
    if state is not None:
        query = query.where(Report.state == state)
    if since is not None:
        query = query.where(Report.received_at >= since)
    if before_id is not None:
        query = query.where(Report.id < before_id)
    return session.scalars(query).all()


def report_seen(session: Session, actor: Actor, report_id: UUID) -> Report | None:
    """Find one report, if this person may see it."""
    return session.scalar(visible_reports(actor).where(Report.id == report_id))


def reports_of_case(session: Session, case_id: UUID) -> Sequence[Report]:
    """List a case's reports, first to last."""
    return session.scalars(select(Report).where(Report.case_id == case_id).order_by(Report.id)).all()


def reports_of_cases(session: Session, case_ids: Collection[UUID]) -> dict[UUID, list[Report]]:
    """List the reports of several cases, by case."""
    found: dict[UUID, list[Report]] = {case_id: [] for case_id in case_ids}
    for report in session.scalars(select(Report).where(Report.case_id.in_(case_ids)).order_by(Report.id)):
        if report.case_id is not None:
            found[report.case_id].append(report)
    return found


def reports_by_id(session: Session, report_ids: Collection[UUID]) -> Sequence[Report]:
    """Fetch reports by their ids, in the order they came."""
    return session.scalars(select(Report).where(Report.id.in_(report_ids)).order_by(Report.id)).all()


def report_with_hand_overs(
    session: Session, actor: Actor, report_id: UUID
) -> tuple[Report, list[HandOver]] | None:
    """Find one report, if this person may see it, with its hand-overs, first to last; those taken back too."""
    rows = session.execute(
        select(Report, HandOver)
        .outerjoin(HandOver, HandOver.report_id == Report.id)
        .where(Report.id == report_id, actor.area_filter(Report.place))
        .order_by(HandOver.at, HandOver.id)
    ).all()
    if not rows:
        return None
    return rows[0][0], [hand_over for _, hand_over in rows if hand_over is not None]


def report_to_link(session: Session, report_id: UUID, incident_id: UUID) -> tuple[Report, Case, bool] | None:
    """Fetch a report with its case, locked, and tell whether the incident it is to follow has a history: merged, or callbacks made about it.

    Returns
    -------
    found
        None where there is no report, or it has no case.
    """
    row = session.execute(_TO_LINK, {"report_id": report_id, "incident_id": incident_id}).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


_TO_LINK: Final = (
    select(
        Report,
        Case,
        or_(
            exists().where(MergedIncident.incident_id == bindparam("incident_id")),
            exists().where(Callback.incident_id == bindparam("incident_id")),
        ),
    )
    .join(Case, Case.id == Report.case_id)
    .where(Report.id == bindparam("report_id"))
    .with_for_update(of=Case)
    .execution_options(populate_existing=True)
)
"""Asked for each report while its caller waits, so written once."""


def phone_to_call(session: Session, report: Report) -> str | None:
    """Tell the number to call back: the caller's, else the customer's."""
    if report.caller_phone or report.customer_account_id is None:
        return report.caller_phone
    return session.scalar(
        select(CustomerAccount.phone).where(CustomerAccount.id == report.customer_account_id)
    )


# --- cases -----------------------------------------------------------------------------------------------------------------


def case_seen(session: Session, actor: Actor, case_id: UUID) -> Case | None:
    """Find one case, if this person may see one of its reports."""
    return session.scalar(select(Case).where(Case.id == case_id, _is_case_in_area(actor)))


def cases_seen(
    session: Session,
    actor: Actor,
    *,
    state: str | None,
    is_with_desk: bool | None,
    before_id: UUID | None,
    limit: int,
) -> Sequence[Case]:
    """List cases, newest first."""
    query = select(Case).where(_is_case_in_area(actor)).order_by(Case.id.desc()).limit(limit)
    if state is not None:
        query = query.where(Case.state == state)
    if is_with_desk is not None:
        query = query.where(Case.is_with_desk == is_with_desk)
    if before_id is not None:
        query = query.where(Case.id < before_id)
    return session.scalars(query).all()


def changes_of_case(session: Session, case_id: UUID) -> Sequence[CaseChange]:
    """List the steps of a case, first to last."""
    return session.scalars(
        select(CaseChange).where(CaseChange.case_id == case_id).order_by(CaseChange.at, CaseChange.id)
    ).all()


def lock_cases(session: Session, case_ids: Collection[UUID]) -> Sequence[Case]:
    """Fetch cases so that nobody else changes them meanwhile, always in the same order."""
    return session.scalars(
        select(Case)
        .where(Case.id.in_(case_ids))
        .order_by(Case.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def case_ids_of_incident(session: Session, incident_id: UUID) -> Sequence[UUID]:
    """Name the cases that follow an incident."""
    return session.scalars(select(Case.id).where(Case.incident_id == incident_id)).all()


def lock_cases_of_callback(session: Session, callback: Callback) -> Sequence[Case]:
    """Fetch all cases whose caller a callback speaks to about the same incident, locked."""
    ids = {callback.case_id} if callback.case_id is not None else set()
    if callback.incident_id is not None:
        ids |= set(
            session.scalars(
                select(Report.case_id).where(
                    Report.incident_id == callback.incident_id, Report.caller_key == callback.caller_key
                )
            )
        )
    return lock_cases(session, [case_id for case_id in ids if case_id is not None])


def _is_case_in_area(actor: Actor) -> ColumnElement[bool]:
    if actor.area_wkt is None:
        return true()
    return exists().where(Report.case_id == Case.id, actor.area_filter(Report.place))


# --- callbacks -------------------------------------------------------------------------------------------------------------


def callback_states_of_case(session: Session, case: Case) -> set[str]:
    """Tell how the latest callback to each caller of a case stands."""
    callers = select(Report.caller_key).where(Report.case_id == case.id)
    about = or_(
        Callback.matter_id == case.id,
        and_(Callback.incident_id == case.incident_id, Callback.caller_key.in_(callers)),
    )
    return set(
        session.scalars(
            select(Callback.state)
            .where(about)
            .ext(distinct_on(Callback.caller_key))
            .order_by(Callback.caller_key, Callback.id.desc())
        )
    )


def content_since(session: Session, incident_id: UUID) -> dict[str, datetime]:
    """Tell which callers said of an incident that they are content, and when."""
    rows = session.execute(
        select(Callback.caller_key, func.max(Callback.ended_at))
        .where(
            Callback.incident_id == incident_id,
            Callback.outcome == CallbackOutcome.SATISFIED,
            Callback.ended_at.is_not(None),
        )
        .group_by(Callback.caller_key)
    )
    return {caller_key: ended_at for caller_key, ended_at in rows if ended_at is not None}


def reports_owed(session: Session, incident_id: UUID, *, why: str) -> Sequence[Report]:
    """Find the reports whose callers' latest callback about an incident was waived for a reason, or will be if the call under way fails."""
    latest = (
        select(Callback.report_id, Callback.state, Callback.ended_why, Callback.overtaken_by)
        .where(Callback.matter_id == incident_id)
        .ext(distinct_on(Callback.caller_key))
        .order_by(Callback.caller_key, Callback.id.desc())
        .subquery()
    )
    return session.scalars(
        select(Report)
        .join(latest, latest.c.report_id == Report.id)
        .where(
            or_(
                and_(latest.c.state == CallbackState.WAIVED, latest.c.ended_why == why),
                and_(latest.c.state == CallbackState.ATTEMPTING, latest.c.overtaken_by == why),
            )
        )
        .order_by(Report.id)
    ).all()


def lock_pending_of_incident(
    session: Session, incident_id: UUID, *, before_closure_no: int | None = None
) -> Sequence[Callback]:
    """Fetch what is still to be told about an incident's closings, locked."""
    query = (
        select(Callback)
        .where(Callback.matter_id == incident_id, Callback.state.in_(PENDING))
        .order_by(Callback.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if before_closure_no is not None:
        query = query.where(Callback.closure_no < before_closure_no)
    return session.scalars(query).all()


def lock_pending_of_caller(session: Session, incident_id: UUID, caller_key: str) -> Sequence[Callback]:
    """Fetch what a caller is still to hear about an incident, of its closings and of cases an agent answered, locked."""
    return session.scalars(
        select(Callback)
        .where(
            or_(Callback.matter_id == incident_id, Callback.incident_id == incident_id),
            Callback.caller_key == caller_key,
            Callback.state.in_(PENDING),
        )
        .order_by(Callback.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def has_callback(session: Session, matter_id: UUID, closure_no: int, caller_key: str) -> bool:
    """Whether a caller has a callback about this closing."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    Callback.matter_id == matter_id,
                    Callback.closure_no == closure_no,
                    Callback.caller_key == caller_key,
                )
            )
        )
    )


def latest_closing(session: Session, incident_id: UUID) -> int:
    """Tell the latest closing of an incident that callbacks were made for; 0: none yet."""
    query = select(func.max(Callback.closure_no)).where(Callback.matter_id == incident_id)
    return session.scalar(query) or 0


def callback_told(session: Session, incident_id: UUID, report: Report) -> Callback | None:
    """Find the latest callback to a report's caller about a closing of an incident, made after he reported."""
    return session.scalar(
        select(Callback)
        .where(
            Callback.incident_id == incident_id,
            Callback.caller_key == report.caller_key,
            Callback.matter_id.is_distinct_from(Callback.case_id),
            Callback.id > report.id,  # both carry the time they were made
        )
        .order_by(Callback.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


@dataclass(frozen=True, slots=True)
class CallbackCursor:
    """Where a page of callbacks ended."""

    not_before_at: datetime
    id: UUID


def callbacks_seen(
    session: Session,
    actor: Actor,
    *,
    state: str | None,
    after: CallbackCursor | None,
    limit: int,
) -> Sequence[Row[Callback, Report, str | None]]:
    """List callbacks with their reports and customers' numbers, those to be made first first."""
    query = _callbacks_with_reports(actor).order_by(Callback.not_before_at, Callback.id).limit(limit)
    if state is not None:
        query = query.where(Callback.state == state)
    if after is not None:
        query = query.where(
            tuple_(Callback.not_before_at, Callback.id) > tuple_(after.not_before_at, after.id)
        )
    return session.execute(query).all()


def callback_seen(
    session: Session, actor: Actor, callback_id: UUID
) -> Row[Callback, Report, str | None] | None:
    """Find one callback with its report and the customer's number, if this person may see it."""
    return session.execute(_callbacks_with_reports(actor).where(Callback.id == callback_id)).one_or_none()


def attempts_of(session: Session, callback_id: UUID) -> Sequence[CallbackAttempt]:
    """List what was tried, first to last."""
    return session.scalars(
        select(CallbackAttempt).where(CallbackAttempt.callback_id == callback_id).order_by(CallbackAttempt.id)
    ).all()


def _callbacks_with_reports(actor: Actor) -> Select[Callback, Report, str | None]:
    return (
        select(Callback, Report, CustomerAccount.phone)
        .join(Report, Report.id == Callback.report_id)
        .outerjoin(CustomerAccount, CustomerAccount.id == Report.customer_account_id)
        .where(actor.area_filter(Report.place))
    )


# --- known outages ---------------------------------------------------------------------------------------------------------


def outages_seen(
    session: Session,
    actor: Actor,
    *,
    segment_id: int | None = None,
    limit: int = 200,
) -> Sequence[KnownOutage]:
    """List outages that are not over, latest first."""
    query = (
        select(KnownOutage)
        .where(KnownOutage.ended_at.is_(None))
        .order_by(KnownOutage.declared_at.desc(), KnownOutage.incident_id)
        .limit(limit)
    )
    if segment_id is not None:
        query = query.where(KnownOutage.segment_ids.contains([segment_id]))
    if actor.area_wkt is not None:
        query = query.where(
            exists().where(
                IsolationSegment.id == func.any(KnownOutage.segment_ids),
                actor.area_filter(IsolationSegment.geom),
            )
        )
    return session.scalars(query).all()


def outages_of_segments(session: Session, segment_ids: Collection[int]) -> Sequence[KnownOutage]:
    """List outages of some segments that are not over, latest first."""
    if not segment_ids:
        return []
    return session.scalars(
        select(KnownOutage)
        .where(KnownOutage.ended_at.is_(None), KnownOutage.segment_ids.overlap(list(segment_ids)))
        .order_by(KnownOutage.declared_at.desc(), KnownOutage.incident_id)
    ).all()


# --- callers ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AccountRow:
    """A customer account with where it is served."""

    account_id: UUID
    account_no: str
    name: str
    customer_class: str
    address_text: str | None
    segment_id: int | None


def accounts_of_phone(session: Session, actor: Actor, phone: str, *, limit: int = 20) -> list[AccountRow]:
    """List the accounts of a number that lie in somebody's area."""
    rows = session.execute(
        select(
            CustomerAccount.id,
            CustomerAccount.account_no,
            CustomerAccount.name,
            CustomerAccount.customer_class,
            Address.text,
            Pipe.segment_id,
        )
        .outerjoin(Address, Address.id == CustomerAccount.address_id)
        .outerjoin(ServiceConnection, ServiceConnection.id == CustomerAccount.service_connection_id)
        .outerjoin(Pipe, Pipe.id == ServiceConnection.pipe_id)
        .where(CustomerAccount.phone == phone, actor.area_filter(Address.geom))
        .order_by(CustomerAccount.account_no)
        .limit(limit)
    )
    return [AccountRow(*row) for row in rows]


def recent_reports_of_caller(
    session: Session,
    actor: Actor,
    *,
    phone: str,
    account_ids: Collection[UUID],
    days: int,
    now: datetime,
    limit: int = 20,
) -> Sequence[Report]:
    """List what a caller, or somebody of his accounts, told us lately, newest first."""
    return session.scalars(
        visible_reports(actor)
        .where(
            or_(Report.caller_phone == phone, Report.customer_account_id.in_(account_ids)),
            Report.received_at >= now - timedelta(days=days),
        )
        .order_by(Report.id.desc())
        .limit(limit)
    ).all()
