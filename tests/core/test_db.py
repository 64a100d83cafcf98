"""The pool: no stale connection reaches a request, and many requests share few connections."""

import asyncio

import httpx
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.engine import URL

from app.main import create_app
from core import auth, db
from core.clock import real_now
from core.db import SessionFactory, reading, session_factory
from core.http import deps
from core.models import AuditEntry
from tests.conftest import PASSWORD, make_settings

FIRST_TO_LAST_S = 20.0
"""Well below what a pool waits for a connection before it gives up."""


def test_a_session_for_reading_leaves_no_transaction_open(
    cloned_database: URL, factory: SessionFactory
) -> None:
    one = session_factory(cloned_database.render_as_string(hide_password=False), pool_size=1)
    state = text("SELECT state FROM pg_stat_activity WHERE pid = :pid")
    with reading(one)() as session, factory() as outside:
        pid = session.scalar(select(func.pg_backend_pid()))
        assert outside.scalar(state, {"pid": pid}) == "idle"
    with one() as session, factory() as outside:
        assert session.scalar(select(func.pg_backend_pid())) == pid, "the same connection, now for changes"
        assert outside.scalar(state, {"pid": pid}) == "idle in transaction"


def test_a_session_for_reading_writes_nothing(factory: SessionFactory) -> None:
    with reading(factory)() as session:
        session.add(AuditEntry(at=real_now(), real_at=real_now(), action="test.written"))
        with pytest.raises(RuntimeError, match="something to write"):
            session.commit()
    with factory() as session:
        assert session.scalar(select(func.count()).where(AuditEntry.action == "test.written")) == 0


def test_a_connection_whose_server_went_while_it_rested_is_replaced(
    cloned_database: URL, factory: SessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = session_factory(cloned_database.render_as_string(hide_password=False), pool_size=1)
    with one() as session:
        backend = session.scalar(select(func.pg_backend_pid()))
    with factory() as session:
        session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": backend})
    monkeypatch.setattr(db, "REST_S", 0.0)
    with one() as session:
        assert session.scalar(select(func.pg_backend_pid())) != backend


def test_a_busy_connection_is_not_asked_whether_it_is_there(
    cloned_database: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = session_factory(cloned_database.render_as_string(hide_password=False), pool_size=1)
    asked = []
    engine = one.kw["bind"]
    monkeypatch.setattr(engine.dialect, "do_ping", lambda connection: asked.append(connection))
    for _ in range(3):
        with one() as session:
            session.scalar(select(1))
    assert asked == []
    monkeypatch.setattr(db, "REST_S", 0.0)
    with one() as session:
        session.scalar(select(1))
    assert len(asked) == 1


def test_who_waits_too_long_for_his_turn_is_told_to_try_again(
    cloned_database: URL, factory: SessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(make_settings(cloned_database, database_pool_size=1), factory)
    monkeypatch.setattr(deps, "TURN_PATIENCE_S", 0.05)

    async def ask_while_another_works() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://test") as client,
            app.state.turns.one(),
        ):
            return await client.get("/api/incidents", headers={"Authorization": "Bearer x"})

    answer = asyncio.run(ask_while_another_works())
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/server-busy")


def test_more_requests_than_connections_and_threads_are_all_answered(
    cloned_database: URL, factory: SessionFactory
) -> None:
    """Were turns not given, requests that wait for a connection would hold every thread that those with one need to go on."""
    with factory() as session, session.begin():
        auth.add_user(session, username="many", password=PASSWORD, role="dispatcher")
    url = cloned_database.render_as_string(hide_password=False)
    app = create_app(make_settings(cloned_database, database_pool_size=1), session_factory(url, pool_size=1))

    async def ask_all() -> list[int]:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.post("/api/login", json={"username": "many", "password": PASSWORD})
            token = {"Authorization": f"Bearer {answer.json()['access_token']}"}
            client.cookies.clear()
            asked = [client.get("/api/incidents", headers=token) for _ in range(120)]
            return [answer.status_code for answer in await asyncio.gather(*asked)]

    assert asyncio.run(asyncio.wait_for(ask_all(), FIRST_TO_LAST_S)) == [200] * 120
