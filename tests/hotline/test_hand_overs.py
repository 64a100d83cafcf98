"""Callers handed over to somebody else: written down in the report and its case, no state changed."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.models import AuditEntry
from hotline.models import Case, CaseState, DirectoryEntry, EntryKind, HandOver
from tests.conftest import LogIn
from tests.hotline.conftest import Post
from tests.town import Town

Headers = dict[str, str]
Ask = Callable[..., Any]


@pytest.fixture
def ask(client: TestClient) -> Ask:
    """Ask or tell the server something."""

    def ask(method: str, path: str, headers: Headers, *, expect: int = 200, **how: Any) -> Any:
        answer = client.request(method, f"/api/{path}", headers=headers, **how)
        assert answer.status_code == expect, answer.text
        return answer.json()

    return ask


@pytest.fixture
def gas(session: Session) -> DirectoryEntry:
    entry = DirectoryEntry(
        kind=EntryKind.PARTNER,
        name_zh="燃气公司",
        name_en="Gas works",
        phones=["555-0142", "555-0143"],
        position=1,
        changed_at=utc_now(),
    )
    session.add(entry)
    session.flush()
    return entry


@pytest.fixture
def report(post_report: Post, town: Town) -> Any:
    return post_report(category="other", account_no=town.account_at["3 Mill Street"])


def hand_over(ask: Ask, who: Headers, report: Any, entry: UUID, note: str = "", *, expect: int = 201) -> Any:
    body = {"entry_id": str(entry), "note": note}
    return ask("POST", f"reports/{report['id']}/hand-over", who, expect=expect, json=body)


def steps(ask: Ask, who: Headers, report: Any) -> list[tuple[str, str, str]]:
    changes = ask("GET", f"cases/{report['case_id']}", who)["changes"]
    return [(one["why"], one["to_state"], one["note"]) for one in changes]


def test_a_hand_over_stands_in_the_report_and_its_case(
    ask: Ask, agent: Headers, report: Any, gas: DirectoryEntry, session: Session
) -> None:
    assert ask("GET", f"reports/{report['id']}", agent)["hand_overs"] == []
    made = hand_over(ask, agent, report, gas.id, "Smells of gas, not our water.")
    assert (made["name_zh"], made["name_en"], made["phones"]) == (
        "燃气公司",
        "Gas works",
        ["555-0142", "555-0143"],
    )
    shown = ask("GET", f"reports/{report['id']}", agent)
    assert (shown["hand_overs"], shown["state"], shown["case_id"]) == ([made], "located", report["case_id"])
    assert steps(ask, agent, report)[1:] == [
        ("handed_over", "open", "燃气公司 / Gas works 555-0142, 555-0143\nSmells of gas, not our water.")
    ]
    assert session.scalar(select(func.count()).where(AuditEntry.action == "report.hand_over")) == 1


def test_the_step_is_worded_in_both_languages(
    ask: Ask, agent: Headers, report: Any, gas: DirectoryEntry
) -> None:
    hand_over(ask, agent, report, gas.id)
    change = ask("GET", f"cases/{report['case_id']}", agent)["changes"][-1]
    assert change["text"] == "Handed over"
    ask("PATCH", "me", agent, json={"language": "zh"})
    assert ask("GET", f"cases/{report['case_id']}", agent)["changes"][-1]["text"] == "已转办"


def test_handing_over_twice_is_once(
    ask: Ask, agent: Headers, report: Any, gas: DirectoryEntry, session: Session
) -> None:
    first = hand_over(ask, agent, report, gas.id, "first")
    assert hand_over(ask, agent, report, gas.id, "again", expect=200) == first
    assert session.scalar(select(func.count()).select_from(HandOver)) == 1
    assert len(steps(ask, agent, report)) == 2


def test_the_words_of_that_day_stay_when_the_entry_changes(
    ask: Ask, agent: Headers, report: Any, gas: DirectoryEntry, session: Session
) -> None:
    made = hand_over(ask, agent, report, gas.id)
    gas.name_en, gas.phones = "Gas & heat", ["555-0199"]
    session.flush()
    assert ask("GET", f"reports/{report['id']}", agent)["hand_overs"] == [made]


def test_a_mistaken_hand_over_is_taken_back_and_stays_to_be_seen(
    ask: Ask, agent: Headers, report: Any, gas: DirectoryEntry
) -> None:
    made = hand_over(ask, agent, report, gas.id)
    way = f"reports/{report['id']}/hand-overs/{made['id']}/take-back"
    back = ask("POST", way, agent)
    assert back["taken_back_at"] is not None
    assert ask("POST", way, agent) == back
    assert [why for why, _, _ in steps(ask, agent, report)[1:]] == ["handed_over", "hand_over_taken_back"]
    again = hand_over(ask, agent, report, gas.id)
    assert ask("GET", f"reports/{report['id']}", agent)["hand_overs"] == [back, again]


def test_what_cannot_be_handed_over_is_a_clear_problem(
    ask: Ask, agent: Headers, report: Any, gas: DirectoryEntry, session: Session
) -> None:
    assert hand_over(ask, agent, report, uuid4(), expect=404)["type"] == "/problems/entry-not-found"
    nowhere = {"id": str(uuid4())}
    assert hand_over(ask, agent, nowhere, gas.id, expect=404)["type"] == "/problems/report-not-found"
    way = f"reports/{report['id']}/hand-overs/{uuid4()}/take-back"
    assert ask("POST", way, agent, expect=404)["type"] == "/problems/hand-over-not-found"
    gas.is_active = False
    session.flush()
    assert hand_over(ask, agent, report, gas.id, expect=409)["type"] == "/problems/entry-retired"
    gas.is_active = True
    session.get_one(Case, UUID(report["case_id"])).state = CaseState.CLOSED
    session.flush()
    assert hand_over(ask, agent, report, gas.id, expect=409)["type"] == "/problems/case-closed"


def test_another_reports_hand_over_is_not_this_ones(
    ask: Ask, agent: Headers, report: Any, gas: DirectoryEntry, post_report: Post, town: Town
) -> None:
    other = post_report(category="leak", account_no=town.account_at["2 River Street"])
    made = hand_over(ask, agent, report, gas.id)
    ask("POST", f"reports/{other['id']}/hand-overs/{made['id']}/take-back", agent, expect=404)


def test_who_may_not_see_a_report_or_work_on_cases_hands_nothing_over(
    ask: Ask, report: Any, gas: DirectoryEntry, log_in: LogIn
) -> None:
    corners = [Town.place(x, y) for x, y in ((350, -100), (700, -100), (700, 500), (350, 500), (350, -100))]
    ring = ", ".join(f"{corner.lon} {corner.lat}" for corner in corners)
    east = log_in("agent", area_wkt=f"MULTIPOLYGON((({ring})))")
    assert hand_over(ask, east, report, gas.id, expect=404)["type"] == "/problems/report-not-found"
    hand_over(ask, log_in("dispatcher"), report, gas.id, expect=403)
