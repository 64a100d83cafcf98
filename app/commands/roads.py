"""`./mainline roads`: an extract's streets become the workspace's road graph; the graph given out; tables of travel times."""

import argparse
from collections.abc import Callable
from time import monotonic

from app.provision import workspaces
from app.provision.errors import ProvisionError
from app.provision.output import write_json, write_line, written_whole
from app.provision.progress import step, tell
from core.db import session_factory, transaction
from core.errors import MainlineError
from gis.errors import NoRoadGraph
from gis.roads.graph import RoadGraph
from gis.roads.graphml import write_graphml
from gis.roads.matrix import write_travel_table
from gis.roads.overlay import Roads, Slowed, lines_touching
from gis.roads.places import read_closed_areas, read_places
from gis.roads.reading import read_extract
from gis.roads.snapping import snap
from gis.roads.storing import load_road_graph, store_road_graph
from gis.roads.ways import SNAP_LIMIT_M


def run(options: argparse.Namespace) -> int:
    """Answer `roads …`."""
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "import": import_roads,
        "export": export_roads,
        "matrix": travel_matrix,
    }
    try:
        return commands[options.roads_command](options)
    except MainlineError as error:
        raise ProvisionError(error.detail) from error


def import_roads(options: argparse.Namespace) -> int:
    """Read an extract and put its streets in the place of the roads there are; it is read before anything is touched."""
    began = monotonic()
    with step(f"reading {options.file.name}"):
        graph = read_extract(options.file).graph
    factory = session_factory(workspaces.ensure_database(options.workspace), pool_size=1)
    with step("storing the roads"), transaction(factory) as session:
        version = store_road_graph(session, graph, source=options.file.name)
    result = {
        "nodes": graph.node_count,
        "edges": graph.edge_count,
        "names": len(graph.names),
        "km": round(float(graph.edge_length_m[graph.lines.edge].sum()) / 1000.0, 3),
        "version": version,
        "seconds": round(monotonic() - began, 1),
    }
    if options.json:
        write_json(result)
    else:
        write_line(
            f"{result['nodes']} nodes, {result['edges']} edges, {result['names']} names, "
            f"{result['km']} km of streets, version {version}; {result['seconds']} s"
        )
    return 0


def export_roads(options: argparse.Namespace) -> int:
    """Write the graph in osmnx's form."""
    graph = _stored_graph(options.workspace)
    with step(f"writing {options.file}"), written_whole(options.file) as partial:
        write_graphml(graph, partial)
    return 0


def travel_matrix(options: argparse.Namespace) -> int:
    """Write the fastest ways between the places of two files; closures kept in the workspace do not count."""
    origins, destinations = read_places(options.origins), read_places(options.destinations)
    closed = read_closed_areas(options.closed) if options.closed else None
    roads = Roads.without_closures(_stored_graph(options.workspace))
    if closed is not None:
        shut = lines_touching(roads.graph, closed)
        tell(f"{len(shut)} streets carry no traffic")
        roads = roads.slowed([Slowed(shut, float("inf"))])
    if origins and destinations:
        snapped = snap(roads, [one.place for one in (*origins, *destinations)], to_open=False)
        far = int((snapped.distance_m > SNAP_LIMIT_M).sum())
        if far:
            tell(f"{far} places lie more than {SNAP_LIMIT_M:.0f} m from any road")
    with step(f"{len(origins)} x {len(destinations)} ways"), written_whole(options.out) as partial:
        reached = write_travel_table(roads, origins, destinations, partial)
    tell(f"{reached} of {len(origins) * len(destinations)} pairs have a way")
    return 0


def _stored_graph(workspace: str) -> RoadGraph:
    """Read the road graph of a workspace.

    Raises
    ------
    ProvisionError
        It holds none.
    """
    factory = session_factory(workspaces.ensure_database(workspace), pool_size=1)
    with factory() as session, step("reading the roads"):
        try:
            return load_road_graph(session)
        except NoRoadGraph as error:
            raise ProvisionError(f"workspace {workspace}: {error.detail}") from error
