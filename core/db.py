"""One database, a schema per package; only the edge commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import MetaData, create_engine
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
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
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={} if lock_wait_ms is None else {"options": f"-c lock_timeout={lock_wait_ms}"},
    )
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def transaction(factory: SessionFactory) -> Iterator[Session]:
    """Run one unit of work and commit it: for the edges (worker loops, commands), never for packages."""
    with factory() as session, session.begin():
        yield session
