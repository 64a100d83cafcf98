"""What an agent is told is probably known already, on the town's network."""

from datetime import timedelta

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.db import new_id
from dispatch import incidents
from dispatch.changes import By
from dispatch.duplicates import suggestions
from dispatch.duplicates.odds import Closeness, Earlier
from dispatch.duplicates.suggestions import CATEGORIES, current_habits
from dispatch.models import Cause, Incident, IncidentReport
from gis.kept import Kept
from tests.conftest import LogIn
from tests.dispatch.play import Play
from tests.dispatch.test_api import WEST_AREA, post
from tests.town import Town


@pytest.fixture(autouse=True)
def _nothing_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process learnt of one test's town is nothing to the next."""
    monkeypatch.setattr(suggestions, "_HABITS", Kept())


@pytest.fixture
def agent(log_in: LogIn) -> dict[str, str]:
    return log_in("agent")


def asked(
    town: Town, pipe: str, chainage_m: float = 50.0, *, category: str = "no_water", **more: object
) -> object:
    """What the desk knows while somebody at a pipe is on the line."""
    place = town.on_pipe(pipe, chainage_m)
    return {
        "category": category,
        "point": {"lon": place.lon, "lat": place.lat},
        "segment_id": town.segments[pipe],
        **more,
    }


def test_the_street_that_called_just_now_is_known(
    play: Play, town: Town, client: TestClient, agent: dict[str, str]
) -> None:
    play.call("H12", at=town.on_pipe("H12", 20.0))
    play.wait(minutes=12)
    (found,) = post(client, "/api/duplicates", agent, asked(town, "H12"))["items"]
    incident = play.incident()
    assert (found["incident_id"], found["incident_number"]) == (str(incident.id), incident.number)
    assert (found["valves"], found["distance_m"]) == (0, pytest.approx(30, abs=0.5))
    assert found["age_s"] == pytest.approx(720, abs=1)
    assert found["where"] == "same segment, 30 m"
    chance = round(1 + found["odds"])
    assert (
        found["reason"] == f"same segment, 30 m, same matter, 12 min ago; 1 in {chance} such pairs is chance"
    )
    assert found["state"] == "suspected"


def test_behind_a_valve_is_farther_than_along_the_main(
    play: Play, town: Town, client: TestClient, agent: dict[str, str]
) -> None:
    """The leak is half way up V00, 40 m from either end: H01 is of its segment, H00 behind its valve."""
    play.call("V00", "leak", at=town.on_pipe("V00", 40.0))

    def told(pipe: str) -> tuple[int, float, float]:
        (one,) = post(client, "/api/duplicates", agent, asked(town, pipe, 1.0, category="leak"))["items"]
        return one["valves"], one["distance_m"], one["odds"]

    (same, same_m, same_odds), (other, other_m, other_odds) = told("H01"), told("H00")
    assert (same, other) == (0, 1)
    assert same_m == pytest.approx(other_m, abs=1) == pytest.approx(40, abs=1)
    assert same_odds > other_odds > 1.5


def test_the_customer_is_known_wherever_the_pin_is(
    play: Play, town: Town, client: TestClient, agent: dict[str, str]
) -> None:
    account = town.accounts_on("H12")[0]
    play.call("H12", account=account)
    play.wait(days=2)
    (found,) = post(client, "/api/duplicates", agent, asked(town, "H54", account_no=account))["items"]
    assert found["is_same_customer"]
    assert found["reason"].startswith("same customer, same matter, 2 days ago")
    assert post(client, "/api/duplicates", agent, asked(town, "H54"))["items"] == []


def test_other_matters_far_places_and_closed_incidents_are_not_suggested(
    play: Play, town: Town, client: TestClient, agent: dict[str, str]
) -> None:
    play.call("H12", at=town.on_pipe("H12", 20.0))
    assert post(client, "/api/duplicates", agent, asked(town, "H12", category="water_quality"))["items"] == []
    assert post(client, "/api/duplicates", agent, asked(town, "H54"))["items"] == []
    assert len(post(client, "/api/duplicates", agent, asked(town, "H12", category="leak"))["items"]) == 1
    incident = play.incident()
    for order in play.orders(incident):
        order.ended_at = utc_now()
    incidents.close(play.session, incident, cause=Cause.OTHER, by=By())
    play.session.flush()
    assert post(client, "/api/duplicates", agent, asked(town, "H12"))["items"] == []


