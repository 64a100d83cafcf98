"""What a crew finds where it was sent, how long that takes, and what it writes down."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.demo.phrases import phrase
from app.demo.world import Burst, World
from gis.coordinates import LonLat

LOOKS_MIN = (6.0, 12.0)
SEARCHES_MPS = 0.6
"""Pace of walking along a street, stopping to listen."""
MENDS_MIN = (25.0, 50.0)
PRIVATE_SHARE = 0.6
"""Of visits that find no burst, those where it is the customer's own plumbing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is the matter. `mends`: the crew stays and mends it."""

    cause: str
    action: str
    note: str
    takes: timedelta
    water_restored: bool
    burst: Burst | None = None
    mends: bool = False

    def form(self) -> dict[str, Any]:  # Any: JSON
        """Fill in the phone's form."""
        return {
            "cause": self.cause,
            "action": self.action,
            "note": self.note,
            "water_restored": self.water_restored,
        }


def look_round(world: World, place: LonLat, *, kind: str, can_repair: bool, rng: random.Random) -> Finding:
    """Look for the trouble round a place.

    Parameters
    ----------
    kind
        The work order's: `inspect` or `repair`. Who was sent to inspect only looks; a repair is its own order.

    Returns
    -------
    finding
        The nearest burst within reach, else nothing of ours: a crew sent to a wrong address finds nothing.
    """
    looks = timedelta(minutes=rng.uniform(*LOOKS_MIN))
    burst = world.running_near(place)
    if burst is None:
        is_private = rng.random() < PRIVATE_SHARE
        return Finding(
            cause="private_plumbing" if is_private else "nothing_found",
            action="inspected",
            note=phrase("found_private" if is_private else "found_nothing", language="en", rng=rng),
            takes=looks,
            water_restored=True,
        )
    looks += timedelta(seconds=world.town.distance_m(place, burst.place) / SEARCHES_MPS)
    if kind == "repair" and can_repair:
        return Finding(
            cause="burst" if burst.dry else "leak",
            action="repaired",
            note=phrase("mended", language="en", rng=rng),
            takes=looks + timedelta(minutes=rng.uniform(*MENDS_MIN)),
            water_restored=True,
            burst=burst,
            mends=True,
        )
    return Finding(
        cause="burst" if burst.dry else "leak",
        action="inspected",
        note=phrase("found_burst", language="en", rng=rng),
        takes=looks,
        water_restored=False,
        burst=burst,
    )
