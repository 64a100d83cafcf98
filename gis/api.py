"""The network over HTTP: places found, addresses offered, shutdowns planned."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.auth import Actor
from core.clock import utc_now
from core.http.deps import AppSettings, DbSession, requires
from core.http.problems import RESPONSES
from core.rights import PersonalField
from gis.cache import current_network
from gis.errors import AddressNotFound, OutsideServiceArea, PipeNotFound
from gis.geocoding import suggest_addresses
from gis.hydraulic_check import check_plan
from gis.isolation import IsolationNetwork, isolation_plan
from gis.location import as_seen, locate
from gis.models import Pipe, PlannedShutdown
from gis.phones import to_e164
from gis.queries import drawn_pipes
from gis.schemas import (
    ConflictOut,
    HydraulicCheckOut,
    IsolationOut,
    LocateIn,
    LocationOut,
    ShutdownIn,
    ShutdownOut,
    ShutdownsOut,
    SuggestionOut,
    SuggestionsOut,
)
from gis.service_area import ensure_in_service_area
from gis.shutdowns import (
    Work,
    call_off,
    conflicts,
    effect,
    his,
    plan_shutdown,
    shutdown_of,
    shutdowns_between,
)

router = APIRouter(prefix="/api", tags=["gis"], responses=RESPONSES)


def _pipe_is_his(session: Session, actor: Actor, pipe_id: UUID) -> bool:
    """Whether a pipe lies in the person's area; without an area every one does, those that do not exist too."""
    if actor.area_wkt is None:
        return True
    return session.scalar(select(Pipe.id).where(Pipe.id == pipe_id, actor.area_filter(Pipe.geom))) is not None


@router.post("/locate")
def locate_place(
    wanted: LocateIn,
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("locate.use")],
) -> LocationOut:
    """Find a place on the network from an account number, an address of ours, a point, words or a phone number."""
    point = wanted.point.place() if wanted.point else None
    if point is not None and not wanted.account_no:  # an account comes first, wherever its holder calls from
        ensure_in_service_area(session, point, margin_m=settings.service_area_margin_m)
    found = locate(
        session,
        account_no=wanted.account_no,
        address_id=wanted.address_id,
        phone=to_e164(wanted.phone, region=settings.phone_region) if wanted.phone else None,
        address_text=wanted.text,
        point=point,
        accuracy_m=wanted.accuracy_m or settings.gps_accuracy_default_m,
        street=wanted.street,
        radius_m=settings.locate_radius_m,
        within=actor.area(),
    )
    place = as_seen(session, actor, found)
    if place is None:
        raise OutsideServiceArea if wanted.point else AddressNotFound
    return LocationOut.of(place, with_address=actor.sees(PersonalField.ADDRESS) or wanted.text is not None)


@router.get("/addresses/suggest")
def suggest(
    session: DbSession,
    actor: Annotated[Actor, requires("locate.use")],
    q: Annotated[str, Query(min_length=1, max_length=200)],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> SuggestionsOut:
    """Offer addresses that begin like, or resemble, what was typed."""
    found = suggest_addresses(session, q, limit=limit, within=actor.area())
    return SuggestionsOut(items=[SuggestionOut.of(candidate) for candidate in found])


Inoperable = Annotated[list[UUID] | None, Query(max_length=100)]
LISTED_DAYS = 60
"""How far ahead planned shutdowns are listed when nobody says."""


@router.get("/network/isolation")
def plan_isolation(
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("network.read")],
    pipe_id: UUID,
    inoperable: Inoperable = None,
    drawn: bool = False,
) -> IsolationOut:
    """Tell which valves to close for a break, what falls dry, and what planned shutdowns make of it meanwhile."""
    if not _pipe_is_his(session, actor, pipe_id):
        raise PipeNotFound
    network = current_network(session)
    stuck = tuple(inoperable or ())
    plan = isolation_plan(network, pipe_id, inoperable=stuck)
    now = utc_now()
    repair = Work(None, (pipe_id,), stuck, now, now + timedelta(seconds=settings.repair_usual_s))
    out = IsolationOut.of(
        plan,
        pipe_code=network.pipe_code[network.pipe_index(pipe_id)],
        conflicts=_conflicts(session, network, repair),
    )
    if drawn:
        out.segment_lines = drawn_pipes(session, plan.segment_pipe_ids)
        out.cut_off_lines = drawn_pipes(session, plan.cut_off_pipe_ids)
    return out


