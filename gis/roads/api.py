"""Roads over HTTP: closures, ways, what can be reached in time and what cannot."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, status
from pydantic import AwareDatetime
from sqlalchemy.orm import Session

from core import audit
from core.auth import Actor
from core.clock import utc_now
from core.http.deps import AppSettings, DbSession, requires
from core.http.problems import RESPONSES
from gis.coordinates import geojson_area
from gis.models import RoadClosure
from gis.roads.closures import (
    Terms,
    above_pipes,
    above_segments,
    along_line,
    around_point,
    change_closure,
    close_roads,
    closure_of,
    closures_at,
    closures_between,
    history_of,
    lift,
    names_of_people,
)
from gis.roads.engine import closures_avoided, cover, drive_time_areas, route_between
from gis.roads.schemas import (
    ClosureIn,
    ClosureOut,
    ClosuresOut,
    CoverIn,
    CoverOut,
    CoverProperties,
    ReachFeature,
    ReachIn,
    ReachOut,
    ReachProperties,
    RouteIn,
    WayOut,
)

router = APIRouter(prefix="/api/roads", tags=["roads"], responses=RESPONSES)

Reader = Annotated[Actor, requires("network.read")]
Dispatcher = Annotated[Actor, requires("work_orders.decide")]
MINUTE_S = 60.0
EVER, FOREVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


# --- closures --------------------------------------------------------------------------------------


@router.get("/closures")
def list_closures(
    session: DbSession,
    actor: Reader,
    at: AwareDatetime | None = None,
    starts_at: AwareDatetime | None = None,
    ends_at: AwareDatetime | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> ClosuresOut:
    """List the latest closures in force at a time, by default now; or, when a start or an end is given, those between, lifted ones too."""
    if starts_at is None and ends_at is None:
        found = closures_at(session, actor, at or utc_now(), limit=limit)
    else:
        found = closures_between(session, actor, starts_at or EVER, ends_at or FOREVER, limit=limit)
    return ClosuresOut(items=_told(session, found))


@router.post("/closures", status_code=status.HTTP_201_CREATED)
def add_closure(
    wanted: ClosureIn, session: DbSession, settings: AppSettings, actor: Dispatcher
) -> ClosureOut:
    """Close the roads that touch an area, or slow them down."""
    terms = _terms(session, actor, wanted, None)
    closure = close_roads(session, actor, terms, margin_m=settings.service_area_margin_m)
    audit.record(session, actor, action="road_closure.make", subject_id=closure.id, digest=closure.cause)
    (told,) = _told(session, [closure])
    return told


@router.get("/closures/{closure_id}")
def show_closure(closure_id: UUID, session: DbSession, actor: Reader) -> ClosuresOut:
    """Show all that a closure has been, as it stands first."""
    return ClosuresOut(items=_told(session, history_of(session, actor, closure_id)))


@router.put("/closures/{closure_id}")
def put_closure(
    closure_id: UUID, wanted: ClosureIn, session: DbSession, settings: AppSettings, actor: Dispatcher
) -> ClosureOut:
    """Change a closure that is not over; what it was stays on record."""
    before = closure_of(session, actor, closure_id)
    terms = _terms(session, actor, wanted, before)
    closure = change_closure(session, actor, before, terms, margin_m=settings.service_area_margin_m)
    audit.record(session, actor, action="road_closure.change", subject_id=closure.id, digest=closure.cause)
    (told,) = _told(session, [closure])
    return told


@router.post("/closures/{closure_id}/lift")
def lift_closure(closure_id: UUID, session: DbSession, actor: Dispatcher) -> ClosureOut:
    """Open the roads again."""
    closure = closure_of(session, actor, closure_id)
    lift(session, actor, closure)
    audit.record(session, actor, action="road_closure.lift", subject_id=closure.id)
    (told,) = _told(session, [closure])
    return told


def _told(session: Session, closures: Sequence[RoadClosure]) -> list[ClosureOut]:
    people = names_of_people(session, closures)
    return [ClosureOut.of(one, people) for one in closures]


def _terms(session: Session, actor: Actor, wanted: ClosureIn, before: RoadClosure | None) -> Terms:
    """Read what is wanted; a changed closure starts when it did, where nobody says otherwise."""
    return Terms(
        cause=wanted.cause,
        subject_id=wanted.subject_id,
        reason=wanted.reason,
        area=_area(session, actor, wanted),
        slowdown=wanted.slowdown,
        starts_at=wanted.starts_at or (before.starts_at if before else utc_now()),
        ends_at=wanted.ends_at,
    )


def _area(session: Session, actor: Actor, wanted: ClosureIn) -> Any:
    """Draw what is to be closed; Any: shapely has no types."""
    if wanted.polygon is not None:
        return wanted.polygon.area()
    if wanted.point is not None and wanted.radius_m is not None:
        return around_point(wanted.point.place(), wanted.radius_m)
    if wanted.line is not None and wanted.width_m is not None:
        return along_line([point.place() for point in wanted.line], wanted.width_m)
    if wanted.pipe_ids is not None:
        return above_pipes(session, actor, wanted.pipe_ids)
    return above_segments(session, actor, wanted.segment_ids or [])


# --- ways ------------------------------------------------------------------------------------------


@router.post("/route")
def find_route(wanted: RouteIn, session: DbSession, actor: Reader) -> WayOut:
    """Show the fastest way between two places, drawn and told, and which closures in force it goes round."""
    origin, destination = wanted.origin.place(), wanted.destination.place()
    way = route_between(session, origin, destination)
    avoided = closures_avoided(session, origin, destination, way)
    return WayOut.of(way, avoided, language=wanted.language or actor.language)


@router.post("/reach")
def find_reach(wanted: ReachIn, session: DbSession, actor: Reader) -> ReachOut:
    """Draw what can be reached from a place, or from where it can be reached, in so many minutes."""
    areas = drive_time_areas(
        session,
        wanted.point.place(),
        [minutes * MINUTE_S for minutes in wanted.minutes],
        towards=wanted.towards,
    )
    return ReachOut(
        features=[
            ReachFeature(
                geometry=geojson_area(one.area),
                properties=ReachProperties(minutes=one.limit_s / MINUTE_S, road_m=round(one.road_m, 1)),
            )
            for one in areas
        ]
    )


@router.post("/cover")
def find_cover(wanted: CoverIn, session: DbSession, actor: Reader) -> CoverOut:
    """Find what none of some crews or depots reaches in time."""
    found = cover(session, actor, [point.place() for point in wanted.points], wanted.minutes * MINUTE_S)
    return CoverOut(
        geometry=geojson_area(found.missed_area),
        properties=CoverProperties(
            minutes=wanted.minutes,
            road_m=round(found.road_m, 1),
            uncovered_road_m=round(found.missed_road_m, 1),
            uncovered_share=round(found.missed_road_m / found.road_m, 4) if found.road_m else 0.0,
            uncovered_customers=found.missed_customers,
        ),
    )
