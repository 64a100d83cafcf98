"""The network, the customers on it and the roads to it: tables of schema `gis`."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import utc_now
from core.db import Base, new_id
from gis.coordinates import geometry_column

SCHEMA = "gis"


class NodeType(StrEnum):
    """What stands at a node of the network."""

    JUNCTION = "junction"
    TANK = "tank"
    RESERVOIR = "reservoir"


class PipeClass(StrEnum):
    """What a pipe is for."""

    TRANSMISSION = "transmission"
    DISTRIBUTION = "distribution"
    SERVICE = "service"
    HYDRANT_LATERAL = "hydrant_lateral"


class LifecycleStatus(StrEnum):
    """Whether an asset is there and in use."""

    PROPOSED = "proposed"
    IN_SERVICE = "in_service"
    OUT_OF_SERVICE = "out_of_service"
    ABANDONED = "abandoned"


class ValveType(StrEnum):
    """How a valve is built, or what it is for."""

    GATE = "gate"
    BUTTERFLY = "butterfly"
    ZONE_BOUNDARY = "zone_boundary"
    OTHER = "other"


class LinkType(StrEnum):
    """What a link that is neither pipe nor isolation valve does; water passes it from its first node to its second."""

    PUMP = "pump"
    PRESSURE_REDUCING = "prv"
    PRESSURE_SUSTAINING = "psv"
    PRESSURE_BREAKER = "pbv"
    FLOW_CONTROL = "fcv"
    GENERAL_PURPOSE = "gpv"


class Operable(StrEnum):
    """Whether a valve turns when a crew turns it."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Side(StrEnum):
    """The side of a pipe, looking from its first node to its second."""

    LEFT = "left"
    RIGHT = "right"


class CustomerClass(StrEnum):
    """Who is served; decides who is warned and supplied first."""

    HOUSEHOLD = "household"
    BUSINESS = "business"
    INDUSTRY = "industry"
    SCHOOL = "school"
    HOSPITAL = "hospital"
    DIALYSIS = "dialysis"
    FIRE_STATION = "fire_station"


CRITICAL_CLASSES = frozenset(
    {
        CustomerClass.INDUSTRY,
        CustomerClass.SCHOOL,
        CustomerClass.HOSPITAL,
        CustomerClass.DIALYSIS,
        CustomerClass.FIRE_STATION,
    }
)


def _choice(of: type[StrEnum]) -> Enum:
    """Store an enum by its value, checked by the database."""
    return Enum(
        of,
        native_enum=False,
        length=24,
        create_constraint=True,
        name=of.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


def _id() -> Any:
    """Declare a UUID version 7 primary key (a mapped column, which the annotation beside it types)."""
    return mapped_column(Uuid, primary_key=True, default=new_id)


class ServiceArea(Base):
    """The one area this database serves; a point outside it is refused."""

    __tablename__ = "service_area"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"), {"schema": SCHEMA})

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, default=1)
    name: Mapped[str] = mapped_column(Text)
    metric_srid: Mapped[int | None] = mapped_column(
        Integer,
        comment="EPSG code of the plane system in metres used for measuring; none where the network has no place on Earth",
    )
    built_from: Mapped[str] = mapped_column(Text, comment="where the network came from: file, city bundle")
    network_revision: Mapped[UUID] = mapped_column(
        Uuid, default=new_id, comment="new with every change that tracing must see; caches are keyed by it"
    )
    geom: Mapped[Any] = geometry_column("MultiPolygon", nullable=True)


class PressureZone(Base):
    """An area fed at one head, closed off from its neighbours."""

    __tablename__ = "pressure_zone"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = _id()
    code: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    source_head_m: Mapped[float | None]
    geom: Mapped[Any] = geometry_column("MultiPolygon", nullable=True)


class IsolationSegment(Base):
    """Pipes that go dry together when the valves round them close; derived from the network."""

    __tablename__ = "isolation_segment"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    pipe_count: Mapped[int]
    length_m: Mapped[float]
    customer_count: Mapped[int] = mapped_column(comment="accounts served from its own pipes")
    valve_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), comment="isolation valves with one end in it")
    cut_off_segment_ids: Mapped[list[int]] = mapped_column(
        ARRAY(Integer), comment="segments no source reaches while this one is shut"
    )
    geom: Mapped[Any] = geometry_column("MultiLineString", nullable=True)


