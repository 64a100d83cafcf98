"""What was said, compared with every place it could mean: each explanation of the words gets a score.

An explanation is an address, a number between two addresses, a place, a road, a meeting of two roads or a district. It is good when it
leaves little of what was said unexplained, and when little of it was left unsaid; what contradicts it (another number, another road)
costs most.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import shapely

from gis.geocoding.gazetteer import NONE, Gazetteer, Ints
from gis.geocoding.names import Heard
from gis.geocoding.reading import Number, NumberOf, Said
from gis.geocoding.streets import MEETING_M, meetings, middle, place_of_number

ROADS_TRIED = 10
PLACES_TRIED = 12
DISTRICTS_TRIED = 6
ROADS_OF_ONE_NAME = 12
NUMBERS_TRIED = 8
"""Numbers of one text that are looked at; nobody says more of one place."""
ROWS_AT_PLACE = 400
"""Addresses of one place looked at one by one; of a larger one only those with a number said."""
DISTRICT_ALIKE = 0.9
CLEARLY_SAID = 0.9
ROAD_ALIKE = 0.75
"""A road less like what was said is not the one a number was said on, or that crosses another."""
SCORE_MIN = 0.12
"""What explains less is no answer; of 2,502 questions of callers none was right below 0.2."""
NESTED_WORSE = 0.04
"""A name inside a longer one is not meant, unless it is more like what was said by more than this."""
INTERPOLATED_ERROR_MIN_M = 15.0
CROSSING_ERROR_M = 20.0
"""How far from the middle of a crossing a caller may stand who names it."""
SAME_SPOT_M = 60.0
"""Explanations no further apart than this mean the same place."""
SURE_WITHOUT_ADDRESS = 0.88
BELIEF_POWER = 6
"""How much faster belief falls than the score: an explanation half as good is believed 64 times less."""

# What a word of an address that was not said costs, and what contradicts it.
OTHER_NUMBER = 0.05
NUMBER_UNSAID = 0.45
NUMBER_UNKNOWN = 0.8
OTHER_BUILDING = 0.2
BUILDING_UNSAID = 0.75
BUILDING_UNKNOWN = 0.9
ROAD_UNSAID = 0.92
OTHER_ROAD = 0.4
PLACE_UNSAID = 0.85
OTHER_DISTRICT = 0.8
NO_DISTRICT = 0.97
OTHER_PLACE = 0.5
RUN_TOGETHER = 0.8
"""House and room, or building and unit, said or typed without a dash between them: `108-9` as `1089`."""
LEFT_OVER = 0.95
"""For each digit that then belongs to the room: a short room number is likelier than a long one."""
RUN_TOGETHER_ON_ROAD = 0.5
"""The same where the number as it stands could well be one of the road's."""
INTERPOLATED = 0.75
BEYOND = 0.6
FAR_BEYOND = 1.3
"""A number this many times the highest of a road is hardly one of its houses."""
STREET_ALONE = 0.5
DISTRICT_ALONE = 0.45

# How much of the text a character stands for.
BEFORE_FIRST = 0.15
"""Province, city and town are said before what is looked for."""
UNEXPLAINED = 0.6
NUMBER_WEIGHT = 2.0


class MatchKind(StrEnum):
    """How a place was understood."""

    ADDRESS = "address"
    PLACE = "place"
    INTERPOLATED = "interpolated"
    CROSSING = "crossing"
    STREET = "street"
    DISTRICT = "district"
    POSTCODE = "postcode"
    PLUS_CODE = "plus_code"
    COORDINATES = "coordinates"


@dataclass(frozen=True, slots=True)
class Match:
    """One explanation: what it means, where (metres in the gazetteer's plane), how good, and how sure."""

    kind: MatchKind
    x: float
    y: float
    score: float
    confidence: float = 0.0
    row: int = NONE
    """The address in the gazetteer, where it is one."""
    roads: tuple[int, ...] = ()
    district: int = NONE
    number: int | None = None
    error_m: float = 0.0
    """How far off it may be, where it is not an address."""


