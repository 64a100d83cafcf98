"""Working days: seeded from the `holidays` package, kept as rows a person can edit, a year unconfirmed until somebody confirms it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import holidays
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.errors import Invalid
from core.events import CalendarChanged
from core.models import CalendarDay, CalendarYear
from core.outbox import emit

WEEKEND = (5, 6)
DAYS_SEARCHED_MAX = 400
"""No calendar has a longer run without enough working days for the deadlines of the trade."""


class NoWorkingDay(Invalid):
    """The calendar names no working day within a year of this date; check its entries."""


def is_working_day(day: date, exceptions: Mapping[date, bool]) -> bool:
    """Whether people work on a day: what the calendar says, else what its weekday says."""
    return exceptions.get(day, day.weekday() not in WEEKEND)


def nth_working_day(start: date, n: int, exceptions: Mapping[date, bool]) -> date:
    """Find the n-th working day after `start`, `start` itself not counted.

    Parameters
    ----------
    start
        Day the count begins after.
    n
        Working days to count, 1 or more.
    exceptions
        Days that are not what their weekday says: True is a working day.

    Raises
    ------
    NoWorkingDay
        Fewer than `n` working days follow within `DAYS_SEARCHED_MAX` days.
    """
    day = start
    for _ in range(DAYS_SEARCHED_MAX):
        day += timedelta(days=1)
        n -= is_working_day(day, exceptions)
        if n <= 0:
            return day
    raise NoWorkingDay


@dataclass(frozen=True, slots=True)
class WorkingDeadline:
    """When so many working days are over."""

    due_at: datetime
    is_confirmed: bool
    """Somebody confirmed every year it was counted through; else it is counted anew once somebody does."""


def working_deadline(
    session: Session,
    moment: datetime,
    n: int,
    *,
    timezone: str,
    country: str,
    cut_off: time | None = None,
    counts_first_day: bool = False,
) -> WorkingDeadline:
    """Tell when the n-th working day after a moment ends, by the utility's zone and calendar.

    Parameters
    ----------
    cut_off
        Time of that day by the utility's clocks; None: its end.
    counts_first_day
        The moment's own day is the first, if people work on it and its cut-off is still to come.

    Returns
    -------
    deadline
        Aware, in the utility's zone; the end of a day is the midnight after it.
    """
    zone = ZoneInfo(timezone)
    local = moment.astimezone(zone)
    first = local.date()
    start = first
    if counts_first_day and (cut_off is None or local.time() < cut_off):
        start -= timedelta(days=1)
    for year in (first.year, first.year + 1):
        seed_year(session, year, country=country)
    exceptions = exceptions_between(session, start, start + timedelta(days=DAYS_SEARCHED_MAX))
    day = nth_working_day(start, n, exceptions)
    end = (
        datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)
        if cut_off is None
        else datetime.combine(day, cut_off, tzinfo=zone)
    )
    return WorkingDeadline(end, is_confirmed=_are_confirmed(session, range(first.year, day.year + 1)))


def _are_confirmed(session: Session, years: range) -> bool:
    confirmed = session.scalars(
        select(CalendarYear.year).where(CalendarYear.year.in_(years), CalendarYear.confirmed_at.is_not(None))
    )
    return set(confirmed) == set(years)


def seed_year(session: Session, year: int, *, country: str) -> None:
    """Fill a year's holidays and make-up days once, from the package; edited days are never overwritten."""
    if session.get(CalendarYear, year) is not None:
        return
    now = utc_now()
    begun = insert(CalendarYear).values(year=year, seeded_at=now).on_conflict_do_nothing()
    if session.scalar(begun.returning(CalendarYear.year)) is None:
        return  # another process did so just now
    published = holidays.country_holidays(country, years=year)
    first = date(year, 1, 1)
    days = (first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days))
    present = set(
        session.scalars(select(CalendarDay.day).where(CalendarDay.day.between(first, date(year, 12, 31))))
    )
    for day in days:
        works = published.is_working_day(day)
        if day in present or works == (day.weekday() not in WEEKEND):
            continue
        name = published.get(day) or "make-up working day"
        session.add(
            CalendarDay(day=day, is_working=works, name=name[:120], source="holidays", changed_at=now)
        )
    session.flush()


def exceptions_between(session: Session, first: date, last: date) -> dict[date, bool]:
    """Read the days of a span that are not what their weekday says."""
    rows = session.execute(
        select(CalendarDay.day, CalendarDay.is_working).where(CalendarDay.day.between(first, last))
    )
    return {row.day: row.is_working for row in rows}


def days_of_year(session: Session, year: int, *, country: str) -> tuple[Sequence[CalendarDay], CalendarYear]:
    """Read a year's exceptional days and whether the year is confirmed; seeds it when nobody asked before."""
    seed_year(session, year, country=country)
    days = session.scalars(
        select(CalendarDay)
        .where(CalendarDay.day.between(date(year, 1, 1), date(year, 12, 31)))
        .order_by(CalendarDay.day)
    ).all()
    return days, session.get_one(CalendarYear, year)


def set_day(session: Session, day: date, *, is_working: bool, name: str) -> CalendarDay:
    """Say that a day is a working day or not, whatever the package says."""
    row = session.get(CalendarDay, day) or CalendarDay(day=day)
    row.is_working, row.name, row.source, row.changed_at = is_working, name, "edited", utc_now()
    session.add(row)
    session.flush()
    emit(session, CalendarChanged(day.year))
    return row


def confirm_year(session: Session, year: int, *, by: UUID, country: str) -> CalendarYear:
    """Say that a year's days agree with the published notice."""
    _, row = days_of_year(session, year, country=country)
    row.confirmed_at, row.confirmed_by = utc_now(), by
    session.flush()
    emit(session, CalendarChanged(year))
    return row
