"""What a caller says about a place -> addresses that could be meant, best first."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from rapidfuzz import fuzz
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from gis.coordinates import LonLat
from gis.models import Address, Street

STREETS_TRIED = 12
STREETS_FETCHED = 60
TRIGRAM_STEPS = (0.45, 0.3)
"""Similarities tried one after the other when no name is equal; at 0.3 alone every "Rua" is like every other."""
PLACE_WEIGHT = 6.0
STREET_ALONE = 0.5
STREET_LIKENESS_MIN = 62.0
"""Names less alike than this (0..100, rapidfuzz) are not the same street misspelt."""
INTERPOLATION_GAP_MAX = 40
"""House numbers further apart than this are not interpolated between."""

_CHINESE_DIGITS = {c: str(i) for i, c in enumerate("零一二三四五六七八九")}
_CHINESE_STREET = re.compile(
    r"(?P<street>[^\d\s]*?[^\d\s]{1,12}?(?:大道|路|街|道|巷|弄|胡同|里))(?P<rest>.*)$"
)
_CHINESE_ADMIN = re.compile(r"^.*?(?:省|自治区)?.*?(?:市|自治州)?.*?(?:区|县|镇|乡|街道|村)(?=.)")
_NUMBER = re.compile(r"^(?P<digits>\d{1,5})(?P<letter>[a-z])?$")
_APART = re.compile(r"[^\w]+")
_LAST_WORD = {
    "st": "street",
    "str": "street",
    "rd": "road",
    "ave": "avenue",
    "av": "avenue",
    "ln": "lane",
    "dr": "drive",
}
_FIRST_WORD = {"r": "rua", "av": "avenida", "tv": "travessa", "lg": "largo"}


class MatchKind(StrEnum):
    """How an address was matched."""

    ADDRESS = "address"
    INTERPOLATED = "interpolated"
    STREET = "street"


@dataclass(frozen=True, slots=True)
class ParsedAddress:
    """What an address text seems to say, folded for comparison."""

    street_parts: tuple[str, ...]
    number: int | None
    number_letter: str
    others: str


@dataclass(frozen=True, slots=True)
class AddressCandidate:
    """An address that could be meant; `score` runs from 0 to 1."""

    text: str
    street: str
    place: str | None
    point: LonLat
    score: float
    kind: MatchKind
    address_id: UUID | None


def normalise(text: str) -> str:
    """Fold a text for comparison: width, case, accents and punctuation do not matter."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    plain = "".join(c for c in folded if not unicodedata.combining(c))
    return " ".join(_APART.sub(" ", unicodedata.normalize("NFC", plain)).split())


def parse_address(text: str) -> ParsedAddress:
    """Split an address into street, house number and the rest: the likeliest of its readings."""
    return readings_of(text)[0]


def readings_of(text: str) -> list[ParsedAddress]:
    """List the ways to read an address, the likeliest first.

    Understands a number before the street (`12 Mill Street`), after it (`Mannerheimintie 5 A`, `Rua da Torre, 12, Gaia`)
    and the Chinese form (`解放路12号`), full-width digits included. Numbers can belong to the name of the street
    (`Rua 25 de Abril 12`), so each of them makes a reading, and so does the whole without any.
    """
    parts = [part for part in (normalise(part) for part in re.split(r"[,，;；\n]", text)) if part]
    chinese = _parse_chinese(" ".join(parts))
    if chinese is not None:
        return [chinese]
    readings = []
    for index, part in enumerate(parts):
        words = part.split()
        others = [other for place, other in enumerate(parts) if place != index]
        for at, word in enumerate(words):
            match = _NUMBER.match(word)
            if match is not None:
                readings.append(_reading(words, at, match, before=parts[:index], others=others))
    readings.append(_read(parts[:1], None, "", parts[1:]))
    return readings


def _reading(
    words: list[str], at: int, match: re.Match[str], *, before: list[str], others: list[str]
) -> ParsedAddress:
    """Read an address with the house number at one of its words."""
    after = words[at + 1 :]
    letter = match["letter"] or ""
    if at > 0 and after and len(after[0]) == 1 and after[0].isalpha():
        letter, after = after[0], after[1:]
    named, rest = (words[:at], after) if at > 0 else (after, [])
    if named:
        return _read([" ".join(named)], int(match["digits"]), letter, [*rest, *others])
    # The number stands alone between commas: the street was said before it, or else comes after.
    street = before[-1:] or others[:1]
    return _read(street, int(match["digits"]), letter, [one for one in others if one not in street])


def _read(streets: list[str], number: int | None, letter: str, others: list[str]) -> ParsedAddress:
    """Put a reading together; what consists of digits alone names no street."""
    named = [_spelt_out(one) for one in streets if not one.replace(" ", "").isdigit()]
    return ParsedAddress(tuple(named), number, letter, " ".join(one for one in others if not one.isdigit()))


