"""The directory over HTTP: looked up, asked for a place, kept without losing anything."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.models import AuditEntry
from gis.coordinates import Datum, LonLat, from_wgs84
from hotline.models import Category, DirectoryEntry, Matter
from tests.conftest import LogIn
from tests.town import Town

Headers = dict[str, str]
Ask = Callable[..., Any]
WEST, EAST = (-200.0, 350.0), (350.0, 800.0)
MILL, OAK = Town.place(30.0, 12.0), Town.place(600.0, 40.0)
SEA = LonLat(lon=10.0, lat=55.0)


@pytest.fixture
def ask(client: TestClient) -> Ask:
    """Ask or tell the server something."""

    def ask(method: str, path: str, headers: Headers, *, expect: int = 200, **how: Any) -> Any:
        answer = client.request(method, f"/api/directory{path}", headers=headers, **how)
        assert answer.status_code == expect, answer.text
        return answer.json()

    return ask


@pytest.fixture
def supervisor(log_in: LogIn) -> Headers:
    return log_in("supervisor")


def box(west: float, east: float, *, south: float = -200.0, north: float = 600.0) -> dict[str, Any]:
    """An area between metres east and north of J00, as GeoJSON."""
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    ring = [[place.lon, place.lat] for place in (Town.place(x, y) for x, y in corners)]
    return {"type": "MultiPolygon", "coordinates": [[ring]]}


def wkt(west: float, east: float) -> str:
    ring = ", ".join(f"{lon} {lat}" for lon, lat in box(west, east)["coordinates"][0][0])
    return f"MULTIPOLYGON((({ring})))"


def entry(name: str, **more: Any) -> dict[str, Any]:
    return {"kind": "partner", "name_en": name, "phones": ["555-0100"]} | more


def add(ask: Ask, who: Headers, name: str, *, expect: int = 201, **more: Any) -> Any:
    return ask("POST", "", who, expect=expect, json=entry(name, **more))


def names(listed: Any) -> list[str]:
    return [one["name_en"] or one["name_zh"] for one in listed["items"]]


def at(ask: Ask, who: Headers, place: LonLat, **more: Any) -> list[str]:
    return names(ask("GET", "/at", who, params={"lon": place.lon, "lat": place.lat} | more))


def deeds(session: Session, action: str) -> int:
    return session.scalar(select(func.count()).where(AuditEntry.action == action)) or 0


def test_every_category_of_reports_is_a_matter() -> None:
    assert {one.value for one in Category} <= {one.value for one in Matter}


def test_an_empty_directory_is_an_empty_list(ask: Ask, agent: Headers) -> None:
    assert ask("GET", "", agent) == {"items": []}
    assert at(ask, agent, MILL) == []


def test_an_entry_is_kept_as_it_was_told(
    ask: Ask, agent: Headers, supervisor: Headers, session: Session
) -> None:
    told = {
        "kind": "government",
        "name_zh": "市民热线",
        "name_en": "Citizens' line",
        "phones": ["12345", "029-8555 0100 转 2"],
        "hours_zh": "全天",
        "hours_en": "day and night",
        "matters": ["roads", "sewer"],
        "note_zh": "请您拨打<b>12345</b>",
        "note_en": "Please call 12345.\nThey answer day and night.",
        "position": 7,
    }
    made = ask("POST", "", supervisor, expect=201, json=told | {"area": box(*WEST)})
    shown = ask("GET", f"/{made['id']}", agent)
    assert {name: shown[name] for name in told} == told
    assert (shown["has_area"], shown["is_active"], shown["area"]["type"]) == (True, True, "MultiPolygon")
    (listed,) = ask("GET", "", agent)["items"]
    assert {name: listed[name] for name in told} == told
    assert "area" not in listed
    assert deeds(session, "directory.add") == 1


def test_entries_come_in_their_order(ask: Ask, agent: Headers, supervisor: Headers) -> None:
    for name, position in (("Gas", 20), ("Power", 10), ("Ambulance", 20)):
        add(ask, supervisor, name, position=position)
    assert names(ask("GET", "", agent)) == ["Power", "Ambulance", "Gas"]


FOUND: list[tuple[dict[str, str], list[str]]] = [
    ({}, ["Gas works", "西城营业所", "Power 100%"]),
    ({"q": "gas"}, ["Gas works"]),
    ({"q": "WORKS gas"}, ["Gas works"]),
    ({"q": "gas power"}, []),
    ({"q": "营业"}, ["西城营业所"]),
    ({"q": "meter"}, ["西城营业所"]),
    ({"q": "5550142"}, ["Gas works"]),
    ({"q": "555-0142"}, ["Gas works"]),
    ({"q": "(029)8555"}, ["西城营业所"]),
    ({"q": "0%"}, ["Power 100%"]),
    ({"q": "_"}, []),
    ({"q": "-"}, []),
    ({"kind": "branch"}, ["西城营业所"]),
    ({"matter": "gas"}, ["Gas works", "Power 100%"]),
    ({"matter": "billing"}, ["西城营业所", "Power 100%"]),
    ({"matter": "sewer", "q": "power"}, ["Power 100%"]),
    ({"state": "retired"}, ["Old line"]),
    ({"state": "all"}, ["Gas works", "西城营业所", "Power 100%", "Old line"]),
]


def test_entries_are_found_by_words_numbers_kind_and_matter(
    ask: Ask, agent: Headers, supervisor: Headers
) -> None:
    add(ask, supervisor, "Gas works", phones=["12345", "555 0142"], matters=["gas"], position=1)
    branch = {"kind": "branch", "name_zh": "西城营业所", "name_en": "", "phones": ["029-8555 0100"]}
    add(ask, supervisor, "", **branch, matters=["billing"], note_en="New meters, too", position=2)
    add(ask, supervisor, "Power 100%", position=3)
    old = add(ask, supervisor, "Old line", position=4)
    ask("POST", f"/{old['id']}/retire", supervisor)
    for asked, found in FOUND:
        assert names(ask("GET", "", agent, params=asked)) == found, asked


def test_who_answers_for_a_place_comes_best_first(ask: Ask, agent: Headers, supervisor: Headers) -> None:
    """An area before everywhere, the matter by name before everything, the smaller area before the larger."""
    for name, more in {
        "everywhere": {"position": 1},
        "gas everywhere": {"matters": ["gas"], "position": 2},
        "whole west": {"area": box(*WEST), "position": 3},
        "row 0 of the west": {"area": box(*WEST, north=40.0), "position": 4},
        "gas in the west": {"area": box(*WEST), "matters": ["gas"], "position": 5},
        "sewer in the west": {"area": box(*WEST), "matters": ["sewer"], "position": 6},
        "east": {"area": box(*EAST), "position": 7},
    }.items():
        add(ask, supervisor, name, **more)
    west = ["gas in the west", "row 0 of the west", "whole west", "gas everywhere", "everywhere"]
    assert at(ask, agent, MILL, matter="gas") == west
    assert at(ask, agent, Town.place(30.0, 300.0), matter="gas") == [
        one for one in west if one != "row 0 of the west"
    ]
    assert at(ask, agent, OAK, matter="gas") == ["east", "gas everywhere", "everywhere"]
    assert at(ask, agent, OAK) == ["east", "gas everywhere", "everywhere"]
    assert at(ask, agent, SEA, matter="leak") == ["everywhere"], "a neighbour's customer is handed over, too"
    shifted = from_wgs84(Town.place(352.0, 0.0), Datum.BD09)
    assert at(ask, agent, shifted, datum="bd09", matter="leak") == ["east", "everywhere"]


def test_a_retired_entry_is_given_to_nobody_until_it_is_restored(
    ask: Ask, agent: Headers, supervisor: Headers, session: Session
) -> None:
    made = add(ask, supervisor, "Gas works")
    for _ in range(2):
        assert ask("POST", f"/{made['id']}/retire", supervisor)["is_active"] is False
    assert names(ask("GET", "", agent)) == at(ask, agent, MILL) == []
    assert ask("GET", f"/{made['id']}", agent)["is_active"] is False
    assert ask("POST", f"/{made['id']}/restore", supervisor)["is_active"] is True
    assert at(ask, agent, MILL) == ["Gas works"]
    history = ask("GET", f"/{made['id']}/history", supervisor)["items"]
    assert [one["change"] for one in history] == ["restored", "retired", "added"]


def test_what_an_entry_said_before_stays_in_its_history(
    ask: Ask, supervisor: Headers, session: Session
) -> None:
    made = add(ask, supervisor, "Gas works", area=box(*WEST))
    changed = entry("Gas & heat", phones=["555-0177"], matters=["heating", "gas", "gas"])
    now = ask("PUT", f"/{made['id']}", supervisor, json=changed)
    assert (now["name_en"], now["phones"], now["matters"]) == ("Gas & heat", ["555-0177"], ["gas", "heating"])
    assert (now["has_area"], now["area"]) == (False, None)
    latest, first = ask("GET", f"/{made['id']}/history", supervisor)["items"]
    assert (first["change"], first["before"], latest["change"]) == ("added", None, "changed")
    before = latest["before"]
    assert (before["name_en"], before["phones"], before["is_active"]) == ("Gas works", ["555-0100"], True)
    assert before["area"] == made["area"]
    assert latest["by_user_id"] == now["changed_by"]
    assert deeds(session, "directory.change") == 1


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"kind": "friend"}, "#/kind"),
    ({"name_en": ""}, "#/"),
    ({"name_en": "two\nlines"}, "#/name_en"),
    ({"phones": []}, "#/phones"),
    ({"phones": ["555-0100"] * 9}, "#/phones"),
    ({"phones": ["call me"]}, "#/phones/0"),
    ({"phones": ["=1+1"]}, "#/phones/0"),
    ({"phones": ["-1"]}, "#/phones/0"),
    ({"phones": ["1" * 41]}, "#/phones/0"),
    ({"matters": ["love"]}, "#/matters/0"),
    ({"position": -1}, "#/position"),
    ({"colour": "red"}, "#/colour"),
    ({"area": {"type": "Point", "coordinates": [0, 0]}}, "#/area/type"),
    ({"area": {"type": "MultiPolygon", "coordinates": []}}, "#/area"),
    (
        {"area": {"type": "MultiPolygon", "coordinates": [[[[0, 0], [200, 0], [200, 9], [0, 0]]]]}},
        "#/area",
    ),
    (
        {"area": {"type": "MultiPolygon", "coordinates": [[[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]]}},
        "#/area",
    ),
]


def test_what_makes_no_sense_is_refused_by_its_place(ask: Ask, supervisor: Headers, session: Session) -> None:
    for wrong, pointer in WRONG:
        said = ask("POST", "", supervisor, expect=422, json=entry("Gas works") | wrong)
        assert pointer in [error["pointer"] for error in said["errors"]], wrong
    assert session.scalar(select(func.count()).select_from(DirectoryEntry)) == 0


def test_what_is_not_there_is_said_so(ask: Ask, supervisor: Headers) -> None:
    gone = str(uuid4())
    for method, path in (("GET", ""), ("GET", "/history"), ("POST", "/retire"), ("POST", "/restore")):
        assert ask(method, f"/{gone}{path}", supervisor, expect=404)["type"] == "/problems/entry-not-found"
    ask("PUT", f"/{gone}", supervisor, expect=404, json=entry("Gas works"))


def test_agents_read_and_do_not_keep(ask: Ask, agent: Headers, supervisor: Headers, log_in: LogIn) -> None:
    made = add(ask, supervisor, "Gas works")
    add(ask, agent, "Mine", expect=403)
    ask("PUT", f"/{made['id']}", agent, expect=403, json=entry("Mine"))
    ask("POST", f"/{made['id']}/retire", agent, expect=403)
    ask("GET", f"/{made['id']}/history", agent, expect=403)
    assert names(ask("GET", "", log_in("dispatcher"))) == ["Gas works"]
    ask("GET", "", log_in("crew"), expect=403)


def test_a_person_of_an_area_reads_all_and_keeps_what_lies_within_it(
    ask: Ask, supervisor: Headers, log_in: LogIn
) -> None:
    east = log_in("supervisor", area_wkt=wkt(*EAST))
    all_over = add(ask, supervisor, "everywhere")
    his = add(ask, east, "his own", area=box(400.0, 500.0, south=0.0, north=400.0))
    assert names(ask("GET", "", east)) == ["everywhere", "his own"]
    beyond = "/problems/entry-beyond-area"
    assert (
        add(ask, east, "too far", expect=403, area=box(300.0, 500.0, south=0.0, north=400.0))["type"]
        == beyond
    )
    assert add(ask, east, "everywhere mine", expect=403)["type"] == beyond
    assert ask("POST", f"/{all_over['id']}/retire", east, expect=403)["type"] == beyond
    wide = ask("PUT", f"/{his['id']}", east, expect=403, json=entry("his own"))
    assert wide["type"] == beyond
    assert ask("GET", f"/{his['id']}", east)["has_area"] is True
    assert (
        ask("PUT", f"/{his['id']}", east, json=entry("his", area=box(450.0, 500.0, south=0.0, north=400.0)))[
            "name_en"
        ]
        == "his"
    )
    assert names(ask("GET", "", east, params={"state": "all"})) == ["everywhere", "his"]
