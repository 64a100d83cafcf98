"""Where it is broken and whom to ring, in the console's panel and on its map, in both languages."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy.engine import URL

from tests.app.provisioning import reachable_folder
from tests.browser.conftest import Desk, drawn, eventually, map_settles
from tests.browser.layout import overlapping_texts
from tests.browser.test_console import take_report
from tests.product import Product, running

pytestmark = pytest.mark.browser

BY_HAND = {"MAINLINE_AUTO_DISPATCH": "false"}
ROW_4_AND_5 = ("H04", "H14", "H05")
"""Mains of the dry customers: row 5 hangs on row 4."""


@pytest.fixture(scope="module")
def product(template_url: URL, create_database: Callable[..., URL]) -> Iterator[Product]:
    """A product of these tests' own: every answer changes the picture for good."""
    database = create_database(template=template_url.database)
    with reachable_folder() as folder, running(database, folder, **BY_HAND) as product:
        yield product


@pytest.fixture(scope="module")
def incident_number(product: Product) -> int:
    """Three customers of rows 4 and 5 have no water."""
    return [number_of(product, take_report(product, pipe, 0)) for pipe in ROW_4_AND_5][-1]


def number_of(product: Product, incident_id: str) -> int:
    incident = product.client("dispatcher").get(f"/api/incidents/{incident_id}").raise_for_status().json()
    number: int = incident["number"]
    return number


def opened(desk: Desk, browser: Browser, number: int, *, role: str, **more: str) -> Page:
    page = desk.open(browser, f"/console?incident={number}", role=role, **more)
    map_settles(page)
    return page


def rows(page: Page, name: str) -> Locator:
    return page.get_by_test_id(name).get_by_role("listitem")


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(
    ("language", "segment", "basis"),
    [
        ("en", "segment {}", "Rests on 3 customers without water"),
        ("zh", "分段 {}", "依据：3 户报无水"),
    ],
)
def test_the_panel_says_where_it_is_broken_and_the_map_draws_it(
    desk: Desk,
    browser: Browser,
    product: Product,
    incident_number: int,
    pictures: Path,
    language: str,
    theme: str,
    segment: str,
    basis: str,
) -> None:
    page = opened(desk, browser, incident_number, role="dispatcher", language=language, theme=theme)
    row_4 = product.town.segments["H04"]
    expect(page.get_by_test_id("sureness")).to_contain_text(segment.format(row_4))
    expect(page.get_by_test_id("basis")).to_contain_text(re.compile(basis, re.IGNORECASE))
    expect(rows(page, "segments").first).to_contain_text(str(row_4))
    eventually(
        lambda: {one.get("extent") for one in drawn(page, "zone-hatch")} >= {"inner", "outer"},
        "both credible zones",
    )
    first = rows(page, "pipes").first
    first.get_by_role("button").hover()
    eventually(lambda: drawn(page, "pipe-lit"), "the main of the row on the map")
    lit = {str(one["asset_code"]) for one in drawn(page, "pipe-lit")}
    assert len(lit) == 1
    expect(first).to_contain_text(lit.pop())
    page.screenshot(path=pictures / f"whereabouts_{language}_{theme}.png")
    assert overlapping_texts(page) == []
    page.keyboard.press("l")
    expect(page.locator(".map-legend")).to_contain_text("90 %" if language == "en" else "九成")
    page.keyboard.press("l")
    page.get_by_test_id("ring-backs").scroll_into_view_if_needed()
    page.keyboard.press("w")
    page.screenshot(path=pictures / f"ring_backs_{language}_{theme}.png")
    assert overlapping_texts(page) == []
    page.get_by_test_id("history").scroll_into_view_if_needed()
    page.screenshot(path=pictures / f"members_{language}_{theme}.png")
    assert overlapping_texts(page) == []


def test_a_row_lights_its_mains_by_keys_and_plans_a_shutdown(
    desk: Desk, browser: Browser, product: Product, incident_number: int
) -> None:
    page = opened(desk, browser, incident_number, role="dispatcher")
    rows(page, "segments").first.get_by_role("button").focus()
    row_4 = product.town.segments["H04"]
    eventually(lambda: {one["segment_id"] for one in drawn(page, "pipe-lit")} == {row_4}, "its segment")
    page.get_by_role("button", name="Show the zone on the map").focus()
    eventually(lambda: drawn(page, "pipe-lit") == [], "the light to go out")
    page.keyboard.press("Enter")
    main = rows(page, "pipes").first.get_by_role("button")
    code = main.locator("span.clip").inner_text()
    main.press("Enter")
    expect(page.get_by_test_id("isolation")).to_contain_text(code)
    assert drawn(page, "pipe-lit") == []


