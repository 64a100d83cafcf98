"""The crew phone's contract: its jobs, what it does about them, the way there.

A phone sends again what it got no answer to. So each step, said again by the crew that took it, changes nothing and is answered with
what holds. Dispatch decides; nothing is decided here.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from core import audit
from core.auth import Actor
from core.clock import utc_now
from core.http.deps import DbSession, requires
from core.http.problems import RESPONSES
from core.schemas import Items
from dispatch import assignment as assignments
from dispatch import work_orders
from dispatch.errors import NoSuchAssignment
from dispatch.models import Assignment
from dispatch.queries import assignment_row, jobs_of_crew
from dispatch.work_orders import Finding
from fieldapp_api.errors import NotACrew, PlaceUnknown
from fieldapp_api.schemas import DeclineIn, DoneIn, JobOut, JobStateOut, RouteOut
from gis.roads.engine import route_between
from tracker.positions import latest_position

router = APIRouter(prefix="/api/field", tags=["field"], responses=RESPONSES)


class GeoJson(JSONResponse):
    """A GeoJSON answer."""

    media_type = "application/geo+json"


FieldWorker = Annotated[Actor, requires("field.work")]


def _crew_of(actor: Actor) -> UUID:
    if actor.crew_id is None:
        raise NotACrew
    return actor.crew_id


def _took_step(session: Session, actor: Actor, step: str, assignment: Assignment) -> JobStateOut:
    audit.record(
        session, actor, action=f"job.{step}", subject_id=assignment.id, digest=f"state={assignment.state}"
    )
    return JobStateOut.of(assignment)


@router.get("/jobs")
def list_jobs(session: DbSession, actor: FieldWorker) -> Items[JobOut]:
    """List the crew's open offers and the work that binds it."""
    jobs = jobs_of_crew(session, _crew_of(actor), language=actor.language)
    return Items(items=[JobOut.of(job) for job in jobs])


@router.post("/jobs/{assignment_id}/accept")
def accept(assignment_id: UUID, session: DbSession, actor: FieldWorker) -> JobStateOut:
    """Take an offered job."""
    assignment = assignments.accept(session, assignment_id, crew_id=_crew_of(actor))
    return _took_step(session, actor, "accept", assignment)


@router.post("/jobs/{assignment_id}/decline")
def decline(assignment_id: UUID, body: DeclineIn, session: DbSession, actor: FieldWorker) -> JobStateOut:
    """Refuse an offered job; another crew is asked."""
    assignment = assignments.decline(session, assignment_id, crew_id=_crew_of(actor), reason=body.reason)
    return _took_step(session, actor, "decline", assignment)


@router.post("/jobs/{assignment_id}/en-route")
def start_travel(assignment_id: UUID, session: DbSession, actor: FieldWorker) -> JobStateOut:
    """Set out for an accepted job."""
    assignment = assignments.start_travel(session, assignment_id, crew_id=_crew_of(actor))
    return _took_step(session, actor, "start_travel", assignment)


@router.post("/jobs/{assignment_id}/on-site")
def arrive(assignment_id: UUID, session: DbSession, actor: FieldWorker) -> JobStateOut:
    """Be on site."""
    assignment = assignments.arrive(session, assignment_id, crew_id=_crew_of(actor))
    return _took_step(session, actor, "arrive", assignment)


@router.post("/jobs/{assignment_id}/done")
def complete(assignment_id: UUID, body: DoneIn, session: DbSession, actor: FieldWorker) -> JobStateOut:
    """Finish a job with what was found and done; the crew is free."""
    finding = Finding(
        cause=body.cause,
        action=body.action,
        water_restored=body.water_restored,
        note=body.note,
        valve_id=body.valve_id,
    )
    work_orders.complete(session, assignment_id, crew_id=_crew_of(actor), finding=finding)
    assignment = assignment_row(session, assignment_id)
    if assignment is None:
        raise NoSuchAssignment
    return _took_step(session, actor, "complete", assignment)


@router.get("/jobs/{assignment_id}/route", response_class=GeoJson)
def show_route(assignment_id: UUID, session: DbSession, actor: FieldWorker) -> RouteOut:
    """Show the fastest way by road from where the crew was last to an offered or accepted job."""
    crew_id = _crew_of(actor)
    jobs = jobs_of_crew(session, crew_id, language=actor.language)
    job = next((job for job in jobs if job.assignment_id == assignment_id), None)
    if job is None:
        raise NoSuchAssignment
    position = latest_position(session, crew_id)
    if position is None:
        raise PlaceUnknown
    way = route_between(session, position.point, job.place)
    return RouteOut.of(job, way, position, now=utc_now(), language=actor.language)
