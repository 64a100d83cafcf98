"""What the network's routes take and give."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core.text import Line
from gis.coordinates import Datum, LonLat, to_wgs84
from gis.geocoding import AddressCandidate, MatchKind
from gis.hydraulic_check import HydraulicCheck, Supply
from gis.isolation import IsolationPlan
from gis.location import Location, Method
from gis.models import CustomerClass, PlannedShutdown, Side
from gis.shutdowns import Effect, ShutdownConflict

Accuracy = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
"""How far off a point may be, metres."""


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
    """What is known of a place; at least one of the five."""

    model_config = ConfigDict(extra="forbid")

    account_no: Line | None = None
    address_id: UUID | None = None
    """An address that was offered."""
    phone: Line | None = None
    text: Line | None = None
    point: PointIn | None = None
    accuracy_m: Accuracy | None = None
    street: Line | None = None
    """The street the point lies in, where that is known."""


class SuggestionOut(BaseModel):
    """A place offered while somebody types; `confidence` (0 to 1) is how likely it is meant, `error_m` how far off it may be."""

    text: str
    kind: MatchKind
    point: PointOut
    confidence: float
    error_m: float
    street: str
    district: str | None
    address_id: UUID | None

    @classmethod
    def of(cls, candidate: AddressCandidate) -> "SuggestionOut":
        """Write a candidate down."""
        return cls(
            text=candidate.text,
            kind=candidate.kind,
            point=PointOut.of(candidate.point),
            confidence=round(candidate.confidence, 3),
            error_m=round(candidate.error_m, 1),
            street=candidate.street,
            district=candidate.district,
            address_id=candidate.address_id,
        )


class SuggestionsOut(BaseModel):
    """Addresses offered, best first."""

    items: list[SuggestionOut]


class ValveToCloseOut(BaseModel):
    """A valve of a plan, in its turn; without a place where the network has none."""

    id: UUID
    asset_code: str
    point: PointOut | None
    order: int


class EffectOut(BaseModel):
    """Who has no water."""

    pipes: int
    customers: int
    critical: dict[CustomerClass, int]
    length_m: float

    @classmethod
    def of(cls, effect: Effect) -> "EffectOut":
        """Write an effect down."""
        return cls(
            pipes=effect.pipes,
            customers=effect.customers,
            critical=dict(effect.critical),
            length_m=round(effect.length_m, 2),
        )


class ConflictOut(BaseModel):
    """Planned shutdowns that run at the same time, what falls dry by more than one, and whom only all together cut off."""

    shutdown_ids: list[UUID]
    titles: list[str]
    starts_at: datetime
    ends_at: datetime
    shared_pipes: list[UUID]
    extra_pipes: list[UUID]
    extra: EffectOut

    @classmethod
    def of(cls, conflict: ShutdownConflict, titles: Mapping[UUID, str]) -> "ConflictOut":
        """Write a conflict down."""
        return cls(
            shutdown_ids=list(conflict.with_ids),
            titles=[titles.get(one, "") for one in conflict.with_ids],
            starts_at=conflict.starts_at,
            ends_at=conflict.ends_at,
            shared_pipes=list(conflict.shared_pipe_ids),
            extra_pipes=list(conflict.extra_pipe_ids),
            extra=EffectOut.of(conflict.extra),
        )


class IsolationOut(BaseModel):
    """What closing round a break takes and does."""

    pipe_id: UUID
    pipe_code: str
    segment_ids: list[int]
    segment_pipes: list[UUID]
    valves_to_close: list[ValveToCloseOut]
    valves_already_closed: list[UUID]
    cut_off_pipes: list[UUID]
    cut_off_segment_ids: list[int]
    customers: int
    critical_customers: int
    critical: dict[CustomerClass, int]
    length_m: float
    volume_m3: float
    length_without_volume_m: float
    conflicts: list[ConflictOut]
    segment_lines: Any = None
    """GeoJSON of the segment's pipes, when asked for; Any: GeoJSON."""
    cut_off_lines: Any = None
    """GeoJSON of the pipes cut off with it, when asked for; Any: GeoJSON."""

    @classmethod
    def of(
        cls, plan: IsolationPlan, *, pipe_code: str, conflicts: Sequence[ConflictOut] = ()
    ) -> "IsolationOut":
        """Write a plan down."""
        return cls(
            pipe_id=plan.pipe_id,
            pipe_code=pipe_code,
            segment_ids=list(plan.segment_ids),
            segment_pipes=list(plan.segment_pipe_ids),
            valves_to_close=[
                ValveToCloseOut(
                    id=valve.id,
                    asset_code=valve.asset_code,
                    point=PointOut.of(valve.point) if valve.point else None,
                    order=valve.order,
                )
                for valve in plan.valves_to_close
            ],
            valves_already_closed=list(plan.valves_already_closed),
            cut_off_pipes=list(plan.cut_off_pipe_ids),
            cut_off_segment_ids=list(plan.cut_off_segment_ids),
            customers=plan.customers,
            critical_customers=plan.critical_customers,
            critical=dict(plan.critical),
            length_m=round(plan.length_m, 2),
            volume_m3=round(plan.volume_m3, 3),
            length_without_volume_m=round(plan.length_without_volume_m, 2),
            conflicts=list(conflicts),
        )