def _spelt_out(street: str) -> str:
    """Write the commonest abbreviations of street kinds in full."""
    words = street.split()
    if len(words) > 1:
        words[0] = _FIRST_WORD.get(words[0], words[0])
        words[-1] = _LAST_WORD.get(words[-1], words[-1])
    return " ".join(words)


def _parse_chinese(text: str) -> ParsedAddress | None:
    joined = text.replace(" ", "")
    match = _CHINESE_STREET.match(joined)
    if match is None:
        return None
    street, rest = match["street"], match["rest"]
    bare = _CHINESE_ADMIN.sub("", street) or street
    digits = re.match(r"(\d{1,5})", rest)
    if digits is None:
        spoken = re.match(r"([零一二三四五六七八九]{1,5})号", rest)
        value = int("".join(_CHINESE_DIGITS[c] for c in spoken[1])) if spoken else None
    else:
        value = int(digits[1])
    han = re.sub(r"^[\x00-\x7f]+", "", bare)  # a place in Latin letters before the street
    others = re.sub(r"[\d号]", "", joined.replace(han, "", 1))
    return ParsedAddress(tuple(dict.fromkeys((han or bare, bare, street))), value, "", others)


@dataclass(frozen=True, slots=True)
class _StreetMatch:
    """A street that could be meant, and the reading that names it."""

    id: UUID
    name: str
    place: str | None
    likeness: float
    reading: ParsedAddress


def _rows_like(session: Session, parts: Sequence[str]) -> Sequence[Any]:
    """Fetch streets of these names, or else of names ever less like them; rows are (id, name, place, folded)."""
    columns = select(Street.id, Street.name, Street.place, Street.normalised)
    rows = session.execute(
        columns.where(Street.normalised.in_(parts)).order_by(Street.id).limit(STREETS_FETCHED)
    ).all()
    for likeness_min in TRIGRAM_STEPS:
        if rows:
            break
        session.execute(select(func.set_config("pg_trgm.similarity_threshold", str(likeness_min), True)))
        nearness = func.greatest(*(func.similarity(Street.normalised, part) for part in parts))
        rows = session.execute(
            columns.where(or_(*(Street.normalised.op("%")(part) for part in parts)))
            .order_by(nearness.desc(), Street.id)
            .limit(STREETS_FETCHED)
        ).all()
    return rows


def _likeness(folded: str, place: str | None, reading: ParsedAddress) -> float:
    """Compare a street with one reading, 0 to 100."""
    alike: float = max(
        max(fuzz.ratio(folded, part), fuzz.token_sort_ratio(folded, part) - 2.0)
        for part in reading.street_parts
    )
    if place and reading.others:
        # Naming the place settles which of several streets of one name is meant.
        alike += PLACE_WEIGHT * (fuzz.partial_ratio(normalise(place), reading.others) / 100.0 - 1.0)
    return alike


def _streets(session: Session, readings: Sequence[ParsedAddress]) -> list[_StreetMatch]:
    """Find streets with a name like one of the readings', best first."""
    named = [reading for reading in readings if reading.street_parts]
    parts = list(dict.fromkeys(part for reading in named for part in reading.street_parts))
    if not parts:
        return []
    matches = []
    for street_id, name, place, folded in _rows_like(session, parts):
        alike, reading = max(
            ((_likeness(folded, place, reading), reading) for reading in named), key=lambda pair: pair[0]
        )
        if alike >= STREET_LIKENESS_MIN:
            matches.append(_StreetMatch(street_id, name, place, alike, reading))
    matches.sort(key=lambda match: (-match.likeness, match.id))
    return matches[:STREETS_TRIED]


@dataclass(frozen=True, slots=True)
class _House:
    id: UUID
    text: str
    number: str
    ordinal: int
    point: LonLat


def _houses(session: Session, wanted: Mapping[UUID, int]) -> dict[UUID, list[_House]]:
    """Fetch the houses of streets with numbers near the one wanted in each."""
    if not wanted:
        return {}
    near = [
        and_(
            Address.street_id == street,
            Address.house_ordinal.between(number - INTERPOLATION_GAP_MAX, number + INTERPOLATION_GAP_MAX),
        )
        for street, number in wanted.items()
    ]
    rows = session.execute(
        select(
            Address.street_id,
            Address.id,
            Address.text,
            Address.house_number,
            Address.house_ordinal,
            func.ST_X(Address.geom),
            func.ST_Y(Address.geom),
        )
        .where(or_(*near))
        .order_by(Address.house_ordinal, Address.house_number, Address.id)
    )
    found: dict[UUID, list[_House]] = {street: [] for street in wanted}
    for street_id, address_id, text, house, ordinal, lon, lat in rows:
        found[street_id].append(_House(address_id, text, house or "", ordinal, LonLat(lon=lon, lat=lat)))
    return found


