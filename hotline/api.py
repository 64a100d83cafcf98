"""The hotline over HTTP: reports, callers, cases, callbacks, known outages."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from sqlalchemy.orm import Session

from core import audit
from core.auth import Actor
from core.clock import utc_now
from core.errors import FieldError, Invalid
from core.http.deps import AppSettings, DbSession, ReadSession, requires
from core.http.problems import RESPONSES
from core.rights import PersonalField
from core.settings import Settings
from gis.schemas import LocationOut
from hotline import callbacks, callers, cases, hand_overs, known_outages, queries, words
from hotline.errors import CallbackNotFound, CaseNotFound, ReportNotFound
from hotline.intake import locate_report, take_report
from hotline.models import Callback, Case, CaseState, KnownOutage, Report, ReportState
from hotline.schemas import (
    AccountOut,
    AnswerIn,
    AttemptOut,
    CallbackDetailOut,
    CallbackFilter,
    CallbackOut,
    CallerLookupOut,
    CaseChangeOut,
    CaseDetailOut,
    CaseOut,
    HandOverIn,
    HandOverOut,
    KnownOutageOut,
    LookupIn,
    Moment,
    OutcomeIn,
    Page,
    ReportDetailOut,
    ReportIn,
    ReportOut,
    WhereaboutsIn,
    is_in_area,
    location_for,
    phone_for,
)

router = APIRouter(prefix="/api", tags=["hotline"], responses=RESPONSES)

Limit = Annotated[int, Query(ge=1, le=500)]
Cursor = Annotated[str | None, Query(max_length=100)]


class CursorNotUnderstood(Invalid):
    """Take the cursor from the `next` of the page before, unchanged."""


# --- reports ---------------------------------------------------------------------------------------------------------------


@router.post(
    "/reports",
    status_code=status.HTTP_201_CREATED,
    responses={200: {"model": ReportOut, "description": "Taken before with the same client_id"}},
)
def post_report(
    body: ReportIn,
    response: Response,
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("reports.take")],
) -> ReportOut:
    """Take a report. Send the same `client_id` again after a failure: it stays one report."""
    taken = take_report(session, settings, body.new_report(), by=actor.user_id)
    if taken.is_new:
        audit.record(
            session,
            actor,
            action="report.take",
            subject_id=taken.report.id,
            digest=f"{taken.report.category}, {taken.report.state}",
        )
    else:
        response.status_code = status.HTTP_200_OK
    return ReportOut.of(taken.report, actor)


@router.get("/reports")
def list_reports(
    session: DbSession,
    actor: Annotated[Actor, requires("reports.read")],
    state: ReportState | None = None,
    since: Annotated[Moment | None, Query()] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[ReportOut]:
    """List reports, newest first."""
    reports = queries.reports_seen(
        session, actor, state=state, since=since, before_id=_id(cursor), limit=limit + 1
    )
    shown = reports[:limit]
    return Page(
        items=[ReportOut.of(report, actor) for report in shown],
        next=str(shown[-1].id) if len(reports) > limit else None,
    )


@router.get("/reports/{report_id}")
def read_report(
    report_id: UUID, session: ReadSession, actor: Annotated[Actor, requires("reports.read", only_asks=True)]
) -> ReportDetailOut:
    """Show one report, and to whom it was handed over."""
    found = queries.report_with_hand_overs(session, actor, report_id)
    if found is None:
        raise ReportNotFound
    report, hand_overs_made = found
    return ReportDetailOut(
        **ReportOut.of(report, actor).model_dump(),
        hand_overs=[HandOverOut.of(one) for one in hand_overs_made],
    )


@router.post("/reports/{report_id}/locate")
def post_place(
    report_id: UUID,
    body: WhereaboutsIn,
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("reports.locate")],
) -> ReportOut:
    """Say where an unlocated report is; from then on it goes the way of all others."""
    _seen_report(session, actor, report_id)
    report = locate_report(session, settings, report_id, body.whereabouts())
    method = report.location["method"] if report.location else ""
    audit.record(session, actor, action="report.locate", subject_id=report.id, digest=f"by {method}")
    return ReportOut.of(report, actor)


@router.post(
    "/reports/{report_id}/hand-over",
    status_code=status.HTTP_201_CREATED,
    responses={200: {"model": HandOverOut, "description": "Handed over there before"}},
)
def hand_report_over(
    report_id: UUID,
    body: HandOverIn,
    response: Response,
    session: DbSession,
    actor: Annotated[Actor, requires("cases.work")],
) -> HandOverOut:
    """Write down that the caller was told to turn to somebody of the directory. The case stays where it is, with this step in it."""
    report = _seen_report(session, actor, report_id)
    made = hand_overs.hand_over(session, report, body.entry_id, note=body.note, by=actor.user_id)
    if made.is_new:
        audit.record(
            session,
            actor,
            action="report.hand_over",
            subject_id=report.id,
            digest=f"entry={made.hand_over.entry_id}",
        )
    else:
        response.status_code = status.HTTP_200_OK
    return HandOverOut.of(made.hand_over)


@router.post("/reports/{report_id}/hand-overs/{hand_over_id}/take-back")
def take_hand_over_back(
    report_id: UUID,
    hand_over_id: UUID,
    session: DbSession,
    actor: Annotated[Actor, requires("cases.work")],
) -> HandOverOut:
    """Take a hand-over back that was written down by mistake; it stays in the report as taken back."""
    report = _seen_report(session, actor, report_id)
    hand_over = hand_overs.take_back(session, report, hand_over_id, by=actor.user_id)
    audit.record(
        session,
        actor,
        action="report.take_hand_over_back",
        subject_id=report.id,
        digest=f"entry={hand_over.entry_id}",
    )
    return HandOverOut.of(hand_over)


# --- callers ---------------------------------------------------------------------------------------------------------------


@router.post("/callers/lookup")
def look_up_caller(
    body: LookupIn,
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("reports.take")],
) -> CallerLookupOut:
    """Tell who is behind a number: the desk asks while it rings."""
    caller = callers.look_up(session, settings, actor, body.phone)
    audit.record(session, actor, action="caller.look_up", digest=f"accounts={len(caller.accounts)}")
    sees_address = actor.sees(PersonalField.ADDRESS)
    return CallerLookupOut(
        phone=phone_for(caller.phone, actor),
        accounts=[
            AccountOut(
                account_no=found.account.account_no,
                name=found.account.name,
                customer_class=found.account.customer_class,
                address_text=found.account.address_text if sees_address else None,
                location=location_for(LocationOut.of(found.location, with_address=sees_address), actor)
                if found.location
                else None,
            )
            for found in caller.accounts
        ],
        recent_reports=[ReportOut.of(report, actor) for report in caller.recent_reports],
        known_outage=_outage(caller.known_outage, settings, actor) if caller.known_outage else None,
    )


# --- cases -----------------------------------------------------------------------------------------------------------------


@router.get("/cases")
def list_cases(
    session: DbSession,
    actor: Annotated[Actor, requires("cases.read")],
    state: CaseState | None = None,
    is_with_desk: bool | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[CaseOut]:
    """List cases, newest first; `is_with_desk` picks those that nobody but the desk will answer."""
    found = queries.cases_seen(
        session,
        actor,
        state=state,
        is_with_desk=is_with_desk,
        before_id=_id(cursor),
        limit=limit + 1,
    )
    shown = found[:limit]
    reports = queries.reports_of_cases(session, [case.id for case in shown])
    return Page(
        items=[CaseOut.of(case, _his(reports[case.id], actor)) for case in shown],
        next=str(shown[-1].id) if len(found) > limit else None,
    )


@router.get("/cases/{case_id}")
def read_case(
    case_id: UUID, session: DbSession, actor: Annotated[Actor, requires("cases.read")]
) -> CaseDetailOut:
    """Show one case with its reports and steps."""
    return _case_detail(session, actor, _seen_case(session, actor, case_id))


@router.post("/cases/{case_id}/take")
def take_case(
    case_id: UUID, session: DbSession, actor: Annotated[Actor, requires("cases.work")]
) -> CaseDetailOut:
    """Become the owner of a case until it is done."""
    _seen_case(session, actor, case_id)
    case = cases.lock_case(session, case_id)
    cases.take_in_hand(session, case, by=actor.user_id)
    audit.record(session, actor, action="case.take", subject_id=case.id)
    return _case_detail(session, actor, case)


@router.post("/cases/{case_id}/answer")
def answer_case(
    case_id: UUID,
    body: AnswerIn,
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("cases.work")],
) -> CaseDetailOut:
    """Say what was found out or done about a case that no incident answers; its callers are called back."""
    _seen_case(session, actor, case_id)
    case = cases.lock_case(session, case_id)
    cases.answer_by_agent(session, case, by=actor.user_id, answer=body.answer)
    callbacks.make_for_answer(session, settings, case)
    cases.settle(session, case, by=actor.user_id)
    audit.record(session, actor, action="case.answer", subject_id=case.id)
    return _case_detail(session, actor, case)


# --- callbacks -------------------------------------------------------------------------------------------------------------


@router.get("/callbacks")
def list_callbacks(
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("callbacks.read")],
    state: CallbackFilter | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[CallbackOut]:
    """List callbacks, those to be made first first; one not to be tried before a time says so in `not_before_at`."""
    rows = queries.callbacks_seen(
        session, actor, state=state, after=_callback_cursor(cursor), limit=limit + 1
    )
    shown = rows[:limit]
    last: Callback | None = shown[-1][0] if len(rows) > limit else None
    return Page(
        items=[_callback(callback, report, phone, settings, actor) for callback, report, phone in shown],
        next=f"{last.not_before_at.isoformat()}_{last.id}" if last else None,
    )


@router.get("/callbacks/{callback_id}")
def read_callback(
    callback_id: UUID,
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("callbacks.read")],
) -> CallbackDetailOut:
    """Show one callback with what was tried."""
    return _callback_detail(session, settings, actor, callback_id)


@router.post("/callbacks/{callback_id}/claim")
def claim_callback(
    callback_id: UUID,
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("callbacks.work")],
) -> CallbackDetailOut:
    """Take a callback, so that no colleague calls at the same time."""
    _callback_detail(session, settings, actor, callback_id)
    callback = callbacks.claim(session, settings, callback_id, by=actor.user_id)
    audit.record(session, actor, action="callback.claim", subject_id=callback.id)
    return _callback_detail(session, settings, actor, callback_id)


@router.post("/callbacks/{callback_id}/outcome")
def post_outcome(
    callback_id: UUID,
    body: OutcomeIn,
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("callbacks.work")],
) -> CallbackDetailOut:
    """Say what a call brought; "still_without" reopens the incident."""
    _callback_detail(session, settings, actor, callback_id)
    callback = callbacks.record_outcome(
        session,
        settings,
        callback_id,
        by=actor.user_id,
        outcome=body.outcome,
        reason=body.reason,
        note=body.note,
    )
    audit.record(session, actor, action="callback.outcome", subject_id=callback.id, digest=body.outcome.value)
    return _callback_detail(session, settings, actor, callback_id)


# --- known outages ---------------------------------------------------------------------------------------------------------


@router.get("/known-outages")
def list_outages(
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("outages.read")],
    segment_id: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
) -> Page[KnownOutageOut]:
    """List what is dry now, latest first."""
    outages = queries.outages_seen(session, actor, segment_id=segment_id)
    return Page(items=[_outage(outage, settings, actor) for outage in outages], next=None)


# --- ways of showing -------------------------------------------------------------------------------------------------------


def _seen_report(session: Session, actor: Actor, report_id: UUID) -> Report:
    report = queries.report_seen(session, actor, report_id)
    if report is None:
        raise ReportNotFound
    return report


def _seen_case(session: Session, actor: Actor, case_id: UUID) -> Case:
    case = queries.case_seen(session, actor, case_id)
    if case is None:
        raise CaseNotFound
    return case


def _his(reports: Iterable[Report], actor: Actor) -> list[Report]:
    """Leave out members of a case that lie outside somebody's area."""
    return [report for report in reports if is_in_area(report, actor)]


