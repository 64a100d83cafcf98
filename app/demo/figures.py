"""What the run came to: the truth the simulators kept against what the product made of it, read through its API."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any
from uuid import UUID

from app.demo.client import Client
from app.demo.public import Told
from app.demo.world import Burst

COUNTED_BEFORE_END = timedelta(minutes=30)
CALLS_COUNTED = 3
STRAY_CAUSE = "stray"
MADE_STATES = ("reached", "not_reached")
"""States in which a callback has come to its end with somebody having called; waived ones are not due any more."""

ENDED_STATES = ("closed", "dismissed")
"""States of an incident that is over; a merged one lives on in another and is not counted."""

Cause = int | str
"""A burst's number, or a stray's own name."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The object of `demo --json`."""

    reports: int
    located: int
    unlocated: int
    bursts: int
    bursts_found: int
    reports_misjoined: int
    incidents: int
    incidents_closed: int
    callbacks_due: int
    callbacks_made: int
    events_parked: int
    mean_travel_s: float | None
    mean_travel_straight_line_choice_s: float | None
    seconds: float

    def as_json(self) -> dict[str, Any]:  # Any: JSON
        """Give the object with its keys in order."""
        return asdict(self)


def counted_bursts(bursts: list[Burst], cause_of: Mapping[UUID, int | None], *, end: datetime) -> list[Burst]:
    """List the bursts that count: begun early enough to be found, and told of often enough."""
    calls = Counter(cause for cause in cause_of.values() if cause is not None)
    return [
        burst
        for burst in bursts
        if burst.began_at <= end - COUNTED_BEFORE_END and calls[burst.number] >= CALLS_COUNTED
    ]


def is_found(
    burst: int,
    causes: Mapping[UUID, Cause],
    incident_of: Mapping[UUID, UUID],
    members: Mapping[UUID, Counter[Cause]],
) -> bool:
    """Tell whether one incident holds most of a burst's calls, and is mostly about it."""
    own = [report for report, cause in causes.items() if cause == burst]
    spread = Counter(incident_of[report] for report in own if report in incident_of)
    if not spread:
        return False
    incident, held = spread.most_common(1)[0]
    return 2 * held > len(own) and 2 * members[incident][burst] > members[incident].total()


def misjoined(members: Mapping[UUID, Counter[Cause]]) -> int:
    """Count the reports that lie in an incident which is mostly about something else."""
    return sum(causes.total() - max(causes.values()) for causes in members.values())


def causes_of(told: Told) -> dict[UUID, Cause]:
    """Name every report's cause; each stray is a cause of its own, and a stray's repeat is his own again."""
    return {
        report: cause if cause is not None else f"{STRAY_CAUSE} {_stray_key(told, report)}"
        for report, cause in told.cause_of.items()
    }


def _stray_key(told: Told, report: UUID) -> str:
    call = told.call_of[report]
    return f"customer {call.customer}" if call.customer is not None else str(report)


async def read_figures(
    supervisor: Client,
    administrator: Client,
    *,
    told: Told,
    bursts: list[Burst],
    calls_end: datetime,
    seconds: float,
) -> Figures:
    """Read the product's side and hold the truth against it."""
    reports = [report async for report in supervisor.pages("/api/reports")]
    incidents = [incident async for incident in supervisor.pages("/api/incidents", state="all")]
    callbacks = [callback async for callback in _closing_callbacks(supervisor)]
    travels = [travel async for travel in _travels(supervisor)]
    parked = (await administrator.get("/api/parked-events", limit=500))["items"]
    causes = causes_of(told)
    incident_of = {
        UUID(report["id"]): UUID(report["incident_id"])
        for report in reports
        if report["incident_id"] is not None
    }
    members: dict[UUID, Counter[Cause]] = {}
    for report, incident in incident_of.items():
        if report in causes:
            members.setdefault(incident, Counter())[causes[report]] += 1
    counted = counted_bursts(bursts, told.cause_of, end=calls_end)
    return Figures(
        reports=len(reports),
        located=sum(report["state"] == "located" for report in reports),
        unlocated=sum(report["state"] == "unlocated" for report in reports),
        bursts=len(counted),
        bursts_found=sum(is_found(burst.number, causes, incident_of, members) for burst in counted),
        reports_misjoined=misjoined(members),
        incidents=sum(incident["state"] != "merged" for incident in incidents),
        incidents_closed=sum(incident["state"] in ENDED_STATES for incident in incidents),
        callbacks_due=sum(callback["state"] != "waived" for callback in callbacks),
        callbacks_made=sum(callback["state"] in MADE_STATES for callback in callbacks),
        events_parked=len(parked),
        mean_travel_s=round(fmean(road for road, _ in travels), 1) if travels else None,
        mean_travel_straight_line_choice_s=round(fmean(line for _, line in travels), 1) if travels else None,
        seconds=round(seconds, 1),
    )


async def _closing_callbacks(supervisor: Client) -> AsyncIterator[Any]:  # Any: JSON
    async for callback in supervisor.pages("/api/callbacks"):
        if callback["incident_id"] is not None:
            yield callback


async def _travels(supervisor: Client) -> AsyncIterator[tuple[float, float]]:
    """Give, for every crew that set out, the time by road and what the crew nearest as the crow flies had needed."""
    async for order in supervisor.pages("/api/work-orders", state="all"):
        for one in order["assignments"]:
            road, line = one["travel_time_s"], one["straight_line_choice_travel_s"]
            if one["en_route_at"] is not None and road is not None and line is not None:
                yield float(road), float(line)
