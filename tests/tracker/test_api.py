"""Positions, trails and dropped messages over HTTP, within the reader's area and rights."""

from datetime import timedelta
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.db import new_id
from core.models import AuditEntry, PostRole
from core.settings import Settings
from tests.conftest import LogIn
from tests.tracker.test_ingest import ago, fix, raw
from tracker.devices import CrewDirectory, register_device
from tracker.ingest import take_messages

EAST = "MULTIPOLYGON(((25 60, 26 60, 26 61, 25 61, 25 60)))"


@pytest.fixture
def crews(session: Session, settings: Settings) -> dict[str, UUID]:
    """Two crews with three fixes each: west at 24.9, east at 25.1; one message that is no JSON."""
    crews = {"west": new_id(), "east": new_id()}
    for code, crew_id in crews.items():
        register_device(session, crew_id=crew_id, mqtt_username=code)
    messages = [
        fix(ago(age), user=code, lon=lon, vel=36)
        for code, lon in (("west", 24.9), ("east", 25.1))
        for age in (120, 60, 5)
    ]
    take_messages(session, [*messages, raw(b"no json")], directory=CrewDirectory(), settings=settings)
    return crews


def test_positions_show_the_latest_of_each_crew(
    client: TestClient, log_in: LogIn, crews: dict[str, UUID]
) -> None:
    answer = client.get("/api/positions", headers=log_in("dispatcher"))
    shown = {UUID(one["crew_id"]): one for one in answer.json()["items"]}
    assert shown.keys() == set(crews.values())
    west = shown[crews["west"]]
    assert (west["point"], west["speed_mps"], west["presence"]) == (
        {"lon": 24.9, "lat": 60.17},
        10.0,
        "online",
    )
    assert 4 <= west["age_s"] < 60


def test_positions_outside_the_readers_area_are_not_shown(
    client: TestClient, log_in: LogIn, crews: dict[str, UUID]
) -> None:
    headers = log_in("supervisor", area_wkt=EAST)
    items = client.get("/api/positions", headers=headers).json()["items"]
    assert [UUID(one["crew_id"]) for one in items] == [crews["east"]]
    points = client.get(f"/api/crews/{crews['west']}/trail", headers=headers).json()["items"]
    assert points == []
    assert len(client.get(f"/api/crews/{crews['east']}/trail", headers=headers).json()["items"]) == 3


def test_trail_is_in_the_devices_order_and_looking_is_recorded(
    client: TestClient, log_in: LogIn, crews: dict[str, UUID], session: Session
) -> None:
    answer = client.get(f"/api/crews/{crews['west']}/trail", headers=log_in("supervisor")).json()
    times = [point["recorded_at"] for point in answer["items"]]
    assert times == sorted(times)
    assert (len(times), answer["next"]) == (3, None)
    entry = session.scalar(select(AuditEntry).where(AuditEntry.action == "trail.read"))
    assert entry is not None
    assert entry.subject_id == crews["west"]


def test_trail_is_read_in_parts(client: TestClient, log_in: LogIn, crews: dict[str, UUID]) -> None:
    headers = log_in("supervisor")
    address = f"/api/crews/{crews['west']}/trail?limit=2"
    first = client.get(address, headers=headers).json()
    second = client.get(address, headers=headers, params={"limit": 2, "cursor": first["next"]}).json()
    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)
    assert first["items"][-1]["recorded_at"] < second["items"][0]["recorded_at"]


def test_trail_is_shown_only_to_roles_that_see_it(
    client: TestClient, log_in: LogIn, crews: dict[str, UUID], session: Session
) -> None:
    address = f"/api/crews/{crews['west']}/trail"
    assert client.get(address, headers=log_in("dispatcher")).status_code == 403
    role = session.scalar(select(PostRole).where(PostRole.name == "supervisor"))
    assert role is not None
    role.fields = ["phone"]
    session.flush()
    answer = client.get(address, headers=log_in("supervisor"))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/trail-hidden")


def test_trail_of_nobody_is_not_found(client: TestClient, log_in: LogIn) -> None:
    answer = client.get(f"/api/crews/{new_id()}/trail", headers=log_in("supervisor"))
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/crew-without-device")


@pytest.mark.parametrize(
    "query",
    [
        {"since": "2026-03-02T12:00:00Z", "until": "2026-03-02T12:00:00Z"},
        {"since": "2026-03-02T12:00:00Z", "until": "2026-03-10T12:00:00Z"},
        {"since": "9999-12-31T23:59:59Z"},
        {"until": "0001-01-01T00:00:00Z"},
        {"since": "0001-01-01T00:00:00+14:00", "until": "0001-01-02T00:00:00+14:00"},
        {"since": "2026-03-02T12:00:00"},
        {"since": "yesterday"},
        {"cursor": "nonsense"},
        {"cursor": "bm93IHBob25l"},
        {"limit": 0},
    ],
)
def test_trail_of_a_time_that_makes_no_sense_is_refused(
    client: TestClient, log_in: LogIn, crews: dict[str, UUID], query: dict[str, str]
) -> None:
    answer = client.get(f"/api/crews/{crews['west']}/trail", headers=log_in("supervisor"), params=query)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_dropped_messages_are_told_by_day_and_reason(
    client: TestClient, log_in: LogIn, crews: dict[str, UUID]
) -> None:
    (row,) = client.get("/api/tracker/dropped", headers=log_in("dispatcher")).json()["items"]
    assert (row["reason"], row["count"], row["last_topic"]) == ("not_json", 1, "owntracks/C-07/phone")
    assert abs(utc_now().date() - utc_now().date().fromisoformat(row["day"])) <= timedelta(days=1)
