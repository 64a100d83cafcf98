"""Builds the tests' database schema the way the product does."""

import procrastinate.schema
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from app.tables import METADATA
from core.db import SCHEMAS


def build_schema(url: URL) -> None:
    """Create extensions, schemas and tables in an empty database."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for extension in ("postgis", "pg_trgm"):
            connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension}"))
        for schema in SCHEMAS:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
        METADATA.create_all(connection)
        connection.execute(
            text("CREATE TABLE tracker.position_default PARTITION OF tracker.position DEFAULT")
        )
        connection.exec_driver_sql(procrastinate.schema.SchemaManager.get_schema().replace("%", "%%"))
    engine.dispose()
