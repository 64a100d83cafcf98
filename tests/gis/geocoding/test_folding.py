"""Words folded for comparison."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.geocoding.folding import fold, normalise


@pytest.mark.parametrize(
    ("said", "folded"),
    [
        ("幺二三号", "123号"),
        ("一百二十三号", "123号"),
        ("二十号", "20号"),
        ("十二号", "12号"),
        ("一百零二", "102"),
        ("一百二", "120"),
        ("两百号", "200号"),
        ("一千零五号", "1005号"),
        ("五零栋幺五单元", "50栋15单元"),
        ("文二路", "文2路"),
        ("文 二 路 5 号", "文2路5号"),
        ("千岛湖百丈路", "千岛湖百丈路"),
        ("教工路132百脑汇", "教工路132百脑汇"),
        ("两江新区", "两江新区"),
        ("解放路１２号", "解放路12号"),
        ("5 Mill St", "5 mill street"),
        ("R. da Torre, 12", "rua da torre 12"),
        ("St Mary Street", "st mary street"),
    ],
)
def test_one_way_to_say_it_becomes_another(said, folded):
    assert fold(said) == folded


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing(said):
    assert normalise(normalise(said)) == normalise(said)


@given(st.text(alphabet="零〇一二三四五六七八九十百千两幺0123456789号路", max_size=12))
def test_any_numerals_can_be_folded(said):
    assert not any(numeral in fold(said) for numeral in "一二三四五六七八九幺")


def test_width_case_and_accents_do_not_matter():
    assert normalise("ＭＩＬＬ  Straße—É") == "mill strasse e"
