"""Along a road: where a number that no address has would be, where two roads meet, and its middle."""

import numpy as np
import shapely
import shapely.ops
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Line = shapely.LineString | shapely.MultiLineString

NEIGHBOURS = 2
"""Houses on either side of a missing number that say where it is."""
STRAY_M = 150.0
"""A house this far from its road is not used to tell where others on it are."""
MEETING_M = 60.0
"""Roads whose lines pass each other no further apart than this are said to meet there."""


def place_of_number(
    number: int, numbers: Ints, x: Floats, y: Floats, line: shapely.LineString | None
) -> tuple[shapely.Point, float] | None:
    """Tell where a house number would be, from the houses of its road.

    Numbers rise along a road, odd ones on one side and even ones on the other; a missing number is put between its neighbours of the
    same side, beyond the last one no further than the road goes.

    Parameters
    ----------
    number
        The number looked for.
    numbers, x, y
        The road's houses in order of their numbers, with their places in metres.
    line
        The road where it is drawn; houses are measured along it.

    Returns
    -------
    place, gap
        The place, and how far apart in metres the two neighbours lie that tell it (how sure it is); None where there are no houses.
    """
    side = numbers % 2 == number % 2
    if not side.any():
        side = np.ones(len(numbers), dtype=bool)
    numbers, x, y = numbers[side], x[side], y[side]
    if not len(numbers):
        return None
    if line is None:
        return _between(number, numbers, x, y)
    points = np.asarray(shapely.points(x, y))
    along = np.asarray(shapely.line_locate_point(line, points))
    away = np.asarray(shapely.distance(line, points))
    near = away <= STRAY_M
    if not near.any():
        return _between(number, numbers, x, y)
    numbers, along, x, y = numbers[near], along[near], x[near], y[near]
    offset = float(np.median(_signed(line, along, x, y)))
    at = int(np.searchsorted(numbers, number))
    lower, upper = at - 1, at
    if lower >= 0 and upper < len(numbers):
        share = (number - numbers[lower]) / max(1, numbers[upper] - numbers[lower])
        chainage = along[lower] + share * (along[upper] - along[lower])
        gap = abs(float(along[upper] - along[lower]))
    elif len(numbers) >= 2:
        rate = np.polyfit(numbers, along, 1)[0]
        end = numbers[0] if lower < 0 else numbers[-1]
        anchor = along[0] if lower < 0 else along[-1]
        chainage = float(np.clip(anchor + rate * (number - end), 0.0, line.length))
        gap = 2.0 * abs(float(chainage - anchor))
    else:
        chainage, gap = float(along[0]), line.length
    return _beside(line, float(chainage), offset), gap


def _between(number: int, numbers: Ints, x: Floats, y: Floats) -> tuple[shapely.Point, float]:
    at = int(np.searchsorted(numbers, number))
    lower, upper = max(0, at - 1), min(len(numbers) - 1, at)
    span = numbers[upper] - numbers[lower]
    share = float(np.clip((number - numbers[lower]) / span, 0.0, 1.0)) if span > 0 else 0.0
    gap = float(np.hypot(x[upper] - x[lower], y[upper] - y[lower]))
    return shapely.Point(
        x[lower] + share * (x[upper] - x[lower]), y[lower] + share * (y[upper] - y[lower])
    ), gap


def _signed(line: shapely.LineString, along: Floats, x: Floats, y: Floats) -> Floats:
    """Measure how far places lie to the left of a line."""
    behind = shapely.get_coordinates(shapely.line_interpolate_point(line, np.maximum(0.0, along - 0.5)))
    ahead = shapely.get_coordinates(
        shapely.line_interpolate_point(line, np.minimum(line.length, along + 0.5))
    )
    step = ahead - behind
    long = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)
    return np.asarray((step[:, 0] * (y - behind[:, 1]) - step[:, 1] * (x - behind[:, 0])) / long)


def _beside(line: shapely.LineString, along: float, left_m: float) -> shapely.Point:
    """Stand so far along a line and so far to its left."""
    here = line.interpolate(along)
    behind, ahead = line.interpolate(max(0.0, along - 0.5)), line.interpolate(min(line.length, along + 0.5))
    east, north = ahead.x - behind.x, ahead.y - behind.y
    long = max(float(np.hypot(east, north)), 1e-9)
    return shapely.Point(here.x - left_m * north / long, here.y + left_m * east / long)


def meetings(one: Line, other: Line) -> list[tuple[shapely.Point, float]]:
    """Find where two roads meet, each with how far apart they pass there."""
    if one.distance(other) > MEETING_M:
        return []
    common = one.intersection(other)
    if common.is_empty:
        here, there = shapely.ops.nearest_points(one, other)
        return [(shapely.Point((here.x + there.x) / 2, (here.y + there.y) / 2), float(here.distance(there)))]
    return [(part.centroid, 0.0) for part in shapely.get_parts(common).tolist()]


def middle(line: Line) -> shapely.Point:
    """Stand in the middle of a road: on the point of it nearest its centre."""
    return shapely.ops.nearest_points(line, line.centroid)[0]
