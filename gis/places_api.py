"""Places over HTTP: what is at a point of the map."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import select

from core.auth import Actor
from core.http.deps import AppSettings, DbSession, requires
from core.http.problems import RESPONSES
from gis.coordinates import Datum, LonLat, to_wgs84
from gis.errors import OutsideServiceArea
from gis.reverse import whereabouts
from gis.schemas import WhereaboutsOut
from gis.service_area import ensure_in_service_area

router = APIRouter(prefix="/api/places", tags=["gis"], responses=RESPONSES)


@router.get("/reverse")
def look_up_point(
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("locate.use")],
    lon: Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False)],
    lat: Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False)],
    datum: Datum = Datum.WGS84,
) -> WhereaboutsOut:
    """Tell what is at a point: addresses, street, main, valves and hydrants, the nearest first."""
    place = to_wgs84(LonLat(lon=lon, lat=lat), datum)
    ensure_in_service_area(session, place, margin_m=settings.service_area_margin_m)
    if not session.scalar(select(actor.area_filter(place.as_sql()))):
        raise OutsideServiceArea
    return WhereaboutsOut.of(whereabouts(session, actor, place, radius_m=settings.locate_radius_m))
