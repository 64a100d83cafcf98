"""Which incident a report belongs to: pure decisions over plain values."""

import math
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.messages import say
from dispatch.models import IncidentKind, IncidentLevel
from dispatch.queries import CANDIDATE_REPORTS_MAX
from dispatch.triage import (
    Category,
    Decision,
    DecisionKind,
    Neighbourhood,
    OpenIncident,
    ReportFacts,
    Rules,
    SharedWater,
    Shutdown,
    decide,
    expected_by_chance,
    infer_kind,
    infer_level,
    likely_break,
    poisson_tail,
)
from gis.coordinates import LonLat

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LAT = 41.15
M_PER_DEGREE_LAT = 111_195.0
PIPE = uuid4()
ZONE, OTHER_ZONE = uuid4(), uuid4()
AROUND = Neighbourhood(
    hops={812: 0, 813: 1, 814: 2, 815: 3},
    customers=300,
    same_water={900: SharedWater(0.9, 400)},
)
"""Round segment 812."""


def place(east_m: float, north_m: float = 0.0) -> LonLat:
    lon_m = M_PER_DEGREE_LAT * math.cos(math.radians(LAT))
    return LonLat(lon=-8.6 + east_m / lon_m, lat=LAT + north_m / M_PER_DEGREE_LAT)


def report(
    east_m: float = 0.0,
    *,
    category: str = "no_water",
    minutes: float = 0.0,
    segment: int | None = 812,
    customer: str | None = None,
    **more: Any,
) -> ReportFacts:
    """A report so many metres east and minutes after noon."""
    values: dict[str, Any] = {
        "report_id": uuid4(),
        "category": category,
        "place": place(east_m),
        "pipe_id": PIPE,
        "segment_id": segment,
        "zone_id": ZONE,
        "confidence": 1.0,
        "caller_key": customer or uuid4().hex,
        "customer_account_id": None,
        "noticed_at": NOON + timedelta(minutes=minutes),
    }
    return ReportFacts(**(values | more))


def incident(*reports: ReportFacts, number: int = 1042, **more: Any) -> OpenIncident:
    return OpenIncident(id=uuid4(), number=number, reports=reports, **more)


def words(decision: Decision) -> str:
    return say(decision.reason_code, "en", **decision.reason_values)


# --- joining ---------------------------------------------------------------------------------------------------------------


def test_a_second_dry_customer_on_the_same_segment_joins_and_the_reason_says_why() -> None:
    known = incident(report(0), report(50, minutes=4, segment=813), report(90, minutes=9))
    decision = decide(report(140, minutes=22), [known], AROUND)
    assert (decision.kind, decision.incident_id) == (DecisionKind.JOINS, known.id)
    assert words(decision).startswith(
        "joins #1042: 4 calls from 4 customers on segments 812, 813 in 22 min; 50 m away and same segment"
    )


@pytest.mark.parametrize(
    ("segment", "metres", "kind"),
    [
        (812, 300, DecisionKind.JOINS),
        (813, 250, DecisionKind.JOINS),
        (814, 250, DecisionKind.JOINS),
        (813, 900, DecisionKind.OPENS),
        (999, 350, DecisionKind.OPENS),
        (999, 40, DecisionKind.JOINS),
    ],
)
def test_segments_and_metres_decide_together(segment: int, metres: float, kind: DecisionKind) -> None:
    known = incident(*(report(metres, segment=segment, minutes=m) for m in (0, 3)))
    assert decide(report(minutes=6), [known], AROUND).kind is kind


def test_two_bursts_far_apart_stay_two() -> None:
    known = incident(*(report(1200 + 10 * k, segment=42, minutes=k) for k in range(6)))
    decision = decide(report(minutes=7), [known], AROUND)
    assert decision.kind is DecisionKind.OPENS
    assert decision.reason_code == "dispatch.triage.beyond_reach"
    assert "1200 m" in words(decision)


