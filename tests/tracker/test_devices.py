"""Who may speak to the broker."""

import base64

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db import new_id
from core.events import DeviceCredentialsChanged
from core.models import OutboxEvent
from tracker.broker_password import mosquitto_hash
from tracker.devices import CrewDirectory, register_device, revoke_device
from tracker.errors import BadDeviceName, DeviceNameTaken, NoSuchDevice
from tracker.models import Device
from tracker.queries import broker_users


def changes(session: Session) -> int:
    rows = session.scalars(select(OutboxEvent).where(OutboxEvent.name == DeviceCredentialsChanged.__name__))
    return len(rows.all())


def test_hash_is_the_one_mosquitto_passwd_writes() -> None:
    written = "$7$101$6WYnxuC/BVQiXLIj$VtmbTLTy2D37pPHzL0QxrxQgyarvTptGRICRXK2KzhLTWOhoDkT6Qu/ZhsjCExvgrnSEWj8BbYhzdXTKGfJdoA=="
    assert mosquitto_hash("secret", salt=base64.b64decode(written.split("$")[3])) == written


def test_password_is_told_once_and_kept_only_as_the_brokers_hash(session: Session) -> None:
    password = register_device(session, crew_id=new_id(), mqtt_username="C-07")
    device = session.scalar(select(Device))
    assert device is not None
    assert len(password) >= 24
    assert password not in device.password_hash
    assert device.password_hash.startswith("$7$101$")
    assert broker_users(session) == {"C-07": device.password_hash}
    assert changes(session) == 1


def test_registering_again_changes_the_password(session: Session) -> None:
    crew_id = new_id()
    first = register_device(session, crew_id=crew_id, mqtt_username="C-07")
    before = broker_users(session)
    assert register_device(session, crew_id=crew_id, mqtt_username="C-07") != first
    assert broker_users(session) != before
    with pytest.raises(DeviceNameTaken):
        register_device(session, crew_id=new_id(), mqtt_username="C-07")


def test_lost_device_is_shut_out_and_may_come_back(session: Session) -> None:
    crew_id = new_id()
    register_device(session, crew_id=crew_id, mqtt_username="C-07")
    revoke_device(session, mqtt_username="C-07")
    revoke_device(session, mqtt_username="C-07")
    assert (broker_users(session), changes(session)) == ({}, 2)
    assert CrewDirectory().crews_of(session, {"C-07"}) == {}
    register_device(session, crew_id=crew_id, mqtt_username="C-07")
    assert CrewDirectory().crews_of(session, {"C-07"}) == {"C-07": crew_id}
    with pytest.raises(NoSuchDevice):
        revoke_device(session, mqtt_username="C-99")


@pytest.mark.parametrize("name", ["", "C/07", "C+7", "#", "a b", "班组", "x" * 41, "ingest", "publisher"])
def test_name_that_means_something_to_the_broker_is_refused(session: Session, name: str) -> None:
    with pytest.raises(BadDeviceName):
        register_device(session, crew_id=new_id(), mqtt_username=name)
