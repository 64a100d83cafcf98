"""Announced work: those it leaves without water were told, and some call all the same."""

from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final

import numpy as np

from dispatch.triage.calls import Call
from dispatch.triage.habits import LEAK, OTHER
from dispatch.triage.hypotheses import Hypothesis, Scope
from dispatch.triage.scene import Scene
from dispatch.triage.supply import Ints, SupplyMap

AT_THE_START: Final = 0.7
"""Share of the callers who call as soon as taps run dry; the others some time while the work lasts."""
FIRST_SIGN_H: Final = 0.3
"""Work may start late; then its first caller shows when, so long before he called."""
CERTAIN_LOG_ODDS: Final = 10.0
"""Nobody doubts that work which was announced takes place."""


@dataclass(frozen=True, slots=True)
class Works:
    """Announced work: the segments told to be without water, and when."""

    label: str
    segments: Ints
    starts_h: float
    ends_h: float
    is_outage: bool = False
    """Not planned, but told to everybody who asks: what may explain a call that nothing else does."""


class AnnouncedWorks:
    """Weighs calls against all work that was announced."""

    def __init__(self, scene: Scene, works: Sequence[Works]) -> None:
        self._scene = scene
        self._opened: dict[str, Hypothesis] = {}
        self.announce(works)

    def announce(self, works: Sequence[Works]) -> None:
        """Take these for all the work that is announced."""
        self.all = sorted(works, key=lambda one: one.starts_h)
        self._at: dict[int, list[tuple[Works, float]]] = defaultdict(list)
        for work in self.all:
            told = set(work.segments.tolist())
            for segment in told:
                self._at[segment].append((work, 1.0))
            for segment in _one_further(told, self._scene.supply):
                self._at[segment].append((work, self._scene.rules.works_beyond))

    def options(self, call: Call, *, outages: bool = False) -> list[tuple[float, Hypothesis]]:
        """List the work, or the outages told, that may be behind a call, each with how many times likelier than chance it makes it.

        Work starts late, ends late and reaches a valve further than was told. Running water inside it is never taken for it, since somebody has
        to look, nor what has nothing to do with water.
        """
        if call.category in (LEAK, OTHER):
            return []
        rules = self._scene.rules
        share: dict[str, float] = defaultdict(float)
        under_way: dict[str, Works] = {}
        for segment, weight in zip(call.segments.tolist(), call.weights.tolist(), strict=True):
            for work, belief in self._at.get(segment, ()):
                if (
                    work.is_outage is outages
                    and work.starts_h - rules.works_early_h <= call.at_h <= work.ends_h + rules.works_late_h
                ):
                    share[work.label] += weight * belief
                    under_way[work.label] = work
        return [
            (self._ratio(call, share[label], work), self._open(work, call.at_h))
            for label, work in under_way.items()
        ]

    def _ratio(self, call: Call, share: float, work: Works) -> float:
        habits = self._scene.habits
        opened = self._opened.get(work.label)
        first_h = (
            min((one.at_h for one in opened.members), default=work.starts_h)
            if opened is not None
            else work.starts_h
        )
        began = np.array([work.starts_h, max(work.starts_h, first_h - FIRST_SIGN_H)])
        soon = float(habits.delay.density(call.at_h - began).max())
        lasts_h = (
            work.ends_h - work.starts_h + self._scene.rules.works_early_h + self._scene.rules.works_late_h
        )
        time = AT_THE_START * soon + (1.0 - AT_THE_START) / lasts_h
        return float(
            share * habits.works_share * habits.works_mix[call.category] * time / call.per_customer_h
        )

    def _open(self, work: Works, now_h: float) -> Hypothesis:
        one = self._opened.get(work.label)
        if one is None:
            number = self._scene.open.next_number()
            one = Hypothesis(
                number=number,
                label=work.label,
                scope=Scope.WORKS,
                log_odds=CERTAIN_LOG_ODDS,
                begun_h=work.starts_h,
            )
            self._opened[work.label] = one
        self._scene.open.put(one)
        one.last_h = now_h
        return one


def _one_further(told: Set[int], supply: SupplyMap) -> set[int]:
    """List the segments one valve beyond some; one that feeds nobody is no more than a wider valve."""
    beside = {one for segment in told for one in supply.neighbours(segment).tolist()} - told
    empty = [one for one in beside if not supply.customers_on[one]]
    return (beside | {one for segment in empty for one in supply.neighbours(segment).tolist()}) - told
