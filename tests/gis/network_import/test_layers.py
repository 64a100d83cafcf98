import sqlite3
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.errors import BadNetworkFile, BadNetworkMapping, NetworkFileTooLarge
from gis.models import LinkType, NodeType, Operable
from gis.network_import.draft import NetworkDraft
from gis.network_import.reading import propose_mapping, read_network
from gis.network_import.uploads import UploadLimits
from tests.gis.network_import.drawn import GK114, line, point, write

MAPPING = """
snap_m = 0.5
[[layer]]
source = "rohr"
holds = "pipes"
fields = { code = "c" }
"""


def read(*files: Path, mapping: str | None = None, crs: str | None = None) -> NetworkDraft:
    return read_network(files, mapping=mapping, crs=crs).draft


def joints(draft: NetworkDraft) -> set[frozenset[str]]:
    """Which pipes meet, as sets of pipe codes."""
    meeting: dict[str, set[str]] = {}
    for pipe in draft.pipes:
        for node in (pipe.from_node, pipe.to_node):
            meeting.setdefault(node, set()).add(pipe.code)
    return {frozenset(codes) for codes in meeting.values() if len(codes) > 1}


def reasons(draft: NetworkDraft) -> dict[str, str]:
    return {problem.feature: problem.reason for problem in draft.rejected}


def pipes_of(tmp_path: Path, shapes: dict[str, object], **fields: object) -> Path:
    return write(tmp_path / "net.gpkg", "rohr", list(shapes.values()), c=list(shapes), **fields)  # type: ignore[arg-type]


def test_ends_within_the_tolerance_meet_and_others_do_not(tmp_path: Path) -> None:
    path = pipes_of(
        tmp_path,
        {"A": line((0, 0), (50, 0)), "B": line((50.3, 0.2), (99, 0)), "C": line((101, 0), (150, 0))},
    )

    assert joints(read(path, mapping=MAPPING)) == {frozenset("AB")}
    assert joints(read(path, mapping=MAPPING.replace("0.5", "3"))) == {frozenset("AB"), frozenset("BC")}
    assert joints(read(path, mapping=MAPPING.replace("0.5", "0.1"))) == set()


def test_an_end_on_the_middle_splits_and_a_crossing_does_not(tmp_path: Path) -> None:
    path = pipes_of(
        tmp_path,
        {
            "M": line((0, 0), (100, 0)),
            "T": line((30, 0), (30, 40)),
            "X": line((60, -40), (60, 40)),
        },
    )
    draft = read(path, mapping=MAPPING)

    assert joints(draft) == {frozenset({"M", "M.2", "T"})}
    lengths = {pipe.code: pipe.length_m for pipe in draft.pipes}
    assert lengths == pytest.approx({"M": 30, "M.2": 70, "T": 40, "X": 80}, abs=1e-6)
    assert not draft.rejected


def test_a_short_pipe_is_not_swallowed_by_the_tolerance(tmp_path: Path) -> None:
    path = pipes_of(
        tmp_path,
        {"A": line((0, 0), (50, 0)), "S": line((50, 0), (50.3, 0)), "B": line((50.3, 0), (99, 0))},
    )

    assert joints(read(path, mapping=MAPPING)) == {frozenset("AS"), frozenset("SB")}


def test_every_bad_shape_is_told_with_its_reason(tmp_path: Path) -> None:
    path = pipes_of(
        tmp_path,
        {
            "good": line((0, 0), (50, 0)),
            "twin": line((50, 0), (0, 0)),
            "nothing": None,
            "empty": shapely.LineString(),
            "dot": line((7, 7), (7, 7)),
            "place": point(3, 3),
            "parts": shapely.MultiLineString([line((50, 0), (60, 0)), line((80, 0), (90, 0))]),
            "joined": shapely.MultiLineString([line((60, 0), (70, 0)), line((70, 0), (80, 0))]),
            "spur": line((90, 0), (120, 0), (110, 0)),
            "ring": line((90, 0), (95, 20), (99, 10), (90, 0)),
            "over": line((200, 0), (210, 0), (210, 10), (200, 10), (200, 0), (210, 0), (210, 5)),
            "stray": shapely.LineString([(0, 0), (1, 1)]),
        },
    )
    draft = read(path, mapping=MAPPING)

    assert reasons(draft) == {
        "twin": "it is drawn exactly as good is",
        "nothing": "it has no geometry",
        "empty": "it has no geometry",
        "dot": "it has no length",
        "place": "it is drawn as a Point, not as a line",
        "over": "it runs over itself",
        "stray": "it lies more than 300 km from the rest",
    }
    lengths = {pipe.code: pipe.length_m for pipe in draft.pipes}
    assert lengths["spur"] == pytest.approx(20)
    assert lengths["parts"] + lengths["parts.2"] == pytest.approx(20)
    assert lengths["joined"] == pytest.approx(20)
    assert {"ring", "ring.2"} < set(lengths)
    assert all(pipe.from_node != pipe.to_node for pipe in draft.pipes)


