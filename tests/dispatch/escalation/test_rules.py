"""Rules: whom they are about, when they are due, their versions, and what they say in words."""

from dataclasses import replace
from datetime import datetime, time
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from core.settings import Settings
from dispatch.escalation import rules
from dispatch.escalation.errors import NoSuchRule, RuleUnclear
from dispatch.escalation.models import Closure, Proof, TermUnit, Trigger
from dispatch.escalation.rules import Occasion, RuleText, Rung, Term
from tests.dispatch.escalation.conftest import local

FRIDAY = datetime.fromisoformat("2026-02-13T10:00:00+08:00")
SECOND_DAY = Term(2, TermUnit.WORKING_DAY)
REPEATS = RuleText(
    code="repeats",
    trigger=Trigger.REPEAT,
    times_min=3,
    window_days=30,
    term=SECOND_DAY,
    recipient_role="leader",
    deputy_role=None,
    ladder=[Rung("director", 1, TermUnit.WORKING_DAY)],
    proof=Proof.REPORT,
    closure=Closure.TOLD_AND_OVER,
    source="",
    is_active=True,
)


@pytest.mark.parametrize(
    ("times", "window_days", "is_about"),
    [(3, 30, True), (2, 30, False), (3, 7, True), (5, 60, False), (None, None, False)],
)
def test_so_often_in_fewer_days_is_so_often_in_more(
    times: int | None, window_days: int | None, is_about: bool
) -> None:
    assert rules.fits(REPEATS, Occasion(Trigger.REPEAT, times, window_days)) is is_about


def test_a_rule_is_about_its_own_trigger_only() -> None:
    cluster = replace(REPEATS, trigger=Trigger.CLUSTER, times_min=None, window_days=None)
    assert rules.fits(cluster, Occasion(Trigger.CLUSTER))
    assert not rules.fits(cluster, Occasion(Trigger.AREA))


@pytest.mark.parametrize(
    ("term", "due"),
    [
        (SECOND_DAY, "02-25 00:00"),  # the make-up Saturday is the first, Tuesday 24 the second
        (Term(2, TermUnit.WORKING_DAY, time(17, 30)), "02-24 17:30"),
        (Term(2, TermUnit.WORKING_DAY, None, counts_first_day=True), "02-15 00:00"),
        (Term(36, TermUnit.HOUR), "02-14 22:00"),
    ],
)
def test_a_term_ends_by_working_days_or_by_hours(
    session: Session, settings: Settings, term: Term, due: str
) -> None:
    assert local(rules.due(session, term, FRIDAY, settings=settings).due_at) == due


def test_a_rung_is_reached_so_many_working_days_after_the_day_on_which_it_was_due(
    session: Session, settings: Settings
) -> None:
    overdue = datetime.fromisoformat("2026-02-15T00:00:00+08:00")  # the end of the make-up Saturday
    for n, unit, reached in (
        (0, TermUnit.HOUR, "02-15 00:00"),
        (6, TermUnit.HOUR, "02-15 06:00"),
        (1, TermUnit.WORKING_DAY, "02-25 00:00"),
    ):
        assert (
            local(rules.climb_at(session, Rung("director", n, unit), overdue, settings=settings)) == reached
        )


def test_the_rules_that_were_ordered_are_there(session: Session) -> None:
    ordered = {rule.code: rule for rule in rules.current(session)}
    assert set(ordered) == {"cluster-to-leader", "area-to-leader", "zone-to-leader", "repeat-to-leader"}
    for rule in ordered.values():
        assert (rule.n, rule.unit, rule.recipient_role, rule.is_active) == (2, "working_day", "leader", True)
        assert "第二个工作日" in rule.source
    (cluster,) = rules.current(session, trigger=Trigger.CLUSTER)
    assert cluster.code == "cluster-to-leader"


def test_what_is_said_anew_is_the_next_version_and_the_old_one_stays(session: Session) -> None:
    me = uuid4()
    first = rules.restate(session, REPEATS, by=me)
    second = rules.restate(session, replace(REPEATS, times_min=4, is_active=False), by=me)
    assert [(row.version, row.times_min) for row in rules.versions(session, "repeats")] == [(2, 4), (1, 3)]
    assert (first.superseded_at, second.superseded_at) == (second.made_at, None)
    assert second.made_by == me
    assert "repeats" in {row.code for row in rules.current(session)}
    assert "repeats" not in {row.code for row in rules.current(session, trigger=Trigger.REPEAT)}
    with pytest.raises(NoSuchRule):
        rules.versions(session, "nobody-made-it")


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        (replace(REPEATS, times_min=None), "#/times_min"),
        (replace(REPEATS, trigger=Trigger.AREA), "#/times_min"),
        (replace(REPEATS, recipient_role="king"), "#/recipient_role"),
        (replace(REPEATS, deputy_role="queen"), "#/deputy_role"),
        (replace(REPEATS, ladder=[Rung("pope", 0, TermUnit.HOUR)]), "#/ladder/0/role"),
        (replace(REPEATS, term=Term(4, TermUnit.HOUR, time(12))), "#/cut_off"),
    ],
)
def test_a_rule_that_does_not_say_what_it_needs_is_refused(
    session: Session, text: RuleText, pointer: str
) -> None:
    with pytest.raises(RuleUnclear) as refusal:
        rules.restate(session, text, by=uuid4())
    assert [one.pointer for one in refusal.value.errors] == [pointer]


def test_rules_are_told_in_words_of_both_languages(session: Session) -> None:
    (cluster,) = rules.current(session, trigger=Trigger.CLUSTER)
    assert rules.in_words(cluster, "en").startswith(
        "A cluster reaches the supervising leader by the end of the 2nd working day. "
        "Overdue, it goes to the director at the end of the 1st working day after."
    )
    assert rules.in_words(cluster, "zh").startswith("集群式事件须在第2个工作日结束前报分管领导。")
    strict = rules.restate(
        session,
        replace(
            REPEATS,
            term=Term(23, TermUnit.WORKING_DAY, time(17, 30), counts_first_day=True),
            deputy_role="supervisor",
            proof=Proof.ACKNOWLEDGEMENT,
            ladder=[],
        ),
        by=uuid4(),
    )
    assert rules.in_words(strict, "en") == (
        "A complaint repeated 3 times within 30 days reaches the supervising leader by 17:30 on the 23rd working "
        "day. Its own day counts when it is a working day. In his absence: the supervisor. He acknowledges it himself."
    )


@pytest.mark.parametrize(("n", "word"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (22, "22nd")])
def test_days_are_counted_as_english_does(session: Session, n: int, word: str) -> None:
    rule = rules.restate(session, replace(REPEATS, term=Term(n, TermUnit.WORKING_DAY)), by=uuid4())
    assert f"the {word} working day" in rules.in_words(rule, "en")


def test_a_role_of_the_utilitys_own_goes_by_the_name_it_was_given() -> None:
    assert rules.role_word("leader", "zh") == "分管领导"
    assert rules.role_word("chief of pumps", "zh") == "chief of pumps"
