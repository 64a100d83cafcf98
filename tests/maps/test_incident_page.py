"""The incident report: one file, no network, callers' words as text."""

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from core.settings import Settings
from maps.incident_page import incident_page
from tests.conftest import LogIn
from tests.maps.conftest import ALARM, Scene, actor_of, box_wkt
from tests.town import Town

LOADS = re.compile(
    r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//|@import|url\(\s*["']?(?!none)|\bimport\s*\(""",
    re.IGNORECASE,
)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_it_loads_nothing_from_anywhere(
    session: Session, pages: Settings, scene: Scene, language: str
) -> None:
    page = incident_page(session, pages, actor_of("dispatcher"), scene.incident_id, language=language)
    assert LOADS.search(page) is None
    assert page.count("<html") == 1
    assert "window.L = {}" in page
    assert "sourceMappingURL" not in page
    assert ("事件" in page) == (language == "zh")


def test_callers_words_are_text(session: Session, pages: Settings, scene: Scene) -> None:
    page = incident_page(session, pages, actor_of("dispatcher"), scene.incident_id, language="en")
    assert "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;" in page
    assert ALARM not in page
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 2, "Leaflet and the map"
    assert all("alert" not in script for script in scripts)


def test_it_names_no_caller(session: Session, pages: Settings, scene: Scene) -> None:
    page = incident_page(session, pages, actor_of("supervisor"), scene.incident_id, language="zh")
    assert "王芳" not in page
    assert "2025550001" not in page


def test_it_draws_mains_streets_and_the_zone(session: Session, pages: Settings, scene: Scene) -> None:
    page = incident_page(session, pages, actor_of("dispatcher"), scene.incident_id, language="en")
    assert page.count('"LineString"') > 68, "mains and streets round it"
    assert '"Polygon"' in page or '"MultiPolygon"' in page


def test_without_the_map_library_it_says_what_to_do(
    client: TestClient, log_in: LogIn, scene: Scene, settings: Settings
) -> None:
    client.app.state.settings = settings.model_copy(update={"pages_dir": None})  # type: ignore[attr-defined]
    answer = client.get(f"/api/incidents/{scene.incident_id}/report.html", headers=log_in("dispatcher"))
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/leaflet-not-built"


def test_it_keeps_to_the_readers_area(
    client: TestClient, log_in: LogIn, scene: Scene, town: Town, pages: Settings
) -> None:
    client.app.state.settings = pages  # type: ignore[attr-defined]  # the application under test
    path = f"/api/incidents/{scene.incident_id}/report.html"
    answer = client.get(path, headers=log_in("dispatcher"))
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    east = log_in("dispatcher", area_wkt=box_wkt(town, 390, -50, 800, 600))
    assert client.get(path, headers=east).status_code == 404
    assert client.get(f"{path}?lang=fr", headers=log_in("dispatcher")).status_code == 422
