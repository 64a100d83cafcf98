"""How many faults an asset had, and which of its incidents are faults."""

import csv
import os
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core.db import new_id
from core.events import IncidentClosed
from dispatch import incidents, merging
from dispatch.changes import SYSTEM, By
from dispatch.models import AssetKind, Cause, Fault, Incident, IncidentState
from dispatch.rectification.cases import recount
from dispatch.rectification.faults import (
    KINDS_OF,
    Asset,
    CountingRule,
    assets_of,
    faults_on,
    lately,
    rules_of,
    too_many,
)
from gis.models import PlannedShutdown
from tests.dispatch.play import Play

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
KITCHENER = (
    Path(os.environ.get("MAINLINE_DATA", "../shared")) / "data" / "reports" / "kitchener_main_breaks.csv"
)
DAYS = st.lists(st.integers(0, 1200), min_size=1, max_size=40)


# --- counted from plain values ---------------------------------------------------------------------------------------------


def on_day(day: float, *, pipe: UUID | None = None, cause: Cause = Cause.BURST) -> Fault:
    return Fault(
        incident_id=new_id(), cause=cause, at=NEW_YEAR + timedelta(days=day), pipe_id=pipe or uuid4()
    )


@pytest.mark.parametrize(
    ("days", "count"), [([], 0), ([7], 1), ([0, 365], 2), ([0, 366], 1), ([366, 0, 1], 2), ([5, 5, 5], 3)]
)
def test_faults_are_counted_back_from_the_latest_whatever_their_order(days: list[int], count: int) -> None:
    assert lately((NEW_YEAR + timedelta(days=day) for day in days), YEAR) == count


@given(days=DAYS, window=st.integers(1, 400), seed=st.integers(0, 99))
def test_the_count_is_that_of_comparing_each_with_the_latest(days: list[int], window: int, seed: int) -> None:
    expected = 0
    for day in days:
        later = [other for other in days if other > day + window]
        expected += not later
    shuffled = list(days)
    random.Random(seed).shuffle(shuffled)
    times = [NEW_YEAR + timedelta(days=day) for day in shuffled]
    assert lately(times, timedelta(days=window)) == expected


def test_faults_of_a_segment_that_lie_on_one_main_are_that_mains() -> None:
    rule, main = CountingRule(3, YEAR), uuid4()
    faults = [on_day(day, pipe=main) for day in (10, 20, 30)]
    assert too_many(AssetKind.PIPE, faults, CountingRule(2, YEAR)) == 3
    assert too_many(AssetKind.SEGMENT, faults, rule) == 0
    assert too_many(AssetKind.SEGMENT, [*faults, on_day(40)], rule) == 4
    assert too_many(AssetKind.SEGMENT, [on_day(-400), *faults], rule) == 0, "the other main's is too long ago"
    assert too_many(AssetKind.SEGMENT, [faults[0], on_day(40)], rule) == 0


def test_what_is_no_fault_of_ours_counts_on_nothing_and_a_broken_main_not_on_its_zone() -> None:
    assert set(Cause) - set(KINDS_OF) == {
        Cause.PRIVATE_PLUMBING,
        Cause.NOTHING_FOUND,
        Cause.OTHER,
        Cause.DISMISSED,
    }
    pipe, valve, zone = uuid4(), uuid4(), uuid4()

    def kinds(cause: Cause) -> set[AssetKind]:
        fault = Fault(cause=cause, pipe_id=pipe, valve_id=valve, zone_id=zone)
        return {one.kind for one in assets_of(fault)}

    assert kinds(Cause.BURST) == {AssetKind.PIPE, AssetKind.SEGMENT}
    assert kinds(Cause.CLOSED_VALVE) == {AssetKind.VALVE, AssetKind.SEGMENT}
    assert kinds(Cause.DIRTY_MAIN) == {AssetKind.PIPE, AssetKind.SEGMENT, AssetKind.ZONE}


@pytest.mark.skipif(not KITCHENER.exists(), reason="the city's list of main breaks is not here")
@pytest.mark.parametrize("days", [90, 365, 3650])
def test_of_a_citys_main_breaks_as_many_mains_have_too_many_as_pandas_says(days: int) -> None:
    breaks = pd.read_csv(
        KITCHENER, usecols=["WATBREAKINCIDENTID", "ASSETID", "INCIDENT_DATE", "BREAK_TYPE", "STATUS"]
    )
    breaks = breaks[(breaks.BREAK_TYPE == "MAIN") & (breaks.STATUS != "CANCELLED")]
    breaks["at"] = pd.to_datetime(breaks.INCIDENT_DATE, utc=True)
    breaks = breaks.sort_values("at")
    apart = breaks.groupby("ASSETID")["at"].diff()
    expected = breaks.ASSETID[apart <= pd.Timedelta(days=days)].nunique()
    rule, of_asset, found = CountingRule(2, timedelta(days=days)), defaultdict[str, list[Fault]](list), set()
    with KITCHENER.open(encoding="utf-8-sig", newline="") as stream:
        rows = [r for r in csv.DictReader(stream) if r["BREAK_TYPE"] == "MAIN" and r["STATUS"] != "CANCELLED"]
    for row in sorted(rows, key=lambda one: one["INCIDENT_DATE"]):
        at = datetime.strptime(row["INCIDENT_DATE"] + "00", "%Y/%m/%d %H:%M:%S%z")
        faults = of_asset[row["ASSETID"]]
        faults.append(Fault(cause=Cause.BURST, at=at))
        if too_many(AssetKind.PIPE, faults, rule):
            found.add(row["ASSETID"])
    assert len(rows) == len(breaks) > 2000
    assert 0 < expected < breaks.ASSETID.nunique()
    assert len(found) == expected


