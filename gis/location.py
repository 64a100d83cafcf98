"""An account, words or a point -> a place on the network: pipe, chainage, side, segment, zone, and how sure.

The customer's account knows its service connection, and that its main; this is certain. Only where there is no account
does geometry decide, by a score over the mains nearby (`gis.mains`), and then the answer carries its alternatives: with a
GPS error of 15 m the nearest main was the right one for only 34 in 100 points of a test on real mains.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from core.auth import Actor
from core.errors import MainlineError
from gis.cache import current_mains
from gis.coordinates import LonLat, loaded, metric_plane
from gis.errors import (
    AccountNotFound,
    AddressNotFound,
    CallerUnknown,
    NoMainNearby,
    NothingToLocate,
)
from gis.geocoding import ERROR_M, AddressCandidate, MatchKind, geocode
from gis.mains import Clues, Mains, Matches, believed_within
from gis.models import (
    Address,
    CustomerAccount,
    LifecycleStatus,
    Pipe,
    ServiceConnection,
    Side,
)
from gis.service_area import area_facts

RADIUS_M = 120.0
REACH_ERRORS = 2.0
"""A place is sought at least this many times its error round about: it lies within that 86 times in 100."""
REACH_MAX_M = 500.0
"""But no further than this: beyond, asking helps more than listing."""
GPS_ACCURACY_M = 15.0
ALTERNATIVES = 4
WORTH_LOOKING = 0.05
"""Addresses believed this much less than the best are not looked at."""
ADDRESS_SURE = 0.75
"""An address matched at least this well outranks the caller's own account."""


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
class _Sought:
    """A place for which a main is sought, and what is known of it."""

    point: LonLat
    error_m: float
    street: str | None = None
    zone_id: UUID | None = None


def _nearby(
    session: Session,
    sought: Sequence[_Sought],
    *,
    radius_m: float,
    method: Method,
    sure: float = 1.0,
    address_text: str | None = None,
) -> list[Location | None]:
    """Put places on the network by the mains near them; None where there is no main within reach.

    A place stated with a large error reaches further, and what may lie beyond its reach is
    taken off the confidence.
    """
    mains = current_mains(session)
    x, y = metric_plane(area_facts(session).plane_srid).to_plane(
        np.array([one.point.lon for one in sought], dtype=np.float64),
        np.array([one.point.lat for one in sought], dtype=np.float64),
    )
    error_m = np.array([one.error_m for one in sought], dtype=np.float64)
    reach_m = np.maximum(radius_m, np.minimum(REACH_ERRORS * error_m, REACH_MAX_M))
    clues = Clues(
        np.column_stack([x, y]),
        error_m,
        street=np.array([mains.street_named(one.street) for one in sought], dtype=np.int64),
        zone=np.array([mains.zone_numbered(one.zone_id) for one in sought], dtype=np.int64),
    )
    matches = mains.match(clues, reach_m)
    believed = sure * believed_within(reach_m, error_m)
    return [
        _of_matches(
            mains, matches, at, one.point, method=method, sure=float(believed[at]), address_text=address_text
        )
        for at, one in enumerate(sought)
    ]


def _of_matches(
    mains: Mains,
    matches: Matches,
    place: int,
    point: LonLat,
    *,
    method: Method,
    sure: float,
    address_text: str | None,
) -> Location | None:
    """Make a location of the most believed main, the next ones its alternatives."""
    rows = matches.ranked(place)
    if not len(rows):
        return None
    shares = (matches.share[rows] * sure).tolist()
    row, main = int(rows[0]), int(matches.main[rows[0]])
    return Location(
        point=point,
        pipe_id=mains.pipe_id(main),
        pipe_code=mains.code[main],
        chainage_m=float(matches.chainage_m[row]),
        side=Side.LEFT if matches.is_left[row] else Side.RIGHT,
        segment_id=mains.segment_id(main),
        zone_id=mains.zone_id(main),
        street=mains.road_name(main),
        method=method,
        confidence=shares[0],
        margin=shares[0] - (shares[1] if len(shares) > 1 else 0.0),
        distance_m=float(matches.distance_m[row]),
        address_text=address_text,
        account_id=None,
        account_no=None,
        alternatives=tuple(
            Alternative(
                point=point,
                pipe_id=mains.pipe_id(other),
                pipe_code=mains.code[other],
                segment_id=mains.segment_id(other),
                confidence=share,
                distance_m=distance_m,
                address_text=address_text,
            )
            for other, share, distance_m in zip(
                matches.main[rows[1 : 1 + ALTERNATIVES]].tolist(),
                shares[1:],
                matches.distance_m[rows[1 : 1 + ALTERNATIVES]].tolist(),
                strict=False,
            )
        ),
    )