def test_a_valve_in_the_middle_splits_and_one_near_an_end_stands_there(tmp_path: Path) -> None:
    path = pipes_of(tmp_path, {"A": line((0, 0), (100, 0)), "B": line((100, 0), (200, 0))})
    write(
        path,
        "schieber",
        [point(40, 1), point(98.5, 0.5), point(150, 40)],
        v=["mid", "end", "far"],
        zustand=["offen", "zu", "zu"],
    )
    draft = read(path)

    valves = {valve.code: valve for valve in draft.valves}
    pipes = {pipe.code: pipe for pipe in draft.pipes}
    assert set(pipes) == {"A", "A.2", "B"}
    assert valves["mid"].pipe == "A"
    assert valves["mid"].node == pipes["A"].to_node == pipes["A.2"].from_node == "mid@"
    assert (valves["end"].pipe, valves["end"].node) == ("A.2", pipes["B"].from_node)
    assert valves["end"].is_closed
    assert reasons(draft) == {"far": "there is no pipe within 5 m"}


def test_a_valve_right_on_a_joint_takes_the_pipe_of_its_size(tmp_path: Path) -> None:
    path = pipes_of(
        tmp_path,
        {"A": line((0, 0), (100, 0)), "B": line((100, 0), (200, 0)), "C": line((100, 0), (100, 50))},
        diameter=[300, 300, 100],
    )
    write(path, "valves", [point(100, 0), point(100, 0)], id=["V1", "V2"], dn=[100, 300])
    valves = {valve.code: valve for valve in read(path).valves}

    assert valves["V1"].pipe == "C"
    assert valves["V2"].pipe in {"A", "B"}


def test_sources_hydrants_customers_and_devices_find_their_pipes(tmp_path: Path) -> None:
    path = pipes_of(tmp_path, {"A": line((0, 0), (100, 0)), "B": line((100, 0), (200, 0))})
    write(path, "reservoirs", [point(-8, 0)], id=["R"], head=[60.0])
    write(path, "hydrants", [point(30, 4), point(30, 400)], id=["H1", "H2"])
    write(path, "customers", [point(150, 20), point(20, -12)], account=["10", "11"], type=["医院", "居民"])
    write(path, "pumps", [point(50, 0.2)], id=["PU"])
    write(path, "check_valves", [point(120, 0)], id=["CV"])
    draft = read(path)

    source = next(node for node in draft.junctions if node.node_type is NodeType.RESERVOIR)
    assert (source.code, source.head_m) == ("R", 60.0)
    pipes = {pipe.code: pipe for pipe in draft.pipes}
    assert pipes["A"].from_node == "R"
    (pump,) = draft.control_links
    assert (pump.link_type, pump.from_node, pump.to_node) == (
        LinkType.PUMP,
        pipes["A"].to_node,
        pipes["A.2"].from_node,
    )
    assert pump.from_node != pump.to_node
    assert [(one.code, one.pipe, round(one.chainage_m)) for one in draft.hydrants] == [("H1", "A", 30)]
    assert reasons(draft) == {"H2": "there is no pipe within 20 m"}
    assert {
        (one.account_no, one.pipe, round(one.tap_chainage_m), one.customer_class.value)
        for one in draft.customers
    } == {
        ("10", "B", 50, "hospital"),
        ("11", "A", 20, "household"),
    }
    assert pipes["B"].has_check_valve


