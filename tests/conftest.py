"""A real PostGIS for every test: one migrated template, each test rolled back; tests of commits get a clone."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from _pytest.nodeid import coerce_node_id
from fastapi.testclient import TestClient
from schemathesis.pytest.plugin import SchemathesisFunction
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session, sessionmaker

from app.main import create_app
from core import auth, clock, logs
from core.db import SessionFactory, reading
from core.settings import Settings
from dispatch.triage import live
from tests.app.provisioning import reachable_folder
from tests.brokers import broker as broker  # a fixture for every test
from tests.schema import build_schema

ADMIN_URL = os.environ.get("MAINLINE_TEST_DATABASE_URL", "")
PEER = ("127.0.0.1", 50000)
PASSWORD = "correct horse battery staple"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything that talks to a database needs the launcher's cluster; tests made for each route get ids of their own.

    Schemathesis gives them all one id, by which they would be shared out among processes as one test.
    """
    logs.configure("tests")
    for item in items:
        if isinstance(item, SchemathesisFunction):
            item._id = coerce_node_id(item.nodeid.removesuffix(item.originalname) + item.name)
    assert len({item.nodeid for item in items}) == len(items), "two tests of one id would run as one"
    if not ADMIN_URL:
        pytest.exit("MAINLINE_TEST_DATABASE_URL is not set: run the tests with ./mainline test", returncode=3)


@pytest.fixture(scope="session")
def admin_url() -> URL:
    return make_url(ADMIN_URL).set(drivername="postgresql+psycopg")


@pytest.fixture(scope="session")
def create_database(admin_url: URL) -> Iterator[Callable[..., URL]]:
    """Make databases that are dropped at the end of the session."""
    engine = create_engine(admin_url, isolation_level="AUTOCOMMIT")
    made: list[str] = []

    def create(*, template: str | None = None) -> URL:
        name = f"mainline_test_{uuid4().hex[:12]}"
        with engine.connect() as connection:
            connection.execute(
                text(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
            )
        made.append(name)
        return admin_url.set(database=name)

    yield create
    with engine.connect() as connection:
        for name in reversed(made):
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(scope="session")
def template_url(create_database: Callable[..., URL]) -> URL:
    """A migrated, empty database with the seed roles."""
    url = create_database()
    build_schema(url)
    engine = create_engine(url)
    with Session(engine) as session, session.begin():
        auth.seed_roles(session)
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def database_url(template_url: URL, create_database: Callable[..., URL]) -> URL:
    return create_database(template=template_url.database)


@pytest.fixture
def session(database_url: URL) -> Iterator[Session]:
    """A session whose transaction is rolled back after the test."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
        outer.rollback()
    engine.dispose()


@pytest.fixture
def cloned_database(template_url: URL, create_database: Callable[..., URL]) -> URL:
    """A database of its own, for tests of commits, notifications and races."""
    return create_database(template=template_url.database)


@pytest.fixture
def factory(cloned_database: URL) -> Iterator[SessionFactory]:
    """Makes sessions that really commit, on the test's own database."""
    engine = create_engine(cloned_database, pool_size=10)
    yield sessionmaker(engine, expire_on_commit=False)
    engine.dispose()


@pytest.fixture
def settings(database_url: URL) -> Settings:
    return make_settings(database_url)


def make_settings(url: URL, **changed: object) -> Settings:
    values: dict[str, object] = {
        "DATABASE_URL": url.render_as_string(hide_password=False),
        "token_secret": "a secret of the tests that is long enough for HS256",
        "workspace": "test",
        "utility_timezone": "Asia/Shanghai",
    }
    return Settings.model_validate(values | changed)


@pytest.fixture(autouse=True)
def _real_clock() -> Iterator[None]:
    clock.use(clock.REAL)
    yield
    clock.use(clock.REAL)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """What a process keeps of stored reports is of the test before, which was rolled back."""
    live.forget()


class SharedSession:
    """Lets the application work in the test's own transaction: each request in a savepoint that it commits or rolls back."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def __call__(self) -> Session:
        return Session(
            self.session.connection(), join_transaction_mode="create_savepoint", expire_on_commit=False
        )


@pytest.fixture
def client(session: Session, settings: Settings) -> TestClient:
    """The application over the test's session, nobody logged in. Its live hub does not run."""
    app = create_app(settings, SharedSession(session))  # type: ignore[arg-type]  # quacks like a sessionmaker
    return TestClient(app, raise_server_exceptions=False, client=PEER)


@pytest.fixture
def committing_client(cloned_database: URL, factory: SessionFactory) -> TestClient:
    """The application over a database of its own, its requests really committed."""
    app = create_app(make_settings(cloned_database), factory, reading_sessions=reading(factory))
    return TestClient(app, raise_server_exceptions=False, client=PEER)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that servers of other users can reach."""
    with reachable_folder() as folder:
        yield folder


LogIn = Callable[..., dict[str, str]]


@pytest.fixture
def log_in(session: Session, client: TestClient) -> LogIn:
    """Make a user of a role and log in really: `log_in("agent")` returns the headers to send."""

    def log_in(role: str, **details: object) -> dict[str, str]:
        username = f"{role}-{uuid4().hex[:6]}"
        auth.add_user(session, username=username, password=PASSWORD, role=role, language="en", **details)  # type: ignore[arg-type]
        session.flush()
        answer = client.post("/api/login", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.cookies.clear()
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    return log_in
