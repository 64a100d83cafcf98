"""What the simulators know of their city: pipes, valves, sources and the people on them.

Read from the city bundle's files, never from the product: the simulators are the world outside.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gis.coordinates import LonLat, MetricPlane, metric_plane

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who is served: what he knows of himself when he calls."""

    number: int
    account_no: str
    name: str
    phone: str | None
    street: str
    house_number: str
    town: str | None
    home: LonLat
    pipe: int


@dataclass(frozen=True)
class Town:
    """A city in arrays; never changed after it is made. Pipes, nodes and customers are named by their place in them.

    Parameters
    ----------
    pipe_from, pipe_to
        The two nodes of each pipe.
    pipe_closed
        Whether the pipe carries no water.
    line_start
        Offsets of each pipe's vertices in `vertex_lon`, one more than there are pipes.
    sources
        Nodes that water comes from.
    valve_pipe, valve_at_to
        The pipe a valve stands on, and whether it stands at the pipe's second node.
    valve_closed, valve_stuck
        Whether the valve is shut, and whether it does not turn.
    account_no, name, phone, street, house_number, town_name
        What customers know of themselves; an empty string where there is nothing.
    home_lon, home_lat, customer_pipe
        Where each customer lives, and the main that serves him.
    """

    srid: int
    node_count: int
    pipe_from: Ints
    pipe_to: Ints
    pipe_length_m: Floats
    pipe_closed: Flags
    line_start: Ints
    vertex_lon: Floats
    vertex_lat: Floats
    sources: Ints
    valve_pipe: Ints
    valve_at_to: Flags
    valve_closed: Flags
    valve_stuck: Flags
    account_no: NDArray[np.str_]
    name: NDArray[np.str_]
    phone: NDArray[np.str_]
    street: NDArray[np.str_]
    house_number: NDArray[np.str_]
    town_name: NDArray[np.str_]
    home_lon: Floats
    home_lat: Floats
    customer_pipe: Ints

    @property
    def pipe_count(self) -> int:
        """How many pipes there are."""
        return len(self.pipe_from)

    @property
    def customer_count(self) -> int:
        """How many customers there are."""
        return len(self.account_no)

    @cached_property
    def plane(self) -> MetricPlane:
        """The metric system the city is measured in."""
        return metric_plane(self.srid)

    @cached_property
    def _home_plane(self) -> tuple[Floats, Floats]:
        return self.plane.to_plane(self.home_lon, self.home_lat)

    def customer(self, number: int) -> Customer:
        """Name one customer."""
        return Customer(
            number=number,
            account_no=str(self.account_no[number]),
            name=str(self.name[number]),
            phone=str(self.phone[number]) or None,
            street=str(self.street[number]),
            house_number=str(self.house_number[number]),
            town=str(self.town_name[number]) or None,
            home=LonLat(lon=float(self.home_lon[number]), lat=float(self.home_lat[number])),
            pipe=int(self.customer_pipe[number]),
        )

    def nearest_customer(self, place: LonLat) -> int:
        """Name the customer who lives nearest to a place: whose door a passer-by reads."""
        east, north = self._home_plane
        point = self.plane.point(place)
        return int(np.argmin((east - point.x) ** 2 + (north - point.y) ** 2))

    def distance_m(self, a: LonLat, b: LonLat) -> float:
        """Measure the straight line between two places, metres."""
        here, there = self.plane.point(a), self.plane.point(b)
        return math.hypot(here.x - there.x, here.y - there.y)

    def moved(self, place: LonLat, *, east_m: float, north_m: float) -> LonLat:
        """Give the place so many metres further east and north."""
        point = self.plane.point(place)
        lon, lat = self.plane.to_degrees(np.array([point.x + east_m]), np.array([point.y + north_m]))
        return LonLat(lon=float(lon[0]), lat=float(lat[0]))

    def place_on_pipe(self, pipe: int, share: float) -> LonLat:
        """Give the place at a share (0..1) of a pipe's length."""
        part = slice(int(self.line_start[pipe]), int(self.line_start[pipe + 1]))
        east, north = self.plane.to_plane(self.vertex_lon[part], self.vertex_lat[part])
        along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(east), np.diff(north)))])
        at = share * along[-1]
        lon, lat = self.plane.to_degrees(
            np.array([np.interp(at, along, east)]), np.array([np.interp(at, along, north)])
        )
        return LonLat(lon=float(lon[0]), lat=float(lat[0]))
