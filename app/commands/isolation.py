"""`./mainline network isolate` and `isolate-all`: which valves to close for a break, what goes dry; assets by the names their source gave them."""

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from app.provision import workspaces
from app.provision.errors import ProvisionError
from app.provision.output import write_json, write_line, written_whole
from app.provision.progress import step
from core.db import session_factory
from gis.errors import NoServiceArea
from gis.isolation import IsolationNetwork, IsolationPlan, isolation_plan
from gis.queries import load_isolation_network
from gis.service_area import area_facts

KEPT_MAX = 20_000
"""Plans kept while those of every pipe are written: the pipes of a segment share theirs."""


def isolate(options: argparse.Namespace) -> int:
    """Show the plan of one pipe."""
    network = stored_network(options.workspace)
    pipe = _named(options.pipe, network.pipe_code, "pipe")
    stuck = [network.valve_id(_named(one, network.valve_code, "valve")) for one in options.inoperable]
    result = plan_result(network, isolation_plan(network, network.pipe_id(pipe), inoperable=stuck))
    if options.json:
        write_json(result)
    else:
        _show(result)
    return 0


def isolate_all(options: argparse.Namespace) -> int:
    """Write the plan of every pipe, one a line; the file appears when it is whole."""
    network = stored_network(options.workspace)
    with (
        step(f"isolating {network.pipe_count} pipes"),
        written_whole(options.out) as partial,
        partial.open("w", encoding="utf-8") as lines,
    ):
        for result in every_plan(network):
            lines.write(json.dumps(result, ensure_ascii=False, separators=(",", ":")) + "\n")
    return 0


def stored_network(workspace: str) -> IsolationNetwork:
    """Read the network of a workspace.

    Raises
    ------
    ProvisionError
        It holds none.
    """
    factory = session_factory(workspaces.ensure_database(workspace), pool_size=1)
    with factory() as session, step("reading the network"):
        try:
            area_facts(session)
        except NoServiceArea as error:
            raise ProvisionError(f"workspace {workspace}: {error.detail}") from error
        return load_isolation_network(session).warm()


def every_plan(network: IsolationNetwork) -> Iterator[dict[str, Any]]:
    """Give the plan of every pipe, as `--json` tells it."""
    kept: dict[int, dict[str, Any]] = {}
    for pipe, code in enumerate(network.pipe_code):
        segment = int(network.segment_of[pipe])
        if segment not in kept:
            if len(kept) >= KEPT_MAX:
                kept.clear()
            kept[segment] = plan_result(network, isolation_plan(network, network.pipe_id(pipe)))
        yield kept[segment] | {"pipe": code}


def plan_result(network: IsolationNetwork, plan: IsolationPlan) -> dict[str, Any]:
    """Tell a plan as `--json` does."""

    def codes(ids: Sequence[Any]) -> list[str]:
        return [network.pipe_code[network.pipe_index(one)] for one in ids]

    return {
        "pipe": network.pipe_code[network.pipe_index(plan.pipe_id)],
        "segment_pipes": codes(plan.segment_pipe_ids),
        "valves_to_close": [valve.asset_code for valve in plan.valves_to_close],
        "valves_already_closed": [
            network.valve_code[network.valve_index(one)] for one in plan.valves_already_closed
        ],
        "cut_off_pipes": codes(plan.cut_off_pipe_ids),
        "customers": plan.customers,
        "length_m": round(plan.length_m, 3),
    }


def _named(code: str, codes: Sequence[str], what: str) -> int:
    """Find an asset by its name."""
    found = np.flatnonzero(np.array(codes, dtype=object) == code)
    if not len(found):
        raise ProvisionError(f"there is no {what} {code} in the network")
    return int(found[0])


def _show(result: dict[str, Any]) -> None:
    write_line(
        f"{result['pipe']}: {len(result['segment_pipes'])} pipes, {result['length_m']:.0f} m; "
        f"{len(result['cut_off_pipes'])} more pipes cut off; {result['customers']} customers"
    )
    for order, valve in enumerate(result["valves_to_close"], start=1):
        write_line(f"  {order:>3}  close {valve}")
    for valve in result["valves_already_closed"]:
        write_line(f"       {valve} is closed already")
