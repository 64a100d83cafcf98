"""The network's routes."""

from uuid import uuid4

import pytest

from gis.coordinates import Datum, LonLat, from_wgs84
from gis.geocoding import normalise
from gis.models import Address
from tests.town import Town


@pytest.fixture
def agent(town, log_in):
    return log_in("agent")


@pytest.fixture
def dispatcher(town, log_in):
    return log_in("dispatcher")


def body(place: LonLat, **more: object) -> dict[str, object]:
    return {"lon": place.lon, "lat": place.lat} | more


def test_an_account_is_located(client, agent, town):
    number = town.account_at["9 Market Street"]
    answer = client.post("/api/locate", json={"account_no": number}, headers=agent)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["pipe_code"], found["method"], found["account_no"]) == ("H22", "account", number)
    assert found["segment_id"] == town.segments["H22"]


def test_an_account_is_located_wherever_its_holder_calls_from(client, agent, town):
    wanted = {"account_no": town.account_at["9 Market Street"], "point": body(Town.place(90_000.0, 0.0))}
    assert client.post("/api/locate", json=wanted, headers=agent).json()["method"] == "account"


def test_a_point_is_located_with_alternatives(client, agent, town):
    found = client.post(
        "/api/locate", json={"point": body(Town.on_pipe("H12", 40, left_m=5))}, headers=agent
    ).json()
    assert found["pipe_code"] == "H12"
    assert found["alternatives"]


def test_an_address_that_was_chosen_is_the_place_whatever_else_is_called_so(client, agent, town, session):
    """A second 9 Market Street, on River Street 30 m along H55, where nobody is a customer yet."""
    text = "9 Market Street"
    twin = Address(
        street="Market Street",
        house_number="9",
        text=text,
        normalised=normalise(text),
        geom=Town.on_pipe("H55", 30, left_m=5).as_stored(),
    )
    session.add(twin)
    session.flush()
    phone = town.phones[town.account_at["3 Mill Street"]]
    for chosen, code in ((town.addresses[text], "H22"), (twin.id, "H55")):
        wanted = {"text": text, "phone": phone, "address_id": str(chosen)}
        found = client.post("/api/locate", json=wanted, headers=agent).json()
        assert (found["pipe_code"], found["method"], found["address_text"]) == (code, "address", text)
    gone = client.post("/api/locate", json={"address_id": str(uuid4())}, headers=agent)
    assert (gone.status_code, gone.json()["type"]) == (404, "/problems/address-not-found")


def test_a_phone_number_may_be_written_as_people_do(client, agent, town):
    number = town.account_at["2 River Street"]
    phone = town.phones[number]
    written = f"{phone[:2]} {phone[2:5]} {phone[5:8]}-{phone[8:]}"
    assert client.post("/api/locate", json={"phone": written}, headers=agent).json()["pipe_code"] == "H05"


@pytest.mark.parametrize(
    ("wanted", "status", "problem"),
    [
        ({}, 422, "nothing-to-locate"),
        ({"account_no": "999"}, 404, "account-not-found"),
        ({"text": "xyzzyplugh"}, 404, "address-not-found"),
        ({"point": {"lon": 10.0, "lat": 10.0}}, 422, "outside-service-area"),
        ({"point": {"lon": 200.0, "lat": 10.0}}, 422, None),
        ({"point": {"lon": "x", "lat": 10.0}}, 422, None),
        ({"point": {"lon": 1.0}}, 422, None),
        ({"colour": "red"}, 422, None),
    ],
)
def test_what_cannot_be_located_is_a_clear_problem(client, agent, town, wanted, status, problem):
    answer = client.post("/api/locate", json=wanted, headers=agent)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    if problem:
        assert answer.json()["type"].endswith(problem)


def test_swapped_axes_are_told(client, agent, town):
    place = Town.place(300, 200)
    answer = client.post("/api/locate", json={"point": {"lon": place.lat, "lat": place.lon}}, headers=agent)
    assert answer.status_code == 422
    assert "swapped" in answer.json()["detail"]


