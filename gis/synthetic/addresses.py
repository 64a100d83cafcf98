"""Buildings and addresses: the extract's own, and made up along the streets where it has none.

Made-up houses stand on both sides of every street, closer where the streets are closer, never on another street or on
each other; they are numbered along the street, odd on the left and even on the right.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis.coordinates import MetricPlane
from gis.models import CustomerClass
from gis.synthetic.chance import Floats, Ints, Keys, choice, joined, share
from gis.synthetic.progress import Progress
from gis.synthetic.streets import Links, Streets

BUILDING_MIN_M2 = 40.0
BUILDING_TO_STREET_M = 90.0
BUILDINGS_PER_LINK_MIN = 0.5
"""An extract with fewer buildings than this per street has not mapped them: they are made up."""
SLOT_M = 21.0
SLOT_MARGIN_M = 11.0
KERB_M = 4.0
FLAT_M2 = 110.0
ACCOUNTS_MAX = 14
DENSITY_RADIUS_M = 250.0
ORDINAL_DIGITS_MAX = 6

_DIGITS = re.compile(r"\d+")
_AMENITIES = {
    "hospital": CustomerClass.HOSPITAL,
    "clinic": CustomerClass.DIALYSIS,
    "school": CustomerClass.SCHOOL,
    "university": CustomerClass.SCHOOL,
    "kindergarten": CustomerClass.SCHOOL,
    "fire_station": CustomerClass.FIRE_STATION,
}
_BUSINESS = frozenset({"commercial", "retail", "office", "industrial", "warehouse", "hotel", "supermarket"})


@dataclass
class Houses:
    """Buildings and the addresses on them, as growing columns; shapes and points in the metric plane."""

    outline: list[Any] = field(default_factory=list)
    floors: list[int] = field(default_factory=list)
    use: list[str] = field(default_factory=list)
    kind: list[CustomerClass | None] = field(default_factory=list)
    """What the extract says the building is, where that decides who is warned first."""


@dataclass(frozen=True)
class Addresses:
    """Every address, with the street link it stands on and how many households share it.

    `chainage_m` runs along the link from u to v, `left` looks in that direction; `building` indexes `houses` (-1: none).
    """

    houses: Houses
    street: Ints
    number: list[str]
    ordinal: Ints
    x: Floats
    y: Floats
    building: Ints
    link: Ints
    chainage_m: Floats
    left: NDArray[np.bool_]
    accounts: Ints
    key: Keys


@dataclass(frozen=True)
class _Doors:
    """Doors that want a number: where they are and which link they face."""

    x: Floats
    y: Floats
    building: Ints
    link: Ints
    chainage_m: Floats
    left: NDArray[np.bool_]
    accounts: Ints
    key: Keys


def make_addresses(streets: Streets, *, progress: Progress) -> Addresses:
    """Collect the extract's addresses, or make up a city's worth of them."""
    links = streets.links
    mapped = streets.features.buildings
    wanted = BUILDINGS_PER_LINK_MIN * np.count_nonzero(links.is_street)
    if mapped is not None and len(mapped) >= wanted:
        progress("taking the extract's buildings and addresses")
        return _mapped(streets, mapped, progress=progress)
    progress("making up buildings and addresses along the streets")
    return _made_up(streets, progress=progress)


# --- where the streets run -----------------------------------------------------------------------


def _along(streets: Streets) -> tuple[Floats, NDArray[np.bool_]]:
    """Lay each street out in one direction: where its links begin, and whether they run against it.

    A street's links are walked from its lowest-numbered end by distance, so that house numbers rise along it.
    """
    links = streets.links
    begins, against = np.zeros(len(links.edge)), np.zeros(len(links.edge), dtype=bool)
    by_street: dict[int, list[int]] = defaultdict(list)
    for index, street in enumerate(links.street.tolist()):
        if street >= 0:
            by_street[street].append(index)
    u, v, length = links.u.tolist(), links.v.tolist(), links.length_m.tolist()
    for members in by_street.values():
        neighbours: dict[int, list[int]] = defaultdict(list)
        for link in members:
            neighbours[u[link]].append(link)
            neighbours[v[link]].append(link)
        unseen, offset = set(members), 0.0
        for start in sorted(neighbours, key=lambda node: (len(neighbours[node]) != 1, node)):
            if not any(link in unseen for link in neighbours[start]):
                continue
            away, waiting = {start: offset}, [start]
            while waiting:
                node = min(waiting, key=lambda one: (away[one], one))
                waiting.remove(node)
                for link in neighbours[node]:
                    if link not in unseen:
                        continue
                    unseen.discard(link)
                    other = v[link] if u[link] == node else u[link]
                    begins[link], against[link] = away[node], u[link] != node
                    if other not in away:
                        away[other] = away[node] + length[link]
                        waiting.append(other)
            offset = max(away.values()) + 1.0
    return begins, against


def _numbered(streets: Streets, doors: _Doors, taken: dict[int, set[int]]) -> tuple[Ints, list[str], Ints]:
    """Number doors along their streets, odd on the left of the way the street runs, even on the right.

    Returns each door's street, number and the number's digits.
    """
    begins, against = _along(streets)
    street = streets.links.street[doors.link]
    length = streets.links.length_m[doors.link]
    turned = against[doors.link]
    at = begins[doors.link] + np.where(turned, length - doors.chainage_m, doors.chainage_m)
    on_left = doors.left ^ turned
    ordinal = np.zeros(len(street), dtype=np.int64)
    next_free: dict[tuple[int, bool], int] = {}
    for index in np.lexsort((doors.key, at, on_left, street)).tolist():
        side = (int(street[index]), bool(on_left[index]))
        used = taken.get(side[0], set())
        number = next_free.get(side, 1 if side[1] else 2)
        while number in used:
            number += 2
        ordinal[index] = number
        next_free[side] = number + 2
    return street, [str(number) for number in ordinal.tolist()], ordinal


def _project(links: Links, link: Ints, x: Floats, y: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Project points on their links: metres along, and whether they lie to the left."""
    lines, points = links.line[link], shapely.points(x, y)
    along = np.asarray(shapely.line_locate_point(lines, points), dtype=np.float64)
    behind = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(0.0, along - 0.5)))
    ahead = shapely.get_coordinates(
        shapely.line_interpolate_point(lines, np.minimum(links.length_m[link], along + 0.5))
    )
    cross = (ahead[:, 0] - behind[:, 0]) * (y - behind[:, 1]) - (ahead[:, 1] - behind[:, 1]) * (
        x - behind[:, 0]
    )
    return along, cross >= 0


