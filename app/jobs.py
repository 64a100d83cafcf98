"""The tasks that `core/jobs.py` queues, and the app that runs them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import procrastinate
import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.crew_notices import CrewNotices, JobNotice, NoticeKind
from app.provision.mosquitto import Broker, write_credentials
from core.clock import utc_now
from core.db import SessionFactory, libpq_url, session_factory, transaction
from core.errors import MainlineError
from core.events import AssignmentChanged, AssignmentOffered, DeviceCredentialsChanged
from core.jobs import defer
from core.settings import Settings
from dispatch.triage import lessons, trials
from gis.versions import reading
from gis.versions.uploads import forget_unused
from tracker.partitions import days_around, drop_old_positions, ensure_days
from tracker.queries import broker_users

log = structlog.get_logger()

PUBLISH_JOB_NOTICE = "publish_job_notice"
WRITE_BROKER_CREDENTIALS = "write_broker_credentials"

NOTICE_RETRY = procrastinate.RetryStrategy(max_attempts=8, exponential_wait=2)
CREDENTIALS_RETRY = procrastinate.RetryStrategy(max_attempts=10, exponential_wait=2)
NETWORK_RETRY = procrastinate.RetryStrategy(max_attempts=3, wait=5)
UPLOAD_KEPT = timedelta(days=1)
"""Time an uploaded file waits to be read before it is forgotten."""
STALLED_AFTER_S = 30
"""A worker whose heartbeat is older than this is dead, and its jobs are given to another."""
JOBS_KEPT_H = 24
"""Hours a finished job is kept to look at; one that failed for good stays."""
_CREDENTIALS_LOCK = 7_301_003
"""Key of the advisory lock that lets one job at a time write the broker's password file."""


def make_worker_app(settings: Settings) -> procrastinate.App:
    """Make the app whose worker runs the queued tasks."""
    url = libpq_url(settings.database_url.get_secret_value())
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))
    factory = session_factory(settings.database_url.get_secret_value(), pool_size=2)
    _add_broker_tasks(app, settings, factory)
    _add_network_tasks(app, factory)
    _add_triage_tasks(app, settings, factory)
    _add_housekeeping(app, settings, factory)
    return app


# --- the crews' broker --------------------------------------------------------------------------------------------------------


def _add_broker_tasks(app: procrastinate.App, settings: Settings, factory: SessionFactory) -> None:
    url = settings.mqtt_publisher_url or settings.mqtt_url
    notices = CrewNotices(url) if url else None

    @app.task(name=PUBLISH_JOB_NOTICE, retry=NOTICE_RETRY)
    def publish_job_notice(
        kind: str, crew_code: str, assignment_id: str, work_order_id: str, expires_at: str | None = None
    ) -> None:
        if notices is None:
            log.info("jobs.no_broker", task=PUBLISH_JOB_NOTICE)
            return
        notices.publish(
            JobNotice(
                kind=NoticeKind(kind),
                crew_code=crew_code,
                assignment_id=UUID(assignment_id),
                work_order_id=UUID(work_order_id),
                expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
            )
        )

    @app.task(name=WRITE_BROKER_CREDENTIALS, retry=CREDENTIALS_RETRY)
    def write_broker_credentials() -> None:
        if settings.broker_folder is None:
            log.info("jobs.no_broker_folder", task=WRITE_BROKER_CREDENTIALS)
            return
        with transaction(factory) as session:
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CREDENTIALS_LOCK})
            write_credentials(Broker(settings.broker_folder), broker_users(session))


def tell_crew_of_offer(session: Session, event: AssignmentOffered) -> None:
    """Let the crew's phone know that it is asked."""
    defer(
        session,
        PUBLISH_JOB_NOTICE,
        idempotency_key=f"{event.assignment_id}:{NoticeKind.OFFER}",
        kind=NoticeKind.OFFER.value,
        crew_code=event.crew_code,
        assignment_id=str(event.assignment_id),
        work_order_id=str(event.work_order_id),
        expires_at=event.expires_at.isoformat(),
    )


def tell_crew_of_change(session: Session, event: AssignmentChanged) -> None:
    """Let the crew's phone know what was decided without it; its own steps it knows."""
    if event.to_state not in set(NoticeKind):
        return
    defer(
        session,
        PUBLISH_JOB_NOTICE,
        idempotency_key=f"{event.assignment_id}:{event.to_state}",
        kind=event.to_state,
        crew_code=event.crew_code,
        assignment_id=str(event.assignment_id),
        work_order_id=str(event.work_order_id),
    )


