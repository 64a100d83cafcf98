"""The usual for an hour of the week, and how unusual a number of reports is."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from dispatch.clusters.rates import (
    CATEGORIES,
    Counted,
    Group,
    Verdict,
    hours_of,
    rates,
    same_hour_before,
    verdict,
)
from dispatch.reports import Category

SHANGHAI, BERLIN, KOLKATA = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
WEEK = timedelta(days=7)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WEST = Counted(uuid4(), Group.ALL)
LONG_AGO = NOON - timedelta(days=365)


def rated(count: int, *before: int, first_hour: datetime | None = LONG_AGO) -> tuple[float | None, Verdict]:
    """Rate an hour with so many reports, the weeks before with so many, the latest first."""
    counts = {NOON - n * WEEK: number for n, number in enumerate((count, *before)) if number}
    (rate,) = rates({WEST: counts}, [NOON], first_hour=first_hour, zone=SHANGHAI)
    return rate.usual, rate.verdict


def test_the_usual_is_the_median_of_the_same_hour_of_the_four_weeks_before() -> None:
    assert rated(2, 2, 0, 40, 3) == (2.5, Verdict.USUAL)  # one burst does not make it usual
    assert rated(1, 0, 0, 40, 0) == (0.0, Verdict.USUAL)


@pytest.mark.parametrize(
    ("count", "usual", "word"),
    [
        # Poisson with 0.25 expected: two or more 0.026, three or more 0.0022, four or more 0.00013.
        (2, 0.0, Verdict.USUAL),
        (3, 0.0, Verdict.RAISED),
        (4, 0.0, Verdict.FAR_ABOVE),
        # With 2: six or more 0.017, seven 0.0045, eight 0.0011, nine 0.00024.
        (6, 2.0, Verdict.USUAL),
        (7, 2.0, Verdict.RAISED),
        (8, 2.0, Verdict.RAISED),
        (9, 2.0, Verdict.FAR_ABOVE),
        (0, 5.0, Verdict.USUAL),
        (50, None, Verdict.TOO_LITTLE_HISTORY),
    ],
)
def test_a_number_is_called_unusual_when_chance_hardly_brings_it(
    count: int, usual: float | None, word: Verdict
) -> None:
    assert verdict(count, usual) is word


def test_with_less_than_four_weeks_there_is_no_usual() -> None:
    assert rated(9, 1, 1, 1, 1, first_hour=NOON - 4 * WEEK) == (1.0, Verdict.FAR_ABOVE)
    assert rated(9, 1, 1, 1, 1, first_hour=NOON - 4 * WEEK + timedelta(hours=1)) == (
        None,
        Verdict.TOO_LITTLE_HISTORY,
    )
    assert rated(9, first_hour=None) == (None, Verdict.TOO_LITTLE_HISTORY)


def test_hours_that_had_none_and_usually_have_none_are_left_out() -> None:
    hours = hours_of(NOON, NOON + timedelta(hours=3), SHANGHAI)
    counts = {WEST: {hours[1]: 1} | {hours[2] - n * WEEK: 2 for n in range(1, 5)}}
    found = rates(counts, hours, first_hour=LONG_AGO, zone=SHANGHAI)
    assert [(one.hour, one.count, one.usual) for one in found] == [(hours[1], 1, 0.0), (hours[2], 0, 2.0)]


def test_hours_are_those_on_the_utilitys_clock() -> None:
    half_past = NOON + timedelta(minutes=50)
    assert hours_of(half_past, half_past + timedelta(minutes=10), SHANGHAI) == [NOON]
    # India is five and a half hours ahead: its hours begin at half past.
    assert hours_of(NOON, NOON + timedelta(hours=1), KOLKATA) == [
        NOON - timedelta(minutes=30),
        NOON + timedelta(minutes=30),
    ]


def test_the_same_hour_is_the_same_on_the_wall_whatever_clocks_did_since() -> None:
    nine = datetime(2026, 4, 6, 9, tzinfo=BERLIN)  # clocks went forward on 29 March
    assert same_hour_before(nine, BERLIN) == [
        datetime(2026, 3, 30, 7, tzinfo=UTC),
        datetime(2026, 3, 23, 8, tzinfo=UTC),
        datetime(2026, 3, 16, 8, tzinfo=UTC),
        datetime(2026, 3, 9, 8, tzinfo=UTC),
    ]
    nine = datetime(2026, 4, 6, 9, tzinfo=SHANGHAI)
    assert same_hour_before(nine, SHANGHAI) == [nine.astimezone(UTC) - n * WEEK for n in range(1, 5)]


def test_an_hour_that_comes_twice_is_two_hours_and_one_that_was_skipped_none() -> None:
    back = datetime(2026, 10, 25, tzinfo=BERLIN)
    hours = hours_of(back, back.replace(day=26), BERLIN)
    assert len(hours) == 25
    assert {after - before for before, after in pairwise(hours)} == {timedelta(hours=1)}
    week_later = datetime(2026, 11, 1, 2, tzinfo=BERLIN)
    assert same_hour_before(week_later, BERLIN)[0] == datetime(2026, 10, 25, 0, tzinfo=UTC)
    forward = datetime(2026, 3, 29, tzinfo=BERLIN)
    assert len(hours_of(forward, forward.replace(day=30), BERLIN)) == 23
    skipped = datetime(2026, 4, 5, 2, tzinfo=BERLIN)
    assert same_hour_before(skipped, BERLIN)[0] == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_every_category_is_counted_in_one_group_and_in_all() -> None:
    parts = [categories for group, categories in CATEGORIES.items() if group is not Group.ALL]
    assert sum(map(len, parts)) == len(Category)
    assert frozenset().union(*parts) == CATEGORIES[Group.ALL] == frozenset(Category)
