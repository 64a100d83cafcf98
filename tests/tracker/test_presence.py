"""Online, stale, offline, off duty: what brings a crew from one to the other."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import Clock, real_now, use
from core.db import new_id
from core.events import DeadlineKind, DeadlineReached, PresenceChanged
from core.models import Deadline, OutboxEvent
from core.settings import Settings, get_settings
from tracker import presence
from tracker.handlers import watch_silence
from tracker.models import Presence, PresenceState
from tracker.presence import PresenceUnchanged, may_come_online, state_by_silence

S = PresenceState
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def stand_clock(seconds: float) -> datetime:
    """Stop the clock so many seconds after noon."""
    use(Clock(real_now(), at(seconds), 1e-9))
    return at(seconds)


@pytest.fixture
def crew_id() -> UUID:
    return new_id()


def hear(
    session: Session, settings: Settings, crew_id: UUID, seconds: float, *, made: float | None = None
) -> None:
    now = stand_clock(seconds)
    presence.hear(
        session,
        {crew_id: at(seconds if made is None else made)},
        now=now,
        stale_s=settings.position_stale_s,
    )


def state(session: Session, crew_id: UUID) -> str:
    session.expire_all()
    return session.get_one(Presence, crew_id).state


def watched_until(session: Session, crew_id: UUID) -> list[datetime]:
    return list(
        session.scalars(
            select(Deadline.due_at).where(
                Deadline.subject_id == crew_id,
                Deadline.kind == DeadlineKind.PRESENCE_STALE,
                Deadline.fired_at.is_(None),
                Deadline.cancelled_at.is_(None),
            )
        )
    )


def told(session: Session) -> list[str]:
    rows = session.scalars(
        select(OutboxEvent).where(OutboxEvent.name == PresenceChanged.__name__).order_by(OutboxEvent.id)
    )
    return [row.payload["state"] for row in rows]


@pytest.mark.parametrize(
    ("before", "made", "expected"),
    [
        (S.OFFLINE, 101, True),
        (S.OFFLINE, 100, False),  # made when, or before, the phone was lost
        (S.STALE, 50, True),
        (S.STALE, -500, False),  # older than the limit itself
        (S.ONLINE, 101, False),
        (S.OFF_DUTY, 101, False),
    ],
)
def test_sign_of_life_brings_back_only_when_it_is_fresh(before: S, made: float, expected: bool) -> None:
    assert (
        may_come_online(before, changed_at=at(100), heard_at=at(made), now=at(110), stale_s=600.0) is expected
    )


def test_silence_makes_stale_then_offline() -> None:
    for seconds, expected in ((599, S.ONLINE), (600, S.STALE), (3599, S.STALE), (3600, S.OFFLINE)):
        assert state_by_silence(heard_at=NOON, now=at(seconds), stale_s=600, offline_s=3600) == expected


def test_crew_heard_is_online_and_watched(session: Session, settings: Settings, crew_id: UUID) -> None:
    hear(session, settings, crew_id, 0)
    hear(session, settings, crew_id, 30)
    assert state(session, crew_id) == "online"
    assert watched_until(session, crew_id) == [at(600)]
    assert told(session) == ["online"]


def test_silent_crew_becomes_stale_then_offline_and_a_talking_one_is_watched_on(
    session: Session, settings: Settings, crew_id: UUID
) -> None:
    hear(session, settings, crew_id, 0)
    hear(session, settings, crew_id, 300)
    for seconds, expected, next_look in (
        (600, "online", [at(900)]),
        (900, "stale", [at(3900)]),
        (901, "stale", [at(3900)]),  # a repeat does no harm
        (3900, "offline", []),
        (3901, "offline", []),
    ):
        stand_clock(seconds)
        presence.look_for_silence(session, crew_id, settings=settings)
        assert (state(session, crew_id), watched_until(session, crew_id)) == (expected, next_look)
    hear(session, settings, crew_id, 4000)
    assert told(session) == ["online", "stale", "offline", "online"]


def test_deadline_reached_is_how_silence_is_noticed(
    session: Session, settings: Settings, crew_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("MAINLINE_TOKEN_SECRET", settings.token_secret.get_secret_value())
    get_settings.cache_clear()
    hear(session, settings, crew_id, 0)
    now = stand_clock(600)
    watch_silence(session, DeadlineReached(new_id(), DeadlineKind.OFFER_EXPIRES, crew_id, now))
    assert state(session, crew_id) == "online"
    watch_silence(session, DeadlineReached(new_id(), DeadlineKind.PRESENCE_STALE, crew_id, now))
    assert state(session, crew_id) == "stale"
    get_settings.cache_clear()


def test_last_will_ends_the_watch(session: Session, settings: Settings, crew_id: UUID) -> None:
    hear(session, settings, crew_id, 0)
    presence.take_last_will(session, crew_id, at=at(5))
    presence.take_last_will(session, crew_id, at=at(6))
    assert (state(session, crew_id), watched_until(session, crew_id)) == ("offline", [])
    assert told(session) == ["online", "offline"]


def test_off_duty_lasts_until_the_shift_begins_whatever_the_phone_says(
    session: Session, settings: Settings, crew_id: UUID
) -> None:
    hear(session, settings, crew_id, 0)
    presence.end_duty(session, crew_id)
    presence.end_duty(session, crew_id)
    hear(session, settings, crew_id, 60)
    presence.take_last_will(session, crew_id, at=at(61))
    assert (state(session, crew_id), watched_until(session, crew_id)) == ("off_duty", [])
    stand_clock(120)
    presence.begin_duty(session, crew_id, settings=settings)
    presence.begin_duty(session, crew_id, settings=settings)
    assert state(session, crew_id) == "online"
    presence.end_duty(session, crew_id)
    stand_clock(2000)
    presence.begin_duty(session, crew_id, settings=settings)
    assert state(session, crew_id) == "offline"
    assert told(session) == ["online", "off_duty", "online", "off_duty", "offline"]


def test_transition_checks_the_state_before(session: Session, settings: Settings, crew_id: UUID) -> None:
    hear(session, settings, crew_id, 0)
    row = session.get_one(Presence, crew_id)
    with pytest.raises(PresenceUnchanged):
        presence.come_online(session, row, at=NOON, why="again", stale_s=600)
