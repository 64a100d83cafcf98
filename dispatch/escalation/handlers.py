"""What escalations make of what happened. Every handler accepts a repeat."""

from typing import Any

from sqlalchemy.orm import Session

from core.events import (
    AreaOutageSuspected,
    AssetFaultsRepeated,
    CalendarChanged,
    DeadlineKind,
    DeadlineReached,
    IncidentClosed,
    IncidentMerged,
    IncidentOpened,
    IncidentUnmerged,
    RepeatedComplaint,
)
from core.outbox import emitted_at
from core.settings import get_settings
from dispatch import incidents
from dispatch.escalation import rules, snapshot, steps
from dispatch.escalation.models import Trigger
from dispatch.escalation.rules import Occasion
from dispatch.models import Incident, IncidentState


def escalate_growth(session: Session, event: AreaOutageSuspected) -> None:
    """An incident reaches farther: whoever must know of that is to be told."""
    incident = incidents.heir(session, event.incident_id, lock=True)
    _raise(session, Occasion(Trigger(event.level)), incident=incident)


def escalate_repeat(session: Session, event: RepeatedComplaint) -> None:
    """Somebody complains again."""
    incident = incidents.heir(session, event.incident_id, lock=True)
    occasion = Occasion(Trigger.REPEAT, event.times, event.window_days)
    _raise(session, occasion, incident=incident, is_on_closed=event.on_closed)


def escalate_faults(session: Session, event: AssetFaultsRepeated) -> None:
    """An asset fails again and again."""
    occasion = Occasion(Trigger.ASSET_FAULTS, event.faults, event.window_days)
    _raise(session, occasion, asset=(event.asset_kind, event.asset_id))


def join_escalations(session: Session, event: IncidentMerged) -> None:
    """Two incidents are one: so are their escalations, and the earlier deadline holds."""
    incident = incidents.get(session, event.incident_id, lock=True)
    if incident.merged_into_id is None:
        return  # the merge was undone before anybody came to it
    heir = incidents.heir(session, incident.id, lock=True)
    for one in steps.live_of(session, incident.id):
        steps.follow(session, one, heir, settings=get_settings(), why=f"{steps.WHY}merged")


def part_escalations(session: Session, event: IncidentUnmerged) -> None:
    """A merge was undone."""
    incident = incidents.get(session, event.incident_id, lock=True)
    if incident.merged_into_id is None:
        steps.give_back(session, incident, settings=get_settings())


def copy_escalations(session: Session, event: IncidentOpened) -> None:
    """An incident was split off another: what must be told of that one must be told of it."""
    incident = incidents.get(session, event.incident_id, lock=True)
    if incident.split_from_id is None or incident.state == IncidentState.MERGED:
        return
    for one in steps.live_of(session, incident.split_from_id):
        steps.copy_to(session, one, incident, settings=get_settings())


def end_escalations(session: Session, event: IncidentClosed) -> None:
    """An incident is over: its escalations end, as far as their rules say so."""
    incidents.get(session, event.incident_id, lock=True)
    for one in steps.live_of(session, event.incident_id):
        steps.close_if_done(session, one)


def heed_deadline(session: Session, event: DeadlineReached) -> None:
    """An escalation comes near, is due, or climbs."""
    if event.kind is DeadlineKind.ESCALATION_STEP:
        steps.look(session, steps.get(session, event.subject_id, lock=True), settings=get_settings())


def heed_calendar(session: Session, event: CalendarChanged) -> None:
    """Working days are other than was thought."""
    steps.recount_open(session, settings=get_settings())


def _raise(
    session: Session,
    occasion: Occasion,
    *,
    incident: Incident | None = None,
    asset: tuple[str, str] | None = None,
    is_on_closed: bool = False,
) -> None:
    if incident is not None and incident.state == IncidentState.DISMISSED:
        return
    at_trigger: dict[str, Any] | None = None  # Any: a snapshot's JSON
    for rule in rules.current(session, trigger=occasion.trigger):
        if not rules.fits(rule, occasion):
            continue
        at_trigger = at_trigger or snapshot.take(
            session,
            incident,
            times=occasion.times,
            window_days=occasion.window_days,
            is_on_closed=is_on_closed,
        )
        steps.raise_for(
            session,
            rule,
            at=emitted_at(session),
            settings=get_settings(),
            at_trigger=at_trigger,
            incident=incident,
            asset=asset,
        )
