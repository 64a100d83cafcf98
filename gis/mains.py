"""Which main serves a place: all mains in arrays, and one way to weigh those within reach, for one caller as for a hundred thousand.

What is known of a place and of each main near it is added up in units of natural logarithms of odds: a main that scores one
more is believed e = 2.7 times as much. The scores of the mains within reach become shares of belief that add up to one; two
mains that nothing tells apart have a half each.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.special import ndtr

from gis.geocoding import normalise
from gis.isolation.arrays import Flags, Floats, Ints
from gis.isolation.network import NONE, Keys, uuid_at
from gis.models import LifecycleStatus, PipeClass

STATUSES = tuple(one for one in LifecycleStatus if one is not LifecycleStatus.ABANDONED)
"""What `Mains.status` counts by. An abandoned main is none of the mains: there is no water in it, whatever lies beside it."""
CLASSES = tuple(PipeClass)
"""What `Mains.pipe_class` counts by."""

SET_BACK_M = 6.0
"""By how much houses differ in their distance from their mains, added to the error of a place: that all stand back some 20 m
favours no main (23 m at the median of a real town, 29 m at the 95th percentile)."""

SAME_STREET, OTHER_STREET = 1.0, -1.5
"""Of the houses of a street some 85 in 100 hang on a main recorded by that street's name (the others on a corner or at the
back), but only 30 in 100 of all mains near a house have the name: ln(0.85 / 0.30) and ln(0.15 / 0.70). A main whose street
is not recorded says nothing."""

NO_HOUSES = -3.0
"""Transmission mains and hydrant laterals have no house connections, but for one in twenty; where customers are recorded on
one of them, it serves."""
TRUNK_MM = 400
"""A main this large is a transmission main, whatever its class."""

STATUS_WEIGHT: Mapping[LifecycleStatus, float] = {
    LifecycleStatus.IN_SERVICE: 0.0,
    LifecycleStatus.OUT_OF_SERVICE: -3.0,  # one in twenty records is late
    LifecycleStatus.PROPOSED: -5.0,  # not built yet, unless the record is very late
}
CLOSED = -1.0
"""A closed main stands full of water and may burst, but the houses on it are fed by others."""

SAME_ZONE = 1.5
"""The zone of the place, or the one most customers round about are in: times the share of them in the main's zone."""
NEIGHBOURHOOD_M = 60.0
"""How far customers round about tell the zone: half as much as next door at 70 m."""

TAPS_ASSUMED = 1.0
"""Taps assumed on either side of every main, so that the first one recorded does not decide."""
TAPS_NEAR_SIDE = 2.0
"""More of them on the side away from the street's centreline: houses hang on the main on their own side, where there are two."""

CENTRELINE_LEAST_M = 2.0
"""A main drawn nearer to the centreline than this may lie on either side of it: the drawings are no better."""
CENTRELINE_MOST_M = 25.0
"""A centreline further away than this is not that of the main's street."""

