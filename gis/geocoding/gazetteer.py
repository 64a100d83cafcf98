"""The places a caller can mean, in arrays: roads, named places, districts, and every address with what it consists of."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gis.geocoding.folding import normalise
from gis.geocoding.names import NameIndex

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NONE = -1


@dataclass(frozen=True)
class AddressColumns:
    """Addresses, one entry each; an empty text or `NONE` where a part is missing.

    Parameters
    ----------
    road
        Which of the gazetteer's roads each stands on.
    place, district
        As written.
    number, letter
        House number: leading digits, and what follows them.
    building
        Number or letter of the building within the place.
    x, y
        Where it is, metres in the gazetteer's plane.
    """

    road: Ints
    place: Sequence[str]
    district: Sequence[str]
    number: Ints
    letter: Sequence[str]
    building: Sequence[str]
    x: Floats
    y: Floats


@dataclass(frozen=True)
class RoadColumns:
    """Roads: names as written, each with its district, and lines in the gazetteer's plane, None where none is drawn."""

    name: Sequence[str]
    district: Sequence[str]
    line: NDArray[np.object_]


@dataclass(frozen=True)
class Coded:
    """Names told apart by how they are written: the index of them, and for each entry which it has."""

    index: NameIndex
    of: Ints

    @classmethod
    def of_names(cls, names: Sequence[str]) -> "Coded":
        """Number the names; an empty one is `NONE`."""
        code: dict[str, int] = {}
        first: list[str] = []
        known: dict[str, int] = {"": NONE}
        of = np.empty(len(names), dtype=np.int64)
        for at, name in enumerate(names):
            number = known.get(name)
            if number is None:
                plain = normalise(name)
                number = code.setdefault(plain, len(code)) if plain else NONE
                if number == len(first):
                    first.append(name)
                known[name] = number
            of[at] = number
        return cls(NameIndex(first), of)


@dataclass(frozen=True)
class Grouped:
    """Rows in groups, each group's rows in order of a rank."""

    start: Ints
    rows: Ints

    def __getitem__(self, group: int) -> Ints:
        return self.rows[self.start[group] : self.start[group + 1]]

    @classmethod
    def by(cls, of: Ints, count: int, rank: Ints) -> "Grouped":
        """Group rows by what each is of; `NONE` is in no group."""
        rows = np.lexsort((rank, of))
        rows = rows[of[rows] >= 0]
        start = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(np.bincount(of[rows], minlength=count), out=start[1:])
        return cls(start, rows)


class Gazetteer:
    """Everything a caller's words are compared with; never changed after it is made, safe to share between threads.

    Parameters
    ----------
    addresses, roads
        What there is.
    srid
        The metric system their places are given in.
    """

    def __init__(self, addresses: AddressColumns, roads: RoadColumns, *, srid: int) -> None:
        self.addresses, self.roads, self.srid = addresses, roads, srid
        streets, places = Coded.of_names(roads.name), Coded.of_names(addresses.place)
        districts = Coded.of_names([*roads.district, *addresses.district])
        self.street_names, self.place_names, self.district_names = (
            streets.index,
            places.index,
            districts.index,
        )
        self.street_of_road = streets.of
        self.street_of = (
            np.where(addresses.road >= 0, streets.of[addresses.road], NONE)
            if len(roads.name)
            else addresses.road
        )
        self.place_of = places.of
        self.district_of_road, self.district_of = np.split(districts.of, [len(roads.name)])
        self._roads_of = Grouped.by(self.street_of_road, len(self.street_names), np.arange(len(roads.name)))
        self._on_road = Grouped.by(addresses.road, len(roads.name), addresses.number)
        self._at_place = Grouped.by(self.place_of, len(self.place_names), np.arange(len(self.place_of)))
        self._in_district = Grouped.by(
            self.district_of, len(self.district_names), np.arange(len(self.district_of))
        )

    def roads_named(self, street: int) -> Ints:
        """List the roads of a name."""
        return self._roads_of[street]

    def on_road(self, road: int) -> Ints:
        """List the addresses of a road, by number."""
        return self._on_road[road]

    def numbered(self, road: int, number: int) -> Ints:
        """List the addresses of a number on a road."""
        rows = self._on_road[road]
        numbers = self.addresses.number[rows]
        return rows[np.searchsorted(numbers, number) : np.searchsorted(numbers, number, side="right")]

    def at_place(self, place: int) -> Ints:
        """List the addresses of a place's name."""
        return self._at_place[place]

    def in_district(self, district: int) -> Ints:
        """List the addresses of a district."""
        return self._in_district[district]

    @cached_property
    def highest(self) -> Ints:
        """The highest number on each road, 0 where it has none."""
        ends = np.diff(self._on_road.start) > 0
        last = (
            self._on_road.rows[np.maximum(self._on_road.start[1:] - 1, 0)]
            if len(self._on_road.rows)
            else np.zeros(len(ends), np.int64)
        )
        return (
            np.where(ends, np.maximum(self.addresses.number[last], 0), 0)
            if len(self.addresses.number)
            else np.zeros(len(ends), np.int64)
        )
