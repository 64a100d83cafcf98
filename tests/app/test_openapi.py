"""The server obeys its own OpenAPI: whatever is sent, with a real log-in, gets an answer that was announced."""

from collections.abc import Callable, Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy.engine import URL

from tests.app.provisioning import reachable_folder
from tests.product import Product, running

pytestmark = pytest.mark.slow

EXAMPLES = 15
"""For each route; enough to meet every kind of wrong input, few enough to wait for."""


@pytest.fixture(scope="module")
def product(template_url: URL, create_database: Callable[..., URL]) -> Iterator[Product]:
    with (
        reachable_folder() as folder,
        running(create_database(template=template_url.database), folder) as product,
    ):
        yield product


@pytest.fixture(scope="module")
def api_schema(product: Product) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{product.base_url}/openapi.json")


@pytest.fixture(scope="module")
def headers(product: Product) -> dict[str, str]:
    with product.client("administrator") as client:
        return {"Authorization": client.headers["Authorization"]}


schema = (
    schemathesis.pytest.from_fixture("api_schema")
    .exclude(path="/api/live")  # never ends
    .exclude(path="/api/logout")  # ends the log-in this test lives by
)


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_was_announced(case: schemathesis.Case, headers: dict[str, str]) -> None:
    case.call_and_validate(
        headers=headers,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ],
        timeout=30,
    )


def test_nothing_was_parked_and_nothing_failed_inside(product: Product) -> None:
    with product.client("administrator") as client:
        assert client.get("/api/parked-events").json()["items"] == []
    assert '"http.failed"' not in product.log_of("web")
