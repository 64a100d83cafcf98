"""A network as plain lists, its meanings walked through literally, and the same network as arrays.

What the words mean is written down from the commands' contract ("Meanings, Isolation") with networkx, slowly and without any shortcut, so that
the arrays have something to be judged by.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

import networkx as nx
import numpy as np
import wntr

from gis.isolation import CRITICAL_KINDS, NONE, IsolationNetwork, keys_of

VALVE_IDS_FROM = 10_000_000


@dataclass(frozen=True)
class Main:
    code: str
    start: int
    end: int
    closed: bool = False
    one_way: bool = False
    length_m: float = 1.0


@dataclass(frozen=True)
class OnPipe:
    """A valve between a pipe and one of its nodes; `end` is 0 or 1."""

    pipe: int
    end: int
    closed: bool = False
    stuck: bool = False


@dataclass(frozen=True)
class Between:
    """A valve between two nodes."""

    start: int
    end: int
    closed: bool = False
    stuck: bool = False


@dataclass(frozen=True)
class Control:
    """A pump or control valve."""

    start: int
    end: int
    closed: bool = False


@dataclass
class PlainNetwork:
    nodes: int
    sources: list[int]
    pipes: list[Main]
    valves: list[OnPipe | Between] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    valve_codes: list[str] = field(default_factory=list)

    # --- the same as arrays ---------------------------------------------------------------------

    def arrays(self) -> IsolationNetwork:
        count = len(self.pipes)

        def node_at(valve: OnPipe) -> int:
            return (self.pipes[valve.pipe].start, self.pipes[valve.pipe].end)[valve.end]

        def ints(values) -> np.ndarray:
            return np.array(list(values), dtype=np.int64)

        def flags(values) -> np.ndarray:
            return np.array(list(values), dtype=bool)

        return IsolationNetwork(
            pipe_key=keys_of(UUID(int=number + 1) for number in range(count)),
            pipe_code=[pipe.code for pipe in self.pipes],
            pipe_from=ints(pipe.start for pipe in self.pipes),
            pipe_to=ints(pipe.end for pipe in self.pipes),
            pipe_length_m=np.array([pipe.length_m for pipe in self.pipes]),
            pipe_volume_m3=np.array([pipe.length_m for pipe in self.pipes]),
            pipe_closed=flags(pipe.closed for pipe in self.pipes),
            pipe_one_way=flags(pipe.one_way for pipe in self.pipes),
            customers=np.arange(count, dtype=np.int64),
            critical=np.zeros((count, len(CRITICAL_KINDS)), dtype=np.int64),
            node_count=self.nodes,
            sources=ints(self.sources),
            control_from=ints(one.start for one in self.controls),
            control_to=ints(one.end for one in self.controls),
            control_closed=flags(one.closed for one in self.controls),
            valve_key=keys_of(UUID(int=VALVE_IDS_FROM + number) for number in range(len(self.valves))),
            valve_code=self.valve_codes or [f"{number:03d}" for number in range(len(self.valves))],
            valve_pipe=ints(one.pipe if isinstance(one, OnPipe) else NONE for one in self.valves),
            valve_node=ints(node_at(one) if isinstance(one, OnPipe) else one.start for one in self.valves),
            valve_to_node=ints(NONE if isinstance(one, OnPipe) else one.end for one in self.valves),
            valve_closed=flags(one.closed for one in self.valves),
            valve_stuck=flags(one.stuck for one in self.valves),
            valve_lon=np.full(len(self.valves), np.nan),
            valve_lat=np.full(len(self.valves), np.nan),
        )

    # --- what the words mean --------------------------------------------------------------------

    def _valve_ends(self, valve: OnPipe | Between) -> tuple[object, object]:
        if isinstance(valve, Between):
            return ("node", valve.start), ("node", valve.end)
        pipe = self.pipes[valve.pipe]
        return ("pipe", valve.pipe), ("node", (pipe.start, pipe.end)[valve.end])

    def together(self, inoperable: Collection[int] = ()) -> nx.Graph:
        """Join what is reached without passing an isolation valve or a closed link."""
        graph = nx.Graph()
        graph.add_nodes_from(("node", node) for node in range(self.nodes))
        graph.add_nodes_from(("pipe", pipe) for pipe in range(len(self.pipes)))
        barriers = {
            (valve.pipe, valve.end)
            for number, valve in enumerate(self.valves)
            if isinstance(valve, OnPipe) and (valve.closed or not (valve.stuck or number in inoperable))
        }
        for number, pipe in enumerate(self.pipes):
            for end, node in enumerate((pipe.start, pipe.end)):
                if not pipe.closed and (number, end) not in barriers:
                    graph.add_edge(("pipe", number), ("node", node))
        for number, valve in enumerate(self.valves):
            if isinstance(valve, Between) and not valve.closed and (valve.stuck or number in inoperable):
                graph.add_edge(("node", valve.start), ("node", valve.end))
        for control in self.controls:
            if not control.closed:
                graph.add_edge(("node", control.start), ("node", control.end))
        return graph

    def water(self) -> nx.DiGraph:
        """Join what water passes today: nodes, and the two ends of every pipe."""
        graph = nx.DiGraph()
        graph.add_nodes_from(("node", node) for node in range(self.nodes))

        def either_way(one: object, other: object) -> None:
            graph.add_edge(one, other)
            graph.add_edge(other, one)

        shut = {
            (valve.pipe, valve.end) for valve in self.valves if isinstance(valve, OnPipe) and valve.closed
        }
        for number, pipe in enumerate(self.pipes):
            ends = ("end", number, 0), ("end", number, 1)
            graph.add_nodes_from(ends)
            if pipe.closed:
                continue
            graph.add_edge(ends[0], ends[1])
            if not pipe.one_way:
                graph.add_edge(ends[1], ends[0])
            for end, node in enumerate((pipe.start, pipe.end)):
                if (number, end) not in shut:
                    either_way(ends[end], ("node", node))
        for valve in self.valves:
            if isinstance(valve, Between) and not valve.closed:
                either_way(("node", valve.start), ("node", valve.end))
        for control in self.controls:
            if not control.closed:
                graph.add_edge(("node", control.start), ("node", control.end))
        return graph

    def fed(self, water: nx.DiGraph, without: Collection[object] = ()) -> set[object]:
        """What some source feeds while something is shut."""
        waiting: list[object] = [
            ("node", source) for source in self.sources if ("node", source) not in without
        ]
        reached = set(waiting)
        while waiting:
            for beside in water[waiting.pop()]:
                if beside not in reached and beside not in without:
                    reached.add(beside)
                    waiting.append(beside)
        return reached

    def judged(
        self,
        broken: Collection[int],
        inoperable: Collection[int] = (),
        *,
        together: nx.Graph | None = None,
        water: nx.DiGraph | None = None,
    ) -> dict[str, set[int]]:
        """What isolating some pipes at once means; pipes and valves by their place in the lists."""
        together = self.together(inoperable) if together is None else together
        inside = set().union(*(nx.node_connected_component(together, ("pipe", pipe)) for pipe in broken))
        segment = {number for kind, number in inside if kind == "pipe"}
        to_close: set[int] = set()
        closed: set[int] = set()
        if not all(self.pipes[pipe].closed for pipe in broken):
            for number, valve in enumerate(self.valves):
                first, second = self._valve_ends(valve)
                if (first in inside) == (second in inside):
                    continue
                if valve.closed:
                    closed.add(number)
                elif not (valve.stuck or number in inoperable):
                    to_close.add(number)
        water = self.water() if water is None else water
        shut = {one for one in inside if one[0] == "node"} | {
            ("end", pipe, end) for pipe in segment for end in (0, 1)
        }
        today, then = self.fed(water), self.fed(water, shut)
        dry = {
            number
            for number, pipe in enumerate(self.pipes)
            if number not in segment
            and not pipe.closed
            and any(("end", number, end) in today for end in (0, 1))
            and not any(("end", number, end) in then for end in (0, 1))
        }
        return {"segment": segment, "close": to_close, "closed": closed, "dry": dry}


def read_inp(path: str) -> PlainNetwork:
    """Read an EPANET file as its commands' contract says: TCV links are isolation valves, other valves and pumps pass from start to end."""
    model = wntr.network.WaterNetworkModel(path)
    node = {name: number for number, name in enumerate(model.node_name_list)}

    def is_closed(link) -> bool:
        return link.initial_status == wntr.network.LinkStatus.Closed

    plain = PlainNetwork(
        nodes=len(node),
        sources=[node[name] for name in (*model.tank_name_list, *model.reservoir_name_list)],
        pipes=[
            Main(
                name,
                node[link.start_node_name],
                node[link.end_node_name],
                is_closed(link),
                link.check_valve,
                link.length,
            )
            for name, link in model.pipes()
        ],
    )
    for _, link in model.pumps():
        plain.controls.append(Control(node[link.start_node_name], node[link.end_node_name], is_closed(link)))
    for name, link in model.valves():
        start, end = node[link.start_node_name], node[link.end_node_name]
        if link.valve_type == "TCV":
            plain.valves.append(Between(start, end, is_closed(link)))
            plain.valve_codes.append(name)
        else:
            plain.controls.append(Control(start, end, is_closed(link)))
    return plain
