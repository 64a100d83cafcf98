"""Breaks: calls that one place in the network explains, near enough, soon enough, and with enough silence elsewhere."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from dispatch.triage.calls import Call
from dispatch.triage.evidence import Evidence, beginnings
from dispatch.triage.habits import LEAK, WATER_QUALITY
from dispatch.triage.hypotheses import Hypothesis, Scope
from dispatch.triage.scene import CALLS_MAX, Scene, can_be_shared
from dispatch.triage.supply import ORIGIN_HOPS, Ints

ORIGINS_MAX: Final = 60
"""So many origins are weighed at once, those that reach most calls first."""
PLACES_PER_CALL: Final = 4
SPOTS_PER_CALL: Final = 3
ORIGIN_WEIGHT_MIN: Final = 0.08
"""Segments with less of a call's place are not asked for origins, unless it has no better."""
PERSONS_MIN: Final = 2
JOINS_ALONE_ODDS: Final = 1.5
"""A call that stands alone goes into a new incident a little less readily than a new call into an old one."""
MAP_DOUBT: Final = 6.0
"""Logarithm of how much sooner two breaks that begin together in one zone are one that the map does not explain than two."""
REFIT_ALL: Final = 30
REFIT_EVERY: Final = 5
"""An incident of many calls is seen anew with every fifth only."""


