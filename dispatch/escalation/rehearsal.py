"""What a rule would have raised, had it been in force: read from the events that are kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.auth import Actor
from core.events import AreaOutageSuspected, AssetFaultsRepeated, Event, RepeatedComplaint
from core.models import OutboxEvent
from core.outbox import read_event
from core.settings import Settings
from dispatch.escalation import rules
from dispatch.escalation.models import Trigger
from dispatch.escalation.rules import Occasion, RuleText
from dispatch.models import Incident

TOLD_BY: Final = {
    Trigger.CLUSTER: AreaOutageSuspected,
    Trigger.AREA: AreaOutageSuspected,
    Trigger.ZONE: AreaOutageSuspected,
    Trigger.REPEAT: RepeatedComplaint,
    Trigger.ASSET_FAULTS: AssetFaultsRepeated,
}
"""Which event tells of a trigger."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """An escalation that would have been raised, and when it had been due."""

    at: datetime
    due_at: datetime
    is_confirmed: bool
    incident_id: UUID | None
    incident_number: int | None
    asset_kind: str | None
    asset_id: str | None


def rehearse(
    session: Session, actor: Actor, text: RuleText, *, since: datetime, settings: Settings
) -> list[Rehearsed]:
    """List what a rule would have raised since a time in the actor's area, oldest first; each incident and asset once.

    Raises
    ------
    RuleUnclear
        The rule does not say what it needs to.
    """
    rules.ensure_clear(session, text)
    first: dict[UUID | tuple[str, str], datetime] = {}
    for at, event in _told(session, text.trigger, since):
        subject, occasion = _occasion(event)
        if rules.fits(text, occasion):
            first.setdefault(subject, at)
    numbers = _numbers(session, actor, [one for one in first if isinstance(one, UUID)])
    return [
        _rehearsed(session, text, subject, at, numbers, settings=settings)
        for subject, at in first.items()
        if subject in numbers or (not isinstance(subject, UUID) and actor.area_wkt is None)
    ]


def _told(session: Session, trigger: Trigger, since: datetime) -> Iterator[tuple[datetime, Event]]:
    rows = session.scalars(
        select(OutboxEvent)
        .where(OutboxEvent.name == TOLD_BY[trigger].__name__, OutboxEvent.emitted_at >= since)
        .order_by(OutboxEvent.emitted_at, OutboxEvent.id)
    )
    return ((row.emitted_at, read_event(row)) for row in rows)


def _occasion(event: Event) -> tuple[UUID | tuple[str, str], Occasion]:
    match event:
        case AreaOutageSuspected():
            return event.incident_id, Occasion(Trigger(event.level))
        case RepeatedComplaint():
            return event.incident_id, Occasion(Trigger.REPEAT, event.times, event.window_days)
        case AssetFaultsRepeated():
            return (event.asset_kind, event.asset_id), Occasion(
                Trigger.ASSET_FAULTS, event.faults, event.window_days
            )
    raise TypeError(type(event))


def _numbers(session: Session, actor: Actor, ids: list[UUID]) -> dict[UUID, int]:
    """Map those incidents that are the actor's to see to their numbers."""
    rows = session.execute(
        select(Incident.id, Incident.number).where(Incident.id.in_(ids), actor.area_filter(Incident.place))
    )
    return dict(rows.all())


def _rehearsed(
    session: Session,
    text: RuleText,
    subject: UUID | tuple[str, str],
    at: datetime,
    numbers: dict[UUID, int],
    *,
    settings: Settings,
) -> Rehearsed:
    ends = rules.due(session, text.term, at, settings=settings)
    if isinstance(subject, UUID):
        return Rehearsed(at, ends.due_at, ends.is_confirmed, subject, numbers[subject], None, None)
    return Rehearsed(at, ends.due_at, ends.is_confirmed, None, None, *subject)
