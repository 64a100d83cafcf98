"""How likely an earlier report is about the same thing, from numbers that can be checked by hand."""

from datetime import timedelta

import numpy as np
import pytest

from dispatch.duplicates.odds import (
    UNCONNECTED_LENGTHS,
    Closeness,
    Earlier,
    Habits,
    History,
    Past,
    apart_m,
    best,
    closeness,
    learn_habits,
    lengths_between,
)

HOUR, DAY = 3_600.0, 86_400.0
LEAK, TREE = 0, 1
C = Closeness


def earlier(*rows: tuple[int, Closeness, float], over: tuple[int, ...] = ()) -> Earlier:
    """Earlier reports by kind, closeness and age; those named by their place in the row are over."""
    return Earlier(
        kinds=np.array([row[0] for row in rows], dtype=np.int64),
        closeness=np.array([row[1] for row in rows], dtype=np.int64),
        age_s=np.array([row[2] for row in rows]),
        is_over=np.array([index in over for index in range(len(rows))], dtype=np.bool_),
    )


def past(*rows: tuple[int, float, float], **columns: list[float]) -> Past:
    """Reports along a street by kind, metres east and time; all open, all strangers, unless said otherwise."""
    n = len(rows)
    return Past(
        kinds=np.array([row[0] for row in rows], dtype=np.int64),
        east_m=np.array([row[1] for row in rows]),
        north_m=np.zeros(n),
        places=np.array(columns.get("places", [-1] * n), dtype=np.int64),
        segments=np.array(columns.get("segments", [-1] * n), dtype=np.int64),
        at_s=np.array([row[2] for row in rows]),
        over_at_s=np.array(columns.get("over_at_s", [np.inf] * n)),
    )


def test_nearer_and_sooner_is_likelier_before_anything_was_learnt() -> None:
    odds = Habits(2).odds(
        LEAK,
        earlier((LEAK, C.TOUCHING, HOUR / 2), (LEAK, C.SAME_STREET, HOUR / 2), (LEAK, C.TOUCHING, 5 * DAY)),
    )
    assert odds[0] > odds[1] > 0
    assert odds[0] > odds[2] > 0


def test_another_kind_says_nothing_unless_both_come_of_one_cause() -> None:
    at_the_door = earlier((TREE, C.SAME_PLACE, HOUR / 2))
    assert Habits(2).odds(LEAK, at_the_door)[0] == 0
    assert Habits(2, kin=np.ones((2, 2), dtype=np.bool_)).odds(LEAK, at_the_door)[0] > 0


def test_what_is_over_is_not_the_same_thing() -> None:
    assert Habits(1).odds(LEAK, earlier((LEAK, C.SAME_PLACE, HOUR), over=(0,)))[0] == 0


def test_a_busy_corner_says_less() -> None:
    near = (LEAK, C.NEXT_DOOR, HOUR / 2)
    alone = Habits(1).odds(LEAK, earlier(near))[0]
    busy = Habits(1).odds(LEAK, earlier(near, *[(LEAK, C.AROUND, 20 * DAY)] * 9))[0]
    assert busy == pytest.approx(alone / 10)  # nine round about where none is usual


def test_kinds_that_meet_more_often_than_chance_become_likely() -> None:
    habits = Habits(2)
    for _ in range(
        400
    ):  # each time a tree stands beside the leak, and only one in ten has one somewhere round
        habits.learn(LEAK, earlier((TREE, C.SAME_PLACE, HOUR / 2)))
        habits.learn(TREE, earlier())
    for _ in range(40):
        habits.learn(LEAK, earlier((TREE, C.AROUND, HOUR / 2)))
    assert habits.odds(LEAK, earlier((TREE, C.SAME_PLACE, HOUR / 2)))[0] > 2


def test_what_meets_as_often_as_chance_brings_it_is_never_suggested() -> None:
    habits = Habits(1)
    area = 2_500 / (500**2 - 200**2)  # of the circle to 50 m beside that of the ring round about
    for n in range(4_000):
        near = [(LEAK, C.NEAR, DAY / 2)] if n % 100 < 100 * 10 * area * 0.75 else []
        habits.learn(LEAK, earlier(*near, *[(LEAK, C.AROUND, DAY / 2)] * 10))
    habits.settle()
    assert habits.odds(LEAK, earlier((LEAK, C.NEAR, DAY / 2)))[0] < 0.5
    assert Habits(1).odds(LEAK, earlier((LEAK, C.NEAR, DAY / 2)))[0] > 1.5


