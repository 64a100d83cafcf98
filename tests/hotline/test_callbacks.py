"""Everybody hears back, once; claims, tries, outcomes."""

import threading
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.db import SessionFactory
from core.deadlines import sweep
from core.events import DeadlineKind, DeadlineReached
from core.models import OutboxEvent
from core.outbox import read_event
from core.settings import Settings
from hotline import callbacks, cases, handlers
from hotline.callbacks import after_attempt
from hotline.errors import (
    CallbackNotClaimed,
    CallbackNotFound,
    CallbackNotYet,
    CallbackOver,
    CallbackTaken,
    CaseAlreadyAnswered,
    CaseWithIncident,
    ReasonMissing,
)
from hotline.models import (
    Callback,
    CallbackAttempt,
    CallbackOutcome,
    CallbackState,
    CaseState,
    Category,
    Report,
)
from tests.hotline.stories import (
    attach,
    callbacks_of,
    case_of,
    close,
    emitted,
    move_clock,
    reopen,
    take,
    twice,
)

AGENT, COLLEAGUE = uuid4(), uuid4()
PHONES = ("+12025559001", "+12025559002", "+12025559003")
SATISFIED, DISSATISFIED, STILL_WITHOUT, NOT_REACHED = (
    CallbackOutcome.SATISFIED,
    CallbackOutcome.DISSATISFIED,
    CallbackOutcome.STILL_WITHOUT,
    CallbackOutcome.NOT_REACHED,
)


def call(
    session: Session,
    settings: Settings,
    callback: Callback,
    outcome: CallbackOutcome,
    *,
    by: UUID = AGENT,
    reason: str = "",
) -> Callback:
    """Claim, call, and say what it brought."""
    callbacks.claim(session, settings, callback.id, by=by)
    return callbacks.record_outcome(
        session, settings, callback.id, by=by, outcome=outcome, reason=reason, note="said so"
    )


@pytest.fixture
def reports(session: Session, settings: Settings) -> list[Report]:
    """Three neighbours, one of them twice."""
    told = zip(("100001", "100002", "100003", "100001"), (*PHONES, PHONES[0]), strict=True)
    return [take(session, settings, account_no=account, phone=phone) for account, phone in told]


@pytest.fixture
def incident(session: Session, reports: list[Report]) -> UUID:
    return attach(session, reports)


# --- the decision ----------------------------------------------------------------------------------------------------------


@given(
    outcome=st.sampled_from(CallbackOutcome),
    made=st.integers(1, 9),
    most=st.integers(1, 9),
    overtaken=st.sampled_from([None, "reopened"]),
)
def test_every_attempt_leads_somewhere(
    outcome: CallbackOutcome, made: int, most: int, overtaken: str | None
) -> None:
    step = after_attempt(outcome, attempts_made=made, attempts_max=most, overtaken_by=overtaken)
    if outcome is not NOT_REACHED:
        assert step.state is CallbackState.REACHED
    elif overtaken:
        assert (step.state, step.ended_why) == (CallbackState.WAIVED, overtaken)
    elif made >= most:
        assert (step.state, step.ended_why) == (CallbackState.NOT_REACHED, "attempts_used_up")
    else:
        assert (step.state, step.is_end) == (CallbackState.DUE, False)


# --- who hears back --------------------------------------------------------------------------------------------------------


def test_each_distinct_caller_of_a_closed_incident_is_called_back_once(
    session: Session, reports: list[Report], incident: UUID
) -> None:
    due = close(session, incident, reports)  # handled twice
    assert [callback.report_id for callback in due] == [reports[0].id, reports[1].id, reports[2].id]
    assert {callback.caller_key for callback in due} == {report.caller_key for report in reports}
    assert len(emitted(session, "CallbackDue")) == 3
    assert {callback.reason for callback in due} == {"supply_restored"}


