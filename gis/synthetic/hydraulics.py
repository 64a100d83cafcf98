"""Proves with EPANET (through wntr) that the invented network supplies its customers.

The network is solved at peak demand with EPANET 2.2's own solver, in process. Mains that lose too much head are made
larger until nearly every junction has enough pressure; if that does not help, the zone's sources stand higher.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import shapely
from wntr.epanet.toolkit import ENepanet

from gis.errors import BadBundle
from gis.synthetic.chance import Floats, Ints
from gis.synthetic.network import DIAMETERS_MM, PEAK_FACTOR, ROUGHNESS, Mains, node_codes, pipe_codes
from gis.synthetic.progress import Progress

PRESSURE_MIN_M = 20.0
SHARE_WANTED = 0.95
ROUNDS_MAX = 10
STEEP_M_PER_KM = 4.0
RAISE_M = 6.0

EN_ELEVATION, EN_PRESSURE = 0, 11
EN_DIAMETER, EN_FLOW, EN_VELOCITY = 0, 8, 9


@dataclass(frozen=True, slots=True)
class Pressures:
    """What EPANET found at peak demand."""

    junctions: int
    share_enough: float
    p5_m: float
    p50_m: float
    p95_m: float
    speed_p95_mps: float
    rounds: int

    def as_dict(self) -> dict[str, float]:
        """Give the figures for the manifest."""
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def write_inp(mains: Mains, demand_lps: Floats, file: Path, *, title: str) -> None:
    """Write the network as an EPANET model at peak demand, under the assets' own codes."""
    is_source = ~np.isnan(mains.node_head_m)
    tank = np.zeros(len(mains.node_x), dtype=bool)
    tank[mains.sources[mains.is_tank]] = True
    lines = ["[TITLE]", title, "", "[JUNCTIONS]"]
    nodes, pipes = node_codes(mains), pipe_codes(mains)
    elevation, head = mains.node_elevation_m.tolist(), mains.node_head_m.tolist()
    demand = demand_lps.tolist()
    lines += [f"{nodes[i]} {elevation[i]:.3f} {demand[i]:.6f}" for i in np.flatnonzero(~is_source).tolist()]
    lines += ["", "[RESERVOIRS]"]
    lines += [f"{nodes[i]} {head[i]:.3f}" for i in np.flatnonzero(is_source & ~tank).tolist()]
    lines += ["", "[TANKS]"]
    lines += [f"{nodes[i]} {head[i] - 4.0:.3f} 4 0 5 30 0" for i in np.flatnonzero(tank).tolist()]
    lines += ["", "[PIPES]"]
    shut = (~mains.carries).tolist()
    rough = ROUGHNESS[mains.material].tolist()
    lines += [
        f"{pipes[i]} {nodes[a]} {nodes[b]} {length:.3f} {mm} {rough[i]:.0f} 0 {'Closed' if shut[i] else 'Open'}"
        for i, (a, b, length, mm) in enumerate(
            zip(
                mains.start.tolist(),
                mains.end.tolist(),
                mains.length_m.tolist(),
                mains.diameter_mm.tolist(),
                strict=True,
            )
        )
    ]
    lines += [
        "",
        "[OPTIONS]",
        "UNITS LPS",
        "HEADLOSS H-W",
        f"DEMAND MULTIPLIER {PEAK_FACTOR:g}",
        "TRIALS 200",
        "ACCURACY 0.001",
        "",
        "[TIMES]",
        "DURATION 0",
        "",
        "[COORDINATES]",
    ]
    x, y = mains.node_x.tolist(), mains.node_y.tolist()
    lines += [f"{nodes[i]} {x[i]:.3f} {y[i]:.3f}" for i in range(len(x))]
    lines += ["", "[VERTICES]"]
    inner = shapely.get_num_points(mains.line)
    for i in np.flatnonzero(inner > 2).tolist():
        lines += [
            f"{pipes[i]} {a:.3f} {b:.3f}" for a, b in shapely.get_coordinates(mains.line[i])[1:-1].tolist()
        ]
    lines += ["", "[END]", ""]
    file.write_text("\n".join(lines), encoding="utf-8")


