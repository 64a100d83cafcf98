"""The hotline over HTTP: rights, areas, masks, plain refusals."""

from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.events import OutageDeclared
from core.models import AuditEntry, PostRole
from gis.coordinates import Datum, LonLat, from_wgs84
from hotline import handlers
from hotline.models import Report
from tests.conftest import LogIn
from tests.hotline.conftest import Post
from tests.hotline.stories import attach, close
from tests.town import Town

NOBODYS_ID = "018f6f2e-0000-7000-8000-000000000000"
PHONE = "+12025559999"
SCRIPT = "<script>alert('水')</script>"


def box(town: Town, west: float, south: float, east: float, north: float) -> str:
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    places = [town.place(x, y) for x, y in corners]
    return "MULTIPOLYGON(((" + ", ".join(f"{p.lon} {p.lat}" for p in places) + ")))"


def get(client: TestClient, headers: dict[str, str], path: str, expect: int = 200, **params: Any) -> Any:
    answer = client.get(f"/api/{path}", headers=headers, params=params)
    assert answer.status_code == expect, answer.text
    return answer.json()


def post(client: TestClient, headers: dict[str, str], path: str, body: Any = None, expect: int = 200) -> Any:
    answer = client.post(f"/api/{path}", headers=headers, json=body)
    assert answer.status_code == expect, answer.text
    return answer.json()


def point(place: LonLat, **more: str) -> dict[str, Any]:
    return {"lon": place.lon, "lat": place.lat, **more}


# --- reports ---------------------------------------------------------------------------------------------------------------


def test_a_report_comes_back_with_its_place_and_can_be_read_again(
    client: TestClient, agent: dict[str, str], post_report: Post, town: Town
) -> None:
    taken = post_report(account_no="100001", caller={"name": "王芳", "phone": PHONE}, description="没水了")
    assert taken["state"] == "located"
    assert taken["location"]["pipe_id"] == str(town.pipes["H00"])
    assert taken["caller"] == {"name": "王芳", "phone": PHONE}
    assert get(client, agent, f"reports/{taken['id']}") == taken | {"hand_overs": []}
    listed = get(client, agent, "reports", state="located")
    assert listed == {"items": [taken], "next": None}
    assert get(client, agent, "reports", since="2099-01-01T00:00:00Z")["items"] == []


def test_the_same_client_id_answers_200_with_the_same_report(post_report: Post) -> None:
    client_id = str(uuid4())
    first = post_report(account_no="100001", client_id=client_id)
    assert post_report(200, account_no="100001", client_id=client_id) == first


