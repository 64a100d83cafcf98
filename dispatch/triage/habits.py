"""How people call: what usually comes, and what comes when something breaks. Learnt from history; vague to begin with."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]

CATEGORIES: Final = ("leak", "no_water", "low_pressure", "water_quality", "other")
LEAK, NO_WATER, LOW_PRESSURE, WATER_QUALITY, OTHER = range(len(CATEGORIES))
"""What a call is about, by its place in all tables of habits."""
WIDESPREAD: Final = (NO_WATER, LOW_PRESSURE, WATER_QUALITY)
"""What a whole area can have."""


def _row(*values: float) -> Floats:
    return np.array(values, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Delay:
    """When, after its cause, a call comes: soon for most, hours later for those who come home then."""

    median_h: float = 0.7
    spread: float = 1.1
    """Standard deviation of its logarithm."""
    late_share: float = 0.15
    late_h: float = 5.0
    """Mean of those that come late."""

    def density(self, hours: Floats) -> Floats:
        """How many of the calls come per hour, so many hours after the cause; none before it."""
        after = np.maximum(hours, 1e-3)
        z = (np.log(after) - np.log(self.median_h)) / self.spread
        soon = np.exp(-0.5 * z * z) / (after * self.spread * np.sqrt(2.0 * np.pi))
        late = np.exp(-after / self.late_h) / self.late_h
        return np.where(hours > 0.0, (1.0 - self.late_share) * soon + self.late_share * late, 0.0)

    def share(self, hours: Floats) -> Floats:
        """What share of the calls has come so many hours after the cause."""
        after = np.maximum(hours, 1e-3)
        soon = ndtr((np.log(after) - np.log(self.median_h)) / self.spread)
        late = 1.0 - np.exp(-after / self.late_h)
        return np.where(hours > 0.0, (1.0 - self.late_share) * soon + self.late_share * late, 0.0)


@dataclass(frozen=True, slots=True)
class Habits:
    """The numbers triage weighs with.

    Parameters
    ----------
    calls_per_day
        Calls with no common cause.
    profile
        How the hours of a day differ, mean 1.
    category_share
        What those calls are about.
    outages_per_day, zones_per_day, sites_per_day
        How often a main breaks, a zone is in trouble, water is seen to run somewhere.
    call_share
        Which share of the customers so many hops from a break calls; 0 are those without water.
    call_mix
        What they call about.
    sightings, sighting_h, sighting_m
        How many passers-by tell of a break, within how long, how far from it.
    sighting_mix
        What they call about.
    unnamed_sightings, unnamed_calls
        Which share of the passers-by, and of all others, is known neither by account nor by address.
    """

    calls_per_day: float = 80.0
    profile: Floats = field(default_factory=lambda: np.ones(24))
    category_share: Floats = field(default_factory=lambda: _row(0.25, 0.25, 0.15, 0.15, 0.2))
    outages_per_day: float = 2.5
    zones_per_day: float = 0.1
    sites_per_day: float = 4.0
    call_share: Floats = field(default_factory=lambda: _row(0.1, 0.03, 0.03, 0.005, 0.03, 0.0003))
    call_mix: Floats = field(
        default_factory=lambda: np.array(
            [
                [0.03, 0.85, 0.07, 0.03, 0.02],
                [0.03, 0.3, 0.5, 0.15, 0.02],
                [0.03, 0.3, 0.5, 0.15, 0.02],
                [0.03, 0.3, 0.5, 0.15, 0.02],
                [0.03, 0.85, 0.07, 0.03, 0.02],
                [0.03, 0.65, 0.2, 0.1, 0.02],
            ]
        )
    )
    delay: Delay = field(default_factory=Delay)
    sightings: float = 2.0
    sighting_h: float = 0.8
    sighting_m: float = 30.0
    sighting_mix: Floats = field(default_factory=lambda: _row(0.92, 0.02, 0.02, 0.02, 0.02))
    unnamed_sightings: float = 0.8
    unnamed_calls: float = 0.1
    works_share: float = 0.05
    """Which share of those told of work calls all the same."""
    works_mix: Floats = field(default_factory=lambda: _row(0.03, 0.77, 0.1, 0.07, 0.03))
    zone_share: float = 0.015
    """Which share of a zone's customers calls when the whole zone is in trouble."""
    zone_delay: Delay = field(default_factory=lambda: Delay(median_h=1.0))
    site_reports: float = 2.0
    """How many more calls follow one about water that runs somewhere, where it is not a private matter."""
    site_h: float = 60.0
    site_m: float = 20.0
    site_odds: float = 0.5
    """That a call about running water is about such a place."""
    repeat_share: float = 0.12
    """Who calls again about the same matter."""
    repeat_h: float = 100.0
    """Within how many hours, all equally likely."""
    place_error_m: dict[str, float] = field(default_factory=lambda: {"roof": 20.0, "street": 130.0})
    wrong_place: float = 0.04
    """Which share of places is altogether wrong."""

    def stored(self) -> dict[str, Any]:  # Any: numbers, lists and maps of them
        """Give them as plain values to keep."""
        return {
            key: one.tolist() if isinstance(one, np.ndarray) else one for key, one in asdict(self).items()
        }

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Habits":  # Any: as above
        """Take them from plain values; what was not kept then is as believed beforehand."""
        vague = cls()
        known = {key: one for key, one in stored.items() if hasattr(vague, key)}
        for key, one in known.items():
            if isinstance(getattr(vague, key), np.ndarray):
                known[key] = np.array(one, dtype=np.float64)
            elif isinstance(getattr(vague, key), Delay):
                known[key] = Delay(**one)
        return replace(vague, **known)

    def background(self, at_h: float, category: int, customers: int) -> float:
        """How many calls of a category come per customer and hour without a common cause."""
        hour = int(at_h % 24.0)
        rate = self.calls_per_day / 24.0 * self.profile[hour] * self.category_share[category]
        return float(rate) / max(customers, 1)
