"""The road graph in osmnx's own form: GraphML that `osmnx.load_graphml` reads, for whoever wants to judge or use it elsewhere."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from gis.coordinates import WGS84_SRID
from gis.roads.graph import E7, RoadGraph

_NODE_KEYS = ("x", "y")
_EDGE_KEYS = ("osmid", "name", "highway", "oneway", "reversed", "length", "travel_time", "geometry")
_GRAPH_VALUES = {"crs": f"epsg:{WGS84_SRID}", "simplified": "True", "created_with": "Mainline"}


def write_graphml(graph: RoadGraph, path: Path) -> None:
    """Write a graph.

    As osmnx does, every value is text. Nodes keep their OpenStreetMap ids; `osmid` of an edge is the number of its street piece, the
    same for both directions: the ways it was joined from are not kept.
    """
    with path.open("w", encoding="utf-8") as file:
        file.writelines(_text(graph))


def _text(graph: RoadGraph) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>\n'
    yield '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    for kind, keys in (("graph", _GRAPH_VALUES), ("node", _NODE_KEYS), ("edge", _EDGE_KEYS)):
        for key in keys:
            yield f'<key id="{kind}.{key}" for="{kind}" attr.name="{key}" attr.type="string"/>\n'
    yield '<graph edgedefault="directed">\n'
    for key, value in _GRAPH_VALUES.items():
        yield f'<data key="graph.{key}">{value}</data>\n'
    nodes = graph.node_id.tolist()
    for node, lon, lat in zip(nodes, graph.node_lon_e7.tolist(), graph.node_lat_e7.tolist(), strict=True):
        yield f'<node id="{node}"><data key="node.x">{lon / E7!r}</data><data key="node.y">{lat / E7!r}</data></node>\n'
    yield from _edges(graph, nodes)
    yield "</graph>\n</graphml>\n"


def _edges(graph: RoadGraph, nodes: list[int]) -> Iterator[str]:
    """Write edges; those between the same nodes are counted by `id`, which networkx takes for its key."""
    parallel: Counter[tuple[int, int]] = Counter()
    vertices = [
        f"{lon / E7!r} {lat / E7!r}"
        for lon, lat in zip(graph.vertex_lon_e7.tolist(), graph.vertex_lat_e7.tolist(), strict=True)
    ]
    starts = graph.line_start.tolist()
    columns = zip(
        graph.edge_u.tolist(),
        graph.edge_v.tolist(),
        graph.edge_reverse.tolist(),
        graph.edge_class.tolist(),
        graph.edge_length_m.tolist(),
        graph.edge_time_s.tolist(),
        strict=True,
    )
    for edge, (u, v, reverse, road_class, length_m, time_s) in enumerate(columns):
        name = graph.edge_name_of(edge)
        values = {
            "osmid": str(edge if reverse < 0 else min(edge, reverse)),
            "name": escape(name) if name else None,
            "highway": escape(graph.classes[road_class]),
            "oneway": str(reverse < 0),
            "reversed": str(0 <= reverse < edge),
            "length": repr(length_m),
            "travel_time": repr(time_s),
            "geometry": f"LINESTRING ({', '.join(vertices[starts[edge] : starts[edge + 1]])})",
        }
        told = "".join(
            f'<data key="edge.{key}">{value}</data>' for key, value in values.items() if value is not None
        )
        yield f'<edge source="{nodes[u]}" target="{nodes[v]}" id="{parallel[u, v]}">{told}</edge>\n'
        parallel[u, v] += 1
