"""The invented town for the hotline's tests, loaded once; and people who report things."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from core.settings import Settings, get_settings
from tests.conftest import LogIn
from tests.town import Town, load_town

Post = Callable[..., Any]


@pytest.fixture(scope="session")
def town_url_and_town(template_url: URL, create_database: Callable[..., URL]) -> tuple[URL, Town]:
    url = create_database(template=template_url.database)
    engine = create_engine(url)
    with Session(engine) as session, session.begin():
        town = load_town(session)
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()
    engine.dispose()
    return url, town


@pytest.fixture(scope="session")
def database_url(town_url_and_town: tuple[URL, Town], create_database: Callable[..., URL]) -> URL:
    """The session's database, with the town in it."""
    return create_database(template=town_url_and_town[0].database)


@pytest.fixture
def cloned_database(town_url_and_town: tuple[URL, Town], create_database: Callable[..., URL]) -> URL:
    """A database of its own, with the town in it."""
    return create_database(template=town_url_and_town[0].database)


@pytest.fixture(scope="session")
def town(town_url_and_town: tuple[URL, Town]) -> Town:
    return town_url_and_town[1]


@pytest.fixture(autouse=True)
def _process_settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Handlers read the process's settings; here they are the tests'."""
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("MAINLINE_TOKEN_SECRET", settings.token_secret.get_secret_value())
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture
def agent(log_in: LogIn) -> dict[str, str]:
    return log_in("agent")


@pytest.fixture
def post_report(client: TestClient, agent: dict[str, str]) -> Post:
    """Post a report as an agent: `post_report(account_no="100001")`; `expect` is the status."""

    def post(expect: int = 201, headers: dict[str, str] | None = None, **body: Any) -> Any:
        form = {"channel": "phone", "category": "no_water", "client_id": str(uuid4())} | body
        answer = client.post("/api/reports", json=form, headers=headers or agent)
        assert answer.status_code == expect, answer.text
        return answer.json()

    return post