class SupplyOut(BaseModel):
    """How customers are supplied."""

    dry: int
    low: int
    critical_dry: dict[CustomerClass, int]
    critical_low: dict[CustomerClass, int]
    pressure_p50_m: float

    @classmethod
    def of(cls, supply: Supply) -> "SupplyOut":
        """Write it down."""
        return cls(
            dry=supply.dry,
            low=supply.low,
            critical_dry=dict(supply.critical_dry),
            critical_low=dict(supply.critical_low),
            pressure_p50_m=round(supply.pressure_p50_m, 1),
        )


class HydraulicCheckOut(BaseModel):
    """What EPANET says of a plan: who is dry and who has too little pressure, today and with the plan carried out."""

    before: SupplyOut
    after: SupplyOut
    newly_low: int
    dry_beyond_plan: int
    low_pipes: list[UUID]
    assumptions: dict[str, int]

    @classmethod
    def of(cls, check: HydraulicCheck) -> "HydraulicCheckOut":
        """Write a check down."""
        return cls(
            before=SupplyOut.of(check.before),
            after=SupplyOut.of(check.after),
            newly_low=check.newly_low,
            dry_beyond_plan=check.dry_beyond_plan,
            low_pipes=list(check.low_pipe_ids),
            assumptions={name: count for name, count in check.assumptions.items() if count},
        )


class ShutdownIn(BaseModel):
    """Work for which mains are shut between two times."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[Line, Field(min_length=1)]
    pipe_ids: Annotated[list[UUID], Field(min_length=1, max_length=50)]
    inoperable_valve_ids: Annotated[list[UUID], Field(max_length=100)] = []
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class ShutdownOut(BaseModel):
    """A planned shutdown, who has no water during it, and what it conflicts with."""

    id: UUID
    title: str
    pipe_ids: list[UUID]
    inoperable_valve_ids: list[UUID]
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    called_off_at: datetime | None
    effect: EffectOut
    conflicts: list[ConflictOut]

    @classmethod
    def of(cls, planned: PlannedShutdown, effect: Effect, conflicts: Sequence[ConflictOut]) -> "ShutdownOut":
        """Write a shutdown down."""
        return cls(
            id=planned.id,
            title=planned.title,
            pipe_ids=list(planned.pipe_ids),
            inoperable_valve_ids=list(planned.inoperable_valve_ids),
            starts_at=planned.starts_at,
            ends_at=planned.ends_at,
            created_at=planned.created_at,
            called_off_at=planned.called_off_at,
            effect=EffectOut.of(effect),
            conflicts=list(conflicts),
        )


class ShutdownsOut(BaseModel):
    """Planned shutdowns, the first to start first."""

    items: list[ShutdownOut]
