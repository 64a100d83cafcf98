"""A small world for the stream: a row of pressure zones two kilometres apart, each one street fed from both ends.

Street z lies at y = 2000 z metres. Its sixty mains of 100 m (one segment each, valves at both ends) lie one after the other; 30 houses stand
along each, so a break in one leaves its own 30 without water and is felt by those round about. Two calls a day come
from a thousand customers, as utilities know it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from dispatch.triage.calls import Call, Told
from dispatch.triage.engine import Engine
from dispatch.triage.habits import LEAK, NO_WATER, Habits
from dispatch.triage.rules import StreamRules
from dispatch.triage.supply import SupplyMap
from dispatch.triage.works import Works
from tests.gis.plain_network import Main, OnPipe, PlainNetwork

MAINS = 60
HOUSES = 30
MAIN_M = 100.0
STREETS_APART_M = 2000.0
CALLS_PER_CUSTOMER_DAY = 0.002


class World:
    """Zones in a row; `flats` gives some houses many customers, by (zone, main)."""

    def __init__(self, zones: int = 6, *, flats: dict[tuple[int, int], int] | None = None) -> None:
        nodes = zones * (MAINS + 1)
        pipes, valves = [], []
        for zone in range(zones):
            for main in range(MAINS):
                start = zone * (MAINS + 1) + main
                valves += [OnPipe(len(pipes), 0), OnPipe(len(pipes), 1)]
                pipes.append(Main(f"Z{zone}M{main}", start, start + 1))
        ends = [node for zone in range(zones) for node in (zone * (MAINS + 1), zone * (MAINS + 1) + MAINS)]
        network = PlainNetwork(nodes, ends, pipes, valves).arrays()
        number = network.segments
        place = {segment: at for at, segment in enumerate(number.tolist())}
        self.segment_of = [place[segment] for segment in network.segment_of[: len(pipes)].tolist()]
        zone_of = np.zeros(len(number), dtype=np.int64)
        zone_of[[place[segment] for segment in network.segment_of.tolist()]] = np.concatenate(
            [np.repeat(np.arange(zones), MAINS), np.repeat(np.arange(zones), MAINS + 1)]
        )
        self.at: dict[tuple[int, int], list[int]] = {}
        self.block: dict[tuple[int, int], list[int]] = {}
        xy, segment, address = [], [], []
        for zone in range(zones):
            for main in range(MAINS):
                self.at[zone, main] = list(range(len(xy), len(xy) + HOUSES))
                many = (flats or {}).get((zone, main), 0)
                self.block[zone, main] = list(range(len(xy) + HOUSES, len(xy) + HOUSES + many))
                spots = [MAIN_M * (main + (house + 0.5) / HOUSES) for house in range(HOUSES)]
                homes = [*range(HOUSES), *[HOUSES] * many]
                first = max(address, default=-1) + 1
                for spot, home in zip([*spots, *[MAIN_M * (main + 0.5)] * many], homes, strict=True):
                    xy.append((spot, STREETS_APART_M * zone + 10.0))
                    segment.append(self.segment_of[zone * MAINS + main])
                    address.append(first + home)
        points = [
            (MAIN_M * main + 10.0 + 20.0 * step, STREETS_APART_M * zone)
            for zone in range(zones)
            for main in range(MAINS)
            for step in range(5)
        ]
        self.supply = SupplyMap(
            network=network,
            number=number,
            zone=zone_of,
            customer_xy=np.array(xy),
            customer_segment=np.array(segment),
            address=np.array(address),
            pipe_xy=np.array(points),
            pipe_segment=np.repeat(np.array(self.segment_of), 5),
        )
        self.habits = replace(Habits(), calls_per_day=CALLS_PER_CUSTOMER_DAY * len(xy))
        self._said = 0

    def house(self, zone: int, main: int, house: int) -> int:
        """Name the customer of a house."""
        return self.at[zone, main][house]

    def calls_in(self, customer: int, at_h: float, category: int = NO_WATER) -> Told:
        """Let a known customer call."""
        x, y = self.supply.customer_xy[customer]
        return Told(
            id=self._next(),
            at_h=at_h,
            category=category,
            x=float(x),
            y=float(y),
            error="roof",
            customer=customer,
            address=int(self.supply.address[customer]),
        )

    def sees_water(self, zone: int, along_m: float, at_h: float) -> Told:
        """Let a passer-by tell of water in a street, so many metres along it."""
        y = STREETS_APART_M * zone + 2.0
        return Told(id=self._next(), at_h=at_h, category=LEAK, x=along_m, y=y, error="roof")

    def works(self, zone: int, mains: Iterable[int], starts_h: float, ends_h: float) -> Works:
        """Announce work on some mains."""
        segments = np.array([self.segment_of[zone * MAINS + main] for main in mains])
        return Works("W1", np.unique(segments), starts_h, ends_h)

    def engine(self, *, works: Sequence[Works] = (), rules: StreamRules | None = None) -> Engine:
        """Start an engine that knows this world and nothing of what is to come."""
        return Engine(self.supply, self.habits, works, rules=rules)

    def _next(self) -> str:
        self._said += 1
        return f"R{self._said:03d}"


def take(engine: Engine, told: Iterable[Told]) -> list[Call]:
    """Let an engine take calls in order of time."""
    return [engine.take(one) for one in sorted(told, key=lambda one: one.at_h)]


def labels(calls: Iterable[Call]) -> set[str]:
    """List the incidents some calls stand in now."""
    return {call.label for call in calls}