# --- made up -------------------------------------------------------------------------------------


def _slots(streets: Streets) -> tuple[Ints, Floats, NDArray[np.bool_], Keys]:
    """Choose the places along the streets where a house stands: link, chainage, side, id."""
    links = streets.links
    tree = cKDTree(np.column_stack([streets.node_x, streets.node_y]))
    middle = shapely.get_coordinates(shapely.line_interpolate_point(links.line, 0.5, normalized=True))
    crowd = tree.query_ball_point(middle, DENSITY_RADIUS_M, return_length=True)
    usable = links.is_street & (links.length_m > 2 * SLOT_MARGIN_M)
    per_side = np.where(usable, ((links.length_m - 2 * SLOT_MARGIN_M) // SLOT_M).astype(np.int64) + 1, 0)
    counts = 2 * per_side
    link = np.repeat(np.arange(len(links.edge)), counts)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    left = place % 2 == 0
    room = links.length_m[link] - 2 * SLOT_MARGIN_M
    chainage = SLOT_MARGIN_M + room * ((place // 2) + 0.5) / per_side[link]
    key = joined(links.key[link], place.astype(np.uint64))
    density = np.clip(0.04 + np.asarray(crowd, dtype=np.float64)[link] / 55.0, 0.05, 0.9)
    stands = share(key, "house") < density
    return link[stands], chainage[stands], left[stands], key[stands]


def _rectangles(
    links: Links, link: Ints, chainage: Floats, left: NDArray[np.bool_], key: Keys
) -> tuple[NDArray[Any], Floats, Floats]:
    """Draw a house beside the street at each slot: outline, and the place of its door."""
    lines = links.line[link]
    behind = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(0.0, chainage - 1.0)))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(lines, chainage + 1.0))
    step = ahead - behind
    size = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)
    along = step / size[:, None]
    out = np.column_stack([-along[:, 1], along[:, 0]]) * np.where(left, 1.0, -1.0)[:, None]
    here = (behind + ahead) / 2.0
    set_back = 7.0 + 5.0 * share(key, "set back")
    width, depth = 9.0 + 8.0 * share(key, "width"), 8.0 + 7.0 * share(key, "depth")
    front, back = out * set_back[:, None], out * (set_back + depth)[:, None]
    half = along * (width / 2.0)[:, None]
    corners = np.stack(
        [
            here + front - half,
            here + front + half,
            here + back + half,
            here + back - half,
            here + front - half,
        ],
        axis=1,
    )
    door = here + out * (set_back + 0.5)[:, None]
    return np.asarray(shapely.polygons(corners), dtype=object), door[:, 0], door[:, 1]


