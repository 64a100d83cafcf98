"""Repeats and rectifications: who is complained of again, and a case taken through its steps, in both languages."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.engine import URL

from core import auth
from core.db import transaction
from tests.app.provisioning import reachable_folder
from tests.browser.conftest import Desk
from tests.browser.layout import overlapping_texts
from tests.browser.test_console import take_report
from tests.product import PASSWORD, Product, running, wait_for

pytestmark = pytest.mark.browser

BY_HAND = {"MAINLINE_AUTO_DISPATCH": "false"}


@pytest.fixture(scope="module")
def product(template_url: URL, create_database: Callable[..., URL]) -> Iterator[Product]:
    database = create_database(template=template_url.database)
    with reachable_folder() as folder, running(database, folder, **BY_HAND) as product:
        with transaction(product.factory) as session:
            auth.add_user(session, username="colleague", password=PASSWORD, role="supervisor", language="en")
        yield product


@pytest.fixture(scope="module")
def case_number(product: Product) -> int:
    """The same customer of H12 calls twice, each time because the main has burst."""
    dispatcher = product.client("dispatcher")
    for _ in range(2):
        incident_id = take_report(product, "H12", 0)
        over = {"cause": "burst", "why": "mended"}
        dispatcher.post(f"/api/incidents/{incident_id}/close", json=over).raise_for_status()
    supervisor = product.client("supervisor")
    (case,) = wait_for(lambda: supervisor.get("/api/rectifications").json()["items"], what="the case")
    number: int = case["number"]
    return number


def repeats(
    desk: Desk, browser: Browser, *, language: str = "en", theme: str = "dark", role: str = "supervisor"
) -> Page:
    page = desk.open(browser, "/supervise", role=role, language=language, theme=theme)
    expect(page.get_by_test_id("escalations")).to_be_visible()
    page.keyboard.press("4")
    return page


def test_empty_lists_say_why_and_what_to_do(desk: Desk, browser: Browser) -> None:
    page = repeats(desk, browser)
    expect(page.get_by_text("No asset fails again and again.")).to_be_visible()
    page.get_by_test_id("list-customer").click()
    expect(page.get_by_text("Nobody and nothing was complained of again in this time.")).to_be_visible()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(
    ("language", "state", "faults", "times"),
    [("en", "Open", "2 faults in 365 days", "2 times"), ("zh", "待分析", "365 天内故障 2 次", "2 次")],
)
def test_it_shows_cases_and_who_is_complained_of_again(
    desk: Desk,
    browser: Browser,
    case_number: int,
    pictures: Path,
    language: str,
    theme: str,
    state: str,
    faults: str,
    times: str,
) -> None:
    page = repeats(desk, browser, language=language, theme=theme)
    panel = page.get_by_test_id("rectification")
    expect(panel).to_contain_text(f"R-{case_number}")
    expect(panel).to_contain_text("H12")
    expect(panel).to_contain_text(faults)
    expect(page.get_by_test_id("case-state")).to_have_text(state)
    expect(page.get_by_test_id("faults").locator("li")).to_have_count(2)
    page.screenshot(path=pictures / f"rectifications_{language}_{theme}.png")
    assert overlapping_texts(page) == []
    page.get_by_test_id("list-customer").click()
    expect(page.get_by_test_id("offenders").locator("li")).to_have_count(1)
    expect(page.get_by_test_id("offenders")).to_contain_text(times)
    expect(page.get_by_test_id("repeats").locator("li")).to_have_count(1)
    page.screenshot(path=pictures / f"repeats_{language}_{theme}.png")
    assert overlapping_texts(page) == []


def take(page: Page, step: str, **fields: str) -> None:
    page.get_by_test_id(f"step-{step}").click()
    form = page.get_by_test_id("step-form")
    for field, words in fields.items():
        entry = form.get_by_test_id(field.replace("_", "-"))
        if field == "owner":
            entry.select_option(label=words)
        else:
            entry.fill(words)
    form.get_by_test_id("confirm-step").click()


def test_a_case_goes_through_its_steps_and_is_not_verified_by_its_doer(
    desk: Desk, browser: Browser, case_number: int, pictures: Path
) -> None:
    page = repeats(desk, browser)
    state = page.get_by_test_id("case-state")
    take(page, "analyse", cause="Thin walls, corroded from outside")
    expect(state).to_have_text("Analysed")
    take(page, "plan", measure="Lay it anew", owner="supervisor", due_day="2099-12-31")
    expect(state).to_have_text("Planned")
    expect(page.get_by_test_id("rectification")).to_contain_text("Lay it anew")
    take(page, "finish")
    expect(state).to_have_text("Done")
    take(page, "verify")
    form = page.get_by_test_id("step-form")
    expect(form.get_by_role("alert")).to_contain_text("Somebody else must verify this")
    page.screenshot(path=pictures / "rectification_refused.png")
    (refusal,) = desk.complaints
    assert "409" in refusal
    desk.complaints.clear()
    page.keyboard.press("Escape")
    expect(form).to_be_hidden()
    expect(state).to_have_text("Done")

    other = repeats(desk, browser, role="colleague")
    state = other.get_by_test_id("case-state")
    take(other, "send-back", why="The valve is missing")
    expect(state).to_have_text("Planned")
    expect(other.get_by_test_id("case-history")).to_contain_text("The valve is missing")
    page.reload()
    page.keyboard.press("4")
    take(page, "finish", why="Valve set")
    expect(page.get_by_test_id("case-state")).to_have_text("Done")
    other.reload()
    other.keyboard.press("4")
    take(other, "verify")
    expect(state).to_have_text("Verified")
    take(other, "observe", days="30")
    expect(state).to_have_text("Observed")
    take(other, "reopen", why="It drips again")
    expect(state).to_have_text("Open")
    expect(other.get_by_test_id("rectification")).to_contain_text("1 measure failed")
    expect(other.get_by_role("dialog")).to_be_hidden()
    other.screenshot(path=pictures / "rectification_history.png")
    assert overlapping_texts(other) == []
