"""Finding a place, what is there, and the roads to it: the pin on the console and on the desk."""

import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from core.clock import utc_now
from gis.coordinates import Datum, LonLat, from_wgs84, straight_line_m, to_wgs84
from tests.browser.conftest import Desk, drawn, eventually, map_settles
from tests.browser.layout import overlapping_texts
from tests.product import Product
from tests.town import Town

pytestmark = pytest.mark.browser

IN_CHINA = LonLat(lon=108.95, lat=34.26)
HAIR_M = 0.05
"""Seven decimals of a degree, and the pixels of a map, are good to this."""
PIXEL_M = 2.0
"""What a click may miss by at the zoom of these tests."""
SIZES = [{"width": 1366, "height": 768}, {"width": 1920, "height": 1080}]


def open_console(desk: Desk, browser: Browser, **how: str) -> Page:
    page = desk.open(browser, "/console", role="supervisor", **how)  # type: ignore[arg-type]  # words only
    map_settles(page)
    return page


def search(page: Page, words: str) -> Locator:
    """Type into the search box; gives what it offers."""
    page.keyboard.press("/")
    page.keyboard.type(words)
    return page.get_by_test_id("search-drop").get_by_role("option")


def show(page: Page, place: LonLat, zoom: float = 17) -> tuple[float, float]:
    """Centre the map on a place; gives where it is on the screen."""
    page.evaluate(
        "([lon, lat, zoom]) => { window.__map.jumpTo({center: [lon, lat], zoom}) }",
        [place.lon, place.lat, zoom],
    )
    map_settles(page)
    return on_screen(page, place)


def on_screen(page: Page, place: LonLat) -> tuple[float, float]:
    x, y = page.evaluate(
        """([lon, lat]) => {
            const {x, y} = window.__map.project([lon, lat])
            const {left, top} = window.__map.getContainer().getBoundingClientRect()
            return [left + x, top + y]
        }""",
        [place.lon, place.lat],
    )
    return x, y


def ask_what_is_at(page: Page, place: LonLat) -> Locator:
    """Right-click a place; gives the panel that tells of it."""
    page.mouse.click(*show(page, place), button="right")
    here = page.get_by_test_id("here")
    expect(here).to_be_visible()
    map_settles(page)
    return here


def pin_at(page: Page) -> LonLat:
    """Read where the pin stands from the panel."""
    lon, lat = (float(one) for one in page.get_by_test_id("coordinates").inner_text().split(","))
    return LonLat(lon=lon, lat=lat)


def test_the_search_box_says_what_to_try_and_numbers_what_it_finds(desk: Desk, browser: Browser) -> None:
    page = open_console(desk, browser)
    page.keyboard.press("/")
    expect(page.get_by_test_id("search-drop")).to_contain_text("a crossing")
    offered = search(page, "Station Street")
    expect(offered.first).to_contain_text("Station Street")
    eventually(
        lambda: (
            {one["number"] for one in drawn(page, "candidate")}
            == {str(n + 1) for n in range(offered.count())}
        ),
        "every place offered, on the map under its number",
    )
    page.keyboard.press("Escape")
    eventually(lambda: drawn(page, "candidate") == [], "no place offered any more")


def test_what_is_found_becomes_a_pin_and_arrow_keys_push_it(desk: Desk, browser: Browser) -> None:
    page = open_console(desk, browser)
    expect(search(page, "5 Station Street").first).to_contain_text("5 Station Street")
    page.keyboard.press("Enter")
    here = page.get_by_test_id("here")
    expect(here).to_contain_text("5 Station Street")
    expect(here.get_by_test_id("here-main")).to_contain_text("Main H14")
    before = pin_at(page)
    map_settles(page)
    page.keyboard.press("h")
    expect(page.get_by_test_id("pin")).to_be_focused()
    page.keyboard.press("ArrowRight")
    eventually(lambda: pin_at(page).lon > before.lon, "the pin further east")
    assert pin_at(page).lat == pytest.approx(before.lat, abs=1e-6)
    page.keyboard.press("Escape")
    expect(here).to_have_count(0)
    expect(page.get_by_test_id("pin")).to_have_count(0)


