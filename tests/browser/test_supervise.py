"""The supervisor's page: who must be told, told by keys, and the rules said anew, in both languages."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy.engine import URL

from tests.app.provisioning import reachable_folder
from tests.browser.conftest import Desk, eventually
from tests.browser.layout import overlapping_texts
from tests.browser.test_console import take_report
from tests.product import Product, running, wait_for

pytestmark = pytest.mark.browser

DAY_AND_TIME = re.compile(r"\d\d/\d\d,? \d\d:\d\d")
BY_HAND = {"MAINLINE_AUTO_DISPATCH": "false"}


@pytest.fixture(scope="module")
def product(template_url: URL, create_database: Callable[..., URL]) -> Iterator[Product]:
    """A product of these tests' own: what is told here is told for good."""
    database = create_database(template=template_url.database)
    with reachable_folder() as folder, running(database, folder, **BY_HAND) as product:
        yield product


@pytest.fixture(scope="module")
def incident_number(product: Product) -> int:
    """A cluster of three calls, of which the leader must be told."""
    for n in range(3):
        incident_id = take_report(product, "H12", n)
    supervisor = product.client("supervisor")
    (line,) = wait_for(
        lambda: supervisor.get(f"/api/escalations?incident_id={incident_id}").json()["items"],
        what="the escalation",
    )
    number: int = line["incident_number"]
    return number


def test_an_empty_page_says_why_and_what_to_do(desk: Desk, browser: Browser) -> None:
    page = desk.open(browser, "/supervise", role="supervisor")
    expect(page.get_by_test_id("escalations")).to_contain_text("Nobody has to be told anything now.")
    page.get_by_test_id("filter-closed").click()
    expect(page.get_by_test_id("escalations")).to_contain_text("None has been closed yet.")


def test_who_may_not_look_is_told_so(desk: Desk, browser: Browser) -> None:
    page = desk.open(browser, "/supervise", role="agent")
    expect(page.get_by_text("Your role does not include escalations.")).to_be_visible()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(
    ("language", "waiting", "words"),
    [
        ("en", "Waiting", "A cluster reaches the supervising leader by the end of the 2nd working day."),
        ("zh", "待汇报", "集群式事件须在第2个工作日结束前报分管领导。"),
    ],
)
def test_it_shows_what_is_to_be_told_to_whom_by_when(
    desk: Desk,
    browser: Browser,
    incident_number: int,
    pictures: Path,
    language: str,
    theme: str,
    waiting: str,
    words: str,
) -> None:
    page = desk.open(browser, "/supervise", role="supervisor", language=language, theme=theme)
    panel = page.get_by_test_id("escalation")
    expect(panel).to_contain_text(f"#{incident_number}")
    expect(panel).to_contain_text(words)
    expect(page.get_by_test_id("state")).to_have_text(waiting)
    expect(page.get_by_test_id("due")).to_have_text(DAY_AND_TIME)
    expect(page.get_by_test_id("unconfirmed")).to_be_visible()
    page.screenshot(path=pictures / f"supervise_{language}_{theme}.png")
    assert overlapping_texts(page) == []
    page.keyboard.press("2")
    expect(page.get_by_test_id("rules")).to_contain_text(words)
    page.screenshot(path=pictures / f"supervise_rules_{language}_{theme}.png")
    assert overlapping_texts(page) == []
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("R")


def test_a_rule_is_tried_and_said_anew(
    desk: Desk, browser: Browser, incident_number: int, pictures: Path
) -> None:
    page = desk.open(browser, "/supervise", role="supervisor")
    page.keyboard.press("2")
    cluster = page.locator("[data-rule=cluster-to-leader]")
    cluster.get_by_test_id("edit-rule").click()
    form = page.get_by_test_id("rule-form")
    form.get_by_test_id("n").fill("3")
    form.get_by_test_id("counts-first").check()
    form.get_by_test_id("try").click()
    expect(form.get_by_test_id("tried")).to_contain_text("it would have raised 1.")
    expect(form.get_by_test_id("tried")).to_contain_text(f"#{incident_number}")
    page.screenshot(path=pictures / "supervise_rule_form.png")
    assert overlapping_texts(page) == []
    form.get_by_test_id("save-rule").click()
    expect(cluster).to_contain_text("by the end of the 3rd working day. Its own day counts")
    expect(cluster).to_contain_text("version 2")

    page.keyboard.press("n")
    form.get_by_test_id("code").fill("third-call")
    form.get_by_test_id("trigger").select_option("repeat")
    form.get_by_test_id("times").fill("5")
    form.get_by_test_id("window").fill("14")
    form.get_by_test_id("save-rule").click()
    expect(page.locator("[data-rule=third-call]")).to_contain_text("repeated 5 times within 14 days")


def test_the_leader_is_told_and_says_so_by_keys(
    desk: Desk, browser: Browser, product: Product, incident_number: int, pictures: Path
) -> None:
    page = desk.open(browser, "/supervise", role="supervisor")
    state = page.get_by_test_id("state")
    expect(state).to_have_text("Waiting")
    page.keyboard.press("r")
    page.get_by_test_id("how").select_option("phone")
    page.get_by_test_id("words").fill("Three households in Mill Street, a crew is on its way")
    page.screenshot(path=pictures / "supervise_report.png")
    page.get_by_test_id("confirm").click()
    expect(state).to_have_text("Reported")
    expect(page.get_by_test_id("proof")).to_contain_text("supervisor told it by phone")
    expect(page.get_by_test_id("acknowledge")).to_have_count(0)  # it is not for him

    other = desk.open(browser, "/supervise", role="leader", language="zh")
    other.get_by_test_id("filter-mine").click()
    expect(other.get_by_test_id("state")).to_have_text("已汇报")
    other.keyboard.press("a")
    other.get_by_test_id("words").fill("知道了")
    other.keyboard.press("Control+Enter")
    expect(other.get_by_test_id("state")).to_have_text("已确认")
    expect(other.get_by_test_id("proof")).to_contain_text("知道了")
    expect(other.get_by_test_id("history").locator("li")).to_have_count(3)
    other.screenshot(path=pictures / "supervise_told_zh.png")
    assert overlapping_texts(other) == []

    supervisor = product.client("supervisor")
    eventually(
        lambda: supervisor.get("/api/escalations?show=open").json()["items"][0]["state"] == "acknowledged",
        "the acknowledgement to be stored",
    )
