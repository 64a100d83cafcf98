"""Brings a database to the schema of this checkout."""

import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from app.provision.progress import step, tell
from app.provision.state import CHECKOUT


def upgrade(database_url: str) -> None:
    """Run every migration the database has not seen.

    Parameters
    ----------
    database_url
        As SQLAlchemy writes it; handed to `migrations/env.py` by `DATABASE_URL`.
    """
    if not Path(CHECKOUT, "migrations", "env.py").exists():
        tell("· no migrations/env.py in this checkout yet: the schema is left as it is")
        return
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


def is_known(revision: str | None) -> bool:
    """Whether this checkout has a migration of this name; a database without any is of every age."""
    if revision is None or not Path(CHECKOUT, "migrations", "env.py").exists():
        return True
    try:
        return ScriptDirectory.from_config(_configuration()).get_revision(revision) is not None
    except CommandError:
        return False


def _configuration() -> Config:
    configuration = Config(str(CHECKOUT / "alembic.ini"))
    configuration.set_main_option("script_location", str(CHECKOUT / "migrations"))
    return configuration
