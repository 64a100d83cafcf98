"""What the routes about places take and give."""

from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from core.auth import Actor
from core.schemas import Wire
from core.text import Line
from gis.coordinates import LonLat
from gis.models import (
    CustomerClass,
    LifecycleStatus,
    Operable,
    Picture,
    PictureKind,
    PipeClass,
    PlaceName,
    ValveType,
)
from gis.places.additions import may_change
from gis.places.circle import Circle
from gis.places.facts import PlaceFacts
from gis.places.names import Wording
from gis.places.reverse import Quarter, Whereabouts
from gis.schemas import LocationOut, PointIn, PointOut

T = TypeVar("T")

RADIUS_MAX_M = 500.0
NAME_CHARACTERS_MAX = 60
"""A longer name is a description; nobody says it again word for word."""


class NearIn(PointIn):
    """A place, and how far round it to look."""

    radius_m: Annotated[float, Field(gt=0, le=RADIUS_MAX_M, allow_inf_nan=False)] = 100.0

    def circle(self) -> Circle:
        """Convert to WGS 84."""
        return Circle(self.place(), self.radius_m)


class AdditionsNearIn(NearIn):
    """The same for what people add."""

    withdrawn: bool = False
    """Those that were withdrawn instead, as far as the person may restore them."""
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class PictureOut(BaseModel):
    """A picture of a place. It is shown by `/api/pictures/{id}/image` and `/thumbnail`."""

    id: UUID
    kind: PictureKind
    caption: str
    point: PointOut
    distance_m: float | None
    """From the place asked about, if one was."""
    taken_at: datetime | None
    subject_ids: list[UUID]
    width: int
    height: int
    created_by: UUID | None
    created_at: datetime
    withdrawn_at: datetime | None
    is_changeable: bool
    """Whether the person may withdraw it, or restore it."""

    @classmethod
    def of(cls, picture: Picture, actor: Actor, *, distance_m: float | None = None) -> "PictureOut":
        """Write a picture down, its pixels left aside."""
        return cls(
            id=picture.id,
            kind=picture.kind,
            caption=picture.caption,
            point=PointOut.of(LonLat.from_stored(picture.geom)),
            distance_m=None if distance_m is None else round(distance_m, 2),
            taken_at=picture.taken_at,
            subject_ids=list(picture.subject_ids),
            width=picture.width,
            height=picture.height,
            created_by=picture.created_by,
            created_at=picture.created_at,
            withdrawn_at=picture.withdrawn_at,
            is_changeable=may_change(actor, picture),
        )


class PicturesOut(BaseModel):
    """Pictures, nearest first."""

    items: list[PictureOut]


Name = Annotated[Line, Field(min_length=1, max_length=NAME_CHARACTERS_MAX)]


class PlaceNameIn(Wire):
    """What a place is called, and where it is."""

    name: Name
    point: PointIn
    district: Line = ""
    note: Line = ""

    def wording(self) -> Wording:
        """Convert to what the trade works with."""
        return Wording(district=self.district, note=self.note)


class PlaceNameChangeIn(Wire):
    """What is corrected; what is left out stays, an empty district is none."""

    name: Name | None = None
    point: PointIn | None = None
    district: Line | None = None
    note: Line | None = None

    def wording(self) -> Wording:
        """Convert to what the trade works with."""
        return Wording(
            name=self.name,
            place=self.point.place() if self.point else None,
            district=self.district,
            note=self.note,
        )


class PlaceNameOut(BaseModel):
    """What people call a place."""

    id: UUID
    name: str
    district: str | None
    note: str
    point: PointOut
    distance_m: float | None
    """From the place asked about, if one was."""
    created_by: UUID | None
    created_at: datetime
    changed_by: UUID | None
    changed_at: datetime | None
    withdrawn_at: datetime | None
    is_changeable: bool
    """Whether the person may correct and withdraw it, or restore it."""

    @classmethod
    def of(cls, known: PlaceName, actor: Actor, *, distance_m: float | None = None) -> "PlaceNameOut":
        """Write a name down."""
        return cls(
            id=known.id,
            name=known.name,
            district=known.district,
            note=known.note,
            point=PointOut.of(LonLat.from_stored(known.geom)),
            distance_m=None if distance_m is None else round(distance_m, 2),
            created_by=known.created_by,
            created_at=known.created_at,
            changed_by=known.changed_by,
            changed_at=known.changed_at,
            withdrawn_at=known.withdrawn_at,
            is_changeable=may_change(actor, known),
        )


