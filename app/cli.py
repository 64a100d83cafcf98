"""The command line: what can be asked for, and which module answers.

Standard library only, and a command's module is imported when it is asked for: `status` stays quick and works before anything is installed.
"""

import argparse
import importlib
import sys
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from app.provision.errors import ProvisionError


class Provides(Enum):
    """What must be installed before a command runs."""

    NOTHING = auto()
    RUN = auto()
    TEST = auto()


DATUMS = ("wgs84", "gcj02", "bd09")


@dataclass(frozen=True, slots=True)
class Command:
    """A command: the module with `run(arguments) -> int`, what it needs installed, the workspace it means by default."""

    module: str
    provides: Provides = Provides.RUN
    workspace: str | None = "main"


COMMANDS = {
    "demo": Command("app.demo.command", workspace="demo"),
    "test": Command("app.commands.test", Provides.TEST),
    "up": Command("app.commands.up"),
    "down": Command("app.commands.down", Provides.NOTHING, workspace=None),
    "status": Command("app.commands.status", Provides.NOTHING, workspace=None),
    "logs": Command("app.commands.logs", Provides.NOTHING),
    "user": Command("app.commands.user"),
    "network": Command("app.commands.network"),
    "addresses": Command("app.commands.addresses"),
    "locate": Command("app.commands.locate"),
    "roads": Command("app.commands.roads"),
    "detect": Command("app.commands.detect"),
    "backup": Command("app.commands.backup"),
    "restore": Command("app.commands.restore"),
    "bench": Command("app.commands.bench"),
}


def build_parser() -> argparse.ArgumentParser:
    """Describe every command and its arguments."""
    parser = argparse.ArgumentParser(
        prog="mainline",
        description="Hotline, dispatch and field service for water utilities.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--workspace",
        metavar="NAME",
        help="an isolated database with its own processes (default main; for demo: demo)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="a city that calls, and a fleet that drives")
    demo.add_argument(
        "--city", type=Path, metavar="FILE.osm.pbf", help="another city than the one that comes with us"
    )
    demo.add_argument("--crews", type=_positive_int, metavar="N", help="crews on shift")
    demo.add_argument(
        "--minutes",
        type=_positive_float,
        metavar="M",
        help="real minutes in which calls come in; without: until interrupted",
    )
    demo.add_argument(
        "--speed",
        type=_positive_float,
        default=1.0,
        metavar="X",
        help="how much faster than life the clock runs",
    )
    demo.add_argument("--headless", action="store_true", help="do not open a browser or wait for anybody")
    demo.add_argument("--json", action="store_true", help="one JSON object on standard output at the end")

    # What follows `test` is pytest's and never reaches this parser; see `parse`.
    commands.add_parser(
        "test", help="every check and every test; with arguments for pytest, pytest alone", add_help=False
    )

    up = commands.add_parser("up", help="bring the workspace up: servers, schema, pages, processes")
    up.add_argument("--no-pages", action="store_true", help="do not build the pages")
    commands.add_parser("down", help="stop everything we started, or one workspace's processes")
    status = commands.add_parser("status", help="each process's health")
    status.add_argument("--json", action="store_true", help="one JSON object on standard output")
    logs = commands.add_parser("logs", help="the end of a process's log, or of all")
    logs.add_argument(
        "process",
        nargs="?",
        metavar="PROCESS",
        help="web, ingest, triage, worker, mosquitto, supervisor or postgres",
    )
    logs.add_argument(
        "-n", "--lines", type=_positive_int, default=50, metavar="N", help="how many lines (default 50)"
    )
    logs.add_argument("-f", "--follow", action="store_true", help="go on with what is written from now on")

    user = commands.add_parser("user", help="people who may log in")
    user_commands = user.add_subparsers(dest="user_command", required=True, metavar="COMMAND")
    add = user_commands.add_parser("add", help="add a person")
    add.add_argument("name", metavar="NAME", help="log-in name")
    add.add_argument("--role", required=True, help="agent, dispatcher, crew, supervisor or administrator")
    add.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the password from standard input; without: one is made and shown",
    )

    _add_network_commands(commands)
    _add_place_commands(commands)
    _add_road_commands(commands)
    _add_detect_commands(commands)

    backup = commands.add_parser("backup", help="database and settings of the workspace in one file")
    backup.add_argument(
        "--out", type=Path, metavar="FILE", help="where to (default: NAME-DATE.mainline in this folder)"
    )
    restore = commands.add_parser("restore", help="make the workspace what a backup says")
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument("--force", action="store_true", help="replace a workspace that holds data")

    bench = commands.add_parser("bench", help="benchmarks of bench/")
    bench.add_argument("names", nargs="*", metavar="NAME", help="which (default: every one)")
    bench.add_argument("--json", action="store_true", help="one JSON object a line and nothing else")
    return parser


