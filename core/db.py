"""One database, a schema per package; only the edge commits."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, MetaData, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from uuid_utils.compat import uuid7

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

SCHEMAS = ("core", "gis", "hotline", "tracker", "dispatch", "fieldapp_api")


class Base(DeclarativeBase):
    """Root of every table; each package's models name their own schema."""

    metadata = MetaData(naming_convention=NAMING)


SessionFactory = sessionmaker[Session]

REST_S = 3.0
"""Real seconds after which a connection of the pool is tried before it is used again."""


def new_id() -> UUID:
    """Make a UUID version 7: sorts by time, merges across sites."""
    return uuid7()


def session_factory(
    database_url: str, *, pool_size: int = 10, lock_wait_ms: int | None = None
) -> SessionFactory:
    """Open a pool on `database_url` and return what makes sessions on it.

    Errors never quote values, which may be personal.

    Parameters
    ----------
    lock_wait_ms
        How long a statement waits for a row that somebody else holds, milliseconds; without, as long as it takes.
    """
    engine = create_engine(
        database_url,
        pool_size=pool_size,
        max_overflow=pool_size,
        hide_parameters=True,
        connect_args={} if lock_wait_ms is None else {"options": f"-c lock_timeout={lock_wait_ms}"},
    )
    _ping_after_a_rest(engine)
    return sessionmaker(engine, expire_on_commit=False)


class ReadingSession(Session):
    """A session that only asks: each statement by itself, without a transaction to begin and end round it."""

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Refuse to write: changes here would be committed one by one.

        Raises
        ------
        RuntimeError
            There is something to write.
        """
        if self.new or self.dirty or self.deleted:
            raise RuntimeError("a session for reading was given something to write")


def reading(factory: SessionFactory) -> SessionFactory:
    """Make sessions over the same pool that only ask: two ways to the database less than with a transaction."""
    engine: Engine = factory.kw["bind"]
    return sessionmaker(
        engine.execution_options(isolation_level="AUTOCOMMIT"),
        class_=ReadingSession,
        expire_on_commit=False,
        autoflush=False,
    )


def libpq_url(database_url: str) -> str:
    """Write SQLAlchemy's address of the database as libpq, and so psycopg alone, understands it."""
    return database_url.replace("postgresql+psycopg://", "postgresql://", 1)


def _ping_after_a_rest(engine: Engine) -> None:
    """Try a connection that rested before it is used: the server may have gone meanwhile. A busy one is spared the way there and back."""

    @event.listens_for(engine, "checkin")
    def rest(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["rests_since"] = monotonic()

    @event.listens_for(engine, "checkout")
    def ping(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        now = monotonic()
        if now - record.info.get("rests_since", now) < REST_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error


@contextmanager
def transaction(factory: SessionFactory) -> Iterator[Session]:
    """Run one unit of work and commit it: for the edges (requests, worker loops, commands), never for packages."""
    with factory() as session, session.begin():
        yield session
