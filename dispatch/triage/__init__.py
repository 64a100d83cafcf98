"""Which incident a report belongs to.

`decisions` weighs a report against the incidents open round it. `engine` thinks in causes over the whole stream of calls: `supply` and
`habits` hold what it knows, `evidence` weighs, `outages`, `groups`, `sites`, `works` and `repeats` are the kinds of explanation.
"""

from dispatch.triage.decisions import (
    MEMORY,
    SUPPLY,
    SURE_PLACE,
    UNSURE_PLACE_M,
    Category,
    Decision,
    DecisionKind,
    Neighbourhood,
    OpenIncident,
    ReportFacts,
    Rules,
    SharedWater,
    Shutdown,
    decide,
    expected_by_chance,
    infer_kind,
    infer_level,
    likely_break,
    poisson_tail,
)

__all__ = [
    "MEMORY",
    "SUPPLY",
    "SURE_PLACE",
    "UNSURE_PLACE_M",
    "Category",
    "Decision",
    "DecisionKind",
    "Neighbourhood",
    "OpenIncident",
    "ReportFacts",
    "Rules",
    "SharedWater",
    "Shutdown",
    "decide",
    "expected_by_chance",
    "infer_kind",
    "infer_level",
    "likely_break",
    "poisson_tail",
]
