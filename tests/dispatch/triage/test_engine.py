"""The stream on a small world: which calls become one incident, what is announced to people, and why."""

import pytest

from core.messages import catalogue
from dispatch.triage.habits import CATEGORIES, LEAK, LOW_PRESSURE, NO_WATER, OTHER, WATER_QUALITY
from dispatch.triage.hypotheses import Scope
from dispatch.triage.replay import explanation
from dispatch.triage.rules import StreamRules
from dispatch.triage.verdicts import VerdictKind
from tests.dispatch.triage.world import World, labels, take

NOON = 100.0 * 24.0 + 12.0


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def burst(world: World, zone: int, main: int, at_h: float = NOON, houses=(1, 5, 9, 14, 20)):
    return [world.calls_in(world.house(zone, main, one), at_h + 0.05 * one) for one in houses]


def test_several_callers_of_one_break_are_one_incident_with_the_earliest_reports_number(world):
    engine = world.engine()
    told = burst(world, 0, 4)
    calls = take(engine, told)
    assert labels(calls) == {told[0].id}
    ((alarm),) = engine.alarms
    assert (alarm.label, alarm.scope, len(alarm.calls)) == (told[0].id, Scope.OUTAGE, 3)


def test_two_breaks_at_once_far_apart_are_two_incidents(world):
    engine = world.engine()
    here, there = burst(world, 0, 4), burst(world, 3, 4)
    calls = take(engine, [*here, *there])
    assert labels(calls) == {here[0].id, there[0].id}
    assert len(engine.alarms) == 2


def test_one_caller_who_calls_three_times_counts_once_and_alarms_nobody(world):
    engine = world.engine()
    customer = world.house(0, 4, 3)
    first, *again = take(engine, [world.calls_in(customer, NOON + 0.1 * one) for one in range(3)])
    assert [one.repeat_of for one in again] == [first, first]
    assert engine.alarms == []


def test_water_seen_to_run_twice_at_one_place_is_one_matter_and_no_alarm(world):
    engine = world.engine()
    first, second = take(engine, [world.sees_water(0, 450.0, NOON), world.sees_water(0, 458.0, NOON + 20.0)])
    assert second.label == first.label
    assert engine.incidents[0].scope is Scope.SITE
    assert engine.alarms == []
    far = engine.take(world.sees_water(0, 900.0, NOON + 21.0))
    assert far.label == far.told.id


def test_same_customer_two_days_later_about_the_same_is_a_repeat_and_about_another_matter_is_not(world):
    engine = world.engine()
    customer = world.house(1, 9, 3)
    first, second, third = take(
        engine,
        [
            world.calls_in(customer, NOON, OTHER),
            world.calls_in(customer, NOON + 48.0, OTHER),
            world.calls_in(customer, NOON + 49.0, WATER_QUALITY),
        ],
    )
    assert (second.repeat_of, second.label) == (first, first.label)
    assert second.verdict.kind is VerdictKind.REPEAT
    assert (third.repeat_of, third.label) == (None, third.told.id)


def test_a_repeat_is_not_looked_for_beyond_its_window(world):
    engine = world.engine(rules=StreamRules(repeat_window_h=dict.fromkeys(CATEGORIES, 24.0)))
    customer = world.house(1, 9, 3)
    _, second = take(engine, [world.calls_in(customer, NOON + one, OTHER) for one in (0.0, 48.0)])
    assert second.repeat_of is None


def test_announced_work_takes_its_callers_but_water_seen_inside_breaks_out(world):
    engine = world.engine(works=[world.works(0, [3, 4], NOON, NOON + 6.0)])
    inside = take(engine, burst(world, 0, 4))
    assert labels(inside) == {"W1"}
    assert {one.verdict.kind for one in inside} == {VerdictKind.WORKS}
    seen = engine.take(world.sees_water(0, 450.0, NOON + 2.0))
    assert seen.label == seen.told.id


def test_callers_all_over_a_zone_are_the_zones_trouble(world):
    engine = world.engine()
    mains = (0, 7, 14, 20, 33, 41, 48, 55)
    told = [
        world.calls_in(world.house(2, one, 7), NOON + 0.1 * at, LOW_PRESSURE) for at, one in enumerate(mains)
    ]
    assert labels(take(engine, told)) == {told[0].id}
    assert [(one.scope, one.group) for one in engine.incidents] == [(Scope.ZONE, 2)]