@dataclass(frozen=True, slots=True)
class _Names:
    """The names heard in a text."""

    roads: tuple[Heard, ...]
    places: tuple[Heard, ...]
    districts: tuple[Heard, ...]


def match(gazetteer: Gazetteer, said: Said, *, limit: int = 5, within: Any = None) -> list[Match]:
    """Find what a text could mean, best first, each with how sure one may be that it is meant.

    Parameters
    ----------
    within
        Only what lies in this area of the gazetteer's plane can be meant. Any: shapely has no types.
    """
    if not said.text:
        return []
    names = _Names(
        _told_apart(gazetteer.street_names.heard_in(said, limit=ROADS_TRIED)),
        _told_apart(gazetteer.place_names.heard_in(said, limit=PLACES_TRIED)),
        tuple(
            one
            for one in gazetteer.district_names.heard_in(said, limit=DISTRICTS_TRIED)
            if one.alike >= DISTRICT_ALIKE
        ),
    )
    said = _without_numbers_of_names(said, names)
    found = [*_addresses(gazetteer, said, names), *_roads(gazetteer, said, names)]
    crossings = _crossings(gazetteer, said, names)
    if said.meets and crossings:
        found = [replace(one, score=one.score * OTHER_ROAD) for one in found]
    found = [*found, *crossings, *_districts(gazetteer, said, names)]
    return _ranked([one for one in found if lies_in(within, one)], limit=limit)


def lies_in(area: Any, one: Match) -> bool:
    """Tell whether a match lies in an area of the plane; None is everywhere."""
    return area is None or bool(shapely.intersects_xy(area, one.x, one.y))


def _without_numbers_of_names(said: Said, names: _Names) -> Said:
    """Leave away the numbers that belong to a name that was clearly said: the 2 of `2nd Street` is no house."""
    clear = [
        one for one in (*names.roads, *names.places) if one.alike >= CLEARLY_SAID and one.end - one.start >= 3
    ]
    numbers = [one for one in said.numbers if not any(_within(one, name) for name in clear)]
    return replace(said, numbers=tuple(numbers[:NUMBERS_TRIED]))


def _told_apart(heard: Sequence[Heard]) -> tuple[Heard, ...]:
    """Keep of the names heard in the same characters the longest, and make less of those that another is more like."""
    kept = []
    for one in heard:
        same = [other for other in heard if other.name != one.name and _overlap(one, other)]
        if any(_holds(other, one) and other.alike >= one.alike - NESTED_WORSE for other in same):
            continue
        best = max((other.alike for other in same), default=0.0)
        kept.append(replace(one, alike=one.alike * one.alike / best) if best > one.alike else one)
    return tuple(kept)


def _holds(longer: Heard, shorter: Heard) -> bool:
    """Tell whether a name was heard as a part of a longer one."""
    return (
        longer.start <= shorter.start
        and shorter.end <= longer.end
        and longer.end - longer.start > shorter.end - shorter.start
    )


def _ranked(found: Sequence[Match], *, limit: int) -> list[Match]:
    """Put matches in order, those of one spot together, and say how sure each is."""
    likely = [one for one in found if one.score >= SCORE_MIN]
    ordered = sorted(likely, key=lambda one: (-one.score, one.kind, one.row))[: 8 * limit]
    if not ordered:
        return []
    x, y = np.array([one.x for one in ordered]), np.array([one.y for one in ordered])
    belief = np.array([one.score for one in ordered]) ** BELIEF_POWER
    taken = np.zeros(len(ordered), dtype=bool)
    spots: list[tuple[Match, float]] = []
    for at, one in enumerate(ordered):
        if taken[at]:
            continue
        here = ~taken & (np.hypot(x - one.x, y - one.y) <= SAME_SPOT_M)
        taken |= here
        spots.append((one, float(belief[here].max())))
    total = sum(share for _, share in spots)
    return [
        replace(one, confidence=_confidence(one, share / total if total > 0 else 0.0))
        for one, share in spots[:limit]
    ]