def test_a_caller_without_any_number_cannot_be_called_and_that_is_written_down(
    session: Session, settings: Settings
) -> None:
    nameless = take(session, settings, address_text="5 Mill Street")
    nameless.customer_account_id = None
    incident = attach(session, [nameless])
    assert close(session, incident, [nameless]) == []
    [waived] = callbacks_of(session, incident)
    assert (waived.state, waived.ended_why) == (CallbackState.WAIVED, "no_number")
    assert case_of(session, nameless).state == CaseState.CLOSED


def test_a_customer_who_left_no_number_is_called_on_his_accounts(
    session: Session, settings: Settings
) -> None:
    one = take(session, settings, account_no="100001")
    [due] = close(session, attach(session, [one]), [one])
    assert due.state == CallbackState.DUE


def test_an_answered_case_makes_callbacks_of_its_own(session: Session, settings: Settings) -> None:
    stray = take(session, settings, phone=PHONES[0], category=Category.OTHER)
    case = cases.lock_case(session, stray.case_id or uuid4())
    cases.answer_by_agent(session, case, by=AGENT, answer="The noise is the tram.")
    for _ in range(2):
        callbacks.make_for_answer(session, settings, case)
    [due] = callbacks_of(session, case.id)
    assert (due.reason, due.incident_id, due.closure_no) == ("case_answered", None, 1)
    with pytest.raises(CaseAlreadyAnswered):
        cases.answer_by_agent(session, case, by=AGENT, answer="Again.")


def test_a_dissatisfied_caller_is_answered_and_called_again(session: Session, settings: Settings) -> None:
    stray = take(session, settings, phone=PHONES[0], category=Category.OTHER)
    for answer, outcome, state in (
        ("The noise is the tram.", DISSATISFIED, CaseState.IN_HAND),
        ("We listened at night: it is the pump, and it is mended.", SATISFIED, CaseState.CLOSED),
    ):
        case = cases.lock_case(session, stray.case_id or uuid4())
        cases.answer_by_agent(session, case, by=AGENT, answer=answer)
        callbacks.make_for_answer(session, settings, case)
        [due] = callbacks_of(session, case.id, state=CallbackState.DUE)
        call(session, settings, due, outcome)
        assert case_of(session, stray).state == state
    assert len(callbacks_of(session, case.id)) == 2


def test_an_agent_does_not_answer_what_an_open_incident_answers(
    session: Session, settings: Settings, reports: list[Report], incident: UUID
) -> None:
    case = case_of(session, reports[0])
    assert (case.incident_id, case.is_with_desk) == (incident, False)
    with pytest.raises(CaseWithIncident):
        cases.answer_by_agent(session, case, by=AGENT, answer="It is the tram.")


def test_an_agents_answer_and_a_closing_are_told_in_one_call(
    session: Session, settings: Settings, reports: list[Report], incident: UUID
) -> None:
    first, *_ = close(session, incident, reports)
    call(session, settings, first, DISSATISFIED)
    case = case_of(session, reports[0])
    cases.answer_by_agent(session, case, by=AGENT, answer="We rinse the main tonight.")
    callbacks.make_for_answer(session, settings, case)
    [answered] = callbacks_of(session, case.id)
    reopen(session, incident, reports[0])
    assert answered.state == CallbackState.DUE
    close(session, incident, reports, closure_no=2)
    session.refresh(answered)
    assert (answered.state, answered.ended_why) == (CallbackState.WAIVED, "told_together")
    due = callbacks_of(session, incident, closure_no=2, state=CallbackState.DUE)
    assert [one.report_id for one in due].count(reports[0].id) == 1


# --- claiming --------------------------------------------------------------------------------------------------------------


def test_a_claimed_callback_is_refused_to_colleagues_and_kept_by_its_agent(
    session: Session, settings: Settings, reports: list[Report], incident: UUID
) -> None:
    first, *_ = close(session, incident, reports)
    for _ in range(2):
        callbacks.claim(session, settings, first.id, by=AGENT)
    with pytest.raises(CallbackTaken):
        callbacks.claim(session, settings, first.id, by=COLLEAGUE)
    with pytest.raises(CallbackNotClaimed):
        callbacks.record_outcome(session, settings, first.id, by=COLLEAGUE, outcome=SATISFIED)
    with pytest.raises(CallbackNotFound):
        callbacks.claim(session, settings, uuid4(), by=AGENT)


