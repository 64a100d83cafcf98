"""EPANET's INP files, read by wntr."""

import re
import tempfile
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from wntr.epanet.exceptions import EpanetException
from wntr.epanet.io import InpFile
from wntr.epanet.util import FlowUnits
from wntr.network.base import LinkStatus

from gis.coordinates import LonLat
from gis.errors import BadNetworkFile
from gis.models import LinkType, NodeType, ValveType
from gis.network_import.crs import SourceSystem, metric_srid_for, place_on_earth
from gis.network_import.draft import (
    DraftControlLink,
    DraftJunction,
    DraftPipe,
    DraftValve,
    NetworkDraft,
    Problem,
)
from gis.network_import.inp_faults import fault_of_line, words_of

ISOLATION_VALVE = "TCV"
"""Modellers write isolation valves as throttle valves; every other kind governs flow."""
LENGTH_LEAST_M = 0.01
LITRES = 1000.0
MILLIMETRES = 1000.0
NODE_SECTIONS = ("[JUNCTIONS]", "[RESERVOIRS]", "[TANKS]")
LINK_SECTIONS = ("[PIPES]", "[PUMPS]", "[VALVES]")
ENCODINGS = ("utf-8-sig", "gb18030", "latin-1")
HAZEN_WILLIAMS = "H-W"

_NODE_TYPES = {
    "Junction": NodeType.JUNCTION,
    "Tank": NodeType.TANK,
    "Reservoir": NodeType.RESERVOIR,
}
_LINK_TYPES = {
    "PRV": LinkType.PRESSURE_REDUCING,
    "PSV": LinkType.PRESSURE_SUSTAINING,
    "PBV": LinkType.PRESSURE_BREAKER,
    "FCV": LinkType.FLOW_CONTROL,
    "GPV": LinkType.GENERAL_PURPOSE,
}

