"""Routes of dispatch: incidents and the decisions about them, work orders, crews and their shifts."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, status
from pydantic import AwareDatetime
from sqlalchemy.orm import Session

from core import audit
from core.auth import Actor
from core.clock import utc_now
from core.http.deps import AppSettings, DbSession, ReadSession, requires
from core.http.problems import RESPONSES
from core.rights import Operation
from core.schemas import Items
from core.text import Line
from dispatch import assignment, closure, crews, incidents, merging, queries, repeats, shifts, work_orders
from dispatch.changes import By
from dispatch.duplicates.queries import account_id_of
from dispatch.duplicates.suggestions import Asked, known_already
from dispatch.models import Cause, Incident, RepeatKey, WorkOrder, WorkOrderKind, WorkOrderState
from dispatch.ranking import RankedCrew, crews_near, rank_crews
from dispatch.schemas import (
    CloseIn,
    ConfirmIn,
    CrewDistanceOut,
    CrewIn,
    CrewOut,
    DeviceOut,
    DuplicateOut,
    DuplicatesIn,
    IncidentDetailOut,
    IncidentOut,
    MergeIn,
    OfferIn,
    Page,
    RankedCrewOut,
    RankedCrewsOut,
    RepeatOffenderOut,
    RepeatOut,
    ShiftIn,
    ShiftOut,
    SplitIn,
    WhyIn,
    WorkOrderIn,
    WorkOrderOut,
)
from dispatch.work_orders import SKILLS_OF
from gis.schemas import PointIn
from gis.service_area import ensure_in_service_area, ensure_seen
from tracker.positions import latest_positions

router = APIRouter(prefix="/api", tags=["dispatch"], responses=RESPONSES)

Limit = Annotated[int, Query(ge=1, le=500)]
Cursor = Annotated[UUID | None, Query(description="`next` of the part before.")]
SHIFTS_SHOWN = timedelta(days=7)

ReadIncidents = Annotated[Actor, requires("incidents.read")]
DecideIncidents = Annotated[Actor, requires("incidents.decide")]
ReadOrders = Annotated[Actor, requires("work_orders.read")]
DecideOrders = Annotated[Actor, requires("work_orders.decide")]
ReadCrews = Annotated[Actor, requires("crews.read")]
ManageCrews = Annotated[Actor, requires("crews.manage")]


# --- incidents -------------------------------------------------------------------------------------------------------------


@router.get("/incidents")
def list_incidents(
    session: DbSession,
    actor: ReadIncidents,
    state: Literal["open", "closed", "all"] = "open",
    limit: Limit = 200,
    cursor: Cursor = None,
) -> Page[IncidentOut]:
    """List incidents, newest first."""
    is_closed = {"open": False, "closed": True, "all": None}[state]
    rows = queries.list_incidents(session, actor, is_closed=is_closed, limit=limit + 1, before=cursor)
    shown = rows[:limit]
    return Page(
        items=[IncidentOut.of(row) for row in shown],
        next=str(shown[-1].id) if len(rows) > limit else None,
    )


@router.get("/incidents/{incident_id}")
def read_incident(incident_id: UUID, session: DbSession, actor: ReadIncidents) -> IncidentDetailOut:
    """Tell everything about an incident."""
    return _detail(session, actor, incident_id)


@router.post("/incidents/{incident_id}/confirm")
def confirm_incident(
    incident_id: UUID,
    body: ConfirmIn,
    session: DbSession,
    settings: AppSettings,
    actor: DecideIncidents,
) -> IncidentDetailOut:
    """Say that an incident is real."""
    incident = _locked(session, actor, incident_id)
    incidents.confirm(session, incident, settings=settings, by=_by(actor), kind=body.kind)
    audit.record(session, actor, action="incident.confirm", subject_id=incident.id, digest=incident.kind)
    return _detail(session, actor, incident.id)


@router.post("/incidents/{incident_id}/unconfirm")
def unconfirm_incident(
    incident_id: UUID, session: DbSession, settings: AppSettings, actor: DecideIncidents
) -> IncidentDetailOut:
    """Take a confirmation back."""
    incident = _locked(session, actor, incident_id)
    incidents.unconfirm(session, incident, settings=settings, by=_by(actor))
    audit.record(session, actor, action="incident.unconfirm", subject_id=incident.id)
    return _detail(session, actor, incident.id)


@router.post("/incidents/{incident_id}/dismiss")
def dismiss_incident(
    incident_id: UUID, body: WhyIn, session: DbSession, actor: DecideIncidents
) -> IncidentDetailOut:
    """Say that there is nothing to an incident; work that binds nobody is called off."""
    incident, by = _locked(session, actor, incident_id), _by(actor, body.why)
    closure.call_off_work(session, incident, by=by)
    incidents.dismiss(session, incident, by=by)
    audit.record(session, actor, action="incident.dismiss", subject_id=incident.id)
    return _detail(session, actor, incident.id)


@router.post("/incidents/{incident_id}/close")
def close_incident(
    incident_id: UUID, body: CloseIn, session: DbSession, actor: DecideIncidents
) -> IncidentDetailOut:
    """Say that an incident is over; work that binds nobody is called off."""
    incident, by = _locked(session, actor, incident_id), _by(actor, body.why)
    closure.call_off_work(session, incident, by=by)
    incidents.close(session, incident, cause=Cause(body.cause), by=by)
    audit.record(session, actor, action="incident.close", subject_id=incident.id, digest=body.cause)
    return _detail(session, actor, incident.id)


@router.post("/incidents/{incident_id}/merge")
def merge_incident(
    incident_id: UUID,
    body: MergeIn,
    session: DbSession,
    settings: AppSettings,
    actor: DecideIncidents,
) -> IncidentDetailOut:
    """Make one incident of two; gives the older one, which goes on."""
    first, second = sorted((incident_id, body.into_incident_id))
    pair = {one: _locked(session, actor, one) for one in (first, second)}
    heir = merging.merge(
        session, pair[incident_id], pair[body.into_incident_id], settings=settings, by=_by(actor)
    )
    audit.record(session, actor, action="incident.merge", subject_id=heir.id, digest=f"#{heir.number}")
    return _detail(session, actor, heir.id)


@router.post("/incidents/{incident_id}/unmerge")
def unmerge_incident(
    incident_id: UUID, session: DbSession, settings: AppSettings, actor: DecideIncidents
) -> IncidentDetailOut:
    """Undo a merge: the incident takes its reports back."""
    incident = _locked(session, actor, incident_id)
    merging.unmerge(session, incident, settings=settings, by=_by(actor))
    audit.record(session, actor, action="incident.unmerge", subject_id=incident.id)
    return _detail(session, actor, incident.id)


@router.post("/incidents/{incident_id}/split", status_code=status.HTTP_201_CREATED)
def split_incident(
    incident_id: UUID,
    body: SplitIn,
    session: DbSession,
    settings: AppSettings,
    actor: DecideIncidents,
) -> IncidentDetailOut:
    """Take reports out into an incident of their own; gives the new one."""
    incident = _locked(session, actor, incident_id)
    child = merging.split(session, incident, body.report_ids, settings=settings, by=_by(actor))
    audit.record(session, actor, action="incident.split", subject_id=incident.id, digest=f"#{child.number}")
    return _detail(session, actor, child.id)


@router.get("/incidents/{incident_id}/crews")
def rank_crews_for_incident(
    incident_id: UUID,
    session: ReadSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("crews.read", only_asks=True)],
    kind: WorkOrderKind | None = None,
) -> RankedCrewsOut:
    """Rank all crews for an incident's work: exact ways by road, why the others cannot be asked, routes of the first three.

    Ways, distances and ages of positions only of crews the actor may see on the map.
    """
    work = queries.work_to_do(session, actor, incident_id)
    needed = SKILLS_OF[WorkOrderKind.INSPECT] if work.skills is None else work.skills
    is_visible = _sees_place_of(session, actor)
    ranked = rank_crews(
        session,
        work.place,
        skills=SKILLS_OF[kind] if kind else needed,
        settings=settings,
        order_id=work.order_id,
        is_drawn=is_visible,
    )
    ranked = [one if is_visible(one) else one.without_place() for one in ranked]
    return RankedCrewsOut(ranked=[RankedCrewOut.of(one, language=actor.language) for one in ranked])


# --- repeats ---------------------------------------------------------------------------------------------------------------


@router.get("/repeats")
def list_repeats(
    session: DbSession,
    actor: ReadIncidents,
    by: RepeatKey | None = None,
    subject: Annotated[Line | None, Query()] = None,
    incident_id: UUID | None = None,
    since: AwareDatetime | None = None,
    limit: Limit = 200,
) -> Items[RepeatOut]:
    """List complaints that repeat earlier ones, newest first."""
    rows = repeats.list_repeats(
        session, actor, key=by, subject=subject, incident_id=incident_id, since=since, limit=limit
    )
    return Items(items=[RepeatOut.of(row) for row in rows])


@router.get("/repeats/offenders")
def list_repeat_offenders(
    session: DbSession,
    actor: ReadIncidents,
    by: RepeatKey = RepeatKey.CUSTOMER,
    days: Annotated[int, Query(ge=1, le=3650)] = 90,
    times_min: Annotated[int, Query(ge=2, le=1000)] = 2,
    limit: Limit = 50,
) -> Items[RepeatOffenderOut]:
    """List the customers, callers, addresses or mains that were complained of again and again lately, the most often first."""
    rows = repeats.repeat_offenders(session, actor, key=by, days=days, times_min=times_min, limit=limit)
    return Items(items=[RepeatOffenderOut.of(row) for row in rows])


# --- what is probably known already ---------------------------------------------------------------------------------------


@router.post("/duplicates")
def suggest_duplicates(
    body: DuplicatesIn, session: DbSession, settings: AppSettings, actor: ReadIncidents
) -> Items[DuplicateOut]:
    """Suggest the open incidents a report is probably about while it is being taken, the likeliest first; nothing is stored."""
    asked = Asked(
        category=body.category,
        place=body.point.place(),
        segment_id=body.segment_id,
        confidence=body.confidence,
        customer_account_id=account_id_of(session, body.account_no) if body.account_no else None,
    )
    found = known_already(session, actor, asked, settings=settings)
    return Items(
        items=[DuplicateOut.of(one, category=body.category, language=actor.language) for one in found]
    )


# --- work orders -----------------------------------------------------------------------------------------------------------


@router.get("/work-orders")
def list_work_orders(
    session: DbSession,
    actor: ReadOrders,
    state: Literal["open", "all"] | WorkOrderState = "open",
    limit: Limit = 200,
    cursor: Cursor = None,
) -> Page[WorkOrderOut]:
    """List work orders, newest first."""
    states = None if state == "open" else list(WorkOrderState) if state == "all" else [WorkOrderState(state)]
    rows = queries.list_orders(session, actor, states=states, limit=limit + 1, before=cursor)
    shown = rows[:limit]
    return Page(
        items=[WorkOrderOut.of(row) for row in shown],
        next=str(shown[-1].id) if len(rows) > limit else None,
    )


@router.get("/work-orders/{work_order_id}")
def read_work_order(work_order_id: UUID, session: DbSession, actor: ReadOrders) -> WorkOrderOut:
    """Tell everything about a work order."""
    return WorkOrderOut.of(queries.order_view(session, actor, work_order_id))


@router.post("/incidents/{incident_id}/work-orders", status_code=status.HTTP_201_CREATED)
def create_work_order(
    incident_id: UUID,
    body: WorkOrderIn,
    session: DbSession,
    settings: AppSettings,
    actor: DecideOrders,
) -> WorkOrderOut:
    """Order work for an incident."""
    incident = _locked(session, actor, incident_id)
    order = work_orders.create(session, incident, body.kind, settings=settings, by=_by(actor))
    audit.record(session, actor, action="work_order.create", subject_id=order.id, digest=order.kind)
    return WorkOrderOut.of(queries.order_view(session, actor, order.id))


@router.post("/work-orders/{work_order_id}/offer")
def offer_work_order(
    work_order_id: UUID,
    body: OfferIn,
    session: DbSession,
    settings: AppSettings,
    actor: DecideOrders,
) -> WorkOrderOut:
    """Ask a crew of one's own choice."""
    order = queries.order_for(session, actor, work_order_id)
    made = assignment.offer_by_hand(session, order.id, body.crew_id, by=_by(actor), settings=settings)
    audit.record(
        session, actor, action="work_order.offer", subject_id=order.id, digest=f"crew={made.crew_id}"
    )
    return WorkOrderOut.of(queries.order_view(session, actor, order.id))


