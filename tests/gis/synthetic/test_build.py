"""A whole invented utility, over a small real extract."""

import json
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.coordinates import metric_plane
from gis.errors import BadBundle, BadExtract
from gis.models import CustomerClass
from gis.synthetic import chance
from gis.synthetic.build import build_city
from gis.synthetic.bundle import MANIFEST, read_bundle, read_manifest
from gis.synthetic.naming import StreetNamer, invented, phones
from gis.synthetic.terrain import elevation_m
from tests.gis.synthetic.conftest import SMALL_EXTRACT


def test_two_builds_are_the_same_bytes(bundle, tmp_path):
    """In another process, so that nothing rests on its hash seed or the order of its sets."""
    again = tmp_path / "again"
    program = (
        "from pathlib import Path; from gis.synthetic.build import build_city; "
        f"build_city(Path({str(SMALL_EXTRACT)!r}), Path({str(again)!r}), name='Suburb')"
    )
    subprocess.run(
        [sys.executable, "-c", program], check=True, env={"PYTHONHASHSEED": "7"}, capture_output=True
    )
    files = sorted(file.name for file in bundle.iterdir())
    assert files == ["city.inp", "city.npz", "manifest.json", "roads.npz"]
    for name in files:
        assert (again / name).read_bytes() == (bundle / name).read_bytes(), name


def test_what_was_built_is_what_is_read(city, bundle):
    counts = read_manifest(bundle)["counts"]
    assert counts["pipes"] == len(city.pipes.code) == len(city.pipes.shape)
    assert counts["customers"] == len(city.accounts.account_no) == len(city.accounts.phone)
    assert counts["valves"] == len(city.valves.pipe)
    assert counts["addresses"] == len(city.addresses.text)


def test_epanet_found_enough_pressure(city):
    figures = city.manifest["hydraulics"]
    assert figures["share_enough"] >= 0.95
    assert figures["p5_m"] >= 20.0
    assert figures["junctions"] == city.manifest["counts"]["junctions"]


def test_every_main_is_fed_by_a_source(city):
    pipes, nodes = city.pipes, city.nodes
    graph = nx.Graph()
    shut = {
        (pipe, bool(end))
        for pipe, end, closed in zip(
            city.valves.pipe.tolist(), city.valves.at_end.tolist(), city.valves.closed.tolist(), strict=True
        )
        if closed
    }
    for pipe, (a, b, closed) in enumerate(
        zip(pipes.start.tolist(), pipes.end.tolist(), pipes.closed.tolist(), strict=True)
    ):
        graph.add_nodes_from([a, b])
        if not closed and (pipe, False) not in shut and (pipe, True) not in shut:
            graph.add_edge(a, b)
    sources = {index for index, kind in enumerate(nodes.kind) if kind != "junction"}
    assert all(component & sources for component in nx.connected_components(graph))


def test_lengths_are_metres_on_the_ground(city):
    plane = metric_plane(city.manifest["srid"])
    drawn = shapely.length(plane.project(city.pipes.shape.geometries()))
    assert np.allclose(drawn, city.pipes.length_m, rtol=1e-3, atol=0.1)


def test_pipes_end_at_their_nodes(city):
    lines = city.pipes.shape.geometries()
    for ends, at in ((city.pipes.start, 0), (city.pipes.end, -1)):
        points = shapely.get_coordinates(shapely.get_point(lines, at))
        assert np.abs(points[:, 0] - city.nodes.lon[ends]).max() < 2e-7
        assert np.abs(points[:, 1] - city.nodes.lat[ends]).max() < 2e-7


def test_valves_leave_segments_of_several_mains(city):
    per_pipe = len(city.valves.pipe) / len(city.pipes.code)
    assert 0.2 < per_pipe < 0.9
    operable = Counter(city.valves.operable)
    assert operable["no"] > 0
    assert operable["yes"] > 5 * operable["no"]


def test_zone_borders_are_shut(city):
    across = city.nodes.zone[city.pipes.start] != city.nodes.zone[city.pipes.end]
    closed = {
        pipe
        for pipe, shut in zip(city.valves.pipe.tolist(), city.valves.closed.tolist(), strict=True)
        if shut
    }
    assert across.any()
    assert set(np.flatnonzero(across).tolist()) == closed


def test_house_numbers_are_unique_and_parted_by_side(city):
    doors = list(zip(city.addresses.street.tolist(), city.addresses.number, strict=True))
    assert len(doors) == len(set(doors))
    assert all(
        str(ordinal) in number
        for ordinal, number in zip(city.addresses.ordinal.tolist(), city.addresses.number, strict=True)
    )