class Junction(Base):
    """A node of the network: fitting, tank or reservoir."""

    __tablename__ = "junction"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = _id()
    asset_code: Mapped[str] = mapped_column(Text, unique=True)
    node_type: Mapped[NodeType] = mapped_column(_choice(NodeType), default=NodeType.JUNCTION)
    elevation_m: Mapped[float | None]
    head_m: Mapped[float | None] = mapped_column(comment="hydraulic head of a tank or reservoir")
    base_demand_lps: Mapped[float] = mapped_column(default=0.0)
    zone_id: Mapped[UUID | None] = mapped_column(ForeignKey(PressureZone.id), index=True)
    segment_id: Mapped[int | None] = mapped_column(ForeignKey(IsolationSegment.id))
    lifecycle_status: Mapped[LifecycleStatus] = mapped_column(
        _choice(LifecycleStatus), default=LifecycleStatus.IN_SERVICE, server_default="in_service"
    )
    geom: Mapped[Any] = geometry_column("Point", nullable=True)


class Pipe(Base):
    """A main between two nodes."""

    __tablename__ = "pipe"
    __table_args__ = (
        CheckConstraint("diameter_mm > 0", name="diameter_positive"),
        CheckConstraint("length_m > 0", name="length_positive"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = _id()
    asset_code: Mapped[str] = mapped_column(Text, unique=True)
    from_node_id: Mapped[UUID] = mapped_column(ForeignKey(Junction.id), index=True)
    to_node_id: Mapped[UUID] = mapped_column(ForeignKey(Junction.id), index=True)
    pipe_class: Mapped[PipeClass] = mapped_column(_choice(PipeClass), default=PipeClass.DISTRIBUTION)
    diameter_mm: Mapped[int | None]
    material: Mapped[str | None] = mapped_column(Text)
    install_year: Mapped[int | None]
    length_m: Mapped[float]
    roughness: Mapped[float | None] = mapped_column(comment="Hazen-Williams coefficient")
    road_name: Mapped[str | None] = mapped_column(Text)
    zone_id: Mapped[UUID | None] = mapped_column(ForeignKey(PressureZone.id), index=True)
    segment_id: Mapped[int | None] = mapped_column(ForeignKey(IsolationSegment.id), index=True)
    lifecycle_status: Mapped[LifecycleStatus] = mapped_column(
        _choice(LifecycleStatus), default=LifecycleStatus.IN_SERVICE
    )
    is_closed: Mapped[bool] = mapped_column(default=False)
    has_check_valve: Mapped[bool] = mapped_column(
        default=False, comment="water passes from its first node to its second only"
    )
    geom: Mapped[Any] = geometry_column("LineString", nullable=True)


class ControlLink(Base):
    """A pump or a control valve between two nodes: water passes from the first to the second."""

    __tablename__ = "control_link"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = _id()
    asset_code: Mapped[str] = mapped_column(Text, unique=True)
    link_type: Mapped[LinkType] = mapped_column(_choice(LinkType))
    from_node_id: Mapped[UUID] = mapped_column(ForeignKey(Junction.id), index=True)
    to_node_id: Mapped[UUID] = mapped_column(ForeignKey(Junction.id), index=True)
    diameter_mm: Mapped[int | None]
    setting: Mapped[float | None] = mapped_column(
        comment="metres of head, or litres per second for flow control"
    )
    is_closed: Mapped[bool] = mapped_column(default=False)
    lifecycle_status: Mapped[LifecycleStatus] = mapped_column(
        _choice(LifecycleStatus), default=LifecycleStatus.IN_SERVICE
    )
    geom: Mapped[Any] = geometry_column("LineString", nullable=True)


class Valve(Base):
    """An isolation valve: it stands on a pipe next to one of the pipe's two nodes, or joins two nodes itself."""

    __tablename__ = "valve"
    __table_args__ = (
        CheckConstraint("num_nonnulls(pipe_id, to_node_id) = 1", name="on_pipe_or_between_nodes"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = _id()
    asset_code: Mapped[str] = mapped_column(Text, unique=True)
    pipe_id: Mapped[UUID | None] = mapped_column(
        ForeignKey(Pipe.id), index=True, comment="the pipe it stands on; none where it joins two nodes"
    )
    node_id: Mapped[UUID] = mapped_column(
        ForeignKey(Junction.id),
        index=True,
        comment="the end of the pipe at which it stands, or its first node",
    )
    to_node_id: Mapped[UUID | None] = mapped_column(
        ForeignKey(Junction.id), index=True, comment="its second node, where it joins two"
    )
    valve_type: Mapped[ValveType] = mapped_column(_choice(ValveType), default=ValveType.GATE)
    diameter_mm: Mapped[int | None]
    is_closed: Mapped[bool] = mapped_column(default=False)
    operable: Mapped[Operable] = mapped_column(_choice(Operable), default=Operable.YES)
    lifecycle_status: Mapped[LifecycleStatus] = mapped_column(
        _choice(LifecycleStatus), default=LifecycleStatus.IN_SERVICE
    )
    geom: Mapped[Any] = geometry_column("Point", nullable=True)


class Hydrant(Base):
    """Where the fire brigade and flushing crews take water."""

    __tablename__ = "hydrant"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = _id()
    asset_code: Mapped[str] = mapped_column(Text, unique=True)
    pipe_id: Mapped[UUID] = mapped_column(ForeignKey(Pipe.id), index=True)
    chainage_m: Mapped[float] = mapped_column(comment="distance along the pipe from its first node")
    diameter_mm: Mapped[int | None]
    lifecycle_status: Mapped[LifecycleStatus] = mapped_column(
        _choice(LifecycleStatus), default=LifecycleStatus.IN_SERVICE
    )
    geom: Mapped[Any] = geometry_column("Point", nullable=True)


class Building(Base):
    """A building's outline."""

    __tablename__ = "building"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = _id()
    floor_count: Mapped[int | None]
    use: Mapped[str | None] = mapped_column(Text, comment="as the source writes it: residential, school …")
    geom: Mapped[Any] = geometry_column("Polygon")


class Street(Base):
    """A street by its name within one district; what a caller says first."""

    __tablename__ = "street"
    __table_args__ = (Index(None, "normalised"), {"schema": SCHEMA})

    id: Mapped[UUID] = _id()
    name: Mapped[str] = mapped_column(Text)
    district: Mapped[str | None] = mapped_column(Text, comment="town, parish or district")
    normalised: Mapped[str] = mapped_column(Text)
    source: Mapped[str | None] = mapped_column(
        Text, comment="the kind of file it was imported from, and goes with the next of"
    )
    geom: Mapped[Any] = geometry_column("MultiLineString", nullable=True)


class Address(Base):
    """An address that exists: a house on a street, a named place, or a building of one."""

    __tablename__ = "address"
    __table_args__ = (Index(None, "normalised"), UniqueConstraint("source", "code"), {"schema": SCHEMA})

    id: Mapped[UUID] = _id()
    source: Mapped[str | None] = mapped_column(Text, comment="the kind of file it was imported from")
    code: Mapped[str | None] = mapped_column(Text, comment="its id in that file")
    street_id: Mapped[UUID | None] = mapped_column(ForeignKey(Street.id), index=True)
    street: Mapped[str] = mapped_column(Text, comment="empty where a place is known by its name alone")
    house_number: Mapped[str | None] = mapped_column(Text)
    house_ordinal: Mapped[int | None] = mapped_column(comment="leading digits of the house number")
    district: Mapped[str | None] = mapped_column(Text)
    place: Mapped[str | None] = mapped_column(Text, comment="compound, market, company or landmark")
    building: Mapped[str | None] = mapped_column(Text, comment="number or letter within the place")
    postcode: Mapped[str | None] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text, comment="the address as one line, to show")
    normalised: Mapped[str] = mapped_column(Text, comment="the same, folded for comparing")
    building_id: Mapped[UUID | None] = mapped_column(ForeignKey(Building.id), index=True)
    geom: Mapped[Any] = geometry_column("Point")


class AddressBook(Base):
    """One row that changes whenever a street, an address or a name of a place does; what is kept of them in memory is keyed by it."""

    __tablename__ = "address_book"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), {"schema": SCHEMA})

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    revision: Mapped[UUID] = mapped_column(Uuid)


class ServiceConnection(Base):
    """The service line from a main to a building."""

    __tablename__ = "service_connection"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = _id()
    pipe_id: Mapped[UUID] = mapped_column(ForeignKey(Pipe.id), index=True)
    tap_chainage_m: Mapped[float] = mapped_column(comment="distance along the main from its first node")
    tap_side: Mapped[Side] = mapped_column(_choice(Side))
    diameter_mm: Mapped[int | None]
    building_id: Mapped[UUID | None] = mapped_column(ForeignKey(Building.id), index=True)
    geom: Mapped[Any] = geometry_column("LineString", nullable=True)


class Meter(Base):
    """A customer's meter."""

    __tablename__ = "meter"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = _id()
    service_connection_id: Mapped[UUID] = mapped_column(ForeignKey(ServiceConnection.id), index=True)
    serial_no: Mapped[str] = mapped_column(Text, unique=True)
    diameter_mm: Mapped[int | None]
    geom: Mapped[Any] = geometry_column("Point")


class CustomerAccount(Base):
    """Who is served; name and phone are personal data."""

    __tablename__ = "customer_account"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = _id()
    account_no: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text, index=True, comment="E.164")
    address_id: Mapped[UUID | None] = mapped_column(ForeignKey(Address.id), index=True)
    service_connection_id: Mapped[UUID | None] = mapped_column(ForeignKey(ServiceConnection.id), index=True)
    meter_id: Mapped[UUID | None] = mapped_column(ForeignKey(Meter.id), index=True)
    customer_class: Mapped[CustomerClass] = mapped_column(
        _choice(CustomerClass), default=CustomerClass.HOUSEHOLD
    )


