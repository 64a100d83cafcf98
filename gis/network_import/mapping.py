"""A mapping says which layer, field, unit and code of a utility means what here; people write it in TOML."""

import tomllib
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from gis.errors import BadNetworkMapping
from gis.network_import.values import LITRES_PER_SECOND_PER, METRES_PER, MILLIMETRES_PER, texts

SNAP_M = 0.5
VALVE_END_M = 3.0


class Holds(StrEnum):
    """What the features of a layer are."""

    PIPES = "pipes"
    JUNCTIONS = "junctions"
    RESERVOIRS = "reservoirs"
    TANKS = "tanks"
    VALVES = "valves"
    CONTROL_VALVES = "control_valves"
    CHECK_VALVES = "check_valves"
    PUMPS = "pumps"
    HYDRANTS = "hydrants"
    CUSTOMERS = "customers"
    ZONES = "zones"
    NOTHING = "nothing"


class Means(StrEnum):
    """What a field holds, with the units it may be in."""

    TEXT = "text"
    DIAMETER = "diameter"
    LENGTH = "length"
    FLOW = "flow"
    NUMBER = "number"
    YEAR = "year"
    CHOICE = "choice"


REACH_M = {
    Holds.RESERVOIRS: 30.0,
    Holds.TANKS: 30.0,
    Holds.VALVES: 5.0,
    Holds.CONTROL_VALVES: 5.0,
    Holds.CHECK_VALVES: 5.0,
    Holds.PUMPS: 10.0,
    Holds.HYDRANTS: 20.0,
    Holds.CUSTOMERS: 100.0,
}
"""How far from a pipe a point may be drawn that belongs to it; a mapping may say otherwise."""

UNITS: dict[Means, MappingOf[str, float]] = {
    Means.DIAMETER: MILLIMETRES_PER,
    Means.LENGTH: METRES_PER,
    Means.FLOW: LITRES_PER_SECOND_PER,
}
UNIT_USUAL = {Means.DIAMETER: "mm", Means.LENGTH: "m", Means.FLOW: "l/s"}