def _between(lower: _House, upper: _House, number: int) -> LonLat:
    share = (number - lower.ordinal) / (upper.ordinal - lower.ordinal)
    return LonLat(
        lon=lower.point.lon + share * (upper.point.lon - lower.point.lon),
        lat=lower.point.lat + share * (upper.point.lat - lower.point.lat),
    )


def _at_number(street: _StreetMatch, houses: Sequence[_House]) -> AddressCandidate | None:
    """Pick or interpolate the house of the number asked for."""
    parsed = street.reading
    number = parsed.number
    if number is None or not houses:
        return None
    alike = min(1.0, street.likeness / 100.0)
    exact = [house for house in houses if house.ordinal == number]
    if exact:
        wanted = f"{number}{parsed.number_letter}"
        best = next((h for h in exact if normalise(h.number).replace(" ", "") == wanted), exact[0])
        return AddressCandidate(
            best.text, street.name, street.place, best.point, alike, MatchKind.ADDRESS, best.id
        )
    same_side = [house for house in houses if house.ordinal % 2 == number % 2] or list(houses)
    lower = [house for house in same_side if house.ordinal < number]
    upper = [house for house in same_side if house.ordinal > number]
    if lower and upper:
        point, sure = _between(lower[-1], upper[0], number), 0.85
    else:
        point, sure = (lower[-1] if lower else upper[0]).point, 0.7
    return AddressCandidate(
        f"{street.name} {number}",
        street.name,
        street.place,
        point,
        alike * sure,
        MatchKind.INTERPOLATED,
        None,
    )


def _on_streets(session: Session, streets: Sequence[_StreetMatch]) -> dict[UUID, AddressCandidate]:
    """Stand in the middle of streets where no number helps: on each, the point of it nearest its centre."""
    if not streets:
        return {}
    middle = func.ST_ClosestPoint(Street.geom, func.ST_Centroid(Street.geom))
    rows = session.execute(
        select(Street.id, func.ST_X(middle), func.ST_Y(middle)).where(
            Street.id.in_([street.id for street in streets]), Street.geom.is_not(None)
        )
    )
    places = {street_id: LonLat(lon=lon, lat=lat) for street_id, lon, lat in rows}
    return {
        street.id: AddressCandidate(
            street.name,
            street.name,
            street.place,
            places[street.id],
            STREET_ALONE * min(1.0, street.likeness / 100.0),
            MatchKind.STREET,
            None,
        )
        for street in streets
        if street.id in places
    }


def geocode(session: Session, text: str, *, limit: int = 5) -> list[AddressCandidate]:
    """Find the addresses a text could mean.

    Parameters
    ----------
    text
        As the caller says it: misspelt, with or without number and place.
    limit
        How many candidates at most.

    Returns
    -------
    candidates
        Best first; empty when no street has a name like it. A missing house is interpolated between its neighbours on
        the same side; without a number the middle of the street stands, with half the score.
    """
    streets = _streets(session, readings_of(text))
    houses = _houses(
        session, {street.id: street.reading.number for street in streets if street.reading.number is not None}
    )
    candidates: list[AddressCandidate] = []
    without: list[_StreetMatch] = []
    for street in streets:
        candidate = _at_number(street, houses.get(street.id, []))
        if candidate is None:
            without.append(street)
        else:
            candidates.append(candidate)
    candidates.extend(_on_streets(session, without[:limit]).values())
    candidates.sort(key=lambda candidate: -candidate.score)
    return candidates[:limit]


def suggest_addresses(session: Session, typed: str, *, limit: int = 10) -> list[AddressCandidate]:
    """Offer addresses while somebody types, best first.

    The last word may be unfinished: streets that begin with what was typed come before those merely like it.
    """
    streets: list[_StreetMatch] = []
    for reading in readings_of(typed):
        if reading.street_parts:
            streets = _beginning(session, reading, limit=limit)
            if streets:
                break
    streets = streets or _streets(session, readings_of(typed))[:limit]
    numbered = {street.id: street.reading.number for street in streets if street.reading.number is not None}
    if not numbered:
        return list(_on_streets(session, streets).values())
    houses = _houses(session, numbered)
    found = [
        AddressCandidate(house.text, street.name, street.place, house.point, 1.0, MatchKind.ADDRESS, house.id)
        for street in streets
        for house in houses.get(street.id, [])
        if house.number.startswith(str(street.reading.number))
    ]
    return found[:limit]


def _beginning(session: Session, reading: ParsedAddress, *, limit: int) -> list[_StreetMatch]:
    """Find streets whose names begin as a reading does."""
    start = re.sub(r"[\\%_]", "", reading.street_parts[0])
    if not start:
        return []
    rows = session.execute(
        select(Street.id, Street.name, Street.place)
        .where(Street.normalised.like(f"{start}%"))
        .order_by(Street.normalised, Street.place, Street.id)
        .limit(limit)
    )
    return [_StreetMatch(street_id, name, place, 100.0, reading) for street_id, name, place in rows]
