"""Which valves to close for a break, what else falls dry, who loses water.

`network` holds the pipes and valves in arrays and finds the segments, `feeding` tells what is lost without a source, `plan` puts both
together for one break, `footprints` for all of them.
"""

from gis.isolation.footprints import Footprints
from gis.isolation.network import CRITICAL_KINDS, NONE, IsolationNetwork, keys_of, pipe_volumes_m3
from gis.isolation.plan import (
    DryPipes,
    IsolationPlan,
    ValveToClose,
    critical_among,
    isolation_plan,
    merged,
    segment_neighbours,
    segments_within,
    shut,
)

__all__ = [
    "CRITICAL_KINDS",
    "NONE",
    "DryPipes",
    "Footprints",
    "IsolationNetwork",
    "IsolationPlan",
    "ValveToClose",
    "critical_among",
    "isolation_plan",
    "keys_of",
    "merged",
    "pipe_volumes_m3",
    "segment_neighbours",
    "segments_within",
    "shut",
]