class VersionState(StrEnum):
    """Where a version of the network stands."""

    READING = "reading"
    REFUSED = "refused"
    DRAFT = "draft"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    DISCARDED = "discarded"


class NetworkVersion(Base):
    """The network as it was read at one time: first a draft to look at, then published, later superseded by the next."""

    __tablename__ = "network_version"
    __table_args__ = (
        Index(
            "uq_network_version_published",
            "state",
            unique=True,
            postgresql_where=text("state = 'published'"),
        ),
        {"schema": SCHEMA},
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    state: Mapped[VersionState] = mapped_column(_choice(VersionState))
    source: Mapped[str] = mapped_column(Text, comment="names of the files it was read from")
    crs: Mapped[str | None] = mapped_column(Text, comment="EPSG code of the source, or local")
    goes_back_to: Mapped[int | None] = mapped_column(
        ForeignKey("gis.network_version.number"),
        comment="the earlier version whose content it takes up again",
    )
    summary: Mapped[dict[str, Any]] = mapped_column(
        JSONB, default=dict, comment="counts, rejected, warnings, what would change"
    )
    mapping: Mapped[str | None] = mapped_column(Text, comment="TOML by which layers and fields were read")
    content: Mapped[bytes | None] = mapped_column(
        LargeBinary, deferred=True, comment="the whole draft, packed"
    )
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=utc_now)
    published_by: Mapped[UUID | None]
    published_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class AssetChange(Base):
    """What a published version did to one asset: its history, under the id it keeps."""

    __tablename__ = "asset_change"
    __table_args__ = (
        Index(None, "asset_id"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = _id()
    version: Mapped[int] = mapped_column(ForeignKey(NetworkVersion.number), index=True)
    asset_kind: Mapped[str] = mapped_column(Text, comment="table the asset stands in")
    asset_id: Mapped[UUID]
    asset_code: Mapped[str] = mapped_column(Text)
    change: Mapped[str] = mapped_column(Text, comment="added, changed, removed")
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="the fields as they were")


class DraftFeature(Base):
    """What a draft would draw, with what publishing it would do to each asset; kept only while it is a draft."""

    __tablename__ = "draft_feature"
    __table_args__ = (Index(None, "version", "asset_code"), {"schema": SCHEMA})

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    version: Mapped[int] = mapped_column(ForeignKey(NetworkVersion.number))
    asset_kind: Mapped[str] = mapped_column(Text, comment="table the asset stands in")
    asset_code: Mapped[str] = mapped_column(Text)
    change: Mapped[str] = mapped_column(Text, comment="added, changed, removed, same")
    diameter_mm: Mapped[int | None]
    geom: Mapped[Any] = geometry_column("Geometry")


class NetworkUpload(Base):
    """A file that somebody sent to be read as a network; web and worker may run on different machines."""

    __tablename__ = "network_upload"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = _id()
    version: Mapped[int | None] = mapped_column(
        ForeignKey(NetworkVersion.number), index=True, comment="the version read from it"
    )
    name: Mapped[str] = mapped_column(Text)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(Text)
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=utc_now)


