"""Incidents as the stream thinks of them: a cause, the calls it explains, how sure it is."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heappop, heappush
from math import log

import numpy as np
from numpy.typing import NDArray

from dispatch.triage.calls import Call, Move
from dispatch.triage.evidence import Evidence
from dispatch.triage.rules import StreamRules


class Scope(StrEnum):
    """What kind of cause an incident has."""

    OUTAGE = "outage"
    ZONE = "zone"
    BLOCK = "block"
    WORKS = "works"
    SITE = "site"


GROUPS = (Scope.ZONE, Scope.BLOCK)
"""Causes that all customers of a zone or of a building have in common."""


@dataclass(eq=False, slots=True, kw_only=True)
class Hypothesis:
    """An incident as triage thinks of it.

    Parameters
    ----------
    number, label
        Its place in the order of incidents, and its name: its earliest report's, or the work's.
    members, persons
        The calls it explains, and how many people they are of.
    evidence, reach
        Of an outage: where and when it probably began, and the segments it may be felt on.
    group, leading, scale
        Of a zone's or block's trouble: which one, what it is mostly told as, how much more readily people call than usual.
    begun_h, last_h
        When it probably began, and its newest call.
    """

    number: int
    label: str
    scope: Scope
    members: list[Call] = field(default_factory=list)
    persons: set[str] = field(default_factory=set)
    evidence: Evidence | None = None
    reach: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    log_odds: float = 0.0
    begun_h: float = 0.0
    last_h: float = 0.0
    group: int = -1
    leading: int = -1
    scale: float = 1.0
    raised: bool = False
    is_settled: bool = False
    """People have decided about it: it draws new calls, but gives none away and is joined with no other."""
    spot: tuple[float, float, float] | None = None
    """Of a site: where it is and how sure that is, once worked out for its members."""

    def take(self, call: Call, ratio: float) -> None:
        """Take a call in, `ratio` times likelier with this cause than by chance."""
        call.repeat_of = None
        self.members.append(call)
        self.spot = None
        self.persons.add(call.person)
        self.last_h = max(self.last_h, call.at_h)
        call.incident, call.label, call.explained = self.number, self.label, ratio

    def drop(self, call: Call) -> None:
        """Give a call up to another cause."""
        self.members.remove(call)
        self.spot = None
        self.persons = {one.person for one in self.members}


class OpenIncidents:
    """The incidents that may still draw calls, in the order they were opened."""

    def __init__(self) -> None:
        self._open: dict[int, Hypothesis] = {}
        self._of: dict[Scope, dict[int, Hypothesis]] = {scope: {} for scope in Scope}
        self._due: list[tuple[float, int]] = []
        self._labels: Counter[str] = Counter()
        self.past: list[Hypothesis] = []
        self.moved: list[Call] = []
        """Earlier calls that went to another incident since this was last emptied."""
        self._last = 0

    def __iter__(self) -> Iterator[Hypothesis]:
        """Go through them as they stand now; what is opened or ended on the way does not disturb."""
        return iter(list(self._open.values()))

    def __contains__(self, one: Hypothesis) -> bool:
        """Whether an incident still draws calls."""
        return one.number in self._open

    def of(self, *scopes: Scope) -> list[Hypothesis]:
        """List those of some kinds, each kind in the order they were opened."""
        return [one for scope in scopes for one in self._of[scope].values()]

    def holder(self, call: Call) -> Hypothesis | None:
        """Tell which open incident a call belongs to."""
        return self._open.get(call.incident)

    def give(self, call: Call, to: Hypothesis, ratio: float, now_h: float) -> None:
        """Put a call into an incident that makes it `ratio` times likelier than chance; the one it was in gives it up."""
        holder = self.holder(call)
        if holder is not None:
            holder.drop(call)
        if call.verdict is not None and call.label != to.label:
            call.moves.append(Move(now_h, call.label, to.label, ratio, call.explained))
            self.moved.append(call)
        to.take(call, ratio)

    def join(self, younger: Hypothesis, older: Hypothesis, ratios: Sequence[float], now_h: float) -> None:
        """Let an incident go up in another, with how many times likelier than chance that makes each of its calls."""
        calls, younger.members = younger.members, []
        self.end(younger)
        older.raised |= younger.raised
        for call, ratio in zip(calls, ratios, strict=True):
            self.give(call, older, ratio, now_h)

    def next_number(self) -> int:
        """Give the next incident's number."""
        self._last += 1
        return self._last

    def put(self, one: Hypothesis) -> None:
        """Let an incident draw calls (again)."""
        if one.number not in self._open:
            self._open[one.number] = self._of[one.scope][one.number] = one
            self._labels[one.label] += 1
            heappush(self._due, (-np.inf, one.number))

    def start(
        self, scope: Scope, taken: Sequence[tuple[Call, float]], now_h: float, **known: object
    ) -> Hypothesis:
        """Open an incident with calls, taken from others where they stand; it is named after the earliest that stood alone.

        Parameters
        ----------
        taken
            Calls in order of time, each with how many times likelier than chance it is.
        known
            Further fields of the hypothesis.
        """
        label = self._label(taken)
        new = Hypothesis(number=self.next_number(), label=label, scope=scope, **known)  # type: ignore[arg-type]  # fields by name
        for call, ratio in taken:
            self.give(call, new, ratio, now_h)
        self.put(new)
        self.drop_empty()
        return new

    def _label(self, taken: Sequence[tuple[Call, float]]) -> str:
        """Choose the number an incident keeps: of calls that stood alone and incidents that go up in it whole, the earliest's."""
        calls = [call for call, _ in taken]
        indices = {call.index for call in calls}
        holders = {one.number: one for call in calls if (one := self.holder(call)) is not None}
        whole = [
            one
            for one in holders.values()
            if one.scope is not Scope.WORKS and all(call.index in indices for call in one.members)
        ]
        names = [(call.index, call.told.id) for call in calls if call.incident < 0]
        names += [(min(call.index for call in one.members), one.label) for one in whole if one.members]
        label = min(names)[1] if names else f"{calls[-1].told.id}+"
        if self._labels[label] > sum(one.label == label for one in whole):
            label = f"{calls[-1].told.id}+{self._last}"
        return label

    def end(self, one: Hypothesis) -> None:
        """Take an incident out that went up in another."""
        del self._open[one.number], self._of[one.scope][one.number]
        self._labels[one.label] -= 1
        if not self._labels[one.label]:
            del self._labels[one.label]

    def retire(self, one: Hypothesis) -> None:
        """Let an incident draw no more calls: it is over, or drew none for long."""
        self.end(one)
        self.past.append(one)

    def drop_empty(self) -> None:
        """Take those out that lost all their calls; announced work stays announced."""
        for one in self.of(Scope.OUTAGE, *GROUPS, Scope.SITE):
            if not one.members:
                self.end(one)

    def forget(self, now_h: float, rules: StreamRules) -> None:
        """Let go of those that drew no call for long."""
        while self._due and self._due[0][0] < now_h:
            _, number = heappop(self._due)
            one = self._open.get(number)
            if one is None:
                continue
            until = one.last_h + (rules.site_h if one.scope is Scope.SITE else rules.forget_h)
            if now_h > until:
                self.retire(one)
            else:
                heappush(self._due, (max(until, np.nextafter(now_h, np.inf)), number))


