"""Along a road: numbers that no address has, and where roads meet."""

import numpy as np
import pytest
import shapely

from gis.geocoding.streets import MEETING_M, meetings, middle, place_of_number

ROAD = shapely.LineString([(0, 0), (1000, 0)])
NUMBERS = np.array([10, 11, 20, 21, 40, 41])
X = 10.0 * NUMBERS
Y = np.where(NUMBERS % 2 == 0, 15.0, -15.0)
"""Number n stands at 10 n metres: even ones to the north, odd ones to the south."""


@pytest.mark.parametrize(
    ("number", "x", "y"),
    [(30, 300, 15), (31, 310, -15), (12, 120, 15), (50, 500, 15), (2, 20, 15), (5000, 1000, 15)],
)
def test_a_missing_number_stands_on_its_side_between_its_neighbours(number, x, y):
    place, _ = place_of_number(number, NUMBERS, X, Y, ROAD)
    assert (place.x, place.y) == pytest.approx((x, y), abs=0.5)


def test_how_far_apart_the_neighbours_are_says_how_sure_it_is():
    assert place_of_number(12, NUMBERS, X, Y, ROAD)[1] == pytest.approx(100.0)
    assert place_of_number(30, NUMBERS, X, Y, ROAD)[1] == pytest.approx(200.0)


def test_numbers_that_run_against_the_line_are_followed():
    place, _ = place_of_number(30, NUMBERS, X, Y, shapely.LineString([(1000, 0), (0, 0)]))
    assert (place.x, place.y) == pytest.approx((300, 15), abs=0.5)


def test_without_a_line_the_houses_alone_tell():
    place, _ = place_of_number(30, NUMBERS, X, Y, None)
    assert (place.x, place.y) == pytest.approx((300, 15), abs=0.5)
    place, _ = place_of_number(900, NUMBERS, X, Y, None)
    assert (place.x, place.y) == pytest.approx((400, 15), abs=0.5)


def test_a_house_far_from_its_road_does_not_mislead():
    numbers, x, y = np.append(NUMBERS, 42), np.append(X, 90_000.0), np.append(Y, 15.0)
    place, _ = place_of_number(30, numbers, x, y, ROAD)
    assert (place.x, place.y) == pytest.approx((300, 15), abs=0.5)


def test_one_house_stands_for_all_and_none_for_nothing():
    one = np.array([10])
    assert place_of_number(90, one, np.array([100.0]), np.array([15.0]), ROAD)[0].x == pytest.approx(100.0)
    assert place_of_number(90, np.array([], dtype=int), np.array([]), np.array([]), ROAD) is None


def test_roads_meet_where_they_cross_or_nearly_touch():
    across = shapely.LineString([(300, -50), (300, 50)])
    assert [(point.x, point.y, apart) for point, apart in meetings(ROAD, across)] == [(300, 0, 0)]
    short = shapely.LineString([(300, 30), (300, 90)])
    assert [(point.x, point.y, apart) for point, apart in meetings(ROAD, short)] == [(300, 15, 30)]
    far = shapely.LineString([(300, MEETING_M + 1), (300, 900)])
    assert meetings(ROAD, far) == []


def test_the_middle_of_a_bent_road_lies_on_it():
    bent = shapely.LineString([(0, 0), (100, 0), (100, 100)])
    assert bent.distance(middle(bent)) == 0.0