def test_a_list_goes_on_where_its_page_ended(
    client: TestClient, agent: dict[str, str], post_report: Post
) -> None:
    ids = [post_report(account_no=str(100001 + n))["id"] for n in range(5)]
    first = get(client, agent, "reports", limit=3)
    rest = get(client, agent, "reports", limit=3, cursor=first["next"])
    assert [r["id"] for r in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next"] is None
    for path in ("reports", "cases", "callbacks"):
        assert get(client, agent, path, 422, cursor="nonsense")["type"] == "/problems/cursor-not-understood"


def test_a_point_in_another_datum_is_converted_at_the_edge(post_report: Post, town: Town) -> None:
    place = town.on_pipe("H12", 50.0, left_m=2.0)
    shifted = from_wgs84(place, Datum.BD09)
    assert abs(shifted.lon - place.lon) > 0.005
    taken = post_report(category="leak", point=point(shifted, datum="bd09"))
    assert taken["location"]["point"]["lon"] == pytest.approx(place.lon, abs=1e-6)
    assert taken["location"]["pipe_code"] == "H12"


def test_outside_the_area_and_swapped_axes_are_refused_with_a_hint(
    post_report: Post, town: Town, session: Session
) -> None:
    problem = post_report(422, point=point(LonLat(lon=24.94, lat=60.17)))
    assert problem["type"] == "/problems/outside-service-area"
    place = town.junction(1, 1)
    assert "swapped" in post_report(422, point={"lon": place.lat, "lat": place.lon})["detail"]
    assert session.scalar(select(func.count()).select_from(Report)) == 0


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"category": "earthquake"}, "#/category"),
        ({"channel": "pigeon"}, "#/channel"),
        ({"colour": "blue"}, "#/colour"),
        ({"description": "x" * 4001}, "#/description"),
        ({"description": "a\u0000b"}, "#/description"),
        ({"caller": {"name": "a\nb"}}, "#/caller/name"),
        ({"caller": {"phone": "1" * 41}}, "#/caller/phone"),
        ({"caller": {"email": "a@b"}}, "#/caller/email"),
        ({"point": {"lon": 500, "lat": 1}}, "#/point/lon"),
        ({"point": {"lon": "east", "lat": 1}}, "#/point/lon"),
        ({"noticed_at": "2026-01-01T00:00:00"}, "#/noticed_at"),
        ({"noticed_at": "0001-01-01T00:00:00Z"}, "#/noticed_at"),
        ({"noticed_at": "2099-01-01T00:00:00Z"}, "#/noticed_at"),
        ({"client_id": "7"}, "#/client_id"),
        ({"extent": "the world"}, "#/extent"),
    ],
)
def test_malformed_input_is_named_by_its_place(
    post_report: Post, session: Session, wrong: dict[str, Any], pointer: str
) -> None:
    problem = post_report(422, **wrong)
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert session.scalar(select(func.count()).select_from(Report)) == 0


def test_callers_words_are_plain_text(post_report: Post) -> None:
    taken = post_report(
        account_no=SCRIPT,
        address_text=SCRIPT,
        description=SCRIPT,
        caller={"name": SCRIPT, "phone": "<b>8012"},
    )
    assert (taken["description"], taken["caller"]["name"], taken["address_text"]) == (SCRIPT, SCRIPT, SCRIPT)
    assert (taken["caller"]["phone"], taken["state"]) == ("8012", "unlocated")
    assert taken["tried"]["problem"] == "account-not-found"


def test_an_agent_locates_an_unlocated_report_once(
    client: TestClient, agent: dict[str, str], post_report: Post
) -> None:
    taken = post_report(caller={"phone": PHONE})
    assert taken["state"] == "unlocated"
    place = f"reports/{taken['id']}/locate"
    assert post(client, agent, place, {}, 422)["type"] == "/problems/nothing-to-locate"
    assert post(client, agent, place, {"account_no": "none"}, 404)["type"] == "/problems/account-not-found"
    located = post(client, agent, place, {"address_text": "5 Market Street"})
    assert (located["state"], located["location"]["pipe_code"]) == ("located", "H12")
    again = post(client, agent, place, {"account_no": "100001"}, 409)
    assert again["type"] == "/problems/report-already-located"


# --- who sees what ---------------------------------------------------------------------------------------------------------


def test_a_person_of_another_area_sees_nothing_at_all(
    client: TestClient, log_in: LogIn, post_report: Post, session: Session, town: Town
) -> None:
    taken = post_report(account_no="100001", caller={"phone": PHONE})
    one = session.scalars(select(Report)).one()
    [due] = close(session, attach(session, [one]), [one])
    session.flush()
    unlocated = post_report(caller={"phone": "+12025558888"})
    declare(session, town.segments["H00"])
    east = log_in("supervisor", area_wkt=box(town, 420, -200, 800, 600))
    for path in ("reports", "cases", "callbacks", "known-outages"):
        assert get(client, east, path)["items"] == [], path
    for missing in (
        f"reports/{taken['id']}",
        f"reports/{unlocated['id']}",
        f"cases/{taken['case_id']}",
        f"callbacks/{due.id}",
    ):
        get(client, east, missing, 404)
    for refused, body in (
        (f"reports/{unlocated['id']}/locate", {"account_no": "100001"}),
        (f"cases/{taken['case_id']}/take", None),
        (f"cases/{taken['case_id']}/answer", {"answer": "done"}),
        (f"callbacks/{due.id}/claim", None),
        (f"callbacks/{due.id}/outcome", {"outcome": "satisfied"}),
    ):
        post(client, east, refused, body, 404)
    looked_up = post(client, east, "callers/lookup", {"phone": town.phones["100001"]})
    assert (looked_up["accounts"], looked_up["recent_reports"], looked_up["known_outage"]) == ([], [], None)


