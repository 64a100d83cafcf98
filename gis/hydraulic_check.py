"""A plan judged by EPANET: which customers are dry, and which only have too little pressure, once the valves are shut.

Tracing tells who has no way to a source; whether what is left of the ways carries enough is a matter of hydraulics. The stored network is written
as an EPANET model with pressure-dependent demand, as it stands and with the plan carried out, and both are solved by EPANET 2.2 in a process
of its own, which can be ended when it takes too long.
"""

import json
import re
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import UUID

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from gis.errors import CheckTookTooLong, NetworkTooLargeToSimulate, NotSimulable
from gis.isolation import NONE, DryPipes, IsolationNetwork, critical_among, merged, shut
from gis.isolation.arrays import Flags, Floats
from gis.models import CustomerClass, LinkType, NodeType

LINKS_MAX: Final = 200_000
"""Larger networks are refused: two runs would take minutes."""
TIME_MAX_S: Final = 60.0
DRY_BELOW_M: Final = 1.0
"""Less pressure than this at the main brings no water to a tap."""
LOW_BELOW_M: Final = 20.0
"""Less than this is too little; EPANET supplies the whole demand from here on."""
ASSUMED_DIAMETER_MM: Final = 100
ASSUMED_ROUGHNESS: Final = 120.0
_PLAIN_NAME: Final = re.compile(r"[^\s;\"\[\]]{1,29}\Z")

_NODES = text("""
    SELECT asset_code, node_type, elevation_m, head_m, base_demand_lps FROM gis.junction
     WHERE lifecycle_status <> 'abandoned' ORDER BY id""")
_PIPES = text("""
    SELECT asset_code, diameter_mm, roughness FROM gis.pipe WHERE lifecycle_status <> 'abandoned' ORDER BY id""")
_CONTROLS = text("""
    SELECT asset_code, link_type, diameter_mm, setting FROM gis.control_link WHERE lifecycle_status <> 'abandoned' ORDER BY id""")


@dataclass(frozen=True, slots=True)
class Supply:
    """How customers are supplied: accounts on mains without water and with too little pressure."""

    dry: int
    low: int
    critical_dry: Mapping[CustomerClass, int]
    critical_low: Mapping[CustomerClass, int]
    pressure_p50_m: float


@dataclass(frozen=True, slots=True)
class HydraulicCheck:
    """What EPANET says of a plan.

    `newly_low` counts accounts that have enough pressure today and too little, but some, with the plan carried out. `dry_beyond_plan`
    counts those that EPANET leaves dry though tracing finds a way from a source. `assumptions` counts what the records do not say and was
    assumed, by kind.
    """

    before: Supply
    after: Supply
    newly_low: int
    dry_beyond_plan: int
    low_pipe_ids: tuple[UUID, ...]
    assumptions: Mapping[str, int]


def check_plan(
    session: Session,
    network: IsolationNetwork,
    pipe_id: UUID,
    *,
    inoperable: Collection[UUID] = (),
    demand_factor: float = 1.0,
    time_max_s: float = TIME_MAX_S,
) -> HydraulicCheck:
    """Carry a plan out in EPANET.

    Parameters
    ----------
    pipe_id, inoperable
        The broken pipe, and valves found not to turn.
    demand_factor
        How many times the base demand customers draw.

    Raises
    ------
    PipeNotFound, ValveNotFound
        No such asset.
    NetworkTooLargeToSimulate, NotSimulable, CheckTookTooLong
        There will be no answer.
    """
    stuck = [network.valve_index(one) for one in inoperable]
    segment = int(network.segment_of[network.pipe_index(pipe_id)])
    dry = shut(network, merged(network, segment, stuck))
    if network.link_count > LINKS_MAX:
        raise NetworkTooLargeToSimulate
    model = _Model.read(session, network)
    pressures = _solved(
        [
            model.as_inp(demand_factor=demand_factor),
            model.as_inp(demand_factor=demand_factor, dry=dry),
        ],
        time_max_s=time_max_s,
    )
    before = model.pressure_of_pipes(pressures[0], None)
    after = model.pressure_of_pipes(pressures[1], dry)
    expected_dry = np.zeros(network.pipe_count, dtype=bool)
    expected_dry[dry.all_pipes] = True
    was_wet, is_dry = before >= DRY_BELOW_M, after < DRY_BELOW_M
    newly_low = (before >= LOW_BELOW_M) & (after < LOW_BELOW_M) & ~is_dry
    return HydraulicCheck(
        before=_supply(network, before),
        after=_supply(network, after),
        newly_low=int(network.customers[newly_low].sum()),
        dry_beyond_plan=int(network.customers[was_wet & is_dry & ~expected_dry].sum()),
        low_pipe_ids=network.pipe_ids(np.flatnonzero(newly_low)),
        assumptions=model.assumptions,
    )


def export_inp(session: Session, network: IsolationNetwork) -> str:
    """Write the stored network as an EPANET file, under the assets' own names where EPANET can take them."""
    return _Model.read(session, network).as_inp()


