"""What an incident looks like from its reports: what seems wrong, how far it reaches, where it probably broke."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dispatch.models import IncidentKind, IncidentLevel
from dispatch.reports import UNSURE_PLACE_M, Category, ReportFacts
from gis.coordinates import straight_line_m

CUSTOMERS_MIN: Final = 30
"""Fewer customers in reach than this are not believed: connections are missing."""


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


AREA_CUSTOMERS_MIN: Final = 8
AREA_SEGMENTS_MIN: Final = 3
AREA_DRY_CUSTOMERS_MIN: Final = 300


def infer_level(reports: Sequence[ReportFacts], *, customers_without_water: int) -> IncidentLevel:
    """Tell how far an incident reaches that is no chance: a cluster, or an area."""
    callers = {one.customer_key for one in reports}
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
