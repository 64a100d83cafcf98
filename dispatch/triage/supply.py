"""The supply as triage sees it: segments, who hangs on them, what a break in one leaves dry or weak, and where the pipes run."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis.isolation import IsolationNetwork

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

POINT_EVERY_M: Final = 20.0
"""Pipes are taken as points so far apart: nobody tells of a place more exactly."""
HOPS_MAX: Final = 3
UNFED: Final = HOPS_MAX + 1
"""The class of segments of the same zone that have no feed on the map: something unknown feeds them, and may fail with any other."""
ZONE_MATE: Final = UNFED + 1
"""The class of all other segments of the zone: what no map explains."""
OUTSIDE: Final = ZONE_MATE + 1
"""The class of segments a footprint does not reach."""
UNFED_MAX: Final = 0.3
"""A zone with a larger share of its customers without a feed on the map has no such class: its map says nothing."""
ABOVE_MAX: Final = 4
"""So many of the segments that can cut one off are thought of as its trouble's origin, the nearest first."""
ORIGIN_HOPS: Final = 2
DENSITY_REACH_M: Final = 150.0
EMPTY_PER_M2: Final = 1e-5
"""Ten customers a square kilometre: what is taken for empty land, where a stray call still may come from."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Whom a break in one segment reaches.

    Parameters
    ----------
    segments
        Rising.
    hops
        0 where taps fall dry: the segment itself and what it alone feeds; else how many valves away, or `UNFED`.
    customers
        How many customers there are of each such class.
    zone
        Whose other segments are `ZONE_MATE`, -1 for none.
    """

    segments: Ints
    hops: NDArray[np.int8]
    customers: Floats
    zone: int


