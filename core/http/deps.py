"""What routes depend on: a session that commits before the answer leaves, and a person who may do this."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from core.auth import Actor, InvalidToken, OperationNotAllowed, authenticate
from core.errors import Unauthenticated
from core.rights import Operation
from core.settings import Settings

ACCESS_COOKIE = "mainline_access"
REFRESH_COOKIE = "mainline_refresh"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossSiteRequest(InvalidToken):
    """The request came from a page of another site and was refused."""


def get_session(request: Request) -> Iterator[Session]:
    """Open the request's one transaction; it is committed before the answer goes out (scope "function")."""
    with request.app.state.sessions() as session, session.begin():
        yield session


def app_settings(request: Request) -> Settings:
    """Return the settings this process was started with."""
    settings: Settings = request.app.state.settings
    return settings


DbSession = Annotated[Session, Depends(get_session, scope="function")]
AppSettings = Annotated[Settings, Depends(app_settings)]


def client_address(request: Request) -> str | None:
    """Tell the peer's true address; a forwarded one is believed only from a listed proxy."""
    peer = request.client.host if request.client else None
    settings: Settings = request.app.state.settings
    forwarded = request.headers.get("x-forwarded-for")
    if forwarded and peer in settings.trusted_proxies:
        return forwarded.split(",")[-1].strip()
    return peer


def bearer_token(request: Request) -> str:
    """Find the access token: in the Authorization header, or in the cookie of a page of ours.

    Raises
    ------
    Unauthenticated
        There is none.
    CrossSiteRequest
        A change is asked for with the cookie from another site's page.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    cookie = request.cookies.get(ACCESS_COOKIE)
    if not cookie:
        raise Unauthenticated
    refuse_cross_site(request)
    return cookie


def refuse_cross_site(request: Request) -> None:
    """Refuse changes that another site's page asks for with our cookies."""
    if request.method in SAFE_METHODS:
        return
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise CrossSiteRequest


def get_actor(request: Request, session: DbSession, settings: AppSettings) -> Actor:
    """Authenticate the request."""
    return authenticate(
        session, settings, token=bearer_token(request), client_address=client_address(request)
    )


class Permission:
    """A dependency that lets only roles with one operation pass; tests walk the routes for it."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation

    def __call__(self, actor: Annotated[Actor, Depends(get_actor)]) -> Actor:
        """Pass the person on, or refuse."""
        if not actor.may(self.operation):
            raise OperationNotAllowed
        return actor


def requires(operation: Operation | str) -> Any:
    """Ask for a person whose role includes `operation`; every route that is not public has exactly one.

    Any: what FastAPI calls a dependency has no useful static type.
    """
    permission: Callable[..., Actor] = Permission(Operation(operation))
    return Depends(permission)
