"""Which incident a report belongs to, decided from plain values and told so that a dispatcher can check it.

Each earlier report of an incident speaks for one cause that makes further calls likely: near it, behind the same valves, soon. The calls so
expected are weighed against the calls that come anyway (a Poisson background); the report joins the incident with the best odds, if they
are good enough, and opens one of its own otherwise.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from scipy.special import pdtrc

from dispatch.models import IncidentKind, IncidentLevel
from gis.coordinates import LonLat, straight_line_m


class Category(StrEnum):
    """What a caller noticed, as `ReportLocated` carries it."""

    NO_WATER = "no_water"
    LOW_PRESSURE = "low_pressure"
    LEAK = "leak"
    WATER_QUALITY = "water_quality"
    OTHER = "other"


class DecisionKind(StrEnum):
    """What becomes of a report."""

    JOINS = "joins"
    OPENS = "opens"
    REPEAT = "repeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """What triage knows of a report."""

    report_id: UUID
    category: str
    place: LonLat
    pipe_id: UUID
    segment_id: int | None
    zone_id: UUID | None
    confidence: float
    """How sure the place is, 0..1."""
    caller_key: str
    customer_account_id: UUID | None
    noticed_at: datetime
    """When the caller noticed; late calls speak for that time."""
    extent: str = "unknown"
    """How far it reaches, as the caller sees it."""
    repeat_of: UUID | None = None

    @property
    def customer_key(self) -> str:
        """Same for calls of one customer, whoever of the household rings."""
        return str(self.customer_account_id or self.caller_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """An incident a report might belong to."""

    id: UUID
    number: int
    reports: Sequence[ReportFacts]
    dry_segments: frozenset[int] = frozenset()
    """Segments its isolation plan shuts off, once such a plan holds."""
    closed_at: datetime | None = None
    calls: int | None = None
    customers: int | None = None
    opened_at: datetime | None = None
    """All its calls, its customers and its beginning, where `reports` are only those that could tie a new one to it."""


@dataclass(frozen=True, slots=True)
class SharedWater:
    """How two segments that are fed by the same way hang together."""

    weight: float
    """0..1: how likely a cause that leaves one dry leaves the other dry."""
    customers: int
    """Accounts that such a cause leaves dry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """The network round a report."""

    hops: Mapping[int, int] = field(default_factory=dict)
    """Valves between the report's segment and others near it; its own is 0 away."""
    customers: int = 0
    """Accounts on those segments."""
    same_water: Mapping[int, SharedWater] = field(default_factory=dict)
    """Segments that fall dry with the report's, or whose shutting leaves it dry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The numbers triage works with; the defaults were chosen on simulated bursts, see `tests/dispatch/triage/test_decisions.py`."""

    window: timedelta = timedelta(hours=3)
    """Age of the latest report of an incident that still draws others; leaks draw longer."""
    radius_m: float = 400.0
    hops_max: int = 3
    repeat_window: timedelta = timedelta(days=7)
    reopen_window: timedelta = timedelta(hours=24)
    """A customer who calls again about what he noticed so long before the closing, or less, has still the same trouble."""
    odds_min: float = 3.0
    """How many times likelier than chance a report must be to join."""
    merge_odds_min: float = 12.0
    background_per_customer_day: float = 0.002
    """Calls that come without a common cause."""
    cluster_customers_min: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of a report, and why."""

    kind: DecisionKind
    incident_id: UUID | None
    reason_code: str
    """Key of the message catalogues."""
    reason_values: dict[str, Any]  # Any: numbers and words that fill the message
    odds: float = 0.0
    bridges_to: tuple[UUID, ...] = ()
    """Other incidents that fit as surely: the report shows that they are one."""


_C = Category
SUPPLY: Final = frozenset({_C.NO_WATER, _C.LOW_PRESSURE, _C.LEAK})
"""Categories that one break can cause together."""

COMPATIBILITY: Final[Mapping[tuple[str, str], float]] = {
    (_C.NO_WATER, _C.NO_WATER): 1.0,
    (_C.NO_WATER, _C.LOW_PRESSURE): 0.7,
    (_C.NO_WATER, _C.LEAK): 0.8,
    (_C.LOW_PRESSURE, _C.NO_WATER): 0.7,
    (_C.LOW_PRESSURE, _C.LOW_PRESSURE): 0.8,
    (_C.LOW_PRESSURE, _C.LEAK): 0.4,
    (_C.LEAK, _C.NO_WATER): 0.8,
    (_C.LEAK, _C.LOW_PRESSURE): 0.5,
    (_C.LEAK, _C.LEAK): 1.0,
    (_C.WATER_QUALITY, _C.WATER_QUALITY): 1.0,
}
"""How far a report of the first kind leads one to expect a second from the same cause; pairs left out do not go together."""

MEMORY: Final[Mapping[str, timedelta]] = {
    _C.NO_WATER: timedelta(hours=1.5),
    _C.LOW_PRESSURE: timedelta(hours=1.5),
    _C.LEAK: timedelta(hours=48),
    _C.WATER_QUALITY: timedelta(hours=6),
}
"""How long a report goes on speaking for its cause; of a pair, the shorter holds."""

AT_ONCE: Final = timedelta(minutes=10)
"""Callers of one break notice it within about so long of each other, those that look at the clock."""
AT_ONCE_SHARE: Final = 0.5

BACKGROUND_SHARE: Final[Mapping[str, float]] = {
    _C.NO_WATER: 0.3,
    _C.LOW_PRESSURE: 0.2,
    _C.LEAK: 0.2,
    _C.WATER_QUALITY: 0.15,
    _C.OTHER: 0.15,
}

EXTENT_WEIGHT: Final[Mapping[str, float]] = {"only_me": 0.4, "building": 1.0, "street": 1.5, "unknown": 1.0}
"""One whose neighbours have water has private trouble more often than not."""

HOP_WEIGHT: Final = (1.0, 0.7, 0.45, 0.25)
LONE_WEIGHT: Final = (0.0, 0.3, 0.5)
"""A lone call about water that is missing may be about private plumbing, and two may be neighbours of one riser."""
SPEAKING_REPORTS: Final = 12
"""The latest reports of an incident that are weighed; more do not make it surer."""
CUSTOMERS_MIN: Final = 30
"""Fewer customers in reach than this are not believed: connections are missing."""
UNSURE_PLACE_M: Final = 80.0
"""How far off a place of no confidence may be."""
SUPPLY_REACH_M: Final = 1500.0
LEAK_REACH_M: Final = 120.0
LEAK_CUSTOMERS_SHARE: Final = 0.3
"""Of the customers round about, those who walk past a place where water runs."""
LEAK_SUPPLY_REACH_M: Final = 500.0
UNCONNECTED_WEIGHT: Final = 0.25
UNCONNECTED_REACH_M: Final = 150.0
"""For places near each other whose segments hang together only by a long way."""
OFF_NETWORK_WEIGHT: Final = 0.7
OFF_NETWORK_REACH_M: Final = 250.0
"""For places whose segments are not known: distance is all there is."""
UNSURE_WEIGHT: Final = 0.3
"""What a report whose main is not known for sure still counts on the network; its distance counts in full."""
OTHER_ZONE_WEIGHT: Final = 0.01
"""Pressure zones are shut off from each other: what leaves one dry leaves the other alone."""
OTHER_ZONE_LEAK_WEIGHT: Final = 0.5
"""Water in a street on the border may come from the main of either."""
DECLARED_STRENGTH: Final = 3.0
LOCATING_CUSTOMERS: Final = 3
"""Dry customers within what a break would shut off, from which on its place is believed."""
UNEXPLAINED_WEIGHT: Final = 0.25
SURE_PLACE: Final = 0.7
DAY_S: Final = 86_400.0


def decide(
    report: ReportFacts,
    candidates: Sequence[OpenIncident],
    neighbourhood: Neighbourhood,
    *,
    rules: Rules | None = None,
) -> Decision:
    """Decide which incident a report belongs to.

    Parameters
    ----------
    report
        The new report.
    candidates
        Incidents near it in place, network or caller; their order does not matter.
    neighbourhood
        The network round the report; empty where valves are unknown, then distance alone decides.

    Returns
    -------
    decision
        `repeat` when the same customer reported the same matter, `joins` with the best odds of at least `rules.odds_min`, else `opens`.

    References
    ----------
    The streaming scorer measured in the project's findings on detection: report, segment and time kernels over a Poisson background.
    """
    rules = rules or Rules()
    repeat = _repeat(report, candidates, rules)
    if repeat is not None:
        return repeat
    alive = [one for one in candidates if one.closed_at is None]
    if report.category == Category.OTHER:
        return Decision(
            kind=DecisionKind.OPENS,
            incident_id=None,
            reason_code="dispatch.triage.stands_alone",
            reason_values={},
        )
    weighed = [_weigh(report, one, neighbourhood, rules) for one in alive]
    weighed.sort(key=lambda one: (-one.odds, one.incident.number))
    if weighed and weighed[0].odds >= rules.odds_min:
        best = weighed[0]
        return Decision(
            kind=DecisionKind.JOINS,
            incident_id=best.incident.id,
            reason_code=best.reason_code,
            reason_values=_join_values(report, best, neighbourhood, rules),
            odds=best.odds,
            bridges_to=tuple(one.incident.id for one in weighed[1:] if one.odds >= rules.merge_odds_min)
            if best.odds >= rules.merge_odds_min
            else (),
        )
    return _opens(report, weighed, neighbourhood)


# --- the same customer again -----------------------------------------------------------------------------------------------


def _repeat(report: ReportFacts, candidates: Sequence[OpenIncident], rules: Rules) -> Decision | None:
    """Find the incident in which the same customer told the same matter; an open one before one just closed."""
    found: list[tuple[bool, datetime, int, OpenIncident, str]] = []
    for incident in candidates:
        if incident.closed_at is not None and not _is_older_than(report, incident.closed_at, rules):
            continue
        for earlier in incident.reports:
            if not _is_same_matter(earlier.category, report.category):
                continue
            if report.noticed_at - earlier.noticed_at > rules.repeat_window:
                continue
            code = _repeat_code(report, earlier)
            if code is not None:
                found.append(
                    (incident.closed_at is None, earlier.noticed_at, -incident.number, incident, code)
                )
    if not found:
        return None
    is_open, at, _, incident, code = max(found, key=lambda one: one[:3])
    return Decision(
        kind=DecisionKind.REPEAT,
        incident_id=incident.id,
        reason_code=code if is_open else "dispatch.triage.repeat_closed",
        reason_values={
            "number": incident.number,
            "minutes": _minutes(report.noticed_at - at),
        },
        odds=math.inf,
    )


def _is_older_than(report: ReportFacts, closed_at: datetime, rules: Rules) -> bool:
    """Whether what is reported was there before the closing: then it was closed too early; later trouble is new trouble."""
    return closed_at - rules.reopen_window <= report.noticed_at <= closed_at


def _repeat_code(report: ReportFacts, earlier: ReportFacts) -> str | None:
    if report.repeat_of == earlier.report_id or (
        report.customer_account_id is not None and report.customer_account_id == earlier.customer_account_id
    ):
        return "dispatch.triage.repeat_customer"
    if report.caller_key == earlier.caller_key:
        return "dispatch.triage.repeat_caller"
    return None


def _is_same_matter(one: str, other: str) -> bool:
    return one == other or (one in SUPPLY and other in SUPPLY)


# --- odds ------------------------------------------------------------------------------------------------------------------


class _How(StrEnum):
    """What ties two reports together; also the message that says so."""

    SAME_SEGMENT = "dispatch.triage.same_segment"
    HOPS = "dispatch.triage.hops"
    SAME_WATER = "dispatch.triage.same_water"
    NEAR = "dispatch.triage.near"


@dataclass(frozen=True, slots=True)
class _Reach:
    """One way in which a cause behind an earlier report reaches the new one."""

    how: _How
    weight: float
    customers: int
    """Among how many accounts a further call is expected."""

    @property
    def per_customer(self) -> float:
        return self.weight / max(self.customers, CUSTOMERS_MIN)


@dataclass(frozen=True, slots=True)
class _Tie:
    """How one earlier report is tied to the new one: the strongest reach, faded by time."""

    how: _How
    per_customer: float
    hops: int | None
    distance_m: float
    memory_s: float


@dataclass(frozen=True, slots=True)
class _Weighed:
    incident: OpenIncident
    odds: float
    reason_code: str
    strongest: _Tie | None
    """None when nothing ties the report to it."""
    nearest_m: float
    is_other_matter: bool


def _weigh(report: ReportFacts, incident: OpenIncident, around: Neighbourhood, rules: Rules) -> _Weighed:
    """Compute how many times likelier the report is with the incident than without it."""
    background = _background_per_s(report.category, rules)
    speaking = _latest_per_customer(incident.reports)
    ties = [(_tie(report, one, around, rules), one) for one in speaking]
    lone = _lone_weight([one for tie, one in ties if tie.per_customer > 0.0])
    rate = sum(
        lone * COMPATIBILITY.get((one.category, report.category), 0.0) * tie.per_customer / tie.memory_s
        for tie, one in ties
    )
    is_declared = (
        report.segment_id is not None
        and report.segment_id in incident.dry_segments
        and report.category in (Category.NO_WATER, Category.LOW_PRESSURE)
    )
    if is_declared:
        memory_s = MEMORY[report.category].total_seconds()
        rate += DECLARED_STRENGTH * report.confidence / (max(around.customers, CUSTOMERS_MIN) * memory_s)
    elif _is_unexplained(report, incident):
        rate *= UNEXPLAINED_WEIGHT
    strongest = max((tie for tie, _ in ties), key=lambda tie: tie.per_customer, default=None)
    return _Weighed(
        incident=incident,
        odds=rate / background * EXTENT_WEIGHT.get(report.extent, 1.0),
        reason_code="dispatch.triage.declared" if is_declared or strongest is None else strongest.how,
        strongest=strongest if strongest is not None and strongest.per_customer > 0.0 else None,
        nearest_m=min((tie.distance_m for tie, _ in ties), default=math.inf),
        is_other_matter=bool(speaking)
        and all((one.category, report.category) not in COMPATIBILITY for one in speaking),
    )


def _is_unexplained(report: ReportFacts, incident: OpenIncident) -> bool:
    """Whether the report's tap should still run if the incident is what it seems, and enough dry taps say where it is."""
    if report.category != Category.NO_WATER or report.segment_id is None or not incident.dry_segments:
        return False
    if report.segment_id in incident.dry_segments or report.confidence < SURE_PLACE:
        return False
    inside = {
        one.customer_key
        for one in incident.reports
        if one.category == Category.NO_WATER and one.segment_id in incident.dry_segments
    }
    return len(inside) >= LOCATING_CUSTOMERS


