"""How many reports a zone had in an hour, against the usual for that hour of the week."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from scipy.special import pdtrc

from dispatch.reports import SUPPLY, Category

WEEKS: Final = 4
"""Weeks before, whose same hour is the usual."""
WEEK: Final = timedelta(days=7)
HOUR: Final = timedelta(hours=1)
EXPECTED_MIN: Final = 1 / WEEKS
"""An hour that was quiet in four weeks may still bring one call in four: of fewer nothing is known."""
RAISED_CHANCE: Final = 0.01
"""So many reports or more come by chance in one hour of four days."""
FAR_ABOVE_CHANCE: Final = 0.001
"""In one hour of six weeks."""


class Group(StrEnum):
    """Categories that are counted together: those one break can cause, and the others."""

    ALL = "all"
    SUPPLY = "supply"
    WATER_QUALITY = "water_quality"
    OTHER = "other"


CATEGORIES: Final[Mapping[Group, frozenset[Category]]] = {
    Group.ALL: frozenset(Category),
    Group.SUPPLY: SUPPLY,
    Group.WATER_QUALITY: frozenset({Category.WATER_QUALITY}),
    Group.OTHER: frozenset(Category) - SUPPLY - {Category.WATER_QUALITY},
}


class Verdict(StrEnum):
    """How unusual a number of reports is."""

    TOO_LITTLE_HISTORY = "too_little_history"
    USUAL = "usual"
    RAISED = "raised"
    FAR_ABOVE = "far_above"


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted: reports of a group in a zone; None for those whose zone is not known."""

    zone_id: UUID | None
    group: Group


Counts = Mapping[Counted, Mapping[datetime, int]]
"""Reports by what is counted and the beginning of the hour, UTC; hours without any are left out."""


@dataclass(frozen=True, slots=True)
class Rate:
    """The reports of one hour beside those of the same hour in the weeks before."""

    counted: Counted
    hour: datetime
    count: int
    before: tuple[int, ...]
    """The latest week first; only as many as reports are kept for."""
    usual: float | None
    """The median of `before`; None with fewer than four weeks."""
    verdict: Verdict


def hours_of(since: datetime, until: datetime, zone: ZoneInfo) -> list[datetime]:
    """List the beginnings of the hours a span touches: full hours on the utility's clock, given in UTC."""
    hours, at = [], since
    while (begin := _hour_of(at, zone)) < until:
        hours.append(begin)
        at = begin + HOUR
    return hours


def same_hour_before(hour: datetime, zone: ZoneInfo) -> list[datetime]:
    """Give the same hour of the week in each of the four weeks before, the latest first.

    The same on the clock on the wall, as people live by it. Where clocks are put forward, an hour that was skipped is the one after it; where
    they are put back, an hour that came twice is its first.
    """
    local = hour.astimezone(zone).replace(tzinfo=None)
    return [(local - n * WEEK).replace(tzinfo=zone).astimezone(UTC) for n in range(1, WEEKS + 1)]


def verdict(count: int, usual: float | None) -> Verdict:
    """Say in a word how likely so many reports or more are by chance, were they to come singly and as often as usual."""
    if usual is None:
        return Verdict.TOO_LITTLE_HISTORY
    chance = _tail(count, max(usual, EXPECTED_MIN))
    if chance < FAR_ABOVE_CHANCE:
        return Verdict.FAR_ABOVE
    return Verdict.RAISED if chance < RAISED_CHANCE else Verdict.USUAL


def rates(
    counts: Counts, hours: Sequence[datetime], *, first_hour: datetime | None, zone: ZoneInfo
) -> list[Rate]:
    """Set the counts of hours beside the usual, in order of time.

    Parameters
    ----------
    counts
        Of these hours and of the four weeks before.
    hours
        Beginnings of the hours asked for.
    first_hour
        The first full hour for which reports are kept: what is older is not known, which is not the same as quiet.
    zone
        The utility's time.

    Returns
    -------
    rates
        Without hours that had no report and usually have none.
    """
    before_of = {
        hour: [one for one in same_hour_before(hour, zone) if first_hour is not None and one >= first_hour]
        for hour in hours
    }
    found = []
    for hour in hours:
        earlier = before_of[hour]
        for counted, by_hour in counts.items():
            count = by_hour.get(hour, 0)
            before = tuple(by_hour.get(one, 0) for one in earlier)
            usual = float(median(before)) if len(before) == WEEKS else None
            if count or usual:
                found.append(Rate(counted, hour, count, before, usual, verdict(count, usual)))
    return found


def _hour_of(at: datetime, zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone)
    return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)


def _tail(count: int, mean: float) -> float:
    """Probability of `count` or more events where `mean` are expected (Poisson)."""
    return float(pdtrc(count - 1, mean)) if count else 1.0