def test_two_agents_who_claim_at_the_same_moment_do_not_both_call(
    factory: SessionFactory, settings: Settings
) -> None:
    with factory() as session, session.begin():
        one = take(session, settings, account_no="100001", phone=PHONES[0])
        [due] = close(session, attach(session, [one]), [one])
    said: list[str] = []

    def colleague() -> None:
        with factory() as session, session.begin():
            try:
                callbacks.claim(session, settings, due.id, by=COLLEAGUE)
                said.append("claimed")
            except CallbackTaken:
                said.append("taken")

    with factory() as session, session.begin():
        callbacks.claim(session, settings, due.id, by=AGENT)
        thread = threading.Thread(target=colleague)
        thread.start()
        thread.join(timeout=0.5)
        assert thread.is_alive()  # waits for the row
    thread.join(timeout=10.0)
    assert said == ["taken"]


def test_an_abandoned_claim_ends_and_a_colleague_calls(factory: SessionFactory, settings: Settings) -> None:
    with factory() as session, session.begin():
        one = take(session, settings, account_no="100001", phone=PHONES[0])
        [due] = close(session, attach(session, [one]), [one])
        callbacks.claim(session, settings, due.id, by=AGENT)
    assert sweep(factory, batch=10) == 0
    move_clock(timedelta(seconds=settings.callback_claim_s + 1))
    assert sweep(factory, batch=10) == 1
    with factory() as session, session.begin():
        row = session.scalars(select(OutboxEvent).where(OutboxEvent.name == "DeadlineReached")).one()
        ended = read_event(row)
        assert isinstance(ended, DeadlineReached)
        twice(handlers.heed_deadline, session, ended)
        freed = session.get_one(Callback, due.id)
        assert (freed.state, freed.claimed_by) == (CallbackState.DUE, None)
        callbacks.claim(session, settings, due.id, by=COLLEAGUE)
        handlers.heed_deadline(session, ended)  # told late: the new claim stays
        assert freed.claimed_by == COLLEAGUE
        with pytest.raises(CallbackNotClaimed):
            callbacks.record_outcome(session, settings, due.id, by=AGENT, outcome=SATISFIED)


# --- outcomes --------------------------------------------------------------------------------------------------------------


def test_a_satisfied_caller_ends_the_matter(
    session: Session, settings: Settings, reports: list[Report], incident: UUID
) -> None:
    first, *_ = close(session, incident, reports)
    call(session, settings, first, SATISFIED)
    assert (first.state, first.outcome) == (CallbackState.REACHED, SATISFIED)
    case = case_of(session, reports[0])
    assert case.state == CaseState.CLOSED
    assert case.closed_at is not None
    assert case_of(session, reports[1]).state == CaseState.ANSWERED
    [made] = emitted(session, "CallbackMade")
    assert made["outcome"] == "satisfied"
    assert made["incident_id"] == str(incident)
    with pytest.raises(CallbackOver):
        callbacks.claim(session, settings, first.id, by=COLLEAGUE)
    with pytest.raises(CallbackOver):
        callbacks.record_outcome(session, settings, first.id, by=AGENT, outcome=SATISFIED)


def test_one_call_serves_all_cases_of_a_caller_in_an_incident(session: Session, settings: Settings) -> None:
    dry = take(session, settings, account_no="100001", phone=PHONES[0])
    leak = take(session, settings, account_no="100001", phone=PHONES[0], category=Category.LEAK)
    assert dry.case_id != leak.case_id
    [due] = close(session, attach(session, [dry, leak]), [dry, leak])
    call(session, settings, due, SATISFIED)
    assert {case_of(session, one).state for one in (dry, leak)} == {CaseState.CLOSED}


