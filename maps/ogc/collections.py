"""The collections: which view each reads, what may be asked of it, and who may."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.rights import Operation


class Kind(StrEnum):
    """What a property holds."""

    TEXT = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"
    LIST = "array"
    """Shown, but not asked for by value."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection of features and the view of schema `ogc` behind it.

    Parameters
    ----------
    properties
        The view's columns besides id and geom, in order.
    begins, ends
        The columns between which a feature was there; none for what has no time.
    has_number_ids
        Its ids count; those of the others are UUIDs.
    has_areas
        Its features are areas, whose outer rings GeoJSON wants against the clock.
    """

    name: str
    operation: Operation
    properties: dict[str, Kind]
    begins: str | None = None
    ends: str | None = None
    has_number_ids: bool = False
    has_areas: bool = False

    @property
    def filters(self) -> dict[str, Kind]:
        """What can be asked for by value."""
        return {name: kind for name, kind in self.properties.items() if kind is not Kind.LIST}


_T, _I, _N, _B = Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN
COLLECTIONS: Final = (
    Collection(
        "pipes",
        Operation.NETWORK_READ,
        {
            "asset_code": _T,
            "pipe_class": _T,
            "diameter_mm": _I,
            "material": _T,
            "install_year": _I,
            "length_m": _N,
            "road_name": _T,
            "zone": _T,
            "segment": _I,
            "lifecycle_status": _T,
            "is_closed": _B,
            "has_check_valve": _B,
        },
    ),
    Collection(
        "valves",
        Operation.NETWORK_READ,
        {
            "asset_code": _T,
            "valve_type": _T,
            "diameter_mm": _I,
            "is_closed": _B,
            "operable": _T,
            "pipe": _T,
            "lifecycle_status": _T,
        },
    ),
    Collection(
        "hydrants",
        Operation.NETWORK_READ,
        {"asset_code": _T, "diameter_mm": _I, "pipe": _T, "chainage_m": _N, "lifecycle_status": _T},
    ),
    Collection(
        "junctions",
        Operation.NETWORK_READ,
        {
            "asset_code": _T,
            "node_type": _T,
            "elevation_m": _N,
            "head_m": _N,
            "zone": _T,
            "segment": _I,
            "lifecycle_status": _T,
        },
    ),
    Collection(
        "control_links",
        Operation.NETWORK_READ,
        {
            "asset_code": _T,
            "link_type": _T,
            "diameter_mm": _I,
            "setting": _N,
            "is_closed": _B,
            "lifecycle_status": _T,
        },
    ),
    Collection(
        "segments",
        Operation.NETWORK_READ,
        {"pipe_count": _I, "length_m": _N, "customer_count": _I, "valve_count": _I, "cut_off_count": _I},
        has_number_ids=True,
    ),
    Collection(
        "zones", Operation.NETWORK_READ, {"code": _T, "name": _T, "source_head_m": _N}, has_areas=True
    ),
    Collection(
        "service_connections",
        Operation.NETWORK_READ,
        {"pipe": _T, "tap_chainage_m": _N, "tap_side": _T, "diameter_mm": _I},
    ),
    Collection(
        "incidents",
        Operation.INCIDENTS_READ,
        {
            "number": _I,
            "kind": _T,
            "state": _T,
            "level": _T,
            "priority": _I,
            "report_count": _I,
            "customers_without_water": _I,
            "critical_customers": _I,
            "segments": Kind.LIST,
            "zone": _T,
            "cause": _T,
            "opened_at": Kind.TIME,
            "confirmed_at": Kind.TIME,
            "estimate_at": Kind.TIME,
            "closed_at": Kind.TIME,
        },
        begins="opened_at",
        ends="closed_at",
    ),
    Collection(
        "crews",
        Operation.POSITIONS_READ,
        {
            "code": _T,
            "skills": Kind.LIST,
            "presence": _T,
            "recorded_at": Kind.TIME,
            "accuracy_m": _N,
            "speed_mps": _N,
            "course_deg": _N,
        },
        begins="recorded_at",
        ends="recorded_at",
    ),
)
BY_NAME: Final = {collection.name: collection for collection in COLLECTIONS}
