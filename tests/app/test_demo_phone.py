"""A simulated phone at a real Mosquitto."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from app.demo.driving import Fix
from app.demo.phone import Broker, Phone
from app.provision import mosquitto
from app.provision.state import free_port
from tests.app.demo_town import ORIGIN
from tests.app.provisioning import reachable_folder
from tests.app.test_provision_mosquitto import PASSWORDS, RunningBroker
from tracker.broker_password import mosquitto_hash

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PATIENCE_S = 15.0


@pytest.fixture
def broker() -> Iterator[RunningBroker]:
    with reachable_folder() as folder:
        running = RunningBroker(mosquitto.Broker(folder / "mosquitto"), free_port())
        mosquitto.configure(running.broker, port=running.port, service_passwords=PASSWORDS)
        mosquitto.write_credentials(running.broker, {"crew-01": mosquitto_hash("phone")})
        running.start()
        yield running
        running.stop()


@contextlib.asynccontextmanager
async def switched_on(broker: RunningBroker) -> AsyncIterator[Phone]:
    phone = Phone(Broker("127.0.0.1", broker.port), username="crew-01", password="phone")
    running = asyncio.create_task(phone.run())
    await until(lambda: phone.is_connected)
    yield phone
    running.cancel()
    phone.hang_up()


async def until(condition: Any) -> None:
    give_up = asyncio.get_running_loop().time() + PATIENCE_S
    while not condition():
        assert asyncio.get_running_loop().time() < give_up, "it did not happen in time"
        await asyncio.sleep(0.02)


def tell(phone: Phone, second: int) -> None:
    phone.send(Fix(ORIGIN, 10.0, 90.0), at=NOON + timedelta(seconds=second), accuracy_m=5.0, battery_pct=80)


def noon_plus(*seconds: int) -> list[int]:
    return [int(NOON.timestamp()) + second for second in seconds]


def test_positions_are_acknowledged_one_a_second_of_device_time(broker: RunningBroker) -> None:
    async def scene() -> None:
        async with switched_on(broker) as phone:
            for second in (1, 2, 2, 1, 3):
                tell(phone, second)
            await until(lambda: phone.unacknowledged == 0)
            assert phone.acknowledged == noon_plus(1, 2, 3)

    asyncio.run(scene())


def test_what_the_line_did_not_take_is_sent_when_the_broker_is_back(broker: RunningBroker) -> None:
    async def scene() -> None:
        async with switched_on(broker) as phone:
            tell(phone, 1)
            await until(lambda: phone.unacknowledged == 0)
            broker.stop(kill=True)
            await until(lambda: not phone.is_connected)
            for second in range(2, 80):
                tell(phone, second)
            assert phone.unacknowledged == 78
            await asyncio.to_thread(broker.start)
            await until(lambda: phone.unacknowledged == 0)
            assert sorted(phone.acknowledged) == noon_plus(*range(1, 80))

    asyncio.run(scene())


def test_a_notice_reaches_the_phone_also_after_a_gap(broker: RunningBroker) -> None:
    async def scene() -> None:
        heard: list[dict[str, Any]] = []
        async with switched_on(broker) as phone:
            phone.on_notice = heard.append
            await asyncio.sleep(0.3)  # for the subscription
            await asyncio.to_thread(publish, broker, {"kind": "offer", "assignment_id": "a"})
            await until(lambda: len(heard) == 1)
        async with switched_on(broker) as phone:
            phone.on_notice = heard.append
            await asyncio.to_thread(publish, broker, {"kind": "offer", "assignment_id": "b"})
            await until(lambda: len(heard) == 2)
        assert [notice["assignment_id"] for notice in heard] == ["a", "b"]

    asyncio.run(scene())


def publish(broker: RunningBroker, notice: dict[str, str]) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set("publisher", PASSWORDS["publisher"])
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.publish("crews/crew-01/jobs", json.dumps(notice), qos=1).wait_for_publish(PATIENCE_S)
    client.disconnect()
    client.loop_stop()
