"""Cases follow their incidents; every handler accepts its event twice (see `stories.twice`)."""

from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.events import IncidentClosed, IncidentMerged, IncidentReopened, IncidentUnmerged, ReportAttached
from core.settings import Settings
from hotline import handlers
from hotline.models import CallbackState, CaseChange, CaseState
from tests.hotline.stories import attach, callbacks_of, case_of, close, reopen, take, twice

PHONES = ("+12025559001", "+12025559002")


def test_an_attached_report_and_its_case_know_their_incident(session: Session, settings: Settings) -> None:
    one = take(session, settings, account_no="100001")
    incident = attach(session, [one])
    assert (one.incident_id, one.incident_number) == (incident, 1042)
    case = case_of(session, one)
    assert (case.incident_id, case.incident_number, case.state) == (incident, 1042, CaseState.IN_HAND)


def test_each_step_of_a_case_is_recorded_once_with_its_reason(session: Session, settings: Settings) -> None:
    one = take(session, settings, account_no="100001")
    close(session, attach(session, [one]), [one])
    steps = session.execute(
        select(CaseChange.from_state, CaseChange.to_state, CaseChange.why).order_by(CaseChange.id)
    ).all()
    assert [tuple(step) for step in steps] == [
        (None, "open", "report_taken"),
        ("open", "in_hand", "incident_linked"),
        ("in_hand", "answered", "incident_closed"),
    ]


def test_a_merged_incidents_reports_and_callbacks_go_to_the_one_that_lives_on(
    session: Session, settings: Settings
) -> None:
    mine, other = (
        take(session, settings, account_no=account, phone=phone)
        for account, phone in zip(("100001", "100002"), PHONES, strict=True)
    )
    dead, living = attach(session, [mine]), attach(session, [other])
    merged = IncidentMerged(dead, living, 1001, (mine.id,))
    twice(handlers.follow_merge, session, merged)
    assert (mine.incident_id, mine.incident_number) == (living, 1001)
    assert case_of(session, mine).incident_id == living
    due = close(session, living, [mine, other])
    assert {callback.report_id for callback in due} == {mine.id, other.id}


def test_a_callback_still_due_goes_with_a_merge_and_is_not_doubled(
    session: Session, settings: Settings
) -> None:
    mine, other, both = (
        take(session, settings, account_no=account, phone=phone)
        for account, phone in zip(("100001", "100002", "100060"), (*PHONES, PHONES[1]), strict=True)
    )
    dead, living = attach(session, [mine, both]), attach(session, [other])
    close(session, dead, [mine, both])
    close(session, living, [other])
    twice(handlers.follow_merge, session, IncidentMerged(dead, living, 1001, (mine.id, both.id)))
    due = callbacks_of(session, living, state=CallbackState.DUE)
    assert sorted(callback.report_id for callback in due) == sorted([mine.id, other.id])
    [waived] = callbacks_of(session, dead)
    assert (waived.state, waived.ended_why) == (CallbackState.WAIVED, "merged")


def test_an_incident_taken_out_again_answers_for_itself(session: Session, settings: Settings) -> None:
    mine, other = (
        take(session, settings, account_no=account, phone=phone)
        for account, phone in zip(("100001", "100002"), PHONES, strict=True)
    )
    freed, heir = attach(session, [mine]), attach(session, [other])
    twice(handlers.follow_merge, session, IncidentMerged(freed, heir, 1001, (mine.id,)))
    twice(handlers.undo_merge, session, IncidentUnmerged(freed, 1042, (mine.id,)))
    assert (mine.incident_id, mine.incident_number) == (freed, 1042)
    assert case_of(session, mine).incident_id == freed
    assert [callback.report_id for callback in close(session, freed, [mine])] == [mine.id]
    assert [case_of(session, one).state for one in (mine, other)] == [CaseState.ANSWERED, CaseState.IN_HAND]


