"""What is probably known already about the place and matter of a report that is just being taken.

The odds come from `odds.py`, by what the reports of the past months show; a process learns them once a day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import numpy as np
from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import utc_now
from core.messages import say
from core.settings import Settings
from dispatch.duplicates.odds import (
    AROUND_M,
    Earlier,
    Habits,
    History,
    Past,
    apart_m,
    best,
    closeness,
    learn_habits,
    lengths_between,
)
from dispatch.duplicates.queries import EarlierReport, earlier_reports, past_reports
from dispatch.queries import summaries_of
from dispatch.reports import SUPPLY, UNSURE_PLACE_M, Category
from dispatch.surroundings import current_surroundings
from dispatch.views import IncidentSummary
from gis.coordinates import LonLat, metric_plane, straight_lines_m, utm_srid
from gis.isolation import segments_within
from gis.kept import Kept

CATEGORIES: Final = {category.value: code for code, category in enumerate(Category)}
KIN: Final = np.array([[SUPPLY.issuperset({one, other}) for other in Category] for one in Category])
"""Categories that one break shows as."""
VALVES_MAX: Final = 3
"""Valves between two segments that are still told."""
EARLIER_MAX: Final = 1_000
"""Of a storm round one place the latest are enough."""
LEARNT_MAX: Final = 5_000
_HABITS: Kept[Habits] = Kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is known of a report while it is being taken."""

    category: str
    place: LonLat
    segment_id: int | None = None
    confidence: float = 1.0
    customer_account_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """An incident that a report being taken is probably about, by the likeliest of its reports."""

    incident: IncidentSummary
    report_number: int
    category: str
    distance_m: float
    valves: int | None
    """Between the two segments; None where they are too many or not known."""
    is_same_customer: bool
    age: timedelta
    odds: float

    def reason(self, language: str, *, category: str) -> str:
        """Say why, for a report of a category."""
        return say(
            "dispatch.duplicate.reason",
            language,
            where=self.where(language),
            matter=say(
                f"dispatch.duplicate.{'same' if category == self.category else 'other'}_matter", language
            ),
            when=_ago(self.age, language),
            n=round(1.0 + self.odds),
        )

    def where(self, language: str) -> str:
        """Say how far away, by the network where it is known."""
        metres = round(self.distance_m, -1) if self.distance_m >= 10 else round(self.distance_m)
        if self.is_same_customer:
            return say("dispatch.duplicate.same_customer", language)
        if self.valves is None:
            return say("dispatch.duplicate.away", language, distance_m=f"{metres:.0f}")
        way = {0: "same_segment", 1: "one_valve"}.get(self.valves, "valves")
        return say(f"dispatch.duplicate.{way}", language, distance_m=f"{metres:.0f}", valves=self.valves)


def known_already(session: Session, actor: Actor, asked: Asked, *, settings: Settings) -> list[Suggestion]:
    """Suggest the open incidents of the actor's area that a report being taken is probably about, the likeliest first."""
    now = utc_now()
    found = earlier_reports(
        session,
        actor,
        asked.place,
        reach_m=AROUND_M,
        customer_account_id=asked.customer_account_id,
        since=now - timedelta(days=settings.duplicate_days),
        limit=EARLIER_MAX,
    )
    if not found:
        return []
    valves = _valves_between(session, asked, found)
    metres = straight_lines_m([one.place for one in found], asked.place)
    earlier = _as_earlier(asked, found, valves, metres, now=now)
    habits = current_habits(session, now, days=settings.duplicate_days)
    odds = habits.odds(CATEGORIES[asked.category], earlier)
    likeliest: dict[UUID, int] = {}
    for index in best(odds, earlier.age_s, odds_min=settings.duplicate_odds_min, most=len(found)):
        likeliest.setdefault(found[index].incident_id, index)
    chosen = list(likeliest.items())[: settings.duplicate_suggestions_max]
    incidents = summaries_of(session, [incident_id for incident_id, _ in chosen])
    return [
        Suggestion(
            incident=incidents[incident_id],
            report_number=found[index].report_number,
            category=found[index].category,
            distance_m=float(metres[index]),
            valves=valves[index],
            is_same_customer=_is_same_customer(asked, found[index]),
            age=now - found[index].received_at,
            odds=float(odds[index]),
        )
        for incident_id, index in chosen
    ]