def test_who_is_not_reached_is_tried_again_later_and_given_up_in_the_end(
    session: Session, settings: Settings, reports: list[Report], incident: UUID
) -> None:
    first, *_ = close(session, incident, reports)
    for attempt in range(1, settings.callback_attempts_max + 1):
        move_clock(timedelta(seconds=settings.callback_retry_s * attempt))
        call(session, settings, first, NOT_REACHED, reason="no answer")
        assert first.attempt_count == attempt
        if attempt < settings.callback_attempts_max:
            assert first.state == CallbackState.DUE
            with pytest.raises(CallbackNotYet):
                callbacks.claim(session, settings, first.id, by=AGENT)
    assert (first.state, first.ended_why) == (CallbackState.NOT_REACHED, "attempts_used_up")
    assert [made["outcome"] for made in emitted(session, "CallbackMade")] == ["not_reached"]
    reasons = session.scalars(select(CallbackAttempt.reason)).all()
    assert reasons == ["no answer"] * settings.callback_attempts_max
    assert case_of(session, reports[0]).state == CaseState.CLOSED


def test_a_retry_is_announced_when_its_time_comes(
    session: Session, settings: Settings, reports: list[Report], incident: UUID
) -> None:
    first, *_ = close(session, incident, reports)
    call(session, settings, first, NOT_REACHED, reason="busy")
    before = len(emitted(session, "CallbackDue"))
    handlers.heed_deadline(
        session, DeadlineReached(uuid4(), DeadlineKind.CALLBACK_RETRY, first.id, first.not_before_at)
    )
    assert len(emitted(session, "CallbackDue")) == before + 1


def test_not_reached_needs_its_reason(
    session: Session, settings: Settings, reports: list[Report], incident: UUID
) -> None:
    first, *_ = close(session, incident, reports)
    with pytest.raises(ReasonMissing):
        call(session, settings, first, NOT_REACHED)
    assert session.scalar(select(func.count()).select_from(CallbackAttempt)) == 0


# --- still without water ---------------------------------------------------------------------------------------------------


def test_still_without_is_told_to_dispatch_and_the_case_is_in_hand_again(
    session: Session, settings: Settings, reports: list[Report], incident: UUID
) -> None:
    first, *_ = close(session, incident, reports)
    call(session, settings, first, STILL_WITHOUT)
    [made] = emitted(session, "CallbackMade")
    assert (made["outcome"], made["incident_id"], made["report_id"]) == (
        "still_without",
        str(incident),
        str(reports[0].id),
    )
    case = case_of(session, reports[0])
    assert (case.state, case.is_with_desk) == (CaseState.IN_HAND, False)


def test_who_is_not_content_with_a_closing_waits_for_the_desk(
    session: Session, settings: Settings, reports: list[Report], incident: UUID
) -> None:
    first, *_ = close(session, incident, reports)
    assert not case_of(session, reports[0]).is_with_desk
    call(session, settings, first, DISSATISFIED)
    case = case_of(session, reports[0])
    assert (case.state, case.is_with_desk) == (CaseState.IN_HAND, True)


def test_a_reopened_incident_waives_what_was_still_to_be_told_and_its_next_closing_makes_up_for_it(
    session: Session, settings: Settings, reports: list[Report], incident: UUID
) -> None:
    first, second, third = close(session, incident, reports)
    call(session, settings, second, SATISFIED)
    call(session, settings, first, STILL_WITHOUT)
    reopen(session, incident, reports[0])
    assert (third.state, third.ended_why) == (CallbackState.WAIVED, "reopened")
    assert [case_of(session, one).state for one in reports[:3]] == [
        CaseState.IN_HAND,
        CaseState.CLOSED,
        CaseState.IN_HAND,
    ]
    # Dispatch names only who was told again; who was waived is owed a call, who was content is left in peace.
    again = close(session, incident, [reports[0]], closure_no=2)
    assert [callback.report_id for callback in again] == [reports[0].id, reports[2].id]
    for callback in again:
        call(session, settings, callback, SATISFIED)
    assert {case_of(session, one).state for one in reports} == {CaseState.CLOSED}


