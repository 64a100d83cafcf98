"""Which crew gets there first, and why the others are not asked."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.models import Skill
from dispatch.ranking import CrewFacts, RankedCrew, Reason, Travel, rank, rank_crews, straight_line_choice
from gis.coordinates import LonLat
from gis.roads.graph import RoadGraph
from gis.roads.overlay import Roads
from gis.roads.ways import Ways
from tests.dispatch.play import Play
from tests.town import Town, town_roads

STALE_S = 600.0
THERE = Town.junction(3, 2)


def crew(code: str, at: LonLat | None = THERE, **more: Any) -> CrewFacts:
    values: dict[str, Any] = {
        "crew_id": uuid4(),
        "code": code,
        "name": code.title(),
        "skills": frozenset({"inspect", "repair"}),
        "is_on_shift": True,
        "point": at,
        "position_age_s": None if at is None else 5.0,
    }
    return CrewFacts(**(values | more))


def ranked(
    crews: list[CrewFacts], seconds: dict[str, float], skills: tuple[str, ...] = ("inspect",)
) -> list[RankedCrew]:
    travels = {
        one.crew_id: Travel(seconds[one.code], 10.0 * seconds[one.code])
        for one in crews
        if one.code in seconds
    }
    return rank(crews, travels, THERE, skills=skills, stale_s=STALE_S)


def by_road(graph: RoadGraph, crews: list[CrewFacts], there: LonLat) -> dict[UUID, Travel]:
    places = [one.point for one in crews if one.point]
    return {
        crews[one.origin].crew_id: Travel(one.seconds, one.metres)
        for one in Ways(Roads.without_closures(graph), places, there).travels()
        if one.seconds is not None and one.metres is not None
    }


def test_the_fastest_by_road_comes_first() -> None:
    order = ranked([crew("a"), crew("b"), crew("c")], {"a": 300, "b": 100, "c": 200})
    assert [one.code for one in order] == ["b", "c", "a"]
    assert all(one.is_eligible for one in order)


def test_equally_near_crews_take_turns_then_the_shorter_way_then_the_code_decides() -> None:
    crews = [crew("a", jobs_lately=2), crew("c"), crew("b")]
    order = ranked(crews, {"a": 100.2, "b": 100.4, "c": 99.8})
    assert [one.code for one in order] == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"is_active": False}, Reason.INACTIVE),
        ({"is_on_shift": False}, Reason.OFF_SHIFT),
        ({"skills": frozenset({"inspect"})}, Reason.NO_SKILL),
        ({"bound_state": "on_site", "bound_order_number": 2207}, Reason.BUSY),
        ({"bound_state": "offered", "bound_order_number": 2207}, Reason.OFFERED),
        ({"has_declined": True}, Reason.DECLINED_ALREADY),
        ({"point": None, "position_age_s": None}, Reason.NO_POSITION),
        ({"position_age_s": STALE_S + 1}, Reason.STALE_POSITION),
    ],
)
def test_every_crew_not_asked_has_its_reason(facts: dict[str, Any], reason: Reason) -> None:
    able, unable = crew("able"), replace(crew("near"), **facts)
    order = ranked([unable, able], {"able": 500, "near": 10}, skills=("repair",))
    assert [one.code for one in order] == ["able", "near"]
    assert (order[1].is_eligible, order[1].reason) == (False, reason)


def test_a_crew_no_road_leads_from_is_unreachable() -> None:
    order = ranked([crew("island"), crew("able")], {"able": 500})
    assert [(one.code, one.reason) for one in order] == [("able", None), ("island", Reason.UNREACHABLE)]


def test_across_a_river_with_one_bridge_the_nearer_crew_is_not_the_first() -> None:
    """The river runs between rows 2 and 3; only Oak Avenue (column 6) crosses it."""
    graph = town_roads()
    rows_u, rows_v = graph.edge_u // 7, graph.edge_v // 7
    crosses = (np.minimum(rows_u, rows_v) == 2) & (np.maximum(rows_u, rows_v) == 3)
    bridge = (graph.edge_u % 7) == 6
    river = replace(graph, edge_time_s=np.where(crosses & ~bridge, 1e7, graph.edge_time_s))
    there = Town.junction(1, 3)
    near, far = crew("near", Town.junction(1, 2)), crew("far", Town.junction(5, 3))
    order = rank([near, far], by_road(river, [near, far], there), there, skills=("inspect",), stale_s=STALE_S)
    assert [one.code for one in order] == ["far", "near"]
    assert order[0].travel_time_s == pytest.approx(40.0)  # four blocks of 100 m at 10 m/s
    straight = straight_line_choice(order)
    assert straight is not None
    assert straight.code == "near"
    assert straight.straight_line_m == pytest.approx(80.0, rel=0.01)
    # South, five blocks east on Mill or Market Street, the bridge, and five back: far more than forty seconds.
    assert straight.travel_time_s is not None
    assert straight.travel_time_s >= 108.0


facts = st.builds(
    lambda code, seconds, jobs, shift, bound, age: (
        crew(f"crew-{code:03d}", is_on_shift=shift, bound_state=bound, jobs_lately=jobs, position_age_s=age),
        seconds,
    ),
    st.integers(0, 999),
    st.one_of(st.none(), st.floats(0, 3600)),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from([None, "offered", "en_route"]),
    st.floats(0, 1200),
)


@given(st.lists(facts, max_size=12, unique_by=lambda one: one[0].code), st.randoms(use_true_random=False))
def test_every_crew_is_listed_once_in_one_order(made: list[tuple[CrewFacts, float | None]], rng: Any) -> None:
    seconds = {one.code: s for one, s in made if s is not None}
    crews = [one for one, _ in made]
    order = ranked(crews, seconds)
    assert sorted(one.code for one in order) == sorted(one.code for one in crews)
    shuffled = list(crews)
    rng.shuffle(shuffled)
    assert [one.code for one in ranked(shuffled, seconds)] == [one.code for one in order]
    able = [one.is_eligible for one in order]
    assert able == sorted(able, reverse=True)
    times = [round(one.travel_time_s) for one in order if one.is_eligible and one.travel_time_s is not None]
    assert times == sorted(times)


def test_crews_are_read_with_shift_skill_position_and_work(play: Play) -> None:
    here = play.town.junction(2, 2)
    play.crew("free", here)
    play.crew("looker", here, skills=(Skill.INSPECT,))
    play.crew("resting", here, on_shift=False)
    play.crew("silent", None)
    play.crew("lost", here, age_s=3600)
    order = rank_crews(play.session, play.town.junction(4, 2), skills=["repair"], settings=play.settings)
    assert {one.code: one.reason for one in order} == {
        "free": None,
        "looker": Reason.NO_SKILL,
        "resting": Reason.OFF_SHIFT,
        "silent": Reason.NO_POSITION,
        "lost": Reason.STALE_POSITION,
    }
    # Market Street is one-way west: up to Church Street or 中山路 and along, 2 blocks of 8 s and 2 of 10 s.
    assert order[0].travel_time_s == pytest.approx(36.0, abs=0.5)
