"""Every route and stream, without, with wrong and with foreign rights."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from core.http.deps import SAFE_METHODS, Permission, get_reading_session, get_session
from core.http.problems import RESPONSES
from core.http.public import PUBLIC_PATHS
from core.rights import ROLE_SEEDS, Operation
from tests.conftest import LogIn


def permissions(dependant: Dependant) -> Iterator[Operation]:
    if isinstance(dependant.call, Permission):
        yield dependant.call.operation
    for inner in dependant.dependencies:
        yield from permissions(inner)


def needed(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from needed(inner)


def guarded_routes(app: FastAPI) -> list[APIRoute]:
    return [route for route in api_routes(app) if route.path not in PUBLIC_PATHS]


def api_routes(app: FastAPI) -> list[APIRoute]:
    return [route for route in app.routes if isinstance(route, APIRoute)]


def test_every_route_announces_what_it_may_refuse(client: TestClient) -> None:
    app = client.app
    assert isinstance(app, FastAPI)
    for route in guarded_routes(app):
        assert set(RESPONSES) <= set(route.responses), f"{route.path}: its router lacks responses=RESPONSES"


def address(route: APIRoute) -> str:
    """Fill the path's parameters with something well-formed that does not exist."""

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        return {"z": "14", "x": "1", "y": "1", "layer": "network", "day": "2026-01-01", "year": "2026"}.get(
            name, str(uuid4())
        )

    return re.sub(r"{(\w+)(?::\w+)?}", fill, route.path)


def calls(app: FastAPI) -> Iterator[tuple[str, str, Operation]]:
    for route in guarded_routes(app):
        (operation,) = permissions(route.dependant)
        for method in sorted(route.methods - {"HEAD"}):
            yield method, address(route), operation


def test_every_route_is_public_by_name_or_asks_for_exactly_one_operation(client: TestClient) -> None:
    app = client.app
    assert isinstance(app, FastAPI)
    assert len(api_routes(app)) > 20
    for route in api_routes(app):
        asked = list(permissions(route.dependant))
        if route.path in PUBLIC_PATHS:
            assert asked == [], route.path
        else:
            assert len(asked) == 1, route.path


def test_a_route_that_only_asks_changes_nothing_and_has_one_session(client: TestClient) -> None:
    app = client.app
    assert isinstance(app, FastAPI)
    asking = 0
    for route in api_routes(app):
        needs = set(needed(route.dependant))
        if get_reading_session in needs:
            asking += 1
            assert route.methods <= SAFE_METHODS, route.path
            assert get_session not in needs, f"{route.path}: ReadSession goes with only_asks=True"
    assert asking > 0


def test_without_a_log_in_every_guarded_route_answers_401(client: TestClient) -> None:
    assert isinstance(client.app, FastAPI)
    for method, path, _ in calls(client.app):
        for headers in ({}, {"Authorization": "Bearer nonsense"}):
            answer = client.request(method, path, headers=headers)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("role", [seed.role for seed in ROLE_SEEDS])
def test_with_wrong_rights_every_guarded_route_answers_403(
    client: TestClient, log_in: LogIn, role: str
) -> None:
    assert isinstance(client.app, FastAPI)
    held = next(seed.operations for seed in ROLE_SEEDS if seed.role == role) | {Operation.PROFILE_OWN}
    headers = log_in(role)
    walked = [(method, path) for method, path, operation in calls(client.app) if operation not in held]
    for method, path in walked:
        answer = client.request(method, path, headers=headers)
        assert answer.status_code == 403, (role, method, path, answer.text)
        assert answer.json()["type"] == "/problems/operation-not-allowed"
    assert walked or role == "administrator"
