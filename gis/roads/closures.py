"""Roads closed for a time: by an incident, by works, by hand. Who, why, from when to when; kept for good, also when changed or lifted."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import shapely
import shapely.ops
from sqlalchemy import BindParameter, ColumnElement, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.auth import Actor
from core.clock import utc_now
from core.models import User
from gis.coordinates import (
    LonLat,
    MetricPlane,
    line_shape,
    loaded,
    metric_plane,
    stored,
    straight_line_m,
    utm_srid,
)
from gis.errors import (
    BadClosureArea,
    ClosureBeyondArea,
    ClosureElsewhere,
    ClosureNotFound,
    ClosureOutsideServiceArea,
    ClosureOver,
    ClosureTimesWrong,
    ClosureTooLarge,
    PipeNotFound,
    SegmentNotFound,
)
from gis.models import ClosureCause, Pipe, RoadClosure, RoadEdge
from gis.roads.graph import RoadGraph
from gis.roads.overlay import Slowed, lines_touching
from gis.service_area import DEFAULT_MARGIN_M, is_near_service_area

TRENCH_WIDTH_M = 6.0
"""How wide a street is taken up where a main in it is dug up."""
CORNER_M = 15.0
"""So far from its ends a main lies in a crossing, where the other streets stay open."""
SPAN_MAX_M = 20_000.0
"""The most a closure may measure from side to side: twice the largest circle that can be asked for. Roads are closed by the street, not by the country."""


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


def above_pipes(session: Session, actor: Actor, pipe_ids: Collection[UUID]) -> Any:
    """Draw the strips to dig up for mains, their crossings with other streets left out.

    Raises
    ------
    PipeNotFound
        A main does not exist, has no place on Earth, or does not lie in the person's area; the text names it.
    """
    mains, unknown = _mains(session, actor, Pipe.id, pipe_ids)
    if unknown:
        raise PipeNotFound(f"There is no pipe {', '.join(map(str, unknown))} in the network.")
    return _trenches(mains)


def above_segments(session: Session, actor: Actor, segment_ids: Collection[int]) -> Any:
    """Draw the strips to dig up for all mains of segments, also where some of them leave the person's area.

    Raises
    ------
    SegmentNotFound
        A segment does not exist, has no main with a place on Earth, or none in the person's area; the text names it.
    """
    mains, unknown = _mains(session, actor, Pipe.segment_id, segment_ids)
    if unknown:
        raise SegmentNotFound(f"There is no segment {', '.join(map(str, unknown))} in the network.")
    return _trenches(mains)


def _mains(
    session: Session, actor: Actor, column: InstrumentedAttribute[Any], wanted: Collection[Any]
) -> tuple[list[Any], list[Any]]:
    """Give the lines of the mains named by a column, and the names of which none lies in the person's area.

    Any: ids of pipes or of segments; shapely has no types.
    """
    rows = session.execute(
        select(column, Pipe.geom, actor.area_filter(Pipe.geom)).where(
            column.in_(wanted), Pipe.geom.is_not(None)
        )
    ).all()
    unknown = set(wanted) - {name for name, _, is_his in rows if is_his}
    return [loaded(line) for _, line, _ in rows], sorted(unknown)


def _trenches(mains: Sequence[Any]) -> Any:
    plane = _plane_at(mains[0])
    return plane.unproject(shapely.union_all([_trench(plane.project(line)) for line in mains]))


def _trench(line: Any) -> Any:
    corner_m = min(CORNER_M, 0.4 * line.length)
    middle = shapely.ops.substring(line, corner_m, line.length - corner_m)
    return middle.buffer(TRENCH_WIDTH_M / 2.0, cap_style="flat")


def _is_sound(area: Any) -> bool:
    """Whether an area is one on Earth; a circle at a pole or a line without length gives none."""
    west, south, east, north = area.bounds if not area.is_empty else (np.nan,) * 4
    return bool(west >= -180.0 and east <= 180.0 and south >= -90.0 and north <= 90.0 and area.is_valid)


def _span_m(area: Any) -> float:
    """Measure an area from west to east and from south to north through its middle; the longer counts."""
    west, south, east, north = area.bounds
    lon, lat = (west + east) / 2.0, (south + north) / 2.0
    middle = LonLat(lon=lon, lat=lat)
    return 2.0 * max(
        straight_line_m(LonLat(lon=west, lat=lat), middle),
        straight_line_m(LonLat(lon=lon, lat=south), middle),
    )


def _is_served(session: Session, area: Any, margin_m: float) -> bool:
    """Whether an area touches the one served; without one, the box around the roads; where nothing is loaded every place may be."""
    shape = stored(area)
    is_near = is_near_service_area(session, shape, margin_m=margin_m)
    if is_near is None:
        is_near = session.scalar(
            select(func.ST_Intersects(func.ST_SetSRID(func.ST_Extent(RoadEdge.geom), shape.srid), shape))
        )
    return is_near is not False


def _several(area: Any) -> shapely.MultiPolygon:
    return area if isinstance(area, shapely.MultiPolygon) else shapely.MultiPolygon([area])


# --- making, changing, lifting ---------------------------------------------------------------------


def close_roads(
    session: Session, actor: Actor, wanted: Terms, *, margin_m: float = DEFAULT_MARGIN_M
) -> RoadClosure:
    """Close the roads that touch an area.

    Parameters
    ----------
    margin_m
        How far outside the area served it may lie, metres; edges pass the setting `service_area_margin_m`.

    Raises
    ------
    ClosureTimesWrong
        It ends before it starts, or has ended already.
    BadClosureArea
        It is no area on Earth.
    ClosureTooLarge
        It measures more than `SPAN_MAX_M`.
    ClosureOutsideServiceArea
        It does not touch the area served.
    ClosureElsewhere
        The person's own area does not hold it.
    """
    return _store(session, actor, wanted, None, margin_m)


def change_closure(
    session: Session,
    actor: Actor,
    before: RoadClosure,
    wanted: Terms,
    *,
    margin_m: float = DEFAULT_MARGIN_M,
) -> RoadClosure:
    """Put other terms in the place of a closure's; what it was stays on record.

    Raises
    ------
    ClosureOver
        It is over or lifted.
    ClosureTimesWrong, BadClosureArea, ClosureTooLarge, ClosureOutsideServiceArea, ClosureElsewhere
        As for a new one.
    """
    _ensure_not_over(before)
    return _store(session, actor, wanted, before, margin_m)


def _store(
    session: Session, actor: Actor, wanted: Terms, before: RoadClosure | None, margin_m: float
) -> RoadClosure:
    now = utc_now()
    if wanted.ends_at is not None and wanted.ends_at <= max(wanted.starts_at, now):
        raise ClosureTimesWrong
    if not _is_sound(wanted.area):
        raise BadClosureArea
    if _span_m(wanted.area) > SPAN_MAX_M:
        raise ClosureTooLarge
    if not _is_served(session, wanted.area, margin_m):
        raise ClosureOutsideServiceArea
    if not _is_his(actor, wanted.area):
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


def _is_his(actor: Actor, area: Any) -> bool:
    """Whether a person may close, change or open what lies in an area: his own holds all of it."""
    his = actor.area()
    return his is None or bool(his.covers(area))


def _ensure_not_over(closure: RoadClosure) -> None:
    if closure.lifted_at is not None or (closure.ends_at is not None and closure.ends_at <= utc_now()):
        raise ClosureOver


# --- reading ---------------------------------------------------------------------------------------


def in_force(at: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Condition that a closure holds at a time, as far as it was known then."""
    return and_(
        RoadClosure.created_at <= at,
        RoadClosure.starts_at <= at,
        or_(RoadClosure.ends_at.is_(None), RoadClosure.ends_at > at),
        or_(RoadClosure.lifted_at.is_(None), RoadClosure.lifted_at > at),
        or_(RoadClosure.superseded_at.is_(None), RoadClosure.superseded_at > at),
    )


