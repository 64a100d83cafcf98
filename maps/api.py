"""Routes of maps: tiles, the first picture, the live stream, the incident report."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, FastAPI, Header, Path, Query, Request, Response, status
from fastapi.responses import HTMLResponse, StreamingResponse

from core import audit
from core.auth import Actor
from core.db import libpq_url
from core.http.deps import AppSettings, DbSession, requires
from core.http.problems import RESPONSES
from core.settings import Settings
from dispatch import queries as dispatch_queries
from gis.coordinates import LonLat, geojson_line
from gis.roads.engine import route_between
from gis.schemas import PointOut
from maps.errors import LiveNotRunning, NoCrewRoute
from maps.incident_page import incident_page
from maps.live import Hub
from maps.overview import overview
from maps.queries import area_bounds
from maps.schemas import MapExtentOut, OverviewOut, RouteFeature
from maps.tiles import ZOOM_MAX, Tile, TileSet, tile

router = APIRouter(prefix="/api", tags=["maps"], responses=RESPONSES)

TILE_MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
TILE_FRESH_S = {TileSet.NETWORK: 30, TileSet.BASE: 600}
"""How long a page may use a tile without asking again, real seconds."""
REPORT_PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts allow-downloads allow-popups"
)
"""The incident report holds everything itself and may ask for nothing."""

Coordinate = Annotated[int, Path(ge=0, lt=1 << ZOOM_MAX)]


@asynccontextmanager
async def live_hub(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    """Run the hub of the live stream while the process serves."""
    hub = Hub(app.state.sessions, libpq_url(settings.database_url.get_secret_value()))
    app.state.live = hub
    async with hub.running():
        yield


def tile_answer(cut: Tile, *, fresh_s: int, accept_encoding: str) -> Response:
    """Send a tile: packed to those who take it so, nothing to those who have it."""
    headers = {
        "ETag": cut.etag,
        "Cache-Control": f"private, max-age={fresh_s}",
        "Vary": "Accept-Encoding",
    }
    if cut.body is None:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    if not cut.body:
        return Response(status_code=status.HTTP_204_NO_CONTENT, headers=headers)
    if "gzip" in accept_encoding:
        return Response(cut.body, media_type=TILE_MEDIA_TYPE, headers=headers | {"Content-Encoding": "gzip"})
    return Response(cut.plain(), media_type=TILE_MEDIA_TYPE, headers=headers)


@router.get(
    "/tiles/{tile_set}/{z}/{x}/{y}.mvt",
    response_class=Response,
    responses={
        200: {"content": {TILE_MEDIA_TYPE: {}}},
        204: {"description": "Nothing to draw here"},
        304: {"description": "The tile you have is right"},
    },
)
def get_tile(
    tile_set: TileSet,
    z: Annotated[int, Path(ge=0, le=ZOOM_MAX)],
    x: Coordinate,
    y: Coordinate,
    session: DbSession,
    actor: Annotated[Actor, requires("map.read")],
    if_none_match: Annotated[str | None, Header()] = None,
    accept_encoding: Annotated[str, Header()] = "",
) -> Response:
    """Give a vector tile: `network` has the layers pipes, valves and hydrants, `base` has roads, buildings and water."""
    cut = tile(session, actor, tile_set, z=z, x=x, y=y, known_etag=if_none_match)
    return tile_answer(cut, fresh_s=TILE_FRESH_S[tile_set], accept_encoding=accept_encoding)


@router.get("/map/extent")
def get_extent(session: DbSession, actor: Annotated[Actor, requires("map.read")]) -> MapExtentOut:
    """Tell the area served."""
    name, west, south, east, north = area_bounds(session)
    center = LonLat(lon=(west + east) / 2, lat=(south + north) / 2)
    return MapExtentOut(name=name, bounds=(west, south, east, north), center=PointOut.of(center))


@router.get("/map/overview")
def get_overview(session: DbSession, actor: Annotated[Actor, requires("map.read")]) -> OverviewOut:
    """Give the picture for lists and map: open incidents, crews, the last day's reports."""
    return overview(session, actor)


@router.get("/map/crews/{crew_id}/route")
def get_crew_route(
    crew_id: UUID, session: DbSession, actor: Annotated[Actor, requires("positions.read")]
) -> RouteFeature:
    """Give the way by road from a crew's latest position to its job, as GeoJSON."""
    crew = next(
        (one for one in dispatch_queries.crews_overview(session, actor) if one.crew_id == crew_id), None
    )
    if crew is None or crew.point is None or crew.job is None:
        raise NoCrewRoute
    way = route_between(session, crew.point, crew.job.place)
    return RouteFeature(
        geometry=geojson_line(way.geometry),
        properties={"travel_time_s": round(way.seconds, 1), "distance_m": round(way.metres, 1)},
    )


@router.get(
    "/live",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "snapshot, crews, report, incident, work_order, callback, counts, ping",
        }
    },
)
async def live(
    request: Request,
    actor: Annotated[Actor, requires("map.read")],
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
) -> StreamingResponse:
    """Stream what changes, as server-sent events; `Last-Event-ID` resumes, else a snapshot comes first."""
    hub: Hub | None = getattr(request.app.state, "live", None)
    if hub is None:
        raise LiveNotRunning
    client = hub.join(actor, last_event_id)
    return StreamingResponse(
        hub.stream(client),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


@router.get("/incidents/{incident_id}/report.html", response_class=HTMLResponse)
def get_incident_report(
    incident_id: UUID,
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("incidents.read")],
    lang: Annotated[Literal["zh", "en"] | None, Query()] = None,
) -> HTMLResponse:
    """Give an incident as one page that needs no network: map, valves, reports, steps."""
    page = incident_page(session, settings, actor, incident_id, language=lang or actor.language)
    audit.record(session, actor, action="incident.report", subject_id=incident_id)
    return HTMLResponse(page, headers={"Content-Security-Policy": REPORT_PAGE_POLICY})
