"""Whom to ring: who splits the belief teaches most."""

import numpy as np
import pytest

from dispatch.localisation.belief import Belief, Habits, believe
from dispatch.localisation.ringing import questions
from dispatch.models import Answer
from tests.dispatch.localisation.chain import EVEN, HABITS, A, B, C, D, evidence, footprints, row

PRINTS = footprints()
ANYBODY = np.ones(len(PRINTS.customers), dtype=bool)


def part(pipe: int) -> int:
    return int(PRINTS.part_of_pipe[pipe])


def believed(**shares: float) -> Belief:
    rows = np.zeros(len(PRINTS.segment))
    for name, share in shares.items():
        rows[row(PRINTS, "ABCD".index(name))] = share
    return Belief(rows=rows, pipes=np.zeros(4), running=np.zeros(len(rows)))


def test_who_splits_the_belief_in_half_is_rung_first() -> None:
    """Half A, half C: C is dry either way, B, D and A tell; of these the first part."""
    first, *_ = questions(PRINTS, believed(A=0.5, C=0.5), HABITS, ringable=ANYBODY, most=1)
    assert first.part in {part(A), part(B), part(D)}
    assert first.dry == pytest.approx(0.5)


def test_a_perfect_answer_to_an_even_question_teaches_one_bit() -> None:
    sure = Habits(wrong_share=1e-9)
    first, *_ = questions(PRINTS, believed(C=0.5, D=0.5), sure, ringable=ANYBODY, most=1)
    assert first.part in {part(C), part(D)}
    # 7 of 100 dry customers say "low", which tells the same as "none".
    assert first.bits == pytest.approx(1.0, abs=1e-6)


def test_wrong_answers_are_worth_less_and_nobody_is_rung_where_all_is_clear() -> None:
    bits = [
        questions(PRINTS, believed(C=0.5, D=0.5), Habits(wrong_share=one), ringable=ANYBODY, most=1)[0].bits
        for one in (0.01, 0.1, 0.3)
    ]
    assert bits == sorted(bits, reverse=True)
    assert questions(PRINTS, believed(C=1.0), HABITS, ringable=ANYBODY, most=5) == []


def test_the_second_is_chosen_for_what_the_first_leaves_open() -> None:
    """A, B, C and D a quarter each: B's customer parts A, B from C, D; beside him C's teaches less than D's, who parts both halves."""
    chosen = questions(PRINTS, believed(A=0.25, B=0.25, C=0.25, D=0.25), HABITS, ringable=ANYBODY, most=4)
    assert len({one.part for one in chosen}) == len(chosen)
    assert [one.bits for one in chosen] == sorted((one.bits for one in chosen), reverse=True)
    assert {chosen[0].part, chosen[1].part} == {part(B), part(D)}


def test_only_those_who_may_be_rung_are_chosen() -> None:
    ringable = np.zeros(len(PRINTS.customers), dtype=bool)
    ringable[part(C)] = True
    belief = believed(B=0.5, D=0.5)
    assert [one.part for one in questions(PRINTS, belief, HABITS, ringable=ringable, most=5)] == [part(C)]
    assert questions(PRINTS, belief, HABITS, ringable=~ANYBODY, most=5) == []


def test_answers_find_the_break_that_calls_left_open() -> None:
    told = evidence(PRINTS, dry=(C,))
    before = believe(PRINTS, EVEN, told, HABITS)
    asked: list[tuple[int, Answer]] = []
    for _ in range(5):
        chosen = questions(
            PRINTS, believe(PRINTS, EVEN, evidence(PRINTS, (C,), (), tuple(asked)), HABITS), HABITS,
            ringable=ANYBODY, most=1,
        )  # fmt: skip
        if not chosen:
            break
        pipe = int(np.flatnonzero(PRINTS.part_of_pipe == chosen[0].part)[0])
        asked.append((pipe, Answer.NO_WATER if pipe in (B, C) else Answer.HAS_WATER))  # B is broken
    after = believe(PRINTS, EVEN, evidence(PRINTS, (C,), (), tuple(asked)), HABITS)
    assert after.rows[row(PRINTS, B)] > 0.9 > before.rows[row(PRINTS, B)]
