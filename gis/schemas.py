"""What the network's routes take and give."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from core.text import Line
from gis.coordinates import Datum, LonLat, to_wgs84
from gis.geocoding import AddressCandidate, MatchKind
from gis.isolation import IsolationPlan
from gis.location import Location, Method
from gis.models import Side


class PointOut(BaseModel):
    """Longitude and latitude in WGS 84."""

    model_config = ConfigDict(from_attributes=True)

    lon: float
    lat: float

    @classmethod
    def of(cls, place: LonLat) -> "PointOut":
        """Write a place down, 7 decimals."""
        return cls(lon=round(place.lon, 7), lat=round(place.lat, 7))


class PointIn(BaseModel):
    """Longitude and latitude, and the datum they are meant in."""

    model_config = ConfigDict(extra="forbid")

    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    datum: Datum = Datum.WGS84

    def place(self) -> LonLat:
        """Convert to WGS 84."""
        return to_wgs84(LonLat(lon=self.lon, lat=self.lat), self.datum)


class AlternativeOut(BaseModel):
    """Another main that could be meant."""

    point: PointOut
    pipe_id: UUID
    pipe_code: str
    segment_id: int | None
    confidence: float
    distance_m: float
    address_text: str | None


class LocationOut(BaseModel):
    """A place on the network, how it was found and how sure that is."""

    point: PointOut
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
    account_no: str | None
    alternatives: list[AlternativeOut]

    @classmethod
    def of(cls, place: Location, *, with_address: bool = True) -> "LocationOut":
        """Write a location down; the address only for those who may see it."""
        return cls(
            point=PointOut.of(place.point),
            pipe_id=place.pipe_id,
            pipe_code=place.pipe_code,
            chainage_m=round(place.chainage_m, 2),
            side=place.side,
            segment_id=place.segment_id,
            zone_id=place.zone_id,
            street=place.street,
            method=place.method,
            confidence=round(place.confidence, 4),
            margin=round(place.margin, 4),
            distance_m=round(place.distance_m, 2),
            address_text=place.address_text if with_address else None,
            account_no=place.account_no if with_address else None,
            alternatives=[
                AlternativeOut(
                    point=PointOut.of(other.point),
                    pipe_id=other.pipe_id,
                    pipe_code=other.pipe_code,
                    segment_id=other.segment_id,
                    confidence=round(other.confidence, 4),
                    distance_m=round(other.distance_m, 2),
                    address_text=other.address_text if with_address else None,
                )
                for other in place.alternatives
            ],
        )


class LocateIn(BaseModel):
    """What is known of a place; at least one of the four."""

    model_config = ConfigDict(extra="forbid")

    account_no: Line | None = None
    phone: Line | None = None
    text: Line | None = None
    point: PointIn | None = None
    accuracy_m: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] | None = None


class SuggestionOut(BaseModel):
    """An address offered while somebody types."""

    text: str
    street: str
    place: str | None
    point: PointOut
    kind: MatchKind
    address_id: UUID | None

    @classmethod
    def of(cls, candidate: AddressCandidate) -> "SuggestionOut":
        """Write a candidate down."""
        return cls(
            text=candidate.text,
            street=candidate.street,
            place=candidate.place,
            point=PointOut.of(candidate.point),
            kind=candidate.kind,
            address_id=candidate.address_id,
        )


class SuggestionsOut(BaseModel):
    """Addresses offered, best first."""

    items: list[SuggestionOut]


class ValveToCloseOut(BaseModel):
    """A valve of a plan, in its turn."""

    id: UUID
    asset_code: str
    point: PointOut
    order: int


class IsolationOut(BaseModel):
    """What closing round a break takes and does."""

    pipe_id: UUID
    segment_ids: list[int]
    segment_pipes: list[UUID]
    valves_to_close: list[ValveToCloseOut]
    valves_already_closed: list[UUID]
    cut_off_pipes: list[UUID]
    cut_off_segment_ids: list[int]
    customers: int
    critical_customers: int
    length_m: float

    @classmethod
    def of(cls, plan: IsolationPlan) -> "IsolationOut":
        """Write a plan down."""
        return cls(
            pipe_id=plan.pipe_id,
            segment_ids=list(plan.segment_ids),
            segment_pipes=list(plan.segment_pipe_ids),
            valves_to_close=[
                ValveToCloseOut(
                    id=valve.id,
                    asset_code=valve.asset_code,
                    point=PointOut.of(valve.point),
                    order=valve.order,
                )
                for valve in plan.valves_to_close
            ],
            valves_already_closed=list(plan.valves_already_closed),
            cut_off_pipes=list(plan.cut_off_pipe_ids),
            cut_off_segment_ids=list(plan.cut_off_segment_ids),
            customers=plan.customers,
            critical_customers=plan.critical_customers,
            length_m=round(plan.length_m, 2),
        )
