"""The fleet: every crew a phone that answers offers, drives real streets, works on site and says what it found."""

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.demo.client import Answer, Client, TradeClock
from app.demo.driving import Drive, Fix
from app.demo.findings import Finding, look_round
from app.demo.phone import Phone
from app.demo.phrases import phrase
from app.demo.world import World
from gis.coordinates import LonLat

REPORT_EVERY_REAL_S, REPORT_EVERY_TRADE_S = 1.0, 10.0
"""A position every second of ours or every ten of the trade's, whichever comes later."""
LOOK_EVERY_REAL_S = 12.0
"""Jobs are asked for at least this often: a notice may be lost, the list is not."""
ANSWERS_WITHIN_S = (12.0, 45.0)
SETS_OUT_WITHIN_S = (30.0, 90.0)
DECLINE_SHARE, IGNORE_SHARE = 0.04, 0.03
GPS_ERROR_M = (4.0, 14.0)


@dataclass(frozen=True, slots=True)
class CrewCredentials:
    """What a crew's phone was set up with."""

    code: str
    username: str
    password: str
    mqtt_username: str
    mqtt_password: str
    depot: LonLat
    can_repair: bool


@dataclass(slots=True)
class CrewLog:
    """What a crew did; for the status line and for tests."""

    accepted: set[UUID] = field(default_factory=set)
    declined: int = 0
    ignored: int = 0
    done: int = 0


class CrewPhone:
    """One crew. What it is at is read from the product each time, so that a lost answer or a restart only delays it."""

    def __init__(
        self,
        credentials: CrewCredentials,
        *,
        world: World,
        client: Client,
        clock: TradeClock,
        phone: Phone,
        seed: int,
        is_resting: asyncio.Event,
    ) -> None:
        self.code = credentials.code
        self.place = credentials.depot
        self.phone = phone
        self.log = CrewLog()
        self.is_busy = False
        self.is_reporting = False
        """Whether a finding is on its way to the product just now."""
        self._world, self._client, self._clock = world, client, clock
        self._is_resting = is_resting
        self._can_repair = credentials.can_repair
        self._rng = random.Random(f"{seed} crew {credentials.code}")
        self._drive: Drive | None = None
        self._left_alone: set[UUID] = set()
        self._findings: dict[UUID, tuple[Finding, datetime]] = {}
        self._battery_pct = self._rng.randint(70, 100)
        self._wake = asyncio.Event()
        phone.on_notice = lambda _notice: self._wake.set()

    async def run(self) -> None:
        """Be on shift until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.phone.run())
            tasks.create_task(self._tell_positions())
            tasks.create_task(self._work())

    async def _tell_positions(self) -> None:
        every_s = max(REPORT_EVERY_REAL_S, REPORT_EVERY_TRADE_S / self._clock.factor)
        await asyncio.sleep(self._rng.uniform(0.0, every_s))
        while True:
            now = self._clock.now()
            fix = self._drive.at(now) if self._drive else Fix(self.place, 0.0, 0.0)
            self.place = fix.place
            self.phone.send(
                fix, at=now, accuracy_m=self._rng.uniform(*GPS_ERROR_M), battery_pct=self._battery_pct
            )
            await asyncio.sleep(every_s)

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            moved = False
            for job in (await self._client.get("/api/field/jobs"))["items"]:
                moved = await self._go_on(job) or moved
            if moved:
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_EVERY_REAL_S * self._rng.uniform(0.8, 1.2))

    async def _go_on(self, job: Any) -> bool:  # Any: JSON
        """Take a job one step further; tell whether there was a step to take."""
        assignment_id = UUID(job["assignment_id"])
        match job["state"]:
            case "offered":
                return await self._answer(assignment_id)
            case "accepted":
                self.is_busy = True
                await self._clock.sleep(timedelta(seconds=self._rng.uniform(*SETS_OUT_WITHIN_S)))
                return await self._say(assignment_id, "en-route")
            case "en_route":
                self.is_busy = True
                await self._drive_to(assignment_id, job)
                return await self._say(assignment_id, "on-site")
            case "on_site":
                self.is_busy = True
                await self._work_on_site(assignment_id, job)
                self.is_busy = False
                return True
        return False

    async def _answer(self, assignment_id: UUID) -> bool:
        if assignment_id in self._left_alone:
            return False
        await self._clock.sleep(timedelta(seconds=self._rng.uniform(*ANSWERS_WITHIN_S)))
        roll = self._rng.random()
        if roll < IGNORE_SHARE:
            self._left_alone.add(assignment_id)
            self.log.ignored += 1
            return False
        if roll < IGNORE_SHARE + DECLINE_SHARE:
            self._left_alone.add(assignment_id)
            why = phrase("declines", language="en", rng=self._rng)
            await self._say(assignment_id, "decline", {"reason": why})
            self.log.declined += 1
            return False
        if not await self._say(assignment_id, "accept"):
            self._left_alone.add(assignment_id)  # too late, or taken back: never mind
            return False
        self.log.accepted.add(assignment_id)
        return True

    async def _drive_to(self, assignment_id: UUID, job: Any) -> None:  # Any: JSON
        answer = await self._client.ask("GET", f"/api/field/jobs/{assignment_id}/route")
        line, seconds = self._route(answer, job)
        self._drive = Drive([self.place, *line], seconds, self._clock.now())
        await self._clock.sleep(timedelta(seconds=self._drive.seconds))
        self.place = self._drive.at(self._clock.now()).place
        self._drive = None

    def _route(self, answer: Answer, job: Any) -> tuple[list[LonLat], float]:  # Any: JSON
        """Read the way; without one (no road known) go straight at a walking pace."""
        there = LonLat(lon=job["work_order"]["place"]["lon"], lat=job["work_order"]["place"]["lat"])
        if answer.is_ok and answer.body and len(answer.body["geometry"]["coordinates"]) > 1:
            line = [LonLat(lon=lon, lat=lat) for lon, lat, *_ in answer.body["geometry"]["coordinates"]]
            return line, float(answer.body["properties"]["travel_time_s"])
        return [there], self._world.town.distance_m(self.place, there) / 1.4

    async def _work_on_site(self, assignment_id: UUID, job: Any) -> None:  # Any: JSON
        """Look, mend what there is to mend, and say so; a repeat after a lost answer finds the same again."""
        if assignment_id not in self._findings:
            place = LonLat(lon=job["work_order"]["place"]["lon"], lat=job["work_order"]["place"]["lat"])
            finding = look_round(
                self._world, place, kind=job["work_order"]["kind"], can_repair=self._can_repair, rng=self._rng
            )
            self._findings[assignment_id] = finding, self._clock.now() + finding.takes
        finding, ends_at = self._findings[assignment_id]
        await self._clock.sleep_until(ends_at)
        if self._is_resting.is_set():  # the run ends while this crew is on site
            await asyncio.Event().wait()
        self.is_reporting = True
        if finding.burst is not None:
            finding.burst.found_at = finding.burst.found_at or self._clock.now()
        if finding.burst is not None and finding.mends:
            self._world.restore(finding.burst, self._clock.now())
        if await self._say(assignment_id, "done", finding.form()):
            self.log.done += 1
        self.is_reporting = False

    async def _say(self, assignment_id: UUID, step: str, body: dict[str, Any] | None = None) -> bool:
        answer = await self._client.post(f"/api/field/jobs/{assignment_id}/{step}", body)
        return answer.is_ok or answer.attempts > 1  # a repeat may meet its own success: look again
