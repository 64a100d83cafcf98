"""In which country and time zone a city lies: by the nearest place of the time zone database's own table."""

import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from gis.coordinates import LonLat, straight_line_m

TABLE = "zone.tab"
MORNING = time(8)
_DEGREES = re.compile(r"([+-])(\d{2})(\d{2})(\d{2})?([+-])(\d{3})(\d{2})(\d{2})?")


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """ISO 3166 code of the country, and the zone's name."""

    country: str
    timezone: str

    def this_morning(self, now: datetime) -> datetime:
        """Give eight o'clock of today, local time, in UTC."""
        zone = ZoneInfo(self.timezone)
        return datetime.combine(now.astimezone(zone).date(), MORNING, tzinfo=zone).astimezone(UTC)


def whereabouts(place: LonLat) -> Whereabouts | None:
    """Find the zone whose principal place is nearest; None where the machine has no such table."""
    rows = [row for row in map(_row, _table()) if row is not None]
    if not rows:
        return None
    country, _, timezone = min(rows, key=lambda row: straight_line_m(place, row[1]))
    return Whereabouts(country, timezone)


def _table() -> list[str]:
    for folder in zoneinfo.TZPATH:
        path = Path(folder, TABLE)
        if path.is_file():
            return path.read_text(encoding="utf-8").splitlines()
    return []


def _row(line: str) -> tuple[str, LonLat, str] | None:
    """Read `FI	+6010+02458	Europe/Helsinki`: country, ISO 6709 latitude and longitude, zone."""
    fields = line.split("\t")
    match = _DEGREES.fullmatch(fields[1]) if len(fields) > 2 and not line.startswith("#") else None
    if match is None:
        return None
    lat_sign, lat_d, lat_m, lat_s, lon_sign, lon_d, lon_m, lon_s = match.groups()
    lat = int(lat_d) + int(lat_m) / 60 + int(lat_s or 0) / 3600
    lon = int(lon_d) + int(lon_m) / 60 + int(lon_s or 0) / 3600
    place = LonLat(lon=-lon if lon_sign == "-" else lon, lat=-lat if lat_sign == "-" else lat)
    return fields[0], place, fields[2]
