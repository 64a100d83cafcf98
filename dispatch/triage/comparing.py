"""What other rules make of the same calls: two streams that took them, side by side."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from dispatch.triage.calls import Call, Told
from dispatch.triage.engine import Engine
from dispatch.triage.habits import Habits
from dispatch.triage.hypotheses import Alarm, Scope
from dispatch.triage.rules import StreamRules
from dispatch.triage.supply import SupplyMap
from dispatch.triage.works import Works

TOLD_EVERY: Final = 100
CALLERS_MIN: Final = 2
"""What a single customer has is no incident to compare."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a stream made of its calls, counted.

    Parameters
    ----------
    incidents
        Those with two or more callers.
    alarms
        How often somebody was told; announced work alarms nobody.
    callers_to_alarm, minutes_to_alarm
        Medians, from an incident's first call; None without an alarm.
    repeats, moved
        Calls recognised as repeats, and calls that changed their incident after they came.
    """

    incidents: int
    alarms: int
    callers_to_alarm: float | None
    minutes_to_alarm: float | None
    repeats: int
    moved: int


@dataclass(frozen=True, slots=True)
class Difference:
    """An incident that becomes another one.

    Parameters
    ----------
    calls
        The ids of its calls; of one that is new, of that one.
    alarm_before_min, alarm_after_min
        Minutes from its first call to the alarm; None where there is none.
    joined, parted
        Calls it has besides, and calls it has no more.
    """

    calls: tuple[str, ...]
    alarm_before_min: float | None
    alarm_after_min: float | None
    joined: int
    parted: int

    @property
    def weight(self) -> tuple[bool, int]:
        """Put first what changes who is told, then what changes most."""
        return (self.alarm_before_min is None) != (self.alarm_after_min is None), self.joined + self.parted


@dataclass(frozen=True, slots=True)
class Grouped:
    """Calls that stand together in the end, and when their alarm was."""

    calls: frozenset[int]
    first_h: float
    alarm_h: float | None

    def alarm_min(self, first_h: float) -> float | None:
        """Tell how long after a call the alarm was."""
        return None if self.alarm_h is None else round(60.0 * max(0.0, self.alarm_h - first_h), 1)


def replayed(
    supply: SupplyMap,
    habits: Habits,
    works: Sequence[Works],
    calls: Sequence[Told],
    rules: StreamRules,
    *,
    told: Callable[[int], None],
) -> Engine:
    """Take calls with some rules; `told` hears now and then how many were taken."""
    engine = Engine(supply, habits, works, rules=rules)
    for at, one in enumerate(calls, start=1):
        engine.take(one)
        if at % TOLD_EVERY == 0:
            told(at)
    return engine


def figures(engine: Engine) -> Figures:
    """Count what a stream made of its calls."""
    alarms = _alarms(engine)
    by_id = {call.told.id: call for call in engine.calls}
    callers = [len({by_id[one].person for one in alarm.calls}) for alarm in alarms]
    minutes = [60.0 * (alarm.at_h - min(by_id[one].at_h for one in alarm.calls)) for alarm in alarms]
    return Figures(
        incidents=len(groups(engine)),
        alarms=len(alarms),
        callers_to_alarm=float(median(callers)) if callers else None,
        minutes_to_alarm=round(float(median(minutes)), 1) if minutes else None,
        repeats=sum(call.repeat_of is not None for call in engine.calls),
        moved=sum(bool(call.moves) for call in engine.calls),
    )


def groups(engine: Engine) -> list[Grouped]:
    """List what stands together and is of more than one caller."""
    members: dict[str, list[Call]] = defaultdict(list)
    for call in engine.calls:
        members[_stands_in(call)].append(call)
    alarm_h: dict[str, float] = {}
    by_id = {call.told.id: call for call in engine.calls}
    for alarm in _alarms(engine):
        among = Counter(_stands_in(by_id[one]) for one in alarm.calls)
        alarm_h.setdefault(among.most_common(1)[0][0], alarm.at_h)
    return [
        Grouped(frozenset(call.index for call in calls), calls[0].at_h, alarm_h.get(label))
        for label, calls in members.items()
        if len({call.person for call in calls}) >= CALLERS_MIN
    ]


def differences(before: Engine, after: Engine) -> list[Difference]:
    """List the incidents that become others, those first that somebody is told of now or no more."""
    ids = [call.told.id for call in before.calls]
    now = groups(after)
    holder = {index: at for at, one in enumerate(now) for index in one.calls}
    met: set[int] = set()
    found = []
    for one in groups(before):
        held = [holder[index] for index in one.calls if index in holder]
        other = now[max(set(held), key=lambda at: (held.count(at), -at))] if held else None
        met.update(held)
        here: frozenset[int] = frozenset() if other is None else other.calls
        found.append(
            Difference(
                calls=tuple(ids[index] for index in sorted(one.calls)),
                alarm_before_min=one.alarm_min(one.first_h),
                alarm_after_min=None if other is None else other.alarm_min(one.first_h),
                joined=len(here - one.calls),
                parted=len(one.calls - here),
            )
        )
    found += [
        Difference(
            calls=tuple(ids[index] for index in sorted(one.calls)),
            alarm_before_min=None,
            alarm_after_min=one.alarm_min(one.first_h),
            joined=len(one.calls),
            parted=0,
        )
        for at, one in enumerate(now)
        if at not in met
    ]
    changed = [
        one for one in found if one.joined or one.parted or one.alarm_before_min != one.alarm_after_min
    ]
    return sorted(changed, key=lambda one: one.weight, reverse=True)


def _stands_in(call: Call) -> str:
    return (call.repeat_of or call).label


def _alarms(engine: Engine) -> list[Alarm]:
    return [one for one in engine.alarms if one.scope is not Scope.WORKS]
