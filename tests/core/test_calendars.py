"""Working days in China 2026, as the State Council published them."""

from datetime import UTC, date, datetime, time
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from core.calendars import (
    NoWorkingDay,
    confirm_year,
    days_of_year,
    is_working_day,
    nth_working_day,
    set_day,
    working_deadline,
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
    deadline = working_deadline(session, moment, 2, timezone=SHANGHAI, country="CN")
    assert deadline.due_at.isoformat() == "2026-02-25T00:00:00+08:00"


def test_late_in_the_evening_counts_by_the_utilitys_own_day(session: Session) -> None:
    # 18:30 UTC is already the 7th in Shanghai.
    moment = datetime(2026, 1, 6, 18, 30, tzinfo=UTC)
    deadline = working_deadline(session, moment, 1, timezone=SHANGHAI, country="CN")
    assert deadline.due_at.isoformat() == "2026-01-09T00:00:00+08:00"


def test_an_edited_day_wins_over_the_package_and_the_year_can_be_confirmed(session: Session) -> None:
    set_day(session, date(2026, 1, 8), is_working=False, name="the works' own holiday")
    moment = datetime(2026, 1, 6, 18, 30, tzinfo=UTC)
    deadline = working_deadline(session, moment, 1, timezone=SHANGHAI, country="CN")
    assert deadline.due_at.isoformat() == "2026-01-10T00:00:00+08:00"
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


@pytest.mark.parametrize(
    ("local", "last_day"),
    [
        # Spring Festival 2026: holiday 15 to 23 February, make-up working days Saturday 14 and 28 February.
        ("2026-02-12T10:00", "2026-02-14"),  # Thursday: Friday, then the make-up Saturday
        ("2026-02-13T10:00", "2026-02-24"),  # Friday: the make-up Saturday, then Tuesday after the holiday
        ("2026-02-14T10:00", "2026-02-25"),  # the make-up Saturday itself
        ("2026-02-18T10:00", "2026-02-25"),  # in the middle of the holiday
        ("2026-02-26T10:00", "2026-02-28"),  # Thursday: Friday, then the make-up Saturday
        ("2026-02-27T10:00", "2026-03-02"),  # Friday: the make-up Saturday, then Monday
        # National Day 2026: Mid-Autumn 25 to 27 September, National Day 1 to 7 October, make-up 20 September and 10 October.
        ("2026-09-18T10:00", "2026-09-21"),  # Friday: the make-up Sunday, then Monday
        ("2026-09-24T10:00", "2026-09-29"),  # Thursday before Mid-Autumn: Monday, Tuesday
        ("2026-09-29T10:00", "2026-10-08"),  # Tuesday: Wednesday, then Thursday after the holiday
        ("2026-09-30T10:00", "2026-10-09"),  # Wednesday: Thursday and Friday after the holiday
        ("2026-10-08T10:00", "2026-10-10"),  # Thursday: Friday, then the make-up Saturday
        ("2026-10-09T10:00", "2026-10-12"),  # Friday: the make-up Saturday, then Monday
    ],
)
def test_the_second_working_day_round_the_long_holidays(session: Session, local: str, last_day: str) -> None:
    moment = datetime.fromisoformat(f"{local}+08:00")
    deadline = working_deadline(session, moment, 2, timezone=SHANGHAI, country="CN", cut_off=time(17, 30))
    assert deadline.due_at.isoformat() == f"{last_day}T17:30:00+08:00"


@pytest.mark.parametrize(
    ("local", "last_day"),
    [
        ("2026-02-13T10:00", "2026-02-14"),  # Friday is the first, the make-up Saturday the second
        ("2026-02-14T10:00", "2026-02-24"),  # the make-up Saturday is the first
        ("2026-02-15T10:00", "2026-02-25"),  # a holiday does not count, whatever the reading
        ("2026-09-30T10:00", "2026-10-08"),
        ("2026-10-10T10:00", "2026-10-12"),  # the make-up Saturday is the first
        ("2026-10-10T17:30", "2026-10-13"),  # its cut-off has come: it does not count any more
    ],
)
def test_the_stricter_reading_counts_the_first_day_when_it_is_a_working_day(
    session: Session, local: str, last_day: str
) -> None:
    deadline = working_deadline(
        session,
        datetime.fromisoformat(f"{local}+08:00"),
        2,
        timezone=SHANGHAI,
        country="CN",
        cut_off=time(17, 30),
        counts_first_day=True,
    )
    assert deadline.due_at.date().isoformat() == last_day


def test_a_minute_round_midnight_is_a_day(session: Session) -> None:
    def due(local: str) -> str:
        moment = datetime.fromisoformat(f"{local}+08:00")
        return working_deadline(session, moment, 2, timezone=SHANGHAI, country="CN").due_at.date().isoformat()

    assert due("2026-10-08T23:59:59") == "2026-10-11"  # midnight after Saturday the 10th
    assert due("2026-10-09T00:00:00") == "2026-10-13"  # midnight after Monday the 12th


def test_the_same_moment_ends_with_the_days_of_each_zone(session: Session) -> None:
    moment = datetime(
        2026, 3, 27, 12, 0, tzinfo=UTC
    )  # a Friday; Lisbon's clocks go forward on Sunday the 29th
    lisbon = working_deadline(session, moment, 1, timezone="Europe/Lisbon", country="CN").due_at
    assert lisbon.astimezone(UTC) == datetime(2026, 3, 30, 23, 0, tzinfo=UTC)
    shanghai = working_deadline(session, moment, 1, timezone=SHANGHAI, country="CN").due_at
    assert shanghai.astimezone(UTC) == datetime(2026, 3, 30, 16, 0, tzinfo=UTC)


def test_a_deadline_is_confirmed_when_every_year_it_runs_through_is(session: Session) -> None:
    moment = datetime(2026, 12, 31, 2, 0, tzinfo=UTC)  # Thursday; Friday is New Year's Day

    def confirmed() -> bool:
        return working_deadline(session, moment, 2, timezone=SHANGHAI, country="CN").is_confirmed

    assert not confirmed()
    confirm_year(session, 2026, by=uuid4(), country="CN")
    assert not confirmed()
    confirm_year(session, 2027, by=uuid4(), country="CN")
    assert confirmed()
