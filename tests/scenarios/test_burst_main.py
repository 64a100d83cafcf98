"""One burst main, from the first call to the last callback, through the running product."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy.engine import URL

from tests.product import PASSWORD, Product, running, wait_for
from tests.town import Town

pytestmark = pytest.mark.scenario


@pytest.fixture
def product(cloned_database: URL, open_folder: Path) -> Iterator[Product]:
    with running(cloned_database, open_folder) as product:
        yield product


class Phone:
    """A crew's phone: HTTP and MQTT, nothing else."""

    def __init__(self, product: Product, code: str, credentials: dict[str, str]) -> None:
        self.code = code
        self.http = product.client(code)
        self.heard: list[dict[str, Any]] = []
        self.connected = threading.Event()
        self.mqtt = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"phone-{code}", protocol=mqtt.MQTTv5)
        self.mqtt.username_pw_set(credentials["mqtt_username"], credentials["mqtt_password"])
        self.mqtt.will_set(f"owntracks/{code}/phone", json.dumps({"_type": "lwt", "tst": 0}), qos=1)
        self.mqtt.on_connect = self._on_connect
        self.mqtt.on_message = lambda _client, _data, message: self.heard.append(json.loads(message.payload))
        self.mqtt.reconnect_delay_set(1, 1)
        self.mqtt.connect_async("127.0.0.1", product.mqtt_port, keepalive=10)
        self.mqtt.loop_start()

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if not reason.is_failure:
            client.subscribe(f"crews/{self.code}/jobs", qos=1)
            self.connected.set()

    def tell_position(self, lon: float, lat: float) -> None:
        message = {
            "_type": "location",
            "lat": lat,
            "lon": lon,
            "tst": int(datetime.now(UTC).timestamp()),
            "acc": 8,
        }
        self.mqtt.publish(f"owntracks/{self.code}/phone", json.dumps(message), qos=1).wait_for_publish(10)

    def job(self) -> dict[str, Any] | None:
        items = self.http.get("/api/field/jobs").raise_for_status().json()["items"]
        return items[0] if items else None

    def do(self, job: dict[str, Any], step: str, **body: Any) -> httpx.Response:
        return self.http.post(f"/api/field/jobs/{job['assignment_id']}/{step}", json=body or None)

    def hang_up(self) -> None:
        self.mqtt.disconnect()
        self.mqtt.loop_stop()


def add_crew(product: Product, supervisor: httpx.Client, administrator: httpx.Client, code: str) -> Phone:
    crew = {"code": code, "name": code.title(), "skills": ["inspect", "repair"]}
    crew_id = supervisor.post("/api/crews", json=crew).raise_for_status().json()["id"]
    shift = {"crew_id": crew_id, "starts_at": "2020-01-01T00:00:00Z", "ends_at": "2100-01-01T00:00:00Z"}
    supervisor.post("/api/shifts", json=shift).raise_for_status()
    credentials = supervisor.post(f"/api/crews/{crew_id}/device").raise_for_status().json()
    user = {"username": code, "display_name": code, "password": PASSWORD, "role": "crew", "crew_id": crew_id}
    administrator.post("/api/users", json=user).raise_for_status()
    return Phone(product, code, credentials)


def report(account_no: str, category: str = "no_water", **more: Any) -> dict[str, Any]:
    return {
        "client_id": str(uuid4()),
        "channel": "phone",
        "category": category,
        "description": "",
        "caller": {},
        "account_no": account_no,
    } | more