@pytest.mark.parametrize("datum", [Datum.GCJ02, Datum.BD09])
def test_coordinates_are_read_and_written_in_the_datum_chosen(
    desk: Desk, browser: Browser, datum: Datum
) -> None:
    page = open_console(desk, browser)
    expect(search(page, f"{IN_CHINA.lon}, {IN_CHINA.lat}")).to_have_count(1)
    name = {Datum.GCJ02: "GCJ-02", Datum.BD09: "BD-09"}[datum]
    page.get_by_test_id("search-drop").get_by_role("button", name=name).click()
    page.keyboard.press("Enter")
    assert straight_line_m(pin_at(page), IN_CHINA) < HAIR_M
    here = page.get_by_test_id("here")
    here.get_by_role("button", name="WGS 84").click()
    assert straight_line_m(pin_at(page), to_wgs84(IN_CHINA, datum)) < HAIR_M
    for other, label in ((Datum.GCJ02, "GCJ-02"), (Datum.BD09, "BD-09")):
        here.get_by_role("button", name=label).click()
        meant = from_wgs84(to_wgs84(IN_CHINA, datum), other)
        assert straight_line_m(pin_at(page), meant) < HAIR_M
    expect(here.get_by_role("alert").first).to_be_visible()  # nothing of ours is there, and it says so
    desk.complaints.clear()  # the browser logs each of these refusals


def test_either_order_of_coordinates_is_understood(desk: Desk, browser: Browser) -> None:
    page = open_console(desk, browser)
    for words, turns in (
        ("40.0010, -32.9980", 1),  # without letters longitude is read first
        ("-32.9980, 40.0010", 0),
        ("40.0010N 32.9980W", 0),
    ):
        expect(search(page, words).first).to_contain_text("40.0010000")
        for _ in range(turns):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        assert straight_line_m(pin_at(page), LonLat(lon=-32.998, lat=40.001)) < HAIR_M, words
        page.keyboard.press("Escape")


def test_an_account_is_looked_up_when_it_is_chosen(desk: Desk, browser: Browser, product: Product) -> None:
    page = open_console(desk, browser)
    account = product.town.accounts_on("H21")[0]
    offered = search(page, account).filter(has_text="Look up account")
    expect(offered).to_be_visible()
    offered.click()
    expect(page.get_by_test_id("here-main")).to_contain_text("Main H21")
    page.keyboard.press("Escape")
    search(page, "99999999").filter(has_text="Look up account").click()
    expect(page.get_by_test_id("search-drop").get_by_role("alert")).to_be_visible()
    desk.complaints.clear()  # the browser logs that there is no such account


def test_a_right_click_tells_what_is_here(desk: Desk, browser: Browser) -> None:
    page = open_console(desk, browser)
    here = ask_what_is_at(page, Town.on_pipe("H14", 30))
    expect(here.get_by_test_id("here-addresses")).to_contain_text("Station Street")
    main = here.get_by_test_id("here-main")
    expect(main).to_contain_text("Main H14")
    expect(main).to_contain_text("30 m along it")
    expect(here.get_by_test_id("here-customers")).to_contain_text("customers")
    expect(here.get_by_test_id("here-crews")).to_contain_text("min")
    expect(here.get_by_test_id("here-pictures")).to_contain_text("Nobody has taken a picture here yet")
    main.get_by_role("button", name="Valves to close").click()
    expect(page.get_by_test_id("isolation")).to_contain_text("H14")
    page.keyboard.press("Escape")
    expect(here).to_be_visible()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size['width']}x{size['height']}")
