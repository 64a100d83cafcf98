"""The agent's desk, worked without a mouse."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Desk, drawn, eventually, map_settles
from tests.browser.layout import overlapping_texts
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_it_looks_right(
    desk: Desk, browser: Browser, product: Product, pictures: Path, language: str, theme: str
) -> None:
    page = desk.open(browser, "/desk", role="agent", language=language, theme=theme)
    map_settles(page)
    account = product.town.accounts_on("H21")[0]
    page.keyboard.type(product.town.phones[account])
    expect(page.get_by_test_id("caller")).to_contain_text(account)
    map_settles(page)
    expect(page.get_by_test_id("pin")).to_be_visible()
    page.screenshot(path=pictures / f"desk_{language}_{theme}.png")
    assert overlapping_texts(page) == []


def test_a_call_is_taken_by_keys_alone(desk: Desk, browser: Browser, product: Product) -> None:
    page = desk.open(browser, "/desk", role="agent")
    map_settles(page)
    account = product.town.accounts_on("H55")[0]
    page.keyboard.type(product.town.phones[account])
    expect(page.get_by_test_id("caller")).to_contain_text(account)
    expect(page.get_by_test_id("report-form")).to_contain_text("Main H55")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("7")
    page.keyboard.press("e")
    page.keyboard.type("no water since breakfast")
    page.keyboard.press("Control+Enter")
    saved = page.get_by_test_id("saved")
    expect(saved).to_contain_text("is saved")
    expect(saved).to_contain_text("Joined incident #", timeout=15_000)
    newest = product.client("agent").get("/api/reports?limit=1").json()["items"][0]
    assert newest["category"] == "no_water"
    assert newest["extent"] == "building"
    assert newest["description"] == "no water since breakfast"
    assert newest["location"]["pipe_code"] == "H55"
    page.keyboard.press("n")
    expect(page.get_by_role("textbox", name="Caller's number")).to_be_focused()


def test_a_place_is_found_by_its_address(desk: Desk, browser: Browser, product: Product) -> None:
    page = desk.open(browser, "/desk", role="agent")
    map_settles(page)
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    page.keyboard.type("5 Station Str")
    expect(page.get_by_role("listbox")).to_contain_text("5 Station Street")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("report-form")).to_contain_text("Main H14")


def test_an_unlocated_report_gets_its_place(desk: Desk, browser: Browser, product: Product) -> None:
    agent = product.client("agent")
    body = {
        "channel": "phone",
        "category": "leak",
        "description": "at the big tree",
        "address_text": "zzz qqq",
    }
    report = agent.post("/api/reports", json=body).raise_for_status().json()
    assert report["state"] == "unlocated"
    page = desk.open(browser, "/desk", role="agent")
    map_settles(page)
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    expect(page.get_by_test_id("list-unlocated")).to_contain_text("zzz qqq")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    panel = page.get_by_test_id("place-panel")
    expect(panel).to_contain_text("at the big tree")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("9 Mill Street")
    page.keyboard.press("Control+Enter")
    expect(panel).to_contain_text("Located")
    located = agent.get(f"/api/reports/{report['id']}").json()
    assert located["state"] == "located"
    assert located["location"]["pipe_code"] == "H20"


def test_a_click_on_the_map_is_a_place(desk: Desk, browser: Browser, product: Product) -> None:
    page = desk.open(browser, "/desk", role="agent")
    map_settles(page)
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    place = product.town.on_pipe("H10", 50)
    x, y = page.evaluate(
        """([lon, lat]) => {
            const map = window.__map
            map.jumpTo({center: [lon, lat], zoom: 16})
            const {x, y} = map.project([lon, lat])
            const {left, top} = map.getContainer().getBoundingClientRect()
            return [left + x, top + y]
        }""",
        [place.lon, place.lat],
    )
    map_settles(page)
    page.mouse.click(x, y)
    expect(page.get_by_test_id("report-form")).to_contain_text("Main H10")


def test_a_refusal_keeps_what_was_typed(desk: Desk, browser: Browser, product: Product) -> None:
    page = desk.open(browser, "/desk", role="agent")
    map_settles(page)
    page.keyboard.type("+12025559999")
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    page.keyboard.press("e")
    page.keyboard.type("a leak at the corner")
    page.route("**/api/reports", lambda route: route.abort())
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached")
    expect(page.get_by_role("alert")).to_contain_text("Everything you typed is kept")
    page.unroute_all()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("saved")).to_contain_text("is saved")
    desk.complaints.clear()  # the browser logs the request this test aborted
    newest = product.client("agent").get("/api/reports?limit=1").json()["items"][0]
    assert newest["description"] == "a leak at the corner"


def test_a_new_report_of_a_colleague_appears(desk: Desk, browser: Browser, product: Product) -> None:
    page = desk.open(browser, "/desk", role="agent")
    map_settles(page)
    body = {
        "channel": "phone",
        "category": "other",
        "description": "a colleague's call",
        "address_text": "1 Ash Avenue",
    }
    product.client("agent").post("/api/reports", json=body).raise_for_status()
    expect(page.get_by_test_id("list-latest")).to_contain_text("1 Ash Avenue", timeout=10_000)


def test_it_shows_no_vehicles(desk: Desk, browser: Browser) -> None:
    page = desk.open(browser, "/desk", role="agent")
    map_settles(page)
    eventually(lambda: page.get_by_test_id("live").get_attribute("data-state") == "live", "the stream")
    assert drawn(page, "crew") == []


def test_a_caller_is_told_of_a_known_outage_and_attached_to_it(
    desk: Desk, browser: Browser, product: Product
) -> None:
    agent, dispatcher = product.client("agent"), product.client("dispatcher")
    first, second, *_ = product.town.accounts_on("H42")
    report = take(agent, first)
    answer = dispatcher.post(f"/api/incidents/{report['incident_id']}/confirm", json={"kind": "outage"})
    incident = answer.raise_for_status().json()
    wait_for(
        lambda: agent.get("/api/known-outages").json()["items"], what="the hotline to know of the outage"
    )
    page = desk.open(browser, "/desk", role="agent")
    expect(page.get_by_role("textbox", name="Caller's number")).to_be_focused()
    page.keyboard.type(product.town.phones[second])
    banner = page.get_by_test_id("outage")
    expect(banner).to_contain_text(f"Known outage #{incident['number']}")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    expect(page.get_by_test_id("saved")).to_contain_text(f"#{incident['number']}", timeout=15_000)


def test_what_is_probably_known_already_is_shown_while_typing(
    desk: Desk, browser: Browser, product: Product
) -> None:
    agent = product.client("agent")
    first, second, *_ = product.town.accounts_on("H10")
    number = take(agent, first, category="water_quality")["incident_number"]
    page = desk.open(browser, "/desk", role="agent")
    expect(page.get_by_role("textbox", name="Caller's number")).to_be_focused()
    page.keyboard.type(product.town.phones[second])
    expect(page.get_by_test_id("report-form")).to_contain_text("Main H10")
    expect(page.get_by_test_id("known")).to_be_hidden()  # the matter is not known yet
    page.keyboard.press("Escape")
    page.keyboard.press("4")
    known = page.get_by_test_id("known")
    expect(known).to_contain_text(f"#{number}")
    expect(known).to_contain_text("same segment")
    expect(known).to_contain_text("such pairs is chance")
    assert overlapping_texts(page) == []
    page.keyboard.press("t")
    expect(page.get_by_test_id("saved")).to_contain_text(f"#{number}", timeout=15_000)
    newest = agent.get("/api/reports?limit=1").json()["items"][0]
    assert newest["description"] == f"Told of #{number}, probably the same"


def test_a_callback_is_made_by_keys_alone(desk: Desk, browser: Browser, product: Product) -> None:
    agent, dispatcher = product.client("agent"), product.client("dispatcher")
    report = take(agent, product.town.accounts_on("H00")[0])
    closed = dispatcher.post(
        f"/api/incidents/{report['incident_id']}/close", json={"cause": "other", "why": "water is back"}
    )
    closed.raise_for_status()

    def due() -> list[dict[str, object]]:
        items: list[dict[str, object]] = (
            agent.get("/api/callbacks?state=due").raise_for_status().json()["items"]
        )
        return items if any(item["report_id"] == report["id"] for item in items) else []

    items = wait_for(due, what="the callback")
    row = next(n for n, item in enumerate(items) if item["report_id"] == report["id"])
    page = desk.open(browser, "/desk?list=callbacks", role="agent")
    expect(page.get_by_role("textbox", name="Caller's number")).to_be_focused()
    expect(page.get_by_test_id("list-callbacks").get_by_role("row")).not_to_have_count(0)
    page.keyboard.press("Escape")
    for _ in range(row + 1):
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    panel = page.get_by_test_id("callback-panel")
    expect(panel).to_contain_text(f"About report {report['number']}")
    page.keyboard.press("Enter")
    expect(panel).to_contain_text("Still without water")
    page.keyboard.press("4")
    expect(panel).to_contain_text("Why not reached")
    page.keyboard.press("1")
    expect(panel).to_be_hidden()
    made = agent.get(f"/api/callbacks/{items[row]['id']}").raise_for_status().json()
    assert made["state"] == "reached"
    assert made["outcome"] == "satisfied"


def take(agent: httpx.Client, account_no: str, category: str = "no_water") -> dict[str, Any]:
    """Take a report and wait for its incident; Any: JSON."""
    body = {"channel": "phone", "category": category, "account_no": account_no}
    report_id = agent.post("/api/reports", json=body).raise_for_status().json()["id"]

    def with_incident() -> dict[str, Any] | None:
        report: dict[str, Any] = agent.get(f"/api/reports/{report_id}").json()
        return report if report["incident_id"] else None

    report: dict[str, Any] = wait_for(with_incident, what="the report's incident")
    return report