@router.post("/network/isolation/check")
def check_isolation(
    session: DbSession,
    actor: Annotated[Actor, requires("network.read")],
    pipe_id: UUID,
    inoperable: Inoperable = None,
    demand_factor: Annotated[float, Query(gt=0, le=10, allow_inf_nan=False)] = 1.0,
) -> HydraulicCheckOut:
    """Let EPANET say who is dry and who has too little pressure once a plan is carried out; takes seconds."""
    if not _pipe_is_his(session, actor, pipe_id):
        raise PipeNotFound
    return HydraulicCheckOut.of(
        check_plan(
            session,
            current_network(session),
            pipe_id,
            inoperable=inoperable or (),
            demand_factor=demand_factor,
        )
    )


@router.get("/network/shutdowns")
def list_shutdowns(
    session: DbSession,
    actor: Annotated[Actor, requires("network.read")],
    starts_at: AwareDatetime | None = None,
    ends_at: AwareDatetime | None = None,
) -> ShutdownsOut:
    """List the planned shutdowns that run between two times, with what they conflict with."""
    begin = starts_at or utc_now()
    end = ends_at or begin + timedelta(days=LISTED_DAYS)
    found = shutdowns_between(session, begin, end, condition=his(actor))
    network = current_network(session) if found else None
    return ShutdownsOut(
        items=[] if network is None else [_shutdown_out(session, network, one) for one in found]
    )


@router.post("/network/shutdowns", status_code=201)
def add_shutdown(
    session: DbSession, actor: Annotated[Actor, requires("work_orders.decide")], wanted: ShutdownIn
) -> ShutdownOut:
    """Plan a shutdown; the answer says what it conflicts with, it is stored all the same."""
    return _store_shutdown(session, actor, wanted, None)


@router.get("/network/shutdowns/{shutdown_id}")
def show_shutdown(
    session: DbSession, actor: Annotated[Actor, requires("network.read")], shutdown_id: UUID
) -> ShutdownOut:
    """Show a planned shutdown."""
    return _shutdown_out(session, current_network(session), shutdown_of(session, actor, shutdown_id))


@router.put("/network/shutdowns/{shutdown_id}")
def change_shutdown(
    session: DbSession,
    actor: Annotated[Actor, requires("work_orders.decide")],
    shutdown_id: UUID,
    wanted: ShutdownIn,
) -> ShutdownOut:
    """Change a planned shutdown that is not over."""
    return _store_shutdown(session, actor, wanted, shutdown_of(session, actor, shutdown_id))


@router.post("/network/shutdowns/{shutdown_id}/call-off")
def call_shutdown_off(
    session: DbSession, actor: Annotated[Actor, requires("work_orders.decide")], shutdown_id: UUID
) -> ShutdownOut:
    """Call a planned shutdown off."""
    planned = shutdown_of(session, actor, shutdown_id)
    call_off(session, planned)
    audit.record(session, actor, action="shutdown.call_off", subject_id=planned.id)
    return _shutdown_out(session, current_network(session), planned)


def _store_shutdown(
    session: Session, actor: Actor, wanted: ShutdownIn, before: PlannedShutdown | None
) -> ShutdownOut:
    network = current_network(session)
    planned = plan_shutdown(
        session,
        actor,
        network,
        title=wanted.title,
        pipe_ids=wanted.pipe_ids,
        inoperable=wanted.inoperable_valve_ids,
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
        before=before,
    )
    audit.record(
        session,
        actor,
        action="shutdown.plan" if before is None else "shutdown.change",
        subject_id=planned.id,
        digest=f"pipes={len(planned.pipe_ids)}",
    )
    return _shutdown_out(session, network, planned)


def _shutdown_out(session: Session, network: IsolationNetwork, planned: PlannedShutdown) -> ShutdownOut:
    work = Work.of(planned)
    met = [] if planned.called_off_at else _conflicts(session, network, work)
    return ShutdownOut.of(planned, effect(network, work), met)


def _conflicts(session: Session, network: IsolationNetwork, work: Work) -> list[ConflictOut]:
    others = shutdowns_between(session, work.starts_at, work.ends_at)
    titles = {one.id: one.title for one in others}
    return [
        ConflictOut.of(one, titles) for one in conflicts(network, work, [Work.of(other) for other in others])
    ]
