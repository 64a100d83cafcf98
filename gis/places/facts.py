"""What an agent can tell of a caller's surroundings: main, valves, hydrants, buildings, streets, land, customers, shutdowns ahead."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from geoalchemy2 import WKBElement
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import utc_now
from core.settings import Settings
from gis.cache import current_network
from gis.coordinates import LonLat
from gis.models import (
    CRITICAL_CLASSES,
    Building,
    CustomerAccount,
    CustomerClass,
    Hydrant,
    LandArea,
    LifecycleStatus,
    Operable,
    Pipe,
    PipeClass,
    PressureZone,
    ServiceConnection,
    Street,
    Valve,
    ValveType,
)
from gis.places.circle import Circle
from gis.places.reverse import main_at
from gis.service_area import ensure_seen
from gis.shutdowns import Work, dry_by, shutdowns_between

T = TypeVar("T")

LISTED_MAX: Final = 50
"""Of each kind, the nearest so many are listed; `total` counts all."""
SHUTDOWNS_AHEAD: Final = timedelta(days=60)
_BUILT: Final = (LifecycleStatus.IN_SERVICE, LifecycleStatus.OUT_OF_SERVICE)


@dataclass(frozen=True, slots=True)
class Nearest(Generic[T]):
    """The nearest of a kind, nearest first, and how many there are within the circle."""

    items: list[T]
    total: int


@dataclass(frozen=True, slots=True)
class MainFacts:
    """The main that serves a place, as far as a point tells."""

    id: UUID
    asset_code: str
    pipe_class: PipeClass
    diameter_mm: int | None
    material: str | None
    install_year: int | None
    road_name: str | None
    is_closed: bool
    segment_id: int | None
    zone_code: str | None
    zone_name: str | None
    distance_m: float
    confidence: float


@dataclass(frozen=True, slots=True)
class ValveFacts:
    """A valve and whether it turns."""

    id: UUID
    asset_code: str
    valve_type: ValveType
    diameter_mm: int | None
    is_closed: bool
    operable: Operable
    lifecycle_status: LifecycleStatus
    point: LonLat
    distance_m: float


@dataclass(frozen=True, slots=True)
class HydrantFacts:
    """A hydrant."""

    id: UUID
    asset_code: str
    diameter_mm: int | None
    lifecycle_status: LifecycleStatus
    point: LonLat
    distance_m: float


@dataclass(frozen=True, slots=True)
class BuildingFacts:
    """A building: what for, how high."""

    id: UUID
    use: str | None
    floor_count: int | None
    distance_m: float


@dataclass(frozen=True, slots=True)
class StreetFacts:
    """A street that comes near."""

    name: str
    district: str | None
    distance_m: float


@dataclass(frozen=True, slots=True)
class LandFacts:
    """Water or green nearby."""

    kind: str
    name: str | None
    distance_m: float


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """How many are served there, and how many of them cannot be without water; nobody by name."""

    total: int
    critical: Mapping[CustomerClass, int]


@dataclass(frozen=True, slots=True)
class ShutdownFacts:
    """Work announced ahead during which the place has no water."""

    id: UUID
    title: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """What lies near a place."""

    circle: Circle
    main: MainFacts | None
    valves: Nearest[ValveFacts]
    hydrants: Nearest[HydrantFacts]
    buildings: Nearest[BuildingFacts]
    streets: Nearest[StreetFacts]
    land: Nearest[LandFacts]
    customers: CustomerFacts
    shutdowns: list[ShutdownFacts]


def facts_near(session: Session, settings: Settings, actor: Actor, circle: Circle) -> PlaceFacts:
    """Tell what lies within a circle round a place, of the person's area.

    The main, and with it the shutdowns, is the one `reverse` tells, however small the circle.

    Raises
    ------
    OutsideServiceArea
        The place is not served, or not his.
    """
    ensure_seen(session, actor, circle.place, margin_m=settings.service_area_margin_m)
    main = _main(session, actor, circle.place, radius_m=settings.locate_radius_m)
    return PlaceFacts(
        circle=circle,
        main=main,
        valves=_nearest(
            session,
            actor,
            circle,
            ValveFacts,
            Valve.geom,
            Valve.id,
            Valve.asset_code,
            Valve.valve_type,
            Valve.diameter_mm,
            Valve.is_closed,
            Valve.operable,
            Valve.lifecycle_status,
            Valve.geom,
            where=Valve.lifecycle_status.in_(_BUILT),
        ),
        hydrants=_nearest(
            session,
            actor,
            circle,
            HydrantFacts,
            Hydrant.geom,
            Hydrant.id,
            Hydrant.asset_code,
            Hydrant.diameter_mm,
            Hydrant.lifecycle_status,
            Hydrant.geom,
            where=Hydrant.lifecycle_status.in_(_BUILT),
        ),
        buildings=_nearest(
            session,
            actor,
            circle,
            BuildingFacts,
            Building.geom,
            Building.id,
            Building.use,
            Building.floor_count,
        ),
        streets=_nearest(session, actor, circle, StreetFacts, Street.geom, Street.name, Street.district),
        land=_nearest(session, actor, circle, LandFacts, LandArea.geom, LandArea.kind, LandArea.name),
        customers=_customers(session, actor, circle),
        shutdowns=_shutdowns(session, main.id) if main else [],
    )


def _nearest(
    session: Session,
    actor: Actor,
    circle: Circle,
    make: Callable[..., T],
    geom: Any,
    *columns: Any,
    where: ColumnElement[bool] | None = None,
) -> Nearest[T]:
    """List what of a table lies within the circle, nearest first.

    Parameters
    ----------
    make
        Takes the columns' values, then the distance in metres.
    geom, columns
        Any: mapped columns carry no type of their own.
    """
    query = circle.nearest(actor, geom, *columns).add_columns(func.count().over()).limit(LISTED_MAX)
    rows = session.execute(query if where is None else query.where(where)).all()
    return Nearest(
        items=[make(*(_plain(value) for value in values)) for *values, _ in rows],
        total=rows[0][-1] if rows else 0,
    )


def _plain(value: Any) -> Any:
    """Unwrap a stored point; Any: a column's value."""
    return LonLat.from_stored(value) if isinstance(value, WKBElement) else value


