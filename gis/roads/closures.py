"""Roads closed for a time: by an incident, by works, by hand. Who, why, from when to when; kept for good, also when changed or lifted."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import shapely
import shapely.ops
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import utc_now
from gis.coordinates import LonLat, MetricPlane, line_shape, loaded, metric_plane, stored, utm_srid
from gis.errors import (
    BadClosureArea,
    ClosureElsewhere,
    ClosureNotFound,
    ClosureOver,
    ClosureTimesWrong,
    PipeNotFound,
)
from gis.models import ClosureCause, Pipe, RoadClosure
from gis.roads.graph import RoadGraph
from gis.roads.overlay import Slowed, lines_touching

TRENCH_WIDTH_M = 6.0
"""How wide a street is taken up where a main in it is dug up."""
CORNER_M = 15.0
"""So far from its ends a main lies in a crossing, where the other streets stay open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What somebody wants closed."""

    cause: ClosureCause
    subject_id: UUID | None
    reason: str
    area: Any  # a shapely polygon or several, in longitude and latitude
    slowdown: float | None
    starts_at: datetime
    ends_at: datetime | None


# --- areas -----------------------------------------------------------------------------------------


def _plane_at(geometry: Any) -> MetricPlane:
    centre = geometry.centroid
    return metric_plane(utm_srid(LonLat(lon=centre.x, lat=centre.y)))


def around_point(place: LonLat, radius_m: float) -> Any:
    """Draw a circle, in longitude and latitude."""
    plane = metric_plane(utm_srid(place))
    return plane.unproject(plane.point(place).buffer(radius_m))


def along_line(points: Sequence[LonLat], width_m: float) -> Any:
    """Draw a strip along a line, ending where the line does."""
    line = line_shape(points)
    plane = _plane_at(line)
    return plane.unproject(plane.project(line).buffer(width_m / 2.0, cap_style="flat"))


def above_pipes(session: Session, actor: Actor, condition: ColumnElement[bool], *, expected: int) -> Any:
    """Draw the strips to dig up for mains, their crossings with other streets left out.

    Parameters
    ----------
    condition
        Which mains.
    expected
        How many are meant at least.

    Raises
    ------
    PipeNotFound
        A main does not exist, has no place on Earth, or does not lie in the person's area.
    """
    mains = session.scalars(
        select(Pipe.geom).where(condition, Pipe.geom.is_not(None), actor.area_filter(Pipe.geom))
    ).all()
    if not mains or len(mains) < expected:
        raise PipeNotFound
    lines = [loaded(one) for one in mains]
    plane = _plane_at(lines[0])
    strips = [_trench(plane.project(line)) for line in lines]
    return plane.unproject(shapely.union_all(strips))


def _trench(line: Any) -> Any:
    corner_m = min(CORNER_M, 0.4 * line.length)
    middle = shapely.ops.substring(line, corner_m, line.length - corner_m)
    return middle.buffer(TRENCH_WIDTH_M / 2.0, cap_style="flat")


def _is_sound(area: Any) -> bool:
    """Whether an area is one on Earth; a circle at a pole or a line without length gives none."""
    west, south, east, north = area.bounds if not area.is_empty else (np.nan,) * 4
    return bool(west >= -180.0 and east <= 180.0 and south >= -90.0 and north <= 90.0 and area.is_valid)


def _several(area: Any) -> shapely.MultiPolygon:
    return area if isinstance(area, shapely.MultiPolygon) else shapely.MultiPolygon([area])


# --- making, changing, lifting ---------------------------------------------------------------------


def close_roads(session: Session, actor: Actor, wanted: Terms) -> RoadClosure:
    """Close the roads that touch an area.

    Raises
    ------
    ClosureTimesWrong
        It ends before it starts, or has ended already.
    ClosureElsewhere
        The person's own area does not hold it.
    BadClosureArea
        It is no area on Earth.
    """
    return _store(session, actor, wanted, None)


def change_closure(session: Session, actor: Actor, before: RoadClosure, wanted: Terms) -> RoadClosure:
    """Put other terms in the place of a closure's; what it was stays on record.

    Raises
    ------
    ClosureOver
        It is over or lifted.
    ClosureTimesWrong, ClosureElsewhere, BadClosureArea
        As for a new one.
    """
    _ensure_not_over(before)
    return _store(session, actor, wanted, before)


def _store(session: Session, actor: Actor, wanted: Terms, before: RoadClosure | None) -> RoadClosure:
    now = utc_now()
    if wanted.ends_at is not None and wanted.ends_at <= max(wanted.starts_at, now):
        raise ClosureTimesWrong
    if not _is_sound(wanted.area):
        raise BadClosureArea
    if actor.area_wkt is not None and not shapely.from_wkt(actor.area_wkt).covers(wanted.area):
        raise ClosureElsewhere
    made = RoadClosure(
        cause=wanted.cause,
        subject_id=wanted.subject_id,
        reason=wanted.reason,
        area=stored(_several(wanted.area)),
        slowdown=wanted.slowdown,
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
        created_by=actor.user_id,
        created_at=now,
    )
    if before is not None:
        before.superseded_at = now
        session.flush()
        made.id = before.id
    session.add(made)
    session.flush()
    return made


def lift(session: Session, actor: Actor, closure: RoadClosure) -> None:
    """Open the roads again.

    Raises
    ------
    ClosureOver
        It is over, or lifted already.
    """
    _ensure_not_over(closure)
    closure.lifted_at, closure.lifted_by = utc_now(), actor.user_id
    session.flush()


def _ensure_not_over(closure: RoadClosure) -> None:
    if closure.lifted_at is not None or (closure.ends_at is not None and closure.ends_at <= utc_now()):
        raise ClosureOver


# --- reading ---------------------------------------------------------------------------------------


def in_force(at: datetime) -> ColumnElement[bool]:
    """Condition that a closure holds at a time, as far as it was known then."""
    return and_(
        RoadClosure.created_at <= at,
        RoadClosure.starts_at <= at,
        or_(RoadClosure.ends_at.is_(None), RoadClosure.ends_at > at),
        or_(RoadClosure.lifted_at.is_(None), RoadClosure.lifted_at > at),
        or_(RoadClosure.superseded_at.is_(None), RoadClosure.superseded_at > at),
    )


def in_force_now(now: datetime) -> ColumnElement[bool]:
    """Condition that a closure holds now."""
    return and_(in_force(now), RoadClosure.superseded_at.is_(None), RoadClosure.lifted_at.is_(None))


def closures_at(session: Session, actor: Actor, at: datetime) -> Sequence[RoadClosure]:
    """List the closures of a person's area that hold at a time, the latest first."""
    return _listed(session, actor, in_force(at))


