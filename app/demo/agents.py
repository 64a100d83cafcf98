"""The desk's robot agents: they work off callbacks, ringing customers who say what comes from their tap."""

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from app.demo.calls import Call
from app.demo.client import Client, TradeClock
from app.demo.public import Told
from app.demo.world import Supply, World

NOT_REACHED_SHARE = 0.12
DISSATISFIED_SHARE = 0.03
NOT_REACHED_REASONS = ("no_answer", "busy", "switched_off")
RING_S = (20.0, 90.0)
"""How long a callback takes, seconds of the trade."""
LOOK_EVERY_S = 1.0
"""Real seconds between looks at the list of callbacks."""
BATCH = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a callback went."""

    outcome: str
    reason: str | None = None
    note: str | None = None


class Agents:
    """So many agents who call back."""

    def __init__(
        self, world: World, agent: Client, clock: TradeClock, told: Told, *, count: int, seed: int
    ) -> None:
        self.made = 0
        self._world, self._agent, self._clock, self._told = world, agent, clock, told
        self._desks = asyncio.Semaphore(count)
        self._seed = seed
        self._tries: dict[UUID, int] = {}
        self._busy: dict[UUID, asyncio.Task[None]] = {}
        self._is_near_the_end = False
        self._failure: BaseException | None = None

    def expect_the_end(self) -> None:
        """From now on everybody answers: there is no time to try again."""
        self._is_near_the_end = True

    @property
    def busy(self) -> int:
        """How many callbacks are being made."""
        return len(self._busy)

    def check(self) -> None:
        """Raise what went wrong in a callback, if anything did."""
        if self._failure is not None:
            raise self._failure

    async def run(self) -> None:
        """Make callbacks until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> int:
        """Take up what is due; tell how many there were."""
        page = await self._agent.get("/api/callbacks", state="due", limit=BATCH)
        for item in page["items"]:
            callback_id = UUID(item["id"])
            if callback_id not in self._busy and self._may_ring(item):
                task = asyncio.create_task(self._work(callback_id, item))
                self._busy[callback_id] = task
                task.add_done_callback(partial(self._hung_up, callback_id))
        return len(page["items"])

    def _may_ring(self, item: Any) -> bool:  # Any: JSON
        """Heed the time before which somebody not reached is left alone."""
        not_before = item.get("not_before_at")
        return not_before is None or datetime.fromisoformat(not_before) <= self._clock.now()

    def _hung_up(self, callback_id: UUID, task: asyncio.Task[None]) -> None:
        self._busy.pop(callback_id, None)
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()

    async def _work(self, callback_id: UUID, item: Any) -> None:  # Any: JSON
        async with self._desks:
            answer = await self._agent.post(f"/api/callbacks/{callback_id}/claim")
            if not answer.is_ok and not (answer.status == 409 and answer.attempts > 1):
                return  # another agent has it, or it is not due any more
            tries = self._tries[callback_id] = self._tries.get(callback_id, 0) + 1
            rng = random.Random(f"{self._seed} ring {item['report_id']} {tries}")
            await self._clock.sleep(timedelta(seconds=rng.uniform(*RING_S)))
            outcome = self.ring(self._told.call_of.get(UUID(item["report_id"])), tries, rng)
            body = {
                key: value
                for key, value in (
                    ("outcome", outcome.outcome),
                    ("reason", outcome.reason),
                    ("note", outcome.note),
                )
                if value is not None
            }
            answer = await self._agent.post(f"/api/callbacks/{callback_id}/outcome", body)
            if answer.is_ok and outcome.outcome != "not_reached":
                self.made += 1

    def ring(self, call: Call | None, tries: int, rng: random.Random) -> Outcome:
        """Ring somebody: he answers or not, and says how it is."""
        if tries == 1 and not self._is_near_the_end and rng.random() < NOT_REACHED_SHARE:
            return Outcome("not_reached", reason=rng.choice(NOT_REACHED_REASONS))
        if call is not None and self._is_still_wrong(call):
            return Outcome("still_without" if call.customer is not None else "dissatisfied")
        return Outcome("dissatisfied" if rng.random() < DISSATISFIED_SHARE else "satisfied")

    def _is_still_wrong(self, call: Call) -> bool:
        if call.customer is not None:
            return self._world.supply(call.customer) is not Supply.NORMAL
        return any(burst.number == call.cause and burst.is_running for burst in self._world.bursts)