def _latest_per_customer(reports: Sequence[ReportFacts]) -> list[ReportFacts]:
    """Keep each customer's latest report of each matter: one who calls five times is one who is dry."""
    latest: dict[tuple[str, str], ReportFacts] = {}
    for one in sorted(reports, key=lambda r: (r.noticed_at, str(r.report_id))):
        latest[one.customer_key, one.category] = one
    return sorted(latest.values(), key=lambda r: (r.noticed_at, str(r.report_id)))[-SPEAKING_REPORTS:]


def _lone_weight(speaking: Sequence[ReportFacts]) -> float:
    """Trust few calls less, unless somebody saw the water run."""
    if any(one.category == Category.LEAK for one in speaking):
        return 1.0
    customers = len({one.customer_key for one in speaking})
    return LONE_WEIGHT[customers] if customers < len(LONE_WEIGHT) else 1.0


def _tie(report: ReportFacts, earlier: ReportFacts, around: Neighbourhood, rules: Rules) -> _Tie:
    """Weigh place, network and time between two reports, compatibility left out."""
    metres = straight_line_m(report.place, earlier.place)
    unsure_m = UNSURE_PLACE_M * ((1.0 - report.confidence) + (1.0 - earlier.confidence))
    reaches = _reaches(report, earlier, around, rules, distance_m=max(0.0, metres - unsure_m))
    best = max(reaches, key=lambda reach: reach.per_customer)
    pair = {report.category, earlier.category}
    are_leaks = pair == {Category.LEAK}
    memory, apart = _memory(report, earlier), abs(report.noticed_at - earlier.noticed_at)
    is_past = apart > (memory if are_leaks else rules.window)
    in_other_zone = None not in (report.zone_id, earlier.zone_id) and report.zone_id != earlier.zone_id
    faded = (
        0.0 if is_past else _fading(apart, memory, are_supply=_C.LEAK not in pair and SUPPLY.issuperset(pair))
    )
    if in_other_zone and not are_leaks:
        faded *= OTHER_ZONE_LEAK_WEIGHT if Category.LEAK in pair else OTHER_ZONE_WEIGHT
    return _Tie(
        how=best.how,
        per_customer=best.per_customer * faded,
        hops=None if earlier.segment_id is None else around.hops.get(earlier.segment_id),
        distance_m=metres,
        memory_s=memory.total_seconds(),
    )


