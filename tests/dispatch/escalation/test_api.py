"""Escalations over HTTP: seen by area, told, acknowledged, closed; rules said anew and tried."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.events import RepeatedComplaint
from core.models import AuditEntry
from core.outbox import emit
from dispatch import merging
from dispatch.changes import By
from tests.conftest import LogIn
from tests.dispatch.escalation.conftest import grows
from tests.dispatch.play import Play
from tests.town import Town

Headers = dict[str, str]
Ask = Callable[..., Any]


@pytest.fixture
def ask(client: TestClient) -> Ask:
    """Ask or tell the server something."""

    def ask(method: str, path: str, headers: Headers, *, expect: int = 200, **how: Any) -> Any:
        answer = client.request(method, f"/api/escalations{path}", headers=headers, **how)
        assert answer.status_code == expect, answer.text
        return answer.json()

    return ask


@pytest.fixture
def supervisor(log_in: LogIn) -> Headers:
    return log_in("supervisor", display_name="Wang")


@pytest.fixture
def leader(log_in: LogIn) -> Headers:
    return log_in("leader", display_name="Li")


def box(west: float, east: float) -> str:
    """An area between metres east of J00."""
    corners = [(west, -200), (east, -200), (east, 600), (west, 600), (west, -200)]
    places = (Town.place(x, y) for x, y in corners)
    ring = ", ".join(f"{one.lon} {one.lat}" for one in places)
    return f"MULTIPOLYGON((({ring})))"


@pytest.fixture
def western(festival: Play) -> Play:
    """A cluster in the west of the town."""
    for pipe in ("H00", "H01", "H10"):
        festival.call(pipe)
    grows(festival, festival.incident())
    return festival


RULE = {
    "code": "cluster-to-leader",
    "trigger": "cluster",
    "n": 4,
    "unit": "hour",
    "recipient_role": "leader",
    "ladder": [{"role": "director", "n": 0, "unit": "hour"}],
}


def test_an_escalation_is_listed_told_acknowledged_and_every_deed_recorded(
    western: Play, ask: Ask, supervisor: Headers, leader: Headers, session: Session
) -> None:
    (line,) = ask("GET", "", supervisor)["items"]
    assert (line["trigger"], line["state"], line["role_word"]) == ("cluster", "pending", "supervising leader")
    assert line["incident_number"] == western.incident().number
    assert datetime.fromisoformat(line["due_at"]) == datetime.fromisoformat("2026-02-25T00:00:00+08:00")
    assert (line["is_confirmed"], line["street"]) == (False, "Mill Street")
    assert ask("GET", "?show=mine", supervisor)["items"] == []
    assert [one["id"] for one in ask("GET", "?show=mine", leader)["items"]] == [line["id"]]
    path = f"/{line['id']}"
    detail = ask("GET", path, leader)
    assert (detail["recipients"], detail["is_for_reader"]) == (["Li"], True)
    assert detail["rule_words"].startswith("A cluster reaches the supervising leader")
    assert detail["at_trigger"]["incident"]["calls"] == 3

    problem = ask("POST", f"{path}/acknowledge", leader, expect=409, json={})
    assert problem["type"] == "/problems/not-reported-yet"
    ask("POST", f"{path}/report", supervisor, expect=422, json={"how": "phone", "words": "  "})
    told = ask("POST", f"{path}/report", supervisor, json={"how": "phone", "words": "<b>rang</b>"})
    assert (told["state"], told["reported_by"], told["reported_to"]) == ("reported", "Wang", ["Li"])
    assert (told["reported_words"], told["is_reported_late"]) == ("<b>rang</b>", False)
    assert told["at_report"]["incident"]["calls"] == 3
    problem = ask("POST", f"{path}/acknowledge", supervisor, expect=403, json={})
    assert problem["type"] == "/problems/not-its-recipient"
    done = ask("POST", f"{path}/acknowledge", leader, json={"words": "understood"})
    assert (done["acknowledged_by"], done["acknowledged_words"]) == ("Li", "understood")
    assert ask("GET", "?show=mine", leader)["items"] == []
    steps = [(one["to_state"], one["who"], one["why"]) for one in done["history"]]
    assert steps == [
        ("pending", None, "more calls than chance explains: a cluster"),
        ("reported", "Wang", "<b>rang</b>"),
        ("acknowledged", "Li", "understood"),
    ]
    ended = ask("POST", f"{path}/close", supervisor, json={"why": "a drill"})
    assert ended["state"] == "closed"
    assert [one["id"] for one in ask("GET", "?show=closed", supervisor)["items"]] == [line["id"]]
    deeds = session.scalars(select(AuditEntry.action).where(AuditEntry.subject_id == line["id"])).all()
    assert sorted(deeds) == ["escalation.acknowledge", "escalation.close", "escalation.report"]


def test_what_is_overdue_is_listed_and_a_late_report_says_so(
    western: Play, ask: Ask, supervisor: Headers
) -> None:
    assert ask("GET", "?show=overdue", supervisor)["items"] == []
    western.wait(days=20)
    (line,) = ask("GET", "?show=overdue", supervisor)["items"]
    assert (line["state"], line["role"], line["rung"]) == ("climbed", "director", 1)
    told = ask("POST", f"/{line['id']}/report", supervisor, json={"how": "in_writing", "words": "late"})
    assert told["is_reported_late"]


def test_nobody_sees_or_tells_what_lies_outside_his_area(western: Play, ask: Ask, log_in: LogIn) -> None:
    inside, outside = (log_in("supervisor", area_wkt=box(*span)) for span in ((-200, 350), (350, 800)))
    (line,) = ask("GET", "", inside)["items"]
    assert ask("GET", "", outside)["items"] == []
    for method, path in (("GET", ""), ("POST", "/report"), ("POST", "/close")):
        body = {"how": "phone", "words": "x"} if path == "/report" else {"why": "x"}
        how = {} if method == "GET" else {"json": body}
        problem = ask(method, f"/{line['id']}{path}", outside, expect=404, **how)
        assert problem["type"] == "/problems/no-such-escalation"
    assert ask("GET", f"/{line['id']}", log_in("leader", area_wkt=box(350, 800)), expect=404)


def test_a_leader_of_another_area_is_not_among_those_to_be_told(
    western: Play, ask: Ask, supervisor: Headers, log_in: LogIn
) -> None:
    log_in("leader", display_name="East", area_wkt=box(350, 800))
    (line,) = ask("GET", "", supervisor)["items"]
    assert ask("GET", f"/{line['id']}", supervisor)["recipients"] == []
    log_in("leader", display_name="West", area_wkt=box(-200, 350))
    assert ask("GET", f"/{line['id']}", supervisor)["recipients"] == ["West"]


def test_an_incidents_escalations_are_listed_with_those_that_joined(
    festival: Play, ask: Ask, supervisor: Headers
) -> None:
    for pipe in ("H00", "H10", "H40"):
        festival.call(pipe)
    older, younger = festival.incidents()
    grows(festival, younger)
    grows(festival, older)
    merging.merge(festival.session, older, younger, settings=festival.settings, by=By(why="one"))
    festival.relay()
    assert len(ask("GET", "", supervisor)["items"]) == 1
    both = ask("GET", f"?show=all&incident_id={younger.id}", supervisor)["items"]
    (joined,) = both
    assert joined["state"] == "joined"
    heir = ask("GET", f"?incident_id={older.id}", supervisor)["items"][0]["id"]
    assert ask("GET", f"/{joined['id']}", supervisor)["joined_into_id"] == heir


def test_a_rule_is_said_anew_as_its_next_version_in_the_readers_words(
    client: TestClient, ask: Ask, supervisor: Headers, western: Play
) -> None:
    listed = ask("GET", "/rules", supervisor)
    assert len(listed["items"]) == 4
    assert {"role": "leader", "word": "supervising leader"} in listed["roles"]
    made = ask("POST", "/rules", supervisor, expect=201, json=RULE)
    assert (made["version"], made["made_by"]) == (2, "Wang")
    assert made["words"].startswith("A cluster reaches the supervising leader within 4 hours.")
    first, second = reversed(ask("GET", "/rules/cluster-to-leader", supervisor)["items"])
    assert (first["version"], second["version"]) == (1, 2)
    assert first["superseded_at"] is not None
    assert (second["superseded_at"], second["id"]) == (None, made["id"])
    (line,) = ask("GET", "", supervisor)["items"]
    assert line["rule_version"] == 1  # what was raised keeps to what it was raised by
    client.patch("/api/me", json={"language": "zh"}, headers=supervisor).raise_for_status()
    words = {one["code"]: one["words"] for one in ask("GET", "/rules", supervisor)["items"]}
    assert words["cluster-to-leader"].startswith("集群式事件须在4小时内报分管领导。")
    assert ask("GET", "/rules/never-made", supervisor, expect=404)


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"recipient_role": "king"}, "#/recipient_role"),
        ({"times_min": 3}, "#/times_min"),
        ({"cut_off": "17:30"}, "#/cut_off"),
        ({"unit": "working_day", "cut_off": "17:30+08:00"}, "#/cut_off"),
        ({"n": 0}, "#/n"),
        ({"code": "Not A Name"}, "#/code"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_and_says_where(
    ask: Ask, supervisor: Headers, town: Town, changed: dict[str, Any], pointer: str
) -> None:
    for path in ("/rules", "/rules/dry-run"):
        problem = ask("POST", path, supervisor, expect=422, json=RULE | changed)
        assert [one["pointer"] for one in problem["errors"]] == [pointer]


def test_a_dry_run_tells_what_a_rule_would_have_raised_and_changes_nothing(
    western: Play, ask: Ask, supervisor: Headers, log_in: LogIn
) -> None:
    incident = western.incident()
    for times, days in ((2, 7), (3, 7), (4, 7)):
        western.wait(hours=1)
        event = RepeatedComplaint(incident.id, uuid4(), times, window_days=days, on_closed=False)
        emit(western.session, event)
    western.relay()
    before = len(ask("GET", "?show=all", supervisor)["items"])
    (found,) = ask("POST", "/rules/dry-run", supervisor, json=RULE)["items"]
    assert found["incident_number"] == incident.number
    start = datetime.fromisoformat(found["at"])
    assert datetime.fromisoformat(found["due_at"]) == start + timedelta(hours=4)
    repeats = RULE | {"code": "repeats", "trigger": "repeat", "times_min": 4, "window_days": 30}
    (found,) = ask("POST", "/rules/dry-run", supervisor, json=repeats)["items"]
    assert datetime.fromisoformat(found["at"]) == western.now
    assert ask("POST", "/rules/dry-run", supervisor, json=repeats | {"times_min": 5})["items"] == []
    assert ask("POST", "/rules/dry-run", supervisor, json=repeats | {"window_days": 6})["items"] == []
    east = log_in("supervisor", area_wkt=box(350, 800))
    assert ask("POST", "/rules/dry-run", east, json=RULE)["items"] == []
    western.wait(days=31)
    assert ask("POST", "/rules/dry-run", supervisor, json=RULE)["items"] == []
    assert len(ask("POST", "/rules/dry-run?days=60", supervisor, json=RULE)["items"]) == 1
    assert len(ask("GET", "?show=all", supervisor)["items"]) == before
    assert [one["version"] for one in ask("GET", "/rules/cluster-to-leader", supervisor)["items"]] == [1]