_PLACED = {"pipe": Means.TEXT, "status": Means.CHOICE}
FIELDS: dict[Holds, dict[str, Means]] = {
    Holds.PIPES: {
        "code": Means.TEXT,
        "from_node": Means.TEXT,
        "to_node": Means.TEXT,
        "diameter": Means.DIAMETER,
        "material": Means.TEXT,
        "install_year": Means.YEAR,
        "road_name": Means.TEXT,
        "zone": Means.TEXT,
        "pipe_class": Means.CHOICE,
        "status": Means.CHOICE,
        "closed": Means.CHOICE,
        "check_valve": Means.CHOICE,
        "roughness": Means.NUMBER,
        "length": Means.LENGTH,
    },
    Holds.JUNCTIONS: {
        "code": Means.TEXT,
        "elevation": Means.LENGTH,
        "demand": Means.FLOW,
        "zone": Means.TEXT,
    },
    Holds.RESERVOIRS: {
        "code": Means.TEXT,
        "elevation": Means.LENGTH,
        "head": Means.LENGTH,
        "status": Means.CHOICE,
    },
    Holds.TANKS: {
        "code": Means.TEXT,
        "elevation": Means.LENGTH,
        "head": Means.LENGTH,
        "status": Means.CHOICE,
    },
    Holds.VALVES: {
        "code": Means.TEXT,
        **_PLACED,
        "node": Means.TEXT,
        "to_node": Means.TEXT,
        "valve_type": Means.CHOICE,
        "diameter": Means.DIAMETER,
        "closed": Means.CHOICE,
        "operable": Means.CHOICE,
    },
    Holds.CONTROL_VALVES: {
        "code": Means.TEXT,
        **_PLACED,
        "from_node": Means.TEXT,
        "to_node": Means.TEXT,
        "link_type": Means.CHOICE,
        "diameter": Means.DIAMETER,
        "setting": Means.NUMBER,
        "closed": Means.CHOICE,
    },
    Holds.CHECK_VALVES: {"code": Means.TEXT, **_PLACED},
    Holds.PUMPS: {
        "code": Means.TEXT,
        **_PLACED,
        "from_node": Means.TEXT,
        "to_node": Means.TEXT,
        "link_type": Means.CHOICE,
        "diameter": Means.DIAMETER,
        "setting": Means.NUMBER,
        "closed": Means.CHOICE,
    },
    Holds.HYDRANTS: {"code": Means.TEXT, **_PLACED, "diameter": Means.DIAMETER},
    Holds.CUSTOMERS: {
        "code": Means.TEXT,
        **_PLACED,
        "name": Means.TEXT,
        "phone": Means.TEXT,
        "address": Means.TEXT,
        "customer_class": Means.CHOICE,
    },
    Holds.ZONES: {"code": Means.TEXT, "name": Means.TEXT, "head": Means.LENGTH},
    Holds.NOTHING: {},
}


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Where a value comes from: a field of the layer, or the same for all; with its unit, or the meaning of its codes."""

    field: str | None = None
    value: str | float | bool | None = None
    unit: str | None = None
    codes: MappingOf[str, str | float | bool] | None = None


@dataclass(frozen=True, slots=True)
class Only:
    """Take only features whose field has one of these values, or none of those."""

    field: str
    among: frozenset[str] = frozenset()
    not_among: frozenset[str] = frozenset()

    def rows(self, column: NDArray[Any]) -> NDArray[np.bool_]:
        """Tell which values pass."""
        values = [value if value is None else value.lower() for value in texts(column).tolist()]
        return np.array(
            [(not self.among or value in self.among) and value not in self.not_among for value in values],
            dtype=np.bool_,
        )


@dataclass(frozen=True, slots=True)
class LayerRule:
    """How one layer is read; a layer may be named by several rules with different features."""

    source: str
    holds: Holds
    crs: str | None = None
    swap_axes: bool = False
    reach_m: float | None = None
    only: tuple[Only, ...] = ()
    fields: MappingOf[str, FieldRule] = field(default_factory=dict)

    @property
    def reach(self) -> float:
        """How far from a pipe its points may be drawn, metres."""
        return self.reach_m if self.reach_m is not None else REACH_M.get(self.holds, 0.0)


@dataclass(frozen=True, slots=True)
class Mapping:
    """How a bundle of layers is read.

    Parameters
    ----------
    snap_m
        Ends closer than this are one joint, and an end closer than this to another pipe joins it.
    valve_end_m
        A valve drawn closer than this to the end of its pipe stands at that end; farther in it splits the pipe.
    """

    layers: tuple[LayerRule, ...]
    snap_m: float = SNAP_M
    valve_end_m: float = VALVE_END_M


def parse_mapping(text: str) -> Mapping:
    """Read a mapping.

    Raises
    ------
    BadNetworkMapping
        It is no TOML, or names something that does not exist here.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadNetworkMapping(f"mapping: {error}") from error
    _known(content, {"snap_m", "valve_end_m", "layer"}, "mapping")
    layers = content.get("layer")
    if not isinstance(layers, list) or not layers:
        _refuse("mapping", "it needs at least one [[layer]]")
    return Mapping(
        layers=tuple(
            _layer_rule(one, f"mapping, layer {place}") for place, one in enumerate(layers, start=1)
        ),
        snap_m=_metres(content, "snap_m", "mapping", SNAP_M),
        valve_end_m=_metres(content, "valve_end_m", "mapping", VALVE_END_M),
    )


def _layer_rule(content: Any, where: str) -> LayerRule:
    if not isinstance(content, dict):
        _refuse(where, "it is no table")
    _known(content, {"source", "holds", "crs", "swap_axes", "reach_m", "only", "fields"}, where)
    source = content.get("source")
    if not isinstance(source, str) or not source:
        _refuse(where, "source must name a layer")
    where = f"mapping, layer {source}"
    try:
        holds = Holds(content.get("holds", ""))
    except ValueError:
        _refuse(where, f"holds must be one of {', '.join(Holds)}")
    fields = content.get("fields", {})
    if not isinstance(fields, dict):
        _refuse(where, "fields is no table")
    only = content.get("only", [])
    crs = content.get("crs")
    if crs is not None and not isinstance(crs, str):
        _refuse(where, "crs must be a text such as EPSG:4547")
    return LayerRule(
        source=source,
        holds=holds,
        crs=crs,
        swap_axes=bool(content.get("swap_axes", False)),
        reach_m=_metres(content, "reach_m", where, None),
        only=tuple(_only(one, where) for one in (only if isinstance(only, list) else [only])),
        fields={
            name: _field_rule(name, one, FIELDS[holds], holds, f"{where}, {name}")
            for name, one in fields.items()
        },
    )


