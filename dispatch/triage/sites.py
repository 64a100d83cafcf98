"""Water seen to run in a street: told by several passers-by over days, a few metres apart, while nobody goes without."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from dispatch.triage.calls import Call
from dispatch.triage.habits import LEAK
from dispatch.triage.hypotheses import Hypothesis, Scope
from dispatch.triage.scene import Scene

FAR_SQUARED: Final = 16.0
"""Four standard deviations: nobody is so wrong about a place."""
VAGUE_M: Final = 50.0
"""Places better than this are houses; what is seen from one lies about half its error away."""
PAIR_SHARE: Final = 0.75
"""Of the days a site stays open, those within which a second call makes one."""


class Sites:
    """Weighs and opens places where water is seen to run."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def options(self, call: Call) -> list[tuple[float, Hypothesis]]:
        """List the sites that may explain a call, each with how many times likelier than chance it makes it."""
        if call.category != LEAK:
            return []
        told, own = call.told, self._spot_m2(call)
        found = []
        for one in self._scene.open.of(Scope.SITE):
            if one.spot is None:
                one.spot = self._spot(one.members)
            x, y, spread = one.spot
            if (told.x - x) ** 2 + (told.y - y) ** 2 <= FAR_SQUARED * (own + spread):
                found.append((self.ratio(call, one.members), one))
        return found

    def _spot(self, members: Sequence[Call]) -> tuple[float, float, float]:
        sure = np.array([1.0 / self._spot_m2(one) for one in members])
        x = float(np.dot(sure, [one.told.x for one in members]) / sure.sum())
        y = float(np.dot(sure, [one.told.y for one in members]) / sure.sum())
        return x, y, 1.0 / float(sure.sum())

    def ratio(self, call: Call, members: Sequence[Call]) -> float:
        """Tell how many times likelier than chance a site that some calls told of makes another."""
        if call.category != LEAK:
            return 0.0
        habits = self._scene.habits
        x, y, own = self._spot(members)
        spread = self._spot_m2(call) + own
        squared = (call.told.x - x) ** 2 + (call.told.y - y) ** 2
        if squared > FAR_SQUARED * spread:
            return 0.0
        near = np.exp(-0.5 * squared / spread) / (2.0 * np.pi * spread)
        is_lone = len(members) == 1
        real = habits.site_odds if is_lone else 1.0
        unnamed = call.unnamed_odds * (members[0].unnamed_odds if is_lone else 1.0)
        return float(
            real
            * unnamed
            * habits.site_reports
            / habits.site_h
            * near
            / call.per_m2_h
            * habits.sighting_mix[LEAK]
        )

    def open(self, call: Call) -> tuple[float, Hypothesis] | None:
        """Take the lone earlier call about running water that fits best for the same place as this one's, if any does."""
        if call.category != LEAK:
            return None
        youngest = call.at_h - PAIR_SHARE * self._scene.rules.site_h
        lone = [
            other
            for other in self._scene.memory.beside(call)
            if other.incident < 0
            and other.repeat_of is None
            and other.category == LEAK
            and other.at_h >= youngest
        ]
        if not lone:
            return None
        ratio, other = max(((self.ratio(call, [one]), one) for one in lone), key=lambda pair: pair[0])
        if ratio <= 1.0:
            return None
        return ratio, self._scene.open.start(Scope.SITE, [(other, ratio)], call.at_h)

    def _spot_m2(self, call: Call) -> float:
        error_m = call.error_m / 2.0 if call.error_m < VAGUE_M else call.error_m
        return float(error_m**2 + self._scene.habits.site_m**2 / 2.0)
