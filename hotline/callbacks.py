"""Callbacks: everybody who reported something hears how it ended, once.

A callback is made for each distinct caller when an incident closes, or when an agent answers a case that no incident answers. An agent
claims it, calls, and says what it brought; who is not reached is tried again, some times. A claim ends by itself, so that nothing is
forgotten on an abandoned desk.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.db import new_id
from core.deadlines import cancel_deadline, set_deadline
from core.events import CallbackDue, CallbackMade, DeadlineKind
from core.outbox import emit
from core.settings import Settings
from hotline import cases, queries
from hotline.errors import (
    CallbackNotClaimed,
    CallbackNotFound,
    CallbackNotYet,
    CallbackOver,
    CallbackTaken,
    ReasonMissing,
)
from hotline.models import (
    Callback,
    CallbackAttempt,
    CallbackOutcome,
    CallbackState,
    Case,
    Category,
    Report,
)

REOPENED: Final = "reopened"
"""Why a callback is waived when its incident lives again; its caller is owed one at the next closing."""
PENDING: Final = (CallbackState.DUE, CallbackState.ATTEMPTING)
DRY_CATEGORIES: Final = (Category.NO_WATER, Category.LOW_PRESSURE)
"""Who reported one of these is asked whether the water is back."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """Where a callback goes after an attempt."""

    state: CallbackState
    ended_why: str | None = None

    @property
    def is_end(self) -> bool:
        """Whether there is nothing left to try."""
        return self.state not in PENDING


def after_attempt(
    outcome: CallbackOutcome,
    *,
    attempts_made: int,
    attempts_max: int,
    overtaken_by: str | None,
) -> NextStep:
    """Decide where a callback goes.

    Parameters
    ----------
    outcome
        What the attempt brought.
    attempts_made
        This one included.
    attempts_max
        After how many the callback is given up.
    overtaken_by
        Why another attempt is not worth while, if so: what it was to tell no longer holds.
    """
    if outcome is not CallbackOutcome.NOT_REACHED:
        return NextStep(CallbackState.REACHED)
    if overtaken_by is not None:
        return NextStep(CallbackState.WAIVED, overtaken_by)
    if attempts_made >= attempts_max:
        return NextStep(CallbackState.NOT_REACHED, "attempts_used_up")
    return NextStep(CallbackState.DUE)


def what_to_say(category: str, *, is_answered_by_agent: bool) -> str:
    """Choose the script: `hotline.script.<key>`."""
    if is_answered_by_agent:
        return "case_answered"
    if category in DRY_CATEGORIES:
        return "supply_restored"
    return "quality_restored" if category == Category.WATER_QUALITY else "repaired"


def make_for_closing(
    session: Session,
    settings: Settings,
    *,
    incident_id: UUID,
    closure_no: int,
    reports: Sequence[Report],
    cause: str | None,
) -> list[Report]:
    """Make a callback for each distinct caller of a closed incident.

    Pending ones of its earlier closings are waived: the new ones tell more. Those waived because the incident was reopened are owed one now.
    A caller who said that he is content, and has not reported since, is left in peace.

    Parameters
    ----------
    closure_no
        Counts the closings of a reopened incident.
    reports
        Those this closing answers.
    cause
        What was found, as dispatch names it.

    Returns
    -------
    told
        The reports that are answered by it: `reports`, and those still owed an answer from an earlier closing.
    """
    waive_pending(session, incident_id, why=REOPENED, before_closure_no=closure_no)
    session.flush()
    owed = queries.reports_owed(session, incident_id, why=REOPENED)
    reports = list({report.id: report for report in (*reports, *owed)}.values())
    content_since = queries.content_since(session, incident_id)
    for report in _one_a_caller(reports):
        latest_at = max(r.received_at for r in reports if r.caller_key == report.caller_key)
        content_at = content_since.get(report.caller_key)
        if content_at is not None and content_at >= latest_at:
            continue
        _make(
            session,
            settings,
            report,
            matter_id=incident_id,
            incident_id=incident_id,
            closure_no=closure_no,
            reason=what_to_say(report.category, is_answered_by_agent=False),
            cause=cause,
        )
    return reports


def make_for_answer(session: Session, settings: Settings, case: Case) -> None:
    """Make a callback for each distinct caller of a case that an agent answered."""
    for report in _one_a_caller(queries.reports_of_case(session, case.id)):
        _make(
            session,
            settings,
            report,
            matter_id=case.id,
            incident_id=case.incident_id,
            closure_no=case.answer_count,
            reason=what_to_say(report.category, is_answered_by_agent=True),
            cause=None,
        )


def is_standing(callback: Callback) -> bool:
    """Whether what a callback told, or is to tell, still holds: its incident was not found to live on."""
    is_reopened = REOPENED in (callback.overtaken_by, callback.ended_why)
    return not is_reopened and callback.outcome != CallbackOutcome.STILL_WITHOUT


def waive_pending(
    session: Session, incident_id: UUID, *, why: str, before_closure_no: int | None = None
) -> None:
    """Waive what is still due about an incident's closings, because what it was to tell no longer holds.

    One that an agent is making just now is left to him; it is not tried again.

    Parameters
    ----------
    why
        Key of the reason, `hotline.callback_end.<why>`.
    before_closure_no
        Leave this closing and later ones alone.
    """
    for callback in queries.lock_pending_of_incident(
        session, incident_id, before_closure_no=before_closure_no
    ):
        _stop(session, callback, why=why)


def move_to_incident(session: Session, incident_id: UUID, into_incident_id: UUID) -> None:
    """Let the callbacks of a merged incident go with its reports; those made stay made, those due stay due."""
    for callback in queries.lock_pending_of_incident(session, incident_id):
        if queries.has_callback(session, into_incident_id, callback.closure_no, callback.caller_key):
            _stop(session, callback, why="merged")
        else:
            callback.matter_id = into_incident_id
    session.flush()
    session.execute(
        update(Callback).where(Callback.incident_id == incident_id).values(incident_id=into_incident_id)
    )


def claim(session: Session, settings: Settings, callback_id: UUID, *, by: UUID) -> Callback:
    """Take a callback, so that no colleague calls at the same time; claiming one's own again changes nothing.

    Raises
    ------
    CallbackNotFound
        There is none.
    CallbackTaken
        A colleague was faster.
    CallbackNotYet
        The caller was not reached a moment ago.
    CallbackOver
        It has ended.
    """
    callback = _lock(session, callback_id)
    if callback.state not in PENDING:
        raise CallbackOver
    if callback.state == CallbackState.ATTEMPTING:
        if callback.claimed_by != by:
            raise CallbackTaken
        return callback
    now = utc_now()
    if callback.not_before_at > now:
        raise CallbackNotYet
    callback.state = CallbackState.ATTEMPTING
    callback.claimed_by, callback.claimed_at = by, now
    cancel_deadline(session, kind=DeadlineKind.CALLBACK_RETRY, subject_id=callback.id)
    set_deadline(
        session,
        kind=DeadlineKind.CALLBACK_CLAIM_ENDS,
        subject_id=callback.id,
        due_at=now + timedelta(seconds=settings.callback_claim_s),
    )
    return callback


def free_claim(session: Session, settings: Settings, callback_id: UUID, *, at: datetime) -> None:
    """Give a claimed callback back when its claim's time is over; a claim made since then stays."""
    callback = session.get(Callback, callback_id, with_for_update=True, populate_existing=True)
    if callback is None or callback.state != CallbackState.ATTEMPTING or callback.claimed_at is None:
        return
    if callback.claimed_at + timedelta(seconds=settings.callback_claim_s) > at:
        return
    if callback.overtaken_by is not None:
        _waive(session, callback, why=callback.overtaken_by)
        _let_cases_follow(session, callback, by=None)
        return
    _become_due(session, callback)