def _free(outline: NDArray[Any], links: Links) -> NDArray[np.bool_]:
    """Keep the houses that stand on no street and on none of those kept before."""
    free = np.ones(len(outline), dtype=bool)
    roads = shapely.STRtree(links.line)
    on_road, _ = roads.query(outline, predicate="dwithin", distance=KERB_M)
    free[on_road] = False
    left_over = np.flatnonzero(free)
    first, second = shapely.STRtree(outline[left_over]).query(outline[left_over], predicate="intersects")
    pairs = np.column_stack([first, second])[first < second]
    gone = np.zeros(len(left_over), dtype=bool)
    for a, b in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].tolist():
        if not gone[a]:
            gone[b] = True
    free[left_over[gone]] = False
    return free


def _made_up(streets: Streets, *, progress: Progress) -> Addresses:
    links = streets.links
    link, chainage, left, key = _slots(streets)
    outline, x, y = _rectangles(links, link, chainage, left, key)
    keep = _free(outline, links)
    link, chainage, left, key = link[keep], chainage[keep], left[keep], key[keep]
    tree = cKDTree(np.column_stack([x[keep], y[keep]]))
    crowd = tree.query_ball_point(np.column_stack([x[keep], y[keep]]), 120.0, return_length=True)
    flats = 1 + np.where(
        share(key, "flats") < np.clip((np.asarray(crowd) - 25) / 60.0, 0.0, 0.6),
        choice(key, "how many", 7),
        0,
    )
    doors = _Doors(
        x=x[keep],
        y=y[keep],
        building=np.arange(len(link)),
        link=link,
        chainage_m=chainage,
        left=left,
        accounts=flats,
        key=key,
    )
    houses = Houses(
        outline=list(outline[keep]),
        floors=(1 + np.minimum(5, flats // 2) + choice(key, "floors", 2)).tolist(),
        use=["residential"] * len(link),
        kind=[None] * len(link),
    )
    street, number, ordinal = _numbered(streets, doors, {})
    progress(f"{len(link):,} addresses on {len(set(street.tolist())):,} streets")
    return Addresses(
        houses, street, number, ordinal, doors.x, doors.y, doors.building, link, chainage, left, flats, key
    )


# --- mapped --------------------------------------------------------------------------------------


def _polygons(frame: gpd.GeoDataFrame, plane: MetricPlane) -> tuple[Houses, Keys]:
    """Take the extract's buildings, large ones only, in an order of their own ids."""
    houses, ids = Houses(), []
    rows = sorted(
        zip(
            frame["id"],
            frame.geometry,
            frame["building:levels"] if "building:levels" in frame else [None] * len(frame),
            frame["building"] if "building" in frame else [None] * len(frame),
            frame["amenity"] if "amenity" in frame else [None] * len(frame),
            strict=True,
        ),
        key=lambda row: int(row[0]),
    )
    for osm_id, geometry, levels, use, amenity in rows:
        if geometry is None or geometry.is_empty or geometry.geom_type not in ("Polygon", "MultiPolygon"):
            continue
        shape = plane.project(geometry)
        if shape.geom_type == "MultiPolygon":
            shape = max(shape.geoms, key=lambda part: part.area)
        if shape.area < BUILDING_MIN_M2 or not shape.is_valid:
            continue
        digits = _DIGITS.search(levels) if isinstance(levels, str) else None
        houses.outline.append(shape)
        houses.floors.append(min(40, max(1, int(digits[0]))) if digits else (4 if shape.area > 400 else 2))
        houses.use.append(use if isinstance(use, str) and use != "yes" else "residential")
        houses.kind.append(_AMENITIES.get(amenity) if isinstance(amenity, str) else None)
        ids.append(int(osm_id))
    return houses, np.array(ids, dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class _Tagged:
    """An address as the extract writes it."""

    street: str
    number: str
    ordinal: int
    x: float
    y: float
    osm_id: int


def _tagged(frame: gpd.GeoDataFrame | None, plane: MetricPlane) -> list[_Tagged]:
    if frame is None or "addr:street" not in frame or "addr:housenumber" not in frame:
        return []
    found = []
    for osm_id, geometry, street, number in zip(
        frame["id"], frame.geometry, frame["addr:street"], frame["addr:housenumber"], strict=True
    ):
        if not isinstance(street, str) or not isinstance(number, str) or not geometry:
            continue
        digits = _DIGITS.search(number)
        if digits is not None and len(digits[0]) <= ORDINAL_DIGITS_MAX:
            point = plane.project(geometry.representative_point())
            found.append(
                _Tagged(street.strip(), number.strip(), int(digits[0]), point.x, point.y, int(osm_id))
            )
    return sorted(found, key=lambda one: (one.street, one.number, one.osm_id))


def _nearest_link(links: Links, x: Floats, y: Floats, *, allowed: NDArray[np.bool_]) -> tuple[Ints, Floats]:
    """Find the nearest allowed link of each point, and how far it is."""
    among = np.flatnonzero(allowed)
    points = np.asarray(shapely.points(x, y))
    nearest = among[shapely.STRtree(links.line[among]).nearest(points)]
    return nearest, np.asarray(shapely.distance(links.line[nearest], points), dtype=np.float64)


def _shared(houses: Houses, building: Ints, keys: Keys) -> Ints:
    """Spread each building's households over its addresses."""
    per_building = np.bincount(building[building >= 0], minlength=len(houses.outline))
    area = np.asarray(shapely.area(np.array(houses.outline, dtype=object)), dtype=np.float64)
    households = np.maximum(1.0, area * np.array(houses.floors, dtype=np.float64) / FLAT_M2)
    mine = np.where(building >= 0, households[building] / np.maximum(1, per_building[building]), 1.0)
    return np.clip(np.floor(mine * (0.8 + 0.4 * share(keys, "flats"))), 1, ACCOUNTS_MAX).astype(np.int64)


def _mapped(streets: Streets, frame: gpd.GeoDataFrame, *, progress: Progress) -> Addresses:
    links, plane = streets.links, streets.plane
    houses, house_keys = _polygons(frame, plane)
    outlines = np.array(houses.outline, dtype=object)
    tagged = _on_known_streets(streets, _tagged(streets.features.addresses, plane))
    rows: list[tuple[int, str, float, float, int, int]] = []  # link, number, x, y, building, id
    taken: dict[int, set[int]] = defaultdict(set)
    if tagged:
        tx, ty = np.array([one.x for _, one in tagged]), np.array([one.y for _, one in tagged])
        inside = _building_at(outlines, tx, ty)
        for (link, one), building in zip(tagged, inside.tolist(), strict=True):
            rows.append((link, one.number, one.x, one.y, building, one.osm_id))
            taken[int(links.street[link])].add(one.ordinal)
    bare = np.setdiff1d(np.arange(len(outlines)), [row[4] for row in rows])
    inner = (
        shapely.get_coordinates(shapely.point_on_surface(outlines[bare])) if len(bare) else np.empty((0, 2))
    )
    near, gap = (
        _nearest_link(links, inner[:, 0], inner[:, 1], allowed=links.is_street)
        if len(bare)
        else (np.empty(0, dtype=np.int64), np.empty(0))
    )
    close = gap <= BUILDING_TO_STREET_M
    bare, near, inner = bare[close], near[close], inner[close]
    along, left = (
        _project(links, near, inner[:, 0], inner[:, 1]) if len(bare) else (np.empty(0), np.empty(0, bool))
    )
    doors = _Doors(
        inner[:, 0],
        inner[:, 1],
        bare,
        near,
        along,
        left,
        np.ones(len(bare), dtype=np.int64),
        house_keys[bare],
    )
    new_street, new_number, new_ordinal = _numbered(streets, doors, taken)
    old_link = np.array([row[0] for row in rows], dtype=np.int64)
    old_x, old_y = np.array([row[2] for row in rows]), np.array([row[3] for row in rows])
    old_along, old_left = (
        _project(links, old_link, old_x, old_y) if rows else (np.empty(0), np.empty(0, dtype=bool))
    )
    building = np.concatenate([np.array([row[4] for row in rows], dtype=np.int64), bare])
    key = np.concatenate([np.array([row[5] for row in rows], dtype=np.uint64), house_keys[bare]])
    progress(f"{len(rows):,} addresses of the extract, {len(bare):,} made up for buildings without")
    return Addresses(
        houses=houses,
        street=np.concatenate([links.street[old_link], new_street]).astype(np.int64),
        number=[row[1] for row in rows] + new_number,
        ordinal=np.concatenate([[one.ordinal for _, one in tagged], new_ordinal]).astype(np.int64),
        x=np.concatenate([old_x, doors.x]),
        y=np.concatenate([old_y, doors.y]),
        building=building,
        link=np.concatenate([old_link, near]).astype(np.int64),
        chainage_m=np.concatenate([old_along, along]),
        left=np.concatenate([old_left, left]).astype(bool),
        accounts=_shared(houses, building, key),
        key=joined(key, np.arange(len(key), dtype=np.uint64)),
    )


def _on_known_streets(streets: Streets, tagged: Sequence[_Tagged]) -> list[tuple[int, _Tagged]]:
    """Put each address on the nearest link of the street it names; those of unknown streets are left out."""
    links = streets.links
    by_name: dict[str, list[int]] = defaultdict(list)
    for link, street in enumerate(links.street.tolist()):
        if street >= 0:
            by_name[streets.names[street]].append(link)
    placed, seen = [], set()
    for one in tagged:
        members = by_name.get(one.street)
        if not members:
            continue
        lines = links.line[members]
        link = members[int(np.argmin(shapely.distance(lines, shapely.Point(one.x, one.y))))]
        door = (int(links.street[link]), one.number)
        if door not in seen:
            seen.add(door)
            placed.append((link, one))
    return placed


def _building_at(outlines: NDArray[Any], x: Floats, y: Floats) -> Ints:
    """Find the building each point lies in or within a step of, -1 where there is none."""
    building = np.full(len(x), -1, dtype=np.int64)
    if len(outlines) and len(x):
        point, house = shapely.STRtree(outlines).query(
            np.asarray(shapely.points(x, y)), predicate="dwithin", distance=3.0
        )
        order = np.lexsort((house, point))[::-1]
        building[point[order]] = house[order]
    return building


def business_uses() -> frozenset[str]:
    """Building uses that mean a business."""
    return _BUSINESS
