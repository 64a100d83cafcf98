"""A crew's phone at the broker: OwnTracks positions out, notices of jobs in, nothing lost while the line is down.

paho keeps every unacknowledged message and sends it again after a reconnect; the sockets are served by asyncio, so that
forty phones need one thread.
"""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from app.demo.driving import Fix

KEEPALIVE_S = 20
SESSION_EXPIRY_S = 86_400
RECONNECT_FIRST_S, RECONNECT_LONGEST_S = 0.3, 3.0
MISC_EVERY_S = 1.0
MPS_TO_KMH = 3.6


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the crews' broker listens."""

    host: str
    port: int


class Phone:
    """One phone with its own credentials, last will and memory for what is not yet acknowledged.

    `acknowledged` holds the device times (seconds since 1970, of the trade) of the positions the broker has taken.
    """

    def __init__(self, broker: Broker, *, username: str, password: str, device: str = "phone") -> None:
        self.acknowledged: list[int] = []
        self.on_notice: Callable[[dict[str, Any]], None] = lambda notice: None  # Any: JSON
        self._broker, self._username = broker, username
        self._topic = f"owntracks/{username}/{device}"
        self._jobs_topic = f"crews/{username}/jobs"
        self._sent: dict[int, int] = {}
        self._last_tst = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_wanted = False
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"{username}-{device}", protocol=paho.MQTTv5
        )
        self._client.username_pw_set(username, password)
        self._client.max_inflight_messages_set(50)
        self._client.max_queued_messages_set(0)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._heard
        self._client.on_publish = self._published
        self._client.on_socket_open = self._socket_opened
        self._client.on_socket_close = self._socket_closed
        self._client.on_socket_register_write = self._wants_to_write
        self._client.on_socket_unregister_write = self._has_written

    @property
    def is_connected(self) -> bool:
        """Whether the broker has let us in."""
        return self._client.is_connected()

    @property
    def unacknowledged(self) -> int:
        """How many positions the broker has not taken yet."""
        return len(self._sent)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        self._loop = asyncio.get_running_loop()
        self._is_wanted = True
        pause_s = RECONNECT_FIRST_S
        while True:
            if not self._client.is_connected():
                if not self._dial():
                    await asyncio.sleep(pause_s * random.uniform(0.7, 1.3))
                    pause_s = min(2 * pause_s, RECONNECT_LONGEST_S)
                    continue
                await asyncio.sleep(MISC_EVERY_S)
                continue
            pause_s = RECONNECT_FIRST_S
            self._client.loop_misc()
            await asyncio.sleep(MISC_EVERY_S)

    def hang_up(self) -> None:
        """Leave in good order: no last will is sent."""
        self._client.disconnect()

    def send(self, fix: Fix, *, at: datetime, accuracy_m: float, battery_pct: int) -> None:
        """Report a position; kept and sent later when there is no line. One a second of device time at most."""
        tst = int(at.timestamp())
        if tst <= self._last_tst:
            return
        self._last_tst = tst
        payload = {
            "_type": "location",
            "tid": self._username[-2:],
            "tst": tst,
            "lon": round(fix.place.lon, 6),
            "lat": round(fix.place.lat, 6),
            "acc": round(accuracy_m),
            "vel": round(fix.speed_mps * MPS_TO_KMH),
            "cog": round(fix.course_deg) % 360,
            "batt": battery_pct,
            "conn": "m",
            "t": "u",
        }
        sent = self._client.publish(self._topic, json.dumps(payload), qos=1)
        self._sent[sent.mid] = tst

    def _dial(self) -> bool:
        expiry = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        expiry.SessionExpiryInterval = SESSION_EXPIRY_S
        will = json.dumps({"_type": "lwt", "tst": self._last_tst})
        self._client.will_set(self._topic, will, qos=1)
        try:
            self._client.connect(
                self._broker.host,
                self._broker.port,
                keepalive=KEEPALIVE_S,
                clean_start=False,
                properties=expiry,
            )
        except OSError:
            return False
        return True

    # paho's callbacks; Any: its untyped arguments

    def _connected(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not reason.is_failure:
            client.subscribe(self._jobs_topic, qos=1)

    def _disconnected(self, *_arguments: Any) -> None:
        pass  # `run` dials again

    def _heard(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        try:
            notice = json.loads(message.payload)
        except ValueError:
            return
        if isinstance(notice, dict):
            self.on_notice(notice)

    def _published(self, _client: paho.Client, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
        tst = self._sent.pop(mid, None)
        if tst is not None and not reason.is_failure:
            self.acknowledged.append(tst)

    def _socket_opened(self, client: paho.Client, _data: Any, socket: Any) -> None:
        assert self._loop is not None
        self._loop.add_reader(socket, client.loop_read)

    def _socket_closed(self, _client: paho.Client, _data: Any, socket: Any) -> None:
        assert self._loop is not None
        self._loop.remove_reader(socket)
        self._loop.remove_writer(socket)

    def _wants_to_write(self, client: paho.Client, _data: Any, socket: Any) -> None:
        assert self._loop is not None
        self._loop.add_writer(socket, client.loop_write)

    def _has_written(self, _client: paho.Client, _data: Any, socket: Any) -> None:
        assert self._loop is not None
        self._loop.remove_writer(socket)