def test_chinese_survey_layers_are_understood_from_their_data(tmp_path: Path) -> None:
    folder = tmp_path / "现状管网"
    folder.mkdir()
    points = gpd.GeoDataFrame(
        {
            "Exp_No": ["JS1", "JS2", "JS3", "JS4"],
            "附属物": ["", "阀门", "消火栓", None],
            "特征": ["弯头", "", "三通", "直线点"],
        },
        geometry=[point(0, 0), point(50, 0), point(100, 0), point(150, 0)],
        crs=GK114,
    )
    lines = gpd.GeoDataFrame(
        {
            "S_Point": ["JS1", "JS3", "JS3"],
            "E_Point": ["JS2", "JS2", "JS4"],
            "PSize": ["DN200", "200", "300"],
            "材质": ["球墨铸铁", "球墨铸铁", "PE"],
            "建设年代": ["2008-05-12", "20081101", "1998年"],
        },
        geometry=[line((0, 0), (50, 0)), line((50, 0), (100, 0)), line((100, 0), (150, 0))],
        crs=GK114,
    )
    points.to_file(folder / "JSPoint.shp", engine="pyogrio", encoding="gbk")
    lines.to_file(folder / "JSLine.shp", engine="pyogrio", encoding="gbk")
    for cpg in folder.glob("*.cpg"):
        cpg.unlink()
    draft = read(*folder.glob("*.shp"))

    assert [(pipe.from_node, pipe.to_node) for pipe in draft.pipes] == [
        ("JS1", "JS2"),
        ("JS3", "JS2"),
        ("JS3", "JS4"),
    ]
    assert [pipe.diameter_mm for pipe in draft.pipes] == [200, 200, 300]
    assert [pipe.install_year for pipe in draft.pipes] == [2008, 2008, 1998]
    assert draft.pipes[0].material == "球墨铸铁"
    assert [valve.code for valve in draft.valves] == ["JS2"]
    assert [hydrant.code for hydrant in draft.hydrants] == ["JS3"]
    # The second line was drawn from JS2 to JS3 and named the other way round.
    second = draft.pipes[1].line
    assert second is not None
    assert second.coords[0] == pytest.approx(draft.pipes[2].line.coords[0])  # type: ignore[union-attr]


def test_layers_of_several_systems_meet(tmp_path: Path) -> None:
    west = write(tmp_path / "west.gpkg", "rohr", [line((0, 0), (50, 0))], c=["A"])
    east = gpd.GeoSeries([line((50, 0), (99, 0))], crs=GK114).to_crs(4490)
    degrees = write(tmp_path / "east.geojson", "rohr", list(east.to_crs(4326)), srid=4326, c=["B"])
    south = gpd.GeoSeries([line((50, 0), (50, -40))], crs=GK114).to_crs(32649)
    zone = write(tmp_path / "south.gpkg", "rohr", list(south), srid=32649, c=["C"])
    mapping = MAPPING + '\n[[layer]]\nsource = "east"\nholds = "pipes"\nfields = { code = "c" }\n'
    draft = read(west, degrees, zone, mapping=mapping)

    assert joints(draft) == {frozenset("ABC")}
    assert draft.crs == "EPSG:4547,EPSG:32649,EPSG:4326"
    assert draft.metric_srid == GK114
    assert {pipe.code: pipe.length_m for pipe in draft.pipes} == pytest.approx(
        {"A": 50, "B": 49, "C": 40}, abs=0.01
    )


def test_a_layer_that_names_no_system_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "rohr.shp", "rohr", [line((0, 0), (50, 0))], srid=None, c=["A"])

    with pytest.raises(BadNetworkFile, match="names no coordinate system"):
        read(path)
    assert read(path, crs="EPSG:4547").crs == "EPSG:4547"
    local = read(path, crs="local")
    assert (local.crs, local.metric_srid) == ("local", None)
    assert local.pipes[0].line is None
    assert local.pipes[0].length_m == pytest.approx(50)


@pytest.mark.parametrize(
    ("shift_m", "crs", "says"),
    [
        (38_000_000, "EPSG:4547", "begin with zone 38"),
        (0, "EPSG:4526", "have no zone in front"),
        (39_000_000, "EPSG:4526", "begin with zone 39, those of EPSG:4526 begin with 38"),
        (0, "EPSG:4326", "no degrees"),
    ],
)
def test_a_zone_prefix_that_disagrees_is_refused(tmp_path: Path, shift_m: float, crs: str, says: str) -> None:
    moved = shapely.transform(line((0, 0), (50, 0)), lambda xy: np.add(xy, (shift_m, 0)))
    path = write(tmp_path / "rohr.shp", "rohr", [moved], srid=None, c=["A"])

    with pytest.raises(BadNetworkFile, match=says):
        read(path, crs=crs)