@router.post("/work-orders/{work_order_id}/release")
def release_work_order(
    work_order_id: UUID, body: WhyIn, session: DbSession, actor: DecideOrders
) -> WorkOrderOut:
    """Take work off the crew it binds; it waits for another."""
    order = queries.order_for(session, actor, work_order_id)
    assignment.release_order(session, order.id, by=_by(actor, body.why))
    audit.record(session, actor, action="work_order.release", subject_id=order.id)
    return WorkOrderOut.of(queries.order_view(session, actor, order.id))


@router.post("/work-orders/{work_order_id}/cancel")
def cancel_work_order(
    work_order_id: UUID, body: WhyIn, session: DbSession, actor: DecideOrders
) -> WorkOrderOut:
    """Give a work order up."""
    queries.order_for(session, actor, work_order_id)
    order: WorkOrder = work_orders.get(session, work_order_id, lock=True)
    work_orders.cancel(session, order, by=_by(actor, body.why))
    audit.record(session, actor, action="work_order.cancel", subject_id=order.id)
    return WorkOrderOut.of(queries.order_view(session, actor, order.id))


# --- crews and shifts ------------------------------------------------------------------------------------------------------


@router.get("/crews")
def list_crews(session: DbSession, actor: ReadCrews) -> Items[CrewOut]:
    """List crews."""
    on_shift = queries.shifts_at(session, utc_now())
    return Items(items=[CrewOut.of(crew, on_shift.get(crew.id)) for crew in queries.active_crews(session)])


