"""Lines as people draw them made fit to be pipes, or refused with the reason."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Lines = NDArray[np.object_]

LENGTH_LEAST_M = 0.01
SAME_M = 0.001
"""Lines whose vertices differ by less are drawn twice."""
_LINE, _RING, _MULTI = 1, 2, 5


@dataclass(frozen=True, slots=True)
class CleanLines:
    """Lines fit to be pipes.

    Parameters
    ----------
    shapes
        Plain lines without repeated vertices.
    row
        The feature each comes from.
    part
        Which part of its feature, from 0.
    refused, altered
        Feature and what was wrong, or what was done about it.
    """

    shapes: Lines
    row: Ints
    part: Ints
    refused: list[tuple[int, str]]
    altered: list[tuple[int, str]]


def clean_lines(shapes: Lines, codes: list[str]) -> CleanLines:
    """Clean lines given in plane metres.

    Parameters
    ----------
    codes
        What the features are called, for the reasons.
    """
    refused: list[tuple[int, str]] = []
    altered: list[tuple[int, str]] = []
    kinds = shapely.get_type_id(shapes)
    missing = (kinds < 0) | shapely.is_empty(shapes)
    refused += [(row, "it has no geometry") for row in np.flatnonzero(missing).tolist()]
    is_line = np.isin(kinds, (_LINE, _RING, _MULTI)) & ~missing
    refused += [
        (row, f"it is drawn as a {shapes[row].geom_type}, not as a line")
        for row in np.flatnonzero(~is_line & ~missing).tolist()
    ]
    rows = np.flatnonzero(is_line)
    merged = shapes[rows].copy()
    multi = kinds[rows] == _MULTI
    if multi.any():
        merged[multi] = shapely.line_merge(merged[multi])
    parts, owner = shapely.get_parts(merged, return_index=True)
    row = rows[owner]
    parts = np.asarray(shapely.remove_repeated_points(parts, 0.0), dtype=object)
    long_enough = shapely.length(parts) >= LENGTH_LEAST_M
    alive = np.unique(row[long_enough])
    refused += [(one, "it has no length") for one in np.setdiff1d(rows, alive).tolist()]
    parts, row = parts[long_enough], row[long_enough]
    part = _count_within(row)
    for one, many in zip(*np.unique(row, return_counts=True), strict=True):
        if many > 1:
            altered.append((int(one), f"it is drawn in {many} parts that do not join up; each became a pipe"))
    parts, row, part = _without_overlaps(parts, row, part, refused, altered)
    parts, row, part = _without_twins(parts, row, part, codes, refused)
    return CleanLines(parts, row.astype(np.int64), part.astype(np.int64), refused, altered)


def _count_within(owner: Ints) -> Ints:
    """Number equal neighbours from 0."""
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    return np.arange(len(owner)) - np.repeat(starts, np.diff(np.append(starts, len(owner))))


def _without_overlaps(
    parts: Lines, row: Ints, part: Ints, refused: list[tuple[int, str]], altered: list[tuple[int, str]]
) -> tuple[Lines, Ints, Ints]:
    """Take back spurs that a line runs to and fro, refuse a line that still runs over itself."""
    keep = np.ones(len(parts), dtype=np.bool_)
    for place in np.flatnonzero(~shapely.is_simple(parts)).tolist():
        line, length = parts[place], parts[place].length
        if shapely.unary_union(line).length >= length - LENGTH_LEAST_M:
            continue  # it only crosses itself
        straightened = _without_spurs(line)
        if (
            straightened is not None
            and shapely.unary_union(straightened).length >= straightened.length - LENGTH_LEAST_M
        ):
            parts[place] = straightened
            altered.append((int(row[place]), "it ran back over itself; the spur was taken out"))
        else:
            keep[place] = False
            refused.append((int(row[place]), "it runs over itself"))
    return parts[keep], row[keep], part[keep]


def _without_spurs(line: shapely.LineString) -> shapely.LineString | None:
    """Drop vertices at which a line turns on its heel."""
    kept: list[tuple[float, float]] = []
    for pair in _pairs(line):
        kept.append(pair)
        while len(kept) >= 3 and _turns_back(*kept[-3:]):
            if _is_at(kept[-3], kept[-1]):
                del kept[-2:]
            else:
                del kept[-2]
    return shapely.LineString(kept) if len(kept) >= 2 else None


def _pairs(line: shapely.LineString) -> Iterator[tuple[float, float]]:
    yield from map(tuple, shapely.get_coordinates(line).tolist())


def _is_at(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return float(np.hypot(one[0] - other[0], one[1] - other[1])) <= SAME_M


def _turns_back(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    there, back = np.subtract(b, a), np.subtract(c, b)
    cross = float(there[0] * back[1] - there[1] * back[0])
    longest = float(max(np.hypot(*there), np.hypot(*back)))
    return float(there @ back) < 0 and abs(cross) <= SAME_M * longest


def _without_twins(
    parts: Lines, row: Ints, part: Ints, codes: list[str], refused: list[tuple[int, str]]
) -> tuple[Lines, Ints, Ints]:
    """Refuse lines drawn a second time, in whichever direction: water would seem to pass a closed valve by the other."""
    if not len(parts):
        return parts, row, part
    rounded = shapely.normalize(shapely.transform(parts, lambda xy: np.round(xy / SAME_M) * SAME_M))
    first: dict[bytes, int] = {}
    original = np.array([first.setdefault(wkb, place) for place, wkb in enumerate(shapely.to_wkb(rounded))])
    again = original != np.arange(len(parts))
    for place in np.flatnonzero(again).tolist():
        other = int(row[original[place]])
        if other == int(row[place]):
            refused.append((int(row[place]), "a part of it is drawn twice; one was kept"))
        else:
            refused.append((int(row[place]), f"it is drawn exactly as {codes[other]} is"))
    return parts[~again], row[~again], part[~again]
