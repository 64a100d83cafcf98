"""What a request may weigh."""

import re
from collections.abc import Mapping

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import TooLarge
from core.http.problems import refuse


class RequestTooLarge(TooLarge):
    """The request is larger than this server takes; send less at once."""


class BodyLimit:
    """Refuses a body of more than `bytes_max`, whether its length was announced or not.

    Bodies are taken whole before a route runs: they are small here, and a route then never waits for a slow sender inside its transaction.

    Parameters
    ----------
    bytes_max
        Largest body taken, bytes.
    exceptions
        Another limit for paths that match a pattern, bytes.
    """

    def __init__(self, app: ASGIApp, *, bytes_max: int, exceptions: Mapping[str, int] | None = None) -> None:
        self.app = app
        self.bytes_max = bytes_max
        self.exceptions = [(re.compile(path), most) for path, most in (exceptions or {}).items()]

    def _bytes_max(self, path: str) -> int:
        return next((most for pattern, most in self.exceptions if pattern.match(path)), self.bytes_max)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the body, then pass it on in one piece."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        bytes_max = self._bytes_max(scope["path"])
        body = bytearray()
        is_more = True
        while is_more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            is_more = message.get("more_body", False)
            if len(body) > bytes_max:
                await refuse(Request(scope), RequestTooLarge())(scope, receive, send)
                return
        is_told = False

        async def replay() -> Message:
            nonlocal is_told
            if is_told:
                return await receive()
            is_told = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self.app(scope, replay, send)