def test_prefixed_eastings_are_read_in_their_own_system(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.gpkg", "rohr", [line((0, 0), (50, 0))], c=["A"])
    moved = shapely.transform(line((0, 0), (50, 0)), lambda xy: np.add(xy, (38_000_000, 0)))
    prefixed = write(tmp_path / "b.gpkg", "rohr", [moved], srid=4526, c=["A"])

    one, other = read(plain).pipes[0].line, read(prefixed).pipes[0].line
    assert one is not None
    assert other is not None
    assert shapely.equals_exact(one, other, tolerance=1e-9)


def test_swapped_axes_are_refused_and_read_when_the_mapping_says_so(tmp_path: Path) -> None:
    turned = shapely.transform(line((0, 0), (50, 0)), lambda xy: xy[:, (1, 0)])
    path = write(tmp_path / "net.gpkg", "rohr", [turned], c=["A"])

    with pytest.raises(BadNetworkFile, match="swap_axes"):
        read(path)
    assert read(path, mapping=MAPPING.replace("[[layer]]", "[[layer]]\nswap_axes = true")).pipes[
        0
    ].length_m == pytest.approx(50)


def test_units_codes_and_fixed_values_follow_the_mapping(tmp_path: Path) -> None:
    path = pipes_of(
        tmp_path,
        {
            "A": line((0, 0), (50, 0)),
            "B": line((50, 0), (99, 0)),
            "C": line((50, 0), (50, 9)),
            "D": line((0, 0), (0, 9)),
        },
        size=[6, 8, 12, 6],
        mat=["1", "2", "9", "1"],
        stat=["A", "A", "A", "X"],
    )
    mapping = """
[[layer]]
source = "rohr"
holds = "pipes"
only = { field = "c", not = ["C"] }
[layer.fields]
code = "c"
diameter = { field = "size", unit = "in" }
material = { field = "mat", codes = { 1 = "PVC", 2 = "DI" } }
status = { field = "stat", codes = { A = "in_service", X = "abandoned" } }
pipe_class = { value = "transmission" }
"""
    draft = read(path, mapping=mapping)

    assert [(pipe.code, pipe.diameter_mm, pipe.material, pipe.pipe_class) for pipe in draft.pipes] == [
        ("A", 152, "PVC", "transmission"),
        ("B", 203, "DI", "transmission"),
    ]
    assert reasons(draft) == {"D": "it is abandoned, says the source"}


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ("layer = 3", "at least one"),
        ("[[layer]]\nsource = 'rohr'\nholds = 'ducks'", "holds must be one of"),
        ("[[layer]]\nsource = 'rohr'\nholds = 'pipes'\nfields = { colour = 'c' }", "no such field"),
        ("[[layer]]\nsource = 'rohr'\nholds = 'pipes'\nfields = { code = 'nope' }", "no field 'nope'"),
        ("[[layer]]\nsource = 'elsewhere'\nholds = 'pipes'", "no layer 'elsewhere'"),
        (
            "[[layer]]\nsource = 'rohr'\nholds = 'pipes'\nfields = { diameter = { field = 'c', unit = 'ell' } }",
            "unit 'ell'",
        ),
        ("[[layer", "mapping"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(tmp_path: Path, mapping: str, says: str) -> None:
    path = pipes_of(tmp_path, {"A": line((0, 0), (50, 0))})

    with pytest.raises(BadNetworkMapping, match=says):
        read(path, mapping=mapping)


def test_what_is_proposed_reads_as_it_was_proposed(tmp_path: Path) -> None:
    path = pipes_of(
        tmp_path,
        {f"W{n}": line((n * 50, 0), (n * 50 + 50, 0)) for n in range(6)},
        groesse=[100, 150, 150, 200, 100, 100],
        zeug=["PVC", "PVC", "DI", "DI", "PE", "PVC"],
        gelegt=[1970, 1980, 1999, 2004, 2011, 1970],
    )
    proposal = propose_mapping([path])
    assert not proposal.doubts
    draft = read(path, mapping=proposal.as_toml())

    assert [(pipe.diameter_mm, pipe.material, pipe.install_year) for pipe in draft.pipes[:3]] == [
        (100, "PVC", 1970),
        (150, "PVC", 1980),
        (150, "DI", 1999),
    ]
    assert draft.pipes == read(path).pipes


def test_two_layers_of_lines_that_could_both_be_pipes_are_left_to_a_person(tmp_path: Path) -> None:
    path = write(tmp_path / "x.gpkg", "aa", [line((0, 0), (50, 0))], a=["1"])
    write(path, "bb", [line((0, 9), (50, 9))], a=["1"])

    with pytest.raises(BadNetworkMapping, match="propose-mapping"):
        read(path)


def test_valves_that_isolate_nothing_and_seized_ones_are_told_apart(tmp_path: Path) -> None:
    path = pipes_of(tmp_path, {"A": line((0, 0), (100, 0))})
    write(
        path,
        "valves",
        [point(20, 0), point(40, 0), point(60, 0)],
        id=["V1", "V2", "V3"],
        type=["闸阀", "排气阀", "减压阀"],
        operable=["锈死", "正常", "正常"],
    )
    draft = read(path)

    assert [(valve.code, valve.operable) for valve in draft.valves] == [("V1", Operable.NO)]
    assert [link.code for link in draft.control_links] == ["V3"]
    assert reasons(draft) == {"V2": "air valves isolate nothing"}


# --- files from outside ---------------------------------------------------------------------------------


def test_zips_with_chinese_names_are_read(tmp_path: Path) -> None:
    write(tmp_path / "rohr.shp", "rohr", [line((0, 0), (50, 0))], c=["A"])
    packed = tmp_path / "all.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for suffix in (".shp", ".shx", ".dbf", ".prj"):
            archive.write(tmp_path / f"rohr{suffix}", f"管网/给水管线{suffix.upper()}")
    draft = read(packed)

    assert [pipe.code for pipe in draft.pipes] == ["A"]


def test_a_shapefile_without_its_index_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "rohr.shp", "rohr", [line((0, 0), (50, 0))], c=["A"])
    (tmp_path / "rohr.shx").unlink()

    assert len(read(path).pipes) == 1
    assert not (tmp_path / "rohr.shx").exists()


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    packed = tmp_path / "bomb.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.geojson", b" " * (64 << 20))

    with pytest.raises(NetworkFileTooLarge):
        read(packed)
    with pytest.raises(NetworkFileTooLarge):
        read_network([packed], limits=UploadLimits(unpacked_bytes=1 << 20, ratio=10_000))


