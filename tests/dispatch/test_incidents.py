"""Incidents take only the steps they may, each stamped, recorded and told."""

import itertools
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from core.events import IncidentClosed, IncidentMerged, IncidentStateChanged, OutageEnded, ReportAttached
from dispatch import assignment, closure, incidents, merging, queries
from dispatch.changes import ASSIGNMENT_STEPS, INCIDENT_STEPS, WORK_ORDER_STEPS, By
from dispatch.errors import MergeIntoItself, NoSuchIncident, NothingToSplit, StepRefused, WorkStillOpen
from dispatch.models import (
    AssignmentState,
    Cause,
    Change,
    Incident,
    IncidentKind,
    IncidentLevel,
    IncidentReport,
    IncidentState,
    WorkOrderState,
)
from dispatch.outages import estimate, wants_plan
from tests.dispatch.play import Play

SOMEBODY = By(user_id=uuid4(), why="saw it")


@pytest.fixture
def two(play: Play, by_hand_only: None) -> tuple[Incident, Incident]:
    """Two open incidents in the two zones, nobody sent."""
    for pipe in ("H00", "H10", "H40"):
        play.call(pipe)
    first, second = play.incidents()
    return first, second


def test_the_tables_of_steps_name_every_state() -> None:
    assert set(INCIDENT_STEPS) == set(IncidentState)
    assert set(WORK_ORDER_STEPS) == set(WorkOrderState)
    assert set(ASSIGNMENT_STEPS) == set(AssignmentState)


def test_the_way_of_an_incident_is_walked_step_by_step(play: Play, two: tuple[Incident, Incident]) -> None:
    incident, _ = two
    incidents.confirm(play.session, incident, settings=play.settings, by=SOMEBODY, kind=IncidentKind.BURST)
    assert incident.confirmed_at == play.now
    incidents.isolate(play.session, incident, by=SOMEBODY)
    incidents.start_repair(play.session, incident, by=SOMEBODY)
    incidents.restore(play.session, incident, by=SOMEBODY)
    assert play.emitted(OutageEnded)[-1].incident_id == incident.id
    incidents.close(play.session, incident, cause=Cause.BURST, by=SOMEBODY)
    assert incident.closed_at == play.now
    play.session.flush()
    steps = play.session.scalars(
        select(Change)
        .where(Change.subject_id == incident.id, Change.by_user_id == SOMEBODY.user_id)
        .order_by(Change.id)
    ).all()
    way = ["suspected", "confirmed", "isolating", "isolated", "repairing", "restoring", "closed"]
    assert [(row.from_state, row.to_state) for row in steps] == list(itertools.pairwise(way))
    assert {row.why for row in steps} == {"saw it"}
    told = [(e.from_state, e.to_state) for e in play.emitted(IncidentStateChanged)]
    assert told == list(itertools.pairwise(way))


@pytest.mark.parametrize(
    "state", ["confirmed", "isolating", "isolated", "repairing", "restoring", "dismissed"]
)
def test_confirming_anything_but_a_suspicion_is_refused(
    play: Play, two: tuple[Incident, Incident], state: str
) -> None:
    incident, _ = two
    incident.state = state
    with pytest.raises(StepRefused):
        incidents.confirm(play.session, incident, settings=play.settings)


def test_what_is_over_takes_no_more_reports(play: Play, two: tuple[Incident, Incident]) -> None:
    incident, _ = two
    incidents.dismiss(play.session, incident, by=SOMEBODY)
    with pytest.raises(StepRefused):
        incidents.tell_again(play.session, incident, report_id=uuid4(), settings=play.settings)
    (told,) = play.emitted(IncidentClosed)
    assert (told.cause, len(told.report_ids)) == ("dismissed", 2)


def test_a_confirmation_is_taken_back_while_nothing_was_built_on_it(
    play: Play, two: tuple[Incident, Incident]
) -> None:
    incident, _ = two
    incidents.confirm(play.session, incident, settings=play.settings, kind=IncidentKind.BURST)
    incidents.unconfirm(play.session, incident, settings=play.settings)
    assert (incident.state, incident.confirmed_at, incident.kind) == ("suspected", None, "outage")
    incidents.confirm(play.session, incident, settings=play.settings)
    incidents.start_repair(play.session, incident)
    with pytest.raises(StepRefused):
        incidents.unconfirm(play.session, incident, settings=play.settings)


def test_an_incident_tells_when_it_last_changed(play: Play, by_hand_only: None) -> None:
    play.call("H00")
    (incident,) = play.incidents()
    assert incident.changed_at == play.start
    incidents.confirm(play.session, incident, settings=play.settings, by=SOMEBODY, kind=IncidentKind.BURST)
    assert incident.outage_declared_at is not None
    play.wait(minutes=2)
    play.call("H00")
    assert (incident.report_count, incident.changed_at) == (2, play.now)


