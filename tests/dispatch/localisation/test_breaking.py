import numpy as np
import pytest

from dispatch.localisation.breaking import MATERIAL_WORDS, proneness


def one(
    length_m: float = 1000.0, diameter_mm: float = np.nan, material: str = "", year: float = np.nan
) -> float:
    return float(
        proneness(
            np.array([length_m]),
            diameter_mm=np.array([diameter_mm]),
            material=[material],
            install_year=np.array([year]),
            this_year=2026,
        )[0]
    )


def test_a_main_of_which_nothing_is_recorded_counts_by_its_length_alone() -> None:
    assert one() == pytest.approx(1.0)
    assert one(length_m=250.0) == pytest.approx(0.25)
    assert one(material="unobtainium") == pytest.approx(1.0)


def test_cast_iron_breaks_most_and_plastic_least_in_whatever_words_they_are_recorded() -> None:
    assert (
        one(material="灰口铸铁")
        == one(material=" Cast Iron ")
        > one(material="AC")
        > one(material="DI")
        > one(material="PE100")
    )


def test_old_and_thin_mains_break_more_but_not_without_end() -> None:
    assert one(year=1986.0) == pytest.approx(1.0)
    assert one(year=2020.0) < one(year=1986.0) < one(year=1960.0) <= one(year=1850.0) == pytest.approx(2.5)
    assert one(diameter_mm=100.0) > one(diameter_mm=150.0) > one(diameter_mm=600.0) >= 0.3
    assert one(diameter_mm=150.0) == pytest.approx(1.0)


def test_no_word_means_two_materials() -> None:
    words = [word for kind in MATERIAL_WORDS.values() for word in kind]
    assert len(words) == len(set(words))
    assert all(word == word.lower() for word in words)