@pytest.mark.parametrize("name", ["../out.inp", "/etc/out.inp", "a/../../out.inp"])
def test_a_zip_cannot_write_elsewhere(tmp_path: Path, name: str) -> None:
    packed = tmp_path / "evil.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "[PIPES]")

    with pytest.raises(BadNetworkFile, match="leads out"):
        read(packed)


VRT = """<OGRVRTDataSource><OGRVRTLayer name="pipes"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.vrt", VRT),
        ("a.gpkg", VRT),
        ("a.shp", VRT),
        ("a.geojson", VRT),
        ("a.geojson", '{"type": "gdal_streamed_alg", "command_line": "gdal vector read x"}'),
        ("a.geojson", '{"type": "Topology", "objects": {}}'),
        ("a.zip", "not a zip"),
        ("a.gpkg", "SQLite format 3\x00 but damaged"),
    ],
)
def test_other_formats_are_refused_whatever_they_are_called(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content)

    with pytest.raises(BadNetworkFile):
        read(path)


@pytest.mark.parametrize(
    "name", ["/vsicurl/http://example.org/a.gpkg", "http://example.org/a.geojson", "/dev/zero"]
)
def test_only_plain_local_files_are_opened(name: str) -> None:
    with pytest.raises(BadNetworkFile):
        read(Path(name))


def test_views_of_a_geopackage_are_not_read(tmp_path: Path) -> None:
    path = pipes_of(tmp_path, {"A": line((0, 0), (50, 0))})
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE VIEW pipes_view AS SELECT * FROM rohr")
        connection.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES ('pipes_view', 'features', 'pipes_view', 4547)"
        )
        connection.execute(
            "INSERT INTO gpkg_geometry_columns VALUES ('pipes_view', 'geom', 'LINESTRING', 4547, 0, 0)"
        )

    assert [pipe.code for pipe in read(path).pipes] == ["A"]
