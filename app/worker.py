"""The worker process: relay of events, sweep of deadlines, jobs. Any number may run; rows are shared by SKIP LOCKED."""

import asyncio
import signal
import threading
from collections.abc import Callable

import structlog

from app.jobs import make_worker_app
from app.subscriptions import SUBSCRIPTIONS, TRIAGE_LANE
from app.tuning import give_way, make_responsive
from core import clock, logs
from core.db import SessionFactory, session_factory
from core.deadlines import sweep
from core.heartbeat import Heartbeat
from core.outbox import LOCK_WAIT_MS, Subscriptions, handle_batch, listen
from core.settings import Settings, get_settings

log = structlog.get_logger()

LOOP_PAUSE_S = 1.0
"""Real seconds a loop rests after a failure (the database away, say) before it goes on."""


class Worker:
    """The loops of one worker process, each in a thread of its own, until `stop` is set."""

    def __init__(
        self, settings: Settings, factory: SessionFactory, *, subscriptions: Subscriptions = SUBSCRIPTIONS
    ) -> None:
        self.settings = settings
        self.factory = factory
        self.subscriptions = subscriptions
        self.stop = threading.Event()
        self.wake = threading.Event()

    def run(self) -> None:
        """Run all loops until stopped."""
        loops: dict[str, Callable[[], None]] = {
            "listen": self._listen,
            "relay": self._relay,
            "deadlines": self._sweep,
            "jobs": self._jobs,
        }
        threads = [
            threading.Thread(target=self._keep, args=(name, loop), name=name) for name, loop in loops.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def end(self) -> None:
        """Ask all loops to end after what they are doing."""
        self.stop.set()
        self.wake.set()

    def _keep(self, name: str, loop: Callable[[], None]) -> None:
        while not self.stop.is_set():
            try:
                loop()
            except Exception as error:  # a loop logs and goes on
                log.error("worker.loop_failed", loop=name, error=type(error).__name__, exc_info=error)
                self.stop.wait(LOOP_PAUSE_S)

    def _listen(self) -> None:
        heard = {kind.__name__ for kind in self.subscriptions} - TRIAGE_LANE
        with listen(self.settings.database_url.get_secret_value()) as connection:
            while not self.stop.is_set():
                for notice in connection.notifies(timeout=1.0, stop_after=1):
                    if not notice.payload or notice.payload in heard:
                        self.wake.set()

    def _relay(self) -> None:
        while not self.stop.is_set():
            self.wake.clear()
            batch = handle_batch(
                self.factory,
                self.subscriptions,
                batch=self.settings.relay_batch_events,
                attempts_max=self.settings.event_attempts_max,
                retry_s=self.settings.event_retry_s,
                without=TRIAGE_LANE,
            )
            if batch.is_drained:
                self.wake.wait(self.settings.relay_poll_s)

    def _sweep(self) -> None:
        heartbeat = Heartbeat(self.settings.run_dir, "worker")
        while not self.stop.is_set():
            heartbeat.beat()
            if not sweep(self.factory, batch=self.settings.deadline_batch):
                self.stop.wait(self.settings.deadline_poll_s)

    def _jobs(self) -> None:
        asyncio.run(self._run_jobs())

    async def _run_jobs(self) -> None:
        async with make_worker_app(self.settings).open_async() as jobs:
            working = asyncio.create_task(jobs.run_worker_async(install_signal_handlers=False, concurrency=4))
            while not self.stop.is_set() and not working.done():
                await asyncio.sleep(0.2)
            if working.done():
                working.result()  # it ended by itself: raise what ended it, so that it is logged and begun anew
            working.cancel()
            await asyncio.wait([working])


def main() -> None:
    """Run until told to end."""
    settings = get_settings()
    logs.configure("worker", level=settings.log_level)
    factory = session_factory(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        lock_wait_ms=LOCK_WAIT_MS,
    )
    with factory() as session:
        clock.use(clock.load(session))
    worker = Worker(settings, factory)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.end())
    make_responsive(factory)
    give_way()
    log.info("worker.started", workspace=settings.workspace, factor=clock.current().factor)
    worker.run()
    log.info("worker.ended")


if __name__ == "__main__":
    main()