def _confidence(one: Match, share: float) -> float:
    """Say how likely a match is right, from its score and its share of the belief.

    Of those whose product is 0.7, 998 in 1,000 were right among callers' words of a city of 43,000 addresses; so doubt is squared.
    What no address has can be told, but not for sure.
    """
    doubt = 1.0 - min(1.0, one.score) * share
    sure = 1.0 - doubt * doubt
    return sure if one.row >= 0 or one.kind is MatchKind.CROSSING else SURE_WITHOUT_ADDRESS * sure


# --- scores ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Account:
    """Adds up what an explanation explains of a text, and what of it was said."""

    said: Said
    claimed: np.ndarray
    met: float = 0.0
    needed: float = 0.0
    factor: float = 1.0

    @classmethod
    def of(cls, said: Said) -> "_Account":
        return cls(said, np.zeros(len(said.text)))

    def name(self, length: int, heard: Heard | None) -> None:
        weight = min(length, 6)
        self.needed += weight
        if heard is not None:
            self.met += weight * heard.alike
            part = self.claimed[heard.start : heard.end]
            np.maximum(part, heard.alike, out=part)

    def number(self, number: Number | None) -> None:
        self.needed += NUMBER_WEIGHT
        if number is not None:
            self.met += NUMBER_WEIGHT
            self.claimed[number.start : number.end] = 1.0

    def district(self, district: int, said: Sequence[Heard]) -> None:
        heard = next((one for one in said if one.name == district), None)
        if heard is not None:
            part = self.claimed[heard.start : heard.end]
            np.maximum(part, heard.alike, out=part)
        elif said:
            self.factor *= NO_DISTRICT if district < 0 else OTHER_DISTRICT

    def score(self) -> float:
        """Give the share explained and said, with what contradicts it."""
        text = self.said.text
        claimed = np.flatnonzero(self.claimed)
        if not len(claimed) or not self.needed:
            return 0.0
        weight = np.full(len(text), UNEXPLAINED)
        weight[self.claimed > 0] = 1.0
        weight[: claimed[0]] = BEFORE_FIRST
        for at, character in enumerate(text):
            if character == " " or (
                character in "号弄幢栋座单元室层楼梯的省市区县镇乡村" and not self.claimed[at]
            ):
                weight[at] = 0.0
        for number in self.said.numbers:
            unexplained = number.of is NumberOf.WITHIN or self.claimed[number.start] == 0
            each = (0.3 if number.of is NumberOf.WITHIN else NUMBER_WEIGHT) / (number.end - number.start)
            if unexplained and number.start >= claimed[0]:
                weight[number.start : number.end] = each * UNEXPLAINED
            elif not unexplained:
                weight[number.start : number.end] = each
        explained = float((weight * self.claimed).sum() / weight.sum())
        return explained * float(np.sqrt(self.met / self.needed)) * self.factor


def _overlap(one: Heard, other: Heard) -> bool:
    """Tell whether two names were heard in the same characters."""
    common = min(one.end, other.end) - max(one.start, other.start)
    return common > 0.4 * min(one.end - one.start, other.end - other.start)


