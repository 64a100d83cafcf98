"""The cure of an asset that fails again and again, from the second fault to the end of its observation."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import auth
from core.auth import Actor
from core.db import SessionFactory
from core.events import AssetFaultsRepeated, DeadlineKind
from core.models import Deadline
from core.rights import Operation
from core.settings import Settings, get_settings
from dispatch import incidents
from dispatch.changes import SYSTEM, By
from dispatch.errors import DueInThePast, NoSuchRectification, NotAnOwner, StepRefused, VerifiedByItsDoer
from dispatch.models import (
    Action,
    AssetKind,
    Cause,
    Fault,
    Incident,
    Rectification,
    RectificationChange,
    RectificationState,
)
from dispatch.rectification import cases, queries
from dispatch.rectification.cases import STEPS, Verdict, verdict
from dispatch.rectification.faults import Asset
from dispatch.work_orders import Finding
from gis.errors import ValveNotFound
from gis.models import Pipe
from tests.conftest import PASSWORD
from tests.dispatch.play import Play
from tests.dispatch.rectification.test_faults import NEW_YEAR, YEAR, fault_on
from tests.town import Town

_S = RectificationState
WEST_AREA = "MULTIPOLYGON(((-33.01 39.99, -32.9964 39.99, -32.9964 40.02, -33.01 40.02, -33.01 39.99)))"
"""Columns 0 to 2 of the town."""
ONCE_AND_TWICE = pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])


@pytest.fixture
def person(play: Play) -> Callable[..., By]:
    def person(role: str = "supervisor", why: str = "") -> By:
        name = f"{role}-{uuid4().hex[:6]}"
        user = auth.add_user(play.session, username=name, password=PASSWORD, role=role)
        play.session.flush()
        return By(user_id=user.id, why=why)

    return person


def only_case(play: Play) -> Rectification:
    return play.session.scalars(select(Rectification).execution_options(populate_existing=True)).one()


def history(play: Play, case: Rectification) -> list[tuple[str | None, str, UUID | None, str]]:
    rows = play.session.scalars(
        select(RectificationChange)
        .where(RectificationChange.rectification_id == case.id)
        .order_by(RectificationChange.at, RectificationChange.id)
    )
    return [(row.from_state, row.to_state, row.by_user_id, row.why) for row in rows]


def plan(play: Play, case: Rectification, owner: By, *, by: By | None = None, days: int = 30) -> None:
    assert owner.user_id is not None
    cases.plan(
        play.session,
        case,
        measure="replace 100 m",
        owner_id=owner.user_id,
        due_at=play.now + timedelta(days=days),
        by=by or owner,
    )


@pytest.fixture
def failing(play: Play, by_hand_only: None) -> Rectification:
    """A main that broke twice within a few days."""
    fault_on(play, "H12")
    fault_on(play, "H12", Cause.LEAK)
    return only_case(play)


def done(play: Play, case: Rectification, owner: By) -> None:
    cases.analyse(play.session, case, root_cause="stray current", by=owner)
    plan(play, case, owner)
    cases.finish(play.session, case, by=owner)


def observed(play: Play, case: Rectification, owner: By, other: By, *, days: int = 90) -> None:
    done(play, case, owner)
    cases.verify(play.session, case, by=other)
    cases.observe(play.session, case, days=days, by=other)


# --- what a count means ----------------------------------------------------------------------------------------------------


def case_at(
    state: RectificationState, *, done_day: int | None = None, closed_day: int | None = None, failed: int = 0
) -> Rectification:
    def at(day: int | None) -> Any:
        return None if day is None else NEW_YEAR + timedelta(days=day)

    return Rectification(state=state, done_at=at(done_day), closed_at=at(closed_day), failed_measures=failed)


@pytest.mark.parametrize(
    ("case", "fault_day", "is_too_many", "expected"),
    [
        (None, 5, False, Verdict.NOTHING),
        (None, 5, True, Verdict.OPEN),
        (case_at(_S.OPEN), 5, True, Verdict.NOTHING),
        (case_at(_S.OPEN), 5, False, Verdict.WITHDRAW),
        (case_at(_S.OPEN, failed=1), 5, False, Verdict.NOTHING),
        (case_at(_S.PLANNED), 5, False, Verdict.NOTHING),
        (case_at(_S.DONE, done_day=10), 9, True, Verdict.NOTHING),
        (case_at(_S.DONE, done_day=10), 11, False, Verdict.REOPEN),
        (case_at(_S.OBSERVING, done_day=10), 20, False, Verdict.REOPEN),
        (case_at(_S.OBSERVING, done_day=10), None, False, Verdict.NOTHING),
        (case_at(_S.CLOSED, done_day=10, closed_day=100), 465, False, Verdict.REOPEN),
        (case_at(_S.CLOSED, done_day=10, closed_day=100), 466, False, Verdict.NOTHING),
        (case_at(_S.CLOSED, done_day=10, closed_day=100), 500, True, Verdict.REOPEN),
        (case_at(_S.CLOSED, closed_day=100), 101, False, Verdict.NOTHING),  # it was withdrawn
        (case_at(_S.CLOSED, closed_day=100), 101, True, Verdict.REOPEN),
    ],
)
def test_a_fault_after_the_measure_opens_a_case_again_and_a_wrong_count_withdraws_it(
    case: Rectification | None, fault_day: int | None, is_too_many: bool, expected: Verdict
) -> None:
    latest = None if fault_day is None else NEW_YEAR + timedelta(days=fault_day)
    assert verdict(case, latest_fault_at=latest, is_too_many=is_too_many, window=YEAR) is expected


@given(
    state=st.sampled_from(_S),
    fault_day=st.integers(0, 900),
    is_too_many=st.booleans(),
    failed=st.integers(0, 2),
    days=st.tuples(st.integers(0, 300), st.integers(0, 300)),
)
def test_every_verdict_is_a_step_that_its_state_allows(
    state: RectificationState, fault_day: int, is_too_many: bool, failed: int, days: tuple[int, int]
) -> None:
    is_done = state in (_S.DONE, _S.VERIFIED, _S.OBSERVING, _S.CLOSED)
    case = case_at(
        state,
        done_day=days[0] if is_done else None,
        closed_day=sum(days) if state is _S.CLOSED else None,
        failed=failed,
    )
    latest = NEW_YEAR + timedelta(days=fault_day)
    told = verdict(case, latest_fault_at=latest, is_too_many=is_too_many, window=YEAR)
    assert told is not Verdict.OPEN
    goal = {Verdict.REOPEN: _S.OPEN, Verdict.WITHDRAW: _S.CLOSED}.get(told)
    assert goal is None or goal in STEPS[state]


# --- opened, withdrawn, opened again ---------------------------------------------------------------------------------------


@ONCE_AND_TWICE
def test_the_second_fault_of_a_main_opens_one_case_and_a_third_is_told(
    play: Play, by_hand_only: None, times: int
) -> None:
    play.times = times
    fault_on(play, "H12")
    assert play.session.scalars(select(Rectification)).all() == []
    fault_on(play, "H12", Cause.LOW_PRESSURE)
    case = only_case(play)
    main = play.town.pipes["H12"]
    assert (case.asset_kind, case.asset_id, case.state) == ("pipe", main, _S.OPEN)
    fault_on(play, "H12")
    assert only_case(play).id == case.id
    assert history(play, case) == [(None, "open", None, "dispatch.why.faults_repeated")]
    assert play.emitted(AssetFaultsRepeated) == [
        AssetFaultsRepeated("pipe", str(main), faults=count, window_days=365) for count in (2, 3)
    ]


def test_faults_farther_apart_than_the_period_open_nothing(play: Play, by_hand_only: None) -> None:
    fault_on(play, "H12")
    play.wait(days=358)  # it began 8 days before
    fault_on(play, "H12")
    assert play.session.scalars(select(Rectification)).all() == []
    play.wait(days=300)
    fault_on(play, "H12")
    assert only_case(play).state == _S.OPEN


def test_a_segment_has_a_case_of_its_own_known_by_a_main_that_stays_when_segments_are_numbered_anew(
    play: Play, by_hand_only: None
) -> None:
    for pipe in ("H12", "V11", "H03"):
        fault_on(play, pipe)
    case = only_case(play)
    assert (case.asset_kind, case.asset_id) == ("segment", play.town.pipes["H03"])
    asset = Asset(AssetKind.SEGMENT, play.town.pipes["V31"])
    assert cases.case_of(play.session, asset) is case
    for row in play.session.scalars(select(Pipe)):
        row.segment_id = {
            play.town.segments["H02"]: play.town.segments["H05"],
            play.town.segments["H05"]: play.town.segments["H02"],
        }.get(row.segment_id, row.segment_id)
    play.session.flush()
    assert cases.case_of(play.session, asset) is case
    assert cases.case_of(play.session, Asset(AssetKind.SEGMENT, play.town.pipes["H05"])) is None


def test_dirty_water_thrice_in_a_zone_is_the_zones(play: Play, by_hand_only: None) -> None:
    for pipe in ("H00", "H01", "H05"):
        fault_on(play, pipe, Cause.DIRTY_MAIN)
    case = only_case(play)
    assert (case.asset_kind, case.asset_id) == ("zone", play.town.zones["West"])
    assert play.emitted(AssetFaultsRepeated)[0].window_days == 90


def test_a_valve_that_is_found_closed_twice_has_a_case(play: Play) -> None:
    crew = play.crew("one", play.town.junction(1, 2))
    valve = play.town.valves["VV12"]
    opened = Finding(
        cause=Cause.CLOSED_VALVE, action=Action.VALVE_OPENED, water_restored=True, valve_id=valve
    )
    for _ in range(2):
        play.stand(crew, play.town.junction(1, 2))
        play.call("V12")
        play.work(crew, opened)
        play.wait(hours=5)
    assert [one.cause for one in play.incidents()] == ["closed_valve"] * 2
    case = only_case(play)
    assert (case.asset_kind, case.asset_id) == ("valve", valve)


def test_a_crew_cannot_name_a_valve_that_is_not_there(play: Play) -> None:
    crew = play.crew("one", play.town.junction(1, 2))
    play.call("V12")
    nowhere = Finding(
        cause=Cause.CLOSED_VALVE, action=Action.VALVE_OPENED, water_restored=True, valve_id=uuid4()
    )
    with pytest.raises(ValveNotFound):
        play.work(crew, nowhere)


def test_a_case_opened_by_a_closing_that_proved_wrong_is_withdrawn_and_opened_again(
    play: Play, failing: Rectification
) -> None:
    incident = play.incidents()[-1]
    report = play.reports(incident)[0].report_id
    incidents.reopen(play.session, incident, report_id=report, settings=play.settings)
    play.relay()
    assert (only_case(play).state, failing.closed_at) == (_S.CLOSED, play.now)
    incidents.close(play.session, incident, cause=Cause.PRIVATE_PLUMBING, by=SYSTEM)
    play.relay()
    assert only_case(play).state == _S.CLOSED
    play.wait(days=1)
    fault_on(play, "H12")
    assert (only_case(play).state, failing.failed_measures) == (_S.OPEN, 0)
    assert [step[1:] for step in history(play, failing)] == [
        ("open", None, "dispatch.why.faults_repeated"),
        ("closed", None, "dispatch.why.fewer_faults"),
        ("open", None, "dispatch.why.fault_again"),
    ]


# --- steps -----------------------------------------------------------------------------------------------------------------


def test_a_case_goes_its_whole_way_each_step_with_who_and_why(
    play: Play, failing: Rectification, person: Callable[..., By]
) -> None:
    owner, other = person(why="as agreed"), person()
    case = failing
    cases.analyse(play.session, case, root_cause="stray current from the tram", by=other)
    plan(play, case, owner)
    assert (case.root_cause, case.measure, case.owner_id) == (
        "stray current from the tram",
        "replace 100 m",
        owner.user_id,
    )
    play.wait(days=3)
    cases.finish(play.session, case, by=owner)
    assert (case.done_at, case.done_by) == (play.now, owner.user_id)
    cases.verify(play.session, case, by=other)
    cases.observe(play.session, case, days=60, by=other)
    play.wait(days=59)
    assert case.state == _S.OBSERVING
    play.wait(days=1)
    assert (only_case(play).state, case.closed_at) == (_S.CLOSED, play.now)
    assert history(play, case)[1:] == [
        ("open", "analysed", other.user_id, ""),
        ("analysed", "planned", owner.user_id, "as agreed"),
        ("planned", "done", owner.user_id, "as agreed"),
        ("done", "verified", other.user_id, ""),
        ("verified", "observing", other.user_id, ""),
        ("observing", "closed", None, "dispatch.why.held"),
    ]


def test_neither_the_doer_nor_the_person_responsible_verifies(
    play: Play, failing: Rectification, person: Callable[..., By]
) -> None:
    owner, doer, other = person(), person(), person()
    cases.analyse(play.session, failing, root_cause="age", by=owner)
    plan(play, failing, owner)
    cases.finish(play.session, failing, by=doer)
    for by in (owner, doer):
        with pytest.raises(VerifiedByItsDoer):
            cases.verify(play.session, failing, by=by)
    assert failing.state == _S.DONE
    cases.verify(play.session, failing, by=other)
    assert (failing.state, failing.verified_by) == (_S.VERIFIED, other.user_id)


def test_what_is_not_done_well_is_sent_back_and_still_due(
    play: Play, failing: Rectification, person: Callable[..., By]
) -> None:
    owner, other = person(), person(why="two joints still weep")
    done(play, failing, owner)
    cases.send_back(play.session, failing, by=other)
    assert (failing.state, failing.done_at, failing.done_by) == (_S.PLANNED, None, None)
    play.wait(days=31)
    assert history(play, failing)[-2:] == [
        ("done", "planned", other.user_id, "two joints still weep"),
        ("planned", "planned", None, "dispatch.why.measure_late"),
    ]


def test_a_late_measure_is_written_down_once_and_a_new_date_is_a_new_deadline(
    play: Play, failing: Rectification, person: Callable[..., By]
) -> None:
    owner = person()
    cases.analyse(play.session, failing, root_cause="age", by=owner)
    plan(play, failing, owner, days=10)
    plan(play, failing, owner, days=20)
    play.wait(days=11)
    assert [why for *_, why in history(play, failing)].count("dispatch.why.measure_late") == 0
    play.wait(days=10)
    assert [why for *_, why in history(play, failing)].count("dispatch.why.measure_late") == 1


def test_done_in_time_nothing_is_late(play: Play, failing: Rectification, person: Callable[..., By]) -> None:
    done(play, failing, person())
    play.wait(days=40)
    assert "dispatch.why.measure_late" not in [why for *_, why in history(play, failing)]


@pytest.mark.parametrize("stage", ["done", "observing", "closed"])
def test_a_fault_after_the_measure_opens_the_case_again_under_its_number(
    play: Play, failing: Rectification, person: Callable[..., By], stage: str
) -> None:
    owner, other, number = person(), person(), failing.number
    if stage == "done":
        done(play, failing, owner)
    else:
        observed(play, failing, owner, other)
    play.wait(days=100 if stage == "closed" else 20)
    assert only_case(play).state == stage
    fault_on(play, "H12")
    case = only_case(play)
    assert (case.number, case.state, case.failed_measures) == (number, _S.OPEN, 1)
    assert (case.due_at, case.done_at, case.verified_by, case.closed_at) == (None, None, None, None)
    assert (case.root_cause, case.measure) == ("stray current", "replace 100 m"), "said before, to begin from"
    assert history(play, case)[-1] == (stage, "open", None, "dispatch.why.fault_again")
    live = select(Deadline.kind).where(
        Deadline.subject_id == case.id, Deadline.fired_at.is_(None), Deadline.cancelled_at.is_(None)
    )
    assert play.session.scalars(live).all() == []
    play.wait(days=200)
    assert only_case(play).state == _S.OPEN


def test_an_incident_from_before_the_measure_that_closes_after_it_disproves_nothing(
    play: Play, failing: Rectification, person: Callable[..., By]
) -> None:
    play.call("H12")
    play.wait(hours=1)
    observed(play, failing, person(), person())
    play.wait(hours=1)
    incidents.close(play.session, play.incidents()[-1], cause=Cause.LEAK, by=SYSTEM)
    play.relay()
    assert only_case(play).state == _S.OBSERVING
    assert len(play.session.scalars(select(Fault)).all()) == 3


def test_a_fault_on_another_main_lets_the_observation_go_on(
    play: Play, failing: Rectification, person: Callable[..., By]
) -> None:
    observed(play, failing, person(), person())
    play.wait(days=20)
    fault_on(play, "H51")
    assert only_case(play).state == _S.OBSERVING


def test_a_person_who_sees_that_it_did_not_help_opens_it_again(
    play: Play, failing: Rectification, person: Callable[..., By]
) -> None:
    with pytest.raises(StepRefused):
        cases.reopen(play.session, failing, by=person())
    observed(play, failing, person(), person())
    cases.reopen(play.session, failing, by=person(why="pressure still drops"))
    assert (failing.state, failing.failed_measures) == (_S.OPEN, 1)


def test_steps_out_of_turn_are_refused(play: Play, failing: Rectification, person: Callable[..., By]) -> None:
    owner, other = person(), person()
    steps: dict[str, Callable[[], None]] = {
        "plan": lambda: plan(play, failing, owner),
        "finish": lambda: cases.finish(play.session, failing, by=owner),
        "send_back": lambda: cases.send_back(play.session, failing, by=other),
        "verify": lambda: cases.verify(play.session, failing, by=other),
        "observe": lambda: cases.observe(play.session, failing, days=30, by=other),
    }
    for step in steps.values():
        with pytest.raises(StepRefused):
            step()
    done(play, failing, owner)
    for name in ("plan", "finish", "observe"):
        with pytest.raises(StepRefused):
            steps[name]()
    with pytest.raises(StepRefused):
        cases.analyse(play.session, failing, root_cause="other", by=owner)
    assert failing.root_cause == "stray current"


def test_a_measure_is_due_in_the_future_and_its_owner_may_work_on_it(
    play: Play, failing: Rectification, person: Callable[..., By]
) -> None:
    owner, agent = person(), person("agent")
    cases.analyse(play.session, failing, root_cause="age", by=owner)
    for nobody in (agent, By(user_id=uuid4())):
        with pytest.raises(NotAnOwner):
            plan(play, failing, nobody, by=owner)
    with pytest.raises(DueInThePast):
        plan(play, failing, owner, days=0)
    assert failing.state == _S.ANALYSED
    assert set(cases.possible_owners(play.session)) == {owner.user_id}


def test_an_unknown_case_is_named_as_such(play: Play) -> None:
    with pytest.raises(NoSuchRectification):
        cases.get(play.session, uuid4())


# --- over HTTP -------------------------------------------------------------------------------------------------------------


def test_over_http_a_case_goes_its_way_and_every_step_is_on_record(
    play: Play, failing: Rectification, client: Any, log_in: Any, person: Callable[..., By]
) -> None:
    doer, other, dispatcher = log_in("supervisor"), log_in("administrator"), log_in("dispatcher")
    path = f"/api/rectifications/{failing.id}"

    def step(name: str, headers: Any, body: Any, *, expect: int = 200) -> Any:
        answer = client.post(f"{path}/{name}", json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json()

    (line,) = client.get("/api/rectifications", headers=dispatcher).json()["items"]
    assert (line["number"], line["asset_kind"], line["asset_code"]) == (failing.number, "pipe", "H12")
    assert (line["faults"], line["window_days"], line["state"]) == (2, 365, "open")
    step("analyse", dispatcher, {"root_cause": "age"}, expect=403)
    owners = client.get("/api/rectifications/owners", headers=doer).json()["items"]
    owner = next(one for one in owners if one["name"].startswith("supervisor"))
    step("analyse", doer, {"root_cause": ""}, expect=422)
    step("analyse", doer, {"root_cause": "age", "why": "third joint"})
    measure = {"measure": "replace", "owner_id": owner["id"], "due_at": "2026-06-01T00:00:00+00:00"}
    refused = step("plan", doer, measure | {"due_at": "2020-01-01T00:00:00Z"}, expect=422)
    assert refused["type"] == "/problems/due-in-the-past"
    planned = step("plan", doer, measure)
    assert (planned["summary"]["owner"], planned["summary"]["is_overdue"]) == (owner["name"], False)
    step("finish", doer, {})
    assert step("verify", doer, {}, expect=409)["type"] == "/problems/verified-by-its-doer"
    step("verify", other, {"why": "dug up and seen"})
    seen = step("observe", other, {})
    assert seen["summary"]["observation_ends_at"][:10] == (play.now + timedelta(days=90)).date().isoformat()
    assert [one["what"] for one in seen["history"]] == [
        "Rectification open",
        "Root cause found",
        "Measure planned",
        "Measure done",
        "Measure verified",
        "Under observation",
    ]
    assert seen["history"][0]["why"] == "too many faults in the period"
    assert seen["history"][1]["said"] == {"root_cause": "age"}
    assert [one["cause"] for one in seen["incidents"]] == ["leak", "burst"]
    assert client.get("/api/rectifications", params={"state": "closed"}, headers=other).json()["items"] == []
    trail = client.get("/api/audit", params={"subject_id": str(failing.id)}, headers=other).json()["items"]
    assert {one["action"] for one in trail} == {
        f"rectification.{name}" for name in ("analyse", "plan", "finish", "verify", "observe")
    }


def test_a_case_belongs_to_the_area_of_its_faults(
    play: Play, failing: Rectification, client: Any, log_in: Any
) -> None:
    for pipe in ("H51", "H51"):
        fault_on(play, pipe)
    east = next(c for c in play.session.scalars(select(Rectification)) if c.id != failing.id)
    west_only, everybody = log_in("supervisor", area_wkt=WEST_AREA), log_in("supervisor")

    def numbers(headers: Any, **params: Any) -> list[int]:
        answer = client.get("/api/rectifications", params=params, headers=headers)
        return [one["number"] for one in answer.json()["items"]]

    assert numbers(everybody) == [east.number, failing.number]
    assert numbers(everybody, limit=1) == [east.number]
    assert numbers(west_only) == [failing.number]
    assert client.get(f"/api/rectifications/{east.id}", headers=west_only).status_code == 404
    body = {"root_cause": "age"}
    answer = client.post(f"/api/rectifications/{east.id}/analyse", json=body, headers=west_only)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/no-such-rectification")


def test_segments_zones_and_valves_are_seen_by_their_areas_too(play: Play, by_hand_only: None) -> None:
    for pipe in ("H12", "V11", "H03"):
        fault_on(play, pipe)
    for pipe in ("H50", "H51", "H52"):
        fault_on(play, pipe, Cause.LOW_PRESSURE)
    seen = {
        area: {
            one.asset_kind
            for one in queries.list_rectifications(
                play.session, _actor(area), states=frozenset(_S), settings=get_settings(), limit=10
            )
        }
        for area in (None, WEST_AREA)
    }
    assert seen == {None: {"segment", "zone"}, WEST_AREA: {"segment"}}


def _actor(area_wkt: str | None) -> Actor:
    return Actor(
        user_id=uuid4(),
        username="x",
        display_name="X",
        role="supervisor",
        operations=frozenset({Operation.RECTIFICATIONS_READ}),
        fields=frozenset(),
        area_wkt=area_wkt,
        desk_ids=frozenset(),
        crew_id=None,
        session_id=uuid4(),
        language="en",
        client_address=None,
    )


def test_late_cases_can_be_asked_for(play: Play, failing: Rectification, person: Callable[..., By]) -> None:
    owner = person()
    cases.analyse(play.session, failing, root_cause="age", by=owner)
    plan(play, failing, owner, days=5)
    everything: dict[str, Any] = {"states": frozenset(_S), "settings": play.settings, "limit": 10}

    def late() -> list[bool]:
        rows = queries.list_rectifications(play.session, _actor(None), is_overdue=True, **everything)
        return [row.is_overdue for row in rows]

    assert late() == []
    play.wait(days=6)
    assert late() == [True]
    cases.finish(play.session, failing, by=owner)
    assert late() == []
    kinds = select(Deadline.kind).where(Deadline.subject_id == failing.id)
    assert play.session.scalars(kinds).all() == [DeadlineKind.RECTIFICATION_DUE]


def test_two_that_count_at_one_time_do_not_both_count_one_too_few(
    factory: SessionFactory, town: Town, settings: Settings
) -> None:
    with factory() as session, session.begin():
        closed = [_closed_burst(session, town, day) for day in (0, 10)]

    def count(incident_id: UUID) -> None:
        with factory() as session, session.begin():
            cases.recount(session, incident_id, settings=settings)

    with ThreadPoolExecutor(1) as beside:
        with factory() as session, session.begin():
            cases.recount(session, closed[0], settings=settings)
            second = beside.submit(count, closed[1])
            with pytest.raises(TimeoutError):
                second.result(timeout=0.5)
        second.result(timeout=30)
    with factory() as session:
        assert session.scalars(select(Rectification.asset_id)).all() == [town.pipes["H12"]]


def _closed_burst(session: Session, town: Town, day: int) -> UUID:
    at = NEW_YEAR + timedelta(days=day)
    incident = Incident(
        kind="burst",
        state="closed",
        cause=Cause.BURST,
        priority=2,
        place=town.on_pipe("H12", 50.0).as_stored(),
        pipe_id=town.pipes["H12"],
        opened_at=at,
        last_report_at=at,
        changed_at=at,
        closed_at=at,
    )
    session.add(incident)
    session.flush()
    return incident.id
