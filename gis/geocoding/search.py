"""What a caller says, or an agent types, answered with places."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.coordinates import LonLat
from gis.geocoding import codes, matching
from gis.geocoding.folding import fold
from gis.geocoding.gazetteer import NONE, Gazetteer
from gis.geocoding.loading import KnownPlaces, known_places
from gis.geocoding.matching import Match, MatchKind
from gis.geocoding.reading import read, read_by_sound
from gis.geocoding.sounds import heard, spelt_by_sound
from gis.models import Address

SAID_MAX = 200
"""Characters of what was said that are looked at; nobody describes a place in more."""
ERROR_M = {
    MatchKind.ADDRESS: 10.0,
    MatchKind.PLACE: 30.0,
    MatchKind.PLUS_CODE: 10.0,
    MatchKind.COORDINATES: 10.0,
}
"""How far from the point what was meant may be: a building's centre from its door, a compound's from its gate."""
POSTCODE_CONFIDENCE = 0.2
TYPED_WHOLE = 0.9
"""How likely a number that exists is meant as it stands while somebody types; it may still grow."""
_HAN = re.compile(r"[㐀-鿿]")
_ENDS_IN_NUMBER = re.compile(r"^(?P<name>.*\D)(?P<digits>[0-9]{1,5})$")


@dataclass(frozen=True, slots=True)
class AddressCandidate:
    """A place that could be meant.

    `score` (0 to 1) tells how well the words fit it, `confidence` (0 to 1) how likely it is the one meant, given what else could be;
    `error_m` how far from `point` it may be.
    """

    text: str
    street: str
    district: str | None
    point: LonLat
    score: float
    confidence: float
    kind: MatchKind
    error_m: float
    address_id: UUID | None


def geocode(session: Session, text: str, *, limit: int = 5, within: Any = None) -> list[AddressCandidate]:
    """Find the places a text could mean.

    Parameters
    ----------
    text
        As the caller says it or the agent types it: misspelt or by sound, with or without number and district; a crossing of two
        roads; coordinates (WGS 84) or a plus code; a postcode.
    limit
        How many candidates at most.
    within
        Only what lies in this area, longitude and latitude, can be meant. Any: shapely has no types.

    Returns
    -------
    candidates
        Best first; empty when nothing known is like it.
    """
    said = text[:SAID_MAX]
    known = known_places(session)
    coded = _coded(said, near=known.centre if known else None)
    if coded is not None:
        return [coded] if within is None or within.intersects(coded.point.as_point()) else []
    if known is None:
        return []
    area = None if within is None else known.plane.project(within)
    found = _meant(known, said, limit=limit, within=area)
    return _candidates(session, known, found) or _of_postcode(known, said, within=area)


def suggest_addresses(
    session: Session, typed: str, *, limit: int = 10, within: Any = None
) -> list[AddressCandidate]:
    """Offer places while somebody types, best first.

    The last word may be unfinished, typed in Chinese characters, in letters by its sound (`kejilu`) or by the first letters of its
    syllables (`kjl`); what begins so comes before what is merely like it.
    """
    said = typed[:SAID_MAX]
    known = known_places(session)
    if known is None or _coded(said, near=known.centre) is not None:
        return geocode(session, said, limit=limit, within=within)
    area = None if within is None else known.plane.project(within)
    found = _continued(known.gazetteer, fold(said), limit=limit, within=area)
    return _candidates(session, known, found or _meant(known, said, limit=limit, within=area))


def _meant(known: KnownPlaces, said: str, *, limit: int, within: Any) -> list[Match]:
    """Find what words mean, and if nothing, what their letters mean by sound."""
    return matching.match(known.gazetteer, read(said), limit=limit, within=within) or _typed_by_sound(
        known, said, limit=limit, within=within
    )


# --- codes -----------------------------------------------------------------------------------------


def _coded(said: str, *, near: LonLat | None) -> AddressCandidate | None:
    """Read coordinates or a plus code."""
    place = codes.read_coordinates(said, near=near)
    if place is not None:
        return _at(place, said.strip(), MatchKind.COORDINATES)
    place = codes.read_plus_code(said, near=near)
    if place is not None:
        return _at(place, said.strip(), MatchKind.PLUS_CODE)
    return None


def _at(place: LonLat, text: str, kind: MatchKind) -> AddressCandidate:
    return AddressCandidate(text, "", None, place, 1.0, 1.0, kind, ERROR_M[kind], None)


def _of_postcode(known: KnownPlaces, said: str, *, within: Any) -> list[AddressCandidate]:
    """Stand in the middle of what has the postcode that was said, and nothing else."""
    rows = known.by_postcode.get(said.strip().upper())
    if not rows:
        return []
    if within is not None:
        columns = known.gazetteer.addresses
        rows = [row for row in rows if shapely.intersects_xy(within, columns.x[row], columns.y[row])]
        if not rows:
            return []
    x, y = known.gazetteer.addresses.x[rows], known.gazetteer.addresses.y[rows]
    middle = known.plane.place(shapely.Point(float(np.median(x)), float(np.median(y))))
    spread = float(np.hypot(np.ptp(x), np.ptp(y))) / 2
    return [
        AddressCandidate(
            said.strip(), "", None, middle, 1.0, POSTCODE_CONFIDENCE, MatchKind.POSTCODE, spread, None
        )
    ]


# --- typing ----------------------------------------------------------------------------------------


def _continued(gazetteer: Gazetteer, typed: str, *, limit: int, within: Any) -> list[Match]:
    """List what begins with what was typed: numbers of a road typed whole, else names."""
    if not typed or typed.isdigit():
        return []
    numbered = _ENDS_IN_NUMBER.match(typed)
    if numbered is not None:
        name = numbered["name"].rstrip()
        streets = [
            one
            for one in gazetteer.street_names.beginning_with(heard(name), limit=limit)
            if gazetteer.street_names.names[one] == name
        ]
        found = [match for one in streets for match in _numbers(gazetteer, one, numbered["digits"])]
        found = [match for match in found if matching.lies_in(within, match)]
        if found:
            whole = [one.number == int(numbered["digits"]) for one in found[:limit]]
            return _believed(found[:limit], whole)
    starts = {heard(typed), spelt_by_sound(typed.replace(" ", "")) if typed.isascii() else None} - {None}
    streets = [
        one for start in starts for one in gazetteer.street_names.beginning_with(str(start), limit=limit)
    ]
    places = [
        one for start in starts for one in gazetteer.place_names.beginning_with(str(start), limit=limit)
    ]
    if not streets and not places and typed.isascii() and typed.isalpha():
        streets = gazetteer.street_names.with_initials(typed, limit=limit)
        places = gazetteer.place_names.with_initials(typed, limit=limit)
    named = [(gazetteer.street_names.names[one], _first_road(gazetteer, one)) for one in streets]
    named += [(gazetteer.place_names.names[one], _first_address(gazetteer, one)) for one in places]
    named.sort(key=lambda pair: (not pair[0].startswith(typed), len(pair[0]), pair[0]))
    begun = [match for _, found in named for match in found if matching.lies_in(within, match)][:limit]
    return _believed(begun, [False] * len(begun))


def _believed(found: Sequence[Match], is_whole: Sequence[bool]) -> list[Match]:
    """Believe most in what was typed whole, and equally in all that a beginning could become."""
    whole = sum(is_whole)
    begun = len(found) - whole
    share = TYPED_WHOLE if whole and begun else 1.0
    return [
        replace(one, confidence=share / whole if typed else (1.0 - share if whole else 1.0) / begun)
        for one, typed in zip(found, is_whole, strict=True)
    ]


def _numbers(gazetteer: Gazetteer, street: int, digits: str) -> Iterable[Match]:
    """List the addresses of a road's name whose numbers begin so, the shortest first."""
    columns = gazetteer.addresses
    rows = [
        row for road in gazetteer.roads_named(street).tolist() for row in gazetteer.on_road(road).tolist()
    ]
    rows = [row for row in rows if str(columns.number[row]).startswith(digits)]
    rows.sort(key=lambda row: (len(str(columns.number[row])), columns.number[row], columns.letter[row], row))
    for row in rows:
        # a letter behind the number makes it another house
        number = None if columns.letter[row] else int(columns.number[row])
        yield Match(
            MatchKind.ADDRESS, float(columns.x[row]), float(columns.y[row]), 1.0, 1.0, row=row, number=number
        )


