"""From the first report to the last closing, by dispatch's handlers; every event handled once, and handled twice."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.db import new_id
from core.events import (
    AreaOutageSuspected,
    AssignmentOffered,
    CallbackMade,
    IncidentClosed,
    IncidentMerged,
    IncidentOpened,
    IncidentReopened,
    OutageDeclared,
    OutageEnded,
    ReportAttached,
    WorkOrderCreated,
)
from core.settings import get_settings
from dispatch import assignment, incidents, queries, shifts, work_orders
from dispatch.changes import SYSTEM
from dispatch.models import (
    Assignment,
    AssignmentState,
    Cause,
    Change,
    Crew,
    IncidentKind,
    IncidentLevel,
    IncidentState,
    IsolationPlan,
    WorkOrderKind,
    WorkOrderState,
)
from tests.dispatch.play import FOUND, NOTHING, REPAIRED, Play

ONCE_AND_TWICE = pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])


@ONCE_AND_TWICE
def test_a_burst_goes_from_the_first_call_to_the_closing(play: Play, times: int) -> None:
    play.times = times
    crew = play.crew("one", play.town.junction(1, 2))
    for pipe in ("H02", "H12", "H22", "H03"):
        play.call(pipe)
        play.wait(seconds=30)
    play.call("H12", "leak", at=play.town.on_pipe("H12", 50.0))
    incident = play.incident()
    assert (incident.kind, incident.level) == (IncidentKind.BURST, IncidentLevel.CLUSTER)
    assert (incident.report_count, incident.customer_count) == (5, 5)
    play.work(crew, FOUND)
    assert incident.state == IncidentState.CONFIRMED
    inspect, repair = play.orders()
    assert (inspect.state, repair.kind) == (WorkOrderState.DONE, WorkOrderKind.REPAIR)
    job = play.go(crew)
    assert incident.state == IncidentState.REPAIRING
    work_orders.complete(play.session, job.id, crew_id=crew.id, finding=REPAIRED)
    play.relay()
    assert (incident.state, incident.cause) == (IncidentState.CLOSED, Cause.BURST)
    assert incident.customers_without_water == 0
    (closed,) = play.emitted(IncidentClosed)
    assert (len(closed.report_ids), closed.closure_no, closed.cause) == (5, 1, "burst")
    assert len(play.emitted(OutageEnded)) == 1
    assert len(play.emitted(ReportAttached)) == 5
    assert len(play.emitted(AssignmentOffered)) == 2
    assert len(play.emitted(IncidentOpened)) == 1


@ONCE_AND_TWICE
def test_the_hotline_is_told_what_is_dry_once_it_is_sure(play: Play, times: int) -> None:
    play.times = times
    play.call("H02")
    assert play.emitted(OutageDeclared) == [], "one dry tap may be private plumbing"
    for _ in range(3):
        play.call("H12")
    (told,) = play.emitted(OutageDeclared)
    incident = play.incident()
    # Rows 2 and 3 are one segment (a valve does not turn); shutting it leaves rows 4 and 5 dry as well.
    rows = {play.town.segments[pipe] for pipe in ("H02", "H04", "H05")}
    assert set(told.segment_ids) == rows == set(incident.segment_ids)
    assert told.customers == incident.customers_without_water
    assert told.customers == len(
        [pipe for pipe in play.town.account_pipe.values() if play.town.segments[pipe] in rows]
    )
    assert told.review_at is not None
    assert told.review_at > play.now
    plan = play.session.scalars(select(IsolationPlan)).one()
    # Three avenues lead up to row 2 and three from row 3 (V03 is shut), each with its valve: north ones only lead into the dry.
    assert len(plan.valve_ids) == 7


def test_an_estimate_past_its_review_is_said_anew(play: Play) -> None:
    for pipe in ("H02", "H12", "H22"):
        play.call(pipe)
    (first,) = play.emitted(OutageDeclared)
    assert first.review_at is not None
    assert first.estimate_at is not None
    play.wait(seconds=get_settings().estimate_review_s + 1)
    _, second = play.emitted(OutageDeclared)
    assert second.review_at is not None
    assert second.estimate_at == first.estimate_at, "an estimate that still lies ahead holds"
    assert second.review_at > first.review_at
    play.wait(hours=6)
    told = play.emitted(OutageDeclared)[-1]
    assert told.estimate_at is not None
    assert told.estimate_at > play.now
    assert told.review_at is not None
    assert play.now < told.review_at <= told.estimate_at


def test_a_cluster_is_told_and_then_an_area(play: Play) -> None:
    for pipe in ("H02", "H12", "H22"):
        play.call(pipe)
    for pipe in ("H04", "H14", "H05", "H15", "H25"):
        play.call(pipe)
    levels = [event.level for event in play.emitted(AreaOutageSuspected)]
    assert levels == ["cluster", "area"]
    assert play.incident().priority == 1


@ONCE_AND_TWICE
def test_a_crew_that_finds_nothing_ends_it(play: Play, times: int) -> None:
    play.times = times
    crew = play.crew("one", play.town.junction(1, 2))
    play.call("H02")
    play.work(crew, NOTHING)
    incident = play.incident()
    assert (incident.state, incident.cause) == (IncidentState.CLOSED, Cause.NOTHING_FOUND)
    assert len(play.orders()) == 1


def two_crews_on_site(play: Play) -> tuple[tuple[Crew, Assignment], tuple[Crew, Assignment]]:
    """One incident, two orders to look, a crew at each; the older order first."""
    crews = [play.crew(code, play.town.junction(1, 2)) for code in ("one", "two")]
    play.call("H12")
    work_orders.create(play.session, play.incident(), WorkOrderKind.INSPECT, settings=play.settings)
    play.relay()
    jobs = [(crew, play.go(crew)) for crew in crews]
    number = {order.id: order.number for order in play.orders()}
    older, younger = sorted(jobs, key=lambda job: number[job[1].work_order_id])
    return older, younger


@ONCE_AND_TWICE
def test_it_ends_with_the_work_that_ends_last_however_old_its_order(play: Play, times: int) -> None:
    play.times = times
    for crew, job in reversed(two_crews_on_site(play)):
        assert play.incident().state == IncidentState.SUSPECTED
        play.wait(minutes=3)
        work_orders.complete(play.session, job.id, crew_id=crew.id, finding=NOTHING)
        play.relay()
    assert play.incident().state == IncidentState.CLOSED


@ONCE_AND_TWICE
def test_what_one_crew_found_is_mended_when_another_looked_in_the_wrong_place(play: Play, times: int) -> None:
    play.times = times
    (wrong, its_job), (finder, found_job) = two_crews_on_site(play)
    work_orders.complete(play.session, found_job.id, crew_id=finder.id, finding=FOUND)
    play.relay()
    play.wait(minutes=3)
    work_orders.complete(play.session, its_job.id, crew_id=wrong.id, finding=NOTHING)
    play.relay()
    assert play.incident().state == IncidentState.CONFIRMED
    (repair,) = [order for order in play.orders() if order.kind == WorkOrderKind.REPAIR]
    assert play.offer(finder) is not None
    assert repair.preferred_crew_id == finder.id


@ONCE_AND_TWICE
def test_one_still_without_water_reopens_it_and_only_he_hears_back_again(play: Play, times: int) -> None:
    play.times = times
    crew = play.crew("one", play.town.junction(1, 2))
    calls = [play.call(pipe) for pipe in ("H02", "H12", "H22")]
    play.work(crew, REPAIRED)
    incident = play.incident()
    assert incident.state == IncidentState.CLOSED
    play.wait(minutes=20)
    play.stand(crew, play.town.junction(1, 2))
    event = CallbackMade(new_id(), calls[1].report_id, incident.id, "still_without")
    for _ in range(times):
        play._handle(event)
    play.relay()
    assert (incident.state, incident.level, incident.closed_at) == ("suspected", "single", None)
    (reopened,) = play.emitted(IncidentReopened)
    assert reopened.report_id == calls[1].report_id
    assert len(play.emitted(OutageDeclared)) == 1, "one dry tap does not declare the street dry again"
    play.work(crew, REPAIRED)
    assert incident.state == IncidentState.CLOSED
    first, second = play.emitted(IncidentClosed)
    assert (first.closure_no, second.closure_no) == (1, 2)
    assert second.report_ids == (calls[1].report_id,)


def test_other_outcomes_of_callbacks_change_nothing(play: Play) -> None:
    crew = play.crew("one", play.town.junction(1, 2))
    call = play.call("H02")
    play.work(crew, REPAIRED)
    incident = play.incident()
    for outcome in ("satisfied", "dissatisfied", "not_reached"):
        play._handle(CallbackMade(new_id(), call.report_id, incident.id, outcome))
    play._handle(CallbackMade(new_id(), call.report_id, None, "still_without"))
    assert incident.state == IncidentState.CLOSED


def test_where_people_dispatch_no_work_is_made_without_them(play: Play, by_hand_only: None) -> None:
    crew = play.crew("one", play.town.junction(1, 2))
    call = play.call("H02")
    for finding, state in ((FOUND, IncidentState.CONFIRMED), (REPAIRED, IncidentState.CLOSED)):
        order = work_orders.create(
            play.session, play.incident(), work_orders.WorkOrderKind.INSPECT, settings=play.settings
        )
        assignment.offer_by_hand(play.session, order.id, crew.id, by=SYSTEM, settings=play.settings)
        play.work(crew, finding)
        assert play.incident().state == state
    assert len(play.orders()) == 2
    play._handle(CallbackMade(new_id(), call.report_id, play.incident().id, "still_without"))
    play.relay()
    assert play.incident().state == IncidentState.SUSPECTED
    assert len(play.orders()) == 2


def test_who_calls_again_about_the_same_after_the_closing_reopens_it(play: Play) -> None:
    crew = play.crew("one", play.town.junction(1, 2))
    play.call("H02", caller="phone")
    play.work(crew, NOTHING)
    play.wait(minutes=30)
    play.call("H02", caller="phone", minutes_ago=45)
    incident = play.incident()
    assert incident.state == IncidentState.SUSPECTED
    assert [row.decision for row in play.reports(incident)] == ["opened", "repeat"]
    assert len(play.orders()) == 2
    assert len(play.emitted(IncidentReopened)) == 1


@ONCE_AND_TWICE
def test_far_apart_bursts_are_two_incidents(play: Play, times: int) -> None:
    play.times = times
    for west in ("H05", "H15", "H25"):
        play.call(west)
    play.wait(minutes=50)
    for east in ("H40", "H41", "H40"):
        play.call(east)
    first, second = play.incidents()
    assert (first.report_count, second.report_count) == (3, 3)
    assert play.emitted(IncidentMerged) == []


@ONCE_AND_TWICE
def test_a_report_between_two_lone_calls_makes_them_one(play: Play, times: int) -> None:
    play.times = times
    play.call("H00")
    play.wait(hours=3)
    play.call("H05")
    older, younger = play.incidents()
    for row in ("H01", "H04", "H02"):
        play.call(row)
    assert (older.state, younger.state) == (IncidentState.SUSPECTED, IncidentState.MERGED)
    assert younger.merged_into_id == older.id
    assert (older.report_count, play.reports(younger)) == (5, [])
    assert len(queries.open_orders_of(play.session, older.id)) == 1
    assert queries.open_orders_of(play.session, younger.id) == []
    (told,) = play.emitted(IncidentMerged)
    assert told.into_number == older.number


def test_what_a_person_confirmed_stays_as_reports_come(play: Play) -> None:
    for pipe in ("H02", "H12", "H22"):
        play.call(pipe)
    incident = play.incident()
    incidents.confirm(play.session, incident, settings=play.settings, kind=IncidentKind.LEAK)
    place, pipe = incident.place, incident.pipe_id
    for _ in range(3):
        play.call("H23")
    play.call("H23", "leak")
    assert (incident.kind, incident.place, incident.pipe_id) == (IncidentKind.LEAK, place, pipe)
    assert incident.report_count == 7


def test_an_incident_without_trouble_with_water_sends_nobody(play: Play) -> None:
    play.crew("one", play.town.junction(1, 2))
    play.call("H02", "other")
    assert play.incident().kind == IncidentKind.OTHER
    assert play.orders() == []


def test_nothing_is_dispatched_without_a_dispatcher_when_so_set(play: Play, by_hand_only: None) -> None:
    play.crew("one", play.town.junction(1, 2))
    play.call("H02")
    assert play.orders() == []
    order = work_orders.create(play.session, play.incident(), WorkOrderKind.INSPECT, settings=play.settings)
    play.relay()
    assert queries.live_assignment(play.session, order.id) is None


def test_the_crew_that_found_it_is_asked_first_to_mend_it(play: Play) -> None:
    finder = play.crew("finder", play.town.junction(1, 2))
    play.call("H02")
    job = play.go(finder)
    # Another crew passes nearer, and other work waits: the finder still comes first.
    play.crew("passer", play.town.on_pipe("H02", 21.0), age_s=1)
    play.stand(finder, play.town.junction(6, 5))
    play.call("H50", "leak")
    work_orders.complete(play.session, job.id, crew_id=finder.id, finding=FOUND)
    play.relay()
    repair = next(order for order in play.orders() if order.kind == WorkOrderKind.REPAIR)
    offer = play.offer(finder)
    assert offer is not None
    assert offer.work_order_id == repair.id


def test_shifts_begin_and_end_by_the_clock(play: Play) -> None:
    crew = play.crew("one", play.town.junction(1, 2), on_shift=False)
    shifts.create(
        play.session,
        crew_id=crew.id,
        starts_at=play.now + timedelta(minutes=5),
        ends_at=play.now + timedelta(hours=8),
    )
    play.call("H02")
    assert play.offer(crew) is None
    play.wait(minutes=5)
    assert play.offer(crew) is not None


@ONCE_AND_TWICE
def test_every_step_is_in_the_history_with_who_and_why(play: Play, times: int) -> None:
    play.times = times
    crew = play.crew("one", play.town.junction(1, 2))
    play.call("H02")
    play.work(crew, FOUND)
    incident = play.incident()
    steps = [
        (row.subject, row.from_state, row.to_state, row.by_crew_id)
        for row in play.session.scalars(
            select(Change).where(Change.incident_id == incident.id).order_by(Change.at, Change.id)
        )
    ]
    me = crew.id
    assert steps == [
        ("incident", None, "suspected", None),
        ("work_order", None, "proposed", None),
        ("assignment", None, "offered", me),
        ("assignment", "offered", "accepted", me),
        ("work_order", "proposed", "scheduled", me),
        ("assignment", "accepted", "en_route", me),
        ("work_order", "scheduled", "under_way", me),
        ("assignment", "en_route", "on_site", me),
        ("assignment", "on_site", "left_site", me),
        ("work_order", "under_way", "done", me),
        ("incident", "suspected", "confirmed", me),
        ("work_order", None, "proposed", None),
        ("assignment", None, "offered", me),
    ]


def test_work_created_twice_over_is_offered_once(play: Play) -> None:
    crew = play.crew("one", play.town.junction(1, 2))
    play.call("H02")
    (created,) = play.emitted(WorkOrderCreated)
    offer = play.offer(crew)
    play._handle(created)
    assert play.offer(crew) is offer
    assignment.accept(play.session, play.offer(crew).id, crew_id=crew.id)  # type: ignore[union-attr]
    play._handle(created)
    assert offer is not None
    assert offer.state == AssignmentState.ACCEPTED
