"""The tasks that `core/jobs.py` queues, and the app that runs them."""

import procrastinate

from core.settings import Settings


def make_worker_app(settings: Settings) -> procrastinate.App:
    """Make the app whose worker runs the queued tasks."""
    url = settings.database_url.get_secret_value().replace("+psycopg", "")
    return procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))