def test_the_datum_is_converted(client, agent, town):
    """Over the Atlantic GCJ-02 is WGS 84, so the point stays; BD-09 is shifted everywhere and comes back."""
    place = Town.on_pipe("H12", 40, left_m=5)
    shifted = from_wgs84(place, Datum.BD09)
    answer = client.post("/api/locate", json={"point": body(shifted, datum="bd09")}, headers=agent)
    assert answer.json()["pipe_code"] == "H12"


def test_addresses_are_offered(client, agent, town):
    answer = client.get("/api/addresses/suggest", params={"q": "mill street 2", "limit": 3}, headers=agent)
    assert [item["text"] for item in answer.json()["items"]][:2] == ["2 Mill Street", "20 Mill Street"]
    assert client.get("/api/addresses/suggest", params={"q": ""}, headers=agent).status_code == 422


def test_a_shutdown_is_planned(client, dispatcher, town):
    answer = client.get(
        "/api/network/isolation", params={"pipe_id": str(town.pipes["H05"])}, headers=dispatcher
    )
    plan = answer.json()
    assert [valve["asset_code"] for valve in plan["valves_to_close"]] == ["VV04", "VV14", "VV24", "VV34"]
    assert (plan["customers"], plan["length_m"]) == (16, 620.0)
    assert plan["cut_off_pipes"] == []


def test_a_stuck_valve_widens_the_plan(client, dispatcher, town):
    params = [("pipe_id", str(town.pipes["H05"])), ("inoperable", str(town.valves["VV14"]))]
    plan = client.get("/api/network/isolation", params=params, headers=dispatcher).json()
    assert plan["length_m"] == 620.0 + 540.0


def test_a_plan_says_who_and_how_much_and_is_drawn_when_asked(client, dispatcher, town):
    params = {"pipe_id": str(town.pipes["H10"])}
    plan = client.get("/api/network/isolation", params=params | {"drawn": "true"}, headers=dispatcher).json()
    assert (plan["pipe_code"], plan["critical"]) == ("H10", {"school": 1, "hospital": 1})
    assert (plan["critical_customers"], plan["length_without_volume_m"]) == (2, 0.0)
    assert plan["volume_m3"] == pytest.approx(10.603, abs=0.001)
    assert len(plan["segment_lines"]["coordinates"]) == len(plan["segment_pipes"])
    assert len(plan["cut_off_lines"]["coordinates"]) == len(plan["cut_off_pipes"])
    assert (
        client.get("/api/network/isolation", params=params, headers=dispatcher).json()["segment_lines"]
        is None
    )


def test_an_unknown_pipe_is_a_404(client, dispatcher, town):
    answer = client.get("/api/network/isolation", params={"pipe_id": str(uuid4())}, headers=dispatcher)
    assert answer.status_code == 404
    assert (
        client.get("/api/network/isolation", params={"pipe_id": "x"}, headers=dispatcher).status_code == 422
    )


def test_nothing_leaves_a_persons_area(client, log_in, town):
    """East of column 3 only: the west does not exist for him."""
    corners = [Town.place(x, y) for x, y in ((350, -100), (700, -100), (700, 500), (350, 500), (350, -100))]
    ring = ", ".join(f"{p.lon} {p.lat}" for p in corners)
    east = log_in("dispatcher", area_wkt=f"MULTIPOLYGON((({ring})))")
    params = {"pipe_id": str(town.pipes["H05"])}
    assert client.get("/api/network/isolation", params=params, headers=east).status_code == 404
    params = {"pipe_id": str(town.pipes["V60"])}
    assert client.get("/api/network/isolation", params=params, headers=east).status_code == 200
    west_account = {"account_no": town.account_at["3 Mill Street"]}
    assert client.post("/api/locate", json=west_account, headers=east).status_code == 404
    offered = client.get("/api/addresses/suggest", params={"q": "mill street 2"}, headers=east).json()[
        "items"
    ]
    assert {item["text"] for item in offered} == {f"{number} Mill Street" for number in range(20, 25)}


def test_nobody_is_answered_without_a_log_in(client, town):
    assert client.post("/api/locate", json={"account_no": "1"}).status_code == 401
    assert client.get("/api/network/isolation", params={"pipe_id": str(town.pipes["H05"])}).status_code == 401
