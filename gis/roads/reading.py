"""An OpenStreetMap extract -> a road graph in osmnx's form, kept as arrays.

pyrosm reads and simplifies the network (seconds where osmnx needs minutes), osmnx adds speeds and travel times.
"""

import struct
import sys
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import osmnx as ox
import pyrosm
import pyrosm.exceptions
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from gis.errors import BadExtract
from gis.roads.graph import E7, Ints, RoadGraph

SPEEDS_KPH = {
    "motorway": 110.0,
    "motorway_link": 60.0,
    "trunk": 90.0,
    "trunk_link": 50.0,
    "primary": 60.0,
    "primary_link": 45.0,
    "secondary": 50.0,
    "secondary_link": 40.0,
    "tertiary": 45.0,
    "tertiary_link": 40.0,
    "unclassified": 40.0,
    "residential": 30.0,
    "living_street": 20.0,
    "road": 40.0,
}
"""Free-flow speeds where the extract states none, km/h."""
FALLBACK_KPH = 40.0
TRAVEL_TIME_MIN_S = 0.01

# What pyrosm raises on files that are no extracts, or damaged ones.
_UNREADABLE = (
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    OSError,
    EOFError,
    struct.error,
    zlib.error,
    RuntimeError,
    DecodeError,
    pyrosm.exceptions.PBFException,
)


@dataclass(frozen=True)
class Extract:
    """An extract and its drivable roads.

    Parameters
    ----------
    source
        The opened extract, for whoever wants more of it. Any: pyrosm has no types.
    graph
        The roads with their true names, as far as every place reaches every other.
    edge_way
        The lowest OpenStreetMap id among the ways each edge was joined from.
    """

    source: Any
    graph: RoadGraph
    edge_way: Ints


def read_extract(path: Path) -> Extract:
    """Read an extract's drivable streets, the largest part in which every place reaches every other.

    Raises
    ------
    BadExtract
        The file is missing, unreadable or holds no drivable street.
    """
    if not path.is_file():
        raise BadExtract(f"{path}: no such file.")
    with understood(path):
        source = pyrosm.OSM(str(path))
        found = source.get_network(network_type="driving", nodes=True)
        if found is None or found[1] is None or len(found[1]) == 0:
            raise BadExtract(f"{path.name}: holds no drivable street.")
        nodes, edges = found
        graph = source.to_graph(nodes, edges, graph_type="networkx", osmnx_compatible=True)
        graph = ox.truncate.largest_component(graph, strongly=True)
        if graph.number_of_edges() == 0:
            raise BadExtract(f"{path.name}: holds no connected drivable street.")
        graph = ox.add_edge_speeds(graph, hwy_speeds=SPEEDS_KPH, fallback=FALLBACK_KPH)
        graph = ox.add_edge_travel_times(graph)
    streets = _edges(graph)
    return Extract(
        source=source,
        graph=_road_graph(graph, streets),
        edge_way=np.array([edge.way for edge in streets], dtype=np.int64),
    )


@contextmanager
def understood(path: Path) -> Iterator[None]:
    """Turn what pyrosm says of a bad file into our own refusal; what it prints goes to standard error.

    Raises
    ------
    BadExtract
        The file cannot be read.
    """
    with warnings.catch_warnings(), redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        try:
            yield
        except _UNREADABLE as error:
            raise BadExtract(f"{path.name}: {' '.join(str(error).split())}") from error


def _first(value: Any) -> Any:
    """Take the first of what osmnx keeps as one value or a list of several; values have any type."""
    return value[0] if isinstance(value, list) and value else value


def _text(value: Any) -> str | None:
    """Read a tag that may be a list, a number or missing."""
    value = _first(value)
    return value.strip() or None if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class _Edge:
    u: int
    v: int
    pairs: tuple[tuple[int, int], ...]
    """Vertices in 1e-7 degrees."""
    way: int
    name: str | None
    road_class: str
    length_m: float
    time_s: float


def _edges(graph: nx.MultiDiGraph) -> list[_Edge]:
    """List the edges in an order that depends only on the extract."""
    places = {node: (data["x"], data["y"]) for node, data in graph.nodes(data=True)}
    edges = []
    for u, v, data in graph.edges(data=True):
        line = data.get("geometry")
        pairs = list(line.coords) if line is not None else [places[u], places[v]]
        start, end = places[u], pairs[0]
        if u != v and max(abs(start[0] - end[0]), abs(start[1] - end[1])) > 1e-9:
            pairs.reverse()
        whole = tuple((round(x * E7), round(y * E7)) for x, y, *_ in pairs)
        way = data.get("osmid", 0)
        edges.append(
            _Edge(
                u=u,
                v=v,
                pairs=whole,
                way=min(way) if isinstance(way, list) else int(way),
                name=_text(data.get("name")),
                road_class=(_text(data.get("highway")) or "road").split(";")[0],
                length_m=float(data["length"]),
                time_s=max(TRAVEL_TIME_MIN_S, float(data["travel_time"])),
            )
        )
    edges.sort(key=lambda edge: (edge.u, edge.v, edge.pairs, edge.way))
    return edges


def _reverses(edges: list[_Edge]) -> NDArray[np.int32]:
    """Pair edges that run both ways over one geometry."""
    reverse = np.full(len(edges), -1, dtype=np.int32)
    waiting: dict[tuple[int, int, tuple[tuple[int, int], ...]], list[int]] = {}
    for index, edge in enumerate(edges):
        partners = waiting.get((edge.v, edge.u, edge.pairs[::-1]))
        if partners:
            other = partners.pop()
            reverse[index], reverse[other] = other, index
        else:
            waiting.setdefault((edge.u, edge.v, edge.pairs), []).append(index)
    return reverse


def _road_graph(graph: nx.MultiDiGraph, edges: list[_Edge]) -> RoadGraph:
    node_id = np.array(sorted(graph.nodes), dtype=np.int64)
    nodes = [graph.nodes[node] for node in node_id.tolist()]
    edge_name, names = named([edge.name for edge in edges])
    classes = sorted({edge.road_class for edge in edges})
    vertices = np.array([pair for edge in edges for pair in edge.pairs], dtype=np.int32)
    starts = np.zeros(len(edges) + 1, dtype=np.int64)
    np.cumsum([len(edge.pairs) for edge in edges], out=starts[1:])
    return RoadGraph(
        node_id=node_id,
        node_lon_e7=np.array([round(node["x"] * E7) for node in nodes], dtype=np.int32),
        node_lat_e7=np.array([round(node["y"] * E7) for node in nodes], dtype=np.int32),
        edge_u=np.searchsorted(node_id, [edge.u for edge in edges]).astype(np.int32),
        edge_v=np.searchsorted(node_id, [edge.v for edge in edges]).astype(np.int32),
        edge_length_m=np.array([edge.length_m for edge in edges]),
        edge_time_s=np.array([edge.time_s for edge in edges]),
        edge_name=edge_name,
        edge_class=np.array([classes.index(edge.road_class) for edge in edges], dtype=np.int16),
        edge_reverse=_reverses(edges),
        line_start=starts,
        vertex_lon_e7=np.ascontiguousarray(vertices[:, 0]),
        vertex_lat_e7=np.ascontiguousarray(vertices[:, 1]),
        names=names,
        classes=tuple(classes),
    )


def named(told: list[str | None]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Number the names of edges, as a graph keeps them; -1: nameless."""
    names = sorted({name for name in told if name})
    place = {name: index for index, name in enumerate(names)}
    return np.array([place[name] if name else -1 for name in told], dtype=np.int32), tuple(names)
