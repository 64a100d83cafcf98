"""Travel times and routes: the town by hand, any small graph against networkx on the same weights."""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.coordinates import LonLat, straight_line_m
from gis.errors import NoRoadGraph, NoRoadNearby, NoRouteFound
from gis.roads.graph import E7, RoadGraph
from gis.roads.overlay import Roads
from gis.roads.snapping import snap
from gis.roads.storing import load_road_graph
from gis.roads.telling import Turn
from gis.roads.ways import Ways, route
from tests.town import Town, town_roads

FAR = LonLat(lon=-33.0, lat=41.0)


@pytest.fixture(scope="module")
def roads() -> Roads:
    return Roads.without_closures(town_roads())


def seconds(roads: Roads, origin: LonLat, destination: LonLat) -> float | None:
    (travel,) = Ways(roads, [origin], destination).travels()
    return travel.seconds


def test_from_junction_to_junction(roads):
    assert seconds(roads, Town.junction(0, 0), Town.junction(2, 0)) == pytest.approx(20.0)
    assert seconds(roads, Town.junction(0, 0), Town.junction(2, 3)) == pytest.approx(20.0 + 24.0)


def test_one_way_streets_are_obeyed(roads):
    """Church Street runs east only: two blocks west along it means a block round either way."""
    assert seconds(roads, Town.junction(4, 1), Town.junction(6, 1)) == pytest.approx(20.0)
    assert seconds(roads, Town.junction(6, 1), Town.junction(4, 1)) == pytest.approx(20.0 + 16.0)


def test_places_on_edges_cost_their_share(roads):
    """From 30 m along H00 to 50 m along H20, both on Mill Street: 70 + 100 + 50 m."""
    travel = Ways(roads, [Town.on_pipe("H00", 30.0, left_m=6.0)], Town.on_pipe("H20", 50.0)).travels()[0]
    assert travel.seconds == pytest.approx(22.0, abs=0.01)
    assert travel.metres == pytest.approx(220.0, abs=0.1)
    assert travel.snapped_m == pytest.approx(6.0, abs=0.01)


def test_ahead_on_the_same_street_is_driven_directly(roads):
    assert seconds(roads, Town.on_pipe("H21", 20.0), Town.on_pipe("H21", 80.0)) == pytest.approx(
        6.0, abs=0.01
    )


def test_behind_on_a_one_way_street_means_round_the_block(roads):
    """From 80 m back to 20 m on Church Street, eastbound: 20 on, 80 down or up, 100 back, 80, 20."""
    assert seconds(roads, Town.on_pipe("H21", 80.0), Town.on_pipe("H21", 20.0)) == pytest.approx(
        30.0, abs=0.01
    )


def test_behind_on_a_two_way_street_means_turning(roads):
    assert seconds(roads, Town.on_pipe("H20", 80.0), Town.on_pipe("H20", 20.0)) == pytest.approx(
        6.0, abs=0.01
    )


def test_a_place_at_a_junction_leaves_by_any_street(roads):
    """J21 lies on eastbound Church Street; going west from it is still a matter of the other streets only."""
    assert seconds(roads, Town.junction(2, 1), Town.junction(2, 1)) == 0.0
    assert seconds(roads, Town.junction(2, 1), Town.junction(2, 2)) == pytest.approx(8.0)


def test_crews_are_ranked_fastest_first(roads):
    crews = [Town.junction(6, 5), Town.junction(1, 0), Town.place(250, 0)]
    ranked = Ways(roads, crews, Town.junction(0, 0)).travels()
    assert [travel.origin for travel in ranked] == [1, 2, 0]
    assert [round(travel.seconds or 0.0) for travel in ranked] == [10, 25, 100]


def test_the_straight_line_is_not_the_road(roads):
    """A crew 20 m past the site on a one-way street is nearer as the crow flies than the one that gets there first."""
    site = Town.on_pipe("H21", 40.0)
    past, behind = Town.on_pipe("H21", 60.0), Town.on_pipe("H11", 70.0)
    assert straight_line_m(past, site) < straight_line_m(behind, site)
    assert [travel.origin for travel in Ways(roads, [past, behind], site).travels()] == [1, 0]


def test_nobody_to_rank(roads):
    assert Ways(roads, [], Town.junction(0, 0)).travels() == []


