from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.demo.figures import counted_bursts, is_found, misjoined
from app.demo.world import Burst, BurstKind
from gis.coordinates import LonLat

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
END = NOON + timedelta(hours=5)
REPORT = [UUID(int=n) for n in range(20)]
INCIDENT = [UUID(int=1000 + n) for n in range(5)]


def burst(number: int, began_at: datetime) -> Burst:
    place = LonLat(lon=24.9, lat=60.2)
    return Burst(number, BurstKind.BURST, 0, place, began_at, frozenset(), frozenset())


def test_bursts_count_that_began_in_time_and_drew_three_calls() -> None:
    bursts = [
        burst(0, NOON),
        burst(1, NOON),
        burst(2, END - timedelta(minutes=29)),
        burst(3, END - timedelta(minutes=30)),
    ]
    cause_of = dict(zip(REPORT, [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3, None], strict=False))
    assert [one.number for one in counted_bursts(bursts, cause_of, end=END)] == [0, 3]


def test_a_burst_is_found_when_one_incident_holds_most_of_its_calls_and_is_mostly_about_it() -> None:
    causes = dict.fromkeys(REPORT[:4], 7)
    together = dict.fromkeys(REPORT[:3], INCIDENT[0]) | {REPORT[3]: INCIDENT[1]}
    assert is_found(
        7, causes, together, {INCIDENT[0]: Counter({7: 3, "stray": 2}), INCIDENT[1]: Counter({7: 1})}
    )
    assert not is_found(
        7, causes, together, {INCIDENT[0]: Counter({7: 3, "stray": 3}), INCIDENT[1]: Counter({7: 1})}
    )


def test_half_of_the_calls_are_not_most() -> None:
    causes = dict.fromkeys(REPORT[:4], 7)
    split = {REPORT[0]: INCIDENT[0], REPORT[1]: INCIDENT[0], REPORT[2]: INCIDENT[1], REPORT[3]: INCIDENT[1]}
    assert not is_found(7, causes, split, {INCIDENT[0]: Counter({7: 2}), INCIDENT[1]: Counter({7: 2})})


def test_calls_without_an_incident_count_against_it() -> None:
    causes = dict.fromkeys(REPORT[:4], 7)
    lost = {REPORT[0]: INCIDENT[0], REPORT[1]: INCIDENT[0]}
    assert not is_found(7, causes, lost, {INCIDENT[0]: Counter({7: 2})})


def test_a_report_is_misjoined_where_most_are_about_something_else() -> None:
    assert misjoined({INCIDENT[0]: Counter({1: 5, 2: 1, "stray": 1}), INCIDENT[1]: Counter({2: 3})}) == 2
    assert misjoined({}) == 0