def in_force_now(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Condition that a closure holds now."""
    return and_(in_force(now), RoadClosure.superseded_at.is_(None), RoadClosure.lifted_at.is_(None))


def closures_at(session: Session, actor: Actor, at: datetime, *, limit: int) -> Sequence[RoadClosure]:
    """List the latest closures of a person's area that hold at a time, the newest first."""
    return _listed(session, actor, in_force(at), limit=limit)


def closures_between(
    session: Session, actor: Actor, begin: datetime, end: datetime, *, limit: int
) -> Sequence[RoadClosure]:
    """List the latest closures of a person's area that hold at some time between two, as they stand, the newest first; lifted ones too."""
    return _listed(
        session,
        actor,
        and_(
            RoadClosure.superseded_at.is_(None),
            RoadClosure.starts_at < end,
            func.coalesce(func.least(RoadClosure.ends_at, RoadClosure.lifted_at), end) >= begin,
        ),
        limit=limit,
    )


def closure_of(session: Session, actor: Actor, closure_id: UUID) -> RoadClosure:
    """Give a closure that a person may change, as it stands, held until the transaction ends.

    Raises
    ------
    ClosureNotFound
        There is none in his area.
    ClosureBeyondArea
        His area does not hold all of it.
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
    if not _is_his(actor, loaded(found.area)):
        raise ClosureBeyondArea
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


def names_of_people(session: Session, closures: Iterable[RoadClosure]) -> dict[UUID, str]:
    """Name those who made or lifted closures."""
    people = {who for one in closures for who in (one.created_by, one.lifted_by) if who is not None}
    return {
        row.id: row.display_name
        for row in session.execute(select(User.id, User.display_name).where(User.id.in_(people)))
    }


def _listed(
    session: Session, actor: Actor, condition: ColumnElement[bool], *, limit: int | None = None
) -> Sequence[RoadClosure]:
    return session.scalars(
        select(RoadClosure)
        .where(condition, actor.area_filter(RoadClosure.area))
        .order_by(RoadClosure.created_at.desc(), RoadClosure.revision.desc())
        .limit(limit)
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