def _addresses(gazetteer: Gazetteer, said: Said, names: _Names) -> Iterable[Match]:
    """Score the addresses that have a road and a number, or a place, that was said."""
    roads = {one.name: one for one in names.roads}
    places = {one.name: one for one in names.places}
    rows: set[int] = set()
    values = {value for number in said.numbers for value in _leading(number)}
    for street in roads:
        for road in gazetteer.roads_named(street)[:ROADS_OF_ONE_NAME].tolist():
            for value in values:
                rows.update(gazetteer.numbered(road, value).tolist())
    for place in places:
        at_place = gazetteer.at_place(place)
        if len(at_place) > ROWS_AT_PLACE:
            at_place = _numbered_so(gazetteer, at_place, values, roads)
        rows.update(at_place.tolist())
    columns = gazetteer.addresses
    for row in rows:
        street, place = int(gazetteer.street_of[row]), int(gazetteer.place_of[row])
        heard = places.get(place)
        score = _address_score(gazetteer, row, _Account.of(said), roads.get(street), heard, names)
        if score > 0.0:
            yield Match(
                MatchKind.PLACE if heard is not None and columns.number[row] < 0 else MatchKind.ADDRESS,
                float(columns.x[row]),
                float(columns.y[row]),
                score,
                row=row,
            )


def _leading(number: Number) -> list[int]:
    """List a number and what it begins with: the house where a room follows without a dash."""
    digits = str(number.value)
    return [number.value, *(int(digits[:end]) for end in range(len(digits) - 1, 0, -1))]


def _numbered_so(gazetteer: Gazetteer, rows: Ints, values: set[int], roads: dict[int, Heard]) -> Ints:
    """Keep the addresses of a large place that have a number or a road that was said."""
    columns = gazetteer.addresses
    wanted = np.isin(columns.number[rows], list(values)) | np.isin(gazetteer.street_of[rows], list(roads))
    buildings = {str(value) for value in values}
    built = np.array([columns.building[row] in buildings for row in rows.tolist()], dtype=bool)
    chosen = rows[wanted | built]
    return chosen[:ROWS_AT_PLACE] if len(chosen) else rows[:ROWS_AT_PLACE]


def _address_score(
    gazetteer: Gazetteer,
    row: int,
    account: _Account,
    road: Heard | None,
    place: Heard | None,
    names: _Names,
) -> float:
    columns = gazetteer.addresses
    street, named = int(gazetteer.street_of[row]), int(gazetteer.place_of[row])
    if road is not None and place is not None and _overlap(road, place):
        # The same characters cannot name both; the longer name stands.
        if place.end - place.start >= road.end - road.start:
            road = None
        else:
            place = None
    if road is None and place is None:
        return 0.0
    numbers = [one for one in account.said.numbers if not _within(one, road) and not _within(one, place)]
    if named >= 0:
        account.name(len(gazetteer.place_names.names[named]), place)
        if place is None:
            account.factor *= PLACE_UNSAID
    if street >= 0:
        account.name(len(gazetteer.street_names.names[street]), road)
        if road is None:
            account.factor *= ROAD_UNSAID
    if road is None and any(_names_another(other, place, street) for other in names.roads):
        account.factor *= OTHER_ROAD
    if place is None and any(_names_another(other, road, named) for other in names.places):
        account.factor *= OTHER_PLACE
    used = _house(
        int(columns.number[row]),
        columns.letter[row],
        numbers,
        account,
        building=columns.building[row],
        highest=int(gazetteer.highest[columns.road[row]]) if street >= 0 else 0,
        alone=place is None,
    )
    _building(
        columns.building[row],
        [one for one in numbers if one is not used],
        account,
        house_said=used is not None,
    )
    account.district(int(gazetteer.district_of[row]), names.districts)
    return account.score()


def _names_another(other: Heard, heard: Heard | None, name: int) -> bool:
    """Tell whether a name that an address does not have was clearly said beside the one it has."""
    return (
        other.alike >= CLEARLY_SAID
        and other.name != name
        and other.end - other.start >= 3
        and (heard is None or not _overlap(other, heard))
    )


def _within(number: Number, name: Heard | None) -> bool:
    return name is not None and name.start <= number.start and number.end <= name.end


