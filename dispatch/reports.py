"""What dispatch knows of a report, and how far that is believed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from gis.coordinates import LonLat


class Category(StrEnum):
    """What a caller noticed, as `ReportLocated` carries it."""

    NO_WATER = "no_water"
    LOW_PRESSURE = "low_pressure"
    LEAK = "leak"
    WATER_QUALITY = "water_quality"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """What triage knows of a report."""

    report_id: UUID
    category: str
    place: LonLat
    pipe_id: UUID
    segment_id: int | None
    zone_id: UUID | None
    confidence: float
    """How sure the place is, 0..1."""
    caller_key: str
    customer_account_id: UUID | None
    noticed_at: datetime
    """When the caller noticed; late calls speak for that time."""
    extent: str = "unknown"
    """How far it reaches, as the caller sees it."""
    repeat_of: UUID | None = None

    @property
    def customer_key(self) -> str:
        """Same for calls of one customer, whoever of the household rings."""
        return str(self.customer_account_id or self.caller_key)


_C = Category
SUPPLY: Final = frozenset({_C.NO_WATER, _C.LOW_PRESSURE, _C.LEAK})
"""Categories that one break can cause together."""
UNSURE_PLACE_M: Final = 80.0
"""How far off a place of no confidence may be."""
SURE_PLACE: Final = 0.7
