"""Where it is believed to be broken, on four mains whose numbers can be checked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.localisation import belief as beliefs
from dispatch.localisation.belief import SEEN_BY_CHANCE, Belief, Evidence, Sightings, believe, seen_from
from dispatch.models import Answer
from gis.isolation import Footprints
from tests.dispatch.localisation.chain import (
    CUSTOMERS,
    EVEN,
    HABITS,
    A,
    B,
    C,
    D,
    calls_from,
    evidence,
    footprints,
    row,
)

PIPES = st.lists(st.sampled_from([A, B, C, D]), min_size=1, max_size=6).map(tuple)
SAYING = st.sampled_from([Answer.HAS_WATER, Answer.NO_WATER, Answer.LOW_PRESSURE])


def shares(prints: Footprints, found: Belief) -> dict[int, float]:
    return {pipe: float(found.rows[row(prints, pipe)]) for pipe in (A, B, C, D)}


def odds(one: dict[int, float], pipe: int, other: int) -> float:
    return one[pipe] / one[other]


def test_where_nobody_could_call_the_belief_is_how_readily_mains_break() -> None:
    prints = footprints((0, 0, 0, 0))
    found = believe(prints, np.array([1.0, 2.0, 3.0, 4.0]), evidence(prints), HABITS)
    assert shares(prints, found) == pytest.approx({A: 0.1, B: 0.2, C: 0.3, D: 0.4})


def test_with_one_share_of_callers_the_belief_is_bernoullis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody dry calls with 5 %, nobody beside notices anything: each call and each silence by hand."""
    monkeypatch.setattr(beliefs, "CALL_SHARES", ((1.0, 1.0),))
    monkeypatch.setattr(beliefs, "RUNNING", 1e-300)
    monkeypatch.setattr(beliefs, "CALLS_DRY", np.array([1.0, 0.0]))
    prints = footprints()
    found = shares(prints, believe(prints, EVEN, evidence(prints, dry=(B, C)), HABITS))
    stray, call = 0.0005, 1.0 + 0.05 / 0.0005
    silent = (1.0 - 0.051) / (1.0 - 0.001)
    weight = {
        A: silent**98 * call**2 - silent**100,
        B: silent**48 * call**2 - silent**50,
        C: silent**29 * call - silent**30,
        D: 0.0,
    }
    total = sum(weight.values())
    assert stray == HABITS.stray_share / 2
    assert found == pytest.approx({pipe: one / total for pipe, one in weight.items()})


def test_calls_from_two_segments_are_explained_by_what_feeds_both_and_little_else() -> None:
    prints = footprints()
    found = shares(prints, believe(prints, EVEN, evidence(prints, dry=(B, C, C)), HABITS))
    assert found[B] > 0.7
    assert found[D] < 0.01
    assert (
        found[B] > found[A]
    )  # a break of A would have left D's forty customers dry, too, and they are silent


def test_a_segment_that_explains_no_report_is_hardly_believed() -> None:
    prints = footprints()
    found = shares(prints, believe(prints, EVEN, evidence(prints, dry=(D,)), HABITS))
    assert found[B] + found[C] < 0.05  # upper floors beside a running break may have none
    assert found[D] > found[A]
    assert found[A] + found[D] > 0.95


def test_calls_from_nowhere_on_the_network_leave_what_silence_says() -> None:
    prints = footprints()
    lost = beliefs.served_from([np.empty(0, dtype=np.int64)], [np.empty(0)], len(prints.customers))
    nowhere = Evidence(
        calls=(lost, calls_from(prints)), asked=np.empty(0, dtype=np.int64), said=np.empty(0, dtype=np.int64)
    )
    found = shares(prints, believe(prints, EVEN, nowhere, HABITS))
    assert found == pytest.approx(shares(prints, believe(prints, EVEN, evidence(prints), HABITS)))
    assert found[C] > found[A]  # 30 silent customers, and 100


def test_low_pressure_beside_speaks_for_a_break_that_runs() -> None:
    prints = footprints()
    still = believe(prints, EVEN, evidence(prints, dry=(C, C)), HABITS)
    beside = believe(prints, EVEN, evidence(prints, dry=(C, C), low=(B, B)), HABITS)
    at = row(prints, C)
    assert beside.running[at] > 0.9 > still.running[at]
    assert beside.rows[at] > 0.05


@given(dry=PIPES, low=PIPES, answers=st.lists(st.tuples(st.sampled_from([A, B, C, D]), SAYING), max_size=5))
def test_belief_adds_up_to_one_over_segments_and_over_mains(
    dry: tuple[int, ...], low: tuple[int, ...], answers: list[tuple[int, Answer]]
) -> None:
    prints = footprints()
    found = believe(prints, EVEN, evidence(prints, dry, low, tuple(answers)), HABITS)
    assert found.rows.sum() == pytest.approx(1.0)
    assert found.pipes.sum() == pytest.approx(1.0)
    assert (found.rows >= 0.0).all()