def _field_rule(name: str, content: Any, known: MappingOf[str, Means], holds: Holds, where: str) -> FieldRule:
    if name not in known:
        _refuse(where, f"{holds} have no such field: {', '.join(known)}")
    if isinstance(content, str):
        return FieldRule(field=content)
    if not isinstance(content, dict):
        _refuse(where, 'write a field\'s name, or { field = "…" } or { value = … }')
    _known(content, {"field", "value", "unit", "codes"}, where)
    if ("field" in content) == ("value" in content):
        _refuse(where, "either a field or a value")
    means = known[name]
    unit = content.get("unit")
    if unit is not None and (means not in UNITS or unit not in UNITS[means]):
        _refuse(where, f"unit {unit!r} is not known here: {', '.join(UNITS.get(means, {})) or 'none'}")
    codes = content.get("codes")
    if codes is not None and not isinstance(codes, dict):
        _refuse(where, "codes is no table")
    named = content.get("field")
    if named is not None and not isinstance(named, str):
        _refuse(where, "field must be a text")
    return FieldRule(
        field=named,
        value=content.get("value"),
        unit=unit,
        codes=None if codes is None else {str(code).strip().lower(): value for code, value in codes.items()},
    )


def _only(content: Any, where: str) -> Only:
    if not isinstance(content, dict) or not isinstance(content.get("field"), str):
        _refuse(where, 'only must be { field = "…", is = […] } or { field = "…", not = […] }')
    _known(content, {"field", "is", "not"}, where)
    return Only(content["field"], _folded_set(content.get("is", [])), _folded_set(content.get("not", [])))


def _folded_set(values: Any) -> frozenset[str]:
    return frozenset(str(one).strip().lower() for one in (values if isinstance(values, list) else [values]))


def _metres(content: MappingOf[str, Any], name: str, where: str, usual: Any) -> Any:
    value = content.get(name, usual)
    if value is usual:
        return usual
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 10_000:
        _refuse(where, f"{name} must be metres")
    return float(value)


def _known(content: MappingOf[str, Any], names: set[str], where: str) -> None:
    for name in content:
        if name not in names:
            _refuse(where, f"{name} is not known: {', '.join(sorted(names))}")


def _refuse(where: str, what: str) -> NoReturn:
    raise BadNetworkMapping(f"{where}: {what}")


# --- writing --------------------------------------------------------------------------------------------


def write_mapping(mapping: Mapping, *, remarks: Sequence[str] = ()) -> str:
    """Write a mapping as TOML that people can go on with."""
    lines = [f"# {one}" for one in remarks]
    lines += [
        "# Ends closer than this are one joint, and an end closer than this to another pipe joins it (metres).",
        f"snap_m = {mapping.snap_m:g}",
        "# A valve drawn closer than this to the end of its pipe stands at that end; farther in it splits the pipe (metres).",
        f"valve_end_m = {mapping.valve_end_m:g}",
    ]
    for rule in mapping.layers:
        lines += ["", "[[layer]]", f"source = {_quoted(rule.source)}", f"holds = {_quoted(rule.holds.value)}"]
        if rule.crs is not None:
            lines.append(f"crs = {_quoted(rule.crs)}")
        if rule.swap_axes:
            lines.append("swap_axes = true")
        if rule.reach_m is not None:
            lines.append(f"reach_m = {rule.reach_m:g}")
        if rule.only:
            lines.append(f"only = [{', '.join(_only_text(one) for one in rule.only)}]")
        if rule.fields:
            lines.append("[layer.fields]")
            lines += [f"{name} = {_rule_text(one)}" for name, one in rule.fields.items()]
    return "\n".join(lines) + "\n"


def _only_text(only: Only) -> str:
    parts = [f"field = {_quoted(only.field)}"]
    for word, values in (("is", only.among), ("not", only.not_among)):
        if values:
            parts.append(f"{word} = [{', '.join(_quoted(one) for one in sorted(values))}]")
    return "{ " + ", ".join(parts) + " }"


def _rule_text(rule: FieldRule) -> str:
    if rule.field is not None and rule.unit is None and rule.codes is None:
        return _quoted(rule.field)
    parts = (
        [f"field = {_quoted(rule.field)}"] if rule.field is not None else [f"value = {_literal(rule.value)}"]
    )
    if rule.unit is not None:
        parts.append(f"unit = {_quoted(rule.unit)}")
    if rule.codes is not None:
        inner = ", ".join(f"{_quoted(code)} = {_literal(value)}" for code, value in rule.codes.items())
        parts.append("codes = { " + inner + " }")
    return "{ " + ", ".join(parts) + " }"


def _literal(value: str | float | bool | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, int | float) else _quoted(str(value))


def _quoted(text: str) -> str:
    escaped = "".join(
        f"\\{letter}" if letter in '"\\' else letter if letter.isprintable() else f"\\u{ord(letter):04x}"
        for letter in text
    )
    return f'"{escaped}"'