def _case_detail(session: Session, actor: Actor, case: Case) -> CaseDetailOut:
    session.flush()
    reports = _his(queries.reports_of_case(session, case.id), actor)
    return CaseDetailOut(
        **CaseOut.of(case, reports).model_dump(),
        reports=[ReportOut.of(report, actor) for report in reports],
        changes=[
            CaseChangeOut.of(change, words.change_words(change, actor.language))
            for change in queries.changes_of_case(session, case.id)
        ],
    )


def _callback(
    callback: Callback, report: Report, customer_phone: str | None, settings: Settings, actor: Actor
) -> CallbackOut:
    return CallbackOut.of(
        callback,
        report,
        actor,
        phone=report.caller_phone or customer_phone,
        script=words.callback_script(callback, report, settings, actor.language),
    )


def _callback_detail(
    session: Session, settings: Settings, actor: Actor, callback_id: UUID
) -> CallbackDetailOut:
    row = queries.callback_seen(session, actor, callback_id)
    if row is None:
        raise CallbackNotFound
    callback, report, phone = row
    return CallbackDetailOut(
        **_callback(callback, report, phone, settings, actor).model_dump(),
        tries=[AttemptOut.of(attempt) for attempt in queries.attempts_of(session, callback_id)],
    )


def _outage(outage: KnownOutage, settings: Settings, actor: Actor) -> KnownOutageOut:
    estimate_at = known_outages.estimate_to_tell(outage, now=utc_now())
    return KnownOutageOut.of(
        outage,
        estimate_at=estimate_at,
        say=words.outage_words(outage, estimate_at=estimate_at, settings=settings, language=actor.language),
    )


def _id(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(cursor)
    except ValueError as error:
        raise CursorNotUnderstood(errors=[FieldError("#/cursor", "not of ours")]) from error


def _callback_cursor(cursor: str | None) -> queries.CallbackCursor | None:
    if cursor is None:
        return None
    try:
        not_before, _, callback_id = cursor.partition("_")
        moment = datetime.fromisoformat(not_before)
        if moment.tzinfo is None:
            raise ValueError(not_before)
        return queries.CallbackCursor(moment, UUID(callback_id))
    except ValueError as error:
        raise CursorNotUnderstood(errors=[FieldError("#/cursor", "not of ours")]) from error
