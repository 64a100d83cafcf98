"""A crew's phone over HTTP: jobs, steps said twice, foreign jobs, the way."""

from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.models import AuditEntry
from dispatch.models import Crew
from tests.conftest import LogIn
from tests.dispatch.play import Play
from tests.town import Town
from tracker.models import LatestPosition

Headers = dict[str, str]
DONE = {"cause": "burst", "action": "repaired", "note": "clamp", "water_restored": True}


@pytest.fixture
def crew(play: Play) -> Crew:
    return play.crew("C-07", Town.junction(0, 0))


@pytest.fixture
def headers(crew: Crew, log_in: LogIn) -> Headers:
    return log_in("crew", crew_id=crew.id)


@pytest.fixture
def job(play: Play, crew: Crew, headers: Headers, client: TestClient) -> str:
    """A burst 40 m up Cedar Avenue, offered to the only crew: 200 m east, then 40 m north of it."""
    play.call("V20", "leak", at=Town.on_pipe("V20", 40.0))
    (only,) = client.get("/api/field/jobs", headers=headers).json()["items"]
    return str(only["assignment_id"])


def say(client: TestClient, headers: Headers, job: str, step: str, body: object = None) -> tuple[int, object]:
    answer = client.post(f"/api/field/jobs/{job}/{step}", headers=headers, json=body)
    if answer.status_code == 200:
        return 200, answer.json()["state"]
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"]


def test_offer_shows_what_a_crew_needs_and_no_caller(
    client: TestClient, play: Play, headers: Headers, job: str
) -> None:
    (shown,) = client.get("/api/field/jobs", headers=headers).json()["items"]
    order = shown["work_order"]
    assert (shown["state"], order["street"], order["priority"] in (1, 2, 3, 4)) == (
        "offered",
        "Mill Street",
        True,
    )
    assert order["place"] == pytest.approx(
        {"lon": Town.on_pipe("V20", 40.0).lon, "lat": Town.on_pipe("V20", 40.0).lat}, abs=1e-6
    )
    assert shown["travel_time_s"] == pytest.approx(24.0, abs=0.1)
    assert shown["valves"] == []  # nobody knows yet what there is to shut
    assert "caller" not in str(shown)


def test_valves_to_shut_come_in_their_order(
    client: TestClient, play: Play, crew: Crew, headers: Headers
) -> None:
    for number in range(3):
        play.call("H05", "no_water", caller=f"caller-{number}")
    (shown,) = client.get("/api/field/jobs", headers=headers).json()["items"]
    # The segment of row 5, as drawn in the town: four valves on the avenues south of it.
    assert [valve["order"] for valve in shown["valves"]] == [1, 2, 3, 4]
    assert {valve["asset_code"] for valve in shown["valves"]} == {"VV04", "VV14", "VV24", "VV34"}


def test_job_from_offer_to_done_and_every_step_may_be_said_twice(
    client: TestClient, play: Play, headers: Headers, job: str
) -> None:
    for step, state, body in (
        ("accept", "accepted", None),
        ("en-route", "en_route", None),
        ("on-site", "on_site", None),
        ("done", "left_site", DONE),
    ):
        assert say(client, headers, job, step, body) == (200, state)
        assert say(client, headers, job, step, body) == (200, state)
    # Answers lost long ago: what happened, happened.
    for step in ("accept", "en-route", "on-site"):
        assert say(client, headers, job, step) == (200, "left_site")
    (order,) = play.orders()
    assert (order.state, order.finding) == ("done", DONE)
    assert client.get("/api/field/jobs", headers=headers).json() == {"items": []}


def test_decline_needs_a_reason_and_may_be_said_twice(client: TestClient, headers: Headers, job: str) -> None:
    assert say(client, headers, job, "decline", {"reason": " "})[0] == 422
    assert say(client, headers, job, "decline", {"reason": "flat tyre"}) == (200, "declined")
    assert say(client, headers, job, "decline", {"reason": "flat tyre"}) == (200, "declined")
    assert say(client, headers, job, "accept") == (409, "/problems/offer-gone")