def test_customers_are_tapped_on_the_main_they_name(city):
    plane = metric_plane(city.manifest["srid"])
    connections = city.connections
    lines = plane.project(city.pipes.shape.geometries()[connections.pipe])
    service = plane.project(connections.shape.geometries())
    tap = shapely.get_point(service, 0)
    assert shapely.distance(lines, tap).max() < 0.1
    assert np.allclose(shapely.line_locate_point(lines, tap), connections.chainage_m, atol=0.5)
    assert shapely.length(service).max() <= 121.0


def test_accounts_are_unique_and_reachable_on_fictitious_numbers(city):
    accounts = city.accounts
    assert len(set(accounts.account_no)) == len(accounts.account_no)
    assert len(set(accounts.phone)) == len(accounts.phone)
    assert all(phone.startswith("+1555") and len(phone) == 12 for phone in accounts.phone)
    assert {CustomerClass.HOSPITAL, CustomerClass.DIALYSIS, CustomerClass.SCHOOL} <= {
        CustomerClass(one) for one in accounts.customer_class
    }
    assert any(name[0] > "\u4e00" for name in accounts.name)
    assert any(name.isascii() for name in accounts.name)


def test_the_area_holds_everything(city):
    area = city.area.shape.geometries()[0]
    shapely.prepare(area)
    assert shapely.intersects_xy(area, city.nodes.lon, city.nodes.lat).all()
    assert shapely.intersects_xy(area, city.addresses.lon, city.addresses.lat).all()


def test_every_road_leads_everywhere(city):
    graph = city.roads
    judge = nx.DiGraph(zip(graph.edge_u.tolist(), graph.edge_v.tolist(), strict=True))
    assert nx.is_strongly_connected(judge)
    assert (graph.edge_time_s > 0).all()
    drawn = [list(shape.coords) for shape in graph.shapes(np.arange(graph.edge_count))]
    for edge in range(graph.edge_count):
        reverse = int(graph.edge_reverse[edge])
        if reverse >= 0:
            assert graph.edge_reverse[reverse] == edge
            assert drawn[edge] == drawn[reverse][::-1]
        assert abs(drawn[edge][0][0] - graph.node_lon_e7[graph.edge_u[edge]] / 1e7) < 1e-9


# --- bad input -------------------------------------------------------------------------------------


def test_a_missing_extract_is_named(tmp_path):
    with pytest.raises(BadExtract, match=r"nowhere\.osm\.pbf"):
        build_city(tmp_path / "nowhere.osm.pbf", tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"no extract at all" * 100, SMALL_EXTRACT.read_bytes()[:5000]])
def test_a_damaged_extract_is_refused_and_nothing_is_left(tmp_path, content):
    file = tmp_path / "damaged.osm.pbf"
    file.write_bytes(content)
    with pytest.raises(BadExtract, match="damaged"):
        build_city(file, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_bundle_is_refused(bundle, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in bundle.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "roads.npz").write_bytes(b"torn")
    with pytest.raises(BadBundle, match=r"roads\.npz"):
        read_bundle(copy)
    (copy / MANIFEST).write_text(json.dumps({"format": 0}))
    with pytest.raises(BadBundle, match="another version"):
        read_manifest(copy)
    with pytest.raises(BadBundle):
        read_manifest(tmp_path)


# --- parts -----------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50))
def test_chance_is_a_function_of_the_id(numbers):
    keys = np.array(numbers, dtype=np.uint64)
    first = chance.share(keys, "a")
    assert ((first >= 0) & (first < 1)).all()
    assert (chance.share(keys[::-1], "a")[::-1] == first).all()
    assert (chance.choice(keys, "a", 7) < 7).all()


def test_chance_is_even():
    drawn = chance.share(np.arange(100_000, dtype=np.uint64), "even")
    assert np.abs(np.histogram(drawn, bins=10, range=(0, 1))[0] / 10_000 - 1).max() < 0.05


def test_invented_words_do_not_repeat():
    words = [invented(number) for number in range(40_000)]
    assert len(set(words)) == len(words)


def test_streets_are_named_as_their_neighbours_are():
    namer = StreetNamer(["Rua do Almada", "Rua de Avis", "Largo dos Loios"])
    assert all(namer.name().startswith("Rua ") for _ in range(5))
    assert StreetNamer([]).name().endswith(" Street")


def test_phones_are_all_different():
    assert len(set(phones(300_000))) == 300_000


def test_the_ground_is_smooth_and_above_the_sea():
    x = np.arange(0.0, 40_000.0, 10.0)
    height = elevation_m(x + 500_000.0, np.full(len(x), 4_500_000.0))
    assert height.min() > 0.0
    assert max(abs(b - a) for a, b in pairwise(height.tolist())) < 1.0
