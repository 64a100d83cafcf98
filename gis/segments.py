"""The stored valve segments: derived from the network, written again when its valves or pipes change."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import TextClause, select, text, update
from sqlalchemy.orm import Session

from core.db import new_id
from gis.isolation import IsolationNetwork
from gis.models import Junction, LifecycleStatus, Pipe, ServiceArea
from gis.queries import load_isolation_network
from gis.service_area import forget_area


def segment_lines(
    network: IsolationNetwork, pipe_lines: NDArray[np.object_]
) -> list[shapely.Geometry | None]:
    """Draw each segment as the lines of its pipes; a segment without pipes has none."""
    return [
        shapely.MultiLineString(list(pipe_lines[pipes])) if len(pipes := network.pipes_of(segment)) else None
        for segment in network.segments.tolist()
    ]


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """What is stored of a segment beside its geometry; `valves` are places in the network's arrays."""

    number: int
    pipe_count: int
    length_m: float
    customer_count: int
    valves: list[int]
    cut_off: list[int]


def segment_facts(network: IsolationNetwork) -> Iterator[SegmentFacts]:
    """Tell the facts of each segment, in the order of their numbers."""
    for segment in network.segments.tolist():
        pipes = network.pipes_of(segment)
        yield SegmentFacts(
            number=segment,
            pipe_count=len(pipes),
            length_m=float(network.pipe_length_m[pipes].sum()),
            customer_count=int(network.customers[pipes].sum()),
            valves=network.valves_of(segment).tolist(),
            cut_off=network.cut_off_by(segment),
        )


_NEW_SEGMENTS = text("""
    INSERT INTO gis.isolation_segment (id, pipe_count, length_m, customer_count, valve_ids, cut_off_segment_ids)
    SELECT id, pipe_count, length_m, customer_count, '{}', '{}'
      FROM unnest(CAST(:id AS int[]), CAST(:pipe_count AS int[]), CAST(:length_m AS float8[]), CAST(:customer_count AS int[]))
        AS fact (id, pipe_count, length_m, customer_count)
        ON CONFLICT (id) DO UPDATE SET pipe_count = excluded.pipe_count, length_m = excluded.length_m,
           customer_count = excluded.customer_count, valve_ids = '{}', cut_off_segment_ids = '{}', geom = NULL""")
_VALVES = text("""
    UPDATE gis.isolation_segment s SET valve_ids = bound.valve_ids
      FROM (SELECT segment, array_agg(valve ORDER BY valve) AS valve_ids
              FROM unnest(CAST(:segment AS int[]), CAST(:valve AS uuid[])) AS one (segment, valve) GROUP BY 1) bound
     WHERE s.id = bound.segment""")
_CUT_OFF = text("""
    UPDATE gis.isolation_segment s SET cut_off_segment_ids = behind.cut_off
      FROM (SELECT segment, array_agg(cut_off ORDER BY cut_off) AS cut_off
              FROM unnest(CAST(:segment AS int[]), CAST(:cut_off AS int[])) AS one (segment, cut_off) GROUP BY 1) behind
     WHERE s.id = behind.segment""")
_DRAWN = text("""
    UPDATE gis.isolation_segment s SET geom = drawn.geom
      FROM (SELECT segment_id, ST_Multi(ST_Collect(geom ORDER BY id)) AS geom
              FROM gis.pipe WHERE segment_id IS NOT NULL AND geom IS NOT NULL GROUP BY 1) drawn
     WHERE s.id = drawn.segment_id""")
_GONE = text("DELETE FROM gis.isolation_segment WHERE NOT id = ANY(CAST(:id AS int[]))")


def _members(table: str) -> TextClause:
    """Write which segment each row of a table belongs to; those that are not traced belong to none."""
    return text(f"""
        UPDATE gis.{table} t SET segment_id = member.segment
          FROM gis.{table} o LEFT JOIN unnest(CAST(:id AS uuid[]), CAST(:segment AS int[])) AS member (id, segment)
            ON member.id = o.id
         WHERE t.id = o.id AND t.segment_id IS DISTINCT FROM member.segment""")


def rebuild_segments(session: Session) -> IsolationNetwork:
    """Work the segments out anew from the tables, store them, and give the network a new revision."""
    session.flush()
    network = load_isolation_network(session)
    facts = list(segment_facts(network))
    numbers = [one.number for one in facts]
    session.execute(
        _NEW_SEGMENTS,
        {
            "id": numbers,
            "pipe_count": [one.pipe_count for one in facts],
            "length_m": [one.length_m for one in facts],
            "customer_count": [one.customer_count for one in facts],
        },
    )
    bounds = [(one.number, valve) for one in facts for valve in one.valves]
    session.execute(
        _VALVES,
        {
            "segment": [segment for segment, _ in bounds],
            "valve": [network.valve_id(valve) for _, valve in bounds],
        },
    )
    behind = [(one.number, other) for one in facts for other in one.cut_off]
    session.execute(
        _CUT_OFF,
        {"segment": [segment for segment, _ in behind], "cut_off": [other for _, other in behind]},
    )
    of = network.segment_of.tolist()
    nodes = session.scalars(
        select(Junction.id)
        .where(Junction.lifecycle_status != LifecycleStatus.ABANDONED)
        .order_by(Junction.id)
    ).all()
    pipes = list(network.pipe_ids(np.arange(network.pipe_count)))
    session.execute(_members(Pipe.__tablename__), {"id": pipes, "segment": of[: network.pipe_count]})
    session.execute(
        _members(Junction.__tablename__), {"id": list(nodes), "segment": of[network.pipe_count :]}
    )
    session.execute(_GONE, {"id": numbers})
    session.execute(_DRAWN)
    session.execute(update(ServiceArea).values(network_revision=new_id()))
    session.expire_all()
    forget_area(session)
    return network
