"""The live stream's hub over a database that really commits."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core import auth
from core.clock import real_now, utc_now
from core.db import SessionFactory, new_id, transaction
from core.events import AssignmentChanged, IncidentStateChanged, ReportTaken
from core.models import LoginSession, PostRole, User
from core.outbox import emit
from maps.live import QUEUE_MESSAGES_MAX, Client, Draft, Hub
from tests.maps.conftest import Scene, actor_of, box_wkt, put_report, put_scene
from tests.town import Town
from tracker.models import LatestPosition

Told = dict[str, Any]


@pytest.fixture
def scene(factory: SessionFactory, town: Town) -> Scene:
    with transaction(factory) as session:
        return put_scene(session, town)


def logged_in(factory: SessionFactory, role: str = "dispatcher") -> UUID:
    """Store an open log-in, as the hub looks for."""
    with transaction(factory) as session:
        user = auth.add_user(session, username=f"{role}-{new_id().hex}", password="long enough", role=role)
        login = LoginSession(
            user_id=user.id,
            refresh_hash=new_id().hex,
            client_address="127.0.0.1",
            user_agent="",
            created_at=real_now(),
            expires_at=real_now() + timedelta(hours=1),
        )
        session.add(login)
        session.flush()
        return login.id


def parsed(raw: bytes) -> Told:
    """One event of the stream; a ping has no id."""
    fields = dict(line.split(": ", 1) for line in raw.decode().strip().splitlines())
    return {"event": fields["event"], "id": int(fields.get("id", 0)), "data": json.loads(fields["data"])}


async def read(stream: AsyncIterator[bytes], wanted: int) -> list[Told]:
    """The next events of a stream but pings."""
    told: list[Told] = []
    while len(told) < wanted:
        message = parsed(await asyncio.wait_for(anext(stream), 5))
        if message["event"] != "ping":
            told.append(message)
    return told


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def waiting(client: Client) -> list[Told]:
    return [parsed(message.body) for message in client.take()]


async def settled(hub: Hub, *clients: Client) -> None:
    """Let the hub learn what is old."""
    await hub.tick()
    for client in clients:
        client.take()
        client.needs_snapshot = False


def change(session: Session, scene: Scene) -> None:
    emit(session, IncidentStateChanged(scene.incident_id, "confirmed", "suspected"))


def test_a_newcomer_gets_a_snapshot_and_then_what_changes(factory: SessionFactory, scene: Scene) -> None:
    async def work() -> None:
        hub = Hub(factory)
        await hub.tick()
        client = hub.join(actor_of("dispatcher", session_id=logged_in(factory)))
        stream = hub.stream(client)
        (snapshot,) = await read(stream, 1)
        assert snapshot["event"] == "snapshot"
        assert snapshot["data"]["incidents"][0]["id"] == str(scene.incident_id)
        with transaction(factory) as session:
            change(session, scene)
        await hub.tick()
        told = await read(stream, 1)
        while told[-1]["event"] != "incident":
            told += await read(stream, 1)
        assert told[-1]["data"]["state"] == "suspected"
        assert snapshot["id"] < told[-1]["id"]
        await stream.aclose()  # type: ignore[attr-defined]  # an async generator
        assert client.scope.clients == set()

    run(work)


def test_an_event_with_an_older_id_that_commits_later_is_told(factory: SessionFactory, scene: Scene) -> None:
    async def work() -> None:
        hub = Hub(factory)
        client = hub.join(actor_of("dispatcher", session_id=logged_in(factory)))
        await settled(hub, client)
        with factory() as slow, slow.begin():
            change(slow, scene)
            slow.flush()
            with transaction(factory) as quick:
                emit(quick, ReportTaken(scene.report_id))
            await hub.tick()
            assert [one["event"] for one in waiting(client)].count("incident") == 0
        await hub.tick()
        assert [one["event"] for one in waiting(client)].count("incident") == 1
        await hub.tick()
        assert "incident" not in [one["event"] for one in waiting(client)], "told once"

    run(work)


def test_who_comes_back_is_told_what_he_missed(factory: SessionFactory, scene: Scene) -> None:
    async def work() -> None:
        hub = Hub(factory)
        first = hub.join(actor_of("dispatcher", session_id=logged_in(factory)))
        await settled(hub, first)
        with transaction(factory) as session:
            change(session, scene)
        await hub.tick()
        seen = waiting(first)[-1]["id"]
        hub.leave(first)
        with transaction(factory) as session:
            emit(session, ReportTaken(scene.report_id))
        await hub.tick()
        back = hub.join(first.scope.actor, last_event_id=seen)
        assert back.needs_snapshot is False
        assert [one["event"] for one in waiting(back)] == ["report"]
        long_gone = hub.join(first.scope.actor, last_event_id=1)
        assert long_gone.needs_snapshot is True

    run(work)


def test_crews_that_moved_are_told_and_those_at_rest_are_not(
    factory: SessionFactory, scene: Scene, town: Town
) -> None:
    async def work() -> None:
        hub = Hub(factory)
        client = hub.join(actor_of("dispatcher", session_id=logged_in(factory)))
        await settled(hub, client)
        await hub.tick()
        assert [one for one in waiting(client) if one["event"] == "crews"] == []
        move(factory, scene, town, 50)
        await hub.tick()
        (crews,) = (one["data"] for one in waiting(client) if one["event"] == "crews")
        (crew,) = crews["items"]
        assert crew["code"] == "C01"
        assert crew["lon"] == pytest.approx(town.place(50, 0).lon, abs=1e-6)
        assert crew["lat"] == pytest.approx(town.place(50, 0).lat, abs=1e-6)

    run(work)


def move(factory: SessionFactory, scene: Scene, town: Town, east_m: float) -> None:
    with transaction(factory) as session:
        session.execute(
            update(LatestPosition)
            .where(LatestPosition.crew_id == scene.crew_id)
            .values(
                geom=town.place(east_m, 0).as_stored(),
                recorded_at=utc_now(),
                received_at=utc_now(),
                stored_at=real_now(),
            )
        )


def test_a_crew_that_leaves_somebodys_area_is_taken_off_his_map(
    factory: SessionFactory, scene: Scene, town: Town
) -> None:
    async def work() -> None:
        hub = Hub(factory)
        west = actor_of(
            "dispatcher", area_wkt=box_wkt(town, -100, -50, 390, 600), session_id=logged_in(factory)
        )
        client = hub.join(west)
        await settled(hub, client)
        move(factory, scene, town, 500)
        await hub.tick()
        (crews,) = (one["data"] for one in waiting(client) if one["event"] == "crews")
        assert crews == {"items": [], "removed": [str(scene.crew_id)]}

    run(work)


def test_a_scope_is_told_only_what_lies_in_it(factory: SessionFactory, scene: Scene, town: Town) -> None:
    async def work() -> None:
        hub = Hub(factory)
        login = logged_in(factory)
        everywhere = hub.join(actor_of("dispatcher", session_id=login))
        east = hub.join(actor_of("dispatcher", area_wkt=box_wkt(town, 390, -50, 800, 600), session_id=login))
        agent = hub.join(actor_of("agent", session_id=login))
        await settled(hub, everywhere, east, agent)
        with transaction(factory) as session:
            change(session, scene)
            emit(session, AssignmentChanged(new_id(), new_id(), scene.crew_id, "C01", "accepted"))
            far = put_report(session, town, town.on_pipe("H51", 20), pipe="H51")
            emit(session, ReportTaken(far.id))
        move(factory, scene, town, 20)
        await hub.tick()
        assert {one["event"] for one in waiting(everywhere)} >= {"incident", "report", "crews"}
        assert {one["event"] for one in waiting(east)} == {"report"}
        assert {one["event"] for one in waiting(agent)} >= {"incident", "report"}
        assert "crews" not in {one["event"] for one in waiting(agent)}

    run(work)


def test_a_slow_client_loses_old_positions_only(factory: SessionFactory, scene: Scene, town: Town) -> None:
    async def work() -> None:
        hub = Hub(factory)
        client = hub.join(actor_of("dispatcher", session_id=logged_in(factory)))
        await settled(hub, client)
        for east_m in range(10, 60, 10):
            move(factory, scene, town, east_m)
            with transaction(factory) as session:
                change(session, scene)
            await hub.tick()
        assert client.has_lost_positions is True, "so that all places are told again"
        told = waiting(client)
        assert [one["event"] for one in told].count("incident") == 5
        assert [one["event"] for one in told].count("crews") == 2
        assert [one["id"] for one in told] == sorted(one["id"] for one in told)

    run(work)


def test_one_who_falls_far_behind_starts_again(factory: SessionFactory, scene: Scene) -> None:
    async def work() -> None:
        hub = Hub(factory)
        client = hub.join(actor_of("dispatcher", session_id=logged_in(factory)))
        client.needs_snapshot = False
        draft = Draft("incident", "{}")
        client.put(hub._message(draft) for _ in range(QUEUE_MESSAGES_MAX + 1))
        assert client.needs_snapshot is True
        assert client.take() == []

    run(work)


@pytest.mark.parametrize("how", ["revoked", "disabled", "another role", "another area"])
def test_a_stream_ends_with_its_log_in_and_with_the_rights_it_was_opened_with(
    factory: SessionFactory, scene: Scene, how: str
) -> None:
    async def work() -> None:
        hub = Hub(factory)
        login = logged_in(factory)
        client = hub.join(actor_of("dispatcher", session_id=login))
        await hub.tick()
        assert client.is_over is False
        with transaction(factory) as session:
            match how:
                case "revoked":
                    auth.revoke(session, login)
                case "disabled":
                    session.execute(update(User).values(disabled_at=real_now()))
                case "another role":
                    session.execute(
                        update(User).values(
                            role_id=select(PostRole.id).where(PostRole.name == "agent").scalar_subquery()
                        )
                    )
                case _:
                    area = func.ST_Multi(func.ST_MakeEnvelope(0, 0, 1, 1, 4326))
                    session.execute(update(User).values(area=area))
        await hub.tick()
        assert client.is_over is True

    run(work)


def test_what_a_failed_look_did_not_tell_is_told_by_the_next(factory: SessionFactory, scene: Scene) -> None:
    def rename(table: str, to: str) -> None:
        with transaction(factory) as session:
            session.execute(text(f"ALTER TABLE dispatch.{table} RENAME TO {to}"))

    async def work() -> None:
        hub = Hub(factory)
        client = hub.join(actor_of("dispatcher", session_id=logged_in(factory)))
        await settled(hub, client)
        with transaction(factory) as session:
            change(session, scene)
        rename("work_order", "work_order_away")
        with pytest.raises(DBAPIError):
            await hub.tick()
        assert [one["event"] for one in waiting(client)].count("incident") == 0
        rename("work_order_away", "work_order")
        await hub.tick()
        assert [one["event"] for one in waiting(client)].count("incident") == 1

    run(work)


def test_it_wakes_when_something_is_committed(
    factory: SessionFactory, scene: Scene, cloned_database: Any
) -> None:
    async def work() -> None:
        url = cloned_database.set(drivername="postgresql").render_as_string(hide_password=False)
        async with Hub(factory, url).running() as hub:
            client = hub.join(actor_of("dispatcher", session_id=logged_in(factory)))
            stream = hub.stream(client)
            await read(stream, 1)
            await asyncio.sleep(1.5)
            with transaction(factory) as session:
                change(session, scene)
            told = await read(stream, 1)
            while told[-1]["event"] != "incident":
                told += await read(stream, 1)
        async with asyncio.timeout(5):
            async for _ in stream:
                pass  # what was still queued; the stream ends by itself

    run(work)


def test_what_happened_between_a_snapshot_and_the_first_look_is_told(
    factory: SessionFactory, scene: Scene
) -> None:
    async def work() -> None:
        hub = Hub(factory)
        client = hub.join(actor_of("dispatcher", session_id=logged_in(factory)))
        stream = hub.stream(client)
        assert (await read(stream, 1))[0]["event"] == "snapshot"
        with transaction(factory) as session:
            change(session, scene)
        await hub.tick()
        assert "incident" in [one["event"] for one in waiting(client)]
        await stream.aclose()  # type: ignore[attr-defined]  # an async generator

    run(work)
