"""The network over HTTP: places found, addresses offered, shutdowns planned."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated
from uuid import UUID

import shapely
from fastapi import APIRouter, Query
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.auth import Actor
from core.http.deps import AppSettings, DbSession, requires
from core.rights import PersonalField
from gis.cache import current_network
from gis.coordinates import LonLat
from gis.errors import AddressNotFound, OutsideServiceArea, PipeNotFound
from gis.geocoding import suggest_addresses
from gis.isolation import isolation_plan
from gis.location import Location, locate
from gis.models import Pipe
from gis.phones import to_e164
from gis.schemas import IsolationOut, LocateIn, LocationOut, SuggestionOut, SuggestionsOut

router = APIRouter(prefix="/api", tags=["gis"])


def _pipe_is_his(session: Session, actor: Actor, pipe_id: UUID) -> bool:
    """Whether a pipe lies in the person's area."""
    return session.scalar(select(Pipe.id).where(Pipe.id == pipe_id, actor.area_filter(Pipe.geom))) is not None


def _is_his(actor: Actor) -> Callable[[LonLat], bool]:
    """Tell whether places lie in the person's area."""
    if actor.area_wkt is None:
        return lambda _: True
    area = shapely.from_wkt(actor.area_wkt)
    return lambda place: bool(area.intersects(place.as_point()))


@router.post("/locate")
def locate_place(
    wanted: LocateIn,
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("locate.use")],
) -> LocationOut:
    """Find a place on the network from an account number, a phone number, words or a point."""
    place: Location = locate(
        session,
        account_no=wanted.account_no,
        phone=to_e164(wanted.phone, region=settings.phone_region) if wanted.phone else None,
        address_text=wanted.text,
        point=wanted.point.place() if wanted.point else None,
        accuracy_m=wanted.accuracy_m or settings.gps_accuracy_default_m,
        radius_m=settings.locate_radius_m,
    )
    if not _pipe_is_his(session, actor, place.pipe_id):
        raise OutsideServiceArea if wanted.point else AddressNotFound
    his = _is_his(actor)
    place = replace(place, alternatives=tuple(other for other in place.alternatives if his(other.point)))
    return LocationOut.of(place, with_address=actor.sees(PersonalField.ADDRESS) or wanted.text is not None)


@router.get("/addresses/suggest")
def suggest(
    session: DbSession,
    actor: Annotated[Actor, requires("locate.use")],
    q: Annotated[str, Query(min_length=1, max_length=200)],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> SuggestionsOut:
    """Offer addresses that begin like, or resemble, what was typed."""
    his = _is_his(actor)
    found = suggest_addresses(session, q, limit=limit)
    return SuggestionsOut(items=[SuggestionOut.of(candidate) for candidate in found if his(candidate.point)])


@router.get("/network/isolation")
def plan_isolation(
    session: DbSession,
    actor: Annotated[Actor, requires("network.read")],
    pipe_id: UUID,
    inoperable: Annotated[list[UUID] | None, Query(max_length=100)] = None,
) -> IsolationOut:
    """Tell which valves to close for a break, and what falls dry."""
    if not _pipe_is_his(session, actor, pipe_id):
        raise PipeNotFound
    return IsolationOut.of(isolation_plan(current_network(session), pipe_id, inoperable=inoperable or ()))
