"""What each segment leaves dry, all at once: as the dominator tree tells one by one, and as the town's table says."""

import numpy as np
import pytest
from sqlalchemy.orm import Session

from gis.isolation import Footprints
from gis.queries import load_isolation_network, load_pipe_records
from tests.town import Town


@pytest.fixture
def prints(session: Session, town: Town) -> Footprints:
    return Footprints.of(load_isolation_network(session))


def row(prints: Footprints, town: Town, pipe: str) -> int:
    return int(np.searchsorted(prints.segment, town.segments[pipe]))


def dried(prints: Footprints, town: Town, pipe: str) -> set[int]:
    """The segments with a part that falls dry."""
    parts = set(prints.dry[row(prints, town, pipe)].indices.tolist())
    rows = prints.row_of_pipe[np.isin(prints.part_of_pipe, list(parts))]
    return set(prints.segment[rows].tolist())


def test_footprints_are_those_of_the_towns_table(prints: Footprints, town: Town) -> None:
    of = town.segments
    assert dried(prints, town, "H05") == {of["H05"]}
    assert dried(prints, town, "H02") == {of["H02"], of["H04"], of["H05"]}
    assert dried(prints, town, "V60") == {of["V40"], of["V50"], of["V60"]}


def test_customers_of_a_footprint_are_those_served_from_its_pipes(prints: Footprints, town: Town) -> None:
    """Row 5: twelve houses on its three streets, four on Ash Avenue's V04."""
    assert prints.dry_customers[row(prints, town, "H05")] == 16
    assert prints.dry_customers.max() == prints.dry_customers[row(prints, town, "H00")]


def test_beside_stands_what_is_two_open_valves_away_and_keeps_its_water(
    prints: Footprints, town: Town
) -> None:
    def is_beside(broken: str, other: str) -> bool:
        part = int(prints.part_of_pipe[prints.row_of_pipe == row(prints, town, other)][0])
        return row(prints, town, broken) in prints.beside[[part]].indices

    assert is_beside("H05", "H04")
    assert is_beside("H05", "H02")
    assert not is_beside("H05", "H01")
    assert not is_beside("H02", "H04")  # falls dry itself
    assert not is_beside("H00", "V40")  # the valve between the zones is closed


def test_segments_that_leave_the_same_customers_dry_have_one_number(prints: Footprints) -> None:
    for number in np.unique(prints.alike).tolist():
        same = np.flatnonzero(prints.alike == number)
        sets = {frozenset(p for p in prints.dry[one].indices.tolist() if prints.customers[p]) for one in same}
        assert len(sets) == 1


def test_records_of_pipes_come_in_the_networks_order(session: Session, town: Town) -> None:
    network = load_isolation_network(session)
    records = load_pipe_records(session, count=network.pipe_count)
    feed = network.pipe_index(town.pipes["FR"])
    assert records.diameter_mm[feed] == 300
    assert np.count_nonzero(records.diameter_mm == 300) == 2
    assert set(records.material) == {"DI"}
    assert (records.install_year == 1998).all()
