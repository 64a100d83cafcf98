"""Pictures of places over HTTP: added, found, shown, withdrawn."""

import io
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.models import AuditEntry
from gis.coordinates import Datum, LonLat, from_wgs84
from gis.models import Picture
from gis.places.pictures import PICTURE_BYTES_MAX
from tests.gis.places.camera import PAYLOAD, photo, red_left
from tests.gis.places.conftest import Ask
from tests.town import Town

Headers = dict[str, str]
MILL = Town.place(30.0, 12.0)
"""The door of 1 Mill Street, in the west."""
OAK = Town.place(600.0, 40.0)
"""On Oak Avenue, in the east."""


def form(at: LonLat | None = MILL, **more: Any) -> dict[str, Any]:
    return ({} if at is None else {"lon": at.lon, "lat": at.lat}) | more


def send(
    ask: Ask,
    who: Headers,
    sent: bytes | None = None,
    *,
    expect: int = 201,
    name: str = "a.jpg",
    media_type: str = "image/jpeg",
    **told: Any,
) -> Any:
    file = {"file": (name, photo() if sent is None else sent, media_type)}
    return ask("POST", "/api/pictures", who, expect=expect, files=file, data=told or form())


def near(ask: Ask, who: Headers, at: LonLat = MILL, *, expect: int = 200, **more: Any) -> Any:
    return ask("GET", "/api/pictures", who, expect=expect, params=form(at, **more))


def ids(listed: Any) -> list[str]:
    return [one["id"] for one in listed["items"]]


def deeds(session: Session, action: str) -> int:
    return session.scalar(select(func.count()).where(AuditEntry.action == action)) or 0


def test_where_nobody_took_a_picture_there_is_none(ask: Ask, agent: Headers) -> None:
    assert near(ask, agent) == {"items": []}


def test_a_picture_is_added_with_what_is_told_of_it(ask: Ask, agent: Headers, session: Session) -> None:
    valve, noon = str(uuid4()), "2026-03-02T12:00:00Z"
    made = send(
        ask, agent, **form(caption=" Lid <b>broken</b> ", kind="valve", taken_at=noon, subject_ids=[valve])
    )
    assert (made["caption"], made["kind"], made["subject_ids"]) == ("Lid <b>broken</b>", "valve", [valve])
    assert (made["taken_at"], made["width"], made["height"]) == (noon, 64, 48)
    assert made["point"] == {"lon": round(MILL.lon, 7), "lat": round(MILL.lat, 7)}
    assert deeds(session, "picture.add") == 1


def test_the_nearest_picture_comes_first_with_its_distance(ask: Ask, agent: Headers) -> None:
    """30 m and 60 m along the street, measured from its first picture."""
    here = send(ask, agent, photo(colour="blue"))
    there = send(ask, agent, photo(colour="navy"), **form(Town.place(90.0, 12.0)))
    between = send(ask, agent, photo(colour="cyan"), **form(Town.place(60.0, 12.0)))
    listed = near(ask, agent)
    assert ids(listed) == [here["id"], between["id"], there["id"]]
    assert [one["distance_m"] for one in listed["items"]] == pytest.approx([0.0, 30.0, 60.0], abs=0.1)
    assert ids(near(ask, agent, radius_m=45)) == [here["id"], between["id"]]
    assert ids(near(ask, agent, limit=1)) == [here["id"]]


def test_the_datum_is_converted_on_both_ways(ask: Ask, agent: Headers) -> None:
    shifted = from_wgs84(MILL, Datum.BD09)
    made = send(ask, agent, **form(shifted, datum="bd09"))
    assert made["point"] == pytest.approx({"lon": MILL.lon, "lat": MILL.lat}, abs=1e-6)
    assert ids(near(ask, agent, shifted, datum="bd09", radius_m=1)) == [made["id"]]


def test_a_picture_may_say_itself_where_and_when_it_was_taken(ask: Ask, agent: Headers) -> None:
    sent = photo(place=MILL, taken="2026:03:02 08:00:00")
    made = send(ask, agent, sent, caption="by its camera")
    assert made["point"] == pytest.approx({"lon": MILL.lon, "lat": MILL.lat}, abs=1e-6)
    assert made["taken_at"] == "2026-03-02T00:00:00Z", "its clock is the utility's"


def test_what_a_person_says_comes_before_what_the_camera_says(ask: Ask, agent: Headers) -> None:
    made = send(ask, agent, photo(place=MILL), **form(OAK))
    assert made["point"]["lon"] == round(OAK.lon, 7)


