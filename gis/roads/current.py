"""The roads as this process sees them: the stored graph with the closures in force laid over, kept until either changes."""

from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from core.clock import utc_now
from gis.errors import NoRoadGraph
from gis.kept import Kept
from gis.models import RoadClosure
from gis.models import RoadGraph as RoadGraphRow
from gis.roads.closures import in_force_now, slowed_lines
from gis.roads.overlay import Roads, Slowed
from gis.roads.storing import load_road_graph

_OPEN: Kept[Roads] = Kept()
"""The graph kept, without closures."""
_LAID: Kept[dict[UUID, Slowed]] = Kept()
"""What each closure in force touches on it."""
_ROADS: Kept[Roads] = Kept()

_IN_FORCE: Final = (
    select(RoadGraphRow.revision, RoadClosure.revision)
    .outerjoin(RoadClosure, in_force_now(bindparam("now")))
    .where(RoadGraphRow.is_current)
)
"""Asked with every way, so written once."""


def current_roads(session: Session) -> Roads:
    """Give the roads as they can be driven now.

    What is in force is asked of the database each time, so that a closure holds in every process as soon as it is committed, and ends by
    the clock; only what changed is worked out.

    Raises
    ------
    NoRoadGraph
        None is loaded.
    """
    rows = session.execute(_IN_FORCE, {"now": utc_now()}).all()
    if not rows:
        raise NoRoadGraph
    graph_revision = rows[0][0]
    closures = frozenset(closure for _, closure in rows if closure is not None)
    undisturbed = _OPEN.get(
        graph_revision, lambda: Roads.without_closures(load_road_graph(session).warm()).warm()
    )

    def lay() -> Roads:
        laid = _LAID.get(graph_revision, dict)
        for over in laid.keys() - closures:
            del laid[over]
        laid.update(slowed_lines(session, undisturbed.graph, closures - laid.keys()))
        return undisturbed.slowed(laid.values()).warm()

    return _ROADS.get((graph_revision, closures), lay)
