"""Whether a crew's phone is there: online, stale, offline, off duty.

A last will takes a phone offline at once; silence makes it stale, then offline. A fix brings it back when it was made after the phone was
lost: what a broker delivers late proves nothing. Every change goes through a named transition, which checks the state before, records when
and why, and emits `PresenceChanged`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.deadlines import cancel_deadline, set_deadline
from core.errors import Conflict
from core.events import DeadlineKind, PresenceChanged
from core.outbox import emit
from core.settings import Settings
from tracker.models import Presence, PresenceState

_S = PresenceState
_FROM: Final[dict[PresenceState, frozenset[PresenceState]]] = {
    _S.ONLINE: frozenset({_S.OFFLINE, _S.STALE, _S.OFF_DUTY}),
    _S.STALE: frozenset({_S.ONLINE}),
    _S.OFFLINE: frozenset({_S.ONLINE, _S.STALE, _S.OFF_DUTY}),
    _S.OFF_DUTY: frozenset({_S.ONLINE, _S.STALE, _S.OFFLINE}),
}
"""From which states each state may be entered."""


NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a phone was heard that never was."""


class PresenceUnchanged(Conflict):
    """The crew's presence does not allow this change."""


# --- decisions --------------------------------------------------------------------------------------------------------------


def may_come_online(
    state: PresenceState, *, changed_at: datetime, heard_at: datetime, now: datetime, stale_s: float
) -> bool:
    """Decide whether a sign of life brings a phone back.

    Parameters
    ----------
    changed_at
        Since when it is in `state`.
    heard_at
        When the sign was made: the fix's own time, or ours if that is earlier.
    stale_s
        Silence after which a phone is stale, seconds.
    """
    if state in (_S.ONLINE, _S.OFF_DUTY) or now - heard_at > timedelta(seconds=stale_s):
        return False
    return state == _S.STALE or heard_at > changed_at


def state_by_silence(*, heard_at: datetime, now: datetime, stale_s: float, offline_s: float) -> PresenceState:
    """Decide what silence since `heard_at` makes of a phone."""
    silence = now - heard_at
    if silence >= timedelta(seconds=offline_s):
        return _S.OFFLINE
    return _S.STALE if silence >= timedelta(seconds=stale_s) else _S.ONLINE


# --- transitions ------------------------------------------------------------------------------------------------------------


def come_online(session: Session, presence: Presence, *, at: datetime, why: str, stale_s: float) -> None:
    """The phone is heard again; from now on its silence is watched."""
    _change(session, presence, _S.ONLINE, at=at, why=why)
    _watch(session, presence.crew_id, presence.heard_at + timedelta(seconds=stale_s))


def go_stale(session: Session, presence: Presence, *, at: datetime, offline_s: float) -> None:
    """The phone has been silent for long."""
    _change(session, presence, _S.STALE, at=at, why="silent")
    _watch(session, presence.crew_id, presence.heard_at + timedelta(seconds=offline_s))


def go_offline(session: Session, presence: Presence, *, at: datetime, why: str) -> None:
    """The phone is gone: by its last will, or by silence."""
    _change(session, presence, _S.OFFLINE, at=at, why=why)
    cancel_deadline(session, kind=DeadlineKind.PRESENCE_STALE, subject_id=presence.crew_id)


def end_duty(session: Session, crew_id: UUID) -> None:
    """The crew's shift is over; said again, nothing happens. Its positions do not bring it back, `begin_duty` does."""
    presence = _locked(session, crew_id)
    if presence.state == _S.OFF_DUTY:
        return
    _change(session, presence, _S.OFF_DUTY, at=utc_now(), why="shift_ended")
    cancel_deadline(session, kind=DeadlineKind.PRESENCE_STALE, subject_id=crew_id)


