"""A crew's vehicle on its route: where it is after so much time of the trade."""

import math
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from gis.coordinates import LonLat, straight_line_m


@dataclass(frozen=True, slots=True)
class Fix:
    """Where a vehicle is and how it moves."""

    place: LonLat
    speed_mps: float
    course_deg: float


class Drive:
    """A drive along a route at its even speed.

    Parameters
    ----------
    line
        The route's vertices in driving order.
    seconds
        How long it takes.
    """

    def __init__(self, line: list[LonLat], seconds: float, began_at: datetime) -> None:
        self.line = line
        self.seconds = max(seconds, 1.0)
        self.began_at = began_at
        self._along_m = [0.0]
        for a, b in pairwise(line):
            self._along_m.append(self._along_m[-1] + straight_line_m(a, b))

    @property
    def metres(self) -> float:
        """How long the route is."""
        return self._along_m[-1]

    def is_over(self, now: datetime) -> bool:
        """Whether the vehicle has arrived."""
        return (now - self.began_at).total_seconds() >= self.seconds

    def at(self, now: datetime) -> Fix:
        """Tell where the vehicle is."""
        share = min(1.0, max(0.0, (now - self.began_at).total_seconds() / self.seconds))
        wanted_m = share * self.metres
        for i, (a, b) in enumerate(pairwise(self.line)):
            if self._along_m[i + 1] >= wanted_m and self._along_m[i + 1] > self._along_m[i]:
                part = (wanted_m - self._along_m[i]) / (self._along_m[i + 1] - self._along_m[i])
                place = LonLat(lon=a.lon + part * (b.lon - a.lon), lat=a.lat + part * (b.lat - a.lat))
                moving = 0.0 if share >= 1.0 else self.metres / self.seconds
                return Fix(place, moving, _course_deg(a, b))
        return Fix(self.line[-1], 0.0, 0.0)


def _course_deg(a: LonLat, b: LonLat) -> float:
    east = (b.lon - a.lon) * math.cos(math.radians(a.lat))
    return math.degrees(math.atan2(east, b.lat - a.lat)) % 360.0
