"""Chromium over the built pages of the running product; a request that would leave this machine fails the test."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, sync_playwright
from sqlalchemy import select
from sqlalchemy.engine import URL

from core.clock import real_now, utc_now
from core.db import transaction
from dispatch.models import Crew
from gis.coordinates import LonLat
from tests.conftest import reachable_folder
from tests.product import PASSWORD, Product, running, wait_for
from tracker.models import LatestPosition
from tracker.presence import hear

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SOFTWARE_WEBGL = (
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)
NO_WEBGL = ("--disable-gpu", "--disable-webgl", "--disable-webgl2", "--disable-3d-apis")
VIEW = {"width": 1440, "height": 860}
MAP_PATIENCE_S = 60.0
LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}
STALE_S = 120.0
"""Silence after which a phone is stale, seconds."""
CREWS = {"C01": (0, 0), "C02": (4, 3)}
"""Crews and the junction (column, row) each begins at."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without built pages there is nothing to open."""
    if os.environ.get("MAINLINE_PAGES_DIR"):
        return
    skip = pytest.mark.skip(reason="MAINLINE_PAGES_DIR is not set: run the tests with ./mainline test")
    for item in items:
        if "tests/browser" in str(item.path) and item.get_closest_marker("browser"):
            item.add_marker(skip)


@pytest.fixture(scope="package")
def product(template_url: URL, create_database: Callable[..., URL]) -> Iterator[Product]:
    """The whole product on the small town, with two crews on shift."""
    # Nothing is dispatched without a dispatcher: the tests press the keys.
    by_hand = {"MAINLINE_AUTO_DISPATCH": "false"}
    database = create_database(template=template_url.database)
    with reachable_folder() as folder, running(database, folder, **by_hand) as product:
        supervisor = product.client("supervisor")
        for code, (column, row) in CREWS.items():
            crew = {"code": code, "name": f"抢修{code}", "skills": ["inspect", "repair"]}
            crew_id = supervisor.post("/api/crews", json=crew).raise_for_status().json()["id"]
            shift = {
                "crew_id": crew_id,
                "starts_at": "2020-01-01T00:00:00Z",
                "ends_at": "2100-01-01T00:00:00Z",
            }
            supervisor.post("/api/shifts", json=shift).raise_for_status()
            tell_position(product, code, product.town.junction(column, row))
        yield product


def tell_position(product: Product, code: str, place: LonLat, *, course_deg: float | None = None) -> None:
    """Store a crew's place, as ingest does with what its phone tells."""
    now = utc_now()
    with transaction(product.factory) as session:
        crew_id = session.scalars(select(Crew.id).where(Crew.code == code)).one()
        session.merge(
            LatestPosition(
                crew_id=crew_id,
                recorded_at=now,
                received_at=now,
                stored_at=real_now(),
                geom=place.as_stored(),
                speed_mps=9.0 if course_deg is not None else 0.0,
                course_deg=course_deg,
            )
        )
        hear(session, {crew_id: now}, now=now, stale_s=STALE_S)


@pytest.fixture(scope="package")
def _playwright() -> Iterator[Callable[..., Browser]]:
    """Starts browsers; all end with the last test here, since the synchronous driver keeps an event loop running."""
    with sync_playwright() as driver:
        driver.selectors.set_test_id_attribute("data-test")
        opened: list[Browser] = []

        def launch(*flags: str) -> Browser:
            opened.append(driver.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags]))
            return opened[-1]

        yield launch
        for browser in opened:
            browser.close()


@pytest.fixture(scope="package")
def browser(_playwright: Callable[..., Browser]) -> Browser:
    return _playwright(*SOFTWARE_WEBGL)


@pytest.fixture(scope="package")
def browser_without_webgl(_playwright: Callable[..., Browser]) -> Browser:
    return _playwright(*NO_WEBGL)


@dataclass
class Desk:
    """Opens pages as somebody and watches what they ask for."""

    product: Product
    contexts: list[BrowserContext] = field(default_factory=list)
    left_the_machine: list[str] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def context(
        self, browser: Browser, *, role: str | None, language: str = "en", theme: str = "dark"
    ) -> BrowserContext:
        context = browser.new_context(viewport=VIEW, reduced_motion="reduce", base_url=self.product.base_url)  # type: ignore[arg-type]  # a plain dict
        self.contexts.append(context)
        context.route("**/*", self._guard)
        context.add_init_script(f"localStorage.setItem('mainline.theme', '{theme}')")
        if role:
            answer = context.request.post("/api/login", data={"username": role, "password": PASSWORD})
            assert answer.ok, answer.text()
            assert context.request.patch("/api/me", data={"language": language}).ok
        return context

    def open(
        self, browser: Browser, path: str, *, role: str | None, language: str = "en", theme: str = "dark"
    ) -> Page:
        page = self.context(browser, role=role, language=language, theme=theme).new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: self.complaints.append(message.text) if message.type == "error" else None,
        )
        page.goto(path)
        return page

    def _guard(self, route: Route, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("data", "blob") or parts.hostname in LOOPBACK:
            self.asked_for.append(parts.path)
            route.continue_()
        else:
            self.left_the_machine.append(request.url)
            route.abort()

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture
def desk(product: Product) -> Iterator[Desk]:
    desk = Desk(product)
    yield desk
    desk.close()
    assert desk.left_the_machine == []
    assert desk.complaints == []


def map_settles(page: Page) -> None:
    """Wait until the map has drawn all it asked for (the pages' policy allows no evaluated strings)."""
    wait_for(
        lambda: page.evaluate(
            "() => Boolean(window.__map && window.__map.loaded() && window.__map.areTilesLoaded())"
        ),
        what="the map to be drawn",
        patience_s=MAP_PATIENCE_S,
    )


def drawn(page: Page, layer: str) -> list[dict[str, object]]:
    """Properties of the features of a layer that are on the screen."""
    features: list[dict[str, object]] = page.evaluate(
        "(layer) => window.__map.queryRenderedFeatures({layers: [layer]}).map((feature) => feature.properties)",
        layer,
    )
    return features


def eventually(condition: Callable[[], object], what: str, patience_s: float = 15.0) -> object:
    """Wait for something on the page without sleeping longer than needed."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"waited {patience_s} s for {what}")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: MAINLINE_SCREENSHOTS, or a folder of this run."""
    folder = Path(os.environ.get("MAINLINE_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
