"""The road graph in the database: its arrays for searching, its edges as rows for drawing and naming."""

import numpy as np
import psycopg
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from gis.copying import copy_rows, fixed, shapes, texts
from gis.errors import NoRoadGraph
from gis.models import RoadEdge
from gis.models import RoadGraph as RoadGraphRow
from gis.roads.graph import RoadGraph


def load_road_graph(session: Session) -> RoadGraph:
    """Read the current road graph.

    Raises
    ------
    NoRoadGraph
        None is loaded.
    """
    raw = session.scalar(select(RoadGraphRow.arrays).where(RoadGraphRow.is_current))
    if raw is None:
        raise NoRoadGraph
    return RoadGraph.from_npz(raw)


def store_road_graph(session: Session, graph: RoadGraph, *, source: str) -> int:
    """Put a graph in the place of the one there is, and tell its version.

    Parameters
    ----------
    source
        What it was read from, for people.
    """
    version = 1 + (session.scalar(select(func.max(RoadGraphRow.version))) or 0)
    session.execute(delete(RoadGraphRow))
    session.execute(delete(RoadEdge))
    session.execute(
        insert(RoadGraphRow).values(
            version=version,
            is_current=True,
            arrays=graph.to_npz(),
            node_count=graph.node_count,
            edge_count=graph.edge_count,
            source=source,
        )
    )
    connection = session.connection().connection.driver_connection
    if not isinstance(connection, psycopg.Connection):
        raise TypeError("storing roads needs a psycopg connection")
    every = np.arange(graph.edge_count)
    reverse = graph.edge_reverse.astype(np.int64)
    with connection.cursor() as cursor:
        copy_rows(
            cursor,
            "road_edge",
            {
                "id": fixed(every, ">i8"),
                "u": fixed(graph.node_id[graph.edge_u], ">i8"),
                "v": fixed(graph.node_id[graph.edge_v], ">i8"),
                "name": texts([graph.edge_name_of(edge) for edge in every.tolist()]),
                "road_class": texts([graph.classes[one] for one in graph.edge_class.tolist()]),
                "length_m": fixed(graph.edge_length_m, ">f8"),
                "travel_time_s": fixed(graph.edge_time_s, ">f8"),
                "reverse_of": fixed(reverse, ">i8", null=reverse < 0),
                "geom": shapes(graph.shapes(every)),
            },
        )
    return version
