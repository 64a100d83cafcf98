"""Places said as codes: coordinates and plus codes."""

import re

from openlocationcode import openlocationcode

from gis.coordinates import LonLat, straight_line_m
from gis.errors import BadCoordinate

_PAIR = re.compile(
    r"^\s*([+-]?\d{1,3}(?:\.\d+)?)\s*°?\s*([NSEW])?\s*[,;，；\s]\s*([+-]?\d{1,3}\.\d+)\s*°?\s*([NSEW])?\s*$",
    re.IGNORECASE,
)
_PLUS_CODE = re.compile(r"\b([23456789CFGHJMPQRVWX]{4,8}\+[23456789CFGHJMPQRVWX]{2,3})\b", re.IGNORECASE)


def read_coordinates(words: str, *, near: LonLat | None) -> LonLat | None:
    """Read a pair of decimal degrees; without letters that say which is which, the order that lies nearer to `near` stands.

    Longitude comes first where nothing tells.
    """
    match = _PAIR.match(words)
    if match is None:
        return None
    first, second = float(match[1]), float(match[3])
    letters = (match[2] or "").upper(), (match[4] or "").upper()
    if letters[0] in ("S", "W"):
        first = -abs(first)
    if letters[1] in ("S", "W"):
        second = -abs(second)
    if letters[0] in ("N", "S") or letters[1] in ("E", "W"):
        orders = [(second, first)]
    elif letters[0] or letters[1]:
        orders = [(first, second)]
    else:
        orders = [(first, second), (second, first)]
    places = []
    for lon, lat in orders:
        try:
            places.append(LonLat(lon=lon, lat=lat))
        except BadCoordinate:
            continue
    if (first, second) == (0.0, 0.0):
        return None  # what devices send that know no place
    if near is not None:
        places.sort(key=lambda place: straight_line_m(place, near))
    return places[0] if places else None


def read_plus_code(words: str, *, near: LonLat | None) -> LonLat | None:
    """Read a plus code, whole or shortened; a shortened one means the place nearest to `near`."""
    match = _PLUS_CODE.search(words)
    if match is None:
        return None
    code = match[1].upper()
    if openlocationcode.isShort(code):
        if near is None:
            return None
        code = openlocationcode.recoverNearest(code, near.lat, near.lon)
    if not openlocationcode.isFull(code):
        return None
    area = openlocationcode.decode(code)
    return LonLat(lon=area.longitudeCenter, lat=area.latitudeCenter)
