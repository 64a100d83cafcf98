"""One run of the demo: mains break, people call, crews drive, agents call back; then the city drains and is counted."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx

from app.demo.agents import Agents
from app.demo.calls import calls_about, stray_calls
from app.demo.client import Client, DemoBroken, TradeClock, open_http
from app.demo.dispatcher import Dispatcher
from app.demo.figures import Figures, read_figures
from app.demo.fleet import CrewPhone
from app.demo.phone import Phone
from app.demo.public import Public
from app.demo.stage import Stage
from app.demo.town import Town
from app.demo.world import PlannedBurst, World, plan_bursts

SEED = 7
BURSTS_PER_CREW_HOUR, BURSTS_PER_HOUR_MAX = 0.25, 5.0
STRAYS_PER_CREW_HOUR = 0.7
"""A burst takes a fleet about 1.7 hours of looking, driving and mending, a stray half an hour: together about 70 of 100
hours on shift."""
LAST_BURST_BEFORE_END = timedelta(hours=1)
"""No burst begins later, so that its calls come in and its crew gets through."""
BLOCK = timedelta(hours=4)
"""Without an end, bursts and strays are drawn for so long at a time."""
DRAIN_REAL_S = 60.0
CREWS_REST_REAL_S = 25.0
"""So long before the end no crew reports a job done any more: the callers of what was closed last are still to be called back."""
BROKER_PATIENCE_S = 60.0
LOOK_EVERY_REAL_S = 1.0
STATUS_EVERY_REAL_S = 5.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How much happens."""

    bursts_per_hour: float
    strays_per_hour: float
    agents: int

    @classmethod
    def for_fleet(cls, crews: int) -> "Pace":
        """Give a fleet work for about seven tenths of its time."""
        return cls(
            bursts_per_hour=min(BURSTS_PER_CREW_HOUR * crews, BURSTS_PER_HOUR_MAX),
            strays_per_hour=STRAYS_PER_CREW_HOUR * crews,
            agents=max(4, crews // 3),
        )


@dataclass(slots=True)
class Run:
    """The simulators of one run and what they share."""

    stage: Stage
    town: Town
    pace: Pace
    say: Callable[[str], None]
    seed: int = SEED
    world: World = field(init=False)
    http: httpx.AsyncClient = field(init=False)
    clock: TradeClock = field(init=False)
    public: Public = field(init=False)
    agents: Agents = field(init=False)
    dispatcher: Dispatcher = field(init=False)
    fleet: list[CrewPhone] = field(init=False, default_factory=list)
    is_resting: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _block: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.world = World(self.town)
        self.http = open_http(self.stage.web_url)

    def person(self, username: str) -> Client:
        """Give a client logged in as one of the demo's people."""
        return Client(self.http, username, self.stage.passwords[username])

    async def play(self, *, real_s: float | None) -> Figures:
        """Run the city.

        Parameters
        ----------
        real_s
            Real seconds in which calls come in, then the city drains; None runs until cancelled.

        Returns
        -------
        figures
            What the run came to; one without an end is only ever cancelled.

        Raises
        ------
        DemoBroken
            Something the run cannot go on without is wrong.
        """
        began = time.monotonic()
        supervisor, administrator = self.person("supervisor"), self.person("admin")
        self.clock = await TradeClock.read(supervisor)
        agent = self.person("agent")
        self.public = Public(self.world, agent, self.clock, seed=self.seed)
        self.agents = Agents(
            self.world, agent, self.clock, self.public.told, count=self.pace.agents, seed=self.seed
        )
        self.dispatcher = Dispatcher(self.person("dispatcher"), self.clock, is_resting=self.is_resting)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self.http.aclose)
            try:
                async with asyncio.TaskGroup() as tasks:
                    cast = await self._enter(tasks)
                    started = self.clock.now()
                    ends = None if real_s is None else started + timedelta(seconds=real_s * self.clock.factor)
                    cast.append(tasks.create_task(self._break_mains(started, ends)))
                    cast.append(tasks.create_task(self._status(supervisor)))
                    calling = tasks.create_task(self.public.run())
                    await self._until(ends)
                    self.public.close()
                    await calling
                    self.agents.expect_the_end()
                    await self._drain(supervisor)
                    for task in cast:
                        task.cancel()
            except BaseExceptionGroup as group:
                raise _the_first(group) from group
            for crew in self.fleet:
                crew.phone.hang_up()
            return await read_figures(
                supervisor,
                administrator,
                told=self.public.told,
                bursts=self.world.bursts,
                calls_end=ends or self.clock.now(),
                seconds=time.monotonic() - began,
            )

    async def _enter(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Put crews on the road and agents at their desks; return once the crews' phones are heard."""
        for credentials in self.stage.crews:
            phone = Phone(
                self.stage.broker, username=credentials.mqtt_username, password=credentials.mqtt_password
            )
            client = Client(self.http, credentials.username, credentials.password)
            self.fleet.append(
                CrewPhone(
                    credentials,
                    world=self.world,
                    client=client,
                    clock=self.clock,
                    phone=phone,
                    seed=self.seed,
                    is_resting=self.is_resting,
                )
            )
        cast = [tasks.create_task(crew.run()) for crew in self.fleet]
        cast.append(tasks.create_task(self.agents.run()))
        cast.append(tasks.create_task(self.dispatcher.run()))
        give_up = time.monotonic() + BROKER_PATIENCE_S
        while not all(crew.phone.is_connected for crew in self.fleet):
            if time.monotonic() > give_up:
                out = ", ".join(crew.code for crew in self.fleet if not crew.phone.is_connected)
                raise DemoBroken(f"the broker does not let these crews in: {out}")
            await asyncio.sleep(0.1)
        return cast

    async def _break_mains(self, started: datetime, ends: datetime | None) -> None:
        """Let mains break and strays call, block by block, until nothing new is to begin."""
        block_starts = started
        while ends is None or block_starts < ends:
            span = BLOCK if ends is None else ends - block_starts
            planned = self._plan(span, has_end=ends is not None)
            self.public.expect(
                stray_calls(
                    self.town,
                    begin=block_starts,
                    span=span,
                    per_hour=self.pace.strays_per_hour,
                    seed=self.seed + self._block,
                )
            )
            for one in planned:
                await self.clock.sleep_until(block_starts + one.after)
                burst = self.world.strike(one, self.clock.now())
                self.public.expect(calls_about(burst, self.town, seed=self.seed))
            await self.clock.sleep_until(block_starts + span)
            block_starts += span
            self._block += 1

    def _plan(self, span: timedelta, *, has_end: bool) -> list[PlannedBurst]:
        """Plan a block's bursts."""
        last = span
        if has_end:
            last = span - LAST_BURST_BEFORE_END if span > 2 * LAST_BURST_BEFORE_END else span / 2
        count = max(1, round(self.pace.bursts_per_hour * last / timedelta(hours=1)))
        return plan_bursts(
            self.world, count=count, span=last, seed=self.seed + self._block, first=len(self.world.bursts)
        )

    async def _until(self, ends: datetime | None) -> None:
        while ends is None or self.clock.now() < ends:
            self.check()
            left_s = LOOK_EVERY_REAL_S if ends is None else self.clock.real_s(ends - self.clock.now())
            await asyncio.sleep(min(LOOK_EVERY_REAL_S, max(0.0, left_s)))

    async def _drain(self, supervisor: Client) -> None:
        """Let work in hand end and callers be called back; no longer than the drain, and no longer than needed."""
        give_up = time.monotonic() + DRAIN_REAL_S
        quiet_looks = 0
        while time.monotonic() < give_up and quiet_looks < 2:
            if time.monotonic() > give_up - CREWS_REST_REAL_S:
                self.is_resting.set()
            self.check()
            quiet_looks = quiet_looks + 1 if await self._is_quiet(supervisor) else 0
            await asyncio.sleep(LOOK_EVERY_REAL_S)
        while self.agents.busy and time.monotonic() < give_up:
            await asyncio.sleep(0.1)

    async def _is_quiet(self, supervisor: Client) -> bool:
        """Whether nobody has anything left to do; crews that rest do not count."""
        is_telling = self.dispatcher.is_deciding or any(crew.is_reporting for crew in self.fleet)
        if self.agents.busy or is_telling or (await supervisor.get("/api/health"))["events_waiting"]:
            return False
        if (await supervisor.get("/api/callbacks", state="due", limit=1))["items"]:
            return False
        if self.is_resting.is_set():
            return True
        is_any_busy = any(crew.is_busy for crew in self.fleet)
        return (
            not is_any_busy and not (await supervisor.get("/api/incidents", state="open", limit=1))["items"]
        )

    def check(self) -> None:
        """Raise what went wrong in a task of the public or the agents, if anything did."""
        self.public.check()
        self.agents.check()

    async def _status(self, supervisor: Client) -> None:
        """Say how it goes, one line now and then."""
        while True:
            await asyncio.sleep(STATUS_EVERY_REAL_S)
            health = await supervisor.get("/api/health")
            running = sum(burst.is_running for burst in self.world.bursts)
            busy = sum(crew.is_busy for crew in self.fleet)
            self.say(
                f"{self.clock.now():%H:%M} UTC of the city · {len(self.public.told.cause_of)} reports · "
                f"{running} of {len(self.world.bursts)} mains broken · {busy} of {len(self.fleet)} crews at work · "
                f"{self.agents.made} called back · {health['events_waiting']} events waiting"
            )


def _the_first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Find what went wrong first in a group of groups; what the simulators themselves name goes before surprises."""
    named = group.subgroup(DemoBroken) or group
    first: BaseException = named
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