# --- counted from incidents ------------------------------------------------------------------------------------------------


def fault_on(play: Play, pipe: str, cause: Cause = Cause.BURST) -> Incident:
    """Somebody reports, and it is over within the hour; days later the next may come."""
    category = "water_quality" if cause is Cause.DIRTY_MAIN else "no_water"
    play.call(pipe, category)
    play.wait(minutes=50)
    incident = play.incidents()[-1]
    incidents.close(play.session, incident, cause=cause, by=SYSTEM)
    play.relay()
    play.wait(days=8)
    return incident


def on(play: Play, kind: AssetKind, name: str) -> int:
    names = {
        AssetKind.PIPE: play.town.pipes,
        AssetKind.SEGMENT: play.town.pipes,
        AssetKind.ZONE: play.town.zones,
    }
    return len(faults_on(play.session, Asset(kind, names[kind][name])))


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
def test_incidents_are_counted_not_calls(play: Play, by_hand_only: None, times: int) -> None:
    play.times = times
    for _ in range(5):
        play.call("H12", "leak", at=play.town.on_pipe("H12", 50.0))
    assert on(play, AssetKind.PIPE, "H12") == 0, "it is not over"
    incidents.close(play.session, play.incident(), cause=Cause.LEAK, by=SYSTEM)
    play.relay()
    assert on(play, AssetKind.PIPE, "H12") == 1
    assert (on(play, AssetKind.SEGMENT, "V11"), on(play, AssetKind.SEGMENT, "H04")) == (1, 0), "rows 2 and 3"
    assert on(play, AssetKind.ZONE, "West") == 0


@pytest.mark.parametrize("cause", sorted(set(Cause) - set(KINDS_OF) - {Cause.DISMISSED}))
def test_what_was_no_fault_of_ours_is_not_counted(play: Play, by_hand_only: None, cause: Cause) -> None:
    fault_on(play, "H12", cause)
    assert play.session.scalars(select(Fault)).all() == []


def test_what_was_dismissed_is_not_counted(play: Play, by_hand_only: None) -> None:
    play.call("H12")
    incidents.dismiss(play.session, play.incident(), by=SYSTEM)
    play.relay()
    assert play.session.scalars(select(Fault)).all() == []


def test_an_incident_that_lives_again_is_no_fault_until_it_is_over_again(
    play: Play, by_hand_only: None
) -> None:
    incident = fault_on(play, "H12")
    report = play.reports(incident)[0].report_id
    incidents.reopen(play.session, incident, report_id=report, settings=play.settings)
    play.relay()
    assert on(play, AssetKind.PIPE, "H12") == 0
    incidents.close(play.session, incident, cause=Cause.LEAK, by=SYSTEM)
    play.relay()
    (fault,) = faults_on(play.session, Asset(AssetKind.PIPE, play.town.pipes["H12"]))
    assert (fault.cause, fault.at) == (Cause.LEAK, incident.reopened_at)


def test_an_incident_merged_into_another_counts_with_it_once(play: Play, by_hand_only: None) -> None:
    first = fault_on(play, "H12")
    report = play.reports(first)[0].report_id
    incidents.reopen(play.session, first, report_id=report, settings=play.settings)
    play.call("H55")
    other = play.incidents()[-1]
    merging.merge(play.session, first, other, settings=play.settings, by=By())
    incidents.close(play.session, first, cause=Cause.BURST, by=SYSTEM)
    play.relay()
    assert [one.incident_id for one in play.session.scalars(select(Fault))] == [first.id]


