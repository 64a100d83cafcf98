"""Where it is broken, from calls and silence, and after five ring-backs; on Magnetic Island, a real network with its real valves.

A main breaks, drawn by length; its segment is shut and cuts others off. Every customer (a node with demand) left dry calls with 5 %, and two
others, drawn from all, call about missing water for a reason of their own. Breaks that none of the dry calls about are drawn anew and counted:
nothing could be told of them, and nobody would look. The right answer is the set of customers who are dry: segments that leave the same
customers dry are one answer. Then up to five customers are rung one after the other, those who teach most, those nearest to the middle of the calls,
or any of those near; each says what his tap does, three in a hundred what it does not. A second round draws segments instead, whatever their length.

What is told of the world beforehand is what a utility knows of its own: the mains' lengths, the usual share of callers, the calls of a usual day.
How many of the dry call is summed over all the same, and pressure may have fallen beside the break or not, which it never does here.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import shapely

from app.commands.bench import machine
from dispatch.localisation.belief import SAID, Belief, Evidence, Habits, believe, served_from
from dispatch.localisation.breaking import proneness
from dispatch.localisation.ringing import questions
from dispatch.models import Answer
from gis.coordinates import metric_plane
from gis.isolation import CRITICAL_KINDS, NONE, Footprints, IsolationNetwork, pipe_volumes_m3
from gis.models import LifecycleStatus, NodeType, Operable
from gis.network_import.draft import NetworkDraft
from gis.network_import.reading import read_network

CRS = "EPSG:28355"
BREAKS = 600
CALL_SHARE = 0.05
STRAYS = 2
RINGS = 5
WRONG_SHARE = 0.03
SHARES = (0.02, 0.05, 0.15)
SEED = 20261122
Choose = Callable[["World", "Break", Belief, np.ndarray, np.random.Generator], int]


@dataclass(frozen=True)
class World:
    """The network and its customers."""

    footprints: Footprints
    proneness: np.ndarray
    part_of_customer: np.ndarray
    places: np.ndarray
    habits: Habits

    @property
    def pipes_of_segment(self) -> np.ndarray:
        """Tell of each main how many its segment has."""
        rows = self.footprints.row_of_pipe
        return np.bincount(rows)[rows]


@dataclass(frozen=True)
class Break:
    """One break as the hotline sees it."""

    row: int
    callers: np.ndarray
    seed: int


def main() -> None:
    path = Path(os.environ.get("MAINLINE_DATA", "../shared"), "data", "networks", "magnetic_island.inp")
    draft = read_network([path], crs=CRS).draft
    network = arrays(draft).warm()
    world = world_of(draft, network)
    answer: dict[str, object] = {
        "network": "Magnetic Island",
        "segments": len(world.footprints.segment),
        "customers": len(world.part_of_customer),
        "call_share": CALL_SHARE,
        "strays": STRAYS,
    }
    answer |= measured(world, CALL_SHARE, with_rings=True)
    any_segment = replace(world, proneness=1.0 / world.pipes_of_segment)
    found = measured(any_segment, CALL_SHARE, with_rings=True)
    answer |= {f"any_segment_{key}": found[key] for key in ("top1", "top3", f"top1_after_{RINGS}")}
    for share in SHARES:
        if share != CALL_SHARE:
            found = measured(world, share, with_rings=False)
            answer |= {f"{key}_at_{share:g}": found[key] for key in ("breaks", "top1", "top3")}
    head = {"bench": "localisation", "date": datetime.now(UTC).date().isoformat(), "machine": machine()}
    print(json.dumps(head | answer | {"load": round(os.getloadavg()[0], 1)}))


# --- the world -------------------------------------------------------------------------------------


def arrays(draft: NetworkDraft) -> IsolationNetwork:
    """See a draft as it is traced once it is published."""
    node = {one.code: at for at, one in enumerate(draft.junctions)}
    pipe = {one.code: at for at, one in enumerate(draft.pipes)}
    length_m = np.array([one.length_m for one in draft.pipes])
    diameter_mm = np.array([one.diameter_mm or np.nan for one in draft.pipes], dtype=np.float64)
    in_service = LifecycleStatus.IN_SERVICE
    return IsolationNetwork(
        pipe_key=keys(len(pipe)),
        pipe_code=[one.code for one in draft.pipes],
        pipe_from=np.array([node[one.from_node] for one in draft.pipes]),
        pipe_to=np.array([node[one.to_node] for one in draft.pipes]),
        pipe_length_m=length_m,
        pipe_volume_m3=pipe_volumes_m3(diameter_mm, length_m),
        pipe_closed=np.array(
            [one.is_closed or one.lifecycle_status is not in_service for one in draft.pipes]
        ),
        pipe_one_way=np.array([one.has_check_valve for one in draft.pipes]),
        customers=np.zeros(len(pipe), dtype=np.int64),
        critical=np.zeros((len(pipe), len(CRITICAL_KINDS)), dtype=np.int64),
        node_count=len(node),
        sources=np.array(
            [at for at, one in enumerate(draft.junctions) if one.node_type is not NodeType.JUNCTION]
        ),
        control_from=np.array([node[one.from_node] for one in draft.control_links], dtype=np.int64),
        control_to=np.array([node[one.to_node] for one in draft.control_links], dtype=np.int64),
        control_closed=np.array([one.is_closed for one in draft.control_links], dtype=bool),
        valve_key=keys(len(draft.valves)),
        valve_code=[one.code for one in draft.valves],
        valve_pipe=np.array([NONE if one.pipe is None else pipe[one.pipe] for one in draft.valves]),
        valve_node=np.array([node[one.node] for one in draft.valves]),
        valve_to_node=np.array([NONE if one.to_node is None else node[one.to_node] for one in draft.valves]),
        valve_closed=np.array([one.is_closed for one in draft.valves]),
        valve_stuck=np.array([one.operable is Operable.NO for one in draft.valves]),
        valve_lon=np.full(len(draft.valves), np.nan),
        valve_lat=np.full(len(draft.valves), np.nan),
    )


def keys(count: int) -> np.ndarray:
    halves = np.zeros((count, 2), dtype=">u8")
    halves[:, 1] = np.arange(1, count + 1)
    return np.frombuffer(halves.tobytes(), dtype="S16")


def world_of(draft: NetworkDraft, network: IsolationNetwork) -> World:
    """Put a customer at every node with demand."""
    nodes = np.array([at for at, one in enumerate(draft.junctions) if one.base_demand_lps > 0.0])
    part = network.feeding.part_of[network.pipe_count + nodes]
    counted = np.bincount(part, minlength=len(network.feeding.segment_of_part)).astype(np.float64)
    plane = metric_plane(draft.metric_srid or 0)
    places = np.array([draft.junctions[at].place for at in nodes.tolist()], dtype=object)
    return World(
        footprints=Footprints.of(network, counted),
        proneness=proneness(
            network.pipe_length_m,
            diameter_mm=np.full(network.pipe_count, np.nan),
            material=[""] * network.pipe_count,
            install_year=np.full(network.pipe_count, np.nan),
            this_year=2026,
        ),
        part_of_customer=part,
        places=shapely.get_coordinates(plane.project(places)),
        habits=Habits(call_share=CALL_SHARE, stray_share=STRAYS / len(nodes), wrong_share=WRONG_SHARE),
    )


def breaks(world: World, share: float, count: int) -> tuple[list[Break], int]:
    """Draw breaks, and tell how many drew no call of those they left dry."""
    rng = np.random.default_rng(SEED)
    rows = world.footprints.row_of_pipe
    by_length = world.proneness / world.proneness.sum()
    found: list[Break] = []
    unheard = 0
    everybody = np.arange(len(world.part_of_customer))
    while len(found) < count:
        row = int(rows[rng.choice(len(rows), p=by_length)])
        dry = is_dry(world, row)
        calling = everybody[dry][rng.random(int(dry.sum())) < share]
        strays = rng.choice(everybody, STRAYS, replace=False)
        if not len(calling):
            unheard += 1
            continue
        found.append(Break(row, np.union1d(calling, strays), int(rng.integers(2**63))))
    return found, unheard


def is_dry(world: World, row: int) -> np.ndarray:
    """Tell which customers a segment leaves dry."""
    return np.isin(world.part_of_customer, world.footprints.dry[row].indices)


# --- finding it ------------------------------------------------------------------------------------


def measured(world: World, share: float, *, with_rings: bool) -> dict[str, object]:
    drawn, unheard = breaks(world, share, BREAKS)
    first, times = [], []
    for one in drawn:
        began = time.perf_counter()
        first.append(believed(world, one, [], []))
        times.append(1000.0 * (time.perf_counter() - began))
    places = [place_of(world, one, belief) for one, belief in zip(drawn, first, strict=True)]
    zones = [belief.most_likely(0.9) for belief in first]
    found: dict[str, object] = {
        "breaks": len(drawn),
        "breaks_nobody_called_about": unheard,
        "top1": share_within(places, 1),
        "top3": share_within(places, 3),
        "right_in_zone_of_90": round(
            float(np.mean([one.row in zone for one, zone in zip(drawn, zones, strict=True)])), 3
        ),
        "segments_in_zone_of_90_p50": float(np.median([len(zone) for zone in zones])),
        "belief_p50_ms": round(float(np.median(times)), 1),
        "belief_p99_ms": round(float(np.quantile(times, 0.99)), 1),
    }
    if not with_rings:
        return found
    for name, choose in (("", most_telling), ("random_", any_near), ("nearest_", nearest)):
        rung_out = [rung(world, one, belief, choose) for one, belief in zip(drawn, first, strict=True)]
        after = [place for place, _ in rung_out]
        found[f"{name}top1_after_{RINGS}"] = share_within(after, 1)
        found[f"{name}top3_after_{RINGS}"] = share_within(after, 3)
        if not name:
            found["rings_made_mean"] = round(float(np.mean([asked for _, asked in rung_out])), 2)
    return found


def believed(world: World, one: Break, asked: list[int], said: list[int]) -> Belief:
    parts = world.part_of_customer[one.callers]
    count = len(world.footprints.customers)
    calls = served_from([parts[at : at + 1] for at in range(len(parts))], [np.ones(1)] * len(parts), count)
    evidence = Evidence(
        calls=(calls, served_from([], [], count)),
        asked=world.part_of_customer[np.array(asked, dtype=np.int64)],
        said=np.array(said, dtype=np.int64),
    )
    return believe(world.footprints, world.proneness, evidence, world.habits)


def place_of(world: World, one: Break, belief: Belief) -> int:
    """Tell the place of the right footprint among all, 1 being the most believed; one as much believed comes before it."""
    shares = belief.of_alike(world.footprints)
    right = shares[world.footprints.alike[one.row]]
    return int(np.count_nonzero(shares >= right))


def rung(world: World, one: Break, belief: Belief, choose: Choose) -> tuple[int, int]:
    """Ring customers one after the other: the place of the right footprint afterwards, and how many were rung."""
    dry, rng = is_dry(world, one.row), np.random.default_rng(one.seed)
    asked: list[int] = []
    said: list[int] = []
    for _ in range(RINGS):
        free = np.ones(len(world.part_of_customer), dtype=bool)
        free[one.callers] = False
        free[asked] = False
        customer = choose(world, one, belief, free, rng)
        if customer == NONE:
            break
        tells_dry = bool(dry[customer]) != (rng.random() < WRONG_SHARE)
        asked.append(customer)
        said.append(SAID.index(Answer.NO_WATER if tells_dry else Answer.HAS_WATER))
        belief = believed(world, one, asked, said)
    return place_of(world, one, belief), len(asked)


def most_telling(world: World, _: Break, belief: Belief, free: np.ndarray, __: np.random.Generator) -> int:
    ringable = np.bincount(world.part_of_customer[free], minlength=len(world.footprints.customers)) > 0
    chosen = questions(world.footprints, belief, world.habits, ringable=ringable, most=1)
    if not chosen:
        return NONE
    return int(np.flatnonzero(free & (world.part_of_customer == chosen[0].part))[0])


def nearest(world: World, one: Break, _: Belief, free: np.ndarray, __: np.random.Generator) -> int:
    """Choose who lives nearest to the middle of the calls."""
    middle = np.median(world.places[one.callers], axis=0)
    return int(np.argmin(np.where(free, np.hypot(*(world.places - middle).T), np.inf)))


def any_near(world: World, _: Break, belief: Belief, free: np.ndarray, rng: np.random.Generator) -> int:
    """Choose anybody whom one of the segments that hold 99 % of the belief leaves dry."""
    dry = np.unique(world.footprints.dry[belief.most_likely(0.99)].indices)
    near = np.flatnonzero(free & np.isin(world.part_of_customer, dry))
    return int(rng.choice(near)) if len(near) else NONE


def share_within(places: list[int], most: int) -> float:
    return round(float(np.mean(np.array(places) <= most)), 3)


if __name__ == "__main__":
    main()
