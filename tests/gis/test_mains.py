"""Weighing mains in arrays: measured as shapely measures, all within reach, and the same for one place as for thousands."""

import numpy as np
import pytest
import shapely

from gis.coordinates import metric_plane
from gis.isolation import NONE
from gis.mains import (
    CHUNK,
    CLASSES,
    SAME_ZONE,
    SET_BACK_M,
    STATUSES,
    Clues,
    Mains,
    believed_within,
    sides_of_centrelines,
)
from gis.models import LifecycleStatus, PipeClass
from gis.queries import load_mains
from tests.town import SRID

REACH_M = 60.0


def mains_of(lines, **known) -> Mains:
    count = len(lines)
    nothing = np.full(count, NONE)
    values = {
        "key": np.frombuffer(b"".join((n + 1).to_bytes(16, "big") for n in range(count)), dtype="S16"),
        "code": [f"P{n:05}" for n in range(count)],
        "lines": np.array(lines, dtype=object),
        "length_m": shapely.length(lines),
        "road": nothing,
        "road_names": (),
        "zone": nothing,
        "zone_key": np.empty(0, dtype="S16"),
        "segment": nothing,
        "pipe_class": np.full(count, CLASSES.index(PipeClass.DISTRIBUTION)),
        "status": np.full(count, STATUSES.index(LifecycleStatus.IN_SERVICE)),
        "diameter_mm": np.full(count, np.nan),
        "is_closed": np.zeros(count, dtype=bool),
        "taps": np.zeros((count, 2), dtype=np.int64),
        "centreline": np.zeros(count, dtype=np.int64),
    }
    return Mains(**(values | known))


@pytest.fixture(scope="module")
def tangle():
    """600 winding mains of every kind in a square kilometre."""
    rng = np.random.default_rng(3)
    count = 600
    lines = [
        shapely.LineString(
            rng.uniform(0, 1000, 2) + np.cumsum(rng.normal(0, 15, (rng.integers(2, 9), 2)), axis=0)
        )
        for _ in range(count)
    ]
    return mains_of(
        lines,
        road=rng.integers(NONE, 20, count),
        road_names=[f"Street {n}" for n in range(20)],
        zone=rng.integers(NONE, 4, count),
        zone_key=np.array([b"a" * 16, b"b" * 16, b"c" * 16, b"d" * 16]),
        pipe_class=rng.integers(0, len(CLASSES), count),
        status=rng.integers(0, len(STATUSES), count),
        diameter_mm=rng.choice([np.nan, 100.0, 600.0], count),
        is_closed=rng.random(count) < 0.1,
        taps=rng.poisson(2, (count, 2)),
        centreline=rng.integers(-1, 2, count),
    )


def some_clues(count: int, mains: Mains) -> Clues:
    rng = np.random.default_rng(4)
    return Clues(
        rng.uniform(-50, 1050, (count, 2)),
        rng.uniform(1, 60, count),
        rng.integers(NONE, 20, count),
        rng.integers(NONE, 4, count),
    )


def test_all_mains_within_reach_are_measured_as_shapely_measures_them(tangle):
    clues = some_clues(300, tangle)
    found = tangle.match(clues, np.full(300, REACH_M))
    for at, point in enumerate(shapely.points(clues.places)):
        rows = slice(found.start[at], found.start[at + 1])
        distance = shapely.distance(point, tangle.lines)
        within = np.flatnonzero(distance <= REACH_M)
        order = np.argsort(found.main[rows])
        assert found.main[rows][order].tolist() == within.tolist()
        assert found.distance_m[rows][order] == pytest.approx(distance[within])
        on_main = shapely.line_interpolate_point(tangle.lines[found.main[rows]], found.chainage_m[rows])
        assert shapely.distance(on_main, point) == pytest.approx(found.distance_m[rows])


def test_beside_a_straight_piece_the_side_is_that_of_its_direction():
    mains = mains_of([shapely.LineString([(0, 0), (0, 50), (50, 50)])])
    places = np.array([(-5.0, 20.0), (5.0, 20.0), (30.0, 55.0), (30.0, 45.0), (-5.0, 55.0), (-3.0, -4.0)])
    found = mains.match(Clues.of(places, np.full(6, 5.0)), np.full(6, REACH_M))
    assert found.is_left.tolist() == [True, False, True, False, True, True]
    assert found.chainage_m.tolist() == [20.0, 20.0, 80.0, 80.0, 50.0, 0.0]
    assert found.distance_m.tolist() == pytest.approx([5.0, 5.0, 5.0, 5.0, 50.0**0.5, 5.0])


def test_shares_add_up_to_one_wherever_there_is_a_main(tangle):
    clues = some_clues(500, tangle)
    found = tangle.match(clues, np.full(500, REACH_M))
    for at in range(500):
        rows = found.ranked(at)
        assert len(rows) == 0 or found.share[rows].sum() == pytest.approx(1.0)
        assert (np.diff(found.share[rows]) <= 1e-9).all()


def test_thousands_at_once_are_weighed_as_each_alone(tangle):
    count = 2 * CHUNK + 100
    clues = some_clues(count, tangle)
    reach = np.full(count, REACH_M)
    together = tangle.match(clues, reach)
    best = together.best()
    assert (best == NONE).any()
    for at in range(0, count, 7):
        one = slice(at, at + 1)
        alone = tangle.match(clues.part(one), reach[one])
        rows, row = together.ranked(at), alone.ranked(0)
        assert together.main[rows].tolist() == alone.main[row].tolist()
        assert together.share[rows] == pytest.approx(alone.share[row], abs=1e-12)
        assert together.chainage_m[rows].tolist() == alone.chainage_m[row].tolist()
        assert together.is_left[rows].tolist() == alone.is_left[row].tolist()
        assert best[at] == (rows[0] if len(rows) else NONE)


