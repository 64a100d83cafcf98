"""Phones and vehicle terminals: who may speak to the broker, and for which crew."""

import re
import secrets
import time
from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.events import DeviceCredentialsChanged
from core.outbox import emit
from tracker.broker_password import mosquitto_hash
from tracker.errors import BadDeviceName, DeviceNameTaken, NoSuchDevice
from tracker.models import Device
from tracker.queries import crews_by_username

PASSWORD_BYTES = 18
DIRECTORY_AGE_MAX_S = 15.0
"""Real seconds after which a revoked device is not listened to any more, whatever the broker still holds of it."""

RESERVED_NAMES = frozenset({"ingest", "publisher"})
"""The product's own users at the broker."""

_NAME = re.compile(r"[\w.-]{1,40}", re.ASCII)


def register_device(session: Session, *, crew_id: UUID, mqtt_username: str) -> str:
    """Let a device speak for a crew; doing it again gives it a new password.

    Returns
    -------
    password
        Shown once; only its hash, in the broker's own form, is kept.

    Raises
    ------
    BadDeviceName
        The name cannot stand in a topic, or is one of the product's own.
    DeviceNameTaken
        The name belongs to another crew.
    """
    if _NAME.fullmatch(mqtt_username) is None or mqtt_username in RESERVED_NAMES:
        raise BadDeviceName
    device = session.scalar(select(Device).where(Device.mqtt_username == mqtt_username).with_for_update())
    if device is None:
        device = Device(mqtt_username=mqtt_username, crew_id=crew_id, created_at=utc_now())
        session.add(device)
    elif device.crew_id != crew_id:
        raise DeviceNameTaken
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    device.password_hash = mosquitto_hash(password)
    device.revoked_at = None
    session.flush()
    emit(session, DeviceCredentialsChanged(device.id))
    return password


def revoke_device(session: Session, *, mqtt_username: str) -> Device:
    """Shut a device out, as when it is lost; its positions stay.

    Raises
    ------
    NoSuchDevice
        There is none of this name.
    """
    device = session.scalar(select(Device).where(Device.mqtt_username == mqtt_username).with_for_update())
    if device is None:
        raise NoSuchDevice
    if device.revoked_at is None:
        device.revoked_at = utc_now()
        session.flush()
        emit(session, DeviceCredentialsChanged(device.id))
    return device


class CrewDirectory:
    """Whose device a broker's user name is: kept for some seconds, looked up again at a name not known."""

    def __init__(self) -> None:
        self._crews: dict[str, UUID] = {}
        self._read_at = float("-inf")

    def crews_of(self, session: Session, usernames: Collection[str]) -> Mapping[str, UUID]:
        """Tell the crews that devices speak for; strangers and revoked devices are left out."""
        is_old = time.monotonic() - self._read_at > DIRECTORY_AGE_MAX_S
        if is_old or any(username not in self._crews for username in usernames):
            self._crews = crews_by_username(session)
            self._read_at = time.monotonic()
        return self._crews
