"""Travel tables against networkx on the exported graph: the town, and the centre of Helsinki."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import osmnx as ox
import pytest
import shapely

from gis.coordinates import LonLat
from gis.roads import searching
from gis.roads.graph import E7, RoadGraph
from gis.roads.graphml import write_graphml
from gis.roads.matrix import travel_rows, write_travel_table
from gis.roads.overlay import Roads, Slowed, lines_touching
from gis.roads.places import NamedPlace
from gis.roads.reading import read_extract
from gis.roads.ways import Ways
from gis.synthetic.streets import DEFAULT_EXTRACT
from tests.gis.roads.judge import Judge
from tests.town import Town, town_roads

SEED = 4


@pytest.fixture(scope="module")
def helsinki() -> RoadGraph:
    return read_extract(DEFAULT_EXTRACT).graph


@pytest.fixture(scope="module", params=["town", "helsinki"])
def graph(request: pytest.FixtureRequest) -> RoadGraph:
    return town_roads() if request.param == "town" else request.getfixturevalue("helsinki")


@pytest.fixture(scope="module")
def exported(graph: RoadGraph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("roads") / "roads.graphml"
    write_graphml(graph, path)
    return path


def places(graph: RoadGraph, count: int, seed: int) -> list[NamedPlace]:
    """Places along edges, beside them, at junctions and beyond the last house."""
    rng = np.random.default_rng(seed)
    found = []
    for number, edge in enumerate(rng.integers(graph.edge_count, size=count).tolist()):
        (line,) = graph.shapes(np.array([edge]))
        at = line.interpolate(rng.uniform(0.02, 0.98), normalized=True)
        if number % 4 == 1:
            at = shapely.Point(at.x + rng.normal(0, 3e-4), at.y + rng.normal(0, 3e-4))
        elif number % 4 == 2:
            at = shapely.Point(line.coords[0])
        found.append(NamedPlace(f"p{number}", LonLat(lon=at.x, lat=at.y)))
    return found


def closed_area(graph: RoadGraph, shut: list[NamedPlace]) -> Any:
    """Some blocks, and the streets on which some places stand."""
    rng = np.random.default_rng(SEED)
    spots = graph.shapes(rng.integers(graph.edge_count, size=6))
    blocks = [line.interpolate(0.5, normalized=True).buffer(rng.uniform(1e-4, 1e-3)) for line in spots]
    return shapely.union_all([*blocks, *(one.place.as_point().buffer(2e-5) for one in shut)])


def compare(
    roads: Roads, judge: Judge, origins: list[NamedPlace], destinations: list[NamedPlace]
) -> tuple[int, int]:
    """Hold every pair against the judge; tell how many have a way and how many none."""
    expected = judge.table(
        {one.id: (one.place.lon, one.place.lat) for one in origins},
        {one.id: (one.place.lon, one.place.lat) for one in destinations},
    )
    there = 0
    for row in travel_rows(roads, [one.place for one in origins], [one.place for one in destinations]):
        for destination, seconds, metres in zip(destinations, row.seconds, row.metres, strict=True):
            told = expected[origins[row.origin].id, destination.id]
            if told is None:
                assert not np.isfinite(seconds), (origins[row.origin], destination)
                continue
            there += 1
            assert seconds == pytest.approx(told[0], abs=1e-3), (origins[row.origin], destination)
            if roads.graph.node_count > 100:  # on the town's grid many ways take equally long
                assert metres == pytest.approx(told[1], abs=0.05)
    return there, len(expected) - there


@pytest.mark.parametrize(("origins", "destinations"), [(6, 24), (24, 6)])
def test_tables_equal_networkx_from_the_smaller_side_whichever_it_is(graph, exported, origins, destinations):
    there, stranded = compare(
        Roads.without_closures(graph),
        Judge(exported),
        places(graph, origins, SEED),
        places(graph, destinations, SEED + 1),
    )
    assert (there, stranded) == (144, 0)


def test_tables_with_closed_areas_equal_networkx_without_the_edges_that_touch_them(graph, exported):
    origins, destinations = places(graph, 12, SEED + 2), places(graph, 16, SEED + 3)
    area = closed_area(graph, [origins[0], destinations[4]])
    shut = lines_touching(graph, area)
    roads = Roads.without_closures(graph).slowed([Slowed(shut, float("inf"))])
    judge = Judge(exported, area)
    edge_s = roads.seconds_of(np.arange(graph.edge_count))
    assert set(np.flatnonzero(np.isinf(edge_s)).tolist()) == set(judge_edges(graph, judge))
    there, stranded = compare(roads, judge, origins, destinations)
    assert there > 40
    assert stranded >= 12 + 16 - 1  # nothing moves on a closed street


def judge_edges(graph: RoadGraph, judge: Judge) -> list[int]:
    """Our numbers of the edges the judge holds for closed: the export counts parallel edges in our order."""
    numbers, parallel = {}, {}
    for edge in range(graph.edge_count):
        pair = (int(graph.node_id[graph.edge_u[edge]]), int(graph.node_id[graph.edge_v[edge]]))
        numbers[(*pair, parallel.get(pair, 0))] = edge
        parallel[pair] = parallel.get(pair, 0) + 1
    return [numbers[judge.edges[number][:3]] for number in judge.closed]


def test_several_small_batches_give_the_same_as_one(graph, monkeypatch):
    roads = Roads.without_closures(graph)
    origins, destinations = ([one.place for one in places(graph, count, SEED + count)] for count in (5, 7))
    whole = [row.seconds.tolist() for row in travel_rows(roads, origins, destinations)]
    monkeypatch.setattr(searching, "BATCH_BYTES", 1)
    assert [row.seconds.tolist() for row in travel_rows(roads, origins, destinations)] == whole


def test_osmnx_finds_the_same_ways(helsinki, tmp_path):
    """200 pairs of junctions: osmnx's shortest path by travel time takes as long and is as far."""
    write_graphml(helsinki, tmp_path / "helsinki.graphml")
    judge = ox.load_graphml(tmp_path / "helsinki.graphml")
    roads = Roads.without_closures(helsinki)
    rng = np.random.default_rng(SEED)

    def place(node: int) -> LonLat:
        return LonLat(lon=helsinki.node_lon_e7[node] / E7, lat=helsinki.node_lat_e7[node] / E7)

    for start, end in rng.integers(helsinki.node_count, size=(200, 2)).tolist():
        path = ox.shortest_path(
            judge, int(helsinki.node_id[start]), int(helsinki.node_id[end]), weight="travel_time"
        )
        (travel,) = Ways(roads, [place(start)], place(end)).travels()
        if len(path) < 2:
            assert travel.seconds == 0.0
            continue
        driven = ox.routing.route_to_gdf(judge, path, weight="travel_time")
        assert travel.seconds == pytest.approx(driven["travel_time"].sum(), abs=1e-6)
        assert travel.metres == pytest.approx(driven["length"].sum(), abs=1e-3)


