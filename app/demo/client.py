"""How the simulators speak to the product: HTTP as any outside client, patient when it is away."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

TIMEOUT_S = 20.0
PAUSE_FIRST_S = 0.2
PAUSE_LONGEST_S = 2.0
PATIENCE_S = 120.0
"""So long the product may be away before the run is broken off: a killed process is back within seconds."""
PAGE = 200
"""Rows asked for at once when a whole list is read."""
CLOCK_READINGS = 3


class DemoBroken(Exception):
    """Something the run cannot go on without is wrong; the message says what, in one line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, JSON body, and how often we had to ask (a repeat may meet its own success)."""

    status: int
    body: Any  # Any: JSON
    attempts: int

    @property
    def is_ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300


def open_http(base_url: str) -> httpx.AsyncClient:
    """Open the connections all simulators of this process share."""
    limits = httpx.Limits(max_connections=24, max_keepalive_connections=12)
    return httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT_S, limits=limits, trust_env=False)


@dataclass
class Client:
    """One person logged in. Waits and asks again while the product is away: it is killed and comes back."""

    http: httpx.AsyncClient
    username: str
    password: str
    failures: int = 0
    _token: str | None = None
    _renew_at: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, path: str, **params: Any) -> Any:  # Any: query values and JSON
        """Read something that must be there.

        Raises
        ------
        DemoBroken
            It was refused.
        """
        answer = await self.ask("GET", path, params=params)
        if not answer.is_ok:
            raise DemoBroken(f"GET {path} was refused: {answer.status} {_detail(answer.body)}")
        return answer.body

    async def post(self, path: str, body: dict[str, Any] | None = None) -> Answer:
        """Ask for a change; asked again until there is an answer, so the product must know repeats."""
        return await self.ask("POST", path, body=body)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
    ) -> Answer:
        """Send a request until it is answered by more than an outage.

        Raises
        ------
        DemoBroken
            The product has been away, or failing at this request, for too long.
        """
        attempts, pause_s = 0, PAUSE_FIRST_S
        give_up = time.monotonic() + PATIENCE_S
        while True:
            attempts += 1
            response = await self._try(method, path, body, params)
            if response is not None and response.status_code == 401 and attempts < 4:
                self._token = None
                continue
            if response is not None and response.status_code < 500 and response.status_code != 429:
                return Answer(response.status_code, _json(response), attempts)
            if time.monotonic() > give_up:
                said = response.status_code if response is not None else "nothing"
                raise DemoBroken(f"{method} {path} has been answered by {said} for {PATIENCE_S:g} s")
            self.failures += 1
            await asyncio.sleep(pause_s * random.uniform(0.7, 1.3))
            pause_s = min(pause_s * 2, PAUSE_LONGEST_S)

    async def pages(self, path: str, **params: Any) -> AsyncIterator[Any]:
        """Read a whole list, page after page."""
        cursor: str | None = None
        while True:
            asked = {**params, "limit": PAGE, **({"cursor": cursor} if cursor else {})}
            page = await self.get(path, **asked)
            for item in page["items"]:
                yield item
            cursor = page.get("next")
            if cursor is None:
                return

    async def _try(
        self, method: str, path: str, body: dict[str, Any] | None, params: dict[str, Any] | None
    ) -> httpx.Response | None:
        try:
            token = await self._access_token()
            return await self.http.request(
                method, path, json=body, params=params, headers={"Authorization": f"Bearer {token}"}
            )
        except (httpx.TransportError, _Unavailable):
            return None

    async def _access_token(self) -> str:
        async with self._lock:
            if self._token is None or time.monotonic() > self._renew_at:
                answer = await self.http.post(
                    "/api/login", json={"username": self.username, "password": self.password}
                )
                self.http.cookies.clear()  # the token is enough; one jar cannot hold forty people's cookies
                if answer.status_code >= 500 or answer.status_code == 429:
                    raise _Unavailable
                if answer.status_code != 200:
                    raise DemoBroken(
                        f"log-in of {self.username} was refused: {answer.status_code} {_detail(_json(answer))}"
                    )
                said = answer.json()
                good_for_s = (datetime.fromisoformat(said["expires_at"]) - datetime.now(UTC)).total_seconds()
                self._token = said["access_token"]
                self._renew_at = time.monotonic() + max(5.0, 0.8 * good_for_s)
            return self._token


class _Unavailable(Exception):
    """The product answers, but cannot serve now."""


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _detail(body: Any) -> str:
    return str(body.get("detail", "")) if isinstance(body, dict) else ""


@dataclass(frozen=True, slots=True)
class TradeClock:
    """The trade's time as the product tells it, carried on by our own clock between readings."""

    trade: datetime
    read_at: float
    factor: float

    @classmethod
    async def read(cls, client: Client) -> "TradeClock":
        """Ask for the time; the quickest of a few answers is the truest."""
        best: tuple[float, TradeClock] | None = None
        for _ in range(CLOCK_READINGS):
            asked = time.monotonic()
            said = await client.get("/api/clock")
            took = time.monotonic() - asked
            clock = cls(datetime.fromisoformat(said["now"]), asked + took / 2, float(said["factor"]))
            if best is None or took < best[0]:
                best = (took, clock)
        assert best is not None
        return best[1]

    def now(self) -> datetime:
        """Tell the trade's time."""
        return self.trade + timedelta(seconds=(time.monotonic() - self.read_at) * self.factor)

    def real_s(self, span: timedelta) -> float:
        """How long a span of the trade takes in real seconds."""
        return span.total_seconds() / self.factor

    async def sleep(self, span: timedelta) -> None:
        """Let a span of the trade pass."""
        await asyncio.sleep(max(0.0, self.real_s(span)))

    async def sleep_until(self, at: datetime) -> None:
        """Wait for a time of the trade."""
        await self.sleep(at - self.now())
