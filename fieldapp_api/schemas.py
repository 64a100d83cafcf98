"""What a crew's phone sends and gets. Nothing about callers."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from core.schemas import Wire
from core.text import Line, Prose
from dispatch.models import Action, Assignment, Cause
from dispatch.views import CrewJob
from gis.coordinates import geojson_line
from gis.roads.engine import Route, step_text
from gis.schemas import PointOut
from tracker.positions import CrewPosition

FoundCause = Literal[
    Cause.BURST,
    Cause.LEAK,
    Cause.CLOSED_VALVE,
    Cause.LOW_PRESSURE,
    Cause.DIRTY_MAIN,
    Cause.PRIVATE_PLUMBING,
    Cause.NOTHING_FOUND,
    Cause.OTHER,
]
"""What the field can find; that there was no incident, only a dispatcher says."""


class DeclineIn(Wire):
    """Why a crew does not take a job."""

    reason: Annotated[Line, Field(min_length=1)]


class DoneIn(Wire):
    """What was found and done."""

    cause: FoundCause
    action: Action
    note: Prose = ""
    water_restored: bool
    valve_id: UUID | None = None
    """The valve that was found closed."""


class ValveOut(BaseModel):
    """A valve to close, in its turn."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    asset_code: str
    point: PointOut
    order: int


class WorkOrderOut(BaseModel):
    """The work a job is about."""

    id: UUID
    number: int
    kind: str
    state: str
    priority: int
    place: PointOut
    street: str | None
    description: str
    arrive_by_at: datetime
    incident_number: int
    pipe_id: UUID | None


class JobOut(BaseModel):
    """A job offered to, or taken by, the crew."""

    assignment_id: UUID
    state: str
    work_order: WorkOrderOut
    offered_at: datetime
    expires_at: datetime
    en_route_at: datetime | None
    on_site_at: datetime | None
    travel_time_s: float | None
    distance_m: float | None
    valves: list[ValveOut]
    customers_without_water: int

    @classmethod
    def of(cls, job: CrewJob) -> "JobOut":
        """Write a job down."""
        return cls(
            assignment_id=job.assignment_id,
            state=job.state,
            work_order=WorkOrderOut(
                id=job.work_order_id,
                number=job.work_order_number,
                kind=job.kind,
                state=job.work_order_state,
                priority=job.priority,
                place=PointOut.of(job.place),
                street=job.street,
                description=job.description,
                arrive_by_at=job.arrive_by_at,
                incident_number=job.incident_number,
                pipe_id=job.pipe_id,
            ),
            offered_at=job.offered_at,
            expires_at=job.expires_at,
            en_route_at=job.en_route_at,
            on_site_at=job.on_site_at,
            travel_time_s=job.travel_time_s,
            distance_m=job.distance_m,
            valves=[ValveOut.model_validate(valve) for valve in job.valves],
            customers_without_water=job.customers_without_water,
        )


class JobStateOut(BaseModel):
    """Where a job stands after what the phone said; the same when it says so again."""

    assignment_id: UUID
    work_order_id: UUID
    state: str
    expires_at: datetime
    answered_at: datetime | None
    en_route_at: datetime | None
    on_site_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, assignment: Assignment) -> "JobStateOut":
        """Write an assignment's state down."""
        return cls(
            assignment_id=assignment.id,
            work_order_id=assignment.work_order_id,
            state=assignment.state,
            expires_at=assignment.expires_at,
            answered_at=assignment.answered_at,
            en_route_at=assignment.en_route_at,
            on_site_at=assignment.on_site_at,
            ended_at=assignment.ended_at,
        )


class LineOut(BaseModel):
    """An RFC 7946 LineString, longitude before latitude."""

    type: Literal["LineString"] = "LineString"
    coordinates: list[list[float]]


class StepOut(BaseModel):
    """Follow one street."""

    text: str
    turn: str
    road_name: str | None
    bearing_deg: float
    distance_m: float
    travel_time_s: float


class RouteProperties(BaseModel):
    """How far and how long, from where the crew was last, with the streets to follow."""

    assignment_id: UUID
    travel_time_s: float
    distance_m: float
    position_recorded_at: datetime
    position_age_s: float
    steps: list[StepOut]


class RouteOut(BaseModel):
    """The way to a job as a GeoJSON feature."""

    type: Literal["Feature"] = "Feature"
    geometry: LineOut
    properties: RouteProperties

    @classmethod
    def of(
        cls, job: CrewJob, way: Route, position: CrewPosition, *, now: datetime, language: str
    ) -> "RouteOut":
        """Write a route down, told in `language`."""
        line: dict[str, Any] = geojson_line(way.geometry)  # Any: JSON
        return cls(
            geometry=LineOut.model_validate(line),
            properties=RouteProperties(
                assignment_id=job.assignment_id,
                travel_time_s=round(way.seconds, 1),
                distance_m=round(way.metres, 1),
                position_recorded_at=position.recorded_at,
                position_age_s=round(position.age_s(now), 1),
                steps=[
                    StepOut(
                        text=step_text(step, language),
                        turn=step.turn.value,
                        road_name=step.road_name,
                        bearing_deg=round(step.bearing_deg, 1),
                        distance_m=round(step.metres, 1),
                        travel_time_s=round(step.seconds, 1),
                    )
                    for step in way.steps
                ],
            ),
        )
