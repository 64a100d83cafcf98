"""Whether a draft holds together: every name it refers to exists once."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from gis.network_import.draft import NetworkDraft
from gis.versions.packing import KINDS

NAMED_MAX = 5


def broken_at(draft: NetworkDraft) -> Iterator[str]:
    """Name what is wrong: codes given twice, references to what is not there, lengths that measure nothing.

    Readers leave such features out and say so; this is the last look before the database would refuse the whole.
    """
    for kind in KINDS:
        key = "account_no" if kind == "customers" else "code"
        counts = Counter(getattr(one, key) for one in getattr(draft, kind))
        yield from (f"{kind}: {code} stands there twice" for code, count in counts.items() if count > 1)
    zones = {one.code for one in draft.zones}
    nodes = {one.code for one in draft.junctions}
    pipes = {one.code for one in draft.pipes}
    yield from _missing("junctions", draft.junctions, zone=zones)
    yield from _missing("pipes", draft.pipes, from_node=nodes, to_node=nodes, zone=zones)
    yield from _missing("control_links", draft.control_links, from_node=nodes, to_node=nodes)
    yield from _missing("valves", draft.valves, node=nodes, to_node=nodes, pipe=pipes)
    yield from _missing("hydrants", draft.hydrants, pipe=pipes)
    yield from _missing("customers", draft.customers, pipe=pipes)
    for pipe in draft.pipes:
        if not pipe.length_m > 0 or (pipe.diameter_mm is not None and pipe.diameter_mm <= 0):
            yield f"pipes: {pipe.code} has no length or no width"
    for valve in draft.valves:
        if (valve.pipe is None) == (valve.to_node is None):
            yield f"valves: {valve.code} must stand either on a pipe or between two nodes"


def _missing(kind: str, assets: Sequence[Any], **known: set[str]) -> Iterator[str]:
    for asset in assets:
        for field, codes in known.items():
            code = getattr(asset, field)
            if code is not None and code not in codes:
                name = getattr(asset, "code", None) or getattr(asset, "account_no", "")
                yield f"{kind}: {name} refers to {code}, which is not there"