def _add_network_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    network = commands.add_parser("network", help="the pipe network: import")
    network_commands = network.add_subparsers(dest="network_command", required=True, metavar="COMMAND")
    read = network_commands.add_parser(
        "import", help="read a utility's files and publish them as the network"
    )
    read.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="INP, GeoPackage, Shapefile, GeoJSON, or a zip"
    )
    read.add_argument(
        "--crs",
        metavar="EPSG:N|local",
        help="coordinate system of files that name none; local: no place on Earth",
    )
    read.add_argument(
        "--mapping",
        type=Path,
        metavar="FILE.toml",
        help="which layer and field holds what (see propose-mapping)",
    )
    read.add_argument("--json", action="store_true", help="one JSON object on standard output")
    propose = network_commands.add_parser("propose-mapping", help="suggest a mapping from the files' data")
    propose.add_argument("files", nargs="+", type=Path, metavar="FILE")
    propose.add_argument("--json", action="store_true", help="one JSON object on standard output")
    isolate = network_commands.add_parser("isolate", help="which valves to close for a broken pipe")
    isolate.add_argument("pipe", metavar="PIPE_ID", help="the pipe, as its source names it")
    isolate.add_argument(
        "--inoperable",
        action="append",
        default=[],
        metavar="VALVE_ID",
        help="a valve that will not turn; may be given again",
    )
    isolate.add_argument("--json", action="store_true", help="one JSON object on standard output")
    isolate_all = network_commands.add_parser("isolate-all", help="the same for every pipe, one a line")
    isolate_all.add_argument("--out", type=Path, required=True, metavar="FILE.jsonl")


def _add_place_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    addresses = commands.add_parser("addresses", help="the addresses callers name: import")
    address_commands = addresses.add_subparsers(dest="addresses_command", required=True, metavar="COMMAND")
    read = address_commands.add_parser("import", help="read addresses, and roads by name")
    read.add_argument(
        "--base",
        type=Path,
        required=True,
        metavar="FILE",
        help="CSV (address_id, district, road, road_no, place, building, postcode, lon, lat), "
        "a layer with such fields (GeoPackage, Shapefile, GeoJSON), or FILE.osm.pbf",
    )
    read.add_argument(
        "--roads", type=Path, metavar="FILE.csv", help="road, wkt (a line in longitude and latitude)"
    )
    read.add_argument(
        "--datum", choices=DATUMS, default="wgs84", help="how the files mean longitude and latitude"
    )
    read.add_argument("--json", action="store_true", help="one JSON object on standard output")

    locate = commands.add_parser("locate", help="find a place on the map and on the network")
    asked = locate.add_mutually_exclusive_group(required=True)
    asked.add_argument("text", nargs="?", metavar="TEXT", help="as a caller says it")
    asked.add_argument("--lonlat", metavar="LON,LAT", help="a point; see --datum")
    asked.add_argument("--account", metavar="NO", help="a customer's account number")
    asked.add_argument("--phone", metavar="NO", help="a customer's phone number")
    asked.add_argument("--queries", type=Path, metavar="FILE.csv", help="query_id, text; with --out")
    locate.add_argument("--datum", choices=DATUMS, default="wgs84", help="how --lonlat is meant")
    locate.add_argument("--out", type=Path, metavar="FILE.csv", help="where the answers to --queries go")
    locate.add_argument("--json", action="store_true", help="one JSON object on standard output")