def test_an_incident_with_work_under_way_is_not_closed_over_its_head(play: Play) -> None:
    crew = play.crew("one", play.town.junction(1, 0))
    play.call("H00")
    incident = play.incident()
    play.answer(crew, assignment.accept)
    with pytest.raises(WorkStillOpen):
        closure.call_off_work(play.session, incident, by=SOMEBODY)
    with pytest.raises(WorkStillOpen):
        incidents.close(play.session, incident, cause=Cause.OTHER, by=SOMEBODY)


def test_work_that_binds_nobody_is_called_off_with_the_incident(play: Play) -> None:
    crew = play.crew("one", play.town.junction(1, 0))
    play.call("H00")
    incident = play.incident()
    closure.call_off_work(play.session, incident, by=SOMEBODY)
    incidents.dismiss(play.session, incident, by=SOMEBODY)
    play.relay()
    assert play.offer(crew) is None
    assert [order.state for order in play.orders()] == ["cancelled"]


def test_an_unknown_incident_is_not_found(play: Play) -> None:
    with pytest.raises(NoSuchIncident):
        incidents.get(play.session, uuid4())


# --- merging and splitting -----------------------------------------------------------------------------------------------------


def test_the_older_number_survives_a_merge_and_answers_for_both(
    play: Play, two: tuple[Incident, Incident]
) -> None:
    older, younger = two
    heir = merging.merge(play.session, younger, older, settings=play.settings, by=SOMEBODY)
    assert heir is older
    assert (younger.state, younger.merged_into_id) == (IncidentState.MERGED, older.id)
    assert incidents.heir(play.session, younger.id) is older
    assert len(play.reports(older)) == 3
    assert (older.report_count, play.reports(younger)) == (3, [])
    (told,) = play.emitted(IncidentMerged)
    assert (told.into_number, len(told.report_ids)) == (older.number, 1)


def test_chains_of_merges_end_at_the_oldest(play: Play, two: tuple[Incident, Incident]) -> None:
    older, younger = two
    play.wait(hours=30)
    play.call("H04", "water_quality")
    third = play.incidents()[-1]
    assert third.id not in (older.id, younger.id)
    merging.merge(play.session, third, younger, settings=play.settings, by=SOMEBODY)
    merging.merge(play.session, younger, older, settings=play.settings, by=SOMEBODY)
    assert incidents.heir(play.session, third.id) is older
    assert older.report_count == 4


def test_a_merge_is_undone_with_the_reports_each_had(play: Play, two: tuple[Incident, Incident]) -> None:
    older, younger = two
    before = {one.id: {row.report_id for row in play.reports(one)} for one in two}
    merging.merge(play.session, older, younger, settings=play.settings, by=SOMEBODY)
    merging.unmerge(play.session, younger, settings=play.settings, by=SOMEBODY)
    assert (younger.state, younger.merged_into_id, younger.closed_at) == ("suspected", None, None)
    assert {one.id: {row.report_id for row in play.reports(one)} for one in two} == before
    assert play.emitted(ReportAttached)[-1].incident_number == younger.number
    with pytest.raises(StepRefused):
        merging.unmerge(play.session, younger, settings=play.settings, by=SOMEBODY)


def test_nonsense_merges_are_refused(play: Play, two: tuple[Incident, Incident]) -> None:
    older, younger = two
    with pytest.raises(MergeIntoItself):
        merging.merge(play.session, older, older, settings=play.settings, by=SOMEBODY)
    incidents.dismiss(play.session, younger, by=SOMEBODY)
    with pytest.raises(StepRefused):
        merging.merge(play.session, older, younger, settings=play.settings, by=SOMEBODY)


def test_accepted_work_goes_along_and_the_earliest_promise_stays(play: Play) -> None:
    west, east = play.crew("west", play.town.junction(1, 0)), play.crew("east", play.town.junction(5, 0))
    play.call("H00")
    play.wait(minutes=1)
    play.call("H40")
    older, younger = play.incidents()
    first, second = play.orders()
    job = play.answer(east, assignment.accept)
    assert job.work_order_id == second.id
    merging.merge(play.session, older, younger, settings=play.settings, by=SOMEBODY)
    play.relay()
    assert (second.incident_id, second.state, job.state) == (older.id, "scheduled", "accepted")
    assert first.state == WorkOrderState.PROPOSED
    assert play.offer(west) is not None