class Outages:
    """Opens, sees anew and joins breaks."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self._weigher, self._rules = scene, scene.weigher, scene.rules

    def ratio(self, one: Hypothesis, call: Call) -> float:
        """Tell how many times likelier than chance a break makes a call; 0 where it cannot be felt."""
        if one.evidence is None or not one.reach[call.posted].any():
            return 0.0
        return float(self._weigher.ratios(one.evidence, [call])[0])

    def consider(self, call: Call) -> Hypothesis | None:
        """Open a break if it explains a call and those round it better than all that is known, and tell which."""
        now = call.at_h
        origins = self._origins([call])
        if not len(origins):
            return None
        near = self._near(origins, now)
        if _persons(near) < PERSONS_MIN:
            return None
        if len(near) > PERSONS_MIN:
            origins = np.union1d(origins[:ORIGINS_MAX], self._origins(near)[: ORIGINS_MAX // 2])
        explained = np.array([self._scene.explained(one, now) for one in near])
        evidence = self._weigher.weigh(origins, near, explained, now, beginnings(near, now))
        if evidence.log_odds <= 0.0:
            return None
        ratios = self._weigher.ratios(evidence, near).tolist()
        taken = [pair for pair in zip(near, ratios, strict=True) if self._may_take(*pair, now)]
        if _persons([one for one, _ in taken]) < PERSONS_MIN or all(one is not call for one, _ in taken):
            return None
        new = self._scene.open.start(Scope.OUTAGE, taken, now)
        self._set(new, evidence)
        return self._join_with_others(new, now)

    def fit(self, one: Hypothesis, now_h: float) -> None:
        """See where a break is whose calls are given."""
        calls = one.members[-CALLS_MAX:]
        origins = self._origins(calls)
        if len(origins):
            self._set(
                one, self._weigher.weigh(origins, calls, np.zeros(len(calls)), now_h, beginnings(calls))
            )

    def look_again(self, one: Hypothesis, now_h: float) -> None:
        """See a break anew after it drew a call: where it is, and which calls it explains better than their incidents do."""
        if one.evidence is None or (len(one.members) > REFIT_ALL and len(one.members) % REFIT_EVERY):
            return
        origins = np.union1d(self._origins(one.members[-CALLS_MAX:]), one.evidence.origin)
        near = self._near(origins, now_h)
        explained = np.array(
            [0.0 if call.incident == one.number else self._scene.explained(call, now_h) for call in near]
        )
        evidence = self._weigher.weigh(origins, near, explained, now_h, beginnings(one.members))
        self._set(one, evidence)
        for call, ratio in zip(near, self._weigher.ratios(evidence, near).tolist(), strict=True):
            if call.incident == one.number:
                call.explained = ratio
            elif now_h - call.at_h <= self._rules.moves_h and self._may_take(call, ratio, now_h):
                self._scene.open.give(call, one, ratio, now_h)
        self._scene.open.drop_empty()
        self._join_with_others(one, now_h)

    def _set(self, one: Hypothesis, evidence: Evidence) -> None:
        one.evidence, one.log_odds = evidence, evidence.log_odds
        one.begun_h = float(evidence.weight @ evidence.begun_h)
        one.reach = self._scene.supply.region(evidence.origin)

    def _may_take(self, call: Call, ratio: float, now_h: float) -> bool:
        """Whether a break may have a call that is explained otherwise: lately come, and explained much better."""
        rules, holder = self._rules, self._scene.open.holder(call)
        if holder is not None and holder.is_settled:
            return False
        if holder is None and call.incident >= 0:
            return False  # what it told of is over
        if holder is None and call.repeat_of is None:
            return ratio > JOINS_ALONE_ODDS
        if holder is not None and call.repeat_of is None and holder.scope is Scope.SITE:
            return ratio > rules.moves_odds * self._scene.explained(call, now_h)
        return now_h - call.at_h <= rules.moves_h and ratio > rules.moves_odds * call.explained

    def _near(self, origins: Ints, now_h: float) -> list[Call]:
        calls = self._scene.memory.on(self._scene.supply.region(origins), now_h, self._rules.window_h)
        return [one for one in calls if can_be_shared(one)]

    def _origins(self, calls: Sequence[Call]) -> Ints:
        """List where the trouble behind calls may come from, rising; of too many, those that reach most calls."""
        lists = []
        for call in calls:
            if call.origins is None:
                call.origins = self._origins_of(call)
            if len(call.origins):
                lists.append(call.origins)
        if not lists:
            return np.empty(0, dtype=np.int64)
        each, count = np.unique(np.concatenate(lists), return_counts=True)
        return np.sort(each[np.argsort(-count, kind="stable")[:ORIGINS_MAX]])

    def _origins_of(self, call: Call) -> Ints:
        places: list[int] = []
        if call.is_named or call.category != LEAK:
            top = np.argsort(call.weights)[::-1][:PLACES_PER_CALL]
            sure = top[call.weights[top] >= ORIGIN_WEIGHT_MIN]
            places = call.segments[sure if len(sure) else top[:1]].tolist()
        if len(call.pipe_segments):
            places += call.pipe_segments[np.argsort(call.pipe_density)[::-1][:SPOTS_PER_CALL]].tolist()
        if not places:
            return np.empty(0, dtype=np.int64)
        return np.unique(np.concatenate([self._scene.supply.origins(one) for one in places]))

    def _join_with_others(self, one: Hypothesis, now_h: float) -> Hypothesis:
        """Join a break with others that are the same one, and tell what it has become; two large ones are for people to join."""
        for other in self._scene.open.of(Scope.OUTAGE):
            if other is one or one.is_settled or other.is_settled or not (one.reach & other.reach).any():
                continue
            if min(len(one.persons), len(other.persons)) >= self._rules.large_persons:
                continue
            calls = sorted({*one.members, *other.members}, key=lambda call: call.index)[:CALLS_MAX]
            both = self._weigher.weigh(
                self._origins(calls), calls, np.zeros(len(calls)), now_h, beginnings(calls)
            )
            doubt = MAP_DOUBT if self._begin_together(one, other) else 0.0
            if both.log_odds <= one.log_odds + other.log_odds - doubt and not self._goes_on(one, other):
                continue
            older, younger = sorted((one, other), key=lambda each: each.number)
            self._set(older, both)
            ratios = self._weigher.ratios(both, younger.members).tolist()
            self._scene.open.join(younger, older, ratios, now_h)
            if younger is one:
                return older
        return one

    def _goes_on(self, one: Hypothesis, other: Hypothesis) -> bool:
        """Whether the younger is the dirty water that comes back after the older, on the same main or beside it."""
        _, younger = sorted((one, other), key=lambda each: each.number)
        if any(call.category != WATER_QUALITY for call in younger.members):
            return False
        here, there = self._main(one), self._main(other)
        if min(here, there) < 0:
            return False
        return int(self._scene.supply.hops(np.array([here]), np.array([there]))[0, 0]) <= ORIGIN_HOPS

    def _main(self, one: Hypothesis) -> int:
        if one.evidence is None:
            return -1
        return (
            int(one.evidence.origin[int(np.argmax(one.evidence.weight))]) % self._scene.supply.segment_count
        )

    def _begin_together(self, one: Hypothesis, other: Hypothesis) -> bool:
        same_zone = one.members[0].zone == other.members[0].zone
        apart_m = np.hypot(*(np.array(_middle(one)) - _middle(other)))
        soon = abs(one.begun_h - other.begun_h) < self._rules.together_h
        return bool(same_zone and soon and apart_m <= self._rules.together_m)


def _persons(calls: Sequence[Call]) -> int:
    return len({call.person for call in calls})


def _middle(one: Hypothesis) -> tuple[float, float]:
    """Tell where most of an incident's calls come from, in the plane."""
    return float(np.median([call.told.x for call in one.members])), float(
        np.median([call.told.y for call in one.members])
    )
