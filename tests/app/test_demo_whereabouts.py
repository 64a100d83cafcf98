from datetime import UTC, datetime

from app.demo.whereabouts import Whereabouts, whereabouts
from gis.coordinates import LonLat


def test_cities_find_their_country_and_zone() -> None:
    assert whereabouts(LonLat(lon=24.94, lat=60.17)) == Whereabouts("FI", "Europe/Helsinki")
    assert whereabouts(LonLat(lon=-8.61, lat=41.15)) == Whereabouts("PT", "Europe/Lisbon")
    assert whereabouts(LonLat(lon=121.47, lat=31.23)) == Whereabouts("CN", "Asia/Shanghai")


def test_morning_is_eight_by_the_citys_own_clock() -> None:
    just_after_midnight_there = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)
    helsinki = Whereabouts("FI", "Europe/Helsinki")
    assert helsinki.this_morning(just_after_midnight_there) == datetime(2026, 11, 22, 6, tzinfo=UTC)
