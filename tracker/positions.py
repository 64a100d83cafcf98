"""Where crews are, and where they were."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.auth import Actor
from gis.coordinates import LonLat
from tracker.errors import CrewWithoutDevice
from tracker.models import LatestPosition, Position, PresenceState
from tracker.queries import LATEST, LatestRow, has_device, trail_rows


@dataclass(frozen=True, slots=True)
class CrewPosition:
    """Where a crew was last, by its device's clock, and whether its phone is there."""

    crew_id: UUID
    point: LonLat
    recorded_at: datetime
    received_at: datetime
    stored_at: datetime
    """Real time; what changed since a moment has a later one."""
    accuracy_m: float | None
    speed_mps: float | None
    course_deg: float | None
    battery_pct: float | None
    presence: PresenceState

    def age_s(self, now: datetime) -> float:
        """How old the fix is, seconds of the trade; never negative."""
        return max(0.0, (now - self.recorded_at).total_seconds())


@dataclass(frozen=True, slots=True)
class TrailPoint:
    """One fix of a trail."""

    recorded_at: datetime
    received_at: datetime
    device: str
    point: LonLat
    accuracy_m: float | None
    speed_mps: float | None
    course_deg: float | None


def latest_positions(
    session: Session, crew_ids: Collection[UUID] | None = None, *, actor: Actor | None = None
) -> list[CrewPosition]:
    """Tell where crews are.

    Parameters
    ----------
    crew_ids
        Only these; None means all. Crews without a fix are left out.
    actor
        Limits the answer to his area; None for the product's own decisions.

    Returns
    -------
    positions
        One a crew: the fix with the latest device time that is not in the future.
    """
    query = LATEST
    if crew_ids is not None:
        query = query.where(LatestPosition.crew_id.in_(crew_ids))
    if actor is not None and actor.area_wkt is not None:
        query = query.where(actor.area_filter(LatestPosition.geom))
    return [_crew_position(row) for row in session.execute(query)]


def latest_position(session: Session, crew_id: UUID) -> CrewPosition | None:
    """Tell where one crew is; None when it never said."""
    return next(iter(latest_positions(session, [crew_id])), None)


def trail(
    session: Session,
    crew_id: UUID,
    since: datetime,
    until: datetime,
    *,
    actor: Actor | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 10_000,
) -> list[TrailPoint]:
    """Tell where a crew was from `since` on and before `until`, by its devices' clocks.

    Showing this to a person is a deed to record: the caller audits it.

    Parameters
    ----------
    actor
        Limits the answer to his area.
    after
        Time and device of the last point already read.
    limit
        Points at most.

    Raises
    ------
    CrewWithoutDevice
        No device ever spoke for such a crew.
    """
    if not has_device(session, crew_id):
        raise CrewWithoutDevice
    where = actor.area_filter(Position.geom) if actor else None
    query = trail_rows(crew_id, since=since, until=until, after=after, limit=limit, where=where)
    return [
        TrailPoint(
            recorded_at=row.recorded_at,
            received_at=row.received_at,
            device=row.device,
            point=LonLat.from_stored(row.geom),
            accuracy_m=row.accuracy_m,
            speed_mps=row.speed_mps,
            course_deg=row.course_deg,
        )
        for row in session.scalars(query)
    ]


def _crew_position(row: LatestRow) -> CrewPosition:
    (
        crew_id,
        lon,
        lat,
        recorded_at,
        received_at,
        stored_at,
        accuracy_m,
        speed_mps,
        course_deg,
        battery_pct,
        state,
    ) = row
    return CrewPosition(
        crew_id=crew_id,
        point=LonLat(lon=lon, lat=lat),
        recorded_at=recorded_at,
        received_at=received_at,
        stored_at=stored_at,
        accuracy_m=accuracy_m,
        speed_mps=speed_mps,
        course_deg=course_deg,
        battery_pct=battery_pct,
        presence=PresenceState(state) if state else PresenceState.OFFLINE,
    )
