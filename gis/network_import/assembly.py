"""Layers and a mapping become a draft: pipes joined, cut where something stands in them, and everything that stands on them placed."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import BadNetworkFile, BadNetworkMapping
from gis.models import CustomerClass, LifecycleStatus, LinkType, NodeType, Operable, PipeClass, ValveType
from gis.network_import.cleaning import clean_lines
from gis.network_import.crs import SourceSystem
from gis.network_import.draft import (
    DraftControlLink,
    DraftCustomer,
    DraftHydrant,
    DraftJunction,
    DraftPipe,
    DraftValve,
    DraftZone,
    NetworkDraft,
    Problem,
)
from gis.network_import.features import Features, Lines, read_features
from gis.network_import.layers import Layer
from gis.network_import.mapping import Holds, LayerRule, Mapping
from gis.network_import.planes import Plane, to_one_plane
from gis.network_import.topology import (
    CUT_LEAST_M,
    TOUCHING_M,
    Cuts,
    Floats,
    Ints,
    Joints,
    Pieces,
    cut_lines,
    join_ends,
    touches,
    with_ends_at,
)
from gis.network_import.values import NoIsolation

NAME_SPREAD_M = 50.0
"""Ends that carry one name without a node of that name, and lie farther apart, do not mean one joint."""
NODE_FAR_M = 10.0
"""An end drawn farther from the node it names is worth a look."""
ON_JOINT_M = 0.05
"""A valve drawn nearer to a joint may belong to any of its pipes."""
DEVICE_OFF_JOINT_M = 0.1
"""A pump or control valve drawn on a joint stands so far into its pipe."""
SAME_CUT_M = 0.05
_POINT, _MULTIPOINT = 0, 4

_NODE_TYPES = {
    Holds.JUNCTIONS: NodeType.JUNCTION,
    Holds.RESERVOIRS: NodeType.RESERVOIR,
    Holds.TANKS: NodeType.TANK,
}
_DEVICES = (Holds.VALVES, Holds.CONTROL_VALVES, Holds.CHECK_VALVES, Holds.PUMPS)
_CODE_ROOM = {
    Holds.RESERVOIRS: Holds.JUNCTIONS,
    Holds.TANKS: Holds.JUNCTIONS,
    Holds.CONTROL_VALVES: Holds.PUMPS,
}
"""Kinds that share their codes with another."""
_USUAL_LINK = {Holds.CONTROL_VALVES: LinkType.PRESSURE_REDUCING, Holds.PUMPS: LinkType.PUMP}
_READ_ORDER = list(Holds)


def assemble(
    layers: Sequence[Layer], mapping: Mapping, *, stated: SourceSystem | None, source: str
) -> NetworkDraft:
    """Read layers as a mapping says.

    Parameters
    ----------
    stated
        The system of layers that name none.
    source
        Names of the files.

    Raises
    ------
    BadNetworkMapping
        The mapping names layers or fields that are not there.
    BadNetworkFile
        A layer's coordinates cannot be placed, or there are no pipes.
    """
    rejected: list[Problem] = []
    warnings: list[Problem] = []
    problems = (rejected, warnings)
    taken: dict[Holds, set[str]] = defaultdict(set)
    read = [
        read_features(layer, rule, taken[_CODE_ROOM.get(rule.holds, rule.holds)], problems)
        for rule, layer in _pairs(layers, mapping, warnings)
    ]
    if not any(one.rule.holds is Holds.PIPES and len(one) for one in read):
        raise BadNetworkFile(f"{source}: no layer holds pipes")
    read.sort(key=lambda one: _READ_ORDER.index(one.rule.holds))
    placed, plane = to_one_plane(read, stated, problems)
    return _Assembly(placed, mapping, plane, source, rejected, warnings).draft()


def _pairs(
    layers: Sequence[Layer], mapping: Mapping, warnings: list[Problem]
) -> list[tuple[LayerRule, Layer]]:
    pairs, seen = [], set()
    for rule in mapping.layers:
        wanted = rule.source.casefold()
        matching = [
            (number, layer)
            for number, layer in enumerate(layers)
            if wanted in (layer.name.casefold(), f"{layer.file}:{layer.name}".casefold())
        ]
        if not matching:
            raise BadNetworkMapping(
                f"mapping: there is no layer {rule.source!r}; there are {', '.join(sorted({one.name for one in layers}))}"
            )
        seen |= {number for number, _ in matching}
        if rule.holds is not Holds.NOTHING:
            pairs += [(rule, layer) for _, layer in matching]
    for number, layer in enumerate(layers):
        if number not in seen:
            warnings.append(
                Problem(layer.name, "", "the mapping says nothing of this layer; it was left out")
            )
    return pairs


# --- what stands in or on the pipes -----------------------------------------------------------------


class Part(StrEnum):
    """What a valve or pump is for tracing."""

    ISOLATION = "isolation"
    CONTROL = "control"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class _Side:
    """A place between pipe and joint: the line, the joint, and whether the line runs from it (behind) or to it (before)."""

    line: int
    joint: int
    is_behind: bool


@dataclass(frozen=True, slots=True)
class _Mark:
    """A joint on a line: where along it, which."""

    at_m: float
    joint: int


@dataclass(slots=True)
class _Cutting:
    """The cuts so far, and the joints made for them."""

    count: int
    line: list[int] = field(default_factory=list)
    at_m: list[float] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    behind: list[int] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    places: dict[int, tuple[float, float]] = field(default_factory=dict)

    def new_joint(self, name: str, place: tuple[float, float]) -> int:
        """Make a joint."""
        joint = self.count
        self.count += 1
        self.names[joint], self.places[joint] = name, place
        return joint

    def add(self, line: int, at_m: float, before: int, behind: int) -> None:
        """Cut a line."""
        self.line.append(line)
        self.at_m.append(at_m)
        self.before.append(before)
        self.behind.append(behind)


class _Assembly:
    """The work on one bundle, in plane metres."""

    def __init__(
        self,
        features: Sequence[Features],
        mapping: Mapping,
        plane: Plane,
        source: str,
        rejected: list[Problem],
        warnings: list[Problem],
    ) -> None:
        self._features, self._mapping, self._plane, self._source = features, mapping, plane, source
        self._rejected, self._warnings = rejected, warnings
        self._used: set[int] = set()
        """Joints that links of their own need, whether a pipe ends there or not."""

    # --- telling ---

    def _reject(self, one: Features, row: int, reason: str) -> None:
        self._rejected.append(Problem(one.layer.name, one.codes[row], reason))

    def _warn(self, one: Features, row: int | None, reason: str) -> None:
        self._warnings.append(Problem(one.layer.name, "" if row is None else one.codes[row], reason))

    def _of(self, *holds: Holds) -> list[Features]:
        return [one for one in self._features if one.rule.holds in holds]

    # --- the work, in its order ---

    def draft(self) -> NetworkDraft:
        """Do it."""
        self._take_pipes()
        self._take_nodes()
        self._sort_devices()
        self._join()
        self._cut_at_touches()
        self._attach_sources()
        self._stand_devices()
        self._cut()
        pipes = self._draft_pipes()
        valves = self._draft_valves()
        links = self._draft_links()
        junctions = self._draft_junctions()
        return NetworkDraft(
            source=self._source,
            crs=self._plane.crs,
            metric_srid=self._plane.srid,
            transformation=self._plane.transformation,
            zones=self._draft_zones(),
            junctions=junctions,
            pipes=pipes,
            control_links=links,
            valves=valves,
            hydrants=self._draft_hydrants(),
            customers=self._draft_customers(),
            rejected=self._rejected,
            warnings=self._warnings,
        )

    def _take_pipes(self) -> None:
        """Clean the lines of all pipe layers, together: what is drawn twice may be so in two layers."""
        self._pipe_features = self._of(Holds.PIPES)
        self._pipe_row = [(one, row) for one in self._pipe_features for row in range(len(one))]
        shapes = np.concatenate([one.shapes for one in self._pipe_features])
        codes = [code for one in self._pipe_features for code in one.codes]
        clean = clean_lines(shapes, codes)
        for row, reason in clean.refused:
            one, number = self._pipe_row[row]
            self._reject(one, number, reason)
        for row, reason in clean.altered:
            one, number = self._pipe_row[row]
            self._warn(one, number, reason)
        if not len(clean.shapes):
            raise BadNetworkFile(f"{self._source}: no pipe has a line that can be used")
        self._lines: Lines = clean.shapes
        self._row_of_line = clean.row
        self._pipe_count = len(clean.shapes)
        parts = np.bincount(clean.row, minlength=len(shapes))[clean.row]
        first, last = clean.part == 0, clean.part == parts - 1
        from_name, to_name = self._pipe_column("from_node"), self._pipe_column("to_node")
        # The inner ends of a line in several parts carry no name.
        self._from_name, self._to_name = from_name[clean.row], to_name[clean.row]
        self._from_name[~first] = None
        self._to_name[~last] = None

    def _pipe_column(self, name: str) -> NDArray[Any]:
        return np.concatenate([one.column(name) for one in self._pipe_features])

    def _take_nodes(self) -> None:
        """Take the points that are known joints, tanks and reservoirs among them."""
        self._node_row: list[tuple[Features, int]] = []
        places = []
        for one in self._of(*_NODE_TYPES):
            points = self._points_of(one)
            for row, point in enumerate(points):
                if point is not None:
                    self._node_row.append((one, row))
                    places.append(point)
        self._node_places = np.array(places, dtype=np.float64).reshape(-1, 2)
        self._node_codes = [one.codes[row] for one, row in self._node_row]

    def _points_of(self, one: Features, *, must: bool = True) -> list[tuple[float, float] | None]:
        """Give a place for each feature: the point, or a point on its outline's surface."""
        kinds = shapely.get_type_id(one.shapes)
        shapes = one.shapes.copy()
        areas = np.isin(kinds, (3, 6))
        shapes[areas] = shapely.point_on_surface(shapes[areas])
        many = kinds == _MULTIPOINT
        shapes[many] = shapely.get_geometry(shapes[many], 0)
        usable = (shapely.get_type_id(shapes) == _POINT) & ~shapely.is_empty(shapes)
        shapes[~usable] = shapely.Point(0, 0)
        pairs = shapely.get_coordinates(shapes).tolist()
        if must:
            for row in np.flatnonzero(~usable).tolist():
                drawn = (
                    "has no geometry"
                    if kinds[row] < 0
                    else f"is drawn as a {one.shapes[row].geom_type}, not as a point"
                )
                self._reject(one, row, f"it {drawn}")
        return [(x, y) if good else None for (x, y), good in zip(pairs, usable.tolist(), strict=True)]

    def _sort_devices(self) -> None:
        """Tell valves that isolate from those that govern or check flow, and points from links of their own."""
        self._devices: list[_Device] = []
        lines: list[Any] = []
        from_names: list[str | None] = []
        to_names: list[str | None] = []
        for one in self._of(*_DEVICES):
            is_plain = one.rule.holds is Holds.VALVES
            kinds = one.column("valve_type" if is_plain else "link_type")
            points = self._points_of(one, must=False)
            begins = one.column("node" if is_plain else "from_node")
            ends = one.column("to_node")
            pipes = one.column("pipe")
            for row in range(len(one)):
                part, kind = _part_of(one.rule.holds, kinds[row])
                if part is None:
                    self._reject(one, row, f"{kind} valves isolate nothing")
                    continue
                device = _Device(one, row, part, kind, points[row], pipes[row], begins[row], ends[row])
                line = _single_line(one.shapes[row]) if points[row] is None else None
                if line is not None and part is not Part.CHECK:
                    device.line = self._pipe_count + len(lines)
                    lines.append(line)
                    from_names.append(begins[row])
                    to_names.append(ends[row])
                elif (
                    points[row] is None and pipes[row] is None and (begins[row] is None or ends[row] is None)
                ):
                    self._reject(one, row, "it has no usable geometry and names no pipe")
                    continue
                self._devices.append(device)
        if lines:
            self._lines = np.concatenate([self._lines, np.array(lines, dtype=object)])
            self._from_name = np.concatenate([self._from_name, np.array(from_names, dtype=object)])
            self._to_name = np.concatenate([self._to_name, np.array(to_names, dtype=object)])

    def _join(self) -> None:
        """Find the joints."""
        self._check_names()
        joints = join_ends(
            self._lines,
            list(zip(self._from_name.tolist(), self._to_name.tolist(), strict=True)),
            self._node_places,
            self._node_codes,
            snap_m=self._mapping.snap_m,
        )
        self._joints: Joints = joints
        self._of_end = joints.of_end.copy()
        self._cutting = _Cutting(joints.count)
        self._joint_of_name: dict[str, int] = {}
        for names, side in ((self._from_name, 0), (self._to_name, 1)):
            for line, name in enumerate(names.tolist()):
                if name is not None:
                    self._joint_of_name.setdefault(name, int(joints.of_end[line, side]))
        for code, joint in zip(self._node_codes, joints.of_point.tolist(), strict=True):
            self._joint_of_name[code] = joint
        begins, ends = _ends_of(self._lines)
        labels = joints.of_end.T.reshape(-1)
        pairs = np.vstack([begins, ends])
        many = np.maximum(np.bincount(labels, minlength=joints.count), 1)
        self._places = np.column_stack(
            [np.bincount(labels, weights=pairs[:, axis], minlength=joints.count) / many for axis in (0, 1)]
        )
        self._places[joints.of_point] = self._node_places
        self._degree = np.bincount(labels, minlength=joints.count)

    def _check_names(self) -> None:
        """Turn lines drawn against their names round, and do not believe names that would join far places."""
        places = dict(zip(self._node_codes, self._node_places, strict=True))
        begins, ends = _ends_of(self._lines)
        unknown = np.full(2, np.nan)
        at_from = np.array([places.get(name, unknown) for name in self._from_name.tolist()]).reshape(-1, 2)
        at_to = np.array([places.get(name, unknown) for name in self._to_name.tolist()]).reshape(-1, 2)
        straight = np.hypot(*(begins - at_from).T) + np.hypot(*(ends - at_to).T)
        turned = np.hypot(*(ends - at_from).T) + np.hypot(*(begins - at_to).T)
        against = np.flatnonzero(turned < straight)
        if len(against):
            self._lines[against] = shapely.reverse(self._lines[against])
            begins, ends = _ends_of(self._lines)
        far = np.flatnonzero(np.minimum(straight, turned) > 2 * NODE_FAR_M)
        for line in far[far < self._pipe_count].tolist():
            one, row = self._pipe_row[int(self._row_of_line[line])]
            self._warn(
                one,
                row,
                f"its ends are drawn {min(straight[line], turned[line]):.0f} m in all from the nodes it names",
            )
        spread: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for names, pairs in ((self._from_name, begins), (self._to_name, ends)):
            for name, pair in zip(names.tolist(), pairs.tolist(), strict=True):
                if name is not None and name not in places:
                    spread[name].append(tuple(pair))
        doubted = {
            name
            for name, pairs_of in spread.items()
            if len(pairs_of) > 1 and np.ptp(np.array(pairs_of), axis=0).max() > NAME_SPREAD_M
        }
        if doubted:
            shown = ", ".join(sorted(doubted)[:5])
            self._warnings.append(
                Problem(
                    self._pipe_features[0].layer.name,
                    "",
                    f"{len(doubted)} node names stand at ends more than {NAME_SPREAD_M:.0f} m apart ({shown} …); "
                    "those ends were joined by where they lie",
                )
            )
            for names in (self._from_name, self._to_name):
                names[[name in doubted for name in names.tolist()]] = None

    def _cut_at_touches(self) -> None:
        """Cut pipes where another ends on their middle, and rings, which begin and end at one joint."""
        unnamed = np.zeros(self._joints.count, dtype=np.bool_)
        for names, side in ((self._from_name, 0), (self._to_name, 1)):
            unnamed[self._of_end[np.array([name is None for name in names.tolist()]), side]] = True
        pipes, of_end = self._lines[: self._pipe_count], self._of_end[: self._pipe_count]
        snap_m = self._mapping.snap_m
        found = touches(pipes, of_end, self._places, np.flatnonzero(unnamed), snap_m=snap_m)
        named = touches(
            pipes, of_end, self._places, np.flatnonzero(~unnamed & (self._degree > 0)), snap_m=TOUCHING_M
        )
        if len(named.line):
            self._warnings.append(
                Problem(
                    self._pipe_features[0].layer.name,
                    "",
                    f"{len(np.unique(named.joint))} nodes lie on the middle of pipes that do not name them; they were not joined",
                )
            )
        known = np.isin(found.joint, self._joints.of_point)
        on_line = shapely.line_interpolate_point(pipes[found.line], found.chainage_m)
        self._places[found.joint[~known]] = shapely.get_coordinates(on_line)[~known]
        self._lines = with_ends_at(self._lines, self._of_end, self._places, within_m=2 * snap_m)
        at = shapely.line_locate_point(self._lines[found.line], shapely.points(self._places[found.joint]))
        for line, at_m, joint in zip(found.line.tolist(), at.tolist(), found.joint.tolist(), strict=True):
            self._cutting.add(line, at_m, joint, joint)
        self._touched = set(found.joint.tolist())
        rings = np.flatnonzero(of_end[:, 0] == of_end[:, 1])
        for line in rings.tolist():
            half = float(self._lines[line].length) / 2
            code = self._code_of_line(line)
            joint = self._cutting.new_joint(f"{code}@half", _pair(self._lines[line].interpolate(half)))
            self._cutting.add(line, half, joint, joint)

    def _code_of_line(self, line: int) -> str:
        one, row = self._pipe_row[int(self._row_of_line[line])]
        return one.codes[row]

    def _attach_sources(self) -> None:
        """Join tanks and reservoirs drawn beside the network to it, and leave nodes out at which nothing ends."""
        self._tree = shapely.STRtree(self._lines[: self._pipe_count])
        self._marks = self._marks_now()
        alias: dict[int, int] = {}
        for place, ((one, row), joint) in enumerate(
            zip(self._node_row, self._joints.of_point.tolist(), strict=True)
        ):
            if self._degree[joint] or joint in self._touched:
                continue
            if one.rule.holds is Holds.JUNCTIONS:
                self._reject(one, row, "no pipe ends at it")
                continue
            line, at_m, gap_m = self._nearest(self._node_places[place : place + 1], one.rule.reach)[0]
            if line < 0:
                self._reject(one, row, f"there is no pipe within {one.rule.reach:g} m")
                continue
            if gap_m > self._mapping.snap_m:
                self._warn(one, row, f"it is drawn {gap_m:.1f} m beside the pipe it was joined to")
            before, behind = self._around(line, at_m)
            near = before if at_m - before.at_m <= behind.at_m - at_m else behind
            if (
                abs(near.at_m - at_m) <= max(self._mapping.snap_m, CUT_LEAST_M)
                and near.joint not in alias.values()
            ):
                alias[near.joint] = joint
            else:
                self._cutting.add(line, at_m, joint, joint)
            self._degree[joint] += 1
            self._marks = self._marks_now()
        if alias:
            relabel = np.arange(self._cutting.count)
            relabel[list(alias)] = list(alias.values())
            self._of_end = relabel[self._of_end]
            self._cutting.before = relabel[self._cutting.before].tolist()
            self._cutting.behind = relabel[self._cutting.behind].tolist()
            self._joint_of_name = {name: int(relabel[one]) for name, one in self._joint_of_name.items()}
            self._marks = self._marks_now()

    def _marks_now(self) -> dict[int, list[_Mark]]:
        """List the joints inside of lines, by line and along it."""
        marks: dict[int, list[_Mark]] = defaultdict(list)
        cutting = self._cutting
        for line, at_m, before in zip(cutting.line, cutting.at_m, cutting.before, strict=True):
            marks[line].append(_Mark(at_m, before))
        for of_line in marks.values():
            of_line.sort(key=lambda mark: mark.at_m)
        return marks

    def _nearest(self, points: Floats, reach_m: float) -> list[tuple[int, float, float]]:
        """Find for each point the nearest pipe within reach: line (-1: none), how far along it, how far away."""
        result = [(-1, 0.0, np.inf)] * len(points)
        known = np.flatnonzero(np.isfinite(points).all(axis=1))
        if not len(known):
            return result
        drawn = np.asarray(shapely.points(points), dtype=object)
        (which, line), gap = self._tree.query_nearest(
            drawn[known], max_distance=max(reach_m, TOUCHING_M), return_distance=True, all_matches=False
        )
        which = known[which]
        at = shapely.line_locate_point(self._lines[line], drawn[which])
        for place, *found in zip(which.tolist(), line.tolist(), at.tolist(), gap.tolist(), strict=True):
            result[place] = (int(found[0]), found[1], found[2])
        return result

    def _around(self, line: int, at_m: float) -> tuple[_Mark, _Mark]:
        """Find the joints before and behind a place on a line."""
        before = _Mark(0.0, int(self._of_end[line, 0]))
        for mark in self._marks.get(line, ()):
            if mark.at_m > at_m:
                return before, mark
            before = mark
        return before, _Mark(float(self._lines[line].length), int(self._of_end[line, 1]))

    # --- devices ---

    def _stand_devices(self) -> None:
        """Decide where each valve and pump stands; in the middle of a pipe it cuts it."""
        self._line_of_code = {}
        for line in range(self._pipe_count - 1, -1, -1):
            self._line_of_code[self._code_of_line(line)] = line
        self._lines_at: dict[int, list[_Side]] | None = None
        self._sizes = self._pipe_column("diameter")
        by_reach: dict[float, list[_Device]] = defaultdict(list)
        for device in self._devices:
            if device.point is not None and not device.is_link:
                by_reach[device.features.rule.reach].append(device)
        for reach_m, devices in by_reach.items():
            found = self._nearest(np.array([one.point for one in devices], dtype=np.float64), reach_m)
            for device, (line, at_m, gap_m) in zip(devices, found, strict=True):
                device.on_line, device.at_m, device.gap_m = line, at_m, gap_m
        self._heed_named_pipes()
        standing = [one for one in self._devices if not one.is_link and one.on_line >= 0]
        for device in self._devices:
            if not device.is_link and device.on_line < 0:
                self._reject(
                    device.features, device.row, f"there is no pipe within {device.features.rule.reach:g} m"
                )
        last: tuple[int, float, int] | None = None
        for device in sorted(standing, key=lambda one: (one.on_line, one.at_m)):
            if device.part is Part.CHECK:
                continue
            if device.part is Part.CONTROL:
                self._stand_control(device)
            else:
                last = self._stand_valve(device, last)

    def _heed_named_pipes(self) -> None:
        for device in self._devices:
            if device.is_link or device.pipe is None:
                continue
            line = self._line_of_code.get(device.pipe)
            if line is None:
                if device.on_line >= 0:
                    self._warn(
                        device.features,
                        device.row,
                        f"it names pipe {device.pipe}, which is not there; it was put on the nearest",
                    )
                continue
            if device.point is None:
                device.on_line, device.at_m = line, float(self._lines[line].length) / 2
            elif line != device.on_line:
                # A pipe in several parts has its code on the first; the nearest may be another of them.
                if device.on_line >= 0 and self._code_of_line(device.on_line) == device.pipe:
                    continue
                device.on_line = line
                device.at_m = float(self._lines[line].project(shapely.Point(device.point)))
            if device.node is not None:
                joint = self._joint_of_name.get(device.node, -1)
                for side, at_m in ((0, 0.0), (1, float(self._lines[device.on_line].length))):
                    if self._of_end[device.on_line, side] == joint:
                        device.at_m = at_m
                device.is_sure = True

    def _stand_valve(
        self, device: "_Device", last: tuple[int, float, int] | None
    ) -> tuple[int, float, int] | None:
        line, at_m = device.on_line, device.at_m
        before, behind = self._around(line, at_m)
        span = behind.at_m - before.at_m
        end_m = max(min(self._mapping.valve_end_m, span / 4), min(self._mapping.snap_m, span / 2))
        near, is_behind = (before, True) if at_m - before.at_m <= behind.at_m - at_m else (behind, False)
        if abs(at_m - near.at_m) <= end_m:
            device.side = _Side(line, near.joint, is_behind)
            if not device.is_sure and abs(at_m - near.at_m) <= ON_JOINT_M and device.gap_m <= ON_JOINT_M:
                device.side = self._best_side(device, near.joint, device.side)
            return last
        if last is not None and last[0] == line and at_m - last[1] <= SAME_CUT_M:
            device.side = _Side(line, last[2], True)
            return last
        joint = self._cutting.new_joint(
            f"{device.code}@", _pair(shapely.line_interpolate_point(self._lines[line], at_m))
        )
        self._cutting.add(line, at_m, joint, joint)
        device.side = _Side(line, joint, False)
        return line, at_m, joint

    def _best_side(self, device: "_Device", joint: int, found: _Side) -> _Side:
        """Choose the pipe of a valve drawn right on a joint: of its own diameter, else the smallest; said where it was a choice."""
        if self._lines_at is None:
            self._lines_at = self._sides_of_joints()
        sides = self._lines_at.get(joint, [found])
        if len(sides) <= 1:
            return found
        sizes = self._sizes
        own = device.value("diameter")
        size_of = {one: sizes[self._row_of_line[one.line]] for one in sides}
        alike = [one for one in sides if own is not None and size_of[one] == own] or sides
        best = min(
            alike,
            key=lambda one: (size_of[one] or 0, self._code_of_line(one.line), not one.is_behind),
        )
        if len(sides) > 2 and len(alike) > 1:
            self._warn(
                device.features,
                device.row,
                f"it is drawn on a joint of {len(sides)} pipes; it was taken to stand on {self._code_of_line(best.line)}",
            )
        return best

    def _sides_of_joints(self) -> dict[int, list[_Side]]:
        sides: dict[int, list[_Side]] = defaultdict(list)
        for line, (begin, end) in enumerate(self._of_end[: self._pipe_count].tolist()):
            sides[begin].append(_Side(line, begin, True))
            sides[end].append(_Side(line, end, False))
        for line, marks in self._marks.items():
            for mark in marks:
                sides[mark.joint] += [_Side(line, mark.joint, True), _Side(line, mark.joint, False)]
        return sides

    def _stand_control(self, device: "_Device") -> None:
        """Cut the pipe in two and let the device join the ends, in the direction the pipe is drawn."""
        line = device.on_line
        before, behind = self._around(line, device.at_m)
        room = min(DEVICE_OFF_JOINT_M, (behind.at_m - before.at_m) / 3)
        at_m = float(np.clip(device.at_m, before.at_m + room, behind.at_m - room))
        place = _pair(shapely.line_interpolate_point(self._lines[line], at_m))
        device.link_ends = (
            self._cutting.new_joint(f"{device.code}@in", place),
            self._cutting.new_joint(f"{device.code}@out", place),
        )
        self._cutting.add(line, at_m, *device.link_ends)
        self._warn(
            device.features,
            device.row,
            f"it is drawn as a point; water is taken to pass it in the direction pipe {self._code_of_line(line)} is drawn",
        )

    # --- cutting and giving ---

    def _cut(self) -> None:
        cutting = self._cutting
        pipes = self._lines[: self._pipe_count]
        line = np.array(cutting.line, dtype=np.int64)
        at_m = _spaced(line, np.array(cutting.at_m, dtype=np.float64), np.asarray(shapely.length(pipes)))
        self._pieces: Pieces = cut_lines(
            pipes,
            self._of_end[: self._pipe_count],
            Cuts(
                line,
                at_m,
                np.array(cutting.before, dtype=np.int64),
                np.array(cutting.behind, dtype=np.int64),
            ),
        )
        self._name_pieces()
        self._name_joints()

    def _name_pieces(self) -> None:
        """Call a feature's first piece by its code, and the others CODE.2, CODE.3 … along it."""
        pieces = self._pieces
        row = self._row_of_line[pieces.line]
        taken = {one.codes[number] for one, number in self._pipe_row}
        codes: list[str] = []
        counts: dict[int, int] = defaultdict(int)
        for feature in row.tolist():
            counts[feature] += 1
            one, number = self._pipe_row[feature]
            code = one.codes[number]
            if counts[feature] > 1:
                while (name := f"{code}.{counts[feature]}") in taken:
                    counts[feature] += 1
                taken.add(name)
                code = name
            codes.append(code)
        self._piece_codes = codes

    def _name_joints(self) -> None:
        """Call a joint as the source does, else by the first of its pipes in order of code and which end of it that is."""
        names: dict[int, str] = dict(self._cutting.names)
        for code, joint in self._joint_of_name.items():
            names.setdefault(joint, code)
        for code, joint in zip(self._node_codes, self._joints.of_point.tolist(), strict=True):
            names[joint] = code
        codes = np.array([self._code_of_line(line) for line in range(self._pipe_count)], dtype=object)
        for line in np.argsort(codes, kind="stable").tolist():
            for end, joint in enumerate(self._of_end[line].tolist(), start=1):
                names.setdefault(joint, f"{codes[line]}@{end}")
        for device in self._devices:
            if device.line is not None:
                for end, joint in enumerate(self._of_end[device.line].tolist(), start=1):
                    names.setdefault(joint, f"{device.code}@{end}")
        taken: set[str] = set()
        for joint, name in names.items():
            while name in taken:
                name += "'"
            taken.add(name)
            names[joint] = name
        self._joint_names = names

    def _draft_pipes(self) -> list[DraftPipe]:
        pieces, names = self._pieces, self._joint_names
        row = self._row_of_line[pieces.line]
        of = {
            name: self._pipe_column(name)[row].tolist()
            for name in (
                "diameter",
                "material",
                "install_year",
                "road_name",
                "zone",
                "pipe_class",
                "status",
                "closed",
                "check_valve",
                "roughness",
                "length",
            )
        }
        checked = self._pieces_with_check_valves()
        stated = np.array(of["length"], dtype=np.float64)
        whole_m = shapely.length(self._lines[pieces.line])
        length_m = np.where(stated > 0, stated * pieces.length_m / whole_m, pieces.length_m)
        drawn = self._plane.degrees(pieces.shapes)
        return [
            DraftPipe(
                code=code,
                from_node=names[begin],
                to_node=names[end],
                length_m=max(length, CUT_LEAST_M),
                diameter_mm=of["diameter"][piece],
                pipe_class=of["pipe_class"][piece] or PipeClass.DISTRIBUTION,
                material=of["material"][piece],
                install_year=of["install_year"][piece],
                roughness=_known(of["roughness"][piece]),
                road_name=of["road_name"][piece],
                zone=of["zone"][piece],
                lifecycle_status=of["status"][piece] or LifecycleStatus.IN_SERVICE,
                is_closed=bool(of["closed"][piece]),
                has_check_valve=bool(of["check_valve"][piece]) or piece in checked,
                line=line,
            )
            for piece, (code, begin, end, length, line) in enumerate(
                zip(
                    self._piece_codes,
                    pieces.from_joint.tolist(),
                    pieces.to_joint.tolist(),
                    length_m.tolist(),
                    drawn.tolist(),
                    strict=True,
                )
            )
        ]

    def _pieces_with_check_valves(self) -> set[int]:
        checks = [one for one in self._devices if one.part is Part.CHECK and one.on_line >= 0]
        for one in checks:
            self._warn(
                one.features,
                one.row,
                f"it checks flow on pipe {self._code_of_line(one.on_line)}, in the direction that pipe is drawn",
            )
        piece, _ = self._pieces.at(
            np.array([one.on_line for one in checks], dtype=np.int64), np.array([one.at_m for one in checks])
        )
        return set(piece.tolist())

    def _draft_valves(self) -> list[DraftValve]:
        by_begin = {
            (line, joint): piece
            for piece, (line, joint) in enumerate(
                zip(self._pieces.line.tolist(), self._pieces.from_joint.tolist(), strict=True)
            )
        }
        by_end = {
            (line, joint): piece
            for piece, (line, joint) in enumerate(
                zip(self._pieces.line.tolist(), self._pieces.to_joint.tolist(), strict=True)
            )
        }
        devices = [one for one in self._devices if one.part is Part.ISOLATION]
        drafts = []
        for device, place in zip(devices, self._device_places(devices), strict=True):
            pipe = to_node = None
            if device.is_link:
                ends = self._link_ends(device)
                if ends is None:
                    continue
                node, to_node = self._joint_names[ends[0]], self._joint_names[ends[1]]
            elif device.side is not None:
                table = by_begin if device.side.is_behind else by_end
                pipe = self._piece_codes[table[device.side.line, device.side.joint]]
                node = self._joint_names[device.side.joint]
            else:
                continue
            drafts.append(
                DraftValve(
                    code=device.code,
                    node=node,
                    to_node=to_node,
                    pipe=pipe,
                    valve_type=device.kind if isinstance(device.kind, ValveType) else ValveType.GATE,
                    diameter_mm=device.value("diameter"),
                    is_closed=bool(device.value("closed")),
                    operable=device.value("operable") or Operable.YES,
                    place=place,
                )
            )
        return drafts

    def _device_places(self, devices: "Sequence[_Device]") -> list[Any]:
        shapes = np.array(
            [
                shapely.Point(one.point)
                if one.point is not None
                else None
                if one.line is None
                else shapely.line_interpolate_point(self._lines[one.line], 0.5, normalized=True)
                for one in devices
            ],
            dtype=object,
        )
        return list(self._plane.degrees(shapes)) if len(shapes) else []

    def _link_ends(self, device: "_Device") -> tuple[int, int] | None:
        """Give the joints a link of its own joins, or reject it."""
        if device.line is not None:
            begin, end = (int(one) for one in self._of_end[device.line])
        else:
            begin, end = (
                self._joint_of_name.get(device.node or "", -1),
                self._joint_of_name.get(device.to_node or "", -1),
            )
            if begin < 0 or end < 0:
                unknown = device.node if begin < 0 else device.to_node
                self._reject(device.features, device.row, f"no node is called {unknown}")
                return None
        if begin == end:
            self._reject(device.features, device.row, "it begins and ends at the same joint")
            return None
        self._used.update((begin, end))
        return begin, end

    def _draft_links(self) -> list[DraftControlLink]:
        devices = [one for one in self._devices if one.part is Part.CONTROL]
        drawn = np.array(
            [None if one.line is None else self._lines[one.line] for one in devices], dtype=object
        )
        lines = self._plane.degrees(drawn) if len(drawn) else drawn
        drafts = []
        for device, line in zip(devices, lines, strict=True):
            ends = self._link_ends(device) if device.is_link else device.link_ends
            if ends is None:
                continue
            drafts.append(
                DraftControlLink(
                    code=device.code,
                    link_type=device.kind if isinstance(device.kind, LinkType) else LinkType.GENERAL_PURPOSE,
                    from_node=self._joint_names[ends[0]],
                    to_node=self._joint_names[ends[1]],
                    diameter_mm=device.value("diameter"),
                    setting=_known(device.value("setting")),
                    is_closed=bool(device.value("closed")),
                    line=line,
                )
            )
        return drafts

    def _draft_junctions(self) -> list[DraftJunction]:
        used = {*self._pieces.from_joint.tolist(), *self._pieces.to_joint.tolist(), *self._used}
        row_of = {
            joint: self._node_row[place]
            for place, joint in sorted(enumerate(self._joints.of_point.tolist()), reverse=True)
        }
        numbered = sorted(used)
        places = np.array(
            [
                self._cutting.places[one] if one in self._cutting.places else self._places[one]
                for one in numbered
            ]
        )
        points = self._plane.degrees(np.asarray(shapely.points(places), dtype=object))
        drafts = []
        for joint, point in zip(numbered, points, strict=True):
            one, row = row_of.get(joint, (None, 0))
            kind = NodeType.JUNCTION if one is None else _NODE_TYPES[one.rule.holds]
            elevation = None if one is None else _known(one.value("elevation", row))
            head = None if one is None else _known(one.value("head", row))
            demand = None if one is None else _known(one.value("demand", row))
            drafts.append(
                DraftJunction(
                    code=self._joint_names[joint],
                    node_type=kind,
                    elevation_m=elevation,
                    head_m=head if head is not None or kind is NodeType.JUNCTION else elevation,
                    base_demand_lps=demand or 0.0,
                    zone=None if one is None else one.value("zone", row),
                    place=point,
                )
            )
        if all(one.node_type is NodeType.JUNCTION for one in drafts):
            self._warnings.append(
                Problem("", "", "no tank or reservoir is in it: nothing is fed, so nothing counts as cut off")
            )
        return drafts

    def _on_pipes(self, one: Features) -> list[tuple[int, float] | None]:
        """Find the piece each point belongs to and how far along; reject those without."""
        points = self._points_of(one, must="pipe" not in one.columns)
        named = one.column("pipe")
        found = (
            self._nearest(
                np.array([(np.nan, np.nan) if point is None else point for point in points]).reshape(-1, 2),
                one.rule.reach,
            )
            if len(points)
            else []
        )
        lines, chainages, rows = [], [], []
        for row, (point, (line, at_m, _)) in enumerate(zip(points, found, strict=True)):
            if named[row] is not None and named[row] in self._line_of_code:
                by_name = self._line_of_code[named[row]]
                if line < 0 or self._code_of_line(line) != named[row]:
                    line = by_name
                    whole = self._lines[line]
                    at_m = whole.length / 2 if point is None else float(whole.project(shapely.Point(point)))
            if line < 0:
                if point is not None:
                    self._reject(one, row, f"there is no pipe within {one.rule.reach:g} m")
                elif "pipe" in one.columns:
                    self._reject(one, row, "it has no geometry, and no pipe has the code it names")
                continue
            lines.append(line)
            chainages.append(at_m)
            rows.append(row)
        piece, along = self._pieces.at(np.array(lines, dtype=np.int64), np.array(chainages, dtype=np.float64))
        result: list[tuple[int, float] | None] = [None] * len(one)
        for row, on, at_m in zip(rows, piece.tolist(), along.tolist(), strict=True):
            result[row] = (on, at_m)
        return result

    def _degrees_of(self, one: Features) -> Lines:
        points = self._points_of(one, must=False)
        shapes = np.array([None if point is None else shapely.Point(point) for point in points], dtype=object)
        return self._plane.degrees(shapes) if len(shapes) else shapes

    def _draft_hydrants(self) -> list[DraftHydrant]:
        drafts = []
        for one in self._of(Holds.HYDRANTS):
            places = self._degrees_of(one)
            for row, standing in enumerate(self._on_pipes(one)):
                if standing is not None:
                    drafts.append(
                        DraftHydrant(
                            code=one.codes[row],
                            pipe=self._piece_codes[standing[0]],
                            chainage_m=standing[1],
                            diameter_mm=one.value("diameter", row),
                            place=places[row],
                        )
                    )
        return drafts

    def _draft_customers(self) -> list[DraftCustomer]:
        drafts = []
        for one in self._of(Holds.CUSTOMERS):
            places = self._degrees_of(one)
            name, phone = one.column("name"), one.column("phone")
            address, kind = one.column("address"), one.column("customer_class")
            for row, standing in enumerate(self._on_pipes(one)):
                if standing is not None:
                    drafts.append(
                        DraftCustomer(
                            account_no=one.codes[row],
                            pipe=self._piece_codes[standing[0]],
                            tap_chainage_m=standing[1],
                            name=name[row] or "",
                            phone=phone[row],
                            address=address[row],
                            customer_class=kind[row] or CustomerClass.HOUSEHOLD,
                            place=places[row],
                        )
                    )
        return drafts

    def _draft_zones(self) -> list[DraftZone]:
        zones: dict[str, DraftZone] = {}
        for one in self._of(Holds.ZONES):
            kinds = shapely.get_type_id(one.shapes)
            outlines = self._plane.degrees(one.shapes)
            heads = one.numbers("head")
            for row, code in enumerate(one.codes):
                if kinds[row] not in (3, 6):
                    self._reject(one, row, "it is not drawn as an area")
                    continue
                parts = list(shapely.get_parts(outlines[row]))
                outline = None if self._plane.srid is None else shapely.MultiPolygon(parts)
                zones[code] = DraftZone(
                    code=code,
                    name=one.value("name", row) or code,
                    source_head_m=_known(heads[row]),
                    outline=outline,
                )
        for one in self._of(Holds.PIPES, Holds.JUNCTIONS):
            for code in set(one.column("zone").tolist()) - {None}:
                zones.setdefault(code, DraftZone(code=code, name=code))
        return sorted(zones.values(), key=lambda zone: zone.code)


