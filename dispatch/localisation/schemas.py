"""What the search for a break takes and gives."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from core.auth import Actor
from core.messages import say
from core.rights import PersonalField
from core.schemas import Wire
from dispatch.localisation.picture import CredibleZone, LikelyPipe, LikelySegment, Picture, Sureness, ToRing
from dispatch.localisation.ring_backs import Asked, Customer
from dispatch.models import Answer
from gis.coordinates import geojson_area


class LikelySegmentOut(BaseModel):
    """A segment that may hold the break; `alike` are those that leave the same customers without water."""

    segment_id: int
    belief: float
    length_m: float
    pipe_count: int
    customers_dry: int
    alike: list[int]

    @classmethod
    def of(cls, one: LikelySegment) -> "LikelySegmentOut":
        """Write a segment down."""
        return cls(
            segment_id=one.segment_id,
            belief=round(one.belief, 4),
            length_m=round(one.length_m, 1),
            pipe_count=one.pipe_count,
            customers_dry=one.customers_dry,
            alike=one.alike,
        )


class LikelyPipeOut(BaseModel):
    """A main that may be the broken one, with what is recorded of it."""

    pipe_id: UUID
    asset_code: str
    segment_id: int | None
    belief: float
    length_m: float
    diameter_mm: int | None
    material: str | None
    install_year: int | None
    road_name: str | None

    @classmethod
    def of(cls, one: LikelyPipe) -> "LikelyPipeOut":
        """Write a main down."""
        pipe = one.pipe
        return cls(
            pipe_id=pipe.id,
            asset_code=pipe.asset_code,
            segment_id=pipe.segment_id,
            belief=round(one.belief, 4),
            length_m=round(pipe.length_m, 1),
            diameter_mm=pipe.diameter_mm,
            material=pipe.material,
            install_year=pipe.install_year,
            road_name=pipe.road_name,
        )


class ZoneProperties(BaseModel):
    """How much of the belief a zone holds, and in what."""

    belief: float
    segment_ids: list[int]
    length_m: float


class ZoneFeature(BaseModel):
    """A credible zone, as RFC 7946 has it; without a single ring where nothing of it is the person's to see."""

    type: Literal["Feature"] = "Feature"
    geometry: dict[str, Any]  # Any: a MultiPolygon
    properties: ZoneProperties

    @classmethod
    def of(cls, zone: CredibleZone) -> "ZoneFeature":
        """Write a zone down."""
        return cls(
            geometry=geojson_area(zone.area),
            properties=ZoneProperties(
                belief=round(zone.belief, 4), segment_ids=zone.segment_ids, length_m=round(zone.length_m, 1)
            ),
        )


class ZonesOut(BaseModel):
    """Credible zones, the smallest first."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[ZoneFeature]


class BasisOut(BaseModel):
    """What the picture rests on."""

    calls: int
    low_pressure_calls: int
    sightings: int
    silent_customers: int
    said_has_water: int
    said_no_water: int
    said_low_pressure: int
    text: str


class LikelyPlaceOut(BaseModel):
    """Where an incident's main may be broken; a picture, which changes nothing."""

    sureness: Sureness
    sureness_text: str
    segments: list[LikelySegmentOut]
    pipes: list[LikelyPipeOut]
    zones: ZonesOut
    basis: BasisOut
    pressure_fallen_beside: float
    """How likely it is that pressure has fallen round about, too."""

    @classmethod
    def of(cls, picture: Picture, *, language: str) -> "LikelyPlaceOut":
        """Write the picture down."""
        return cls(
            sureness=picture.sureness,
            sureness_text=_sureness_text(picture, language),
            segments=[LikelySegmentOut.of(one) for one in picture.segments],
            pipes=[LikelyPipeOut.of(one) for one in picture.pipes],
            zones=ZonesOut(features=[ZoneFeature.of(one) for one in picture.zones]),
            basis=_basis(picture, language),
            pressure_fallen_beside=round(picture.running, 3),
        )


