"""Positions by day."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.clock import Clock, real_now, use
from core.db import new_id
from gis.coordinates import LonLat
from tracker.models import Position
from tracker.partitions import days_around, drop_old_positions, ensure_days, has_day
from tracker.queries import position_days

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clock() -> None:
    use(Clock(real_now(), NOON, 1e-9))


def add(session: Session, at: datetime) -> UUID:
    crew_id = new_id()
    session.add(
        Position(
            crew_id=crew_id,
            recorded_at=at,
            device="phone",
            received_at=at,
            geom=LonLat(lon=24.9, lat=60.2).as_stored(),
        )
    )
    session.flush()
    return crew_id


def table_of(session: Session, crew_id: UUID) -> str:
    query = text("SELECT tableoid::regclass::text FROM tracker.position WHERE crew_id = :crew_id")
    return str(session.scalar(query, {"crew_id": crew_id}))


def test_days_are_made_once_and_take_what_falls_on_them(session: Session) -> None:
    days = days_around(NOON)
    assert days == [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)]
    ensure_days(session, days)
    ensure_days(session, days)
    assert set(days) <= position_days(session)
    first = datetime(2026, 3, 2, tzinfo=UTC)
    assert table_of(session, add(session, first)) == "tracker.position_20260302"
    assert table_of(session, add(session, first - timedelta(microseconds=1))) == "tracker.position_20260301"
    assert table_of(session, add(session, datetime(1970, 1, 1, tzinfo=UTC))) == "tracker.position_default"


def test_fixes_that_came_before_their_day_was_made_move_into_it(session: Session) -> None:
    early, odd = add(session, NOON), add(session, datetime(1970, 1, 1, tzinfo=UTC))
    assert table_of(session, early) == "tracker.position_default"
    ensure_days(session, [NOON.date()])
    assert table_of(session, early) == "tracker.position_20260302"
    assert table_of(session, odd) == "tracker.position_default"


def test_odd_dates_get_no_day_of_their_own() -> None:
    assert has_day(date(2026, 2, 24), now=NOON)
    assert has_day(date(2026, 3, 4), now=NOON)
    assert not has_day(date(1970, 1, 1), now=NOON)
    assert not has_day(date(2026, 3, 5), now=NOON)


def test_trails_are_forgotten_after_their_time(session: Session) -> None:
    ensure_days(session, [date(2026, 2, 19), date(2026, 2, 20)])
    old, odd = (
        add(session, datetime(2026, 2, 19, 23, 59, tzinfo=UTC)),
        add(session, datetime(1970, 1, 1, tzinfo=UTC)),
    )
    kept = add(session, datetime(2026, 2, 20, tzinfo=UTC))
    assert drop_old_positions(session, keep_days=10) == 1
    assert drop_old_positions(session, keep_days=10) == 0
    left = set(session.scalars(select(Position.crew_id)))
    assert left & {old, odd, kept} == {kept}