@dataclass(frozen=True, slots=True)
class Alarm:
    """An incident that somebody should look at."""

    number: int
    label: str
    at_h: float
    calls: tuple[str, ...]
    scope: Scope
    log_odds: float


class Alarms:
    """Who was told of what: each incident once, when enough people call and chance is out."""

    def __init__(self, rules: StreamRules) -> None:
        self._rules, self._sure = rules, log(rules.alarm_odds)
        self._persons = {
            Scope.OUTAGE: rules.alarm_persons_outage,
            Scope.ZONE: rules.alarm_persons_group,
            Scope.BLOCK: rules.alarm_persons_group,
            Scope.WORKS: rules.alarm_persons_works,
        }
        self._last_in_zone: dict[int, float] = {}
        self.raised: list[Alarm] = []

    def look_at(self, one: Hypothesis, now_h: float) -> None:
        """Raise an alarm for an incident if it is time.

        Running water that nobody goes without is a matter for the list, not for an alarm. What is new in a zone
        somebody was just told about is told with it until it is large.
        """
        if one.raised or one.scope is Scope.SITE:
            return
        if one.scope is Scope.OUTAGE and not any(call.is_about_supply for call in one.members):
            return
        wanted = self._rules.crowded_persons if self._is_crowded(one, now_h) else self._persons[one.scope]
        if len(one.persons) >= wanted and one.log_odds > self._sure:
            one.raised = True
            self._last_in_zone[one.members[0].zone] = now_h
            calls = tuple(call.told.id for call in one.members)
            self.raised.append(Alarm(one.number, one.label, now_h, calls, one.scope, one.log_odds))

    def _is_crowded(self, one: Hypothesis, now_h: float) -> bool:
        if one.scope is Scope.WORKS or not one.members:
            return False
        return now_h - self._last_in_zone.get(one.members[0].zone, -np.inf) < self._rules.together_h
