"""Who calls about a burst, when, and in what words: drawn once when the main breaks, the same for the same seed.

Shares and delays follow what utilities and the literature tell (a few in a hundred of those without water call, most within
the hour; some of the addresses are wrong); none is fitted to how the product groups reports.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.demo.phrases import Language, phrase
from app.demo.town import Customer, Town
from app.demo.world import Burst, BurstKind, Supply
from gis.coordinates import LonLat

DRY_CALL_SHARE, DRY_CALLS_EXPECTED_MAX = 0.30, 16.0
LOW_CALL_SHARE, LOW_CALLS_EXPECTED_MAX = 0.05, 5.0
DELAY_MEDIAN_MIN, DELAY_SIGMA = 20.0, 0.8
PASSERS_BY_BURST, PASSERS_BY_SLOW_LEAK = 2.0, 5.0
SLOW_LEAK_SEEN_WITHIN_MIN = 150.0
PASSER_BY_DELAY_MIN = 25.0
IMPATIENT_SHARE, IMPATIENT_MEDIAN_MIN = 0.12, 50.0
WRONG_CATEGORY_SHARE = 0.05
CHINESE_SHARE = 0.3
GPS_ERROR_M = 12.0
STREET_ERROR_M = 15.0
OUTSIDE_M = 60_000.0
FICTION_AREAS = tuple(area for area in range(201, 990) if area % 100 not in (0, 11) and str(area)[1] != "9")


class Channel(StrEnum):
    """How a caller reaches the desk."""

    PHONE = "phone"
    APP = "app"
    WEB = "web"
    CHAT = "chat"


class Knows(StrEnum):
    """How a caller says where he is."""

    ACCOUNT = "account"
    PHONE = "phone"
    ADDRESS = "address"
    POINT = "point"
    NOTHING = "nothing"


CUSTOMER_KNOWS = {
    Knows.ACCOUNT: 0.33,
    Knows.PHONE: 0.30,
    Knows.ADDRESS: 0.27,
    Knows.POINT: 0.08,
    Knows.NOTHING: 0.02,
}


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody tells the desk something. `cause` is the truth the product never hears: a burst's number, None for a stray.

    `customer` is who calls, None for a passer-by.
    """

    at: datetime
    noticed_at: datetime
    cause: int | None
    customer: int | None
    is_repeat: bool
    channel: Channel
    category: str
    extent: str
    words: str
    name: str | None
    phone: str | None
    knows: Knows
    account_no: str | None = None
    address_text: str | None = None
    point: LonLat | None = None


def calls_about(burst: Burst, town: Town, *, seed: int) -> list[Call]:
    """Draw everybody who would call about a burst if it ran for ever, in order of time."""
    rng = random.Random(f"{seed} calls {burst.number}")
    calls = [
        *_customers(burst, town, rng, burst.dry, Supply.NONE),
        *_customers(burst, town, rng, burst.low, Supply.LOW),
        *_passers_by(burst, town, rng),
    ]
    return sorted(calls, key=lambda call: (call.at, call.words))


def _customers(
    burst: Burst, town: Town, rng: random.Random, affected: frozenset[int], supply: Supply
) -> Iterator[Call]:
    share, most = (
        (DRY_CALL_SHARE, DRY_CALLS_EXPECTED_MAX)
        if supply is Supply.NONE
        else (LOW_CALL_SHARE, LOW_CALLS_EXPECTED_MAX)
    )
    chance = min(share, most / max(len(affected), 1))
    for number in sorted(affected):
        if rng.random() >= chance:
            continue
        customer = town.customer(number)
        category = "no_water" if supply is Supply.NONE else "low_pressure"
        if rng.random() < WRONG_CATEGORY_SHARE:
            category = "low_pressure" if supply is Supply.NONE else "no_water"
        noticed_at = burst.began_at + timedelta(minutes=rng.uniform(0.5, 3.0))
        at = noticed_at + _delay(rng, DELAY_MEDIAN_MIN, DELAY_SIGMA)
        language = _language(rng)
        first = _from_customer(
            customer,
            town,
            rng,
            at=at,
            noticed_at=noticed_at,
            cause=burst.number,
            category=category,
            words=phrase(category, language=language, rng=rng),
            extent=rng.choice(("unknown", "building", "street", "only_me")),
        )
        yield first
        if rng.random() < IMPATIENT_SHARE:
            yield _from_customer(
                customer,
                town,
                rng,
                at=at + _delay(rng, IMPATIENT_MEDIAN_MIN, 0.5),
                noticed_at=noticed_at,
                cause=burst.number,
                category=category,
                words=phrase("again", language=language, rng=rng),
                extent="unknown",
                is_repeat=True,
            )


