"""Runs migrations on the database that `DATABASE_URL` names."""

import os

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import create_engine, pool, text

from app.tables import METADATA
from core.db import SCHEMAS


def include_name(name, kind, parents):
    """Look only at our own schemas; partitions and procrastinate's tables are made by hand in the migrations."""
    if kind == "schema":
        return name in SCHEMAS
    return not (kind == "table" and name.startswith("position_"))


def include_object(item, name, kind, reflected, compare_to):
    """Leave to GeoAlchemy2 the indexes it makes itself; indexes on expressions come back from the database in other words."""
    if (
        kind == "index"
        and name is not None
        and name.endswith("_geography")
        and (reflected or compare_to is not None)
    ):
        return False
    return alembic_helpers.include_object(item, name, kind, reflected, compare_to)


def run() -> None:
    """Migrate in one transaction."""
    engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        for schema in SCHEMAS:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=METADATA,
            include_schemas=True,
            include_name=include_name,
            include_object=include_object,
            process_revision_directives=alembic_helpers.writer,
            render_item=alembic_helpers.render_item,
            version_table_schema="core",
            compare_type=True,
            compare_server_default=False,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
