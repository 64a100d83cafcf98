"""Faults of an asset, counted as incidents: closed ones that were a fault of ours, calls and planned works left out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session, aliased

from core.settings import Settings
from dispatch.models import AssetKind, Cause, Fault, Incident, IncidentState, WorkOrder
from dispatch.work_orders import Finding
from gis.cache import current_network
from gis.errors import PipeNotFound
from gis.models import Pipe
from gis.shutdowns import Work, dry_by, shutdowns_between

_PIPE, _VALVE, _SEGMENT, _ZONE = AssetKind.PIPE, AssetKind.VALVE, AssetKind.SEGMENT, AssetKind.ZONE
KINDS_OF: Final[Mapping[Cause, frozenset[AssetKind]]] = {
    Cause.BURST: frozenset({_PIPE, _SEGMENT}),
    Cause.LEAK: frozenset({_PIPE, _SEGMENT}),
    Cause.CLOSED_VALVE: frozenset({_VALVE, _SEGMENT}),
    Cause.LOW_PRESSURE: frozenset({_PIPE, _SEGMENT, _ZONE}),
    Cause.DIRTY_MAIN: frozenset({_PIPE, _SEGMENT, _ZONE}),
}
"""On what a fault of each cause counts; other causes are no fault of ours. A main that breaks says nothing about its zone."""
BROKEN: Final = frozenset({Cause.BURST, Cause.LEAK})


@dataclass(frozen=True, slots=True)
class Asset:
    """What has faults; a segment is named by any of its mains."""

    kind: AssetKind
    id: UUID


@dataclass(frozen=True, slots=True)
class CountingRule:
    """How many faults within which time are too many."""

    faults_min: int
    window: timedelta


def rules_of(settings: Settings) -> Mapping[AssetKind, CountingRule]:
    """Take the numbers of the kinds of assets from the settings."""
    a_year = CountingRule(settings.rectify_pipe_faults_min, timedelta(days=settings.rectify_pipe_days))
    return {
        _PIPE: a_year,
        _VALVE: a_year,
        _SEGMENT: CountingRule(
            settings.rectify_segment_faults_min, timedelta(days=settings.rectify_segment_days)
        ),
        _ZONE: CountingRule(settings.rectify_zone_faults_min, timedelta(days=settings.rectify_zone_days)),
    }


def lately(times: Iterable[datetime], window: timedelta) -> int:
    """Count the times within a window that ends with the latest of them, whatever their order."""
    known = sorted(times)
    return sum(known[-1] - one <= window for one in known)


def assets_of(fault: Fault) -> list[Asset]:
    """Tell on what a fault counts, as far as it is known."""
    known = {_PIPE: fault.pipe_id, _VALVE: fault.valve_id, _SEGMENT: fault.pipe_id, _ZONE: fault.zone_id}
    kinds = KINDS_OF[Cause(fault.cause)]
    return [Asset(kind, id_) for kind, id_ in known.items() if kind in kinds and id_ is not None]


def too_many(kind: AssetKind, faults: Sequence[Fault], rule: CountingRule) -> int:
    """Count the faults of an asset that are too many within the window of the latest; 0 when they are not.

    Those of a segment that all lie on one main are that main's.
    """
    count = lately((one.at for one in faults), rule.window)
    latest = sorted(faults, key=lambda one: one.at)[len(faults) - count :]
    if kind is _SEGMENT and len({one.pipe_id for one in latest}) < 2:
        return 0
    return count if count >= rule.faults_min else 0


# --- stored ----------------------------------------------------------------------------------------------------------------


def fault_of(session: Session, incident: Incident) -> Fault | None:
    """See an incident as a fault; None while it is not over, when nothing of ours was wrong, or when planned works explain it."""
    if incident.state != IncidentState.CLOSED or incident.cause is None:
        return None
    cause = Cause(incident.cause)
    if cause not in KINDS_OF:
        return None
    at = incident.reopened_at or incident.opened_at
    if _is_by_works(session, incident.pipe_id, cause, at):
        return None
    return Fault(
        incident_id=incident.id,
        cause=cause,
        at=at,
        pipe_id=incident.pipe_id,
        valve_id=_valve_found_closed(session, incident) if cause is Cause.CLOSED_VALVE else None,
        zone_id=incident.zone_id,
    )


def faults_on(session: Session, asset: Asset) -> Sequence[Fault]:
    """List the faults of an asset, oldest first; of a segment, those on the mains that belong to it now."""
    kinds = [cause for cause, kinds in KINDS_OF.items() if asset.kind in kinds]
    return session.scalars(
        select(Fault).where(Fault.cause.in_(kinds), is_on(asset)).order_by(Fault.at, Fault.incident_id)
    ).all()


def is_on(asset: Asset) -> ColumnElement[bool]:
    """Whether a fault lies on an asset, its cause left aside."""
    if asset.kind is _SEGMENT:
        return Fault.pipe_id.in_(mains_beside(asset.id))
    return {_PIPE: Fault.pipe_id, _VALVE: Fault.valve_id, _ZONE: Fault.zone_id}[asset.kind] == asset.id


def mains_beside(pipe_id: UUID) -> ColumnElement[UUID]:
    """List a main and those of the same valve segment."""
    named, beside = aliased(Pipe), aliased(Pipe)
    return (
        select(beside.id)
        .join(named, (named.id == beside.id) | (named.segment_id == beside.segment_id))
        .where(named.id == pipe_id)
        .scalar_subquery()
    )


def _is_by_works(session: Session, pipe_id: UUID | None, cause: Cause, at: datetime) -> bool:
    """Whether works announced ahead explain a fault: they ran when it began, and shut its main off.

    A main found broken is explained only by works on that very main.
    """
    running = [Work.of(one) for one in shutdowns_between(session, at, at + timedelta.resolution)]
    if pipe_id is None or not running:
        return False
    if cause in BROKEN:
        return any(pipe_id in one.pipe_ids for one in running)
    network = current_network(session)
    try:
        return network.pipe_index(pipe_id) in dry_by(network, running).all_pipes
    except PipeNotFound:
        return False


def _valve_found_closed(session: Session, incident: Incident) -> UUID | None:
    """Name the valve that the field found closed, if it said which."""
    orders = session.scalars(
        select(WorkOrder)
        .where(and_(WorkOrder.incident_id == incident.id, WorkOrder.finding.is_not(None)))
        .order_by(WorkOrder.ended_at.desc(), WorkOrder.number.desc())
    )
    found = (Finding.of(order) for order in orders)
    return next((one.valve_id for one in found if one and one.cause is Cause.CLOSED_VALVE), None)
