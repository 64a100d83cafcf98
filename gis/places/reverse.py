"""A point -> what is there: addresses, street, main, valves and hydrants, the nearest first."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import shapely
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.auth import Actor
from gis.coordinates import LonLat, box_around, geography, loaded, metric_plane
from gis.location import RADIUS_M, Location, locate_points
from gis.models import Address, Hydrant, LifecycleStatus, Pipe, Street, Valve
from gis.service_area import area_facts

PIN_ERROR_M = 5.0
"""How well a person puts a pin on a map."""
REACH_M = 250.0
"""What lies further away does not describe the place."""
SHOWN = 5
"""How many of each kind are told."""


class Quarter(StrEnum):
    """The side of a street, as people say it: the north side."""

    NORTH = "north"
    EAST = "east"
    SOUTH = "south"
    WEST = "west"


@dataclass(frozen=True, slots=True)
class NearAddress:
    """An address near the point; `is_across` says that the point's street lies between, None that it is another street's."""

    text: str
    street: str
    house_number: str | None
    point: LonLat
    distance_m: float
    is_across: bool | None


@dataclass(frozen=True, slots=True)
class NearStreet:
    """The street a point lies at, and on which side of it; None in the middle of it."""

    name: str
    distance_m: float
    side: Quarter | None


@dataclass(frozen=True, slots=True)
class NearAsset:
    """A valve or a hydrant near the point."""

    id: UUID
    asset_code: str
    point: LonLat
    distance_m: float


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What is at a point."""

    point: LonLat
    street: NearStreet | None
    addresses: Sequence[NearAddress]
    main: Location | None
    valves: Sequence[NearAsset]
    hydrants: Sequence[NearAsset]


def side_of_street(street: shapely.Geometry, point: shapely.Point) -> Quarter | None:
    """Tell on which side of a street's centreline a point lies, both in metres; None on the centreline."""
    on_street, _ = shapely.get_coordinates(shapely.shortest_line(street, point))
    east, north = point.x - on_street[0], point.y - on_street[1]
    if math.hypot(east, north) < 1.0:
        return None
    if abs(north) >= abs(east):
        return Quarter.NORTH if north > 0 else Quarter.SOUTH
    return Quarter.EAST if east > 0 else Quarter.WEST


def is_across(street: shapely.Geometry, one: shapely.Point, other: shapely.Point) -> bool:
    """Whether a street's centreline lies between two points."""
    return bool(shapely.intersects(street, shapely.LineString([one, other])))


def whereabouts(session: Session, actor: Actor, place: LonLat, *, radius_m: float = RADIUS_M) -> Whereabouts:
    """Tell what is at a point, as far as a person may see it.

    Parameters
    ----------
    place
        WGS 84; edges make sure that it lies in the area served.
    radius_m
        How far the main may be.
    """
    plane = metric_plane(area_facts(session).plane_srid)
    point = plane.point(place)
    street: NearStreet | None = None
    centreline: shapely.Geometry = shapely.MultiLineString()
    for name, line, distance_m in _nearest(
        session, actor, place, select(Street.name, Street.geom), Street.geom, shown=1
    ):
        centreline = plane.project(loaded(line))
        street = NearStreet(name, distance_m, side_of_street(centreline, point))
    addresses = []
    for text, of_street, number, geometry, distance_m in _nearest(
        session,
        actor,
        place,
        select(Address.text, Address.street, Address.house_number, Address.geom),
        Address.geom,
    ):
        at = LonLat.from_stored(geometry)
        is_same = street is not None and street.name == of_street
        across = is_across(centreline, point, plane.point(at)) if is_same else None
        addresses.append(NearAddress(text, of_street, number, at, distance_m, across))
    return Whereabouts(
        point=place,
        street=street,
        addresses=addresses,
        main=_main(session, actor, place, radius_m=radius_m),
        valves=_assets(session, actor, place, Valve),
        hydrants=_assets(session, actor, place, Hydrant),
    )


def _main(session: Session, actor: Actor, place: LonLat, *, radius_m: float) -> Location | None:
    (found,) = locate_points(session, [place], accuracy_m=[PIN_ERROR_M], radius_m=radius_m)
    if found is None:
        return None
    is_his = session.scalar(select(Pipe.id).where(Pipe.id == found.pipe_id, actor.area_filter(Pipe.geom)))
    return None if is_his is None else found


def _assets(
    session: Session, actor: Actor, place: LonLat, kind: type[Valve] | type[Hydrant]
) -> list[NearAsset]:
    there = select(kind.id, kind.asset_code, kind.geom).where(
        kind.lifecycle_status != LifecycleStatus.ABANDONED
    )
    return [
        NearAsset(key, code, LonLat.from_stored(geometry), distance_m)
        for key, code, geometry, distance_m in _nearest(session, actor, place, there, kind.geom)
    ]


def _nearest(
    session: Session, actor: Actor, place: LonLat, wanted: Select[Any], geometry: Any, *, shown: int = SHOWN
) -> Sequence[Any]:
    """Read what lies nearest by a geometry, as far as the person may see it; the distance comes last (Any: rows of whatever is wanted)."""
    distance_m = func.ST_Distance(geography(geometry), geography(place.as_sql()))
    return session.execute(
        wanted.add_columns(distance_m)
        .where(
            geometry.op("&&")(box_around(place, REACH_M)), distance_m <= REACH_M, actor.area_filter(geometry)
        )
        .order_by(distance_m)
        .limit(shown)
    ).all()