def _supply(network: IsolationNetwork, pressure_m: Floats) -> Supply:
    is_dry = pressure_m < DRY_BELOW_M
    is_low = ~is_dry & (pressure_m < LOW_BELOW_M)
    wet = pressure_m[~is_dry]
    return Supply(
        dry=int(network.customers[is_dry].sum()),
        low=int(network.customers[is_low].sum()),
        critical_dry=critical_among(network, np.flatnonzero(is_dry)),
        critical_low=critical_among(network, np.flatnonzero(is_low)),
        pressure_p50_m=float(np.median(wet)) if len(wet) else 0.0,
    )


@dataclass(frozen=True)
class _Model:
    """What EPANET needs to know of the network, rows in the order of the network's arrays."""

    network: IsolationNetwork
    node_names: list[str]
    node_types: list[str]
    elevations_m: list[float]
    heads_m: list[float | None]
    demands_lps: list[float]
    pipe_names: list[str]
    diameters_mm: list[int]
    roughness: list[float]
    controls: list[tuple[str, str, int, float | None]]
    assumptions: Mapping[str, int]

    @classmethod
    def read(cls, session: Session, network: IsolationNetwork) -> "_Model":
        """Read it from the tables.

        Raises
        ------
        NotSimulable
            The records lack what cannot be assumed.
        """
        nodes = session.execute(_NODES).all()
        pipes = session.execute(_PIPES).all()
        controls = session.execute(_CONTROLS).all()
        heights = [_height(kind, elevation, head) for _, kind, elevation, head, _ in nodes]
        unknown = sum(height is None for height in heights)
        if unknown:
            raise NotSimulable(
                f"EPANET needs the elevation of every node; {unknown} of {len(nodes)} have none."
            )
        if not len(network.sources):
            raise NotSimulable("The network has no tank or reservoir.")
        return cls(
            network=network,
            node_names=_names([row[0] for row in nodes], "N"),
            node_types=[row[1] for row in nodes],
            elevations_m=[height for height in heights if height is not None],
            heads_m=[row[3] for row in nodes],
            demands_lps=[row[4] for row in nodes],
            pipe_names=_names([row[0] for row in pipes], "P"),
            diameters_mm=[row[1] or ASSUMED_DIAMETER_MM for row in pipes],
            roughness=[row[2] or ASSUMED_ROUGHNESS for row in pipes],
            controls=[
                (name, row[1], row[2] or ASSUMED_DIAMETER_MM, row[3])
                for name, row in zip(_names([row[0] for row in controls], "C"), controls, strict=True)
            ],
            assumptions={
                "pipes_without_diameter": sum(row[1] is None for row in pipes),
                "pipes_without_roughness": sum(row[2] is None for row in pipes),
                "pumps_without_curve": sum(row[1] == LinkType.PUMP for row in controls),
                "control_valves_without_setting": sum(
                    row[1] != LinkType.PUMP and row[3] is None for row in controls
                ),
            },
        )

    def as_inp(self, *, demand_factor: float = 1.0, dry: DryPipes | None = None) -> str:
        """Write the model, with some segments shut."""
        net = self.network
        gone = _gone_nodes(net, dry)
        lines = ["[TITLE]", "Mainline", "", "[JUNCTIONS]"]
        is_source = np.zeros(net.node_count, dtype=bool)
        is_source[net.sources] = True
        for at, name in enumerate(self.node_names):
            if not is_source[at]:
                demand = 0.0 if gone[at] else self.demands_lps[at]
                lines.append(f"{name} {self.elevations_m[at]:.3f} {demand:.6f}")
        # What a tank holds matters over hours, not at the moment that is looked at.
        lines += ["", "[RESERVOIRS]"]
        lines += [f"{self.node_names[at]} {self.elevations_m[at]:.3f}" for at in net.sources.tolist()]
        lines += ["", "[PIPES]"]
        valves: list[str] = []
        statuses: list[str] = []
        closed = net.pipe_closed.copy()
        closed[net.valve_pipe[net.valve_closed & (net.valve_pipe != NONE)]] = True
        closed |= gone[net.pipe_from] | gone[net.pipe_to]
        if dry is not None:
            closed[dry.pipes] = True
        for at, (start, end) in enumerate(zip(net.pipe_from.tolist(), net.pipe_to.tolist(), strict=True)):
            status = "Closed" if closed[at] else "CV" if net.pipe_one_way[at] else "Open"
            if start == end:
                continue  # a loop on one node carries nothing, and EPANET refuses it
            lines.append(
                f"{self.pipe_names[at]} {self.node_names[start]} {self.node_names[end]} {net.pipe_length_m[at]:.3f} "
                f"{self.diameters_mm[at]} {self.roughness[at]:.1f} 0 {status}"
            )
        for at, (name, kind, diameter_mm, setting) in enumerate(self.controls):
            start, end = int(net.control_from[at]), int(net.control_to[at])
            ends = f"{name} {self.node_names[start]} {self.node_names[end]}"
            is_shut = bool(net.control_closed[at] or gone[start] or gone[end])
            if kind in _SETTABLE and setting is not None and not (is_source[start] or is_source[end]):
                valves.append(f"{ends} {diameter_mm} {kind.upper()} {setting:.4f} 0")
                if is_shut:
                    statuses.append(f"{name} Closed")
            else:  # pumps and others of which no curve is stored: water passes one way, head is neither won nor lost
                lines.append(f"{ends} 1 {diameter_mm} {ASSUMED_ROUGHNESS} 0 {'Closed' if is_shut else 'CV'}")
        between = np.flatnonzero(net.valve_pipe == NONE).tolist()
        for name, at in zip(_names([net.valve_code[at] for at in between], "V"), between, strict=True):
            start, end = int(net.valve_node[at]), int(net.valve_to_node[at])
            if start != end:
                is_shut = bool(net.valve_closed[at] or gone[start] or gone[end])
                valves.append(
                    f"{name}_v {self.node_names[start]} {self.node_names[end]} {ASSUMED_DIAMETER_MM * 2} TCV 0 0"
                )
                if is_shut:
                    statuses.append(f"{name}_v Closed")
        lines += ["", "[VALVES]", *valves, "", "[STATUS]", *statuses, "", "[OPTIONS]", "UNITS LPS"]
        lines += ["HEADLOSS H-W", f"DEMAND MULTIPLIER {demand_factor:g}", "DEMAND MODEL PDA"]
        lines += ["MINIMUM PRESSURE 0", f"REQUIRED PRESSURE {LOW_BELOW_M:g}", "PRESSURE EXPONENT 0.5"]
        lines += [
            "TRIALS 200",
            "ACCURACY 0.001",
            "UNBALANCED CONTINUE 10",
            "",
            "[TIMES]",
            "DURATION 0",
            "",
            "[END]",
            "",
        ]
        return "\n".join(lines)

    def pressure_of_pipes(self, head_m: Mapping[str, float], dry: DryPipes | None) -> Floats:
        """Tell the pressure customers find at each main: the higher of those at the ends water can come from."""
        net = self.network
        at_node = np.array([head_m[name] for name in self.node_names])
        # A source's own pressure is the head it stands at, which says nothing to a customer beside it.
        at_node[net.sources] = np.maximum(at_node[net.sources], LOW_BELOW_M)
        at_node[_gone_nodes(net, dry)] = 0.0
        ends = np.concatenate([at_node[net.pipe_from], at_node[net.pipe_to]])
        ends[~net.carries] = 0.0
        pressure: Floats = np.maximum(ends.reshape(2, -1).max(axis=0), 0.0)
        # EPANET still states some pressure where no source is; tracing knows better.
        pressure[net.feeding.steps[net.feeding.part_of[: net.pipe_count]] < 0] = 0.0
        if dry is not None:
            pressure[dry.all_pipes] = 0.0
        return pressure


