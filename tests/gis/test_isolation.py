"""Shutdowns in the town, by hand; and on any small network, against a search that knows no shortcuts."""

from dataclasses import replace
from uuid import UUID, uuid4

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import PipeNotFound, ValveNotFound
from gis.isolation import (
    IsolationNetwork,
    IsolationPlan,
    isolation_plan,
    keys_of,
    segment_neighbours,
    segments_within,
)

WEST_ROWS = {
    "H00": {"FR", "H00", "H10", "H20", "H30"},
    "H01": {"H01", "H11", "H21", "V00", "V10", "V20", "V30"},
    "H02": {"H02", "H12", "H22", "H03", "H13", "H23", "V01", "V11", "V21", "V31", "V02", "V12", "V22", "V32"},
    "H04": {"H04", "H14", "H24", "V13", "V23", "V33"},
    "H05": {"H05", "H15", "H25", "V04", "V14", "V24", "V34"},
}


@pytest.fixture
def plan(network, town):
    names = {one: name for name, one in town.pipes.items()}

    class Named:
        def __init__(self, found: IsolationPlan) -> None:
            self.found = found
            self.pipes = {names[one] for one in found.segment_pipe_ids}
            self.valves = [valve.asset_code for valve in found.valves_to_close]
            self.dry = {names[one] for one in found.cut_off_pipe_ids}

    def make(pipe: str, **options: list[str]) -> Named:
        inoperable = [town.valves[name] for name in options.get("inoperable", [])]
        closed = [town.valves[name] for name in options.get("closed", [])]
        seen = network.with_valves(closed=closed) if closed else network
        return Named(isolation_plan(seen, town.pipes[pipe], inoperable=inoperable))

    return make


@pytest.mark.parametrize("pipe", list(WEST_ROWS))
def test_every_pipe_of_a_row_isolates_the_row(plan, pipe):
    for name in WEST_ROWS[pipe]:
        assert plan(name).pipes == WEST_ROWS[pipe]


def test_first_row_needs_four_valves_and_dries_all_rows_north_of_it(plan, town):
    found = plan("H10")
    assert found.valves == ["VV00", "VV10", "VV20", "VV30"]
    assert found.found.valves_already_closed == (town.valves["VH30"],)
    assert found.dry == set().union(*(WEST_ROWS[row] for row in ("H01", "H02", "H04", "H05")))
    assert found.found.length_m == 450.0
    # Row 0: 4 pipes with 4 houses each and 10 flats more, minus none; rows 1-5: 5 * 12 on the streets of columns 0-2,
    # and 4 each on V00, V01, V02 and V04.
    assert found.found.customers == (16 + 10) + 5 * 12 + 4 * 4
    assert found.found.critical_customers == 2  # hospital at H23, school at H15


def test_a_valve_known_not_to_turn_joins_two_rows(plan):
    found = plan("H12")
    assert found.found.length_m == 1240.0
    assert found.valves == ["VV01", "VV11", "VV21", "VV31", "VV13", "VV23", "VV33"]
    assert found.dry == WEST_ROWS["H04"] | WEST_ROWS["H05"]


def test_a_valve_found_stuck_widens_the_plan(plan):
    found = plan("H05", inoperable=["VV14"])
    assert found.pipes == WEST_ROWS["H05"] | WEST_ROWS["H04"]
    assert found.valves == ["VV13", "VV23", "VV33"]
    assert len(found.found.segment_ids) == 2


def test_a_stuck_valve_elsewhere_changes_nothing(plan):
    assert plan("H05", inoperable=["VV00"]).pipes == WEST_ROWS["H05"]


def test_a_closed_valve_stays_a_barrier_even_when_stuck(plan):
    found = plan("H30", inoperable=["VH30"])
    assert found.pipes == WEST_ROWS["H00"]


def test_a_closed_pipe_is_its_own_segment_and_needs_no_valve(plan):
    found = plan("V03")
    assert (found.pipes, found.valves, found.dry) == ({"V03"}, [], set())


def test_far_column_dries_those_behind_it(plan):
    found = plan("V60")
    assert found.dry >= {"V40", "V50", "H45"}
    assert len(found.dry) == 5 + 5 + 6
    assert found.valves == ["VH50", "VH51", "VH52", "VH53", "VH54", "VH55"]


