import os
import zipfile
from pathlib import Path

import pytest
import shapely
import wntr

from gis.errors import BadNetworkFile
from gis.models import LinkType, NodeType
from gis.network_import.draft import NetworkDraft
from gis.network_import.reading import read_network

DATA = Path(os.environ.get("MAINLINE_DATA", "../shared")) / "data"
LIBRARY = Path(wntr.__file__).parent / "library" / "networks"

SMALL = """[TITLE]
small
[JUNCTIONS]
 J1 10 1.0
 J2 12 0
 J3 12 0
 J4 12 0
[RESERVOIRS]
 R1 50
[TANKS]
 T1 30 2 0 5 10 0
[PIPES]
 P1 R1 J1 1000 12 100 0 Open
 P2 J1 J2 500 6 100 0 CV
 P3 J3 J4 500 6 100 0 Closed
 P4 J4 T1 500 6 100 0 Open
[PUMPS]
 PU1 J2 J3 POWER 10
[VALVES]
 V1 J1 J3 6 TCV 0
 V2 J1 J4 6 PRV 60
 V3 J2 J4 6 TCV 0
[STATUS]
 P4 Closed
 V3 Closed
[OPTIONS]
 Units GPM
 Headloss H-W
[COORDINATES]
 R1 0 0
 J1 10 0
 J2 20 0
 J3 20 10
 J4 10 10
 T1 0 10
[VERTICES]
 P1 5 3
[END]
"""


def read(path: Path, crs: str = "local") -> NetworkDraft:
    return read_network([path], crs=crs).draft


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.inp"
    path.write_text(SMALL)
    return path


def test_us_units_become_metres_and_millimetres(small: Path) -> None:
    draft = read(small)

    first = next(pipe for pipe in draft.pipes if pipe.code == "P1")
    assert first.length_m == pytest.approx(304.8)
    assert first.diameter_mm == 305
    node = next(node for node in draft.junctions if node.code == "J1")
    assert node.elevation_m == pytest.approx(3.048)
    assert node.base_demand_lps == pytest.approx(0.0630902, rel=1e-4)


def test_throttle_valves_isolate_and_other_valves_and_pumps_govern(small: Path) -> None:
    draft = read(small)

    assert [(valve.code, valve.node, valve.to_node, valve.is_closed) for valve in draft.valves] == [
        ("V1", "J1", "J3", False),
        ("V3", "J2", "J4", True),
    ]
    assert {(link.code, link.link_type, link.from_node, link.to_node) for link in draft.control_links} == {
        ("PU1", LinkType.PUMP, "J2", "J3"),
        ("V2", LinkType.PRESSURE_REDUCING, "J1", "J4"),
    }
    assert next(link.setting for link in draft.control_links if link.code == "V2") == pytest.approx(
        42.2, abs=0.1
    )


def test_closed_links_and_check_valves_are_told_from_both_sections(small: Path) -> None:
    pipes = {pipe.code: pipe for pipe in read(small).pipes}

    assert [code for code, pipe in pipes.items() if pipe.is_closed] == ["P3", "P4"]
    assert [code for code, pipe in pipes.items() if pipe.has_check_valve] == ["P2"]


def test_reservoirs_and_tanks_are_sources_with_their_heads(small: Path) -> None:
    sources = {node.code: node for node in read(small).junctions if node.node_type is not NodeType.JUNCTION}

    assert sources["R1"].head_m == pytest.approx(50 * 0.3048)
    assert sources["T1"].head_m == pytest.approx(32 * 0.3048)


def test_a_local_network_is_drawn_nowhere(small: Path) -> None:
    draft = read(small)

    assert (draft.crs, draft.metric_srid, draft.transformation) == ("local", None, None)
    assert all(pipe.line is None for pipe in draft.pipes)
    assert all(node.place is None for node in draft.junctions)


def test_a_file_with_another_encoding_is_read(tmp_path: Path) -> None:
    path = tmp_path / "gbk.inp"
    path.write_bytes(SMALL.replace("P1", "管1").replace("small", "小区").encode("gb18030"))

    assert read(path).pipes[0].code == "管1"