def test_a_segment_cut_off_with_the_reports_own_counts_as_the_same() -> None:
    known = incident(*(report(700, segment=900, minutes=m) for m in (0, 2)))
    decision = decide(report(minutes=5), [known], AROUND)
    assert decision.kind is DecisionKind.JOINS
    assert decision.reason_code == "dispatch.triage.same_water"


def test_time_wears_a_report_out() -> None:
    known = incident(report(60), report(80, segment=813))
    assert decide(report(minutes=30), [known], AROUND).kind is DecisionKind.JOINS
    late = decide(report(minutes=60 * 5), [known], AROUND)
    assert late.kind is DecisionKind.OPENS


def test_taps_that_ran_dry_at_the_same_time_speak_more_for_one_cause_than_an_hour_apart() -> None:
    known = incident(report(60), report(80, segment=813))
    at_once, later = (decide(report(minutes=minutes), [known], AROUND).odds for minutes in (2, 60))
    assert at_once > 5 * later


def test_a_tap_that_should_still_run_speaks_for_another_break() -> None:
    dry = [report(250 + 10 * k, segment=813, minutes=k) for k in range(4)]
    placed = incident(*dry, dry_segments=frozenset({813}))
    unplaced = incident(*dry)
    outside = report(minutes=40)
    assert decide(outside, [placed], AROUND).odds == pytest.approx(
        0.25 * decide(outside, [unplaced], AROUND).odds
    )
    low = report(minutes=40, category="low_pressure")
    assert decide(low, [placed], AROUND).odds == decide(low, [unplaced], AROUND).odds, (
        "pressure falls round about"
    )


def test_a_late_call_speaks_for_the_time_it_noticed() -> None:
    known = incident(report(60, minutes=400), report(80, minutes=401, segment=813))
    told_late = report(minutes=398)
    assert decide(told_late, [known], AROUND).kind is DecisionKind.JOINS


def test_a_leak_is_remembered_for_days_where_it_was_seen() -> None:
    known = incident(report(30, category="leak"))
    next_day = report(0, category="leak", minutes=60 * 20)
    assert decide(next_day, [known], AROUND).kind is DecisionKind.JOINS
    elsewhere = report(350, category="leak", minutes=60 * 20)
    assert decide(elsewhere, [known], AROUND).kind is DecisionKind.OPENS


def test_a_lone_call_three_segments_off_is_not_enough_but_a_group_is() -> None:
    lone = incident(report(380, segment=815))
    assert decide(report(minutes=40), [lone], AROUND).kind is DecisionKind.OPENS
    group = incident(*(report(380 - k, segment=815, minutes=k) for k in range(5)))
    assert decide(report(minutes=40), [group], AROUND).kind is DecisionKind.JOINS


def test_five_calls_of_one_customer_weigh_as_one() -> None:
    calls = [report(380, segment=815, minutes=m, customer="loud") for m in range(5)]
    assert decide(report(minutes=40), [incident(*calls)], AROUND).kind is DecisionKind.OPENS


def test_water_quality_stands_apart_from_missing_water() -> None:
    dry = incident(report(20), report(30))
    decision = decide(report(category="water_quality", minutes=3), [dry], AROUND)
    assert decision.kind is DecisionKind.OPENS
    assert decision.reason_code == "dispatch.triage.other_matter"
    foul = incident(report(20, category="water_quality"), report(30, category="water_quality"))
    assert decide(report(category="water_quality", minutes=3), [dry, foul], AROUND).incident_id == foul.id


def test_other_matters_stand_alone() -> None:
    decision = decide(
        report(category="other"), [incident(report(5)), incident(report(5, category="other"))], AROUND
    )
    assert (decision.kind, decision.reason_code) == (DecisionKind.OPENS, "dispatch.triage.stands_alone")


def test_another_pressure_zone_speaks_against() -> None:
    same = incident(report(300, segment=815), report(320, segment=815))
    other = incident(
        report(300, segment=815, zone_id=OTHER_ZONE), report(320, segment=815, zone_id=OTHER_ZONE)
    )
    new = report(minutes=5)
    assert decide(new, [same], AROUND).odds > 3 * decide(new, [other], AROUND).odds