def test_a_report_of_another_area_is_taken_without_telling_where_it_is(
    client: TestClient, log_in: LogIn, post_report: Post, town: Town
) -> None:
    east = log_in("agent", area_wkt=box(town, 420, -200, 800, 600))
    form = {"account_no": "100001", "client_id": str(uuid4()), "caller": {"name": "Ann", "phone": PHONE}}
    for answer in (
        post_report(headers=east, **form),
        post_report(200, headers=east, **form),
        post_report(headers=east, caller={"name": "Ann", "phone": PHONE}),
    ):
        assert (answer["location"], answer["address_text"], answer["account_no"]) == (None, None, None)
        assert answer["caller"] == {"name": None, "phone": None}
        assert "Mill Street" not in str(answer)
    assert post_report(200, **form)["location"]["pipe_code"] == "H00"
    west = log_in("agent", area_wkt=box(town, -200, -200, 350, 600))
    assert post_report(200, headers=west, **form)["location"]["pipe_code"] == "H00"


def test_a_member_of_a_case_outside_the_area_is_not_shown(
    client: TestClient, log_in: LogIn, post_report: Post, town: Town
) -> None:
    mine = post_report(account_no="100001", caller={"phone": PHONE})
    unlocated = post_report(caller={"phone": PHONE})
    assert unlocated["case_id"] == mine["case_id"]
    west = log_in("supervisor", area_wkt=box(town, -200, -200, 350, 600))
    case = get(client, west, f"cases/{mine['case_id']}")
    assert ([one["id"] for one in case["reports"]], case["report_ids"]) == ([mine["id"]], [mine["id"]])
    [listed] = get(client, west, "cases")["items"]
    assert listed["report_ids"] == [mine["id"]]


def test_a_person_of_the_area_sees_it(
    client: TestClient, log_in: LogIn, post_report: Post, session: Session, town: Town
) -> None:
    post_report(account_no="100001", caller={"phone": PHONE})
    one = session.scalars(select(Report)).one()
    close(session, attach(session, [one]), [one])
    declare(session, town.segments["H00"])
    west = log_in("supervisor", area_wkt=box(town, -200, -200, 350, 600))
    for path in ("reports", "cases", "callbacks", "known-outages"):
        assert len(get(client, west, path)["items"]) == 1, path


def test_a_dispatcher_sees_masked_numbers(client: TestClient, log_in: LogIn, post_report: Post) -> None:
    taken = post_report(account_no="100001", caller={"name": "Ann", "phone": "138 0013 8000"})
    seen = get(client, log_in("dispatcher"), f"reports/{taken['id']}")
    assert seen["caller"] == {"name": "Ann", "phone": "138****8000"}
    assert seen["address_text"] == taken["address_text"]
    assert "13800138000" not in str(seen)


def test_without_the_right_to_addresses_none_is_shown(
    client: TestClient, log_in: LogIn, post_report: Post, session: Session
) -> None:
    post_report(account_no="100001", address_text="1 Mill Street", caller={"phone": PHONE})
    one = session.scalars(select(Report)).one()
    close(session, attach(session, [one]), [one])
    agent_without = log_in("agent")
    hide_fields(session)
    for path in ("reports", "callbacks"):
        [seen] = get(client, agent_without, path)["items"]
        assert "Mill Street" not in str({k: v for k, v in seen.items() if k != "location"})
    location = get(client, agent_without, "reports")["items"][0]["location"]
    assert (location["address_text"], location["account_no"]) == (None, None)
    found = post(client, agent_without, "callers/lookup", {"phone": "+12025550001"})
    assert found["accounts"][0]["address_text"] is None
    assert found["phone"] == "202****0001"


