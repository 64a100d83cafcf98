from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from app.demo.calls import Channel, Knows, calls_about, stray_calls
from app.demo.town import Town
from app.demo.world import Burst, BurstKind, PlannedBurst, World
from tests.app.demo_town import street_town

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def crowded_town(times: int = 40) -> Town:
    """The street with so many households behind each door."""
    town = street_town()
    columns = (
        "name",
        "phone",
        "street",
        "house_number",
        "town_name",
        "home_lon",
        "home_lat",
        "customer_pipe",
    )
    many = {column: np.repeat(getattr(town, column), times) for column in columns}
    return replace(town, account_no=np.array([f"A{n:04d}" for n in range(12 * times)]), **many)


def struck(town: Town, *, number: int = 0, kind: BurstKind = BurstKind.BURST) -> Burst:
    return World(town).strike(PlannedBurst(number, 3, 0.5, kind, timedelta()), NOON)


def test_the_same_seed_draws_the_same_calls() -> None:
    town = crowded_town()
    burst = struck(town)
    assert calls_about(burst, town, seed=1) == calls_about(burst, town, seed=1)
    assert calls_about(burst, town, seed=1) != calls_about(burst, town, seed=2)


def test_only_those_affected_and_passers_by_call_and_after_it_began() -> None:
    town = crowded_town()
    burst = struck(town)
    calls = calls_about(burst, town, seed=1)
    assert len(calls) > 5
    assert all(call.customer is None or call.customer in burst.dry | burst.low for call in calls)
    assert all(call.cause == burst.number and call.at > NOON and call.at >= call.noticed_at for call in calls)
    assert [call.at for call in calls] == sorted(call.at for call in calls)


def test_a_big_burst_does_not_bring_the_whole_city_to_the_phone() -> None:
    town = crowded_town(300)
    counts = [len(calls_about(struck(town, number=n), town, seed=1)) for n in range(20)]
    assert 10 < sum(counts) / len(counts) < 35


def test_of_a_slow_leak_only_passers_by_tell() -> None:
    town = crowded_town()
    calls = [
        c
        for n in range(10)
        for c in calls_about(struck(town, number=n, kind=BurstKind.SLOW_LEAK), town, seed=1)
    ]
    assert calls
    assert {call.category for call in calls} == {"leak"}
    assert {call.customer for call in calls} == {None}


def test_passers_by_stand_near_the_water() -> None:
    town = crowded_town()
    points = [
        town.distance_m(call.point, burst.place)
        for n in range(20)
        for burst in [struck(town, number=n)]
        for call in calls_about(burst, town, seed=3)
        if call.customer is None and call.point is not None
    ]
    assert points
    assert float(np.median(points)) < 40.0


def test_every_way_to_say_where_one_is_occurs_and_carries_what_it_needs() -> None:
    town = crowded_town(100)
    calls = [c for n in range(40) for c in calls_about(struck(town, number=n), town, seed=4)]
    assert {call.knows for call in calls} == set(Knows)
    for call in calls:
        assert (call.account_no is not None) == (call.knows is Knows.ACCOUNT)
        assert (call.point is not None) == (call.knows is Knows.POINT)
        assert (call.address_text is not None) == (call.knows is Knows.ADDRESS)
        assert call.knows is not Knows.POINT or call.channel is Channel.APP
    named = [call for call in calls if call.knows is Knows.PHONE]
    assert all(call.phone == town.customer(call.customer or 0).phone for call in named)


def test_repeats_come_after_the_first_call_of_the_same_customer() -> None:
    town = crowded_town(100)
    calls = [c for n in range(20) for c in calls_about(struck(town, number=n), town, seed=4)]
    repeats = [call for call in calls if call.is_repeat]
    assert 0.05 < len(repeats) / len(calls) < 0.2
    for repeat in repeats:
        first = next(c for c in calls if (c.cause, c.customer) == (repeat.cause, repeat.customer))
        assert not first.is_repeat
        assert first.at < repeat.at


def test_strays_come_at_the_rate_asked_for_and_have_no_cause() -> None:
    town = crowded_town()
    calls = stray_calls(town, begin=NOON, span=timedelta(hours=50), per_hour=10.0, seed=9)
    assert len(calls) == pytest.approx(500, rel=0.15)
    assert {call.cause for call in calls} == {None}
    assert all(NOON < call.at < NOON + timedelta(hours=50) and call.noticed_at < call.at for call in calls)
    kinds = Counter(call.category for call in calls)
    assert set(kinds) == {"no_water", "low_pressure", "leak", "other", "water_quality"}
    far = [c for c in calls if c.point and town.distance_m(c.point, town.place_on_pipe(0, 0.0)) > 30_000.0]
    assert 5 < len(far) < 60


def test_callers_have_numbers_of_their_own() -> None:
    town = crowded_town()
    calls = stray_calls(town, begin=NOON, span=timedelta(hours=50), per_hour=10.0, seed=9)
    strangers = [call.phone for call in calls if call.customer is None]
    assert len(set(strangers)) > 0.95 * len(strangers)
