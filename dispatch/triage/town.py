"""The supply as it is stored, and located reports as the stream takes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final
from uuid import UUID

import numpy as np
import shapely
from scipy.spatial import cKDTree
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.queries import IncidentNow
from dispatch.reports import SURE_PLACE, ReportFacts
from dispatch.triage.calls import ROOF, Told, hours
from dispatch.triage.habits import CATEGORIES, OTHER
from dispatch.triage.supply import POINT_EVERY_M, Floats, Ints, SupplyMap
from dispatch.triage.works import Works
from gis.cache import current_mains, current_network
from gis.coordinates import MetricPlane, metric_plane
from gis.isolation import IsolationNetwork
from gis.kept import Kept
from gis.mains import Mains
from gis.models import PlannedShutdown, PressureZone
from gis.queries import CustomerPlaces, load_customer_places
from gis.service_area import area_facts
from gis.shutdowns import Work, dry_by

STREET: Final = "street"
SINCE: Final = timedelta(hours=12)
"""Of an outage that lasts for days, as many call in the last hours as in any."""
SAME_HOUSE_M: Final = 2.0
"""A place no farther from an address is that address."""


@dataclass(frozen=True)
class Town:
    """The supply, the plane it is drawn in, what its zones are called and which customer an account is."""

    supply: SupplyMap
    plane: MetricPlane
    zone_names: Sequence[str]
    customer_of: dict[UUID, int]

    @classmethod
    def load(cls, session: Session) -> "Town":
        """Read it; takes some seconds for a city of 70,000 mains."""
        network, mains = current_network(session), current_mains(session)
        plane = metric_plane(area_facts(session).plane_srid)
        customers = load_customer_places(session, plane)
        number = network.segments
        place = np.full(network.vertex_count, -1, dtype=np.int64)
        place[number] = np.arange(len(number))
        pipe_at = np.searchsorted(network.pipe_key, mains.key)
        pipe_xy, pipe_segment = _pipe_points(mains, place[network.segment_of[pipe_at]])
        xy, segment, address = _served(network, place, customers)
        if not len(xy):  # nobody is recorded: every twenty metres of main serve one
            xy, segment, address = pipe_xy, pipe_segment, np.arange(len(pipe_xy), dtype=np.int64)
        names = {row.id: row.name for row in session.execute(select(PressureZone.id, PressureZone.name))}
        return cls(
            supply=SupplyMap(
                network=network,
                number=number,
                zone=_zones(mains, place[network.segment_of[pipe_at]], len(number)),
                customer_xy=xy,
                customer_segment=segment,
                address=address,
                pipe_xy=pipe_xy,
                pipe_segment=pipe_segment,
                parting=network.valve_closed,
            ),
            plane=plane,
            zone_names=[names.get(_uuid(key), "") for key in mains.zone_key],
            customer_of={_uuid(key): at for at, key in enumerate(customers.account_key)},
        )

    @cached_property
    def _houses(self) -> tuple[cKDTree, Ints]:
        addresses, first = np.unique(self.supply.address, return_index=True)
        return cKDTree(self.supply.customer_xy[first]), addresses

    def told(self, report: ReportFacts, received_at: datetime, *, after_h: float = 0.0) -> Told:
        """See a located report as the stream takes it.

        Parameters
        ----------
        after_h
            The stream's last hour: a report located later than it came is taken when it is located.
        """
        x, y = (
            float(one[0])
            for one in self.plane.to_plane(np.array([report.place.lon]), np.array([report.place.lat]))
        )
        is_sure = report.confidence >= SURE_PLACE
        account = report.customer_account_id
        customer = self.customer_of.get(account, -1) if account is not None else -1
        return Told(
            id=str(report.report_id),
            at_h=max(after_h, hours(received_at)),
            category=CATEGORIES.index(report.category) if report.category in CATEGORIES else OTHER,
            x=x,
            y=y,
            error=ROOF if is_sure else STREET,
            customer=customer,
            segment=self._segment(report.segment_id) if is_sure else -1,
            sure=report.confidence,
            address=self._address_at(x, y) if is_sure and customer < 0 else -1,
            caller=report.caller_key if customer >= 0 or account is None else str(account),
            again="" if report.repeat_of is None else str(report.repeat_of),
        )

    def outage(self, incident: IncidentNow, until: datetime) -> Works:
        """See a declared outage as work that everybody it leaves dry was told of."""
        starts_at = max(incident.outage_declared_at or until, until - SINCE)
        segments = np.array(
            sorted({self._segment(one) for one in incident.segment_ids} - {-1}), dtype=np.int64
        )
        return Works(str(incident.id), segments, hours(starts_at), hours(until), is_outage=True)

    def _segment(self, number: int | None) -> int:
        """Find a segment by its number; one stored before the network changed may be gone."""
        known = self.supply.number
        at = int(np.searchsorted(known, -1 if number is None else number))
        return at if at < len(known) and known[at] == number else -1

    def _address_at(self, x: float, y: float) -> int:
        tree, addresses = self._houses
        away_m, nearest = tree.query((x, y))
        return int(addresses[nearest]) if away_m <= SAME_HOUSE_M else -1


_TOWN: Kept[Town] = Kept()


def current_town(session: Session) -> Town:
    """Give the town as it stands.

    Raises
    ------
    NoServiceArea, NetworkWithoutPlace
        There is none.
    """
    return _TOWN.get(area_facts(session).network_revision, lambda: Town.load(session))


def announced(supply: SupplyMap, shutdowns: Sequence[PlannedShutdown]) -> list[Works]:
    """See planned shutdowns as announced work: who is told is all that falls dry by each."""
    network = supply.network
    found = []
    for one in shutdowns:
        dry = np.unique(network.segment_of[dry_by(network, [Work.of(one)]).all_pipes])
        segments = np.searchsorted(supply.number, dry)
        found.append(Works(str(one.id), segments, hours(one.starts_at), hours(one.ends_at)))
    return found


def _uuid(key: bytes) -> UUID:
    return UUID(bytes=bytes(key).ljust(16, b"\0"))  # numpy drops zeros at the end


def _served(network: IsolationNetwork, place: Ints, customers: CustomerPlaces) -> tuple[Floats, Ints, Ints]:
    pipe = np.searchsorted(network.pipe_key, customers.pipe_key)
    _, address = np.unique(customers.address_key, return_inverse=True)
    return customers.xy, place[network.segment_of[pipe]], address.astype(np.int64)


def _zones(mains: Mains, segment: Ints, count: int) -> Ints:
    """Put every segment in the zone of most of its mains' metres; -1 where none of them tells."""
    known = (mains.zone >= 0) & (segment >= 0)
    metres = np.zeros((count, len(mains.zone_key) + 1))
    np.add.at(metres, (segment[known], mains.zone[known]), mains.length_m[known])
    return np.where(metres.any(axis=1), metres.argmax(axis=1), -1)


def _pipe_points(mains: Mains, segment: Ints) -> tuple[Floats, Ints]:
    """Put points along every main, and tell whose they are."""
    drawn_m = shapely.length(mains.lines)
    count = np.maximum(1, (drawn_m / POINT_EVERY_M).astype(np.int64))
    owner = np.repeat(np.arange(len(mains)), count)
    nth = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    at_m = (nth + 0.5) / count[owner] * drawn_m[owner]
    return shapely.get_coordinates(shapely.line_interpolate_point(mains.lines[owner], at_m)), segment[owner]
