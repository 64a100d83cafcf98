"""Where the nearest main is the wrong one, or nobody can know: streets drawn by hand, asked through the database."""

import pytest
from sqlalchemy import update

from core.db import new_id
from gis.coordinates import LonLat
from gis.errors import NoMainNearby, NoServiceArea
from gis.location import Location, Method, locate, locate_account, locate_address, locate_point, locate_points
from gis.models import LifecycleStatus, Pipe, PipeClass, ServiceArea, Side
from gis.service_area import forget_area
from tests.gis.hand_made import Drawing, place

EAST = (0.0, 200.0)


@pytest.fixture
def drawing(session):
    return Drawing(session)


def along(north_m: float) -> list[tuple[float, float]]:
    """A line that runs east."""
    return [(EAST[0], north_m), (EAST[1], north_m)]


def others(found: Location) -> list[str]:
    return [other.pipe_code for other in found.alternatives]


# --- dual mains ------------------------------------------------------------------------------------


def test_a_house_hangs_on_the_small_main_though_the_large_one_is_nearer(session, drawing):
    drawing.main("DN100", along(-3.0), street="Mill Street", diameter_mm=100)
    drawing.main(
        "DN600", along(3.0), street="Mill Street", diameter_mm=600, pipe_class=PipeClass.TRANSMISSION
    )
    found = locate_point(session, place(100.0, 12.0))
    assert found.pipe_code == "DN100"
    assert found.distance_m == pytest.approx(15.0, abs=0.01)
    # 9 m beside 15 m at an error of 15 and 6 m is worth (15² - 9²) / 522 = 0.28; that large mains have no houses is worth 3.
    assert found.confidence == pytest.approx(1 / (1 + 2.718281828**-2.724), abs=0.002)
    assert others(found) == ["DN600"]


def test_a_large_main_of_unstated_class_is_a_transmission_main(session, drawing):
    drawing.main("DN100", along(-3.0), diameter_mm=100)
    drawing.main("DN600", along(3.0), diameter_mm=600)
    assert locate_point(session, place(100.0, 12.0)).pipe_code == "DN100"


def test_a_large_main_on_which_customers_hang_serves(session, drawing):
    drawing.main("DN100", along(-3.0), diameter_mm=100)
    drawing.main("DN600", along(3.0), diameter_mm=600)
    drawing.houses("DN600", left=4, right=4)
    assert locate_point(session, place(100.0, 12.0)).pipe_code == "DN600"


def test_with_a_main_on_either_side_a_house_hangs_on_its_own_known_by_its_neighbours(session, drawing):
    drawing.main("NORTH", along(2.0), street="Mill Street")
    drawing.main("SOUTH", along(-2.0), street="Mill Street")
    drawing.houses("NORTH", left=6)
    drawing.houses("SOUTH", right=6)
    north, south = locate_points(session, [place(100.0, 14.0), place(100.0, -14.0)], accuracy_m=[5.0, 5.0])
    assert north is not None
    assert south is not None
    assert (north.pipe_code, north.side) == ("NORTH", Side.LEFT)
    assert (south.pipe_code, south.side) == ("SOUTH", Side.RIGHT)
    assert north.confidence == pytest.approx(south.confidence)
    assert north.confidence > 0.85


def test_without_neighbours_the_centreline_tells_which_side_a_main_is_on(session, drawing):
    drawing.main("NORTH", along(4.0), street="Mill Street")
    drawing.main("SOUTH", along(-4.0), street="Mill Street")
    before = locate_point(session, place(100.0, 12.0))
    drawing.road("MILL STREET", along(0.0))
    changed(session)
    after = locate_point(session, place(100.0, 12.0))
    assert before.pipe_code == after.pipe_code == "NORTH"
    # By distance alone 8 m beside 16 m: e^0.368 = 1.445 to one. The centreline makes it 0.602 to 0.321 times that.
    assert before.confidence == pytest.approx(1.445 / 2.445, abs=0.002)
    assert after.confidence == pytest.approx(2.703 / 3.703, abs=0.003)


def test_the_centreline_of_another_street_tells_nothing(session, drawing):
    drawing.main("NORTH", along(4.0), street="Mill Street")
    drawing.main("SOUTH", along(-4.0), street="Mill Street")
    drawing.road("Church Street", along(0.0))
    assert locate_point(session, place(100.0, 12.0)).confidence == pytest.approx(1.445 / 2.445, abs=0.002)


def test_mains_that_nothing_tells_apart_have_a_half_each(session, drawing):
    drawing.main("B", along(-6.0))
    drawing.main("A", along(6.0))
    found = locate_point(session, place(100.0, 0.0))
    assert (found.confidence, found.margin) == (pytest.approx(0.5, abs=1e-6), pytest.approx(0.0, abs=1e-6))
    assert (found.pipe_code, others(found)) == ("A", ["B"])


# --- corners ---------------------------------------------------------------------------------------


