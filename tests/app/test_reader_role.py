"""The role of the restricted views on servers of others: what is missing is said, what a restore lost comes back."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.engine import URL

from app.provision import migrations
from app.provision.errors import ProvisionError
from app.provision.postgres import EXTENSIONS, READER
from core.db import libpq_url


@pytest.fixture
def plain_owner(admin_url: URL) -> Iterator[URL]:
    """A database whose owner may make neither roles nor databases, as others keep them for us."""
    name, password = f"mainline_test_{uuid4().hex[:12]}", uuid4().hex
    admin = libpq_url(admin_url.render_as_string(hide_password=False))
    database = libpq_url(admin_url.set(database=name).render_as_string(hide_password=False))
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEROLE PASSWORD '{password}'")
        connection.execute(f"CREATE DATABASE {name} OWNER {name}")
    with psycopg.connect(database, autocommit=True) as connection:
        for extension in EXTENSIONS:
            connection.execute(f"CREATE EXTENSION {extension}")
    yield admin_url.set(username=name, password=password, database=name)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.execute(f"DROP ROLE {name}")


def test_a_role_that_others_must_give_is_asked_for_and_lost_grants_come_back(
    plain_owner: URL, admin_url: URL, template_url: URL
) -> None:
    """The template's migration made the role on this server; the owner is not its member until the administrator says so."""
    url = plain_owner.render_as_string(hide_password=False)
    with pytest.raises(ProvisionError, match=f"GRANT {READER} TO {plain_owner.username}"):
        migrations.upgrade(url)
    with psycopg.connect(
        libpq_url(admin_url.render_as_string(hide_password=False)), autocommit=True
    ) as admin:
        admin.execute(f"GRANT {READER} TO {plain_owner.username}")
    migrations.upgrade(url)
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA ogc FROM {READER}")
        connection.execute(f"REVOKE ALL ON SCHEMA ogc FROM {READER}")
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute(f"SET LOCAL ROLE {READER}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM ogc.pipes")
    migrations.upgrade(url)
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute(f"SET LOCAL ROLE {READER}")
        assert connection.execute("SELECT count(*) FROM ogc.pipes").fetchone() == (0,)
