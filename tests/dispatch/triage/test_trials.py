"""What is set about triage, over HTTP: read in words, refused, put in force, tried on what happened."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.models import AuditEntry
from core.settings import get_settings
from dispatch.triage import trials
from tests.conftest import LogIn
from tests.dispatch.play import Play

Headers = dict[str, str]
Ask = Callable[..., Any]


@pytest.fixture
def ask(client: TestClient) -> Ask:
    """Ask or tell the server something."""

    def ask(method: str, path: str, headers: Headers, *, expect: int = 200, **how: Any) -> Any:
        answer = client.request(method, f"/api/triage{path}", headers=headers, **how)
        assert answer.status_code == expect, answer.text
        return answer.json()

    return ask


@pytest.fixture
def supervisor(log_in: LogIn) -> Headers:
    return log_in("supervisor", display_name="Wang")


def run(session: Session, trial_id: str) -> list[float]:
    """Do what the worker does; tell how it went on."""
    went: list[float] = []
    key = UUID(trial_id)
    trial = trials.begin(session, key, get_settings())
    trials.end(session, key, trial.run(went.append))
    session.flush()
    return went


def a_morning(play: Play) -> None:
    for pipe in ("H02", "H12", "H22", "H12"):
        play.call(pipe)
        play.wait(minutes=5)
    play.call("H50", "other", caller="again")
    play.wait(hours=5)
    play.call("H50", "other", caller="again")


def test_the_settings_are_read_in_words_of_both_languages(
    play: Play, ask: Ask, log_in: LogIn, client: TestClient
) -> None:
    dispatcher = log_in("dispatcher")
    rules = ask("GET", "/rules", dispatcher)
    assert (rules["set_at"], rules["set_by"], rules["why"]) == (None, None, None)
    by_key = {one["key"]: one for one in rules["items"]}
    callers = by_key["alarm_persons_outage"]
    assert callers["words"] == "Somebody is told of a break once 3 different customers have called."
    assert "3".join(callers["around"]) == callers["words"]
    assert (callers["unit"], callers["value"], callers["default"]) == ("callers", 3, 3)
    assert (callers["least"], callers["most"], callers["step"]) == (2, 10, 1)
    assert "about low pressure within 168 hours" in by_key["repeat_window_h.low_pressure"]["words"]
    client.patch("/api/me", json={"language": "zh"}, headers=dispatcher).raise_for_status()
    chinese = ask("GET", "/rules", dispatcher)
    words = {one["key"]: one["words"] for one in chinese["items"]}
    assert words["repeat_window_h.leak"] == "同一用户在 168 小时内就漏水再次来电，算作重复来电。"


def test_settings_are_put_in_force_with_a_reason_and_an_audit_row(
    play: Play, ask: Ask, supervisor: Headers, session: Session
) -> None:
    body = {"values": {"alarm_odds": 200, "alarm_persons_outage": 3}, "why": "too many false alarms"}
    rules = ask("PUT", "/rules", supervisor, json=body)
    assert (rules["set_by"], rules["why"]) == ("Wang", "too many false alarms")
    assert {one["key"] for one in rules["items"] if one["value"] != one["default"]} == {"alarm_odds"}
    assert ask("GET", "/rules", supervisor) == rules
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "triage_rules.set")).one()
    assert entry.digest == "alarm_odds 200"
    play.wait(minutes=1)
    rules = ask("PUT", "/rules", supervisor, json={"values": {}, "why": "as it was"})
    assert all(one["value"] == one["default"] for one in rules["items"])


def test_nonsense_and_those_without_the_right_are_refused(
    play: Play, ask: Ask, supervisor: Headers, log_in: LogIn
) -> None:
    body = {"values": {"alarm_odds": 1, "noise": 3}, "why": "?"}
    for method, path in (("PUT", "/rules"), ("POST", "/trials")):
        said = body if method == "PUT" else {"values": body["values"]}
        problem = ask(method, path, supervisor, json=said, expect=422)
        assert problem["type"] == "/problems/rule-out-of-limits"
        assert [one["pointer"] for one in problem["errors"]] == ["#/values/alarm_odds", "#/values/noise"]
    ask("PUT", "/rules", supervisor, json={"values": {}, "why": " "}, expect=422)
    ask("POST", "/trials", supervisor, json={"values": {}, "days": 61}, expect=422)
    leader = log_in("leader")
    ask("PUT", "/rules", leader, json={"values": {}, "why": "?"}, expect=403)
    ask("POST", "/trials", leader, json={"values": {}}, expect=403)


def test_a_trial_shows_what_other_settings_would_have_done(
    play: Play, ask: Ask, supervisor: Headers, session: Session
) -> None:
    a_morning(play)
    values = {"alarm_persons_outage": 10, "repeat_window_h.other": 4}
    trial = ask("POST", "/trials", supervisor, json={"values": values}, expect=202)
    assert (trial["state"], trial["progress"], trial["result"], trial["days"]) == ("waiting", 0, None, 30)
    queued = session.scalar(
        text("SELECT args->>'trial_id' FROM procrastinate_jobs WHERE task_name = 'try_triage_rules'")
    )
    assert queued == trial["id"]
    busy = ask("POST", "/trials", supervisor, json={"values": values}, expect=409)
    assert busy["type"] == "/problems/trial-under-way"
    run(session, trial["id"])
    done = ask("GET", f"/trials/{trial['id']}", supervisor)
    assert (done["state"], done["progress"], done["values"]) == ("done", 1, values)
    before, after = done["result"]["before"], done["result"]["after"]
    assert done["result"]["calls"] == 6
    assert (before["alarms"], after["alarms"]) == (1, 0)
    assert (before["repeats"], after["repeats"]) == (1, 0)
    assert (before["callers_to_alarm"], before["minutes_to_alarm"]) == (3, 10)
    different = done["result"]["incidents"][0]
    assert different["number"] == play.incidents()[0].number
    assert (different["alarm_before_min"], different["alarm_after_min"]) == (10, None)
    assert ask("GET", "/rules", supervisor)["set_at"] is None
    ask("POST", "/trials", supervisor, json={"values": values}, expect=202)


def test_who_sees_a_part_of_the_town_is_shown_the_incidents_of_that_part(
    play: Play, ask: Ask, supervisor: Headers, log_in: LogIn, session: Session
) -> None:
    a_morning(play)
    trial = ask("POST", "/trials", supervisor, json={"values": {"alarm_persons_outage": 10}}, expect=202)
    run(session, trial["id"])
    elsewhere = log_in("supervisor", area_wkt="MULTIPOLYGON(((0 0, 1 0, 1 1, 0 1, 0 0)))")
    assert len(ask("GET", f"/trials/{trial['id']}", supervisor)["result"]["incidents"]) == 1
    result = ask("GET", f"/trials/{trial['id']}", elsewhere)["result"]
    assert (result["differing"], result["incidents"]) == (1, [])


def test_without_calls_a_trial_says_that_there_were_none(
    play: Play, ask: Ask, supervisor: Headers, session: Session
) -> None:
    trial = ask("POST", "/trials", supervisor, json={"values": {}, "days": 1}, expect=202)
    run(session, trial["id"])
    result = ask("GET", f"/trials/{trial['id']}", supervisor)["result"]
    assert (result["calls"], result["incidents"]) == (0, [])
    assert result["before"] == result["after"]