def _reaches(
    report: ReportFacts, earlier: ReportFacts, around: Neighbourhood, rules: Rules, *, distance_m: float
) -> list[_Reach]:
    """List the ways a cause behind the earlier report reaches the new one."""
    in_radius = distance_m <= rules.radius_m
    if report.category == earlier.category == Category.LEAK:
        weight = _near(distance_m, LEAK_REACH_M) if in_radius else 0.0
        return [_Reach(_How.NEAR, weight, round(around.customers * LEAK_CUSTOMERS_SHARE))]
    on_network = bool(around.hops) and earlier.segment_id is not None
    hops = None if earlier.segment_id is None else around.hops.get(earlier.segment_id)
    shared = None if earlier.segment_id is None else around.same_water.get(earlier.segment_id)
    fed_reach_m = (
        LEAK_SUPPLY_REACH_M if Category.LEAK in (report.category, earlier.category) else SUPPLY_REACH_M
    )
    sure = UNSURE_WEIGHT + (1.0 - UNSURE_WEIGHT) * min(report.confidence, earlier.confidence)
    beside = (
        (UNCONNECTED_WEIGHT, UNCONNECTED_REACH_M) if on_network else (OFF_NETWORK_WEIGHT, OFF_NETWORK_REACH_M)
    )
    reaches = [
        _Reach(_How.NEAR, beside[0] * _near(distance_m, beside[1]) if in_radius else 0.0, around.customers)
    ]
    if hops == 0:
        reaches.append(
            _Reach(_How.SAME_SEGMENT, sure * HOP_WEIGHT[0] * _near(distance_m, fed_reach_m), around.customers)
        )
    elif hops is not None and hops <= rules.hops_max and in_radius:
        weight = sure * HOP_WEIGHT[min(hops, len(HOP_WEIGHT) - 1)] * _near(distance_m, 1.5 * rules.radius_m)
        reaches.append(_Reach(_How.HOPS, weight, around.customers))
    if shared is not None:
        weight = sure * shared.weight * _near(distance_m, fed_reach_m)
        reaches.append(_Reach(_How.SAME_WATER, weight, shared.customers))
    return reaches


