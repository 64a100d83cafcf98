"""What is ours and what is not."""

import pytest
from sqlalchemy import update

from core.db import new_id
from gis.coordinates import LonLat
from gis.errors import NoServiceArea, OutsideServiceArea
from gis.models import ServiceArea
from gis.segments import rebuild_segments
from gis.service_area import area_facts, ensure_in_service_area
from tests.town import SRID, Town, load_town


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


def test_the_facts_are_asked_for_once_in_a_transaction_and_anew_in_the_next(factory):
    with factory() as session, session.begin():
        load_town(session)
    with factory() as session:
        first = area_facts(session).network_revision
        with factory() as other, other.begin():
            other.execute(update(ServiceArea).values(network_revision=new_id()))
        assert area_facts(session).network_revision == first
        session.commit()
        second = area_facts(session).network_revision
        assert second != first
        rebuild_segments(session)
        assert area_facts(session).network_revision not in (first, second)
