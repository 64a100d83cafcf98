"""Which pipes meet: joints from drawn lines, ends that touch a pipe's middle, lines cut where something stands in them.

Everything here is in plane metres and knows nothing of layers and fields.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Lines = NDArray[np.object_]

TOUCHING_M = 0.001
"""Coordinates nearer than this are written alike."""
SHORT_PER_SNAP = 4.0
"""A pipe shorter than so many snapping tolerances must not vanish because its two ends are near each other."""
CUT_LEAST_M = 0.01
"""No piece of a pipe is shorter."""


@dataclass(frozen=True, slots=True)
class Joints:
    """What meets where.

    Parameters
    ----------
    of_end
        Joint of each line's beginning and end: n × 2.
    of_point
        Joint of each given point.
    count
        Number of joints.
    """

    of_end: Ints
    of_point: Ints
    count: int


class _Groups:
    """Union-find whose groups may refuse each other: two names, or both ends of one short pipe."""

    def __init__(self, names: Sequence[str | None], short: Sequence[int]) -> None:
        self._parent = list(range(len(names)))
        self._name = list(names)
        self._short = [frozenset() if one < 0 else frozenset((one,)) for one in short]

    def root(self, one: int) -> int:
        parent = self._parent
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    def join(self, one: int, other: int) -> bool:
        a, b = self.root(one), self.root(other)
        if a == b:
            return True
        names = self._name
        if names[a] is not None and names[b] is not None and names[a] != names[b]:
            return False
        if self._short[a] & self._short[b]:
            return False
        self._parent[b] = a
        if names[a] is None:
            names[a] = names[b]
        if self._short[b]:
            self._short[a] = self._short[a] | self._short[b]
        return True


def join_ends(
    lines: Lines,
    end_names: Sequence[tuple[str | None, str | None]],
    points: Floats,
    point_names: Sequence[str],
    *,
    snap_m: float,
) -> Joints:
    """Find the joints of lines: by the names their ends carry, else by ends that lie together.

    Parameters
    ----------
    lines
        Plain lines longer than nothing.
    end_names
        Name of the joint at the beginning and the end of each line, where the source names it.
    points
        Places of known joints: m × 2.
    point_names
        Their names.
    snap_m
        Ends closer than this are one joint; nearest ones are joined first.

    Returns
    -------
    joints
        Two ends of different names stay apart, and so do the two ends of a pipe hardly longer than `snap_m`.
    """
    count = len(lines)
    begins = shapely.get_coordinates(shapely.get_point(lines, 0)).reshape(-1, 2)
    ends = shapely.get_coordinates(shapely.get_point(lines, -1)).reshape(-1, 2)
    places = np.vstack([begins, ends, points.reshape(-1, 2)])
    names = [pair[0] for pair in end_names] + [pair[1] for pair in end_names] + list(point_names)
    lengths = shapely.length(lines)
    is_short = (lengths <= SHORT_PER_SNAP * snap_m) & (np.hypot(*(begins - ends).T) > TOUCHING_M)
    short = np.where(is_short, np.arange(count), -1)
    groups = _Groups(names, [*short.tolist(), *short.tolist(), *([-1] * len(point_names))])
    first: dict[str, int] = {}
    for place, name in enumerate(names):
        if name is not None:
            groups.join(first.setdefault(name, place), place)
    if len(places):
        pairs = cKDTree(places).query_pairs(max(snap_m, TOUCHING_M), output_type="ndarray")
        gaps = np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T)
        for one, other in pairs[np.lexsort((pairs[:, 1], pairs[:, 0], gaps))].tolist():
            groups.join(one, other)
    roots = np.array([groups.root(one) for one in range(len(places))], dtype=np.int64)
    _, labels = np.unique(roots, return_inverse=True)
    labels = labels.astype(np.int64)
    return Joints(
        np.column_stack([labels[:count], labels[count : 2 * count]]),
        labels[2 * count :],
        int(labels.max(initial=-1)) + 1,
    )


@dataclass(frozen=True, slots=True)
class Touches:
    """Joints that lie on the middle of a line: there the line is cut."""

    line: Ints
    chainage_m: Floats
    joint: Ints


def touches(lines: Lines, of_end: Ints, joint_places: Floats, joints: Ints, *, snap_m: float) -> Touches:
    """Find the lines whose middle an end of another touches.

    Parameters
    ----------
    of_end
        Joint at the beginning and the end of each line.
    joint_places
        Place of every joint.
    joints
        Those to look at.
    snap_m
        How near is touching.

    Returns
    -------
    touches
        Never at a line's own ends. Two lines that cross, and neither ends there, do not touch.
    """
    reach = max(snap_m, TOUCHING_M)
    points = np.asarray(shapely.points(joint_places[joints]), dtype=object)
    near, line = shapely.STRtree(lines).query(points, predicate="dwithin", distance=reach)
    joint = joints[near]
    own = (of_end[line, 0] == joint) | (of_end[line, 1] == joint)
    near, line, joint = near[~own], line[~own], joint[~own]
    at = shapely.line_locate_point(lines[line], points[near])
    length = shapely.length(lines[line])
    inside = (at > reach) & (at < length - reach)
    # On a short line, or one that comes back on itself, an end within reach still is another place along it.
    inside |= (
        (at > CUT_LEAST_M) & (at < length - CUT_LEAST_M) & ~_near_an_end(lines[line], points[near], reach)
    )
    return Touches(line[inside].astype(np.int64), at[inside], joint[inside])


def _near_an_end(lines: Lines, points: Lines, reach: float) -> NDArray[np.bool_]:
    begins, ends = shapely.get_point(lines, 0), shapely.get_point(lines, -1)
    near: NDArray[np.bool_] = (shapely.distance(begins, points) <= reach) | (
        shapely.distance(ends, points) <= reach
    )
    return near


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where lines are cut, in no order: the piece before ends at one joint, the piece behind begins at another or the same."""

    line: Ints
    chainage_m: Floats
    before: Ints
    behind: Ints


