"""What the routes of clusters give."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from dispatch.clusters.queries import Clusters, Zone
from dispatch.clusters.rates import Group, Rate, Verdict, same_hour_before
from gis.coordinates import geojson_area
from gis.schemas import PointOut


class LargeIncidentOut(BaseModel):
    """An incident of more than one customer."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    number: int
    kind: str
    level: str
    state: str
    point: PointOut
    street: str | None
    zone_id: UUID | None
    report_count: int
    customer_count: int
    customers_without_water: int
    opened_at: datetime
    closed_at: datetime | None
    cause: str | None


class RateOut(BaseModel):
    """The reports of a zone in an hour beside the usual; hours that had none and usually have none are left out."""

    zone_id: UUID | None
    group: Group
    hour: datetime
    count: int
    before: list[int]
    usual: float | None
    verdict: Verdict

    @classmethod
    def of(cls, rate: Rate) -> "RateOut":
        """Write a rate down."""
        return cls(
            zone_id=rate.counted.zone_id,
            group=rate.counted.group,
            hour=rate.hour,
            count=rate.count,
            before=list(rate.before),
            usual=rate.usual,
            verdict=rate.verdict,
        )


class HourOut(BaseModel):
    """A full hour on the utility's clock, and the same hour of the week in the four weeks before, the latest first."""

    hour: datetime
    before: list[datetime]


class ClustersOut(BaseModel):
    """What a span of time held: its large incidents, latest first, and its hours; `timezone` is where an hour is the same hour."""

    since: datetime
    until: datetime
    timezone: str
    history_since: datetime | None
    hours: list[HourOut]
    incidents: list[LargeIncidentOut]
    rates: list[RateOut]

    @classmethod
    def of(cls, found: Clusters, *, timezone: str) -> "ClustersOut":
        """Write a span down."""
        zone = ZoneInfo(timezone)
        return cls(
            since=found.hours[0],
            until=found.until,
            timezone=timezone,
            history_since=found.history_since,
            hours=[HourOut(hour=hour, before=same_hour_before(hour, zone)) for hour in found.hours],
            incidents=[LargeIncidentOut.model_validate(one) for one in found.incidents],
            rates=[RateOut.of(one) for one in found.rates],
        )


class CountedReportOut(BaseModel):
    """A report behind a number."""

    model_config = ConfigDict(from_attributes=True)

    report_id: UUID
    report_number: int
    category: str
    received_at: datetime
    point: PointOut
    street: str | None
    zone_id: UUID | None
    incident_id: UUID
    incident_number: int


class ZoneOut(BaseModel):
    """A pressure zone; its outline is a MultiPolygon, empty where it is not known or not the reader's to see."""

    id: UUID
    code: str
    name: str
    outline: dict[str, Any] | None  # Any: GeoJSON

    @classmethod
    def of(cls, zone: Zone) -> "ZoneOut":
        """Write a zone down."""
        outline = geojson_area(zone.area) if zone.area is not None else None
        return cls(id=zone.id, code=zone.code, name=zone.name, outline=outline)