def _house(
    value: int,
    letter: str,
    numbers: Sequence[Number],
    account: _Account,
    *,
    building: str,
    highest: int,
    alone: bool,
) -> Number | None:
    """Compare an address's house number with those said; give the one that is meant by it."""
    candidates = [
        one for one in numbers if one.of in (NumberOf.HOUSE, NumberOf.ANY) and not _begins_with(one, building)
    ]
    if value < 0:
        if not building and any(one.of is NumberOf.HOUSE for one in candidates):
            account.factor *= NUMBER_UNKNOWN
        return None
    same = [one for one in numbers if one.value == value and one.of is not NumberOf.WITHIN]
    if same:
        # a letter said or written that the other has not is a small doubt only
        best = max(same, key=lambda one: (one.of is NumberOf.HOUSE, one.letter == letter, -one.start))
        if letter and best.letter and letter != best.letter:
            account.factor *= BUILDING_UNKNOWN
        account.number(best)
        return best
    together = [one for one in candidates if value in _leading(one)]
    if together:
        # Where only the road was said, a number within its range is rather one of its own.
        account.factor *= RUN_TOGETHER if not alone or together[0].value > highest else RUN_TOGETHER_ON_ROAD
        account.factor *= LEFT_OVER ** (len(str(together[0].value)) - len(str(value)))
        account.number(together[0])
        return together[0]
    account.number(None)
    account.factor *= OTHER_NUMBER if candidates else NUMBER_UNSAID
    return None


def _begins_with(number: Number, building: str) -> bool:
    """Tell whether a number said is a building's, or its and the room's run together."""
    return building.isdecimal() and int(building) in _leading(number)


def _building(building: str, numbers: Sequence[Number], account: _Account, *, house_said: bool) -> None:
    """Compare an address's building with the numbers said that no house number took."""
    spoken = [
        one
        for one in numbers
        if one.of is NumberOf.BUILDING or (not house_said and one.of is not NumberOf.WITHIN)
    ]
    if not building:
        if any(one.of is NumberOf.BUILDING for one in numbers):
            account.factor *= BUILDING_UNKNOWN
        return
    same = [
        one
        for one in (*spoken, *numbers)
        if f"{one.value}{one.letter}" == building or str(one.value) == building
    ]
    if same:
        account.number(same[0])
        return
    together = [one for one in spoken if _begins_with(one, building)]
    if together:
        account.factor *= RUN_TOGETHER * LEFT_OVER ** (len(str(together[0].value)) - len(building))
        account.number(together[0])
        return
    account.number(None)
    account.factor *= OTHER_BUILDING if spoken else BUILDING_UNSAID


# --- roads -----------------------------------------------------------------------------------------


def _number_on(road: Heard, said: Said) -> Number | None:
    """Find the number said right after a road's name, or before it."""
    after = [
        one for one in said.numbers if one.start >= road.end and one.of in (NumberOf.HOUSE, NumberOf.ANY)
    ]
    if after:
        return after[0]
    before = [
        one for one in said.numbers if one.end <= road.start and one.of in (NumberOf.HOUSE, NumberOf.ANY)
    ]
    return before[-1] if before else None


def _roads(gazetteer: Gazetteer, said: Said, names: _Names) -> Iterable[Match]:
    """Put a number that no address of a road has between its neighbours; stand in the road's middle where none helps."""
    for heard in names.roads:
        number = _number_on(heard, said) if heard.alike >= ROAD_ALIKE else None
        for road in gazetteer.roads_named(heard.name)[:ROADS_OF_ONE_NAME].tolist():
            account = _Account.of(said)
            account.name(len(gazetteer.street_names.names[heard.name]), heard)
            account.district(int(gazetteer.district_of_road[road]), names.districts)
            if number is not None and not len(gazetteer.numbered(road, number.value)):
                yield from _between_numbers(
                    gazetteer, road, number, replace(account, claimed=account.claimed.copy()), heard, names
                )
            yield from on_road(gazetteer, road, account.score() * STREET_ALONE)