def remind(session: Session, callback_id: UUID) -> None:
    """Tell again that a callback is due: the time to retry has come."""
    callback = session.get(Callback, callback_id)
    if callback is not None and callback.state == CallbackState.DUE:
        emit(session, CallbackDue(callback.id, callback.report_id, callback.incident_id))


def record_outcome(
    session: Session,
    settings: Settings,
    callback_id: UUID,
    *,
    by: UUID,
    outcome: CallbackOutcome,
    reason: str = "",
    note: str = "",
) -> Callback:
    """Write down what a call brought, and let the case and the incident follow.

    Parameters
    ----------
    by
        Who called; the callback must be his.
    reason
        Why the caller was not reached; then it must be there.
    note
        What was said.

    Raises
    ------
    CallbackNotFound
        There is none.
    CallbackNotClaimed
        It is not claimed by this person.
    CallbackOver
        It has ended.
    ReasonMissing
        Not reached, and no reason.
    """
    callback = _lock(session, callback_id)
    if callback.state not in PENDING:
        raise CallbackOver
    if callback.state != CallbackState.ATTEMPTING or callback.claimed_by != by:
        raise CallbackNotClaimed
    if outcome is CallbackOutcome.NOT_REACHED and not reason:
        raise ReasonMissing
    callback.attempt_count += 1
    session.add(
        CallbackAttempt(
            callback_id=callback.id, at=utc_now(), by_user_id=by, outcome=outcome, reason=reason, note=note
        )
    )
    cancel_deadline(session, kind=DeadlineKind.CALLBACK_CLAIM_ENDS, subject_id=callback.id)
    step = after_attempt(
        outcome,
        attempts_made=callback.attempt_count,
        attempts_max=settings.callback_attempts_max,
        overtaken_by=callback.overtaken_by,
    )
    if not step.is_end:
        _become_due(session, callback, after_s=settings.callback_retry_s)
    elif step.state is CallbackState.WAIVED:
        _waive(session, callback, why=step.ended_why or "")
    else:
        _end(callback, step, outcome=outcome)
        if outcome is CallbackOutcome.SATISFIED:
            _spare_caller(session, callback)
        emit(session, CallbackMade(callback.id, callback.report_id, callback.incident_id, outcome.value))
    _let_cases_follow(session, callback, by=by)
    return callback


