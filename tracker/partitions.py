"""Positions are kept by day (UTC): days made before they are needed, old ones dropped whole.

What fits no day (a device whose clock stood still for years) goes to `position_default`, so that no date refuses a position.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from core.clock import utc_now
from tracker.models import SCHEMA, Position
from tracker.queries import position_days

DAYS_AHEAD = 2
"""Days made before they begin; the daily job and ingest both see to it."""
DAYS_BACK = 7
"""A phone that was out of reach for a week still finds its days; older fixes go to the default partition."""
_LOCK = 7_301_002
"""Key of the advisory lock that lets one process at a time make and drop days."""


def ensure_days(session: Session, days: Iterable[date]) -> None:
    """Make the partitions of these days, where they are missing, and move what waited for them in the default one.

    Call it first in a transaction: it locks the default partition until the end.
    """
    wanted = set(days)
    if wanted <= position_days(session):
        return
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    for day in sorted(wanted - position_days(session)):
        _make_day(session, day)


def days_around(now: datetime) -> list[date]:
    """List the days that positions of a working fleet fall on."""
    today = now.astimezone(UTC).date()
    return [today + timedelta(days=offset) for offset in range(-1, DAYS_AHEAD + 1)]


def has_day(day: date, *, now: datetime) -> bool:
    """Whether fixes of a day belong in a partition of its own."""
    today = now.astimezone(UTC).date()
    return today - timedelta(days=DAYS_BACK) <= day <= today + timedelta(days=DAYS_AHEAD)


def drop_old_positions(session: Session, *, keep_days: int) -> int:
    """Forget trails older than `keep_days`, whole days at a time.

    Returns
    -------
    dropped
        Days whose partition was dropped.
    """
    oldest_kept = (utc_now() - timedelta(days=keep_days)).date()
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    old = sorted(day for day in position_days(session) if day < oldest_kept)
    for day in old:
        session.execute(text(f"DROP TABLE {SCHEMA}.{_name(day)}"))
    session.execute(delete(Position).where(Position.recorded_at < _midnight(oldest_kept)))
    return len(old)


def _make_day(session: Session, day: date) -> None:
    name, begins, ends = f"{SCHEMA}.{_name(day)}", _midnight(day), _midnight(day + timedelta(days=1))
    session.execute(
        text(f"CREATE TABLE {name} (LIKE {SCHEMA}.position INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    )
    session.execute(
        text(
            f"WITH moved AS (DELETE FROM {SCHEMA}.position_default"
            f" WHERE recorded_at >= :begins AND recorded_at < :ends RETURNING *) INSERT INTO {name} SELECT * FROM moved"
        ),
        {"begins": begins, "ends": ends},
    )
    session.execute(
        text(
            f"ALTER TABLE {SCHEMA}.position ATTACH PARTITION {name}"
            f" FOR VALUES FROM ('{begins.isoformat()}') TO ('{ends.isoformat()}')"
        )
    )


def _name(day: date) -> str:
    return f"position_{day:%Y%m%d}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)
