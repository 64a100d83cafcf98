"""The joining of drawn lines against one written the slow and obvious way."""

import itertools

import networkx as nx
import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.network_import.cleaning import clean_lines
from gis.network_import.topology import Cuts, cut_lines, join_ends, touches

SNAP_M = 0.5
GRID_M = 10

place = st.tuples(st.integers(0, 6), st.integers(0, 6))
drawn = st.lists(st.tuples(place, place).filter(lambda pair: pair[0] != pair[1]), min_size=1, max_size=12)


def lines_of(pairs: list[tuple[tuple[int, int], tuple[int, int]]]) -> np.ndarray:
    return np.array([shapely.LineString(np.array(pair) * GRID_M) for pair in pairs], dtype=object)


@settings(max_examples=150, deadline=None)
@given(drawn)
def test_what_is_connected_is_what_touches_at_an_end(
    pairs: list[tuple[tuple[int, int], tuple[int, int]]],
) -> None:
    clean = clean_lines(lines_of(pairs), [str(n) for n in range(len(pairs))])
    lines = clean.shapes
    joints = join_ends(lines, [(None, None)] * len(lines), np.empty((0, 2)), [], snap_m=SNAP_M)
    places = np.zeros((joints.count, 2))
    for side, index in ((0, 0), (1, -1)):
        places[joints.of_end[:, side]] = shapely.get_coordinates(shapely.get_point(lines, index))
    found = touches(lines, joints.of_end, places, np.arange(joints.count), snap_m=SNAP_M)
    pieces = cut_lines(lines, joints.of_end, Cuts(found.line, found.chainage_m, found.joint, found.joint))

    ours = nx.Graph()
    ours.add_nodes_from(range(len(lines)))
    at_joint: dict[int, int] = {}
    for line, begin, end in zip(
        pieces.line.tolist(), pieces.from_joint.tolist(), pieces.to_joint.tolist(), strict=True
    ):
        for joint in (begin, end):
            ours.add_edge(at_joint.setdefault(joint, line), line)
    theirs = nx.Graph()
    theirs.add_nodes_from(range(len(lines)))
    for one, other in itertools.combinations(range(len(lines)), 2):
        ends = [(lines[one], end) for end in lines[other].boundary.geoms]
        ends += [(lines[other], end) for end in lines[one].boundary.geoms]
        if any(line.distance(end) <= SNAP_M for line, end in ends):
            theirs.add_edge(one, other)
    assert {frozenset(part) for part in nx.connected_components(ours)} == {
        frozenset(part) for part in nx.connected_components(theirs)
    }
    assert np.isclose(pieces.length_m.sum(), shapely.length(lines).sum())


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(0.02, 0.98), min_size=0, max_size=6, unique_by=lambda share: round(share, 2)),
    st.integers(2, 7),
)
def test_pieces_follow_their_line(shares: list[float], vertices: int) -> None:
    line = shapely.LineString([(n * 10.0, (n % 2) * 7.0) for n in range(vertices)])
    at = np.array(sorted(shares)) * line.length
    joints = np.arange(len(at)) + 2
    pieces = cut_lines(
        np.array([line], dtype=object),
        np.array([[0, 1]]),
        Cuts(np.zeros(len(at), dtype=np.int64), at, joints, joints),
    )

    assert np.allclose(pieces.start_m, [0.0, *at])
    assert np.isclose(pieces.length_m.sum(), line.length)
    assert [*pieces.from_joint, 1] == [0, *joints, 1]
    for before, behind in itertools.pairwise(pieces.shapes):
        assert before.coords[-1] == behind.coords[0]
    assert max(line.hausdorff_distance(shapely.MultiLineString(list(pieces.shapes))), 0) < 1e-6


def test_names_keep_ends_apart_that_lie_together() -> None:
    lines = lines_of([((0, 0), (1, 0)), ((1, 0), (2, 0)), ((1, 0), (1, 1))])
    joints = join_ends(lines, [("a", "b"), ("c", "d"), (None, None)], np.empty((0, 2)), [], snap_m=SNAP_M)

    assert joints.of_end[0, 1] != joints.of_end[1, 0]
    assert joints.of_end[2, 0] in (joints.of_end[0, 1], joints.of_end[1, 0])
