"""Habits learnt from history: replayed with what is believed so far, the incidents found in it say how people really call."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from dispatch.triage.calls import Call, Told
from dispatch.triage.engine import Engine
from dispatch.triage.habits import CATEGORIES, LEAK, Delay, Floats, Habits
from dispatch.triage.hypotheses import Hypothesis, Scope
from dispatch.triage.supply import OUTSIDE, SupplyMap
from dispatch.triage.works import Works

ROUNDS: Final = 2
DAY_H: Final = 24.0
TELLING_PERSONS: Final = 4
"""Incidents with fewer callers may be chance and teach nothing."""
BELIEF: Final = 30.0
"""What is believed beforehand counts as much as so many calls."""
CALLS_PER_DAY_MIN: Final = 0.1
"""However quiet a stretch was, somebody calls once in ten days."""


def learn(
    supply: SupplyMap,
    history: Sequence[Told],
    works: Sequence[Works] = (),
    *,
    first: Habits | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Habits:
    """Estimate how people call from a stretch of history; without any, what was believed stays.

    Parameters
    ----------
    supply
        The supply the calls came from.
    history
        Calls in order of time.
    works
        Work that was announced, in that time or at others.
    first
        What is believed beforehand; vague numbers of no utility in particular unless given.
    progress
        Told how many calls are through and how many there are.
    """
    habits = usual(history, first or Habits())
    for turn in range(ROUNDS if len(history) else 0):
        engine = Engine(supply, habits, works)
        for at, told in enumerate(history):
            engine.take(told)
            if progress is not None:
                progress(turn * len(history) + at + 1, ROUNDS * len(history))
        habits = taught(engine, habits)
    return habits


def usual(history: Sequence[Told], habits: Habits) -> Habits:
    """Take the median day for the usual one, and the day's course from all days, each capped at twice its median."""
    if not history:
        return habits
    times = np.array([told.at_h for told in history])
    per_day = np.bincount(((times - times.min()) // DAY_H).astype(int))
    share = np.bincount([told.category for told in history], minlength=len(CATEGORIES)) + 1.0
    return replace(
        habits,
        calls_per_day=max(float(np.median(per_day)) * 0.6, CALLS_PER_DAY_MIN),
        profile=_profile(times),
        category_share=share / share.sum(),
    )


def _profile(times: Floats) -> Floats:
    """Tell how the hours of a day differ; an hour with much more than usual, on some day, counts as usual."""
    days = max(1, int(np.ceil((times.max() - times.min()) / DAY_H)))
    grid = np.zeros((days + 1, 24))
    np.add.at(grid, (((times - times.min()) // DAY_H).astype(int), (times % DAY_H).astype(int)), 1.0)
    trimmed = np.sort(grid, axis=0)[: max(1, int(0.9 * len(grid)))].mean(axis=0)
    wrapped = np.concatenate([trimmed[-1:], trimmed, trimmed[:1]])
    smooth = 0.25 * wrapped[:-2] + 0.5 * wrapped[1:-1] + 0.25 * wrapped[2:]
    return np.asarray(np.maximum(smooth / max(smooth.mean(), 1e-9), 0.05))


def taught(engine: Engine, habits: Habits) -> Habits:
    """Read off a replayed history how people called."""
    days = max((engine.calls[-1].at_h - engine.calls[0].at_h) / DAY_H, 1.0)
    found = engine.incidents
    outages = [one for one in found if one.scope is Scope.OUTAGE and len(one.persons) >= TELLING_PERSONS]
    zones = [one for one in found if one.scope is Scope.ZONE and len(one.persons) >= 2 * TELLING_PERSONS]
    sites = [one for one in found if one.scope is Scope.SITE]
    lone = [call for call in engine.calls if call.incident < 0]
    habits = _learn_chance(lone, days, habits)
    habits = _learn_outages(engine, outages, days, habits)
    habits = _learn_names(engine, lone, outages, habits)
    habits = _learn_repeats(engine, habits)
    if zones:
        callers = sum(len(one.persons) for one in zones)
        customers = sum(engine.scene.supply.zone_customers.get(one.group, 0) for one in zones)
        habits = replace(
            habits,
            zones_per_day=(len(zones) + 1.0) / (days + 10.0),
            zone_share=(callers + BELIEF * habits.zone_share) / (customers + BELIEF)
            if customers
            else habits.zone_share,
        )
    works = [one for one in found if one.scope is Scope.WORKS and one.members]
    if works:
        announced = sum(
            float(engine.scene.supply.customers_on[work.segments].sum())
            for work in engine.works.all
            if engine.calls[0].at_h <= work.starts_h and work.ends_h <= engine.calls[-1].at_h
        )
        told = sum(len(one.persons) for one in works)
        habits = replace(habits, works_share=(told + 2000.0 * habits.works_share) / (announced + 2000.0))
    return _learn_sites(sites, days, habits)


def _learn_chance(lone: Sequence[Call], days: float, habits: Habits) -> Habits:
    first = [call for call in lone if call.repeat_of is None]
    share = np.bincount([call.category for call in lone], minlength=len(CATEGORIES)) + 1.0
    times = np.array([call.at_h for call in lone])
    return replace(
        habits,
        calls_per_day=max(len(lone) / days, CALLS_PER_DAY_MIN),
        profile=_profile(times) if len(first) else habits.profile,
        category_share=share / share.sum(),
    )


def _learn_outages(engine: Engine, outages: Sequence[Hypothesis], days: float, habits: Habits) -> Habits:
    """Count who called of whom, about what, how soon; passers-by apart."""
    heard = np.zeros((OUTSIDE, len(CATEGORIES)))
    customers = np.zeros(OUTSIDE)
    delays: list[float] = []
    weights: list[float] = []
    looked = after_h = 0.0
    for one in outages:
        evidence = one.evidence
        if evidence is None:
            continue
        best = int(np.argmax(evidence.weight))
        origin = int(evidence.origin[best])
        foot = engine.scene.supply.footprint(origin)
        customers += foot.customers
        dry, weak, seen = engine.scene.weigher.rates(evidence.origin[[best]], one.members)
        begun = evidence.begun_h[[best]]
        soon, passing = engine.scene.weigher.times(begun, one.members)
        later, _ = engine.scene.weigher.times(begun + evidence.lag_h[best], one.members)
        felt = evidence.scale[best] * (dry * later + weak * soon)[0]
        looks = (seen * passing)[0]
        for call, as_customer, as_looker in zip(one.members, felt.tolist(), looks.tolist(), strict=True):
            total = as_customer + as_looker
            if total <= 0.0:
                continue
            share = as_looker / total
            looked += share
            after = call.at_h - float(begun[0])
            after_h += share * max(after, 0.0)
            hop = engine.scene.supply.hops(evidence.origin[[best]], call.segments)[0]
            inside = hop < OUTSIDE
            mass = np.zeros(OUTSIDE)
            np.add.at(mass, hop[inside], call.weights[inside] * np.where(call.weights[inside] > 0, 1.0, 0.0))
            if mass.sum() > 0.0:
                heard[:, call.category] += (1.0 - share) * mass / mass.sum()
            if after > 0.02 and share < 0.5:
                delays.append(after)
                weights.append(1.0 - share)
    per_class = heard.sum(axis=1)
    belief = BELIEF / np.maximum(habits.call_share, 1e-6)
    call_share = (per_class + belief * habits.call_share) / (customers + belief)
    mix = (heard + BELIEF * habits.call_mix) / (per_class + BELIEF)[:, None]
    log = np.log(np.array(delays)) if len(delays) > BELIEF else None
    delay = habits.delay
    if log is not None:
        middle = float(np.median(log))
        spread = float(np.subtract(*np.percentile(log, [75, 25])) / 1.349)
        delay = Delay(
            median_h=float(np.exp(middle)),
            spread=float(np.clip(spread, 0.6, 1.5)),
            late_share=habits.delay.late_share * 0.5,
            late_h=habits.delay.late_h,
        )
    count = max(len(outages), 1)
    return replace(
        habits,
        outages_per_day=(len(outages) + 1.0) / (days + 0.5),
        call_share=call_share,
        call_mix=mix,
        delay=delay,
        sightings=(looked + 10.0 * habits.sightings) / (count + 10.0),
        sighting_h=float(np.clip((after_h + 5.0 * habits.sighting_h) / (looked + 5.0), 0.2, 4.0)),
    )


def _learn_names(
    engine: Engine, lone: Sequence[Call], outages: Sequence[Hypothesis], habits: Habits
) -> Habits:
    """Learn who stays unnamed: callers by what they tell of other matters, passers-by by running water that others saw too."""
    others = [call for call in engine.calls if call.category != LEAK]
    seen = [
        call
        for call in engine.calls
        if call.category == LEAK and call.repeat_of is None and call.incident >= 0
    ]
    usual_share = (sum(not call.is_named for call in others) + 1.0) / (len(others) + 10.0)
    looked = (sum(not call.is_named for call in seen) + 8.0) / (len(seen) + 10.0)
    return replace(
        habits,
        unnamed_calls=float(np.clip(usual_share, 0.02, 0.9)),
        unnamed_sightings=float(np.clip(looked, 0.2, 0.97)),
    )


def _learn_repeats(engine: Engine, habits: Habits) -> Habits:
    """Count how many of the named call again about the same; what is found by account on both calls is sure."""
    named = [
        call
        for call in engine.calls
        if call.told.customer >= 0 and call.incident < 0 and call.repeat_of is None
    ]
    again = [
        call
        for call in engine.calls
        if call.repeat_of is not None
        and call.told.customer >= 0
        and call.told.customer == call.repeat_of.told.customer
    ]
    known = max(sum(call.told.customer >= 0 for call in engine.calls) / max(len(engine.calls), 1), 0.1)
    share = (len(again) / known + BELIEF * habits.repeat_share) / (len(named) + BELIEF)
    return replace(habits, repeat_share=float(np.clip(share, 0.02, 0.4)))


def _learn_sites(sites: Sequence[Hypothesis], days: float, habits: Habits) -> Habits:
    if len(sites) < 5:
        return habits
    more = sum(len(one.members) - 1 for one in sites)
    return replace(
        habits,
        sites_per_day=len(sites) / days,
        site_reports=float(np.clip((more + 5.0 * habits.site_reports) / (len(sites) + 5.0), 0.5, 6.0)),
    )