def test_forty_calls_become_one_incident_a_crew_repairs_it_and_everybody_hears_back(product: Product) -> None:
    agent, dispatcher = product.client("agent"), product.client("dispatcher")
    supervisor, administrator = product.client("supervisor"), product.client("administrator")
    near, far = (add_crew(product, supervisor, administrator, code) for code in ("near", "far"))
    phones = {phone.code: phone for phone in (near, far)}
    for phone, column in ((near, 2), (far, 6)):
        assert phone.connected.wait(20), "the broker let the phone in"
        here = Town.junction(column, 2)
        phone.tell_position(here.lon, here.lat)
    wait_for(lambda: len(dispatcher.get("/api/positions").json()["items"]) == 2, what="both positions")

    # Eight customers of one segment call (rows 2 and 3 of zone West), and one sees water in the street.
    accounts = product.town.accounts_on("H02", "H12", "H22")[:8]
    ids = []
    for n, account in enumerate(accounts):
        category = "leak" if n == 3 else "no_water"
        answer = agent.post("/api/reports", json=report(account, category)).raise_for_status()
        assert answer.status_code == 201
        assert answer.json()["location"]["pipe_code"] in ("H02", "H12", "H22")
        ids.append(answer.json()["id"])

    def incidents_of_reports() -> set[str | None]:
        return {agent.get(f"/api/reports/{i}").json()["incident_id"] for i in ids}

    wait_for(lambda: None not in incidents_of_reports(), what="every report to have an incident")
    (incident_id,) = incidents_of_reports()
    incident = dispatcher.get(f"/api/incidents/{incident_id}").raise_for_status().json()
    assert {member["report_id"] for member in incident["reports"]} == set(ids)
    assert all(member["reason"] for member in incident["reports"])
    assert incident["level"] == "cluster"

    # The nearer crew by road is asked, and told of it by the broker.
    wait_for(lambda: near.job(), what="an offer to the near crew")
    wait_for(lambda: any(m.get("kind") == "offer" for m in near.heard), what="the offer by MQTT")
    assert far.job() is None
    job = near.job()
    assert job is not None
    assert far.do(job, "accept").status_code == 404
    assert near.do(job, "decline", reason="flat tyre").is_success
    wait_for(lambda: far.job(), what="the next crew to be asked")

    # It goes there, finds the burst and repairs it; whatever follow-up work comes is done by whoever is asked.
    def work() -> bool:
        for phone in phones.values():
            if job := phone.job():
                for step in ("accept", "en-route", "on-site"):
                    phone.do(job, step).raise_for_status()
                assert phone.do(job, "accept").status_code in (200, 409)
                finding = {
                    "cause": "burst",
                    "action": "repaired",
                    "note": "<script>alert(1)</script>",
                    "water_restored": True,
                }
                phone.do(job, "done", **finding).raise_for_status()
        return dispatcher.get(f"/api/incidents/{incident_id}").json()["state"] == "closed"

    wait_for(work, what="the incident to close")

    # Every caller hears back once; one has no water still, and the incident lives again.
    def due() -> list[dict[str, Any]]:
        items = agent.get("/api/callbacks", params={"state": "due"}).raise_for_status().json()["items"]
        return [item for item in items if item["incident_id"] == incident_id]

    wait_for(lambda: len(due()) == len(accounts), what="a callback for each caller")
    first, *others = due()
    for item in others:
        agent.post(f"/api/callbacks/{item['id']}/claim").raise_for_status()
        agent.post(f"/api/callbacks/{item['id']}/outcome", json={"outcome": "satisfied"}).raise_for_status()
    agent.post(f"/api/callbacks/{first['id']}/claim").raise_for_status()
    agent.post(f"/api/callbacks/{first['id']}/outcome", json={"outcome": "still_without"}).raise_for_status()
    wait_for(
        lambda: dispatcher.get(f"/api/incidents/{incident_id}").json()["state"] != "closed",
        what="the reopening",
    )
    wait_for(work, what="the incident to close again")
    assert administrator.get("/api/parked-events").json()["items"] == []
    page = dispatcher.get(f"/api/incidents/{incident_id}/report.html", params={"lang": "zh"})
    assert page.is_success
    assert "<script>alert(1)" not in page.text
    for phone in phones.values():
        phone.hang_up()
    for name in ("web", "ingest", "triage", "worker"):
        assert "alert(1)" not in product.log_of(name), "callers' and crews' words stay out of logs"


def test_a_killed_process_loses_nothing_it_accepted(product: Product) -> None:
    agent, dispatcher = product.client("agent"), product.client("dispatcher")
    account, *others = product.town.accounts_on("H02", "H12", "H22")
    product.kill("worker")
    product.kill("triage")
    taken = agent.post("/api/reports", json=report(account)).raise_for_status().json()
    product.kill("web")
    product.start("web")
    again = report(others[0])
    wait_for(lambda: httpx.get(f"{product.base_url}/api/health").is_success, what="web to come back")
    first = agent.post("/api/reports", json=again).raise_for_status()
    second = agent.post("/api/reports", json=again).raise_for_status()
    assert first.json()["id"] == second.json()["id"], "sending again does not double"
    product.start("worker")
    product.start("triage")
    for report_id in (taken["id"], first.json()["id"]):
        wait_for(lambda: agent.get(f"/api/reports/{report_id}").json()["incident_id"], what="the incident")  # noqa: B023 - called at once
    assert len(dispatcher.get("/api/incidents", params={"state": "open"}).json()["items"]) == 1