def _first_road(gazetteer: Gazetteer, street: int) -> list[Match]:
    return [
        match
        for road in gazetteer.roads_named(street)[: matching.ROADS_OF_ONE_NAME].tolist()
        for match in matching.on_road(gazetteer, road, matching.STREET_ALONE)
    ]


def _first_address(gazetteer: Gazetteer, place: int) -> list[Match]:
    """Give the address of a place that has no building, or else its first."""
    columns = gazetteer.addresses
    rows = gazetteer.at_place(place).tolist()
    row = min(rows, key=lambda row: (bool(columns.building[row]), columns.number[row] >= 0, row))
    return [
        Match(MatchKind.PLACE, float(columns.x[row]), float(columns.y[row]), 1.0, 1.0 / len(rows), row=row)
    ]


def _typed_by_sound(known: KnownPlaces, said: str, *, limit: int, within: Any) -> list[Match]:
    """Read letters as Chinese syllables, a number after them as a number."""
    folded = fold(said)
    numbered = _ENDS_IN_NUMBER.match(folded)
    letters = (numbered["name"] if numbered else folded).replace(" ", "")
    symbols = spelt_by_sound(letters) if letters.isascii() and letters.isalpha() else None
    if symbols is None:
        return []
    said_so = read_by_sound(symbols, numbered["digits"] if numbered else "")
    return matching.match(known.gazetteer, said_so, limit=limit, within=within)


