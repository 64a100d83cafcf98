"""The invented town, loaded once, and people of both halves of it."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.conftest import LogIn
from tests.hotline.conftest import database_url as database_url
from tests.hotline.conftest import town as town
from tests.hotline.conftest import town_url_and_town as town_url_and_town
from tests.town import Town


@pytest.fixture
def agent(town: Town, log_in: LogIn) -> dict[str, str]:
    return log_in("agent")


@pytest.fixture
def supervisor(town: Town, log_in: LogIn) -> dict[str, str]:
    return log_in("supervisor")


@pytest.fixture
def east_agent(town: Town, log_in: LogIn) -> dict[str, str]:
    """East of column 3 only: the west does not exist for him."""
    corners = [town.place(x, y) for x, y in ((350, -100), (700, -100), (700, 500), (350, 500), (350, -100))]
    ring = ", ".join(f"{corner.lon} {corner.lat}" for corner in corners)
    return log_in("agent", area_wkt=f"MULTIPOLYGON((({ring})))")


Ask = Callable[..., Any]


@pytest.fixture
def ask(client: TestClient) -> Ask:
    """Ask or tell the server something: `ask("GET", "/api/…", headers, expect=200, **how)`."""

    def ask(method: str, path: str, headers: dict[str, str], *, expect: int = 200, **how: Any) -> Any:
        answer = client.request(method, path, headers=headers, **how)
        assert answer.status_code == expect, answer.text
        return answer.json()

    return ask
