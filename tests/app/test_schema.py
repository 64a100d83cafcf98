"""The migrations and the models say the same."""

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from app.provision.state import CHECKOUT
from app.tables import METADATA
from core.db import SCHEMAS


def test_the_migrations_make_what_the_models_declare(template_url: URL, monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", template_url.render_as_string(hide_password=False))
    configuration = Config(str(CHECKOUT / "alembic.ini"))
    configuration.set_main_option("script_location", str(CHECKOUT / "migrations"))
    command.check(configuration)


def test_each_package_keeps_its_tables_in_a_schema_of_its_name() -> None:
    for mapper in METADATA.tables.values():
        assert mapper.schema in SCHEMAS, mapper.name


LAYERS = {"core": 0, "gis": 1, "tracker": 2, "hotline": 3, "dispatch": 3}


def test_foreign_keys_point_down_never_sideways_or_up() -> None:
    for table in METADATA.tables.values():
        for key in table.foreign_keys:
            above, below = table.schema, key.column.table.schema
            assert above == below or LAYERS[str(above)] > LAYERS[str(below)], (
                table.fullname,
                key.target_fullname,
            )


def test_every_geometry_is_stored_in_wgs_84_with_an_index_where_it_is_searched(template_url: URL) -> None:
    engine = create_engine(template_url)
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT f_table_schema, f_table_name, srid FROM geometry_columns WHERE f_table_schema = ANY(:schemas)"
            ),
            {"schemas": list(SCHEMAS)},
        ).all()
    engine.dispose()
    assert len(rows) > 10
    assert {srid for *_, srid in rows} == {4326}