def test_the_export_is_osmnxs_own_form(graph, exported):
    judge = ox.load_graphml(exported)
    assert isinstance(judge, nx.MultiDiGraph)
    assert judge.graph["simplified"] is True
    assert (len(judge), judge.number_of_edges()) == (graph.node_count, graph.edge_count)
    nodes, edges = ox.graph_to_gdfs(judge)
    assert nodes.loc[graph.node_id, "x"].tolist() == (graph.node_lon_e7 / E7).tolist()
    assert nodes.loc[graph.node_id, "y"].tolist() == (graph.node_lat_e7 / E7).tolist()
    assert edges["travel_time"].sum() == pytest.approx(graph.edge_time_s.sum())
    assert edges["length"].sum() == pytest.approx(graph.edge_length_m.sum())
    assert (edges["oneway"].sum(), edges["reversed"].sum()) == (
        (graph.edge_reverse < 0).sum(),
        (graph.edge_reverse >= 0).sum() // 2,
    )
    for (u, v, _), line in edges.geometry.items():
        assert line.coords[0] == (nodes.x[u], nodes.y[u])
        assert line.coords[-1] == (nodes.x[v], nodes.y[v])
    again = ox.load_graphml(save(judge, exported.with_suffix(".again")))
    assert sorted(again.edges(keys=True)) == sorted(judge.edges(keys=True))
    assert len(ox.convert.to_undirected(judge).edges) == len(graph.lines.edge)