def _add_road_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    roads = commands.add_parser("roads", help="the road graph: import, export, travel times")
    road_commands = roads.add_subparsers(dest="roads_command", required=True, metavar="COMMAND")
    read = road_commands.add_parser("import", help="make an extract's streets the road graph")
    read.add_argument("file", type=Path, metavar="FILE.osm.pbf", help="an OpenStreetMap extract")
    read.add_argument("--json", action="store_true", help="one JSON object on standard output")
    export = road_commands.add_parser("export", help="the graph with its travel times, in osmnx's form")
    export.add_argument("file", type=Path, metavar="FILE.graphml")
    matrix = road_commands.add_parser(
        "matrix", help="travel times and lengths between places, one row a pair"
    )
    matrix.add_argument(
        "--from", dest="origins", type=Path, required=True, metavar="FILE.csv", help="columns id, lon, lat"
    )
    matrix.add_argument("--to", dest="destinations", type=Path, required=True, metavar="FILE.csv")
    matrix.add_argument(
        "--closed", type=Path, metavar="FILE.geojson", help="polygons; edges that touch one carry no traffic"
    )
    matrix.add_argument("--out", type=Path, required=True, metavar="FILE.csv")


def _add_detect_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    detect = commands.add_parser("detect", help="incidents found in recorded calls")
    detect_commands = detect.add_subparsers(dest="detect_command", required=True, metavar="COMMAND")
    replay = detect_commands.add_parser(
        "replay", help="go through recorded calls in order, learning from those before"
    )
    replay.add_argument(
        "bundle",
        type=Path,
        metavar="BUNDLE",
        help="folder: network/, reports.csv, history.csv, planned_works.csv",
    )
    replay.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where assignments, alarms and reasons go"
    )
    replay.add_argument("--json", action="store_true", help="one JSON object on standard output")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments; wrong ones end the program with status 2. `workspace` is filled in with the command's default."""
    ours, pytests = _split_for_pytest(_with_signs(arguments))
    parser = build_parser()
    options = parser.parse_args(ours)
    options.pytest_arguments = pytests
    if options.command == "locate":
        if bool(options.queries) != bool(options.out):
            parser.error("locate: --queries and --out belong together")
        if options.datum != DATUMS[0] and not options.lonlat:
            parser.error("locate: --datum says how --lonlat is meant")
    if options.workspace is None:
        options.workspace = COMMANDS[options.command].workspace
    return options


def _with_signs(arguments: list[str]) -> list[str]:
    """Tie a point to its option: one in the west begins with a minus, which argparse would take for an option."""
    tied: list[str] = []
    for argument in arguments:
        if tied and tied[-1] == "--lonlat":
            tied[-1] = f"--lonlat={argument}"
        else:
            tied.append(argument)
    return tied


def _split_for_pytest(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Part the arguments behind the command `test`: argparse would take pytest's options for its own."""
    is_value = False
    for index, argument in enumerate(arguments):
        if not is_value and not argument.startswith("-"):
            return (arguments[: index + 1], arguments[index + 1 :]) if argument == "test" else (arguments, [])
        is_value = argument == "--workspace"
    return arguments, []


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    options = parse(arguments)
    try:
        module = importlib.import_module(COMMANDS[options.command].module)
        return int(module.run(options))
    except ProvisionError as error:
        print(f"mainline: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("mainline: interrupted", file=sys.stderr)
        return 130


def _positive_int(text: str) -> int:
    number = int(text)
    if number <= 0:
        raise argparse.ArgumentTypeError("more than 0, please")
    return number


def _positive_float(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("more than 0, please")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
