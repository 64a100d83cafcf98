"""A water network along the streets: mains, zones, sources, valves, hydrants.

Streets carry mains: a minimum spanning tree, and most of the streets that close loops (Mair et al. 2017: about eight
tenths of the street length carries pipes). Zones are network Voronoi cells round their first source; mains that cross
their borders are shut. All choices are hashes of ids, so that a city is built twice alike.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
import shapely.ops
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra, minimum_spanning_tree

from gis.models import Operable
from gis.synthetic.chance import Floats, Ints, Keys, choice, joined, share
from gis.synthetic.progress import Progress
from gis.synthetic.streets import Streets
from gis.synthetic.terrain import elevation_m

Flags = NDArray[np.bool_]

PIECE_MAX_M = 260.0
"""Longer streets are laid in pieces, with a fitting between."""
COMPONENT_NODES_MIN = 40
LOOPS_KEPT = 0.85
BORDERS_KEPT = 0.6
NODES_PER_SOURCE = 1_100
NODES_PER_ZONE = 2_600
ZONES_MIN = 2
SOURCES_MIN = 4
SOURCE_SEARCH_M = 700.0
SOURCE_AWAY_M = 40.0
HEAD_ABOVE_TOP_M = 42.0
VALVE_FROM_NODE_M = 2.0
VALVE_ON_LONG_LEG = 0.4
SEGMENT_PIPES_MAX = 8
SEGMENT_LENGTH_MAX_M = 1_000.0
"""A valve that only parts segments which together are no larger than this was never bought."""
STUCK, UNKNOWN = 0.04, 0.10
HYDRANT_EVERY_M = 120.0
DIAMETERS_MM = np.array([100, 150, 200, 250, 300, 400, 500, 600, 800, 1000, 1200], dtype=np.int64)
DESIGN_SPEED_MPS = 0.8
DEMAND_PER_ACCOUNT_LPS = 0.0045
"""About 390 litres a day: a household of three."""
PEAK_FACTOR = 3.0
MATERIALS = ("PVC", "DI", "CI", "AC", "ST")
ROUGHNESS = np.array([145.0, 130.0, 100.0, 110.0, 120.0])


@dataclass(frozen=True)
class Mains:
    """Pipes and nodes of the network in the metric plane.

    `street` indexes the streets' names (-1: none), `link` the street link a pipe lies under (-1: none) from
    `link_start_m` to `link_end_m`; `zone` of a pipe is that of its first node; `sources` are nodes.
    """

    node_key: Keys
    node_x: Floats
    node_y: Floats
    node_elevation_m: Floats
    node_zone: Ints
    node_head_m: Floats
    """Head of sources, NaN elsewhere."""
    sources: Ints
    is_tank: Flags
    start: Ints
    end: Ints
    line: NDArray[Any]
    length_m: Floats
    key: Keys
    link: Ints
    link_start_m: Floats
    link_end_m: Floats
    street: Ints
    in_tree: Flags
    is_border: Flags
    diameter_mm: Ints
    material: Ints
    year: Ints
    closed: Flags

    @property
    def zone(self) -> Ints:
        """The zone of each pipe."""
        return self.node_zone[self.start]

    @property
    def carries(self) -> Flags:
        """Pipes water passes: neither shut nor on a border."""
        return ~self.closed & ~self.is_border


@dataclass(frozen=True)
class Valves:
    """Isolation valves: each on a pipe, at one of its ends."""

    pipe: Ints
    at_end: Flags
    is_border: Flags
    operable: list[Operable]
    x: Floats
    y: Floats


@dataclass(frozen=True)
class Hydrants:
    """Hydrants along the mains."""

    pipe: Ints
    chainage_m: Floats
    x: Floats
    y: Floats


@dataclass(frozen=True)
class _Pieces:
    """Street pieces that could carry mains."""

    key: Keys
    node_key: Keys
    node_x: Floats
    node_y: Floats
    start: Ints
    end: Ints
    line: NDArray[Any]
    length_m: Floats
    link: Ints
    from_m: Floats
    to_m: Floats


def _pieces(streets: Streets) -> _Pieces:
    """Cut the streets into pieces no longer than a main is laid; drop loops of one street and small islands."""
    links = streets.links
    used = np.flatnonzero(links.is_street & (links.u != links.v) & (links.length_m > 1.0))
    parts = np.maximum(1, np.ceil(links.length_m[used] / PIECE_MAX_M)).astype(np.int64)
    base = len(streets.node_x)
    key, start, end, lines, link, from_m, to_m = [], [], [], [], [], [], []
    extra_x: list[float] = []
    extra_y: list[float] = []
    extra_key: list[tuple[int, int]] = []
    for one, count in zip(used.tolist(), parts.tolist(), strict=True):
        line, length = links.line[one], float(links.length_m[one])
        previous = int(links.u[one])
        for part in range(count):
            a, b = length * part / count, length * (part + 1) / count
            if part == count - 1:
                nxt = int(links.v[one])
            else:
                corner = line.interpolate(b)
                nxt = base + len(extra_x)
                extra_x.append(corner.x)
                extra_y.append(corner.y)
                extra_key.append((one, part))
            start.append(previous)
            end.append(nxt)
            lines.append(line if count == 1 else shapely.ops.substring(line, a, b))
            link.append(one)
            from_m.append(a)
            to_m.append(b)
            key.append(part)
            previous = nxt
    link_of = np.array(link, dtype=np.int64)
    extra = np.array(extra_key, dtype=np.int64).reshape(-1, 2)
    node_key = np.concatenate(
        [
            streets.graph.node_id.astype(np.uint64),
            joined(links.key[extra[:, 0]], extra[:, 1].astype(np.uint64)),
        ]
    )
    whole = _Pieces(
        key=joined(links.key[link_of], np.array(key, dtype=np.uint64)),
        node_key=node_key,
        node_x=np.concatenate([streets.node_x, extra_x]),
        node_y=np.concatenate([streets.node_y, extra_y]),
        start=np.array(start, dtype=np.int64),
        end=np.array(end, dtype=np.int64),
        line=np.array(lines, dtype=object),
        length_m=np.asarray(shapely.length(np.array(lines, dtype=object)), dtype=np.float64),
        link=link_of,
        from_m=np.array(from_m),
        to_m=np.array(to_m),
    )
    return _large_parts(whole)


def _matrix(size: int, start: Ints, end: Ints, weight: Floats) -> csr_matrix:
    """Make a search matrix of undirected pieces; of parallel ones the shortest counts."""
    order = np.lexsort((weight, np.maximum(start, end), np.minimum(start, end)))
    low, high = np.minimum(start, end)[order], np.maximum(start, end)[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    return csr_matrix((weight[order][first], (low[first], high[first])), shape=(size, size))


def _large_parts(pieces: _Pieces) -> _Pieces:
    """Keep what hangs together in numbers worth a source of its own, and number its nodes anew."""
    size = len(pieces.node_x)
    _, label = connected_components(_matrix(size, pieces.start, pieces.end, pieces.length_m), directed=False)
    counts = np.bincount(label)
    good = counts >= min(COMPONENT_NODES_MIN, int(counts.max()))
    nodes = np.flatnonzero(good[label])
    number = np.full(size, -1, dtype=np.int64)
    number[nodes] = np.arange(len(nodes))
    kept = number[pieces.start] >= 0
    return replace(
        pieces,
        key=pieces.key[kept],
        node_key=pieces.node_key[nodes],
        node_x=pieces.node_x[nodes],
        node_y=pieces.node_y[nodes],
        start=number[pieces.start[kept]],
        end=number[pieces.end[kept]],
        line=pieces.line[kept],
        length_m=pieces.length_m[kept],
        link=pieces.link[kept],
        from_m=pieces.from_m[kept],
        to_m=pieces.to_m[kept],
    )


def _seats(pieces: _Pieces, elevation: Floats) -> tuple[Ints, Ints]:
    """Choose the nodes where sources feed in, far from each other and high; and how many found a zone.

    Farthest-point sampling over the network: each next seat is the node farthest from all seats so far. Then each moves
    to the highest ground nearby.
    """
    size = len(pieces.node_x)
    matrix = _matrix(size, pieces.start, pieces.end, pieces.length_m)
    _, label = connected_components(matrix, directed=False)
    wanted = max(SOURCES_MIN, round(size / NODES_PER_SOURCE))
    seats: list[int] = []
    for part in np.unique(label):
        members = np.flatnonzero(label == part)
        centre = members[
            np.argmin(
                np.hypot(
                    pieces.node_x[members] - pieces.node_x[members].mean(),
                    pieces.node_y[members] - pieces.node_y[members].mean(),
                )
            )
        ]
        seats.append(int(centre))
    nearest: Floats = dijkstra(matrix, directed=False, indices=seats, min_only=True)
    while len(seats) < wanted:
        chosen = int(np.argmax(np.where(np.isfinite(nearest), nearest, -1.0)))
        seats.append(chosen)
        nearest = np.minimum(nearest, dijkstra(matrix, directed=False, indices=[chosen])[0])
    moved: list[int] = []
    for seat in seats:
        away = dijkstra(matrix, directed=False, indices=[seat], limit=SOURCE_SEARCH_M)[0]
        near = np.flatnonzero(np.isfinite(away))
        near = near[~np.isin(near, moved)]
        moved.append(int(near[np.argmax(elevation[near])]) if len(near) else seat)
    zones = max(ZONES_MIN, round(size / NODES_PER_ZONE), int(label.max()) + 1)
    return np.array(moved, dtype=np.int64), np.arange(min(zones, len(moved)))


def _cells(pieces: _Pieces, seats: Ints) -> Ints:
    """Give each node the nearest of the seats, measured along the streets."""
    size = len(pieces.node_x)
    matrix = _matrix(size, pieces.start, pieces.end, pieces.length_m)
    _, _, origin = dijkstra(matrix, directed=False, indices=seats, min_only=True, return_predecessors=True)
    cell = np.full(size, -1, dtype=np.int64)
    place = {int(seat): index for index, seat in enumerate(seats)}
    cell[:] = [place.get(int(one), -1) for one in origin]
    return cell


def lay_mains(streets: Streets, *, progress: Progress) -> Mains:
    """Lay the network's mains, choose zones and sources; diameters come later, with the demand."""
    pieces = _pieces(streets)
    elevation = elevation_m(pieces.node_x, pieces.node_y)
    seats, founders = _seats(pieces, elevation)
    zone = _cells(pieces, seats[founders])
    border = zone[pieces.start] != zone[pieces.end]
    inner = np.flatnonzero(~border)
    tree = np.zeros(len(pieces.key), dtype=bool)
    tree[inner[_spanning(len(pieces.node_x), pieces, inner)]] = True
    drawn = share(pieces.key, "main")
    kept = tree | (~border & (drawn < LOOPS_KEPT)) | (border & (drawn < BORDERS_KEPT))
    progress(
        f"{np.count_nonzero(kept):,} mains, {len(pieces.node_x):,} nodes, {len(founders)} zones, {len(seats)} sources"
    )
    return _with_sources(streets, pieces, kept, tree, border, zone, elevation, seats)


