"""A caller's words taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.geocoding.folding import fold
from gis.geocoding.reading import NumberOf, read


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ("科技路37号", [(37, "", NumberOf.HOUSE)]),
        (
            "科技路37弄5幢2单元",
            [(37, "", NumberOf.HOUSE), (5, "", NumberOf.BUILDING), (2, "", NumberOf.WITHIN)],
        ),
        ("阳光花园3号楼", [(3, "", NumberOf.BUILDING)]),
        ("阳光花园十二栋幺零幺室", [(12, "", NumberOf.BUILDING), (101, "", NumberOf.WITHIN)]),
        ("Mill Street 5a", [(5, "a", NumberOf.ANY)]),
        ("科技路", []),
    ],
)
def test_numbers_tell_what_they_count(said, numbers):
    assert [(one.value, one.letter, one.of) for one in read(said).numbers] == numbers


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("科技路37号对面", "科技路37号"),
        ("阳光花园门口", "阳光花园"),
        ("科技路的十字路口", "科技路的十字路口"),  # one road alone crosses nothing
        ("前门大街", "前门大街"),
        ("Mill Street please", "mill street"),
    ],
)
def test_talk_behind_the_place_is_taken_off(said, left):
    assert read(said).text == fold(left)


@pytest.mark.parametrize(
    "said",
    [
        "科技路和丈八北路交叉口",
        "科技路与丈八北路路口",
        "科技路跟丈八北路的十字路口",
        "corner of Mill Street and Birch Avenue",
        "Mill Street & Birch Avenue",
        "Mill Street / Birch Avenue",
    ],
)
def test_two_roads_that_meet(said):
    assert read(said).meets


@pytest.mark.parametrize("said", ["科技路37号", "海口路5号", "Mill Street 5", "和平路"])
def test_one_place_meets_nothing(said):
    assert not read(said).meets


@given(st.text(max_size=80))
def test_any_words_can_be_read(said):
    found = read(said)
    assert len(found.symbols) == len(found.text)
    for one in found.numbers:
        assert found.text[one.start : one.end].removesuffix(one.letter).lstrip("0") == str(one.value or "")