@dataclass(slots=True)
class _Device:
    """A valve or pump on its way to its place."""

    features: Features
    row: int
    part: Part
    kind: StrEnum
    point: tuple[float, float] | None
    pipe: str | None
    node: str | None
    to_node: str | None
    line: int | None = None
    on_line: int = -1
    at_m: float = 0.0
    gap_m: float = np.inf
    is_sure: bool = False
    side: _Side | None = None
    link_ends: tuple[int, int] | None = None

    @property
    def code(self) -> str:
        """Its asset code."""
        return self.features.codes[self.row]

    @property
    def is_link(self) -> bool:
        """Whether it is a link of its own between two nodes."""
        return self.line is not None or (
            self.part is not Part.CHECK
            and self.pipe is None
            and self.node is not None
            and self.to_node is not None
        )

    def value(self, name: str) -> Any:
        """Give one of its fields."""
        return self.features.value(name, self.row)


def _part_of(holds: Holds, kind: StrEnum | None) -> tuple[Part | None, StrEnum]:
    """Tell what a device is for; None for one that isolates nothing."""
    if holds is Holds.CHECK_VALVES or kind is NoIsolation.CHECK:
        return Part.CHECK, NoIsolation.CHECK
    if holds in _USUAL_LINK:
        return Part.CONTROL, kind if isinstance(kind, LinkType) else _USUAL_LINK[holds]
    if isinstance(kind, LinkType):
        return Part.CONTROL, kind
    if isinstance(kind, NoIsolation):
        return None, kind
    return Part.ISOLATION, kind or ValveType.GATE


