"""`./mainline roads`: what it takes, what it writes, and how it refuses."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import osmnx as ox
import pytest
import shapely
from sqlalchemy import URL, create_engine, select
from sqlalchemy.orm import Session

from app import cli
from gis.models import RoadEdge, RoadGraph
from gis.roads.storing import store_road_graph
from gis.synthetic.streets import DEFAULT_EXTRACT
from tests.town import Town, town_roads


@pytest.fixture
def workspace(cloned_database: URL, monkeypatch: pytest.MonkeyPatch, open_folder: Path) -> Iterator[Session]:
    """A fresh workspace in a state folder of its own."""
    monkeypatch.setenv("MAINLINE_STATE", str(open_folder / "state"))
    monkeypatch.setenv("DATABASE_URL", cloned_database.render_as_string(hide_password=False))
    engine = create_engine(cloned_database)
    with Session(engine) as session:
        yield session
    engine.dispose()


def written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_an_extract_becomes_the_road_graph_of_a_workspace_without_a_network(workspace, capsys, tmp_path):
    assert cli.main(["roads", "import", str(DEFAULT_EXTRACT), "--json"]) == 0
    out = capsys.readouterr().out
    told = json.loads(out)
    assert out.count("\n") == 1
    assert list(told) == ["nodes", "edges", "names", "km", "version", "seconds"]
    assert told["version"] == 1
    assert (told["nodes"], told["edges"]) == workspace.execute(
        select(RoadGraph.node_count, RoadGraph.edge_count).where(RoadGraph.is_current)
    ).one()
    assert "Lönnrotinkatu" in workspace.scalars(select(RoadEdge.name).distinct()).all()
    assert cli.main(["roads", "export", str(tmp_path / "out.graphml")]) == 0
    assert len(ox.load_graphml(tmp_path / "out.graphml")) == told["nodes"]


def test_another_import_takes_the_place_of_the_first(workspace, capsys):
    store_road_graph(workspace, town_roads(), source="town")
    workspace.commit()
    assert cli.main(["roads", "import", str(DEFAULT_EXTRACT)]) == 0
    ((version, edges),) = workspace.execute(select(RoadGraph.version, RoadGraph.edge_count)).all()
    assert version == 2
    assert workspace.query(RoadEdge).count() == edges
    assert "version 2" in capsys.readouterr().out


def test_a_bad_extract_leaves_the_roads_as_they_were(workspace, capsys, tmp_path):
    store_road_graph(workspace, town_roads(), source="town")
    workspace.commit()
    for content in (b"", b"no extract at all", DEFAULT_EXTRACT.read_bytes()[:50_000]):
        path = tmp_path / "bad.osm.pbf"
        path.write_bytes(content)
        assert cli.main(["roads", "import", str(path)]) == 3
        assert capsys.readouterr().err.splitlines()[-1].startswith("mainline: bad.osm.pbf: ")
    assert cli.main(["roads", "import", str(tmp_path / "none.pbf")]) == 3
    assert workspace.scalar(select(RoadGraph.source)) == "town"


@pytest.fixture
def town_workspace(workspace: Session) -> Session:
    store_road_graph(workspace, town_roads(), source="town")
    workspace.commit()
    return workspace


def lines_of(**places) -> str:
    return "id,lon,lat\n" + "".join(f"{name},{at.lon},{at.lat}\n" for name, at in places.items())


@pytest.mark.usefixtures("town_workspace")
def test_the_matrix_has_a_row_for_every_pair(tmp_path):
    origins = written(tmp_path / "a.csv", lines_of(crew=Town.junction(0, 0), 王=Town.on_pipe("H20", 30.0)))
    destinations = written(tmp_path / "b.csv", lines_of(site=Town.on_pipe("H20", 70.0)))
    closed = written(
        tmp_path / "closed.geojson",
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "properties": {},
                        "geometry": json.loads(
                            shapely.to_geojson(Town.on_pipe("H10", 50.0).as_point().buffer(1e-5))
                        ),
                    }
                ],
            }
        ),
    )
    out = tmp_path / "out.csv"
    matrix = ["roads", "matrix", "--from", origins, "--to", destinations, "--out", str(out)]
    assert cli.main(matrix) == 0
    assert rows(out) == [("crew", "site", 27.0, 270.0), ("王", "site", 4.0, 40.0)]
    assert cli.main([*matrix, "--closed", closed]) == 0  # round by Church Street
    assert rows(out) == [("crew", "site", 43.0, 430.0), ("王", "site", 4.0, 40.0)]


def rows(path: Path) -> list[tuple[str, str, float, float]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            (one["from_id"], one["to_id"], round(float(one["seconds"]), 1), round(float(one["metres"]), 0))
            for one in csv.DictReader(file)
        ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: the column id is missing; id, lon, lat are needed"),
        ("id,lon\n1,2\n", "line 1: the column lat is missing; id, lon, lat are needed"),
        ("id,lon,lat\na,1,2\nb,1\n", "line 3: has 2 values, fewer than the first line"),
        ("id,lon,lat\na,1,north\n", "line 2: lon '1' and lat 'north' are no numbers"),
        (
            "id,lon,lat\na,1,91\n",
            "line 2: lon 1 and lat 91: Longitude must lie in -180..180 and latitude in -90..90.",
        ),
        (
            "id,lon,lat\na,nan,1\n",
            "line 2: lon nan and lat 1: Longitude must lie in -180..180 and latitude in -90..90.",
        ),
        ("id,lon,lat\na,1,1\n\na,2,2\n", "line 4: the id a stands there twice"),
        ("id,lon,lat\n,1,1\n", "line 2: the id is empty"),
        ('id,lon,lat\n"a,1,1\n', "line 2: unexpected end of data"),
    ],
)
@pytest.mark.usefixtures("town_workspace")
def test_a_bad_list_of_places_is_refused_with_its_line(tmp_path, capsys, text, told):
    good = written(tmp_path / "good.csv", lines_of(here=Town.junction(0, 0)))
    bad, out = written(tmp_path / "bad.csv", text), tmp_path / "out.csv"
    assert cli.main(["roads", "matrix", "--from", good, "--to", bad, "--out", str(out)]) == 3
    assert capsys.readouterr().err.splitlines()[-1] == f"mainline: {bad}: {told}"
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "line 1: is no JSON: Expecting property name enclosed in double quotes"),
        ("[]", "is no GeoJSON of polygons"),
        ('{"type": "FeatureCollection"}', "has no list of features"),
        ('{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": null}]}', "feature 1: its geometry is no polygon"),
        ('{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}}', "feature 1: its geometry is no polygon"),
        ('{"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]]}', "its polygon is not valid: Self-intersection[0.5 0.5]"),
        ('{"type": "Polygon", "coordinates": [[[0, 0], ["a", 1], [0, 1], [0, 0]]]}', "its coordinates are no polygon"),
        ('{"type": "Polygon", "coordinates": [[[0, 0], [500000, 1], [0, 1], [0, 0]]]}', "longitude and latitude in degrees are needed"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("town_workspace")
def test_bad_closed_areas_are_refused_with_their_feature(tmp_path, capsys, text, told):
    good = written(tmp_path / "good.csv", lines_of(here=Town.junction(0, 0)))
    bad, out = written(tmp_path / "bad.geojson", text), tmp_path / "out.csv"
    assert (
        cli.main(["roads", "matrix", "--from", good, "--to", good, "--closed", bad, "--out", str(out)]) == 3
    )
    error = capsys.readouterr().err
    assert error.startswith(f"mainline: {bad}: {told}")
    assert error.count("\n") == 1
    assert not out.exists()


def test_without_roads_there_is_nothing_to_give_out(workspace, tmp_path, capsys):
    good = written(tmp_path / "good.csv", lines_of(here=Town.junction(0, 0)))
    for arguments in (
        ["roads", "export", str(tmp_path / "out.graphml")],
        ["roads", "matrix", "--from", good, "--to", good, "--out", str(tmp_path / "out.csv")],
    ):
        assert cli.main(arguments) == 3
        assert "No road graph is loaded yet" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.usefixtures("town_workspace")
def test_a_file_that_cannot_be_written_is_told_in_one_line(tmp_path, capsys):
    out = tmp_path / "no folder" / "out.graphml"
    assert cli.main(["roads", "export", str(out)]) == 3
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"mainline: {out}: cannot be written")


@pytest.mark.usefixtures("town_workspace")
def test_nothing_is_left_of_a_file_that_was_not_finished(tmp_path, capsys):
    """A folder stands where the file is to be: everything is written, and cannot take its name."""
    good = written(tmp_path / "good.csv", lines_of(here=Town.junction(0, 0)))
    out = tmp_path / "out"
    out.mkdir()
    for arguments in (
        ["roads", "export", str(out)],
        ["roads", "matrix", "--from", good, "--to", good, "--out", str(out)],
    ):
        assert cli.main(arguments) == 3
        assert capsys.readouterr().err.splitlines()[-1].startswith(f"mainline: {out}: cannot be written")
        assert sorted(one.name for one in tmp_path.glob("*out*")) == ["out"]


@pytest.mark.usefixtures("town_workspace")
def test_only_line_ends_end_a_line_of_places(tmp_path):
    places = written(tmp_path / "places.csv", lines_of(**{"the\u2028corner": Town.junction(0, 0)}))
    out = tmp_path / "out.csv"
    assert cli.main(["roads", "matrix", "--from", places, "--to", places, "--out", str(out)]) == 0
    assert rows(out) == [("the\u2028corner", "the\u2028corner", 0.0, 0.0)]


@pytest.mark.parametrize("arguments", [[], ["import"], ["matrix", "--from", "a.csv"], ["export"], ["drive"]])
def test_wrong_arguments_end_with_status_2(arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main(["roads", *arguments])
    assert ended.value.code == 2
