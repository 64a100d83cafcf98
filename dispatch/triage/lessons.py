"""What triage learns each night from the reports of the past weeks: how people call here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.settings import Settings
from dispatch import queries
from dispatch.models import CallingHabits
from dispatch.queries import StoredReport
from dispatch.triage.calls import Told
from dispatch.triage.habits import Habits
from dispatch.triage.in_force import first_habits
from dispatch.triage.learning import learn
from dispatch.triage.town import Town, announced, current_town
from dispatch.triage.works import Works
from gis.shutdowns import shutdowns_between

log = structlog.get_logger()

WEEKS: Final = timedelta(weeks=8)
CALLS_MAX: Final = 20_000
"""The newest are enough, and take some minutes."""
CALLS_MIN: Final = 200
DAYS_MIN: Final = timedelta(days=7)
"""Fewer calls, or of fewer days, teach nothing that holds for a week."""


@dataclass(frozen=True)
class Lesson:
    """What there is to learn from."""

    town: Town
    since: datetime
    calls: tuple[Told, ...]
    works: tuple[Works, ...]
    first: Habits

    def learn(self) -> Habits:
        """Replay the calls twice and see how people called; takes some milliseconds a call."""
        return learn(self.town.supply, self.calls, self.works, first=self.first)


def prepare(session: Session, settings: Settings) -> Lesson | None:
    """Read what there is to learn from; None while that is too little."""
    now = utc_now()
    stored = queries.reports_since(session, now - WEEKS)[-CALLS_MAX:]
    if len(stored) < CALLS_MIN or stored[-1].attached_at - stored[0].attached_at < DAYS_MIN:
        log.info("triage.too_little_to_learn", reports=len(stored))
        return None
    town = current_town(session)
    since = stored[0].attached_at
    calls = heard(town, stored)
    works = announced(town.supply, shutdowns_between(session, since, now))
    return Lesson(town, since, calls, tuple(works), first_habits(town, settings))


def heard(town: Town, stored: Sequence[StoredReport]) -> tuple[Told, ...]:
    """See stored reports as the stream takes them."""
    calls: list[Told] = []
    for one in stored:
        calls.append(town.told(one.facts, one.received_at, after_h=calls[-1].at_h if calls else 0.0))
    return tuple(calls)


def keep(session: Session, lesson: Lesson, habits: Habits) -> None:
    """Store what was learnt; triage goes by it from its next look on."""
    session.add(
        CallingHabits(
            learnt_at=utc_now(), since=lesson.since, calls=len(lesson.calls), habits=habits.stored()
        )
    )
    log.info("triage.learnt", reports=len(lesson.calls))