def test_one_who_says_only_me_speaks_less_than_one_whose_street_is_dry() -> None:
    known = incident(report(200, segment=814), report(210, segment=814))
    alone = decide(report(extent="only_me", minutes=5), [known], AROUND)
    street = decide(report(extent="street", minutes=5), [known], AROUND)
    assert street.odds > 2 * alone.odds


def test_a_place_of_low_confidence_weighs_less_on_the_network() -> None:
    known = incident(report(60), report(70))
    sure, unsure = report(minutes=5), report(minutes=5, confidence=0.3)
    assert decide(sure, [known], AROUND).odds > decide(unsure, [known], AROUND).odds
    assert decide(unsure, [known], AROUND).kind is DecisionKind.JOINS


def test_without_valves_distance_decides() -> None:
    known = incident(report(120, segment=None), report(130, segment=None))
    assert decide(report(minutes=5, segment=None), [known], Neighbourhood()).kind is DecisionKind.JOINS
    far = incident(report(600, segment=None), report(610, segment=None))
    assert decide(report(minutes=5, segment=None), [far], Neighbourhood()).kind is DecisionKind.OPENS


def test_an_outage_declared_draws_those_it_leaves_dry_however_late() -> None:
    known = incident(report(350, segment=815), dry_segments=frozenset({812, 815}))
    decision = decide(report(minutes=60 * 6), [known], AROUND)
    assert decision.kind is DecisionKind.JOINS
    assert decision.reason_code == "dispatch.triage.declared"
    leak = decide(report(minutes=60 * 6, category="leak"), [known], AROUND)
    assert leak.kind is DecisionKind.OPENS


def test_the_better_of_two_incidents_wins() -> None:
    near = incident(report(50), report(60), number=7)
    far = incident(report(380, segment=815), report(390, segment=815), number=6)
    assert decide(report(minutes=3), [far, near], AROUND).incident_id == near.id


def test_a_report_between_two_small_incidents_bridges_them() -> None:
    one, two = incident(report(-60), report(-70), number=1), incident(report(60), report(70), number=2)
    decision = decide(report(minutes=3), [one, two], AROUND)
    assert {decision.incident_id, *decision.bridges_to} == {one.id, two.id}


def test_a_report_with_nothing_near_opens_its_own() -> None:
    decision = decide(report(), [], AROUND)
    assert (decision.kind, decision.incident_id) == (DecisionKind.OPENS, None)
    assert decision.reason_code == "dispatch.triage.alone"


def test_a_busier_utility_needs_more_to_join() -> None:
    known = incident(report(300, segment=814), report(310, segment=814))
    new = report(minutes=20)
    quiet, busy = Rules(), Rules(background_per_customer_day=0.02)
    assert decide(new, [known], AROUND, rules=quiet).odds == pytest.approx(
        10 * decide(new, [known], AROUND, rules=busy).odds
    )


# --- the same customer again -----------------------------------------------------------------------------------------------


def test_the_same_customer_again_is_a_repeat_even_days_later() -> None:
    account = uuid4()
    known = incident(report(0, customer_account_id=account))
    again = report(0, customer_account_id=account, minutes=60 * 24 * 3, customer="another phone")
    decision = decide(again, [known], AROUND)
    assert (decision.kind, decision.incident_id) == (DecisionKind.REPEAT, known.id)
    assert decision.reason_code == "dispatch.triage.repeat_customer"


def test_the_same_phone_again_is_a_repeat() -> None:
    known = incident(report(0, customer="phone"))
    decision = decide(report(900, customer="phone", segment=42, minutes=50), [known], AROUND)
    assert (decision.kind, decision.reason_code) == (DecisionKind.REPEAT, "dispatch.triage.repeat_caller")


def test_the_same_customer_with_another_matter_is_no_repeat() -> None:
    account = uuid4()
    known = incident(report(0, customer_account_id=account))
    foul = report(0, customer_account_id=account, category="water_quality", minutes=9)
    assert decide(foul, [known], AROUND).kind is DecisionKind.OPENS


