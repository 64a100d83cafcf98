"""Where crews are, and where they were."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.auth import Actor
from gis.coordinates import LonLat
from tracker.errors import CrewWithoutDevice
from tracker.models import LatestPosition, Position, Presence, PresenceState
from tracker.queries import has_device, latest_with_presence, trail_rows


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
    where = actor.area_filter(LatestPosition.geom) if actor else None
    rows = session.execute(latest_with_presence(crew_ids, where=where))
    return [_crew_position(latest, presence) for latest, presence in rows]


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


def _crew_position(latest: LatestPosition, presence: Presence | None) -> CrewPosition:
    return CrewPosition(
        crew_id=latest.crew_id,
        point=LonLat.from_stored(latest.geom),
        recorded_at=latest.recorded_at,
        received_at=latest.received_at,
        stored_at=latest.stored_at,
        accuracy_m=latest.accuracy_m,
        speed_mps=latest.speed_mps,
        course_deg=latest.course_deg,
        battery_pct=latest.battery_pct,
        presence=PresenceState(presence.state) if presence else PresenceState.OFFLINE,
    )