@given(
    dry=PIPES,
    low=st.lists(st.sampled_from([A, B, C, D]), max_size=3).map(tuple),
    asked=st.sampled_from([A, B, C, D]),
)
def test_has_water_never_raises_the_belief_in_a_footprint_that_holds_the_customer(
    dry: tuple[int, ...], low: tuple[int, ...], asked: int
) -> None:
    prints = footprints()
    before = believe(prints, EVEN, evidence(prints, dry, low), HABITS)
    after = believe(prints, EVEN, evidence(prints, dry, low, ((asked, Answer.HAS_WATER),)), HABITS)
    holding = prints.dried_by[[int(prints.part_of_pipe[asked])]].indices
    assert (after.rows[holding] <= before.rows[holding] + 1e-12).all()


@given(dry=PIPES, silent=st.integers(1, 500), where=st.sampled_from([A, B, C, D]))
def test_more_silence_never_raises_a_footprint_beside_one_that_does_not_hold_the_silent(
    dry: tuple[int, ...], silent: int, where: int
) -> None:
    few = footprints()
    many = footprints(tuple(count + silent * (pipe == where) for pipe, count in enumerate(CUSTOMERS)))
    before = shares(few, believe(few, EVEN, evidence(few, dry), HABITS))
    after = shares(many, believe(many, EVEN, evidence(many, dry), HABITS))
    dried_by = set(few.dried_by[[int(few.part_of_pipe[where])]].indices.tolist())
    beside = set(few.beside[[int(few.part_of_pipe[where])]].indices.tolist())
    for holding in before:
        for other in before:
            if (
                row(few, holding) in dried_by
                and not {row(few, other)} & (dried_by | beside)
                and before[other] > 0
            ):
                assert odds(after, holding, other) <= odds(before, holding, other) * (1.0 + 1e-9)


def test_a_caller_of_doubtful_place_counts_for_every_place_he_may_be_in() -> None:
    prints = footprints()
    parts = prints.part_of_pipe
    between = beliefs.served_from([parts[[C, D]]], [np.array([0.5, 0.5])], len(prints.customers))
    unsure = Evidence(
        calls=(between, calls_from(prints)),
        asked=np.empty(0, dtype=np.int64),
        said=np.empty(0, dtype=np.int64),
    )
    found = shares(prints, believe(prints, EVEN, unsure, HABITS))
    assert found[C] > 0.1
    assert found[D] > 0.1


def test_water_seen_over_a_main_weighs_far_above_a_call() -> None:
    prints = footprints()
    distance_m = np.array([300.0, 10.0, 300.0, 300.0])
    seen = np.where(distance_m < 100.0, seen_from(distance_m, np.full(4, 100.0), np.zeros(4)), SEEN_BY_CHANCE)
    told = evidence(prints, dry=(C,))
    with_sighting = Evidence(
        calls=told.calls, asked=told.asked, said=told.said, seen=Sightings(seen, SEEN_BY_CHANCE)
    )
    before = shares(prints, believe(prints, EVEN, told, HABITS))
    after = shares(prints, believe(prints, EVEN, with_sighting, HABITS))
    assert odds(after, B, C) > 100 * odds(before, B, C)
    assert after[B] > 0.9


def test_a_sighting_is_likelier_the_nearer_the_main_and_never_less_likely_than_by_chance() -> None:
    found = seen_from(np.array([0.0, 30.0, 60.0, 5000.0]), np.full(4, 80.0), np.full(4, 10.0))
    assert (np.diff(found) < 0).all()
    assert found[-1] == pytest.approx(SEEN_BY_CHANCE)


def test_the_fewest_segments_hold_the_share_asked_for() -> None:
    found = Belief(rows=np.array([0.1, 0.5, 0.05, 0.35]), pipes=np.ones(4) / 4, running=np.zeros(4))
    assert found.most_likely(0.5).tolist() == [1]
    assert found.most_likely(0.51).tolist() == [1, 3]
    assert found.most_likely(0.95).tolist() == [1, 3, 0]
    assert found.most_likely(1.0).tolist() == [1, 3, 0, 2]


def test_segments_that_leave_the_same_customers_dry_are_one_answer() -> None:
    prints = footprints((0, 20, 0, 0))  # A and B both leave B's twenty dry, and nobody else
    assert prints.alike[row(prints, A)] == prints.alike[row(prints, B)]
    assert prints.alike[row(prints, C)] == prints.alike[row(prints, D)] != prints.alike[row(prints, A)]
    found = believe(prints, EVEN, evidence(prints, dry=(B,)), HABITS)
    assert found.of_alike(prints)[prints.alike[row(prints, A)]] > 0.9
    assert found.of_alike(prints).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("wrong", [0.01, 0.03, 0.2])
def test_what_customers_may_say_adds_up_to_one(wrong: float) -> None:
    answers = beliefs.Habits(wrong_share=wrong).answers()
    assert answers.sum(axis=1) == pytest.approx([1.0, 1.0, 1.0])
    assert math.isclose(answers[0, 0], wrong)
