"""The web process: every package's routes, the built pages, problem+json, limits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
import uvicorn
from fastapi import FastAPI
from starlette.types import Lifespan

import core.api
import dispatch.api
import dispatch.clusters.api
import dispatch.escalation.api
import dispatch.localisation.api
import dispatch.rectification.api
import dispatch.triage.api
import fieldapp_api.api
import gis.api
import gis.places.api
import gis.roads.api
import gis.versions.api
import gis.versions.uploads
import hotline.api
import hotline.directory.api
import maps.api
import maps.ogc.api
import tracker.api
from app import pages
from app.tuning import make_responsive
from core import clock, logs
from core.db import SessionFactory, reading, session_factory
from core.http import problem_pages, problems
from core.http.deps import Turns
from core.http.limits import BodyLimit
from core.settings import Settings, get_settings
from dispatch.duplicates import suggestions

log = structlog.get_logger()

SHUTDOWN_S = 3
"""Real seconds open requests get to end when the process is told to."""

ROUTERS = (
    hotline.api.router,
    fieldapp_api.api.router,
    dispatch.api.router,
    dispatch.localisation.api.router,
    dispatch.escalation.api.router,
    maps.api.router,
    tracker.api.router,
    gis.api.router,
    gis.roads.api.router,
    core.api.router,
    gis.places.api.router,
    hotline.directory.api.router,
    dispatch.rectification.api.router,
    dispatch.clusters.api.router,
    dispatch.triage.api.router,
    gis.versions.api.router,
    maps.ogc.api.router,
    problem_pages.router,
)
"""The busiest first: a request is compared with one route after the other."""


def create_app(
    settings: Settings, sessions: SessionFactory, *, reading_sessions: SessionFactory | None = None
) -> FastAPI:
    """Compose the web application.

    Parameters
    ----------
    settings
        This process's settings.
    sessions
        Makes the one session of each request.
    reading_sessions
        Makes it where a route only asks; by default they do, too.
    """
    app = FastAPI(
        title="Mainline",
        version="0.1.0",
        summary="Hotline, dispatch and field service for water utilities",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(settings),
    )
    app.state.settings = settings
    app.state.sessions = sessions
    app.state.reading_sessions = reading_sessions or sessions
    app.state.turns = Turns(settings.database_pool_size)
    problems.install(app)
    for router in ROUTERS:
        # Not by `include_router`, which searches each router's table twice a request: what it adds, each router brings along.
        app.router.routes.extend(router.routes)
    pages.install(app, settings)
    app.add_middleware(
        BodyLimit,
        bytes_max=settings.request_bytes_max,
        exceptions={
            gis.versions.api.PART_PATH: gis.versions.uploads.PART_BYTES,
            gis.places.api.PICTURES_PATH: gis.places.api.BODY_BYTES_MAX,
        },
    )
    return app


def _lifespan(settings: Settings) -> Lifespan[FastAPI]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with maps.api.live_hub(app, settings):
            yield

    return lifespan


def main() -> None:
    """Serve until told to end."""
    settings = get_settings()
    logs.configure("web", level=settings.log_level)
    sessions = session_factory(
        settings.database_url.get_secret_value(), pool_size=settings.database_pool_size
    )
    with sessions() as session:
        clock.use(clock.load(session))
    app = create_app(settings, sessions, reading_sessions=reading(sessions))
    with sessions() as session:
        suggestions.warm(session, settings)
    make_responsive(sessions, locates=True)
    log.info(
        "web.started", port=settings.web_port, workspace=settings.workspace, factor=clock.current().factor
    )
    uvicorn.run(
        app,
        host=settings.web_host,
        port=settings.web_port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
        server_header=False,
    )


if __name__ == "__main__":
    main()