_SETTABLE: Final = frozenset(
    {
        LinkType.PRESSURE_REDUCING.value,
        LinkType.PRESSURE_SUSTAINING.value,
        LinkType.PRESSURE_BREAKER.value,
        LinkType.FLOW_CONTROL.value,
    }
)


def _height(kind: str, elevation_m: float | None, head_m: float | None) -> float | None:
    """Tell how high a node lies; of a source, how high its water stands."""
    return elevation_m if kind == NodeType.JUNCTION or head_m is None else head_m


def _names(codes: Sequence[str], letter: str) -> list[str]:
    """Give the names EPANET knows assets by: their own where all of them will do, else numbers."""
    plain = all(_PLAIN_NAME.match(code) for code in codes)
    return list(codes) if plain else [f"{letter}{number}" for number in range(len(codes))]


def _gone_nodes(network: IsolationNetwork, dry: DryPipes | None) -> Flags:
    """Mark the nodes of segments that are shut."""
    if dry is None:
        return np.zeros(network.node_count, dtype=bool)
    gone: Flags = np.isin(network.segment_of[network.pipe_count :], dry.segments)
    return gone


def _solved(models: Sequence[str], *, time_max_s: float) -> list[dict[str, float]]:
    """Solve models in a process of their own: the pressure at each node of each."""
    with TemporaryDirectory(prefix="mainline-epanet-") as folder:
        files = [Path(folder, f"{number}.inp") for number in range(len(models))]
        for file, model in zip(files, models, strict=True):
            file.write_text(model, encoding="utf-8")
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "gis.epanet_run", *map(str, files)],
                cwd=Path(__file__).parents[1],
                env={"PYTHONPATH": str(Path(__file__).parents[1])},
                capture_output=True,
                text=True,
                timeout=time_max_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise CheckTookTooLong from error
        if done.returncode != 0:
            reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise NotSimulable(f"EPANET cannot solve this network: {reason[0]}")
        return [json.loads(file.with_suffix(".json").read_text(encoding="utf-8")) for file in files]
