"""The settings of triage on the supervisor's page: numbers in sentences, tried on what happened, put in force, taken back."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.engine import URL

from tests.app.provisioning import reachable_folder
from tests.browser.conftest import Desk
from tests.browser.layout import overlapping_texts
from tests.browser.test_console import take_report
from tests.product import Product, running

pytestmark = pytest.mark.browser

BY_HAND = {"MAINLINE_AUTO_DISPATCH": "false"}
TRIAL_MS = 30_000


@pytest.fixture(scope="module")
def product(template_url: URL, create_database: Callable[..., URL]) -> Iterator[Product]:
    """A product of these tests' own: settings put in force hold for all."""
    database = create_database(template=template_url.database)
    with reachable_folder() as folder, running(database, folder, **BY_HAND) as product:
        yield product


def opened(desk: Desk, browser: Browser, **who: str) -> Page:
    page = desk.open(browser, "/supervise", **who)
    expect(page.get_by_test_id("escalations")).to_be_visible()
    page.keyboard.press("5")
    return page


def test_numbers_are_tried_by_keys_put_in_force_with_a_reason_and_taken_back(
    desk: Desk, browser: Browser, product: Product, pictures: Path
) -> None:
    page = opened(desk, browser, role="supervisor")
    panel = page.get_by_test_id("triage-rules")
    callers = panel.locator("[data-setting=alarm_persons_outage]")
    expect(callers).to_contain_text("Somebody is told of a break once")
    expect(callers.get_by_role("spinbutton")).to_have_value("3")
    expect(panel.get_by_test_id("set-by")).to_have_text(
        "These are the defaults: nobody has changed them yet."
    )
    expect(panel.get_by_test_id("put-in-force")).to_be_disabled()

    page.keyboard.press("t")
    expect(panel).to_contain_text("There are no reports in these days yet.", timeout=TRIAL_MS)
    incident_id = [take_report(product, "H12", n) for n in range(3)][-1]
    incident = product.client("dispatcher").get(f"/api/incidents/{incident_id}").json()

    page.keyboard.press("j")
    expect(callers.get_by_role("spinbutton")).to_be_focused()
    page.keyboard.type("11")
    expect(callers.get_by_role("alert")).to_have_text("From 2 to 10, in steps of 1")
    expect(panel.get_by_test_id("try")).to_be_disabled()
    callers.get_by_role("spinbutton").fill("10")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    trial = panel.get_by_test_id("trial")
    expect(trial).to_contain_text("3 calls of the last 30 days", timeout=TRIAL_MS)
    expect(trial.locator("[data-figure=alarms] td")).to_have_text(["1", "0"])
    expect(trial.get_by_test_id("different")).to_contain_text("no alarm any more")
    link = trial.get_by_role("link", name=f"#{incident['number']}")
    expect(link).to_have_attribute("href", f"/console?incident={incident['number']}")
    page.screenshot(path=pictures / "supervise_triage_en.png", full_page=True)
    assert overlapping_texts(page) == []

    page.keyboard.press("s")
    page.get_by_test_id("why").fill("two neighbours are no break")
    page.keyboard.press("Control+Enter")
    expect(panel.get_by_test_id("set-by")).to_contain_text("two neighbours are no break")
    callers.get_by_test_id("to-default").click()
    expect(callers).to_contain_text("default")
    expect(panel).to_contain_text("The numbers have been changed since")
    page.keyboard.press("s")
    page.get_by_test_id("why").fill("as it was")
    page.get_by_test_id("confirm-reason").click()
    expect(panel.get_by_test_id("set-by")).to_contain_text("as it was")
    expect(panel.get_by_test_id("to-default")).to_have_count(0)


def test_a_leader_reads_them_in_his_language_and_changes_nothing(
    desk: Desk, browser: Browser, pictures: Path
) -> None:
    page = opened(desk, browser, role="leader", language="zh", theme="light")
    panel = page.get_by_test_id("triage-rules")
    expect(panel).to_contain_text("个不同用户来电即告警")
    expect(panel.locator("[data-setting='repeat_window_h.leak']")).to_contain_text("168")
    expect(panel.get_by_role("spinbutton")).to_have_count(0)
    expect(panel.get_by_test_id("try")).to_have_count(0)
    page.screenshot(path=pictures / "supervise_triage_zh.png")
    assert overlapping_texts(page) == []