@router.get("/crews/near")
def list_crews_near(
    asked: Annotated[PointIn, Query()],
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("positions.read")],
) -> Items[CrewDistanceOut]:
    """Tell how far each crew in the person's area is from a place, the first to arrive by road first; busy and off-duty ones too."""
    place = asked.place()
    ensure_seen(session, actor, place, margin_m=settings.service_area_margin_m)
    found = crews_near(session, actor, place, settings=settings)
    return Items(items=[CrewDistanceOut.of(one, stale_s=settings.position_stale_s) for one in found])


@router.post("/crews", status_code=status.HTTP_201_CREATED)
def create_crew(body: CrewIn, session: DbSession, settings: AppSettings, actor: ManageCrews) -> CrewOut:
    """Add a crew."""
    depot = body.depot.place() if body.depot else None
    if depot is not None:
        ensure_in_service_area(session, depot, margin_m=settings.service_area_margin_m)
    crew = crews.create(session, code=body.code, name=body.name, skills=set(body.skills), depot=depot)
    audit.record(session, actor, action="crew.create", subject_id=crew.id, digest=crew.code)
    return CrewOut.of(crew, None)


@router.post("/crews/{crew_id}/device", status_code=status.HTTP_201_CREATED)
def register_device(crew_id: UUID, session: DbSession, actor: ManageCrews) -> DeviceOut:
    """Give a crew's phone its credentials at the broker; the password is shown this once."""
    credentials = crews.register_device(session, crew_id)
    audit.record(session, actor, action="crew.register_device", subject_id=crew_id)
    return DeviceOut.model_validate(credentials)