def _fading(apart: timedelta, memory: timedelta, *, are_supply: bool) -> float:
    """How much the time between two notices speaks for one cause: taps run dry at once, and some tell it by and by."""
    slowly = math.exp(-apart / memory)
    if not are_supply:
        return slowly
    at_once = math.exp(-apart / AT_ONCE) * (memory / AT_ONCE)
    return AT_ONCE_SHARE * at_once + (1.0 - AT_ONCE_SHARE) * slowly


def _memory(report: ReportFacts, earlier: ReportFacts) -> timedelta:
    fallback = MEMORY[Category.NO_WATER]
    return min(MEMORY.get(report.category, fallback), MEMORY.get(earlier.category, fallback))


def _near(distance_m: float, reach_m: float) -> float:
    return math.exp(-((distance_m / reach_m) ** 2))


def _background_per_s(category: str, rules: Rules) -> float:
    return rules.background_per_customer_day * BACKGROUND_SHARE.get(category, 0.15) / DAY_S


def expected_by_chance(customers: int, span: timedelta, *, rules: Rules) -> float:
    """How many calls `customers` make in `span` without a common cause; a span counts as ten minutes at least."""
    seconds = max(span.total_seconds(), 600.0)
    return rules.background_per_customer_day / DAY_S * max(customers, CUSTOMERS_MIN) * seconds


