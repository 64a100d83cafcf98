"""Working days in China 2026, as the State Council published them."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from core.calendars import (
    NoWorkingDay,
    confirm_year,
    days_of_year,
    end_of_nth_working_day,
    is_working_day,
    nth_working_day,
    set_day,
)

SHANGHAI = "Asia/Shanghai"


def test_a_week_end_is_no_working_day_and_a_make_up_day_is_one() -> None:
    assert not is_working_day(date(2026, 1, 10), {})
    assert is_working_day(date(2026, 1, 10), {date(2026, 1, 10): True})


def test_the_second_working_day_after_a_friday_is_tuesday() -> None:
    assert nth_working_day(date(2026, 1, 9), 2, {}) == date(2026, 1, 13)


def test_a_calendar_without_working_days_is_refused() -> None:
    every_day_off = {
        date.fromordinal(n): False for n in range(date(2026, 1, 1).toordinal(), date(2028, 1, 1).toordinal())
    }
    with pytest.raises(NoWorkingDay):
        nth_working_day(date(2026, 1, 1), 1, every_day_off)


def test_the_second_working_day_skips_spring_festival(session: Session) -> None:
    # Friday 13 February; Saturday 14 is a make-up working day; the holiday runs from 15 to 23 February.
    moment = datetime(2026, 2, 13, 2, 0, tzinfo=UTC)
    deadline = end_of_nth_working_day(session, moment, 2, timezone=SHANGHAI, country="CN")
    assert deadline.isoformat() == "2026-02-25T00:00:00+08:00"


def test_late_in_the_evening_counts_by_the_utilitys_own_day(session: Session) -> None:
    # 18:30 UTC is already the 7th in Shanghai.
    moment = datetime(2026, 1, 6, 18, 30, tzinfo=UTC)
    deadline = end_of_nth_working_day(session, moment, 1, timezone=SHANGHAI, country="CN")
    assert deadline.isoformat() == "2026-01-09T00:00:00+08:00"


def test_an_edited_day_wins_over_the_package_and_the_year_can_be_confirmed(session: Session) -> None:
    set_day(session, date(2026, 1, 8), is_working=False, name="the works' own holiday")
    moment = datetime(2026, 1, 6, 18, 30, tzinfo=UTC)
    deadline = end_of_nth_working_day(session, moment, 1, timezone=SHANGHAI, country="CN")
    assert deadline.isoformat() == "2026-01-10T00:00:00+08:00"
    days, year = days_of_year(session, 2026, country="CN")
    assert {day.day: day.source for day in days}[date(2026, 1, 8)] == "edited"
    assert {
        date(2026, 1, 4),
        date(2026, 2, 14),
        date(2026, 2, 28),
        date(2026, 5, 9),
        date(2026, 9, 20),
        date(2026, 10, 10),
    } == {day.day for day in days if day.is_working}
    assert year.confirmed_at is None
    assert confirm_year(session, 2026, by=uuid4(), country="CN").confirmed_at is not None
