"""Names heard in a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.geocoding.names import NameIndex
from gis.geocoding.reading import read
from gis.geocoding.sounds import heard

NAMES = ("科技路", "科技二路", "科技东路", "天堂软件园", "Mill Street", "Station Road", "", "3号路", "三号路")


@pytest.fixture(scope="module")
def names():
    return NameIndex(NAMES)


@pytest.mark.parametrize(
    ("said", "best"),
    [
        ("我在科技路5号", "科技路"),
        ("客机路五号", "科技路"),
        ("天堂阮件园B幢", "天堂软件园"),
        ("科技2路", "科技二路"),
        ("5 mil stret", "Mill Street"),
        ("3号路12号", "3号路"),
        ("三号路12号", "三号路"),
    ],
)
def test_the_name_said_is_heard_first(names, said, best):
    assert NAMES[names.heard_in(read(said))[0].name] == best


def test_where_and_how_like_a_name_was_heard_is_told(names):
    first = names.heard_in(read("浙江省科技路5号"))[0]
    assert (first.start, first.end, first.alike) == (3, 6, 1.0)
    wrong = names.heard_in(read("客机路"))[0]
    assert 0.9 < wrong.alike < 1.0


@pytest.mark.parametrize("said", ["", "5", "!!!", "喂喂喂", "xyzzy"])
def test_nothing_like_a_name_is_heard_as_none(names, said):
    assert names.heard_in(read(said)) == []


def test_names_that_begin_so_come_shortest_first(names):
    assert [NAMES[one] for one in names.beginning_with(heard("科技"), limit=3)] == [
        "科技路",
        "科技东路",
        "科技二路",
    ]
    assert [NAMES[one] for one in names.with_initials("kjd", limit=3)] == ["科技东路"]


@given(st.lists(st.text(max_size=8), max_size=6), st.text(max_size=20))
def test_any_names_can_be_looked_for_in_any_text(names, text):
    for one in NameIndex(names).heard_in(read(text)):
        assert 0.0 < one.alike <= 1.0
        assert 0 <= one.start < one.end <= len(read(text).text)