def test_valves_shut_by_the_field_are_already_closed(plan, town):
    found = plan("H05", closed=["VV04"])
    assert found.valves == ["VV14", "VV24", "VV34"]
    assert town.valves["VV04"] in found.found.valves_already_closed


def test_valves_into_what_falls_dry_anyway_come_last(plan):
    found = plan("H01")
    assert found.valves == ["VV00", "VV10", "VV20", "VV30", "VV01", "VV11", "VV21", "VV31"]
    assert [valve.order for valve in found.found.valves_to_close] == list(range(1, 9))


def test_unknown_assets_are_refused(network, town):
    with pytest.raises(PipeNotFound):
        isolation_plan(network, uuid4())
    with pytest.raises(ValveNotFound):
        isolation_plan(network, town.pipes["H00"], inoperable=[uuid4()])


def test_segments_are_counted_in_valves(network, town):
    at = town.segments
    assert segment_neighbours(network, at["H01"]) == sorted([at["H00"], at["H02"]])
    assert segments_within(network, at["H00"], 2) == {
        at["H00"]: 0,
        at["H01"]: 1,
        at["V40"]: 1,
        at["H02"]: 2,
        at["V50"]: 2,
    }
    assert segments_within(network, at["V03"], 3) == {at["V03"]: 0}


# --- any network -----------------------------------------------------------------------------------


@st.composite
def networks(draw):
    nodes = draw(st.integers(2, 9))
    pipes = draw(
        st.lists(
            st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1)).filter(
                lambda ends: ends[0] != ends[1]
            ),
            min_size=1,
            max_size=14,
        )
    )
    count = len(pipes)
    valves = draw(st.lists(st.tuples(st.integers(0, count - 1), st.booleans()), max_size=16))
    flags = st.lists(st.sampled_from([False, False, False, True]), min_size=16, max_size=16)
    shut, stuck, closed = draw(flags), draw(flags), draw(flags)
    ids = [UUID(int=number + 1) for number in range(count)]
    return IsolationNetwork(
        pipe_key=keys_of(ids),
        pipe_code=[str(number) for number in range(count)],
        pipe_from=np.array([a for a, _ in pipes], dtype=np.int64),
        pipe_to=np.array([b for _, b in pipes], dtype=np.int64),
        pipe_length_m=np.ones(count),
        pipe_closed=np.array(closed[:count], dtype=bool),
        customers=np.arange(count),
        critical=np.zeros(count, dtype=np.int64),
        node_count=nodes,
        sources=np.array(sorted(draw(st.sets(st.integers(0, nodes - 1), min_size=1, max_size=2)))),
        valve_key=keys_of(UUID(int=1000 + number) for number in range(len(valves))),
        valve_code=[f"{number:02d}" for number in range(len(valves))],
        valve_pipe=np.array([pipe for pipe, _ in valves], dtype=np.int64),
        valve_at_to=np.array([end for _, end in valves], dtype=bool),
        valve_closed=np.array(shut[: len(valves)], dtype=bool),
        valve_stuck=np.array(stuck[: len(valves)], dtype=bool),
        valve_lon=np.zeros(len(valves)),
        valve_lat=np.zeros(len(valves)),
    )