def _passers_by(burst: Burst, town: Town, rng: random.Random) -> Iterator[Call]:
    slow = burst.kind is BurstKind.SLOW_LEAK
    for _ in range(_poisson(rng, PASSERS_BY_SLOW_LEAK if slow else PASSERS_BY_BURST)):
        delay_min = (
            rng.uniform(5.0, SLOW_LEAK_SEEN_WITHIN_MIN) if slow else rng.expovariate(1 / PASSER_BY_DELAY_MIN)
        )
        at = burst.began_at + timedelta(minutes=2.0 + delay_min)
        seen = _blurred(town, burst.place, rng, STREET_ERROR_M)
        has_app = rng.random() < 0.5
        door = town.customer(town.nearest_customer(seen))
        yield Call(
            at=at,
            noticed_at=at - timedelta(minutes=rng.uniform(0.5, 2.0)),
            cause=burst.number,
            customer=None,
            is_repeat=False,
            channel=Channel.APP if has_app else Channel.PHONE,
            category="leak",
            extent="street",
            words=phrase("leak", language=_language(rng), rng=rng),
            name=None,
            phone=_mobile(rng),
            knows=Knows.POINT if has_app else Knows.ADDRESS,
            point=_blurred(town, seen, rng, GPS_ERROR_M) if has_app else None,
            address_text=None if has_app else _spoken_address(door, town, rng),
        )


def stray_calls(town: Town, *, begin: datetime, span: timedelta, per_hour: float, seed: int) -> list[Call]:
    """Draw calls that have no burst behind them: a customer's own plumbing, enquiries, places far away."""
    rng = random.Random(f"{seed} strays")
    if per_hour <= 0 or not town.customer_count:
        return []
    calls: list[Call] = []
    after = timedelta(hours=rng.expovariate(per_hour))
    while after < span:
        customer = town.customer(rng.randrange(town.customer_count))
        key, category = rng.choices(
            (("private", ""), ("other", "other"), ("water_quality", "water_quality")),
            weights=(0.60, 0.28, 0.12),
        )[0]
        category = category or rng.choice(("no_water", "low_pressure", "leak"))
        call = _from_customer(
            customer,
            town,
            rng,
            at=begin + after,
            noticed_at=begin + after - timedelta(minutes=rng.uniform(1.0, 90.0)),
            cause=None,
            category=category,
            words=phrase(key, language=_language(rng), rng=rng),
            extent="only_me" if key == "private" else "unknown",
        )
        calls.append(_far_away(call, town, customer, rng) if rng.random() < 0.05 else call)
        after += timedelta(hours=rng.expovariate(per_hour))
    return calls


def _far_away(call: Call, town: Town, customer: Customer, rng: random.Random) -> Call:
    """A caller who stands where we have no network."""
    turn = rng.uniform(0.0, 2.0 * math.pi)
    point = town.moved(customer.home, east_m=OUTSIDE_M * math.cos(turn), north_m=OUTSIDE_M * math.sin(turn))
    return Call(
        at=call.at,
        noticed_at=call.noticed_at,
        cause=None,
        customer=None,
        is_repeat=False,
        channel=Channel.APP,
        category=call.category,
        extent=call.extent,
        words=call.words,
        name=None,
        phone=_mobile(rng),
        knows=Knows.POINT,
        point=point,
    )


