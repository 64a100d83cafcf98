"""Rectifications for people: of those whose faults lie in their area."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, or_, select
from sqlalchemy.orm import Session, aliased

from core.auth import Actor
from core.clock import utc_now
from core.messages import say
from core.models import User
from core.settings import Settings
from dispatch.errors import NoSuchRectification
from dispatch.models import AssetKind, Fault, Incident, Rectification, RectificationChange, RectificationState
from dispatch.queries import WHY_PREFIX
from dispatch.rectification.faults import Asset, faults_on, lately, rules_of
from gis.coordinates import LonLat
from gis.models import Pipe, PressureZone, Valve


@dataclass(frozen=True, slots=True)
class FaultView:
    """An incident that counts as a fault of an asset."""

    incident_id: UUID
    incident_number: int
    cause: str
    at: datetime
    closed_at: datetime | None
    pipe_id: UUID | None
    point: LonLat
    street: str | None


@dataclass(frozen=True, slots=True)
class StepView:
    """A step of a rectification, in the reader's language."""

    at: datetime
    from_state: str | None
    to_state: str
    what: str
    by_user_id: UUID | None
    who: str | None
    why: str
    said: dict[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class RectificationView:
    """A rectification as a line of a list."""

    id: UUID
    number: int
    asset_kind: str
    asset_id: UUID
    asset_code: str | None
    """Of a segment, the code of the main it is named by."""
    segment_id: int | None
    """Of a main, a valve's main or a segment: the valve segment as it is numbered now."""
    state: str
    faults: int
    """Within `window_days` before the latest."""
    faults_in_all: int
    window_days: int
    failed_measures: int
    root_cause: str | None
    measure: str | None
    owner_id: UUID | None
    owner: str | None
    due_at: datetime | None
    is_overdue: bool
    done_at: datetime | None
    done_by: UUID | None
    verified_by: UUID | None
    observation_ends_at: datetime | None
    opened_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    last_fault_at: datetime | None
    point: LonLat | None
    """Where the latest fault was."""
    street: str | None


@dataclass(frozen=True, slots=True)
class RectificationDetail:
    """A rectification with its incidents, newest first, and its history, oldest first."""

    summary: RectificationView
    incidents: list[FaultView]
    history: list[StepView]


def list_rectifications(
    session: Session,
    actor: Actor,
    *,
    states: Collection[RectificationState],
    settings: Settings,
    is_overdue: bool = False,
    owner_id: UUID | None = None,
    limit: int,
    before: UUID | None = None,
) -> list[RectificationView]:
    """List the rectifications of the actor's area, newest first.

    Parameters
    ----------
    is_overdue
        Only those whose measure is late.
    before
        The last id of the page before.
    """
    query = select(Rectification).where(Rectification.state.in_(states), _is_his(actor))
    if is_overdue:
        query = query.where(
            Rectification.state == RectificationState.PLANNED, Rectification.due_at < utc_now()
        )
    if owner_id is not None:
        query = query.where(Rectification.owner_id == owner_id)
    if before is not None:
        query = query.where(Rectification.id < before)
    rows = session.scalars(query.order_by(Rectification.id.desc()).limit(limit)).all()
    return _views(session, actor, rows, settings=settings)


def ensure_his(session: Session, actor: Actor, case_id: UUID) -> None:
    """Refuse what does not exist or lies outside the actor's area.

    Raises
    ------
    NoSuchRectification
        As its name says.
    """
    if session.scalar(select(Rectification.id).where(Rectification.id == case_id, _is_his(actor))) is None:
        raise NoSuchRectification


def rectification_detail(
    session: Session, actor: Actor, case_id: UUID, *, settings: Settings
) -> RectificationDetail:
    """Tell everything about a rectification: of its incidents, those in the actor's area.

    Raises
    ------
    NoSuchRectification
        There is none, or it is not his to see.
    """
    ensure_his(session, actor, case_id)
    row = session.get_one(Rectification, case_id)
    return RectificationDetail(
        summary=_views(session, actor, [row], settings=settings)[0],
        incidents=_faults(session, actor, _asset(row)),
        history=_history(session, row.id, language=actor.language),
    )


def _asset(row: Rectification) -> Asset:
    return Asset(AssetKind(row.asset_kind), row.asset_id)


def _is_his(actor: Actor) -> ColumnElement[bool]:
    """Whether a rectification's asset had a fault in the actor's area, whatever its cause; for those without an area, always."""
    if actor.area_wkt is None:
        return Rectification.id.is_not(None)
    named, beside = aliased(Pipe), aliased(Pipe)
    segment = select(beside.id).join(named, named.segment_id == beside.segment_id)
    is_on = case(
        (Rectification.asset_kind == AssetKind.VALVE, Fault.valve_id == Rectification.asset_id),
        (Rectification.asset_kind == AssetKind.ZONE, Fault.zone_id == Rectification.asset_id),
        (
            Rectification.asset_kind == AssetKind.SEGMENT,
            or_(
                Fault.pipe_id == Rectification.asset_id,
                Fault.pipe_id.in_(segment.where(named.id == Rectification.asset_id)),
            ),
        ),
        else_=Fault.pipe_id == Rectification.asset_id,
    )
    return exists().where(and_(Incident.id == Fault.incident_id, actor.area_filter(Incident.place), is_on))


def _views(
    session: Session, actor: Actor, rows: Sequence[Rectification], *, settings: Settings
) -> list[RectificationView]:
    rules, now = rules_of(settings), utc_now()
    codes = _codes(session, rows)
    names = _names(session, (row.owner_id for row in rows))
    views = []
    for row in rows:
        asset = _asset(row)
        window = rules[asset.kind].window
        times = [one.at for one in faults_on(session, asset)]
        latest = next(iter(_faults(session, actor, asset, limit=1)), None)
        code, segment = codes.get(row.asset_id, (None, None))
        views.append(
            RectificationView(
                id=row.id,
                number=row.number,
                asset_kind=row.asset_kind,
                asset_id=row.asset_id,
                asset_code=code,
                segment_id=segment,
                state=row.state,
                faults=lately(times, window),
                faults_in_all=len(times),
                window_days=window.days,
                failed_measures=row.failed_measures,
                root_cause=row.root_cause,
                measure=row.measure,
                owner_id=row.owner_id,
                owner=names.get(row.owner_id) if row.owner_id else None,
                due_at=row.due_at,
                is_overdue=row.state == RectificationState.PLANNED
                and row.due_at is not None
                and row.due_at < now,
                done_at=row.done_at,
                done_by=row.done_by,
                verified_by=row.verified_by,
                observation_ends_at=row.observation_ends_at,
                opened_at=row.opened_at,
                changed_at=row.changed_at,
                closed_at=row.closed_at,
                last_fault_at=times[-1] if times else None,
                point=latest.point if latest else None,
                street=latest.street if latest else None,
            )
        )
    return views


def _faults(session: Session, actor: Actor, asset: Asset, *, limit: int | None = None) -> list[FaultView]:
    ids = [one.incident_id for one in faults_on(session, asset)]
    rows = session.execute(
        select(Fault, Incident)
        .join(Incident, Incident.id == Fault.incident_id)
        .where(Fault.incident_id.in_(ids), actor.area_filter(Incident.place))
        .order_by(Fault.at.desc(), Fault.incident_id.desc())
        .limit(limit)
    )
    return [
        FaultView(
            incident_id=incident.id,
            incident_number=incident.number,
            cause=fault.cause,
            at=fault.at,
            closed_at=incident.closed_at,
            pipe_id=fault.pipe_id,
            point=LonLat.from_stored(incident.place),
            street=incident.street,
        )
        for fault, incident in rows
    ]


def _history(session: Session, case_id: UUID, *, language: str) -> list[StepView]:
    rows = session.scalars(
        select(RectificationChange)
        .where(RectificationChange.rectification_id == case_id)
        .order_by(RectificationChange.at, RectificationChange.id)
    ).all()
    names = _names(session, (row.by_user_id for row in rows))
    return [
        StepView(
            at=row.at,
            from_state=row.from_state,
            to_state=row.to_state,
            what=say(f"dispatch.rectification.{row.to_state}", language),
            by_user_id=row.by_user_id,
            who=names.get(row.by_user_id) if row.by_user_id else None,
            why=say(row.why, language) if row.why.startswith(WHY_PREFIX) else row.why,
            said=row.said,
        )
        for row in rows
    ]


def _names(session: Session, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    wanted = {one for one in ids if one is not None}
    if not wanted:
        return {}
    return dict(session.execute(select(User.id, User.display_name).where(User.id.in_(wanted))).all())


def _codes(session: Session, rows: Sequence[Rectification]) -> dict[UUID, tuple[str, int | None]]:
    """Map the assets to their codes and valve segments."""
    ids = [row.asset_id for row in rows]
    found: dict[UUID, tuple[str, int | None]] = {}
    if ids:
        for query in (
            select(Pipe.id, Pipe.asset_code, Pipe.segment_id).where(Pipe.id.in_(ids)),
            select(Valve.id, Valve.asset_code, Pipe.segment_id)
            .outerjoin(Pipe, Pipe.id == Valve.pipe_id)
            .where(Valve.id.in_(ids)),
        ):
            found |= {id_: (code, segment) for id_, code, segment in session.execute(query)}
        for id_, code in session.execute(
            select(PressureZone.id, PressureZone.code).where(PressureZone.id.in_(ids))
        ):
            found[id_] = (code, None)
    return found