class _Model:
    """An open EPANET model whose mains can be changed between runs."""

    def __init__(self, engine: ENepanet, mains: Mains) -> None:
        self._engine = engine
        self._node = [engine.ENgetnodeindex(code) for code in node_codes(mains)]
        self._pipe = [engine.ENgetlinkindex(code) for code in pipe_codes(mains)]

    def solve(self) -> tuple[Floats, Floats, Floats]:
        """Run once: pressure of nodes (m), flow (l/s) and speed (m/s) of pipes."""
        engine = self._engine
        engine.ENopenH()
        engine.ENinitH(0)
        engine.ENrunH()
        pressure = np.array([engine.ENgetnodevalue(i, EN_PRESSURE) for i in self._node])
        flow = np.array([engine.ENgetlinkvalue(i, EN_FLOW) for i in self._pipe])
        speed = np.array([engine.ENgetlinkvalue(i, EN_VELOCITY) for i in self._pipe])
        engine.ENcloseH()
        return pressure, flow, speed

    def set_diameters(self, pipes: Ints, diameters_mm: Ints) -> None:
        """Lay some mains anew."""
        for pipe, mm in zip(pipes.tolist(), diameters_mm.tolist(), strict=True):
            self._engine.ENsetlinkvalue(self._pipe[pipe], EN_DIAMETER, float(mm))

    def raise_sources(self, sources: Ints, by_m: float) -> None:
        """Lift sources: a reservoir's head and a tank's floor are both EPANET's elevation."""
        for source in sources.tolist():
            index = self._node[source]
            self._engine.ENsetnodevalue(
                index, EN_ELEVATION, self._engine.ENgetnodevalue(index, EN_ELEVATION) + by_m
            )


@contextlib.contextmanager
def _opened(mains: Mains, demand_lps: Floats) -> Iterator[_Model]:
    with TemporaryDirectory(prefix="mainline-epanet-") as folder:
        file = Path(folder) / "city.inp"
        write_inp(mains, demand_lps, file, title="sizing")
        engine = ENepanet()
        engine.ENopen(str(file), str(file.with_suffix(".rpt")), str(file.with_suffix(".bin")))
        try:
            yield _Model(engine, mains)
        finally:
            engine.ENclose()


def _measured(mains: Mains, pressure: Floats, speed: Floats, rounds: int) -> Pressures:
    at = pressure[np.isnan(mains.node_head_m)]
    p5, p50, p95 = np.percentile(at, [5, 50, 95])
    return Pressures(
        junctions=len(at),
        share_enough=float(np.mean(at >= PRESSURE_MIN_M)),
        p5_m=float(p5),
        p50_m=float(p50),
        p95_m=float(p95),
        speed_p95_mps=float(np.percentile(speed, 95)),
        rounds=rounds,
    )


def verified(mains: Mains, demand_lps: Floats, *, progress: Progress) -> tuple[Mains, Pressures]:
    """Enlarge mains and lift sources until at least 95 % of the junctions have 20 m of pressure at peak demand.

    Raises
    ------
    BadBundle
        Even so they have not; nothing is worth keeping.
    """
    with _opened(mains, demand_lps) as model:
        for round_no in range(1, ROUNDS_MAX + 1):
            pressure, flow, speed = model.solve()
            found = _measured(mains, pressure, speed, round_no)
            progress(
                f"EPANET run {round_no}: {found.share_enough:.1%} of {found.junctions:,} junctions have "
                f"{PRESSURE_MIN_M:g} m or more (p5 {found.p5_m:.0f}, median {found.p50_m:.0f}, p95 {found.p95_m:.0f} m)"
            )
            if found.share_enough >= SHARE_WANTED and round_no > 1:
                return mains, found
            mains = _improved(model, mains, pressure, flow)
    raise BadBundle(f"only {found.share_enough:.0%} of the junctions have enough pressure")


def _improved(model: _Model, mains: Mains, pressure: Floats, flow: Floats) -> Mains:
    """Lay steep mains one size larger, and lift the sources of zones that lack pressure without any."""
    metres = mains.diameter_mm / 1000.0
    rough = ROUGHNESS[mains.material]
    # Hazen-Williams in SI: m of head per metre of pipe.
    slope = 10.667 * (np.abs(flow) / 1000.0) ** 1.852 / (rough**1.852 * metres**4.871)
    steep = np.flatnonzero((slope * 1000.0 > STEEP_M_PER_KM) & (mains.diameter_mm < DIAMETERS_MM[-1]))
    larger = DIAMETERS_MM[np.searchsorted(DIAMETERS_MM, mains.diameter_mm[steep]) + 1]
    model.set_diameters(steep, larger)
    diameter = mains.diameter_mm.copy()
    diameter[steep] = larger
    head = mains.node_head_m.copy()
    low = np.isnan(head) & (pressure < PRESSURE_MIN_M)
    inner = np.isnan(head)
    size = int(mains.node_zone.max()) + 1
    lacking = np.bincount(mains.node_zone[low], minlength=size) / np.maximum(
        1, np.bincount(mains.node_zone[inner], minlength=size)
    )
    busy = np.bincount(mains.zone[steep], minlength=size) > 0
    lift = np.flatnonzero((lacking > 1.0 - SHARE_WANTED) & ~busy)
    sources = mains.sources[np.isin(mains.node_zone[mains.sources], lift)]
    model.raise_sources(sources, RAISE_M)
    head[sources] += RAISE_M
    return replace(mains, diameter_mm=diameter, node_head_m=head)