EQUAL = 1e-9
"""Shares of belief that differ less are equal: what differs is the rounding."""
CHUNK = 2048
"""Places weighed at a time: their candidates stay in the processor's cache."""
NEIGHBOURS_M = 500.0
"""Places in a square of this size are weighed one after the other."""
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known of places, in the plane of the mains.

    Parameters
    ----------
    places
        A row a place: metres east and north.
    error_m
        Standard error of each place, without the set-back of houses.
    street
        The street each is in, as `Mains.street_named` counts them; -1 where it is not known.
    zone
        The zone each is in, as `Mains.zone_numbered` counts them; -1 where it is not known.
    """

    places: Floats
    error_m: Floats
    street: Ints
    zone: Ints

    @classmethod
    def of(
        cls, places: Floats, error_m: Floats, *, street: Ints | None = None, zone: Ints | None = None
    ) -> "Clues":
        """Know the places only, if nothing else is said."""
        nothing = np.full(len(places), NONE, dtype=np.int64)
        return cls(places, error_m, nothing if street is None else street, nothing if zone is None else zone)

    def __len__(self) -> int:
        return len(self.places)

    def part(self, rows: slice | Ints) -> "Clues":
        """Take some of the places."""
        return Clues(self.places[rows], self.error_m[rows], self.street[rows], self.zone[rows])


@dataclass(frozen=True, slots=True)
class Matches:
    """The mains within reach of places, a row each: those of place `i` are `start[i]` to `start[i + 1]`.

    `share` is the share of the belief, `is_left` the side of the main the place lies on, looking from its first node to its
    second, `chainage_m` how far along it.
    """

    start: Ints
    main: Ints
    distance_m: Floats
    chainage_m: Floats
    is_left: Flags
    share: Floats

    @classmethod
    def joined(cls, parts: Sequence["Matches"], order: Ints) -> "Matches":
        """Put the matches of several parts together; `order` names the place of each, part after part."""
        counts = np.concatenate([np.diff(part.start) for part in parts])
        begin = _starts(counts)[:-1]
        at = np.empty_like(order)
        at[order] = np.arange(len(order))
        start = _starts(counts[at])
        rows = np.repeat(begin[at] - start[:-1], counts[at])
        rows += np.arange(len(rows))
        return cls(
            start,
            *(
                np.concatenate([getattr(part, name) for part in parts])[rows]
                for name in ("main", "distance_m", "chainage_m", "is_left", "share")
            ),
        )

    def ranked(self, place: int) -> Ints:
        """Give the rows of a place, the most believed first; equals by the main's code."""
        rows = np.arange(self.start[place], self.start[place + 1])
        ranked: Ints = rows[np.lexsort((self.main[rows], -np.round(self.share[rows] / EQUAL)))]
        return ranked

    def best(self) -> Ints:
        """Give the row of the most believed main of each place; -1 where none is within reach."""
        counts = np.diff(self.start)
        found = np.flatnonzero(counts)
        rows = np.full(len(counts), NONE, dtype=np.int64)
        if len(found):
            top = np.repeat(np.maximum.reduceat(self.share, self.start[found]), counts[found])
            at = np.flatnonzero(self.share >= top - EQUAL)
            owner = np.searchsorted(self.start, at, side="right") - 1
            # Mains are numbered by their codes: of equals the first code wins, in whatever order the tree gave them.
            order = np.lexsort((self.main[at], owner))
            owner, first = np.unique(owner[order], return_index=True)
            rows[owner] = at[order][first]
        return rows