@pytest.fixture
def corner(drawing):
    """Mill Street runs east, Ash Avenue north; the house stands 14 m from the first and 8 m from the second."""
    drawing.main("MILL", [(0, 0), (100, 0)], street="Mill Street")
    drawing.main("ASH", [(0, 0), (0, 100)], street="Ash Avenue")
    return drawing


def test_on_a_corner_the_street_of_the_address_decides(session, corner):
    corner.address("Mill Street", 2, (8.0, 14.0))
    found = locate_address(session, "2 Mill Street")
    assert (found.pipe_code, found.method) == ("MILL", Method.ADDRESS)
    assert found.street == "Mill Street"
    assert others(found) == ["ASH"]
    # The street is worth 2.5, the 6 m (14² - 8²) / (2 · (10² + 6²)) = 0.49; the address itself is believed by its match.
    belief = found.confidence + found.alternatives[0].confidence
    assert found.confidence / belief == pytest.approx(1 / (1 + 2.718281828**-2.015), abs=0.003)
    assert found.margin == pytest.approx(found.confidence - found.alternatives[0].confidence)


def test_the_same_corner_of_the_other_street(session, corner):
    corner.address("Ash Avenue", 1, (8.0, 14.0))
    assert locate_address(session, "1 Ash Avenue").pipe_code == "ASH"


def test_a_bare_point_on_the_corner_takes_the_nearer_main_and_is_unsure(session, corner):
    found = locate_point(session, place(8.0, 14.0))
    assert found.pipe_code == "ASH"
    assert found.confidence < 0.6


def test_a_main_without_a_recorded_street_is_neither_favoured_nor_ruled_out(session, drawing):
    drawing.main("UNKNOWN", [(0, 0), (100, 0)])
    drawing.main("ASH", [(0, 0), (0, 100)], street="Ash Avenue")
    drawing.address("Mill Street", 2, (8.0, 14.0))
    drawing.main("FAR", [(0, 110), (100, 110)], street="Mill Street")
    assert locate_address(session, "2 Mill Street").pipe_code == "UNKNOWN"


# --- mains that are gone, not yet there, or shut -----------------------------------------------------


def test_an_abandoned_main_never_wins_over_its_replacement(session, drawing):
    drawing.main("OLD", along(6.0), status=LifecycleStatus.ABANDONED)
    drawing.main("NEW", along(-6.0))
    drawing.houses("OLD", left=20)
    found = locate_point(session, place(100.0, 6.0))
    assert (found.pipe_code, others(found)) == ("NEW", [])


def test_an_account_still_recorded_on_an_abandoned_main_is_found_by_its_address(session, drawing):
    drawing.main("OLD", along(2.0), street="Mill Street", status=LifecycleStatus.ABANDONED)
    drawing.main("NEW", along(-2.0), street="Mill Street")
    drawing.main("BACK", along(40.0), street="Church Street")
    home = drawing.address("Mill Street", 4, (100.0, 14.0))
    drawing.account("7", home, on="OLD")
    found = locate_account(session, "7")
    assert (found.method, found.pipe_code, found.account_no) == (Method.ACCOUNT, "NEW", "7")
    assert found.address_text == "4 Mill Street"
    assert 0.8 < found.confidence < 0.99


def test_an_account_without_a_connection_is_found_by_its_address(session, drawing):
    drawing.main("MILL", along(0.0), street="Mill Street")
    drawing.account("7", drawing.address("Mill Street", 4, (100.0, 14.0)))
    assert locate_account(session, "7").pipe_code == "MILL"


def test_where_all_is_abandoned_nothing_is_near(session, drawing):
    drawing.main("OLD", along(6.0), status=LifecycleStatus.ABANDONED)
    with pytest.raises(NoMainNearby):
        locate_point(session, place(100.0, 6.0))


@pytest.mark.parametrize(
    "state",
    [
        {"status": LifecycleStatus.OUT_OF_SERVICE},
        {"status": LifecycleStatus.PROPOSED},
        {"is_closed": True},
    ],
)
def test_a_main_not_in_use_steps_back_and_stays_an_alternative(session, drawing, state):
    drawing.main("ASLEEP", along(6.0), **state)
    drawing.main("AWAKE", along(-3.0))
    found = locate_point(session, place(100.0, 8.0))
    assert (found.pipe_code, others(found)) == ("AWAKE", ["ASLEEP"])
    assert found.margin > 0.2


def test_alone_within_reach_a_main_out_of_service_is_the_answer(session, drawing):
    drawing.main("ASLEEP", along(6.0), status=LifecycleStatus.OUT_OF_SERVICE)
    assert locate_point(session, place(100.0, 8.0)).pipe_code == "ASLEEP"


# --- zones -----------------------------------------------------------------------------------------


def test_on_a_zone_boundary_the_customers_round_about_tell_the_zone(session, drawing):
    """A main of either zone as far away as the other: alone they share; twenty houses of one zone behind decide."""
    drawing.main("HIGH", along(5.0), zone="High")
    drawing.main("LOW", along(-5.0), zone="Low")
    assert locate_point(session, place(100.0, 0.0)).confidence == pytest.approx(0.5)
    drawing.main("LOW2", along(-60.0), zone="Low")
    drawing.houses("LOW2", left=10, right=10)
    changed(session)
    found = locate_point(session, place(100.0, 0.0))
    assert (found.pipe_code, found.zone_id) == ("LOW", drawing.zones["Low"])
    assert found.confidence > 0.7


