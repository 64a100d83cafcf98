"""The clock: real for live workspaces, faster only where that is allowed."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from core import clock
from core.clock import REAL, Clock, SpeedRefused

NOON = datetime(2026, 2, 13, 12, 0, tzinfo=UTC)


def test_sixty_times_as_fast_makes_a_minute_an_hour() -> None:
    fast = Clock(real_epoch=NOON, trade_epoch=NOON, factor=60.0)
    assert fast.at(NOON + timedelta(minutes=1)) == NOON + timedelta(hours=1)
    assert fast.real_seconds(timedelta(hours=1)) == 60.0


def test_real_time_is_real() -> None:
    assert REAL.at(NOON) == NOON


def test_a_workspace_without_a_clock_runs_in_real_time(session: Session) -> None:
    assert clock.load(session) == REAL


def test_a_live_workspace_refuses_another_speed(session: Session) -> None:
    with pytest.raises(SpeedRefused):
        clock.set_clock(session, kind="live", factor=60.0)
    clock.set_clock(session, kind="live", factor=1.0)
    with pytest.raises(SpeedRefused):
        clock.set_clock(session, kind="demo", factor=60.0)


def test_a_demonstration_keeps_its_clock(session: Session) -> None:
    made = clock.set_clock(session, kind="demo", factor=60.0, trade_epoch=NOON)
    assert clock.load(session) == made
    assert (made.trade_epoch, made.factor) == (NOON, 60.0)
