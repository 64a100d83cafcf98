import random
from datetime import UTC, datetime, timedelta

import pytest

from app.demo.driving import Drive
from app.demo.findings import look_round
from app.demo.world import BurstKind, PlannedBurst, World
from gis.coordinates import straight_line_m
from tests.app.demo_town import ORIGIN, street_town

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_vehicle_follows_the_route_at_its_pace() -> None:
    town = street_town()
    corner, end = (
        town.moved(ORIGIN, east_m=300.0, north_m=0.0),
        town.moved(ORIGIN, east_m=300.0, north_m=100.0),
    )
    drive = Drive([ORIGIN, corner, end], 40.0, NOON)
    assert drive.metres == pytest.approx(400.0, rel=0.01)
    halfway = drive.at(NOON + timedelta(seconds=20))
    assert straight_line_m(halfway.place, ORIGIN) == pytest.approx(200.0, rel=0.01)
    assert halfway.speed_mps == pytest.approx(10.0, rel=0.01)
    assert halfway.course_deg == pytest.approx(90.0, abs=3.0)
    northward_deg = drive.at(NOON + timedelta(seconds=35)).course_deg
    assert min(northward_deg, 360.0 - northward_deg) < 3.0
    assert not drive.is_over(NOON + timedelta(seconds=39))


def test_a_vehicle_that_has_arrived_stands_at_the_end() -> None:
    town = street_town()
    end = town.moved(ORIGIN, east_m=50.0, north_m=0.0)
    drive = Drive([ORIGIN, end], 10.0, NOON)
    there = drive.at(NOON + timedelta(minutes=5))
    assert straight_line_m(there.place, end) < 0.1
    assert there.speed_mps == 0.0
    assert drive.is_over(NOON + timedelta(seconds=10))


def test_a_route_of_one_place_is_no_drive_at_all() -> None:
    assert Drive([ORIGIN, ORIGIN], 0.0, NOON).at(NOON).place == ORIGIN


def test_who_is_sent_to_inspect_finds_the_burst_and_leaves_mending_to_an_order_of_its_own() -> None:
    world = World(street_town())
    burst = world.strike(PlannedBurst(0, 1, 0.5, BurstKind.BURST, timedelta()), NOON)
    finding = look_round(world, ORIGIN, kind="inspect", can_repair=True, rng=random.Random(1))
    assert (finding.cause, finding.action, finding.water_restored, finding.mends) == (
        "burst",
        "inspected",
        False,
        False,
    )
    assert finding.burst is burst


def test_who_is_sent_to_mend_mends() -> None:
    world = World(street_town())
    world.strike(PlannedBurst(0, 1, 0.5, BurstKind.BURST, timedelta()), NOON)
    finding = look_round(world, ORIGIN, kind="repair", can_repair=True, rng=random.Random(1))
    assert (finding.cause, finding.action, finding.water_restored, finding.mends) == (
        "burst",
        "repaired",
        True,
        True,
    )
    assert finding.takes > timedelta(minutes=25)


def test_at_a_wrong_address_nothing_of_ours_is_found() -> None:
    world = World(street_town())
    world.strike(PlannedBurst(0, 1, 0.5, BurstKind.BURST, timedelta()), NOON)
    elsewhere = world.town.moved(ORIGIN, east_m=-1000.0, north_m=0.0)
    finding = look_round(world, elsewhere, kind="repair", can_repair=True, rng=random.Random(1))
    assert finding.cause in ("private_plumbing", "nothing_found")
    assert finding.burst is None
    assert finding.form()["water_restored"] is True