def _single_line(shape: Any) -> Any:
    """Give the one line a link is drawn as, or None."""
    if shape is None or shape.is_empty:
        return None
    if shape.geom_type == "MultiLineString":
        shape = shapely.line_merge(shape)
    if shape.geom_type != "LineString" or shape.length < CUT_LEAST_M:
        return None
    return shapely.remove_repeated_points(shape, 0.0)


def _ends_of(lines: Lines) -> tuple[Floats, Floats]:
    return (
        shapely.get_coordinates(shapely.get_point(lines, 0)),
        shapely.get_coordinates(shapely.get_point(lines, -1)),
    )


def _pair(point: Any) -> tuple[float, float]:
    return float(point.x), float(point.y)


def _known(number: Any) -> float | None:
    return None if number is None or not np.isfinite(number) else float(number)


def _spaced(line: Ints, at_m: Floats, lengths: Floats) -> Floats:
    """Move cuts that lie on one another, or on a line's end, a finger's breadth apart."""
    order = np.lexsort((at_m, line))
    sorted_line, sorted_at = line[order], at_m[order].copy()
    gaps = np.diff(sorted_at, prepend=-np.inf)
    gaps[np.diff(sorted_line, prepend=-1) != 0] = np.inf
    tight = (
        (gaps < CUT_LEAST_M) | (sorted_at < CUT_LEAST_M) | (sorted_at > lengths[sorted_line] - CUT_LEAST_M)
    )
    for one in np.unique(sorted_line[tight]).tolist():
        rows = np.flatnonzero(sorted_line == one)
        least = min(CUT_LEAST_M, float(lengths[one]) / (len(rows) + 2))
        steps = least * np.arange(len(rows))
        forth = np.maximum.accumulate(np.maximum(sorted_at[rows], least) - steps) + steps
        room = lengths[one] - least * np.arange(len(rows), 0, -1)
        sorted_at[rows] = np.minimum(forth, room)
    result = np.empty_like(sorted_at)
    result[order] = sorted_at
    return result
