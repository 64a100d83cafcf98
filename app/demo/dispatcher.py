"""The control room's robot: everything that is decided by rules decides itself; he writes off what is no trouble with water."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from app.demo.client import Client, TradeClock

LOOK_EVERY_S = 5.0
"""Real seconds between looks at the queue."""
WRITES_OFF_AFTER = timedelta(minutes=10)
"""How long an enquiry lies in the queue, in the trade's time."""
ENQUIRY = "other"
PAGE = 200


class Dispatcher:
    """One dispatcher at his queue."""

    def __init__(self, client: Client, clock: TradeClock, *, is_resting: asyncio.Event) -> None:
        self.is_deciding = False
        self._client, self._clock, self._is_resting = client, clock, is_resting

    async def run(self) -> None:
        """Watch the queue until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            page = await self._client.get("/api/incidents", state="open", limit=PAGE)
            for incident in page["items"]:
                if self._is_enquiry(incident) and not self._is_resting.is_set():
                    self.is_deciding = True
                    await self._write_off(incident)
                    self.is_deciding = False

    def _is_enquiry(self, incident: Any) -> bool:  # Any: JSON
        lies_for = self._clock.now() - datetime.fromisoformat(incident["opened_at"])
        return incident["kind"] == ENQUIRY and lies_for > WRITES_OFF_AFTER

    async def _write_off(self, incident: Any) -> None:  # Any: JSON
        body = {"why": "An enquiry, nothing for the field."}
        await self._client.post(f"/api/incidents/{incident['id']}/dismiss", body)
