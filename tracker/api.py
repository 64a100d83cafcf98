"""Where crews are, over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from core import audit
from core.auth import Actor
from core.clock import utc_now
from core.http.deps import DbSession, requires
from core.http.problems import RESPONSES
from core.rights import PersonalField
from core.schemas import Items
from tracker.errors import TrailHidden, TrailSpanTooLong
from tracker.positions import latest_positions, trail
from tracker.queries import dropped_since
from tracker.schemas import DroppedOut, PositionOut, TrailOut, TrailPointOut, cursor_after, read_cursor

router = APIRouter(prefix="/api", tags=["tracker"], responses=RESPONSES)

TRAIL_DEFAULT = timedelta(hours=8)
TRAIL_SPAN_MAX = timedelta(days=7)


@router.get("/positions")
def list_positions(
    session: DbSession, actor: Annotated[Actor, requires("positions.read")]
) -> Items[PositionOut]:
    """Show where each crew in the person's area was last."""
    now = utc_now()
    return Items(
        items=[PositionOut.of(position, now=now) for position in latest_positions(session, actor=actor)]
    )


@router.get("/crews/{crew_id}/trail")
def show_trail(
    crew_id: UUID,
    session: DbSession,
    actor: Annotated[Actor, requires("trails.read")],
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    limit: Annotated[int, Query(ge=1, le=20_000)] = 5_000,
) -> TrailOut:
    """Show where a crew was, by its devices' clocks; without times, the last eight hours. Looking is recorded."""
    if not actor.sees(PersonalField.TRAIL):
        raise TrailHidden
    begins, ends = _span(since, until)
    after = read_cursor(cursor) if cursor else None
    points = trail(session, crew_id, begins, ends, actor=actor, after=after, limit=limit)
    audit.record(
        session,
        actor,
        action="trail.read",
        subject_id=crew_id,
        digest=f"{begins.isoformat()} to {ends.isoformat()}",
    )
    return TrailOut(
        crew_id=crew_id,
        since=begins,
        until=ends,
        items=[TrailPointOut.of(point) for point in points],
        next=cursor_after(points[-1]) if len(points) == limit else None,
    )


@router.get("/tracker/dropped")
def list_dropped(
    session: DbSession,
    actor: Annotated[Actor, requires("positions.read")],
    days: Annotated[int, Query(ge=1, le=366)] = 7,
) -> Items[DroppedOut]:
    """Show how many messages of the last days were not taken, and why."""
    first_day = (utc_now() - timedelta(days=days - 1)).date()
    return Items(items=[DroppedOut.of(row) for row in dropped_since(session, first_day)])


def _span(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    try:
        ends = (until or (since + TRAIL_DEFAULT if since else utc_now())).astimezone(UTC)
        begins = (since or ends - TRAIL_DEFAULT).astimezone(UTC)
    except OverflowError as error:
        raise TrailSpanTooLong from error
    if not begins < ends or ends - begins > TRAIL_SPAN_MAX:
        raise TrailSpanTooLong
    return begins, ends
