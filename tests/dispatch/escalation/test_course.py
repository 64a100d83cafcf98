"""Where an escalation stands, from its times alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dispatch.escalation.course import Course, is_told, near, next_look, state_at
from dispatch.escalation.models import EscalationState, Proof, TermUnit

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
COURSE = Course(proof=Proof.REPORT, near_at=NOON, due_at=NOON + 4 * HOUR)


@pytest.mark.parametrize(
    ("hours", "state"), [(-0.01, "pending"), (0, "due"), (3.99, "due"), (4, "overdue"), (400, "overdue")]
)
def test_untold_it_is_pending_then_due_then_overdue(hours: float, state: str) -> None:
    assert state_at(COURSE, NOON + hours * HOUR) == state


def test_told_in_time_it_is_reported_for_good_when_the_report_is_the_proof() -> None:
    told = replace(COURSE, reported_at=NOON)
    assert is_told(told)
    assert state_at(told, NOON + 400 * HOUR) is EscalationState.REPORTED
    assert next_look(told, None, NOON) is None


def test_told_but_not_acknowledged_it_is_overdue_when_the_acknowledgement_is_the_proof() -> None:
    told = replace(COURSE, proof=Proof.ACKNOWLEDGEMENT, reported_at=NOON)
    assert not is_told(told)
    assert state_at(told, NOON + 3 * HOUR) is EscalationState.REPORTED
    assert state_at(told, NOON + 4 * HOUR) is EscalationState.OVERDUE
    answered = replace(told, acknowledged_at=NOON + HOUR)
    assert is_told(answered)
    assert state_at(answered, NOON + 400 * HOUR) is EscalationState.ACKNOWLEDGED


def test_closed_and_joined_outweigh_everything() -> None:
    late = NOON + 400 * HOUR
    assert state_at(replace(COURSE, rung=1, closed_at=late), late) is EscalationState.CLOSED
    assert state_at(replace(COURSE, rung=1, is_joined=True), late) is EscalationState.JOINED


def test_it_is_looked_at_when_it_comes_near_when_it_is_due_and_when_it_climbs() -> None:
    climbs_at = NOON + 8 * HOUR
    assert next_look(COURSE, None, NOON - HOUR) == NOON
    assert next_look(COURSE, None, NOON) == NOON + 4 * HOUR
    assert next_look(COURSE, climbs_at, NOON + 4 * HOUR) == climbs_at
    assert next_look(COURSE, None, NOON + 4 * HOUR) is None


def test_a_working_day_comes_near_with_its_first_hour_and_hours_with_their_last_quarter() -> None:
    start = datetime.fromisoformat("2026-02-13T10:00:00+08:00")
    midnight = datetime.fromisoformat("2026-02-25T00:00:00+08:00")
    evening = datetime.fromisoformat("2026-02-24T17:30:00+08:00")
    for due_at in (midnight, evening):
        at = near(start, due_at, TermUnit.WORKING_DAY, timezone="Asia/Shanghai")
        assert at.isoformat() == "2026-02-24T00:00:00+08:00"
    at = near(start, start + 24 * HOUR, TermUnit.HOUR, timezone="Asia/Shanghai")
    assert at == start + 18 * HOUR