def test_a_report_the_hotline_calls_a_repeat_joins_what_it_repeats() -> None:
    first = report(0)
    known = incident(first)
    again = report(2000, segment=42, minutes=30, repeat_of=first.report_id)
    assert decide(again, [known], AROUND).incident_id == known.id


def test_trouble_older_than_the_closing_reopens_it_and_newer_trouble_is_new() -> None:
    closed = incident(report(0, customer="phone"), closed_at=NOON + timedelta(hours=2))
    same = decide(report(0, customer="phone", minutes=60), [closed], AROUND)
    assert (same.kind, same.incident_id) == (DecisionKind.REPEAT, closed.id)
    assert same.reason_code == "dispatch.triage.repeat_closed"
    new = decide(report(0, customer="phone", minutes=60 * 3), [closed], AROUND)
    assert new.kind is DecisionKind.OPENS
    stranger = decide(report(0, minutes=60), [closed], AROUND)
    assert stranger.kind is DecisionKind.OPENS


def test_an_open_incident_of_the_same_customer_comes_before_a_closed_one() -> None:
    closed = incident(report(0, customer="phone"), number=1, closed_at=NOON + timedelta(hours=1))
    alive = incident(report(0, customer="phone", minutes=-600), number=2)
    assert decide(report(0, customer="phone", minutes=50), [closed, alive], AROUND).incident_id == alive.id


# --- always ----------------------------------------------------------------------------------------------------------------


@st.composite
def scenes(draw: st.DrawFn) -> tuple[ReportFacts, list[OpenIncident]]:
    def one() -> ReportFacts:
        return report(
            draw(st.floats(-2000, 2000)),
            category=draw(st.sampled_from(list(Category))),
            minutes=draw(st.floats(-600, 0)),
            segment=draw(st.sampled_from([None, 812, 813, 814, 815, 900, 999])),
            customer=draw(st.sampled_from(["a", "b", "c", "d"])),
            confidence=draw(st.floats(0, 1)),
        )

    made = [
        incident(*(one() for _ in range(draw(st.integers(1, 4)))), number=n)
        for n in range(draw(st.integers(0, 5)))
    ]
    return one(), made


@given(scenes(), st.randoms(use_true_random=False))
def test_the_order_of_candidates_and_of_their_reports_does_not_matter(
    scene: tuple[ReportFacts, list[OpenIncident]], rng: random.Random
) -> None:
    new, known = scene
    shuffled = [
        OpenIncident(id=one.id, number=one.number, reports=_shuffled(one.reports, rng))
        for one in _shuffled(known, rng)
    ]
    first, second = decide(new, known, AROUND), decide(new, shuffled, AROUND)
    assert (first.kind, first.incident_id, first.reason_code) == (
        second.kind,
        second.incident_id,
        second.reason_code,
    )


@given(scenes())
def test_every_decision_can_be_told_in_both_languages(scene: tuple[ReportFacts, list[OpenIncident]]) -> None:
    new, known = scene
    decision = decide(new, known, AROUND)
    assert (decision.incident_id is None) == (decision.kind is DecisionKind.OPENS)
    for language in ("zh", "en"):
        assert say(decision.reason_code, language, **decision.reason_values)


T = TypeVar("T")


def _shuffled(values: Sequence[T], rng: random.Random) -> list[T]:
    mixed = list(values)
    rng.shuffle(mixed)
    return mixed


# --- what an incident looks like -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("categories", "kind"),
    [
        (["leak", "no_water"], IncidentKind.BURST),
        (["leak", "low_pressure", "low_pressure"], IncidentKind.BURST),
        (["leak", "low_pressure"], IncidentKind.LEAK),
        (["leak"], IncidentKind.LEAK),
        (["no_water", "low_pressure"], IncidentKind.OUTAGE),
        (["low_pressure"], IncidentKind.LOW_PRESSURE),
        (["water_quality"], IncidentKind.WATER_QUALITY),
        (["other"], IncidentKind.OTHER),
    ],
)
def test_the_kind_follows_from_what_was_seen(categories: list[str], kind: IncidentKind) -> None:
    assert infer_kind([report(category=one) for one in categories]) is kind


