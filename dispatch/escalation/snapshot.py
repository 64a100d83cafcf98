"""What is known of an incident at one moment, kept as it was when somebody had to be told, and when he was."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import utc_now
from dispatch.models import LIVE, Assignment, Crew, Incident, IncidentReport, WorkOrder

STREETS_MAX = 12
"""The streets with most calls say where it is."""


@dataclass(frozen=True, slots=True)
class WorkThen:
    """What the field was doing."""

    number: int
    kind: str
    state: str
    crew_code: str | None
    on_site_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentThen:
    """An incident as it was."""

    id: UUID
    number: int
    kind: str
    state: str
    level: str
    calls: int
    customers: int
    customers_without_water: int
    critical_customers: int
    streets: Sequence[str]
    segment_ids: Sequence[int]
    opened_at: datetime
    last_report_at: datetime
    estimate_at: datetime | None
    closed_at: datetime | None
    cause: str | None
    work: Sequence[WorkThen]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What there was to tell."""

    taken_at: datetime
    incident: IncidentThen | None = None
    times: int | None = None
    """How often, for a repeat or an asset."""
    window_days: int | None = None
    is_on_closed: bool = False
    """The case that was repeated was closed already."""


_ADAPTER = TypeAdapter(Snapshot)


def take(
    session: Session,
    incident: Incident | None,
    *,
    times: int | None = None,
    window_days: int | None = None,
    is_on_closed: bool = False,
) -> dict[str, Any]:
    """Take down what is known now, as JSON."""
    snapshot = Snapshot(
        taken_at=utc_now(),
        incident=None if incident is None else _incident_then(session, incident),
        times=times,
        window_days=window_days,
        is_on_closed=is_on_closed,
    )
    stored: dict[str, Any] = _ADAPTER.dump_python(snapshot, mode="json")
    return stored


def read(stored: dict[str, Any]) -> Snapshot:
    """Read what was taken down."""
    return _ADAPTER.validate_python(stored)


def _incident_then(session: Session, incident: Incident) -> IncidentThen:
    streets = Counter(
        street
        for street in session.scalars(
            select(IncidentReport.street)
            .where(IncidentReport.incident_id == incident.id, IncidentReport.street.is_not(None))
            .order_by(IncidentReport.received_at)
        )
        if street
    )
    work = session.execute(
        select(WorkOrder.number, WorkOrder.kind, WorkOrder.state, Crew.code, Assignment.on_site_at)
        .outerjoin(Assignment, (Assignment.work_order_id == WorkOrder.id) & Assignment.state.in_(LIVE))
        .outerjoin(Crew, Crew.id == Assignment.crew_id)
        .where(WorkOrder.incident_id == incident.id)
        .order_by(WorkOrder.number)
    )
    return IncidentThen(
        id=incident.id,
        number=incident.number,
        kind=incident.kind,
        state=incident.state,
        level=incident.level,
        calls=incident.report_count,
        customers=incident.customer_count,
        customers_without_water=incident.customers_without_water,
        critical_customers=incident.critical_customers,
        streets=[street for street, _ in streets.most_common(STREETS_MAX)],
        segment_ids=list(incident.segment_ids),
        opened_at=incident.opened_at,
        last_report_at=incident.last_report_at,
        estimate_at=incident.estimate_at,
        closed_at=incident.closed_at,
        cause=incident.cause,
        work=[WorkThen(*row) for row in work],
    )
