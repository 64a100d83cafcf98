"""Escalations from the event that raises them to the end: told, late, climbed, merged, split, counted anew."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from core.calendars import confirm_year, set_day
from core.deadlines import DeadlineKind
from core.events import AssetFaultsRepeated, EscalationChanged, RepeatedComplaint
from core.models import Deadline
from dispatch import incidents, merging
from dispatch.changes import By
from dispatch.escalation import rules, steps
from dispatch.escalation.errors import (
    AcknowledgedAlready,
    EscalationOver,
    NotItsRecipient,
    NotReportedYet,
    OwnReport,
    ReportedAlready,
)
from dispatch.escalation.models import (
    Closure,
    Escalation,
    EscalationChange,
    Proof,
    ReportedHow,
    TermUnit,
    Trigger,
)
from dispatch.escalation.rules import Rung, Term
from dispatch.models import Cause, Incident
from tests.dispatch.escalation.conftest import SomebodyOf, escalations, grows, happens, local
from tests.dispatch.escalation.test_rules import REPEATS
from tests.dispatch.play import Play

CLUSTER = replace(
    REPEATS, code="cluster-to-leader", trigger=Trigger.CLUSTER, times_min=None, window_days=None
)
DISPATCHER = By(user_id=None, why="looked there")


def cluster(play: Play) -> Escalation:
    """Three calls that chance does not explain, and what must be told of them."""
    for pipe in ("H02", "H12", "H22"):
        play.call(pipe)
    (one,) = escalations(play)
    return one


def two(play: Play) -> tuple[Incident, Incident]:
    """Two incidents about which nothing must be told yet."""
    play.call("H00")
    play.call("H10")
    play.call("H40")
    first, second = play.incidents()
    return first, second


def tell(play: Play, one: Escalation, by: SomebodyOf, words: str = "told at his desk") -> None:
    steps.report(
        play.session,
        one,
        by("supervisor"),
        how=ReportedHow.IN_PERSON,
        words=words,
        settings=play.settings,
    )
    play.relay()


def states(play: Play, one: Escalation) -> list[str]:
    return list(
        play.session.scalars(
            select(EscalationChange.to_state)
            .where(EscalationChange.escalation_id == one.id)
            .order_by(EscalationChange.at, EscalationChange.id)
        )
    )


def until(play: Play, moment: str) -> None:
    """Let time pass until a clock in Shanghai shows this."""
    play.wait(seconds=(datetime.fromisoformat(f"{moment}+08:00") - play.now).total_seconds())


# --- raised and told -------------------------------------------------------------------------------------------------------


def test_a_cluster_before_spring_festival_is_due_at_the_end_of_the_second_working_day(festival: Play) -> None:
    one = cluster(festival)
    assert (one.rule_code, one.role, one.state) == ("cluster-to-leader", "leader", "pending")
    assert one.clock_start == festival.now
    assert (local(one.near_at), local(one.due_at)) == ("02-24 00:00", "02-25 00:00")
    assert not one.is_confirmed
    then = one.at_trigger["incident"]
    incident = festival.incident()
    assert (then["number"], then["level"], then["calls"], then["customers"]) == (
        incident.number,
        "cluster",
        3,
        3,
    )
    assert then["streets"] == ["Mill Street"]
    assert then["customers_without_water"] == incident.customers_without_water > 0


def test_the_other_reading_counts_the_day_itself(festival: Play) -> None:
    rules.restate(
        festival.session,
        replace(CLUSTER, term=Term(2, TermUnit.WORKING_DAY, counts_first_day=True)),
        by=uuid4(),
    )
    one = cluster(festival)
    assert one.rule.version == 2
    assert local(one.due_at) == "02-15 00:00"  # the end of the make-up Saturday


def test_untold_it_comes_near_is_overdue_and_climbs(festival: Play) -> None:
    one = cluster(festival)
    until(festival, "2026-02-23T23:59:59")
    assert one.state == "pending"
    until(festival, "2026-02-24T00:00:00")
    assert one.state == "due"
    until(festival, "2026-02-24T23:59:59")
    assert (one.state, one.role) == ("due", "leader")
    until(festival, "2026-02-25T00:00:00")
    assert (one.state, local(one.climbs_at)) == ("overdue", "02-26 00:00")
    until(festival, "2026-02-26T00:00:00")
    assert (one.state, one.role, one.rung, one.climbs_at) == ("climbed", "director", 1, None)
    until(festival, "2026-04-01T00:00:00")
    assert states(festival, one) == ["pending", "due", "overdue", "climbed"]
    assert [event.to_state for event in festival.emitted(EscalationChanged)] == states(festival, one)


def test_a_ladder_is_climbed_rung_by_rung_each_with_its_own_time(festival: Play) -> None:
    ladder = [Rung("director", 0, TermUnit.HOUR), Rung("administrator", 5, TermUnit.HOUR)]
    rules.restate(festival.session, replace(CLUSTER, ladder=ladder), by=uuid4())
    one = cluster(festival)
    until(festival, "2026-02-25T00:00:00")
    assert (one.state, one.role, local(one.climbs_at)) == ("climbed", "director", "02-25 05:00")
    until(festival, "2026-02-25T05:00:00")
    assert (one.role, one.rung) == ("administrator", 2)
    assert states(festival, one) == ["pending", "due", "overdue", "climbed", "climbed"]


def test_a_worker_that_was_away_for_a_month_takes_all_the_steps_at_once(festival: Play) -> None:
    one = cluster(festival)
    festival.set_clock(festival.now + timedelta(days=30))
    steps.look(festival.session, one, settings=festival.settings)
    assert (one.state, one.role) == ("climbed", "director")


def test_what_was_told_in_time_stays_told_and_is_closed_with_its_incident(
    festival: Play, somebody: SomebodyOf
) -> None:
    leader = somebody("leader")
    one = cluster(festival)
    until(festival, "2026-02-24T09:00:00")
    for pipe in ("H03", "H13"):
        festival.call(pipe)
    tell(festival, one, somebody)
    assert (one.state, one.reported_to, one.reported_how) == ("reported", [leader.user_id], "in_person")
    assert one.at_report is not None
    assert (one.at_trigger["incident"]["calls"], one.at_report["incident"]["calls"]) == (3, 5)
    until(festival, "2026-03-01T00:00:00")
    assert one.state == "reported"
    steps.acknowledge(festival.session, one, leader, words="go on", settings=festival.settings)
    assert (one.state, one.acknowledged_by, one.acknowledged_words) == (
        "acknowledged",
        leader.user_id,
        "go on",
    )
    incidents.close(festival.session, festival.incident(), cause=Cause.BURST)
    festival.relay()
    assert one.state == "closed"
    assert states(festival, one) == ["pending", "due", "reported", "acknowledged", "closed"]


def test_an_incident_that_is_over_before_anybody_was_told_must_still_be_told(
    festival: Play, somebody: SomebodyOf
) -> None:
    one = cluster(festival)
    incidents.close(festival.session, festival.incident(), cause=Cause.BURST)
    festival.relay()
    assert one.state == "pending"
    tell(festival, one, somebody)
    assert one.state == "closed"
    assert one.at_report is not None
    assert one.at_report["incident"]["cause"] == "burst"


@pytest.mark.parametrize(
    ("closure", "is_told", "is_over", "state"),
    [
        (Closure.OVER, False, True, "closed"),
        (Closure.OVER, True, False, "reported"),
        (Closure.TOLD, True, False, "closed"),
        (Closure.TOLD, False, True, "pending"),
    ],
)
def test_a_rule_says_what_ends_it(
    festival: Play, somebody: SomebodyOf, closure: Closure, is_told: bool, is_over: bool, state: str
) -> None:
    rules.restate(festival.session, replace(CLUSTER, closure=closure), by=uuid4())
    one = cluster(festival)
    if is_told:
        tell(festival, one, somebody)
    if is_over:
        incidents.close(festival.session, festival.incident(), cause=Cause.BURST)
        festival.relay()
    assert one.state == state


def test_of_an_incident_that_was_none_nothing_must_be_told(festival: Play) -> None:
    one = cluster(festival)
    incidents.dismiss(festival.session, festival.incident(), by=DISPATCHER)
    festival.relay()
    assert one.state == "closed"
    grows(festival, festival.incident(), "area")
    assert len(escalations(festival)) == 1


def test_telling_of_an_incident_tells_all_that_the_same_person_had_to_be_told_of_it(
    festival: Play, somebody: SomebodyOf
) -> None:
    leader = somebody("leader")
    one = cluster(festival)
    until(festival, "2026-02-14T10:00:00")
    grows(festival, festival.incident(), "area")
    _, other = escalations(festival)
    assert (other.rule_code, local(other.due_at)) == ("area-to-leader", "02-26 00:00")
    tell(festival, other, somebody)
    assert (one.state, other.state) == ("reported", "reported")
    steps.acknowledge(festival.session, one, leader, words="", settings=festival.settings)
    assert (one.state, other.state) == ("acknowledged", "acknowledged")


def test_with_the_acknowledgement_as_proof_a_report_alone_is_not_enough(
    festival: Play, somebody: SomebodyOf
) -> None:
    rules.restate(festival.session, replace(CLUSTER, proof=Proof.ACKNOWLEDGEMENT), by=uuid4())
    one = cluster(festival)
    tell(festival, one, somebody)
    assert one.state == "reported"
    until(festival, "2026-02-25T00:00:00")
    assert one.state == "overdue"
    steps.acknowledge(festival.session, one, somebody("leader"), words="", settings=festival.settings)
    until(festival, "2026-03-10T00:00:00")
    assert (one.state, one.role) == ("acknowledged", "leader")


def test_only_whom_it_is_for_acknowledges_it_and_never_his_own_report(
    festival: Play, somebody: SomebodyOf
) -> None:
    rules.restate(festival.session, replace(CLUSTER, deputy_role="supervisor"), by=uuid4())
    one, settings = cluster(festival), festival.settings
    leader, deputy = somebody("leader"), somebody("supervisor")
    with pytest.raises(NotReportedYet):
        steps.acknowledge(festival.session, one, leader, words="", settings=settings)
    steps.report(festival.session, one, deputy, how=ReportedHow.PHONE, words="rang him", settings=settings)
    with pytest.raises(NotItsRecipient):
        steps.acknowledge(festival.session, one, somebody("director"), words="", settings=settings)
    with pytest.raises(OwnReport):
        steps.acknowledge(festival.session, one, deputy, words="", settings=settings)
    with pytest.raises(ReportedAlready):
        steps.report(festival.session, one, leader, how=ReportedHow.PHONE, words="again", settings=settings)
    steps.acknowledge(festival.session, one, somebody("supervisor"), words="", settings=settings)
    with pytest.raises(AcknowledgedAlready):
        steps.acknowledge(festival.session, one, leader, words="", settings=settings)


def test_the_deputy_is_told_while_nobody_holds_the_role_or_answers_for_the_place(
    festival: Play, somebody: SomebodyOf
) -> None:
    rules.restate(festival.session, replace(CLUSTER, deputy_role="supervisor"), by=uuid4())
    one = cluster(festival)
    assert steps.recipients(festival.session, one) == []
    deputy = somebody("supervisor")
    assert [user.id for user in steps.recipients(festival.session, one)] == [deputy.user_id]
    leader = somebody("leader")
    assert [user.id for user in steps.recipients(festival.session, one)] == [leader.user_id]


def test_one_that_is_over_is_left_alone(festival: Play, somebody: SomebodyOf) -> None:
    one = cluster(festival)
    steps.close(festival.session, one, why="a drill")
    with pytest.raises(EscalationOver):
        tell(festival, one, somebody)
    with pytest.raises(EscalationOver):
        steps.close(festival.session, one, why="again")
    until(festival, "2026-03-01T00:00:00")
    assert states(festival, one) == ["pending", "closed"]


# --- repeats and assets ----------------------------------------------------------------------------------------------------


def test_a_third_complaint_is_told_also_when_its_case_was_closed(festival: Play) -> None:
    incident, _ = two(festival)
    incidents.close(festival.session, incident, cause=Cause.NOTHING_FOUND)
    festival.relay()
    for times in (2, 3, 4):
        happens(festival, RepeatedComplaint(incident.id, uuid4(), times=times, window_days=7, on_closed=True))
    (one,) = escalations(festival)
    assert (one.rule_code, one.incident_id, one.state) == ("repeat-to-leader", incident.id, "pending")
    assert (one.at_trigger["times"], one.at_trigger["is_on_closed"]) == (3, True)


def test_an_asset_is_escalated_once_while_it_is_open_and_anew_after(
    festival: Play, somebody: SomebodyOf
) -> None:
    faults = replace(REPEATS, code="valves", trigger=Trigger.ASSET_FAULTS, times_min=2, window_days=90)
    rules.restate(festival.session, faults, by=uuid4())
    happens(festival, AssetFaultsRepeated("valve", "V7", faults=2, window_days=90))
    happens(festival, AssetFaultsRepeated("valve", "V7", faults=3, window_days=90))
    (one,) = escalations(festival)
    assert (one.asset_kind, one.asset_id, one.incident_id) == ("valve", "V7", None)
    tell(festival, one, somebody)
    assert one.state == "closed"
    festival.wait(days=1)
    happens(festival, AssetFaultsRepeated("valve", "V7", faults=4, window_days=90))
    assert [row.state for row in escalations(festival)] == ["closed", "pending"]


def test_a_rule_that_is_out_of_force_raises_nothing(festival: Play) -> None:
    rules.restate(festival.session, replace(CLUSTER, is_active=False), by=uuid4())
    for pipe in ("H02", "H12", "H22"):
        festival.call(pipe)
    assert escalations(festival) == []


def test_what_is_handled_twice_counts_once(festival: Play, somebody: SomebodyOf) -> None:
    festival.times = 2
    one = cluster(festival)
    until(festival, "2026-02-26T00:00:00")
    assert states(festival, one) == ["pending", "due", "overdue", "climbed"]
    tell(festival, one, somebody)
    incidents.close(festival.session, festival.incident(), cause=Cause.BURST)
    festival.relay()
    assert states(festival, one)[-2:] == ["reported", "closed"]
    assert len(escalations(festival)) == 1


# --- merged, parted, split -------------------------------------------------------------------------------------------------


def test_a_merge_keeps_the_earlier_deadline_and_its_undoing_gives_both_back(festival: Play) -> None:
    older, younger = two(festival)
    grows(festival, younger)
    until(festival, "2026-02-14T10:00:00")
    grows(festival, older)
    first, second = escalations(festival)
    assert (local(first.due_at), local(second.due_at)) == ("02-25 00:00", "02-26 00:00")
    merging.merge(festival.session, older, younger, settings=festival.settings, by=DISPATCHER)
    festival.relay()
    assert (first.state, first.joined_into_id) == ("joined", second.id)
    assert (second.state, local(second.due_at), second.incident_id) == ("pending", "02-25 00:00", older.id)
    merging.unmerge(festival.session, younger, settings=festival.settings, by=DISPATCHER)
    festival.relay()
    assert (first.state, first.joined_into_id, local(first.due_at)) == ("pending", None, "02-25 00:00")
    assert (second.state, local(second.due_at)) == ("pending", "02-26 00:00")
    until(festival, "2026-02-25T00:00:00")
    assert (first.state, second.state) == ("overdue", "due")


def test_a_merge_after_the_younger_ones_report_leaves_the_older_its_own_deadline(
    festival: Play, somebody: SomebodyOf
) -> None:
    older, younger = two(festival)
    grows(festival, younger)
    until(festival, "2026-02-14T10:00:00")
    grows(festival, older)
    first, second = escalations(festival)
    tell(festival, first, somebody)
    merging.merge(festival.session, older, younger, settings=festival.settings, by=DISPATCHER)
    festival.relay()
    assert (first.state, second.state, local(second.due_at)) == ("joined", "pending", "02-26 00:00")


def test_an_escalation_goes_along_when_the_heir_has_none_and_comes_back(festival: Play) -> None:
    older, younger = two(festival)
    grows(festival, younger)
    (one,) = escalations(festival)
    merging.merge(festival.session, older, younger, settings=festival.settings, by=DISPATCHER)
    festival.relay()
    assert (one.incident_id, one.raised_for_id, one.state) == (older.id, younger.id, "pending")
    merging.unmerge(festival.session, younger, settings=festival.settings, by=DISPATCHER)
    festival.relay()
    assert (one.incident_id, one.state, local(one.due_at)) == (younger.id, "pending", "02-25 00:00")


def test_what_is_split_off_has_the_same_deadline(festival: Play) -> None:
    one = cluster(festival)
    until(festival, "2026-02-14T10:00:00")
    incident = festival.incident()
    report_ids = [festival.reports(incident)[0].report_id]
    child = merging.split(festival.session, incident, report_ids, settings=festival.settings, by=DISPATCHER)
    festival.relay()
    parent, copy = escalations(festival)
    assert parent.id == one.id
    assert (copy.incident_id, copy.rule_code) == (child.id, "cluster-to-leader")
    assert (copy.clock_start, copy.due_at, copy.state) == (one.clock_start, one.due_at, "pending")
    until(festival, "2026-02-25T00:00:00")
    assert (parent.state, copy.state) == ("overdue", "overdue")


# --- the calendar ----------------------------------------------------------------------------------------------------------


def at_new_year(festival: Play) -> Escalation:
    """A cluster on Thursday 31 December 2026: Friday is a holiday, Monday the first working day, Tuesday the second."""
    festival.set_clock(datetime.fromisoformat("2026-12-31T10:00:00+08:00"))
    return cluster(festival)


def test_a_deadline_in_a_year_nobody_confirmed_is_marked_and_counted_anew(festival: Play) -> None:
    one, session = at_new_year(festival), festival.session
    assert (local(one.due_at), one.is_confirmed) == ("01-06 00:00", False)
    set_day(session, date(2027, 1, 2), is_working=True, name="make-up")
    festival.relay()
    assert local(one.due_at) == "01-05 00:00"
    set_day(session, date(2027, 1, 4), is_working=False, name="published late")
    set_day(session, date(2027, 1, 5), is_working=False, name="published late")
    festival.relay()
    assert (local(one.due_at), local(one.near_at)) == ("01-07 00:00", "01-06 00:00")
    confirm_year(session, 2027, by=uuid4(), country="CN")
    festival.relay()
    assert not one.is_confirmed  # it began in 2026
    confirm_year(session, 2026, by=uuid4(), country="CN")
    festival.relay()
    assert one.is_confirmed
    moves = session.execute(
        select(EscalationChange.due_before, EscalationChange.due_at)
        .where(EscalationChange.escalation_id == one.id, EscalationChange.due_before.is_not(None))
        .order_by(EscalationChange.id)
    ).all()
    assert [(local(before), local(after)) for before, after in moves] == [
        ("01-06 00:00", "01-05 00:00"),
        ("01-05 00:00", "01-07 00:00"),
    ]
    until(festival, "2027-01-06T23:59:59")
    assert one.state == "due"


def test_a_calendar_corrected_too_late_takes_the_blame_back(festival: Play) -> None:
    one = at_new_year(festival)
    until(festival, "2027-01-06T08:00:00")
    assert one.state == "overdue"
    set_day(festival.session, date(2027, 1, 5), is_working=False, name="published late")
    festival.relay()
    assert (one.state, local(one.due_at), one.climbs_at) == ("due", "01-07 00:00", None)


def test_what_was_reported_is_never_due_later_but_earlier(festival: Play, somebody: SomebodyOf) -> None:
    rules.restate(festival.session, replace(CLUSTER, proof=Proof.ACKNOWLEDGEMENT), by=uuid4())
    one = at_new_year(festival)
    tell(festival, one, somebody)
    set_day(festival.session, date(2027, 1, 4), is_working=False, name="published late")
    festival.relay()
    assert local(one.due_at) == "01-06 00:00"
    set_day(festival.session, date(2027, 1, 2), is_working=True, name="make-up")
    set_day(festival.session, date(2027, 1, 4), is_working=True, name="after all")
    festival.relay()
    assert local(one.due_at) == "01-05 00:00"


def test_one_that_climbed_does_not_come_down_again(festival: Play) -> None:
    one = at_new_year(festival)
    until(festival, "2027-01-08T00:00:00")
    assert (one.state, one.role) == ("climbed", "director")
    set_day(festival.session, date(2027, 1, 5), is_working=False, name="published late")
    festival.relay()
    assert (one.state, one.role, local(one.due_at)) == ("climbed", "director", "01-06 00:00")


def test_an_earlier_deadline_by_the_calendar_reaches_what_it_was_joined_to(festival: Play) -> None:
    festival.set_clock(datetime.fromisoformat("2026-12-30T10:00:00+08:00"))
    older, younger = two(festival)
    grows(festival, younger)  # Thursday and Monday
    until(festival, "2026-12-31T10:00:00")
    grows(festival, older)
    merging.merge(festival.session, older, younger, settings=festival.settings, by=DISPATCHER)
    festival.relay()
    _, second = escalations(festival)
    assert local(second.due_at) == "01-05 00:00"
    set_day(festival.session, date(2027, 1, 2), is_working=True, name="make-up")
    festival.relay()
    assert local(second.due_at) == "01-03 00:00"


def test_there_is_one_clock_at_most_for_each(festival: Play, somebody: SomebodyOf) -> None:
    def running() -> int:
        kind = DeadlineKind.ESCALATION_STEP.value
        query = select(func.count()).where(
            Deadline.kind == kind, Deadline.fired_at.is_(None), Deadline.cancelled_at.is_(None)
        )
        return festival.session.scalar(query) or 0

    one = cluster(festival)
    assert running() == 1
    confirm_year(festival.session, 2026, by=uuid4(), country="CN")
    festival.relay()
    assert (running(), one.is_confirmed) == (1, True)
    tell(festival, one, somebody)
    assert running() == 0