def poisson_tail(count: int, mean: float) -> float:
    """Probability of `count` or more events where `mean` are expected."""
    return float(pdtrc(count - 1, mean)) if count else 1.0


# --- words -----------------------------------------------------------------------------------------------------------------


def _join_values(
    report: ReportFacts, best: _Weighed, around: Neighbourhood, rules: Rules
) -> dict[str, Any]:  # Any: see Decision
    incident, together = best.incident, [*best.incident.reports, report]
    since = min(one.noticed_at for one in together)
    if incident.opened_at is not None:
        since = min(since, incident.opened_at)
    until = max(one.noticed_at for one in together)
    others = {one.customer_key for one in incident.reports}
    customers = incident.customers if incident.customers is not None else len(others)
    segments = sorted({one.segment_id for one in together if one.segment_id is not None})
    tie = best.strongest
    return {
        "number": best.incident.number,
        "calls": 1 + (incident.calls if incident.calls is not None else len(incident.reports)),
        "customers": customers + (report.customer_key not in others),
        "segments": _listed(segments),
        "minutes": _minutes(until - since),
        "distance_m": _round_m(best.nearest_m) if incident.reports else 0,
        "hops": tie.hops if tie is not None and tie.hops is not None else 0,
        "odds": _round_odds(best.odds),
        "expected": float(f"{expected_by_chance(around.customers, until - since, rules=rules):.2g}"),
    }