@pytest.mark.parametrize(("language", "theme"), [("zh", "dark"), ("en", "light")])
def test_nothing_of_it_overlaps(
    desk: Desk, browser: Browser, pictures: Path, language: str, theme: str, size: dict[str, int]
) -> None:
    page = open_console(desk, browser, language=language, theme=theme)
    page.set_viewport_size(size)  # type: ignore[arg-type]  # a plain dict
    here = ask_what_is_at(page, Town.on_pipe("H14", 30))
    expect(here.get_by_test_id("here-customers")).to_be_visible()
    page.keyboard.press("t")
    eventually(lambda: len(drawn(page, "reach-fill")) > 0, "what is reached on the map")
    map_settles(page)
    page.screenshot(path=pictures / f"here_{language}_{theme}_{size['width']}.png")
    assert overlapping_texts(page) == []
    page.keyboard.press("x")
    expect(page.get_by_test_id("closures")).to_be_visible()
    assert overlapping_texts(page) == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_way_is_drawn_and_told_in_the_readers_language(desk: Desk, browser: Browser, language: str) -> None:
    page = open_console(desk, browser, language=language)
    ask_what_is_at(page, Town.on_pipe("H14", 30))
    page.keyboard.press("r")
    page.get_by_test_id("other-end").get_by_role("combobox").last.select_option(label="C01 抢修C01")
    told = page.get_by_test_id("way-answer")
    expect(told.get_by_role("listitem").first).to_be_visible()
    words = told.get_by_role("list").inner_text()
    assert bool(re.search("[\u4e00-\u9fff]", words.replace("中山路", ""))) == (language == "zh")
    eventually(lambda: len(drawn(page, "way")) > 0, "the way on the map")
    page.emulate_media(media="print")
    expect(page.locator(".print-only")).to_be_visible()
    expect(page.locator("#app")).to_be_hidden()


def test_reach_and_cover_are_drawn_and_said_in_words(desk: Desk, browser: Browser) -> None:
    page = open_console(desk, browser)
    ask_what_is_at(page, Town.junction(0, 0))
    page.keyboard.press("t")
    told = page.get_by_test_id("way-answer")
    expect(told.get_by_role("listitem")).to_have_text(["within 5 min", "within 10 min", "within 15 min"])
    eventually(
        lambda: {one["minutes"] for one in drawn(page, "reach-fill")} == {5, 10, 15}, "three bands on the map"
    )
    page.get_by_test_id("ways").get_by_role("button", name="15 min", exact=True).click()
    # The whole town is 110 s wide: nobody in it is without cover.
    expect(told).to_contain_text("all roads are reached in time")
    eventually(lambda: drawn(page, "reach-fill") == [], "one answer at a time")


def test_a_road_is_closed_here_lifted_and_closed_again(
    desk: Desk, browser: Browser, product: Product
) -> None:
    page = open_console(desk, browser)
    ask_what_is_at(page, Town.on_pipe("H43", 50))
    page.keyboard.press("t")
    eventually(lambda: len(drawn(page, "reach-fill")) > 0, "what is reached on the map")
    page.get_by_test_id("here").get_by_role("button", name="Close the road here").click()
    form = page.get_by_test_id("closure-form")
    asked = desk.asked_for.count("/api/roads/reach")
    eventually(lambda: len(drawn(page, "sketch-fill")) > 0, "the circle on the map")
    form.get_by_label("Why").fill("Water over the road")
    form.get_by_label("Why").press("Enter")
    closures = page.get_by_test_id("closures")
    expect(closures.get_by_role("listitem")).to_contain_text("Water over the road")
    eventually(lambda: len(drawn(page, "closure-fill")) > 0, "the closure on the map")
    eventually(lambda: desk.asked_for.count("/api/roads/reach") > asked, "the reach asked anew")
    closures.get_by_role("button", name="Lift").click()
    expect(closures).to_contain_text("No road is closed")
    eventually(lambda: drawn(page, "closure-fill") == [], "the road open again")
    page.keyboard.press("u")
    expect(closures.get_by_role("listitem")).to_contain_text("Water over the road")
    closures.get_by_role("button", name="Lift").click()
    expect(closures).to_contain_text("No road is closed")


