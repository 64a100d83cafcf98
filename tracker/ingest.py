"""From the broker's messages to positions: a batch in one transaction, so that it may be acknowledged once that is committed.

Messages may come twice, late and in any order. A fix is kept once per crew, device and device time; the latest position of a crew is
guarded by the device's time, never by arrival.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CursorResult, exists, select, text
from sqlalchemy.orm import Session

from core.clock import real_now, utc_now
from core.settings import Settings
from gis.coordinates import WGS84_SRID
from tracker import presence
from tracker.devices import CrewDirectory
from tracker.dropped import Drop, DropReason, count_dropped
from tracker.models import Position
from tracker.owntracks import Fix, Ignored, LastWill, Reading, Refused, read_message
from tracker.partitions import days_around, ensure_days, has_day


@dataclass(frozen=True, slots=True)
class Message:
    """What the broker handed over, and when (the trade's time)."""

    topic: str
    payload: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch; each message in it may be acknowledged after commit."""

    stored: int
    duplicates: int
    last_wills: int
    ignored: int
    dropped: int


@dataclass(frozen=True, slots=True)
class _Kept:
    """A fix or a last will whose crew is known."""

    crew_id: UUID
    reading: Fix | LastWill
    received_at: datetime


def take_messages(
    session: Session, messages: Sequence[Message], *, directory: CrewDirectory, settings: Settings
) -> Taken:
    """Store a batch: positions, latest positions, presence, and counts of what was dropped.

    Parameters
    ----------
    messages
        In order of receipt.
    directory
        Whose device a user name is; kept by the process over batches.
    """
    readings = [
        (message, reading) for message in messages for reading in read_message(message.topic, message.payload)
    ]
    named = {reading.username for _, reading in readings if not isinstance(reading, Refused)}
    crews = directory.crews_of(session, named)
    kept: list[_Kept] = []
    drops: list[Drop] = []
    ignored = 0
    for message, reading in readings:
        reason = refusal(reading, crews, received_at=message.received_at, settings=settings)
        if reason is not None:
            drops.append(Drop(message.topic, reason, message.received_at))
        elif isinstance(reading, (Fix, LastWill)):
            kept.append(_Kept(crews[reading.username], reading, message.received_at))
        else:
            ignored += 1
    fixes = [(one, one.reading) for one in kept if isinstance(one.reading, Fix)]
    stored = _store(session, fixes, settings=settings) if fixes else 0
    _note_presence(session, kept, settings=settings)
    count_dropped(session, drops)
    return Taken(
        stored=stored,
        duplicates=len(fixes) - stored,
        last_wills=len(kept) - len(fixes),
        ignored=ignored,
        dropped=len(drops),
    )


def refusal(
    reading: Reading, crews: Mapping[str, UUID], *, received_at: datetime, settings: Settings
) -> DropReason | None:
    """Decide whether a reading is dropped, and why; None keeps it.

    A fix far from the service area is kept: it is still where the crew is.
    """
    if isinstance(reading, Refused):
        return reading.reason
    if reading.username not in crews:
        return DropReason.UNKNOWN_CREW
    if isinstance(reading, (LastWill, Ignored)):
        return None
    if reading.recorded_at > received_at + timedelta(seconds=settings.position_future_tolerance_s):
        return DropReason.IN_FUTURE
    if (reading.accuracy_m or 0.0) > settings.position_accuracy_max_m:
        return DropReason.INACCURATE
    return None


# --- positions --------------------------------------------------------------------------------------------------------------

# One JSON text rather than ten arrays: psycopg writes arrays item by item in Python, which took more time than all the rest (measured).
_FIXES = """
    json_to_recordset(CAST(:fixes AS json)) AS fix (
        crew_id uuid, recorded_at timestamptz, device text, received_at timestamptz, lon float8, lat float8,
        accuracy_m float8, speed_mps float8, course_deg float8, battery_pct float8
    )
"""
_PLACE = f"ST_SetSRID(ST_MakePoint(lon, lat), {WGS84_SRID})"

_ADD_POSITIONS = text(
    f"""
    INSERT INTO tracker.position
        (crew_id, recorded_at, device, received_at, geom, accuracy_m, speed_mps, course_deg, battery_pct)
    SELECT crew_id, recorded_at, device, received_at, {_PLACE}, accuracy_m, speed_mps, course_deg, battery_pct
    FROM {_FIXES}
    ORDER BY crew_id, recorded_at, device
    ON CONFLICT DO NOTHING
    """
)

# Rows are taken in the order of crews, so that two ingest processes never wait for each other in a circle. A stored fix that lies in the
# future can only be left from a clock that was set back since: any honest one replaces it.
_KEEP_LATEST = text(
    f"""
    INSERT INTO tracker.latest_position AS known
        (crew_id, recorded_at, received_at, stored_at, geom, accuracy_m, speed_mps, course_deg, battery_pct)
    SELECT crew_id, recorded_at, received_at, CAST(:stored_at AS timestamptz),
        {_PLACE}, accuracy_m, speed_mps, course_deg, battery_pct
    FROM {_FIXES}
    ORDER BY crew_id
    ON CONFLICT (crew_id) DO UPDATE SET
        recorded_at = excluded.recorded_at, received_at = excluded.received_at, stored_at = excluded.stored_at,
        geom = excluded.geom, accuracy_m = excluded.accuracy_m, speed_mps = excluded.speed_mps,
        course_deg = excluded.course_deg, battery_pct = excluded.battery_pct
    WHERE known.recorded_at < excluded.recorded_at OR known.recorded_at > CAST(:horizon AS timestamptz)
    """
)


def _store(session: Session, fixes: Sequence[tuple[_Kept, Fix]], *, settings: Settings) -> int:
    """Store fixes and keep the latest of each crew; tell how many were new."""
    now = utc_now()
    days = {fix.recorded_at.date() for _, fix in fixes}
    ensure_days(session, {day for day in days if has_day(day, now=now)} | set(days_around(now)))
    added = session.execute(_ADD_POSITIONS, {"fixes": _as_json(fixes)})
    assert isinstance(added, CursorResult)
    latest: dict[UUID, tuple[_Kept, Fix]] = {}
    for one in fixes:
        known = latest.setdefault(one[0].crew_id, one)
        if known[1].recorded_at < one[1].recorded_at:
            latest[one[0].crew_id] = one
    horizon = now + timedelta(seconds=settings.position_future_tolerance_s)
    session.execute(
        _KEEP_LATEST,
        {"fixes": _as_json(latest.values()), "stored_at": real_now(), "horizon": horizon},
    )
    return added.rowcount


def _as_json(fixes: Iterable[tuple[_Kept, Fix]]) -> str:
    return json.dumps(
        [
            {
                "crew_id": str(kept.crew_id),
                "recorded_at": fix.recorded_at.isoformat(),
                "device": fix.device,
                "received_at": kept.received_at.isoformat(),
                "lon": fix.point.lon,
                "lat": fix.point.lat,
                "accuracy_m": fix.accuracy_m,
                "speed_mps": fix.speed_mps,
                "course_deg": fix.course_deg,
                "battery_pct": fix.battery_pct,
            }
            for kept, fix in fixes
        ]
    )


# --- presence ---------------------------------------------------------------------------------------------------------------


def _note_presence(session: Session, kept: Sequence[_Kept], *, settings: Settings) -> None:
    """Take signs of life, then those last wills that no later fix of the batch belies."""
    signs: dict[UUID, datetime] = {}
    wills: dict[UUID, _Kept] = {}
    for one in kept:
        if isinstance(one.reading, Fix):
            sign = min(one.reading.recorded_at, one.received_at)
            signs[one.crew_id] = max(sign, signs.get(one.crew_id, sign))
            wills.pop(one.crew_id, None)
        else:
            wills[one.crew_id] = one
    presence.hear(session, signs, now=utc_now(), stale_s=settings.position_stale_s)
    for crew_id, will in sorted(wills.items(), key=lambda item: item[0]):
        since = will.received_at - timedelta(seconds=settings.position_stale_s)
        if not _another_device_lives(session, crew_id, will.reading.device, since=since):
            presence.take_last_will(session, crew_id, at=will.received_at)


def _another_device_lives(session: Session, crew_id: UUID, device: str, *, since: datetime) -> bool:
    """Whether a second device of the crew (phone and vehicle, say) was heard lately."""
    heard = exists().where(
        Position.crew_id == crew_id, Position.recorded_at >= since, Position.device != device
    )
    return bool(session.scalar(select(heard)))
