"""What all kinds of explanation look at: the supply, the habits, the calls of late and the incidents open."""

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dispatch.triage.calls import Call
from dispatch.triage.evidence import Weigher
from dispatch.triage.habits import OTHER, Habits
from dispatch.triage.hypotheses import Hypothesis, OpenIncidents, Scope
from dispatch.triage.rules import StreamRules
from dispatch.triage.supply import SupplyMap

CALLS_MAX = 60
"""The newest calls that are weighed together; more do not make a cause surer, only dearer to weigh."""
SIGN_H = 4.0
SIGN_ODDS = 3.0
"""Running water seen so lately may be the first sign of more: it counts as explained no better than this."""


class Memory:
    """The calls of late, found by segment, by customer and by address."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._on: dict[int, deque[int]] = defaultdict(deque)
        self._kept: deque[int] = deque()
        self._starts: list[int] = []
        self._filled = 0
        self._segment = np.empty(1024, dtype=np.int64)
        self._owner = np.empty(1024, dtype=np.int64)
        self._by_customer: dict[int, list[Call]] = defaultdict(list)
        self._by_address: dict[int, list[Call]] = defaultdict(list)
        self._by_caller: dict[str, list[Call]] = defaultdict(list)
        self._by_id: dict[str, Call] = {}

    def keep(self, call: Call) -> None:
        """Remember a call."""
        for segment in call.posted:
            self._on[segment].append(call.index)
        self._starts.append(self._filled)
        until = self._filled + len(call.posted)
        if until > len(self._segment):
            self._segment, self._owner = (
                np.resize(self._segment, 2 * until),
                np.resize(self._owner, 2 * until),
            )
        self._segment[self._filled : until] = call.posted
        self._owner[self._filled : until] = call.index
        self._filled = until
        self._kept.append(call.index)
        if call.told.customer >= 0:
            self._by_customer[call.told.customer].append(call)
        if call.home >= 0:
            self._by_address[call.home].append(call)
        if call.told.caller:
            self._by_caller[call.told.caller].append(call)
        self._by_id[call.told.id] = call

    def forget(self, now_h: float, keep_h: float) -> None:
        """Look for calls older than this by segment no more; their callers are known longer."""
        while self._kept and now_h - self.calls[self._kept[0]].at_h > keep_h:
            for segment in self.calls[self._kept.popleft()].posted:
                queue = self._on.get(segment)
                if queue:
                    queue.popleft()
                    if not queue:
                        del self._on[segment]

    def on(self, segments: NDArray[np.bool_], now_h: float, window_h: float) -> list[Call]:
        """List the newest calls that may come from some segments, within a window, in order of time."""
        first = bisect_left(self.calls, now_h - window_h, key=lambda call: call.at_h)
        start = self._starts[first] if first < len(self._starts) else self._filled
        window = slice(start, self._filled)
        indices = np.unique(self._owner[window][segments[self._segment[window]]])[-CALLS_MAX:]
        return [self.calls[index] for index in indices.tolist()]

    def beside(self, call: Call) -> list[Call]:
        """List all calls kept that share a segment with this one."""
        return [
            self.calls[one]
            for one in {index for segment in call.posted for index in self._on.get(segment, ())}
        ]

    def named(self, call_id: str) -> Call | None:
        """Find a call by its id."""
        return self._by_id.get(call_id)

    def of_same_home(self, call: Call) -> Iterator[Call]:
        """Go through the earlier calls of its telephone, of its customer and of its address."""
        yield from self._by_caller.get(call.told.caller, ())
        yield from self._by_customer.get(call.told.customer, ())
        yield from self._by_address.get(call.home, ())

    def since(self, at_h: float) -> Iterator[Call]:
        """Go back through the calls to a time."""
        for call in reversed(self.calls):
            if call.at_h < at_h:
                return
            yield call


@dataclass(frozen=True, eq=False)
class Scene:
    """The supply, the habits and rules, and all that came in so far."""

    supply: SupplyMap
    habits: Habits
    rules: StreamRules
    weigher: Weigher
    memory: Memory = field(default_factory=Memory)
    open: OpenIncidents = field(default_factory=OpenIncidents)

    def explained(self, call: Call, now_h: float) -> float:
        """Tell how many times likelier than chance its incident makes a call."""
        holder = self.open.holder(call)
        if holder is not None and _is_new_site(holder, now_h):
            return min(call.explained, SIGN_ODDS)
        return call.explained


def _is_new_site(holder: Hypothesis, now_h: float) -> bool:
    return holder.scope is Scope.SITE and now_h - holder.members[0].at_h < SIGN_H


def can_be_shared(call: Call) -> bool:
    """Whether what a call is about can have a cause that others feel too."""
    return call.category != OTHER
