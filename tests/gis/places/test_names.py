"""What people call places, over HTTP: taught, heard, corrected, withdrawn; who may."""

from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.models import AuditEntry
from gis.coordinates import Datum, LonLat, from_wgs84, straight_line_m
from gis.geocoding import MatchKind, geocode, suggest_addresses
from tests.conftest import LogIn
from tests.gis.places.conftest import Ask
from tests.town import Town

Headers = dict[str, str]
CORNER = Town.place(30.0, 12.0)
"""At 1 Mill Street, in the west."""
NEXT_DOOR = Town.place(70.0, 12.0)
"""40 m further: the same place to whoever names it."""
DOWN_THE_ROAD = Town.place(90.0, 12.0)
"""60 m from the corner: another place."""
EAST = Town.place(600.0, 40.0)
NAME = "Zebra Bakery"


def point(at: LonLat, **more: Any) -> dict[str, Any]:
    return {"lon": at.lon, "lat": at.lat} | more


def teach(
    ask: Ask, who: Headers, name: str = NAME, at: LonLat = CORNER, *, expect: int = 201, **more: Any
) -> Any:
    return ask("POST", "/api/place-names", who, expect=expect, json={"name": name, "point": point(at)} | more)


def correct(ask: Ask, who: Headers, known: Any, *, expect: int = 200, **changed: Any) -> Any:
    return ask("PATCH", f"/api/place-names/{known['id']}", who, expect=expect, json=changed)


def put(ask: Ask, who: Headers, known: Any, verb: str, *, expect: int = 200) -> Any:
    return ask("POST", f"/api/place-names/{known['id']}/{verb}", who, expect=expect)


def near(ask: Ask, who: Headers, at: LonLat = CORNER, *, expect: int = 200, **more: Any) -> Any:
    return ask("GET", "/api/place-names", who, expect=expect, params=point(at, **more))


def names(listed: Any) -> list[str]:
    return [one["name"] for one in listed["items"]]


def heard(session: Session, said: str) -> list[str]:
    """The names that people gave among what a caller could mean."""
    return [one.text for one in geocode(session, said) if one.kind is MatchKind.PLACE]


def test_a_name_is_taught_and_told_to_who_looks_near(ask: Ask, agent: Headers) -> None:
    assert near(ask, agent) == {"items": []}
    made = teach(ask, agent, f"  {NAME} ", district="Old Town", note="closed on Mondays")
    assert (made["name"], made["district"], made["note"]) == (NAME, "Old Town", "closed on Mondays")
    assert (made["is_changeable"], made["changed_at"], made["withdrawn_at"]) == (True, None, None)
    teach(ask, agent, "The Arch", DOWN_THE_ROAD)
    listed = near(ask, agent)
    assert names(listed) == [NAME, "The Arch"]
    assert [one["distance_m"] for one in listed["items"]] == pytest.approx([0.0, 60.0], abs=0.1)
    assert names(near(ask, agent, radius_m=30)) == [NAME]


def test_a_point_says_in_which_datum_it_is_meant(ask: Ask, agent: Headers) -> None:
    shifted = from_wgs84(CORNER, Datum.BD09)
    assert straight_line_m(shifted, CORNER) > 100.0
    made = ask(
        "POST",
        "/api/place-names",
        agent,
        expect=201,
        json={"name": NAME, "point": point(shifted, datum="bd09")},
    )
    assert made["point"] == pytest.approx({"lon": CORNER.lon, "lat": CORNER.lat}, abs=1e-6)


def test_callers_who_say_it_are_understood_until_it_is_withdrawn(
    ask: Ask, agent: Headers, session: Session
) -> None:
    assert heard(session, NAME) == []
    made = teach(ask, agent)
    (best, *_) = geocode(session, "the zebra bakery")
    assert (best.text, best.kind, best.address_id, best.street) == (NAME, MatchKind.PLACE, None, "")
    assert straight_line_m(best.point, CORNER) < 0.1
    assert best.confidence > 0.9
    put(ask, agent, made, "withdraw")
    assert heard(session, NAME) == []
    put(ask, agent, made, "restore")
    assert heard(session, NAME) == [NAME]


