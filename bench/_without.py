"""The engine with one of its terms left out, in this process from now on: what each is worth."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np

from dispatch.triage import calls, evidence, groups, outages, supply
from dispatch.triage.evidence import Weigher
from dispatch.triage.groups import Groups
from dispatch.triage.habits import Habits
from dispatch.triage.outages import Outages
from dispatch.triage.rules import StreamRules
from dispatch.triage.sites import Sites
from dispatch.triage.supply import HOPS_MAX, ZONE_MATE, Ints, SupplyMap
from gis.isolation import IsolationNetwork

NEAR_M: Final = 200.0
"""How far a break is felt where nothing is known of the network."""


def without(term: str) -> None:
    """Leave a term out of all engines of this process."""
    if term in PARTS:
        PARTS[term]()
    elif term not in RULES | OUTSIDE_PARTS:
        raise SystemExit(f"no term {term}; there are {', '.join(TERMS)}")


def _topology() -> None:
    """Let a break leave its own segment dry and be felt within a distance."""

    def near(self: SupplyMap, segment: int) -> Ints:
        own = self.pipe_xy[self.pipe_segment == segment]
        points = np.concatenate([np.array(one) for one in self.pipe_tree.query_ball_point(own, NEAR_M)])
        return np.unique(self.pipe_segment[points.astype(np.int64)])

    _set(SupplyMap, "neighbours", near)
    _set(supply, "HOPS_MAX", 1)
    _set(IsolationNetwork, "cut_off_by", lambda *_: [])
    _set(IsolationNetwork, "cutting_off", lambda *_: [])


def _callers(classes: slice) -> None:
    """Let nobody of some classes of a footprint call."""
    begin = Weigher.__init__

    def begun(self: Weigher, known: SupplyMap, habits: Habits) -> None:
        share = habits.call_share.copy()
        share[classes] = 0.0
        begin(self, known, replace(habits, call_share=share))

    _set(Weigher, "__init__", begun)


def _both(name: str, value: object) -> None:
    _set(evidence, name, value)
    _set(groups, name, value)


def _set(where: object, name: str, value: object) -> None:
    setattr(where, name, value)


def _nothing(*_: Any) -> None:  # Any: stands for methods of several classes
    return None


PARTS: Final[dict[str, Callable[[], None]]] = {
    "topology": _topology,
    "ring": lambda: _callers(slice(1, HOPS_MAX + 1)),
    "unfed": lambda: _set(SupplyMap, "_unfed", {}),
    "zone_mates": lambda: _callers(slice(ZONE_MATE, ZONE_MATE + 1)),
    "lags": lambda: _set(evidence, "LAGS_H", np.zeros(1)),
    "scales": lambda: _both("SCALES", np.ones(1)),
    "ratio_cap": lambda: _both("RATIO_MAX", float(np.exp(50.0))),
    "premises": lambda: _set(
        calls,
        "_fed_from",
        lambda told, error_m, known: known.segments_near(
            told.x, told.y, max(error_m, calls.PLACE_ERROR_MIN_M)
        ),
    ),
    "zones": lambda: _set(Groups, "consider", _nothing),
    "sites": lambda: _set(Sites, "open", _nothing),
    "merges": lambda: _set(Outages, "_join_with_others", lambda self, one, now_h: one),
    "map_doubt": lambda: _set(outages, "MAP_DOUBT", 0.0),
}
RULES: Final = {
    "moves": StreamRules(moves_odds=np.inf),
    "crowded": StreamRules(crowded_persons=StreamRules().alarm_persons_outage),
    "repeat_lean": StreamRules(repeat_lean=1.0),
}
OUTSIDE_PARTS: Final = {"works": None, "learning": None}
"""Left out by who replays."""
TERMS: Final = (*PARTS, *RULES, *OUTSIDE_PARTS)