def test_one_line_an_incident_and_three_lines_at_most(
    session: Session, play: Play, town: Town, client: TestClient, agent: dict[str, str]
) -> None:
    for n in range(5):
        incident = stored_incident(session, play)
        for m in range(2):
            stored_report(session, play, incident, "H12", 30.0 + 4 * n + m)
    items = post(client, "/api/duplicates", agent, asked(town, "H12", 48.0))["items"]
    assert len({one["incident_id"] for one in items}) == len(items) == 3
    assert [one["odds"] for one in items] == sorted((one["odds"] for one in items), reverse=True)


def test_nothing_is_told_of_another_area_nor_to_who_may_not_read_incidents(
    play: Play, town: Town, client: TestClient, log_in: LogIn
) -> None:
    play.call("H44", at=town.on_pipe("H44", 20.0))
    west, everywhere = log_in("agent", area_wkt=WEST_AREA), log_in("agent")
    assert len(post(client, "/api/duplicates", everywhere, asked(town, "H44"))["items"]) == 1
    assert post(client, "/api/duplicates", west, asked(town, "H44"))["items"] == []
    post(client, "/api/duplicates", log_in("crew"), asked(town, "H44"), expect=403)
    post(client, "/api/duplicates", everywhere, asked(town, "H44", category="flood"), expect=422)


def test_reports_of_the_past_teach_and_those_of_today_do_not(
    session: Session, play: Play, town: Town
) -> None:
    """Forty days, on each of which two complaints about dirty water come from one place within minutes."""
    before = current_habits(session, utc_now(), days=90)
    for day in range(2, 42):
        incident = stored_incident(session, play)
        for minutes in (0, 5):
            stored_report(
                session,
                play,
                incident,
                "H12",
                50.0,
                "water_quality",
                age=timedelta(days=day, minutes=minutes),
            )
        incident.closed_at = utc_now() - timedelta(days=day, hours=-1)
    session.flush()
    assert current_habits(session, utc_now(), days=90) is before
    play.wait(days=1)
    after = current_habits(session, utc_now(), days=90)
    assert after is not before
    dirty = CATEGORIES["water_quality"]
    near = Earlier(
        kinds=np.array([dirty]),
        closeness=np.array([Closeness.TOUCHING]),
        age_s=np.array([300.0]),
        is_over=np.array([False]),
    )
    assert after.odds(dirty, near)[0] > 2 * before.odds(dirty, near)[0]


def stored_incident(session: Session, play: Play) -> Incident:
    """Put an open incident into the database, without dispatching anything."""
    place = play.town.on_pipe("H12", 50.0)
    now = utc_now()
    incident = Incident(
        kind="outage", priority=3, place=place.as_stored(), opened_at=now, last_report_at=now, changed_at=now
    )
    session.add(incident)
    session.flush()
    return incident


def stored_report(
    session: Session,
    play: Play,
    incident: Incident,
    pipe: str,
    chainage_m: float,
    category: str = "no_water",
    *,
    age: timedelta = timedelta(minutes=20),
) -> None:
    """Put a report of an incident into the database."""
    play.number += 1
    at = utc_now() - age
    session.add(
        IncidentReport(
            report_id=new_id(),
            report_number=play.number,
            incident_id=incident.id,
            triaged_into_id=incident.id,
            category=category,
            place=play.town.on_pipe(pipe, chainage_m).as_stored(),
            pipe_id=play.town.pipes[pipe],
            segment_id=play.town.segments[pipe],
            confidence=1.0,
            caller_key=f"caller-{play.number}",
            noticed_at=at,
            received_at=at,
            attached_at=at,
            decision="opened",
            reason=[{"code": "dispatch.stream.other"}],
        )
    )
    session.flush()