def test_levels_rise_with_customers_segments_and_the_dry() -> None:
    def level(count: int, segments: int = 1, dry: int = 0, per_customer_day: float = 0.002) -> IncidentLevel:
        reports = [report(segment=812 + k % segments, minutes=k) for k in range(count)]
        return infer_level(
            reports,
            customers_in_reach=300,
            customers_without_water=dry,
            rules=Rules(background_per_customer_day=per_customer_day),
        )

    assert level(2) is IncidentLevel.SINGLE
    assert level(3) is IncidentLevel.CLUSTER
    assert level(3, per_customer_day=0.5) is IncidentLevel.SINGLE, "chance explains it"
    assert level(8, segments=3) is IncidentLevel.AREA
    assert level(8, segments=1) is IncidentLevel.CLUSTER
    assert level(3, dry=400) is IncidentLevel.AREA


def test_the_poisson_tail_agrees_with_values_worked_out_by_hand() -> None:
    assert poisson_tail(0, 3.0) == pytest.approx(1.0)
    assert poisson_tail(1, 1.0) == pytest.approx(1 - math.exp(-1))
    assert poisson_tail(3, 2.0) == pytest.approx(1 - math.exp(-2) * (1 + 2 + 2))
    assert expected_by_chance(1000, timedelta(days=1), rules=Rules()) == pytest.approx(2.0)


def test_the_break_is_sought_where_most_dry_customers_are_explained() -> None:
    # 10 cuts off 11 and 12; calls come from 11, 12 and one from 10: only a break in 10 explains all.
    shutdowns = {
        10: Shutdown(frozenset({10, 11, 12}), 200),
        11: Shutdown(frozenset({11}), 60),
        12: Shutdown(frozenset({12}), 60),
    }
    reports = [report(0, segment=10), *(report(300, segment=11) for _ in range(3)), report(500, segment=12)]
    assert likely_break(reports, shutdowns).main.segment_id == 10


def test_the_break_is_not_sought_upstream_of_what_one_segment_explains() -> None:
    shutdowns = {1: Shutdown(frozenset(range(1, 60)), 5000), 11: Shutdown(frozenset({11}), 60)}
    reports = [report(0, segment=1, category="low_pressure"), *(report(300, segment=11) for _ in range(3))]
    assert likely_break(reports, shutdowns).main.segment_id == 11


def test_a_crew_looks_first_where_somebody_saw_the_water() -> None:
    shutdowns = {812: Shutdown(frozenset({812}), 60), 813: Shutdown(frozenset({813}), 60)}
    seen = report(120, segment=813, category="leak", confidence=0.4)
    reports = [report(0), report(40), report(80), seen]
    found = likely_break(reports, shutdowns)
    assert found.main.segment_id == 812
    assert found.place.report_id == seen.report_id


def test_without_segments_the_middle_of_the_dry_is_taken() -> None:
    reports = [report(0, segment=None), report(100, segment=None), report(220, segment=None)]
    assert likely_break(reports, {}).place == reports[1]


def test_two_callers_whose_accounts_are_not_known_are_two_customers() -> None:
    assert report().customer_key != report().customer_key


def test_a_decision_among_as_many_reports_as_are_ever_read_takes_milliseconds() -> None:
    known = [
        incident(*(report(10.0 * n + k, segment=812 + n % 4, minutes=k) for k in range(6)), number=n)
        for n in range(CANDIDATE_REPORTS_MAX // 6)
    ]
    new, took_s = report(minutes=7), []
    for _ in range(5):
        before = time.thread_time()
        decide(new, known, AROUND)
        took_s.append(time.thread_time() - before)
    assert min(took_s) < 0.03, "10 ms are meant; the rest is for machines that do other things as well"
