"""`./mainline network import`: a utility's own files become the published network of the workspace."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from app.commands import isolation
from app.provision import workspaces
from app.provision.errors import ProvisionError
from app.provision.output import write_json, write_line
from app.provision.progress import step, tell
from core.db import session_factory, transaction
from core.errors import MainlineError
from gis.models import IsolationSegment, NodeType
from gis.network_import.draft import NetworkDraft, Problem
from gis.network_import.reading import propose_mapping, read_network
from gis.network_import.uploads import UploadLimits
from gis.versions import make_version, publish

PROBLEMS_SHOWN = 20
LOCAL_LIMITS = UploadLimits(file_bytes=16 << 30, unpacked_bytes=64 << 30, entries=20_000)
"""Whoever may start this command has the machine: the limits only catch accidents."""


def run(options: argparse.Namespace) -> int:
    """Answer `network …`."""
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "import": import_network,
        "isolate": isolation.isolate,
        "isolate-all": isolation.isolate_all,
    }
    return commands[options.network_command](options)


def import_network(options: argparse.Namespace) -> int:
    """Read the files, store them as a version and publish it; the files are read before anything is touched."""
    try:
        with step("reading the files"):
            read = read_network(
                options.files, crs=options.crs, mapping=_text_of(options.mapping), limits=LOCAL_LIMITS
            )
        draft = read.draft
    except MainlineError as error:
        raise ProvisionError(error.detail) from error
    factory = session_factory(workspaces.ensure_database(options.workspace), pool_size=1)
    try:
        with step("storing and publishing the network"), transaction(factory) as session:
            version = make_version(session, draft, mapping=read.mapping, created_by=None)
            publish(session, version.number, published_by=None)
            segments = session.scalar(select(func.count()).select_from(IsolationSegment)) or 0
    except MainlineError as error:
        raise ProvisionError(f"{draft.source}: {error.detail}") from error
    result = import_result(draft, segments=segments)
    if options.json:
        write_json(result)
    else:
        _show(result)
    return 0


def propose(options: argparse.Namespace) -> int:
    """Write a mapping that the data suggest, and what is left to decide."""
    try:
        proposal = propose_mapping(options.files, limits=LOCAL_LIMITS)
    except MainlineError as error:
        raise ProvisionError(error.detail) from error
    if options.json:
        write_json(
            {
                "mapping": proposal.as_toml(),
                "doubts": list(proposal.doubts),
                "remarks": list(proposal.remarks),
            }
        )
        return 0
    write_line(proposal.as_toml().rstrip("\n"))
    for doubt in proposal.doubts:
        tell(f"to decide: {doubt}")
    return 0


def import_result(draft: NetworkDraft, *, segments: int) -> dict[str, Any]:
    """Count what was imported, as `--json` tells it."""
    sources = sum(node.node_type is not NodeType.JUNCTION for node in draft.junctions)
    return {
        "pipes": len(draft.pipes),
        "junctions": len(draft.junctions) - sources,
        "valves": len(draft.valves),
        "hydrants": len(draft.hydrants),
        "customers": len(draft.customers),
        "length_m": round(sum(pipe.length_m for pipe in draft.pipes), 3),
        "segments": segments,
        "sources": sources,
        "crs": draft.crs,
        "rejected": [_problem(one) for one in draft.rejected],
        "warnings": [_problem(one) for one in draft.warnings],
    }


def _problem(problem: Problem) -> dict[str, str]:
    return {"layer": problem.layer, "feature": problem.feature, "reason": problem.reason}


def _show(result: dict[str, Any]) -> None:
    for kind in ("rejected", "warnings"):
        problems = result[kind]
        for one in problems[:PROBLEMS_SHOWN]:
            tell(f"{kind}: {one['layer']} {one['feature']}: {one['reason']}")
        if len(problems) > PROBLEMS_SHOWN:
            tell(f"{kind}: {len(problems) - PROBLEMS_SHOWN} more, all of them with --json")
    write_line(
        f"{result['pipes']} pipes ({result['length_m'] / 1000:.1f} km), {result['junctions']} junctions, "
        f"{result['sources']} sources, {result['valves']} valves, {result['hydrants']} hydrants, "
        f"{result['customers']} customers, {result['segments']} segments, {result['crs']}; "
        f"{len(result['rejected'])} rejected, {len(result['warnings'])} warnings"
    )


def _text_of(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProvisionError(f"{path}: the mapping cannot be read: {error}") from error