def test_two_houses_that_call_while_their_neighbours_are_silent_for_hours_open_nothing(world):
    engine = world.engine()
    calls = take(
        engine, [world.calls_in(world.house(2, main, 7), at) for main, at in ((4, NOON), (8, NOON + 8.0))]
    )
    assert [call.incident for call in calls] == [-1, -1]
    assert engine.alarms == []


def a_day(world: World):
    told = [*burst(world, 0, 4), *burst(world, 3, 9, NOON + 0.3), world.sees_water(0, 450.0, NOON + 0.1)]
    told += [world.calls_in(world.house(1, one, one % 7), NOON + 0.21 * one, one % 5) for one in range(20)]
    return sorted(told, key=lambda one: one.at_h)


def as_seen(engine):
    stand = [
        (c.told.id, c.arrived_as, c.label, c.repeat_of and c.repeat_of.told.id, c.verdict)
        for c in engine.calls
    ]
    return stand, engine.alarms


def test_an_engine_built_anew_and_fed_the_same_calls_says_the_same(world):
    told = a_day(world)
    one, other = world.engine(), world.engine()
    half = len(told) // 2
    take(one, told[:half])
    take(other, told[:half])
    take(other, told[half:])
    restarted = world.engine()
    for call in told:
        restarted.take(call)
    take(one, told[half:])
    assert as_seen(one) == as_seen(other) == as_seen(restarted)


def test_no_decision_looks_ahead(world):
    told = a_day(world)
    whole = world.engine()
    for at, one in enumerate(told):
        known = whole.take(one).label
        prefix = world.engine()
        if at % 9 == 0:
            assert take(prefix, told[: at + 1])[-1].label == known


def test_two_large_incidents_of_one_zone_are_not_joined_by_the_engine_and_small_ones_are(world):
    told = [*burst(world, 2, 4), *burst(world, 2, 12, NOON + 1.5)]
    assert len(labels(take(world.engine(rules=StreamRules(large_persons=2)), told))) == 2
    assert len(labels(take(world.engine(rules=StreamRules(large_persons=12)), told))) == 1


# --- reasons ---------------------------------------------------------------------------------------------------------------


def test_a_reason_counts_calls_callers_minutes_segments_and_chance(world):
    engine = world.engine()
    told = burst(world, 0, 4)
    last = take(engine, told)[-1]
    segment = world.supply.number[world.segment_of[4]]
    text = last.verdict.text("en")
    # 0.95 h between the first and the last of five; 30 customers at 0.0016 calls (0.002 less those about other matters) a day.
    assert f"5 calls from 5 customers on segments {segment} in 57 minutes; 0.0019 expected" in text
    assert "same pressure zone" in text
    assert "not covered by planned work" in text
    assert "5 户来电 5 次" in last.verdict.text("zh")


def test_every_decision_can_be_told_in_both_languages(world):
    engine = world.engine(works=[world.works(1, [3, 4], NOON, NOON + 6.0)])
    take(engine, a_day(world))
    codes = {clause.code for call in engine.calls for clause in call.verdict.clauses}
    for language in ("zh", "en"):
        assert codes <= set(catalogue(language))
        assert all(call.verdict.text(language) for call in engine.calls)
    assert {explanation(call)["decision"] for call in engine.calls} >= {"opens", "joins", "moved", "works"}


def test_a_call_that_joined_later_says_where_from_and_why(world):
    engine = world.engine()
    take(engine, a_day(world))
    late = [call for call in engine.calls if call.moves]
    assert late
    for call in late:
        told = explanation(call)
        assert (told["decision"], told["incident_id"]) == ("moved", call.moves[-1].went_to)
        assert f"went from {call.moves[0].came_from} to {call.moves[0].went_to}" in told["reason"]
        assert told["on_arrival"]["incident_id"] == call.arrived_as


def test_the_candidates_that_were_weighed_come_best_first(world):
    engine = world.engine()
    take(engine, [*burst(world, 0, 4), world.sees_water(0, 600.0, NOON + 0.3)])
    call = engine.take(world.calls_in(world.house(0, 5, 1), NOON + 1.3))
    odds = [one.odds for one in call.verdict.candidates]
    assert odds == sorted(odds, reverse=True)
    assert call.verdict.candidates[0].label == call.label


def test_categories_stand_in_the_order_of_their_names():
    assert (LEAK, NO_WATER, LOW_PRESSURE, WATER_QUALITY, OTHER) == (0, 1, 2, 3, 4)
