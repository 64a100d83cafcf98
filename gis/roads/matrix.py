"""The fastest ways between many places and many others: a search for each place of the smaller side."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

from gis.coordinates import LonLat
from gis.roads.graph import Floats
from gis.roads.overlay import Roads
from gis.roads.places import NamedPlace
from gis.roads.searching import Tree, search, through
from gis.roads.snapping import Gates, Snapped, beside, gates, snap

COLUMNS = ("from_id", "to_id", "seconds", "metres")


@dataclass(frozen=True, slots=True)
class Row:
    """The ways from one place to all destinations: infinite where none leads."""

    origin: int
    seconds: Floats
    metres: Floats


def travel_rows(roads: Roads, origins: Sequence[LonLat], destinations: Sequence[LonLat]) -> Iterator[Row]:
    """Measure the fastest ways from every origin to every destination, origin by origin.

    Places start and end at the nearest place on an edge, however far, closed or not; on a closed one nothing moves.
    """
    if not origins or not destinations:
        return
    starts, ends = snap(roads, origins, to_open=False), snap(roads, destinations, to_open=False)
    leaving, arriving = gates(roads, starts, leaving=True), gates(roads, ends, leaving=False)
    if len(origins) <= len(destinations):
        for origin, tree in enumerate(search(roads, leaving, towards=False)):
            yield Row(origin, *_fastest(roads, tree, arriving, starts.at(origin), ends))
        return
    # Found destination by destination and wanted origin by origin: turned round on disk, for it may be large.
    with TemporaryFile() as scratch:
        table = np.memmap(scratch, np.float64, "w+", shape=(2, len(origins), len(destinations)))
        for place, tree in enumerate(search(roads, arriving)):
            table[:, :, place] = _fastest(roads, tree, leaving, starts, ends.at(place))
        for origin in range(len(origins)):
            yield Row(origin, np.array(table[0, origin]), np.array(table[1, origin]))
        del table


def _fastest(
    roads: Roads, tree: Tree, others: Gates, origins: Snapped, destinations: Snapped
) -> tuple[Floats, Floats]:
    """Choose for each place of the other side between the way by junctions and the one along the line both stand on."""
    gate, driven_s = through(tree, others)
    driven_m = np.full(len(gate), np.inf)
    reached = np.flatnonzero(np.isfinite(driven_s))
    driven_m[reached] = others.metres[reached, gate[reached]] + tree.metres_from(
        others.node[reached, gate[reached]]
    )
    beside_s, beside_m = beside(roads, origins, destinations)
    is_beside = beside_s <= driven_s
    return np.where(is_beside, beside_s, driven_s), np.where(is_beside, beside_m, driven_m)


def write_travel_table(
    roads: Roads, origins: Sequence[NamedPlace], destinations: Sequence[NamedPlace], path: Path
) -> int:
    """Write the ways between places as CSV, one row a pair, times and lengths empty where no way leads; tell how many lead."""
    reached = 0
    ends = [one.id for one in destinations]
    rows = travel_rows(roads, [one.place for one in origins], [one.place for one in destinations])
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for row in rows:
            start = origins[row.origin].id
            reached += int(np.isfinite(row.seconds).sum())
            table.writerows(
                (start, end, f"{seconds:.3f}", f"{metres:.3f}")
                if seconds != float("inf")
                else (start, end, "", "")
                for end, seconds, metres in zip(ends, row.seconds.tolist(), row.metres.tolist(), strict=True)
            )
    return reached