def test_what_was_confirmed_of_the_younger_stays_confirmed(
    play: Play, two: tuple[Incident, Incident]
) -> None:
    older, younger = two
    incidents.confirm(play.session, younger, settings=play.settings, kind=IncidentKind.BURST)
    pipe = younger.pipe_id
    merging.merge(play.session, older, younger, settings=play.settings, by=SOMEBODY)
    assert (older.state, older.kind, older.pipe_id) == (IncidentState.CONFIRMED, IncidentKind.BURST, pipe)


@pytest.mark.parametrize("goal", ["isolated", "repairing", "restoring"])
def test_a_merge_takes_the_older_as_far_as_the_younger_had_come(
    play: Play, two: tuple[Incident, Incident], goal: str
) -> None:
    older, younger = two
    incidents.confirm(play.session, younger, settings=play.settings, kind=IncidentKind.BURST)
    incidents.isolate(play.session, younger)
    if goal != "isolated":
        incidents.start_repair(play.session, younger)
    if goal == "restoring":
        incidents.restore(play.session, younger)
    merging.merge(play.session, older, younger, settings=play.settings, by=SOMEBODY)
    assert (older.state, older.kind) == (goal, IncidentKind.BURST)
    assert (older.outage_declared_at is None) == (goal == "restoring")


def test_water_coming_back_at_one_does_not_end_the_repair_of_the_other(
    play: Play, two: tuple[Incident, Incident]
) -> None:
    older, younger = two
    for one in two:
        incidents.confirm(play.session, one, settings=play.settings, kind=IncidentKind.BURST)
        incidents.start_repair(play.session, one)
    incidents.restore(play.session, younger)
    merging.merge(play.session, older, younger, settings=play.settings, by=SOMEBODY)
    assert older.state == IncidentState.REPAIRING
    assert older.outage_declared_at is not None


def test_reports_about_something_else_are_split_off(play: Play, two: tuple[Incident, Incident]) -> None:
    incident, _ = two
    _, moving = play.reports(incident)
    child = merging.split(play.session, incident, [moving.report_id], settings=play.settings, by=SOMEBODY)
    assert child.split_from_id == incident.id
    assert [row.report_id for row in play.reports(child)] == [moving.report_id]
    assert (child.report_count, incident.report_count) == (1, 1)
    assert child.number > incident.number
    row = play.session.get_one(IncidentReport, moving.report_id)
    assert (row.decision, row.triaged_into_id) == ("moved", incident.id)
    for wrong in ([], [uuid4()], [row.report_id for row in play.reports(incident)]):
        with pytest.raises(NothingToSplit):
            merging.split(play.session, incident, wrong, settings=play.settings, by=SOMEBODY)


def test_what_was_split_off_and_merged_again_is_not_taken_out_empty(
    play: Play, two: tuple[Incident, Incident]
) -> None:
    incident, _ = two
    moving = play.reports(incident)[1].report_id
    child = merging.split(play.session, incident, [moving], settings=play.settings, by=SOMEBODY)
    merging.merge(play.session, child, incident, settings=play.settings, by=SOMEBODY)
    with pytest.raises(StepRefused, match="split off"):
        merging.unmerge(play.session, child, settings=play.settings, by=SOMEBODY)
    assert (child.state, len(play.reports(incident))) == ("merged", 2)


# --- what is sure enough, and until when -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "level", "confirmed", "wanted"),
    [
        ("burst", "single", False, True),
        ("outage", "single", False, False),
        ("outage", "cluster", False, True),
        ("outage", "single", True, True),
        ("leak", "cluster", False, False),
        ("leak", "single", True, True),
        ("water_quality", "area", True, False),
        ("low_pressure", "cluster", True, False),
    ],
)
def test_a_plan_is_made_for_what_is_sure_enough(kind: str, level: str, confirmed: bool, wanted: bool) -> None:
    assert wants_plan(kind=IncidentKind(kind), level=IncidentLevel(level), is_confirmed=confirmed) is wanted


@given(
    st.floats(0, 1e5),
    st.one_of(st.none(), st.floats(-1e5, 1e5)),
    st.floats(60, 1e4),
    st.floats(60, 1e5),
    st.floats(60, 1e4),
)
def test_nobody_is_told_an_estimate_past_its_review(
    age_s: float, before_s: float | None, arrive_s: float, repair_s: float, review_s: float
) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    guess = estimate(
        opened_at=now - timedelta(seconds=age_s),
        now=now,
        before=None if before_s is None else now + timedelta(seconds=before_s),
        arrive_s=arrive_s,
        repair_s=repair_s,
        review_s=review_s,
    )
    assert now < guess.review_at <= guess.restored_at


def test_queries_of_nothing_are_empty(play: Play) -> None:
    assert queries.reports_of(play.session, uuid4()) == []
