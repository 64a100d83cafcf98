"""The first picture, by role and area."""

import json

from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from core.clock import utc_now
from dispatch.models import Incident
from tests.conftest import LogIn
from tests.maps.conftest import Scene, box_wkt
from tests.town import Town


def test_a_dispatcher_sees_incidents_crews_and_reports(
    client: TestClient, log_in: LogIn, scene: Scene
) -> None:
    picture = client.get("/api/map/overview", headers=log_in("dispatcher")).json()
    (incident,) = picture["incidents"]
    assert incident["id"] == str(scene.incident_id)
    assert incident["zone"]["type"] in ("Polygon", "MultiPolygon")
    (crew,) = picture["crews"]
    assert crew["code"] == "C01"
    assert crew["presence"] == "online"
    assert crew["course_deg"] == 90.0
    assert {report["id"] for report in picture["reports"]} == {str(scene.report_id), str(scene.unlocated_id)}
    assert picture["counts"] == {"callbacks_due": 0, "reports_unlocated": 1}


def test_the_zone_lies_round_the_segments_pipes(
    client: TestClient, log_in: LogIn, scene: Scene, town: Town
) -> None:
    (incident,) = client.get("/api/map/overview", headers=log_in("dispatcher")).json()["incidents"]
    corners = [pair for ring in incident["zone"]["coordinates"] for pair in ring]
    # The segment of H11 reaches from J00 to J31: row 1 and the avenues' pipes south of it.
    west, east = min(lon for lon, _ in corners), max(lon for lon, _ in corners)
    assert town.place(-20, 0).lon < west < town.place(-10, 0).lon
    assert town.place(310, 0).lon < east < town.place(320, 0).lon


def test_an_agent_sees_no_vehicles(client: TestClient, log_in: LogIn, scene: Scene) -> None:
    picture = client.get("/api/map/overview", headers=log_in("agent")).json()
    assert picture["crews"] == []
    assert len(picture["incidents"]) == 1


def test_the_picture_tells_nothing_about_callers(client: TestClient, log_in: LogIn, scene: Scene) -> None:
    told = json.dumps(
        client.get("/api/map/overview", headers=log_in("supervisor")).json(), ensure_ascii=False
    )
    for secret in ("王芳", "2025550001", "alert"):
        assert secret not in told


def test_an_area_leaves_out_what_lies_elsewhere(
    client: TestClient, log_in: LogIn, scene: Scene, town: Town
) -> None:
    east = log_in("dispatcher", area_wkt=box_wkt(town, 390, -50, 800, 600))
    picture = client.get("/api/map/overview", headers=east).json()
    assert picture["incidents"] == picture["crews"] == picture["reports"] == []
    assert picture["counts"] == {"callbacks_due": 0, "reports_unlocated": 0}, (
        "what has no place is nobody's area"
    )
    west = log_in("dispatcher", area_wkt=box_wkt(town, -100, -50, 390, 600))
    picture = client.get("/api/map/overview", headers=west).json()
    assert [len(picture[key]) for key in ("incidents", "crews", "reports")] == [1, 1, 1]


def test_what_is_over_is_not_in_the_picture(
    client: TestClient, log_in: LogIn, scene: Scene, session: Session
) -> None:
    session.execute(update(Incident).values(closed_at=utc_now(), state="closed"))
    assert client.get("/api/map/overview", headers=log_in("dispatcher")).json()["incidents"] == []


def test_the_extent_is_the_area_served(client: TestClient, log_in: LogIn, town: Town) -> None:
    extent = client.get("/api/map/extent", headers=log_in("agent")).json()
    west, south, east, north = extent["bounds"]
    assert extent["name"] == "Littlebrook"
    assert west < town.place(0, 0).lon < extent["center"]["lon"] < town.place(600, 0).lon < east
    assert south < town.place(0, 0).lat < extent["center"]["lat"] < town.place(0, 400).lat < north


def test_a_crew_without_a_job_has_no_route(client: TestClient, log_in: LogIn, scene: Scene) -> None:
    answer = client.get(f"/api/map/crews/{scene.crew_id}/route", headers=log_in("dispatcher"))
    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/no-crew-route"
