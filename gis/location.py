"""An account, words or a point -> a place on the network: pipe, chainage, side, segment, zone, and how sure.

The customer's account knows its service connection, and that its main; this is certain. Only where there is no account
does geometry decide, by a score over the mains nearby, and then the answer carries its alternatives: with a GPS error
of 15 m the nearest main was the right one for only 34 in 100 points of a test on real mains.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import MainlineError
from gis.coordinates import LonLat, MetricPlane, box_around, loaded, metric_plane
from gis.errors import (
    AccountNotFound,
    AddressNotFound,
    CallerUnknown,
    NoMainNearby,
    NothingToLocate,
)
from gis.geocoding import AddressCandidate, MatchKind, geocode, normalise
from gis.models import (
    Address,
    CustomerAccount,
    LifecycleStatus,
    Pipe,
    PipeClass,
    ServiceConnection,
    Side,
)
from gis.service_area import area_facts

RADIUS_M = 120.0
GPS_ACCURACY_M = 15.0
SET_BACK_M = 12.0
"""A caller stands in or before a house, not on the main: added to the error of his point."""
ADDRESS_ERROR_M = {
    MatchKind.ADDRESS: 12.0,
    MatchKind.PLACE: 30.0,
    MatchKind.INTERPOLATED: 30.0,
    MatchKind.CROSSING: 40.0,
    MatchKind.STREET: 120.0,
    MatchKind.DISTRICT: 120.0,
    MatchKind.POSTCODE: 120.0,
    MatchKind.PLUS_CODE: 12.0,
    MatchKind.COORDINATES: 12.0,
}
TRUNK_MM = 400
"""Mains this large seldom have house connections."""
ALTERNATIVES = 4
WORTH_LOOKING = 0.7
"""Addresses that match this much worse than the best are not looked at."""
ADDRESS_SURE = 0.75
"""An address matched at least this well outranks the caller's own account."""

# Weights of the score, in units of one half of a squared standard deviation (see findings on snapping).
WEIGHT_STREET = 2.0
WEIGHT_DISTRIBUTION = 1.0
WEIGHT_IN_SERVICE = 3.0


class Method(StrEnum):
    """How a place was found."""

    ACCOUNT = "account"
    PHONE = "phone"
    POINT = "point"
    ADDRESS = "address"
    ADDRESS_INTERPOLATED = "address_interpolated"
    PLACE = "place"
    CROSSING = "crossing"
    STREET = "street"
    DISTRICT = "district"
    POSTCODE = "postcode"
    PLUS_CODE = "plus_code"
    COORDINATES = "coordinates"


