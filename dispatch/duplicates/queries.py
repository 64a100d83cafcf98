"""Reading the reports that a new one may be the same as."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, union
from sqlalchemy.orm import Session

from core.auth import Actor
from dispatch.models import Incident, IncidentReport
from gis.coordinates import LonLat, geography
from gis.models import CustomerAccount


@dataclass(frozen=True, slots=True)
class EarlierReport:
    """A report taken before, as far as it tells whether a new one is about the same thing."""

    report_id: UUID
    report_number: int
    incident_id: UUID
    category: str
    place: LonLat
    segment_id: int | None
    confidence: float
    customer_account_id: UUID | None
    received_at: datetime
    closed_at: datetime | None
    """When its incident was over."""


_EARLIER = (
    IncidentReport.report_id,
    IncidentReport.report_number,
    IncidentReport.incident_id,
    IncidentReport.category,
    func.ST_X(IncidentReport.place),
    func.ST_Y(IncidentReport.place),
    IncidentReport.segment_id,
    IncidentReport.confidence,
    IncidentReport.customer_account_id,
    IncidentReport.received_at,
    Incident.closed_at,
)


def _earlier(row: Sequence[Any]) -> EarlierReport:  # Any: columns of many types, in the order of _EARLIER
    report_id, number, incident, category, lon, lat, *rest = row
    return EarlierReport(report_id, number, incident, category, LonLat(lon=lon, lat=lat), *rest)


def earlier_reports(
    session: Session,
    actor: Actor,
    place: LonLat,
    *,
    reach_m: float,
    customer_account_id: UUID | None,
    since: datetime,
    limit: int,
) -> list[EarlierReport]:
    """List the latest reports near a place or of a customer, as far as their incidents are open; latest first."""
    near = func.ST_DWithin(geography(IncidentReport.place), geography(place.as_sql()), reach_m)
    # Each search by its own index; joined into one condition they would read the whole table.
    searches: list[ColumnElement[bool]] = [near]
    if customer_account_id is not None:
        searches.append(IncidentReport.customer_account_id == customer_account_id)
    found = union(
        *(
            select(IncidentReport.report_id)
            .where(one, IncidentReport.received_at >= since)
            .order_by(IncidentReport.received_at.desc())
            .limit(limit)
            .subquery()
            .select()
            for one in searches
        )
    )
    rows = session.execute(
        select(*_EARLIER)
        .join(Incident, Incident.id == IncidentReport.incident_id)
        .where(
            IncidentReport.report_id.in_(found),
            Incident.closed_at.is_(None),
            actor.area_filter(IncidentReport.place),
            actor.area_filter(Incident.place),
        )
        .order_by(IncidentReport.received_at.desc())
    )
    return [_earlier(row) for row in rows]


def past_reports(session: Session, *, since: datetime, until: datetime, limit: int) -> list[EarlierReport]:
    """List the latest reports of a span of time, in order of receipt."""
    rows = session.execute(
        select(*_EARLIER)
        .join(Incident, Incident.id == IncidentReport.incident_id)
        .where(IncidentReport.received_at >= since, IncidentReport.received_at < until)
        .order_by(IncidentReport.received_at.desc(), IncidentReport.report_id)
        .limit(limit)
    ).all()
    return [_earlier(row) for row in reversed(rows)]


def account_id_of(session: Session, account_no: str) -> UUID | None:
    """Find a customer account by its number."""
    return session.scalar(select(CustomerAccount.id).where(CustomerAccount.account_no == account_no))
