"""The triage process: one consumer at a time decides which incident each report belongs to, in order of receipt.

It has a process of its own because a caller waits for it: nothing else takes its turn. Whoever holds the advisory lock is the consumer; any
number of others stand by and take over when the holder's connection ends.
"""

import signal
import threading

import structlog
from psycopg import Connection

from app.subscriptions import SUBSCRIPTIONS, TRIAGE_LANE
from app.tuning import make_responsive
from core import clock, logs
from core.db import SessionFactory, session_factory
from core.heartbeat import Heartbeat
from core.outbox import LOCK_WAIT_MS, Subscriptions, handle_batch, listen
from core.settings import Settings, get_settings

log = structlog.get_logger()

TRIAGE_LOCK = 7_301_001
"""Key of the advisory lock of the triage lane."""
PAUSE_S = 1.0
"""Real seconds after a failure (the database away, say), and between a standby's tries to become the one consumer."""


class Triage:
    """The loop of one triage process, until told to end."""

    def __init__(
        self, settings: Settings, factory: SessionFactory, *, subscriptions: Subscriptions = SUBSCRIPTIONS
    ) -> None:
        self.settings = settings
        self.factory = factory
        self.subscriptions = subscriptions
        self.stop = threading.Event()
        self._heartbeat = Heartbeat(settings.run_dir, "triage")

    def end(self) -> None:
        """Ask to end after the batch in hand; safe in a signal handler."""
        self.stop.set()

    def run(self) -> None:
        """Stand by, then decide, until stopped."""
        while not self.stop.is_set():
            try:
                with listen(self.settings.database_url.get_secret_value()) as connection:
                    self._take_turn(connection)
            except Exception as error:  # a loop logs and goes on
                log.error("triage.failed", error=type(error).__name__, exc_info=error)
            self.stop.wait(PAUSE_S)

    def _take_turn(self, connection: Connection) -> None:
        """Be the one consumer while the lock's connection stands; return at once when somebody else is."""
        self._heartbeat.beat()
        if not _try_lock(connection):
            return
        log.info("triage.taken")
        while not self.stop.is_set():
            self._heartbeat.beat()
            batch = handle_batch(
                self.factory,
                self.subscriptions,
                batch=self.settings.relay_batch_events,
                attempts_max=self.settings.event_attempts_max,
                retry_s=self.settings.event_retry_s,
                only=TRIAGE_LANE,
            )
            if batch.is_drained:
                _wait_for_event(connection, self.settings.relay_poll_s)
            connection.execute("SELECT true")  # raises when the lock is gone with its connection


def _try_lock(connection: Connection) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (TRIAGE_LOCK,)).fetchone()
    return bool(row and row[0])


def _wait_for_event(connection: Connection, patience_s: float) -> None:
    """Wait until an event of the lane is told, or for so many real seconds."""
    for notice in connection.notifies(timeout=patience_s):
        if not notice.payload or notice.payload in TRIAGE_LANE:
            return


def main() -> None:
    """Run until told to end."""
    settings = get_settings()
    logs.configure("triage", level=settings.log_level)
    factory = session_factory(
        settings.database_url.get_secret_value(), pool_size=2, lock_wait_ms=LOCK_WAIT_MS
    )
    with factory() as session:
        clock.use(clock.load(session))
    triage = Triage(settings, factory)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: triage.end())
    make_responsive(factory)
    log.info("triage.started", workspace=settings.workspace, factor=clock.current().factor)
    triage.run()
    log.info("triage.ended")


if __name__ == "__main__":
    main()
