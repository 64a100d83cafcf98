"""What a caller says about a place -> addresses that could be meant, best first."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from rapidfuzz import fuzz
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from gis.coordinates import LonLat
from gis.models import Address, Street

STREETS_TRIED = 12
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
    """Split an address into street, house number and the rest.

    Understands a number before the street (`12 Mill Street`), after it (`Mannerheimintie 5 A`, `Rua da Torre, 12, Gaia`)
    and the Chinese form (`解放路12号`), full-width digits included.
    """
    parts = [part for part in (normalise(part) for part in re.split(r"[,，;；\n]", text)) if part]
    whole = " ".join(parts)
    chinese = _parse_chinese(whole)
    if chinese is not None:
        return chinese
    number, letter, streets, others = None, "", [], []
    for part in parts:
        words = part.split()
        found = next(((i, m) for i, word in enumerate(words) if (m := _NUMBER.match(word))), None)
        if number is None and found is not None:
            index, match = found
            number, letter = int(match["digits"]), match["letter"] or ""
            after = words[index + 1 :]
            if index > 0 and after and len(after[0]) == 1 and after[0].isalpha():
                letter, after = after[0], after[1:]
            named = words[:index] if index > 0 else after
            if named:
                streets.append(" ".join(named))
                others.extend(after if index > 0 else [])
        elif any(not word.isdigit() for word in words):
            streets.append(part)
    others.extend(streets[1:])
    return ParsedAddress(
        tuple(dict.fromkeys(_spelt_out(one) for one in streets)), number, letter, " ".join(others)
    )


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
    id: UUID
    name: str
    place: str | None
    likeness: float


def _streets(session: Session, parsed: ParsedAddress) -> list[_StreetMatch]:
    """Find streets with a name like the one given, best first."""
    if not parsed.street_parts:
        return []
    nearness = func.greatest(*(func.similarity(Street.normalised, part) for part in parsed.street_parts))
    rows = session.execute(
        select(Street.id, Street.name, Street.place, Street.normalised)
        .where(or_(*(Street.normalised.op("%")(part) for part in parsed.street_parts)))
        .order_by(nearness.desc(), Street.id)
        .limit(STREETS_TRIED * 3)
    )
    matches = []
    for street_id, name, place, folded in rows:
        alike = max(
            max(fuzz.ratio(folded, part), fuzz.token_sort_ratio(folded, part) - 2.0)
            for part in parsed.street_parts
        )
        if place and parsed.others:
            # Naming the place settles which of several streets of one name is meant.
            alike += 6.0 * fuzz.partial_ratio(normalise(place), parsed.others) / 100.0 - 6.0
        if alike >= STREET_LIKENESS_MIN:
            matches.append(_StreetMatch(street_id, name, place, alike))
    matches.sort(key=lambda match: (-match.likeness, match.id))
    return matches[:STREETS_TRIED]


@dataclass(frozen=True, slots=True)
class _House:
    id: UUID
    text: str
    number: str
    ordinal: int
    point: LonLat


def _houses(session: Session, streets: Sequence[UUID], number: int) -> dict[UUID, list[_House]]:
    """Fetch the houses of streets with numbers near the one given."""
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
        .where(
            Address.street_id.in_(streets),
            Address.house_ordinal.between(number - INTERPOLATION_GAP_MAX, number + INTERPOLATION_GAP_MAX),
        )
        .order_by(Address.house_ordinal, Address.house_number, Address.id)
    )
    found: dict[UUID, list[_House]] = {street: [] for street in streets}
    for street_id, address_id, text, house, ordinal, lon, lat in rows:
        found[street_id].append(_House(address_id, text, house or "", ordinal, LonLat(lon=lon, lat=lat)))
    return found


def _between(lower: _House, upper: _House, number: int) -> LonLat:
    share = (number - lower.ordinal) / (upper.ordinal - lower.ordinal)
    return LonLat(
        lon=lower.point.lon + share * (upper.point.lon - lower.point.lon),
        lat=lower.point.lat + share * (upper.point.lat - lower.point.lat),
    )


def _at_number(
    street: _StreetMatch, houses: Sequence[_House], parsed: ParsedAddress
) -> AddressCandidate | None:
    """Pick or interpolate the house of the number asked for."""
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


def _on_street(session: Session, street: _StreetMatch) -> AddressCandidate | None:
    """Stand in the middle of the street when no number helps: the point of it nearest its centre."""
    place = session.execute(
        select(
            func.ST_X(func.ST_ClosestPoint(Street.geom, func.ST_Centroid(Street.geom))),
            func.ST_Y(func.ST_ClosestPoint(Street.geom, func.ST_Centroid(Street.geom))),
        ).where(Street.id == street.id, Street.geom.is_not(None))
    ).one_or_none()
    if place is None:
        return None
    return AddressCandidate(
        street.name,
        street.name,
        street.place,
        LonLat(lon=place[0], lat=place[1]),
        0.5 * min(1.0, street.likeness / 100.0),
        MatchKind.STREET,
        None,
    )


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
    parsed = parse_address(text)
    streets = _streets(session, parsed)
    if not streets:
        return []
    houses = _houses(session, [street.id for street in streets], parsed.number) if parsed.number else {}
    candidates: list[AddressCandidate] = []
    for street in streets:
        candidate = _at_number(street, houses.get(street.id, []), parsed)
        if candidate is None and len(candidates) < limit:
            candidate = _on_street(session, street)
        if candidate is not None:
            candidates.append(candidate)
    candidates.sort(key=lambda candidate: -candidate.score)
    return candidates[:limit]


def suggest_addresses(session: Session, typed: str, *, limit: int = 10) -> list[AddressCandidate]:
    """Offer addresses while somebody types, best first.

    The last word may be unfinished: streets that begin with what was typed come before those merely like it.
    """
    parsed = parse_address(typed)
    if not parsed.street_parts:
        return []
    part = parsed.street_parts[0]
    begins = Street.normalised.like(func.replace(func.replace(part, "%", ""), "_", "") + "%")
    rows = session.execute(
        select(Street.id, Street.name, Street.place)
        .where(or_(begins, Street.normalised.op("%")(part)))
        .order_by(begins.desc(), func.similarity(Street.normalised, part).desc(), Street.name, Street.id)
        .limit(limit)
    ).all()
    streets = [_StreetMatch(street_id, name, place, 100.0) for street_id, name, place in rows]
    if not parsed.number:
        offered = (_on_street(session, street) for street in streets)
        return [candidate for candidate in offered if candidate is not None]
    houses = _houses(session, [street.id for street in streets], parsed.number)
    begins_so = str(parsed.number)
    found = [
        AddressCandidate(house.text, street.name, street.place, house.point, 1.0, MatchKind.ADDRESS, house.id)
        for street in streets
        for house in houses[street.id]
        if house.number.startswith(begins_so)
    ]
    return found[:limit]
