"""The pages' types are those of the server: written from its OpenAPI, and written again when it changed."""

import hashlib
import json
from typing import Any

from sqlalchemy.engine import make_url

from app.main import create_app
from core.db import session_factory
from tests.browser.test_words import WEB
from tests.conftest import make_settings

NOWHERE = make_url("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
AGAIN = "the API changed: run `npm run types -- http://127.0.0.1:PORT/openapi.json` in web/"
WORDS = {"description", "summary", "title"}


def bare(node: Any) -> Any:
    """Leave out words for people; a property that is merely called `description` is a schema, not words."""
    if isinstance(node, list):
        return [bare(one) for one in node]
    if isinstance(node, dict):
        return {
            key: bare(value) for key, value in node.items() if not (key in WORDS and isinstance(value, str))
        }
    return node


def test_the_saved_bodies_are_the_servers() -> None:
    app = create_app(make_settings(NOWHERE), session_factory(NOWHERE.render_as_string()))
    saved = json.loads((WEB / "openapi.json").read_text(encoding="utf-8"))
    assert saved["components"]["schemas"] == bare(app.openapi()["components"]["schemas"]), AGAIN


def test_the_types_were_written_from_the_saved_bodies() -> None:
    digest = hashlib.sha256((WEB / "openapi.json").read_bytes()).hexdigest()
    first, _, _ = (WEB / "src" / "api" / "schema.d.ts").read_text(encoding="utf-8").partition("\n")
    assert digest in first, AGAIN
