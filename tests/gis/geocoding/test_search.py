"""Words to addresses."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openlocationcode import openlocationcode
from sqlalchemy import update

from gis.coordinates import straight_line_m
from gis.geocoding import MatchKind, geocode, normalise, parse_address, suggest_addresses
from gis.models import Address
from tests.town import Town


@pytest.mark.parametrize(
    ("said", "street", "number", "letter"),
    [
        ("12 Mill Street", "mill street", 12, ""),
        ("Mill Street 12", "mill street", 12, ""),
        ("Mannerheimintie 5 A", "mannerheimintie", 5, "a"),
        ("Mannerheimintie 5a", "mannerheimintie", 5, "a"),
        ("Rua da Torre, 12, Gaia", "rua da torre", 12, ""),
        ("R. da Torre 12", "rua da torre", 12, ""),
        ("Church St. 7", "church street", 7, ""),
        ("解放路12号", "解放路", 12, ""),
        ("解放路１２号３栋", "解放路", 12, ""),
        ("广州市天河区解放路12号", "解放路", 12, ""),
        ("解放路一二号", "解放路", 12, ""),
        ("Littlebrook 中山路 9号", "中山路", 9, ""),
        ("Mill Street", "mill street", None, ""),
        ("Mill Street, 12", "mill street", 12, ""),
        ("Praça da República 3", "praca da republica", 3, ""),
    ],
)
def test_street_and_number_are_told_apart(said, street, number, letter):
    parsed = parse_address(said)
    assert parsed.street == street
    assert (parsed.number, parsed.number_letter) == (number, letter)


@given(st.text(max_size=80))
def test_any_words_can_be_parsed(said):
    parse_address(said)


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing(said):
    assert normalise(normalise(said)) == normalise(said)


def test_width_case_and_accents_do_not_matter():
    assert normalise("ＭＩＬＬ  Straße—É") == "mill strasse e"


@pytest.mark.parametrize(
    "said", ["5 Mill Street", "mill street 5", "MIL STRET 5", "Mill St 5", "5, Mill Street, Littlebrook"]
)
def test_the_house_is_found_however_it_is_said(session, town, said):
    best = geocode(session, said)[0]
    assert (best.text, best.kind, best.address_id) == (
        "5 Mill Street",
        MatchKind.ADDRESS,
        town.addresses["5 Mill Street"],
    )


def test_alike_streets_come_behind(session, town):
    found = geocode(session, "3 Mill Street")
    assert found[0].street == "Mill Street"
    assert found[0].score == 1.0
    assert all(other.score < 0.8 for other in found[1:])


def test_between_two_houses_of_one_side(session, town):
    """Church Street 14 lies between 12 (270 m east) and 18 (430 m east): a third of 160 m further than 12."""
    best = geocode(session, "Church Street 14")[0]
    assert best.kind is MatchKind.INTERPOLATED
    assert straight_line_m(best.point, Town.place(270.0 + 160.0 / 3, 80.0 - 12.0)) < 1.0


def test_without_a_number_the_middle_of_the_street(session, town):
    best = geocode(session, "River Street")[0]
    assert best.kind is MatchKind.STREET
    assert straight_line_m(best.point, Town.place(300.0, 400.0)) < 1.0
    assert best.score <= 0.5


@pytest.mark.parametrize("said", ["", "   ", "12", "Xyzzyplugh 3", "!!!", "%_%"])
def test_nothing_like_it_is_an_empty_list(session, town, said):
    assert geocode(session, said) == []


def test_typing_is_answered_with_what_begins_so(session, town):
    assert suggest_addresses(session, "mil")[0].text == "Mill Street"
    assert suggest_addresses(session, "中山")[0].text == "中山路"
    assert [one.text for one in suggest_addresses(session, "Mill Street 2")][:2] == [
        "2 Mill Street",
        "20 Mill Street",
    ]
    assert suggest_addresses(session, "zzz") == []
    assert len(suggest_addresses(session, "street", limit=2)) <= 2


def test_a_number_typed_whole_is_believed_most(session, town):
    found = suggest_addresses(session, "Mill Street 2")
    assert [one.text for one in found[:2]] == ["2 Mill Street", "20 Mill Street"]
    assert found[0].confidence == 0.9
    assert sum(one.confidence for one in found) == pytest.approx(1.0)
    assert suggest_addresses(session, "Mill Street 20")[0].confidence == 1.0


@pytest.mark.parametrize("typed", ["%", "_", "\\", "'; DROP TABLE gis.street; --", "<script>"])
def test_typing_signs_does_no_harm(session, town, typed):
    suggest_addresses(session, typed)
    geocode(session, typed)


@pytest.mark.parametrize(
    "said", ["钟山路9号", "zhongshanlu 9", "zhong shan lu 9", "中山路九号", "我在中山路9号对面"]
)
def test_a_chinese_street_is_found_by_its_sound(session, town, said):
    assert geocode(session, said)[0].address_id == town.addresses["中山路9号"]


@pytest.mark.parametrize("typed", ["zsl", "zhongsh", "zhongshanlu", "钟山"])
def test_a_chinese_street_is_offered_by_its_letters(session, town, typed):
    assert suggest_addresses(session, typed)[0].text == "中山路"


@pytest.mark.parametrize("said", ["corner of Mill Street and Birch Avenue", "Birch Avenue & Mill Street"])
def test_a_crossing_is_where_both_streets_run(session, town, said):
    best = geocode(session, said)[0]
    assert best.kind is MatchKind.CROSSING
    assert straight_line_m(best.point, town.junction(0, 0)) < 1.0


def test_coordinates_and_plus_codes_are_places(session, town):
    place = town.junction(3, 3)
    best = geocode(session, f"{place.lat:.6f}, {place.lon:.6f}")[0]
    assert (best.kind, straight_line_m(best.point, place) < 1.0) == (MatchKind.COORDINATES, True)
    code = openlocationcode.encode(place.lat, place.lon)
    short = openlocationcode.shorten(code, place.lat + 0.1, place.lon)
    assert len(short) < len(code)
    for said in (code, short, f"near {short}"):
        best = geocode(session, said)[0]
        assert best.kind is MatchKind.PLUS_CODE
        assert straight_line_m(best.point, place) < 15.0


def test_a_district_alone_is_somewhere_in_it(session, town):
    assert geocode(session, "Littlebrook")[0].kind is MatchKind.DISTRICT


def test_what_changes_in_the_tables_is_heard_at_once(session, town):
    assert geocode(session, "Xanadu Palace") == []
    session.execute(
        update(Address).where(Address.id == town.addresses["5 Mill Street"]).values(place="Xanadu Palace")
    )
    assert geocode(session, "xanadu palace")[0].address_id == town.addresses["5 Mill Street"]


def test_nothing_is_known_of_an_empty_town(session):
    assert geocode(session, "5 Mill Street") == []
    assert suggest_addresses(session, "mill") == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(said=st.text(alphabet=st.sampled_from("Mill Stretchuck5120中山路号九幢与和&, +x"), max_size=30))
def test_whatever_is_said_is_answered_with_places_on_earth(session, town, said):
    for one in (*geocode(session, said), *suggest_addresses(session, said)):
        assert 0.0 <= one.confidence <= 1.0
        assert straight_line_m(one.point, town.junction(0, 0)) < 20_000_000.0