class NetworkUploadChunk(Base):
    """A part of an uploaded file."""

    __tablename__ = "network_upload_chunk"
    __table_args__ = ({"schema": SCHEMA},)

    upload_id: Mapped[UUID] = mapped_column(
        ForeignKey(NetworkUpload.id, ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class PlannedShutdown(Base):
    """Work announced ahead for which a main is shut between two times."""

    __tablename__ = "planned_shutdown"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = _id()
    title: Mapped[str] = mapped_column(Text)
    pipe_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), comment="mains to be worked on")
    inoperable_valve_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    starts_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=utc_now)
    called_off_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PictureKind(StrEnum):
    """What a picture shows."""

    SITE = "site"
    VALVE = "valve"
    DAMAGE = "damage"
    OTHER = "other"


class Picture(Base):
    """A picture of a place, made anew from what was sent, so that it holds nothing but what is seen; withdrawn, it is kept."""

    __tablename__ = "picture"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = _id()
    kind: Mapped[PictureKind] = mapped_column(_choice(PictureKind))
    caption: Mapped[str] = mapped_column(Text, default="")
    taken_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="as the sender or his camera says"
    )
    subject_ids: Mapped[list[UUID]] = mapped_column(
        ARRAY(Uuid), default=list, comment="what it shows or belongs to: assets, a report, an incident, work"
    )
    sha256: Mapped[str] = mapped_column(Text, unique=True, comment="of the file that was sent")
    media_type: Mapped[str] = mapped_column(Text)
    width: Mapped[int]
    height: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    thumbnail: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, comment="in the same media type")
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=utc_now)
    withdrawn_by: Mapped[UUID | None]
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    geom: Mapped[Any] = geometry_column("Point")