def test_an_agent_rings_by_keys_and_every_open_console_learns_of_it(
    desk: Desk, browser: Browser, incident_number: int, pictures: Path
) -> None:
    watching = opened(desk, browser, incident_number, role="dispatcher", language="zh")
    expect(watching.get_by_test_id("basis")).to_contain_text("0 户无水")
    page = opened(desk, browser, incident_number, role="agent")
    before = page.get_by_test_id("basis")
    expect(before).to_contain_text("0 have none")
    expect(rows(page, "to-ring")).not_to_have_count(0)
    page.keyboard.press("2")  # nobody is being rung: nothing is noted
    page.keyboard.press("w")
    expect(page.get_by_test_id("phone")).to_have_attribute("href", re.compile(r"^tel:\+?\d+"))
    first = page.get_by_test_id("phone").inner_text()
    page.keyboard.press("w")
    expect(page.get_by_test_id("phone")).not_to_have_text(first)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("phone")).to_have_count(0)
    page.keyboard.press("w")
    address = page.locator("[aria-expanded=true] span").first.inner_text()
    page.keyboard.press("2")
    expect(rows(page, "asked")).to_have_count(1)
    expect(rows(page, "asked").first).to_contain_text(re.compile(f"No water {re.escape(address)} by agent"))
    expect(page.get_by_test_id("basis")).to_contain_text("1 have none")
    expect(page.locator("[data-is=answer]")).to_contain_text("Rung: No water")
    page.screenshot(path=pictures / "ring_backs_answered.png")

    expect(watching.get_by_test_id("basis")).to_contain_text("1 户无水", timeout=10_000)
    expect(rows(watching, "asked").first).to_contain_text(f"无水 {address}")
    watching.keyboard.press("w")
    expect(watching.get_by_test_id("to-ring")).to_contain_text("您的角色不能查看号码")
    expect(watching.get_by_test_id("phone")).to_have_count(0)


def test_where_nothing_is_known_the_panel_says_why(
    desk: Desk, browser: Browser, product: Product, incident_number: int
) -> None:
    number = number_of(product, take_report(product, "H54", 0, category="water_quality"))
    page = opened(desk, browser, number, role="agent")
    expect(page.get_by_test_id("where-broken")).to_contain_text("Nothing is known yet", ignore_case=True)
    expect(page.get_by_test_id("where-broken")).to_contain_text("answers to ring-backs will show it")
    expect(page.get_by_test_id("ring-backs")).to_contain_text("Nobody yet")


def test_a_member_is_split_off_and_put_back_by_keys(
    desk: Desk, browser: Browser, product: Product, incident_number: int, pictures: Path
) -> None:
    page = opened(desk, browser, incident_number, role="dispatcher")
    members = rows(page, "members")
    expect(members).to_have_count(3)
    expect(members.first).to_contain_text("min ago")
    expect(members.first).to_contain_text("% sure")
    members.last.get_by_role("checkbox").check()
    page.keyboard.press("s")
    expect(members).to_have_count(2)
    page.keyboard.press("u")
    expect(members).to_have_count(3)
    expect(members.last).to_contain_text("moved")
    expect(page.get_by_text("Merged into it: #")).to_be_visible()
    expect(page.locator("[data-is=report]")).to_have_count(3)
    page.get_by_test_id("members").scroll_into_view_if_needed()
    page.screenshot(path=pictures / "members_put_back.png")


def test_a_merged_incident_is_taken_out_again(
    desk: Desk, browser: Browser, product: Product, incident_number: int
) -> None:
    dispatcher = product.client("dispatcher")
    other = take_report(product, "H52", 1)
    number = number_of(product, other)
    had = len(dispatcher.get(f"/api/incidents/{other}").raise_for_status().json()["reports"])
    items = dispatcher.get("/api/incidents?state=open").raise_for_status().json()["items"]
    into = next(one["id"] for one in items if one["number"] == incident_number)
    body = {"into_incident_id": into}
    dispatcher.post(f"/api/incidents/{other}/merge", json=body).raise_for_status()
    page = opened(desk, browser, incident_number, role="dispatcher")
    expect(page.get_by_test_id("members")).to_contain_text(f"moved from #{number}")
    page.goto(f"/console?incident={number}&filter=closed")
    panel = page.get_by_role("region", name=f"Incident {number}")
    expect(panel).to_contain_text(f"merged into #{incident_number}")
    panel.get_by_role("button", name="Take out again").click()
    expect(panel).to_contain_text("Suspected")
    expect(rows(page, "members")).to_have_count(had)
