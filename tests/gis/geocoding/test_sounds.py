"""Words by their sound."""

import pytest

from gis.geocoding.folding import fold
from gis.geocoding.sounds import CONFUSED_SOUND, SAME_SOUND, heard, initials, likeness, spelt_by_sound


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("科技路", "客机路"),
        ("中山路", "钟衫路"),
        ("兴庆路", "新青路"),
        ("文二路", "文儿路"),
        ("长安路", "常安路"),
    ],
)
def test_wrong_characters_of_one_sound_are_heard_alike(said, meant):
    assert heard(fold(said)) == heard(fold(meant))


def test_other_sounds_are_heard_otherwise():
    assert heard("科技路") != heard("科学路")
    assert heard("mill street") == "mill street"


@pytest.mark.parametrize(
    ("said", "meant", "like"),
    [
        ("路", "路", 1.0),
        ("钟", "中", SAME_SOUND),
        ("行", "航", SAME_SOUND),  # one character, two readings
        ("新", "兴", CONFUSED_SOUND),
        ("路", "街", 0.0),
        ("2", "二", SAME_SOUND),
        ("a", "b", 0.0),
    ],
)
def test_characters_are_compared_by_how_they_are_read(said, meant, like):
    assert likeness(said, meant) == like


def test_letters_are_read_as_syllables():
    assert spelt_by_sound("kejilu") == heard("科技路")
    assert spelt_by_sound("kejil") == heard("科技")  # the last one is not finished
    assert spelt_by_sound("mill") is None
    assert spelt_by_sound("") is None


def test_first_letters_stand_for_syllables():
    assert initials(fold("文二路")) == "wel"
    assert initials("mill") == "mill"
