"""Servers kept by others, named by `DATABASE_URL` and `MQTT_URL`: whether they answer and have what we need."""

import socket
from urllib.parse import urlsplit

import psycopg

from app.provision.errors import ProvisionError, ServerUnreachable
from app.provision.postgres import EXTENSIONS
from core.db import libpq_url

CONNECT_PATIENCE_S = 5
OLDEST_SERVER = 15_00_00
MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}


def sqlalchemy_url(url: str) -> str:
    """Rewrite a PostgreSQL address so that SQLAlchemy takes our driver."""
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def check_database(url: str) -> None:
    """See that a database answers and has what the product needs.

    Raises
    ------
    ServerUnreachable
        It does not answer, or does not let us in.
    ProvisionError
        Too old, or without PostGIS and without the right to add it.
    """
    try:
        connection = psycopg.connect(libpq_url(url), connect_timeout=CONNECT_PATIENCE_S, autocommit=True)
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise ServerUnreachable(f"DATABASE_URL: no answer: {reason}") from error
    with connection:
        if connection.info.server_version < OLDEST_SERVER:
            raise ProvisionError(f"DATABASE_URL: PostgreSQL {OLDEST_SERVER // 10_000} or newer is needed")
        have = {str(row[0]) for row in connection.execute("SELECT extname FROM pg_extension")}
        for extension in EXTENSIONS:
            if extension in have:
                continue
            try:
                connection.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
            except psycopg.Error as error:
                raise ProvisionError(
                    f"DATABASE_URL: the database lacks the extension {extension}; its administrator runs: CREATE EXTENSION {extension}"
                ) from error


def check_broker(url: str) -> None:
    """See that a broker takes connections.

    Raises
    ------
    ServerUnreachable
        Nothing listens there.
    ProvisionError
        The address makes no sense.
    """
    parts = urlsplit(url)
    if parts.scheme not in MQTT_PORTS or not parts.hostname:
        raise ProvisionError("MQTT_URL: give mqtt://user:password@host:port or mqtts://…")
    port = parts.port or MQTT_PORTS[parts.scheme]
    try:
        socket.create_connection((parts.hostname, port), timeout=CONNECT_PATIENCE_S).close()
    except OSError as error:
        raise ServerUnreachable(
            f"MQTT_URL: no answer at {parts.hostname}:{port}: {error.strerror or error}"
        ) from error