def test_a_zipped_file_is_read(small: Path, tmp_path: Path) -> None:
    packed = tmp_path / "small.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(small, "model/small.inp")

    assert len(read(packed).pipes) == 4


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        (" J2 12 0", " J2 None 0", r"line 5, \[JUNCTIONS\]: 'None' is no number"),
        ("P1 R1 J1 1000", "P1 R1 J9 1000", r"line 13, \[PIPES\]: no node has the id 'J9'"),
        ("P2 J1 J2 500 6 100 0 CV", "P2 J1 J2", r"line 14, \[PIPES\]: 6 fields are needed, it has 3"),
        ("POWER 10", "HEAD C7", r"line 18, \[PUMPS\]: .*C7"),
        ("[RESERVOIRS]", " J1 9 0\n[RESERVOIRS]", r"line 8: the node id 'J1' was used in line 4 already"),
        ("[VERTICES]", "[WIGGLES]", r"line 36: no such section: \[WIGGLES\]"),
        ("[OPTIONS]", "[TIMES]\n Duration 1:xx\n[OPTIONS]", r"line 27, \[TIMES\]: .*1:xx"),
        (" J4 10 10", " J4 10 north", r"line 34, \[COORDINATES\]: 'north' is no number"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_by_line(small: Path, was: str, becomes: str, says: str) -> None:
    small.write_text(SMALL.replace(was, becomes, 1))

    with pytest.raises(BadNetworkFile, match=f"small.inp, {says}") as told:
        read(small)
    assert "\n" not in told.value.detail


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02" * 50, b"hello", b"[TITLE]\n[END]\n"])
def test_what_is_no_network_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.inp"
    path.write_bytes(content)

    with pytest.raises(BadNetworkFile, match=r"odd\.inp"):
        read(path)


def test_a_file_needs_its_system_stated(small: Path) -> None:
    with pytest.raises(BadNetworkFile, match="--crs"):
        read_network([small])


@pytest.mark.parametrize(
    "crs", ["EPSG:28355", "EPSG:4326x", "EPSG:999999", "/vsicurl/x", "+proj=utm +zone=3"]
)
def test_a_system_that_cannot_be_meant_is_refused(small: Path, crs: str) -> None:
    with pytest.raises(BadNetworkFile):
        read(small, crs)


@pytest.mark.parametrize(
    ("name", "crs"), [("ky4", "EPSG:3089"), ("ky10", "EPSG:3089"), ("Net6", "local"), ("Net3", "local")]
)
def test_library_networks_keep_their_counts(name: str, crs: str) -> None:
    model = wntr.network.WaterNetworkModel(str(LIBRARY / f"{name}.inp"))
    draft = read(LIBRARY / f"{name}.inp", crs)

    assert {pipe.code for pipe in draft.pipes} == set(model.pipe_name_list)
    assert {node.code for node in draft.junctions} == set(model.node_name_list)
    assert {link.code for link in draft.control_links} == {*model.pump_name_list, *model.valve_name_list}
    assert sum(pipe.length_m for pipe in draft.pipes) == pytest.approx(
        sum(pipe.length for _, pipe in model.pipes())
    )
    if crs != "local":
        assert draft.transformation is not None
        assert "m)" in draft.transformation
        lon, lat = draft.junctions[0].place.x, draft.junctions[0].place.y  # type: ignore[union-attr]
        assert -89 < lon < -82
        assert 36 < lat < 39


def test_magnetic_island_lies_where_it_lies() -> None:
    path = DATA / "networks" / "magnetic_island.inp"
    if not path.exists():
        pytest.skip("MAINLINE_DATA does not hold networks/magnetic_island.inp")
    draft = read(path, "EPSG:28355")

    kinds = [node.node_type for node in draft.junctions]
    assert (len(draft.pipes), kinds.count(NodeType.JUNCTION), len(draft.valves)) == (1631, 2021, 492)
    assert sum(valve.is_closed for valve in draft.valves) == 6
    lines = [pipe.line for pipe in draft.pipes if pipe.line is not None]
    assert len(lines) == 1631
    bounds = shapely.total_bounds(lines)
    assert 146.7 < bounds[0] < bounds[2] < 146.9
    assert -19.2 < bounds[1] < bounds[3] < -19.1
