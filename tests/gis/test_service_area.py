"""What is ours and what is not."""

import pytest

from gis.coordinates import LonLat
from gis.errors import NoServiceArea, OutsideServiceArea
from gis.service_area import area_facts, ensure_in_service_area
from tests.town import SRID, Town


def test_without_a_network_nothing_is_ours(session):
    with pytest.raises(NoServiceArea):
        ensure_in_service_area(session, LonLat(lon=0.0, lat=0.0))
    with pytest.raises(NoServiceArea):
        area_facts(session)


def test_points_inside_and_a_little_outside_pass(session, town):
    ensure_in_service_area(session, Town.place(300, 200))
    ensure_in_service_area(session, Town.place(1200, 200))  # 400 m east of the border
    assert area_facts(session).metric_srid == SRID


def test_far_points_are_refused_by_field(session, town):
    with pytest.raises(OutsideServiceArea) as refusal:
        ensure_in_service_area(session, Town.place(1400, 200))
    assert "swapped" not in refusal.value.detail
    assert {error.pointer for error in refusal.value.errors} == {"#/point/lon", "#/point/lat"}


def test_a_swapped_pair_is_told_so(session, town):
    place = Town.place(300, 200)
    with pytest.raises(OutsideServiceArea, match="swapped"):
        ensure_in_service_area(session, LonLat(lon=place.lat, lat=place.lon))


def test_the_margin_is_the_callers(session, town):
    with pytest.raises(OutsideServiceArea):
        ensure_in_service_area(session, Town.place(1200, 200), margin_m=100.0)
