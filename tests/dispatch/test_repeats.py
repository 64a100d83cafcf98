"""Who complains again, by what it is known, and whether it was said to be over."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from core.auth import Actor
from core.db import new_id
from core.events import RepeatedComplaint, ReportLocated
from core.rights import PersonalField
from dispatch import incidents, merging
from dispatch.changes import SYSTEM, By
from dispatch.models import Cause, Incident, IncidentReport, Repeat, RepeatKey
from dispatch.repeats import (
    Complaint,
    list_repeats,
    note_repeat,
    repeat_offenders,
    repetitions,
    windows_of,
)
from dispatch.reports import Category
from tests.conftest import LogIn
from tests.dispatch.play import Play

ONCE_AND_TWICE = pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
WEST_AREA = "MULTIPOLYGON(((-33.01 39.99, -32.9964 39.99, -32.9964 40.02, -33.01 40.02, -33.01 39.99)))"
"""Columns 0 to 2 of the town."""
NOON = datetime.fromisoformat("2026-03-02T12:00:00+00:00")
WEEK = timedelta(days=7)


# --- decided from plain values ---------------------------------------------------------------------------------------------


def complaint(*, hours_ago: float = 0.0, **more: Any) -> Complaint:
    values: dict[str, Any] = {
        "report_id": new_id(),
        "category": "no_water",
        "received_at": NOON - timedelta(hours=hours_ago),
        "customer_account_id": None,
        "caller_key": str(uuid4()),
        "address_id": None,
        "pipe_id": None,
        "incident_id": uuid4(),
    }
    return Complaint(**(values | more))


def found(
    new: Complaint, *earlier: Complaint, window: timedelta = WEEK
) -> dict[RepeatKey, tuple[str, int, bool]]:
    return {
        one.key: (one.subject, one.times, one.on_closed) for one in repetitions(new, earlier, window=window)
    }


def test_the_same_account_is_the_same_customer_whoever_of_the_household_rings() -> None:
    account = uuid4()
    before = [complaint(hours_ago=ago, customer_account_id=account) for ago in (30, 5)]
    again = complaint(customer_account_id=account)
    (only,) = repetitions(again, before, window=WEEK)
    assert (only.key, only.subject, only.times) == (RepeatKey.CUSTOMER, str(account), 3)
    assert only.earlier_report_id == before[1].report_id


def test_a_caller_without_account_is_known_by_his_telephone_and_later_by_his_account() -> None:
    first, second = complaint(hours_ago=2, caller_key="k"), complaint(caller_key="k")
    assert found(second, first) == {RepeatKey.CALLER: ("k", 2, False)}
    account = uuid4()
    assert found(complaint(caller_key="k", customer_account_id=account), first) == {
        RepeatKey.CUSTOMER: (str(account), 2, False)
    }


def test_a_caretaker_who_rings_for_two_flats_repeats_nothing() -> None:
    home = uuid4()
    one, other = (
        complaint(caller_key="k", customer_account_id=uuid4(), address_id=home, hours_ago=ago)
        for ago in (1, 0)
    )
    assert found(other, one) == {}


def test_somebody_else_at_the_same_address_repeats_by_the_address() -> None:
    home, account = uuid4(), uuid4()
    first = complaint(address_id=home, customer_account_id=account, hours_ago=3)
    assert found(complaint(address_id=home), first) == {RepeatKey.ADDRESS: (str(home), 2, False)}
    again = found(complaint(address_id=home, customer_account_id=account), first)
    assert again == {RepeatKey.CUSTOMER: (str(account), 2, False)}, "the address would say the same once more"


@pytest.mark.parametrize(
    ("changed", "times"),
    [
        ({}, 3),
        ({"was_over": False}, None),
        ({"incident_id": "same"}, None),
        ({"pipe_id": None}, None),
        ({"category": "water_quality"}, None),
        ({"category": "leak"}, 3),
    ],
)
def test_a_main_repeats_when_it_comes_back_in_a_new_incident_and_incidents_are_counted(
    changed: dict[str, Any], times: int | None
) -> None:
    main, mine = uuid4(), uuid4()
    first, second = uuid4(), uuid4()
    new = complaint(pipe_id=main, incident_id=mine)
    before = []
    for incident, ago in ((first, 50), (first, 49), (second, 20)):
        values = {"pipe_id": main, "incident_id": incident, "was_over": True} | changed
        if values["incident_id"] == "same":
            values["incident_id"] = mine
        before.append(complaint(hours_ago=ago, **values))
    told = found(new, *before)
    assert told == ({} if times is None else {RepeatKey.ASSET: (str(main), times, True)})


def test_matters_that_are_no_trouble_with_water_say_nothing_about_a_main() -> None:
    main = uuid4()
    before = complaint(category="other", pipe_id=main, was_over=True, hours_ago=1)
    assert found(complaint(category="other", pipe_id=main), before) == {}


@pytest.mark.parametrize(
    ("hours", "is_repeat"), [(167.9, True), (168.0, True), (168.1, False), (-0.1, False)]
)
def test_a_window_is_counted_back_from_the_receipt(hours: float, is_repeat: bool) -> None:
    before = complaint(caller_key="k", hours_ago=hours)
    assert bool(found(complaint(caller_key="k"), before)) is is_repeat


def test_every_category_has_a_window_and_quality_the_longest(play: Play) -> None:
    days = {category: span.days for category, span in windows_of(play.settings).items()}
    assert days == {"no_water": 3, "low_pressure": 7, "leak": 7, "water_quality": 14, "other": 7}
    assert days.keys() == set(Category)


# --- kept and told ---------------------------------------------------------------------------------------------------------


def close(play: Play, cause: Cause = Cause.BURST) -> Incident:
    """Close the latest incident, a minute after what came before."""
    play.wait(minutes=1)
    incident = play.incidents()[-1]
    incidents.close(play.session, incident, cause=cause, by=SYSTEM)
    play.relay()
    return incident


def kept(play: Play, report: ReportLocated) -> dict[str, tuple[int, int, bool]]:
    rows = play.session.scalars(select(Repeat).where(Repeat.report_id == report.report_id))
    return {row.key: (row.times, row.window_days, row.on_closed) for row in rows}


def incident_of(play: Play, report: ReportLocated) -> UUID:
    return play.session.get_one(IncidentReport, report.report_id).incident_id


@ONCE_AND_TWICE
def test_a_customer_who_calls_again_about_an_open_incident_is_kept_and_told_once(
    play: Play, by_hand_only: None, times: int
) -> None:
    play.times = times
    (account,) = play.town.accounts_on("H12")[:1]
    first = play.call("H12", account=account)
    play.wait(hours=2)
    again = play.call("H12", account=account)
    assert kept(play, first) == {}
    assert kept(play, again) == {"customer": (2, 3, False)}
    assert play.emitted(RepeatedComplaint) == [
        RepeatedComplaint(play.incident().id, again.report_id, times=2, window_days=3, on_closed=False)
    ]


@ONCE_AND_TWICE
def test_a_new_complaint_after_the_closing_opens_an_incident_and_is_told_of_it(
    play: Play, by_hand_only: None, times: int
) -> None:
    play.times = times
    (account,) = play.town.accounts_on("H12")[:1]
    play.call("H12", account=account)
    old = close(play, Cause.PRIVATE_PLUMBING)
    play.wait(hours=20)
    again = play.call("H12", account=account)
    new = play.incidents()[-1]
    assert (incident_of(play, again), old.state) == (new.id, "closed")
    assert new.id != old.id
    assert kept(play, again) == {"customer": (2, 3, True)}
    assert play.emitted(RepeatedComplaint) == [
        RepeatedComplaint(new.id, again.report_id, times=2, window_days=3, on_closed=True)
    ]


def test_trouble_from_before_the_closing_reopens_and_still_came_on_a_closed_one(
    play: Play, by_hand_only: None
) -> None:
    play.call("H12", caller="k")
    incident = close(play)
    play.wait(minutes=30)
    again = play.call("H12", caller="k", minutes_ago=31)
    assert (incident_of(play, again), incident.state) == (incident.id, "suspected")
    assert kept(play, again) == {"caller": (2, 3, True)}
    play.wait(minutes=30)
    third = play.call("H12", caller="k")
    assert kept(play, third) == {"caller": (3, 3, False)}, "it is open again"


def test_once_the_window_is_over_it_is_a_new_matter(play: Play, by_hand_only: None) -> None:
    play.call("H12", caller="k")
    close(play)
    play.wait(days=3, minutes=1)
    assert kept(play, play.call("H12", caller="k")) == {}
    play.call("H52", "water_quality", caller="q")
    close(play, Cause.DIRTY_MAIN)
    play.wait(days=13)
    assert kept(play, play.call("H52", "water_quality", caller="q"))["caller"] == (2, 14, True)


def test_neighbours_on_one_main_make_an_incident_large_and_repeat_only_after_it_was_over(
    play: Play, by_hand_only: None
) -> None:
    reports = [play.call("H12") for _ in range(3)]
    assert [kept(play, one) for one in reports] == [{}, {}, {}]
    close(play)
    play.wait(hours=5)
    assert kept(play, play.call("H12")) == {"asset": (2, 3, True)}
    assert kept(play, play.call("H12")) == {}, "its incident is known to be the second"
    assert kept(play, play.call("H22")) == {}, "another main"


@pytest.mark.parametrize("cause", [Cause.PRIVATE_PLUMBING, Cause.NOTHING_FOUND])
def test_a_main_that_nothing_was_wrong_with_does_not_repeat(
    play: Play, by_hand_only: None, cause: Cause
) -> None:
    play.call("H12")
    close(play, cause)
    play.wait(hours=5)
    assert kept(play, play.call("H12")) == {}


def test_an_address_is_known_by_the_doorstep_unless_several_live_there(
    play: Play, by_hand_only: None
) -> None:
    house = play.town.on_pipe("H10", 30.0, left_m=11.0)
    tenant = play.town.account_at["5 Mill Street"]
    play.call("H10", account=tenant)
    play.wait(minutes=5)
    assert kept(play, play.call("H10", at=house)) == {"address": (2, 3, False)}
    play.wait(minutes=5)
    assert kept(play, play.call("H10", at=house, confidence=0.4)) == {}, "an unsure place is no doorstep"
    flats = play.town.on_pipe("H00", 30.0, left_m=12.0)
    play.call("H00", "leak", at=flats)
    play.wait(minutes=5)
    assert kept(play, play.call("H00", "leak", at=flats)) == {}


def test_reports_that_a_merge_moves_are_not_told_anew(play: Play, by_hand_only: None) -> None:
    play.call("H00", caller="k")
    play.wait(minutes=5)
    play.call("H55", caller="other")
    play.call("H00", caller="k")
    west, east = play.incidents()
    merging.merge(play.session, west, east, settings=play.settings, by=By())
    play.relay()
    assert len(play.emitted(RepeatedComplaint)) == 1


def test_a_report_that_dispatch_does_not_know_repeats_nothing(play: Play) -> None:
    note_repeat(play.session, uuid4(), settings=play.settings)
    assert play.emitted(RepeatedComplaint) == []


# --- for people ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def story(play: Play, by_hand_only: None) -> Play:
    """A customer in the west calls three times, one in the east twice, the second time after the closing."""
    west, east = play.town.accounts_on("H01")[0], play.town.accounts_on("H51")[0]
    for _ in range(3):
        play.call("H01", account=west)
        play.wait(hours=1)
    play.call("H51", account=east)
    close(play)
    play.wait(hours=1)
    play.call("H51", account=east)
    return play


def seen_by(area_wkt: str | None = None, fields: frozenset[str] = frozenset()) -> Actor:
    return Actor(
        user_id=uuid4(),
        username="x",
        display_name="X",
        role="supervisor",
        operations=frozenset(),
        fields=fields,
        area_wkt=area_wkt,
        desk_ids=frozenset(),
        crew_id=None,
        session_id=uuid4(),
        language="en",
        client_address=None,
    )


def test_offenders_are_listed_the_most_often_first_each_in_ones_own_area(story: Play) -> None:
    ask = {"key": RepeatKey.CUSTOMER, "days": 30, "times_min": 2, "limit": 10}
    everybody = repeat_offenders(story.session, seen_by(), **ask)
    west, east = (story.town.accounts_on(pipe)[0] for pipe in ("H01", "H51"))
    assert [(one.label, one.repeats, one.times, one.on_closed) for one in everybody] == [
        (west, 2, 3, 0),
        (east, 1, 2, 1),
    ]
    assert [one.label for one in repeat_offenders(story.session, seen_by(WEST_AREA), **ask)] == [west]
    assert [one.label for one in repeat_offenders(story.session, seen_by(), **(ask | {"times_min": 3}))] == [
        west
    ]
    mains = repeat_offenders(story.session, seen_by(), **(ask | {"key": RepeatKey.ASSET}))
    assert [(one.label, one.times) for one in mains] == [("H51", 2)]
    story.wait(days=31)
    assert repeat_offenders(story.session, seen_by(), **ask) == []


def test_an_address_is_named_only_to_whoever_may_see_addresses(play: Play, by_hand_only: None) -> None:
    house = play.town.on_pipe("H10", 30.0, left_m=11.0)
    for caller in ("one", "two"):
        play.call("H10", caller=caller, at=house)
        play.wait(minutes=5)
    (hidden,) = list_repeats(play.session, seen_by(), limit=10)
    (named,) = list_repeats(play.session, seen_by(fields=frozenset({PersonalField.ADDRESS})), limit=10)
    assert (hidden.label, named.label) == (None, "5 Mill Street")


def test_over_http_every_figure_opens_its_rows(story: Play, client: TestClient, log_in: LogIn) -> None:
    headers = log_in("supervisor")

    def get(path: str, **params: Any) -> list[dict[str, Any]]:
        answer = client.get(path, params=params, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    worst, _ = get("/api/repeats/offenders", by="customer")
    rows = get("/api/repeats", by="customer", subject=worst["subject"])
    assert [row["times"] for row in rows] == [3, 2]
    assert worst["latest"] == rows[0]
    assert worst["repeats"] == len(rows)
    assert rows[1]["earlier_report_number"] == 1
    assert len(get("/api/repeats", incident_id=rows[0]["incident_id"])) == 2
    assert len(get("/api/repeats", since=story.now.isoformat())) == 2, "by its customer and by its main"
    refused = client.get("/api/repeats", params={"by": "weather"}, headers=headers)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert client.get("/api/repeats", headers=log_in("crew")).status_code == 403