def test_of_equals_the_first_code_wins_for_one_as_for_many():
    twins = [shapely.LineString([(0, 5), (100, 5)]), shapely.LineString([(0, -5), (100, -5)])]
    mains = mains_of(twins * 50)
    count = CHUNK + 1
    places = np.column_stack([np.linspace(10, 90, count), np.zeros(count)])
    found = mains.match(Clues.of(places, np.full(count, 5.0)), np.full(count, REACH_M))
    assert set(found.main[found.best()].tolist()) == {0}
    assert found.share == pytest.approx(0.01)


def test_no_mains_and_no_places_are_no_matches():
    nowhere = mains_of(np.empty(0, dtype=object)).warm()
    found = nowhere.match(Clues.of(np.zeros((3, 2)), np.ones(3)), np.full(3, REACH_M))
    assert found.best().tolist() == [NONE, NONE, NONE]
    line = mains_of([shapely.LineString([(0, 0), (1, 0)])])
    assert line.match(Clues.of(np.empty((0, 2)), np.empty(0)), np.empty(0)).best().tolist() == []


def test_a_place_that_is_no_number_is_near_nothing():
    mains = mains_of([shapely.LineString([(0, 0), (1, 0)])])
    found = mains.match(Clues.of(np.array([(np.inf, np.nan)]), np.ones(1)), np.full(1, REACH_M))
    assert found.best().tolist() == [NONE]


def test_a_main_drawn_as_one_spot_is_measured():
    mains = mains_of([shapely.LineString([(3, 4), (3, 4)])])
    found = mains.match(Clues.of(np.zeros((1, 2)), np.ones(1)), np.full(1, REACH_M))
    assert (found.distance_m.tolist(), found.chainage_m.tolist()) == ([5.0], [0.0])


def test_a_known_zone_is_worth_its_weight():
    lines = [shapely.LineString([(0, 5), (100, 5)]), shapely.LineString([(0, -5), (100, -5)])]
    mains = mains_of(lines, zone=np.array([0, 1]), zone_key=np.array([b"a" * 16, b"b" * 16]))
    clues = Clues(np.array([(50.0, 0.0)]), np.ones(1), np.array([NONE]), np.array([1]))
    found = mains.match(clues, np.full(1, REACH_M))
    shares = found.share[found.ranked(0)]
    assert found.main[found.ranked(0)].tolist() == [1, 0]
    assert np.log(shares[0] / shares[1]) == pytest.approx(SAME_ZONE)


def test_belief_ends_where_the_reach_does():
    """Of a two-dimensional error one fifth of the reach nothing is lost, of one equal to it e^(-1/2)."""
    error = np.sqrt(np.array([24.0, 120.0]) ** 2 - SET_BACK_M**2)
    assert believed_within(np.full(2, 120.0), error) == pytest.approx([1 - np.exp(-12.5), 1 - np.exp(-0.5)])


def test_the_centreline_lies_left_or_right_of_a_main_or_over_it():
    lines = np.array(
        [
            shapely.LineString([(0, 5), (100, 5)]),
            shapely.LineString([(100, 5), (0, 5)]),  # the same, drawn the other way
            shapely.LineString([(0, 1), (100, 1)]),
            shapely.LineString([(0, 40), (100, 40)]),
            shapely.LineString([(0, 5), (100, 5)]),
            shapely.LineString([(0, 5), (100, 5)]),
        ]
    )
    roads = np.array([shapely.LineString([(-50, 0), (150, 0)]), shapely.LineString([(-50, 6), (150, 6)])])
    names = ["Mill Street", "MILL street", "Mill Street", "Mill Street", "Ash Avenue", ""]
    sides = sides_of_centrelines(lines, names, roads, ["Mill Street", "Church Street"])
    assert sides.tolist() == [-1, 1, 0, 0, 0, 0]


def test_without_roads_no_centreline_is_known():
    lines = np.array([shapely.LineString([(0, 5), (100, 5)])])
    assert sides_of_centrelines(lines, ["Mill Street"], lines[:0], []).tolist() == [0]


def test_the_stored_mains_are_read_as_they_were_stored(session, town):
    mains = load_mains(session, metric_plane(SRID))
    assert list(mains.code) == sorted(town.pipes)
    street, feed, closed = (mains.code.index(code) for code in ("H22", "FR", "V03"))
    assert mains.pipe_id(street) == town.pipes["H22"]
    assert mains.zone_id(street) == town.zones["West"]
    assert mains.segment_id(street) == town.segments["H22"]
    assert (mains.road_name(street), mains.road_name(feed)) == ("Market Street", None)
    assert (mains.taps[street].tolist(), mains.taps[feed].tolist()) == ([2, 2], [0, 0])
    assert (CLASSES[mains.pipe_class[street]], CLASSES[mains.pipe_class[feed]]) == (
        "distribution",
        "transmission",
    )
    assert (STATUSES[mains.status[street]], mains.diameter_mm[feed]) == ("in_service", 300.0)
    assert np.flatnonzero(mains.is_closed).tolist() == [closed]
    assert mains.length_m[closed] == 80.0
    assert shapely.length(mains.lines[closed]) == pytest.approx(80.0, abs=0.01)
    assert not mains.centreline.any()  # all lie in the middle of their streets