@router.delete("/crews/{crew_id}/device", status_code=status.HTTP_204_NO_CONTENT)
def revoke_device(crew_id: UUID, session: DbSession, actor: ManageCrews) -> None:
    """Shut a crew's phone out, as when it is lost; registering it again lets it in with a new password."""
    crews.revoke_device(session, crew_id)
    audit.record(session, actor, action="crew.revoke_device", subject_id=crew_id)


@router.get("/shifts")
def list_shifts(
    session: DbSession,
    actor: ReadCrews,
    crew_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Items[ShiftOut]:
    """List shifts that touch a span of time: without one, from now a week on."""
    start = since or utc_now()
    rows = queries.shifts_between(session, since=start, until=until or start + SHIFTS_SHOWN, crew_id=crew_id)
    return Items(items=[ShiftOut.of(row) for row in rows])


@router.post("/shifts", status_code=status.HTTP_201_CREATED)
def create_shift(body: ShiftIn, session: DbSession, actor: ManageCrews) -> ShiftOut:
    """Put a crew on duty for a span of time."""
    shift = shifts.create(session, crew_id=body.crew_id, starts_at=body.starts_at, ends_at=body.ends_at)
    audit.record(session, actor, action="shift.create", subject_id=shift.id, digest=f"crew={shift.crew_id}")
    return ShiftOut.of(shift)


def _by(actor: Actor, why: str = "") -> By:
    return By(user_id=actor.user_id, why=why)


def _locked(session: Session, actor: Actor, incident_id: UUID) -> Incident:
    """Lock an incident that is the actor's to decide about."""
    queries.incident_for(session, actor, incident_id)
    return incidents.get(session, incident_id, lock=True)


def _detail(session: Session, actor: Actor, incident_id: UUID) -> IncidentDetailOut:
    return IncidentDetailOut.of_detail(queries.incident_detail(session, actor, incident_id))


def _sees_place_of(session: Session, actor: Actor) -> Callable[[RankedCrew], bool]:
    """Make the test whether a crew's position is the actor's to see."""
    if not actor.may(Operation.POSITIONS_READ):
        return lambda _: False
    if actor.area_wkt is None:
        return lambda _: True
    visible = {one.crew_id for one in latest_positions(session, actor=actor)}
    return lambda crew: crew.crew_id in visible