class PlaceNamesOut(BaseModel):
    """Names of places, nearest first."""

    items: list[PlaceNameOut]


class _Fact(BaseModel):
    """Something near a place, read from the trade's value of the same name."""

    model_config = ConfigDict(from_attributes=True)


class NearestOut(_Fact, Generic[T]):
    """The nearest of a kind, nearest first, and how many there are within the radius."""

    items: list[T]
    total: int


class MainFactsOut(_Fact):
    """The main at a pin put there by hand; `distance_m` may exceed the radius asked for."""

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


class ValveFactsOut(_Fact):
    """A valve; one that is not operable is seized."""

    id: UUID
    asset_code: str
    valve_type: ValveType
    diameter_mm: int | None
    is_closed: bool
    operable: Operable
    lifecycle_status: LifecycleStatus
    point: PointOut
    distance_m: float


class HydrantFactsOut(_Fact):
    """A hydrant."""

    id: UUID
    asset_code: str
    diameter_mm: int | None
    lifecycle_status: LifecycleStatus
    point: PointOut
    distance_m: float


class BuildingFactsOut(_Fact):
    """A building: what for, as its source writes it, and how many floors."""

    id: UUID
    use: str | None
    floor_count: int | None
    distance_m: float


class StreetFactsOut(_Fact):
    """A street that comes near."""

    name: str
    district: str | None
    distance_m: float


class LandFactsOut(_Fact):
    """Water or green; distance 0 where the place lies in it."""

    kind: str
    name: str | None
    distance_m: float


class CustomerFactsOut(_Fact):
    """How many accounts are served within the radius, and the critical ones of them by class; no names."""

    total: int
    critical: dict[CustomerClass, int]


class ShutdownFactsOut(_Fact):
    """Work announced ahead, or under way, during which the main at the place is dry."""

    id: UUID
    title: str
    starts_at: datetime
    ends_at: datetime


class PlaceFactsOut(BaseModel):
    """What lies near a place: all distances in metres from it."""

    point: PointOut
    radius_m: float
    main: MainFactsOut | None
    valves: NearestOut[ValveFactsOut]
    hydrants: NearestOut[HydrantFactsOut]
    buildings: NearestOut[BuildingFactsOut]
    streets: NearestOut[StreetFactsOut]
    land: NearestOut[LandFactsOut]
    customers: CustomerFactsOut
    shutdowns: list[ShutdownFactsOut]

    @classmethod
    def of(cls, facts: PlaceFacts) -> "PlaceFactsOut":
        """Write the facts down."""
        return cls(
            point=PointOut.of(facts.circle.place),
            radius_m=facts.circle.radius_m,
            main=MainFactsOut.model_validate(facts.main) if facts.main else None,
            valves=NearestOut[ValveFactsOut].model_validate(facts.valves),
            hydrants=NearestOut[HydrantFactsOut].model_validate(facts.hydrants),
            buildings=NearestOut[BuildingFactsOut].model_validate(facts.buildings),
            streets=NearestOut[StreetFactsOut].model_validate(facts.streets),
            land=NearestOut[LandFactsOut].model_validate(facts.land),
            customers=CustomerFactsOut.model_validate(facts.customers),
            shutdowns=[ShutdownFactsOut.model_validate(one) for one in facts.shutdowns],
        )


class NearStreetOut(BaseModel):
    """The street a point lies at; `side` is null in the middle of it."""

    name: str
    distance_m: float
    side: Quarter | None


class NearAddressOut(BaseModel):
    """An address near a point; `is_across`: on the other side of the point's street, null where it is in another street."""

    text: str
    street: str
    house_number: str | None
    point: PointOut
    distance_m: float
    is_across: bool | None


class WhereaboutsOut(BaseModel):
    """What is at a point, the nearest first; null and empty: nothing near enough to describe it."""

    point: PointOut
    street: NearStreetOut | None
    addresses: list[NearAddressOut]
    main: LocationOut | None

    @classmethod
    def of(cls, found: Whereabouts) -> "WhereaboutsOut":
        """Write it down."""
        return cls(
            point=PointOut.of(found.point),
            street=found.street
            and NearStreetOut(
                name=found.street.name,
                distance_m=round(found.street.distance_m, 2),
                side=found.street.side,
            ),
            addresses=[
                NearAddressOut(
                    text=near.text,
                    street=near.street,
                    house_number=near.house_number,
                    point=PointOut.of(near.point),
                    distance_m=round(near.distance_m, 2),
                    is_across=near.is_across,
                )
                for near in found.addresses
            ],
            main=found.main and LocationOut.of(found.main),
        )
