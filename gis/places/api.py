"""Places over HTTP: what lies near one, what people call it, and pictures of it."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Header, Query, Response, UploadFile, status
from pydantic import AwareDatetime

from core import audit
from core.auth import Actor
from core.errors import FieldError
from core.http.deps import AppSettings, DbSession, requires
from core.http.problems import RESPONSES
from core.text import Line
from gis.coordinates import Datum, LonLat, to_wgs84
from gis.errors import PictureWithoutPlace
from gis.models import PictureKind
from gis.places import names, pictures
from gis.places.facts import facts_near
from gis.places.photographs import MEDIA_TYPE
from gis.places.pictures import PICTURE_BYTES_MAX, Told
from gis.places.reverse import whereabouts
from gis.places.schemas import (
    AdditionsNearIn,
    NearIn,
    PictureOut,
    PicturesOut,
    PlaceFactsOut,
    PlaceNameChangeIn,
    PlaceNameIn,
    PlaceNameOut,
    PlaceNamesOut,
    WhereaboutsOut,
)
from gis.schemas import PointIn
from gis.service_area import ensure_seen

router = APIRouter(prefix="/api", tags=["places"], responses=RESPONSES)

PICTURES_PATH = r"^/api/pictures$"
"""Where bodies of the size of a picture are taken; everywhere else the usual limit holds."""
BODY_BYTES_MAX = PICTURE_BYTES_MAX + 100_000
"""The file with the form round it."""
SUBJECTS_MAX = 10

Reader = Annotated[Actor, requires("pictures.read")]
Adder = Annotated[Actor, requires("pictures.add")]
Namer = Annotated[Actor, requires("places.name")]
Degrees = Annotated[float | None, Form(allow_inf_nan=False)]


def _stated_place(
    lon: Degrees = None, lat: Degrees = None, datum: Annotated[Datum, Form()] = Datum.WGS84
) -> LonLat | None:
    """Read a form's point; a half of one is a mistake."""
    if lon is None and lat is None:
        return None
    if lon is None or lat is None:
        missing = "lon" if lon is None else "lat"
        raise PictureWithoutPlace(errors=[FieldError(f"#/{missing}", "one without the other")])
    return to_wgs84(LonLat(lon=lon, lat=lat), datum)


StatedPlace = Annotated[LonLat | None, Depends(_stated_place)]


@router.get("/places/near")
def tell_facts(
    asked: Annotated[NearIn, Query()],
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("network.read")],
) -> PlaceFactsOut:
    """Tell what lies near a place: its main, valves, hydrants, buildings, streets, land, customers in numbers, shutdowns ahead."""
    return PlaceFactsOut.of(facts_near(session, settings, actor, asked.circle()))


@router.get("/places/reverse")
def look_up_point(
    asked: Annotated[PointIn, Query()],
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("locate.use")],
) -> WhereaboutsOut:
    """Tell what is at a point: addresses, street, main, the nearest first."""
    place = asked.place()
    ensure_seen(session, actor, place, margin_m=settings.service_area_margin_m)
    return WhereaboutsOut.of(whereabouts(session, actor, place, radius_m=settings.locate_radius_m))


@router.get("/place-names")
def list_place_names(
    asked: Annotated[AdditionsNearIn, Query()],
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("locate.use")],
) -> PlaceNamesOut:
    """List what people call the places near a place, nearest first."""
    circle = asked.circle()
    ensure_seen(session, actor, circle.place, margin_m=settings.service_area_margin_m)
    found = names.names_near(session, actor, circle, withdrawn=asked.withdrawn, limit=asked.limit)
    return PlaceNamesOut(items=[PlaceNameOut.of(one, actor, distance_m=metres) for one, metres in found])


@router.post("/place-names", status_code=status.HTTP_201_CREATED)
def name_place(body: PlaceNameIn, session: DbSession, settings: AppSettings, actor: Namer) -> PlaceNameOut:
    """Teach what a place is called; callers who say so are understood from then on."""
    made = names.name_place(session, settings, actor, body.name, body.point.place(), body.wording())
    audit.record(session, actor, action="place_name.add", subject_id=made.id)
    return PlaceNameOut.of(made, actor)


@router.patch("/place-names/{name_id}")
def correct_place_name(
    name_id: UUID, body: PlaceNameChangeIn, session: DbSession, settings: AppSettings, actor: Namer
) -> PlaceNameOut:
    """Correct a name of one's own, or any for who looks after them."""
    known = names.correct(session, settings, actor, name_id, body.wording())
    changed = ",".join(sorted(body.model_dump(exclude_none=True)))
    audit.record(session, actor, action="place_name.change", subject_id=known.id, digest=changed)
    return PlaceNameOut.of(known, actor)