def _spanning(size: int, pieces: _Pieces, among: Ints) -> Ints:
    """Choose the pieces, by their place in `among`, of a minimum spanning tree of each part."""
    start, end, weight = pieces.start[among], pieces.end[among], pieces.length_m[among]
    order = np.lexsort((weight, np.maximum(start, end), np.minimum(start, end)))
    low, high = np.minimum(start, end)[order], np.maximum(start, end)[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    candidates = order[first]
    # Ranks instead of lengths: no ties, so that the tree does not depend on the solver's order.
    rank = np.empty(len(candidates))
    rank[np.lexsort((pieces.key[among][candidates], weight[candidates]))] = np.arange(
        1.0, len(candidates) + 1
    )
    spanning = minimum_spanning_tree(csr_matrix((rank, (low[first], high[first])), shape=(size, size)))
    chosen = np.zeros(len(candidates), dtype=bool)
    by_rank = np.argsort(rank)
    chosen[by_rank[spanning.data.astype(np.int64) - 1]] = True
    return candidates[chosen]


def _with_sources(
    streets: Streets,
    pieces: _Pieces,
    kept: Flags,
    tree: Flags,
    border: Flags,
    zone: Ints,
    elevation: Floats,
    seats: Ints,
) -> Mains:
    """Add a source node beside each seat, and the main that joins it."""
    base, count = len(pieces.node_x), len(seats)
    turn = share(pieces.node_key[seats], "source") * 2.0 * np.pi
    x = np.concatenate([pieces.node_x, pieces.node_x[seats] + SOURCE_AWAY_M * np.cos(turn)])
    y = np.concatenate([pieces.node_y, pieces.node_y[seats] + SOURCE_AWAY_M * np.sin(turn)])
    node_zone = np.concatenate([zone, zone[seats]])
    top = np.array([np.percentile(elevation[zone == one], 97.0) for one in range(int(zone.max()) + 1)])
    head = np.full(base + count, np.nan)
    head[base:] = np.maximum(top[zone[seats]] + HEAD_ABOVE_TOP_M, elevation[seats] + 25.0)
    feeds = np.asarray(
        shapely.linestrings(
            np.stack([np.column_stack([x[base:], y[base:]]), np.column_stack([x[seats], y[seats]])], axis=1)
        ),
        dtype=object,
    )
    where = np.flatnonzero(kept)
    none = np.full(count, -1, dtype=np.int64)
    key = np.concatenate(
        [pieces.key[where], joined(pieces.node_key[seats], np.arange(count, dtype=np.uint64))]
    )
    pipes = len(key)
    year = 1935 + choice(key, "year", 88)
    material = np.select(
        [year < 1960, year < 1975, year < 1990],
        [2, 3, 4],
        default=np.where(share(key, "plastic") < 0.6, 0, 1),
    )
    first_of_zone = np.zeros(count, dtype=bool)
    first_of_zone[np.unique(zone[seats], return_index=True)[1]] = True
    return Mains(
        node_key=np.concatenate([pieces.node_key, joined(pieces.node_key[seats])]),
        node_x=x,
        node_y=y,
        node_elevation_m=np.concatenate([elevation, elevation[seats]]),
        node_zone=node_zone,
        node_head_m=head,
        sources=np.arange(base, base + count),
        is_tank=~first_of_zone,
        start=np.concatenate([pieces.start[where], np.arange(base, base + count)]),
        end=np.concatenate([pieces.end[where], seats]),
        line=np.concatenate([pieces.line[where], feeds]),
        length_m=np.concatenate([pieces.length_m[where], np.asarray(shapely.length(feeds))]),
        key=key,
        link=np.concatenate([pieces.link[where], none]),
        link_start_m=np.concatenate([pieces.from_m[where], np.zeros(count)]),
        link_end_m=np.concatenate([pieces.to_m[where], np.zeros(count)]),
        street=np.concatenate([streets.links.street[pieces.link[where]], none]),
        in_tree=np.concatenate([tree[where], np.ones(count, dtype=bool)]),
        is_border=np.concatenate([border[where], np.zeros(count, dtype=bool)]),
        diameter_mm=np.full(pipes, DIAMETERS_MM[0]),
        material=material.astype(np.int64),
        year=year,
        closed=np.zeros(pipes, dtype=bool),
    )


def node_demands(mains: Mains, accounts_per_pipe: Ints) -> Floats:
    """Give each node its mean demand, l/s: half of what each of its pipes serves."""
    per_pipe = accounts_per_pipe * DEMAND_PER_ACCOUNT_LPS / 2.0
    size = len(mains.node_x)
    return np.asarray(
        np.bincount(mains.start, per_pipe, size) + np.bincount(mains.end, per_pipe, size), dtype=np.float64
    )


def sized(mains: Mains, demand_lps: Floats) -> Mains:
    """Choose diameters: peak flow gathered along the shortest ways from the sources, at the design speed."""
    size = len(mains.node_x)
    carries = np.flatnonzero(mains.carries)
    start, end, length = mains.start[carries], mains.end[carries], mains.length_m[carries]
    distance, before, _ = dijkstra(
        _matrix(size, start, end, length),
        directed=False,
        indices=mains.sources,
        min_only=True,
        return_predecessors=True,
    )
    flow = demand_lps * PEAK_FACTOR
    for node in np.argsort(distance, kind="stable")[::-1].tolist():
        if before[node] >= 0:
            flow[before[node]] += flow[node]
    on_way = (before[end] == start) | (before[start] == end)
    lower = np.where(distance[start] > distance[end], start, end)
    carried = np.zeros(len(mains.start))
    carried[carries] = np.where(on_way, flow[lower], 0.0)
    needed_mm = 1000.0 * np.sqrt(4.0 * carried / 1000.0 / (np.pi * DESIGN_SPEED_MPS))
    step = np.minimum(np.searchsorted(DIAMETERS_MM, needed_mm), len(DIAMETERS_MM) - 1)
    return replace(mains, diameter_mm=DIAMETERS_MM[step])


def _worth_having(mains: Mains, pipe: Ints, node: Ints, key: Keys, must: Flags) -> Flags:
    """Leave out valves as long as the segments they part stay small together, in an order of hashes."""
    pipes, size = len(mains.start), len(mains.start) + len(mains.node_x)
    parent = list(range(size))
    count = [1] * pipes + [0] * len(mains.node_x)
    length = mains.length_m.tolist() + [0.0] * len(mains.node_x)

    def top(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    def join(a: int, b: int) -> None:
        parent[b] = a
        count[a] += count[b]
        length[a] += length[b]

    valved = set((pipe * size + node).tolist())
    for end in (mains.start, mains.end):
        for index, at in enumerate(end.tolist()):
            if index * size + at not in valved and (a := top(index)) != (b := top(pipes + at)):
                join(a, b)
    kept = np.ones(len(pipe), dtype=bool)
    optional = np.flatnonzero(~must)
    for valve in optional[np.argsort(share(key[optional], "worth"), kind="stable")].tolist():
        a, b = top(int(pipe[valve])), top(pipes + int(node[valve]))
        if a == b:
            kept[valve] = False
        elif count[a] + count[b] <= SEGMENT_PIPES_MAX and length[a] + length[b] <= SEGMENT_LENGTH_MAX_M:
            join(a, b)
            kept[valve] = False
    return kept


def place_valves(mains: Mains) -> Valves:
    """Stand valves on all legs but one of each junction, on some long legs, at sources and on zone borders.

    Then those are left out that would only part small segments: with all of them nearly every main would be a segment
    of its own, where real networks have three to five (measured on five of them).
    """
    pipes = np.arange(len(mains.start))
    node = np.concatenate([mains.start, mains.end])
    pipe = np.tile(pipes, 2)
    at_end = np.repeat([False, True], len(pipes))
    leg_key = joined(mains.key[pipe], at_end.astype(np.uint64))
    degree = np.bincount(node, minlength=len(mains.node_x))
    # The leg without a valve is the one whose id hashes highest among those of its junction.
    order = np.lexsort((share(leg_key, "leg"), node))
    last = np.ones(len(order), dtype=bool)
    last[:-1] = node[order][1:] != node[order][:-1]
    spared = np.zeros(len(order), dtype=bool)
    spared[order[last]] = True
    stands = (degree[node] >= 3) & ~spared
    stands |= (degree[node] == 2) & ~spared & (share(leg_key, "long leg") < VALVE_ON_LONG_LEG)
    feeds = np.isin(mains.start, mains.sources)
    stands |= at_end & feeds[pipe]
    border = mains.is_border[pipe] & at_end
    stands |= border
    chosen = np.flatnonzero(stands)
    must = border | (at_end & feeds[pipe])
    chosen = chosen[_worth_having(mains, pipe[chosen], node[chosen], leg_key[chosen], must[chosen])]
    pipe, at_end, border, leg_key = pipe[chosen], at_end[chosen], border[chosen], leg_key[chosen]
    from_node = np.minimum(VALVE_FROM_NODE_M, 0.25 * mains.length_m[pipe])
    point = shapely.get_coordinates(
        shapely.line_interpolate_point(
            mains.line[pipe], np.where(at_end, mains.length_m[pipe] - from_node, from_node)
        )
    )
    luck = share(leg_key, "turns")
    turns = [
        Operable.YES if closed or one >= STUCK + UNKNOWN else Operable.NO if one < STUCK else Operable.UNKNOWN
        for one, closed in zip(luck.tolist(), border.tolist(), strict=True)
    ]
    return Valves(pipe, at_end, border, turns, point[:, 0], point[:, 1])


def place_hydrants(mains: Mains) -> Hydrants:
    """Stand a hydrant every so many metres of main."""
    feeds = np.isin(mains.start, mains.sources)
    count = np.floor(mains.length_m / HYDRANT_EVERY_M + share(mains.key, "hydrant")).astype(np.int64)
    count[feeds] = 0
    pipe = np.repeat(np.arange(len(count)), count)
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    chainage = mains.length_m[pipe] * (place + 1.0) / (count[pipe] + 1.0)
    point = shapely.get_coordinates(shapely.line_interpolate_point(mains.line[pipe], chainage))
    return Hydrants(pipe, chainage, point[:, 0], point[:, 1])


def node_codes(mains: Mains) -> list[str]:
    """Give every node the code it carries in the tables and in the EPANET model."""
    codes = [f"N{index + 1:06d}" for index in range(len(mains.node_x))]
    for number, (source, tank) in enumerate(zip(mains.sources.tolist(), mains.is_tank.tolist(), strict=True)):
        codes[source] = f"{'T' if tank else 'R'}{number + 1:03d}"
    return codes


def pipe_codes(mains: Mains) -> list[str]:
    """Give every main the code it carries in the tables and in the EPANET model."""
    return [f"P{index + 1:06d}" for index in range(len(mains.start))]
