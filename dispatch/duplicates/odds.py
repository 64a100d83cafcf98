"""Which earlier reports are probably about the same thing as one being taken, and how sure that is.

Reports of one thing lie nearer to each other, and follow each other sooner, than reports that have nothing to do with each other. How much
nearer and sooner is counted in the reports of the past, without anybody having said which belong together: pairs of two kinds that met within
a distance and a span of time, beside those expected by chance (a K function, Ripley 1977, taken for each pair of kinds and each age). What
chance brings to one place is read off pairs of kinds that have nothing to do with each other, since reports gather at addresses and squares
whatever they are about. An earlier report is then as many times likelier to be the same thing than to be there by chance as there are more
such pairs than expected; the more reports of its kind lie round about, the less it says.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Closeness(IntEnum):
    """How near an earlier report lies, by steps that are counted apart."""

    SAME_PLACE = 0
    """Of the same customer, or at the same address."""
    TOUCHING = 1
    NEXT_DOOR = 2
    NEAR = 3
    SAME_STREET = 4
    SAME_BLOCK = 5
    AROUND = 6
    """Too far to be the same thing; shows how busy the place is."""


STEPS_M: Final = (10.0, 25.0, 50.0, 100.0, 200.0)
"""Greatest distances of the steps between the same place and round about."""
AROUND_M: Final = 500.0
AGES: Final = tuple(
    span / timedelta(seconds=1)
    for span in (timedelta(hours=1), *(timedelta(days=days) for days in (1, 3, 7, 14, 30, 60)))
)
"""Ages of an earlier report that are counted apart, seconds; one more beyond the last."""
STEPS: Final = len(Closeness)
SAME_SEGMENT_LENGTHS: Final = 0.5
VALVES_LENGTHS: Final = (SAME_SEGMENT_LENGTHS, 1.0, 2.0, 3.0)
"""What a metre counts for between two segments so many valves apart: the water of one segment is one thing."""
UNCONNECTED_LENGTHS: Final = 4.0

KIN_WEIGHT: Final = 3.0
"""Expected pairs of two kinds after which what was counted of just them weighs as much as what holds for kinds that belong together."""
STRANGERS_WEIGHT: Final = 100.0
"""The same for two kinds nobody said belong together: people take one for the other only if many pairs show it."""
SPREAD_WEIGHT: Final = 3.0
PRIOR_WEIGHT: Final = 1.0
CLOSE_PRIOR: Final = (60.0, 30.0, 20.0, 10.0, 5.0, 2.0)
FRESH_PRIOR: Final = (1.0, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6, 1 / 8, 1 / 10)
"""Before anything was counted: times more pairs of kin than by chance, by closeness, and the share of that by age."""


def apart_m(metres: Floats, lengths: Floats, unsure_m: Floats) -> Floats:
    """Tell how far apart two reports count: along the network, and farther where a place is not sure.

    Parameters
    ----------
    metres
        Straight lines.
    lengths
        What a metre counts for, see `lengths_between`.
    unsure_m
        How far off the two places together may be.
    """
    return np.hypot(metres * lengths, unsure_m)


def lengths_between(valves: int | None, *, is_on_network: bool) -> float:
    """Tell what a metre counts for between two reports so many valves apart.

    Parameters
    ----------
    valves
        Between their segments; None where they are too many.
    is_on_network
        Whether the segments of both are known; the straight line counts as it is otherwise.
    """
    if not is_on_network:
        return 1.0
    if valves is None or valves >= len(VALVES_LENGTHS):
        return UNCONNECTED_LENGTHS
    return VALVES_LENGTHS[valves]


def closeness(apart: Floats, is_same_place: Flags) -> Codes:
    """Sort distances into steps, metres as `apart_m` counts them."""
    return np.where(is_same_place, Closeness.SAME_PLACE, 1 + np.searchsorted(STEPS_M, apart)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Earlier:
    """The earlier reports round one, column by column."""

    kinds: Codes
    closeness: Codes
    age_s: Floats
    is_over: Flags
    """Its matter was settled before the new report came, which is then another one: staff name such a case once in 160 times."""

    @property
    def ages(self) -> Codes:
        """Which of the ages each has."""
        return np.searchsorted(AGES, self.age_s).astype(np.int64)


class Habits:
    """How often reports of two kinds met so near and so soon, and how often they would by chance.

    Parameters
    ----------
    kinds
        How many kinds of report there are.
    kin
        For each pair of kinds, whether one cause shows as both; each kind is kin to itself in any case.
    """

    def __init__(self, kinds: int, kin: Flags | None = None) -> None:
        self.kin = np.eye(kinds, dtype=np.bool_) | (False if kin is None else kin)
        self._met = np.zeros((kinds, kinds, STEPS, len(AGES) + 1))
        self._taken = np.zeros(kinds)
        self.settle()

    def learn(self, kind: int, earlier: Earlier) -> None:
        """Count a report that came, and what was open round it."""
        live = ~earlier.is_over
        np.add.at(self._met[kind], (earlier.kinds[live], earlier.closeness[live], earlier.ages[live]), 1.0)
        self._taken[kind] += 1

    def settle(self) -> None:
        """Work out from what was counted so far what is usual for kin and for strangers; holds until the next time."""
        kin, strangers = self._met[self.kin].sum(axis=0), self._met[~self.kin].sum(axis=0)
        reach = np.array((STEPS_M[0] / 2, *STEPS_M)) ** 2
        ring = AROUND_M**2 - STEPS_M[-1] ** 2
        area = np.diff(reach, prepend=0.0) / ring
        met = strangers.sum(axis=1)
        self._spread = (met[: Closeness.AROUND] + SPREAD_WEIGHT * area) / (
            met[Closeness.AROUND] + SPREAD_WEIGHT
        )
        self._usual = np.stack(
            [
                self._times(strangers, np.ones((STEPS - 1, len(AGES) + 1))),
                self._times(kin, np.maximum(np.outer(CLOSE_PRIOR, FRESH_PRIOR), 1.0)),
            ]
        )

    def odds(self, kind: int, earlier: Earlier) -> Floats:
        """Tell how many times likelier each earlier report is the same thing as a new one than there by chance."""
        odds = np.zeros(len(earlier.kinds))
        is_near = ~earlier.is_over & (earlier.closeness < Closeness.AROUND)
        if not is_near.any():
            return odds
        others, steps, ages = earlier.kinds[is_near], earlier.closeness[is_near], earlier.ages[is_near]
        met, is_kin = self._met[kind], self.kin[kind, others]
        weight = np.where(is_kin, KIN_WEIGHT, STRANGERS_WEIGHT)
        usual = self._usual[is_kin.astype(np.int64), steps, ages]
        expected = met[others, Closeness.AROUND, ages] * self._spread[steps]
        times = (met[others, steps, ages] + weight * usual) / (expected + weight)
        is_around = ~earlier.is_over & (earlier.closeness == Closeness.AROUND)
        here = np.bincount(earlier.kinds[is_around], minlength=len(self._taken))[others]
        elsewhere = met[others, Closeness.AROUND].sum(axis=1) / max(1.0, self._taken[kind])
        odds[is_near] = np.maximum(times - 1.0, 0.0) * (1.0 + elsewhere) / (1.0 + here)
        return odds

    def _times(self, met: Floats, prior: Floats) -> Floats:
        """How many times more pairs there are at each step and age than by chance."""
        expected = met[Closeness.AROUND] * self._spread[:, None]
        return np.asarray((met[: Closeness.AROUND] + PRIOR_WEIGHT * prior) / (expected + PRIOR_WEIGHT))


def best(odds: Floats, age_s: Floats, *, odds_min: float, most: int) -> list[int]:
    """Choose what to suggest: the likeliest first, of equals the latest."""
    order = np.lexsort((age_s, -odds))[:most]
    return [int(one) for one in order if odds[one] >= odds_min]


@dataclass(frozen=True, slots=True)
class Past:
    """Reports in order of time, column by column."""

    kinds: Codes
    east_m: Floats
    """On a metric plane; NaN where there is no place."""
    north_m: Floats
    places: Codes
    """Whose customer or which address; -1 where neither is known."""
    segments: Codes
    """-1 where it is not known."""
    at_s: Floats
    over_at_s: Floats
    """When its matter was settled; infinite while it is not."""


class History:
    """Reports of the past, and what lay round each when it came.

    Parameters
    ----------
    past
        The reports.
    age_max
        Older ones are left aside.
    """

    def __init__(self, past: Past, *, age_max: timedelta) -> None:
        self.past = past
        self._age_max_s = age_max.total_seconds()
        self._placed = np.flatnonzero(np.isfinite(past.east_m))
        self._points = np.column_stack([past.east_m, past.north_m])
        self._tree = cKDTree(self._points[self._placed]) if len(self._placed) else None
        self._at_place: dict[int, list[int]] = defaultdict(list)
        for index, place in enumerate(past.places.tolist()):
            if place >= 0:
                self._at_place[place].append(index)

    def before(self, index: int) -> tuple[Codes, Earlier]:
        """Give the earlier reports round one, which they are and how they lie; nothing that came after it."""
        past = self.past
        found: Sequence[Codes] = (
            self._around(index),
            np.array(self._at_place.get(int(past.places[index]), ()), dtype=np.int64),
        )
        others = np.unique(np.concatenate(found))
        others = others[others < index]
        age_s = past.at_s[index] - past.at_s[others]
        others, age_s = others[age_s <= self._age_max_s], age_s[age_s <= self._age_max_s]
        is_same_place = (past.places[others] == past.places[index]) & (past.places[index] >= 0)
        is_same_segment = (past.segments[others] == past.segments[index]) & (past.segments[index] >= 0)
        lengths = np.where(is_same_segment, SAME_SEGMENT_LENGTHS, 1.0)
        metres = np.hypot(*(self._points[others] - self._points[index]).T)
        apart = np.nan_to_num(metres * lengths, nan=AROUND_M)
        return others, Earlier(
            kinds=past.kinds[others],
            closeness=closeness(apart, is_same_place),
            age_s=age_s,
            is_over=past.over_at_s[others] <= past.at_s[index],
        )

    def _around(self, index: int) -> Codes:
        if self._tree is None or not np.isfinite(self._points[index]).all():
            return np.empty(0, dtype=np.int64)
        return np.asarray(self._placed[self._tree.query_ball_point(self._points[index], AROUND_M)])


def learn_habits(history: History, habits: Habits) -> Habits:
    """Count all reports of a history."""
    for index, kind in enumerate(history.past.kinds.tolist()):
        habits.learn(kind, history.before(index)[1])
    habits.settle()
    return habits