def test_the_likeliest_come_first_and_no_more_than_asked() -> None:
    odds, age = np.array([2.0, 9.0, 1.0, 9.0]), np.array([1.0, 5.0, 1.0, 3.0])
    assert best(odds, age, odds_min=1.5, most=3) == [3, 1, 0]
    assert best(odds, age, odds_min=1.5, most=1) == [3]
    assert best(odds, age, odds_min=10.0, most=3) == []
    assert best(np.empty(0), np.empty(0), odds_min=1.0, most=3) == []


@pytest.mark.parametrize(
    ("valves", "is_on_network", "lengths"),
    [(0, True, 0.5), (1, True, 1.0), (3, True, 3.0), (None, True, UNCONNECTED_LENGTHS), (None, False, 1.0)],
)
def test_a_metre_counts_for_more_behind_valves(
    valves: int | None, is_on_network: bool, lengths: float
) -> None:
    assert lengths_between(valves, is_on_network=is_on_network) == lengths


def test_an_unsure_place_is_farther() -> None:
    apart = apart_m(np.array([30.0, 30.0]), np.ones(2), np.array([0.0, 40.0]))
    assert apart.tolist() == [30.0, 50.0]
    assert closeness(apart, np.array([False, False])).tolist() == [C.NEAR, C.NEAR]
    assert closeness(np.array([10.0, 10.1, 200.1]), np.array([False, False, True])).tolist() == [
        C.TOUCHING,
        C.NEXT_DOOR,
        C.SAME_PLACE,
    ]


def test_history_knows_only_what_came_before() -> None:
    history = History(
        past((LEAK, 0, 0), (TREE, 30, HOUR), (LEAK, 40, 2 * HOUR), (LEAK, 41, 3 * HOUR)),
        age_max=timedelta(days=30),
    )
    others, round_it = history.before(2)
    assert others.tolist() == [0, 1]
    assert round_it.closeness.tolist() == [C.NEAR, C.TOUCHING]
    assert round_it.age_s.tolist() == [2 * HOUR, HOUR]
    assert history.before(0)[0].tolist() == []


def test_history_forgets_and_sees_what_was_over_then() -> None:
    over_at_s = [2 * DAY, 40 * DAY, np.inf]
    history = History(
        past((LEAK, 0, 0), (LEAK, 0, 5 * DAY), (LEAK, 0, 20 * DAY), over_at_s=over_at_s),
        age_max=timedelta(days=18),
    )
    others, round_it = history.before(2)
    assert others.tolist() == [1]
    assert round_it.is_over.tolist() == [False]  # closed later, which nobody could know then
    assert history.before(1)[1].is_over.tolist() == [True]


def test_the_same_customer_counts_wherever_he_stands_and_a_segment_shortens_the_way() -> None:
    history = History(
        past(
            (LEAK, 0, 0),
            (LEAK, 9_000, HOUR),
            (LEAK, np.nan, 2 * HOUR),
            (LEAK, 9_090, 3 * HOUR),
            places=[7, -1, 7, -1],
            segments=[-1, 5, -1, 5],
        ),
        age_max=timedelta(days=30),
    )
    others, round_it = history.before(2)
    assert (others.tolist(), round_it.closeness.tolist()) == ([0], [C.SAME_PLACE])
    others, round_it = history.before(3)
    assert (others.tolist(), round_it.closeness.tolist()) == (
        [1],
        [C.NEAR],
    )  # 90 m along one segment count 45


def test_a_past_of_pairs_is_learnt_and_one_without_is_not() -> None:
    pairs = [(LEAK, 2_000.0 * n + step, n * DAY + step) for n in range(60) for step in (0.0, 40.0)]
    alone = [(LEAK, 2_000.0 * n, n * DAY) for n in range(120)]
    met = earlier((LEAK, C.NEAR, HOUR / 2))
    learnt, nothing = (
        learn_habits(History(past(*rows), age_max=timedelta(days=90)), Habits(1)).odds(LEAK, met)[0]
        for rows in (pairs, alone)
    )
    assert learnt > 3 * nothing
