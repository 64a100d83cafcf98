"""What routes depend on: a session that commits before the answer leaves, and a person who may do this."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Annotated, Any

from anyio import CancelScope
from fastapi import Depends, Request
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from core.auth import (
    Actor,
    InvalidToken,
    OperationNotAllowed,
    WrongCredentials,
    authenticate,
    record_failure,
)
from core.basic import Credentials, authenticate_basic
from core.db import transaction
from core.errors import Unauthenticated, Unavailable
from core.rights import Operation
from core.settings import Settings

ACCESS_COOKIE = "mainline_access"
REFRESH_COOKIE = "mainline_refresh"
TURN_PATIENCE_S = 30.0
"""Real seconds a request waits for its turn before it is refused."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossSiteRequest(InvalidToken):
    """The request came from a page of another site and was refused."""


class ServerBusy(Unavailable):
    """The server has more to do than it manages just now; nothing was changed, try again in a moment."""


class Turns:
    """How many requests work in the database at once; the others wait in the order they came, and hold neither thread nor connection."""

    def __init__(self, at_once: int) -> None:
        self._free = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the block ends.

        Raises
        ------
        ServerBusy
            It took too long to come.
        """
        try:
            async with asyncio.timeout(TURN_PATIENCE_S):
                await self._free.acquire()
        except TimeoutError:
            raise ServerBusy from None
        try:
            yield
        finally:
            self._free.release()


async def get_session(request: Request) -> AsyncIterator[Session]:
    """Open the request's one transaction; it is committed before the answer goes out (scope "function").

    It begins with its first statement. What needs no database runs on the event loop: every change of thread costs a busy process more
    than most statements.
    """
    turns: Turns = request.app.state.turns
    async with turns.one():
        work = ExitStack()
        session = work.enter_context(transaction(request.app.state.sessions))
        try:
            yield session
        except BaseException as error:
            with CancelScope(shield=True):
                await run_in_threadpool(work.__exit__, type(error), error, error.__traceback__)
            raise
        with CancelScope(shield=True):
            await run_in_threadpool(work.close)


async def get_reading_session(request: Request) -> AsyncIterator[Session]:
    """Open a session for a route that only asks; there is nothing to commit before the answer goes out."""
    turns: Turns = request.app.state.turns
    async with turns.one():
        with request.app.state.reading_sessions() as session:
            yield session


async def app_settings(request: Request) -> Settings:
    """Return the settings this process was started with."""
    settings: Settings = request.app.state.settings
    return settings


DbSession = Annotated[Session, Depends(get_session, scope="function")]
ReadSession = Annotated[Session, Depends(get_reading_session, scope="function")]
"""Of a route that only asks, together with `requires(…, only_asks=True)`."""
AppSettings = Annotated[Settings, Depends(app_settings)]


def client_address(request: Request) -> str | None:
    """Tell the peer's true address; a forwarded one is believed only from a listed proxy."""
    peer = request.client.host if request.client else None
    settings: Settings = request.app.state.settings
    forwarded = request.headers.get("x-forwarded-for")
    if forwarded and peer in settings.trusted_proxies:
        return forwarded.split(",")[-1].strip()
    return peer


def own_address(request: Request) -> str:
    """Tell the address people reach us by, for links; how they came is believed only from a listed proxy."""
    settings: Settings = request.app.state.settings
    url = request.base_url
    forwarded = request.headers.get("x-forwarded-proto")
    if forwarded in ("http", "https") and request.client and request.client.host in settings.trusted_proxies:
        url = url.replace(scheme=forwarded)
    return str(url).rstrip("/")


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


def get_asking_actor(request: Request, session: ReadSession, settings: AppSettings) -> Actor:
    """Authenticate the request of a route that only asks."""
    return authenticate(
        session, settings, token=bearer_token(request), client_address=client_address(request)
    )


def get_desktop_actor(request: Request, session: DbSession, settings: AppSettings) -> Actor:
    """Authenticate the request of a desktop program: as any other, or by HTTP Basic."""
    request.state.takes_basic = True
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return get_actor(request, session, settings)
    address = client_address(request) or "0.0.0.0"
    credentials = Credentials.read(sent.strip())
    try:
        return authenticate_basic(
            session,
            settings,
            credentials,
            client_address=address,
            user_agent=request.headers.get("user-agent", ""),
        )
    except WrongCredentials:
        note_failed_log_in(request, username=credentials.username, client_address=address)
        raise


def note_failed_log_in(request: Request, *, username: str, client_address: str) -> None:
    """Count a failed log-in in a transaction of its own: the refusal rolls the request's back, the count must stay."""
    with transaction(request.app.state.sessions) as apart:
        record_failure(apart, username=username, client_address=client_address)


class Permission:
    """A dependency that lets only roles with one operation pass; tests walk the routes for it."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation

    async def __call__(self, actor: Annotated[Actor, Depends(get_actor)]) -> Actor:
        """Pass the person on, or refuse."""
        if not actor.may(self.operation):
            raise OperationNotAllowed
        return actor


class DesktopPermission(Permission):
    """The same for routes that desktop programs read, which log in by HTTP Basic."""

    async def __call__(self, actor: Annotated[Actor, Depends(get_desktop_actor)]) -> Actor:
        """Pass the person on, or refuse."""
        return await super().__call__(actor)


class AskingPermission(Permission):
    """The same for routes that only ask and have a `ReadSession`."""

    async def __call__(self, actor: Annotated[Actor, Depends(get_asking_actor)]) -> Actor:
        """Pass the person on, or refuse."""
        return await super().__call__(actor)


def requires(operation: Operation | str, *, or_basic: bool = False, only_asks: bool = False) -> Any:
    """Ask for a person whose role includes `operation`; every route that is not public has exactly one.

    Any: what FastAPI calls a dependency has no useful static type.

    Parameters
    ----------
    or_basic
        He may log in by HTTP Basic, too: only for routes that change nothing, since browsers send it by themselves.
    only_asks
        The route takes a `ReadSession`: for those asked so often, or while somebody waits, that a transaction costs too much.
    """
    kind = DesktopPermission if or_basic else AskingPermission if only_asks else Permission
    return Depends(kind(Operation(operation)))