def _from_customer(
    customer: Customer,
    town: Town,
    rng: random.Random,
    *,
    at: datetime,
    noticed_at: datetime,
    cause: int | None,
    category: str,
    words: str,
    extent: str,
    is_repeat: bool = False,
) -> Call:
    knows = rng.choices(list(CUSTOMER_KNOWS), weights=list(CUSTOMER_KNOWS.values()))[0]
    if knows is Knows.PHONE and customer.phone is None:
        knows = Knows.ADDRESS
    channel = Channel.APP if knows is Knows.POINT else rng.choices(list(Channel), (0.8, 0.05, 0.1, 0.05))[0]
    # Only who is known by his number must ring from it; others may use any phone.
    is_own_phone = knows is Knows.PHONE or rng.random() < 0.7
    return Call(
        at=at,
        noticed_at=noticed_at,
        cause=cause,
        customer=customer.number,
        is_repeat=is_repeat,
        channel=channel,
        category=category,
        extent=extent,
        words=words,
        name=customer.name,
        phone=customer.phone if is_own_phone and customer.phone else _mobile(rng),
        knows=knows,
        account_no=customer.account_no if knows is Knows.ACCOUNT else None,
        address_text=_customer_address(customer, town, rng) if knows is Knows.ADDRESS else None,
        point=_blurred(town, customer.home, rng, GPS_ERROR_M) if knows is Knows.POINT else None,
    )


def _customer_address(customer: Customer, town: Town, rng: random.Random) -> str:
    """Say one's own address, now and then wrong: another street in 3 of 100, another number in 4, no number in 5."""
    roll = rng.random()
    if roll < 0.03:
        elsewhere = town.customer(rng.randrange(town.customer_count))
        return _spoken_address(elsewhere, town, rng)
    if roll < 0.07:
        number = _other_number(customer.house_number, rng)
        return f"{customer.street} {number}"
    if roll < 0.12:
        return customer.street + (f", {customer.town}" if customer.town else "")
    return _spoken_address(customer, town, rng)


def _spoken_address(customer: Customer, town: Town, rng: random.Random) -> str:
    """Write an address down as heard: mostly right, in 8 of 100 with a slip of the pen, often without the town."""
    text = f"{customer.street} {customer.house_number}".strip()
    if rng.random() < 0.08:
        text = _misspelt(text, rng)
    if customer.town and rng.random() < 0.6:
        text += f", {customer.town}"
    return text


def _other_number(house_number: str, rng: random.Random) -> str:
    digits = "".join(character for character in house_number if character.isdigit())
    return str(max(1, (int(digits) if digits else 1) + rng.choice((-8, -4, -2, 2, 4, 8))))


def _misspelt(text: str, rng: random.Random) -> str:
    """Drop, double or swap one letter."""
    letters = [i for i, character in enumerate(text[:-1]) if character.isalpha() and text[i + 1].isalpha()]
    if not letters:
        return text
    i = rng.choice(letters)
    slips: tuple[Callable[[], str], ...] = (
        lambda: text[:i] + text[i + 1 :],
        lambda: text[: i + 1] + text[i:],
        lambda: text[:i] + text[i + 1] + text[i] + text[i + 2 :],
    )
    return rng.choice(slips)()


def _delay(rng: random.Random, median_min: float, sigma: float) -> timedelta:
    return timedelta(minutes=rng.lognormvariate(math.log(median_min), sigma))


def _language(rng: random.Random) -> Language:
    return "zh" if rng.random() < CHINESE_SHARE else "en"


def _mobile(rng: random.Random) -> str:
    """A number nobody has: xxx-555-01xx is kept for fiction in every North American area (ATIS-0300115)."""
    return f"+1{rng.choice(FICTION_AREAS)}55501{rng.randrange(100):02d}"


def _blurred(town: Town, place: LonLat, rng: random.Random, sigma_m: float) -> LonLat:
    return town.moved(place, east_m=rng.gauss(0.0, sigma_m), north_m=rng.gauss(0.0, sigma_m))


def _poisson(rng: random.Random, mean: float) -> int:
    """Draw from a Poisson distribution (Knuth 1969: multiply until below e^-mean)."""
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