@dataclass(frozen=True, eq=False)
class SupplyMap:
    """Segments by their place in `number`, customers by theirs; coordinates in metres of one plane. Never changed, safe to share.

    Parameters
    ----------
    network
        The network the segments come from.
    number
        The network's numbers of the segments, rising.
    zone
        Each segment's pressure zone; -1 where unknown.
    customer_xy, customer_segment
        Where customers are, and what feeds them.
    address
        The address of each customer; customers of one address share a number.
    pipe_xy, pipe_segment
        Points along the pipes, and whose they are.
    parting
        The network's valves over which nothing is felt, because they are known to be shut; none unless given.
    """

    network: IsolationNetwork
    number: Ints
    zone: Ints
    customer_xy: Floats
    customer_segment: Ints
    address: Ints
    pipe_xy: Floats
    pipe_segment: Ints
    parting: NDArray[np.bool_] | None = None
    _footprints: dict[int, Footprint] = field(default_factory=dict, repr=False)
    _origins: dict[int, Ints] = field(default_factory=dict, repr=False)

    @property
    def segment_count(self) -> int:
        """How many segments there are."""
        return len(self.number)

    @property
    def customer_count(self) -> int:
        """How many customers there are."""
        return len(self.customer_xy)

    @cached_property
    def customers_on(self) -> Ints:
        """How many customers each segment feeds."""
        return np.bincount(self.customer_segment, minlength=self.segment_count)

    @cached_property
    def zone_customers(self) -> dict[int, int]:
        """How many customers each zone has."""
        zones, counts = np.unique(self.zone[self.customer_segment], return_counts=True)
        return dict(zip(zones.tolist(), counts.tolist(), strict=True))

    @cached_property
    def customer_tree(self) -> cKDTree:
        """The customers in space."""
        return cKDTree(self.customer_xy)

    @cached_property
    def pipe_tree(self) -> cKDTree:
        """The pipes' points in space."""
        return cKDTree(self.pipe_xy)

    @cached_property
    def pipe_points_of(self) -> Ints:
        """How many points each segment's pipes have."""
        return np.maximum(np.bincount(self.pipe_segment, minlength=self.segment_count), 1)

    @cached_property
    def households(self) -> dict[int, Ints]:
        """The customers of each address."""
        order = np.argsort(self.address, kind="stable")
        numbers, starts = np.unique(self.address[order], return_index=True)
        return dict(zip(numbers.tolist(), np.split(order, starts[1:]), strict=True))

    @property
    def _parts(self) -> NDArray[np.bool_]:
        if self.parting is not None:
            return self.parting
        return np.zeros(len(self.network.valve_closed), dtype=bool)

    @cached_property
    def _neighbours(self) -> tuple[Ints, Ints]:
        """Segments that share a valve: all pairs sorted by the first, and where each segment starts."""
        side_a, side_b = self.network.valve_sides
        differ = (side_a != side_b) & ~self._parts
        at = np.full(self.network.vertex_count, -1, dtype=np.int64)
        at[self.number] = np.arange(self.segment_count)
        a, b = at[side_a[differ]], at[side_b[differ]]
        pairs = np.unique(np.column_stack([np.concatenate([a, b]), np.concatenate([b, a])]), axis=0)
        pairs = pairs[(pairs >= 0).all(axis=1)]
        return pairs[:, 1], np.searchsorted(pairs[:, 0], np.arange(self.segment_count + 1))

    @cached_property
    def _place_of(self) -> Ints:
        at = np.full(self.network.vertex_count, -1, dtype=np.int64)
        at[self.number] = np.arange(self.segment_count)
        return at

    @cached_property
    def _unfed(self) -> dict[int, list[int]]:
        """The segments of each zone that have no way from a source."""
        feeding = self.network.feeding
        dry = np.unique(feeding.segment_of_part[feeding.steps < 0])
        found: dict[int, list[int]] = {}
        for one in self._place_of[dry].tolist():
            if one >= 0 and self.zone[one] >= 0:
                found.setdefault(int(self.zone[one]), []).append(one)
        return {
            zone: some
            for zone, some in found.items()
            if self.customers_on[some].sum() <= UNFED_MAX * self.zone_customers.get(zone, 0)
        }

    def neighbours(self, segment: int) -> Ints:
        """List the segments one valve away."""
        other, starts = self._neighbours
        return other[starts[segment] : starts[segment + 1]]

    def footprint(self, origin: int) -> Footprint:
        """Tell whom a break reaches; an origin beyond the segments is one whose map is not believed: it leaves dry its own segment only."""
        kept = self._footprints.get(origin)
        if kept is None:
            kept = self._footprints[origin] = self._trace(origin)
        return kept

    def _trace(self, origin: int) -> Footprint:
        segment = origin % self.segment_count
        away = {segment: 0}
        if origin < self.segment_count:
            lost = self._place_of[
                np.array(self.network.cut_off_by(int(self.number[segment])), dtype=np.int64)
            ]
            away |= dict.fromkeys(lost[lost >= 0].tolist(), 0)
        edge = [segment]
        for hop in range(1, HOPS_MAX + 1):
            reached = np.unique(
                np.concatenate([self.neighbours(one) for one in edge]) if edge else np.empty(0, np.int64)
            )
            edge = [one for one in reached.tolist() if one not in away]
            away |= dict.fromkeys(edge, hop)
        zone = int(self.zone[segment])
        for one in self._unfed.get(zone, ()):
            away.setdefault(one, UNFED)
        segments = np.array(sorted(away), dtype=np.int64)
        hops = np.array([away[one] for one in segments.tolist()], dtype=np.int8)
        customers = np.bincount(hops, weights=self.customers_on[segments], minlength=OUTSIDE).astype(
            np.float64
        )
        if zone >= 0:
            own = self.zone[segments] == zone
            customers[ZONE_MATE] = self.zone_customers.get(zone, 0) - self.customers_on[segments[own]].sum()
        return Footprint(segments, hops, customers, zone)

    def hops(self, origins: Ints, segments: Ints) -> NDArray[np.int8]:
        """Tell how far from each origin some segments (rising) are."""
        feet = [self.footprint(one) for one in origins.tolist()]
        zones = np.array([foot.zone for foot in feet])[:, None]
        hop = np.where((zones == self.zone[segments]) & (zones >= 0), ZONE_MATE, OUTSIDE).astype(np.int8)
        near = np.concatenate([foot.segments for foot in feet])
        column = np.minimum(np.searchsorted(segments, near), len(segments) - 1)
        asked = segments[column] == near
        row = np.repeat(np.arange(len(feet)), [len(foot.segments) for foot in feet])
        hop[row[asked], column[asked]] = np.concatenate([foot.hops for foot in feet])[asked]
        return hop

    def region(self, origins: Ints) -> NDArray[np.bool_]:
        """Mark the segments that some of the origins reach."""
        feet = [self.footprint(one) for one in origins.tolist()]
        reached = np.isin(self.zone, [zone for zone in {foot.zone for foot in feet} if zone >= 0])
        for foot in feet:
            reached[foot.segments] = True
        return reached

    def origins(self, segment: int) -> Ints:
        """List where a trouble felt at a segment may come from."""
        kept = self._origins.get(segment)
        if kept is None:
            foot = self.footprint(segment + self.segment_count)
            ring = foot.segments[foot.hops <= ORIGIN_HOPS]
            above = self._place_of[
                np.array(self.network.cutting_off(int(self.number[segment]))[:ABOVE_MAX], dtype=np.int64)
            ]
            near = np.union1d(ring, above[above >= 0])
            branches = np.array([one for one in near.tolist() if self._feeds_others(one)], dtype=np.int64)
            kept = self._origins[segment] = np.concatenate([near, branches + self.segment_count])
        return kept

    def _feeds_others(self, segment: int) -> bool:
        return bool((self.footprint(segment).hops == 0).sum() > 1)

    def density(self, x: float, y: float) -> float:
        """Count the customers per square metre round a place in the plane."""
        near = self.customer_tree.query_ball_point((x, y), DENSITY_REACH_M, return_length=True)
        return max(float(near) / (np.pi * DENSITY_REACH_M**2), EMPTY_PER_M2)

    def segments_near(self, x: float, y: float, error_m: float) -> tuple[Ints, Floats]:
        """Share out a place among the segments of the customers it may belong to; nobody near shares nothing."""
        near = np.array(self.customer_tree.query_ball_point((x, y), 3.0 * error_m), dtype=np.int64)
        if not len(near):
            _, one = self.customer_tree.query((x, y))
            return self.customer_segment[[int(one)]], np.ones(1)
        squared = ((self.customer_xy[near] - (x, y)) ** 2).sum(axis=1)
        return _shared(self.customer_segment[near], np.exp(-0.5 * squared / error_m**2))

    def pipes_near(self, x: float, y: float, error_m: float) -> tuple[Ints, Floats]:
        """Tell per segment how dense, per square metre, sightings at a place are if its pipes leak somewhere."""
        near = np.array(self.pipe_tree.query_ball_point((x, y), 3.0 * error_m), dtype=np.int64)
        if not len(near):
            return np.empty(0, dtype=np.int64), np.empty(0)
        squared = ((self.pipe_xy[near] - (x, y)) ** 2).sum(axis=1)
        kernel = np.exp(-0.5 * squared / error_m**2) / (2.0 * np.pi * error_m**2)
        segments, inverse = np.unique(self.pipe_segment[near], return_inverse=True)
        return segments, np.bincount(inverse, weights=kernel) / self.pipe_points_of[segments]


def _shared(segments: Ints, weights: Floats) -> tuple[Ints, Floats]:
    each, inverse = np.unique(segments, return_inverse=True)
    total = np.bincount(inverse, weights=weights)
    return each, total / total.sum()
