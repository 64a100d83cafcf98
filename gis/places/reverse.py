"""A point -> what is there: addresses, street, main, the nearest first."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import shapely
from sqlalchemy.orm import Session

from core.auth import Actor
from gis.coordinates import LonLat, loaded, metric_plane
from gis.location import RADIUS_M, Location, as_seen, locate_points
from gis.models import Address, Street
from gis.places.circle import Circle
from gis.service_area import area_facts

PIN_ERROR_M = 5.0
"""How well a person puts a pin on a map."""
REACH_M = 250.0
"""What lies further away does not describe the place."""
SHOWN = 5
"""How many addresses are told."""


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
class Whereabouts:
    """What is at a point."""

    point: LonLat
    street: NearStreet | None
    addresses: Sequence[NearAddress]
    main: Location | None


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
    circle = Circle(place, REACH_M)
    street: NearStreet | None = None
    centreline: shapely.Geometry = shapely.MultiLineString()
    for name, line, distance_m in session.execute(
        circle.nearest(actor, Street.geom, Street.name, Street.geom).limit(1)
    ):
        centreline = plane.project(loaded(line))
        street = NearStreet(name, distance_m, side_of_street(centreline, point))
    addresses = []
    houses = circle.nearest(
        actor, Address.geom, Address.text, Address.street, Address.house_number, Address.geom
    )
    for text, of_street, number, geometry, distance_m in session.execute(houses.limit(SHOWN)):
        at = LonLat.from_stored(geometry)
        is_same = street is not None and street.name == of_street
        across = is_across(centreline, point, plane.point(at)) if is_same else None
        addresses.append(NearAddress(text, of_street, number, at, distance_m, across))
    return Whereabouts(
        point=place,
        street=street,
        addresses=addresses,
        main=main_at(session, actor, place, radius_m=radius_m),
    )


def main_at(session: Session, actor: Actor, place: LonLat, *, radius_m: float = RADIUS_M) -> Location | None:
    """Find the main at a pin, put by hand; None where there is none, or only one beyond the person's area."""
    (found,) = locate_points(session, [place], accuracy_m=[PIN_ERROR_M], radius_m=radius_m)
    return found and as_seen(session, actor, found)