def test_a_camera_whose_clock_runs_ahead_is_not_believed(ask: Ask, agent: Headers) -> None:
    assert send(ask, agent, photo(place=MILL, taken="2099:01:01 00:00:00"))["taken_at"] is None
    soon, later = ((utc_now() + timedelta(minutes=span)).isoformat() for span in (4, 6))
    assert send(ask, agent, photo(colour="cyan"), **form(taken_at=soon))["taken_at"] is not None
    problem = send(ask, agent, photo(colour="navy"), expect=422, **form(taken_at=later))
    assert problem["type"] == "/problems/picture-taken-in-the-future"


def test_the_same_picture_twice_is_one(
    ask: Ask, agent: Headers, supervisor: Headers, session: Session
) -> None:
    first = send(ask, agent)
    again = send(ask, supervisor, expect=200, **form(OAK, caption="mine"))
    assert (again["id"], again["caption"], again["point"]) == (first["id"], "", first["point"])
    assert session.scalar(select(func.count()).select_from(Picture)) == 1
    assert deeds(session, "picture.add") == 1


def test_a_picture_is_shown_without_what_its_file_hid(client: TestClient, ask: Ask, agent: Headers) -> None:
    made = send(ask, agent, photo(words=PAYLOAD.decode(), size=(800, 600)) + PAYLOAD)
    for size, width in (("image", 800), ("thumbnail", 320)):
        answer = client.get(f"/api/pictures/{made['id']}/{size}", headers=agent)
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "private, no-cache"
        assert PAYLOAD not in answer.content
        image = Image.open(io.BytesIO(answer.content))
        assert (image.width, red_left(image)) == (width, True)
        kept = client.get(
            f"/api/pictures/{made['id']}/{size}", headers=agent | {"If-None-Match": answer.headers["etag"]}
        )
        assert (kept.status_code, kept.content) == (304, b"")
    assert client.get(f"/api/pictures/{made['id']}/file", headers=agent).status_code == 422


# --- refused -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "problem", "pointer"),
    [
        ({"caption": "nowhere"}, "picture-without-place", None),
        ({"lon": 0.0}, "picture-without-place", "#/lat"),
        ({"lat": 0.0}, "picture-without-place", "#/lon"),
        ({"lon": 10.0, "lat": 10.0}, "outside-service-area", "#/point/lon"),
        ({"lon": 200.0, "lat": 10.0}, "bad-coordinate", None),
        ({"lon": "nan", "lat": 10.0}, "malformed", "#/lon"),
        (form(datum="mars"), "malformed", "#/datum"),
        (form(kind="cat"), "malformed", "#/kind"),
        (form(taken_at="2026-03-02T12:00:00"), "malformed", "#/taken_at"),
        (form(caption="two\nlines"), "malformed", "#/caption"),
        (form(caption="x" * 201), "malformed", "#/caption"),
        (form(subject_ids="7"), "malformed", "#/subject_ids/0"),
        (form(subject_ids=[str(uuid4()) for _ in range(11)]), "malformed", "#/subject_ids"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    ask: Ask, agent: Headers, session: Session, told: dict[str, Any], problem: str, pointer: str | None
) -> None:
    said = send(ask, agent, expect=422, **told)
    assert said["type"] == f"/problems/{problem}"
    if pointer:
        assert pointer in [error["pointer"] for error in said["errors"]]
    assert session.scalar(select(func.count()).select_from(Picture)) == 0


@pytest.mark.parametrize(
    ("sent", "name", "media_type"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "image/svg+xml"),
        (b"<!DOCTYPE html><script>alert(1)</script>", "a.jpg", "image/jpeg"),
        (photo()[:200], "a.jpg", "image/jpeg"),
        (b"", "a.png", "image/png"),
    ],
    ids=["svg", "html that says jpeg", "truncated", "empty"],
)
def test_what_is_no_picture_is_a_clear_problem(
    ask: Ask, agent: Headers, sent: bytes, name: str, media_type: str
) -> None:
    said = send(ask, agent, sent, expect=422, name=name, media_type=media_type)
    assert said["type"] == "/problems/bad-picture"


