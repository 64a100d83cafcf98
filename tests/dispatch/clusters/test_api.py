"""Large incidents and rates over HTTP; every number is counted by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.settings import Settings
from dispatch import incidents
from dispatch.changes import By
from dispatch.clusters import queries
from dispatch.clusters.queries import Span
from dispatch.clusters.rates import Group
from dispatch.models import Cause
from tests.conftest import LogIn
from tests.dispatch.play import Play
from tests.dispatch.test_api import WEST_AREA, get
from tests.dispatch.test_repeats import seen_by

pytestmark = pytest.mark.usefixtures("by_hand_only")

WEEK = timedelta(days=7)


@pytest.fixture
def supervisor(log_in: LogIn) -> dict[str, str]:
    return log_in("supervisor")


def tell(play: Play, at: str | datetime, pipe: str, category: str = "no_water", times: int = 1) -> None:
    """Let so many customers call at a time."""
    play.set_clock(datetime.fromisoformat(at) if isinstance(at, str) else at)
    for _ in range(times):
        play.call(pipe, category)


def rates_of(
    play: Play, client: TestClient, headers: dict[str, str], hour: datetime, **span: Any
) -> dict[tuple[str | None, str], tuple[int, list[int], float | None, str]]:
    """Map zone and group to what an hour had."""
    names = {str(id_): name for name, id_ in play.town.zones.items()}
    asked = {"from": hour.isoformat(), "until": (hour + timedelta(hours=1)).isoformat()} | span
    answer = get(client, "/api/clusters", headers, **asked)
    return {
        (names.get(one["zone_id"]), one["group"]): (
            one["count"],
            one["before"],
            one["usual"],
            one["verdict"],
        )
        for one in answer["rates"]
        if datetime.fromisoformat(one["hour"]) == hour
    }


def test_each_zones_hour_stands_beside_the_same_hour_of_the_weeks_before(
    play: Play, client: TestClient, supervisor: dict[str, str]
) -> None:
    hour = datetime(2026, 3, 2, 8, tzinfo=UTC)
    tell(play, hour - 5 * WEEK, "H12")  # since when reports are kept
    for n, count in ((4, 1), (3, 0), (2, 2), (1, 1)):
        tell(play, hour - n * WEEK + timedelta(minutes=59, seconds=59), "H12", times=count)
        tell(play, hour - n * WEEK + timedelta(hours=1), "H12", times=5)  # the hour after
    tell(play, hour + timedelta(minutes=1), "H12", times=6)
    tell(play, hour + timedelta(minutes=2), "V21", "water_quality")
    tell(play, hour + timedelta(minutes=3), "H41", "leak")
    found = rates_of(play, client, supervisor, hour)
    # West: of 1, 2, 0, 1 the median is 1. Seven or more of one expected: 0.00008; six or more: 0.0006.
    assert found == {
        ("West", "all"): (7, [1, 2, 0, 1], 1.0, "far_above"),
        ("West", "supply"): (6, [1, 2, 0, 1], 1.0, "far_above"),
        ("West", "water_quality"): (1, [0, 0, 0, 0], 0.0, "usual"),
        ("East", "all"): (1, [0, 0, 0, 0], 0.0, "usual"),
        ("East", "supply"): (1, [0, 0, 0, 0], 0.0, "usual"),
    }


def test_too_little_history_is_said(play: Play, client: TestClient, supervisor: dict[str, str]) -> None:
    hour = datetime(2026, 3, 2, 8, tzinfo=UTC)
    tell(play, hour - 2 * WEEK, "H12")
    tell(play, hour, "H12", times=8)
    assert rates_of(play, client, supervisor, hour)["West", "all"] == (
        8,
        [0, 1],
        None,
        "too_little_history",
    )
    answer = get(client, "/api/clusters", supervisor)
    assert datetime.fromisoformat(answer["history_since"]) == hour - 2 * WEEK


def test_without_reports_there_is_no_history_and_no_rate(
    play: Play, client: TestClient, supervisor: dict[str, str]
) -> None:
    answer = get(client, "/api/clusters", supervisor)
    assert (answer["history_since"], answer["incidents"], answer["rates"]) == (None, [], [])
    assert answer["timezone"] == "Asia/Shanghai"
    since, until = (datetime.fromisoformat(answer[key]) for key in ("since", "until"))
    assert until == play.now
    assert since == play.now - WEEK  # 8:00 UTC is a full hour in Shanghai
    first, last = answer["hours"][0], answer["hours"][-1]
    assert (len(answer["hours"]), first["hour"]) == (168, answer["since"])
    assert datetime.fromisoformat(last["before"][0]) == play.now - WEEK - timedelta(hours=1)


@pytest.mark.parametrize(
    ("timezone", "usual"),
    [
        # On 29 March clocks went forward in Berlin: nine o'clock there was 8 UTC before, and 7 UTC after.
        ("Europe/Berlin", [3, 3, 3, 3]),
        ("Asia/Shanghai", [3, 0, 0, 0]),
    ],
)
def test_the_same_hour_is_that_of_the_utilitys_clock(
    play: Play, session: Session, settings: Settings, timezone: str, usual: list[int]
) -> None:
    tell(play, "2026-01-05T00:00:00+00:00", "H12")
    for day, hour in (("09", 8), ("16", 8), ("23", 8), ("30", 7)):
        tell(play, f"2026-03-{day}T{hour:02}:30:00+00:00", "H12", times=3)
    tell(play, "2026-04-06T07:30:00+00:00", "H12")
    there = settings.model_copy(update={"utility_timezone": timezone})
    hour = datetime(2026, 4, 6, 7, tzinfo=UTC)
    found = queries.clusters(session, seen_by(), Span(hour, hour + timedelta(hours=1)), settings=there)
    (rate,) = (one for one in found.rates if one.counted.group is Group.ALL)
    assert (rate.hour, rate.count, list(rate.before)) == (hour, 1, usual)


def test_an_hour_between_two_zones_clocks_begins_at_half_past(
    play: Play, session: Session, settings: Settings
) -> None:
    tell(play, "2026-03-02T08:10:00+00:00", "H12")
    tell(play, "2026-03-02T08:40:00+00:00", "H12", times=2)
    india = settings.model_copy(update={"utility_timezone": "Asia/Kolkata"})
    span = Span(datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 2, 9, tzinfo=UTC))
    found = queries.clusters(session, seen_by(), span, settings=india)
    counts = [
        (one.hour.strftime("%H:%M"), one.count) for one in found.rates if one.counted.group is Group.ALL
    ]
    assert counts == [("07:30", 1), ("08:30", 2)]


def test_large_incidents_alive_in_the_span_are_listed_latest_first(
    play: Play, client: TestClient, supervisor: dict[str, str], session: Session
) -> None:
    tell(play, "2026-03-01T08:00:00+00:00", "H02", times=4)
    first = play.incident()
    incidents.close(session, first, cause=Cause.BURST, by=By())
    tell(play, "2026-03-02T08:00:00+00:00", "H40", times=4)
    tell(play, "2026-03-02T08:05:00+00:00", "H00", "other")  # one customer's own matter
    _, second, _ = play.incidents()
    listed = get(client, "/api/clusters", supervisor)["incidents"]
    assert [one["number"] for one in listed] == [second.number, first.number]
    newest = listed[0]
    assert (newest["level"], newest["report_count"], newest["customer_count"]) == (second.level, 4, 4)
    assert newest["zone_id"] == str(play.town.zones["East"])
    assert (newest["closed_at"], listed[1]["cause"]) == (None, "burst")
    after = get(client, "/api/clusters", supervisor, **{"from": "2026-03-01T09:00:00+00:00"})
    assert [one["number"] for one in after["incidents"]] == [second.number]
    before = get(
        client,
        "/api/clusters",
        supervisor,
        **{"from": "2026-03-01T00:00:00+00:00", "until": "2026-03-02T08:00:00+00:00"},
    )
    assert [one["number"] for one in before["incidents"]] == [first.number]


def test_a_number_opens_its_reports(play: Play, client: TestClient, supervisor: dict[str, str]) -> None:
    tell(play, "2026-03-02T08:05:00+00:00", "H12", times=2)
    tell(play, "2026-03-02T08:06:00+00:00", "H12", "water_quality")
    tell(play, "2026-03-02T08:07:00+00:00", "H41")
    tell(play, "2026-03-02T09:00:00+00:00", "H12")
    hour = {"from": "2026-03-02T08:00:00+00:00", "until": "2026-03-02T09:00:00+00:00"}
    west = str(play.town.zones["West"])

    def numbers(**asked: str) -> list[int]:
        items = get(client, "/api/clusters/reports", supervisor, **hour, **asked)["items"]
        return [one["report_number"] for one in items]

    assert numbers() == [4, 3, 2, 1]
    assert numbers(zone=west) == [3, 2, 1]
    assert numbers(zone=west, group="supply") == [2, 1]
    assert numbers(zone="unknown") == []
    play.session.execute(text("UPDATE dispatch.incident_report SET zone_id = NULL WHERE report_number = 2"))
    assert numbers(zone="unknown") == [2]
    assert rates_of(play, client, supervisor, datetime.fromisoformat(hour["from"]))[None, "all"][0] == 1


def test_what_lies_outside_the_readers_area_is_neither_listed_nor_counted(
    play: Play, client: TestClient, log_in: LogIn
) -> None:
    west = log_in("supervisor", area_wkt=WEST_AREA)
    tell(play, "2026-03-02T08:00:00+00:00", "H02", times=4)
    tell(play, "2026-03-02T08:05:00+00:00", "H50", times=4)
    answer = get(client, "/api/clusters", west)
    assert [one["zone_id"] for one in answer["incidents"]] == [str(play.town.zones["West"])]
    assert {one["zone_id"] for one in answer["rates"]} == {str(play.town.zones["West"])}
    assert len(get(client, "/api/clusters/reports", west)["items"]) == 4
    outlines = {one["name"]: one["outline"] for one in get(client, "/api/clusters/zones", west)["items"]}
    assert outlines["Zone East"] is None
    assert outlines["Zone West"]["type"] == "MultiPolygon"


@pytest.mark.parametrize(
    "span",
    [
        {"from": "2026-03-02T08:00:00+00:00", "until": "2026-03-02T08:00:00+00:00"},
        {"from": "2026-01-01T00:00:00+00:00", "until": "2026-02-01T00:00:01+00:00"},
    ],
    ids=["empty", "longer than 31 days"],
)
def test_a_span_that_makes_no_sense_is_refused(
    client: TestClient, supervisor: dict[str, str], span: dict[str, str]
) -> None:
    for path in ("/api/clusters", "/api/clusters/reports"):
        assert get(client, path, supervisor, expect=422, **span)["type"] == "/problems/bad-span"


def test_who_may_not_see_incidents_sees_no_clusters(client: TestClient, log_in: LogIn) -> None:
    stranger = log_in("crew")
    for path in ("/api/clusters", "/api/clusters/reports", "/api/clusters/zones"):
        assert get(client, path, stranger, expect=403)["status"] == 403
