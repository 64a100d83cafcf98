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
from sqlalchemy.engine import URL, make_url

from app.main import create_app
from core.db import session_factory
from tests.app.provisioning import reachable_folder
from tests.conftest import make_settings
from tests.product import Product, running

pytestmark = pytest.mark.slow

EXAMPLES = 12
"""For each route; enough to meet every kind of wrong input, few enough to wait for."""
NOWHERE = make_url("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
"""The routes are read from the code; nothing connects here."""

schema = (
    schemathesis.openapi.from_dict(
        create_app(make_settings(NOWHERE), session_factory(NOWHERE.render_as_string())).openapi()
    )
    .exclude(path="/api/live")  # never ends
    .exclude(path="/api/logout")  # ends the log-in this test lives by
)


@pytest.fixture(scope="module")
def product(template_url: URL, create_database: Callable[..., URL]) -> Iterator[Product]:
    with (
        reachable_folder() as folder,
        running(create_database(template=template_url.database), folder) as product,
    ):
        yield product


@pytest.fixture(scope="module")
def headers(product: Product) -> dict[str, str]:
    return {"Authorization": product.client("administrator").headers["Authorization"]}


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_was_announced(
    case: schemathesis.Case, product: Product, headers: dict[str, str]
) -> None:
    answer = case.call(base_url=product.base_url, headers=headers, timeout=30)
    case.validate_response(
        answer,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ],
    )


def test_nothing_was_parked_and_nothing_failed_inside(product: Product) -> None:
    assert product.client("administrator").get("/api/parked-events").json()["items"] == []
    assert '"http.failed"' not in product.log_of("web")
