"""Brings a database to the schema of this checkout."""

import os

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from app.provision.errors import ProvisionError
from app.provision.postgres import READER
from app.provision.progress import step
from app.provision.state import CHECKOUT
from core.db import libpq_url


def upgrade(database_url: str) -> None:
    """Run every migration the database has not seen, and let the restricted views be read.

    Parameters
    ----------
    database_url
        As SQLAlchemy writes it; handed to `migrations/env.py` by `DATABASE_URL`.
    """
    scripts = ScriptDirectory.from_config(_configuration())
    if revision(database_url) != scripts.get_current_head():
        _run(database_url)
    admit_reader(database_url)


def admit_reader(database_url: str) -> None:
    """Let the role of the restricted views read them: roles belong to the cluster, and grants are in no backup.

    Raises
    ------
    ProvisionError
        The role is missing and we may not make it.
    """
    with psycopg.connect(libpq_url(database_url)) as connection:
        try:
            connection.execute("CALL ogc.admit_reader()")
        except psycopg.errors.InsufficientPrivilege as error:
            raise ProvisionError(
                f"DATABASE_URL: the server lacks the role {READER}, or we are not its member; its administrator runs: "
                f"CREATE ROLE {READER} NOLOGIN; GRANT {READER} TO {connection.info.user}"
            ) from error


def _run(database_url: str) -> None:
    before = os.environ.get("DATABASE_URL")
    os.environ["DATABASE_URL"] = database_url
    try:
        with step("bringing the database's schema up to date"):
            command.upgrade(_configuration(), "head")
    finally:
        if before is None:
            del os.environ["DATABASE_URL"]
        else:
            os.environ["DATABASE_URL"] = before


def revision(database_url: str) -> str | None:
    """Name the last migration a database has seen; None when it has no schema of ours."""
    with psycopg.connect(libpq_url(database_url)) as connection:
        row = connection.execute("SELECT to_regclass('core.alembic_version')").fetchone()
        if row is None or row[0] is None:
            return None
        found = connection.execute("SELECT version_num FROM core.alembic_version").fetchone()
        return str(found[0]) if found else None


def is_known(name: str | None) -> bool:
    """Whether this checkout has a migration of this name; a database without any is of every age."""
    if name is None:
        return True
    try:
        return ScriptDirectory.from_config(_configuration()).get_revision(name) is not None
    except CommandError:
        return False


def _configuration() -> Config:
    configuration = Config(str(CHECKOUT / "alembic.ini"))
    configuration.set_main_option("script_location", str(CHECKOUT / "migrations"))
    return configuration
