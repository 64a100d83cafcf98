"""The desk's robot agents: they call back those who are to hear how it ended and ask again who could not say where he is."""

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from app.demo.calls import Call
from app.demo.client import Client, TradeClock
from app.demo.phrases import phrase
from app.demo.public import Told
from app.demo.world import Supply, World

NOT_REACHED_SHARE = 0.12
DISSATISFIED_SHARE = 0.03
NOT_REACHED_REASONS = ("no_answer", "busy", "switched_off")
RING_S = (20.0, 90.0)
"""How long a callback takes, seconds of the trade."""
LOOK_EVERY_S = 1.0
"""Real seconds between looks at the list of callbacks."""
DESK_EVERY_S = 5.0
"""Real seconds between looks at reports without a place and at cases that wait for the desk."""
ASKS_AGAIN_AFTER = timedelta(minutes=6)
ANSWERS_AFTER = timedelta(minutes=12)
"""How long such a thing lies on the desk, in the trade's time."""
KNOWS_WHEN_ASKED_SHARE = 0.7
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
        self._asked: set[UUID] = set()
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
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._call_back())
            tasks.create_task(self._work_desk())

    async def _call_back(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _work_desk(self) -> None:
        while not self._is_near_the_end:
            await asyncio.sleep(DESK_EVERY_S)
            for report in (await self._agent.get("/api/reports", state="unlocated", limit=BATCH))["items"]:
                await self._ask_again(report)
            cases = await self._agent.get("/api/cases", waits_for_desk="true", state="open", limit=BATCH)
            for case in cases["items"]:
                await self._answer(case)

    async def _ask_again(self, report: Any) -> None:  # Any: JSON
        """Ring a customer whose words led nowhere: most then find an old bill with the account number."""
        report_id = UUID(report["id"])
        lies_for = self._clock.now() - datetime.fromisoformat(report["received_at"])
        if report_id in self._asked or lies_for < ASKS_AGAIN_AFTER:
            return
        self._asked.add(report_id)
        call = self._told.call_of.get(report_id)
        rng = random.Random(f"{self._seed} asks {report_id}")
        if call is None or call.customer is None or rng.random() > KNOWS_WHEN_ASKED_SHARE:
            return
        account_no = self._world.town.customer(call.customer).account_no
        await self._agent.post(f"/api/reports/{report_id}/locate", {"account_no": account_no})

    async def _answer(self, case: Any) -> None:  # Any: JSON
        """Answer what no crew can help with: nobody could say where it is, also when asked again."""
        lies_for = self._clock.now() - datetime.fromisoformat(case["opened_at"])
        if lies_for < ANSWERS_AFTER or not all(UUID(one) in self._asked for one in case["report_ids"]):
            return
        rng = random.Random(f"{self._seed} answers {case['id']}")
        words = phrase("answers", language="en", rng=rng)
        await self._agent.post(f"/api/cases/{case['id']}/answer", {"answer": words})

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
