"""The stream of calls, each taken once in order: which incident explains it best, or whether chance does.

Every explanation is a rate: how many calls of this kind, here and now, it makes come. The greatest rate wins, and that of chance (what
comes on any such day without a common cause) is the one to beat.
"""

from collections.abc import Sequence
from typing import Final

from dispatch.triage.calls import Call, Told, hear
from dispatch.triage.evidence import Weigher
from dispatch.triage.groups import Groups
from dispatch.triage.habits import Habits
from dispatch.triage.hypotheses import GROUPS, Alarm, Alarms, Hypothesis, Scope
from dispatch.triage.outages import Outages
from dispatch.triage.reasons import verdict
from dispatch.triage.repeats import repeated
from dispatch.triage.rules import StreamRules
from dispatch.triage.rumours import Rumours
from dispatch.triage.scene import Scene, can_be_shared
from dispatch.triage.sites import Sites
from dispatch.triage.supply import SupplyMap
from dispatch.triage.works import AnnouncedWorks, Works

SURE: Final = 30.0
"""A call explained so many times better than by chance opens nothing."""


class Engine:
    """Takes calls in order of time."""

    def __init__(
        self,
        supply: SupplyMap,
        habits: Habits,
        works: Sequence[Works] = (),
        *,
        rules: StreamRules | None = None,
    ) -> None:
        rules = rules or StreamRules()
        self.scene = Scene(supply=supply, habits=habits, rules=rules, weigher=Weigher(supply, habits))
        self.works = AnnouncedWorks(self.scene, works)
        self._outages = Outages(self.scene)
        self._groups = Groups(self.scene)
        self._sites = Sites(self.scene)
        self._rumours = Rumours(supply, habits)
        self._alarms = Alarms(rules)

    @property
    def calls(self) -> list[Call]:
        """All calls taken, in order."""
        return self.scene.memory.calls

    @property
    def alarms(self) -> list[Alarm]:
        """All alarms raised, in order."""
        return self._alarms.raised

    @property
    def incidents(self) -> list[Hypothesis]:
        """All incidents there were, in the order of their numbers; those that went up in others left out."""
        known = {one.number: one for one in (*self.scene.open.past, *self.scene.open)}
        return [known[number] for number in sorted(known)]

    @property
    def moved(self) -> list[Call]:
        """The earlier calls that the last one taken made go to another incident."""
        return self.scene.open.moved

    def holder(self, call: Call) -> Hypothesis | None:
        """Tell which incident that still draws calls a call belongs to, or the call it repeats."""
        return self.scene.open.holder(call.repeat_of or call)

    def part(self, calls: Sequence[Call], now_h: float) -> Hypothesis:
        """Put calls into an incident of their own, because people say so."""
        one = self.scene.open.start(Scope.OUTAGE, [(call, call.explained) for call in calls], now_h)
        self._outages.fit(one, now_h)
        return one

    def take(self, told: Told) -> Call:
        """Decide about one call."""
        scene, now = self.scene, told.at_h
        scene.open.moved = []
        call = hear(told, len(self.calls), scene.supply, scene.habits)
        self.calls.append(call)
        scene.memory.forget(now, scene.rules.site_h)
        scene.open.forget(now, scene.rules)
        shaken = {
            one.number: one
            for each in self._rumours.hear(call)
            if (one := scene.open.holder(each)) is not None
        }
        for one in shaken.values():
            self._look_again(one, now)
        options = self._place(call)
        if can_be_shared(call) and (call.explained < SURE or call.repeat_of is not None):
            self._outages.consider(call)
        if call.is_about_supply:
            self._groups.consider(call)
        for one in scene.open.of(Scope.OUTAGE, *GROUPS, Scope.WORKS):
            self._alarms.look_at(one, now)
        call.arrived_as = call.label
        call.verdict = verdict(call, options, scene)
        return call

    def _place(self, call: Call) -> list[tuple[float, Hypothesis]]:
        """Put a call with its original, into the incident that explains it best, or alone; list all that was weighed."""
        original, again = repeated(call, self.scene)
        options = self._options(call)
        if all(ratio <= 1.0 for ratio, _ in options):
            options += self.works.options(call, outages=True)
        ratio, best = max(options, key=lambda one: one[0], default=(0.0, None))
        self.scene.memory.keep(call)
        if original is not None and self.scene.rules.repeat_lean * again > max(ratio, 1.0):
            call.repeat_of = original.repeat_of or original
            call.label, call.explained = call.repeat_of.label, again
        elif best is not None and ratio > 1.0:
            self.scene.open.give(call, best, ratio, call.at_h)
            self._look_again(best, call.at_h)
        return options

    def _options(self, call: Call) -> list[tuple[float, Hypothesis]]:
        """List what may explain a call, each with how many times likelier than chance it makes it."""
        options: list[tuple[float, Hypothesis]] = []
        held = self.scene.open
        options += [(self._outages.ratio(one, call), one) for one in held.of(Scope.OUTAGE)]
        options += [(self._groups.ratio(one, call), one) for one in held.of(*GROUPS)]
        options += self._sites.options(call)
        options += self.works.options(call)
        pair = self._sites.open(call)
        return [*options, pair] if pair is not None else options

    def _look_again(self, one: Hypothesis, now_h: float) -> None:
        if one not in self.scene.open:
            return  # it went up in another on the way
        if one.scope is Scope.OUTAGE:
            self._outages.look_again(one, now_h)
        elif one.scope in GROUPS:
            self._groups.look_again(one, now_h)
