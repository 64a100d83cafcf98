"""Nodes left out of a search: any small graph with dead ends, chains, loops and closures against networkx."""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.roads.contraction import NEIGHBOURS_MAX, contract, time_again, time_steps
from gis.roads.graph import E7, RoadGraph
from gis.roads.overlay import Roads, Slowed
from gis.roads.searching import Tree, search
from gis.roads.snapping import Gates
from tests.town import town_roads

FACTORS = (1.5, 3.0, np.inf)


@st.composite
def graphs(draw: st.DrawFn) -> RoadGraph:
    """Junctions, and chains of streets between any two of them or back to the same; some end nowhere, some are one-way."""
    junctions = draw(st.integers(1, 7))
    ends = st.integers(0, junctions - 1)
    chains = st.tuples(
        ends, st.one_of(ends, st.none()), st.integers(1, 5), st.sampled_from(("both", "one", "mixed"))
    )
    times = st.integers(1, 10_000).map(lambda time: time / 97.0)
    u, v, time, reverse, count = [], [], [], [], junctions
    for begin, end, streets, drivable in draw(st.lists(chains, min_size=1, max_size=14)):
        passed = list(range(count, count + streets - (end is not None)))
        count += len(passed)
        stops = [begin, *passed, *([] if end is None else [end])]
        for at, there in itertools.pairwise(stops):
            both = drivable == "both" or (drivable == "mixed" and draw(st.booleans()))
            first = len(u)
            u.append(at), v.append(there), time.append(draw(times)), reverse.append(first + 1 if both else -1)
            if both:
                u.append(there), v.append(at), time.append(draw(times)), reverse.append(first)
    lon, lat = ((10.0 + np.arange(count) * 1e-3) * E7).astype(np.int32), np.zeros(count, dtype=np.int32)
    street = np.maximum(np.array(reverse), np.arange(len(u)))  # each is drawn past a corner of its own
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
        line_start=np.arange(len(u) + 1, dtype=np.int64) * 3,
        vertex_lon_e7=np.column_stack([lon[u], (lon[u] + lon[v]) // 2, lon[v]]).ravel(),
        vertex_lat_e7=np.column_stack([lat[u], 1000 + street, lat[v]]).ravel().astype(np.int32),
        names=(),
        classes=("residential",),
    )


def closures(data: st.DataObject, graph: RoadGraph) -> list[Slowed]:
    lines = st.integers(0, len(graph.lines.edge) - 1)
    drawn = data.draw(st.lists(st.tuples(lines, st.sampled_from(FACTORS)), max_size=6))
    return [Slowed(np.array([line]), factor) for line, factor in drawn]


def place(data: st.DataObject, graph: RoadGraph) -> Gates:
    """A place beside one or two nodes, some seconds away."""
    node = st.integers(0, graph.node_count - 1)
    gates = data.draw(st.lists(st.tuples(node, st.integers(0, 900)), min_size=1, max_size=2))
    gates += [(-1, 0)] * (2 - len(gates))
    nodes, seconds = np.array(gates).T
    away_s = np.where(nodes >= 0, seconds / 7.0, np.inf)
    return Gates(nodes[None], np.full((1, 2), -1), away_s[None], np.where(nodes >= 0, seconds, 0.0)[None])


def judged(roads: Roads, gates: Gates, *, towards: bool) -> dict[object, float]:
    """Ask networkx how long every node takes to the place, or from it."""
    judge = nx.MultiDiGraph()
    judge.add_nodes_from(range(roads.graph.node_count))
    ends = (roads.graph.edge_u.tolist(), roads.graph.edge_v.tolist())
    edge_s = roads.seconds_of(np.arange(roads.graph.edge_count)).tolist()
    for u, v, time in zip(*(ends[::-1] if towards else ends), edge_s, strict=True):
        if time < np.inf:
            judge.add_edge(u, v, weight=time)
    for node, seconds in zip(gates.node[0].tolist(), gates.seconds[0].tolist(), strict=True):
        if node >= 0:
            judge.add_edge("place", node, weight=seconds)
    found: dict[object, float] = nx.single_source_dijkstra_path_length(judge, "place")
    return found


def check_way(roads: Roads, tree: Tree, gates: Gates, node: int, seconds: float) -> None:
    """Drive edge by edge from a node to the place."""
    edges, gate = tree.way_from(node)
    at = node
    for edge in edges:
        assert roads.graph.edge_u[edge] == at
        at = int(roads.graph.edge_v[edge])
    assert gates.node[0, gate] == at
    assert roads.seconds_of(edges).sum() + gates.seconds[0, gate] == pytest.approx(seconds, abs=1e-9)
    metres = roads.graph.edge_length_m[edges].sum() + gates.metres[0, gate]
    assert tree.metres_from(np.array([node]))[0] == pytest.approx(metres, abs=1e-9)


@given(graphs(), st.data())
@settings(max_examples=120, deadline=None)
def test_every_node_takes_what_networkx_says_and_the_way_is_driven_on_real_streets(graph, data):
    roads = Roads.without_closures(graph)
    if data.draw(st.booleans()):
        roads = roads.slowed(closures(data, graph)).slowed(closures(data, graph))
    gates, towards = place(data, graph), data.draw(st.booleans())
    expected = judged(roads, gates, towards=towards)
    (tree,) = search(roads, gates, towards=towards)
    found = tree.seconds_of(np.arange(graph.node_count))
    for node in range(graph.node_count):
        assert found[node] == pytest.approx(expected.get(node, np.inf), abs=1e-9)
        if towards and node in expected:
            check_way(roads, tree, gates, node, expected[node])
    limit_s = data.draw(st.floats(0.0, 300.0))
    (near,) = search(roads, gates, towards=towards, limit_s=limit_s)
    limited = near.seconds_of(np.arange(graph.node_count))
    clear = np.abs(found - limit_s) > 1e-9
    assert limited[clear].tolist() == np.where(found <= limit_s, found, np.inf)[clear].tolist()


@given(graphs(), st.data())
@settings(max_examples=40, deadline=None)
def test_closures_laid_over_one_after_the_other_leave_the_same_as_all_at_once(graph, data):
    first, second = closures(data, graph), closures(data, graph)
    before = Roads.without_closures(graph).slowed(first)
    step_by_step = before.slowed(second)
    at_once = Roads(graph, Roads.without_closures(graph).slowed([*first, *second]).line_factor)
    edges = np.arange(graph.edge_count)
    assert step_by_step.undisturbed.seconds_of(edges).tolist() == graph.edge_time_s.tolist()
    assert step_by_step.seconds_of(edges).tolist() == at_once.seconds_of(edges).tolist()
    for one, other in ((step_by_step.backward, at_once.backward), (step_by_step.forward, at_once.forward)):
        assert one.edge.tolist() == other.edge.tolist()
        for name in ("seconds", "metres", "made_of"):
            assert getattr(one.steps, name).tolist() == getattr(other.steps, name).tolist(), name


def test_a_street_of_three_pieces_becomes_one_step_each_way():
    """Between two groups of six junctions, each joined with every other, 5 - 12 - 13 - 6 takes 1 + 2 + 4 s; back nobody gets past 12."""
    groups = [pair for first in (0, 6) for pair in itertools.permutations(range(first, first + 6), 2)]
    street = [(5, 12), (12, 13), (13, 6)]
    pairs = sorted([*groups, *street, *((there, here) for here, there in street)])
    taken = {(5, 12): 1.0, (12, 13): 2.0, (13, 6): 4.0, (12, 5): np.inf}
    row, column = (np.array(side, dtype=np.int32) for side in zip(*pairs, strict=True))
    found = contract(row, column, 14)
    seconds = np.array([taken.get(pair, 10.0) for pair in pairs])
    edge = np.arange(len(pairs), dtype=np.int32)
    steps = time_steps(found, seconds, edge, 3.0 * seconds)
    assert found.kept == 12
    there = found.between(int(found.number[5]), int(found.number[6]))
    back = found.between(int(found.number[6]), int(found.number[5]))
    assert (steps.seconds[there], steps.metres[there], steps.seconds[back]) == (7.0, 21.0, np.inf)
    assert [pairs[pair] for pair in steps.pairs_of(there)] == street[::-1]
    reopened = np.where(np.isinf(seconds), 8.0, seconds)
    again = time_again(steps, np.flatnonzero(np.isinf(seconds)), reopened, edge, 3.0 * reopened)
    assert (again.seconds[there], again.seconds[back]) == (7.0, 28.0)


def test_nodes_left_out_are_reached_round_by_round_from_those_already_known():
    """Every step back into a node left out is walked once, from nodes whose times are known by then."""
    graph = town_roads()
    found = graph.backward.contraction
    assert found.kept < graph.node_count / 2
    swept = np.concatenate([np.arange(part.start, part.stop) for part in found.sweeps])
    assert swept.tolist() == list(range(found.searched, len(found.row) - 1))
    assert (found.row[swept] < found.column[swept]).all()
    known = found.kept
    for part in found.sweeps:
        columns = found.column[part]
        assert columns.tolist() == list(range(columns[0], columns[0] + len(columns)))
        assert columns[0] <= known
        assert (found.row[part] < columns[0]).all()
        known = max(known, int(columns[-1]) + 1)
    assert known == graph.node_count
    assert found.back.shape == (graph.node_count, NEIGHBOURS_MAX)
