"""Trouble that all customers of a pressure zone or of a building have in common, whatever the valves: a tank runs low, a pump stops."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dispatch.triage.calls import Call
from dispatch.triage.evidence import RATIO_MAX, SCALES, log_sum
from dispatch.triage.habits import CATEGORIES, LEAK, OTHER, WIDESPREAD, Delay, Floats
from dispatch.triage.hypotheses import Hypothesis, Scope
from dispatch.triage.scene import CALLS_MAX, Scene, can_be_shared

LEADING_SHARE: Final = 0.8
BESIDE_SHARE: Final = 0.07
STRAY_SHARE: Final = 0.03
"""Most call about one thing: 80 % name it, 7 % each of the other two that a zone can have, 3 % each something else."""
MEMBERS_MAX: Final = 2 * CALLS_MAX
BEGINNINGS_MAX: Final = 12
FIRST_SIGNS: Final = 5
"""Beginnings are tried just before so many calls, evenly chosen, and some time before the first."""
BEGINS_WITHIN_H: Final = 0.5
"""How long a stretch each beginning that is tried stands for."""


@dataclass(frozen=True, slots=True)
class Group:
    """Customers who lose their supply together.

    Parameters
    ----------
    scope, key
        A pressure zone by its number, or a building with a pump of its own by its address.
    customers
        How many they are.
    share
        Which share of them calls when all are in trouble.
    delay
        How soon they call.
    per_hour
        How often that happens.
    sure
        How sure the place of a call is that names the building.
    """

    scope: Scope
    key: int
    customers: int
    share: float
    delay: Delay
    per_hour: float
    sure: float = 1.0

    def share_of(self, call: Call) -> float:
        """Tell how sure it is that a call comes from the group."""
        if self.scope is Scope.BLOCK:
            return self.sure if call.home == self.key else 0.0
        return call.in_zone if call.zone == self.key else 0.0


@dataclass(frozen=True, slots=True)
class GroupFit:
    """What a group's trouble is like, if it is one."""

    log_odds: float
    leading: int
    begun_h: float
    scale: float