def save(judge: nx.MultiDiGraph, path: Path) -> Path:
    ox.save_graphml(judge, path)
    return path


def test_names_with_any_signs_survive_the_export(tmp_path):
    graph = town_roads()
    names = ('<Mill> & "Co"', *graph.names[1:])
    object.__setattr__(graph, "names", names)
    write_graphml(graph, tmp_path / "town.graphml")
    judge = ox.load_graphml(tmp_path / "town.graphml")
    assert {data["name"] for _, _, data in judge.edges(data=True)} == set(names)


# --- special places --------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., dict[tuple[str, str], tuple[str, str]]]:
    def table(roads: Roads, origins: list[LonLat], destinations: list[LonLat]) -> Any:
        path = tmp_path / "table.csv"
        write_travel_table(
            roads,
            [NamedPlace(f"a{i}", one) for i, one in enumerate(origins)],
            [NamedPlace(f"b{i}", one) for i, one in enumerate(destinations)],
            path,
        )
        with path.open(newline="") as file:
            rows = list(csv.reader(file))
        assert rows[0] == ["from_id", "to_id", "seconds", "metres"]
        return {(start, end): (seconds, metres) for start, end, seconds, metres in rows[1:]}

    return table


def shut(roads: Roads, *spots: LonLat) -> Roads:
    area = shapely.union_all([spot.as_point().buffer(1e-5) for spot in spots])
    return roads.slowed([Slowed(lines_touching(roads.graph, area), float("inf"))])


def test_nothing_moves_on_a_closed_street_but_its_junctions_stay(table):
    """H20 on Mill Street is closed: its middle is cut off, and from J20 to J30 it is 8 + 10 + 8 s round by Church Street."""
    roads = shut(Roads.without_closures(town_roads()), Town.on_pipe("H20", 50.0))
    on_it, west, east = Town.on_pipe("H20", 30.0), Town.junction(2, 0), Town.junction(3, 0)
    found = table(roads, [on_it, west], [on_it, west, east, Town.on_pipe("H20", 60.0)])
    assert found["a0", "b0"] == ("0.000", "0.000")
    assert found["a0", "b1"] == found["a0", "b3"] == found["a1", "b0"] == ("", "")
    assert found["a1", "b1"] == ("0.000", "0.000")
    assert float(found["a1", "b2"][0]) == pytest.approx(26.0, abs=0.01)
    assert float(found["a1", "b2"][1]) == pytest.approx(260.0, abs=0.1)


def test_a_closed_area_that_only_touches_a_junction_closes_every_street_there():
    graph = town_roads()
    touched = lines_touching(graph, Town.junction(3, 3).as_point().buffer(1e-6))
    ends = {
        tuple(sorted((int(graph.edge_u[one]), int(graph.edge_v[one])))) for one in graph.lines.edge[touched]
    }
    assert ends == {(23, 24), (24, 25), (17, 24), (24, 31)}
    assert not len(lines_touching(graph, shapely.MultiPolygon()))


def test_no_places_give_a_table_with_its_head_alone(table):
    roads = Roads.without_closures(town_roads())
    assert table(roads, [], [Town.junction(0, 0)]) == {}


def test_a_place_on_another_side_of_the_earth_has_no_way(table):
    roads = Roads.without_closures(town_roads())
    found = table(roads, [LonLat(lon=147.0, lat=-40.0)], [Town.junction(0, 0)])
    assert found == {("a0", "b0"): ("", "")}
    assert Ways(roads, [LonLat(lon=147.0, lat=-40.0)], Town.junction(0, 0)).travels()[0].seconds is None
