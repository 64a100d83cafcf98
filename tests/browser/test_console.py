"""The dispatcher's console, drawn and worked by keys."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Desk, drawn, eventually, map_settles, tell_position
from tests.browser.layout import overlapping_texts
from tests.product import Product, wait_for
from tests.town import Town

pytestmark = pytest.mark.browser

SHOUT = "<script>document.title='broken'</script><img src=x onerror=alert(1)>"


def take_report(product: Product, pipe: str, n: int, *, category: str = "no_water") -> str:
    """Let a customer on a pipe call; gives the incident his report belongs to."""
    agent = product.client("agent")
    account = product.town.accounts_on(pipe)[n]
    body = {
        "client_id": str(uuid4()),
        "channel": "phone",
        "category": category,
        "description": SHOUT,
        "account_no": account,
    }
    report_id = agent.post("/api/reports", json=body).raise_for_status().json()["id"]
    incident_id = wait_for(
        lambda: agent.get(f"/api/reports/{report_id}").json()["incident_id"], what="the report's incident"
    )
    return str(incident_id)


@pytest.fixture(scope="package")
def incident_number(product: Product) -> int:
    """An incident of three calls in the west of the town."""
    for n in range(3):
        incident_id = take_report(product, "H12", n)
    incident = product.client("dispatcher").get(f"/api/incidents/{incident_id}").raise_for_status().json()
    number: int = incident["number"]
    return number


def state_of(product: Product, number: int) -> str:
    items = product.client("dispatcher").get("/api/incidents?state=all").raise_for_status().json()["items"]
    return next(str(one["state"]) for one in items if one["number"] == number)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_it_draws_the_network_the_crews_and_the_incidents(
    desk: Desk, browser: Browser, incident_number: int, pictures: Path, language: str, theme: str
) -> None:
    page = desk.open(
        browser, f"/console?incident={incident_number}", role="dispatcher", language=language, theme=theme
    )
    map_settles(page)
    page.evaluate("() => window.__map.jumpTo({zoom: 15.2})")
    map_settles(page)
    assert {crew["code"] for crew in drawn(page, "crew")} == {"C01", "C02"}
    assert str(incident_number) in {incident["label"] for incident in drawn(page, "incident")}
    pipes = {pipe["asset_code"] for pipe in drawn(page, "pipe")}
    assert {"H12", "V21"} <= pipes
    assert {pipe["asset_code"] for pipe in drawn(page, "pipe-off")} == {"V03"}
    assert drawn(page, "road")
    assert drawn(page, "zone-hatch")
    expect(page.get_by_test_id("queue").get_by_role("button").first).to_contain_text(f"#{incident_number}")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN" if language == "zh" else "en")
    expect(page.get_by_test_id("live")).to_have_attribute("data-state", "live")
    page.keyboard.press("l")
    expect(page.locator(".map-legend")).to_be_visible()
    page.screenshot(path=pictures / f"console_{language}_{theme}.png")
    assert overlapping_texts(page) == []


def test_callers_words_are_shown_as_words(desk: Desk, browser: Browser, incident_number: int) -> None:
    page = desk.open(browser, f"/console?incident={incident_number}", role="dispatcher")
    map_settles(page)
    expect(page).to_have_title(f"#{incident_number} · Console · Mainline")
    assert page.locator("img[src=x]").count() == 0


def test_crews_move_without_reloading(
    desk: Desk, browser: Browser, product: Product, incident_number: int
) -> None:
    page = desk.open(browser, "/console", role="dispatcher")
    map_settles(page)

    def place() -> tuple[float, float]:
        lon, lat = page.evaluate(
            """() => {
                const found = window.__map.queryRenderedFeatures({layers: ['crew']}).find((one) => one.properties.code === 'C02')
                return found ? found.geometry.coordinates : [0, 0]
            }"""
        )
        return round(lon, 4), round(lat, 4)

    goal = product.town.junction(5, 3)
    tell_position(product, "C02", goal, course_deg=90.0)
    eventually(lambda: place() == (round(goal.lon, 4), round(goal.lat, 4)), "the crew to move on the map")
    icons = {crew["code"]: crew["icon"] for crew in drawn(page, "crew")}
    assert icons["C02"].startswith("crew-moving-")  # type: ignore[attr-defined]  # a string


def test_a_new_incident_appears_by_itself(
    desk: Desk, browser: Browser, product: Product, incident_number: int
) -> None:
    page = desk.open(browser, "/console", role="dispatcher")
    map_settles(page)
    incident_id = take_report(product, "H45", 0, category="leak")
    number = product.client("dispatcher").get(f"/api/incidents/{incident_id}").json()["number"]
    expect(page.get_by_test_id("queue")).to_contain_text(f"#{number}", timeout=10_000)
    eventually(
        lambda: (
            str(number) in {one["label"] for one in drawn(page, "incident") + drawn(page, "incident-far")}
        ),
        "its flag on the map",
    )


def test_confirming_and_taking_it_back_by_keys(
    desk: Desk, browser: Browser, product: Product, incident_number: int
) -> None:
    page = desk.open(browser, f"/console?incident={incident_number}", role="dispatcher")
    panel = page.get_by_role("region", name=f"Incident {incident_number}")
    expect(panel).to_contain_text("Suspected")
    page.keyboard.press("c")
    expect(panel).to_contain_text("Confirmed")
    assert state_of(product, incident_number) == "confirmed"
    with page.expect_response(re.compile("/unconfirm$")) as undone:
        page.keyboard.press("u")
    assert undone.value.ok
    assert state_of(product, incident_number) == "suspected"
    expect(panel).to_contain_text("Suspected")


def test_a_click_on_a_main_plans_and_a_valve_that_will_not_turn_widens_the_plan(
    desk: Desk, browser: Browser, pictures: Path
) -> None:
    page = desk.open(browser, "/console", role="dispatcher")
    map_settles(page)
    at = Town.on_pipe("H15", 50)
    page.evaluate("([lon, lat]) => window.__map.jumpTo({center: [lon, lat], zoom: 17})", [at.lon, at.lat])
    map_settles(page)
    canvas = page.locator("canvas").first
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    panel = page.get_by_test_id("isolation")
    valves = panel.get_by_test_id("valves").get_by_role("listitem")
    expect(valves).to_have_count(4)
    expect(panel.get_by_test_id("customers")).to_contain_text("16 customers")
    eventually(lambda: len(drawn(page, "plan-pipe")) > 0, "what goes dry on the map")
    valves.first.get_by_role("button", name="Will not turn").click()
    expect(panel.get_by_test_id("stuck").get_by_role("listitem")).to_have_count(1)
    expect(panel.get_by_test_id("customers")).not_to_contain_text("16 customers")
    map_settles(page)
    page.screenshot(path=pictures / "console-isolation.png")
    panel.get_by_role("button", name="Turns after all").click()
    expect(panel.get_by_test_id("customers")).to_contain_text("16 customers")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)


def test_keys_move_open_rank_isolate_and_explain(desk: Desk, browser: Browser, incident_number: int) -> None:
    page = desk.open(browser, "/console", role="dispatcher")
    map_settles(page)
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile("incident="))
    page.goto(f"/console?incident={incident_number}")
    map_settles(page)
    page.keyboard.press("a")
    ranked = page.get_by_test_id("ranked")
    expect(ranked.get_by_role("listitem")).to_have_count(2)
    expect(ranked).to_contain_text("min")
    page.keyboard.press("i")
    expect(page.get_by_text("Valves to close, in order")).to_be_visible()
    eventually(lambda: len(drawn(page, "plan-valve")) > 0, "the plan's valves on the map")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Move in the queue")
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile(f"incident={incident_number}"))
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("Mill Street 3")
    expect(page.get_by_role("listbox")).to_contain_text("Mill Street")


def test_a_crew_is_offered_the_work(
    desk: Desk, browser: Browser, product: Product, incident_number: int
) -> None:
    page = desk.open(browser, f"/console?incident={incident_number}", role="dispatcher")
    map_settles(page)
    page.keyboard.press("a")
    page.get_by_test_id("ranked").get_by_role("button", name="Offer").first.click()
    expect(page.get_by_test_id("crews")).to_contain_text("Offered", timeout=10_000)
    expect(page.get_by_role("region", name=f"Incident {incident_number}")).to_contain_text("W-")


def test_the_language_changes_without_reloading(desk: Desk, browser: Browser, incident_number: int) -> None:
    page = desk.open(browser, "/console", role="dispatcher", language="en")
    expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    page.evaluate("() => { window.stillHere = true }")
    choose(page, "language")
    expect(page.get_by_role("heading", name="事件队列")).to_be_visible()
    choose(page, "theme")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    map_settles(page)
    assert drawn(page, "pipe"), "the map is dressed again"
    choose(page, "language")
    assert page.evaluate("() => window.stillHere") is True


def choose(page: Page, item: str) -> None:
    page.get_by_test_id("user-menu").click()
    page.get_by_test_id(item).click()


def test_without_webgl_the_lists_still_work(
    desk: Desk, browser_without_webgl: Browser, incident_number: int
) -> None:
    page = desk.open(browser_without_webgl, "/console", role="dispatcher")
    expect(page.get_by_role("heading", name="This browser cannot draw the map")).to_be_visible()
    expect(page.get_by_test_id("queue")).to_contain_text(f"#{incident_number}")
    page.keyboard.press("j")
    expect(page.get_by_role("region", name="Incident")).to_contain_text("Why")


def test_the_incident_report_opens_without_a_network(
    desk: Desk, browser: Browser, product: Product, incident_number: int, tmp_path: Path, pictures: Path
) -> None:
    dispatcher = product.client("dispatcher")
    items = dispatcher.get("/api/incidents?state=all").json()["items"]
    incident_id = next(one["id"] for one in items if one["number"] == incident_number)
    answer = dispatcher.get(
        f"/api/incidents/{incident_id}/report.html", params={"lang": "zh"}
    ).raise_for_status()
    file = tmp_path / "report.html"
    file.write_text(answer.text, encoding="utf-8")
    context = desk.context(browser, role=None)
    context.set_offline(True)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.on("pageerror", lambda error: desk.complaints.append(str(error)))
    context.unroute_all()
    page.goto(file.as_uri())
    expect(page.locator(".folium-map .flag")).to_have_text(f"#{incident_number}")
    assert page.locator(".folium-map canvas").count() > 0
    expect(page.get_by_text(SHOUT).first).to_be_visible()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert asked.count(file.as_uri()) == len([url for url in asked if url.startswith("file:")])
    page.screenshot(path=pictures / "incident_report_zh.png")
