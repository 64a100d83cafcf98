"""Logging in, the start page, and what each page loads."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Desk
from tests.product import PASSWORD, Product

pytestmark = pytest.mark.browser


def log_in(desk: Desk, browser: Browser, path: str, role: str, password: str = PASSWORD):  # type: ignore[no-untyped-def]
    page = desk.open(browser, path, role=None)
    page.locator("input[name=username]").fill(role)
    page.locator("input[name=password]").fill(password)
    page.keyboard.press("Enter")
    return page


def test_one_without_a_log_in_is_sent_there_and_back(desk: Desk, browser: Browser, product: Product) -> None:
    page = desk.open(browser, "/desk?list=unlocated", role=None)
    expect(page).to_have_url(f"{product.base_url}/login?next=%2Fdesk%3Flist%3Dunlocated")
    page.locator("input[name=username]").fill("agent")
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{product.base_url}/desk?list=unlocated")
    desk.complaints.clear()  # the browser logs the 401 that sent him here


def test_a_wrong_password_is_told_plainly(desk: Desk, browser: Browser) -> None:
    page = log_in(desk, browser, "/login", "agent", "wrong")
    expect(page.get_by_role("alert")).to_contain_text("User name or password is wrong")
    expect(page.locator("input[name=username]")).to_have_value("agent")
    desk.complaints.clear()


@pytest.mark.parametrize(
    "where", ["https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example"]
)
def test_the_link_cannot_send_him_to_somebody_elses_page(
    desk: Desk, browser: Browser, product: Product, where: str
) -> None:
    page = log_in(desk, browser, f"/login?next={where}", "agent")
    expect(page).to_have_url(f"{product.base_url}/")


def test_the_start_page_offers_what_the_role_allows(desk: Desk, browser: Browser) -> None:
    page = desk.open(browser, "/", role="agent", language="zh")
    expect(page.get_by_role("link", name="受理台")).to_be_visible()
    page.get_by_test_id("language").click()
    expect(page.get_by_role("link", name="Agent's desk")).to_be_visible()


def test_pages_without_a_map_do_not_load_its_engine(desk: Desk, browser: Browser) -> None:
    for path in ("/", "/login"):
        page = desk.open(browser, path, role="dispatcher")
        page.wait_for_load_state("networkidle")
    assert not [path for path in desk.asked_for if "MapView" in path or "maplibre" in path]


def test_logging_out_ends_it(desk: Desk, browser: Browser, product: Product) -> None:
    page = desk.open(browser, "/", role="dispatcher")
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{product.base_url}/login")
    assert page.request.get("/api/me").status == 401