def test_far_from_any_road(roads):
    with pytest.raises(NoRoadNearby):
        Ways(roads, [Town.junction(0, 0)], FAR).travels()
    stranded, near = sorted(
        Ways(roads, [FAR, Town.junction(0, 1)], Town.junction(0, 0)).travels(), key=lambda t: t.origin
    )
    assert (stranded.seconds, stranded.metres) == (None, None)
    assert near.seconds == pytest.approx(8.0)
    with pytest.raises(NoRoadNearby):
        route(roads, FAR, Town.junction(0, 0))


def test_the_way_is_told_street_by_street(roads):
    found = route(roads, Town.place(250, 0), Town.place(130, 160))
    assert found.seconds == pytest.approx(28.0, abs=0.01)
    assert found.metres == pytest.approx(280.0, abs=0.1)
    assert [(step.road_name, step.turn) for step in found.steps] == [
        ("Mill Street", Turn.DEPART),
        ("Cedar Avenue", Turn.RIGHT),
        ("Market Street", Turn.LEFT),
    ]
    assert [round(step.metres) for step in found.steps] == [50, 160, 70]
    assert found.steps[0].bearing_deg == pytest.approx(270.0, abs=0.1)
    drawn = sum(straight_line_m(a, b) for a, b in zip(found.geometry, found.geometry[1:], strict=False))
    assert drawn == pytest.approx(280.0, rel=5e-3)
    assert straight_line_m(found.geometry[0], Town.place(250, 0)) < 0.1
    assert straight_line_m(found.geometry[-1], Town.place(130, 160)) < 0.1


def test_several_ways_are_found_in_one_search(roads):
    there = Town.junction(5, 4)
    origins = [Town.junction(c, r) for c, r in ((0, 0), (3, 2), (6, 5))]
    alone = [route(roads, origin, there) for origin in origins]
    ways = Ways(roads, origins, there)
    assert [ways.route(i) for i in range(3)] == alone
    assert {one.origin: one.seconds for one in ways.travels()} == pytest.approx(
        {i: one.seconds for i, one in enumerate(alone)}
    )
    far = Ways(roads, [Town.place(90_000, 0), origins[0]], there)
    assert [far.route(0), far.route(1)] == [None, alone[0]]


def test_already_there(roads):
    found = route(roads, Town.on_pipe("H20", 50.0), Town.on_pipe("H20", 50.0))
    assert (found.seconds, found.metres) == (0.0, 0.0)
    assert found.geometry


def test_backwards_along_one_street(roads):
    found = route(roads, Town.on_pipe("H20", 80.0), Town.on_pipe("H20", 20.0))
    assert found.metres == pytest.approx(60.0, abs=0.1)
    assert straight_line_m(found.geometry[-1], Town.on_pipe("H20", 20.0)) < 0.1


def test_the_graph_survives_being_kept(roads):
    graph = roads.graph
    again = RoadGraph.from_npz(graph.to_npz())
    assert again.to_npz() == graph.to_npz()
    assert again.names == graph.names


def test_the_stored_graph_is_read(session, town):
    assert load_road_graph(session).edge_count == town_roads().edge_count


def test_without_a_graph_nothing_is_ranked(session):
    with pytest.raises(NoRoadGraph):
        load_road_graph(session)


# --- any graph -------------------------------------------------------------------------------------


@st.composite
def graphs(draw):
    """Junctions on a grid 100 m apart or so, streets between any of them, some one-way, some doubled."""
    count = draw(st.integers(2, 8))
    spots = draw(
        st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=count, max_size=count, unique=True)
    )
    streets = draw(
        st.lists(
            st.tuples(
                st.integers(0, count - 1), st.integers(0, count - 1), st.integers(1, 50), st.booleans()
            ).filter(lambda street: street[0] != street[1]),
            min_size=1,
            max_size=16,
        )
    )
    lon = np.array([round((10.0 + x * 0.00123) * E7) for x, _ in spots], dtype=np.int32)
    lat = np.array([round((0.1 + y * 0.00117) * E7) for _, y in spots], dtype=np.int32)
    u, v, time, reverse = [], [], [], []
    for a, b, cost, both in streets:
        first = len(u)
        u.append(a), v.append(b), time.append(cost / 3.0), reverse.append(first + 1 if both else -1)
        if both:
            u.append(b), v.append(a), time.append(cost / 2.0), reverse.append(first)
    ends = np.column_stack([u, v]).ravel()
    return RoadGraph(
        node_id=np.arange(count),
        node_lon_e7=lon,
        node_lat_e7=lat,
        edge_u=np.array(u, dtype=np.int32),
        edge_v=np.array(v, dtype=np.int32),
        edge_length_m=np.array(time) * 7.0,
        edge_time_s=np.array(time),
        edge_name=np.full(len(u), -1, dtype=np.int32),
        edge_class=np.zeros(len(u), dtype=np.int16),
        edge_reverse=np.array(reverse, dtype=np.int32),
        line_start=np.arange(len(u) + 1, dtype=np.int64) * 2,
        vertex_lon_e7=lon[ends],
        vertex_lat_e7=lat[ends],
        names=(),
        classes=("residential",),
    )