def _sureness_text(picture: Picture, language: str) -> str:
    key = f"dispatch.whereabouts.{picture.sureness}"
    if not picture.segments:
        return say(key, language)
    best, widest = picture.segments[0], picture.zones[-1]
    return say(
        key,
        language,
        segment=best.segment_id,
        share=round(100 * best.belief),
        zone_share=round(100 * widest.belief),
        segments=len(widest.segment_ids),
        length_m=round(widest.length_m),
    )


def _basis(picture: Picture, language: str) -> BasisOut:
    basis = picture.basis
    numbers = {
        "calls": basis.calls,
        "low_pressure_calls": basis.low_pressure_calls,
        "sightings": basis.sightings,
        "silent_customers": basis.silent,
        "said_has_water": basis.answers[Answer.HAS_WATER],
        "said_no_water": basis.answers[Answer.NO_WATER],
        "said_low_pressure": basis.answers[Answer.LOW_PRESSURE],
    }
    return BasisOut(**numbers, text=say("dispatch.whereabouts.basis", language, **numbers))


class CustomerRung(BaseModel):
    """A customer one rings; name, number and address only for those who may see them."""

    customer_account_id: UUID
    account_no: str | None
    name: str | None
    phone: str | None
    address: str | None


class ToRingOut(CustomerRung):
    """A customer worth ringing, and why."""

    pipe_id: UUID
    dry: float
    """How likely he is without water, as far as is known."""
    bits: float
    """What his answer is expected to teach, once those before him have answered."""
    why: str

    @classmethod
    def of(cls, one: ToRing, actor: Actor) -> "ToRingOut":
        """Write one down."""
        customer, question = one.customer, one.question
        dry = round(100 * question.dry)
        return cls(
            customer_account_id=customer.account_id,
            **_as_seen(customer, actor),
            pipe_id=customer.pipe_id,
            dry=round(question.dry, 3),
            bits=round(question.bits, 3),
            why=say("dispatch.ring_back.why", actor.language, dry=dry, fed=100 - dry),
        )


class AskedOut(CustomerRung):
    """A customer who was rung; nothing but what he said, if he lives outside the person's area."""

    id: UUID
    answer: Answer
    answer_text: str
    at: datetime
    by: str | None

    @classmethod
    def of(cls, one: Asked, customer: Customer | None, actor: Actor) -> "AskedOut":
        """Write one down."""
        return cls(
            id=one.id,
            customer_account_id=one.customer_account_id,
            **_as_seen(customer, actor),
            answer=one.answer,
            answer_text=say(f"dispatch.ring_back.{one.answer}", actor.language),
            at=one.at,
            by=one.by,
        )


class RingBacksOut(BaseModel):
    """Whom to ring, the most telling first, and who was rung."""

    to_ring: list[ToRingOut]
    asked: list[AskedOut]

    @classmethod
    def of(
        cls, wanted: list[ToRing], asked: list[Asked], customers: dict[UUID, Customer], actor: Actor
    ) -> "RingBacksOut":
        """Write both down."""
        return cls(
            to_ring=[ToRingOut.of(one, actor) for one in wanted],
            asked=[AskedOut.of(one, customers.get(one.customer_account_id), actor) for one in asked],
        )


def _as_seen(customer: Customer | None, actor: Actor) -> dict[str, str | None]:
    """Give what of a customer the person may see."""
    by_number = customer if actor.sees(PersonalField.PHONE) else None
    by_place = customer if actor.sees(PersonalField.ADDRESS) else None
    return {
        "account_no": by_place.account_no if by_place else None,
        "name": by_number.name if by_number else None,
        "phone": by_number.phone if by_number else None,
        "address": by_place.address if by_place else None,
    }


class RingBackIn(Wire):
    """Who was rung, and what it brought."""

    customer_account_id: UUID
    answer: Answer