def _main(session: Session, actor: Actor, place: LonLat, *, radius_m: float) -> MainFacts | None:
    found = main_at(session, actor, place, radius_m=radius_m)
    if found is None:
        return None
    row = session.execute(
        select(
            Pipe.id,
            Pipe.asset_code,
            Pipe.pipe_class,
            Pipe.diameter_mm,
            Pipe.material,
            Pipe.install_year,
            Pipe.road_name,
            Pipe.is_closed,
            Pipe.segment_id,
            PressureZone.code,
            PressureZone.name,
        )
        .outerjoin(PressureZone, PressureZone.id == Pipe.zone_id)
        .where(Pipe.id == found.pipe_id)
    ).one()
    return MainFacts(*row, found.distance_m, found.confidence)


def _customers(session: Session, actor: Actor, circle: Circle) -> CustomerFacts:
    """Count accounts by the houses their service lines end at."""
    house = func.ST_EndPoint(ServiceConnection.geom)
    by_class: dict[CustomerClass, int] = dict(
        session.execute(
            select(CustomerAccount.customer_class, func.count())
            .join(ServiceConnection, ServiceConnection.id == CustomerAccount.service_connection_id)
            .where(circle.touches_box(ServiceConnection.geom), circle.holds(house), actor.area_filter(house))
            .group_by(CustomerAccount.customer_class)
        ).all()
    )
    return CustomerFacts(
        total=sum(by_class.values()),
        critical={
            kind: by_class[kind] for kind in CustomerClass if kind in CRITICAL_CLASSES & by_class.keys()
        },
    )


def _shutdowns(session: Session, pipe_id: UUID) -> list[ShutdownFacts]:
    """List the shutdowns under way or ahead by which a main falls dry, wherever the work is: the place is the person's."""
    now = utc_now()
    planned = shutdowns_between(session, now, now + SHUTDOWNS_AHEAD)
    if not planned:
        return []
    network = current_network(session)
    main = network.pipe_index(pipe_id)
    return [
        ShutdownFacts(one.id, one.title, one.starts_at, one.ends_at)
        for one in planned
        if main in dry_by(network, [Work.of(one)]).all_pipes
    ]
