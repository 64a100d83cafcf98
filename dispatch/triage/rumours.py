"""Days on which everybody calls: a rumour, a broadcast, frost. What comes from everywhere at once is no sign of trouble anywhere."""

from collections import deque
from math import sqrt
from typing import Final

import numpy as np

from dispatch.triage.calls import Call
from dispatch.triage.habits import CATEGORIES, Habits
from dispatch.triage.supply import SupplyMap

WINDOW_H: Final = 1.0
ZONES_MIN: Final = 4
"""With fewer zones nobody can tell a rumour from trouble."""
TROUBLED_SHARE: Final = 0.25
"""The busiest quarter of the zones is left out: real trouble in some must not pass for a rumour."""
SURE: Final = 2.0
"""Standard deviations by which the other zones' calls are counted down before they show anything."""


class Rumours:
    """Tells how many times more calls of each category than usual come from all over, and takes them for usual just now."""

    def __init__(self, supply: SupplyMap, habits: Habits) -> None:
        self._habits, self._all = habits, supply.customer_count
        zones = supply.zone_customers
        self._customers = np.array([zones.get(one, 0) for one in range(max(zones) + 1)], dtype=np.float64)
        self._lately: list[deque[Call]] = [deque() for _ in CATEGORIES]

    def hear(self, call: Call) -> list[Call]:
        """Take a call in; where it shows a surge, it and those of the last hour are weighed as that much more usual. List those that are."""
        lately = self._lately[call.category]
        lately.append(call)
        while call.at_h - lately[0].at_h > WINDOW_H:
            lately.popleft()
        surge = self._surge(call, lately)
        return [one for one in lately if one.usual_by(surge)]

    def _surge(self, call: Call, lately: deque[Call]) -> float:
        there = np.flatnonzero(self._customers)
        if len(there) < ZONES_MIN:
            return 1.0
        callers = {(one.zone, one.person) for one in lately if one.zone >= 0}
        count = np.bincount([zone for zone, _ in callers], minlength=len(self._customers))[there]
        customers = self._customers[there]
        quieter = np.argsort(count / customers, kind="stable")[
            : len(there) - int(np.ceil(TROUBLED_SHARE * len(there)))
        ]
        heard = float(count[quieter].sum())
        usual = (
            self._habits.background(call.at_h, call.category, self._all)
            * float(customers[quieter].sum())
            * WINDOW_H
        )
        return max(1.0, (heard - SURE * sqrt(heard)) / usual)
