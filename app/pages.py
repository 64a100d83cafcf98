"""The built pages: plain files, the same for everybody; what they show comes through the API."""

from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import NotFound
from core.settings import Settings

PAGES = {
    "/": "index.html",
    "/login": "login.html",
    "/console": "console.html",
    "/desk": "desk.html",
    "/network": "network.html",
    "/supervise": "supervise.html",
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "worker-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


class PagesNotBuilt(NotFound):
    """The pages are not built; start the product with `./mainline up`, or use the API."""


class SecurityHeaders:
    """Sends the headers that keep a page to itself, unless the route set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add them to every answer."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


def install(app: FastAPI, settings: Settings) -> None:
    """Serve the pages of `settings.pages_dir`."""
    folder = settings.pages_dir
    if folder is not None and (folder / "assets").is_dir():
        app.mount("/assets", StaticFiles(directory=folder / "assets"), name="assets")
    for path, name in PAGES.items():
        app.add_api_route(path, _page(folder, name), include_in_schema=False, response_class=HTMLResponse)
    app.add_middleware(SecurityHeaders)


def _page(folder: Path | None, name: str) -> Callable[[], FileResponse]:
    def page() -> FileResponse:
        if folder is None or not (folder / name).is_file():
            raise PagesNotBuilt
        return FileResponse(folder / name, media_type="text/html")

    return page
