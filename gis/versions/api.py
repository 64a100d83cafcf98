"""Versions of the network over HTTP: files sent, drafts looked at, published, gone back to; the history of an asset."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Header, Path, Query, Response, status
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.auth import Actor
from core.http.deps import AppSettings, DbSession, requires
from core.http.problems import RESPONSES
from core.models import User
from core.text import Line
from gis.errors import AssetNotFound, VersionNotFound, WholeNetworkOnly
from gis.models import NetworkUpload, NetworkVersion
from gis.versions import drafts, publishing, reading, register, uploads
from gis.versions.drawing import ZOOM_MAX, draft_tile, find_in_draft
from gis.versions.forms import MappingWordsOut, mapping_words
from gis.versions.history import histories
from gis.versions.schemas import (
    AssetHistoriesOut,
    AssetHistoryOut,
    DraftPlaceOut,
    DraftPlacesOut,
    NewVersionIn,
    ReadIn,
    UploadIn,
    UploadOut,
    VersionDetailOut,
    VersionOut,
    VersionsOut,
)

router = APIRouter(prefix="/api/network", tags=["network versions"], responses=RESPONSES)

TILE_MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
OCTETS = "application/octet-stream"
PART_PATH = r"^/api/network/uploads/[0-9a-f-]{36}/parts/\d+$"
"""Where bodies of the size of a part are taken; everywhere else the usual limit holds."""
PLACES_MAX = 10_000

Importer = Annotated[Actor, requires("network.import")]
Publisher = Annotated[Actor, requires("network.publish")]
Number = Annotated[int, Path(ge=1, lt=1 << 31)]
Coordinate = Annotated[int, Path(ge=0, lt=1 << ZOOM_MAX)]


def _whole(actor: Actor) -> None:
    """Refuse people whose area is limited: a version is the network everywhere."""
    if actor.area_wkt is not None:
        raise WholeNetworkOnly


def _people(session: Session) -> dict[UUID, str]:
    return {row.id: row.display_name for row in session.execute(select(User.id, User.display_name))}


def _detail(session: Session, version: NetworkVersion) -> VersionDetailOut:
    session.flush()
    files = session.scalar(select(NetworkUpload.id).where(NetworkUpload.version == version.number).limit(1))
    return VersionDetailOut.detail(
        version,
        _people(session),
        published=register.published_number(session),
        can_be_read_again=files is not None,
    )


def _record(session: Session, actor: Actor, action: str, number: int) -> None:
    audit.record(session, actor, action=f"network.{action}", digest=f"version {number}")


# --- files ----------------------------------------------------------------------------------------


@router.post("/uploads", status_code=status.HTTP_201_CREATED)
def begin_upload(wanted: UploadIn, session: DbSession, settings: AppSettings, actor: Importer) -> UploadOut:
    """Announce a file; its parts follow."""
    _whole(actor)
    upload = uploads.begin_upload(
        session,
        name=wanted.name,
        size_bytes=wanted.size_bytes,
        size_bytes_max=settings.network_upload_bytes_max,
        created_by=actor.user_id,
    )
    return UploadOut.of(upload)


@router.put("/uploads/{upload_id}/parts/{place}", status_code=status.HTTP_204_NO_CONTENT)
def take_part(
    upload_id: UUID,
    place: Annotated[int, Path(ge=0, lt=PLACES_MAX)],
    content: Annotated[bytes, Body(media_type=OCTETS)],
    session: DbSession,
    actor: Importer,
) -> Response:
    """Take a part of a file, counted from 0; a part sent twice is taken once."""
    _whole(actor)
    uploads.take_part(session, upload_id, place=place, content=content, created_by=actor.user_id)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.get("/mapping-words")
def get_mapping_words(actor: Importer) -> MappingWordsOut:
    """Tell what a mapping may say: kinds of layers, their fields, units."""
    return mapping_words()


# --- versions -------------------------------------------------------------------------------------


@router.post("/versions", status_code=status.HTTP_201_CREATED)
def begin_version(wanted: NewVersionIn, session: DbSession, actor: Importer) -> VersionDetailOut:
    """Have uploaded files read into a draft; the network stays as it is."""
    _whole(actor)
    version = reading.ask_to_read(
        session, wanted.upload_ids, crs=wanted.crs, mapping=wanted.toml(), created_by=actor.user_id
    )
    _record(session, actor, "read", version.number)
    return _detail(session, version)


@router.get("/versions")
def list_versions(
    session: DbSession, actor: Importer, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> VersionsOut:
    """List versions, newest first."""
    _whole(actor)
    people = _people(session)
    return VersionsOut(
        items=[VersionOut.of(one, people) for one in register.list_versions(session, limit=limit)]
    )


@router.get("/versions/{number}")
def get_version(number: Number, session: DbSession, actor: Importer) -> VersionDetailOut:
    """Give a version with its problems and what it would change."""
    _whole(actor)
    version = session.get(NetworkVersion, number)
    if version is None:
        raise VersionNotFound
    return _detail(session, version)


@router.post("/versions/{number}/read")
def read_again(number: Number, wanted: ReadIn, session: DbSession, actor: Importer) -> VersionDetailOut:
    """Read a version's files once more, by another mapping."""
    _whole(actor)
    version = reading.ask_to_read_again(session, number, crs=wanted.crs, mapping=wanted.toml())
    _record(session, actor, "read", number)
    return _detail(session, version)


