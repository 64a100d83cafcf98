"""Large incidents and rates against the usual over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from core.auth import Actor
from core.http.deps import AppSettings, DbSession, requires
from core.http.problems import RESPONSES
from core.schemas import Items
from dispatch.clusters import queries
from dispatch.clusters.queries import Span
from dispatch.clusters.rates import Group
from dispatch.clusters.schemas import ClustersOut, CountedReportOut, ZoneOut

router = APIRouter(prefix="/api/clusters", tags=["dispatch"], responses=RESPONSES)

Reader = Annotated[Actor, requires("incidents.read")]
From = Annotated[
    AwareDatetime | None, Query(alias="from", description="Seven days before `until`, if not said.")
]
Until = Annotated[AwareDatetime | None, Query(description="Now, if not said; at most 31 days after `from`.")]


@router.get("")
def list_clusters(
    session: DbSession, settings: AppSettings, actor: Reader, since: From = None, until: Until = None
) -> ClustersOut:
    """List the incidents of more than one customer alive in a span, and each zone's reports by the hour beside the usual."""
    span = Span.asked(since, until)
    found = queries.clusters(session, actor, span, settings=settings)
    return ClustersOut.of(found, timezone=settings.utility_timezone)


@router.get("/reports")
def list_counted_reports(
    session: DbSession,
    actor: Reader,
    since: From = None,
    until: Until = None,
    group: Group = Group.ALL,
    zone: UUID | Literal["unknown"] | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> Items[CountedReportOut]:
    """List the reports behind a number, latest first; `unknown` are those whose zone is not known."""
    rows = queries.reports_behind(
        session,
        actor,
        Span.asked(since, until),
        group=group,
        zone_id=zone if isinstance(zone, UUID) else None,
        is_zone_unknown=zone == "unknown",
        limit=limit,
    )
    return Items(items=[CountedReportOut.model_validate(row) for row in rows])


@router.get("/zones")
def list_zones(session: DbSession, actor: Reader) -> Items[ZoneOut]:
    """List the pressure zones with their outlines."""
    return Items(items=[ZoneOut.of(one) for one in queries.zones(session, actor)])
