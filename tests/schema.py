"""Builds the tests' database schema the way the product does: by its migrations."""

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from app.provision import migrations


def build_schema(url: URL) -> None:
    """Create extensions and every table in an empty database."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for extension in ("postgis", "pg_trgm"):
            connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension}"))
    engine.dispose()
    migrations.upgrade(url.render_as_string(hide_password=False))
