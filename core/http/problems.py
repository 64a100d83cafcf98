"""Refusals on the wire: RFC 9457 problem+json. The only place that writes status numbers."""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from core.errors import (
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    MainlineError,
    Misasked,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
STATUS: dict[type[MainlineError], int] = {
    Misasked: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    Invalid: 422,
    TooManyRequests: 429,
    Unavailable: 503,
}
PROBLEM_SCHEMA: dict[str, Any] = {  # Any: JSON
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "description": "Names the problem: /problems/outside-service-area."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened and what to do next."},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
RESPONSES: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI
    status: {
        "description": (kind.__doc__ or "").split("\n")[0],
        "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}},
    }
    for kind, status in STATUS.items()
    if kind is not Misasked
}
"""What any route may answer besides success, for its OpenAPI."""
MISASKED_RESPONSE: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI
    STATUS[Misasked]: {
        "description": (Misasked.__doc__ or "").split("\n")[0],
        "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}},
    }
}
"""What routes of a standard that asks for 400 answer as well."""
BASIC_CHALLENGE = 'Basic realm="Mainline", charset="UTF-8"'
PLAIN_TITLES = {404: "Not found", 405: "Method not allowed"}
UNREADABLE = 400
"""What the framework says of a body it cannot decode; to the sender it is malformed input like any other."""


def status_of(error: MainlineError) -> int:
    """Tell the status of an error's kind."""
    return next(number for kind, number in STATUS.items() if isinstance(error, kind))


def problem(
    request: Request,
    *,
    status: int,
    slug: str,
    title: str,
    detail: str,
    errors: Sequence[FieldError] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Build one problem answer."""
    body: dict[str, Any] = {  # Any: JSON
        "type": f"/problems/{slug}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
    }
    if errors:
        body["errors"] = [{"pointer": e.pointer, "detail": e.detail} for e in errors]
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def install(app: FastAPI) -> None:
    """Let every refusal leave as problem+json."""
    app.add_exception_handler(MainlineError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(OperationalError, _database_away)
    app.add_exception_handler(Exception, _failed)


def refuse(request: Request, error: MainlineError) -> JSONResponse:
    """Say a named error as a problem."""
    status = status_of(error)
    headers = {"WWW-Authenticate": _challenge(request)} if status == STATUS[Unauthenticated] else None
    title = type(error).__name__
    title = "".join(f" {c.lower()}" if c.isupper() and i else c for i, c in enumerate(title))
    log.info("http.refused", path=request.url.path, problem=error.slug, status=status)
    return problem(
        request,
        status=status,
        slug=error.slug,
        title=title,
        detail=error.detail,
        errors=error.errors,
        headers=headers,
    )


def _challenge(request: Request) -> str:
    """Tell how to log in; programs that know only Basic ask first and send their password when they are told so."""
    return BASIC_CHALLENGE if getattr(request.state, "takes_basic", False) else "Bearer"


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, MainlineError)
    return refuse(request, error)


def _malformed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        FieldError("#/" + "/".join(str(part) for part in e["loc"][1:]), str(e["msg"])) for e in error.errors()
    ]
    return problem(
        request,
        status=STATUS[Invalid],
        slug="malformed",
        title="Malformed input",
        detail="Some fields are missing or wrong; correct those listed and send again.",
        errors=errors,
    )


def _plain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == UNREADABLE:
        return problem(
            request,
            status=STATUS[Invalid],
            slug="malformed",
            title="Malformed input",
            detail="The body cannot be decoded as what it says it is: JSON in UTF-8, or a form; correct it and send it again.",
        )
    title = PLAIN_TITLES.get(error.status_code, "Refused")
    return problem(
        request,
        status=error.status_code,
        slug=title.lower().replace(" ", "-"),
        title=title,
        detail=str(error.detail),
        headers=dict(error.headers) if error.headers else None,
    )


def _database_away(request: Request, error: Exception) -> JSONResponse:
    log.error("http.database_unavailable", path=request.url.path, error=type(error).__name__)
    return problem(
        request,
        status=STATUS[Unavailable],
        slug="database-unavailable",
        title="Database unavailable",
        detail="The database does not answer; nothing was changed. Try again in a moment.",
        headers={"Retry-After": "2"},
    )


def _failed(request: Request, error: Exception) -> JSONResponse:
    log.error("http.failed", path=request.url.path, error=type(error).__name__, exc_info=error)
    return problem(
        request,
        status=500,
        slug="internal",
        title="Something went wrong here",
        detail="Nothing was changed. Try again; if it stays, tell the administrator the time of this message.",
    )
