"""A report finds its incident: what the stream decided is done to what is stored, as far as no person decided otherwise."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from core.settings import Settings
from dispatch import incidents, merging, queries
from dispatch.changes import By
from dispatch.errors import NoSuchIncident
from dispatch.incidents import NewReport, Placing
from dispatch.models import OPEN_STATES, Incident, IncidentLevel, IncidentState
from dispatch.triage.calls import Call
from dispatch.triage.hypotheses import Alarm, Hypothesis, Scope
from dispatch.triage.live import Live, Taken, current_live, forget
from dispatch.triage.reasons import moved
from dispatch.triage.verdicts import VerdictKind

REOPENS_WITHIN: Final = timedelta(hours=24)
"""Who tells again so soon what he noticed before his incident was closed has still the same trouble."""
SAME_TROUBLE: Final = By(why="dispatch.why.bridged")


def place(session: Session, report: NewReport, *, settings: Settings) -> None:
    """Put a report into the incident it belongs to, opening one where there is none, and earlier ones where they now belong."""
    live = current_live(session, settings)
    taken = live.take(report.facts, report.received_at)
    try:
        _store(session, live, taken, report, settings=settings)
    except NoSuchIncident:
        forget()  # what is remembered is not what is stored
        raise


def _store(session: Session, live: Live, taken: Taken, report: NewReport, *, settings: Settings) -> None:
    with live.storing(session):
        alarmed = {one.number for one in taken.alarms}
        incident = _attach(session, live, taken.call, report, alarmed=alarmed, settings=settings)
        _move(session, live, taken.moved, settings=settings)
        _tell(session, live, taken.alarms, beside=incident, settings=settings)
        session.flush()


def _attach(
    session: Session,
    live: Live,
    call: Call,
    report: NewReport,
    *,
    alarmed: Collection[int],
    settings: Settings,
) -> Incident:
    """Put a report where its call stands; `alarmed` are the hypotheses that it made sure."""
    holder = live.engine.holder(call)
    incident = _standing(session, live.incident_of(call), call, report)
    shutdown_id = live.shutdown_of(holder)
    sounds = holder is not None and holder.raised and (incident is None or holder.number in alarmed)
    placing = Placing(
        decision=_decision(call, incident),
        reason=live.reason(call),
        alarm=_level(holder) if holder is not None and sounds else None,
        shutdown_id=shutdown_id,
    )
    if incident is None:
        incident = incidents.open_incident(session, report, placing, settings=settings)
    else:
        if incident.state not in OPEN_STATES:
            incidents.reopen(
                session,
                incident,
                report_id=report.facts.report_id,
                settings=settings,
                by=By(why="dispatch.why.reported_again"),
            )
            live.note_incident(incident)
            live.revive(incident.id)
        incidents.attach_report(session, incident, report, placing, settings=settings)
    live.note_incident(incident)
    live.note(call, incident, report.number)
    return incident


def _standing(session: Session, incident_id: UUID | None, call: Call, report: NewReport) -> Incident | None:
    """Read and lock the incident a report goes to; none where that is over, unless the report shows that it is not."""
    if incident_id is None:
        return None
    incident = incidents.heir(session, incident_id, lock=True)
    if incident.state in OPEN_STATES:
        return incident
    was_there = call.repeat_of is not None and incident.state == IncidentState.CLOSED
    closed_at = incident.closed_at
    if not was_there or closed_at is None:
        return None
    noticed_at = report.facts.noticed_at
    return incident if noticed_at <= closed_at <= noticed_at + REOPENS_WITHIN else None


def _decision(call: Call, incident: Incident | None) -> str:
    if incident is None:
        return "opened"
    is_repeat = call.verdict is not None and call.verdict.kind is VerdictKind.REPEAT
    return "repeat" if is_repeat else "joined"


def _level(one: Hypothesis) -> IncidentLevel | None:
    """Tell how far an alarm's incident reaches at least; announced work alarms nobody."""
    if one.scope is Scope.WORKS:
        return None
    return IncidentLevel.ZONE if one.scope is Scope.ZONE else IncidentLevel.CLUSTER


# --- earlier reports -------------------------------------------------------------------------------------------------------


def _move(session: Session, live: Live, calls: Sequence[Call], *, settings: Settings) -> None:
    """Have earlier reports follow the stream to other incidents: whole incidents by merging, some reports of one by moving them."""
    ways: dict[tuple[UUID, UUID], list[Call]] = defaultdict(list)
    for call in dict.fromkeys(calls):
        here, there = live.stands_in(call), live.incident_of(call)
        if here is not None and there is not None and here != there:
            ways[here, there].append(call)
    for (here, there), together in ways.items():
        came_from = incidents.get(session, here, lock=True)
        goes_to = incidents.heir(session, there, lock=True)
        if goes_to.id != came_from.id and _may_follow(live, came_from, goes_to):
            _follow(session, live, together, came_from, goes_to, settings=settings)


def _may_follow(live: Live, came_from: Incident, goes_to: Incident) -> bool:
    """What a person confirmed or grouped stays as it is, and two large incidents are joined by people only."""
    if any(one.state != IncidentState.SUSPECTED or one.is_grouped_by_hand for one in (came_from, goes_to)):
        return False
    return min(came_from.customer_count, goes_to.customer_count) < live.rules.large_persons


def _follow(
    session: Session,
    live: Live,
    calls: Sequence[Call],
    came_from: Incident,
    goes_to: Incident,
    *,
    settings: Settings,
) -> None:
    leaving = {one.told.id: one for one in (*calls, *live.repeats_of(calls))}
    rows = queries.reports_of(session, came_from.id)
    going = [row for row in rows if str(row.report_id) in leaving]
    if not going:
        return  # somebody was quicker
    if len(going) == len(rows):
        heir, younger = sorted((came_from, goes_to), key=lambda one: one.number)
        going = list(queries.reports_of(session, younger.id))
        merging.merge(session, heir, younger, settings=settings, by=SAME_TROUBLE)
        came_from, goes_to = younger, heir
    else:
        merging.move(session, going, came_from, goes_to, settings=settings, by=SAME_TROUBLE)
    live.note_incident(came_from)
    live.note_incident(goes_to)
    move = calls[-1].moves[-1]
    for row in going:
        row.reason = [asdict(moved(move, came_from=f"#{came_from.number}", to=f"#{goes_to.number}"))]
        call = live.call(row.report_id)
        if call is not None:
            live.note(call, goes_to)


def _tell(
    session: Session, live: Live, alarms: Sequence[Alarm], *, beside: Incident, settings: Settings
) -> None:
    """Raise the incidents that the stream is sure of by now; the report's own was raised with it."""
    for one in alarms:
        holder = live.hypothesis(one.number)
        level = _level(holder) if holder is not None else None
        incident_id = live.home(holder) if holder is not None else None
        if level is None or incident_id is None or incident_id == beside.id:
            continue
        incident = incidents.heir(session, incident_id, lock=True)
        if incident.state in OPEN_STATES:
            incidents.alarm(session, incident, level, settings=settings)
            live.note_incident(incident)
