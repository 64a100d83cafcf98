"""Points, datums and metric planes."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.coordinates import (
    Datum,
    LonLat,
    box_around,
    from_wgs84,
    geojson_line,
    line_shape,
    loaded,
    metric_plane,
    stored,
    straight_line_m,
    straight_lines_m,
    to_wgs84,
    utm_srid,
)
from gis.errors import BadCoordinate

IN_CHINA = st.builds(
    lambda lon, lat: LonLat(lon=lon, lat=lat),
    st.floats(74.0, 135.0),
    st.floats(4.0, 53.0),
)


def test_axes_cannot_be_swapped_in_silence():
    with pytest.raises(TypeError):
        LonLat(24.9, 60.2)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("lon", "lat"), [(181.0, 0.0), (0.0, 90.1), (math.nan, 0.0), (0.0, math.inf), (60.2, 124.9)]
)
def test_what_is_no_place_on_earth_is_refused(lon, lat):
    with pytest.raises(BadCoordinate):
        LonLat(lon=lon, lat=lat)


def test_those_who_speak_lat_lon_are_met_by_name():
    place = LonLat.from_lat_lon((60.2, 24.9))
    assert (place.lon, place.lat) == (24.9, 60.2)
    assert place.lat_lon() == (60.2, 24.9)
    assert place.as_point() == shapely.Point(24.9, 60.2)
    assert place.as_geojson() == {"type": "Point", "coordinates": [24.9, 60.2]}


def test_a_line_of_one_point_is_still_a_line():
    place = LonLat(lon=1.0, lat=2.0)
    assert geojson_line([place]) == {"type": "LineString", "coordinates": [[1.0, 2.0], [1.0, 2.0]]}


def test_stored_points_come_back():
    place = LonLat(lon=-8.6109, lat=41.1496)
    assert LonLat.from_stored(place.as_stored()) == place
    with pytest.raises(TypeError):
        LonLat.from_stored(stored(shapely.LineString([(0, 0), (1, 1)])))


def test_the_known_gcj02_offset_of_tiananmen():
    """GCJ-02 of 116.3912757, 39.906217 as published maps give it: about 116.3975, 39.9076."""
    there = from_wgs84(LonLat(lon=116.3912757, lat=39.906217), Datum.GCJ02)
    assert there.lon == pytest.approx(116.39752, abs=2e-4)
    assert there.lat == pytest.approx(39.90762, abs=2e-4)


@given(IN_CHINA)
def test_gcj02_there_and_back(place):
    back = to_wgs84(from_wgs84(place, Datum.GCJ02), Datum.GCJ02)
    assert straight_line_m(place, back) < 1e-3


@given(IN_CHINA)
def test_bd09_there_and_back(place):
    back = to_wgs84(from_wgs84(place, Datum.BD09), Datum.BD09)
    assert straight_line_m(place, back) < 1e-3


@given(IN_CHINA)
def test_gcj02_lies_some_hundred_metres_off(place):
    """Measured over 2,000 points: 229 to 678 m between 22 and 41 N; wider bounds for the rest of the country."""
    assert 20.0 < straight_line_m(place, from_wgs84(place, Datum.GCJ02)) < 1200.0


@given(st.floats(-60.0, 60.0), st.floats(-60.0, 60.0))
def test_outside_china_gcj02_is_wgs84(lon, lat):
    place = LonLat(lon=lon, lat=lat)
    assert to_wgs84(place, Datum.GCJ02) == place


def test_cgcs2000_passes_unchanged():
    place = LonLat(lon=120.0, lat=30.0)
    assert to_wgs84(place, Datum.CGCS2000) == place == from_wgs84(place, Datum.WGS84)


def test_a_degree_of_longitude_shrinks_towards_the_pole():
    equator = straight_line_m(LonLat(lon=0.0, lat=0.0), LonLat(lon=1.0, lat=0.0))
    north = straight_line_m(LonLat(lon=0.0, lat=60.0), LonLat(lon=1.0, lat=60.0))
    assert equator == pytest.approx(111_195, rel=1e-3)
    assert north == pytest.approx(equator / 2, rel=1e-3)


@pytest.mark.parametrize(
    ("lon", "lat", "srid"),
    [(-8.6, 41.1, 32629), (24.9, 60.2, 32635), (151.2, -33.9, 32756), (180.0, 0.0, 32660)],
)
def test_utm_zones(lon, lat, srid):
    assert utm_srid(LonLat(lon=lon, lat=lat)) == srid


@pytest.mark.parametrize("wrong", [4326, 2225])  # degrees; US survey feet
def test_a_system_that_is_not_metric_is_refused(wrong):
    with pytest.raises(ValueError, match="metres"):
        metric_plane(wrong)


def test_the_metric_plane_measures_metres_and_comes_back():
    plane = metric_plane(32635)
    here, there = LonLat(lon=24.94, lat=60.17), LonLat(lon=24.95, lat=60.17)
    flat = plane.point(here).distance(plane.point(there))
    assert flat == pytest.approx(straight_line_m(here, there), rel=5e-3)
    back = plane.place(plane.point(here))
    assert straight_line_m(here, back) < 1e-3
    line = shapely.LineString([(24.94, 60.17), (24.95, 60.17)])
    assert plane.unproject(plane.project(line)).equals_exact(line, 1e-9)


@given(st.floats(-80.0, 80.0), st.floats(1.0, 5000.0), st.floats(0.0, 2 * math.pi))
def test_the_box_holds_everything_within_its_radius(lat, metres, angle):
    centre = LonLat(lon=10.0, lat=lat)
    box = loaded(box_around(centre, metres))
    reach = metres * 0.999
    point = LonLat(
        lon=10.0 + np.degrees(reach * math.sin(angle) / (6_371_008.8 * math.cos(math.radians(lat)))),
        lat=lat + np.degrees(reach * math.cos(angle) / 6_371_008.8),
    )
    assert box.covers(point.as_point())


@given(st.lists(IN_CHINA, max_size=5), IN_CHINA)
def test_many_straight_lines_are_measured_as_one_is(places, there):
    expected = [straight_line_m(place, there) for place in places]
    assert straight_lines_m(places, there).tolist() == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_points_make_a_line_and_one_point_makes_a_point():
    a, b = LonLat(lon=1.0, lat=2.0), LonLat(lon=3.0, lat=4.0)
    assert line_shape([a, b]).coords[:] == [(1.0, 2.0), (3.0, 4.0)]
    assert line_shape([a]).coords[:] == [(1.0, 2.0)]