def test_a_closing_handled_before_its_reopening_loses_nobody(
    session: Session, settings: Settings, reports: list[Report], incident: UUID
) -> None:
    first, second, third = close(session, incident, reports)
    call(session, settings, first, STILL_WITHOUT)
    again = close(session, incident, [reports[0]], closure_no=2)
    reopen(session, incident, reports[0])  # late
    assert {second.state, third.state} == {CallbackState.WAIVED}
    assert {callback.report_id for callback in again} == {one.id for one in reports[:3]}
    assert {callback.state for callback in again} == {CallbackState.DUE}


def test_a_call_being_made_while_its_incident_is_reopened_is_not_tried_again(
    session: Session, settings: Settings, reports: list[Report], incident: UUID
) -> None:
    first, second, third = close(session, incident, reports)
    for callback in (second, third):
        callbacks.claim(session, settings, callback.id, by=COLLEAGUE)
    call(session, settings, first, STILL_WITHOUT)
    reopen(session, incident, reports[0])
    assert second.state == CallbackState.ATTEMPTING
    callbacks.record_outcome(session, settings, second.id, by=COLLEAGUE, outcome=NOT_REACHED, reason="busy")
    assert (second.state, second.ended_why) == (CallbackState.WAIVED, "reopened")
    callbacks.free_claim(
        session, settings, third.id, at=utc_now() + timedelta(seconds=settings.callback_claim_s + 1)
    )
    assert (third.state, third.ended_why) == (CallbackState.WAIVED, "reopened")


def test_who_is_content_in_one_call_is_spared_the_next(
    session: Session, settings: Settings, reports: list[Report], incident: UUID
) -> None:
    first, second, _ = close(session, incident, reports)
    callbacks.claim(session, settings, second.id, by=COLLEAGUE)
    call(session, settings, first, STILL_WITHOUT)
    reopen(session, incident, reports[0])
    again = close(session, incident, reports[:2], closure_no=2)
    callbacks.record_outcome(session, settings, second.id, by=COLLEAGUE, outcome=SATISFIED)
    spared = next(callback for callback in again if callback.caller_key == second.caller_key)
    assert (spared.state, spared.ended_why) == (CallbackState.WAIVED, "told_already")
    assert case_of(session, reports[1]).state == CaseState.CLOSED


def test_who_was_content_but_reported_again_hears_back_again(
    session: Session, settings: Settings, reports: list[Report], incident: UUID
) -> None:
    first, second, _ = close(session, incident, reports)
    call(session, settings, second, SATISFIED)
    call(session, settings, first, STILL_WITHOUT)
    reopen(session, incident, reports[0])
    again = take(session, settings, account_no="100002", phone=PHONES[1])
    attach(session, [again], incident_id=incident)
    due = close(session, incident, [reports[0], again], closure_no=2)
    assert second.caller_key in {callback.caller_key for callback in due}


def test_who_is_being_called_while_his_incident_closes_again_is_owed_a_call_all_the_same(
    session: Session, settings: Settings, reports: list[Report], incident: UUID
) -> None:
    first, second, _ = close(session, incident, reports)
    callbacks.claim(session, settings, second.id, by=COLLEAGUE)
    call(session, settings, first, STILL_WITHOUT)
    reopen(session, incident, reports[0])
    again = close(session, incident, [reports[0]], closure_no=2)
    callbacks.record_outcome(session, settings, second.id, by=COLLEAGUE, outcome=NOT_REACHED, reason="busy")
    assert second.state == CallbackState.WAIVED
    assert second.caller_key in {callback.caller_key for callback in again}
    assert case_of(session, reports[1]).state == CaseState.ANSWERED


def test_a_case_is_closed_when_the_abandoned_claim_of_its_last_callback_is_waived(
    session: Session, settings: Settings, reports: list[Report], incident: UUID
) -> None:
    first, *_ = close(session, incident, reports)
    callbacks.claim(session, settings, first.id, by=AGENT)
    first.overtaken_by = "told_already"
    ends_at = utc_now() + timedelta(seconds=settings.callback_claim_s + 1)
    callbacks.free_claim(session, settings, first.id, at=ends_at)
    assert first.state == CallbackState.WAIVED
    assert case_of(session, reports[0]).state == CaseState.CLOSED
