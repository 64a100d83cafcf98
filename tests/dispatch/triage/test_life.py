"""What real days do that tidy ones do not: overlap, late callers, phases, rumours, blocks of flats, work that does not keep to its notice."""

import numpy as np
import pytest

from dispatch.triage.habits import LOW_PRESSURE, WATER_QUALITY
from dispatch.triage.hypotheses import Scope
from tests.dispatch.triage.world import World, labels, take

NOON = 100.0 * 24.0 + 12.0


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def callers(world: World, zone: int, main: int, houses, at_h: float, **kinds: int):
    return [
        world.calls_in(world.house(zone, main, one), at_h + 0.05 * at, **kinds)
        for at, one in enumerate(houses)
    ]


def test_two_breaks_of_one_zone_that_overlap_in_time_stay_two(world):
    engine = world.engine()
    one = [world.calls_in(world.house(2, 1, house), NOON + 0.1 * house) for house in (1, 3, 5, 6)]
    other = [world.calls_in(world.house(2, 38, house), NOON + 0.25 + 0.1 * house) for house in (1, 3, 5, 6)]
    take(engine, [*one, *other])
    by_id = {call.told.id: call.label for call in engine.calls}
    assert {by_id[told.id] for told in one} == {one[0].id}
    assert len({by_id[told.id] for told in other}) == 1
    assert by_id[other[0].id] != one[0].id


def test_those_who_call_hours_later_when_they_are_home_belong_to_the_same_break(world):
    engine = world.engine()
    early = take(engine, callers(world, 2, 4, (1, 3, 5, 6), NOON))
    late = take(
        engine, [world.calls_in(world.house(2, 4, one), NOON + 5.0 + one / 10) for one in (15, 17, 20, 24)]
    )
    assert labels(early) == labels(late) == {early[0].told.id}
    assert len(engine.alarms) == 1


def test_a_break_that_leaks_is_shut_and_comes_back_dirty_is_one_incident(world):
    engine = world.engine()
    leaking = [
        world.sees_water(2, 450.0, NOON),
        *callers(world, 2, 4, (1,), NOON + 0.2, category=LOW_PRESSURE),
    ]
    shut = callers(world, 2, 4, (2, 4, 8, 12), NOON + 1.0)
    dirty = callers(world, 2, 4, (21, 23, 26), NOON + 6.0, category=WATER_QUALITY)
    calls = take(engine, [*leaking, *shut, *dirty])
    assert labels(calls) == {leaking[0].id}
    assert len(engine.alarms) == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_rumour_that_makes_every_zone_call_is_no_zones_trouble(seed):
    world = World(zones=12)
    random = np.random.default_rng(seed)
    some = random.choice(world.supply.customer_count, 120, replace=False)
    when = NOON + np.sort(random.uniform(0.0, 1.5, len(some)))
    engine = world.engine()
    pairs = zip(some.tolist(), when.tolist(), strict=True)
    take(engine, [world.calls_in(one, at, WATER_QUALITY) for one, at in pairs])
    assert len(engine.alarms) <= 1


def test_a_break_during_a_rumour_is_still_found():
    world = World(zones=12)
    random = np.random.default_rng(4)
    some = random.choice(world.supply.customer_count, 120, replace=False)
    rumour = [
        world.calls_in(int(one), NOON + at, WATER_QUALITY)
        for one, at in zip(some, np.linspace(0, 1.5, 120), strict=True)
    ]
    broken = callers(world, 5, 30, (1, 5, 9, 14, 20), NOON + 0.8)
    engine = world.engine()
    take(engine, [*rumour, *broken])
    assert any(len({one.id for one in broken} & set(alarm.calls)) >= 3 for alarm in engine.alarms)


def test_trouble_of_one_zone_alone_is_not_taken_for_a_rumour():
    world = World(zones=12)
    engine = world.engine()
    told = [
        world.calls_in(world.house(7, main, 3), NOON + 0.03 * at, WATER_QUALITY)
        for at, main in enumerate(range(0, 60, 4))
    ]
    take(engine, told)
    assert [(one.scope, one.group) for one in engine.incidents] == [(Scope.ZONE, 7)]
    assert all(call.surge == 1.0 for call in engine.calls)


def test_a_block_whose_pump_stops_is_the_blocks_trouble_while_its_street_has_water():
    world = World(flats={(2, 4): 60})
    engine = world.engine()
    flats = take(
        engine, [world.calls_in(one, NOON + 0.1 * at) for at, one in enumerate(world.block[2, 4][:12])]
    )
    assert len(labels(flats)) == 1
    assert [one.scope for one in engine.incidents] == [Scope.BLOCK]
    next_door = engine.take(world.calls_in(world.house(2, 4, 2), NOON + 30.0))
    assert next_door.label == next_door.told.id


def test_a_break_in_the_street_of_a_block_is_the_streets():
    world = World(flats={(2, 4): 60})
    engine = world.engine()
    flats = [world.calls_in(one, NOON + 0.1 * at) for at, one in enumerate(world.block[2, 4][:4])]
    take(engine, [*flats, *callers(world, 2, 4, (1, 4, 8, 12, 16, 22), NOON + 0.02)])
    assert [one.scope for one in engine.incidents if len(one.members) > 2] == [Scope.OUTAGE]


def test_work_that_starts_late_reaches_further_and_ends_late_still_takes_its_callers(world):
    engine = world.engine(works=[world.works(0, [3, 4], NOON, NOON + 6.0)])
    inside = callers(world, 0, 4, (3, 8, 12), NOON + 2.0)
    beyond = callers(world, 0, 5, (3, 8, 12), NOON + 2.2)
    after = callers(world, 0, 4, (15, 16), NOON + 9.0)
    assert labels(take(engine, [*inside, *beyond, *after])) == {"W1"}


def test_a_break_two_streets_from_announced_work_is_not_its(world):
    engine = world.engine(works=[world.works(0, [3, 4], NOON, NOON + 6.0)])
    assert "W1" not in labels(take(engine, callers(world, 0, 9, (1, 5, 9, 14), NOON + 1.0)))


@pytest.mark.parametrize("seed", range(6))
def test_a_wild_day_is_decided_call_by_call_and_every_call_stands_somewhere(world, seed):
    rng = np.random.default_rng(seed)
    engine = world.engine()
    told, at_h = [], NOON
    breaks = [(int(zone), int(main)) for zone, main in rng.integers((0, 0), (6, 60), size=(8, 2))]
    for _ in range(220):
        at_h += float(rng.exponential(0.02))
        kind = int(rng.integers(4))
        if rng.random() < 0.6:
            zone, main = breaks[int(rng.integers(len(breaks)))]
            main = int(np.clip(main + rng.integers(-1, 2), 0, 59))
        else:
            zone, main = int(rng.integers(6)), int(rng.integers(60))
        if rng.random() < 0.15:
            told.append(world.sees_water(zone, 100.0 * main + 50.0, at_h))
        else:
            told.append(
                world.calls_in(world.house(zone, main, int(rng.integers(30))), at_h, category=1 + kind % 3)
            )
    calls = take(engine, told)
    for one in engine.scene.open:
        assert all(engine.holder(call) is one for call in one.members)
        assert len({call.index for call in one.members}) == len(one.members)
    held = {call.index for one in engine.incidents for call in one.members}
    assert all(call.label for call in calls)
    assert {call.index for call in calls if call.incident >= 0} == held
