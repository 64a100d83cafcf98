"""Bad input and failures: a clear problem+json, and a failed commit is never answered with success."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from core.auth import Actor
from core.db import SessionFactory
from core.http.deps import DbSession, requires
from tests.conftest import LogIn


def test_malformed_json_names_the_place(client: TestClient) -> None:
    answer = client.post("/api/login", content=b'{"username": ', headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    answer = client.post("/api/login", content=b"\xff\xfe", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/malformed")
    answer = client.post("/api/login", json={"username": "x", "extra": 1})
    assert {error["pointer"] for error in answer.json()["errors"]} == {"#/password", "#/extra"}


def test_an_oversize_body_is_refused_with_or_without_an_announced_length(client: TestClient) -> None:
    big = b"x" * 1_000_001

    def pieces() -> Iterator[bytes]:
        yield big

    for content in (big, pieces()):
        answer = client.post("/api/login", content=content)
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/request-too-large")


def test_an_unknown_address_and_a_wrong_method_are_problems_too(client: TestClient) -> None:
    assert client.get("/api/nothing").json()["status"] == 404
    answer = client.put("/api/login")
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")


def test_words_a_database_cannot_keep_are_refused_not_crashed_on(client: TestClient) -> None:
    for body in (
        b'{"username": "a\\u0000b", "password": "x"}',
        b'{"username": "a\\ud800b", "password": "x"}',
    ):
        answer = client.post("/api/login", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (401, 422), body


def test_a_problems_address_tells_what_it_means(client: TestClient) -> None:
    answer = client.get("/problems/login-paused")
    assert (answer.status_code, answer.json()["status"]) == (200, 429)
    assert "wait" in answer.json()["meaning"]
    assert client.get("/problems/nonsense").status_code == 404


def test_pages_and_answers_keep_to_themselves(client: TestClient) -> None:
    headers = client.get("/api/health").headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_a_commit_that_fails_is_never_answered_with_success(
    committing_client: TestClient, factory: SessionFactory
) -> None:
    app = committing_client.app
    assert isinstance(app, FastAPI)

    @app.post("/api/test/late-failure", status_code=201)
    def late_failure(session: DbSession) -> dict[str, str]:
        session.execute(text("INSERT INTO late VALUES (1), (1)"))  # the constraint is checked at the commit
        return {"said": "done"}

    with factory() as session, session.begin():
        session.execute(text("CREATE TABLE late (n int, UNIQUE (n) DEFERRABLE INITIALLY DEFERRED)"))
    answer = committing_client.post("/api/test/late-failure")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    with factory() as session:
        assert session.scalar(text("SELECT count(*) FROM late")) == 0


def test_a_failure_tells_nothing_of_the_inside(client: TestClient, log_in: LogIn) -> None:
    app = client.app
    assert isinstance(app, FastAPI)

    @app.get("/api/test/broken")
    def broken(actor: Annotated[Actor, requires("profile.own")]) -> None:
        msg = "the password is hunter2"
        raise RuntimeError(msg)

    answer = client.get("/api/test/broken", headers=log_in("agent"))
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
