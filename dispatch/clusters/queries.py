"""Reading large incidents and counts of reports, as far as they are the reader's to see."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, and_, case, func, or_, select, true, tuple_
from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import utc_now
from core.settings import Settings
from dispatch.clusters.rates import (
    CATEGORIES,
    HOUR,
    WEEK,
    WEEKS,
    Counted,
    Counts,
    Group,
    Rate,
    hours_of,
    rates,
)
from dispatch.errors import BadSpan
from dispatch.models import Incident, IncidentLevel, IncidentReport, IncidentState
from gis.coordinates import LonLat, loaded
from gis.models import PressureZone

SPAN_MAX = timedelta(days=31)
SPAN_SHOWN = timedelta(days=7)
INCIDENTS_MAX = 2000
"""More in a month than a city of millions has; the latest are shown."""
LARGE = (IncidentLevel.CLUSTER, IncidentLevel.AREA, IncidentLevel.ZONE)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, its end left out."""

    since: datetime
    until: datetime

    @classmethod
    def asked(cls, since: datetime | None, until: datetime | None) -> "Span":
        """Take the span asked for: without one, the last seven days.

        Raises
        ------
        BadSpan
            It ends before it begins, or is too long.
        """
        end = until or utc_now()
        begin = since or end - SPAN_SHOWN
        if not timedelta() < end - begin <= SPAN_MAX:
            raise BadSpan
        return cls(begin, end)


@dataclass(frozen=True, slots=True)
class LargeIncident:
    """An incident of more than one customer."""

    id: UUID
    number: int
    kind: str
    level: str
    state: str
    point: LonLat
    street: str | None
    zone_id: UUID | None
    report_count: int
    customer_count: int
    customers_without_water: int
    opened_at: datetime
    closed_at: datetime | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class Clusters:
    """What a span of time held."""

    hours: list[datetime]
    """The beginnings of its hours."""
    until: datetime
    history_since: datetime | None
    """The first full hour for which reports are kept; None while there is none."""
    incidents: list[LargeIncident]
    rates: list[Rate]


@dataclass(frozen=True, slots=True)
class CountedReport:
    """A report behind a number."""

    report_id: UUID
    report_number: int
    category: str
    received_at: datetime
    point: LonLat
    street: str | None
    zone_id: UUID | None
    incident_id: UUID
    incident_number: int


@dataclass(frozen=True, slots=True)
class Zone:
    """A pressure zone with its outline, where it is known and the reader's to see."""

    id: UUID
    code: str
    name: str
    area: Any | None  # Any: shapely has no types


def clusters(session: Session, actor: Actor, span: Span, *, settings: Settings) -> Clusters:
    """Tell the large incidents alive in a span and the reports of each of its hours beside the usual.

    Reports are read once by the index of their time, that of the span and of the four weeks before, and counted by the database.
    """
    zone = ZoneInfo(settings.utility_timezone)
    hours = hours_of(span.since, span.until, zone)
    first_hour = _first_full_hour(session, zone)
    counted = Span(hours[0] - WEEKS * WEEK - HOUR, span.until)
    found = _counts(session, actor, counted, timezone=settings.utility_timezone)
    return Clusters(
        hours=hours,
        until=span.until,
        history_since=first_hour,
        incidents=_large_incidents(session, actor, Span(hours[0], span.until)),
        rates=rates(found, hours, first_hour=first_hour, zone=zone),
    )