def test_an_incident_merged_again_elsewhere_follows_the_last_merge(
    session: Session, settings: Settings
) -> None:
    one = take(session, settings, account_no="100001")
    moved, first, second = uuid4(), uuid4(), uuid4()
    handlers.follow_merge(session, IncidentMerged(moved, first, 1001, ()))
    twice(handlers.follow_merge, session, IncidentMerged(moved, second, 1002, ()))
    attach(session, [one], incident_id=moved)
    assert (one.incident_id, one.incident_number) == (second, 1002)


def test_news_of_a_merged_incident_that_comes_late_finds_its_way(
    session: Session, settings: Settings
) -> None:
    one = take(session, settings, account_no="100001")
    a, b, c = uuid4(), uuid4(), uuid4()
    twice(handlers.follow_merge, session, IncidentMerged(b, c, 1003, ()))
    twice(handlers.follow_merge, session, IncidentMerged(a, b, 1002, ()))
    twice(handlers.link_report, session, ReportAttached(one.id, a, 1001, decision="joined"))
    assert (one.incident_id, one.incident_number) == (c, 1003)


def test_a_closing_that_overtakes_the_joining_answers_the_case_all_the_same(
    session: Session, settings: Settings
) -> None:
    one = take(session, settings, account_no="100001")
    incident = uuid4()
    assert len(close(session, incident, [one])) == 1
    attach(session, [one], incident_id=incident)
    case = case_of(session, one)
    assert (case.state, case.incident_number) == (CaseState.ANSWERED, 1042)


def test_a_case_that_moved_on_to_another_incident_is_not_answered_by_the_first(
    session: Session, settings: Settings
) -> None:
    first = take(session, settings, account_no="100001")
    old = attach(session, [first])
    again = take(session, settings, account_no="100001")
    new = attach(session, [again])
    assert len(close(session, old, [first])) == 1
    case = case_of(session, first)
    assert (case.incident_id, case.state) == (new, CaseState.IN_HAND)
    assert first.incident_id == old
    close(session, new, [again])
    assert case_of(session, first).state == CaseState.ANSWERED


def test_events_about_unknown_reports_change_nothing(session: Session) -> None:
    nobody, incident = uuid4(), uuid4()
    twice(handlers.link_report, session, ReportAttached(nobody, incident, 1, decision="joined"))
    twice(handlers.tell_callers, session, IncidentClosed(incident, 1, (nobody,), "burst"))
    twice(handlers.stop_callbacks, session, IncidentReopened(incident, nobody, 1))
    assert callbacks_of(session, incident) == []


@pytest.mark.parametrize("is_reopened", [False, True])
def test_a_case_that_comes_to_its_incident_after_the_closing_stands_where_the_closing_put_it(
    session: Session, settings: Settings, is_reopened: bool
) -> None:
    mine, split_off, other = (
        take(session, settings, account_no=account, phone=phone)
        for account, phone in zip(("100001", "100002", "100060"), (*PHONES, "+12025559003"), strict=True)
    )
    dead, living = attach(session, [mine, split_off]), attach(session, [other])
    assert len(close(session, living, [mine, split_off, other])) == 3
    if is_reopened:
        reopen(session, living, other)
    twice(handlers.link_report, session, ReportAttached(split_off.id, living, 1001, decision="moved"))
    twice(handlers.follow_merge, session, IncidentMerged(dead, living, 1001, (mine.id,)))
    expected = CaseState.IN_HAND if is_reopened else CaseState.ANSWERED
    for one in (mine, split_off, other):
        case = case_of(session, one)
        assert (case.incident_id, case.state) == (living, expected)


def test_a_reopening_told_late_leaves_what_a_later_closing_answered(
    session: Session, settings: Settings
) -> None:
    one = take(session, settings, account_no="100001")
    incident = attach(session, [one])
    close(session, incident, [one])
    [due] = close(session, incident, [one], closure_no=2)
    reopen(session, incident, one, closure_no=1)
    assert due.state == CallbackState.DUE
    assert case_of(session, one).state == CaseState.ANSWERED
    reopen(session, incident, one, closure_no=2)
    assert due.state == CallbackState.WAIVED
    assert case_of(session, one).state == CaseState.IN_HAND