def closures_between(session: Session, actor: Actor, begin: datetime, end: datetime) -> Sequence[RoadClosure]:
    """List the closures of a person's area that hold at some time between two, as they stand, the latest first; lifted ones too."""
    return _listed(
        session,
        actor,
        and_(
            RoadClosure.superseded_at.is_(None),
            RoadClosure.starts_at < end,
            func.coalesce(func.least(RoadClosure.ends_at, RoadClosure.lifted_at), end) >= begin,
        ),
    )


def closure_of(session: Session, actor: Actor, closure_id: UUID) -> RoadClosure:
    """Give a closure of a person's area as it stands, held until the transaction ends.

    Raises
    ------
    ClosureNotFound
        There is none.
    """
    found = session.scalar(
        select(RoadClosure)
        .where(
            RoadClosure.id == closure_id,
            RoadClosure.superseded_at.is_(None),
            actor.area_filter(RoadClosure.area),
        )
        .with_for_update()
    )
    if found is None:
        raise ClosureNotFound
    return found


def history_of(session: Session, actor: Actor, closure_id: UUID) -> Sequence[RoadClosure]:
    """List all a closure has been, the latest first.

    Raises
    ------
    ClosureNotFound
        There is none in the person's area.
    """
    found = _listed(session, actor, RoadClosure.id == closure_id)
    if not found:
        raise ClosureNotFound
    return found


def _listed(session: Session, actor: Actor, condition: ColumnElement[bool]) -> Sequence[RoadClosure]:
    return session.scalars(
        select(RoadClosure)
        .where(condition, actor.area_filter(RoadClosure.area))
        .order_by(RoadClosure.created_at.desc(), RoadClosure.revision.desc())
    ).all()


# --- on the graph ----------------------------------------------------------------------------------


def slowed_lines(session: Session, graph: RoadGraph, revisions: Collection[UUID]) -> dict[UUID, Slowed]:
    """Find the lines that closures touch."""
    if not revisions:
        return {}
    rows = session.execute(
        select(RoadClosure.revision, RoadClosure.area, RoadClosure.slowdown).where(
            RoadClosure.revision.in_(revisions)
        )
    )
    return {
        revision: Slowed(lines_touching(graph, loaded(area)), float("inf") if slowdown is None else slowdown)
        for revision, area, slowdown in rows
    }
