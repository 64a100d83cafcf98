"""Shutdowns in the town, by hand."""

import math
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from gis.errors import PipeNotFound, ValveNotFound
from gis.isolation import (
    IsolationPlan,
    isolation_plan,
    keys_of,
    segment_neighbours,
    segments_within,
)
from gis.models import (
    ControlLink,
    CustomerClass,
    Junction,
    LifecycleStatus,
    LinkType,
    NodeType,
    Pipe,
    Valve,
)
from gis.queries import load_isolation_network
from tests.gis.plain_network import Main, OnPipe, PlainNetwork

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
    assert found.found.critical_customers == 2
    assert found.found.critical == {CustomerClass.HOSPITAL: 1, CustomerClass.SCHOOL: 1}  # at H23 and at H15
    # 400 m of DN 150 and the feeding main, 50 m of DN 300.
    assert found.found.volume_m3 == pytest.approx(math.pi / 4 * (0.15**2 * 400 + 0.3**2 * 50))
    assert found.found.length_without_volume_m == 0.0


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


def test_ids_that_end_in_zero_bytes_are_found():
    """Numpy's byte strings drop trailing zeros."""
    plain = PlainNetwork(
        nodes=3, sources=[0], pipes=[Main("a", 0, 1), Main("b", 1, 2)], valves=[OnPipe(1, 0)]
    )
    ids = [UUID(int=256), UUID(int=512)]
    net = replace(plain.arrays(), pipe_key=keys_of(ids), valve_key=keys_of([UUID(int=1024)]))
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
        valve_node=network.valve_node[:0],
        valve_to_node=network.valve_to_node[:0],
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


# --- as it is read from the tables -----------------------------------------------------------------


def test_what_is_abandoned_is_not_there(session, town):
    session.execute(
        update(Valve).where(Valve.asset_code == "VV00").values(lifecycle_status=LifecycleStatus.ABANDONED)
    )
    session.execute(
        update(Pipe).where(Pipe.asset_code == "H05").values(lifecycle_status=LifecycleStatus.ABANDONED)
    )
    net = load_isolation_network(session)
    with pytest.raises(PipeNotFound):
        net.pipe_index(town.pipes["H05"])
    assert "VV00" not in net.valve_code
    plan = isolation_plan(net, town.pipes["H00"])
    assert town.pipes["H01"] in plan.segment_pipe_ids


def test_a_valve_that_is_not_yet_in_service_is_plain_pipe(session, town):
    session.execute(
        update(Valve).where(Valve.asset_code == "VV14").values(lifecycle_status=LifecycleStatus.PROPOSED)
    )
    plan = isolation_plan(load_isolation_network(session), town.pipes["H05"])
    assert town.pipes["H04"] in plan.segment_pipe_ids


def test_pumps_check_valves_and_valves_between_nodes_are_read(session, town):
    """A second source behind a pump that only fills: shutting the first row then leaves the rows behind it with water."""
    session.add_all(
        [
            Junction(asset_code="R9", node_type=NodeType.RESERVOIR),
            Junction(asset_code="J9"),
            Junction(asset_code="J8"),
        ]
    )
    session.flush()
    node = {
        code: session.query(Junction.id).filter_by(asset_code=code).scalar() for code in ("R9", "J9", "J8")
    }
    pump = ControlLink(
        asset_code="PU", link_type=LinkType.PUMP, from_node_id=node["R9"], to_node_id=node["J9"]
    )
    session.add_all(
        [
            pump,
            Valve(asset_code="VL", node_id=node["J9"], to_node_id=node["J8"]),
            Pipe(
                asset_code="P9",
                from_node_id=node["J8"],
                to_node_id=town.junctions["J05"],
                length_m=10.0,
                has_check_valve=True,
            ),
        ]
    )
    session.flush()

    def dry() -> set[UUID]:
        return set(isolation_plan(load_isolation_network(session), town.pipes["H00"]).cut_off_pipe_ids)

    assert dry() == set()
    new_pipe = session.query(Pipe.id).filter_by(asset_code="P9").scalar()
    plan = isolation_plan(load_isolation_network(session), new_pipe)
    assert "VL" in [valve.asset_code for valve in plan.valves_to_close]
    assert plan.valves_to_close[0].point is None or plan.valves_to_close[-1].point is None
    assert plan.length_without_volume_m == 10.0
    pump.is_closed = True
    session.flush()
    assert town.pipes["H05"] in dry()
    # Water stands in it from its far end, though none passes back through the check valve.
    assert new_pipe in dry()
