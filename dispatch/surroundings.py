"""What falls dry when something breaks or is shut; kept per process while the network stays the same."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from threading import Lock
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from dispatch.assessment import Shutdown
from gis.cache import current_network
from gis.errors import NoServiceArea
from gis.isolation import IsolationNetwork, IsolationPlan, isolation_plan

log = structlog.get_logger()

KEPT_MAX: Final = 4096


class Surroundings:
    """Answers about one network, remembered; safe to share between threads."""

    def __init__(self, network: IsolationNetwork) -> None:
        self.network = network
        self._lock = Lock()
        self._shutdowns: OrderedDict[int, Shutdown] = OrderedDict()
        self._plans: OrderedDict[int, IsolationPlan] = OrderedDict()

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


class _Kept:
    """The answers of this process; one slot."""

    surroundings: Surroundings | None = None


def current_surroundings(session: Session) -> Surroundings | None:
    """Give the answers about the network as it stands; None while none is loaded."""
    try:
        network = current_network(session)
    except NoServiceArea:
        log.warning("dispatch.no_network")
        return None
    kept = _Kept.surroundings
    if kept is None or kept.network is not network:
        kept = _Kept.surroundings = Surroundings(network)
    return kept


def shutdowns(surroundings: Surroundings | None, segments: Iterable[int | None]) -> dict[int, Shutdown]:
    """Tell what each of some segments leaves dry."""
    if surroundings is None:
        return {}
    return {
        one: surroundings.shutdown(one)
        for one in set(segments)
        if one is not None and surroundings.knows(one)
    }