def _between_numbers(
    gazetteer: Gazetteer, road: int, number: Number, account: _Account, heard: Heard, names: _Names
) -> Iterable[Match]:
    columns = gazetteer.addresses
    rows = gazetteer.on_road(road)
    rows = rows[columns.number[rows] >= 0]
    line = gazetteer.roads.line[road]
    if line is not None and line.geom_type != "LineString":
        line = None  # drawn in several pieces it has no chainage of its own
    told = place_of_number(number.value, columns.number[rows], columns.x[rows], columns.y[rows], line)
    if told is None:
        return
    account.number(number)
    if any(_names_another(other, heard, NONE) for other in names.places):
        account.factor *= OTHER_PLACE
    if number.value > FAR_BEYOND * gazetteer.highest[road]:
        account.factor *= BEYOND
    place, gap = told
    yield Match(
        MatchKind.INTERPOLATED,
        place.x,
        place.y,
        account.score() * INTERPOLATED,
        roads=(road,),
        number=number.value,
        error_m=max(INTERPOLATED_ERROR_MIN_M, gap / 4.0),
    )


def on_road(gazetteer: Gazetteer, road: int, score: float) -> Iterable[Match]:
    """Stand in the middle of a road."""
    line, rows = gazetteer.roads.line[road], gazetteer.on_road(road)
    if line is not None:
        place, half = middle(line), line.length / 2
    elif len(rows):
        x, y = gazetteer.addresses.x[rows], gazetteer.addresses.y[rows]
        place, half = (
            shapely.Point(float(np.median(x)), float(np.median(y))),
            float(np.hypot(np.ptp(x), np.ptp(y))) / 2,
        )
    else:
        return
    yield Match(MatchKind.STREET, place.x, place.y, score, roads=(road,), error_m=half)


def _crossings(gazetteer: Gazetteer, said: Said, names: _Names) -> list[Match]:
    """Find where two roads that were both said meet."""
    heard = [one for one in names.roads if one.alike >= ROAD_ALIKE]
    found = []
    for at, one in enumerate(heard):
        for other in heard[at + 1 :]:
            if min(one.end, other.end) > max(one.start, other.start):
                continue
            account = _Account.of(said)
            account.name(len(gazetteer.street_names.names[one.name]), one)
            account.name(len(gazetteer.street_names.names[other.name]), other)
            score = account.score() * (1.0 if said.meets else OTHER_ROAD)
            for first, second in _pairs(gazetteer, one.name, other.name):
                for place, apart in meetings(gazetteer.roads.line[first], gazetteer.roads.line[second]):
                    found.append(
                        Match(
                            MatchKind.CROSSING,
                            place.x,
                            place.y,
                            score * (1.0 - 0.3 * apart / MEETING_M),
                            roads=(first, second),
                            error_m=max(apart, CROSSING_ERROR_M),
                        )
                    )
    return found


def _pairs(gazetteer: Gazetteer, one: int, other: int) -> Iterable[tuple[int, int]]:
    """Pair the drawn roads of two names."""
    for first in gazetteer.roads_named(one)[:ROADS_OF_ONE_NAME].tolist():
        for second in gazetteer.roads_named(other)[:ROADS_OF_ONE_NAME].tolist():
            if gazetteer.roads.line[first] is not None and gazetteer.roads.line[second] is not None:
                yield first, second


def _districts(gazetteer: Gazetteer, said: Said, names: _Names) -> Iterable[Match]:
    """Stand in the middle of a district."""
    columns = gazetteer.addresses
    for heard in names.districts:
        rows = gazetteer.in_district(heard.name)
        if len(rows):
            account = _Account.of(said)
            account.name(len(gazetteer.district_names.names[heard.name]), heard)
            x, y = columns.x[rows], columns.y[rows]
            yield Match(
                MatchKind.DISTRICT,
                float(np.median(x)),
                float(np.median(y)),
                account.score() * DISTRICT_ALONE,
                district=heard.name,
                error_m=float(np.hypot(np.ptp(x), np.ptp(y))) / 2,
            )