class PlaceName(Base):
    """What people call a place that no register names so; withdrawn, it is kept, and heard no more."""

    __tablename__ = "place_name"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = _id()
    name: Mapped[str] = mapped_column(Text)
    district: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, default="")
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=utc_now)
    changed_by: Mapped[UUID | None]
    changed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    withdrawn_by: Mapped[UUID | None]
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    geom: Mapped[Any] = geometry_column("Point")


class RoadGraph(Base):
    """One version of the road graph as compressed arrays; exactly one is current."""

    __tablename__ = "road_graph"
    __table_args__ = (
        Index("uq_road_graph_current", "is_current", unique=True, postgresql_where=text("is_current")),
        {"schema": SCHEMA},
    )

    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    is_current: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[UUID] = mapped_column(Uuid, default=new_id, comment="caches are keyed by it")
    arrays: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, comment="npz of gis.roads.RoadGraph")
    node_count: Mapped[int]
    edge_count: Mapped[int]
    source: Mapped[str | None] = mapped_column(Text)
    built_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=utc_now)


class RoadEdge(Base):
    """A directed road edge of the current graph, for drawing and naming."""

    __tablename__ = "road_edge"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    u: Mapped[int] = mapped_column(BigInteger)
    v: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str | None] = mapped_column(Text)
    road_class: Mapped[str] = mapped_column(Text)
    length_m: Mapped[float]
    travel_time_s: Mapped[float]
    reverse_of: Mapped[int | None] = mapped_column(
        BigInteger, comment="the edge of the other direction, when this one need not be drawn again"
    )
    geom: Mapped[Any] = geometry_column("LineString")


class ClosureCause(StrEnum):
    """Why a road is closed."""

    INCIDENT = "incident"
    WORKS = "works"
    HAND = "hand"


class RoadClosure(Base):
    """An area whose roads carry no traffic, or less, for a time; a change adds a row, and none is deleted."""

    __tablename__ = "road_closure"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("slowdown > 1", name="slows"),
        Index("uq_road_closure_latest", "id", unique=True, postgresql_where=text("superseded_at IS NULL")),
        {"schema": SCHEMA},
    )

    revision: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    id: Mapped[UUID] = mapped_column(Uuid, default=new_id, comment="stays the same when it is changed")
    cause: Mapped[ClosureCause] = mapped_column(_choice(ClosureCause))
    subject_id: Mapped[UUID | None] = mapped_column(Uuid, comment="the incident or the work it is for")
    reason: Mapped[str] = mapped_column(Text)
    area: Mapped[Any] = geometry_column("MultiPolygon")
    slowdown: Mapped[float | None] = mapped_column(comment="times as long; null: shut")
    starts_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ends_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=utc_now)
    superseded_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="when a changed one took its place"
    )
    lifted_by: Mapped[UUID | None]
    lifted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class LandArea(Base):
    """A surface of the base map."""

    __tablename__ = "land_area"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[UUID] = _id()
    kind: Mapped[str] = mapped_column(Text, comment="water, green")
    name: Mapped[str | None] = mapped_column(Text)
    geom: Mapped[Any] = geometry_column("MultiPolygon")
