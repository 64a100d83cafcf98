"""`./mainline addresses import` and `locate`, as far as they do not need a workspace."""

import csv

import pytest

from app.cli import parse
from app.commands.locate import Habits, _answer_file, _located, _point
from app.provision.errors import ProvisionError
from gis.coordinates import Datum, LonLat, from_wgs84, straight_line_m
from tests.town import Town, load_town

HABITS = Habits("US", 120.0, 15.0)


@pytest.fixture
def town(session) -> Town:
    return load_town(session)


def asked(*arguments):
    return parse(["locate", *arguments])


def test_a_file_of_questions_is_answered_line_by_line(session, town, tmp_path):
    queries, out = tmp_path / "queries.csv", tmp_path / "out.csv"
    queries.write_text(
        'query_id,text,lon\n7,5 Mill Street,1\n8,nowhere at all,2\n9,"Mill Street & Birch Avenue",3\n',
        encoding="utf-8",
    )
    assert _answer_file(session, queries, out) == 0
    with out.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["query_id"] for row in rows] == ["7", "8", "9"]
    assert list(rows[0]) == ["query_id", "lon", "lat", "confidence", "method", "matched"]
    assert (rows[0]["method"], rows[0]["matched"]) == ("address", "5 Mill Street")
    assert float(rows[0]["confidence"]) > 0.9
    assert (rows[1]["lon"], rows[1]["lat"], float(rows[1]["confidence"])) == ("", "", 0.0)
    assert rows[2]["method"] == "crossing"
    crossing = LonLat(lon=float(rows[2]["lon"]), lat=float(rows[2]["lat"]))
    assert straight_line_m(crossing, town.junction(0, 0)) < 1.0


@pytest.mark.parametrize(
    ("words", "says"),
    [("query,text\n", "no column query_id"), ("query_id,text\n1\n", "line 2"), ("", "no column")],
)
def test_a_bad_file_of_questions_names_its_line(session, tmp_path, words, says):
    queries = tmp_path / "queries.csv"
    queries.write_text(words, encoding="utf-8")
    with pytest.raises(ProvisionError, match=says):
        _answer_file(session, queries, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("sign", ["\x85", "\u2028", "\v"])
def test_only_line_ends_end_a_question(session, town, tmp_path, sign):
    queries, out = tmp_path / "queries.csv", tmp_path / "out.csv"
    queries.write_text(
        f"query_id,text\r\nq1,3 Mill{sign}Street\r\nq2,5 Mill Street\r\n", encoding="utf-8", newline=""
    )
    assert _answer_file(session, queries, out) == 0
    with out.open(encoding="utf-8", newline="") as lines:
        assert [row["query_id"] for row in csv.DictReader(lines)] == ["q1", "q2"]


def test_words_are_answered_with_the_main_and_what_else_it_could_be(session, town):
    found = _located(session, asked("5 Mill Street"), HABITS)
    assert found["matched"] == "5 Mill Street"
    assert found["network"]["pipe"] == "H10"
    assert found["candidates"][0]["kind"] == "address"


def test_without_a_network_words_are_answered_with_the_place_alone(session, tmp_path):
    assert _located(session, asked("34.26, 108.95"), HABITS)["network"] is None
    with pytest.raises(ProvisionError, match="No address like that"):
        _located(session, asked("5 Mill Street"), HABITS)


def test_accounts_phones_and_points_are_located(session, town):
    account = town.account_at["9 Market Street"]
    by_account = _located(session, asked("--account", account), HABITS)
    assert (by_account["method"], by_account["network"]["account"]) == ("account", account)
    assert _located(session, asked("--phone", "+12025550001"), HABITS)["method"] == "phone"
    place = Town.on_pipe("H12", 40, left_m=5)
    by_point = _located(session, asked("--lonlat", f"{place.lon},{place.lat}"), HABITS)
    assert by_point["network"]["pipe"] == "H12"


def test_what_is_no_phone_number_is_said_to_be_none(session):
    with pytest.raises(ProvisionError, match="abc: is no phone number"):
        _located(session, asked("--phone", "abc"), HABITS)


def test_a_point_is_taken_in_the_datum_it_is_said_to_be_in():
    beijing = LonLat(lon=116.39, lat=39.91)
    shifted = from_wgs84(beijing, Datum.GCJ02)
    assert straight_line_m(_point(f"{shifted.lon},{shifted.lat}", Datum.GCJ02), beijing) < 0.001


@pytest.mark.parametrize("lonlat", ["1", "a,b", "999,1", "1,2,3", ""])
def test_a_point_that_is_none_is_refused(lonlat):
    with pytest.raises(ProvisionError, match="lonlat"):
        _point(lonlat, Datum.WGS84)


@pytest.mark.parametrize(
    "arguments",
    [["a", "--datum", "gcj02"], [], ["a", "--account", "1"], ["--queries", "a.csv"], ["a", "--out", "b.csv"]],
)
def test_questions_that_do_not_fit_together_are_refused(arguments):
    with pytest.raises(SystemExit) as ended:
        asked(*arguments)
    assert ended.value.code == 2


def test_an_import_needs_a_file_of_addresses():
    with pytest.raises(SystemExit):
        parse(["addresses", "import"])
    assert parse(["addresses", "import", "--base", "a.csv"]).datum == "wgs84"
