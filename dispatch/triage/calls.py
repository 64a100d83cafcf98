"""A call as the stream weighs it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from dispatch.triage.habits import LEAK, WIDESPREAD, Floats, Habits
from dispatch.triage.supply import Ints, SupplyMap
from dispatch.triage.verdicts import Verdict

EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
"""From when the stream's hours count."""
POSTED_MIN: Final = 0.05
"""A segment with less of a call's place is not looked at for it."""
PLACE_ERROR_MIN_M: Final = 15.0
"""No place is taken for surer than this: taps stand beside the houses they feed."""
SURGE_STEP: Final = 1.1
"""What is usual is not worked out anew for less than a tenth."""
ROOF: Final = "roof"
SPOT_SHARE: Final = 2.5
"""Who tells of running water from a known house stands nearer to what he sees than the house's size says."""


def hours(at: datetime) -> float:
    """Tell a moment in the stream's hours."""
    return (at - EPOCH).total_seconds() / 3600.0


def moment(at_h: float) -> datetime:
    """Tell which moment the stream's hours mean."""
    return EPOCH + timedelta(hours=at_h)


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
    segment: int = -1
    sure: float = 0.0
    """The segment its place was found on, where that is known, and how sure that is."""
    caller: str = ""
    """Same for the same telephone."""
    again: str = ""
    """The earlier call it was said to repeat."""


@dataclass(frozen=True, slots=True)
class Move:
    """A call that went to another incident: when, from which to which, and how well each explains it."""

    at_h: float
    came_from: str
    went_to: str
    odds: float
    odds_before: float


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
    surge: float = 1.0
    """How many times more such calls than usual came from everywhere; counted in both."""
    unnamed_odds: float
    """How much likelier a passer-by is to leave as little of himself."""
    home: int = -1
    """Its address: told, or its account's."""
    zone: int = -1
    in_zone: float = 0.0
    """Which zone it probably comes from, and how sure that is."""
    posted: list[int] = field(default_factory=list)
    """The segments it is remembered by."""
    origins: Ints | None = None
    """Where the trouble behind it may come from; worked out when first asked."""
    label: str = ""
    """The incident it stands in; its own id while it stands alone."""
    incident: int = -1
    explained: float = 0.0
    """How many times likelier than chance its incident makes it."""
    repeat_of: "Call | None" = None
    arrived_as: str = ""
    verdict: Verdict | None = None
    moves: list[Move] = field(default_factory=list)

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

    @property
    def is_about_supply(self) -> bool:
        """Whether it is about something a whole area can have."""
        return self.category in WIDESPREAD

    def usual_by(self, surge: float) -> bool:
        """Take so many times more such calls for usual, if that is clearly more than before; tell whether it is."""
        if surge <= SURGE_STEP * self.surge:
            return False
        self.per_customer_h *= surge / self.surge
        self.per_m2_h *= surge / self.surge
        self.surge = surge
        return True


def hear(told: Told, index: int, supply: SupplyMap, habits: Habits) -> Call:
    """Work out where a call comes from and how usual it is.

    Parameters
    ----------
    told
        The call as it came in.
    index
        Its place in the stream.
    supply, habits
        What it is seen by.
    """
    error_m = habits.place_error_m[told.error]
    segments, weights = _fed_from(told, error_m, supply)
    zone = int(supply.zone[segments[int(np.argmax(weights))]])
    per_customer_h = habits.background(told.at_h, told.category, supply.customer_count)
    pipes, density = np.empty(0, dtype=np.int64), np.empty(0)
    if told.category == LEAK or max(told.customer, told.segment) < 0:
        spot_m = error_m / SPOT_SHARE if told.error == ROOF else error_m
        pipes, density = supply.pipes_near(told.x, told.y, float(np.hypot(spot_m, habits.sighting_m)))
    is_named = told.customer >= 0 or told.address >= 0
    unnamed, usual = habits.unnamed_sightings, habits.unnamed_calls
    sure = 1.0 - habits.wrong_place
    return Call(
        told=told,
        index=index,
        at_h=told.at_h,
        category=told.category,
        segments=segments,
        weights=weights * sure,
        error_m=error_m,
        pipe_segments=pipes,
        pipe_density=density,
        per_customer_h=per_customer_h,
        per_m2_h=per_customer_h * supply.density(told.x, told.y),
        unnamed_odds=(1.0 - unnamed) / (1.0 - usual) if is_named else unnamed / usual,
        home=told.address if told.address >= 0 or told.customer < 0 else int(supply.address[told.customer]),
        label=told.id,
        zone=zone,
        in_zone=float(weights[supply.zone[segments] == zone].sum()) * sure,
        posted=sorted({*segments[weights >= POSTED_MIN].tolist(), *pipes.tolist()}),
    )


def _fed_from(told: Told, error_m: float, supply: SupplyMap) -> tuple[Ints, Floats]:
    """Share a call out among segments: its account's, the one its place was found on, its address's, or those round its point."""
    if told.customer >= 0:
        return supply.customer_segment[[told.customer]], np.ones(1)
    if told.segment >= 0:
        near, share = supply.segments_near(told.x, told.y, max(error_m, PLACE_ERROR_MIN_M))
        segments = np.union1d(near, [told.segment])
        weights = np.zeros(len(segments))
        weights[np.searchsorted(segments, near)] = (1.0 - told.sure) * share
        weights[np.searchsorted(segments, told.segment)] += told.sure
        return segments, weights
    if told.address >= 0:
        segments, counts = np.unique(
            supply.customer_segment[supply.households[told.address]], return_counts=True
        )
        return segments, counts / counts.sum()
    return supply.segments_near(told.x, told.y, max(error_m, PLACE_ERROR_MIN_M))
