"""Planned shutdowns: who has no water, and what two of them do together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from core.clock import utc_now
from gis.shutdowns import Work, conflicts, effect
from tests.gis.plain_network import Between, Main, PlainNetwork
from tests.town import Town

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
# source 0 ─p0─ 1 ═ 2 ─p1─ 3 ═ 4 ─p2─ source 5; customers are counted by a pipe's number.
TWO_SIDES = PlainNetwork(
    nodes=6,
    sources=[0, 5],
    pipes=[Main("p0", 0, 1), Main("p1", 2, 3), Main("p2", 4, 5)],
    valves=[Between(1, 2), Between(3, 4)],
)


def work(*pipes: int, at: datetime = NOON, hours: float = 4.0, inoperable: tuple[UUID, ...] = ()) -> Work:
    ids = tuple(UUID(int=pipe + 1) for pipe in pipes)
    return Work(uuid4(), ids, inoperable, at, at + timedelta(hours=hours))


def test_one_side_alone_leaves_the_middle_with_water():
    net = TWO_SIDES.arrays()
    assert effect(net, work(0)).customers == 0
    assert effect(net, work(2)).customers == 2


def test_both_sides_together_cut_off_the_middle_as_well():
    net = TWO_SIDES.arrays()
    left, right = work(0), work(2, at=NOON + timedelta(hours=3))
    (found,) = conflicts(net, left, [right])
    assert found.with_ids == (right.id,)
    assert (found.starts_at, found.ends_at) == (right.starts_at, left.ends_at)
    assert found.extra_pipe_ids == (UUID(int=2),)
    assert (found.extra.customers, found.extra.pipes) == (1, 1)
    assert found.shared_pipe_ids == ()


@pytest.mark.parametrize("begins_after_h", [4.0, 5.0, -4.0])
def test_shutdowns_that_do_not_overlap_in_time_do_not_conflict(begins_after_h):
    later = work(2, at=NOON + timedelta(hours=begins_after_h))
    assert conflicts(TWO_SIDES.arrays(), work(0), [later]) == []


def test_the_same_main_twice_is_a_conflict_without_anybody_extra():
    (found,) = conflicts(TWO_SIDES.arrays(), work(0), [work(0)])
    assert found.shared_pipe_ids == (UUID(int=1),)
    assert found.extra.customers == 0


def test_a_shutdown_does_not_conflict_with_itself_nor_with_one_elsewhere():
    net = TWO_SIDES.arrays()
    one = work(1)
    assert (
        conflicts(
            net,
            one,
            [one, replace(work(0), starts_at=NOON + timedelta(days=1), ends_at=NOON + timedelta(days=2))],
        )
        == []
    )


def test_what_only_three_together_cut_off_is_told_once():
    # A middle main fed from three sides.
    star = PlainNetwork(
        nodes=8,
        sources=[0, 1, 2],
        pipes=[Main("a", 0, 3), Main("b", 1, 4), Main("c", 2, 5), Main("m", 6, 7)],
        valves=[Between(3, 6), Between(4, 6), Between(5, 6)],
    )
    others = [work(1), work(2)]
    (found,) = conflicts(star.arrays(), work(0), others)
    assert set(found.with_ids) == {one.id for one in others}
    assert found.extra.customers == 3


def test_a_valve_that_does_not_turn_widens_a_shutdown():
    net = TWO_SIDES.arrays()
    left = work(0, inoperable=(net.valve_id(0),))
    assert effect(net, left).customers == 0 + 1
    assert conflicts(net, left, [work(2)]) == []  # nobody more than each of them dries anyway


def test_mains_that_are_gone_are_passed_over():
    net = TWO_SIDES.arrays()
    assert effect(net, replace(work(2), pipe_ids=(UUID(int=3), uuid4()))).customers == 2


# --- over HTTP -------------------------------------------------------------------------------------


@pytest.fixture
def dispatcher(town, log_in):
    return log_in("dispatcher")


def wanted(
    town: Town, *pipes: str, in_h: float = 24.0, hours: float = 4.0, **more: object
) -> dict[str, object]:
    begins = utc_now() + timedelta(hours=in_h)
    return {
        "title": f"Work on {', '.join(pipes)}",
        "pipe_ids": [str(town.pipes[one]) for one in pipes],
        "starts_at": begins.isoformat(),
        "ends_at": (begins + timedelta(hours=hours)).isoformat(),
    } | more


def test_a_planned_shutdown_is_stored_listed_changed_and_called_off(client, dispatcher, town):
    made = client.post("/api/network/shutdowns", json=wanted(town, "H05"), headers=dispatcher)
    assert made.status_code == 201
    first = made.json()
    assert (first["effect"]["customers"], first["conflicts"]) == (16, [])
    second = client.post(
        "/api/network/shutdowns", json=wanted(town, "H15", in_h=26.0), headers=dispatcher
    ).json()
    (conflict,) = second["conflicts"]
    assert (conflict["shutdown_ids"], conflict["titles"]) == ([first["id"]], ["Work on H05"])
    assert str(town.pipes["H05"]) in conflict["shared_pipes"]
    listed = client.get("/api/network/shutdowns", headers=dispatcher).json()["items"]
    assert [one["id"] for one in listed] == [first["id"], second["id"]]
    moved = client.put(
        f"/api/network/shutdowns/{second['id']}", json=wanted(town, "H15", in_h=48.0), headers=dispatcher
    ).json()
    assert moved["conflicts"] == []
    gone = client.post(f"/api/network/shutdowns/{second['id']}/call-off", headers=dispatcher).json()
    assert gone["called_off_at"] is not None
    again = client.post(f"/api/network/shutdowns/{second['id']}/call-off", headers=dispatcher)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/shutdown-over")
    assert len(client.get("/api/network/shutdowns", headers=dispatcher).json()["items"]) == 1


def test_a_break_is_told_what_a_running_shutdown_makes_of_it(client, dispatcher, town):
    client.post("/api/network/shutdowns", json=wanted(town, "H05", in_h=-1.0), headers=dispatcher)
    plan = client.get(
        "/api/network/isolation", params={"pipe_id": str(town.pipes["H04"])}, headers=dispatcher
    ).json()
    assert [one["titles"] for one in plan["conflicts"]] == [["Work on H05"]]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"title": ""}, 422),
        ({"pipe_ids": []}, 422),
        ({"pipe_ids": [str(uuid4())]}, 404),
        ({"inoperable_valve_ids": [str(uuid4())]}, 404),
        ({"ends_at": "2020-01-01T00:00:00Z"}, 422),
        ({"starts_at": "2026-01-01T00:00:00"}, 422),
        ({"colour": "red"}, 422),
    ],
)
def test_what_makes_no_sense_is_refused(client, dispatcher, town, change, status):
    answer = client.post("/api/network/shutdowns", json=wanted(town, "H05") | change, headers=dispatcher)
    assert answer.status_code == status


def test_agents_see_shutdowns_and_plan_none(client, log_in, town, dispatcher):
    client.post("/api/network/shutdowns", json=wanted(town, "H05"), headers=dispatcher)
    agent = log_in("agent")
    assert len(client.get("/api/network/shutdowns", headers=agent).json()["items"]) == 1
    assert client.post("/api/network/shutdowns", json=wanted(town, "H05"), headers=agent).status_code == 403


def test_shutdowns_elsewhere_do_not_exist_for_somebody_with_an_area(client, log_in, town, dispatcher):
    made = client.post("/api/network/shutdowns", json=wanted(town, "H05"), headers=dispatcher).json()
    corners = [Town.place(x, y) for x, y in ((350, -100), (700, -100), (700, 500), (350, 500), (350, -100))]
    ring = ", ".join(f"{p.lon} {p.lat}" for p in corners)
    east = log_in("dispatcher", area_wkt=f"MULTIPOLYGON((({ring})))")
    assert client.get("/api/network/shutdowns", headers=east).json()["items"] == []
    assert client.get(f"/api/network/shutdowns/{made['id']}", headers=east).status_code == 404
    assert client.post("/api/network/shutdowns", json=wanted(town, "H05"), headers=east).status_code == 404