def hide_fields(session: Session) -> None:
    session.scalars(select(PostRole).where(PostRole.name == "agent")).one().fields = []
    session.flush()


@pytest.mark.parametrize(
    ("role", "path", "body"),
    [
        ("dispatcher", "reports", {"channel": "phone", "category": "leak"}),
        ("dispatcher", "callers/lookup", {"phone": PHONE}),
        ("dispatcher", f"callbacks/{NOBODYS_ID}/claim", None),
        ("dispatcher", f"cases/{NOBODYS_ID}/answer", {"answer": "done"}),
        ("crew", "reports", {"channel": "phone", "category": "leak"}),
    ],
)
def test_a_role_without_the_operation_is_refused(
    client: TestClient, log_in: LogIn, role: str, path: str, body: Any
) -> None:
    assert post(client, log_in(role), path, body, 403)["type"] == "/problems/operation-not-allowed"


def test_every_deed_is_written_down_without_personal_data(
    client: TestClient, agent: dict[str, str], post_report: Post, session: Session
) -> None:
    post_report(account_no="100001", caller={"name": "Ann", "phone": PHONE})
    post(client, agent, "callers/lookup", {"phone": PHONE})
    deeds = session.execute(
        select(AuditEntry.action, AuditEntry.digest)
        .where(AuditEntry.action != "session.begin")
        .order_by(AuditEntry.id)
    ).all()
    assert [tuple(deed) for deed in deeds] == [
        ("report.take", "no_water, located"),
        ("caller.look_up", "accounts=0"),
    ]


# --- callers and outages ---------------------------------------------------------------------------------------------------


def declare(session: Session, segment: int) -> OutageDeclared:
    event = OutageDeclared(uuid4(), 1042, "burst", (segment,), 212, None, None, utc_now())
    handlers.learn_outage(session, event)
    session.flush()
    return event


def test_a_caller_is_known_by_his_number_with_place_history_and_outage(
    client: TestClient, agent: dict[str, str], post_report: Post, session: Session, town: Town
) -> None:
    taken = post_report(account_no="100001", caller={"phone": "+1 (202) 555-0001"})
    assert taken["caller"]["phone"] == "+12025550001"
    declare(session, town.segments["H00"])
    found = post(client, agent, "callers/lookup", {"phone": "+1 202 555 0001"})
    [account] = found["accounts"]
    assert (account["account_no"], account["address_text"]) == ("100001", "1 Mill Street")
    assert account["location"]["pipe_code"] == "H00"
    assert [report["id"] for report in found["recent_reports"]] == [taken["id"]]
    assert found["known_outage"]["incident_number"] == 1042
    assert "burst main" in found["known_outage"]["say"]


def test_an_unknown_caller_is_no_error(client: TestClient, agent: dict[str, str]) -> None:
    for number in (PHONE, "withheld"):
        found = post(client, agent, "callers/lookup", {"phone": number})
        assert (found["accounts"], found["recent_reports"]) == ([], [])


def test_outages_are_listed_by_segment(client: TestClient, agent: dict[str, str], session: Session) -> None:
    declare(session, 3)
    assert len(get(client, agent, "known-outages", segment_id=3)["items"]) == 1
    assert get(client, agent, "known-outages", segment_id=4)["items"] == []
    get(client, agent, "known-outages", 422, segment_id=2**40)


# --- cases and callbacks ---------------------------------------------------------------------------------------------------


