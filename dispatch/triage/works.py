"""Announced work: those it leaves without water were told, and some call all the same."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dispatch.triage.calls import Call
from dispatch.triage.hypotheses import Hypothesis, Scope
from dispatch.triage.scene import Scene
from dispatch.triage.supply import Ints

AT_THE_START: Final = 0.7
"""Share of the callers who call as soon as taps run dry; the others some time while the work lasts."""
AFTER_H: Final = 2.5
CERTAIN_LOG_ODDS: Final = 10.0
"""Nobody doubts that work which was announced takes place."""


@dataclass(frozen=True, slots=True)
class Works:
    """Announced work: the segments told to be without water, and when."""

    label: str
    segments: Ints
    starts_h: float
    ends_h: float


class AnnouncedWorks:
    """Weighs calls against all work that was announced."""

    def __init__(self, scene: Scene, works: Sequence[Works]) -> None:
        self._scene = scene
        self.all = sorted(works, key=lambda one: one.starts_h)
        self._at: dict[int, list[Works]] = defaultdict(list)
        self._opened: dict[str, Hypothesis] = {}
        for work in self.all:
            for segment in work.segments.tolist():
                self._at[segment].append(work)

    def options(self, call: Call) -> list[tuple[float, Hypothesis]]:
        """List the work that may be behind a call, each with how many times likelier than chance it makes it."""
        share: dict[str, float] = defaultdict(float)
        under_way: dict[str, Works] = {}
        for segment, weight in zip(call.segments.tolist(), call.weights.tolist(), strict=True):
            for work in self._at.get(segment, ()):
                if work.starts_h - 0.5 <= call.at_h <= work.ends_h + 2.0:
                    share[work.label] += weight
                    under_way[work.label] = work
        return [
            (self._ratio(call, share[label], work), self._open(work, call.at_h))
            for label, work in under_way.items()
        ]

    def _ratio(self, call: Call, share: float, work: Works) -> float:
        habits = self._scene.habits
        soon = float(habits.delay.density(np.array([call.at_h - work.starts_h]))[0])
        time = AT_THE_START * soon + (1.0 - AT_THE_START) / (work.ends_h - work.starts_h + AFTER_H)
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
