"""The public: everybody who calls the desk, at the trade's time, as long as he has reason to."""

import asyncio
import contextlib
import heapq
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.demo.calls import Call, Knows
from app.demo.client import Client, DemoBroken, TradeClock
from app.demo.world import BurstKind, Supply, World

LINES = 6
"""Calls the desk's telephone robot takes at the same time."""


@dataclass(slots=True)
class Told:
    """What became of the calls that were made: the truth behind each report's id."""

    cause_of: dict[UUID, int | None] = field(default_factory=dict)
    call_of: dict[UUID, Call] = field(default_factory=dict)
    refused: int = 0


class Public:
    """Makes calls when their time comes: those whose water is back, or who see a dry street, do not call any more."""

    def __init__(self, world: World, agent: Client, clock: TradeClock, *, seed: int) -> None:
        self.told = Told()
        self._world, self._agent, self._clock = world, agent, clock
        self._rng = random.Random(f"{seed} client ids")
        self._waiting: list[tuple[float, int, Call]] = []
        self._order = 0
        self._lines = asyncio.Semaphore(LINES)
        self._talking: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._is_open = True
        self._failure: BaseException | None = None

    def expect(self, calls: Iterable[Call]) -> None:
        """Add people who will call."""
        for call in calls:
            self._order += 1
            heapq.heappush(self._waiting, (call.at.timestamp(), self._order, call))
        self._news.set()

    def close(self) -> None:
        """No more calls from now on; those being taken are taken to the end."""
        self._is_open = False
        self._news.set()

    @property
    def talking(self) -> int:
        """How many calls are being taken."""
        return len(self._talking)

    async def run(self) -> None:
        """Make the calls until `close`."""
        while self._is_open:
            self._news.clear()
            due_in_s = 3600.0
            if self._waiting:
                due_in_s = (self._waiting[0][0] - self._clock.now().timestamp()) / self._clock.factor
            if due_in_s > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), timeout=due_in_s)
                continue
            _, _, call = heapq.heappop(self._waiting)
            if self._has_reason(call):
                task = asyncio.create_task(self._make(call, self._new_id()))
                self._talking.add(task)
                task.add_done_callback(self._hung_up)
        if self._talking:
            await asyncio.gather(*self._talking)

    def _hung_up(self, task: asyncio.Task[None]) -> None:
        self._talking.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()

    def check(self) -> None:
        """Raise what went wrong in a call, if anything did."""
        if self._failure is not None:
            raise self._failure

    def _has_reason(self, call: Call) -> bool:
        if call.cause is None:
            return True
        burst = next(one for one in self._world.bursts if one.number == call.cause)
        if call.customer is None or burst.kind is BurstKind.SLOW_LEAK:
            return burst.is_running
        return self._world.supply(call.customer) is not Supply.NORMAL

    def _new_id(self) -> UUID:
        return UUID(int=self._rng.getrandbits(128), version=4)

    async def _make(self, call: Call, client_id: UUID) -> None:
        async with self._lines:
            body = await self._form(call, client_id)
            answer = await self._agent.post("/api/reports", body)
            if answer.status == 422 and call.knows is Knows.POINT:
                # The place is none of ours: the agent takes the call without it and asks later.
                answer = await self._agent.post(
                    "/api/reports", {k: v for k, v in body.items() if k != "point"}
                )
            if not answer.is_ok:
                self.told.refused += 1
                raise DemoBroken(f"a report was refused: {answer.status} {answer.body}")
            report_id = UUID(answer.body["id"])
            self.told.cause_of[report_id] = call.cause
            self.told.call_of[report_id] = call

    async def _form(self, call: Call, client_id: UUID) -> dict[str, Any]:  # Any: JSON
        """Fill in the report as an agent does who has the caller's number on the screen."""
        account_no = call.account_no
        address_text = call.address_text
        if call.knows is Knows.PHONE:
            answer = await self._agent.post("/api/callers/lookup", {"phone": call.phone})
            accounts = answer.body.get("accounts", []) if answer.is_ok else []
            if accounts:
                account_no = accounts[0]["account_no"]
        form: dict[str, Any] = {
            "client_id": str(client_id),
            "channel": str(call.channel),
            "category": call.category,
            "description": call.words,
            "caller": {"name": call.name, "phone": call.phone},
            "account_no": account_no,
            "address_text": address_text,
            "point": {"lon": call.point.lon, "lat": call.point.lat, "datum": "wgs84"} if call.point else None,
            "extent": call.extent,
            "noticed_at": call.noticed_at.isoformat(),
        }
        form["caller"] = {key: value for key, value in form["caller"].items() if value}
        return {key: value for key, value in form.items() if value}
