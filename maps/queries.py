"""What the map reads itself; incidents and crews come from dispatch's own readers."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from core.auth import Actor, effective_operations
from core.models import LoginSession, OutboxEvent, User
from dispatch.models import LIVE, Assignment, Crew, WorkOrder
from gis.coordinates import geography
from gis.errors import NoServiceArea
from gis.models import IsolationSegment, ServiceArea
from hotline.models import Callback, CallbackState, Report, ReportState
from tracker.models import LatestPosition

GEOJSON_DIGITS = 6
"""Decimals of a degree: about 0.1 m."""
ZONE_BUFFER_M = 14.0
"""How far beside its pipes an incident's zone is drawn, metres."""
ZONE_QUARTER_SEGMENTS = 3
"""Corners in a quarter circle of a zone's edge."""

AreaRow = tuple[str, float, float, float, float]
ReportRow = Row[Report, float | None, float | None]
"""A report with its longitude and latitude."""
PositionRow = Row[UUID, datetime, float, float, float | None, float | None]
"""Crew, device time, longitude, latitude, course and speed."""


def area_bounds(session: Session) -> AreaRow:
    """Tell the name and the west, south, east and north of the area served.

    Raises
    ------
    NoServiceArea
        No network is loaded.
    """
    geom = ServiceArea.geom
    row = session.execute(
        select(
            ServiceArea.name, func.ST_XMin(geom), func.ST_YMin(geom), func.ST_XMax(geom), func.ST_YMax(geom)
        )
    ).one_or_none()
    if row is None:
        raise NoServiceArea
    return row[0], row[1], row[2], row[3], row[4]


def zone_outlines(
    session: Session, keys: Collection[tuple[int, ...]]
) -> dict[tuple[int, ...], dict[str, Any]]:
    """Draw the area round the pipes of each set of isolation segments.

    Parameters
    ----------
    keys
        Sets of segment ids, each sorted.

    Returns
    -------
    outlines
        GeoJSON by key; segments that are gone have none.
    """
    outlines: dict[tuple[int, ...], dict[str, Any]] = {}
    for key in keys:
        outline = session.scalar(
            select(
                func.ST_AsGeoJSON(
                    func.geometry(
                        func.ST_Buffer(
                            geography(func.ST_Collect(IsolationSegment.geom)),
                            ZONE_BUFFER_M,
                            ZONE_QUARTER_SEGMENTS,
                        )
                    ),
                    GEOJSON_DIGITS,
                )
            ).where(IsolationSegment.id.in_(key), IsolationSegment.geom.is_not(None))
        )
        if outline:
            outlines[key] = json.loads(outline)
    return outlines


def _reports(actor: Actor) -> Select[Report, float | None, float | None]:
    return select(Report, func.ST_X(Report.place), func.ST_Y(Report.place)).where(
        actor.area_filter(Report.place)
    )


def reports_since(session: Session, actor: Actor, since: datetime, *, limit: int) -> Sequence[ReportRow]:
    """List the latest reports in the actor's area with their places, newest first."""
    return session.execute(
        _reports(actor).where(Report.received_at >= since).order_by(Report.received_at.desc()).limit(limit)
    ).all()


def reports_by_id(session: Session, actor: Actor, report_ids: Collection[UUID]) -> Sequence[ReportRow]:
    """Read these reports, as far as they lie in the actor's area."""
    return session.execute(_reports(actor).where(Report.id.in_(report_ids))).all()


def count_callbacks_due(session: Session, actor: Actor) -> int:
    """Count the callbacks of the actor's area that wait for somebody."""
    counted = select(func.count(Callback.id)).where(Callback.state == CallbackState.DUE)
    if actor.area_wkt is not None:
        counted = counted.join(Report, Report.id == Callback.report_id).where(actor.area_filter(Report.place))
    return session.scalar(counted) or 0


def count_unlocated(session: Session, actor: Actor) -> int:
    """Count the reports nobody has found a place for; they lie in nobody's area but that of those who see everything."""
    return (
        session.scalar(
            select(func.count(Report.id)).where(
                Report.state == ReportState.UNLOCATED, actor.area_filter(Report.place)
            )
        )
        or 0
    )


def callbacks_by_id(session: Session, actor: Actor, callback_ids: Collection[UUID]) -> Sequence[Callback]:
    """Read these callbacks, as far as they are about reports in the actor's area."""
    return session.scalars(
        select(Callback)
        .join(Report, Report.id == Callback.report_id)
        .where(Callback.id.in_(callback_ids), actor.area_filter(Report.place))
    ).all()


def work_orders_by_id(
    session: Session, actor: Actor, work_order_ids: Collection[UUID]
) -> Sequence[Row[WorkOrder, str, str]]:
    """Read these work orders with the crew that is asked for or bound to each, as far as they lie in the actor's area."""
    return session.execute(
        select(WorkOrder, Crew.code, Assignment.state)
        .outerjoin(Assignment, (Assignment.work_order_id == WorkOrder.id) & Assignment.state.in_(LIVE))
        .outerjoin(Crew, Crew.id == Assignment.crew_id)
        .where(WorkOrder.id.in_(work_order_ids), actor.area_filter(WorkOrder.place))
    ).all()


def events_since(session: Session, seconds: float) -> Sequence[Row[UUID, str, dict[str, Any]]]:
    """Read the events inserted in the last so many real seconds by the database's own clock."""
    return session.execute(
        select(OutboxEvent.id, OutboxEvent.name, OutboxEvent.payload).where(
            OutboxEvent.inserted_at > func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        )
    ).all()


def positions_stored_since(session: Session, since: datetime) -> Sequence[PositionRow]:
    """Read latest positions stored after a real time: crew, device time, place, course, speed."""
    return session.execute(
        select(
            LatestPosition.crew_id,
            LatestPosition.recorded_at,
            func.ST_X(LatestPosition.geom),
            func.ST_Y(LatestPosition.geom),
            LatestPosition.course_deg,
            LatestPosition.speed_mps,
        ).where(LatestPosition.stored_at > since)
    ).all()


def rights_of_sessions(
    session: Session, session_ids: Collection[UUID], at: datetime
) -> dict[UUID, tuple[str | None, frozenset[str]]]:
    """Tell the area and the operations of the log-ins that are still good at a real time."""
    rows = session.execute(
        select(LoginSession.id, User, func.ST_AsText(User.area))
        .join(User, User.id == LoginSession.user_id)
        .where(
            LoginSession.id.in_(session_ids),
            LoginSession.revoked_at.is_(None),
            LoginSession.expires_at > at,
            User.disabled_at.is_(None),
        )
    )
    return {
        login: (area_wkt, effective_operations(user.role.operations, user.role.group.functions))
        for login, user, area_wkt in rows
    }
