"""Judges travel tables with osmnx and networkx alone: an exported graph, points put into it as nodes, Dijkstra."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import osmnx as ox
import shapely

AT_JUNCTION_M = 0.5
SAME_PLACE_M = 1e-6
Pair = tuple[float, float]


class Judge:
    """An exported graph, with or without closed polygons in longitude and latitude."""

    def __init__(self, exported: Path, closed: Any = None) -> None:
        self.graph = ox.load_graphml(exported)
        self.edges = list(self.graph.edges(keys=True, data=True))
        drawn = ox.graph_to_gdfs(self.graph, nodes=False)
        self.crs = drawn.estimate_utm_crs()
        lines = drawn.geometry.to_crs(self.crs)
        self.lines = np.array([lines[edge[:3]] for edge in self.edges])
        self.tree = shapely.STRtree(self.lines)
        self.closed = {
            number
            for number, (_, _, _, data) in enumerate(self.edges)
            if closed is not None and data["geometry"].intersects(closed)
        }

    def table(self, origins: Mapping[str, Pair], destinations: Mapping[str, Pair]) -> dict[Any, Any]:
        """Seconds and metres of every pair, None without a way."""
        graph, stops = self._open_graph(), defaultdict(list)
        names = [("from", name) for name in origins] + [("to", name) for name in destinations]
        places = shapely.points(np.array([*origins.values(), *destinations.values()]))
        points, _ = ox.projection.project_geometry(shapely.MultiPoint(places), to_crs=self.crs)
        for name, point in zip(names, points.geoms, strict=True):
            self._put(graph, name, point, stops)
        for number, some in stops.items():
            u, v, _, data = self.edges[number]
            along = [(0.0, u), *sorted(some, key=lambda stop: stop[0]), (1.0, v)]
            for (here, one), (there, other) in pairwise(along):
                share = there - here
                graph.add_edge(
                    one, other, travel_time=share * data["travel_time"], length=share * data["length"]
                )
                if share == 0 and one in names and other in names:
                    graph.add_edge(other, one, travel_time=0.0, length=0.0)
        found = {}
        for origin in origins:
            times, ways = nx.single_source_dijkstra(graph, ("from", origin), weight="travel_time")
            for destination in destinations:
                there = ("to", destination)
                found[origin, destination] = (
                    (times[there], self._length(graph, ways[there])) if there in times else None
                )
        return found

    def _open_graph(self) -> nx.MultiDiGraph:
        graph = nx.MultiDiGraph()
        graph.add_nodes_from(self.graph)
        for number, (u, v, _, data) in enumerate(self.edges):
            if number not in self.closed:
                graph.add_edge(u, v, travel_time=data["travel_time"], length=data["length"])
        return graph

    def _put(self, graph: nx.MultiDiGraph, name: Any, point: Any, stops: Any) -> None:
        """Put a point on every edge that passes its nearest place."""
        graph.add_node(name)
        nearest = self.tree.nearest(point)
        distance = self.lines[nearest].distance(point)
        place = self.lines[nearest].interpolate(self.lines[nearest].project(point))
        for number in self.tree.query(point, predicate="dwithin", distance=distance + SAME_PLACE_M):
            line, (u, v, _, data) = self.lines[number], self.edges[number]
            if line.interpolate(line.project(point)).distance(place) > 1e-3:
                continue
            share = line.project(point, normalized=True)
            before, after = share * data["length"], (1.0 - share) * data["length"]
            if min(before, after) <= AT_JUNCTION_M:
                node = u if before <= after else v
                graph.add_edge(name, node, travel_time=0.0, length=0.0)
                graph.add_edge(node, name, travel_time=0.0, length=0.0)
            elif number not in self.closed:
                stops[number].append((share, name))

    @staticmethod
    def _length(graph: nx.MultiDiGraph, way: list[Any]) -> float:
        return sum(
            min(graph[u][v].values(), key=lambda data: data["travel_time"])["length"]
            for u, v in pairwise(way)
        )