class Groups:
    """Opens and sees anew what a whole group has in common."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def ratio(self, one: Hypothesis, call: Call) -> float:
        """Tell how many times likelier than chance a group's trouble makes a call."""
        return float(
            self._ratios(self._group(one.scope, one.group), [call], one.leading, one.begun_h, one.scale)[0]
        )

    def consider(self, call: Call) -> Hypothesis | None:
        """Open the trouble of a call's building or zone if it explains more than the sum of all small breaks in it."""
        if len(self._scene.supply.households.get(call.home, ())) >= self._scene.rules.block_customers:
            found = self._consider(self._group(Scope.BLOCK, call.home), call)
            if found is not None:
                return found
        return self._consider(self._group(Scope.ZONE, call.zone), call) if call.zone >= 0 else None

    def look_again(self, one: Hypothesis, now_h: float) -> None:
        """See a group's trouble anew after it drew a call."""
        calls = one.members[-MEMBERS_MAX:]
        fit = self._fit(self._group(one.scope, one.group), calls, np.zeros(len(calls)), now_h)
        one.log_odds, one.leading, one.begun_h, one.scale = fit.log_odds, fit.leading, fit.begun_h, fit.scale

    def _group(self, scope: Scope, key: int) -> Group:
        habits, zones = self._scene.habits, self._scene.supply.zone_customers
        if scope is Scope.BLOCK:
            return Group(
                scope=scope,
                key=key,
                customers=len(self._scene.supply.households[key]),
                share=float(habits.call_share[0]),
                delay=habits.delay,
                per_hour=1.0 / (24.0 * self._scene.rules.block_fails_every_days),
                sure=1.0 - habits.wrong_place,
            )
        return Group(
            scope=scope,
            key=key,
            customers=zones.get(key, 1),
            share=habits.zone_share,
            delay=habits.zone_delay,
            per_hour=habits.zones_per_day / 24.0 / max(len(zones), 1),
        )

    def _consider(self, group: Group, call: Call) -> Hypothesis | None:
        if any(one.group == group.key for one in self._scene.open.of(group.scope)):
            return None
        persons_min = self._scene.rules.alarm_persons_group
        recent = self._recent(group, call.at_h)
        if len({one.person for one in recent}) < persons_min:
            return None
        indices = {one.index for one in recent}
        small = [
            one
            for one in self._scene.open.of(Scope.OUTAGE)
            if not one.is_settled
            and len(one.persons) < self._scene.rules.large_persons
            and any(member.index in indices for member in one.members)
        ]
        free = {-1, *(one.number for one in small)}
        explained = np.array([0.0 if one.incident in free - {-1} else one.explained for one in recent])
        fit = self._fit(group, recent, explained, call.at_h)
        if fit.log_odds <= 0.0:
            return None
        ratios = self._ratios(group, recent, fit.leading, fit.begun_h, fit.scale).tolist()
        taken = [
            (one, ratio)
            for one, ratio in zip(recent, ratios, strict=True)
            if ratio > 1.0 and one.incident in free
        ]
        rivals = sum(_in_full(one.log_odds, [call.explained for call in one.members]) for one in small)
        if _in_full(fit.log_odds, [ratio for _, ratio in taken]) <= rivals:
            return None
        if len({one.person for one, _ in taken}) < persons_min or all(one is not call for one, _ in taken):
            return None
        return self._scene.open.start(
            group.scope,
            taken,
            call.at_h,
            group=group.key,
            log_odds=fit.log_odds,
            leading=fit.leading,
            begun_h=fit.begun_h,
            scale=fit.scale,
        )

    def _recent(self, group: Group, now_h: float) -> list[Call]:
        """List the group's calls of late that are no repeats, in order of time."""
        recent: list[Call] = []
        for call in self._scene.memory.since(now_h - self._scene.rules.window_h):
            if len(recent) >= MEMBERS_MAX:
                break
            if can_be_shared(call) and call.repeat_of is None and group.share_of(call) > 0.0:
                recent.append(call)
        return recent[::-1]

    def _rates(self, group: Group, leading: int, calls: Sequence[Call]) -> Floats:
        mix = np.full(len(CATEGORIES), BESIDE_SHARE)
        mix[[LEAK, OTHER]] = STRAY_SHARE
        mix[leading] = LEADING_SHARE
        inside = np.array([group.share_of(call) for call in calls])
        usual = np.array([call.per_customer_h for call in calls])
        return np.asarray(inside * group.share * mix[[call.category for call in calls]] / usual)

    def _ratios(
        self, group: Group, calls: Sequence[Call], leading: int, begun_h: float, scale: float
    ) -> Floats:
        after = np.array([call.at_h for call in calls]) - begun_h
        return scale * self._rates(group, leading, calls) * group.delay.density(after)

    def _fit(self, group: Group, calls: Sequence[Call], explained: Floats, now_h: float) -> GroupFit:
        """Weigh the group's trouble as the one cause of what other causes leave unexplained: for each category, beginning and scale."""
        times = np.array([call.at_h for call in calls])
        signs = times[:: max(1, len(times) // FIRST_SIGNS)] - 0.1
        begun = np.unique(np.concatenate([signs, times[:1] - 0.6, times[:1] - 1.2]))[:BEGINNINGS_MAX]
        soon = group.delay.density(times[None, :] - begun[:, None])
        due = group.share * group.customers * group.delay.share(now_h - begun)
        prior = group.per_hour * BEGINS_WITHIN_H / (len(WIDESPREAD) * len(SCALES))
        log = np.empty((len(WIDESPREAD), len(begun), len(SCALES)))
        for row, leading in enumerate(WIDESPREAD):
            rate = self._rates(group, leading, calls) / (1.0 + explained)
            for at, scale in enumerate(SCALES.tolist()):
                ratio = scale * np.minimum(rate[None, :] * soon, RATIO_MAX)
                log[row, :, at] = np.log1p(ratio).sum(axis=1) - scale * due
        log += np.log(prior)
        row, column, at = (int(one) for one in np.unravel_index(int(np.argmax(log)), log.shape))
        return GroupFit(log_sum(log.ravel()), WIDESPREAD[row], float(begun[column]), float(SCALES[at]))


def _in_full(log_odds: float, ratios: Sequence[float]) -> float:
    """Tell how sure a cause is with each of its calls believed in full: two breaks at once, side by side, are no zone's trouble."""
    beyond = np.log(np.maximum(np.array(ratios), RATIO_MAX) / RATIO_MAX)
    return max(log_odds, 0.0) + float(beyond.sum())
