"""Isolation against what the words mean: on any small network, and on real ones whole."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import wntr
from hypothesis import given, settings
from hypothesis import strategies as st

from app.provision.state import CHECKOUT
from gis.isolation import IsolationPlan, isolation_plan, shut
from tests.gis.plain_network import (
    VALVE_IDS_FROM,
    Between,
    Control,
    Main,
    OnPipe,
    PlainNetwork,
    read_inp,
)

WNTR_NETWORKS = Path(wntr.__file__).parent / "library" / "networks"
MAGNETIC_ISLAND = CHECKOUT.parent / "shared" / "data" / "networks" / "magnetic_island.inp"


@st.composite
def networks(draw) -> PlainNetwork:
    nodes = draw(st.integers(1, 9))
    node = st.integers(0, nodes - 1)
    rarely = st.sampled_from([False, False, False, False, True])
    pipes = draw(
        st.lists(
            st.builds(Main, code=st.just("p"), start=node, end=node, closed=rarely, one_way=rarely),
            min_size=1,
            max_size=14,
        )
    )
    on_pipe = st.builds(
        OnPipe,
        pipe=st.integers(0, len(pipes) - 1),
        end=st.integers(0, 1),
        closed=rarely,
        stuck=rarely,
    ).map(lambda one: one if pipes[one.pipe].start != pipes[one.pipe].end else OnPipe(one.pipe, 1))
    between = st.builds(Between, start=node, end=node, closed=rarely, stuck=rarely)
    return PlainNetwork(
        nodes=nodes,
        sources=sorted(draw(st.sets(node, max_size=3))),
        pipes=pipes,
        valves=draw(st.lists(st.one_of(on_pipe, between), max_size=16)),
        controls=draw(st.lists(st.builds(Control, start=node, end=node, closed=rarely), max_size=4)),
    )


def numbers(plan: IsolationPlan) -> dict[str, set[int]]:
    return {
        "segment": {one.int - 1 for one in plan.segment_pipe_ids},
        "close": {one.id.int - VALVE_IDS_FROM for one in plan.valves_to_close},
        "closed": {one.int - VALVE_IDS_FROM for one in plan.valves_already_closed},
        "dry": {one.int - 1 for one in plan.cut_off_pipe_ids},
    }


@given(networks(), st.data())
@settings(max_examples=400, deadline=None)
def test_any_plan_means_what_the_words_mean(plain, data):
    net = plain.arrays()
    inoperable = (
        data.draw(st.sets(st.integers(0, len(plain.valves) - 1), max_size=4)) if plain.valves else set()
    )
    for pipe in range(len(plain.pipes)):
        plan = isolation_plan(net, net.pipe_id(pipe), inoperable=[net.valve_id(one) for one in inoperable])
        judged = plain.judged([pipe], inoperable)
        assert numbers(plan) == judged
        assert plan.customers == sum(judged["segment"] | judged["dry"])
        assert [valve.order for valve in plan.valves_to_close] == list(
            range(1, len(plan.valves_to_close) + 1)
        )


@given(networks(), st.data())
@settings(max_examples=300, deadline=None)
def test_shutting_several_segments_at_once_means_what_the_words_mean(plain, data):
    net = plain.arrays()
    broken = data.draw(st.sets(st.integers(0, len(plain.pipes) - 1), min_size=1, max_size=4))
    dry = shut(net, [int(net.segment_of[pipe]) for pipe in broken])
    judged = plain.judged(broken)
    assert set(dry.pipes.tolist()) == judged["segment"]
    assert set(dry.cut_off_pipes.tolist()) == judged["dry"]


@given(networks())
@settings(max_examples=200, deadline=None)
def test_what_cuts_off_and_what_is_cut_off_agree(plain):
    net = plain.arrays()
    below = {segment: set(net.cut_off_by(segment)) for segment in net.segments.tolist()}
    for segment in net.segments.tolist():
        above = net.cutting_off(segment)
        assert len(set(above)) == len(above)
        assert set(above) == {other for other, cut in below.items() if segment in cut}


@given(networks())
@settings(max_examples=400, deadline=None)
def test_one_part_shut_cuts_off_the_same_by_the_tree_and_by_the_search(plain):
    feeding = plain.arrays().feeding
    for part in np.flatnonzero(feeding.steps >= 0).tolist():
        assert set(feeding.dominators.below(part).tolist()) == feeding._cut_off_together([part])


# --- real networks ---------------------------------------------------------------------------------


@cache
def real(name: str) -> PlainNetwork:
    path = MAGNETIC_ISLAND if name == "magnetic_island" else WNTR_NETWORKS / f"{name}.inp"
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    return read_inp(str(path))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_pipe_of_magnetic_island_means_what_the_words_mean():
    plain = real("magnetic_island")
    assert len(plain.valves) > 400
    net = plain.arrays()
    together, water = plain.together(), plain.water()
    for pipe in range(len(plain.pipes)):
        judged = plain.judged([pipe], together=together, water=water)
        assert numbers(isolation_plan(net, net.pipe_id(pipe))) == judged


@pytest.mark.parametrize("name", ["magnetic_island", "Net3", "Net6", "ky4", "ky10"])
def test_broken_mains_of_real_networks_with_valves_shut_stuck_and_found_stuck(name):
    rng = np.random.default_rng(7)
    plain = with_valves_at_random(real(name), rng)
    net = plain.arrays()
    for pipe in rng.integers(0, len(plain.pipes), 25).tolist():
        round_it = [net.valve_index(one.id) for one in isolation_plan(net, net.pipe_id(pipe)).valves_to_close]
        inoperable = set(rng.permutation(round_it)[:2].tolist())
        plan = isolation_plan(net, net.pipe_id(pipe), inoperable=[net.valve_id(one) for one in inoperable])
        assert numbers(plan) == plain.judged([pipe], inoperable)


@pytest.mark.parametrize("name", ["ky4", "ky10", "Net6"])
def test_segments_are_those_wntr_finds(name):
    model = wntr.network.WaterNetworkModel(str(WNTR_NETWORKS / f"{name}.inp"))
    layer = wntr.network.generate_valve_layer(model, "strategic", 2, seed=3)
    node_segment, link_segment, _ = wntr.metrics.valve_segments(model.to_graph(), layer)
    plain = read_inp(str(WNTR_NETWORKS / f"{name}.inp"))
    node = {one: number for number, one in enumerate(model.node_name_list)}
    # wntr knows neither closed links nor valves on pumps; every link is a pipe to it.
    plain.pipes = [
        Main(one, node[link.start_node_name], node[link.end_node_name]) for one, link in model.links()
    ]
    plain.controls = []
    plain.valves = []
    place = {main.code: number for number, main in enumerate(plain.pipes)}
    for _, valve in layer.iterrows():
        pipe = place[valve["link"]]
        end = 0 if plain.pipes[pipe].start == node[valve["node"]] else 1
        plain.valves.append(OnPipe(pipe, end))
    net = plain.arrays()
    ours = [
        frozenset(np.flatnonzero(net.segment_of == segment).tolist()) for segment in net.segments.tolist()
    ]
    theirs: dict[int, set[int]] = {}
    for link, segment in link_segment.items():
        theirs.setdefault(segment, set()).add(place[link])
    for name_of_node, segment in node_segment.items():
        theirs.setdefault(segment, set()).add(net.pipe_count + node[name_of_node])
    assert set(ours) == {frozenset(one) for one in theirs.values()}


def with_valves_at_random(plain: PlainNetwork, rng: np.random.Generator) -> PlainNetwork:
    """Put valves on a third of the joints, some shut and some known not to turn, check valves on some pipes and shut some."""

    def sometimes(share: float) -> bool:
        return bool(rng.random() < share)

    return PlainNetwork(
        nodes=plain.nodes,
        sources=plain.sources,
        pipes=[
            Main(one.code, one.start, one.end, one.closed or sometimes(0.01), one.one_way or sometimes(0.03))
            for one in plain.pipes
        ],
        valves=[
            *plain.valves,
            *(
                OnPipe(pipe, end, sometimes(0.03), sometimes(0.1))
                for pipe in range(len(plain.pipes))
                for end in (0, 1)
                if sometimes(0.33)
            ),
        ],
        controls=plain.controls,
    )


def test_a_pressure_reducer_inside_a_segment_does_not_let_water_back():
    # source 0 ─p0─ 1 ═valve═ 2 ─reducer→ 3 ─p1─ 4 ═valve═ 5 ─p2─ source 6; p3 hangs on 2.
    plain = PlainNetwork(
        nodes=8,
        sources=[0, 6],
        pipes=[Main("p0", 0, 1), Main("p1", 3, 4), Main("p2", 5, 6), Main("p3", 2, 7)],
        valves=[Between(1, 2), Between(4, 5)],
        controls=[Control(2, 3)],
    )
    net = plain.arrays()
    upstream, middle, downstream = (int(net.segment_of[pipe]) for pipe in (0, 1, 2))
    assert int(net.segment_of[3]) == middle
    # p1 is fed from the other side still; p3, before the reducer, is not.
    assert numbers(isolation_plan(net, net.pipe_id(0))) == {
        "segment": {0},
        "close": {0},
        "closed": set(),
        "dry": {3},
    }
    assert numbers(isolation_plan(net, net.pipe_id(2)))["dry"] == set()
    assert (net.cut_off_by(upstream), net.cut_off_by(downstream)) == ([middle], [])
