from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from app.demo.world import APART_M, BurstKind, PlannedBurst, Supply, World, plan_bursts
from tests.app.demo_town import ORIGIN, PIPE_M, street_town

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def burst_on(pipe: int, *, kind: BurstKind = BurstKind.BURST, number: int = 0) -> PlannedBurst:
    return PlannedBurst(number=number, pipe=pipe, share=0.5, kind=kind, after=timedelta())


def customers_of(*pipes: int) -> frozenset[int]:
    return frozenset(3 * pipe + k for pipe in pipes for k in range(3))


def test_a_burst_dries_its_segment_and_all_that_is_fed_through_it() -> None:
    burst = World(street_town()).strike(burst_on(1), NOON)
    assert burst.dry == customers_of(1, 2, 3)


def test_pressure_is_low_up_to_two_segments_away() -> None:
    burst = World(street_town()).strike(burst_on(3), NOON)
    assert burst.dry == customers_of(3)
    assert burst.low == customers_of(1, 2)


def test_a_burst_at_the_source_dries_everybody() -> None:
    assert World(street_town()).strike(burst_on(0), NOON).dry == customers_of(0, 1, 2, 3)


def test_a_second_source_keeps_the_far_end_wet() -> None:
    town = replace(street_town(), sources=np.array([0, 4]))
    assert World(town).strike(burst_on(1), NOON).dry == customers_of(1)


def test_a_stuck_valve_joins_two_segments() -> None:
    town = replace(street_town(), sources=np.array([0, 4]), valve_stuck=np.array([False, True, False]))
    assert World(town).strike(burst_on(1), NOON).dry == customers_of(1, 2)


def test_a_shut_valve_lets_no_water_through_today() -> None:
    town = replace(street_town(), valve_closed=np.array([False, False, True]))
    assert World(town).strike(burst_on(1), NOON).dry == customers_of(1, 2)


def test_a_slow_leak_dries_nobody() -> None:
    burst = World(street_town()).strike(burst_on(1, kind=BurstKind.SLOW_LEAK), NOON)
    assert (burst.dry, burst.low) == (frozenset(), frozenset())


def test_water_is_back_once_the_main_is_mended() -> None:
    world = World(street_town())
    burst = world.strike(burst_on(3), NOON)
    assert (world.supply(9), world.supply(3), world.supply(0)) == (Supply.NONE, Supply.LOW, Supply.NORMAL)
    world.restore(burst, NOON + timedelta(hours=1))
    assert (world.supply(9), world.supply(3)) == (Supply.NORMAL, Supply.NORMAL)


def test_a_second_burst_keeps_a_customer_dry_when_the_first_is_mended() -> None:
    world = World(street_town())
    first = world.strike(burst_on(1), NOON)
    world.strike(burst_on(2, number=1), NOON)
    world.restore(first, NOON)
    assert world.supply(6) is Supply.NONE
    assert world.supply(3) is Supply.LOW


def test_a_crew_near_a_burst_finds_it_and_one_far_away_does_not() -> None:
    world = World(street_town())
    burst = world.strike(burst_on(1), NOON)  # 150 m east of the origin
    assert world.town.distance_m(ORIGIN, burst.place) == pytest.approx(1.5 * PIPE_M, abs=0.5)
    assert world.running_near(ORIGIN, radius_m=160.0) is burst
    assert world.running_near(ORIGIN, radius_m=140.0) is None
    world.restore(burst, NOON)
    assert world.running_near(ORIGIN, radius_m=160.0) is None


def test_the_same_seed_plans_the_same_bursts() -> None:
    world = World(street_town())
    plan = plan_bursts(world, count=3, span=timedelta(hours=4), seed=5)
    assert plan == plan_bursts(world, count=3, span=timedelta(hours=4), seed=5)
    assert plan != plan_bursts(world, count=3, span=timedelta(hours=4), seed=6)


def test_the_first_burst_comes_at_once_and_none_after_the_span() -> None:
    plan = plan_bursts(World(street_town()), count=4, span=timedelta(hours=4), seed=5)
    assert plan[0].after == timedelta()
    assert all(timedelta() <= one.after <= timedelta(hours=4) for one in plan)


def test_in_a_city_too_small_bursts_come_as_far_apart_as_it_allows() -> None:
    world = World(street_town())
    first, second = plan_bursts(world, count=2, span=timedelta(minutes=10), seed=1)
    apart_m = world.town.distance_m(
        world.town.place_on_pipe(first.pipe, first.share), world.town.place_on_pipe(second.pipe, second.share)
    )
    assert PIPE_M < apart_m < APART_M


def test_dry_pipes_do_not_burst() -> None:
    town = replace(street_town(), pipe_closed=np.array([False, True, True, True]))
    plan = plan_bursts(World(town), count=5, span=timedelta(hours=1), seed=2)
    assert {one.pipe for one in plan} == {0}