def test_steps_out_of_order_are_refused(client: TestClient, headers: Headers, job: str) -> None:
    assert say(client, headers, job, "en-route") == (409, "/problems/step-refused")
    assert say(client, headers, job, "done", DONE) == (409, "/problems/step-refused")


def test_expired_offer_is_gone(client: TestClient, play: Play, headers: Headers, job: str) -> None:
    play.wait(minutes=4)
    assert say(client, headers, job, "accept") == (409, "/problems/offer-gone")


def test_foreign_crews_job_does_not_exist(
    client: TestClient, play: Play, log_in: LogIn, headers: Headers, job: str
) -> None:
    stranger = log_in("crew", crew_id=play.crew("C-08", Town.junction(6, 5)).id)
    for step in ("accept", "en-route", "on-site"):
        assert say(client, stranger, job, step) == (404, "/problems/no-such-assignment")
    assert say(client, stranger, job, "decline", {"reason": "x"})[0] == 404
    assert say(client, stranger, job, "done", DONE)[0] == 404
    assert client.get(f"/api/field/jobs/{job}/route", headers=stranger).status_code == 404
    assert client.get("/api/field/jobs", headers=stranger).json() == {"items": []}
    assert say(client, headers, str(uuid4()), "accept")[0] == 404
    assert say(client, headers, "not-an-id", "accept")[0] == 422


def test_user_of_no_crew_has_no_jobs(client: TestClient, log_in: LogIn) -> None:
    answer = client.get("/api/field/jobs", headers=log_in("crew"))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-a-crew")


def test_finding_must_make_sense(client: TestClient, headers: Headers, job: str) -> None:
    for wrong in (
        {"cause": "dismissed"},
        {"action": "magic"},
        {"note": "x" * 4001},
        {"note": "nul\x00"},
        {"extra": 1},
    ):
        assert say(client, headers, job, "done", DONE | wrong) == (422, "/problems/malformed")


def test_route_leads_along_the_streets(client: TestClient, headers: Headers, job: str) -> None:
    answer = client.get(f"/api/field/jobs/{job}/route", headers=headers)
    assert answer.headers["content-type"] == "application/geo+json"
    feature = answer.json()
    line, told = feature["geometry"]["coordinates"], feature["properties"]
    assert (feature["type"], feature["geometry"]["type"]) == ("Feature", "LineString")
    here, there = Town.junction(0, 0), Town.on_pipe("V20", 40.0)
    assert line[0] == pytest.approx([here.lon, here.lat], abs=2e-6)
    assert line[-1] == pytest.approx([there.lon, there.lat], abs=2e-6)
    assert told["travel_time_s"] == pytest.approx(24.0, abs=0.1)
    assert told["distance_m"] == pytest.approx(240.0, abs=1.0)
    assert [step["text"] for step in told["steps"]] == [
        "Head east along Mill Street",
        "Turn left onto Cedar Avenue",
    ]


def test_route_needs_to_know_where_the_crew_is(
    client: TestClient, play: Play, crew: Crew, headers: Headers, job: str, session: Session
) -> None:
    assert say(client, headers, job, "accept")[0] == 200
    session.delete(session.get_one(LatestPosition, crew.id))
    session.flush()
    answer = client.get(f"/api/field/jobs/{job}/route", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/place-unknown")


def test_each_step_is_recorded(client: TestClient, headers: Headers, job: str, session: Session) -> None:
    say(client, headers, job, "accept")
    say(client, headers, job, "en-route")
    actions = session.scalars(
        select(AuditEntry.action).where(AuditEntry.action.like("job.%")).order_by(AuditEntry.id)
    )
    assert list(actions) == ["job.accept", "job.start_travel"]
