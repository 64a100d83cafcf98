"""Web, ingest and worker are killed one after the other while a small city runs; nothing that was accepted is missing afterwards."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pyrosm
import pytest
from sqlalchemy.engine import URL

from app.demo import city
from app.demo.city import Prepared
from app.demo.figures import Figures
from app.demo.run import Pace, Run
from app.provision import processes, workspaces
from app.provision.state import free_port, locate_state

pytestmark = [pytest.mark.scenario, pytest.mark.slow, pytest.mark.timeout(420)]

SMALL_EXTRACT = Path(pyrosm.__file__).parent / "data" / "test.osm.pbf"
WORKSPACE = "recovery_test"
CREWS, SPEED, REAL_S = 3, 60.0, 60.0
BACK_WITHIN_S = 30.0
STORED_WITHIN_S = 30.0


@pytest.fixture
def prepared(create_database: Callable[..., URL], monkeypatch: pytest.MonkeyPatch) -> Iterator[Prepared]:
    empty = create_database()
    monkeypatch.setenv("DATABASE_URL", empty.render_as_string(hide_password=False))
    for port in ("MAINLINE_WEB_PORT", "MAINLINE_MQTT_PORT"):
        monkeypatch.setenv(port, str(free_port()))
    try:
        yield city.prepare(
            WORKSPACE, extract=SMALL_EXTRACT, crews=CREWS, speed=SPEED, hours=REAL_S * SPEED / 3600.0
        )
    finally:
        workspaces.stop_processes(WORKSPACE)


def kill(name: str) -> None:
    """Kill a process as a power cut would and wait until the supervisor has another."""
    folder = locate_state().workspace(WORKSPACE).run
    before = processes.running(folder, name)
    assert before is not None, f"{name} does not run"
    os.kill(before.pid, signal.SIGKILL)
    give_up = time.monotonic() + BACK_WITHIN_S
    while (now := processes.running(folder, name)) is None or now.pid == before.pid:
        assert time.monotonic() < give_up, f"{name} did not come back"
        time.sleep(0.1)


def play_and_kill(run: Run) -> Figures:
    with ThreadPoolExecutor(1) as beside:
        playing = beside.submit(asyncio.run, run.play(real_s=REAL_S))
        for name in ("web", "ingest", "worker"):
            time.sleep(12.0)
            assert not playing.done(), playing.exception()
            kill(name)
        figures = playing.result(timeout=300)
    return figures


class Reader:
    """Reads whole lists as the supervisor."""

    def __init__(self, prepared: Prepared) -> None:
        self.http = httpx.Client(base_url=prepared.stage.web_url, timeout=20, trust_env=False)
        login = {"username": "supervisor", "password": prepared.stage.passwords["supervisor"]}
        token = self.http.post("/api/login", json=login).raise_for_status().json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"
        self.http.cookies.clear()

    def pages(self, path: str, **params: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            asked = {**params, "limit": "200", **({"cursor": cursor} if cursor else {})}
            page = self.http.get(path, params=asked).raise_for_status().json()
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items

    def trail(self, crew_id: str, since: datetime, until: datetime) -> set[int]:
        params = {"since": since.isoformat(), "until": until.isoformat()}
        answer = self.http.get(f"/api/crews/{crew_id}/trail", params=params).raise_for_status().json()
        return {int(datetime.fromisoformat(fix["recorded_at"]).timestamp()) for fix in answer["items"]}


def test_killing_web_ingest_and_worker_loses_nothing(prepared: Prepared) -> None:
    run = Run(
        prepared.stage, prepared.town, Pace(bursts_per_hour=4.0, strays_per_hour=30.0, agents=3), say=print
    )
    figures = play_and_kill(run)
    reader = Reader(prepared)

    reports = reader.pages("/api/reports")
    assert {UUID(report["id"]) for report in reports} == set(run.public.told.cause_of)
    assert figures.reports == figures.located + figures.unlocated == len(reports) > 10
    assert figures.events_parked == 0

    orders = reader.pages("/api/work-orders", state="all")
    answered = {UUID(one["id"]) for order in orders for one in order["assignments"] if one["answered_at"]}
    accepted = {assignment for crew in run.fleet for assignment in crew.log.accepted}
    assert accepted
    assert accepted <= answered

    crews = {
        crew["code"]: crew["id"] for crew in reader.http.get("/api/crews").raise_for_status().json()["items"]
    }
    for phone in run.fleet:
        told = set(phone.phone.acknowledged)
        assert len(told) > 30
        wanted = min(told), max(told)
        give_up = time.monotonic() + STORED_WITHIN_S
        while missing := told - reader.trail(
            crews[phone.code],
            datetime.fromtimestamp(wanted[0], tz=UTC),
            datetime.fromtimestamp(wanted[1] + 1, tz=UTC),
        ):
            assert time.monotonic() < give_up, (
                f"{phone.code}: {len(missing)} acknowledged positions are missing"
            )
            time.sleep(0.5)
    left = [
        {
            key: one[key]
            for key in ("id", "state", "due_at", "not_before_at", "attempts", "claimed_at", "cause")
        }
        for one in reader.pages("/api/callbacks")
        if one["state"] not in ("reached", "not_reached", "waived")
    ]
    assert not left
    assert figures.callbacks_made == figures.callbacks_due > 0
