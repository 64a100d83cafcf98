"""The supervisor's clusters: zones against the usual, the slider by keys, figures that open their rows, in both languages."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text
from sqlalchemy.engine import URL

from core.db import transaction
from tests.app.provisioning import reachable_folder
from tests.browser.conftest import Desk, drawn, eventually, map_settles
from tests.browser.layout import overlapping_texts
from tests.browser.test_console import take_report
from tests.product import Product, running

pytestmark = pytest.mark.browser

BY_HAND = {"MAINLINE_AUTO_DISPATCH": "false"}
EARLIER = text(
    """INSERT INTO dispatch.incident_report
       SELECT (json_populate_record(report, json_build_object(
           'report_id', gen_random_uuid(), 'received_at', received_at - week * interval '7 days'))).*
         FROM dispatch.incident_report report, generate_series(1, 5) week
        WHERE report_number = (SELECT min(report_number) FROM dispatch.incident_report)"""
)
"""One call in the same hour of each of the five weeks before."""


@pytest.fixture(scope="module")
def product(template_url: URL, create_database: Callable[..., URL]) -> Iterator[Product]:
    database = create_database(template=template_url.database)
    with reachable_folder() as folder, running(database, folder, **BY_HAND) as product:
        yield product


@pytest.fixture(scope="module")
def incident_number(product: Product) -> int:
    """A cluster of five calls in the west, where one an hour is usual; they came in one hour."""
    for pipe, n in (("H12", 0), ("H12", 1), ("H12", 2), ("H12", 3), ("H02", 0)):
        incident_id = take_report(product, pipe, n)
    with transaction(product.factory) as session:
        session.execute(
            text("UPDATE dispatch.incident_report SET received_at = date_trunc('hour', received_at)")
        )
        session.execute(EARLIER)
    number: int = product.client("supervisor").get(f"/api/incidents/{incident_id}").json()["number"]
    return number


def clusters(
    desk: Desk, browser: Browser, *, language: str = "en", theme: str = "dark", role: str = "supervisor"
) -> Page:
    page = desk.open(browser, "/supervise", role=role, language=language, theme=theme)
    expect(page.get_by_test_id("escalations")).to_be_visible()
    page.keyboard.press("3")
    return page


def hour_with_calls(page: Page) -> None:
    """The calls may lie in the hour before, when a new one has just begun."""
    if page.locator("[data-zone]").count() == 0:
        page.keyboard.press("ArrowLeft")


def test_without_reports_it_says_why_and_what_to_do(desk: Desk, browser: Browser) -> None:
    page = clusters(desk, browser)
    expect(page.get_by_text("No report was located yet.")).to_be_visible()
    expect(page.get_by_text("No incident of more than one customer was open in this hour.")).to_be_visible()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(
    ("language", "word", "usual", "level"),
    [("en", "Raised", "5 reports · usual 1", "Cluster"), ("zh", "偏高", "5 个来电 · 常态 1", "集群式")],
)
def test_it_shows_zones_against_the_usual_and_large_incidents(
    desk: Desk,
    browser: Browser,
    incident_number: int,
    pictures: Path,
    language: str,
    theme: str,
    word: str,
    usual: str,
    level: str,
) -> None:
    page = clusters(desk, browser, language=language, theme=theme)
    expect(page.get_by_test_id("large").locator("li")).to_have_count(1)
    hour_with_calls(page)
    zone = page.locator("[data-zone]")
    expect(zone).to_have_count(1)
    expect(zone).to_contain_text("WEST")
    expect(zone).to_contain_text(usual)
    expect(zone).to_contain_text(word)
    expect(page.get_by_test_id("large")).to_contain_text(f"#{incident_number}")
    expect(page.get_by_test_id("large")).to_contain_text(level)
    map_settles(page)
    eventually(lambda: drawn(page, "large"), "the flag")
    (flag,) = drawn(page, "large")
    assert flag["level"] == "cluster"
    assert {one["verdict"] for one in drawn(page, "rate")} == {"raised", "none"}
    named = {str(one["label"]).split()[0] for one in drawn(page, "rate-name")}
    assert named == {"WEST", "EAST"}
    page.screenshot(path=pictures / f"clusters_{language}_{theme}.png")
    assert overlapping_texts(page) == []


def test_a_figure_opens_its_rows_and_its_definition(
    desk: Desk, browser: Browser, incident_number: int, pictures: Path
) -> None:
    page = clusters(desk, browser)
    expect(page.get_by_test_id("large").locator("li")).to_have_count(1)
    hour_with_calls(page)
    page.get_by_test_id("define-rates").click()
    expect(page.get_by_text("Usual is the median of the same hour of the week")).to_be_visible()
    page.locator("[data-zone]").press("Enter")
    rows = page.get_by_test_id("rate-rows")
    expect(rows).to_contain_text(
        "The same hour one, two, three and four weeks before: 1, 1, 1, 1. The median is 1.0."
    )
    expect(rows.locator("li")).to_have_count(5)
    expect(rows.locator("li a").first).to_have_text(f"#{incident_number}")
    page.screenshot(path=pictures / "clusters_rows.png")
    assert overlapping_texts(page) == []
    rows.get_by_role("group").get_by_role("button").nth(2).click()
    expect(rows.locator("li")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(rows).to_be_hidden()


def test_the_slider_goes_by_keys_and_plays_to_the_end(
    desk: Desk, browser: Browser, incident_number: int
) -> None:
    page = clusters(desk, browser)
    hour, slider = page.get_by_test_id("hour"), page.get_by_test_id("slider")
    expect(page.get_by_test_id("large").locator("li")).to_have_count(1)
    latest = hour.inner_text()
    end = int(slider.input_value())
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_value(str(end - 1))
    slider.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("PageUp")
    expect(slider).to_have_value(str(end - 26))
    expect(page.get_by_text("No incident of more than one customer was open in this hour.")).to_be_visible()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("p")
    expect(hour).to_have_text(latest)
    expect(page.get_by_test_id("play")).to_contain_text("Play")


def test_a_click_goes_to_the_incident_in_the_console(
    desk: Desk, browser: Browser, incident_number: int
) -> None:
    page = clusters(desk, browser)
    page.get_by_test_id("large").get_by_role("link").click()
    page.wait_for_url(f"**/console?incident={incident_number}*")
