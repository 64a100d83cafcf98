"""From messages to positions, over a real PostGIS."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.db import new_id
from core.settings import Settings
from gis.coordinates import LonLat
from tracker.devices import CrewDirectory, register_device, revoke_device
from tracker.ingest import Message, Taken, take_messages
from tracker.models import DroppedMessage, Position, Presence
from tracker.positions import latest_position, trail

Take = Callable[..., Taken]


@pytest.fixture
def crew_id(session: Session) -> UUID:
    crew_id = new_id()
    register_device(session, crew_id=crew_id, mqtt_username="C-07")
    return crew_id


@pytest.fixture
def take(session: Session, settings: Settings, crew_id: UUID) -> Take:
    directory = CrewDirectory()

    def take(*messages: Message) -> Taken:
        taken = take_messages(session, messages, directory=directory, settings=settings)
        session.expire_all()
        return taken

    return take


def fix(
    at: datetime,
    *,
    lon: float = 24.94,
    lat: float = 60.17,
    user: str = "C-07",
    device: str = "phone",
    received_at: datetime | None = None,
    **more: object,
) -> Message:
    said = {"_type": "location", "lon": lon, "lat": lat, "tst": at.timestamp(), **more}
    return Message(f"owntracks/{user}/{device}", json.dumps(said).encode(), received_at or utc_now())


def raw(payload: bytes, *, topic: str = "owntracks/C-07/phone") -> Message:
    return Message(topic, payload, utc_now())


def last_will(*, device: str = "phone", at: datetime | None = None) -> Message:
    return Message(f"owntracks/C-07/{device}", b'{"_type":"lwt","tst":1}', at or utc_now())


def dropped(session: Session) -> dict[str, int]:
    rows = session.execute(select(DroppedMessage.reason, DroppedMessage.count))
    return dict(rows.all())


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Position)) or 0


def state(session: Session, crew_id: UUID) -> str:
    return session.get_one(Presence, crew_id).state


def ago(seconds: float) -> datetime:
    return (utc_now() - timedelta(seconds=seconds)).replace(microsecond=0)


def test_fix_is_stored_with_both_times_and_becomes_the_latest(
    session: Session, take: Take, crew_id: UUID
) -> None:
    at = ago(5)
    assert take(fix(at, vel=36, acc=8)) == Taken(stored=1, duplicates=0, last_wills=0, ignored=0, dropped=0)
    position = latest_position(session, crew_id)
    assert position is not None
    assert (position.recorded_at, position.point) == (at, LonLat(lon=24.94, lat=60.17))
    assert (position.speed_mps, position.accuracy_m, position.presence) == (10.0, 8.0, "online")
    assert timedelta(0) <= position.received_at - at < timedelta(seconds=60)
    (point,) = trail(session, crew_id, at, at + timedelta(seconds=1))
    assert (point.device, point.point) == ("phone", LonLat(lon=24.94, lat=60.17))


def test_same_fix_again_is_kept_once(session: Session, take: Take) -> None:
    at = ago(5)
    assert take(fix(at), fix(at)).duplicates == 1
    assert take(fix(at)) == Taken(stored=0, duplicates=1, last_wills=0, ignored=0, dropped=0)
    assert take(fix(at, device="vehicle")).stored == 1
    assert count(session) == 2


def test_late_fix_never_replaces_a_newer_one(session: Session, take: Take, crew_id: UUID) -> None:
    take(fix(ago(10), lon=24.95))
    take(fix(ago(300), lon=24.91), fix(ago(200), lon=24.92))
    position = latest_position(session, crew_id)
    assert position is not None
    assert position.point.lon == 24.95
    assert count(session) == 3
    take(fix(ago(5), lon=24.96), fix(ago(8), lon=24.93))
    position = latest_position(session, crew_id)
    assert position is not None
    assert position.point.lon == 24.96


def test_fix_of_a_clock_that_runs_ahead_is_dropped_and_counted(
    session: Session, take: Take, crew_id: UUID
) -> None:
    take(fix(ago(10), lon=24.95))
    assert take(fix(ago(-3600), lon=24.90)).dropped == 1
    assert take(fix(ago(-30), lon=24.96)).stored == 1  # within the tolerance of 60 s
    position = latest_position(session, crew_id)
    assert position is not None
    assert position.point.lon == 24.96
    assert dropped(session) == {"in_future": 1}


def test_latest_position_left_in_the_future_by_a_clock_set_back_is_replaced(
    session: Session, take: Take, crew_id: UUID
) -> None:
    ahead = ago(-3600)
    take(fix(ahead, lon=24.90, received_at=ahead))
    take(fix(ago(5), lon=24.95))
    position = latest_position(session, crew_id)
    assert position is not None
    assert position.point.lon == 24.95


def test_what_cannot_be_taken_is_counted_by_reason_and_spoils_nothing(session: Session, take: Take) -> None:
    taken = take(
        raw(b"not json"),
        raw(b'{"_type":"location","lat":NaN,"lon":24.9,"tst":1}'),
        fix(ago(9), lon=60.17, lat=124.9),
        fix(ago(9), user="C-99"),
        raw(b"{}", topic="owntracks/C-07"),
        raw(b'{"_type":"location","poi":"' + b"x" * 70_000 + b'"}'),
        fix(ago(9), acc=5_000),
        fix(ago(8)),
        raw(b'{"_type":"status"}', topic="owntracks/C-07/phone/status"),
    )
    assert taken == Taken(stored=1, duplicates=0, last_wills=0, ignored=1, dropped=7)
    assert dropped(session) == {
        "not_json": 2,
        "out_of_range": 1,
        "unknown_crew": 1,
        "wrong_topic": 1,
        "oversize": 1,
        "inaccurate": 1,
    }
    take(raw(b"again no json"))
    assert dropped(session)["not_json"] == 3


def test_place_outside_the_service_area_is_still_where_the_crew_is(
    session: Session, take: Take, crew_id: UUID
) -> None:
    assert take(fix(ago(5), lon=60.17, lat=24.94)).stored == 1  # axes swapped, yet a place on Earth
    position = latest_position(session, crew_id)
    assert position is not None
    assert position.point == LonLat(lon=60.17, lat=24.94)


def test_odd_dates_are_kept_too(session: Session, take: Take) -> None:
    assert (
        take(fix(datetime(1970, 1, 1, tzinfo=UTC)), fix(ago(3 * 86_400)), fix(ago(40 * 86_400))).stored == 3
    )
    assert count(session) == 3


def test_device_registered_meanwhile_is_known_at_its_first_message(session: Session, take: Take) -> None:
    take(fix(ago(9)))
    register_device(session, crew_id=new_id(), mqtt_username="C-08")
    assert take(fix(ago(9), user="C-08")).stored == 1


def test_revoked_device_is_not_listened_to(session: Session, settings: Settings, crew_id: UUID) -> None:
    revoke_device(session, mqtt_username="C-07")
    taken = take_messages(session, [fix(ago(5))], directory=CrewDirectory(), settings=settings)
    assert (taken.stored, taken.dropped) == (0, 1)


def test_last_will_takes_a_crew_offline_at_once_and_a_new_fix_back(
    session: Session, take: Take, crew_id: UUID
) -> None:
    take(fix(ago(20)))
    assert state(session, crew_id) == "online"
    take(last_will(at=ago(5)))
    assert state(session, crew_id) == "offline"
    take(fix(ago(10)))  # made before the phone was lost, delivered late
    assert state(session, crew_id) == "offline"
    take(fix(ago(2)))
    assert state(session, crew_id) == "online"


def test_last_will_counts_in_its_order_within_a_batch(session: Session, take: Take, crew_id: UUID) -> None:
    take(fix(ago(20)), last_will(), fix(ago(2)))
    assert state(session, crew_id) == "online"
    take(fix(ago(1)), last_will())
    assert state(session, crew_id) == "offline"


def test_last_will_of_one_device_leaves_a_crew_whose_other_device_lives(
    session: Session, take: Take, crew_id: UUID
) -> None:
    take(fix(ago(20)), fix(ago(20), device="vehicle"))
    take(last_will())
    assert state(session, crew_id) == "online"


def test_last_will_of_a_crew_never_heard_changes_nothing(session: Session, take: Take, crew_id: UUID) -> None:
    assert take(last_will()).last_wills == 1
    assert state(session, crew_id) == "offline"


def test_old_fixes_of_a_phone_bring_nobody_online(session: Session, take: Take, crew_id: UUID) -> None:
    take(fix(ago(7_200)), fix(ago(3_000)))
    assert state(session, crew_id) == "offline"
