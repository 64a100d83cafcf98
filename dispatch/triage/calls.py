"""A call as triage weighs it."""

from dataclasses import dataclass, field

import numpy as np

from dispatch.triage.habits import LEAK, Floats, Habits
from dispatch.triage.supply import Ints, SupplyMap

POSTED_MIN = 0.05
"""A segment with less of a call's place is not looked at for it."""
CERTAIN = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a caller told, as it came in; hours since any fixed time, metres of the supply's plane."""

    id: str
    at_h: float
    category: int
    x: float
    y: float
    error: str
    """How its place was found: a key of `Habits.place_error_m`."""
    customer: int = -1
    address: int = -1
    caller: str = ""


@dataclass(eq=False, slots=True, kw_only=True)
class Call:
    """What was told, with what follows from it alone, and where it stands."""

    told: Told
    index: int
    at_h: float
    category: int
    segments: Ints
    weights: Floats
    """How its place is shared out among segments."""
    error_m: float
    pipe_segments: Ints
    pipe_density: Floats
    """How dense sightings here are when those segments' pipes leak."""
    per_customer_h: float
    """Calls of its kind that come anyway, per customer and hour."""
    per_m2_h: float
    """And per square metre and hour."""
    unnamed_odds: float
    """How much likelier a passer-by is to leave as little of himself."""
    home: int = -1
    """Its address: told, or its account's."""
    label: str = ""
    arrived_as: str = ""
    repeat_of: "Call | None" = None
    explained: float = 0.0
    """How many times likelier than chance its incident makes it."""
    incident: int = -1
    posted: list[int] = field(default_factory=list)
    zone: int = -1
    in_zone: float = 0.0
    """Which zone it probably comes from, and how sure that is."""
    origins: Ints | None = None
    """Where the trouble behind it may come from; worked out when first asked."""

    @property
    def person(self) -> str:
        """Same for calls known to be of one customer."""
        told = self.told
        if told.customer >= 0:
            return f"c{told.customer}"
        return told.caller or told.id

    @property
    def is_named(self) -> bool:
        """Whether account or address is known."""
        return self.told.customer >= 0 or self.told.address >= 0


def hear(told: Told, index: int, supply: SupplyMap, habits: Habits, *, surge: float = 1.0) -> Call:
    """Work out where a call comes from and how usual it is."""
    error_m = habits.place_error_m[told.error]
    if told.customer >= 0:
        segments, weights = supply.customer_segment[[told.customer]], _ONE
    elif told.address >= 0:
        homes = supply.customer_segment[supply.households[told.address]]
        segments, weights = np.unique(homes, return_counts=True)
        weights = weights / weights.sum()
    else:
        segments, weights = supply.segments_near(told.x, told.y, max(error_m, 15.0))
    zone = int(supply.zone[segments[int(np.argmax(weights))]])
    per_customer_h = surge * habits.background(told.at_h, told.category, supply.customer_count)
    pipes, density = np.empty(0, dtype=np.int64), np.empty(0)
    if told.category == LEAK or told.customer < 0:
        pipes, density = supply.pipes_near(told.x, told.y, float(np.hypot(error_m / 2.5 if told.error == "roof" else error_m, habits.sighting_m)))
    named = told.customer >= 0 or told.address >= 0
    unnamed, usual = habits.unnamed_sightings, habits.unnamed_calls
    return Call(
        told=told,
        index=index,
        at_h=told.at_h,
        category=told.category,
        segments=segments,
        weights=weights * (1.0 - habits.wrong_place),
        error_m=error_m,
        pipe_segments=pipes,
        pipe_density=density,
        per_customer_h=per_customer_h,
        per_m2_h=per_customer_h * supply.density(told.x, told.y),
        unnamed_odds=(1.0 - unnamed) / (1.0 - usual) if named else unnamed / usual,
        home=told.address if told.address >= 0 or told.customer < 0 else int(supply.address[told.customer]),
        label=told.id,
        zone=zone,
        in_zone=float(weights[supply.zone[segments] == zone].sum()) * (1.0 - habits.wrong_place),
        posted=sorted({*segments[weights >= POSTED_MIN].tolist(), *pipes.tolist()}),
    )



_ONE = np.ones(1)