def test_addresses_are_still_what_they_were(ask: Ask, agent: Headers, session: Session, town: Town) -> None:
    teach(ask, agent)
    (best, *_) = geocode(session, "5 Mill Street")
    assert (best.text, best.address_id) == ("5 Mill Street", town.addresses["5 Mill Street"])


def test_a_name_is_written_with_its_district_as_its_language_does(
    ask: Ask, agent: Headers, session: Session
) -> None:
    teach(ask, agent, district="Old Town")
    teach(ask, agent, "老槐树", DOWN_THE_ROAD, district="城东区")
    assert heard(session, NAME) == ["Zebra Bakery, Old Town"]
    (tree, *_) = geocode(session, "老槐树下面")
    assert (tree.text, tree.district) == ("城东区老槐树", "城东区")


@pytest.mark.parametrize("typed", ["zeb", "laohuaishu", "lhs", "老槐"])
def test_it_is_offered_while_somebody_types(ask: Ask, agent: Headers, session: Session, typed: str) -> None:
    teach(ask, agent)
    teach(ask, agent, "老槐树", DOWN_THE_ROAD)
    expected = NAME if typed == "zeb" else "老槐树"
    assert suggest_addresses(session, typed)[0].text == expected
    offered = ask("GET", "/api/addresses/suggest", agent, params={"q": typed})["items"]
    assert (offered[0]["text"], offered[0]["kind"], offered[0]["address_id"]) == (expected, "place", None)


def test_a_report_can_be_put_on_the_network_by_it(ask: Ask, agent: Headers) -> None:
    teach(ask, agent)
    found = ask("POST", "/api/locate", agent, json={"text": NAME})
    assert (found["pipe_code"], found["address_text"]) == ("H00", NAME)


def test_a_correction_moves_it_and_renames_it(ask: Ask, agent: Headers, session: Session) -> None:
    made = teach(ask, agent, district="Old Town", note="blue door")
    changed = correct(ask, agent, made, name="Okapi Bakery", point=point(DOWN_THE_ROAD))
    assert (changed["name"], changed["district"], changed["note"]) == (
        "Okapi Bakery",
        "Old Town",
        "blue door",
    )
    assert changed["changed_at"] is not None
    assert "Zebra Bakery, Old Town" not in heard(session, NAME)
    (best, *_) = geocode(session, "okapi bakery")
    assert straight_line_m(best.point, DOWN_THE_ROAD) < 0.1
    assert correct(ask, agent, made, district="", note="")["district"] is None


def test_two_places_next_to_each_other_do_not_share_a_name(ask: Ask, agent: Headers) -> None:
    teach(ask, agent)
    problem = teach(ask, agent, "ZEBRA  bakery", NEXT_DOOR, expect=409)
    assert problem["type"] == "/problems/place-name-known"
    assert NAME in problem["detail"]
    other = teach(ask, agent, NAME, DOWN_THE_ROAD)
    assert correct(ask, agent, other, point=point(NEXT_DOOR), expect=409)["type"] == problem["type"]
    assert correct(ask, agent, other, note="the second one")["note"] == "the second one"
    renamed = teach(ask, agent, "Okapi Bakery", NEXT_DOOR)
    assert correct(ask, agent, renamed, name="zebra bakery", expect=409)["type"] == problem["type"]


def test_a_withdrawn_name_may_be_given_again_and_is_then_not_restored(ask: Ask, agent: Headers) -> None:
    made = teach(ask, agent)
    put(ask, agent, made, "withdraw")
    teach(ask, agent, at=NEXT_DOOR)
    assert put(ask, agent, made, "restore", expect=409)["type"] == "/problems/place-name-known"
    assert correct(ask, agent, made, note="x", expect=409)["type"] == "/problems/place-name-withdrawn"