def let_broker_know_devices(session: Session, event: DeviceCredentialsChanged) -> None:
    """Have the broker's password file written anew; any number of changes while one waits are one."""
    defer(session, WRITE_BROKER_CREDENTIALS, idempotency_key=WRITE_BROKER_CREDENTIALS)


# --- versions of the network --------------------------------------------------------------------------------------------------


def _add_network_tasks(app: procrastinate.App, factory: SessionFactory) -> None:
    """Add what reads and publishes networks; a worker that dies on it rolls back, and the job is done again by another."""

    @app.task(name=reading.READ_NETWORK, retry=NETWORK_RETRY)
    def read_network_version(number: int) -> None:
        with transaction(factory) as session:
            may_go_on = reading.begin_attempt(session, number)
        if not may_go_on:
            return
        with transaction(factory) as session:
            reading.read_version(session, number)
        log.info("jobs.network_read", version=number)

    @app.task(name=reading.PUBLISH_NETWORK, retry=NETWORK_RETRY)
    def publish_network_version(number: int, by: str | None = None) -> None:
        try:
            with transaction(factory) as session:
                reading.publish_asked(session, number, by=UUID(by) if by else None)
        except MainlineError as error:
            with transaction(factory) as session:
                reading.publishing_failed(session, number, error.detail)
        log.info("jobs.network_published", version=number)

    @app.periodic(cron="* * * * *")
    @app.task(name="sweep_network_versions", queueing_lock="sweep_network_versions")
    def sweep_network_versions(timestamp: int) -> None:
        with transaction(factory) as session:
            swept = reading.sweep_cut_off(session)
            forgotten = forget_unused(session, before=utc_now() - UPLOAD_KEPT)
        if swept or forgotten:
            log.info("jobs.network_versions_swept", versions=swept, uploads=forgotten)


# --- triage ------------------------------------------------------------------------------------------------------------------


def _add_triage_tasks(app: procrastinate.App, settings: Settings, factory: SessionFactory) -> None:
    @app.periodic(cron="41 2 * * *")
    @app.task(name="learn_calling_habits", queueing_lock="learn_calling_habits")
    def learn_calling_habits(timestamp: int) -> None:
        with transaction(factory) as session:
            lesson = lessons.prepare(session, settings)
        if lesson is None:
            return
        habits = lesson.learn()
        with transaction(factory) as session:
            lessons.keep(session, lesson, habits)

    @app.task(name=trials.TRY_TRIAGE_RULES)
    def try_triage_rules(trial_id: str) -> None:
        key = UUID(trial_id)

        def told(progress: float) -> None:
            with transaction(factory) as session:
                trials.went_on(session, key, progress)

        try:
            with transaction(factory) as session:
                trial = trials.begin(session, key, settings)
            result = trial.run(told)
            with transaction(factory) as session:
                trials.end(session, key, result)
        except MainlineError as error:
            with transaction(factory) as session:
                trials.fail(session, key, error.detail)
        except Exception:
            with transaction(factory) as session:
                trials.fail(session, key, "")
            raise


# --- housekeeping -------------------------------------------------------------------------------------------------------------


def _add_housekeeping(app: procrastinate.App, settings: Settings, factory: SessionFactory) -> None:
    @app.periodic(cron="17 * * * *")
    @app.task(name="keep_position_days", queueing_lock="keep_position_days")
    def keep_position_days(timestamp: int) -> None:
        with transaction(factory) as session:
            ensure_days(session, days_around(utc_now()))
        with transaction(factory) as session:
            dropped = drop_old_positions(session, keep_days=settings.position_keep_days)
        if dropped:
            log.info("jobs.position_days_dropped", days=dropped)

    @app.periodic(cron="* * * * * */15")
    @app.task(name="retry_stalled_jobs", queueing_lock="retry_stalled_jobs", pass_context=True)
    async def retry_stalled_jobs(context: procrastinate.JobContext, timestamp: int) -> None:
        manager: Any = context.app.job_manager  # Any: procrastinate's own types are not checked here
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
            try:
                await manager.retry_job(job)
            except procrastinate.exceptions.UniqueViolation:  # another of the same key waits already
                await manager.finish_job(job, status=procrastinate.jobs.Status.FAILED, delete_job=False)
            log.info("jobs.stalled_job_retried", job_id=job.id, task=job.task_name)

    @app.periodic(cron="43 * * * *")
    @app.task(name="forget_old_jobs", queueing_lock="forget_old_jobs", pass_context=True)
    async def forget_old_jobs(context: procrastinate.JobContext, timestamp: int) -> None:
        manager: Any = context.app.job_manager  # Any: as above
        await manager.delete_old_jobs(nb_hours=JOBS_KEPT_H)
