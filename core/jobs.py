"""What leaves the house or takes long: jobs in the same database, deferred in the transaction that wants them.

procrastinate keeps them (retries, heartbeats, schedules). The tasks themselves are registered in `app/jobs.py`; packages only name them.
"""

from typing import Any

import procrastinate
from sqlalchemy.orm import Session

app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
"""Defers only; the worker runs its own connector over the same tables."""


def defer(session: Session, task_name: str, *, idempotency_key: str | None = None, **arguments: Any) -> None:
    """Queue a job; it exists when, and only when, the session's transaction commits.

    Parameters
    ----------
    task_name
        A name registered in `app/jobs.py`.
    idempotency_key
        A second job of the same key is not queued while the first waits.
    arguments
        What the task takes; JSON values. Any: each task has its own.
    """
    try:
        with session.begin_nested():
            # Asked for inside, since only that makes SQLAlchemy send the SAVEPOINT a refused second job needs.
            connection = session.connection().connection.driver_connection
            app.configure_task(task_name, queueing_lock=idempotency_key, connection=connection).defer(
                **arguments
            )
    except procrastinate.exceptions.AlreadyEnqueued:
        return
