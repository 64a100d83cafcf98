"""The stream of calls, each taken once in order: which incident explains it best, or whether chance does.

Every explanation is a rate: how many calls of this kind, here and now, it makes come. The greatest rate wins, and that of chance (what
comes on any such day without a common cause) is the one to beat.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np

from dispatch.triage.calls import Call, Told, hear
from dispatch.triage.evidence import RATIO_MAX, SCALES, Evidence, Weigher, beginnings, log_sum
from dispatch.triage.habits import LEAK, SUPPLY, Floats, Habits
from dispatch.triage.supply import Ints, SupplyMap

WINDOW_H: Final = 10.0
"""Calls older than this open nothing any more."""
FORGET_H: Final = 24.0
"""An incident that drew no call for so long draws none."""
SITE_H: Final = 96.0
MOVES_H: Final = 2.5
"""A call may change its incident so long after it came."""
MOVES_ODDS: Final = 3.0
JOINS_ALONE_ODDS: Final = 1.5
SIGN_H: Final = 4.0
SIGN_ODDS: Final = 3.0
CALLS_MAX: Final = 60
ORIGINS_MAX: Final = 60
SURE: Final = 30.0
"""A call explained so well opens nothing."""
ALARM_LOG_ODDS: Final = 4.0
CROWDED_PERSONS: Final = 10
LARGE: Final = 12
"""Persons from which on an incident is joined with another by people only."""
TOGETHER_H: Final = 3.0
MAP_DOUBT: Final = 6.0
"""Two outages that begin in one zone within some hours are sooner one that the map does not explain than two."""
REPEAT_WINDOW_H: Final = 168.0
REPEATS_WHEN_OVER: Final = 0.2
"""How much less likely a caller of an incident long past means it again than a caller with a matter of his own."""
REPEAT_LEAN: Final = 2.0
"""A repeat that is missed costs more than one too many: its caller is angry already."""
ORIGIN_WEIGHT_MIN: Final = 0.08


class Scope(StrEnum):
    """What kind of cause an incident has."""

    OUTAGE = "outage"
    ZONE = "zone"
    WORKS = "works"
    SITE = "site"


ALARM_PERSONS: Final = {Scope.OUTAGE: 3, Scope.ZONE: 4, Scope.WORKS: 3}


@dataclass(eq=False, slots=True, kw_only=True)
class Hypothesis:
    """An incident as triage thinks of it."""

    number: int
    label: str
    scope: Scope
    members: list[Call] = field(default_factory=list)
    persons: set[str] = field(default_factory=set)
    evidence: Evidence | None = None
    reach: frozenset[int] = frozenset()
    log_odds: float = 0.0
    last_h: float = 0.0
    begun_h: float = 0.0
    ends_h: float = np.inf
    zone: int = -1
    leading: int = -1
    """The category a zone's trouble is mostly told as."""
    scale: float = 1.0
    raised: bool = False
    weight_by_segment: dict[int, float] = field(default_factory=dict)

    def add(self, call: Call, ratio: float) -> None:
        call.repeat_of = None
        self.members.append(call)
        self.persons.add(call.person)
        self.last_h = max(self.last_h, call.at_h)
        call.incident, call.label, call.explained = self.number, self.label, ratio

    def drop(self, call: Call) -> None:
        self.members.remove(call)
        self.persons = {one.person for one in self.members}


@dataclass(frozen=True, slots=True)
class Works:
    """Announced work: the segments told to be without water, and when."""

    label: str
    segments: Ints
    starts_h: float
    ends_h: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """An incident that somebody should look at."""

    label: str
    at_h: float
    calls: tuple[str, ...]
    scope: Scope
    log_odds: float