@dataclass(frozen=True, kw_only=True)
class Mains:
    """The mains in arrays; never changed after they are made, safe to share between threads.

    Parameters
    ----------
    key
        UUIDs as 16 bytes; mains are named by their place in these arrays, which is that of their codes.
    code
        Asset codes, rising.
    lines
        The mains drawn in their plane, metres east and north.
    length_m
        Recorded length, by which chainages are told.
    road, road_names
        The street each is in, as recorded.
    zone, zone_key
        The pressure zone of each, and their UUIDs.
    segment
        Isolation segment of each.
    pipe_class, status
        By `CLASSES` and `STATUSES`.
    diameter_mm
        Not a number where it is not known.
    is_closed
        Whether it is shut.
    taps
        House connections on the left and on the right, a row a main.
    centreline
        Where the centreline of its street lies: 1 to its left, -1 to its right, 0 over it or not known.
    """

    key: Keys
    code: Sequence[str]
    lines: NDArray[np.object_]
    length_m: Floats
    road: Ints
    road_names: Sequence[str]
    zone: Ints
    zone_key: Keys
    segment: Ints
    pipe_class: Ints
    status: Ints
    diameter_mm: Floats
    is_closed: Flags
    taps: Ints
    centreline: Ints

    def __len__(self) -> int:
        return len(self.key)

    def warm(self) -> "Mains":
        """Make every derived array now, so that the first question is as quick as the next."""
        _ = self._tree, self._edges, self._chainage_scale, self._street
        return self

    # --- derived, made once -------------------------------------------------------------------------------

    @cached_property
    def _first_corner(self) -> Ints:
        """Where the corners of each main begin in `_edges`; one more than there are mains."""
        return _starts(shapely.get_num_coordinates(self.lines).astype(np.int64))

    @cached_property
    def _tree(self) -> shapely.STRtree:
        tree = shapely.STRtree(self.lines)
        tree.query(shapely.Point(0.0, 0.0))  # builds it
        return tree

    @cached_property
    def _edges(self) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
        """The straight piece from each corner to the next: start, direction of length one, length, and metres along before it."""
        x, y = shapely.get_coordinates(self.lines).T.copy()
        dx, dy = np.diff(x, append=x[-1:]), np.diff(y, append=y[-1:])
        last = self._first_corner[1:] - 1
        dx[last] = dy[last] = 0.0
        length = np.hypot(dx, dy)
        before = np.cumsum(length) - length
        before -= np.repeat(before[self._first_corner[:-1]], np.diff(self._first_corner))
        whole = np.maximum(length, _TINY)
        return x, y, dx / whole, dy / whole, length, before

    @cached_property
    def _chainage_scale(self) -> Floats:
        """Recorded metres a drawn metre."""
        *_, before = self._edges
        drawn = before[self._first_corner[1:] - 1]  # the last corner has all pieces before it
        scale: Floats = self.length_m / np.maximum(drawn, _TINY)
        return scale

    @cached_property
    def _folded(self) -> dict[str, int]:
        """The number of each street's name, folded for comparison."""
        return {name: number for number, name in enumerate(sorted({normalise(n) for n in self.road_names}))}

    @cached_property
    def _zones(self) -> dict[UUID, int]:
        return {uuid_at(self.zone_key, number): number for number in range(len(self.zone_key))}

    @cached_property
    def _street(self) -> Ints:
        """The street of each main; two ways to write a name are one street."""
        of_road = np.array([self._folded[normalise(name)] for name in self.road_names] + [NONE])
        return of_road[self.road]  # no road is -1: the last

    @cached_property
    def _standing(self) -> Floats:
        """What is to be said of each main wherever the caller is: whether it has house connections, and is in use."""
        houseless = np.isin(
            self.pipe_class, [CLASSES.index(PipeClass.TRANSMISSION), CLASSES.index(PipeClass.HYDRANT_LATERAL)]
        ) | (self.diameter_mm >= TRUNK_MM)
        houseless &= self.taps.sum(axis=1) == 0
        by_status = np.array([STATUS_WEIGHT[one] for one in STATUSES])
        standing: Floats = NO_HOUSES * houseless + by_status[self.status] + CLOSED * self.is_closed
        return standing

    @cached_property
    def _taps_left_share(self) -> Floats:
        """The share of a main's houses on its left, as far as the records and the street tell."""
        left = TAPS_ASSUMED + TAPS_NEAR_SIDE * (self.centreline < 0) + self.taps[:, 0]
        right = TAPS_ASSUMED + TAPS_NEAR_SIDE * (self.centreline > 0) + self.taps[:, 1]
        share: Floats = left / (left + right)
        return share

    @cached_property
    def _customers(self) -> Floats:
        """How much each main counts for its zone round about; one without customers recorded counts as one."""
        customers: Floats = 1.0 + self.taps.sum(axis=1)
        return customers

    # --- words to numbers ------------------------------------------------------------------------------------

    def street_named(self, name: str | None) -> int:
        """Give the number of a street; one along which no main is recorded is not known."""
        return NONE if name is None else self._folded.get(normalise(name), NONE)

    def zone_numbered(self, zone_id: UUID | None) -> int:
        """Give the number of a zone; one without mains is not known."""
        return NONE if zone_id is None else self._zones.get(zone_id, NONE)

    def pipe_id(self, main: int) -> UUID:
        """Give the UUID of a main."""
        return uuid_at(self.key, main)

    def zone_id(self, main: int) -> UUID | None:
        """Give the UUID of a main's zone."""
        return None if self.zone[main] == NONE else uuid_at(self.zone_key, int(self.zone[main]))

    def segment_id(self, main: int) -> int | None:
        """Give a main's isolation segment."""
        return None if self.segment[main] == NONE else int(self.segment[main])

    def road_name(self, main: int) -> str | None:
        """Give the street of a main as it is recorded."""
        return None if self.road[main] == NONE else self.road_names[int(self.road[main])]

    # --- weighing --------------------------------------------------------------------------------------------

    def match(self, clues: Clues, reach_m: Floats) -> Matches:
        """Weigh every main within reach of each place.

        Parameters
        ----------
        clues
            What is known of the places.
        reach_m
            How far from each a main may be.

        Returns
        -------
        matches
            All mains within reach, with their shares of belief. For many places the work is shared by the processors.
        """
        if len(clues) <= CHUNK:
            return self._weighed(clues, reach_m)
        # Neighbours one after the other: their candidates are in the processor's cache already.
        east, north = (clues.places // NEIGHBOURS_M).T
        order = np.lexsort((east, north))
        parts = [order[at : at + CHUNK] for at in range(0, len(order), CHUNK)]
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            weighed = list(threads.map(lambda rows: self._weighed(clues.part(rows), reach_m[rows]), parts))
        return Matches.joined(weighed, order)

    def _weighed(self, clues: Clues, reach_m: Floats) -> Matches:
        x, y = clues.places[:, 0], clues.places[:, 1]
        # Boxes and our own measuring take a quarter of the time of the tree's `dwithin`.
        place, main = self._tree.query(shapely.box(x - reach_m, y - reach_m, x + reach_m, y + reach_m))
        distance_m, across_m, along_m = self._measured(clues.places, place, main)
        near = distance_m <= reach_m[place]
        place, main, distance_m = place[near], main[near], distance_m[near]
        across_m, along_m = across_m[near], along_m[near]
        start = _starts(np.bincount(place, minlength=len(clues)))
        error_m = clues.error_m[place]
        score = -(distance_m**2) / (2.0 * (error_m**2 + SET_BACK_M**2))
        score += self._standing[main]
        score += self._side_score(main, across_m, error_m)
        score += self._street_score(main, clues.street[place])
        score += self._zone_score(place, main, distance_m, clues.zone[place])
        return Matches(
            start,
            main,
            distance_m,
            along_m * self._chainage_scale[main],
            across_m >= 0.0,
            _shares(score, start),
        )

    def _measured(self, places: Floats, place: Ints, main: Ints) -> tuple[Floats, Floats, Floats]:
        """Measure places from mains: how far, how far to the left of the main's direction there, how far along it."""
        if not len(place):
            return np.empty(0), np.empty(0), np.empty(0)
        x, y, ux, uy, length, before = self._edges
        first = self._first_corner[main]
        pieces = self._first_corner[main + 1] - first - 1
        begin = np.cumsum(pieces) - pieces
        piece = np.repeat(first - begin, pieces)
        piece += np.arange(len(piece))
        east = np.repeat(places[place, 0], pieces)
        north = np.repeat(places[place, 1], pieces)
        east -= x[piece]
        north -= y[piece]
        along = east * ux[piece] + north * uy[piece]
        np.clip(along, 0.0, length[piece], out=along)
        square = (east - along * ux[piece]) ** 2 + (north - along * uy[piece]) ** 2
        least = np.minimum.reduceat(square, begin)
        hit = np.flatnonzero(square == np.repeat(least, pieces))
        owner = np.searchsorted(begin, hit, side="right") - 1
        hit = hit[np.diff(owner, prepend=-1) > 0]  # the first of equals
        nearest, along = piece[hit], along[hit]
        # At a corner the side is told by the mean of both directions: by one alone a place beyond the bend may lie on the wrong side.
        before_first, after_last = first - 1, self._first_corner[main + 1] - 1
        other = np.where(along >= length[nearest], nearest + 1, np.where(along <= 0.0, nearest - 1, nearest))
        other = np.where((other == before_first) | (other == after_last), nearest, other)
        ahead_x, ahead_y = ux[nearest] + ux[other], uy[nearest] + uy[other]
        unit = np.maximum(np.hypot(ahead_x, ahead_y), _TINY)
        away_x = east[hit] - along * ux[nearest]
        away_y = north[hit] - along * uy[nearest]
        across = (ahead_x * away_y - ahead_y * away_x) / unit
        return np.sqrt(least), across, before[nearest] + along

    def _side_score(self, main: Ints, across_m: Floats, error_m: Floats) -> Floats:
        """Ask how many of a main's houses are on the side of the place, as far as its error lets us tell the side."""
        share = self._taps_left_share[main]
        is_left = ndtr(across_m / np.maximum(error_m, 1.0))
        score: Floats = np.log(2.0 * (share * is_left + (1.0 - share) * (1.0 - is_left)))
        return score

    def _street_score(self, main: Ints, street: Ints) -> Floats:
        if (street == NONE).all():
            return np.zeros(len(main))
        its = self._street[main]
        score: Floats = np.where(its == street, SAME_STREET, OTHER_STREET)
        score[(its == NONE) | (street == NONE)] = 0.0
        return score

    def _zone_score(self, place: Ints, main: Ints, distance_m: Floats, zone: Ints) -> Floats:
        """Ask whether a main is in the zone of the place, or of how many customers round about."""
        if not len(self.zone_key):
            return np.zeros(len(main))
        its = self.zone[main]
        zones, number = np.unique(its, return_inverse=True)
        cell = place * len(zones) + number
        customers = self._customers[main] * np.exp(-(distance_m**2) / (2.0 * NEIGHBOURHOOD_M**2))
        customers[its == NONE] = 0.0
        in_zone = np.bincount(cell, customers)[cell]
        round_about = np.bincount(place, customers)[place]
        share = np.where(zone == NONE, in_zone / np.maximum(round_about, _TINY), its == zone)
        share[its == NONE] = 0.5
        score: Floats = SAME_ZONE * share
        return score


def _starts(counts: Ints) -> Ints:
    starts = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts


def _shares(score: Floats, start: Ints) -> Floats:
    """Turn the scores of each place's mains into shares of belief that add up to one."""
    counts = np.diff(start)
    found = np.flatnonzero(counts)
    if not len(found):
        return score
    begin, pieces = start[found], counts[found]
    weight = np.exp(score - np.repeat(np.maximum.reduceat(score, begin), pieces))
    shares: Floats = weight / np.repeat(np.add.reduceat(weight, begin), pieces)
    return shares


def believed_within(reach_m: Floats, error_m: Floats) -> Floats:
    """Tell how sure it is that the place meant lies within reach of the one stated, whose error runs both east and north."""
    believed: Floats = -np.expm1(-(reach_m**2) / (2.0 * (error_m**2 + SET_BACK_M**2)))
    return believed


def sides_of_centrelines(
    lines: NDArray[np.object_], names: Sequence[str], roads: NDArray[np.object_], road_names: Sequence[str]
) -> Ints:
    """Tell on which side of each main the centreline of its street lies: 1 left, -1 right, 0 over it or not known.

    Parameters
    ----------
    lines, names
        The mains and the streets they are recorded in; nothing where that is not known.
    roads, road_names
        The centrelines and their names.
    """
    side = np.zeros(len(lines), dtype=np.int64)
    if not len(roads) or not len(lines):
        return side
    folded = {name: normalise(name) for name in {*names, *road_names}}
    number = {name: at for at, name in enumerate(sorted({folded[name] for name in road_names}))}
    street = np.array([number[folded[name]] for name in road_names])
    wanted = np.array([number.get(folded[name], NONE) for name in names])
    named = np.flatnonzero(wanted != NONE)
    middle = shapely.line_interpolate_point(lines[named], 0.5, normalized=True)
    at, road = shapely.STRtree(roads).query(middle, predicate="dwithin", distance=CENTRELINE_MOST_M)
    same = street[road] == wanted[named[at]]
    at, road = at[same], road[same]
    distance = shapely.distance(middle[at], roads[road])
    order = np.lexsort((distance, at))
    at, first = np.unique(at[order], return_index=True)
    road, distance = road[order][first], distance[order][first]
    on_road = shapely.line_interpolate_point(roads[road], shapely.line_locate_point(roads[road], middle[at]))
    main = named[at]
    half = 0.5 * shapely.length(lines[main])
    behind = shapely.get_coordinates(
        shapely.line_interpolate_point(lines[main], half - np.minimum(0.5, half))
    )
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(lines[main], half + np.minimum(0.5, half)))
    way = ahead - behind
    away = shapely.get_coordinates(on_road) - shapely.get_coordinates(middle[at])
    cross = way[:, 0] * away[:, 1] - way[:, 1] * away[:, 0]
    side[main] = np.where(distance >= CENTRELINE_LEAST_M, np.sign(cross), 0.0).astype(np.int64)
    return side
