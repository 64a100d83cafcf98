"""Tells crews' phones of their jobs over MQTT. Only jobs call this, so nothing is told before it is committed."""

import json
import threading
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import SecretStr

from app.mqtt import broker_address, connect_to, make_client
from core import clock
from core.clock import utc_now
from core.errors import Unavailable

log = structlog.get_logger()

PATIENCE_S: Final = 5.0
"""How long a connection, or the broker's word that it has a notice, is waited for, real seconds."""


class BrokerSilent(Unavailable):
    """The broker did not take the notice; it is tried again."""


class NoticeKind(StrEnum):
    """What a phone is told; it asks for the rest over HTTP."""

    OFFER = "offer"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class JobNotice:
    """One notice: ids and a time, nothing about people or places."""

    kind: NoticeKind
    crew_code: str
    assignment_id: UUID
    work_order_id: UUID
    expires_at: datetime | None = None

    @property
    def topic(self) -> str:
        """Where the crew's phone listens."""
        return f"crews/{self.crew_code}/jobs"

    def payload(self) -> bytes:
        """Write the notice for the phone."""
        words = {
            "kind": self.kind.value,
            "assignment_id": str(self.assignment_id),
            "work_order_id": str(self.work_order_id),
        }
        if self.expires_at is not None:
            words["expires_at"] = self.expires_at.isoformat()
        return json.dumps(words).encode()


class CrewNotices:
    """A connection of this process's own to the broker, made at the first notice and kept."""

    def __init__(self, url: SecretStr | None) -> None:
        self._address = broker_address(url)
        self._client: mqtt.Client | None = None
        self._is_up = threading.Event()
        self._opening = threading.Lock()

    def publish(self, notice: JobNotice) -> None:
        """Hand a notice to the broker, which keeps it for a phone that is out of reach until the offer ends.

        Raises
        ------
        BrokerSilent
            The broker did not say in time that it has it.
        """
        left_s: float | None = None
        if notice.expires_at is not None:
            left_s = clock.current().real_seconds(notice.expires_at - utc_now())
            if left_s <= 0:
                log.info("crew_notices.notice_outlived", assignment_id=str(notice.assignment_id))
                return
        client = self._open()
        if not self._is_up.wait(PATIENCE_S):
            raise BrokerSilent
        told = client.publish(notice.topic, notice.payload(), qos=1, properties=_expiry(left_s))
        try:
            told.wait_for_publish(PATIENCE_S)
        except (RuntimeError, ValueError) as error:
            raise BrokerSilent from error
        if not told.is_published():
            raise BrokerSilent
        log.info("crew_notices.notice_published", kind=notice.kind, assignment_id=str(notice.assignment_id))

    def close(self) -> None:
        """End the connection."""
        with self._opening:
            if self._client is not None:
                self._client.disconnect()
                self._client.loop_stop()
                self._client = None

    def _open(self) -> mqtt.Client:
        with self._opening:
            if self._client is None:
                self._client = make_client(self._address, client_id="")
                self._client.on_connect = self._on_connect
                self._client.on_disconnect = self._on_disconnect
                connect_to(self._client, self._address, session_expiry_s=0)
                self._client.loop_start()
            return self._client

    def _on_connect(
        self, client: mqtt.Client, _: object, flags: object, code: ReasonCode, properties: object
    ) -> None:
        if code.is_failure:
            log.error("crew_notices.connection_refused", reason=str(code))
        else:
            self._is_up.set()

    def _on_disconnect(
        self, client: mqtt.Client, _: object, flags: object, code: ReasonCode, properties: object
    ) -> None:
        self._is_up.clear()


def _expiry(left_s: float | None) -> Properties | None:
    if left_s is None:
        return None
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho leaves it untyped
    properties.MessageExpiryInterval = max(1, round(left_s))
    return properties
