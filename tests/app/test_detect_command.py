"""`./mainline detect replay`: what it reads, what it writes, and how it refuses."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app import cli

START = datetime(2026, 3, 2, tzinfo=UTC)
COLUMNS = "report_id,reported_at,category,lon,lat,location_quality,customer_id,address_id"
LON, LAT, EAST = 108.9, 34.2, 0.001  # a main of some 92 m
MAINS, HOUSES = 20, 30


def place(main: float) -> list[float]:
    return [round(LON + main * EAST, 7), LAT]


def features(path: Path, some) -> None:
    rows = [{"type": "Feature", "geometry": {"coordinates": at}, "properties": one} for at, one in some]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}))


def row(name: str, hours: float, main: int, house: int, category: str = "no_water") -> str:
    at = (START + timedelta(hours=hours)).isoformat()
    lon, lat = place(main + (house + 0.5) / HOUSES)
    return f"{name},{at},{category},{lon},{lat},roof,C{main * HOUSES + house},A{main * HOUSES + house}"


def lines(path: Path, header: str, rows) -> None:
    path.write_text("\n".join([header, *rows]) + "\n")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """One street fed from both ends, five calls of one break, a stranger; nothing of a truth."""
    folder = tmp_path / "bundle"
    net = folder / "network"
    net.mkdir(parents=True)
    nodes = [
        (place(at), {"node_id": f"N{at}", "zone": 0, "source": at in (0, MAINS)}) for at in range(MAINS + 1)
    ]
    features(net / "nodes.geojson", nodes)
    pipes = [
        (
            [place(at), place(at + 1)],
            {"pipe_id": f"P{at}", "from_node": f"N{at}", "to_node": f"N{at + 1}", "zone": 0},
        )
        for at in range(MAINS)
    ]
    features(net / "pipes.geojson", pipes)
    ends = [(at, end) for at in range(MAINS) for end in (0, 1)]
    features(
        net / "valves.geojson",
        [
            (place(at), {"valve_id": f"V{at}{end}", "pipe_id": f"P{at}", "node_id": f"N{at + end}"})
            for at, end in ends
        ],
    )
    houses = [(main, house) for main in range(MAINS) for house in range(HOUSES)]
    lines(
        net / "customers.csv",
        "customer_id,address_id,lon,lat,pipe_id",
        [
            f"C{m * HOUSES + h},A{m * HOUSES + h},{place(m + (h + 0.5) / HOUSES)[0]},{LAT},P{m}"
            for m, h in houses
        ],
    )
    lines(folder / "planned_works.csv", "work_id,starts_at,ends_at,pipe_ids", [])
    lines(
        folder / "history.csv", COLUMNS, [row(f"H{at}", 11.0 * at - 700, at % MAINS, 3) for at in range(40)]
    )
    lines(
        folder / "reports.csv",
        COLUMNS,
        [row(f"R{at}", 50 + 0.1 * at, 6, 5 * at) for at in range(5)] + [row("R9", 60.0, 17, 3, "other")],
    )
    return folder


def replayed(bundle: Path, capsys) -> tuple[dict[str, dict[str, str]], str]:
    out = bundle.parent / "run"
    assert cli.main(["detect", "replay", str(bundle), "--out", str(out), "--json"]) == 0
    said = capsys.readouterr()
    assert said.out.count("\n") == 1
    assert {one.name for one in out.iterdir()} == {"assignments.csv", "alarms.csv", "explanations.jsonl"}
    with (out / "assignments.csv").open(newline="") as file:
        return {one["report_id"]: one for one in csv.DictReader(file)}, said.err


def test_a_break_is_one_incident_with_an_alarm_and_a_reason_for_every_call(bundle, capsys):
    stands, _ = replayed(bundle, capsys)
    assert {stands[f"R{at}"]["incident_id"] for at in range(5)} == {"R0"}
    assert stands["R9"]["incident_id"] == "R9"
    run = bundle.parent / "run"
    ((alarm),) = list(csv.DictReader((run / "alarms.csv").open(newline="")))
    assert alarm["incident_id"] == "R0"
    named = alarm["report_ids"].split()
    assert datetime.fromisoformat(alarm["raised_at"]) >= START + timedelta(hours=50 + 0.1 * (len(named) - 1))
    told = [json.loads(line) for line in (run / "explanations.jsonl").read_text().splitlines()]
    assert [one["report_id"] for one in told] == ["R0", "R1", "R2", "R3", "R4", "R9"]
    assert all(one["reason"] and one["decision"] for one in told)
    assert told[4]["on_arrival"]["weighed"][0]["incident_id"] == "R0"


def test_without_history_or_works_it_goes_on_and_says_so(bundle, capsys):
    (bundle / "history.csv").unlink()
    (bundle / "planned_works.csv").unlink()
    stands, said = replayed(bundle, capsys)
    assert len(stands) == 6
    assert "history.csv is not there" in said
    assert "planned_works.csv is not there" in said


def test_no_reports_leave_files_without_rows(bundle, capsys):
    lines(bundle / "reports.csv", COLUMNS, [])
    assert replayed(bundle, capsys)[0] == {}


def test_rows_out_of_order_unknown_customers_and_categories_are_told_and_taken(bundle, capsys):
    rows = (bundle / "reports.csv").read_text().splitlines()[1:]
    strange = row("R7", 70.0, 2, 2, "meter")
    nobody = row("R8", 71.0, 3, 2).replace(",C92,A92", ",C999999,")
    lines(bundle / "reports.csv", COLUMNS, [*rows[1:], rows[0], strange, nobody])
    stands, said = replayed(bundle, capsys)
    assert {stands[f"R{at}"]["incident_id"] for at in range(5)} == {"R0"}
    assert set(stands) >= {"R7", "R8"}
    for what in ("1 out of order, taken in order of time, the first R0", "the first R7", "the first R8"):
        assert what in said


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "reports.csv",
            COLUMNS,
            COLUMNS.replace("category", "kind"),
            "line 1: the column category is missing",
        ),
        ("reports.csv", "R3,", "R2,", "line 5: the report_id 'R2' is empty or stands there twice"),
        ("reports.csv", "+00:00,no_water", ",no_water", "line 2: '2026-03-04T02:00:00' lacks its offset"),
        ("reports.csv", ",roof,", ",moon,", "line 2: location_quality 'moon'"),
        ("reports.csv", ",34.2,", ",134.2,", "line 2: lon"),
        ("network/pipes.geojson", '"N3"', '"N99"', "'N99' is named or needed by another file"),
        ("network/nodes.geojson", "{", "(", "is no GeoJSON"),
        ("network/customers.csv", "customer_id", "kunde", "the column customer_id is missing"),
    ],
)
def test_a_broken_bundle_is_refused_in_one_line_and_nothing_is_written(bundle, capsys, file, old, new, said):
    path = bundle / file
    path.write_text(path.read_text().replace(old, new))
    out = bundle.parent / "run"
    assert cli.main(["detect", "replay", str(bundle), "--out", str(out)]) == 3
    last = capsys.readouterr().err.splitlines()[-1]
    assert path.name in last or "network" in last
    assert said in last
    assert not out.exists()


@pytest.mark.parametrize("missing", ["reports.csv", "network/valves.geojson", "."])
def test_a_missing_file_is_named(bundle, capsys, missing):
    if missing == ".":
        bundle = bundle / "nowhere"
    else:
        (bundle / missing).unlink()
    assert cli.main(["detect", "replay", str(bundle), "--out", str(bundle.parent / "run")]) == 3
    assert "no such f" in capsys.readouterr().err.splitlines()[-1]
