"""What can be reached in so many minutes, and what nobody reaches in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
import shapely.ops
from numpy.typing import NDArray

from gis.coordinates import LonLat, metric_plane
from gis.errors import NoRoadNearby
from gis.roads.graph import Floats, Ints
from gis.roads.overlay import Roads
from gis.roads.searching import nearest
from gis.roads.snapping import Snapped, gates, snap
from gis.roads.ways import SNAP_LIMIT_M

BESIDE_M = 50.0
"""So far from a street lies what it leads to."""
DETAIL_M = 5.0
"""How far drawn borders may be off."""
NEIGHBOURHOOD_M = 400.0
"""Streets of a square of this side are joined before they meet the others."""
Part = tuple[float, float]


@dataclass(frozen=True)
class Reach:
    """The parts of each line that can be reached in time.

    Parameters
    ----------
    from_first, from_last
        The share of each line that is reached from its first node, and from its last.
    own
        Parts of the lines on which the places themselves stand, from one share of the length to another.
    """

    roads: Roads
    from_first: Floats
    from_last: Floats
    own: dict[int, list[Part]]

    def parts(self, line: int) -> list[Part]:
        """List the reached parts of a line in order, those that meet joined."""
        some = [(0.0, float(self.from_first[line])), (1.0 - float(self.from_last[line]), 1.0)]
        joined: list[Part] = []
        for start, end in sorted(part for part in [*some, *self.own.get(line, [])] if part[0] < part[1]):
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((start, end))
        return joined

    def missing(self, line: int) -> list[Part]:
        """List the parts of a line that are not reached, in order."""
        ends = [0.0, *(edge for part in self.parts(line) for edge in part), 1.0]
        return [(start, end) for start, end in zip(ends[::2], ends[1::2], strict=True) if start < end]

    def share(self) -> Floats:
        """Tell how much of each line is reached."""
        share = np.minimum(1.0, self.from_first + self.from_last)
        for line in self.own:
            share[line] = sum(end - start for start, end in self.parts(line))
        return share

    def holds(self, places: Snapped) -> NDArray[np.bool_]:
        """Tell which places on lines are reached."""
        held = (places.fraction <= self.from_first[places.line]) & (self.from_first[places.line] > 0.0)
        held |= (places.fraction >= 1.0 - self.from_last[places.line]) & (self.from_last[places.line] > 0.0)
        for at in np.flatnonzero(~held & np.isin(places.line, list(self.own))).tolist():
            fraction = float(places.fraction[at])
            held[at] = any(start <= fraction <= end for start, end in self.own[int(places.line[at])])
        return held

    def road_m(self, lines: Ints | None = None) -> float:
        """Add up the reached metres of street, of all lines or some."""
        metres = self.share() * line_metres(self.roads)
        return float(metres.sum() if lines is None else metres[lines].sum())

    def drawn(self, lines: Ints, *, reached: bool = True) -> list[Any]:
        """Draw the parts of some lines that are reached, or those that are not, in the plane. Any: shapely has no types."""
        share = self.share()[lines]
        shapes = self.roads.graph.line_shapes
        whole = lines[share >= 1.0] if reached else lines[share <= 0.0]
        parted = lines[(share > 0.0) & (share < 1.0)]
        return [
            *shapes[whole],
            *(
                shapely.ops.substring(shapes[line], start, end, normalized=True)
                for line in parted.tolist()
                for start, end in (self.parts(line) if reached else self.missing(line))
            ),
        ]


def line_metres(roads: Roads) -> Floats:
    """Give the lengths of the lines as their edges state them."""
    return roads.graph.edge_length_m[roads.graph.lines.edge]


def reach_within(
    roads: Roads, places: Sequence[LonLat], limits_s: Sequence[float], *, towards: bool
) -> list[Reach]:
    """Find what can be reached from the nearest of some places within each of several times.

    Parameters
    ----------
    towards
        Whether the places are where one wants to get, instead of where one starts.

    Raises
    ------
    NoRoadNearby
        One of the places lies too far from a road.
    """
    snapped = snap(roads, places, to_open=True)
    if (snapped.distance_m > SNAP_LIMIT_M).any():
        raise NoRoadNearby
    doors = gates(roads, snapped, leaving=not towards)
    seconds = nearest(roads, doors, limit_s=max(limits_s), towards=towards)
    return [_reach(roads, snapped, seconds, limit_s, towards=towards) for limit_s in limits_s]


def _reach(roads: Roads, places: Snapped, seconds: Floats, limit_s: float, *, towards: bool) -> Reach:
    graph, lines = roads.graph, roads.graph.lines
    forth_s = roads.seconds_of(lines.forth)
    back_s = np.where(lines.back >= 0, roads.seconds_of(lines.back), np.inf)
    first_s, last_s = seconds[graph.edge_u[lines.edge]], seconds[graph.edge_v[lines.edge]]

    def share(node_s: Floats, line_s: Floats) -> Floats:
        with np.errstate(invalid="ignore"):  # a node never reached, a line never driven
            return np.nan_to_num(np.clip((limit_s - node_s) / line_s, 0.0, 1.0), nan=0.0)

    away_s, home_s = (back_s, forth_s) if towards else (forth_s, back_s)
    own: dict[int, list[Part]] = {}
    for line, fraction in zip(places.line.tolist(), places.fraction.tolist(), strict=True):
        part = (
            max(0.0, fraction - limit_s / float(home_s[line])),
            min(1.0, fraction + limit_s / float(away_s[line])),
        )
        own.setdefault(line, []).append(part)
    return Reach(roads, share(first_s, away_s), share(last_s, home_s), own)


def reached_areas(reaches: Sequence[Reach]) -> list[Any]:
    """Draw what lies along the streets that are reached, in longitude and latitude. Any: shapely has no types.

    Parameters
    ----------
    reaches
        From the same places, the smallest first: each larger area is the one before with what lies along the streets it reaches farther.
    """
    area, before, areas = shapely.MultiPolygon(), None, []
    for reach in reaches:
        share = reach.share()
        farther = np.flatnonzero(share > (0.0 if before is None else before))
        area, before = shapely.union(area, _strips(reach.drawn(farther))), share
        areas.append(metric_plane(reach.roads.graph.srid).unproject(shapely.simplify(area, DETAIL_M)))
    return areas


def missed_area(reach: Reach, within: Any) -> tuple[Ints, Any]:
    """Find the streets of an area, and draw what lies along those of them that are not reached, in longitude and latitude.

    Parameters
    ----------
    within
        The area in longitude and latitude; None: all streets. Any: shapely has no types.
    """
    graph = reach.roads.graph
    plane = metric_plane(graph.srid)
    lines = np.arange(len(reach.from_first))
    border = None if within is None else plane.project(within)
    if border is not None:
        shapely.prepare(border)
        middle = shapely.line_interpolate_point(graph.line_shapes, 0.5, normalized=True)
        lines = lines[shapely.intersects(border, middle)]
    missed = _along(reach.drawn(lines, reached=False))
    if not missed.is_empty:
        near = np.sort(graph.tree.query(missed, predicate="dwithin", distance=BESIDE_M))
        missed = missed.difference(_along(reach.drawn(near)))
        if border is not None:
            missed = missed.intersection(border)
    return lines, plane.unproject(missed)


def _along(lines: Sequence[Any]) -> Any:
    """Widen plane lines to what lies beside them, as one area."""
    return shapely.simplify(_strips(lines), DETAIL_M)


def _strips(lines: Sequence[Any]) -> Any:
    """Widen plane lines; those of a neighbourhood are joined and simplified first, which makes joining all a third cheaper (measured)."""
    if not lines:
        return shapely.MultiPolygon()
    drawn = shapely.simplify(np.array(lines, dtype=object), DETAIL_M)
    strips = shapely.buffer(drawn, BESIDE_M, quad_segs=2)
    cell = np.floor(shapely.get_coordinates(shapely.centroid(strips)) / NEIGHBOURHOOD_M)
    order = np.lexsort((cell[:, 0], cell[:, 1]))
    ends = np.flatnonzero(np.diff(cell[order], axis=0).any(axis=1)) + 1
    joined = [shapely.union_all(some) for some in np.split(strips[order], ends)]
    return shapely.union_all(shapely.simplify(np.array(joined, dtype=object), DETAIL_M))