def oracle(net: IsolationNetwork, pipe: int, stuck: set[int]) -> dict[str, set[int]]:
    """The meanings of the words, walked through literally on a graph of pipes, nodes and joints."""
    stuck = stuck | set(np.flatnonzero(net.valve_stuck).tolist())
    on_joint: dict[tuple[int, int], list[int]] = {}
    for valve, (on, end) in enumerate(zip(net.valve_pipe.tolist(), net.valve_at_to.tolist(), strict=True)):
        on_joint.setdefault((on, int(end)), []).append(valve)
    segments, water = nx.Graph(), nx.Graph()
    for one in range(net.pipe_count):
        for graph in (segments, water):
            graph.add_node(("pipe", one))
        for end, node in enumerate((int(net.pipe_from[one]), int(net.pipe_to[one]))):
            for graph in (segments, water):
                graph.add_node(("node", node))
            if net.pipe_closed[one]:
                continue
            valves = on_joint.get((one, end), [])
            if all(valve in stuck and not net.valve_closed[valve] for valve in valves):
                segments.add_edge(("pipe", one), ("node", node))
            if not any(net.valve_closed[valve] for valve in valves):
                water.add_edge(("pipe", one), ("node", node))
    inside = nx.node_connected_component(segments, ("pipe", pipe))
    ends = [
        (
            ("pipe", int(net.valve_pipe[v])),
            ("node", int((net.pipe_to if net.valve_at_to[v] else net.pipe_from)[net.valve_pipe[v]])),
        )
        for v in range(len(net.valve_pipe))
    ]
    bounding = {v for v, (a, b) in enumerate(ends) if (a in inside) != (b in inside)}
    if net.pipe_closed[pipe]:
        bounding = set()

    def fed(graph: nx.Graph) -> set:
        reached: set = set()
        for source in net.sources.tolist():
            if ("node", source) in graph:
                reached |= nx.node_connected_component(graph, ("node", source))
        return reached

    left = water.copy()
    left.remove_nodes_from(inside)
    dry = fed(water) - fed(left) - inside
    return {
        "segment": {index for kind, index in inside if kind == "pipe"},
        "close": {v for v in bounding if not net.valve_closed[v] and v not in stuck},
        "closed": {v for v in bounding if net.valve_closed[v]},
        "dry": {index for kind, index in dry if kind == "pipe"},
    }


@given(networks(), st.data())
@settings(max_examples=300, deadline=None)
def test_any_plan_means_what_the_words_mean(net, data):
    pipe = data.draw(st.integers(0, net.pipe_count - 1))
    valves = len(net.valve_pipe)
    stuck = data.draw(st.sets(st.integers(0, valves - 1), max_size=3)) if valves else set()
    found = isolation_plan(net, net.pipe_id(pipe), inoperable=[net.valve_id(one) for one in stuck])
    expected = oracle(net, pipe, stuck)
    assert {one.int - 1 for one in found.segment_pipe_ids} == expected["segment"]
    assert {int(one.asset_code) for one in found.valves_to_close} == expected["close"]
    assert {one.int - 1000 for one in found.valves_already_closed} == expected["closed"]
    assert {one.int - 1 for one in found.cut_off_pipe_ids} == expected["dry"]
    assert found.customers == sum(expected["segment"] | expected["dry"])


def test_ids_that_end_in_zero_bytes_are_found():
    """Numpy's byte strings drop trailing zeros."""
    ids = [UUID(int=256), UUID(int=512)]
    net = IsolationNetwork(
        pipe_key=keys_of(ids),
        pipe_code=["a", "b"],
        pipe_from=np.array([0, 1]),
        pipe_to=np.array([1, 2]),
        pipe_length_m=np.ones(2),
        pipe_closed=np.zeros(2, dtype=bool),
        customers=np.zeros(2, dtype=np.int64),
        critical=np.zeros(2, dtype=np.int64),
        node_count=3,
        sources=np.array([0]),
        valve_key=keys_of([UUID(int=1024)]),
        valve_code=["v"],
        valve_pipe=np.array([1]),
        valve_at_to=np.array([False]),
        valve_closed=np.array([False]),
        valve_stuck=np.array([False]),
        valve_lon=np.zeros(1),
        valve_lat=np.zeros(1),
    )
    assert [net.pipe_index(one) for one in ids] == [0, 1]
    found = isolation_plan(net, ids[1])
    assert found.segment_pipe_ids == (ids[1],)
    assert found.valves_to_close[0].id == UUID(int=1024)


def test_without_valves_everything_is_one_segment(network, town):
    bare = replace(
        network,
        valve_key=network.valve_key[:0],
        valve_code=[],
        valve_pipe=network.valve_pipe[:0],
        valve_at_to=network.valve_at_to[:0],
        valve_closed=network.valve_closed[:0],
        valve_stuck=network.valve_stuck[:0],
        valve_lon=network.valve_lon[:0],
        valve_lat=network.valve_lat[:0],
    )
    found = isolation_plan(bare, town.pipes["H00"])
    assert len(found.segment_pipe_ids) == 67  # all but the closed one
    assert found.valves_to_close == ()


def test_segments_keep_their_numbers_when_two_others_become_one(network, town):
    stuck = network.with_valves(inoperable=[town.valves["VV14"]])
    assert set(stuck.segments) == set(network.segments) - {max(town.segments["H04"], town.segments["H05"])}