@given(graphs(), st.data())
@settings(max_examples=200, deadline=None)
def test_any_graph_agrees_with_networkx(graph, data):
    judge = nx.MultiDiGraph()
    judge.add_nodes_from(range(graph.node_count))
    for u, v, time in zip(
        graph.edge_u.tolist(), graph.edge_v.tolist(), graph.edge_time_s.tolist(), strict=True
    ):
        judge.add_edge(u, v, weight=time)
    used = sorted({*graph.edge_u.tolist(), *graph.edge_v.tolist()})
    target = data.draw(st.sampled_from(used))

    def place(node: int) -> LonLat:
        return LonLat(lon=graph.node_lon_e7[node] / E7, lat=graph.node_lat_e7[node] / E7)

    roads = Roads.without_closures(graph)
    ranked = Ways(roads, [place(node) for node in used], place(target)).travels()
    for travel in ranked:
        node = used[travel.origin]
        try:
            expected = nx.shortest_path_length(judge, node, target, weight="weight")
        except nx.NetworkXNoPath:
            assert travel.seconds is None
            with pytest.raises(NoRouteFound):
                route(roads, place(node), place(target))
            continue
        assert travel.seconds == pytest.approx(expected, abs=1e-6)
        assert travel.metres == pytest.approx(expected * 7.0, abs=1e-4)
        told = route(roads, place(node), place(target))
        assert told.seconds == pytest.approx(expected, abs=1e-6)
        assert told.metres == pytest.approx(travel.metres, abs=1e-4)


@given(graphs(), st.data())
@settings(max_examples=200, deadline=None)
def test_places_along_edges_agree_with_a_graph_cut_there(graph, data):
    """Cut the street at both places, join the pieces as one would by hand, and ask networkx."""
    streets = list(range(graph.edge_count))
    start, end = data.draw(st.sampled_from(streets)), data.draw(st.sampled_from(streets))
    shares = st.floats(0.15, 0.85)
    a, b = data.draw(shares), data.draw(shares)

    def drawn(edge: int) -> list[LonLat]:
        (line,) = graph.shapes(np.array([edge]))
        return [LonLat(lon=lon, lat=lat) for lon, lat in line.coords]

    def along(edge: int, share: float) -> LonLat:
        u, v = drawn(edge)
        return LonLat(lon=u.lon + share * (v.lon - u.lon), lat=u.lat + share * (v.lat - u.lat))

    origin, target = along(start, a), along(end, b)
    roads = Roads.without_closures(graph)
    snapped = snap(roads, [origin, target], to_open=False)  # crossing streets may be the ones snapped to
    judge = nx.MultiDiGraph()
    for edge, (u, v, time) in enumerate(
        zip(graph.edge_u.tolist(), graph.edge_v.tolist(), graph.edge_time_s.tolist(), strict=True)
    ):
        stops = [(0.0, u), (1.0, v)]
        for name, index in (("origin", 0), ("target", 1)):
            on, share = int(snapped.line[index]), float(snapped.fraction[index])
            ahead = drawn(edge) == drawn(int(graph.lines.edge[on]))
            if graph.lines.of_edge[edge] == on:
                stops.append((share if ahead else 1.0 - share, name))
        stops.sort(key=lambda stop: stop[0])
        for (from_share, one), (to_share, other) in itertools.pairwise(stops):
            judge.add_edge(one, other, weight=(to_share - from_share) * time)
        for (from_share, one), (to_share, other) in itertools.pairwise(stops):
            if from_share == to_share:
                judge.add_edge(other, one, weight=0.0)
    length = graph.edge_length_m[graph.lines.edge[snapped.line]]
    near_end = np.minimum(snapped.fraction, 1 - snapped.fraction) * length
    if (near_end <= 0.5).any():
        return  # stands at a junction, which the other test covers
    (travel,) = Ways(roads, [origin], target).travels()
    try:
        expected = nx.shortest_path_length(judge, "origin", "target", weight="weight")
    except nx.NetworkXNoPath:
        assert travel.seconds is None
        return
    assert travel.seconds == pytest.approx(expected, abs=1e-5)
    assert route(roads, origin, target).seconds == pytest.approx(expected, abs=1e-5)
