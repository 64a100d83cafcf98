"""The network as files say it is, before anything of it is stored: plain values joined by asset code."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shapely import LineString, MultiPolygon, Point

from gis.models import CustomerClass, LifecycleStatus, LinkType, NodeType, Operable, PipeClass, ValveType

LOCAL = "local"
"""The system of a network without a place on Earth: plane metres, traced and simulated, never drawn."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the source that was left out, or that somebody should look at."""

    layer: str
    feature: str
    reason: str
    place: Point | None = None
    """Where it is, longitude and latitude, if it has a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftZone:
    """A pressure zone."""

    code: str
    name: str
    source_head_m: float | None = None
    outline: MultiPolygon | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftJunction:
    """A node: fitting, tank or reservoir."""

    code: str
    node_type: NodeType = NodeType.JUNCTION
    elevation_m: float | None = None
    head_m: float | None = None
    base_demand_lps: float = 0.0
    zone: str | None = None
    place: Point | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftPipe:
    """A main between two nodes, named by their codes."""

    code: str
    from_node: str
    to_node: str
    length_m: float
    diameter_mm: int | None = None
    pipe_class: PipeClass = PipeClass.DISTRIBUTION
    material: str | None = None
    install_year: int | None = None
    roughness: float | None = None
    road_name: str | None = None
    zone: str | None = None
    lifecycle_status: LifecycleStatus = LifecycleStatus.IN_SERVICE
    is_closed: bool = False
    has_check_valve: bool = False
    line: LineString | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftControlLink:
    """A pump or control valve; water passes from its first node to its second."""

    code: str
    link_type: LinkType
    from_node: str
    to_node: str
    diameter_mm: int | None = None
    setting: float | None = None
    is_closed: bool = False
    lifecycle_status: LifecycleStatus = LifecycleStatus.IN_SERVICE
    line: LineString | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftValve:
    """An isolation valve on a pipe at one of its nodes, or (with `to_node`, without `pipe`) between two nodes."""

    code: str
    node: str
    pipe: str | None = None
    to_node: str | None = None
    valve_type: ValveType = ValveType.GATE
    diameter_mm: int | None = None
    is_closed: bool = False
    operable: Operable = Operable.YES
    lifecycle_status: LifecycleStatus = LifecycleStatus.IN_SERVICE
    place: Point | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftHydrant:
    """A hydrant on a pipe."""

    code: str
    pipe: str
    chainage_m: float
    diameter_mm: int | None = None
    lifecycle_status: LifecycleStatus = LifecycleStatus.IN_SERVICE
    place: Point | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftCustomer:
    """An account and the main that serves it; name and phone are personal data."""

    account_no: str
    pipe: str
    tap_chainage_m: float
    name: str = ""
    phone: str | None = None
    address: str | None = None
    customer_class: CustomerClass = CustomerClass.HOUSEHOLD
    place: Point | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkDraft:
    """Everything that was read.

    Parameters
    ----------
    source
        Names of the files.
    crs
        EPSG code of the source (`EPSG:28355`), several joined by a comma, or `local`.
    metric_srid
        EPSG code of the plane system in metres in which lengths were measured; none for `local`.
    transformation
        How PROJ brought the source to WGS 84 and how accurate that is, as it states it; several joined by a semicolon.
    rejected
        Features left out, each with its reason.
    warnings
        What was taken, and should be looked at.
    """

    source: str
    crs: str
    metric_srid: int | None
    transformation: str | None = None
    zones: Sequence[DraftZone] = ()
    junctions: Sequence[DraftJunction] = ()
    pipes: Sequence[DraftPipe] = ()
    control_links: Sequence[DraftControlLink] = ()
    valves: Sequence[DraftValve] = ()
    hydrants: Sequence[DraftHydrant] = ()
    customers: Sequence[DraftCustomer] = ()
    rejected: Sequence[Problem] = field(default_factory=tuple)
    warnings: Sequence[Problem] = field(default_factory=tuple)