def _make(
    session: Session,
    settings: Settings,
    report: Report,
    *,
    matter_id: UUID,
    incident_id: UUID | None,
    closure_no: int,
    reason: str,
    cause: str | None,
) -> None:
    now = utc_now()
    has_number = queries.phone_to_call(session, report) is not None
    made = session.execute(
        insert(Callback)
        .values(
            id=new_id(),
            report_id=report.id,
            case_id=report.case_id,
            incident_id=incident_id,
            matter_id=matter_id,
            closure_no=closure_no,
            caller_key=report.caller_key,
            reason=reason,
            cause=cause,
            state=CallbackState.DUE if has_number else CallbackState.WAIVED,
            due_at=now + timedelta(seconds=settings.callback_due_s),
            not_before_at=now,
            attempt_count=0,
            ended_at=None if has_number else now,
            ended_why=None if has_number else "no_number",
        )
        .on_conflict_do_nothing(index_elements=["matter_id", "closure_no", "caller_key"])
        .returning(Callback.id)
    ).scalar_one_or_none()
    if made is None:
        return
    if incident_id is not None:
        for other in queries.lock_pending_of_caller(session, incident_id, report.caller_key):
            if other.id != made:
                _stop(session, other, why="told_together")
    if has_number:
        emit(session, CallbackDue(made, report.id, incident_id))


def _one_a_caller(reports: Iterable[Report]) -> list[Report]:
    """Take each caller's first report."""
    first: dict[str, Report] = {}
    for report in sorted(reports, key=lambda r: r.id):
        first.setdefault(report.caller_key, report)
    return list(first.values())


def _lock(session: Session, callback_id: UUID) -> Callback:
    callback = session.get(Callback, callback_id, with_for_update=True, populate_existing=True)
    if callback is None:
        raise CallbackNotFound
    return callback


def _become_due(session: Session, callback: Callback, *, after_s: float = 0.0) -> None:
    callback.state = CallbackState.DUE
    callback.claimed_by = callback.claimed_at = None
    if after_s <= 0:
        emit(session, CallbackDue(callback.id, callback.report_id, callback.incident_id))
        return
    callback.not_before_at = utc_now() + timedelta(seconds=after_s)
    set_deadline(
        session,
        kind=DeadlineKind.CALLBACK_RETRY,
        subject_id=callback.id,
        due_at=callback.not_before_at,
    )


def _stop(session: Session, callback: Callback, *, why: str) -> None:
    """Waive one that is due; leave one that is being made to its agent, not to be tried again."""
    if callback.state == CallbackState.ATTEMPTING:
        callback.overtaken_by = why
    else:
        _waive(session, callback, why=why)


def _spare_caller(session: Session, callback: Callback) -> None:
    """Waive what else the caller was to hear about the same incident: he is content."""
    if callback.incident_id is None:
        return
    session.flush()
    for other in queries.lock_pending_of_caller(session, callback.incident_id, callback.caller_key):
        if other.id != callback.id:
            _stop(session, other, why="told_already")


def _waive(session: Session, callback: Callback, *, why: str) -> None:
    for kind in (DeadlineKind.CALLBACK_RETRY, DeadlineKind.CALLBACK_CLAIM_ENDS):
        cancel_deadline(session, kind=kind, subject_id=callback.id)
    _end(callback, NextStep(CallbackState.WAIVED, why))


def _end(callback: Callback, step: NextStep, *, outcome: CallbackOutcome | None = None) -> None:
    callback.state = step.state
    callback.outcome = outcome
    callback.ended_why = step.ended_why
    callback.ended_at = utc_now()


def _let_cases_follow(session: Session, callback: Callback, *, by: UUID | None) -> None:
    """Put the cases of a discontent caller in hand again, and close those of whom nobody has still to hear."""
    session.flush()
    is_content = callback.outcome in (CallbackOutcome.SATISFIED, CallbackOutcome.NOT_REACHED)
    for case in queries.lock_cases_of_callback(session, callback):
        if callback.state in PENDING:
            continue
        if callback.outcome is None or is_content:
            cases.settle(session, case, by=by)
        else:
            # Who is still without water is heard by dispatch, which reopens the incident; all else is the desk's.
            will_reopen = (
                callback.outcome == CallbackOutcome.STILL_WITHOUT and callback.incident_id is not None
            )
            cases.take_up_again(session, case, why=callback.outcome, is_with_desk=not will_reopen, by=by)
