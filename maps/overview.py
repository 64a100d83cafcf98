"""One snapshot for lists and map: incidents, crews and reports, as far as the actor may see."""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import timedelta
from threading import Lock
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import utc_now
from core.rights import Operation
from dispatch import queries as dispatch_queries
from dispatch.views import IncidentSummary
from gis.schemas import PointOut
from gis.service_area import area_facts
from maps import queries
from maps.schemas import CountsOut, CrewOnMap, IncidentOnMap, OverviewOut, ReportOnMap

REPORTS_SHOWN_S = 24 * 3600.0
"""How old a report may be to be drawn, seconds."""
REPORTS_SHOWN_MAX = 2000
OUTLINES_KEPT_MAX = 2000

ZoneKey = tuple[int, ...]


class _Outlines:
    """Keeps the drawn zones of one network revision."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._revision: UUID | None = None
        self._kept: OrderedDict[ZoneKey, dict[str, Any] | None] = OrderedDict()

    def get(self, session: Session, keys: set[ZoneKey]) -> dict[ZoneKey, dict[str, Any] | None]:
        revision = area_facts(session).network_revision
        with self._lock:
            if revision != self._revision:
                self._kept.clear()
                self._revision = revision
            known = {key: self._kept[key] for key in keys & self._kept.keys()}
        missing = keys - known.keys()
        drawn = queries.zone_outlines(session, missing)
        made = {key: drawn.get(key) for key in missing}
        with self._lock:
            if revision == self._revision:
                self._kept.update(made)
                while len(self._kept) > OUTLINES_KEPT_MAX:
                    self._kept.popitem(last=False)
        return known | made


_outlines = _Outlines()


def may_see_crews(actor: Actor) -> bool:
    """Whether crews are drawn for him."""
    return actor.may(Operation.CREWS_READ) and actor.may(Operation.POSITIONS_READ)


def incidents_on_map(session: Session, incidents: Iterable[IncidentSummary]) -> list[IncidentOnMap]:
    """Write incidents down with their zones drawn."""
    listed = list(incidents)
    key_of = {incident.id: tuple(sorted(incident.segment_ids)) for incident in listed}
    outlines = _outlines.get(session, {key for key in key_of.values() if key}) if listed else {}
    return [IncidentOnMap.of(incident, outlines.get(key_of[incident.id])) for incident in listed]


def report_on_map(row: queries.ReportRow) -> ReportOnMap:
    """Write a report down from the reader's row."""
    report, lon, lat = row
    return ReportOnMap(
        id=report.id,
        number=report.number,
        state=report.state,
        category=report.category,
        point=PointOut(lon=round(lon, 7), lat=round(lat, 7)) if lon is not None and lat is not None else None,
        incident_id=report.incident_id,
        received_at=report.received_at,
    )


def counts(session: Session, actor: Actor) -> CountsOut:
    """Count what waits for people."""
    return CountsOut(
        callbacks_due=queries.count_callbacks_due(session, actor)
        if actor.may(Operation.CALLBACKS_READ)
        else 0,
        reports_unlocated=queries.count_unlocated(session, actor) if actor.may(Operation.REPORTS_READ) else 0,
    )


def overview(session: Session, actor: Actor) -> OverviewOut:
    """Take the picture: open incidents, crews, the last day's reports.

    What the actor's role does not include is empty; what lies outside his area is left out.
    """
    now = utc_now()
    incidents = dispatch_queries.open_incidents(session, actor) if actor.may(Operation.INCIDENTS_READ) else []
    crews = dispatch_queries.crews_overview(session, actor) if may_see_crews(actor) else []
    reports = (
        queries.reports_since(
            session, actor, now - timedelta(seconds=REPORTS_SHOWN_S), limit=REPORTS_SHOWN_MAX
        )
        if actor.may(Operation.REPORTS_READ)
        else []
    )
    return OverviewOut(
        at=now,
        incidents=incidents_on_map(session, incidents),
        crews=[CrewOnMap.of(crew) for crew in crews],
        reports=[report_on_map(row) for row in reports],
        counts=counts(session, actor),
    )
