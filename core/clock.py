"""The only clock of the trade.

A workspace keeps an epoch and a factor: at factor 60, an hour of the trade passes in a real minute, so that windows, promises and
time-outs mean in a demonstration what they mean in life. Tokens, keepalives and retries of jobs stay in real time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from core.errors import Conflict
from core.models import WorkspaceClock

LIVE = "live"


@dataclass(frozen=True, slots=True)
class Clock:
    """Maps real time to the trade's time: `trade_epoch` at `real_epoch`, then `factor` times as fast."""

    real_epoch: datetime
    trade_epoch: datetime
    factor: float = 1.0

    def at(self, real: datetime) -> datetime:
        """Tell the trade's time at a real instant."""
        if self.factor == 1.0 and self.real_epoch == self.trade_epoch:
            return real
        return self.trade_epoch + (real - self.real_epoch) * self.factor

    def real_seconds(self, trade: timedelta) -> float:
        """How long a span of the trade takes in real seconds."""
        return trade.total_seconds() / self.factor


_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
REAL = Clock(_EPOCH, _EPOCH)


class _Current:
    """Holds this process's clock; one slot, set at start."""

    clock: Clock = REAL


def use(clock: Clock) -> None:
    """Make `clock` this process's clock; done once when a process starts, and by tests."""
    _Current.clock = clock


def current() -> Clock:
    """Return this process's clock."""
    return _Current.clock


def real_now() -> datetime:
    """Now, for what must not run faster in a demonstration: tokens, keepalives, retries."""
    return datetime.now(UTC)


def utc_now() -> datetime:
    """Now, for everything that means something in the trade; aware, UTC."""
    return _Current.clock.at(real_now())


class SpeedRefused(Conflict):
    """Only demonstration and test workspaces run faster than life."""


def load(session: Session) -> Clock:
    """Read the workspace's clock; a workspace without one runs in real time."""
    row = session.get(WorkspaceClock, 1)
    return Clock(row.real_epoch, row.trade_epoch, row.factor) if row else REAL


def set_clock(session: Session, *, kind: str, factor: float, trade_epoch: datetime | None = None) -> Clock:
    """Start the workspace's clock anew: from now, or from `trade_epoch`, at `factor` times real speed.

    Raises
    ------
    SpeedRefused
        The workspace is `live` and the factor is not 1, or it is live already and shall become something else.
    """
    row = session.get(WorkspaceClock, 1, with_for_update=True)
    if kind == LIVE and (factor != 1.0 or trade_epoch is not None):
        raise SpeedRefused
    if row is not None and row.kind == LIVE and kind != LIVE:
        raise SpeedRefused
    now = real_now()
    row = row or WorkspaceClock(id=1)
    row.kind, row.factor, row.real_epoch, row.trade_epoch = kind, factor, now, trade_epoch or now
    session.add(row)
    session.flush()
    return load(session)
