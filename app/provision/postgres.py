"""Databases of the private cluster: roles, making, copying, dropping."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString
from urllib.parse import quote

import psycopg
from psycopg import sql

from app.provision.cluster import ADMIN, APP, Cluster

EXTENSIONS = ("postgis", "pg_trgm")
"""Made by the superuser in every database, so that no migration needs one."""

READER = "mainline_ogc"
"""The role that reads the restricted views of schema `ogc` and nothing else; nobody logs in as it, the product's role takes it for a query."""


def admin_url(cluster: Cluster, database: str = "postgres") -> str:
    """Address of a database for the cluster's superuser, as SQLAlchemy writes it."""
    return _url(cluster, ADMIN, database)


def database_url(cluster: Cluster, database: str) -> str:
    """Address of a database for the product's processes, as SQLAlchemy writes it."""
    return _url(cluster, APP, database)


def _url(cluster: Cluster, role: str, database: str) -> str:
    password = quote(cluster.password(role), safe="")
    return f"postgresql+psycopg://{role}:{password}@127.0.0.1:{cluster.port}/{database}"


@contextmanager
def admin_connection(cluster: Cluster, database: str = "postgres") -> Iterator[psycopg.Connection]:
    """Connect as the superuser, each statement its own transaction (databases cannot be made inside one)."""
    with psycopg.connect(
        host="127.0.0.1",
        port=cluster.port,
        user=ADMIN,
        password=cluster.password(ADMIN),
        dbname=database,
        autocommit=True,
        application_name="mainline launcher",
    ) as connection:
        yield connection


def ensure_app_role(cluster: Cluster) -> None:
    """Make the role that owns the workspaces' databases; it may neither make databases nor read others, nor make roles: its reader comes too."""
    with admin_connection(cluster) as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP]).fetchone()
        verb: LiteralString = "ALTER" if known else "CREATE"
        connection.execute(
            sql.SQL(verb + " ROLE {} LOGIN NOSUPERUSER NOCREATEDB PASSWORD {}").format(
                sql.Identifier(APP), sql.Literal(cluster.password(APP))
            )
        )
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [READER]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN NOINHERIT").format(sql.Identifier(READER)))
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(READER), sql.Identifier(APP)))


def database_exists(cluster: Cluster, name: str) -> bool:
    """Whether the cluster has a database of this name."""
    with admin_connection(cluster) as connection:
        return (
            connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None
        )


def create_database(cluster: Cluster, name: str, *, template: str | None = None) -> None:
    """Make a database owned by the product's role, with its extensions.

    Parameters
    ----------
    template
        A database to copy whole; its sessions are ended first, as PostgreSQL copies only what nobody uses.

    Raises
    ------
    psycopg.errors.DuplicateDatabase
        There is one of this name.
    """
    with admin_connection(cluster) as connection:
        if template is not None:
            _end_sessions(connection, template)
            # Copying files is much quicker than logging every page of a large template.
            statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(APP), sql.Identifier(template)
            )
        else:
            statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(APP)
            )
        connection.execute(statement)
    if template is None:
        with admin_connection(cluster, name) as connection:
            for extension in EXTENSIONS:
                connection.execute(
                    sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension))
                )


def ensure_database(cluster: Cluster, name: str) -> bool:
    """Make a database unless there is one; tell whether it was made."""
    if database_exists(cluster, name):
        return False
    create_database(cluster, name)
    return True


def drop_database(cluster: Cluster, name: str) -> None:
    """Drop a database if it exists, ending its sessions."""
    with admin_connection(cluster) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def rename_database(cluster: Cluster, name: str, new_name: str) -> None:
    """Rename a database, ending its sessions."""
    with admin_connection(cluster) as connection:
        _end_sessions(connection, name)
        connection.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(new_name))
        )


def list_databases(cluster: Cluster, *, prefix: str = "") -> list[str]:
    """Name the databases that start with `prefix`."""
    with admin_connection(cluster) as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY datname", [prefix]
        )
        return [str(row[0]) for row in rows]


def _end_sessions(connection: psycopg.Connection, database: str) -> None:
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database]
    )