def _opens(report: ReportFacts, weighed: Sequence[_Weighed], around: Neighbourhood) -> Decision:
    """Say why nothing near was joined: the most telling reason about the nearest incident."""
    placed = [one for one in weighed if one.incident.reports]
    nearest = min(placed, key=lambda one: (one.nearest_m, one.incident.number), default=None)
    values: dict[str, Any] = {}  # Any: see Decision
    if nearest is None:
        code = "dispatch.triage.alone"
    else:
        values = {"number": nearest.incident.number, "distance_m": _round_m(nearest.nearest_m)}
        if nearest.is_other_matter:
            code = "dispatch.triage.other_matter"
        elif nearest.strongest is None:
            code = "dispatch.triage.beyond_reach"
        else:
            code = "dispatch.triage.weak"
            values["odds"] = _round_odds(max(one.odds for one in weighed))
    return Decision(
        kind=DecisionKind.OPENS,
        incident_id=None,
        reason_code=code,
        reason_values=values,
        odds=max((one.odds for one in weighed), default=0.0),
    )


def _listed(segments: Sequence[int], *, most: int = 6) -> str:
    shown = ", ".join(map(str, segments[:most]))
    return shown if len(segments) <= most else f"{shown} …"


def _minutes(span: timedelta) -> int:
    return max(1, round(span.total_seconds() / 60))


def _round_m(metres: float) -> int:
    return round(metres / 10.0) * 10 if metres < 10_000 else round(metres / 1000.0) * 1000


def _round_odds(odds: float) -> float:
    return float(f"{min(odds, 1e6):.2g}")


# --- what an incident looks like from its reports ----------------------------------------------------------------------------


def infer_kind(reports: Iterable[ReportFacts]) -> IncidentKind:
    """Tell what seems to be wrong: water seen and water missing together is a burst."""
    by_category: dict[str, set[str]] = {}
    for one in reports:
        by_category.setdefault(one.category, set()).add(one.customer_key)
    leak, dry = by_category.get(Category.LEAK), by_category.get(Category.NO_WATER)
    low, foul = by_category.get(Category.LOW_PRESSURE), by_category.get(Category.WATER_QUALITY)
    if leak and (dry or len(low or ()) > 1):
        return IncidentKind.BURST
    if leak:
        return IncidentKind.LEAK
    if dry:
        return IncidentKind.OUTAGE
    if low:
        return IncidentKind.LOW_PRESSURE
    return IncidentKind.WATER_QUALITY if foul else IncidentKind.OTHER


LEVEL_TAIL_MAX: Final = 1e-4
"""Chance calls explain a group with less than this probability before it counts as one."""
AREA_CUSTOMERS_MIN: Final = 8
AREA_SEGMENTS_MIN: Final = 3
AREA_DRY_CUSTOMERS_MIN: Final = 300


