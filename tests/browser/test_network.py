"""The GIS desk: a network sent, looked at, published, gone back from, in a real browser with a real worker."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.engine import URL

from tests.app.provisioning import reachable_folder
from tests.browser.conftest import Desk, drawn, map_settles
from tests.browser.layout import overlapping_texts
from tests.gis.test_versions_api import MAPPING, geojson
from tests.product import Product, running

pytestmark = pytest.mark.browser

READ_MS = 30_000


@pytest.fixture(scope="module")
def product(template_url: URL, create_database: Callable[..., URL]) -> Iterator[Product]:
    """A product of these tests' own: publishing changes the network for everybody."""
    with (
        reachable_folder() as folder,
        running(create_database(template=template_url.database), folder) as product,
    ):
        yield product


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "mains.geojson").write_bytes(geojson(widths={"M1": 300}))
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    return [tmp_path / "mains.geojson", tmp_path / "mapping.toml"]


def send(page: Page, files: list[Path]) -> None:
    page.get_by_test_id("files").set_input_files(files)
    page.get_by_test_id("send").click()


def test_a_network_is_sent_looked_at_published_and_gone_back_from(
    desk: Desk, browser: Browser, files: list[Path], pictures: Path
) -> None:
    page = desk.open(browser, "/network", role="supervisor")
    expect(page.get_by_test_id("versions")).to_contain_text("No version has been read yet")
    map_settles(page)
    send(page, files)
    state = page.get_by_test_id("state")
    expect(state).to_have_text("Draft", timeout=READ_MS)
    expect(page.get_by_test_id("pipe-added")).to_have_text("3")
    expect(page.get_by_test_id("pipe-removed")).to_have_text("68")
    map_settles(page)
    assert {one["code"] for one in drawn(page, "draft-line-added")} == {"M0", "M1", "M2"}
    assert len(drawn(page, "draft-line-removed")) > 20
    page.screenshot(path=pictures / "network_en_dark.png")
    assert overlapping_texts(page) == []
    page.get_by_test_id("pipe-added").click()
    page.get_by_role("button", name="M1").click()
    page.get_by_test_id("tab-mapping").click()
    expect(page.get_by_label("Diameter")).to_have_value("bore_mm")
    page.get_by_test_id("toml").click()
    expect(page.get_by_label("TOML").last).to_have_value(MAPPING)

    page.keyboard.press("Escape")
    page.keyboard.press("p")
    page.get_by_test_id("confirm").click()
    expect(state).to_have_text("Serves", timeout=READ_MS)
    map_settles(page)
    page.locator("[data-number='1']").click()
    expect(state).to_have_text("Earlier")
    page.keyboard.press("b")
    page.get_by_test_id("confirm").click()
    expect(page.locator("[data-number='3']")).to_contain_text("Serves", timeout=READ_MS)

    page.keyboard.press("/")
    page.keyboard.type("H12")
    page.keyboard.press("Enter")
    history = page.get_by_test_id("history")
    expect(history).to_contain_text("Removed · Version 2")
    expect(history).to_contain_text("Added · Version 3")
    page.screenshot(path=pictures / "network_history.png")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_refused_file_says_what_to_do_in_both_languages(
    desk: Desk, browser: Browser, tmp_path: Path, pictures: Path, theme: str
) -> None:
    broken = tmp_path / "broken.geojson"
    broken.write_text('{"type": "FeatureCollection", "features": [', encoding="utf-8")
    page = desk.open(browser, "/network", role="administrator", language="zh", theme=theme)
    send(page, [broken])
    expect(page.get_by_test_id("state")).to_have_text("未通过", timeout=READ_MS)
    expect(page.get_by_role("alert")).to_contain_text("broken.geojson")
    expect(page.get_by_label("TOML")).to_be_editable()  # it is no EPANET file: a mapping may help
    expect(page.get_by_test_id("versions").locator("[aria-current]")).to_have_count(1)
    expect(page.get_by_role("alert")).to_contain_text("没有改动任何数据")
    page.screenshot(path=pictures / f"network_refused_zh_{theme}.png")
    assert overlapping_texts(page) == []
    page.keyboard.press("d")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("state")).to_have_text("已弃用")


def test_an_epanet_file_needs_its_system_before_it_is_sent(
    desk: Desk, browser: Browser, tmp_path: Path
) -> None:
    model = tmp_path / "model.inp"
    model.write_text("[TITLE]\nnothing\n[END]\n", encoding="utf-8")
    page = desk.open(browser, "/network", role="supervisor")
    page.get_by_test_id("files").set_input_files([model])
    expect(page.get_by_test_id("send")).to_be_disabled()
    page.get_by_test_id("crs").fill("28355")
    expect(page.get_by_test_id("send")).to_be_enabled()
    page.get_by_test_id("crs").fill("GDA94")
    expect(page.get_by_test_id("send")).to_be_disabled()
    page.get_by_test_id("local").check()
    expect(page.get_by_test_id("send")).to_be_enabled()


def test_those_who_may_not_import_are_told_so(desk: Desk, browser: Browser) -> None:
    page = desk.open(browser, "/network", role="agent")
    expect(page.get_by_role("main")).to_contain_text("Your role does not include working on the network")
