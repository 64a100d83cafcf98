"""From an account, words or a point to a main; and saying so when there is none."""

import pytest
from sqlalchemy import update

from gis.coordinates import straight_line_m
from gis.errors import (
    AccountNotFound,
    AddressNotFound,
    CallerUnknown,
    NoMainNearby,
    NothingToLocate,
)
from gis.location import Method, locate
from gis.models import LifecycleStatus, Pipe, PipeClass, Side
from tests.town import Town


def test_an_account_is_certain(session, town):
    place = locate(session, account_no=town.account_at["9 Market Street"])
    assert (place.method, place.pipe_code, place.side) == (Method.ACCOUNT, "H22", Side.LEFT)
    assert place.chainage_m == 30.0
    assert place.confidence == pytest.approx(0.99)
    assert place.address_text == "9 Market Street"
    assert place.segment_id == town.segments["H22"]
    assert place.zone_id == town.zones["West"]
    assert straight_line_m(place.point, Town.on_pipe("H22", 30.0, left_m=12.0)) < 0.1


def test_a_caller_is_known_by_number(session, town):
    number = town.account_at["2 River Street"]
    place = locate(session, phone=town.phones[number])
    assert (place.method, place.pipe_code, place.side) == (Method.PHONE, "H05", Side.RIGHT)
    assert place.account_id == town.accounts[number]


def test_a_point_beside_a_main_snaps_to_it(session, town):
    place = locate(session, point=Town.on_pipe("H12", 40.0, left_m=-7.0))
    assert (place.method, place.pipe_code, place.side) == (Method.POINT, "H12", Side.RIGHT)
    assert place.chainage_m == pytest.approx(40.0, abs=0.01)
    assert place.distance_m == pytest.approx(7.0, abs=0.01)
    assert [other.pipe_code for other in place.alternatives][:2] == ["V11", "H02"]
    assert place.confidence > 0.5 > place.alternatives[0].confidence


def test_a_point_of_a_street_is_on_its_main_rather_than_on_a_nearer_one(session, town):
    """6 m from V11 of Birch Avenue, 9 m from H11 of Church Street."""
    corner = Town.on_pipe("V11", 9.0, left_m=-6.0)
    assert locate(session, point=corner, accuracy_m=10.0).pipe_code == "V11"
    said = locate(session, point=corner, accuracy_m=10.0, street="Church Street")
    assert (said.pipe_code, said.method) == ("H11", Method.POINT)
    assert locate(session, point=corner, accuracy_m=10.0, street="No Such Street").pipe_code == "V11"


def test_between_two_mains_nobody_is_sure(session, town):
    place = locate(session, point=Town.place(50.0, 40.0))
    assert place.margin == pytest.approx(0.0, abs=1e-3)
    assert {place.pipe_code, place.alternatives[0].pipe_code} == {"H00", "H01"}


def test_a_worse_phone_is_believed_less(session, town):
    point = Town.on_pipe("H12", 40.0, left_m=-7.0)
    assert locate(session, point=point, accuracy_m=60.0).confidence < locate(session, point=point).confidence


def test_a_trunk_main_beside_a_distribution_main_is_not_meant(session, town):
    """Dual mains in one street: the house is on the small one even when the large one is nearer."""
    session.execute(
        update(Pipe)
        .where(Pipe.asset_code == "H12")
        .values(diameter_mm=600, pipe_class=PipeClass.TRANSMISSION)
    )
    place = locate(session, point=Town.place(100.0, 150.0))  # on V11's street, 10 m from H12 and H02
    assert place.pipe_code == "V11"
    alternatives = [other.pipe_code for other in place.alternatives]
    assert alternatives.index("H02") < (alternatives.index("H12") if "H12" in alternatives else 99)


def test_a_main_out_of_service_steps_back_and_an_abandoned_one_is_gone(session, town):
    point = Town.on_pipe("H12", 50.0, left_m=10.0)
    session.execute(
        update(Pipe).where(Pipe.asset_code == "H12").values(lifecycle_status=LifecycleStatus.ABANDONED)
    )
    place = locate(session, point=point)
    assert place.pipe_code != "H12"
    assert "H12" not in [other.pipe_code for other in place.alternatives]


def test_too_far_is_an_error_and_not_a_guess(session, town):
    with pytest.raises(NoMainNearby):
        locate(session, point=Town.place(-190.0, 590.0))


def test_an_exact_address_leads_through_its_customer(session, town):
    place = locate(session, address_text="中山路9号")
    assert (place.method, place.pipe_code, place.chainage_m) == (Method.ADDRESS, "H23", 30.0)
    assert place.confidence > 0.9
    assert place.account_no == town.account_at["中山路9号"]


def test_a_missing_house_is_interpolated_with_less_confidence(session, town):
    """Church Street has no 13 to 16 (no main on H31): 14 lies half-way between 12 and 18 by number, a third along."""
    place = locate(session, address_text="Church Street 14")
    assert place.method is Method.ADDRESS_INTERPOLATED
    assert place.confidence < 0.75
    assert place.pipe_code in ("H21", "V30", "V31")


def test_a_street_alone_is_a_hint_only(session, town):
    place = locate(session, address_text="station street")
    assert place.method is Method.STREET
    assert place.confidence < 0.5


def test_an_unsure_address_gives_way_to_the_callers_account(session, town):
    number = town.account_at["1 Ash Avenue"]
    place = locate(session, address_text="Church Street", phone=town.phones[number])
    assert place.method is Method.PHONE
    sure = locate(session, address_text="3 Mill Street", phone=town.phones[number])
    assert sure.method is Method.ADDRESS


def test_a_wrong_account_gives_way_to_the_address(session, town):
    assert locate(session, account_no="999", address_text="3 Mill Street").pipe_code == "H00"


@pytest.mark.parametrize(
    ("known", "refusal"),
    [
        ({}, NothingToLocate),
        ({"address_text": "   "}, NothingToLocate),
        ({"account_no": "999"}, AccountNotFound),
        ({"phone": "+4912345"}, CallerUnknown),
        ({"address_text": "Xyzzyplugh"}, AddressNotFound),
        ({"account_no": "999", "phone": "+4912345"}, AccountNotFound),
    ],
)
def test_unknown_is_said(session, town, known, refusal):
    with pytest.raises(refusal):
        locate(session, **known)


def test_in_an_empty_network_nothing_is_near(session, town):
    session.execute(update(Pipe).values(lifecycle_status=LifecycleStatus.ABANDONED))
    with pytest.raises(NoMainNearby):
        locate(session, point=Town.place(100.0, 150.0))