@pytest.mark.parametrize("name", ["x", "号", "—", "!?", "七"])
def test_a_name_nobody_could_be_heard_saying_is_refused(ask: Ask, agent: Headers, name: str) -> None:
    assert teach(ask, agent, name, expect=422)["type"] == "/problems/place-name-too-short"


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 61])
def test_a_name_is_one_line_of_at_most_60_characters(ask: Ask, agent: Headers, name: str) -> None:
    assert teach(ask, agent, name, expect=422)["errors"][0]["pointer"] == "#/name"


def test_only_places_that_are_served_and_ones_own_are_named(
    ask: Ask, agent: Headers, east_agent: Headers, session: Session
) -> None:
    swapped = LonLat(lon=CORNER.lat, lat=CORNER.lon)
    assert "swapped" in teach(ask, agent, at=swapped, expect=422)["detail"]
    assert teach(ask, east_agent, expect=422)["type"] == "/problems/outside-service-area"
    west, east = teach(ask, agent), teach(ask, east_agent, at=EAST)
    assert names(near(ask, agent, EAST)) == [NAME]
    assert near(ask, east_agent, expect=422)["type"] == "/problems/outside-service-area"
    for verb in ("withdraw", "restore"):
        assert put(ask, east_agent, west, verb, expect=404)["type"] == "/problems/place-name-not-found"
    assert correct(ask, east_agent, west, note="x", expect=404)["type"] == "/problems/place-name-not-found"
    moved = correct(ask, east_agent, east, point=point(CORNER), expect=422)
    assert moved["type"] == "/problems/outside-service-area"
    assert len(heard(session, NAME)) == 2


def test_names_of_others_are_for_supervisors_to_correct(
    ask: Ask, agent: Headers, supervisor: Headers, log_in: LogIn
) -> None:
    made, dispatcher = teach(ask, agent), log_in("dispatcher")
    assert near(ask, dispatcher)["items"][0]["is_changeable"] is False
    for refused in (
        correct(ask, dispatcher, made, name="Mine", expect=403),
        put(ask, dispatcher, made, "withdraw", expect=403),
        put(ask, dispatcher, made, "restore", expect=403),
    ):
        assert refused["type"] == "/problems/place-name-of-others"
    assert correct(ask, supervisor, made, name="Zebra Bread")["name"] == "Zebra Bread"
    put(ask, supervisor, made, "withdraw")
    assert put(ask, agent, made, "restore", expect=404)["type"] == "/problems/place-name-not-found"
    assert near(ask, agent, withdrawn=True) == {"items": []}
    assert names(near(ask, supervisor, withdrawn=True)) == ["Zebra Bread"]
    put(ask, supervisor, made, "restore")
    assert names(near(ask, agent)) == ["Zebra Bread"]


def test_a_name_that_does_not_exist_is_not_found(ask: Ask, supervisor: Headers) -> None:
    nothing = {"id": str(uuid4())}
    assert correct(ask, supervisor, nothing, note="x", expect=404)["type"] == "/problems/place-name-not-found"


def test_crews_do_not_name_places(client: TestClient, ask: Ask, log_in: LogIn) -> None:
    crew = log_in("crew")
    assert teach(ask, crew, expect=403)["type"] == "/problems/operation-not-allowed"


def test_every_deed_is_written_down(ask: Ask, agent: Headers, session: Session) -> None:
    made = teach(ask, agent)
    correct(ask, agent, made, name="Okapi Bakery", note="moved")
    put(ask, agent, made, "withdraw")
    put(ask, agent, made, "restore")
    written = session.execute(
        select(AuditEntry.action, AuditEntry.digest)
        .where(AuditEntry.action.startswith("place_name."))
        .order_by(AuditEntry.id)
    ).all()
    assert [tuple(one) for one in written] == [
        ("place_name.add", ""),
        ("place_name.change", "name,note"),
        ("place_name.withdraw", ""),
        ("place_name.restore", ""),
    ]
