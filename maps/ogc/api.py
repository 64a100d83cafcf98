"""Routes of the standard interface: OGC API Features and Tiles, for desktop GIS and other programs."""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.responses import HTMLResponse

from core.auth import Actor
from core.clock import real_now
from core.http.deps import DbSession, own_address, requires
from core.http.problems import MISASKED_RESPONSE, RESPONSES
from maps.api import TILE_FRESH_S, TILE_MEDIA_TYPE, tile_answer
from maps.ogc import documents, html, reader, tilesets
from maps.ogc.asking import (
    HTML_LIMIT_DEFAULT,
    LIMIT_DEFAULT,
    only_known,
    read_crs,
    read_id,
    read_question,
)
from maps.ogc.collections import COLLECTIONS, Collection
from maps.ogc.definition import FEATURE_CRS, FORM, definition, feature_schema, item_parameters
from maps.ogc.errors import BadParameter, NoSuchFeature
from maps.tiles import TileSet, tile

PREFIX = "/ogc"
FORMS = ("json", "html")
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""A page for people holds everything itself and may ask for nothing."""

router = APIRouter(prefix=PREFIX, tags=["ogc"], responses=RESPONSES | MISASKED_RESPONSE)

Everybody = Annotated[Actor, requires("profile.own", or_basic=True)]
"""What describes the interface is for everybody who is logged in; it holds no data."""
MapReader = Annotated[Actor, requires("map.read", or_basic=True)]
TileNumber = Annotated[str, Path(pattern=r"^\d{1,8}$")]


def _base(request: Request) -> str:
    return f"{own_address(request)}{PREFIX}"


def _pairs(request: Request) -> list[tuple[str, str]]:
    """Take the address's parameters as they stand there, also those without a value."""
    return parse_qsl(request.url.query, keep_blank_values=True)


def _is_html(request: Request, form: str | None) -> bool:
    """Tell whether the answer is for people: by `f`, else by what is accepted."""
    if form is not None and form not in FORMS:
        raise BadParameter.named("f", f"there are: {', '.join(FORMS)}")
    accepted = request.headers.get("accept", "")
    return form == "html" if form else "text/html" in accepted and "json" not in accepted


def _json(document: Mapping[str, Any], media_type: str = documents.JSON) -> Response:
    return Response(json.dumps(document, ensure_ascii=False), media_type=media_type)