def test_too_large_a_file_is_refused(ask: Ask, agent: Headers) -> None:
    said = send(ask, agent, photo() + b"\0" * PICTURE_BYTES_MAX, expect=413)
    assert said["type"] == "/problems/picture-too-large"
    said = send(ask, agent, photo() + b"\0" * (PICTURE_BYTES_MAX + 200_000), expect=413)
    assert said["type"] == "/problems/request-too-large"


def test_a_broken_form_is_a_clear_problem(client: TestClient, agent: Headers, town: Town) -> None:
    broken = agent | {"Content-Type": "multipart/form-data; boundary=x"}
    answer = client.post("/api/pictures", headers=broken, content=b"--y\r\nnothing")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    answer = client.post("/api/pictures", headers=agent, data=form(), files={"picture": photo()})
    assert "#/file" in [error["pointer"] for error in answer.json()["errors"]]


# --- withdrawn ---------------------------------------------------------------------------------------------------------------


def test_a_withdrawn_picture_is_gone_until_it_is_restored(
    client: TestClient, ask: Ask, agent: Headers, supervisor: Headers, session: Session
) -> None:
    made = send(ask, agent)
    way = f"/api/pictures/{made['id']}"
    etag = client.get(f"{way}/image", headers=supervisor).headers["etag"]
    withdrawn = ask("POST", f"{way}/withdraw", agent)
    assert (withdrawn["withdrawn_at"] is not None, withdrawn["is_changeable"]) == (True, True)
    assert ids(near(ask, agent)) == []
    assert ids(near(ask, agent, withdrawn=True)) == ids(near(ask, supervisor, withdrawn=True)) == [made["id"]]
    assert send(ask, agent, expect=409)["type"] == "/problems/picture-withdrawn"
    assert ask("POST", f"{way}/restore", agent)["withdrawn_at"] is None
    assert ids(near(ask, supervisor)) == [made["id"]]
    assert client.get(f"{way}/image", headers=supervisor | {"If-None-Match": etag}).status_code == 304
    assert (deeds(session, "picture.withdraw"), deeds(session, "picture.restore")) == (1, 1)


def test_only_who_added_a_picture_or_looks_after_all_may_withdraw_it(
    client: TestClient, ask: Ask, agent: Headers, supervisor: Headers, log_in: Any
) -> None:
    made, colleague = send(ask, agent), log_in("agent")
    way = f"/api/pictures/{made['id']}"
    assert ask("GET", way, colleague)["is_changeable"] is False
    assert ask("POST", f"{way}/withdraw", colleague, expect=403)["type"] == "/problems/picture-of-others"
    etag = client.get(f"{way}/image", headers=agent).headers["etag"]
    ask("POST", f"{way}/withdraw", supervisor)
    for who in (agent, colleague):
        assert near(ask, who, withdrawn=True) == {"items": []}
        for path in (way, f"{way}/image"):
            assert client.get(path, headers=who | {"If-None-Match": etag}).status_code == 404
        ask("POST", f"{way}/restore", who, expect=404)
    ask("POST", f"{way}/restore", supervisor)
    assert ids(near(ask, colleague)) == [made["id"]]
    ask("POST", f"{way}/restore", colleague, expect=403)


def test_pictures_outside_a_persons_area_do_not_exist_for_him(
    client: TestClient, ask: Ask, agent: Headers, east_agent: Headers
) -> None:
    west = send(ask, agent)
    east = send(ask, agent, photo(colour="navy"), **form(OAK))
    assert ids(near(ask, east_agent, OAK)) == [east["id"]]
    border = Town.place(352.0, 12.0)
    edge = send(ask, agent, photo(colour="cyan"), **form(Town.place(340.0, 12.0)))
    assert ids(near(ask, east_agent, border)) == []
    assert ids(near(ask, agent, border)) == [edge["id"]]
    assert near(ask, east_agent, expect=422)["type"] == "/problems/outside-service-area"
    for path in ("", "/image", "/thumbnail"):
        answer = client.get(f"/api/pictures/{west['id']}{path}", headers=east_agent)
        assert answer.status_code == 404
    ask("POST", f"/api/pictures/{west['id']}/withdraw", east_agent, expect=404)
    assert send(ask, east_agent, expect=409, **form(OAK))["type"] == "/problems/picture-elsewhere"
    assert send(ask, east_agent, photo(colour="lime"), expect=422)["type"] == "/problems/outside-service-area"


def test_crews_see_no_pictures_here(ask: Ask, town: Town, log_in: Any) -> None:
    near(ask, log_in("crew"), expect=403)