@dataclass(frozen=True, slots=True)
class Pieces:
    """Lines after cutting, in the order of the lines and along them.

    Parameters
    ----------
    line
        The line each is of.
    number
        Which of its line's pieces, from 0.
    start_m
        Where it begins along its line.
    from_joint, to_joint
        What it joins.
    shapes
        Its drawing.
    """

    line: Ints
    number: Ints
    start_m: Floats
    from_joint: Ints
    to_joint: Ints
    shapes: Lines
    length_m: Floats

    def at(self, line: Ints, chainage_m: Floats) -> tuple[Ints, Floats]:
        """Find the pieces that places along lines fall on, and how far along the piece."""
        far = float(self.start_m.max(initial=0.0) + self.length_m.max(initial=0.0) + 1.0)
        keys = self.line * far + self.start_m
        piece = np.searchsorted(keys, line * far + chainage_m, side="right") - 1
        along = np.clip(chainage_m - self.start_m[piece], 0.0, self.length_m[piece])
        return piece.astype(np.int64), along


def cut_lines(lines: Lines, of_end: Ints, cuts: Cuts) -> Pieces:
    """Cut lines into pieces.

    Parameters
    ----------
    of_end
        Joint at the beginning and the end of each line.
    cuts
        At least `CUT_LEAST_M` from each other and from the line's ends.
    """
    order = np.lexsort((cuts.chainage_m, cuts.line))
    line, at = cuts.line[order], cuts.chainage_m[order]
    count = len(lines)
    per_line = np.bincount(line, minlength=count)
    piece_line = np.repeat(np.arange(count), per_line + 1)
    first_piece = np.concatenate([[0], np.cumsum(per_line + 1)])[:-1]
    number = np.arange(len(piece_line)) - first_piece[piece_line]
    begins_by_cut = number > 0
    ends_by_cut = number < per_line[piece_line]
    start = np.zeros(len(piece_line))
    start[begins_by_cut] = at
    from_joint = of_end[piece_line, 0].copy()
    from_joint[begins_by_cut] = cuts.behind[order]
    to_joint = of_end[piece_line, 1].copy()
    to_joint[ends_by_cut] = cuts.before[order]
    shapes = lines[piece_line].copy()
    whole = per_line[piece_line] == 0
    if not whole.all():
        shapes[~whole] = _cut_shapes(lines, line, at, per_line)
    return Pieces(
        piece_line.astype(np.int64),
        number.astype(np.int64),
        start,
        from_joint.astype(np.int64),
        to_joint.astype(np.int64),
        shapes,
        np.asarray(shapely.length(shapes), dtype=np.float64),
    )


def _cut_shapes(lines: Lines, line: Ints, at: Floats, per_line: Ints) -> Lines:
    """Draw the pieces of the lines that are cut, all at once: their vertices and twice each cut, sorted along the lines."""
    cut_lines_only = np.flatnonzero(per_line)
    renumbered = np.full(len(per_line), -1)
    renumbered[cut_lines_only] = np.arange(len(cut_lines_only))
    pairs, owner = shapely.get_coordinates(lines[cut_lines_only], return_index=True)
    steps = np.hypot(*np.diff(pairs, axis=0, prepend=pairs[:1]).T)
    new = np.diff(owner, prepend=-1) != 0
    steps[new] = 0.0
    along = np.cumsum(steps)
    along -= along[new][owner]
    cut_pairs = shapely.get_coordinates(shapely.line_interpolate_point(lines[line], at))
    cut_owner = renumbered[line]
    all_pairs = np.vstack([pairs, cut_pairs, cut_pairs])
    all_owner = np.concatenate([owner, cut_owner, cut_owner])
    all_along = np.concatenate([along, at, at])
    # At one chainage: the end of the piece before, then the beginning of the piece behind, then a vertex that lies there too.
    rank = np.concatenate([np.full(len(pairs), 2), np.zeros(len(at)), np.ones(len(at))])
    order = np.lexsort((rank, all_along, all_owner))
    begins = (rank[order] == 1) | (np.diff(all_owner[order], prepend=-1) != 0)
    piece = np.cumsum(begins) - 1
    drawn = shapely.linestrings(all_pairs[order], indices=piece)
    result: Lines = np.asarray(shapely.remove_repeated_points(drawn, 0.0), dtype=object)
    return result


def with_ends_at(lines: Lines, of_end: Ints, joint_places: Floats, *, within_m: float) -> Lines:
    """Draw lines to the places of their joints, where those are near: what is joined then also looks joined."""
    pairs, owner = shapely.get_coordinates(lines, return_index=True)
    last = np.flatnonzero(np.diff(owner, append=len(lines)))
    first = np.concatenate([[0], last[:-1] + 1])
    moved = pairs.copy()
    for rows, side in ((first, 0), (last, 1)):
        target = joint_places[of_end[:, side]]
        near = np.hypot(*(target - pairs[rows]).T) <= within_m
        moved[rows[near]] = target[near]
    drawn = np.asarray(shapely.linestrings(moved, indices=owner), dtype=object)
    collapsed = shapely.length(drawn) < CUT_LEAST_M
    drawn[collapsed] = lines[collapsed]
    return drawn
