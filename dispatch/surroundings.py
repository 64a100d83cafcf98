"""The network round a report, as triage needs it; kept per process while the network stays the same."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from threading import Lock
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from dispatch.triage import Neighbourhood, SharedWater, Shutdown
from gis.cache import current_network
from gis.errors import NoServiceArea
from gis.isolation import IsolationNetwork, IsolationPlan, isolation_plan, segments_within

log = structlog.get_logger()

KEPT_MAX: Final = 4096
DIRECT_WEIGHT: Final = 0.9
"""One of the two segments is on the only way to the other."""
BRANCH_WEIGHT: Final = 0.4
"""Both hang on the same branch: one cause upstream would explain them, but so would two."""
BRANCH_CUSTOMERS_MAX: Final = 1500
"""Larger branches are districts, in which calls meet by chance."""


class Surroundings:
    """Answers about one network, remembered; safe to share between threads."""

    def __init__(self, network: IsolationNetwork, hops_max: int) -> None:
        self.network = network
        self.hops_max = hops_max
        self._lock = Lock()
        self._around: OrderedDict[int, Neighbourhood] = OrderedDict()
        self._shutdowns: OrderedDict[int, Shutdown] = OrderedDict()
        self._plans: OrderedDict[int, IsolationPlan] = OrderedDict()

    def around(self, segment: int) -> Neighbourhood:
        """Tell what lies round a segment."""
        with self._lock:
            kept = self._around.get(segment)
        if kept is None:
            kept = self._look_around(segment)
            with self._lock:
                self._around[segment] = kept
                if len(self._around) > KEPT_MAX:
                    self._around.popitem(last=False)
        return kept

    def shutdown(self, segment: int) -> Shutdown:
        """Tell what falls dry when a segment breaks."""
        with self._lock:
            kept = self._shutdowns.get(segment)
        if kept is None:
            dry = frozenset([segment, *self.network.cut_off_by(segment)])
            kept = Shutdown(dry, self.customers_of(dry))
            with self._lock:
                self._shutdowns[segment] = kept
                if len(self._shutdowns) > KEPT_MAX:
                    self._shutdowns.popitem(last=False)
        return kept

    def plan(self, pipe_id: UUID) -> IsolationPlan:
        """Tell what to shut when a pipe breaks.

        Raises
        ------
        PipeNotFound
            There is none of that id.
        """
        segment = int(self.network.segment_of[self.network.pipe_index(pipe_id)])
        with self._lock:
            kept = self._plans.get(segment)
        if kept is None:
            kept = isolation_plan(self.network, pipe_id)
            with self._lock:
                self._plans[segment] = kept
                if len(self._plans) > KEPT_MAX:
                    self._plans.popitem(last=False)
        return replace(kept, pipe_id=pipe_id)

    def customers_of(self, segments: Iterable[int]) -> int:
        """Count the accounts on segments."""
        return sum(int(self.network.customers[self.network.pipes_of(one)].sum()) for one in segments)

    def knows(self, segment: int | None) -> bool:
        """Whether the network has such a segment (one stored before a change may be gone)."""
        return segment is not None and self.network.has_segment(segment)

    def _look_around(self, segment: int) -> Neighbourhood:
        hops = segments_within(self.network, segment, self.hops_max)
        return Neighbourhood(
            hops=hops, customers=self.customers_of(hops), same_water=self._same_water(segment)
        )

    def _same_water(self, segment: int) -> Mapping[int, SharedWater]:
        """List the segments that share a fate with one: below it, above it, and beside it on a small branch."""
        own = self.shutdown(segment)
        shared = {
            below: SharedWater(DIRECT_WEIGHT, own.customers) for below in own.dry_segments if below != segment
        }
        branch: Shutdown | None = None
        for above in self.network.cutting_off(segment):
            shutdown = self.shutdown(above)
            shared[above] = SharedWater(DIRECT_WEIGHT, shutdown.customers)
            if shutdown.customers <= BRANCH_CUSTOMERS_MAX:
                branch = shutdown
        if branch is not None:
            for beside in branch.dry_segments:
                if beside != segment:
                    shared.setdefault(beside, SharedWater(BRANCH_WEIGHT, branch.customers))
        return shared


class _Kept:
    """The answers of this process; one slot."""

    surroundings: Surroundings | None = None


def current_surroundings(session: Session, *, hops_max: int) -> Surroundings | None:
    """Give the answers about the network as it stands; None while none is loaded."""
    try:
        network = current_network(session)
    except NoServiceArea:
        log.warning("dispatch.no_network")
        return None
    kept = _Kept.surroundings
    if kept is None or kept.network is not network or kept.hops_max != hops_max:
        kept = _Kept.surroundings = Surroundings(network, hops_max)
    return kept


NOWHERE: Final = Neighbourhood()


def neighbourhood(surroundings: Surroundings | None, segment: int | None) -> Neighbourhood:
    """Tell what lies round a report's segment; nothing where valves or segment are not known."""
    if surroundings is None or segment is None or not surroundings.knows(segment):
        return NOWHERE
    return surroundings.around(segment)


def shutdowns(surroundings: Surroundings | None, segments: Iterable[int | None]) -> dict[int, Shutdown]:
    """Tell what each of some segments leaves dry."""
    if surroundings is None:
        return {}
    return {
        one: surroundings.shutdown(one)
        for one in set(segments)
        if one is not None and surroundings.knows(one)
    }