ADDRESS_METHODS = {
    MatchKind.ADDRESS: Method.ADDRESS,
    MatchKind.PLACE: Method.PLACE,
    MatchKind.INTERPOLATED: Method.ADDRESS_INTERPOLATED,
    MatchKind.CROSSING: Method.CROSSING,
    MatchKind.STREET: Method.STREET,
    MatchKind.DISTRICT: Method.DISTRICT,
    MatchKind.POSTCODE: Method.POSTCODE,
    MatchKind.PLUS_CODE: Method.PLUS_CODE,
    MatchKind.COORDINATES: Method.COORDINATES,
}


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another main, or another address, that could be meant."""

    point: LonLat
    pipe_id: UUID
    pipe_code: str
    segment_id: int | None
    confidence: float
    distance_m: float
    address_text: str | None


@dataclass(frozen=True, slots=True)
class Location:
    """A place on the network.

    `confidence` is the share of the belief that this main is meant, `margin` how much more than the next one has;
    `chainage_m` runs along the pipe from its first node, `side` is seen in that direction.
    """

    point: LonLat
    pipe_id: UUID
    pipe_code: str
    chainage_m: float
    side: Side
    segment_id: int | None
    zone_id: UUID | None
    street: str | None
    method: Method
    confidence: float
    margin: float
    distance_m: float
    address_text: str | None
    account_id: UUID | None
    account_no: str | None
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class _Near:
    """A main near a place."""

    pipe_id: UUID
    pipe_code: str
    segment_id: int | None
    zone_id: UUID | None
    street: str | None
    chainage_m: float
    side: Side
    distance_m: float
    score: float


def chainage_and_side(line: shapely.LineString, point: shapely.Point) -> tuple[float, Side]:
    """Project a point on a line, both in metres: how far along, and on which side looking ahead."""
    along = float(shapely.line_locate_point(line, point))
    behind = shapely.line_interpolate_point(line, max(0.0, along - 0.5))
    ahead = shapely.line_interpolate_point(line, min(line.length, along + 0.5))
    cross = (ahead.x - behind.x) * (point.y - behind.y) - (ahead.y - behind.y) * (point.x - behind.x)
    return along, Side.LEFT if cross >= 0 else Side.RIGHT


def _score(
    distance_m: float,
    error_m: float,
    *,
    same_street: bool,
    pipe_class: PipeClass,
    diameter_mm: int | None,
    in_service: bool,
) -> float:
    """Weigh one main: near, in the street named, of a kind that has house connections, in use."""
    score = -(distance_m**2) / (2.0 * error_m**2)
    score += WEIGHT_STREET * same_street
    score += WEIGHT_DISTRIBUTION * (pipe_class is PipeClass.DISTRIBUTION and (diameter_mm or 0) < TRUNK_MM)
    score += WEIGHT_IN_SERVICE * in_service
    return score


def _mains_near(
    session: Session,
    plane: MetricPlane,
    place: LonLat,
    *,
    radius_m: float,
    error_m: float,
    street: str | None,
) -> list[_Near]:
    """Score the mains within `radius_m` of a place, best first."""
    rows = session.execute(
        select(
            Pipe.id,
            Pipe.asset_code,
            Pipe.segment_id,
            Pipe.zone_id,
            Pipe.road_name,
            Pipe.pipe_class,
            Pipe.diameter_mm,
            Pipe.lifecycle_status,
            Pipe.length_m,
            Pipe.geom,
        ).where(
            Pipe.geom.op("&&")(box_around(place, radius_m)),
            Pipe.lifecycle_status != LifecycleStatus.ABANDONED,
        )
    )
    point = plane.point(place)
    named = normalise(street) if street else None
    mains = []
    for pipe_id, code, segment, zone, road, pipe_class, diameter, status, length_m, geometry in rows:
        line = plane.project(loaded(geometry))
        distance = float(line.distance(point))
        if distance > radius_m:
            continue
        along, side = chainage_and_side(line, point)
        score = _score(
            distance,
            error_m,
            same_street=named is not None and road is not None and normalise(road) == named,
            pipe_class=pipe_class,
            diameter_mm=diameter,
            in_service=status is LifecycleStatus.IN_SERVICE,
        )
        chainage = along / max(line.length, 1e-9) * length_m
        mains.append(_Near(pipe_id, code, segment, zone, road, chainage, side, distance, score))
    mains.sort(key=lambda main: (-main.score, main.pipe_code))
    return mains


def _shares(scores: Sequence[float]) -> list[float]:
    """Turn scores into shares of belief that add up to one."""
    best = max(scores)
    weights = [math.exp(score - best) for score in scores]
    total = sum(weights)
    return [weight / total for weight in weights]


def _from_mains(
    mains: Sequence[_Near], place: LonLat, *, method: Method, sure: float, address_text: str | None
) -> Location:
    """Make a location of the best main, the rest its alternatives."""
    shares = [share * sure for share in _shares([main.score for main in mains])]
    best = mains[0]
    return Location(
        point=place,
        pipe_id=best.pipe_id,
        pipe_code=best.pipe_code,
        chainage_m=best.chainage_m,
        side=best.side,
        segment_id=best.segment_id,
        zone_id=best.zone_id,
        street=best.street,
        method=method,
        confidence=shares[0],
        margin=shares[0] - (shares[1] if len(shares) > 1 else 0.0),
        distance_m=best.distance_m,
        address_text=address_text,
        account_id=None,
        account_no=None,
        alternatives=tuple(
            Alternative(
                point=place,
                pipe_id=main.pipe_id,
                pipe_code=main.pipe_code,
                segment_id=main.segment_id,
                confidence=share,
                distance_m=main.distance_m,
                address_text=address_text,
            )
            for main, share in zip(mains[1 : 1 + ALTERNATIVES], shares[1:], strict=False)
        ),
    )


def locate_point(
    session: Session, point: LonLat, *, accuracy_m: float | None = None, radius_m: float = RADIUS_M
) -> Location:
    """Find the main meant by a point.

    Parameters
    ----------
    point
        Where the caller's phone says he is, WGS 84; edges make sure that it lies in the area served.
    accuracy_m
        The error the phone states, metres.
    radius_m
        How far the main may be, metres; a phone that states a large error is believed as far as that.

    Raises
    ------
    NoMainNearby
        No main within the radius: too far is an error, not a guess.
    """
    error = math.hypot(accuracy_m or GPS_ACCURACY_M, SET_BACK_M)
    plane = metric_plane(area_facts(session).plane_srid)
    mains = _mains_near(session, plane, point, radius_m=radius_m, error_m=error, street=None)
    if not mains:
        raise NoMainNearby
    return _from_mains(mains, point, method=Method.POINT, sure=1.0, address_text=None)


_SERVED = (
    select(
        CustomerAccount.id,
        CustomerAccount.account_no,
        Address.text,
        Address.street,
        ServiceConnection.tap_chainage_m,
        ServiceConnection.tap_side,
        ServiceConnection.geom,
        Pipe.id,
        Pipe.asset_code,
        Pipe.segment_id,
        Pipe.zone_id,
    )
    .join(ServiceConnection, ServiceConnection.id == CustomerAccount.service_connection_id)
    .join(Pipe, Pipe.id == ServiceConnection.pipe_id)
    .join(Address, Address.id == CustomerAccount.address_id, isouter=True)
    .where(ServiceConnection.geom.is_not(None), Pipe.lifecycle_status != LifecycleStatus.ABANDONED)
    .order_by(CustomerAccount.account_no)
)


def _served_places(session: Session, condition: Any, *, method: Method, sure: float) -> list[Location]:
    """Locate accounts through their service connections; any SQL condition on their tables chooses them."""
    places = []
    for (
        account_id,
        account_no,
        text,
        street,
        chainage,
        side,
        line,
        pipe_id,
        code,
        segment,
        zone,
    ) in session.execute(_SERVED.where(condition).limit(20)):
        service = shapely.get_coordinates(loaded(line))
        door = LonLat(lon=float(service[-1][0]), lat=float(service[-1][1]))
        places.append(
            Location(
                point=door,
                pipe_id=pipe_id,
                pipe_code=code,
                chainage_m=chainage,
                side=side,
                segment_id=segment,
                zone_id=zone,
                street=street,
                method=method,
                confidence=sure,
                margin=sure,
                distance_m=0.0,
                address_text=text,
                account_id=account_id,
                account_no=account_no,
            )
        )
    return places


def locate_account(session: Session, account_no: str) -> Location:
    """Find the main an account is served from.

    Raises
    ------
    AccountNotFound
        Nobody has that number, or no service connection is recorded for it.
    """
    condition = CustomerAccount.account_no == account_no.strip()
    places = _served_places(session, condition, method=Method.ACCOUNT, sure=0.99)
    if not places:
        raise AccountNotFound
    return places[0]


def locate_phone(session: Session, phone: str) -> Location:
    """Find the main of the account, or one of several accounts, with a phone number (E.164).

    Raises
    ------
    CallerUnknown
        No account has it.
    """
    places = _served_places(session, CustomerAccount.phone == phone, method=Method.PHONE, sure=0.95)
    if not places:
        raise CallerUnknown
    return _one_of(places, [1.0] * len(places), sure=0.95)


def _one_of(places: Sequence[Location], weights: Sequence[float], *, sure: float) -> Location:
    """Choose the first of several places, the others its alternatives; belief is shared by weight.

    Places in one segment count as one place: what matters for the water is the same.
    """
    total = sum(weights)
    shares = [sure * weight / total for weight in weights]
    best = places[0]
    same = [place.segment_id is not None and place.segment_id == best.segment_id for place in places]
    same[0] = True
    confidence = sum(share for share, alike in zip(shares, same, strict=True) if alike)
    rest = [share for share, alike in zip(shares, same, strict=True) if not alike]
    return Location(
        point=best.point,
        pipe_id=best.pipe_id,
        pipe_code=best.pipe_code,
        chainage_m=best.chainage_m,
        side=best.side,
        segment_id=best.segment_id,
        zone_id=best.zone_id,
        street=best.street,
        method=best.method,
        confidence=confidence,
        margin=confidence - max(rest, default=0.0),
        distance_m=best.distance_m,
        address_text=best.address_text,
        account_id=best.account_id,
        account_no=best.account_no,
        alternatives=(
            *best.alternatives,
            *(
                Alternative(
                    point=place.point,
                    pipe_id=place.pipe_id,
                    pipe_code=place.pipe_code,
                    segment_id=place.segment_id,
                    confidence=share,
                    distance_m=place.distance_m,
                    address_text=place.address_text,
                )
                for place, share in zip(places[1:], shares[1:], strict=True)
            ),
        )[: ALTERNATIVES + 1],
    )


def _place_of(
    session: Session, candidate: AddressCandidate, *, plane: MetricPlane, radius_m: float
) -> Location | None:
    """Put an address on the network: through a customer there, else by the mains near it."""
    method = ADDRESS_METHODS[candidate.kind]
    if candidate.address_id is not None:
        served = _served_places(
            session, Address.id == candidate.address_id, method=method, sure=candidate.score
        )
        if served:
            first = served[0]
            return _one_of([first], [1.0], sure=candidate.score)
    mains = _mains_near(
        session,
        plane,
        candidate.point,
        radius_m=radius_m,
        error_m=ADDRESS_ERROR_M[candidate.kind],
        street=candidate.street,
    )
    if not mains:
        return None
    return _from_mains(
        mains, candidate.point, method=method, sure=candidate.score, address_text=candidate.text
    )


def locate_address(session: Session, address_text: str, *, radius_m: float = RADIUS_M) -> Location:
    """Find the main meant by an address as the caller says it.

    Raises
    ------
    AddressNotFound
        No street has a name like it.
    NoMainNearby
        The address is known, but no main lies near it.
    """
    candidates = geocode(session, address_text, limit=ALTERNATIVES + 1)
    if not candidates:
        raise AddressNotFound
    plane = metric_plane(area_facts(session).plane_srid)
    places: list[Location] = []
    weights: list[float] = []
    for candidate in candidates:
        if places and candidate.score < WORTH_LOOKING * candidates[0].score:
            break
        place = _place_of(session, candidate, plane=plane, radius_m=radius_m)
        if place is not None:
            places.append(place)
            # The tenth power makes a clearly worse match count little and an equal one count the same.
            weights.append(candidate.score**10)
    if not places:
        raise NoMainNearby
    return _one_of(places, weights, sure=places[0].confidence)


def locate(
    session: Session,
    *,
    account_no: str | None = None,
    phone: str | None = None,
    address_text: str | None = None,
    point: LonLat | None = None,
    accuracy_m: float | None = None,
    radius_m: float = RADIUS_M,
) -> Location:
    """Find the place on the network from whatever is known.

    The account comes first, then the point, then an address that matches well, then the caller's own account by his
    number, then an address that matches badly.

    Parameters
    ----------
    account_no, phone, address_text, point
        What is known; at least one. The phone number in E.164, the point in WGS 84; edges make sure that it lies in the area served.
    accuracy_m
        The error stated for the point, metres.
    radius_m
        How far the main may be from a point or an address, metres.

    Raises
    ------
    NothingToLocate
        Nothing was given.
    AccountNotFound, NoMainNearby, AddressNotFound, CallerUnknown
        Nothing given leads to a main; the error is that of the first thing given.
    """
    ways: list[Callable[[], Location]] = []
    if account_no:
        ways.append(lambda: locate_account(session, account_no))
    if point is not None:
        ways.append(lambda: locate_point(session, point, accuracy_m=accuracy_m, radius_m=radius_m))
    if address_text and address_text.strip():
        ways.append(lambda: locate_address(session, address_text, radius_m=radius_m))
    if phone:
        ways.append(lambda: locate_phone(session, phone))
    if not ways:
        raise NothingToLocate
    first_refusal: MainlineError | None = None
    unsure: Location | None = None
    for way in ways:
        try:
            place = way()
        except (AccountNotFound, NoMainNearby, AddressNotFound, CallerUnknown) as refusal:
            first_refusal = first_refusal or refusal
            continue
        by_address = place.method in ADDRESS_METHODS.values()
        if by_address and place.confidence < ADDRESS_SURE and unsure is None:
            unsure = place
            continue
        return place
    if unsure is not None:
        return unsure
    assert first_refusal is not None  # every way either returned or refused
    raise first_refusal