def test_what_was_lifted_comes_back_as_slow_and_as_far_ahead_as_it_was(
    desk: Desk, browser: Browser, product: Product
) -> None:
    supervisor = product.client("supervisor")
    place = Town.on_pipe("H43", 50)
    wanted = {
        "point": {"lon": place.lon, "lat": place.lat},
        "radius_m": 20,
        "cause": "works",
        "reason": "One lane only",
        "slowdown": 3.0,
        "starts_at": (utc_now() + timedelta(days=1)).isoformat(),
        "subject_id": str(product.town.pipes["H43"]),
    }
    planned = supervisor.post("/api/roads/closures", json=wanted).raise_for_status().json()
    page = open_console(desk, browser)
    page.keyboard.press("x")
    closures = page.get_by_test_id("closures")
    expect(closures.get_by_role("listitem")).to_contain_text("One lane only")
    closures.get_by_role("button", name="Lift").click()
    expect(closures).to_contain_text("No road is closed")
    page.keyboard.press("u")
    expect(closures.get_by_role("listitem")).to_contain_text("One lane only")
    listed = supervisor.get("/api/roads/closures", params={"starts_at": utc_now().isoformat()}).json()
    (again,) = (one for one in listed["items"] if one["lifted_at"] is None)
    kept = ("cause", "reason", "slowdown", "starts_at", "ends_at", "subject_id")
    assert again["id"] != planned["id"]
    assert {name: again[name] for name in kept} == {name: planned[name] for name in kept}
    supervisor.post(f"/api/roads/closures/{again['id']}/lift").raise_for_status()


def test_an_area_is_closed_corner_by_corner(desk: Desk, browser: Browser) -> None:
    page = open_console(desk, browser)
    show(page, Town.junction(5, 2), 16)
    page.keyboard.press("x")
    page.get_by_role("button", name="Close a road").click()
    form = page.get_by_test_id("closure-form")
    close = form.get_by_role("button", name="Close the road")
    form.get_by_label("Why").fill("Works")
    x, y = show(page, Town.junction(5, 2), 16)
    for dx, dy in ((-40, -40), (40, -40)):
        page.mouse.click(x + dx, y + dy)
    expect(close).to_be_disabled()
    page.keyboard.press("Escape")
    form.get_by_role("button", name="Set corners on the map").click()
    page.mouse.click(x, y + 40)
    expect(form).to_contain_text("3 corners")
    eventually(lambda: len(drawn(page, "sketch-fill")) > 0, "the area on the map")
    close.click()
    closures = page.get_by_test_id("closures")
    expect(closures.get_by_role("listitem")).to_contain_text("Works")
    closures.get_by_role("button", name="Lift").click()
    expect(closures).to_contain_text("No road is closed")


def a_picture() -> bytes:
    written = io.BytesIO()
    Image.effect_noise((320, 240), 60).convert("RGB").save(written, "JPEG")
    return written.getvalue()


def test_a_picture_is_added_looked_at_withdrawn_and_brought_back(desk: Desk, browser: Browser) -> None:
    page = open_console(desk, browser)
    ask_what_is_at(page, Town.on_pipe("H52", 50))
    strip = page.get_by_test_id("here-pictures")
    strip.get_by_role("button", name="Add a picture").click()
    form = page.get_by_test_id("picture-form")
    form.locator("input[type=file]").set_input_files(
        {"name": "corner.jpg", "mimeType": "image/jpeg", "buffer": a_picture()}
    )
    form.get_by_label("What it shows").fill("The corner, seen from the south")
    form.get_by_role("button", name="Add").click()
    thumbnail = strip.get_by_role("button", name="The corner, seen from the south")
    thumbnail.click()
    viewer = page.get_by_test_id("picture-viewer")
    eventually(
        lambda: viewer.get_by_role("img").evaluate("(image) => image.naturalWidth") == 320,
        "the picture itself",
    )
    viewer.get_by_test_id("withdraw").click()
    expect(strip).to_contain_text("Nobody has taken a picture here yet")
    page.keyboard.press("u")
    expect(thumbnail).to_be_visible()


