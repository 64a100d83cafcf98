"""The area this database serves, and the refusal of what lies outside it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID
from weakref import ref

from geoalchemy2 import WKBElement
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, SessionTransaction

from core.auth import Actor
from core.errors import FieldError
from gis.coordinates import LonLat, geography
from gis.errors import BadCoordinate, NetworkWithoutPlace, NoServiceArea, OutsideServiceArea
from gis.models import ServiceArea

DEFAULT_MARGIN_M = 500.0
_KEPT = "gis.service_area"


@dataclass(frozen=True, slots=True)
class AreaFacts:
    """What callers need to know of the area without its outline."""

    name: str
    metric_srid: int | None
    built_from: str
    network_revision: UUID

    @property
    def plane_srid(self) -> int:
        """EPSG code of the plane system in metres.

        Raises
        ------
        NetworkWithoutPlace
            The network has none.
        """
        if self.metric_srid is None:
            raise NetworkWithoutPlace
        return self.metric_srid


def area_facts(session: Session) -> AreaFacts:
    """Tell the area's name, metric system and network revision; asked of the database once in a transaction.

    Raises
    ------
    NoServiceArea
        No network is loaded.
    """
    kept: tuple[ref[SessionTransaction], AreaFacts] | None = session.info.get(_KEPT)
    transaction = session.get_transaction() or session.begin()
    if kept is not None and kept[0]() is transaction:
        return kept[1]
    facts = _read_facts(session)
    session.info[_KEPT] = (ref(transaction), facts)
    return facts


def forget_area(session: Session) -> None:
    """Have the area read anew, by whoever changed it in this transaction."""
    session.info.pop(_KEPT, None)


def _read_facts(session: Session) -> AreaFacts:
    row = session.execute(
        select(
            ServiceArea.name, ServiceArea.metric_srid, ServiceArea.built_from, ServiceArea.network_revision
        )
    ).one_or_none()
    if row is None:
        raise NoServiceArea
    return AreaFacts(*row)


def is_near_service_area(
    session: Session, shape: WKBElement | ColumnElement[Any], *, margin_m: float = DEFAULT_MARGIN_M
) -> bool | None:
    """Tell whether some of a shape lies in the area served, or no farther off than `margin_m`; None without an area on Earth."""
    return session.scalar(select(func.ST_DWithin(geography(ServiceArea.geom), geography(shape), margin_m)))


def ensure_in_service_area(session: Session, point: LonLat, *, margin_m: float = DEFAULT_MARGIN_M) -> None:
    """Refuse a point outside the area served.

    Parameters
    ----------
    point
        The place in question.
    margin_m
        How far outside the area it may lie, metres; edges pass the setting `service_area_margin_m`.

    Raises
    ------
    OutsideServiceArea
        It lies outside; the text says so when swapping the axes would bring it inside.
    NoServiceArea
        No network is loaded.
    NetworkWithoutPlace
        The network has no place on Earth.
    """
    inside = is_near_service_area(session, point.as_sql(), margin_m=margin_m)
    if inside is None:
        area_facts(session)
        raise NetworkWithoutPlace
    if inside:
        return
    detail = "The point lies outside the area this utility serves."
    try:
        swapped = LonLat(lon=point.lat, lat=point.lon)
    except BadCoordinate:
        swapped = None
    if swapped is not None and is_near_service_area(session, swapped.as_sql(), margin_m=margin_m):
        detail += " Longitude and latitude look swapped: exchange them."
    raise OutsideServiceArea(
        detail,
        errors=[
            FieldError("#/point/lon", "outside the service area"),
            FieldError("#/point/lat", "outside the service area"),
        ],
    )


def ensure_seen(session: Session, actor: Actor, point: LonLat, *, margin_m: float = DEFAULT_MARGIN_M) -> None:
    """Refuse a point that is not served, or not a person's to look at.

    Parameters
    ----------
    point, margin_m
        As for `ensure_in_service_area`.

    Raises
    ------
    OutsideServiceArea
        It lies outside the area served, or outside his.
    NoServiceArea, NetworkWithoutPlace
        There is nothing it could lie in.
    """
    ensure_in_service_area(session, point, margin_m=margin_m)
    if actor.area_wkt is not None and not session.scalar(select(actor.area_filter(point.as_sql()))):
        raise OutsideServiceArea
