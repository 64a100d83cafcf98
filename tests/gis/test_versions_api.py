"""Versions over HTTP: files in parts, drafts, publishing, history; who may, and what is refused."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.jobs import UPLOAD_KEPT, make_worker_app
from core.clock import utc_now
from gis.models import NetworkUpload, NetworkUploadChunk, NetworkVersion, VersionState
from gis.versions import reading
from gis.versions.uploads import PART_BYTES, forget_unused
from tests.conftest import LogIn
from tests.town import Town

OCTETS = {"content-type": "application/octet-stream"}


def geojson(*, widths: dict[str, int] | None = None) -> bytes:
    """Three mains in a row and nothing else, with field names of their own."""
    features = []
    for k in range(3):
        a, b = Town.place(100.0 * k, 0.0), Town.place(100.0 * (k + 1), 0.0)
        code = f"M{k}"
        features.append(
            {
                "type": "Feature",
                "properties": {"main_no": code, "bore_mm": (widths or {}).get(code, 100)},
                "geometry": {"type": "LineString", "coordinates": [[a.lon, a.lat], [b.lon, b.lat]]},
            }
        )
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


MAPPING = """
[[layer]]
source = "mains"
holds = "pipes"
[layer.fields]
code = "main_no"
diameter = { field = "bore_mm", unit = "mm" }
"""


@pytest.fixture
def desk(client: TestClient, log_in: LogIn) -> TestClient:
    """Speaks as a supervisor."""
    client.headers.update(log_in("supervisor"))
    return client


def upload(client: TestClient, name: str, content: bytes) -> str:
    begun = client.post("/api/network/uploads", json={"name": name, "size_bytes": len(content)})
    assert begun.status_code == 201, begun.text
    part = begun.json()["part_bytes"]
    for place in range(0, -(-len(content) // part)):
        sent = client.put(
            f"/api/network/uploads/{begun.json()['id']}/parts/{place}",
            content=content[place * part : (place + 1) * part],
            headers=OCTETS,
        )
        assert sent.status_code == 204, sent.text
    return str(begun.json()["id"])


def begin(client: TestClient, session: Session, content: bytes, **how: Any) -> dict[str, Any]:
    """Send mains.geojson and read it as the worker would."""
    ids = [upload(client, "mains.geojson", content)]
    begun = client.post("/api/network/versions", json={"upload_ids": ids, **how})
    assert begun.status_code == 201, begun.text
    return read(client, session, begun.json()["number"])


def read(client: TestClient, session: Session, number: int) -> dict[str, Any]:
    assert reading.begin_attempt(session, number)
    reading.read_version(session, number)
    session.flush()
    answer: dict[str, Any] = client.get(f"/api/network/versions/{number}").json()
    return answer


def test_files_become_a_draft_that_is_published_and_gone_back_from(
    desk: TestClient, session: Session, town: Town
) -> None:
    draft = begin(desk, session, geojson(), mapping=MAPPING)
    assert (draft["state"], draft["source"], draft["crs"]) == ("draft", "mains.geojson", "EPSG:4326"), draft
    assert draft["counts"]["pipes"] == 3
    pipes = next(one for one in draft["changes"] if one["kind"] == "pipe")
    assert (pipes["added"], pipes["changed"], pipes["removed"]) == (3, 0, 68)
    assert pipes["examples"]["added"] == ["M0", "M1", "M2"]
    assert draft["form"]["layers"][0]["fields"]["diameter"]["field"] == "bore_mm"
    assert [one["name"] for one in draft["layers"][0]["fields"]] == ["main_no", "bore_mm"]
    (place,) = desk.get(f"/api/network/versions/{draft['number']}/places", params={"code": "M1"}).json()[
        "items"
    ]
    assert (place["kind"], place["change"]) == ("pipe", "added")
    asked = desk.post(f"/api/network/versions/{draft['number']}/publish")
    assert asked.status_code == 202
    assert asked.json()["is_publishing"]
    reading.publish_asked(session, draft["number"], by=None)
    reading.publish_asked(session, draft["number"], by=None)  # a job done twice is done once
    states = {one["number"]: one["state"] for one in desk.get("/api/network/versions").json()["items"]}
    assert states == {1: "superseded", 2: "published"}
    assert session.scalar(select(func.count()).select_from(NetworkUploadChunk)) == 0
    back = desk.post("/api/network/versions/1/go-back").json()
    assert (back["number"], back["goes_back_to"], back["is_publishing"]) == (3, 1, True)
    reading.publish_asked(session, 3, by=None)
    history = desk.get("/api/network/history", params={"code": "H12"}).json()["items"][0]
    assert [(step["version"], step["change"]) for step in history["steps"]] == [(3, "added"), (2, "removed")]


def test_what_the_data_do_not_tell_is_refused_with_a_proposal_and_read_again(
    desk: TestClient, session: Session, town: Town
) -> None:
    points = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"a": 1},
                "geometry": {"type": "Point", "coordinates": [-33.0, 40.0]},
            }
        ],
    }
    refused = begin(desk, session, json.dumps(points).encode())
    assert refused["state"] == "refused"
    assert refused["refusal"]
    again = desk.post(f"/api/network/versions/{refused['number']}/read", json={"mapping": MAPPING})
    assert again.json()["state"] == "reading"
    still = read(desk, session, refused["number"])
    assert still["state"] == "refused"  # there are no mains in it, whatever the mapping says
    assert desk.get("/api/network/versions/1").json()["state"] == "published"


def test_a_mapping_filled_in_as_a_form_reads_like_its_toml(
    desk: TestClient, session: Session, town: Town
) -> None:
    draft = begin(desk, session, geojson(), mapping=MAPPING)
    form = draft["form"]
    form["layers"][0]["fields"]["diameter"] = {"value": 250}
    number = draft["number"]
    assert desk.post(f"/api/network/versions/{number}/read", json={"form": form}).status_code == 200
    assert read(desk, session, number)["state"] == "draft"
    desk.post(f"/api/network/versions/{number}/publish")
    reading.publish_asked(session, number, by=None)
    (m0,) = desk.get("/api/network/history", params={"code": "M0"}).json()["items"]
    assert m0["now"]["diameter_mm"] == 250


def test_a_draft_is_drawn_in_tiles_with_what_would_change(
    desk: TestClient, session: Session, town: Town
) -> None:
    draft = begin(desk, session, geojson(), mapping=MAPPING)
    # The town lies at 33° W 40° N: tile 6/26/24 of the world holds it.
    answer = desk.get(f"/api/network/versions/{draft['number']}/tiles/6/26/24.mvt")
    assert answer.status_code == 200
    assert b"removed" in answer.content
    assert b"M1" in answer.content
    assert desk.get(f"/api/network/versions/{draft['number']}/tiles/6/0/0.mvt").status_code == 204
    assert desk.get(f"/api/network/versions/{draft['number']}/tiles/6/64/0.mvt").status_code == 404


@pytest.mark.parametrize(
    "name", ["network.exe", "list.vrt", "https://example.org/x.gpkg?y", "gpkg", "a.gpkg.xml"]
)
def test_files_of_other_kinds_are_refused_by_name(desk: TestClient, name: str) -> None:
    answer = desk.post("/api/network/uploads", json={"name": name, "size_bytes": 10})
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/bad-network-file"


def test_a_name_with_a_path_keeps_only_its_end(desk: TestClient) -> None:
    answer = desk.post("/api/network/uploads", json={"name": "../../etc/..\\x.gpkg", "size_bytes": 10})
    assert answer.json()["name"] == "x.gpkg"


def test_a_file_that_is_too_large_or_came_in_part_is_refused(desk: TestClient) -> None:
    too_large = desk.post("/api/network/uploads", json={"name": "x.gpkg", "size_bytes": 200_000_001})
    assert too_large.status_code == 413
    begun = desk.post("/api/network/uploads", json={"name": "x.gpkg", "size_bytes": PART_BYTES + 5}).json()
    path = f"/api/network/uploads/{begun['id']}/parts"
    assert desk.put(f"{path}/1", content=b"12345", headers=OCTETS).status_code == 204
    assert desk.put(f"{path}/0", content=b"short", headers=OCTETS).status_code == 409
    assert desk.put(f"{path}/0", content=b"x" * (PART_BYTES + 1), headers=OCTETS).status_code == 413
    assert desk.put(f"{path}/2", content=b"more", headers=OCTETS).status_code == 409
    incomplete = desk.post("/api/network/versions", json={"upload_ids": [begun["id"]]})
    assert incomplete.status_code == 409
    assert incomplete.json()["type"] == "/problems/incomplete-upload"


def test_somebody_elses_upload_is_nobodys_business(desk: TestClient, log_in: LogIn, town: Town) -> None:
    mine = upload(desk, "mains.geojson", geojson())
    other = log_in("administrator")
    stolen = desk.post("/api/network/versions", json={"upload_ids": [mine]}, headers=other)
    assert stolen.status_code == 404
    put = desk.put(f"/api/network/uploads/{mine}/parts/0", content=geojson(), headers=OCTETS | other)
    assert put.status_code == 404


def test_people_with_an_area_of_their_own_do_not_change_the_whole_network(
    client: TestClient, log_in: LogIn, town: Town
) -> None:
    part = log_in("supervisor", area_wkt="MULTIPOLYGON(((-34 39, -32 39, -32 41, -34 41, -34 39)))")
    assert client.get("/api/network/versions", headers=part).status_code == 403
    assert client.post("/api/network/versions/1/publish", headers=part).status_code == 403
    assert client.get("/api/network/history", params={"code": "H12"}, headers=part).status_code == 200
    far = log_in("supervisor", area_wkt="MULTIPOLYGON(((10 10, 11 10, 11 11, 10 10)))")
    assert client.get("/api/network/history", params={"code": "H12"}, headers=far).status_code == 404


def test_files_that_end_every_worker_are_refused_in_the_end(
    desk: TestClient, session: Session, town: Town
) -> None:
    ids = [upload(desk, "mains.geojson", geojson())]
    number = desk.post("/api/network/versions", json={"upload_ids": ids}).json()["number"]
    assert [reading.begin_attempt(session, number) for _ in range(4)] == [True, True, True, False]
    session.flush()
    answer = desk.get(f"/api/network/versions/{number}").json()
    assert (answer["state"], answer["refusal"]) == ("refused", reading.CUT_OFF)


def test_what_no_job_works_on_any_more_is_swept(desk: TestClient, session: Session, town: Town) -> None:
    ids = [upload(desk, "mains.geojson", geojson())]
    number = desk.post("/api/network/versions", json={"upload_ids": ids}).json()["number"]
    assert reading.sweep_cut_off(session) == 0  # its job waits
    session.execute(text("DELETE FROM procrastinate_jobs"))
    assert reading.sweep_cut_off(session) == 1
    assert session.get_one(NetworkVersion, number).state is VersionState.REFUSED


def test_files_nobody_had_read_are_forgotten(desk: TestClient, session: Session) -> None:
    upload(desk, "mains.geojson", geojson())
    assert forget_unused(session, before=utc_now() - UPLOAD_KEPT) == 0
    assert forget_unused(session, before=utc_now() + UPLOAD_KEPT) == 1
    assert session.scalar(select(func.count()).select_from(NetworkUpload)) == 0


def test_the_tasks_that_are_asked_for_exist(settings: Any) -> None:
    assert {reading.READ_NETWORK, reading.PUBLISH_NETWORK} <= set(make_worker_app(settings).tasks)
