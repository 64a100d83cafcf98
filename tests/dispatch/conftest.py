"""The invented town for dispatch's tests, loaded once, and a hand on the clock."""

from collections.abc import Callable, Iterator
from datetime import datetime

import hypothesis
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from core.settings import Settings, get_settings
from tests.dispatch.play import Play
from tests.town import Town, load_town

hypothesis.settings.register_profile("shared machine", deadline=None)
hypothesis.settings.load_profile("shared machine")


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
def by_hand_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is dispatched without a dispatcher."""
    monkeypatch.setenv("MAINLINE_AUTO_DISPATCH", "false")
    get_settings.cache_clear()


@pytest.fixture
def play(session: Session, town: Town) -> Play:
    return Play(session, town, start=datetime.fromisoformat("2026-03-02T08:00:00+00:00"))