def test_a_stray_call_is_answered_and_called_back_by_hand(
    client: TestClient, agent: dict[str, str], post_report: Post
) -> None:
    taken = post_report(category="other", caller={"name": "Ann", "phone": PHONE})
    case = f"cases/{taken['case_id']}"
    [waiting] = get(client, agent, "cases", is_with_desk=True)["items"]
    assert waiting["report_ids"] == [taken["id"]]
    assert post(client, agent, f"{case}/take")["state"] == "in_hand"
    assert post(client, agent, f"{case}/answer", {"answer": SCRIPT})["state"] == "answered"
    assert (
        post(client, agent, f"{case}/answer", {"answer": "x"}, 409)["type"]
        == "/problems/case-already-answered"
    )
    assert get(client, agent, "cases", is_with_desk=True)["items"] == []
    [due] = get(client, agent, "callbacks", state="due")["items"]
    assert due["caller"] == {"name": "Ann", "phone": PHONE}
    assert due["script"].startswith("Hello, this is Mainline.")
    callback = f"callbacks/{due['id']}"
    early = post(client, agent, f"{callback}/outcome", {"outcome": "satisfied"}, 409)
    assert early["type"] == "/problems/callback-not-claimed"
    assert post(client, agent, f"{callback}/claim")["state"] == "attempting"
    assert post(client, agent, f"{callback}/outcome", {"outcome": "not_reached"}, 422)["type"] == (
        "/problems/reason-missing"
    )
    ended = post(client, agent, f"{callback}/outcome", {"outcome": "satisfied", "note": SCRIPT})
    assert (ended["state"], ended["outcome"], ended["tries"][0]["note"]) == ("reached", "satisfied", SCRIPT)
    closed = get(client, agent, case)
    assert closed["state"] == "closed"
    assert [change["to_state"] for change in closed["changes"]] == [
        "open",
        "in_hand",
        "answered",
        "called_back",
        "closed",
    ]
    assert closed["changes"][2]["note"] == SCRIPT


def test_an_agent_may_not_answer_what_an_open_incident_answers(
    client: TestClient, agent: dict[str, str], post_report: Post, session: Session
) -> None:
    taken = post_report(account_no="100001", caller={"phone": PHONE})
    attach(session, [session.scalars(select(Report)).one()])
    refused = post(client, agent, f"cases/{taken['case_id']}/answer", {"answer": "x"}, 409)
    assert refused["type"] == "/problems/case-with-incident"
    assert get(client, agent, "callbacks")["items"] == []


def test_a_colleagues_callback_is_refused(
    client: TestClient, agent: dict[str, str], log_in: LogIn, post_report: Post, session: Session
) -> None:
    post_report(account_no="100001", caller={"phone": PHONE})
    one = session.scalars(select(Report)).one()
    [due] = close(session, attach(session, [one]), [one])
    post(client, agent, f"callbacks/{due.id}/claim")
    taken = post(client, log_in("agent"), f"callbacks/{due.id}/claim", expect=409)
    assert taken["type"] == "/problems/callback-taken"


def test_callbacks_are_paged_those_to_be_made_first_first(
    client: TestClient, agent: dict[str, str], post_report: Post, session: Session
) -> None:
    for n in range(3):
        post_report(account_no=str(100001 + n), caller={"phone": f"+1202555900{n}"})
    reports = session.scalars(select(Report).order_by(Report.id)).all()
    due = close(session, attach(session, reports), reports)
    session.flush()
    first = get(client, agent, "callbacks", state="due", limit=2)
    rest = get(client, agent, "callbacks", state="due", limit=2, cursor=first["next"])
    assert [c["id"] for c in first["items"] + rest["items"]] == [str(c.id) for c in due]
    assert "burst" in first["items"][0]["script"]


def test_what_to_say_is_worded_in_the_agents_language(
    client: TestClient, log_in: LogIn, post_report: Post, session: Session
) -> None:
    post_report(account_no="100001", caller={"phone": PHONE})
    one = session.scalars(select(Report)).one()
    close(session, attach(session, [one]), [one])
    headers = log_in("agent")
    client.patch("/api/me", headers=headers, json={"language": "zh"})
    [due] = get(client, headers, "callbacks")["items"]
    assert "恢复正常" in due["script"]