def begin_duty(session: Session, crew_id: UUID, *, settings: Settings) -> None:
    """The crew's shift begins: online if its phone was heard lately; said again, nothing happens."""
    presence = _locked(session, crew_id)
    if presence.state != _S.OFF_DUTY:
        return
    now = utc_now()
    if now - presence.heard_at < timedelta(seconds=settings.position_stale_s):
        come_online(session, presence, at=now, why="shift_began", stale_s=settings.position_stale_s)
    else:
        go_offline(session, presence, at=now, why="shift_began")


def _change(session: Session, presence: Presence, to: PresenceState, *, at: datetime, why: str) -> None:
    if PresenceState(presence.state) not in _FROM[to]:
        raise PresenceUnchanged
    presence.state = to
    presence.changed_at = at
    presence.reason = why
    session.flush()
    emit(session, PresenceChanged(presence.crew_id, to))


def _watch(session: Session, crew_id: UUID, due_at: datetime) -> None:
    set_deadline(session, kind=DeadlineKind.PRESENCE_STALE, subject_id=crew_id, due_at=due_at)


# --- what makes them happen -------------------------------------------------------------------------------------------------


_HEAR = text(
    """
    INSERT INTO tracker.presence AS known (crew_id, state, changed_at, heard_at, reason)
    SELECT crew_id, 'offline', heard_at - interval '1 microsecond', heard_at, 'never_heard'
    FROM unnest(CAST(:crew_ids AS uuid[]), CAST(:heard_at AS timestamptz[])) AS sign (crew_id, heard_at)
    ORDER BY crew_id
    ON CONFLICT (crew_id) DO UPDATE SET heard_at = greatest(known.heard_at, excluded.heard_at)
    RETURNING crew_id, state, changed_at
    """
)


def hear(session: Session, signs: Mapping[UUID, datetime], *, now: datetime, stale_s: float) -> None:
    """Note signs of life, and bring back those phones that were gone.

    Parameters
    ----------
    signs
        Crew -> when its latest sign was made; never later than now.
    stale_s
        Silence after which a phone is stale, seconds.
    """
    if not signs:
        return
    rows = session.execute(_HEAR, {"crew_ids": list(signs), "heard_at": list(signs.values())}).all()
    back = [
        crew_id
        for crew_id, state, changed_at in rows
        if may_come_online(
            PresenceState(state), changed_at=changed_at, heard_at=signs[crew_id], now=now, stale_s=stale_s
        )
    ]
    for crew_id in sorted(back):
        come_online(session, _locked(session, crew_id), at=now, why="heard", stale_s=stale_s)


def take_last_will(session: Session, crew_id: UUID, *, at: datetime) -> None:
    """The broker says that a crew's phone is gone."""
    presence = _locked(session, crew_id)
    if presence.state in (_S.ONLINE, _S.STALE):
        go_offline(session, presence, at=at, why="last_will")


def look_for_silence(session: Session, crew_id: UUID, *, settings: Settings) -> None:
    """Look whether a phone watched has been silent, and go on watching it if not; repeats do no harm."""
    presence = _locked(session, crew_id)
    if presence.state not in (_S.ONLINE, _S.STALE):
        return
    now, stale_s, offline_s = utc_now(), settings.position_stale_s, settings.presence_offline_s
    silent = state_by_silence(heard_at=presence.heard_at, now=now, stale_s=stale_s, offline_s=offline_s)
    if silent == _S.OFFLINE:
        go_offline(session, presence, at=now, why="silent")
    elif silent == _S.STALE and presence.state == _S.ONLINE:
        go_stale(session, presence, at=now, offline_s=offline_s)
    else:
        limit_s = stale_s if presence.state == _S.ONLINE else offline_s
        _watch(session, crew_id, presence.heard_at + timedelta(seconds=limit_s))


def _locked(session: Session, crew_id: UUID) -> Presence:
    """Lock what is known of a crew, as of now; nothing known means never heard."""
    presence = session.get(Presence, crew_id, with_for_update=True, populate_existing=True)
    if presence is None:
        now = utc_now()
        presence = Presence(
            crew_id=crew_id, state=_S.OFFLINE, changed_at=now, heard_at=NEVER, reason="never_heard"
        )
        session.add(presence)
        session.flush()
    return presence