def reports_behind(
    session: Session,
    actor: Actor,
    span: Span,
    *,
    group: Group,
    zone_id: UUID | None,
    is_zone_unknown: bool,
    limit: int,
) -> list[CountedReport]:
    """List the reports of a span that were counted, the latest first.

    Parameters
    ----------
    zone_id
        None for those of all zones.
    is_zone_unknown
        Only those whose zone is not known.
    """
    rows = session.execute(
        select(IncidentReport, Incident.number)
        .join(Incident, Incident.id == IncidentReport.incident_id)
        .where(
            _counted(actor, span),
            IncidentReport.category.in_(CATEGORIES[group]),
            IncidentReport.zone_id == zone_id if zone_id is not None else true(),
            IncidentReport.zone_id.is_(None) if is_zone_unknown else true(),
        )
        .order_by(IncidentReport.received_at.desc(), IncidentReport.report_id.desc())
        .limit(limit)
    )
    return [
        CountedReport(
            report_id=report.report_id,
            report_number=report.report_number,
            category=report.category,
            received_at=report.received_at,
            point=LonLat.from_stored(report.place),
            street=report.street,
            zone_id=report.zone_id,
            incident_id=report.incident_id,
            incident_number=number,
        )
        for report, number in rows
    ]


def zones(session: Session, actor: Actor) -> list[Zone]:
    """List the pressure zones by code."""
    drawn = case((actor.area_filter(PressureZone.geom), PressureZone.geom), else_=None)
    rows = session.execute(
        select(PressureZone.id, PressureZone.code, PressureZone.name, drawn).order_by(PressureZone.code)
    )
    return [
        Zone(id_, code, name, loaded(area) if area is not None else None) for id_, code, name, area in rows
    ]


def _counted(actor: Actor, span: Span) -> ColumnElement[bool]:
    return and_(
        IncidentReport.received_at >= span.since,
        IncidentReport.received_at < span.until,
        actor.area_filter(IncidentReport.place),
    )


def _counts(session: Session, actor: Actor, span: Span, *, timezone: str) -> Counts:
    group_of = case(
        *(
            (IncidentReport.category.in_(categories), group.value)
            for group, categories in CATEGORIES.items()
            if group is not Group.ALL
        )
    )
    one = (
        select(
            func.date_trunc("hour", IncidentReport.received_at, timezone).label("hour"),
            IncidentReport.zone_id,
            group_of.label("group"),
        )
        .where(_counted(actor, span))
        .subquery()
        .c
    )
    hourly = (
        select(
            func.extract("epoch", one.hour).cast(BigInteger).label("at"),
            one.zone_id,
            func.coalesce(one.group, Group.ALL.value).label("group"),
            func.count().label("count"),
        )
        .group_by(func.grouping_sets(tuple_(one.hour, one.zone_id, one.group), tuple_(one.hour, one.zone_id)))
        .subquery()
        .c
    )
    # One row for all hours of a zone and group: rows cost more than numbers.
    rows = session.execute(
        select(
            hourly.zone_id, hourly.group, func.array_agg(hourly.at), func.array_agg(hourly.count)
        ).group_by(hourly.zone_id, hourly.group)
    )
    return {
        Counted(zone_id, Group(group)): {
            datetime.fromtimestamp(at, UTC): count for at, count in zip(times, numbers, strict=True)
        }
        for zone_id, group, times, numbers in rows
    }


def _first_full_hour(session: Session, zone: ZoneInfo) -> datetime | None:
    first: datetime | None = session.scalar(select(func.min(IncidentReport.received_at)))
    if first is None:
        return None
    (begin,) = hours_of(first, first + timedelta.resolution, zone)
    return begin if begin == first else begin + HOUR


def _large_incidents(session: Session, actor: Actor, span: Span) -> list[LargeIncident]:
    rows = session.scalars(
        select(Incident)
        .where(
            Incident.level.in_(LARGE),
            Incident.state != IncidentState.MERGED,
            Incident.opened_at < span.until,
            or_(Incident.closed_at.is_(None), Incident.closed_at > span.since),
            actor.area_filter(Incident.place),
        )
        .order_by(Incident.opened_at.desc(), Incident.id.desc())
        .limit(INCIDENTS_MAX)
    )
    return [
        LargeIncident(
            id=row.id,
            number=row.number,
            kind=row.kind,
            level=row.level,
            state=row.state,
            point=LonLat.from_stored(row.place),
            street=row.street,
            zone_id=row.zone_id,
            report_count=row.report_count,
            customer_count=row.customer_count,
            customers_without_water=row.customers_without_water,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
            cause=row.cause,
        )
        for row in rows
    ]