def warm(session: Session, settings: Settings) -> None:
    """Learn before the first agent asks."""
    current_habits(session, utc_now(), days=settings.duplicate_days)


def current_habits(session: Session, now: datetime, *, days: int) -> Habits:
    """Give what the reports until last midnight (UTC) show, learnt once a day."""
    until = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return _HABITS.get((until, days), lambda: _learnt(session, until, timedelta(days=days)))


def _learnt(session: Session, until: datetime, span: timedelta) -> Habits:
    habits = Habits(len(CATEGORIES), KIN)
    reports = past_reports(session, since=until - span, until=until, limit=LEARNT_MAX)
    return learn_habits(History(_past(reports), age_max=span), habits) if reports else habits


def _past(reports: Sequence[EarlierReport]) -> Past:
    plane = metric_plane(utm_srid(reports[0].place))
    east, north = plane.to_plane(
        np.array([one.place.lon for one in reports]), np.array([one.place.lat for one in reports])
    )
    customers: dict[UUID | None, int] = {None: -1}
    first = reports[0].received_at
    return Past(
        kinds=np.array([CATEGORIES[one.category] for one in reports]),
        east_m=east,
        north_m=north,
        places=np.array([customers.setdefault(one.customer_account_id, len(customers)) for one in reports]),
        segments=np.array([-1 if one.segment_id is None else one.segment_id for one in reports]),
        at_s=np.array([(one.received_at - first).total_seconds() for one in reports]),
        over_at_s=np.array(
            [(one.closed_at - first).total_seconds() if one.closed_at else np.inf for one in reports]
        ),
    )


def _as_earlier(
    asked: Asked,
    found: Sequence[EarlierReport],
    valves: Sequence[int | None],
    metres: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    *,
    now: datetime,
) -> Earlier:
    lengths = [
        lengths_between(between, is_on_network=None not in (asked.segment_id, one.segment_id))
        for between, one in zip(valves, found, strict=True)
    ]
    unsure = [UNSURE_PLACE_M * (2.0 - asked.confidence - one.confidence) for one in found]
    return Earlier(
        kinds=np.array([CATEGORIES[one.category] for one in found]),
        closeness=closeness(
            apart_m(metres, np.array(lengths), np.array(unsure)),
            np.array([_is_same_customer(asked, one) for one in found]),
        ),
        age_s=np.array([(now - one.received_at).total_seconds() for one in found]),
        is_over=np.zeros(len(found), dtype=np.bool_),
    )


def _valves_between(session: Session, asked: Asked, found: Sequence[EarlierReport]) -> list[int | None]:
    surroundings, segment = current_surroundings(session), asked.segment_id
    if surroundings is None or segment is None or not surroundings.knows(segment):
        return [None] * len(found)
    away = segments_within(surroundings.network, segment, VALVES_MAX)
    return [None if one.segment_id is None else away.get(one.segment_id) for one in found]


def _is_same_customer(asked: Asked, earlier: EarlierReport) -> bool:
    return asked.customer_account_id is not None and asked.customer_account_id == earlier.customer_account_id


def _ago(age: timedelta, language: str) -> str:
    minutes = max(1, round(age / timedelta(minutes=1)))
    if minutes < 120:
        return say("dispatch.duplicate.minutes_ago", language, n=minutes)
    if minutes < 48 * 60:
        return say("dispatch.duplicate.hours_ago", language, n=round(minutes / 60))
    return say("dispatch.duplicate.days_ago", language, n=round(minutes / (24 * 60)))