def _html(page: str, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    return HTMLResponse(page, headers={"Content-Security-Policy": PAGE_POLICY, **(headers or {})})


def _described(
    request: Request, actor: Actor, write: Callable[[bool], Mapping[str, Any]]
) -> Response:  # Any: JSON
    """Answer with a document in the form asked for."""
    form = only_known(_pairs(request), ["f"]).get("f")
    is_html = _is_html(request, form)
    document = write(is_html)
    return _html(html.document_page(document, actor.language)) if is_html else _json(document)


_EITHER: dict[str, Any] = {  # Any: OpenAPI
    "response_class": Response,
    "responses": {200: {"content": {documents.JSON: {}, documents.HTML: {}}}},
    "openapi_extra": {"parameters": [FORM]},
}


@router.get("", **_EITHER)
@router.get("/", include_in_schema=False)
def get_landing(request: Request, actor: Everybody) -> Response:
    """Tell where to begin."""
    return _described(
        request, actor, lambda is_html: documents.landing(_base(request), actor.language, is_html=is_html)
    )


@router.get("/conformance", **_EITHER)
def get_conformance(request: Request, actor: Everybody) -> Response:
    """Tell what of the standards is kept."""
    return _described(request, actor, lambda _: documents.conformance())


@router.get(
    "/api", response_class=Response, responses={200: {"content": {documents.OPENAPI.split(";")[0]: {}}}}
)
def get_definition(request: Request, actor: Everybody) -> Response:
    """Give the definition of this interface in OpenAPI 3.0."""
    return _json(definition(_base(request), actor.language), documents.OPENAPI)


@router.get("/api.html", response_class=HTMLResponse)
def get_documentation(request: Request, actor: Everybody) -> HTMLResponse:
    """Give the same for people."""
    return _html(html.definition_page(definition(_base(request), actor.language), actor.language))


@router.get("/collections", **_EITHER)
def get_collections(request: Request, session: DbSession, actor: Everybody) -> Response:
    """List the collections that are yours to read."""
    place = reader.network_place(session, actor)
    since = {
        one.name: reader.oldest(session, actor, one)
        for one in documents.visible(actor)
        if one.begins != one.ends
    }
    return _described(
        request,
        actor,
        lambda is_html: documents.collections(
            _base(request), actor, place, since, actor.language, is_html=is_html
        ),
    )


def _collection_route(collection: Collection) -> Callable[..., Response]:
    allowed = requires(collection.operation, or_basic=True)

    def get_collection(request: Request, session: DbSession, actor: Annotated[Actor, allowed]) -> Response:
        place = reader.network_place(session, actor)
        since = reader.oldest(session, actor, collection) if collection.begins != collection.ends else None
        return _described(
            request,
            actor,
            lambda is_html: documents.collection_document(
                _base(request), collection, place, since, actor.language, is_html=is_html
            ),
        )

    return get_collection


def _items_route(collection: Collection) -> Callable[..., Response]:
    allowed = requires(collection.operation, or_basic=True)

    def get_items(request: Request, session: DbSession, actor: Annotated[Actor, allowed]) -> Response:
        pairs = _pairs(request)
        is_html = _is_html(request, dict(pairs).get("f"))
        place = reader.network_place(session, actor)
        question = read_question(
            collection,
            pairs,
            systems=place.systems,
            limit_default=HTML_LIMIT_DEFAULT if is_html else LIMIT_DEFAULT,
        )
        page = reader.read_page(session, actor, collection, question)
        asked = dict(pairs)
        links = documents.item_links(_base(request), collection, page, asked, is_html=is_html)
        headers = {"Content-Crs": f"<{question.crs.uri}>"}
        if is_html:
            return _html(html.items_page(collection, page, links, actor.language), headers)
        body = documents.page_text(page, links, real_now())
        return Response(body, media_type=documents.GEOJSON, headers=headers)

    return get_items


def _item_route(collection: Collection) -> Callable[..., Response]:
    allowed = requires(collection.operation, or_basic=True)

    def get_item(
        feature_id: str, request: Request, session: DbSession, actor: Annotated[Actor, allowed]
    ) -> Response:
        asked = only_known(_pairs(request), ["crs", "f"])
        is_html = _is_html(request, asked.get("f"))
        crs = read_crs("crs", asked.get("crs"), reader.network_place(session, actor).systems)
        found = read_id(collection, feature_id)
        if found is None:
            raise NoSuchFeature
        feature = reader.read_feature(session, actor, collection, found, crs)
        links = documents.feature_links(_base(request), collection, found, asked, is_html=is_html)
        headers = {"Content-Crs": f"<{crs.uri}>"}
        if is_html:
            return _html(html.feature_page(collection, feature, links, actor.language), headers)
        return Response(
            reader.feature_with_links(feature, links), media_type=documents.GEOJSON, headers=headers
        )

    return get_item


def _add_routes(collection: Collection) -> None:
    """Give a collection routes of its own: each asks for the collection's own operation."""
    path, name = f"/collections/{collection.name}", collection.name
    router.add_api_route(
        path,
        _collection_route(collection),
        name=f"{name}.collection",
        description="Describe the collection.",
        **_EITHER,
    )
    router.add_api_route(
        f"{path}/items",
        _items_route(collection),
        name=f"{name}.items",
        description="Give features, page by page: numberMatched of them match, the link called next leads on.",
        response_class=Response,
        responses={200: {"content": {documents.GEOJSON: {}, documents.HTML: {}}}},
        openapi_extra={"parameters": item_parameters(collection)},
    )
    router.add_api_route(
        f"{path}/items/{{feature_id}}",
        _item_route(collection),
        name=f"{name}.item",
        description="Give one feature.",
        response_class=Response,
        responses={200: {"content": {documents.GEOJSON: {"schema": feature_schema(collection)}}}},
        openapi_extra={"parameters": FEATURE_CRS},
    )


for _collection in COLLECTIONS:
    _add_routes(_collection)


_JSON_ONLY: dict[str, Any] = {  # Any: OpenAPI
    "response_class": Response,
    "responses": {200: {"content": {documents.JSON: {}}}},
}


@router.get("/tileMatrixSets", **_JSON_ONLY)
def get_matrix_sets(request: Request, actor: Everybody) -> Response:
    """List the tile matrix sets."""
    return _json(tilesets.matrix_sets(_base(request)))


@router.get(f"/tileMatrixSets/{tilesets.MATRIX_SET}", **_JSON_ONLY)
def get_matrix_set(actor: Everybody) -> Response:
    """Define the square of Web Mercator."""
    return _json(tilesets.matrix_set())


@router.get("/tiles", **_JSON_ONLY)
def get_tilesets(request: Request, session: DbSession, actor: MapReader) -> Response:
    """List the tilesets."""
    bounds = reader.network_place(session, actor).bounds
    return _json(tilesets.tilesets(_base(request), bounds, actor.language))


@router.get(f"/tiles/{tilesets.MATRIX_SET}", **_JSON_ONLY)
def get_tileset(request: Request, session: DbSession, actor: MapReader) -> Response:
    """Describe the network's tileset; `f=tilejson` gives the same as TileJSON."""
    form = only_known(_pairs(request), ["f"]).get("f", "json")
    if form not in ("json", "tilejson"):
        raise BadParameter.named("f", "there are: json, tilejson")
    write = tilesets.tilejson if form == "tilejson" else tilesets.tileset
    return _json(write(_base(request), reader.network_place(session, actor).bounds, actor.language))


@router.get(
    f"/tiles/{tilesets.MATRIX_SET}/{{tile_matrix}}/{{tile_row}}/{{tile_col}}",
    response_class=Response,
    responses={
        200: {"content": {TILE_MEDIA_TYPE: {}}},
        204: {"description": "Nothing to draw here"},
        304: {"description": "The tile you have is right"},
    },
)
def get_ogc_tile(
    tile_matrix: TileNumber,
    tile_row: TileNumber,
    tile_col: TileNumber,
    session: DbSession,
    actor: MapReader,
    if_none_match: Annotated[str | None, Header()] = None,
    accept_encoding: Annotated[str, Header()] = "",
) -> Response:
    """Give a vector tile of the network: zoom, row from the north, column from the west."""
    cut = tile(
        session,
        actor,
        TileSet.NETWORK,
        z=int(tile_matrix),
        x=int(tile_col),
        y=int(tile_row),
        known_etag=if_none_match,
    )
    return tile_answer(cut, fresh_s=TILE_FRESH_S[TileSet.NETWORK], accept_encoding=accept_encoding)