def locate_point(
    session: Session,
    point: LonLat,
    *,
    accuracy_m: float | None = None,
    street: str | None = None,
    radius_m: float = RADIUS_M,
) -> Location:
    """Find the main meant by a point.

    Parameters
    ----------
    point
        Where the caller's phone says he is, WGS 84; edges make sure that it lies in the area served.
    accuracy_m
        The error the phone states, metres.
    street
        The street it is said to lie in.
    radius_m
        How far the main may be, metres; a phone that states a large error is believed as far as twice that.

    Raises
    ------
    NoMainNearby
        No main within the radius: too far is an error, not a guess.
    """
    sought = _Sought(point, accuracy_m or GPS_ACCURACY_M, street=street)
    (place,) = _nearby(session, [sought], radius_m=radius_m, method=Method.POINT)
    if place is None:
        raise NoMainNearby
    return place


def locate_points(
    session: Session,
    points: Sequence[LonLat],
    *,
    accuracy_m: Sequence[float | None] | None = None,
    radius_m: float = RADIUS_M,
) -> list[Location | None]:
    """Find the mains meant by many points at once, as `locate_point` finds each; None where no main is within reach.

    Parameters
    ----------
    points
        WGS 84.
    accuracy_m
        The error of each, metres.
    radius_m
        How far a main may be, metres.
    """
    stated = accuracy_m or [None] * len(points)
    sought = [_Sought(point, error or GPS_ACCURACY_M) for point, error in zip(points, stated, strict=True)]
    return _nearby(session, sought, radius_m=radius_m, method=Method.POINT)


_ACCOUNTS = (
    select(
        CustomerAccount.id,
        CustomerAccount.account_no,
        Address.id,
        Address.text,
        Address.street,
        Address.geom,
        ServiceConnection.tap_chainage_m,
        ServiceConnection.tap_side,
        ServiceConnection.geom,
        Pipe.id,
        Pipe.asset_code,
        Pipe.segment_id,
        Pipe.zone_id,
        Pipe.lifecycle_status,
    )
    .join(Address, Address.id == CustomerAccount.address_id, isouter=True)
    .join(ServiceConnection, ServiceConnection.id == CustomerAccount.service_connection_id, isouter=True)
    .join(Pipe, Pipe.id == ServiceConnection.pipe_id, isouter=True)
)
_FIRST_AT_ADDRESSES = (
    _ACCOUNTS.ext(distinct_on(Address.id))
    .where(Address.id.in_(bindparam("addresses", expanding=True)))
    .order_by(Address.id, CustomerAccount.account_no)
)


def _places_of_accounts(session: Session, condition: Any, *, method: Method, sure: float) -> list[Location]:
    """Locate accounts; any SQL condition on their tables chooses them."""
    rows = session.execute(_ACCOUNTS.where(condition).order_by(CustomerAccount.account_no).limit(20))
    places = (_place_of_account(session, row, method=method, sure=sure) for row in rows)
    return [place for _, place in places if place is not None]


def _places_at_addresses(session: Session, candidates: Sequence[AddressCandidate]) -> dict[UUID, Location]:
    """Locate the first account of each address that is one of ours, asking once for all of them."""
    kinds = {one.address_id: one.kind for one in candidates if one.address_id is not None}
    if not kinds:
        return {}
    rows = session.execute(_FIRST_AT_ADDRESSES, {"addresses": list(kinds)}).all()
    places = (
        _place_of_account(session, row, method=ADDRESS_METHODS[kinds[row[2]]], sure=1.0) for row in rows
    )
    return {address_id: place for address_id, place in places if place is not None}


