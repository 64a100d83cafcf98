"""What is kept of a version to be shown in a list, without unpacking it."""

from collections.abc import Mapping, Sequence
from typing import Any

from gis.models import NodeType
from gis.network_import.draft import NetworkDraft, Problem
from gis.versions.differences import WRITTEN, KindDifference

PROBLEMS_MAX = 2000
"""Problems of either kind that are kept with a version; their number is kept in full."""


def summary_of(draft: NetworkDraft) -> dict[str, Any]:
    """Count a draft and keep its problems; JSON."""
    places = _places(draft)
    return {
        "counts": {
            "pipes": len(draft.pipes),
            "junctions": len(draft.junctions),
            "sources": sum(one.node_type is not NodeType.JUNCTION for one in draft.junctions),
            "control_links": len(draft.control_links),
            "valves": len(draft.valves),
            "hydrants": len(draft.hydrants),
            "customers": len(draft.customers),
            "zones": len(draft.zones),
            "length_m": round(sum(one.length_m for one in draft.pipes), 2),
        },
        "transformation": draft.transformation,
        "rejected_count": len(draft.rejected),
        "rejected": [_problem(one, places) for one in draft.rejected[:PROBLEMS_MAX]],
        "warnings_count": len(draft.warnings),
        "warnings": [_problem(one, places) for one in draft.warnings[:PROBLEMS_MAX]],
        "bounds": _bounds(draft),
    }


def difference_summary(found: Mapping[str, KindDifference]) -> dict[str, Any]:
    """Write a difference down as JSON."""
    return {
        table: {
            **{change.value: one.counts[change] for change in WRITTEN},
            "examples": {change.value: one.examples[change] for change in WRITTEN},
        }
        for table, one in found.items()
    }


def _problem(problem: Problem, places: Mapping[str, Any]) -> dict[str, Any]:
    place = problem.place or places.get(problem.feature)
    return {
        "layer": problem.layer,
        "feature": problem.feature,
        "reason": problem.reason,
        "lon": None if place is None else round(place.x, 7),
        "lat": None if place is None else round(place.y, 7),
    }


def _places(draft: NetworkDraft) -> dict[str, Any]:
    """Find where the assets are that problems name by their code."""
    named = {one.feature for one in (*draft.rejected[:PROBLEMS_MAX], *draft.warnings[:PROBLEMS_MAX])}
    lists: Sequence[Sequence[Any]] = (draft.pipes, draft.junctions, draft.valves, draft.hydrants)
    places = {}
    for assets in lists:
        for one in assets:
            shape = getattr(one, "line", None) or getattr(one, "place", None)
            if one.code in named and shape is not None:
                places[one.code] = shape.interpolate(0.5, normalized=True) if shape.length else shape.centroid
    return places


def _bounds(draft: NetworkDraft) -> list[float] | None:
    """Give the box round the pipes: west, south, east, north."""
    boxes = [one.line.bounds for one in draft.pipes if one.line is not None]
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return [round(value, 7) for value in (min(west), min(south), max(east), max(north))]
