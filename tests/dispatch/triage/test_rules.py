"""What a utility sets about the stream: limits, what it changes, when it is in force."""

import pytest

from core.db import new_id
from core.settings import get_settings
from dispatch.errors import RuleOutOfLimits
from dispatch.triage import live, trials
from dispatch.triage.habits import CATEGORIES, LEAK
from dispatch.triage.rules import DEFAULTS, SETTINGS, StreamRules, differing, rules_of
from tests.dispatch.play import Play
from tests.dispatch.triage.world import World, take


def test_only_what_differs_is_kept_and_gives_the_same_rules_again() -> None:
    everything = {one.key: one.of(DEFAULTS) for one in SETTINGS}
    assert differing(everything) == {}
    kept = differing({**everything, "alarm_persons_outage": 4, "repeat_window_h.leak": 48, "moves_h": 1.5})
    assert kept == {"alarm_persons_outage": 4.0, "repeat_window_h.leak": 48.0, "moves_h": 1.5}
    rules = rules_of(kept)
    windows = {**dict.fromkeys(CATEGORIES, 168.0), "leak": 48.0}
    assert rules == StreamRules(alarm_persons_outage=4, moves_h=1.5, repeat_window_h=windows)
    assert rules_of({}) == rules_of({"gone": 3.0}) == DEFAULTS


@pytest.mark.parametrize(
    ("key", "value", "wrong"),
    [
        ("alarm_persons_outage", 1, "from 2 to 10 callers"),
        ("alarm_persons_outage", 2.5, "steps of 1 callers"),
        ("alarm_odds", 1e9, "from 2 to 10000 odds"),
        ("repeat_window_h.leak", 169, "from 1 to 168 hours"),
        ("repeat_window_h.leak", float("nan"), "from 1 to 168 hours"),
        ("moves_h", 1.25, "steps of 0.5 hours"),
        ("repeat_window_h", 24, "no such setting"),
        ("repeat_window_h.noise", 24, "no such setting"),
    ],
)
def test_nonsense_is_refused_by_its_name(key: str, value: float, wrong: str) -> None:
    with pytest.raises(RuleOutOfLimits) as refused:
        differing({key: value, "forget_h": 12})
    (error,) = refused.value.errors
    assert error.pointer == f"#/values/{key}"
    assert wrong in error.detail


def test_each_category_has_its_own_window_for_repeats() -> None:
    world = World()
    engine = world.engine(rules=rules_of({"repeat_window_h.leak": 24}))
    dry, leaky = world.house(2, 10, 3), world.house(4, 10, 3)
    for at_h in (0.0, 30.0):
        take(engine, [world.calls_in(dry, at_h), world.calls_in(leaky, at_h + 0.1, LEAK)])
    no_water, leak = engine.calls[2:]
    assert (no_water.repeat_of, leak.repeat_of) == (engine.calls[0], None)


def test_the_stream_goes_by_what_was_set_two_minutes_later(play: Play) -> None:
    def stream() -> live.Live:
        return live.current_live(play.session, get_settings())

    for pipe in ("H02", "H12", "H22"):
        play.call(pipe)
        play.wait(minutes=1)
    before = stream()
    trials.set_rules(play.session, {"alarm_persons_outage": 5}, why="too many", by=new_id())
    assert stream() is before
    play.wait(minutes=3)
    after = stream()
    assert after.rules == rules_of({"alarm_persons_outage": 5})
    assert [call.label for call in after.engine.calls] == [call.label for call in before.engine.calls]
    play.wait(minutes=3)
    assert stream() is after
    trials.set_rules(play.session, {}, why="as it was", by=new_id())
    play.wait(minutes=3)
    assert stream().rules == DEFAULTS
