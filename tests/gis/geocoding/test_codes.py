"""Places said as codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.coordinates import LonLat
from gis.geocoding.codes import read_coordinates, read_plus_code

XIAN = LonLat(lon=108.94, lat=34.26)


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("108.95, 34.26", (108.95, 34.26)),
        ("34.26, 108.95", (108.95, 34.26)),  # the other order lies on no side of the town
        ("34.26 108.95", (108.95, 34.26)),
        ("34.26N 108.95E", (108.95, 34.26)),
        ("34.26° N, 108.95° E", (108.95, 34.26)),
        ("33.5S 70.6W", (-70.6, -33.5)),
    ],
)
def test_a_pair_of_degrees(said, place):
    found = read_coordinates(said, near=XIAN)
    assert found is not None
    assert (found.lon, found.lat) == place


@pytest.mark.parametrize("said", ["科技路37号", "108.95", "12, 34", "999.5, 999.5", ""])
def test_what_is_no_pair_of_degrees(said):
    assert read_coordinates(said, near=XIAN) is None


def test_plus_codes():
    """The code of the Open Location Code specification's example: 47.0000625, 8.0000625 (centre 47.0000625 of 8FVC2222+22)."""
    whole = read_plus_code("8FVC2222+22", near=None)
    assert whole is not None
    assert (whole.lon, whole.lat) == pytest.approx((8.0000625, 47.0000625))
    short = read_plus_code("at 2222+22 please", near=LonLat(lon=8.1, lat=47.1))
    assert short is not None
    assert (short.lon, short.lat) == pytest.approx((8.0000625, 47.0000625))
    assert read_plus_code("2222+22", near=None) is None


@given(st.text(max_size=30))
def test_any_words_can_be_looked_at(said):
    read_coordinates(said, near=XIAN)
    read_plus_code(said, near=XIAN)
