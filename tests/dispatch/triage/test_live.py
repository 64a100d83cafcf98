"""The running stream: reports placed in stored incidents, people's decisions heeded, and the same answers after a new start."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db import SessionFactory
from core.events import ReportLocated
from core.messages import say
from core.outbox import emit, handle_batch
from core.settings import get_settings
from dispatch import incidents, merging
from dispatch.changes import By
from dispatch.clauses import told
from dispatch.errors import StepRefused
from dispatch.handlers import new_report, triage_report
from dispatch.models import IncidentLevel, IncidentReport, IncidentState
from dispatch.triage import live
from dispatch.triage.calls import Call
from dispatch.triage.live import Live, current_live
from gis.models import PlannedShutdown
from tests.dispatch.play import NOTHING, Play
from tests.town import Town

PERSON = By(user_id=UUID(int=7), why="they are two")


def stream(play: Play) -> Live:
    return current_live(play.session, get_settings())


def grouping(one: Live) -> list[tuple[str, str, str, bool]]:
    def said(call: Call) -> tuple[str, str, str, bool]:
        again = call.repeat_of.told.id if call.repeat_of else ""
        return call.told.id, str(one.incident_of(call)), again, one.engine.holder(call) is not None

    return [said(call) for call in one.engine.calls]


def a_morning(play: Play) -> None:
    """A burst in the west, stray calls, a repeat, running water seen twice."""
    play.call("V61", "water_quality")
    for pipe in ("H02", "H12", "H22"):
        play.call(pipe, caller=f"of {pipe}")
        play.wait(minutes=4)
    play.call("H50", "leak")
    play.wait(minutes=20)
    play.call("H12", caller="of H12")
    play.call("H50", "leak", at=play.town.on_pipe("H50", 60.0))
    play.call("H44", "other")
    play.wait(minutes=10)


def test_who_starts_again_goes_on_where_the_one_before_was(play: Play) -> None:
    a_morning(play)
    before = stream(play)
    live.forget()
    after = stream(play)
    assert after is not before
    assert grouping(after) == grouping(before)
    following = [
        play.located("H02"),
        play.located("H12", "leak"),
        play.located("H50", "leak"),
        play.located("H44"),
    ]
    for event in following:
        report = new_report(event).facts
        one, other = before.take(report, event.received_at).call, after.take(report, event.received_at).call
        assert (before.incident_of(one), one.explained) == (
            after.incident_of(other),
            pytest.approx(other.explained),
        )
        assert before.reason(one) == after.reason(other)


def test_the_reason_can_be_checked_on_the_map(play: Play) -> None:
    for pipe in ("H02", "H12", "H22"):
        play.call(pipe)
        play.wait(minutes=5)
    incident = play.incident()
    reason = told(play.reports(incident)[-1].reason, "en")
    segments = play.town.segments["H02"]
    assert f"joins #{incident.number}" in reason
    assert f"3 calls from 3 customers on segments {segments}" in reason
    assert say("dispatch.stream.no_works", "en") in reason
    assert f"#{incident.number}" in told(play.reports(incident)[-1].reason, "zh")


def test_what_a_person_split_off_stays_apart_and_draws_its_own(play: Play) -> None:
    calls = [play.call(pipe) for pipe in ("H02", "H12", "H22", "H02")]
    incident = play.incident()
    child = merging.split(
        play.session,
        incident,
        [calls[1].report_id, calls[2].report_id],
        settings=play.settings,
        by=PERSON,
    )
    play.relay()
    play.wait(minutes=3)
    for _ in range(3):
        play.call("H12")
    assert incident.state == child.state == IncidentState.SUSPECTED
    first, second = ({row.report_id for row in play.reports(one)} for one in (incident, child))
    assert {calls[0].report_id, calls[3].report_id} <= first
    assert {calls[1].report_id, calls[2].report_id} <= second
    assert len(first) + len(second) == 7
    live.forget()
    play.call("H12")
    assert {calls[1].report_id, calls[2].report_id} <= {row.report_id for row in play.reports(child)}


def test_what_a_person_merged_is_one_for_whoever_calls_next(play: Play) -> None:
    west, east = play.call("H00"), play.call("H50", "leak")
    older, younger = play.incidents()
    merging.merge(play.session, older, younger, settings=play.settings, by=PERSON)
    play.relay()
    play.wait(minutes=2)
    for pipe in ("H50", "H50"):
        play.call(pipe)
    assert (older.state, younger.state) == (IncidentState.SUSPECTED, IncidentState.MERGED)
    assert {west.report_id, east.report_id} <= {row.report_id for row in play.reports(older)}
    assert play.reports(younger) == []


def test_prediction_takes_nothing_from_a_confirmed_incident_nor_joins_it(play: Play) -> None:
    play.call("H02", minutes_ago=5)
    confirmed = play.incident()
    incidents.confirm(play.session, confirmed, settings=play.settings)
    play.wait(minutes=40)
    for pipe in ("H12", "H22", "H02"):
        play.call(pipe)
    assert confirmed.state == IncidentState.CONFIRMED
    assert confirmed.merged_into_id is None
    assert len(play.reports(confirmed)) >= 1
    assert all(one.merged_into_id != confirmed.id for one in play.incidents())


def test_a_confirmation_of_a_lone_call_is_heeded_by_what_forms_round_it(play: Play) -> None:
    play.call("H02")
    confirmed = play.incident()
    incidents.confirm(play.session, confirmed, settings=play.settings)
    play.wait(minutes=5)
    for pipe in ("H12", "H22", "H12"):
        play.call(pipe)
    one = stream(play)
    holder = one.engine.holder(one.engine.calls[-1])
    assert holder is not None
    assert holder.is_settled
    assert [each.report_count for each in play.incidents()] == [4]


def test_callers_of_work_that_is_over_stay_explained_after_a_new_start(play: Play) -> None:
    work = PlannedShutdown(
        title="New valve",
        pipe_ids=[play.town.pipes["H12"]],
        inoperable_valve_ids=[],
        starts_at=play.now - timedelta(minutes=10),
        ends_at=play.now + timedelta(hours=1),
        created_by=None,
    )
    play.session.add(work)
    play.session.flush()
    for account in play.town.accounts_on("H12")[:4]:
        play.call("H12", account=account)
    play.wait(hours=9)
    live.forget()
    play.call("H22")
    assert [one.level for one in play.incidents()] == [IncidentLevel.SINGLE] * 2


def test_an_incident_that_is_over_draws_no_calls(play: Play) -> None:
    crew = play.crew("one", play.town.junction(1, 2))
    for pipe in ("H02", "H12", "H22"):
        play.call(pipe)
    play.work(crew, NOTHING)
    over = play.incident()
    assert over.state == IncidentState.CLOSED
    play.wait(minutes=10)
    for pipe in ("H02", "H12", "H22", "H12", "H02"):
        play.call(pipe)
        play.wait(minutes=6)
    assert over.state == IncidentState.CLOSED
    assert len(play.reports(over)) == 3
    assert [one.report_count for one in play.incidents() if one.state != IncidentState.MERGED] == [3, 5]


def test_callers_of_announced_work_are_one_incident_and_nobody_is_sent(play: Play) -> None:
    play.crew("one", play.town.junction(1, 2))
    work = PlannedShutdown(
        title="New valve in Mill Street",
        pipe_ids=[play.town.pipes["H12"]],
        inoperable_valve_ids=[],
        starts_at=play.now - timedelta(minutes=10),
        ends_at=play.now + timedelta(hours=4),
        created_by=None,
    )
    play.session.add(work)
    play.session.flush()
    for account in play.town.accounts_on("H12")[:3]:
        play.call("H12", account=account)
    incident = play.incident()
    assert incident.shutdown_id == work.id
    assert incident.level == IncidentLevel.SINGLE
    assert play.orders() == []
    assert "announced work New valve in Mill Street" in told(play.reports(incident)[-1].reason, "en")
    play.call("H12", "leak")
    assert len(play.orders()) == 1, "somebody looks at water in the street, works or not"


def test_who_says_that_he_calls_again_is_believed(play: Play) -> None:
    first = play.call("H02")
    play.wait(hours=30)
    play.call("H12", "low_pressure", repeat_of=first.report_id)
    incident = play.incident()
    assert [row.decision for row in play.reports(incident)] == ["opened", "repeat"]
    assert "the caller said so" in told(play.reports(incident)[-1].reason, "en")


def test_a_step_that_fails_leaves_nothing_and_is_done_when_tried_again(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    play.call("H02")
    incident = play.incident()
    event = play.located("H12")

    def refuse(*_: object, **__: object) -> None:
        raise StepRefused

    def tried() -> None:
        with play.session.begin_nested():
            play._handle(event)

    tried_before = len(stream(play).engine.calls)
    with monkeypatch.context() as patch:
        patch.setattr(incidents, "attach_report", refuse)
        with pytest.raises(StepRefused):
            tried()
    assert [row.report_number for row in play.reports(incident)] == [1]
    tried()
    play.relay()
    assert [row.report_number for row in play.reports(incident)] == [1, 2]
    assert len(stream(play).engine.calls) == tried_before + 1


def test_what_a_whole_zone_has_is_told_as_one(play: Play) -> None:
    accounts = [play.town.accounts_on(f"H{column}{row}")[0] for row in (0, 1, 2, 4, 5) for column in (0, 1)]
    for account in accounts:
        play.call(play.town.account_pipe[account], "water_quality", account=account)
        play.wait(minutes=2)
    level = max(play.incidents(), key=lambda one: one.customer_count).level
    assert level == IncidentLevel.ZONE


def test_a_transaction_that_is_lost_is_done_again_with_the_same_decision(
    factory: SessionFactory, town: Town
) -> None:
    with factory() as session, session.begin():
        play = Play(session, town, start=datetime.fromisoformat("2026-03-02T08:00:00+00:00"))
        events = [play.located(pipe) for pipe in ("H02", "H12", "H22")]
        for one in events:
            emit(session, one)
    losses = iter([events[1].report_id])

    def lose(_: Session, event: ReportLocated) -> None:
        if event.report_id == next(losses, None):
            raise ConnectionResetError

    subscriptions = {ReportLocated: (triage_report, lose)}
    while not handle_batch(factory, subscriptions, batch=10, attempts_max=3, retry_s=0.0).is_drained:
        pass
    with factory() as session:
        placed = session.scalars(select(IncidentReport).order_by(IncidentReport.report_number)).all()
        assert [(row.report_number, row.decision) for row in placed] == [
            (1, "opened"),
            (2, "joined"),
            (3, "joined"),
        ]
        assert len({row.incident_id for row in placed}) == 1
        assert [call.told.id for call in current_live(session, get_settings()).engine.calls] == [
            str(one.report_id) for one in events
        ]
