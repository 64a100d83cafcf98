"""Who gets there first, and by which streets: the fastest ways from several places to one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gis.coordinates import LonLat, straight_lines_m
from gis.errors import NoRoadNearby, NoRouteFound
from gis.roads.graph import Floats
from gis.roads.overlay import Roads
from gis.roads.searching import search, through
from gis.roads.snapping import beside, gates, snap
from gis.roads.telling import Piece, Route, tell

SEARCH_LIMITS_S = (900.0, 1800.0, np.inf)
"""Most crews are near: a search that stops at 15 minutes costs a tenth of a full one (measured)."""
EXPECTED_MPS = 8.0
"""What a crew makes good in a straight line; only chooses the first limit to try."""
SNAP_LIMIT_M = 2000.0


@dataclass(frozen=True, slots=True)
class Travel:
    """The fastest way from one origin; `seconds` and `metres` are None when there is none."""

    origin: int
    seconds: float | None
    metres: float | None
    snapped_m: float
    """How far the origin lies from the road it starts on."""


def _limits(origins: Sequence[LonLat], destination: LonLat, wanted: int) -> tuple[float, ...]:
    """Choose the search limits to try: from the first that should reach the `wanted`-th nearest origin."""
    if wanted < 1:
        return SEARCH_LIMITS_S[:1]
    away = np.sort(straight_lines_m(origins, destination))
    expected_s = away[wanted - 1] / EXPECTED_MPS
    return tuple(limit for limit in SEARCH_LIMITS_S if limit >= expected_s)


class Ways:
    """The fastest ways by road from several origins to one destination, exact, found by one search.

    A place whose road is shut is driven to on the nearest that is not.

    Parameters
    ----------
    roads
        The roads as they are now.
    origins
        Where crews are.
    destination
        Where one of them must go.
    snap_limit_m
        How far a place may lie from the nearest road, metres.

    Raises
    ------
    NoRoadNearby
        No road near the destination.
    """

    def __init__(
        self,
        roads: Roads,
        origins: Sequence[LonLat],
        destination: LonLat,
        *,
        snap_limit_m: float = SNAP_LIMIT_M,
    ) -> None:
        self._roads = roads
        self._origins = origins
        snapped = snap(roads, [destination, *origins], to_open=True)
        self._target, self._starts = snapped.at(0), snapped.but_first()
        if self._target.distance_m[0] > snap_limit_m:
            raise NoRoadNearby
        self._arriving = gates(roads, self._target, leaving=False)
        self._leaving = gates(roads, self._starts, leaving=True)
        beside_s, self._beside_m = beside(roads, self._starts, self._target)
        self.is_usable = self._starts.distance_m <= snap_limit_m
        wanted = int(self.is_usable.sum())
        for limit_s in _limits(origins, destination, wanted):
            (self._tree,) = search(roads, self._arriving, limit_s=limit_s)
            self._gate, driven_s = through(self._tree, self._leaving)
            seconds = np.where(self.is_usable, np.minimum(driven_s, beside_s), np.inf)
            self._seconds: Floats = np.where(seconds <= limit_s, seconds, np.inf)
            if np.isfinite(self._seconds).sum() >= wanted:
                break
        self._is_driven = driven_s < beside_s
        """By way of junctions, not only along the line both ends stand on."""

    def travels(self) -> list[Travel]:
        """Measure them: fastest first; those that cannot get there last, without a time."""
        reached = np.isfinite(self._seconds)
        metres = np.where(reached, self._beside_m, np.inf)
        drives = np.flatnonzero(reached & self._is_driven)
        gate = self._gate[drives]
        metres[drives] = self._leaving.metres[drives, gate] + self._tree.metres_from(
            self._leaving.node[drives, gate]
        )
        order = np.argsort(self._seconds, kind="stable")
        columns = (column[order].tolist() for column in (self._seconds, metres, self._starts.distance_m))
        return [
            Travel(origin, seconds, far_m, snapped_m)
            if seconds < np.inf
            else Travel(origin, None, None, snapped_m)
            for origin, seconds, far_m, snapped_m in zip(order.tolist(), *columns, strict=True)
        ]

    def route(self, origin: int) -> Route | None:
        """Draw one, with the streets to follow; None where the origin cannot get there."""
        if not np.isfinite(self._seconds[origin]):
            return None
        pieces = self._driven(origin) if self._is_driven[origin] else [self._along_one_line(origin)]
        return tell(self._roads, pieces, self._origins[origin])

    def _along_one_line(self, origin: int) -> Piece:
        """Drive along the one line both ends stand on."""
        lines, line = self._roads.graph.lines, self._target.line[0]
        here, there = float(self._starts.fraction[origin]), float(self._target.fraction[0])
        if there >= here:
            return Piece(int(lines.forth[line]), here, there)
        return Piece(int(lines.back[line]), 1.0 - here, 1.0 - there)

    def _driven(self, origin: int) -> list[Piece]:
        """List the driven parts of edges from origin to destination."""
        pieces = []
        gate = int(self._gate[origin])
        first = int(self._leaving.edge[origin, gate])
        if first >= 0:
            done = float(self._starts.fraction[origin])
            pieces.append(Piece(first, 1.0 - done if gate else done, 1.0))
        edges, last_gate = self._tree.way_from(int(self._leaving.node[origin, gate]))
        pieces.extend(Piece(edge, 0.0, 1.0) for edge in edges)
        last = int(self._arriving.edge[0, last_gate])
        if last >= 0:
            until = float(self._target.fraction[0])
            pieces.append(Piece(last, 0.0, 1.0 - until if last_gate else until))
        return pieces


def route(roads: Roads, origin: LonLat, destination: LonLat, *, snap_limit_m: float = SNAP_LIMIT_M) -> Route:
    """Find the fastest way by road, with its geometry and the streets to follow.

    Raises
    ------
    NoRoadNearby
        No road near one of the ends.
    NoRouteFound
        One-way streets, closures or a gap leave no way.
    """
    ways = Ways(roads, [origin], destination, snap_limit_m=snap_limit_m)
    if not ways.is_usable[0]:
        raise NoRoadNearby
    found = ways.route(0)
    if found is None:
        raise NoRouteFound
    return found