class Engine:
    """Takes calls in order of time."""

    def __init__(self, supply: SupplyMap, habits: Habits, works: Sequence[Works] = ()) -> None:
        self.supply, self.habits = supply, habits
        self.weigher = Weigher(supply, habits)
        self.calls: list[Call] = []
        self.alarms: list[Alarm] = []
        self._posted: dict[int, deque[int]] = defaultdict(deque)
        self._by_customer: dict[int, list[Call]] = defaultdict(list)
        self._by_address: dict[int, list[Call]] = defaultdict(list)
        self._open: dict[int, Hypothesis] = {}
        self.past: list[Hypothesis] = []
        self._kept: deque[int] = deque()
        self._last_alarm: dict[int, float] = {}
        self._next = 0
        self.works = sorted(works, key=lambda one: one.starts_h)
        self._works_at: dict[int, list[Works]] = defaultdict(list)
        for work in self.works:
            for segment in work.segments.tolist():
                self._works_at[segment].append(work)
        self._works_open: dict[str, Hypothesis] = {}

    @property
    def open_incidents(self) -> list[Hypothesis]:
        """The incidents that may still draw calls."""
        return list(self._open.values())

    # --- one call --------------------------------------------------------------------------------------------------------

    def take(self, told: Told) -> Call:
        """Decide about one call."""
        now = told.at_h
        call = hear(told, len(self.calls), self.supply, self.habits)
        self.calls.append(call)
        self._forget(now)
        original, again = self._repeat(call)
        best, ratio = self._best(call)
        if original is not None and REPEAT_LEAN * again > max(ratio, 1.0):
            self._join_repeat(call, original, again)
        elif best is not None and ratio > 1.0:
            best.add(call, ratio)
            self._remember(call)
            self._look_again(best, now)
        else:
            self._remember(call)
        call.arrived_as = call.label
        if call.category != 4 and (call.explained < SURE or call.repeat_of is not None):
            self._try_outage(call)
        if call.category in SUPPLY:
            self._try_zone(call)
        self._raise(now)
        if call.arrived_as == call.told.id:
            call.arrived_as = call.label
        return call

    def _remember(self, call: Call) -> None:
        for segment in call.posted:
            self._posted[segment].append(call.index)
        self._kept.append(call.index)
        if call.told.customer >= 0:
            self._by_customer[call.told.customer].append(call)
        if call.home >= 0:
            self._by_address[call.home].append(call)

    def _forget(self, now: float) -> None:
        while self._kept and now - self.calls[self._kept[0]].at_h > SITE_H:
            for segment in self.calls[self._kept.popleft()].posted:
                queue = self._posted.get(segment)
                if queue:
                    queue.popleft()
                    if not queue:
                        del self._posted[segment]
        for number in [
            one.number
            for one in self._open.values()
            if now - one.last_h > (SITE_H if one.scope is Scope.SITE else FORGET_H)
        ]:
            self.past.append(self._open.pop(number))

    # --- explanations ----------------------------------------------------------------------------------------------------

    def _best(self, call: Call) -> tuple[Hypothesis | None, float]:
        options: list[tuple[float, Hypothesis]] = []
        posted = set(call.posted)
        for one in self._open.values():
            match one.scope:
                case Scope.OUTAGE if one.evidence is not None and not posted.isdisjoint(one.reach):
                    options.append((float(self.weigher.ratios(one.evidence, [call])[0]), one))
                case Scope.ZONE:
                    options.append((float(self._zone_ratio(one, [call])[0]), one))
                case Scope.SITE:
                    options.append((self._site_ratio(call, one.members), one))
        options += self._announced(call)
        alone = self._new_site(call)
        if alone is not None:
            options.append(alone)
        if not options:
            return None, 0.0
        ratio, best = max(options, key=lambda one: one[0])
        return best, ratio

    def _announced(self, call: Call) -> list[tuple[float, Hypothesis]]:
        found: dict[str, tuple[float, Works]] = {}
        for segment, weight in zip(call.segments.tolist(), call.weights.tolist(), strict=True):
            for work in self._works_at.get(segment, ()):
                if work.starts_h - 0.5 <= call.at_h <= work.ends_h + 2.0:
                    before = found.get(work.label, (0.0, work))[0]
                    found[work.label] = (before + weight, work)
        options = []
        for share, work in found.values():
            after = np.array([call.at_h - work.starts_h])
            spread = 1.0 / (work.ends_h - work.starts_h + 2.5)
            soon = 0.7 * float(self.habits.delay.density(after)[0]) + 0.3 * spread
            ratio = (
                share * self.habits.works_share * self.habits.works_mix[call.category] * soon / call.per_customer_h
            )
            hypothesis = self._works_open.get(work.label)
            if hypothesis is None:
                hypothesis = Hypothesis(number=self._number(), label=work.label, scope=Scope.WORKS, log_odds=10.0)
                self._works_open[work.label] = hypothesis
            options.append((float(ratio), hypothesis))
            self._open[hypothesis.number] = hypothesis
            hypothesis.last_h = call.at_h
        return options

    def _site_ratio(self, call: Call, members: Sequence[Call]) -> float:
        if call.category != LEAK:
            return 0.0
        sure = np.array([1.0 / self._spot_m2(one) for one in members])
        x = float(np.dot(sure, [one.told.x for one in members]) / sure.sum())
        y = float(np.dot(sure, [one.told.y for one in members]) / sure.sum())
        spread = self._spot_m2(call) + 1.0 / float(sure.sum())
        squared = (call.told.x - x) ** 2 + (call.told.y - y) ** 2
        if squared > 16.0 * spread:
            return 0.0
        habits = self.habits
        near = np.exp(-0.5 * squared / spread) / (2.0 * np.pi * spread)
        real = 1.0 if len(members) > 1 else habits.site_odds
        unnamed = call.unnamed_odds * (members[0].unnamed_odds if len(members) == 1 else 1.0)
        return float(
            real * unnamed * habits.site_reports / habits.site_h * near / call.per_m2_h * habits.sighting_mix[LEAK]
        )

    def _spot_m2(self, call: Call) -> float:
        error_m = call.error_m / 2.0 if call.error_m < 50.0 else call.error_m
        return float(error_m**2 + self.habits.site_m**2 / 2.0)

    def _new_site(self, call: Call) -> tuple[float, Hypothesis] | None:
        """Take a lone earlier call about running water for the same as this one."""
        if call.category != LEAK:
            return None
        best: tuple[float, Call] | None = None
        near = {index for segment in call.posted for index in self._posted.get(segment, ())}
        for index in near:
            other = self.calls[index]
            if other.incident >= 0 or other.repeat_of is not None or other.category != LEAK or call.at_h - other.at_h > SITE_H * 0.75:
                continue
            ratio = self._site_ratio(call, [other])
            if best is None or ratio > best[0]:
                best = (ratio, other)
        if best is None or best[0] <= 1.0:
            return None
        ratio, other = best
        site = Hypothesis(number=self._number(), label=other.label, scope=Scope.SITE)
        site.add(other, ratio)
        self._open[site.number] = site
        return ratio, site

    # --- the same matter again ---------------------------------------------------------------------------------------------

    def _repeat(self, call: Call) -> tuple[Call | None, float]:
        told, habits = call.told, self.habits
        found: list[tuple[float, Call]] = []
        households = len(self.supply.households[call.home]) if call.home >= 0 else 1
        rate = habits.repeat_share / habits.repeat_h
        for other in (*self._by_customer.get(told.customer, ()), *self._by_address.get(call.home, ())):
            if call.at_h - other.at_h > REPEAT_WINDOW_H or other.category != call.category:
                continue
            same = told.customer >= 0 and told.customer == other.told.customer
            if not same and told.customer >= 0 and other.told.customer >= 0:
                continue
            over = REPEATS_WHEN_OVER if other.incident >= 0 and call.at_h - other.at_h > 12.0 else 1.0
            found.append((over * rate / call.per_customer_h / (1 if same else households), other))
        if not found:
            return None, 0.0
        ratio, other = max(found, key=lambda one: (one[0], one[1].at_h))
        return other, ratio

    def _join_repeat(self, call: Call, original: Call, ratio: float) -> None:
        first = original.repeat_of or original
        call.repeat_of, call.label, call.explained = first, first.label, ratio
        self._remember(call)

    # --- outages -----------------------------------------------------------------------------------------------------------

    def _number(self) -> int:
        self._next += 1
        return self._next

    def _near(self, segments: set[int], now: float, window_h: float) -> list[Call]:
        indices: set[int] = set()
        for segment in self._posted.keys() & segments:
            for index in reversed(self._posted[segment]):
                if now - self.calls[index].at_h > window_h:
                    break
                indices.add(index)
        return [self.calls[index] for index in sorted(indices)[-CALLS_MAX:]]

    def _origins(self, calls: Sequence[Call]) -> Ints:
        """List where the trouble behind calls may come from; those that reach most of them first."""
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
            top = np.argsort(call.weights)[::-1][:4]
            sure = top[call.weights[top] >= ORIGIN_WEIGHT_MIN]
            places = call.segments[sure if len(sure) else top[:1]].tolist()
        if len(call.pipe_segments):
            places += call.pipe_segments[np.argsort(call.pipe_density)[::-1][:3]].tolist()
        if not places:
            return np.empty(0, dtype=np.int64)
        return np.unique(np.concatenate([self.supply.origins(one) for one in places]))

    def _region(self, origins: Ints) -> set[int]:
        reached = np.zeros(self.supply.segment_count, dtype=bool)
        for one in origins.tolist():
            reached[self.supply.footprint(one).segments] = True
        return set(np.flatnonzero(reached).tolist())

    def _try_outage(self, call: Call) -> None:
        origins = self._origins([call])
        if not len(origins):
            return
        near = [one for one in self._near(self._region(origins), call.at_h, WINDOW_H) if one.category != 4]
        if len({one.person for one in near}) < 2:
            return
        if len(near) > 2:
            wider = self._origins(near)
            origins = np.union1d(origins[:ORIGINS_MAX], wider[: ORIGINS_MAX // 2])
        explained = np.array([self._explained(one, call.at_h) for one in near])
        evidence = self.weigher.weigh(origins, near, explained, call.at_h, beginnings(near, call.at_h))
        if evidence.log_odds <= 0.0:
            return
        ratios = self.weigher.ratios(evidence, near)
        taken = [
            (one, float(ratio))
            for one, ratio in zip(near, ratios.tolist(), strict=True)
            if self._may_take(one, ratio, call.at_h)
        ]
        if len({one.person for one, _ in taken}) < 2 or call not in [one for one, _ in taken]:
            return
        new = self._start(Scope.OUTAGE, taken, evidence=evidence, log_odds=evidence.log_odds)
        self._merge(new, call.at_h)

    def _may_take(self, call: Call, ratio: float, now: float) -> bool:
        if call.repeat_of is not None:
            return now - call.at_h <= MOVES_H and ratio > MOVES_ODDS * call.explained
        holder = self._open.get(call.incident)
        if holder is None:
            return ratio > JOINS_ALONE_ODDS
        if holder.scope is Scope.SITE:
            return ratio > MOVES_ODDS * self._explained(call, now)
        return now - call.at_h <= MOVES_H and ratio > MOVES_ODDS * call.explained

    def _explained(self, call: Call, now: float) -> float:
        """Tell how well its incident explains a call; running water newly seen may well be the first sign of more."""
        holder = self._open.get(call.incident)
        if holder is not None and holder.scope is Scope.SITE and now - holder.members[0].at_h < SIGN_H:
            return min(call.explained, SIGN_ODDS)
        return call.explained

    def _start(
        self, scope: Scope, taken: Sequence[tuple[Call, float]], *, evidence: Evidence | None = None, log_odds: float, zone: int = -1
    ) -> Hypothesis:
        lone = [one for one, _ in taken if one.incident < 0]
        first = min(lone, key=lambda one: one.index) if lone else taken[-1][0]
        label = first.told.id if lone or first.label != first.told.id else f"{first.told.id}+"
        if any(one.label == label for one in self._open.values()):
            label = f"{taken[-1][0].told.id}+{self._next}"
        new = Hypothesis(
            number=self._number(), label=label, scope=scope, evidence=evidence, log_odds=log_odds, zone=zone
        )
        for one, ratio in taken:
            holder = self._open.get(one.incident)
            if holder is not None:
                holder.drop(one)
            new.add(one, ratio)
        if evidence is not None:
            new.reach = frozenset(self._region(evidence.origin))
            new.begun_h = float(evidence.weight @ evidence.begun_h)
        self._open[new.number] = new
        self._drop_empty()
        return new

    def _drop_empty(self) -> None:
        for number in [one.number for one in self._open.values() if not one.members and one.scope is not Scope.WORKS]:
            del self._open[number]

    def _look_again(self, one: Hypothesis, now: float) -> None:
        """See an incident anew after it drew a call."""
        if one.scope is Scope.ZONE:
            self._fit_zone(one, now)
            return
        if one.scope is not Scope.OUTAGE or one.evidence is None:
            return
        if len(one.members) > 30 and len(one.members) % 5:
            return
        origins = np.union1d(self._origins(one.members[-CALLS_MAX:]), one.evidence.origin)
        near = [c for c in self._near(self._region(origins), now, WINDOW_H) if c.category != 4 ]
        explained = np.array([0.0 if c.incident == one.number else self._explained(c, now) for c in near])
        one.evidence = self.weigher.weigh(origins, near, explained, now, beginnings(one.members))
        one.log_odds = one.evidence.log_odds
        one.reach = frozenset(self._region(one.evidence.origin))
        one.begun_h = float(one.evidence.weight @ one.evidence.begun_h)
        ratios = self.weigher.ratios(one.evidence, near)
        for call, ratio in zip(near, ratios.tolist(), strict=True):
            if call.incident == one.number:
                call.explained = ratio
            elif now - call.at_h <= MOVES_H and self._may_take(call, ratio, now):
                holder = self._open.get(call.incident)
                if holder is not None:
                    holder.drop(call)
                one.add(call, ratio)
        self._drop_empty()
        self._merge(one, now)

    def _merge(self, one: Hypothesis, now: float) -> None:
        for other in list(self._open.values()):
            if other is one or other.scope is not Scope.OUTAGE or one.reach.isdisjoint(other.reach):
                continue
            if min(len(one.persons), len(other.persons)) >= LARGE:
                continue
            calls = sorted({*one.members, *other.members}, key=lambda c: c.index)[:CALLS_MAX]
            origins = self._origins(calls)
            both = self.weigher.weigh(origins, calls, np.zeros(len(calls)), now, beginnings(calls))
            together = one.members[0].zone == other.members[0].zone and abs(one.begun_h - other.begun_h) < TOGETHER_H
            if both.log_odds <= one.log_odds + other.log_odds - (MAP_DOUBT if together else 0.0):
                continue
            older, younger = sorted((one, other), key=lambda h: h.number)
            older.evidence, older.log_odds = both, both.log_odds
            older.begun_h = float(both.weight @ both.begun_h)
            older.reach = frozenset(self._region(both.origin))
            older.raised |= younger.raised
            for call, ratio in zip(younger.members, self.weigher.ratios(both, younger.members).tolist(), strict=True):
                older.add(call, ratio)
            del self._open[younger.number]
            if younger is one:
                return

    # --- zones -------------------------------------------------------------------------------------------------------------

    def _zone_mix(self, leading: int) -> Floats:
        mix = np.full(5, 0.07)
        mix[[0, 4]] = 0.03
        mix[leading] = 0.8
        return mix

    def _zone_rates(self, zone: int, leading: int, calls: Sequence[Call]) -> Floats:
        mix = self._zone_mix(leading)
        inside = np.array([c.in_zone if c.zone == zone else 0.0 for c in calls])
        per = np.array([c.per_customer_h for c in calls])
        return inside * self.habits.zone_share * mix[[c.category for c in calls]] / per

    def _zone_ratio(self, one: Hypothesis, calls: Sequence[Call]) -> Floats:
        after = np.array([c.at_h for c in calls]) - one.begun_h
        return one.scale * self._zone_rates(one.zone, one.leading, calls) * self.habits.zone_delay.density(after)

    def _weigh_zone(self, zone: int, calls: Sequence[Call], explained: Floats, now: float) -> tuple[float, int, float, float]:
        times = np.array([c.at_h for c in calls])
        begun = np.unique(np.concatenate([times[:: max(1, len(times) // 5)] - 0.1, times[:1] - 0.6, times[:1] - 1.2]))[:12]
        customers = self.supply.zone_customers.get(zone, 1)
        soon = self.habits.zone_delay.density(times[None, :] - begun[:, None])
        due = self.habits.zone_share * customers * self.habits.zone_delay.share(now - begun)
        prior = self.habits.zones_per_day / 24.0 / max(len(self.supply.zone_customers), 1) * 0.5 / 9.0
        log = np.empty((3, len(begun), len(SCALES)))
        for row, leading in enumerate(SUPPLY):
            rate = self._zone_rates(zone, leading, calls) / (1.0 + explained)
            for at, scale in enumerate(SCALES.tolist()):
                ratio = scale * np.minimum(rate[None, :] * soon, RATIO_MAX)
                log[row, :, at] = np.log1p(ratio).sum(axis=1) - scale * due
        log += np.log(prior)
        row, column, at = np.unravel_index(int(np.argmax(log)), log.shape)
        return log_sum(log), SUPPLY[row], float(begun[column]), float(SCALES[at])

    def _try_zone(self, call: Call) -> None:
        zone = call.zone
        if zone < 0 or any(one.scope is Scope.ZONE and one.zone == zone for one in self._open.values()):
            return
        recent = []
        for other in reversed(self.calls):
            if call.at_h - other.at_h > WINDOW_H or len(recent) >= 2 * CALLS_MAX:
                break
            if other.category != 4 and other.repeat_of is None and other.zone == zone:
                recent.append(other)
        recent.reverse()
        if len({one.person for one in recent}) < 4:
            return
        small = [
            one for one in self._open.values()
            if one.scope is Scope.OUTAGE and len(one.persons) < LARGE and any(c in recent for c in one.members)
        ]
        small_numbers = {one.number for one in small}
        explained = np.array([0.0 if c.incident in small_numbers else c.explained for c in recent])
        log_odds, leading, begun, scale = self._weigh_zone(zone, recent, explained, call.at_h)
        if log_odds <= max(0.0, sum(max(one.log_odds, 0.0) for one in small)):
            return
        trial = Hypothesis(number=-1, label="", scope=Scope.ZONE, zone=zone, leading=leading, begun_h=begun, scale=scale)
        ratios = self._zone_ratio(trial, recent)
        taken = [
            (c, float(r)) for c, r in zip(recent, ratios.tolist(), strict=True)
            if r > 1.0 and (c.incident < 0 or c.incident in small_numbers)
        ]
        if len({c.person for c, _ in taken}) < 4 or call not in [c for c, _ in taken]:
            return
        new = self._start(Scope.ZONE, taken, log_odds=log_odds, zone=zone)
        new.leading, new.begun_h, new.scale = leading, begun, scale

    def _fit_zone(self, one: Hypothesis, now: float) -> None:
        calls = one.members[-2 * CALLS_MAX :]
        one.log_odds, one.leading, one.begun_h, one.scale = self._weigh_zone(one.zone, calls, np.zeros(len(calls)), now)

    def _is_crowded(self, one: Hypothesis, now: float) -> bool:
        """Whether somebody was just alarmed about the same zone: what is new there is told with it until it is large."""
        return one.scope is not Scope.WORKS and now - self._last_alarm.get(one.members[0].zone, -np.inf) < TOGETHER_H

    # --- alarms ------------------------------------------------------------------------------------------------------------

    def _raise(self, now: float) -> None:
        for one in self._open.values():
            if one.raised or one.scope is Scope.SITE:
                continue
            if one.scope is Scope.OUTAGE and all(call.category not in SUPPLY for call in one.members):
                continue  # water is seen to run, and nobody misses any
            wanted = CROWDED_PERSONS if self._is_crowded(one, now) else ALARM_PERSONS[one.scope]
            if len(one.persons) >= wanted and one.log_odds > ALARM_LOG_ODDS:
                one.raised = True
                self._last_alarm[one.members[0].zone] = now
                self.alarms.append(
                    Alarm(one.label, now, tuple(c.told.id for c in one.members), one.scope, one.log_odds)
                )
