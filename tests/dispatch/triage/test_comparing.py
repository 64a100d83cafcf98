"""Two streams that took the same calls, side by side: what is counted, and which incidents differ."""

from dispatch.triage.calls import Told
from dispatch.triage.comparing import Difference, Figures, differences, figures, groups, replayed
from dispatch.triage.engine import Engine
from dispatch.triage.rules import StreamRules, rules_of
from tests.dispatch.triage.world import World

EVERY_MIN = 6.0


def a_break_and_a_repeat(world: World) -> list[Told]:
    """Five neighbours six minutes apart, far away a lonely caller and, half an hour later, he again."""
    neighbours = [world.calls_in(world.house(1, 20, 5 * n), n * EVERY_MIN / 60.0) for n in range(5)]
    lonely = world.house(4, 40, 7)
    calls = [*neighbours, world.calls_in(lonely, 0.01), world.calls_in(lonely, 0.51)]
    return sorted(calls, key=lambda one: one.at_h)


def stream(world: World, calls: list[Told], rules: StreamRules) -> Engine:
    return replayed(world.supply, world.habits, (), calls, rules, told=lambda _: None)


def test_what_a_stream_made_of_its_calls_is_counted() -> None:
    world = World()
    engine = stream(world, a_break_and_a_repeat(world), rules_of({"alarm_odds": 2}))
    assert figures(engine) == Figures(
        incidents=1, alarms=1, callers_to_alarm=3.0, minutes_to_alarm=2 * EVERY_MIN, repeats=1, moved=0
    )
    (group,) = groups(engine)
    assert len(group.calls) == 5


def test_equal_rules_make_no_difference() -> None:
    world = World()
    calls = a_break_and_a_repeat(world)
    assert differences(*(stream(world, calls, rules_of({"alarm_odds": 2})) for _ in range(2))) == []


def test_an_alarm_that_comes_later_or_not_at_all_is_named_with_its_calls() -> None:
    world = World()
    calls = a_break_and_a_repeat(world)
    before = stream(world, calls, rules_of({"alarm_odds": 2}))
    ids = tuple(one.id for one in calls if one.customer in world.at[1, 20])
    later = stream(world, calls, rules_of({"alarm_odds": 2, "alarm_persons_outage": 5}))
    assert differences(before, later) == [Difference(ids, 2 * EVERY_MIN, 4 * EVERY_MIN, 0, 0)]
    none = stream(world, calls, rules_of({"alarm_odds": 2, "alarm_persons_outage": 6}))
    assert differences(before, none) == [Difference(ids, 2 * EVERY_MIN, None, 0, 0)]
    assert figures(none).callers_to_alarm is None


def test_calls_that_stand_together_no_more_are_counted_from_both_sides() -> None:
    world = World()
    near = [world.calls_in(world.house(1, 20, n), n * 0.1) for n in range(3)]
    late = [world.calls_in(world.house(1, 20, 10 + n), 7.0 + n * 0.1) for n in range(3)]
    calls = [*near, *late]
    before = stream(world, calls, rules_of({"forget_h": 72}))
    after = stream(world, calls, rules_of({"forget_h": 6}))
    together, apart = ([len(one.calls) for one in groups(one)] for one in (before, after))
    assert (together, apart) == ([6], [3, 3])
    (parted,) = differences(before, after)
    assert (parted.calls, parted.joined, parted.parted) == (tuple(one.id for one in calls), 0, 3)
    back = differences(after, before)
    assert [(one.joined, one.parted) for one in back] == [(3, 0), (3, 0)]


def test_how_far_a_replay_is_can_be_heard() -> None:
    world = World()
    calls = [world.calls_in(world.house(n % 6, n % 60, n % 30), n * 3.0) for n in range(250)]
    heard: list[int] = []
    replayed(world.supply, world.habits, (), calls, StreamRules(), told=heard.append)
    assert heard == [100, 200]
