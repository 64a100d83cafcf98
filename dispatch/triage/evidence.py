"""How well a break explains calls: for many origins, beginnings and strengths at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dispatch.triage.calls import Call
from dispatch.triage.habits import CATEGORIES, Floats, Habits
from dispatch.triage.supply import UNFED, ZONE_MATE, Footprint, Ints, SupplyMap

SCALES: Final = np.array([1 / 3, 1.0, 3.0])
"""How much more or less readily people may call than usual."""
RATIO_MAX: Final = float(np.exp(6.0))
"""No single call proves more than this."""
LAGS_H: Final = np.array([0.0, 0.6])
"""How much later than the first signs taps run dry: mains drain, or somebody shuts them."""
OWN_ONLY: Final = 0.3
"""How often a segment with others behind it goes dry alone, because the map is wrong or they have another feed."""
BEGINNINGS_MAX: Final = 13
PARTICLES: Final = 40


@dataclass(frozen=True, slots=True)
class Evidence:
    """The best explanations by one break, and how sure one of them is."""

    log_odds: float
    origin: Ints
    begun_h: Floats
    scale: Floats
    lag_h: Floats
    weight: Floats


def beginnings(calls: Sequence[Call], now_h: float | None = None) -> Floats:
    """Choose when a break may have begun: before its first calls, and just now if that is given."""
    times = np.array(sorted({call.at_h for call in calls})[:4] + ([] if now_h is None else [now_h]))
    grid = np.unique(np.round(np.concatenate([times - 0.05, times - 0.4, times - 1.0]), 3))
    return grid[-BEGINNINGS_MAX:]


def log_sum(log: Floats) -> float:
    """Add up what is given as logarithms."""
    most = float(log.max())
    return most + float(np.log(np.exp(log - most).sum()))


class Weigher:
    """Weighs breaks by one supply and one set of habits."""

    def __init__(self, supply: SupplyMap, habits: Habits) -> None:
        self.supply, self.habits = supply, habits
        shares = np.append(habits.call_share, 0.0)
        mix = np.vstack([habits.call_mix, np.zeros(len(CATEGORIES))])
        self._rate = shares[:, None] * mix
        self._pipes_in_all = float(supply.pipe_points_of.sum())

    def rates(self, origins: Ints, calls: Sequence[Call]) -> tuple[Floats, Floats, Floats]:
        """Weigh what each origin does to each call, apart from time: as one without water, one round about, and as a passer-by's."""
        columns = np.repeat(np.arange(len(calls)), [len(call.segments) for call in calls])
        spread, row = np.unique(np.concatenate([call.segments for call in calls]), return_inverse=True)
        share = np.zeros((len(calls), len(spread)))
        share[columns, row] = np.concatenate([call.weights for call in calls])
        hop = self.supply.hops(origins, spread)
        dry, weak = np.zeros((2, len(origins), len(calls)))
        is_dry = (hop == 0) | (hop == UNFED)
        category = np.array([call.category for call in calls])
        for one in np.unique(category).tolist():
            its = category == one
            rate = self._rate[hop, one]
            dry[:, its] = np.where(is_dry, rate, 0.0) @ share[its].T
            weak[:, its] = np.where(is_dry, 0.0, rate) @ share[its].T
        seen = np.zeros_like(dry)
        places, at_place = np.unique(origins % self.supply.segment_count, return_inverse=True)
        lengths = [len(call.pipe_segments) for call in calls]
        if sum(lengths):
            columns = np.repeat(np.arange(len(calls)), lengths)
            beside = np.concatenate([call.pipe_segments for call in calls])
            odds = np.array([call.unnamed_odds * self.habits.sighting_mix[call.category] for call in calls])
            dense = np.concatenate([call.pipe_density for call in calls]) * odds[columns]
            at = np.minimum(np.searchsorted(places, beside), len(places) - 1)
            found = places[at] == beside
            of_place = np.zeros((len(places), len(calls)))
            of_place[at[found], columns[found]] = dense[found]
            seen = of_place[at_place]
        usual = np.array([call.per_customer_h for call in calls])
        passing = np.array([call.per_m2_h for call in calls])
        return dry / usual, weak / usual, seen * self.habits.sightings / passing

    def times(self, begun_h: Floats, calls: Sequence[Call]) -> tuple[Floats, Floats]:
        """Tell how well the times of calls fit each beginning: as customers' and as passers-by's."""
        after = np.array([call.at_h for call in calls])[None, :] - begun_h[:, None]
        seen = np.where(after > 0.0, np.exp(-after / self.habits.sighting_h) / self.habits.sighting_h, 0.0)
        return self.habits.delay.density(after), seen

    def expected(self, origins: Ints, begun_h: Floats, now_h: float) -> tuple[Floats, Floats, Floats]:
        """Count the calls that should have come, per beginning: of those without water, of those round about, of passers-by."""
        feet: list[Footprint] = [self.supply.footprint(one) for one in origins.tolist()]
        count = np.array([foot.customers for foot in feet]) * self.habits.call_share
        after = now_h - begun_h
        late = self.habits.delay.share(after[None, :] - LAGS_H[:, None])
        seen = self.habits.sightings * (1.0 - np.exp(-np.maximum(after, 0.0) / self.habits.sighting_h))
        return (
            count[:, [0, UNFED]].sum(axis=1)[:, None, None] * late.T[None],
            (count[:, 1:UNFED].sum(axis=1) + count[:, ZONE_MATE])[:, None]
            * self.habits.delay.share(after)[None, :],
            seen,
        )

    def prior(self, origins: Ints, begun_h: Floats) -> Floats:
        """How many breaks usually begin at each origin, about each time."""
        place = origins % self.supply.segment_count
        share = self.supply.pipe_points_of[place] / self._pipes_in_all
        belief = np.where(origins < self.supply.segment_count, 1.0, OWN_ONLY)
        gaps = np.diff(begun_h)
        width = np.minimum(0.5 * (np.append(gaps, 0.3) + np.append(0.3, gaps)), 1.0)
        return np.asarray(self.habits.outages_per_day / 24.0 * (share * belief)[:, None] * width[None, :])

    def weigh(
        self, origins: Ints, calls: Sequence[Call], explained: Floats, now_h: float, begun: Floats
    ) -> Evidence:
        """Weigh all origins as the one cause of what other causes leave unexplained."""
        dry, weak, seen = self.rates(origins, calls)
        bears = np.any(dry + weak + seen > 0.0, axis=0)
        some = [call for call, does in zip(calls, bears.tolist(), strict=True) if does]
        base = 1.0 / (1.0 + explained[bears])
        dry, weak, seen = dry[:, bears] * base, weak[:, bears] * base, seen[:, bears] * base
        soon, passing = self.times(begun, some)
        round_about = weak[:, None, :] * soon[None]
        as_passer_by = np.minimum(seen[:, None, :] * passing[None], RATIO_MAX)
        without, weakened, lookers = self.expected(origins, begun, now_h)
        log = np.empty((*round_about.shape[:2], len(SCALES), len(LAGS_H)))
        for slot, lag in enumerate(LAGS_H.tolist()):
            felt = dry[:, None, :] * (self.times(begun + lag, some)[0] if lag else soon)[None] + round_about
            felt, due = np.minimum(felt, RATIO_MAX), without[:, :, slot] + weakened
            for at, scale in enumerate(SCALES.tolist()):
                ratio = scale * felt + as_passer_by
                log[:, :, at, slot] = np.log1p(ratio).sum(axis=2) - scale * due - lookers[None, :]
        log += np.log(self.prior(origins, begun) / (len(SCALES) * len(LAGS_H)))[:, :, None, None]
        flat = log.ravel()
        best = np.argpartition(flat, -min(PARTICLES, flat.size))[-PARTICLES:]
        o, t, s, g = np.unravel_index(best, log.shape)
        weight = np.exp(flat[best] - flat[best].max())
        return Evidence(
            log_odds=log_sum(flat),
            origin=origins[o],
            begun_h=begun[t],
            scale=SCALES[s],
            lag_h=LAGS_H[g],
            weight=weight / weight.sum(),
        )

    def ratios(self, evidence: Evidence, calls: Sequence[Call]) -> Floats:
        """Tell how many times likelier than chance a break makes each call."""
        dry, weak, seen = self.rates(evidence.origin, calls)
        soon, passing = self.times(evidence.begun_h, calls)
        later, _ = self.times(evidence.begun_h + evidence.lag_h, calls)
        each = evidence.scale[:, None] * (dry * later + weak * soon) + seen * passing
        return np.asarray(evidence.weight @ each)