# What wntr lets through of its own parsing; it checks little itself.
_UNREADABLE = (
    EpanetException,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


class _WatchedLines(list[tuple[int, str]]):
    """The lines of one section; remembers which was handed out last, and by which section."""

    def __init__(self, section: str, lines: list[tuple[int, str]], seen: dict[str, tuple[int, str]]) -> None:
        super().__init__(lines)
        self.section, self.seen = section, seen

    def __iter__(self) -> Iterator[tuple[int, str]]:
        for numbered in super().__iter__():
            self.seen["last"] = numbered
            self.seen["section"] = (numbered[0], self.section)
            yield numbered


class _WatchedInpFile(InpFile):  # type: ignore[misc]  # wntr ships no types
    """wntr's parser, watched: most of what it raises names no line."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: OrderedDict[str, list[tuple[int, str]]] = OrderedDict()
        self.seen: dict[str, tuple[int, str]] = {}
        self.flow_units: FlowUnits | None = None
        self.names_units = True

    def _read_options(self) -> None:
        """Run first of all sections, after the lines were dealt out to them: the place to begin watching."""
        dealt = self.sections
        self.sections = OrderedDict(
            (name, _WatchedLines(name, lines, self.seen)) for name, lines in dealt.items()
        )
        super()._read_options()
        if self.flow_units is None:
            self.flow_units, self.names_units = FlowUnits.GPM, False

    def ids(self, sections: tuple[str, ...]) -> list[tuple[str, int]]:
        """List the first field of every line of some sections, with the line's number."""
        return [
            (fields[0], number)
            for section in sections
            for number, line in list.__iter__(self.sections.get(section, []))
            if (fields := line.split(";")[0].split())
        ]


def read_inp(path: Path, system: SourceSystem, *, name: str | None = None) -> NetworkDraft:
    """Read an INP file.

    Parameters
    ----------
    system
        The coordinates' system; the file never names it.
    name
        What the file is called in messages, when it lies under another name.

    Returns
    -------
    draft
        Ids as the file writes them, lengths as it states them, everything in our units.

    Raises
    ------
    BadNetworkFile
        The file cannot be read: its name, the line and what is wrong with it.
    """
    called = name or path.name
    parser = _parsed(path, called)
    _refuse_repeated_ids(parser, called)
    model = parser.wn
    if not model.num_pipes:
        raise BadNetworkFile(f"{called}: there are no pipes in it")
    places = _places(parser, system, called)
    reader = _InpReader(model, places, called)
    if not parser.names_units:
        reader.warnings.append(
            Problem(
                "[OPTIONS]", "", "no units are named: gallons per minute, feet and inches, as EPANET takes it"
            )
        )
    return NetworkDraft(
        source=called,
        crs=system.label,
        metric_srid=places.metric_srid,
        transformation=places.described,
        junctions=reader.junctions(),
        pipes=reader.pipes(),
        control_links=reader.control_links(),
        valves=reader.valves(),
        rejected=reader.rejected,
        warnings=[*places.cautions, *reader.warnings],
    )


def _parsed(path: Path, called: str) -> _WatchedInpFile:
    text = _decoded(path.read_bytes())
    if "\x00" in text:
        raise BadNetworkFile(f"{called}: this is no text file")
    parser = _WatchedInpFile()
    with tempfile.TemporaryDirectory(prefix="mainline-inp-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        copy = Path(folder) / "network.inp"
        copy.write_text(text, encoding="utf-8")
        try:
            parser.read(str(copy))
        except _UNREADABLE as error:
            raise BadNetworkFile(_fault(parser, called, error)) from error
    return parser


def _decoded(content: bytes) -> str:
    """Decode a file that does not say how it is written: UTF-8, else as Chinese Windows writes, else as Western."""
    for encoding in ENCODINGS[:-1]:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode(ENCODINGS[-1])


def _fault(parser: _WatchedInpFile, called: str, error: BaseException) -> str:
    """Say in one line which line is wrong and why."""
    inner = error.__cause__ if isinstance(error.__cause__, EpanetException) else error
    said = words_of(inner)
    if not parser.seen:  # it failed while dealing lines out to sections
        named = re.search(r"at line (\d+)", str(inner))
        line = str(inner).split("\n")[1].strip() if "\n" in str(inner) else ""
        what = "no such section" if line.startswith("[") else "text outside of any section"
        return f"{called}, line {named[1]}: {what}: {line[:80]}" if named else f"{called}: {said}"
    number, line, section = _line_meant(parser, said)
    what = fault_of_line(
        section,
        line,
        nodes={one for one, _ in parser.ids(NODE_SECTIONS)},
        links={one for one, _ in parser.ids(LINK_SECTIONS)},
        said=said,
    )
    return f"{called}, line {number}, {section}: {what}"


def _line_meant(parser: _WatchedInpFile, said: str) -> tuple[int, str, str]:
    """Give the line wntr read last; where it had read on before it complained, the one that holds what it quotes."""
    number, line = parser.seen["last"]
    section = parser.seen["section"][1]
    quoted = re.search(r"'([^']+)'", said)
    if quoted is None or quoted[1].lower() in line.lower():
        return number, line, section
    word = re.compile(rf"(?<!\S){re.escape(quoted[1])}(?!\S)", re.IGNORECASE)
    lines = [(at, text, name) for name, of in parser.sections.items() for at, text in list.__iter__(of)]
    before = [one for one in lines if one[2] == section and one[0] <= number and word.search(one[1])]
    anywhere = [one for one in lines if word.search(one[1].split(";")[0])]
    return (before[-1:] or anywhere[:1] or [(number, line, section)])[0]


def _refuse_repeated_ids(parser: _WatchedInpFile, called: str) -> None:
    """Refuse an id used twice: wntr would keep the last and lose the first in silence."""
    for sections, kind in ((NODE_SECTIONS, "node"), (LINK_SECTIONS, "link")):
        first: dict[str, int] = {}
        for code, number in parser.ids(sections):
            if code in first:
                raise BadNetworkFile(
                    f"{called}, line {number}: the {kind} id {code!r} was used in line {first[code]} already"
                )
            first[code] = number


@dataclass(frozen=True, slots=True)
class _Places:
    """Where nodes and bends lie in longitude and latitude; empty for a network without a place."""

    nodes: dict[str, tuple[float, float]]
    bends: dict[str, list[tuple[float, float]]]
    metric_srid: int | None = None
    described: str | None = None
    cautions: tuple[Problem, ...] = ()


def _places(parser: _WatchedInpFile, system: SourceSystem, called: str) -> _Places:
    if system.crs is None:
        return _Places({}, {})
    model = parser.wn
    named = sorted({code for code, _ in parser.ids(("[COORDINATES]",))})
    if not named:
        raise BadNetworkFile(f"{called}: there are no coordinates in it: give --crs local")
    bent = [(code, link.vertices) for code, link in model.links() if link.vertices]
    pairs = np.array([model.get_node(code).coordinates for code in named], dtype=np.float64)
    bend_pairs = np.array([pair for _, vertices in bent for pair in vertices], dtype=np.float64).reshape(
        -1, 2
    )
    for kind, values in (("a node's coordinate", pairs), ("a vertex", bend_pairs)):
        if not np.isfinite(values).all():
            raise BadNetworkFile(f"{called}: {kind} is no finite number")
    try:
        placing = place_on_earth(system, pairs[:, 0], pairs[:, 1])
    except BadNetworkFile as error:
        raise BadNetworkFile(f"{called}: {error.detail}") from error
    lon, lat = placing.to_degrees(pairs[:, 0], pairs[:, 1])
    is_on_earth = np.isfinite(lon) & np.isfinite(lat)
    bend_lon, bend_lat = placing.to_degrees(bend_pairs[:, 0], bend_pairs[:, 1])
    bends, start = {}, 0
    all_bends = list(zip(bend_lon.tolist(), bend_lat.tolist(), strict=True))
    for code, vertices in bent:
        bends[code] = all_bends[start : start + len(vertices)]
        start += len(vertices)
    caution = () if placing.caution is None else (Problem("[COORDINATES]", "", placing.caution),)
    centre = LonLat(lon=float(np.median(lon[is_on_earth])), lat=float(np.median(lat[is_on_earth])))
    degrees = zip(named, zip(lon.tolist(), lat.tolist(), strict=True), is_on_earth.tolist(), strict=True)
    return _Places(
        {code: pair for code, pair, is_known in degrees if is_known},
        {code: pairs for code, pairs in bends.items() if np.isfinite(pairs).all()},
        metric_srid_for([system], centre),
        placing.described,
        caution,
    )


class _InpReader:
    """Turns wntr's model, which is in SI, into a draft; collects what it leaves out on the way."""

    def __init__(self, model: Any, places: _Places, called: str) -> None:  # wntr ships no types
        self._model, self._places, self._called = model, places, called
        self._is_placed = places.metric_srid is not None
        self._has_hazen_williams = model.options.hydraulic.headloss == HAZEN_WILLIAMS
        self.rejected: list[Problem] = []
        self.warnings: list[Problem] = []

    def junctions(self) -> list[DraftJunction]:
        """Give every node; tanks and reservoirs are sources."""
        many = float(self._model.options.hydraulic.demand_multiplier or 1.0)
        drafts = []
        for code, node in self._model.nodes():
            kind = _NODE_TYPES[node.node_type]
            place = self._places.nodes.get(code)
            if place is None and self._is_placed:
                self.warnings.append(
                    Problem(self._section(kind), code, "it has no coordinates on Earth and is not drawn")
                )
            elevation = head = None
            demand = 0.0
            if kind == NodeType.RESERVOIR:
                head = float(node.base_head)
            else:
                elevation = float(node.elevation)
            if kind == NodeType.TANK:
                head = float(node.elevation) + float(node.init_level)
            elif kind == NodeType.JUNCTION:
                demand = many * LITRES * sum(float(one.base_value) for one in node.demand_timeseries_list)
            drafts.append(
                DraftJunction(
                    code=code,
                    node_type=kind,
                    elevation_m=elevation,
                    head_m=head,
                    base_demand_lps=demand,
                    place=None if place is None else shapely.Point(place),
                )
            )
        return drafts

    def pipes(self) -> list[DraftPipe]:
        """Give every pipe."""
        drafts = []
        for code, pipe in self._model.pipes():
            if pipe.start_node_name == pipe.end_node_name:
                self.rejected.append(
                    Problem("[PIPES]", code, f"it begins and ends at the same node {pipe.start_node_name}")
                )
                continue
            length_m = float(pipe.length)
            if not length_m >= LENGTH_LEAST_M:
                self.warnings.append(
                    Problem("[PIPES]", code, f"its length {length_m:g} m was taken as {LENGTH_LEAST_M} m")
                )
                length_m = LENGTH_LEAST_M
            drafts.append(
                DraftPipe(
                    code=code,
                    from_node=pipe.start_node_name,
                    to_node=pipe.end_node_name,
                    length_m=length_m,
                    diameter_mm=_millimetres(pipe.diameter),
                    roughness=float(pipe.roughness) if self._has_hazen_williams else None,
                    is_closed=pipe.initial_status == LinkStatus.Closed,
                    has_check_valve=bool(pipe.check_valve),
                    line=self._line(code, pipe),
                )
            )
        return drafts

    def valves(self) -> list[DraftValve]:
        """Give the isolation valves: links of their own between two nodes."""
        drafts = []
        for code, valve in self._model.valves():
            if valve.valve_type != ISOLATION_VALVE or self._is_loop("[VALVES]", code, valve):
                continue
            line = self._line(code, valve)
            drafts.append(
                DraftValve(
                    code=code,
                    node=valve.start_node_name,
                    to_node=valve.end_node_name,
                    valve_type=ValveType.GATE,
                    diameter_mm=_millimetres(valve.diameter),
                    is_closed=valve.initial_status == LinkStatus.Closed,
                    place=None if line is None else line.interpolate(0.5, normalized=True),
                )
            )
        return drafts

    def control_links(self) -> list[DraftControlLink]:
        """Give pumps and the valves that govern flow: water passes from their first node to their second."""
        drafts = []
        for code, pump in self._model.pumps():
            if not self._is_loop("[PUMPS]", code, pump):
                drafts.append(
                    self._control(code, pump, LinkType.PUMP, setting=None, is_closed=_is_pump_off(pump))
                )
        for code, valve in self._model.valves():
            kind = _LINK_TYPES.get(valve.valve_type)
            if kind is None or self._is_loop("[VALVES]", code, valve):
                continue
            setting = None
            if kind != LinkType.GENERAL_PURPOSE and valve.initial_setting is not None:
                setting = float(valve.initial_setting) * (LITRES if kind == LinkType.FLOW_CONTROL else 1.0)
            closed = valve.initial_status == LinkStatus.Closed
            drafts.append(self._control(code, valve, kind, setting=setting, is_closed=closed))
        return drafts

    def _control(
        self, code: str, link: Any, kind: LinkType, *, setting: float | None, is_closed: bool
    ) -> DraftControlLink:
        return DraftControlLink(
            code=code,
            link_type=kind,
            from_node=link.start_node_name,
            to_node=link.end_node_name,
            diameter_mm=None if kind == LinkType.PUMP else _millimetres(link.diameter),
            setting=setting,
            is_closed=is_closed,
            line=self._line(code, link),
        )

    def _is_loop(self, section: str, code: str, link: Any) -> bool:
        if link.start_node_name != link.end_node_name:
            return False
        self.rejected.append(
            Problem(section, code, f"it begins and ends at the same node {link.start_node_name}")
        )
        return True

    def _line(self, code: str, link: Any) -> shapely.LineString | None:
        ends = (self._places.nodes.get(link.start_node_name), self._places.nodes.get(link.end_node_name))
        if ends[0] is None or ends[1] is None:
            return None
        return shapely.LineString([ends[0], *self._places.bends.get(code, ()), ends[1]])

    @staticmethod
    def _section(kind: NodeType) -> str:
        return {NodeType.TANK: "[TANKS]", NodeType.RESERVOIR: "[RESERVOIRS]"}.get(kind, "[JUNCTIONS]")


def _is_pump_off(pump: Any) -> bool:
    """Tell whether a pump stands at the start: closed, or at speed zero."""
    if pump.initial_status == LinkStatus.Closed:
        return True
    speed = pump.initial_setting if pump.initial_setting is not None else pump.base_speed
    return float(speed) == 0.0


def _millimetres(metres: float) -> int | None:
    size = round(float(metres) * MILLIMETRES)
    return size if size > 0 else None
