"""Dispatch over HTTP: who may, what comes back, what is refused."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import real_now
from core.models import AuditEntry
from dispatch import assignment, incidents, merging, queries
from dispatch.changes import By
from dispatch.models import Cause
from gis.coordinates import Datum, LonLat, from_wgs84
from gis.models import RoadGraph
from tests.conftest import LogIn
from tests.dispatch.play import FOUND, Play
from tracker.models import Device

WEST_AREA = "MULTIPOLYGON(((-33.01 39.99, -32.9964 39.99, -32.9964 40.02, -33.01 40.02, -33.01 39.99)))"
"""Columns 0 to 2 of the town (J00 lies at 33° W, 40° N)."""


@pytest.fixture
def dispatcher(log_in: LogIn) -> dict[str, str]:
    return log_in("dispatcher")


@pytest.fixture
def supervisor(log_in: LogIn) -> dict[str, str]:
    return log_in("supervisor")


def get(client: TestClient, path: str, headers: dict[str, str], *, expect: int = 200, **params: Any) -> Any:
    answer = client.get(path, params=params, headers=headers)
    assert answer.status_code == expect, answer.text
    return answer.json()


def post(
    client: TestClient, path: str, headers: dict[str, str], body: Any = None, *, expect: int = 200
) -> Any:
    answer = client.post(path, json=body, headers=headers)
    assert answer.status_code == expect, answer.text
    return answer.json()


def three_dry(play: Play) -> str:
    for pipe in ("H02", "H12", "H22"):
        play.call(pipe)
    return str(play.incident().id)


# --- incidents -------------------------------------------------------------------------------------------------------------


def test_an_incident_is_told_with_place_reports_reasons_plan_and_work(
    play: Play, client: TestClient, dispatcher: dict[str, str]
) -> None:
    crew = play.crew("one", play.town.junction(1, 2))
    incident_id = three_dry(play)
    play.answer(crew, assignment.accept)
    (line,) = get(client, "/api/incidents", dispatcher)["items"]
    assert (line["id"], line["report_count"], line["level"], line["crew_codes"]) == (
        incident_id,
        3,
        "cluster",
        ["one"],
    )
    assert line["due_at"] is not None
    detail = get(client, f"/api/incidents/{incident_id}", dispatcher)
    assert detail["place"] == {"point": detail["point"], "street": "Mill Street"}
    assert [one["decision"] for one in detail["reports"]] == ["opened", "joined", "joined"]
    assert detail["reports"][0]["reason"].startswith("stands alone")
    assert "3 calls from 3 customers" in detail["reports"][2]["reason"]
    assert detail["customers_without_water"] == detail["plan"]["customers"] > 0
    assert [valve["order"] for valve in detail["plan"]["valves_to_close"]] == list(range(1, 8))
    (order,) = detail["work_orders"]
    assert (order["kind"], order["crew_code"], order["assignment_state"]) == ("inspect", "one", "accepted")
    steps = [(one["what"], one["who"], one["why"]) for one in detail["timeline"]]
    assert steps[0] == ("Suspected", None, "first report")
    assert ("Crew accepted", "One", "") in steps
    assert ("more calls than chance explains: a cluster", None, "") in steps


def test_reasons_come_in_the_readers_language(
    play: Play, client: TestClient, dispatcher: dict[str, str]
) -> None:
    incident_id = three_dry(play)
    client.patch("/api/me", json={"language": "zh"}, headers=dispatcher).raise_for_status()
    detail = get(client, f"/api/incidents/{incident_id}", dispatcher)
    assert "3 户来电 3 次" in detail["reports"][2]["reason"]
    assert detail["timeline"][0]["what"] == "疑似"


def test_lists_come_in_parts(play: Play, client: TestClient, dispatcher: dict[str, str]) -> None:
    for pipe in ("H00", "H40", "H05"):
        play.call(pipe, "other")
    first = get(client, "/api/incidents", dispatcher, state="all", limit=2)
    assert len(first["items"]) == 2
    second = get(client, "/api/incidents", dispatcher, state="all", limit=2, cursor=first["next"])
    assert (len(second["items"]), second["next"]) == (1, None)
    ids = [one["id"] for one in first["items"] + second["items"]]
    assert ids == sorted(ids, reverse=True)
    assert get(client, "/api/incidents", dispatcher, state="closed")["items"] == []


def test_a_dispatcher_confirms_takes_back_dismisses_and_every_deed_is_recorded(
    play: Play, client: TestClient, dispatcher: dict[str, str], session: Session, by_hand_only: None
) -> None:
    path = f"/api/incidents/{three_dry(play)}"
    assert post(client, f"{path}/confirm", dispatcher, {"kind": "burst"})["kind"] == "burst"
    problem = post(client, f"{path}/confirm", dispatcher, {}, expect=409)
    assert problem["type"] == "/problems/step-refused"
    assert post(client, f"{path}/unconfirm", dispatcher)["state"] == "suspected"
    gone = post(client, f"{path}/dismiss", dispatcher, {"why": "<b>drill</b>"})
    assert (gone["state"], gone["timeline"][-1]["why"]) == ("dismissed", "<b>drill</b>")
    post(client, f"{path}/close", dispatcher, {"why": "late"}, expect=409)
    deeds = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert [one for one in deeds if one.startswith("incident.")] == [
        "incident.confirm",
        "incident.unconfirm",
        "incident.dismiss",
    ]


def test_closing_by_hand_names_the_cause(play: Play, client: TestClient, dispatcher: dict[str, str]) -> None:
    path = f"/api/incidents/{three_dry(play)}"
    closed = post(client, f"{path}/close", dispatcher, {"cause": "closed_valve", "why": "opened it"})
    assert (closed["state"], closed["cause"]) == ("closed", Cause.CLOSED_VALVE)
    assert [order["state"] for order in closed["work_orders"]] == ["cancelled"]
    for bad in ({}, {"why": ""}, {"why": "x", "cause": "aliens"}, {"why": "x", "extra": 1}):
        post(client, f"{path}/close", dispatcher, bad, expect=422)


def test_merge_undo_and_split_over_http(
    play: Play, client: TestClient, dispatcher: dict[str, str], by_hand_only: None
) -> None:
    for pipe in ("H00", "H10", "H40"):
        play.call(pipe)
    older, younger = play.incidents()
    into = {"into_incident_id": str(older.id)}
    heir = post(client, f"/api/incidents/{younger.id}/merge", dispatcher, into)
    assert (heir["id"], heir["report_count"], heir["also_numbers"]) == (str(older.id), 3, [younger.number])
    came = {one["decision"]: one["came_from_number"] for one in heir["reports"]}
    assert (came["opened"], came["moved"]) == (None, younger.number)
    assert {one["confidence"] for one in heir["reports"]} == {0.99}
    alias = get(client, f"/api/incidents/{younger.id}", dispatcher)
    assert (alias["state"], alias["merged_into_number"]) == ("merged", older.number)
    post(client, f"/api/incidents/{older.id}/merge", dispatcher, into, expect=422)
    back = post(client, f"/api/incidents/{younger.id}/unmerge", dispatcher)
    assert (back["state"], back["report_count"]) == ("suspected", 1)
    moving = get(client, f"/api/incidents/{older.id}", dispatcher)["reports"][1]["report_id"]
    child = post(client, f"/api/incidents/{older.id}/split", dispatcher, {"report_ids": [moving]}, expect=201)
    assert (child["split_from_id"], child["report_count"]) == (str(older.id), 1)
    post(client, f"/api/incidents/{older.id}/split", dispatcher, {"report_ids": [moving]}, expect=422)


def test_crews_are_ranked_with_routes_of_the_first_and_reasons_of_the_others(
    play: Play, client: TestClient, dispatcher: dict[str, str], by_hand_only: None
) -> None:
    incident_id = three_dry(play)
    for column in range(5):
        play.crew(f"c{column}", play.town.junction(column, 0))
    play.crew("off", play.town.junction(1, 2), on_shift=False)
    ranked = get(client, f"/api/incidents/{incident_id}/crews", dispatcher)["ranked"]
    assert [one["eligible"] for one in ranked] == [True] * 5 + [False]
    assert [one["route"] is not None for one in ranked] == [True] * 3 + [False] * 3
    times = [one["travel_time_s"] for one in ranked[:5]]
    assert times == sorted(times)
    assert ranked[0]["route"]["type"] == "LineString"
    assert (ranked[5]["reason_code"], ranked[5]["reason"]) == ("off_shift", "not on shift")


def test_crews_outside_ones_area_are_ranked_without_their_place(
    play: Play, client: TestClient, log_in: LogIn, by_hand_only: None
) -> None:
    incident_id = three_dry(play)
    play.crew("west", play.town.junction(0, 0))
    play.crew("east", play.town.junction(6, 0))
    play.crew("east-late", play.town.junction(6, 1), age_s=9000)
    local = log_in("dispatcher", area_wkt=WEST_AREA)
    ranked = get(client, f"/api/incidents/{incident_id}/crews", local)["ranked"]
    seen = {one["code"]: one for one in ranked}
    assert seen["west"]["route"] is not None
    assert seen["west"]["travel_time_s"] > 0
    assert [seen[code]["eligible"] for code in ("west", "east", "east-late")] == [True, True, False]
    assert seen["east-late"]["reason_code"] == "no_position"
    place = ("travel_time_s", "distance_m", "straight_line_m", "position_age_s", "route")
    assert {seen[code][key] for code in ("east", "east-late") for key in place} == {None}


def near(client: TestClient, headers: dict[str, str], place: LonLat, **more: Any) -> dict[str, Any]:
    """Ask how far crews are from a place, by code, in the order of the answer."""
    items = get(client, "/api/crews/near", headers, lon=place.lon, lat=place.lat, **more)["items"]
    return {one["code"]: one for one in items}


def test_every_crew_is_told_with_its_way_by_road_the_first_to_arrive_first(
    play: Play, client: TestClient, dispatcher: dict[str, str], by_hand_only: None
) -> None:
    """To J42 on Market Street, one-way west: from J52 10 s along it; from J32 up, along 中山路 and down, 8 + 10 + 8 s."""
    play.crew("behind", play.town.junction(3, 2))
    play.crew("beside", play.town.junction(5, 2))
    play.crew("lost", play.town.junction(4, 3), age_s=3600)
    play.crew("off", play.town.junction(4, 4), on_shift=False)
    play.crew("silent", None)
    told = near(client, dispatcher, play.town.junction(4, 2))
    assert list(told) == ["lost", "beside", "off", "behind", "silent"]
    ways = {
        code: (one["travel_time_s"], one["distance_m"], one["straight_line_m"]) for code, one in told.items()
    }
    for code, way in {
        "lost": (8.0, 80.0, 80.0),
        "beside": (10.0, 100.0, 100.0),
        "off": (16.0, 160.0, 160.0),
        "behind": (26.0, 260.0, 100.0),
    }.items():
        assert ways[code] == pytest.approx(way, abs=0.6), code
    assert ways["silent"] == (None, None, None)
    assert {code: (one["is_on_shift"], one["is_stale"]) for code, one in told.items()} == {
        "lost": (True, True),
        "beside": (True, False),
        "off": (False, False),
        "behind": (True, False),
        "silent": (True, True),
    }
    assert (told["lost"]["position_age_s"], told["silent"]["presence"]) == (3600.0, None)
    shifted = from_wgs84(play.town.junction(4, 2), Datum.BD09)
    assert near(client, dispatcher, shifted, datum="bd09") == told


def test_a_busy_crew_is_told_with_its_work(
    play: Play, client: TestClient, dispatcher: dict[str, str]
) -> None:
    crew = play.crew("busy", play.town.junction(0, 0))
    three_dry(play)
    post(client, f"/api/incidents/{play.incident().id}/confirm", dispatcher, {})
    play.relay()
    (order,) = play.orders()
    told = near(client, dispatcher, play.town.junction(0, 0))["busy"]
    assert (told["crew_id"], told["bound_state"]) == (str(crew.id), "offered")
    assert told["bound_order_number"] == order.number


def test_without_a_road_graph_only_the_straight_line_is_told(
    play: Play, client: TestClient, dispatcher: dict[str, str], session: Session
) -> None:
    session.execute(update(RoadGraph).values(is_current=False))
    play.crew("far", play.town.junction(6, 0))
    play.crew("near", play.town.junction(0, 5))
    told = near(client, dispatcher, play.town.junction(0, 0))
    assert {code: one["travel_time_s"] for code, one in told.items()} == {"near": None, "far": None}
    assert [one["straight_line_m"] for one in told.values()] == pytest.approx([400.0, 600.0], rel=0.005)


def test_crews_near_are_those_of_ones_area(play: Play, client: TestClient, log_in: LogIn) -> None:
    play.crew("west", play.town.junction(0, 0))
    play.crew("east", play.town.junction(6, 0))
    play.crew("silent", None)
    local = log_in("dispatcher", area_wkt=WEST_AREA)
    assert list(near(client, local, play.town.junction(1, 0))) == ["west"]
    east = play.town.junction(6, 0)
    outside = get(client, "/api/crews/near", local, expect=422, lon=east.lon, lat=east.lat)
    assert outside["type"] == "/problems/outside-service-area"
    sea = get(client, "/api/crews/near", local, expect=422, lon=10.0, lat=55.0)
    assert sea["type"] == "/problems/outside-service-area"
    for role in ("agent", "crew"):
        get(client, "/api/crews/near", log_in(role), expect=403, lon=east.lon, lat=east.lat)


def test_a_dispatcher_orders_offers_and_cancels_work(
    play: Play, client: TestClient, dispatcher: dict[str, str], by_hand_only: None
) -> None:
    crew = play.crew("one", play.town.junction(1, 2))
    incident_id = three_dry(play)
    order = post(
        client, f"/api/incidents/{incident_id}/work-orders", dispatcher, {"kind": "repair"}, expect=201
    )
    assert (order["state"], order["skills"]) == ("proposed", ["repair"])
    offered = post(client, f"/api/work-orders/{order['id']}/offer", dispatcher, {"crew_id": str(crew.id)})
    assert (offered["crew_code"], offered["assignment_state"]) == ("one", "offered")
    assert offered["assignments"][0]["is_by_hand"] is True
    play.answer(crew, assignment.accept)
    post(client, f"/api/work-orders/{order['id']}/offer", dispatcher, {"crew_id": str(crew.id)}, expect=409)
    released = post(client, f"/api/work-orders/{order['id']}/release", dispatcher, {"why": "ill"})
    assert (released["state"], released["crew_code"]) == ("proposed", None)
    cancelled = post(client, f"/api/work-orders/{order['id']}/cancel", dispatcher, {"why": "not needed"})
    assert cancelled["state"] == "cancelled"
    post(client, f"/api/work-orders/{order['id']}/cancel", dispatcher, {"why": "again"}, expect=409)
    assert get(client, "/api/work-orders", dispatcher)["items"] == []
    assert [one["id"] for one in get(client, "/api/work-orders", dispatcher, state="all")["items"]] == [
        order["id"]
    ]
    assert get(client, f"/api/work-orders/{order['id']}", dispatcher)["state"] == "cancelled"
    post(client, f"/api/work-orders/{order['id']}/offer", dispatcher, {"crew_id": str(uuid4())}, expect=409)


def test_what_is_not_there_is_not_found(client: TestClient, dispatcher: dict[str, str]) -> None:
    for path in ("incidents", "work-orders"):
        assert get(client, f"/api/{path}/{uuid4()}", dispatcher, expect=404)["status"] == 404
        get(client, f"/api/{path}/nonsense", dispatcher, expect=422)
    get(client, "/api/incidents", dispatcher, expect=422, state="half")
    get(client, "/api/incidents", dispatcher, expect=422, limit=0)


# --- who may ---------------------------------------------------------------------------------------------------------------


def test_others_areas_are_not_seen_nor_decided_about(play: Play, client: TestClient, log_in: LogIn) -> None:
    play.call("H00")
    play.call("H50")
    west, east = play.incidents()
    local = log_in("dispatcher", area_wkt=WEST_AREA)
    assert [one["id"] for one in get(client, "/api/incidents", local)["items"]] == [str(west.id)]
    assert [one["incident_id"] for one in get(client, "/api/work-orders", local)["items"]] == [str(west.id)]
    for path in (f"/api/incidents/{east.id}", f"/api/incidents/{east.id}/crews"):
        get(client, path, local, expect=404)
    post(client, f"/api/incidents/{east.id}/confirm", local, {}, expect=404)
    foreign = next(order for order in play.orders() if order.incident_id == east.id)
    post(client, f"/api/work-orders/{foreign.id}/cancel", local, {"why": "x"}, expect=404)
    into = {"into_incident_id": str(east.id)}
    post(client, f"/api/incidents/{west.id}/merge", local, into, expect=404)


def test_agents_read_but_do_not_decide_and_crews_do_neither(
    play: Play, client: TestClient, log_in: LogIn
) -> None:
    incident_id = three_dry(play)
    agent, crew = log_in("agent"), log_in("crew")
    get(client, f"/api/incidents/{incident_id}", agent)
    post(client, f"/api/incidents/{incident_id}/confirm", agent, {}, expect=403)
    get(client, "/api/work-orders", agent, expect=403)
    for path in ("/api/incidents", "/api/work-orders", "/api/crews", "/api/shifts"):
        get(client, path, crew, expect=403)


# --- crews and shifts ------------------------------------------------------------------------------------------------------


def test_a_supervisor_adds_a_crew_its_shift_and_its_phone(
    play: Play, client: TestClient, supervisor: dict[str, str], dispatcher: dict[str, str]
) -> None:
    depot = play.town.junction(1, 1)
    body = {
        "code": "crew-9",
        "name": "抢修九班",
        "skills": ["inspect", "repair"],
        "depot": {"lon": depot.lon, "lat": depot.lat},
    }
    crew = post(client, "/api/crews", supervisor, body, expect=201)
    post(client, "/api/crews", supervisor, body, expect=409)
    post(client, "/api/crews", dispatcher, body | {"code": "x"}, expect=403)
    swapped = body | {"code": "x", "depot": {"lon": depot.lat, "lat": depot.lon}}
    assert "swapped" in post(client, "/api/crews", supervisor, swapped, expect=422)["detail"]
    for bad in ({"code": "a/b"}, {"code": ""}, {"skills": []}, {"skills": ["fly"]}):
        post(client, "/api/crews", supervisor, body | bad, expect=422)
    start = play.now
    shift = {
        "crew_id": crew["id"],
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=8)).isoformat(),
    }
    post(client, "/api/shifts", supervisor, shift, expect=201)
    post(client, "/api/shifts", supervisor, shift, expect=409)
    backwards = shift | {"ends_at": shift["starts_at"]}
    post(client, "/api/shifts", supervisor, backwards, expect=422)
    post(client, "/api/shifts", supervisor, shift | {"crew_id": str(uuid4())}, expect=404)
    (listed,) = get(client, "/api/crews", dispatcher)["items"]
    assert listed["on_shift_until"] is not None
    assert len(get(client, "/api/shifts", dispatcher, since=start.isoformat())["items"]) == 1
    first = post(client, f"/api/crews/{crew['id']}/device", supervisor, expect=201)
    second = post(client, f"/api/crews/{crew['id']}/device", supervisor, expect=201)
    assert first["mqtt_username"] == second["mqtt_username"] == "crew-9"
    assert first["mqtt_password"] != second["mqtt_password"]
    post(client, f"/api/crews/{uuid4()}/device", supervisor, expect=404)


def test_a_lost_phone_is_shut_out_and_that_is_recorded(
    play: Play,
    client: TestClient,
    supervisor: dict[str, str],
    dispatcher: dict[str, str],
    session: Session,
) -> None:
    crew = play.crew("crew-9", None)
    path = f"/api/crews/{crew.id}/device"
    assert client.delete(path, headers=supervisor).status_code == 404
    post(client, path, supervisor, expect=201)
    assert client.delete(path, headers=dispatcher).status_code == 403
    assert client.delete(path, headers=supervisor).status_code == 204
    device = session.scalars(select(Device).execution_options(populate_existing=True)).one()
    assert device.revoked_at is not None
    assert "crew.revoke_device" in session.scalars(select(AuditEntry.action)).all()
    assert client.delete(f"/api/crews/{uuid4()}/device", headers=supervisor).status_code == 404


# --- for the phone and the maps ----------------------------------------------------------------------------------------------


def test_the_phone_sees_its_jobs_and_nothing_of_the_callers(play: Play) -> None:
    crew = play.crew("one", play.town.junction(1, 2))
    three_dry(play)
    (job,) = queries.jobs_of_crew(play.session, crew.id)
    assert (job.state, job.kind, job.street) == ("offered", "inspect", "Mill Street")
    assert job.description == "No water: 3 calls from 3 customers"
    assert queries.jobs_of_crew(play.session, crew.id, language="zh")[0].description == "停水：3 户来电 3 次"
    assert len(job.valves) == 7
    assert job.customers_without_water > 0
    play.work(crew, FOUND)
    (job,) = queries.jobs_of_crew(play.session, crew.id)
    assert (job.state, job.kind, job.incident_kind) == ("offered", "repair", "burst")


def test_the_maps_picture_names_who_is_where_and_at_what(play: Play, supervisor: dict[str, str]) -> None:
    busy, _ = play.crew("busy", play.town.junction(1, 2)), play.crew("idle", play.town.junction(6, 0))
    play.crew("home", None, on_shift=False)
    three_dry(play)
    play.go(busy)
    actor = _everybody()
    crews = {one.code: one for one in queries.crews_overview(play.session, actor)}
    assert {code: one.status for code, one in crews.items()} == {
        "busy": "on_site",
        "idle": "free",
        "home": "off_duty",
    }
    job = crews["busy"].job
    assert job is not None
    assert (job.incident_number, job.started_at) == (play.incident().number, play.now)
    (seen,) = queries.open_incidents(play.session, actor)
    assert (seen.crew_codes, seen.due_at) == (["busy"], None)
    local = _everybody(area_wkt=WEST_AREA)
    (seen_there,) = queries.crews_overview(play.session, local)
    assert (seen_there.code, seen_there.status, seen_there.job) == ("busy", "on_site", job)


def test_a_job_outside_the_readers_area_is_not_shown_with_its_crew(play: Play) -> None:
    crew = play.crew("guest", play.town.junction(5, 0))
    play.call("H50")
    play.answer(crew, assignment.accept)
    play.stand(crew, play.town.junction(1, 1))
    (seen,) = queries.crews_overview(play.session, _everybody(area_wkt=WEST_AREA))
    assert (seen.code, seen.status, seen.job) == ("guest", "accepted", None)


def test_reports_outside_the_readers_area_are_not_shown_with_the_incident(
    play: Play, by_hand_only: None
) -> None:
    for pipe in ("H00", "H50"):
        play.call(pipe)
    west, east = play.incidents()
    incidents.confirm(play.session, west, settings=play.settings)  # its place stays
    merging.merge(play.session, west, east, settings=play.settings, by=By())
    for area, shown in ((None, 2), (WEST_AREA, 1)):
        detail = queries.incident_detail(play.session, _everybody(area_wkt=area), west.id)
        assert (detail.summary.report_count, len(detail.reports)) == (2, shown)


def test_an_estimate_is_not_shown_once_it_is_due_for_review(play: Play) -> None:
    three_dry(play)
    review_at = play.incident().review_at
    assert review_at is not None
    (seen,) = queries.open_incidents(play.session, _everybody())
    assert seen.estimate_at is not None
    play.set_clock(review_at)  # nobody has looked at it yet
    (seen,) = queries.open_incidents(play.session, _everybody())
    assert (seen.estimate_at, seen.review_at) == (None, review_at)


def _everybody(area_wkt: str | None = None) -> Actor:
    return Actor(
        user_id=uuid4(),
        username="x",
        display_name="X",
        role="supervisor",
        operations=frozenset(),
        fields=frozenset(),
        area_wkt=area_wkt,
        desk_ids=frozenset(),
        crew_id=None,
        session_id=uuid4(),
        language="en",
        client_address=None,
    )


def test_the_clock_of_the_test_stands_still(play: Play) -> None:
    assert real_now() != play.now
