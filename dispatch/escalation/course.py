"""Where an escalation stands and what comes next: decided from its times alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dispatch.escalation.models import EscalationState, Proof, TermUnit

_S = EscalationState
NEAR_SHARE: Final = 0.25
"""Share of a term counted in hours that is its end."""


@dataclass(frozen=True, slots=True)
class Course:
    """The times that decide where an escalation stands."""

    proof: Proof
    near_at: datetime
    due_at: datetime
    rung: int = 0
    reported_at: datetime | None = None
    acknowledged_at: datetime | None = None
    closed_at: datetime | None = None
    is_joined: bool = False


def is_told(course: Course) -> bool:
    """Whether there is the proof its rule wants."""
    if course.acknowledged_at is not None:
        return True
    return course.reported_at is not None and course.proof is Proof.REPORT


def state_at(course: Course, now: datetime) -> EscalationState:
    """Tell where it stands at a time."""
    if course.closed_at is not None:
        return _S.CLOSED
    if course.is_joined:
        return _S.JOINED
    if course.acknowledged_at is not None:
        return _S.ACKNOWLEDGED
    if course.reported_at is not None and (is_told(course) or now < course.due_at):
        return _S.REPORTED
    if course.rung:
        return _S.CLIMBED
    if now >= course.due_at:
        return _S.OVERDUE
    return _S.DUE if now >= course.near_at else _S.PENDING


def next_look(course: Course, climbs_at: datetime | None, now: datetime) -> datetime | None:
    """Tell when it changes by itself next; None: never."""
    if course.closed_at is not None or course.is_joined or is_told(course):
        return None
    ahead: Iterable[datetime] = (one for one in (course.near_at, course.due_at) if one > now)
    return min(ahead, default=climbs_at)


def near(start: datetime, due_at: datetime, unit: TermUnit, *, timezone: str) -> datetime:
    """Tell when a deadline comes near: with the first hour of its day, or with the last quarter of its hours."""
    if unit is TermUnit.HOUR:
        return due_at - (due_at - start) * NEAR_SHARE
    zone = ZoneInfo(timezone)
    return datetime.combine(last_day(due_at, timezone=timezone), time(), tzinfo=zone)


def last_day(due_at: datetime, *, timezone: str) -> date:
    """Name the day on which it is due; midnight belongs to the day it ends."""
    return (due_at - timedelta(microseconds=1)).astimezone(ZoneInfo(timezone)).date()