def test_the_zone_of_his_former_main_tells_an_account_its_zone(session, drawing):
    drawing.main("OLD", along(2.0), zone="High", status=LifecycleStatus.ABANDONED)
    drawing.main("HIGH", along(5.0), zone="High")
    drawing.main("LOW", along(-5.0), zone="Low")
    drawing.account("7", drawing.address("Mill Street", 4, (100.0, 0.0)), on="OLD")
    found = locate_account(session, "7")
    assert found.pipe_code == "HIGH"
    # In its zone or not: 1.5.
    assert found.confidence == pytest.approx(0.99 * 2.718281828**1.5 / (1 + 2.718281828**1.5), abs=0.005)


# --- near, far and uncertain -------------------------------------------------------------------------


def test_a_point_further_than_the_radius_is_refused_and_one_within_it_not(session, drawing):
    drawing.main("A", along(0.0))
    assert locate_point(session, place(100.0, 119.0)).distance_m == pytest.approx(119.0, abs=0.01)
    with pytest.raises(NoMainNearby):
        locate_point(session, place(100.0, 121.0))
    assert locate_point(session, place(100.0, 121.0), radius_m=150.0).pipe_code == "A"


def test_a_phone_that_states_500_m_reaches_further_and_says_that_it_is_unsure(session, drawing):
    drawing.main("A", along(0.0))
    exact = locate_point(session, place(100.0, 10.0))
    vague = locate_point(session, place(100.0, 10.0), accuracy_m=500.0)
    far = locate_point(session, place(100.0, 300.0), accuracy_m=500.0)
    assert exact.confidence == pytest.approx(1.0)
    # The caller is within 500 m of a place with an error of 500 m (each way) four times in ten.
    assert vague.confidence == pytest.approx(1 - 2.718281828**-0.5, abs=0.001)
    assert far.pipe_code == "A"
    assert far.confidence < 0.4


def test_among_many_mains_a_vague_point_favours_none(session, drawing):
    for number in range(10):
        drawing.main(f"M{number}", along(30.0 * number))
    found = locate_point(session, place(100.0, 140.0), accuracy_m=500.0)
    assert found.confidence < 0.05
    assert found.margin < 0.001


def test_exchanged_axes_find_nothing(session, drawing):
    drawing.main("A", along(0.0))
    there = place(100.0, 0.0)
    with pytest.raises(NoMainNearby):
        locate_point(session, LonLat(lon=there.lat, lat=there.lon))


def test_in_an_area_without_mains_nothing_is_near(session, drawing):
    with pytest.raises(NoMainNearby):
        locate_point(session, place(0.0, 0.0))
    assert locate_points(session, [place(0.0, 0.0), place(9.0, 9.0)]) == [None, None]
    assert locate_points(session, []) == []


def test_without_an_area_nothing_is_loaded(session):
    with pytest.raises(NoServiceArea):
        locate_point(session, place(0.0, 0.0))


# --- where on the main -------------------------------------------------------------------------------


def test_chainage_is_told_in_recorded_metres(session, drawing):
    drawing.main("A", along(0.0))
    session.execute(update(Pipe).values(length_m=210.0))  # it winds more than it was drawn
    assert locate_point(session, place(50.0, 5.0)).chainage_m == pytest.approx(52.5, abs=0.01)


def test_beyond_a_bend_the_side_is_that_of_the_bend(session, drawing):
    """A main that turns right back at (100, 0): beyond the point of the turn lies its left."""
    drawing.main("BEND", [(0, 0), (100, 0), (0, -20)])
    found = locate_point(session, place(105.0, -3.0))
    assert (found.side, found.chainage_m) == (Side.LEFT, pytest.approx(100.0, abs=0.01))
    inside = locate_point(session, place(60.0, -4.0))
    assert inside.side is Side.RIGHT


def test_many_points_at_once_are_found_as_each_alone(session, town_of_points):
    points, accuracy_m = town_of_points
    together = locate_points(session, points, accuracy_m=accuracy_m)
    for point, error, found in zip(points, accuracy_m, together, strict=True):
        assert locate_points(session, [point], accuracy_m=[error]) == [found]


@pytest.fixture
def town_of_points(session, town):
    points = [place(17.0 * n % 700 - 50, 23.0 * n % 500 - 50) for n in range(120)]
    return points, [None if n % 3 else 5.0 + n for n in range(120)]


def changed(session) -> None:
    session.execute(update(ServiceArea).values(network_revision=new_id()))
    forget_area(session)


def test_mains_are_read_anew_when_the_network_changes(session, drawing):
    drawing.main("A", along(0.0))
    assert locate(session, point=place(100.0, 5.0)).pipe_code == "A"
    drawing.main("B", along(4.0))
    changed(session)
    assert locate(session, point=place(100.0, 5.0)).pipe_code == "B"