@router.post("/versions/{number}/compare")
def compare_again(number: Number, session: DbSession, actor: Importer) -> VersionDetailOut:
    """Work out anew what a draft would change."""
    _whole(actor)
    return _detail(session, drafts.compare_again(session, number))


@router.post("/versions/{number}/publish", status_code=status.HTTP_202_ACCEPTED)
def publish(number: Number, session: DbSession, actor: Publisher) -> VersionDetailOut:
    """Have a draft published; it serves as soon as it stands whole."""
    _whole(actor)
    version = reading.ask_to_publish(session, number, by=actor.user_id)
    _record(session, actor, "publish", number)
    return _detail(session, version)


@router.post("/versions/{number}/go-back", status_code=status.HTTP_202_ACCEPTED)
def go_back(number: Number, session: DbSession, actor: Publisher) -> VersionDetailOut:
    """Have the content of an earlier version published again, as a new version."""
    _whole(actor)
    version = publishing.draft_of_earlier(session, number, by=actor.user_id)
    reading.ask_to_publish(session, version.number, by=actor.user_id)
    _record(session, actor, "go_back", number)
    return _detail(session, version)


@router.post("/versions/{number}/discard")
def discard(number: Number, session: DbSession, actor: Importer) -> VersionDetailOut:
    """Put a draft aside; it can be taken up again."""
    _whole(actor)
    version = drafts.discard(session, number)
    _record(session, actor, "discard", number)
    return _detail(session, version)


@router.post("/versions/{number}/take-up")
def take_up_again(number: Number, session: DbSession, actor: Importer) -> VersionDetailOut:
    """Make a draft again of a version that was discarded."""
    _whole(actor)
    version = drafts.take_up_again(session, number)
    _record(session, actor, "take_up", number)
    return _detail(session, version)


# --- the draft on the map -------------------------------------------------------------------------


@router.get(
    "/versions/{number}/tiles/{z}/{x}/{y}.mvt",
    response_class=Response,
    responses={200: {"content": {TILE_MEDIA_TYPE: {}}}, 204: {"description": "Nothing to draw here"}},
)
def get_draft_tile(
    number: Number,
    z: Annotated[int, Path(ge=0, le=ZOOM_MAX)],
    x: Coordinate,
    y: Coordinate,
    session: DbSession,
    actor: Importer,
    accept_encoding: Annotated[str, Header()] = "",
) -> Response:
    """Give a vector tile of a draft: layer `draft`, each asset with its kind, code and what would become of it."""
    _whole(actor)
    cut = draft_tile(session, number, z=z, x=x, y=y)
    headers = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    if cut.body == b"":
        return Response(status_code=status.HTTP_204_NO_CONTENT, headers=headers)
    if "gzip" in accept_encoding:
        headers["Content-Encoding"] = "gzip"
        return Response(cut.body, media_type=TILE_MEDIA_TYPE, headers=headers)
    return Response(cut.plain(), media_type=TILE_MEDIA_TYPE, headers=headers)


@router.get("/versions/{number}/places")
def find_places(
    number: Number,
    code: Annotated[Line, Query(min_length=1)],
    session: DbSession,
    actor: Importer,
) -> DraftPlacesOut:
    """Find where the assets of a code lie in a draft."""
    _whole(actor)
    return DraftPlacesOut(items=[DraftPlaceOut.of(one) for one in find_in_draft(session, number, code)])


# --- history --------------------------------------------------------------------------------------


@router.get("/history")
def get_history(
    code: Annotated[Line, Query(min_length=1)],
    session: DbSession,
    actor: Annotated[Actor, requires("network.read")],
) -> AssetHistoriesOut:
    """Tell what became of the assets of a code, version by version."""
    found = histories(session, actor, code)
    if not found:
        raise AssetNotFound
    people = _people(session)
    return AssetHistoriesOut(items=[AssetHistoryOut.of(one, people) for one in found])
