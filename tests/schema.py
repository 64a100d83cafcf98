"""Builds the tests' database schema the way the product does: by its migrations."""

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from app.provision import migrations

ONE_AT_A_TIME = 7_301_999
"""Key of the advisory lock."""


def build_schema(url: URL) -> None:
    """Create extensions and every table in an empty database; one at a time, for roles belong to the whole cluster."""
    cluster = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    engine = create_engine(url)
    with cluster.connect() as turn:
        turn.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ONE_AT_A_TIME})
        with engine.begin() as connection:
            for extension in ("postgis", "pg_trgm"):
                connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension}"))
        migrations.upgrade(url.render_as_string(hide_password=False))
        turn.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ONE_AT_A_TIME})
    engine.dispose()
    cluster.dispose()
