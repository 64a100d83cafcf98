"""Streets, mains and houses drawn by hand for one case, metres east and north of the small town's corner."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import shapely
from sqlalchemy import insert
from sqlalchemy.orm import Session

from core.db import new_id
from gis.coordinates import LonLat, stored
from gis.geocoding import normalise
from gis.models import (
    Address,
    CustomerAccount,
    Junction,
    LifecycleStatus,
    Pipe,
    PipeClass,
    PressureZone,
    RoadEdge,
    ServiceArea,
    ServiceConnection,
    Side,
    Street,
)
from tests.town import SRID, Town

Corners = Sequence[tuple[float, float]]


def place(east_m: float, north_m: float) -> LonLat:
    return Town.place(east_m, north_m)


def drawn(corners: Corners) -> shapely.LineString:
    return shapely.LineString([(at.lon, at.lat) for at in (place(*corner) for corner in corners)])


@dataclass
class Drawing:
    """An area of its own; what is added is stored at once."""

    session: Session
    pipes: dict[str, UUID] = field(default_factory=dict)
    zones: dict[str, UUID] = field(default_factory=dict)
    lengths: dict[str, float] = field(default_factory=dict)
    streets: dict[str, UUID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ring = drawn([(-2000, -2000), (2000, -2000), (2000, 2000), (-2000, 2000), (-2000, -2000)])
        area = shapely.MultiPolygon([shapely.Polygon(ring)])
        self._add(ServiceArea, id=1, name="Drawn", metric_srid=SRID, built_from="by hand", geom=stored(area))

    def _add(self, model: type, **values: object) -> None:
        self.session.execute(insert(model).values(**values))

    def main(
        self,
        code: str,
        corners: Corners,
        *,
        street: str | None = None,
        diameter_mm: int | None = 100,
        pipe_class: PipeClass = PipeClass.DISTRIBUTION,
        zone: str | None = None,
        status: LifecycleStatus = LifecycleStatus.IN_SERVICE,
        is_closed: bool = False,
    ) -> None:
        ends = [new_id(), new_id()]
        for end, corner in zip(ends, (corners[0], corners[-1]), strict=True):
            self._add(Junction, id=end, asset_code=str(end), geom=stored(place(*corner).as_point()))
        if zone and zone not in self.zones:
            self.zones[zone] = new_id()
            self._add(PressureZone, id=self.zones[zone], code=zone, name=zone)
        self.pipes[code], self.lengths[code] = new_id(), shapely.LineString(corners).length
        self._add(
            Pipe,
            id=self.pipes[code],
            asset_code=code,
            from_node_id=ends[0],
            to_node_id=ends[1],
            pipe_class=pipe_class,
            diameter_mm=diameter_mm,
            length_m=self.lengths[code],
            road_name=street,
            zone_id=self.zones[zone] if zone else None,
            lifecycle_status=status,
            is_closed=is_closed,
            geom=stored(drawn(corners)),
        )

    def houses(self, code: str, *, left: int = 0, right: int = 0) -> None:
        """Hang houses on a main, on either side."""
        for side, count in ((Side.LEFT, left), (Side.RIGHT, right)):
            for _ in range(count):
                self._connect(code, side)

    def _connect(self, code: str, side: Side) -> UUID:
        key = new_id()
        self._add(ServiceConnection, id=key, pipe_id=self.pipes[code], tap_chainage_m=1.0, tap_side=side)
        return key

    def road(self, name: str, corners: Corners) -> None:
        key = new_id().int % 2**62
        self._add(
            RoadEdge,
            id=key,
            u=1,
            v=2,
            name=name,
            road_class="residential",
            length_m=1.0,
            travel_time_s=1.0,
            geom=stored(drawn(corners)),
        )

    def address(self, street: str, number: int, at: tuple[float, float]) -> UUID:
        if street not in self.streets:
            self.streets[street] = new_id()
            self._add(Street, id=self.streets[street], name=street, normalised=normalise(street))
        key, text = new_id(), f"{number} {street}"
        self._add(
            Address,
            id=key,
            street_id=self.streets[street],
            street=street,
            house_number=str(number),
            house_ordinal=number,
            text=text,
            normalised=normalise(text),
            geom=stored(place(*at).as_point()),
        )
        return key

    def account(self, number: str, address: UUID, *, on: str | None = None) -> None:
        """Open an account at an address; `on` is the main its connection is recorded on, without a drawing."""
        self._add(
            CustomerAccount,
            id=new_id(),
            account_no=number,
            name="Ann Miller",
            address_id=address,
            service_connection_id=None if on is None else self._connect(on, Side.LEFT),
        )