@router.post("/place-names/{name_id}/withdraw")
def withdraw_place_name(name_id: UUID, session: DbSession, actor: Namer) -> PlaceNameOut:
    """Take back a name of one's own, or any for who looks after them; it is kept and can be restored."""
    known = names.withdraw(session, actor, name_id)
    audit.record(session, actor, action="place_name.withdraw", subject_id=known.id)
    return PlaceNameOut.of(known, actor)


@router.post("/place-names/{name_id}/restore")
def restore_place_name(name_id: UUID, session: DbSession, actor: Namer) -> PlaceNameOut:
    """Let a withdrawn name be heard again."""
    known = names.restore(session, actor, name_id)
    audit.record(session, actor, action="place_name.restore", subject_id=known.id)
    return PlaceNameOut.of(known, actor)


@router.get("/pictures")
def list_pictures(
    asked: Annotated[AdditionsNearIn, Query()], session: DbSession, settings: AppSettings, actor: Reader
) -> PicturesOut:
    """List the pictures near a place, nearest first."""
    circle = asked.circle()
    ensure_seen(session, actor, circle.place, margin_m=settings.service_area_margin_m)
    found = pictures.pictures_near(session, actor, circle, withdrawn=asked.withdrawn, limit=asked.limit)
    return PicturesOut(items=[PictureOut.of(picture, actor, distance_m=metres) for picture, metres in found])


@router.post(
    "/pictures",
    status_code=status.HTTP_201_CREATED,
    responses={200: {"model": PictureOut, "description": "This very file was sent before"}},
)
def add_picture(
    response: Response,
    session: DbSession,
    settings: AppSettings,
    actor: Adder,
    file: Annotated[UploadFile, File(description="JPEG, PNG or WebP of at most 12,000,000 bytes")],
    stated: StatedPlace,
    taken_at: Annotated[AwareDatetime | None, Form()] = None,
    caption: Annotated[Line, Form()] = "",
    kind: Annotated[PictureKind, Form()] = PictureKind.SITE,
    subject_ids: Annotated[list[UUID] | None, Form(max_length=SUBJECTS_MAX)] = None,
) -> PictureOut:
    """Add a picture. Where and when it was taken is read from its EXIF unless the form says so; it is drawn anew, without EXIF."""
    added = pictures.add_picture(
        session,
        settings,
        actor,
        file.file.read(),
        Told(
            place=stated,
            taken_at=taken_at,
            caption=caption,
            kind=kind,
            subject_ids=tuple(subject_ids or ()),
        ),
    )
    if added.is_new:
        audit.record(
            session, actor, action="picture.add", subject_id=added.picture.id, digest=added.picture.kind
        )
    else:
        response.status_code = status.HTTP_200_OK
    return PictureOut.of(added.picture, actor)


@router.get("/pictures/{picture_id}")
def show_picture(picture_id: UUID, session: DbSession, actor: Reader) -> PictureOut:
    """Tell about one picture."""
    return PictureOut.of(pictures.picture_of(session, actor, picture_id), actor)


@router.get(
    "/pictures/{picture_id}/{size}",
    response_class=Response,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
        304: {"description": "The one you have is it"},
    },
)
def show_pixels(
    picture_id: UUID,
    size: Literal["image", "thumbnail"],
    session: DbSession,
    actor: Reader,
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """Give a picture upright and at most 2560 pixels wide or high, or its thumbnail of at most 320."""
    picture = pictures.picture_of(session, actor, picture_id)
    etag = f'"{picture.id}-{size}"'
    # Kept by the browser, but asked for each time: a picture withdrawn is gone at once.
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
    if etag in if_none_match:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    pixels = picture.content if size == "image" else picture.thumbnail
    return Response(pixels, media_type=picture.media_type, headers=headers)


@router.post("/pictures/{picture_id}/withdraw")
def withdraw_picture(picture_id: UUID, session: DbSession, actor: Adder) -> PictureOut:
    """Take back a picture of one's own, or any for who looks after them; it is kept and can be restored."""
    picture = pictures.withdraw(session, actor, picture_id)
    audit.record(session, actor, action="picture.withdraw", subject_id=picture.id)
    return PictureOut.of(picture, actor)


@router.post("/pictures/{picture_id}/restore")
def restore_picture(picture_id: UUID, session: DbSession, actor: Adder) -> PictureOut:
    """Show a withdrawn picture again."""
    picture = pictures.restore(session, actor, picture_id)
    audit.record(session, actor, action="picture.restore", subject_id=picture.id)
    return PictureOut.of(picture, actor)
