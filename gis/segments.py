"""The stored valve segments: derived from the network, written again when its valves or pipes change."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from core.db import new_id
from gis.coordinates import loaded, stored
from gis.isolation import IsolationNetwork
from gis.models import IsolationSegment, Junction, Pipe, ServiceArea
from gis.queries import load_isolation_network


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


def rebuild_segments(session: Session) -> IsolationNetwork:
    """Work the segments out anew from the tables, store them, and give the network a new revision."""
    network = load_isolation_network(session)
    session.execute(update(Pipe).values(segment_id=None))
    session.execute(update(Junction).values(segment_id=None))
    session.execute(delete(IsolationSegment))
    lines: dict[UUID, shapely.Geometry] = {
        pipe_id: loaded(line) for pipe_id, line in session.execute(select(Pipe.id, Pipe.geom))
    }
    ids = [network.pipe_id(index) for index in range(network.pipe_count)]
    drawn = segment_lines(network, np.array([lines[one] for one in ids], dtype=object))
    rows = [
        {
            "id": facts.number,
            "pipe_count": facts.pipe_count,
            "length_m": facts.length_m,
            "customer_count": facts.customer_count,
            "valve_ids": [network.valve_id(valve) for valve in facts.valves],
            "cut_off_segment_ids": facts.cut_off,
            "geom": None if line is None else stored(line),
        }
        for facts, line in zip(segment_facts(network), drawn, strict=True)
    ]
    if rows:
        session.execute(insert(IsolationSegment), rows)
    nodes = session.scalars(select(Junction.id).order_by(Junction.id)).all()
    labels = network.segment_of.tolist()
    for table, keys, of in (
        (Pipe, ids, labels[: network.pipe_count]),
        (Junction, nodes, labels[network.pipe_count :]),
    ):
        if keys:
            session.connection().execute(
                update(table.__table__)  # type: ignore[arg-type]  # FromClause in the stubs, a Table in fact
                .where(table.__table__.c.id == bindparam("of_id"))
                .values(segment_id=bindparam("to_segment")),
                [{"of_id": key, "to_segment": label} for key, label in zip(keys, of, strict=True)],
            )
    session.execute(update(ServiceArea).values(network_revision=new_id()))
    return network
