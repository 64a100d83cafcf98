"""Where it is broken, over HTTP, in the town: row 5 hangs on row 4, row 4 on rows 2 and 3."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import shapely
from fastapi.testclient import TestClient
from shapely.geometry import shape
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.events import RingBackNoted
from core.models import AuditEntry
from dispatch import incidents, merging
from dispatch.changes import By
from dispatch.models import Answer, Cause, RingBack
from gis.models import CustomerAccount
from tests.conftest import LogIn
from tests.dispatch.play import Play
from tests.dispatch.test_api import WEST_AREA, get, post

pytestmark = pytest.mark.usefixtures("by_hand_only")


@pytest.fixture
def agent(log_in: LogIn) -> dict[str, str]:
    return log_in("agent")


@pytest.fixture
def dispatcher(log_in: LogIn) -> dict[str, str]:
    return log_in("dispatcher")


def row_4_and_5_dry(play: Play) -> str:
    """Three customers of rows 4 and 5 have no water."""
    town = play.town
    for pipe in ("H04", "H14", "H05"):
        play.call(pipe, account=town.accounts_on(pipe)[0])
    return str(play.incident().id)


def whereabouts(client: TestClient, headers: dict[str, str], incident_id: str) -> Any:
    return get(client, f"/api/incidents/{incident_id}/whereabouts", headers)


def belief_in(answer: Any, segment: int) -> float:
    return float(next((one["belief"] for one in answer["segments"] if one["segment_id"] == segment), 0.0))


def rung(
    client: TestClient, headers: dict[str, str], incident_id: str, account: UUID, answer: str, **more: Any
) -> Any:
    body = {"customer_account_id": str(account), "answer": answer}
    return post(client, f"/api/incidents/{incident_id}/ring-backs", headers, body, **({"expect": 201} | more))


def test_the_segment_that_leaves_all_callers_dry_is_believed_most(
    play: Play, client: TestClient, dispatcher: dict[str, str]
) -> None:
    incident_id = row_4_and_5_dry(play)
    found = whereabouts(client, dispatcher, incident_id)
    assert found["segments"][0]["segment_id"] == play.town.segments["H04"]
    # Row 4's twelve houses and V03's none, Ash Avenue none there; row 5's sixteen.
    assert found["segments"][0]["customers_dry"] == 28
    assert (found["basis"]["calls"], found["basis"]["silent_customers"]) == (3, 25)
    assert sum(one["belief"] for one in found["pipes"]) <= 1.001
    assert found["pipes"][0]["segment_id"] == play.town.segments["H04"]
    assert (found["pipes"][0]["material"], found["pipes"][0]["install_year"]) == ("DI", 1998)
    assert str(play.town.segments["H04"]) in found["sureness_text"]


def test_the_zones_are_drawn_round_the_mains_of_the_fewest_segments(
    play: Play, client: TestClient, dispatcher: dict[str, str]
) -> None:
    found = whereabouts(client, dispatcher, row_4_and_5_dry(play))
    small, large = found["zones"]["features"]
    assert small["properties"]["belief"] >= 0.5
    assert large["properties"]["belief"] >= 0.9
    assert set(small["properties"]["segment_ids"]) <= set(large["properties"]["segment_ids"])
    area, row_4 = shape(large["geometry"]), play.town.on_pipe("H04", 50.0).as_point()
    assert area.is_valid
    assert shapely.contains(area, row_4)
    assert not shapely.intersects(area, play.town.on_pipe("H54", 50.0).as_point())


def test_water_seen_in_the_street_draws_the_belief_to_its_main(
    play: Play, client: TestClient, dispatcher: dict[str, str]
) -> None:
    incident_id = row_4_and_5_dry(play)
    before = whereabouts(client, dispatcher, incident_id)
    play.call("H12", "leak", at=play.town.on_pipe("H12", 50.0, left_m=3.0))
    after = whereabouts(client, dispatcher, incident_id)
    broken = play.town.segments["H12"]
    assert after["basis"]["sightings"] == 1
    assert belief_in(after, broken) > 0.9 > belief_in(before, broken)
    assert after["pipes"][0]["asset_code"] == "H12"
    assert after["pipes"][0]["belief"] > 0.5
    assert after["sureness"] == "sure"


def test_an_incident_about_dirty_water_knows_nothing_of_the_place_and_rings_nobody(
    play: Play, client: TestClient, dispatcher: dict[str, str]
) -> None:
    play.call("H04", "water_quality")
    incident_id = str(play.incident().id)
    found = whereabouts(client, dispatcher, incident_id)
    assert (found["sureness"], found["segments"], found["pipes"]) == ("nothing_known", [], [])
    assert found["zones"]["features"] == []
    assert get(client, f"/api/incidents/{incident_id}/ring-backs", dispatcher)["to_ring"] == []


def test_customers_are_proposed_who_split_the_belief_and_have_not_called(
    play: Play, client: TestClient, agent: dict[str, str], session: Session
) -> None:
    incident_id = row_4_and_5_dry(play)
    found = get(client, f"/api/incidents/{incident_id}/ring-backs", agent)
    assert 1 <= len(found["to_ring"]) <= 5
    assert found["asked"] == []
    callers = {str(play.town.accounts[play.town.accounts_on(pipe)[0]]) for pipe in ("H04", "H14", "H05")}
    for one in found["to_ring"]:
        assert one["customer_account_id"] not in callers
        assert 0.0 < one["dry"] < 1.0
        account = session.get_one(CustomerAccount, UUID(one["customer_account_id"]))
        assert (one["phone"], one["name"]) == (account.phone, account.name)
        assert one["why"].startswith("splits the belief")
    bits = [one["bits"] for one in found["to_ring"]]
    assert bits == sorted(bits, reverse=True)


def test_answers_move_the_belief_and_nobody_is_asked_twice(
    play: Play, client: TestClient, agent: dict[str, str]
) -> None:
    incident_id = row_4_and_5_dry(play)
    town = play.town
    before = whereabouts(client, agent, incident_id)
    asked = town.accounts[town.accounts_on("H12")[2]]  # of rows 2 and 3, on which row 4 hangs
    found = rung(client, agent, incident_id, asked, "no_water")
    assert [(one["answer"], one["answer_text"]) for one in found["asked"]] == [("no_water", "no water")]
    assert found["asked"][0]["address"] is not None
    assert play.emitted(RingBackNoted)[-1].incident_id == UUID(incident_id)
    assert str(asked) not in [one["customer_account_id"] for one in found["to_ring"]]
    after = whereabouts(client, agent, incident_id)
    assert after["basis"]["said_no_water"] == 1
    assert belief_in(after, town.segments["H12"]) > belief_in(before, town.segments["H12"])
    again = rung(client, agent, incident_id, asked, "has_water")  # the latest counts
    assert len(again["asked"]) == 2
    last = whereabouts(client, agent, incident_id)
    assert (last["basis"]["said_no_water"], last["basis"]["said_has_water"]) == (0, 1)
    assert belief_in(last, town.segments["H12"]) < belief_in(before, town.segments["H12"])


@pytest.mark.parametrize("answer", ["nobody_answered", "wrong_number"])
def test_who_was_not_reached_teaches_nothing_and_is_not_proposed_again(
    play: Play, client: TestClient, agent: dict[str, str], answer: str
) -> None:
    incident_id = row_4_and_5_dry(play)
    before = whereabouts(client, agent, incident_id)
    first = get(client, f"/api/incidents/{incident_id}/ring-backs", agent)["to_ring"][0]
    found = rung(client, agent, incident_id, UUID(first["customer_account_id"]), answer)
    assert first["customer_account_id"] not in [one["customer_account_id"] for one in found["to_ring"]]
    assert whereabouts(client, agent, incident_id) == before


def test_a_customer_whose_number_was_found_wrong_is_not_rung_about_anything_else(
    play: Play, client: TestClient, agent: dict[str, str]
) -> None:
    incident_id = row_4_and_5_dry(play)
    first = get(client, f"/api/incidents/{incident_id}/ring-backs", agent)["to_ring"][0]
    play.call("V60")
    other = next(one for one in play.incidents() if str(one.id) != incident_id)
    rung(client, agent, str(other.id), UUID(first["customer_account_id"]), "wrong_number")
    found = get(client, f"/api/incidents/{incident_id}/ring-backs", agent)
    assert found["asked"] == []
    assert first["customer_account_id"] not in [one["customer_account_id"] for one in found["to_ring"]]


def test_customers_without_a_number_are_never_proposed(
    play: Play, client: TestClient, agent: dict[str, str], session: Session
) -> None:
    incident_id = row_4_and_5_dry(play)
    session.execute(update(CustomerAccount).values(phone=None))
    assert get(client, f"/api/incidents/{incident_id}/ring-backs", agent)["to_ring"] == []


def test_the_picture_changes_nothing_of_the_incident(
    play: Play, client: TestClient, agent: dict[str, str], session: Session
) -> None:
    incident_id = row_4_and_5_dry(play)
    incident = play.incident()
    incidents.confirm(session, incident, settings=play.settings)
    session.flush()
    kept = (incident.pipe_id, incident.kind, incident.state, list(incident.segment_ids), incident.place.data)
    for pipe in ("H02", "H12", "H22"):
        rung(client, agent, incident_id, play.town.accounts[play.town.accounts_on(pipe)[1]], "no_water")
    found = whereabouts(client, agent, incident_id)
    assert belief_in(found, play.town.segments["H12"]) > 0.5
    session.expire_all()
    now = play.incident()
    assert (now.pipe_id, now.kind, now.state, list(now.segment_ids), now.place.data) == kept


def test_answers_go_with_a_merged_incident_and_come_back_with_it(
    play: Play, client: TestClient, agent: dict[str, str], session: Session
) -> None:
    play.call("H05", account=play.town.accounts_on("H05")[0])
    play.call("V60")
    first, second = play.incidents()
    rung(client, agent, str(second.id), play.town.accounts[play.town.accounts_on("H54")[0]], "no_water")
    merging.merge(session, first, second, settings=play.settings, by=By())
    session.flush()
    assert len(get(client, f"/api/incidents/{first.id}/ring-backs", agent)["asked"]) == 1
    merging.unmerge(session, second, settings=play.settings, by=By())
    session.flush()
    assert get(client, f"/api/incidents/{first.id}/ring-backs", agent)["asked"] == []
    assert len(get(client, f"/api/incidents/{second.id}/ring-backs", agent)["asked"]) == 1


def test_once_water_comes_back_no_answer_is_taken_and_nobody_is_proposed(
    play: Play, client: TestClient, agent: dict[str, str], session: Session
) -> None:
    incident_id = row_4_and_5_dry(play)
    incidents.close(session, play.incident(), cause=Cause.OTHER)
    session.flush()
    assert get(client, f"/api/incidents/{incident_id}/ring-backs", agent)["to_ring"] == []
    account = play.town.accounts[play.town.accounts_on("H12")[0]]
    problem = rung(client, agent, incident_id, account, "no_water", expect=409)
    assert problem["type"] == "/problems/water-comes-back"


def test_what_is_told_from_after_a_reopening_counts_alone(
    play: Play, client: TestClient, agent: dict[str, str], session: Session
) -> None:
    incident_id = row_4_and_5_dry(play)
    rung(client, agent, incident_id, play.town.accounts[play.town.accounts_on("H12")[0]], "no_water")
    incident = play.incident()
    incidents.close(session, incident, cause=Cause.OTHER)
    play.wait(minutes=30)
    incidents.reopen(session, incident, report_id=play.reports(incident)[0].report_id, settings=play.settings)
    session.flush()
    basis = whereabouts(client, agent, incident_id)["basis"]
    assert (basis["calls"], basis["said_no_water"]) == (1, 0)


# --- who may -------------------------------------------------------------------------------------------------------------


def test_names_and_numbers_are_for_those_who_may_see_them(
    play: Play, client: TestClient, dispatcher: dict[str, str]
) -> None:
    incident_id = row_4_and_5_dry(play)
    wanted = get(client, f"/api/incidents/{incident_id}/ring-backs", dispatcher)["to_ring"]
    found = rung(client, dispatcher, incident_id, UUID(wanted[0]["customer_account_id"]), "no_water")
    assert found["asked"][0]["address"] == wanted[0]["address"]
    for one in found["to_ring"] + found["asked"]:
        assert (one["phone"], one["name"]) == (None, None)
        assert one["address"] is not None  # dispatchers see addresses


def test_a_person_with_an_area_sees_and_rings_in_it_alone(
    play: Play, client: TestClient, log_in: LogIn
) -> None:
    incident_id = row_4_and_5_dry(play)
    west = log_in("agent", area_wkt=WEST_AREA)
    found = whereabouts(client, west, incident_id)
    east_of_it = play.town.on_pipe("V34", 40.0).as_point()
    for zone in found["zones"]["features"]:
        assert not shapely.intersects(shape(zone["geometry"]), east_of_it)
    assert "V34" not in [one["asset_code"] for one in found["pipes"]]
    east = play.town.accounts[play.town.accounts_on("H52")[0]]
    assert (
        rung(client, west, incident_id, east, "no_water", expect=404)["type"] == "/problems/no-such-customer"
    )
    rung(client, log_in("agent"), incident_id, east, "no_water")
    (told,) = get(client, f"/api/incidents/{incident_id}/ring-backs", west)["asked"]
    assert (told["answer"], told["account_no"], told["name"], told["phone"], told["address"]) == (
        "no_water",
        None,
        None,
        None,
        None,
    )
    play.call("V60", account=play.town.accounts_on("H54")[0])
    other = next(one for one in play.incidents() if str(one.id) != incident_id)
    get(client, f"/api/incidents/{other.id}/whereabouts", west, expect=404)
    rung(client, west, str(other.id), east, "no_water", expect=404)


def test_an_answer_is_written_down_with_who_gave_it_to_whom(
    play: Play, client: TestClient, agent: dict[str, str], session: Session
) -> None:
    incident_id = row_4_and_5_dry(play)
    account = play.town.accounts[play.town.accounts_on("H12")[0]]
    rung(client, agent, incident_id, account, "low_pressure")
    row = session.scalars(select(RingBack)).one()
    assert (row.customer_account_id, row.answer, row.pipe_id) == (
        account,
        Answer.LOW_PRESSURE,
        play.town.pipes["H12"],
    )
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "ring_back.note")).one()
    assert (str(entry.subject_id), entry.user_id, entry.digest) == (
        incident_id,
        row.by_user_id,
        "low_pressure",
    )


def test_an_unknown_customer_answer_or_incident_is_refused(
    play: Play, client: TestClient, agent: dict[str, str]
) -> None:
    incident_id = row_4_and_5_dry(play)
    rung(client, agent, incident_id, uuid4(), "no_water", expect=404)
    account = play.town.accounts[play.town.accounts_on("H12")[0]]
    rung(client, agent, incident_id, account, "perhaps", expect=422)
    get(client, f"/api/incidents/{uuid4()}/whereabouts", agent, expect=404)


def test_the_crew_neither_sees_the_picture_nor_rings(play: Play, client: TestClient, log_in: LogIn) -> None:
    incident_id = row_4_and_5_dry(play)
    crew = log_in("crew")
    get(client, f"/api/incidents/{incident_id}/whereabouts", crew, expect=403)
    get(client, f"/api/incidents/{incident_id}/ring-backs", crew, expect=403)
