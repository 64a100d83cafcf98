"""Why a call is where it is, told from what was weighed: numbers a dispatcher can check on the map."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from dispatch.clauses import Clause
from dispatch.triage.calls import Call, Move
from dispatch.triage.habits import CATEGORIES, OTHER
from dispatch.triage.hypotheses import GROUPS, Hypothesis, Scope
from dispatch.triage.repeats import is_same_caller
from dispatch.triage.scene import Scene
from dispatch.triage.supply import Ints
from dispatch.triage.verdicts import Candidate, Verdict, VerdictKind

CANDIDATES_MAX: Final = 4
SEGMENTS_MAX: Final = 3
"""Segments that are named: those that most calls come from."""
WORTH_NAMING: Final = 0.01
"""Explanations less likely than a hundredth of chance are not told."""
SITE_M2: Final = 5000.0
"""Where running water is seen, chance is counted over a circle of some 40 m."""
DIGITS: Final = 2
PREFIX: Final = "dispatch.stream"


def verdict(call: Call, options: Sequence[tuple[float, Hypothesis]], scene: Scene) -> Verdict:
    """Say what became of a call that just came, and why.

    Parameters
    ----------
    call
        The call, where it stands now.
    options
        What might explain it when it came, each with how many times likelier than chance it makes it.
    scene
        All that is known.
    """
    holder = scene.open.holder(call)
    best_by_label: dict[str, Candidate] = {}
    for ratio, one in options:
        known = best_by_label.get(one.label)
        if ratio >= WORTH_NAMING and (known is None or known.odds < ratio):
            best_by_label[one.label] = Candidate(one.label, one.scope.value, ratio)
    if holder is not None:
        best_by_label.setdefault(call.label, Candidate(call.label, holder.scope.value, call.explained))
    odds = best_by_label[call.label].odds if call.label in best_by_label else call.explained
    candidates = sorted(best_by_label.values(), key=lambda one: (-one.odds, one.label))[:CANDIDATES_MAX]
    kind, clauses = _told(call, holder, odds, scene)
    others = [one for one in candidates if one.label != call.label]
    works = [one for one in others if one.scope == Scope.WORKS]
    if holder is not None and holder.scope is not Scope.WORKS:
        if works:
            clauses.append(
                Clause(f"{PREFIX}.works_less", {"label": works[0].label, "odds": _short(works[0].odds)})
            )
        else:
            clauses.append(Clause(f"{PREFIX}.no_works"))
    if others:
        clauses.append(
            Clause(f"{PREFIX}.next_best", {"label": others[0].label, "odds": _short(others[0].odds)})
        )
    return Verdict(kind, call.label, odds, tuple(clauses), tuple(candidates))


def moved(move: Move, *, came_from: str = "", to: str = "") -> Clause:
    """Say why a call went to another incident later; by other names than the stream's, if they are given."""
    return Clause(
        f"{PREFIX}.moved",
        {
            "from_label": came_from or move.came_from,
            "label": to or move.went_to,
            "odds": _short(move.odds),
            "before": _short(max(move.odds_before, 1.0)),
        },
    )


def _told(
    call: Call, holder: Hypothesis | None, odds: float, scene: Scene
) -> tuple[VerdictKind, list[Clause]]:
    if call.repeat_of is not None:
        return VerdictKind.REPEAT, [_repeats(call, call.repeat_of)]
    if holder is None:
        expected = call.per_customer_h * float(
            _customers_on(call.segments[call.weights > WORTH_NAMING], scene)
        )
        code = "other" if call.category == OTHER else "alone"
        return VerdictKind.OPENS, [Clause(f"{PREFIX}.{code}", {"expected": _short(expected)})]
    likelier = Clause(f"{PREFIX}.odds", {"odds": _short(odds)})
    if holder.scope is Scope.WORKS:
        return VerdictKind.WORKS, [Clause(f"{PREFIX}.works", {"label": holder.label}), likelier]
    opens = holder.label == call.told.id
    kind = VerdictKind.OPENS if opens else VerdictKind.JOINS
    clauses = [Clause(f"{PREFIX}.{kind.value}", {"label": holder.label}), _counted(holder, scene)]
    if holder.scope is Scope.OUTAGE:
        zones = {one.zone for one in holder.members if one.is_named}
        clauses.append(
            Clause(f"{PREFIX}.zones", {"zones": len(zones)})
            if len(zones) > 1
            else Clause(f"{PREFIX}.one_zone")
        )
    return kind, [*clauses, likelier]


def _repeats(call: Call, original: Call) -> Clause:
    if call.told.again:
        return Clause(f"{PREFIX}.repeat_said", {"report": original.told.id})
    hours = round(call.at_h - original.at_h, 1)
    code = "repeat_address"
    if is_same_caller(call, original):
        code = "repeat_account" if call.told.customer == original.told.customer >= 0 else "repeat_caller"
    return Clause(
        f"{PREFIX}.{code}", {"report": original.told.id, "hours": hours, "odds": _short(call.explained)}
    )


def _counted(holder: Hypothesis, scene: Scene) -> Clause:
    """Count an incident's calls and callers, and the calls of any kind that chance would bring there in the same time."""
    members = holder.members
    span_h = max(one.at_h for one in members) - min(one.at_h for one in members)
    values: dict[str, Any] = {  # Any: numbers and words
        "calls": len(members),
        "customers": len(holder.persons),
        "minutes": max(1, round(60.0 * span_h)),
    }
    on = Counter(int(one.segments[int(np.argmax(one.weights))]) for one in members if one.is_about_supply)
    usual = _usual(members[-1], scene)
    if holder.scope in GROUPS:
        among = float(scene.supply.zone_customers.get(holder.group, 0))
        values["group"] = holder.group
    elif holder.scope is Scope.SITE or not on:
        newest = members[-1]
        among, usual = SITE_M2 * newest.per_m2_h / newest.per_customer_h, newest.per_customer_h
    else:
        segments = [segment for segment, _ in on.most_common(SEGMENTS_MAX)]
        numbers = sorted(int(scene.supply.number[one]) for one in segments)
        values["segments"] = ", ".join(str(one) for one in numbers) + ("…" if len(on) > SEGMENTS_MAX else "")
        among = _customers_on(np.array(sorted(on), dtype=np.int64), scene)
    values["expected"] = _short(usual * among * span_h)
    code = "sighted" if holder.scope is Scope.OUTAGE and not on else holder.scope.value
    return Clause(f"{PREFIX}.counted_{code}", values)


def _usual(call: Call, scene: Scene) -> float:
    """Tell how many calls of all kinds come anyway at a call's hour, per customer and hour."""
    habits, supply = scene.habits, scene.supply
    rates = [
        habits.background(call.at_h, one, supply.customer_count)
        for one in range(len(CATEGORIES))
        if one != OTHER
    ]
    return float(sum(rates))


def _customers_on(segments: Ints, scene: Scene) -> float:
    return float(scene.supply.customers_on[segments].sum())


def _short(number: float) -> str:
    """Write a number with two digits that mean something: 0.021, 3.4, 56, 1200."""
    if number <= 0.0 or not np.isfinite(number):
        return "0"
    text = f"{float(f'{number:.{DIGITS}g}'):.4f}".rstrip("0").rstrip(".")
    return text if text != "0" else "<0.0001"
