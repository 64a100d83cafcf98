"""What the map's routes and the live stream give."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from dispatch.views import CrewSummary, IncidentSummary
from gis.schemas import PointOut


class MapExtentOut(BaseModel):
    """The area served, as the map first shows it."""

    name: str
    bounds: tuple[float, float, float, float]
    """West, south, east, north."""
    center: PointOut


class IncidentOnMap(BaseModel):
    """An incident as a line of the queue and a flag on the map."""

    id: UUID
    number: int
    kind: str
    state: str
    level: str
    priority: int
    point: PointOut
    street: str | None
    segment_ids: list[int]
    zone: dict[str, Any] | None
    """GeoJSON area round the pipes of its segments; Any: GeoJSON."""
    report_count: int
    customers_without_water: int
    crew_codes: list[str]
    opened_at: datetime
    due_at: datetime | None
    closed_at: datetime | None

    @classmethod
    def of(cls, incident: IncidentSummary, zone: dict[str, Any] | None) -> "IncidentOnMap":
        """Write an incident down."""
        return cls(
            id=incident.id,
            number=incident.number,
            kind=incident.kind,
            state=incident.state,
            level=incident.level,
            priority=incident.priority,
            point=PointOut.of(incident.point),
            street=incident.street,
            segment_ids=incident.segment_ids,
            zone=zone,
            report_count=incident.report_count,
            customers_without_water=incident.customers_without_water,
            crew_codes=incident.crew_codes,
            opened_at=incident.opened_at,
            due_at=incident.due_at,
            closed_at=incident.closed_at,
        )


class CrewJobOnMap(BaseModel):
    """What a crew is at."""

    assignment_id: UUID
    state: str
    work_order_id: UUID
    incident_id: UUID
    incident_number: int
    travel_time_s: float | None
    started_at: datetime | None


class CrewOnMap(BaseModel):
    """A crew as a line of the list and an arrow on the map."""

    crew_id: UUID
    code: str
    name: str
    lon: float | None
    lat: float | None
    course_deg: float | None
    speed_mps: float | None
    presence: str
    status: str
    recorded_at: datetime | None
    job: CrewJobOnMap | None

    @classmethod
    def of(cls, crew: CrewSummary) -> "CrewOnMap":
        """Write a crew down."""
        point = PointOut.of(crew.point) if crew.point else None
        job = crew.job
        return cls(
            crew_id=crew.crew_id,
            code=crew.code,
            name=crew.name,
            lon=point.lon if point else None,
            lat=point.lat if point else None,
            course_deg=crew.course_deg,
            speed_mps=crew.speed_mps,
            presence=crew.presence,
            status=crew.status,
            recorded_at=crew.recorded_at,
            job=CrewJobOnMap(
                assignment_id=job.assignment_id,
                state=job.state,
                work_order_id=job.work_order_id,
                incident_id=job.incident_id,
                incident_number=job.incident_number,
                travel_time_s=job.travel_time_s,
                started_at=job.started_at,
            )
            if job
            else None,
        )


class ReportOnMap(BaseModel):
    """A report as a ring on the map; nothing about its caller."""

    id: UUID
    number: int
    state: str
    category: str
    point: PointOut | None
    incident_id: UUID | None
    received_at: datetime


class WorkOrderOnMap(BaseModel):
    """A work order that changed."""

    id: UUID
    number: int
    kind: str
    state: str
    incident_id: UUID
    crew_code: str | None
    assignment_state: str | None


class CallbackChanged(BaseModel):
    """A callback that became due or ended; the desk reads the rest where it may."""

    id: UUID
    state: str
    due_at: datetime


class CountsOut(BaseModel):
    """What waits for people."""

    callbacks_due: int
    reports_unlocated: int


class OverviewOut(BaseModel):
    """One picture for lists and map, as far as its reader may see."""

    at: datetime
    incidents: list[IncidentOnMap]
    crews: list[CrewOnMap]
    reports: list[ReportOnMap]
    counts: CountsOut


class CrewsMoved(BaseModel):
    """Crews that moved or changed since the last batch."""

    items: list[CrewOnMap]
    removed: list[UUID]
    """Crews the reader may no longer see, such as those that left his area."""


class RouteFeature(BaseModel):
    """A way by road, as GeoJSON."""

    type: str = "Feature"
    geometry: dict[str, Any]  # Any: GeoJSON
    properties: dict[str, float]