def infer_level(
    reports: Sequence[ReportFacts],
    *,
    customers_in_reach: int,
    customers_without_water: int,
    rules: Rules | None = None,
) -> IncidentLevel:
    """Tell how far an incident reaches: one matter, a cluster that chance does not explain, or an area."""
    rules = rules or Rules()
    callers = {one.customer_key for one in reports}
    if len(callers) < rules.cluster_customers_min:
        return IncidentLevel.SINGLE
    at = sorted(one.noticed_at for one in reports)
    mean = expected_by_chance(customers_in_reach, at[-1] - at[0], rules=rules)
    if poisson_tail(len(callers), mean) > LEVEL_TAIL_MAX:
        return IncidentLevel.SINGLE
    segments = {one.segment_id for one in reports if one.segment_id is not None}
    reaches_far = len(callers) >= AREA_CUSTOMERS_MIN and len(segments) >= AREA_SEGMENTS_MIN
    if reaches_far or customers_without_water >= AREA_DRY_CUSTOMERS_MIN:
        return IncidentLevel.AREA
    return IncidentLevel.CLUSTER


@dataclass(frozen=True, slots=True)
class Shutdown:
    """What falls dry when a segment breaks or is shut."""

    dry_segments: frozenset[int]
    customers: int


_LEAK_ELSEWHERE: Final = -3.0
_LOW_PRESSURE_INSIDE: Final = -1.0
_STRAY_CALL: Final = math.log(1.0 / 50_000.0)
"""Log-likelihood of a call about missing water that the break does not explain."""


@dataclass(frozen=True, slots=True)
class LikelyBreak:
    """Where the cause seems to be."""

    main: ReportFacts
    """The report on whose main, and so in whose segment, it seems to be."""
    place: ReportFacts
    """The report where a crew looks first: a sighting, if there is one near."""


SIGHTING_REACH_M: Final = 300.0
PLACING_REPORTS: Final = 60
"""The first so many reports say where it is; more only cost time."""


def likely_break(reports: Sequence[ReportFacts], shutdowns: Mapping[int, Shutdown]) -> LikelyBreak:
    """Choose the reports nearest to the cause.

    Each segment with a report is tried as the broken one: calls about missing water are equally likely from everybody it leaves dry and
    unlikely from elsewhere, low pressure comes from round about, water in the street is seen at the break. Within the best segment a sighting
    wins, else the report most central among those without water.

    Parameters
    ----------
    reports
        The incident's reports, at least one.
    shutdowns
        What each of their segments leaves dry.
    """
    ordered = sorted(reports, key=lambda one: (one.noticed_at, str(one.report_id)))[:PLACING_REPORTS]
    scores = {segment: _explains(ordered, segment, shutdown) for segment, shutdown in shutdowns.items()}
    inside = ordered
    if scores:
        best = max(sorted(scores), key=lambda segment: scores[segment])
        inside = [one for one in ordered if one.segment_id == best] or ordered
    main = _most_central(_most_telling(inside))
    sightings = [
        one
        for one in ordered
        if one.category == Category.LEAK and straight_line_m(one.place, main.place) <= SIGHTING_REACH_M
    ]
    return LikelyBreak(main=main, place=_most_central(sightings) if sightings else main)


def _most_telling(reports: Sequence[ReportFacts]) -> Sequence[ReportFacts]:
    for category in (Category.LEAK, Category.NO_WATER):
        telling = [one for one in reports if one.category == category]
        if telling:
            return telling
    return reports


def _explains(reports: Sequence[ReportFacts], segment: int, shutdown: Shutdown) -> float:
    """Log-likelihood of the reports if this segment is the broken one."""
    score = 0.0
    for one in reports:
        is_dry = one.segment_id in shutdown.dry_segments
        if one.category == Category.NO_WATER:
            score += -math.log(max(shutdown.customers, CUSTOMERS_MIN)) if is_dry else _STRAY_CALL
        elif one.category == Category.LOW_PRESSURE and is_dry:
            score += _LOW_PRESSURE_INSIDE
        elif one.category == Category.LEAK and one.segment_id != segment:
            score += _LEAK_ELSEWHERE * one.confidence
    return score


def _most_central(reports: Sequence[ReportFacts]) -> ReportFacts:
    """Choose the report with the least way to all others; unsure places count as farther."""

    def way_m(one: ReportFacts) -> float:
        unsure_m = UNSURE_PLACE_M * (1.0 - one.confidence)
        return sum(straight_line_m(one.place, other.place) + unsure_m for other in reports)

    return min(reports, key=way_m)