# --- writing down ----------------------------------------------------------------------------------


def _candidates(session: Session, known: KnownPlaces, found: Sequence[Match]) -> list[AddressCandidate]:
    """Write matches down; addresses as they are stored."""
    ids = {match.row: known.address_id(match.row) for match in found if match.row >= 0}
    wanted = [one for one in ids.values() if one is not None]
    stored = select(Address.id, Address.text).where(Address.id.in_(wanted))
    texts: dict[UUID, str] = {row.id: row.text for row in session.execute(stored)} if wanted else {}
    gazetteer, written = known.gazetteer, []
    for match in found:
        address_id = ids.get(match.row)
        road = int(gazetteer.addresses.road[match.row]) if match.row >= 0 else (match.roads or (NONE,))[0]
        if address_id is not None and address_id not in texts:
            continue  # gone since
        written.append(
            AddressCandidate(
                text=texts[address_id] if address_id is not None else _words(gazetteer, match),
                street=gazetteer.roads.name[road] if road >= 0 else "",
                district=_district(gazetteer, match, road),
                point=known.plane.place(shapely.Point(match.x, match.y)),
                score=min(1.0, match.score),
                confidence=match.confidence,
                kind=match.kind,
                error_m=match.error_m or ERROR_M[match.kind],
                address_id=address_id,
            )
        )
    return written


def _district(gazetteer: Gazetteer, match: Match, road: int) -> str | None:
    if match.row >= 0:
        return gazetteer.addresses.district[match.row] or None
    return (gazetteer.roads.district[road] or None) if road >= 0 else None


def _words(gazetteer: Gazetteer, match: Match) -> str:
    """Name what no address names: a name that people gave, a number on a road, a crossing, a road, a district."""
    if match.row >= 0:
        name, district = gazetteer.addresses.place[match.row], gazetteer.addresses.district[match.row]
        return f"{district}{name}" if _HAN.search(name) else ", ".join(filter(None, (name, district)))
    names = [gazetteer.roads.name[road] for road in match.roads]
    if not names:
        return gazetteer.district_names.written[match.district]
    chinese = bool(_HAN.search(names[0]))
    if match.kind is MatchKind.CROSSING:
        return f"{names[0]}与{names[1]}路口" if chinese else f"{names[0]} & {names[1]}"
    if match.number is not None:
        return f"{names[0]}{match.number}号" if chinese else f"{names[0]} {match.number}"
    return names[0]