@pytest.mark.parametrize(
    ("works_on", "pipe", "cause", "hours_ahead", "is_counted"),
    [
        ("H12", "H12", Cause.DIRTY_MAIN, 1, False),
        ("H12", "V12", Cause.LOW_PRESSURE, 1, False),  # dry with it: the same segment
        ("H12", "H04", Cause.LOW_PRESSURE, 1, False),  # cut off by it
        ("H12", "H01", Cause.LOW_PRESSURE, 1, True),  # upstream, wet
        ("H12", "H12", Cause.BURST, 1, False),
        ("H12", "V12", Cause.BURST, 1, True),  # a main that breaks beside the works
        ("H12", "H12", Cause.DIRTY_MAIN, -30, True),  # the works were over
    ],
)
def test_planned_works_are_left_out(
    play: Play,
    by_hand_only: None,
    works_on: str,
    pipe: str,
    cause: Cause,
    hours_ahead: float,
    is_counted: bool,
) -> None:
    starts_at = play.now - timedelta(hours=1) + timedelta(hours=min(hours_ahead, 0))
    play.session.add(
        PlannedShutdown(
            title="new valve",
            pipe_ids=[play.town.pipes[works_on]],
            inoperable_valve_ids=[],
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=8),
        )
    )
    play.session.flush()
    fault_on(play, pipe, cause)
    assert bool(play.session.scalars(select(Fault)).all()) is is_counted


def test_works_that_were_called_off_explain_nothing(play: Play, by_hand_only: None) -> None:
    play.session.add(
        PlannedShutdown(
            title="put off",
            pipe_ids=[play.town.pipes["H12"]],
            inoperable_valve_ids=[],
            starts_at=play.now - timedelta(hours=1),
            ends_at=play.now + timedelta(hours=8),
            called_off_at=play.now - timedelta(hours=2),
        )
    )
    play.session.flush()
    fault_on(play, "H12", Cause.LOW_PRESSURE)
    assert on(play, AssetKind.PIPE, "H12") == 1


PIPES = ("H12", "V11", "H51", "H04")
STATES = (IncidentState.SUSPECTED, IncidentState.CLOSED, IncidentState.DISMISSED, IncidentState.MERGED)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    history=st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from(STATES),
            st.sampled_from(list(Cause)),
            st.sampled_from(PIPES),
            st.integers(0, 900),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_after_any_history_each_asset_has_the_faults_that_its_incidents_say(
    play: Play, history: list[tuple[int, IncidentState, Cause, str, int]]
) -> None:
    """Six incidents change state, cause, main and time at will; each change is counted when it is heard of."""
    nested = play.session.begin_nested()
    rows = [_blank(play, at=play.now) for _ in range(6)]
    for which, state, cause, pipe, day in history:
        row = rows[which]
        row.state, row.cause, row.pipe_id = state, cause, play.town.pipes[pipe]
        row.zone_id = play.town.zones["East" if pipe == "H51" else "West"]
        row.opened_at = NEW_YEAR + timedelta(days=day)
        play.session.flush()
        recount(play.session, row.id, settings=play.settings)
    pipe_of = {play.town.pipes[name]: name for name in PIPES}
    over = [row for row in rows if row.state == IncidentState.CLOSED and row.cause in KINDS_OF]
    for pipe in PIPES:
        counted = [r for r in over if pipe_of[r.pipe_id] == pipe and r.cause != Cause.CLOSED_VALVE]
        assert on(play, AssetKind.PIPE, pipe) == len(counted)
        rule = rules_of(play.settings)[AssetKind.PIPE]
        expected = sum(
            all(other.opened_at - one.opened_at <= rule.window for other in counted) for one in counted
        )
        faults = faults_on(play.session, Asset(AssetKind.PIPE, play.town.pipes[pipe]))
        assert too_many(AssetKind.PIPE, faults, rule) == (expected if expected >= 2 else 0)
    together = [r for r in over if pipe_of[r.pipe_id] in ("H12", "V11")]
    assert on(play, AssetKind.SEGMENT, "H12") == on(play, AssetKind.SEGMENT, "V11") == len(together)
    of_zone = [
        r for r in over if r.cause in (Cause.LOW_PRESSURE, Cause.DIRTY_MAIN) and pipe_of[r.pipe_id] != "H51"
    ]
    assert on(play, AssetKind.ZONE, "West") == len(of_zone)
    nested.rollback()
    play.session.expunge_all()


def _blank(play: Play, *, at: datetime) -> Incident:
    incident = Incident(
        kind="burst",
        priority=2,
        place=play.town.on_pipe("H12", 50.0).as_stored(),
        pipe_id=play.town.pipes["H12"],
        opened_at=at,
        last_report_at=at,
        changed_at=at,
    )
    play.session.add(incident)
    play.session.flush()
    return incident


def test_a_closing_told_late_counts_what_the_incident_is_by_then(play: Play, by_hand_only: None) -> None:
    play.call("H12")
    incident = play.incident()
    incidents.close(play.session, incident, cause=Cause.BURST, by=SYSTEM)
    report = play.reports(incident)[0].report_id
    incidents.reopen(play.session, incident, report_id=report, settings=play.settings)
    play.relay()
    assert len(play.emitted(IncidentClosed)) == 1
    assert play.session.scalars(select(Fault)).all() == []
