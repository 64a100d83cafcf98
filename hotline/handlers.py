"""What the hotline does when something happened elsewhere. Each accepts a repeat of its event."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from core.events import (
    DeadlineKind,
    DeadlineReached,
    IncidentClosed,
    IncidentMerged,
    IncidentReopened,
    IncidentUnmerged,
    OutageDeclared,
    OutageEnded,
    ReportAttached,
)
from core.settings import get_settings
from hotline import callbacks, cases, known_outages, queries
from hotline.models import CallbackOutcome, Case, CaseState, MergedIncident, Report


def link_report(session: Session, event: ReportAttached) -> None:
    """Let a report and its case follow the incident it belongs to, or the one that lives on."""
    found = queries.report_to_link(session, event.report_id, event.incident_id)
    if found is None or found[-1]:
        incident_id, number = _living(session, event.incident_id, event.incident_number)
        _link(session, queries.reports_by_id(session, [event.report_id]), incident_id, number)
        return
    report, case, _ = found
    _name_incident(report, event.incident_id, event.incident_number)
    cases.follow_incident(session, case, event.incident_id, event.incident_number)
    session.flush()


def follow_merge(session: Session, event: IncidentMerged) -> None:
    """Let reports, cases and callbacks go to the incident that lives on."""
    session.merge(
        MergedIncident(
            incident_id=event.incident_id,
            into_incident_id=event.into_incident_id,
            into_number=event.into_number,
        )
    )
    session.flush()
    incident_id, number = _living(session, event.into_incident_id, event.into_number)
    _link(session, queries.reports_by_id(session, event.report_ids), incident_id, number)
    for case in queries.lock_cases(session, queries.case_ids_of_incident(session, event.incident_id)):
        cases.follow_incident(session, case, incident_id, number)
    callbacks.move_to_incident(session, event.incident_id, incident_id)


def undo_merge(session: Session, event: IncidentUnmerged) -> None:
    """Let an incident answer for itself again, with the reports it took back."""
    merged = session.get(MergedIncident, event.incident_id)
    if merged is None:
        return
    session.delete(merged)
    session.flush()
    _link(session, queries.reports_by_id(session, event.report_ids), event.incident_id, event.incident_number)


def tell_callers(session: Session, event: IncidentClosed) -> None:
    """Answer the cases of a closed incident, and make sure that each caller hears back once."""
    incident_id, number = _living(session, event.incident_id, None)
    reports = queries.reports_by_id(session, event.report_ids)
    # The closing may overtake the joining; what has moved on to another incident stays there.
    _link(session, [report for report in reports if report.incident_id is None], incident_id, number)
    told = callbacks.make_for_closing(
        session,
        get_settings(),
        incident_id=incident_id,
        closure_no=event.closure_no,
        reports=reports,
        cause=event.cause,
    )
    session.flush()
    for case in queries.lock_cases(session, _case_ids(told)):
        if case.incident_id == incident_id:
            cases.answer_by_incident(session, case)
            session.flush()
            cases.settle(session, case)


def stop_callbacks(session: Session, event: IncidentReopened) -> None:
    """Waive what was still to be told about the closing that proved wrong; those cases are in hand again.

    What a later closing told and answered stays as it is.
    """
    incident_id, _ = _living(session, event.incident_id, None)
    callbacks.waive_pending(
        session, incident_id, why=callbacks.REOPENED, before_closure_no=event.closure_no + 1
    )
    session.flush()
    if queries.latest_closing(session, incident_id) > event.closure_no:
        return
    for case in queries.lock_cases(session, queries.case_ids_of_incident(session, incident_id)):
        if case.state == CaseState.ANSWERED:
            cases.take_up_again(session, case, why="incident_reopened", is_with_desk=False)


def learn_outage(session: Session, event: OutageDeclared) -> None:
    """Know what is dry."""
    known_outages.learn(session, event)


def forget_outage(session: Session, event: OutageEnded) -> None:
    """Know that the water is back."""
    known_outages.end(session, event)


def heed_deadline(session: Session, event: DeadlineReached) -> None:
    """Free an abandoned claim; remind of a callback to be tried again."""
    if event.kind is DeadlineKind.CALLBACK_CLAIM_ENDS:
        callbacks.free_claim(session, get_settings(), event.subject_id, at=event.due_at)
    elif event.kind is DeadlineKind.CALLBACK_RETRY:
        callbacks.remind(session, event.subject_id)


def _link(session: Session, reports: Sequence[Report], incident_id: UUID, number: int | None) -> None:
    for report in reports:
        _name_incident(report, incident_id, number)
    # Reports and cases are written together by the flush at the end; no case has a change of its own yet that the locking could overwrite.
    with session.no_autoflush:
        locked = queries.lock_cases(session, _case_ids(reports))
    for case in locked:
        is_moved = cases.follow_incident(session, case, incident_id, number)
        if is_moved:
            _answer_if_told(session, case, incident_id, [r for r in reports if r.case_id == case.id])
    session.flush()


def _name_incident(report: Report, incident_id: UUID, number: int | None) -> None:
    report.incident_id = incident_id
    report.incident_number = number or report.incident_number


def _answer_if_told(session: Session, case: Case, incident_id: UUID, reports: Sequence[Report]) -> None:
    """Answer a case that comes to its incident after the closing: the callbacks for its callers are made already."""
    session.flush()
    told = [queries.callback_told(session, incident_id, report) for report in reports]
    standing = [callback for callback in told if callback is not None and callbacks.is_standing(callback)]
    if len(standing) < len(reports):
        return
    cases.answer_by_incident(session, case)
    session.flush()
    if any(callback.outcome == CallbackOutcome.DISSATISFIED for callback in standing):
        cases.take_up_again(session, case, why=CallbackOutcome.DISSATISFIED, is_with_desk=True)
    else:
        cases.settle(session, case)


def _case_ids(reports: Sequence[Report]) -> list[UUID]:
    return [report.case_id for report in reports if report.case_id is not None]


def _living(session: Session, incident_id: UUID, number: int | None) -> tuple[UUID, int | None]:
    """Follow merged incidents to the one that lives on."""
    seen = {incident_id}
    while (merged := session.get(MergedIncident, incident_id)) is not None:
        incident_id, number = merged.into_incident_id, merged.into_number
        if incident_id in seen:
            break
        seen.add(incident_id)
    return incident_id, number