def _place_of_account(
    session: Session, row: Any, *, method: Method, sure: float
) -> tuple[UUID, Location | None]:
    """Locate an account, a row of `_ACCOUNTS`, and name its address.

    Through its service connection; where none is recorded, or its main is abandoned, by the mains near its address.
    """
    (
        account_id,
        account_no,
        address_id,
        text,
        street,
        home,
        chainage,
        side,
        line,
        pipe_id,
        code,
        segment,
        zone,
        status,
    ) = row
    place: Location | None = None
    if line is not None and status is not LifecycleStatus.ABANDONED:
        service = shapely.get_coordinates(loaded(line))
        place = Location(
            point=LonLat(lon=float(service[-1][0]), lat=float(service[-1][1])),
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
    elif home is not None:
        at_home = _Sought(LonLat.from_stored(home), ERROR_M[MatchKind.ADDRESS], street=street, zone_id=zone)
        (found,) = _nearby(session, [at_home], radius_m=RADIUS_M, method=method, sure=sure, address_text=text)
        place = found and replace(found, account_id=account_id, account_no=account_no)
    return address_id, place


def locate_account(session: Session, account_no: str) -> Location:
    """Find the main an account is served from.

    Raises
    ------
    AccountNotFound
        Nobody has that number, or neither its service connection nor its address leads to a main.
    """
    condition = CustomerAccount.account_no == account_no.strip()
    places = _places_of_accounts(session, condition, method=Method.ACCOUNT, sure=0.99)
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
    places = _places_of_accounts(session, CustomerAccount.phone == phone, method=Method.PHONE, sure=0.95)
    if not places:
        raise CallerUnknown
    return _one_of(places, [1.0] * len(places))


def _one_of(places: Sequence[Location], weights: Sequence[float], *, whole: float | None = None) -> Location:
    """Choose the first of several places, the others its alternatives; its belief is shared among them by weight.

    Places in one segment count as one place: what matters for the water is the same.

    Parameters
    ----------
    whole
        All the belief there is, where some of it is in none of the places; by default the weights' sum.
    """
    best = places[0]
    total = sum(weights) if whole is None else whole
    shares = [place.confidence * weight / total for place, weight in zip(places, weights, strict=True)]
    alike = [
        at == 0 or (place.segment_id is not None and place.segment_id == best.segment_id)
        for at, place in enumerate(places)
    ]
    confidence = sum(share for share, same in zip(shares, alike, strict=True) if same)
    beside = [replace(other, confidence=other.confidence * weights[0] / total) for other in best.alternatives]
    elsewhere = [
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
    ]
    rivals = [other.confidence for other in beside] + [
        share for share, same in zip(shares, alike, strict=True) if not same
    ]
    others = sorted([*beside, *elsewhere], key=lambda other: -other.confidence)
    return replace(
        best,
        confidence=confidence,
        margin=confidence - max(rivals, default=0.0),
        alternatives=tuple(others[: ALTERNATIVES + 1]),
    )


def _places_of(
    session: Session, candidates: Sequence[AddressCandidate], *, radius_m: float
) -> list[Location | None]:
    """Put addresses on the network: through a customer there, else by the mains near them."""
    of_customers = _places_at_addresses(session, candidates)
    return [
        (one.address_id and of_customers.get(one.address_id)) or _place_near(session, one, radius_m=radius_m)
        for one in candidates
    ]


def _place_near(session: Session, candidate: AddressCandidate, *, radius_m: float) -> Location | None:
    """Put an address on the network by the mains near it."""
    method = ADDRESS_METHODS[candidate.kind]
    sought = _Sought(candidate.point, candidate.error_m, street=candidate.street)
    (place,) = _nearby(
        session,
        [sought],
        radius_m=radius_m,
        method=method,
        sure=1.0,
        address_text=candidate.text,
    )
    return place


def locate_address(session: Session, address_text: str, *, radius_m: float = RADIUS_M) -> Location:
    """Find the main meant by an address as the caller says it.

    Raises
    ------
    AddressNotFound
        No street has a name like it.
    NoMainNearby
        The address is known, but no main lies near it.
    """
    place, _ = _at_address(session, address_text, radius_m=radius_m)
    return place


def _at_address(
    session: Session, address_text: str, *, radius_m: float, within: Any = None
) -> tuple[Location, float]:
    """Find the main meant by an address, and how sure the address itself is."""
    candidates = geocode(session, address_text, limit=ALTERNATIVES + 1, within=within)
    if not candidates:
        raise AddressNotFound
    worth = [one for one in candidates if one.confidence >= WORTH_LOOKING * candidates[0].confidence]
    placed = zip(_places_of(session, worth, radius_m=radius_m), worth, strict=True)
    found = [(place, candidate.confidence) for place, candidate in placed if place is not None]
    if not found:
        raise NoMainNearby
    places, beliefs = zip(*found, strict=True)
    return _one_of(places, beliefs, whole=max(1.0, sum(beliefs))), candidates[0].confidence


def locate_known_address(session: Session, address_id: UUID, *, radius_m: float = RADIUS_M) -> Location:
    """Find the main that serves an address of ours; which address is meant is certain.

    Raises
    ------
    AddressNotFound
        There is none.
    NoMainNearby
        Nobody there is a customer, and no main lies near it.
    """
    address = session.get(Address, address_id)
    if address is None:
        raise AddressNotFound
    kind = MatchKind.ADDRESS if address.house_number else MatchKind.PLACE
    meant = AddressCandidate(
        text=address.text,
        street=address.street,
        district=address.district,
        point=LonLat.from_stored(address.geom),
        score=1.0,
        confidence=1.0,
        kind=kind,
        error_m=ERROR_M[kind],
        address_id=address.id,
    )
    (place,) = _places_of(session, [meant], radius_m=radius_m)
    if place is None:
        raise NoMainNearby
    return place


def locate(
    session: Session,
    *,
    account_no: str | None = None,
    address_id: UUID | None = None,
    phone: str | None = None,
    address_text: str | None = None,
    point: LonLat | None = None,
    accuracy_m: float | None = None,
    street: str | None = None,
    radius_m: float = RADIUS_M,
    within: Any = None,
) -> Location:
    """Find the place on the network from whatever is known.

    The account comes first, then an address of ours, then the point, then an address that matches well, then the caller's own
    account by his number, then an address that matches badly.

    Parameters
    ----------
    account_no, address_id, phone, address_text, point
        What is known; at least one. The phone number in E.164, the point in WGS 84; edges make sure that it lies in the area served.
    accuracy_m, street
        The error stated for the point, metres, and the street it is said to lie in.
    radius_m
        How far the main may be from a point or an address, metres.
    within
        Only addresses in this area (longitude and latitude) can be meant. Any: shapely has no types.

    Raises
    ------
    NothingToLocate
        Nothing was given.
    AccountNotFound, NoMainNearby, AddressNotFound, CallerUnknown
        Nothing given leads to a main; the error is that of the first thing given.
    """
    ways: list[Callable[[], tuple[Location, float]]] = []
    if account_no:
        ways.append(lambda: (locate_account(session, account_no), 1.0))
    if address_id is not None:
        ways.append(lambda: (locate_known_address(session, address_id, radius_m=radius_m), 1.0))
    if point is not None:
        ways.append(
            lambda: (
                locate_point(session, point, accuracy_m=accuracy_m, street=street, radius_m=radius_m),
                1.0,
            )
        )
    if address_text and address_text.strip():
        ways.append(lambda: _at_address(session, address_text, radius_m=radius_m, within=within))
    if phone:
        ways.append(lambda: (locate_phone(session, phone), 1.0))
    if not ways:
        raise NothingToLocate
    first_refusal: MainlineError | None = None
    unsure: Location | None = None
    for way in ways:
        try:
            place, matched = way()
        except (AccountNotFound, NoMainNearby, AddressNotFound, CallerUnknown) as refusal:
            first_refusal = first_refusal or refusal
            continue
        if matched < ADDRESS_SURE and unsure is None:
            unsure = place
            continue
        return place
    if unsure is not None:
        return unsure
    assert first_refusal is not None  # every way either returned or refused
    raise first_refusal


def as_seen(session: Session, actor: Actor, place: Location) -> Location | None:
    """Leave out of a location the mains beyond a person's area; None when it is on one itself."""
    if actor.area_wkt is None:
        return place
    mains = {place.pipe_id, *(other.pipe_id for other in place.alternatives)}
    his = set(session.scalars(select(Pipe.id).where(Pipe.id.in_(mains), actor.area_filter(Pipe.geom))))
    if place.pipe_id not in his:
        return None
    return replace(place, alternatives=tuple(other for other in place.alternatives if other.pipe_id in his))