def test_a_name_taught_at_the_pin_is_found_until_it_is_taken_back(desk: Desk, browser: Browser) -> None:
    page = open_console(desk, browser)
    taught = ask_what_is_at(page, Town.on_pipe("H52", 30)).get_by_test_id("here-names")
    field = taught.get_by_role("textbox", name="Add a name")
    field.fill("Zebra Bakery")
    field.press("Enter")
    expect(taught.get_by_role("listitem")).to_have_text(["Zebra Bakery"])
    expect(field).to_have_value("")
    field.blur()
    page.keyboard.press("u")
    expect(taught.get_by_role("listitem")).to_have_count(0)
    field.fill("斑马面包店")
    field.press("Enter")
    taught.get_by_role("button", name="Withdraw “斑马面包店”").click()
    expect(taught.get_by_role("listitem")).to_have_count(0)
    page.keyboard.press("u")
    expect(taught.get_by_role("listitem")).to_have_text(["斑马面包店"])
    page.keyboard.press("Escape")
    offered = search(page, "banmamianbao")
    expect(offered.first).to_contain_text("斑马面包店")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("here-names")).to_contain_text("斑马面包店")
    assert straight_line_m(pin_at(page), Town.on_pipe("H52", 30)) < PIXEL_M


def test_the_place_chosen_is_the_reports_place(desk: Desk, browser: Browser, product: Product) -> None:
    """A crossing's words can mean others, so that its point goes along, to the question and to the report."""
    page = desk.open(browser, "/desk", role="agent")
    map_settles(page)
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    page.keyboard.type("River Street and Ash Avenue")
    offered = page.get_by_role("option").first
    expect(offered).to_contain_text("Ash Avenue")
    page.keyboard.press("Enter")
    form = page.get_by_test_id("report-form")
    expect(form).to_contain_text("by point")
    page.keyboard.press("Escape")
    page.keyboard.press("5")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("saved")).to_contain_text("is saved")
    newest = product.client("agent").get("/api/reports?limit=1").json()["items"][0]
    place = newest["location"] or newest["tried"]["guess"]
    assert place["method"] == "point"
    told = LonLat(lon=place["point"]["lon"], lat=place["point"]["lat"])
    assert straight_line_m(told, Town.junction(0, 5)) < 1.0


def test_the_desk_closes_no_roads(desk: Desk, browser: Browser) -> None:
    page = desk.open(browser, "/desk", role="supervisor")
    map_settles(page)
    page.keyboard.press("Escape")
    here = ask_what_is_at(page, Town.on_pipe("H14", 30))
    expect(here.get_by_test_id("here-main")).to_contain_text("Main H14")
    expect(here.get_by_role("button", name="Close the road here")).to_have_count(0)


def test_dragging_the_pin_sets_the_reports_place(desk: Desk, browser: Browser) -> None:
    page = desk.open(browser, "/desk", role="agent")
    map_settles(page)
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    page.keyboard.type("5 Station Street")
    expect(page.get_by_role("listbox")).to_contain_text("5 Station Street")
    page.keyboard.press("Enter")
    form = page.get_by_test_id("report-form")
    expect(form).to_contain_text("Main H14")
    show(page, Town.on_pipe("H14", 30))
    pin = page.get_by_test_id("pin").bounding_box()
    assert pin is not None
    start = (pin["x"] + pin["width"] / 2, pin["y"] + pin["height"] / 2)
    (x0, y0), (x1, y1) = (on_screen(page, Town.on_pipe(pipe, 30)) for pipe in ("H14", "H13"))
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + x1 - x0, start[1] + y1 - y0, steps=6)
    page.mouse.up()
    expect(form).to_contain_text("Main H13")
    expect(form).to_contain_text("by point")
    page.keyboard.press("h")
    here = page.get_by_test_id("here")
    expect(here.get_by_test_id("here-main")).to_contain_text("Main H13")
    page.keyboard.press("Escape")
    expect(here).to_have_count(0)
    expect(page.get_by_test_id("pin")).to_be_visible()
