"""Builds the tests' database schema the way the product does."""

import procrastinate.schema
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

import core.models
import dispatch.models
import gis.models
import hotline.models
import tracker.models  # noqa: F401 - the metadata is complete when all models are imported
from core.db import SCHEMAS, Base


def build_schema(url: URL) -> None:
    """Create extensions, schemas and tables in an empty database."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for extension in ("postgis", "pg_trgm"):
            connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension}"))
        for schema in SCHEMAS:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
        Base.metadata.create_all(connection)
        connection.execute(
            text("CREATE TABLE tracker.position_default PARTITION OF tracker.position DEFAULT")
        )
        connection.exec_driver_sql(procrastinate.schema.SchemaManager.get_schema().replace("%", "%%"))
    engine.dispose()
