"""Suggests a mapping from the data: what layers draw, how they and their fields are called, what the values look like."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.network_import import values
from gis.network_import.features import CHOICES
from gis.network_import.layers import Layer, Shape
from gis.network_import.mapping import (
    FIELDS,
    FieldRule,
    Holds,
    LayerRule,
    Mapping,
    Means,
    Only,
    write_mapping,
)
from gis.network_import.vocabulary import (
    DEVICE_VALUES,
    FIELD_WORDS,
    FOREIGN_WORDS,
    LAYER_WORDS,
    MATERIALS,
    NOMINAL_INCHES,
    NOMINAL_MM,
    OPEN_FIELDS,
    SERVICE_WORDS,
)

SAMPLE_ROWS = 20_000
UNIQUE_SHARE = 0.98
UNDERSTOOD_SHARE = 0.5
SURE_SHARE = 0.9
NAMED_SHARE = 0.8
"""So much of a field must be found among another layer's codes to be a reference to it."""
DISTINCT_MOST = 60
"""A field with more different values is no list of kinds."""
NODE_NEAR_SHARE = 0.1
DBF_NAME_CHARS = 10
_LINE_HOLDS = (Holds.PIPES, Holds.VALVES, Holds.CONTROL_VALVES, Holds.PUMPS)
_AREA_HOLDS = (Holds.ZONES, Holds.TANKS, Holds.CUSTOMERS, Holds.RESERVOIRS, Holds.PUMPS)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping as the data suggest it.

    Parameters
    ----------
    doubts
        What the data do not tell and a person must decide; while there is one, the mapping is not used unseen.
    remarks
        What was decided, and on what ground.
    """

    mapping: Mapping
    doubts: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def as_toml(self) -> str:
        """Write it for a person to go on with."""
        lines = ["Proposed from the data. Look through it, correct it, and give it with --mapping."]
        lines += [f"To decide: {one}" for one in self.doubts]
        return write_mapping(self.mapping, remarks=[*lines, *self.remarks])


@dataclass(slots=True)
class _Work:
    layers: Sequence[Layer]
    doubts: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def propose(layers: Sequence[Layer]) -> Proposal:
    """Suggest how layers are read."""
    work = _Work(_named_apart(layers))
    kinds = _kinds(work)
    nodes = [layer for layer, kind in kinds if kind is Holds.JUNCTIONS]
    pipes = [layer for layer, kind in kinds if kind is Holds.PIPES]
    pipe_codes = _code_values(pipes, Holds.PIPES)
    rules: list[LayerRule] = []
    for layer, kind in kinds:
        if kind is Holds.NOTHING:
            rules.append(LayerRule(layer.name, kind))
            continue
        only: tuple[Only, ...] = ()
        if kind is Holds.JUNCTIONS:
            rules += _carried(layer, work)
        rules.append(
            LayerRule(layer.name, kind, only=only, fields=_fields(layer, kind, nodes, pipe_codes, work))
        )
    return Proposal(Mapping(tuple(rules)), tuple(work.doubts), tuple(work.remarks))


def _named_apart(layers: Sequence[Layer]) -> list[Layer]:
    """Call layers of one name in several files by both names."""
    names = [layer.name.casefold() for layer in layers]
    return [
        replace(layer, name=f"{layer.file}:{layer.name}") if names.count(layer.name.casefold()) > 1 else layer
        for layer in layers
    ]


# --- layers -----------------------------------------------------------------------------------------


def _kinds(work: _Work) -> list[tuple[Layer, Holds]]:
    """Decide what each layer holds."""
    kinds: dict[int, Holds] = {}
    for number, layer in enumerate(work.layers):
        named = _kind_by_name(layer)
        if named is not None:
            kinds[number] = named
    _decide_lines(work, kinds)
    pipe_layers = [work.layers[number] for number, kind in kinds.items() if kind is Holds.PIPES]
    for number, layer in enumerate(work.layers):
        if number not in kinds:
            kinds[number] = _kind_by_data(layer, pipe_layers, kinds, work)
    result = [(layer, kinds[number]) for number, layer in enumerate(work.layers)]
    for layer, kind in result:
        if kind is Holds.NOTHING:
            work.remarks.append(f"layer {layer.name}: not known what it holds; it is left out")
    return result


def _decide_lines(work: _Work, kinds: dict[int, Holds]) -> None:
    """Find the pipes: by name, else the only layer of lines, else the only one that has what pipes have."""
    unnamed = [
        number
        for number, layer in enumerate(work.layers)
        if number not in kinds and layer.shape is Shape.LINE
    ]
    if any(kind is Holds.PIPES for kind in kinds.values()):
        for number in unnamed:
            likely = _looks_like_pipes(work.layers[number])
            kinds[number] = Holds.PIPES if likely else Holds.NOTHING
        return
    likely_ones = [number for number in unnamed if _looks_like_pipes(work.layers[number])]
    chosen = unnamed if len(unnamed) == 1 else likely_ones
    if len(chosen) == 1:
        kinds[chosen[0]] = Holds.PIPES
    elif chosen:
        names = ", ".join(work.layers[number].name for number in chosen)
        for number in chosen:
            kinds[number] = Holds.PIPES
        work.doubts.append(f"which of the layers {names} are water mains")
    elif unnamed:
        names = ", ".join(work.layers[number].name for number in unnamed)
        work.doubts.append(f"whether one of the layers {names} holds the pipes")
    else:
        work.doubts.append("which layer holds the pipes: none draws lines that could be")
    for number in unnamed:
        kinds.setdefault(number, Holds.NOTHING)


def _kind_by_name(layer: Layer) -> Holds | None:
    shape = layer.shape
    for name in (layer.name, layer.file.rsplit("/", 1)[-1].rsplit(".", 1)[0]):
        words = _words(name)
        kind = next(
            (
                kind
                for kind, of in LAYER_WORDS.items()
                if _holds_word(words, name, of) and _may_hold(kind, shape)
            ),
            None,
        )
        is_foreign = _holds_word(words, name, FOREIGN_WORDS)
        if shape is Shape.LINE and _holds_word(words, name, SERVICE_WORDS) and not is_foreign:
            return Holds.PIPES
        if is_foreign and kind in (None, Holds.PIPES, Holds.JUNCTIONS, Holds.ZONES):
            return Holds.NOTHING
        if kind is not None:
            return kind
    return None


def _may_hold(kind: Holds, shape: Shape) -> bool:
    match shape:
        case Shape.LINE:
            return kind in _LINE_HOLDS
        case Shape.POINT:
            return kind not in (Holds.PIPES, Holds.ZONES)
        case Shape.AREA:
            return kind in _AREA_HOLDS
        case Shape.MIXED:
            return kind is Holds.PIPES
        case Shape.NONE:
            return kind in (Holds.CUSTOMERS, Holds.VALVES)


def _looks_like_pipes(layer: Layer) -> bool:
    return any(
        _named(layer, target) or by_value
        for target, by_value in (
            ("diameter", _nominal_field(layer) is not None),
            ("material", _material_field(layer) is not None),
        )
    )


def _kind_by_data(layer: Layer, pipes: Sequence[Layer], kinds: dict[int, Holds], work: _Work) -> Holds:
    """Decide what a layer without a telling name holds, by its fields and values."""
    if layer.shape is not Shape.POINT:
        return Holds.NOTHING
    if any(_references(pipe, _unique_values(layer)) for pipe in pipes):
        return Holds.JUNCTIONS
    told = [
        kind
        for kind, of in LAYER_WORDS.items()
        if kind not in (Holds.PIPES, Holds.JUNCTIONS, Holds.ZONES)
        and any(_holds_word(_words(name), name, of) for name in layer.fields)
    ]
    if len(told) == 1:
        work.remarks.append(f"layer {layer.name}: taken as {told[0]} by the names of its fields")
        return told[0]
    if _carried(layer, work):
        return Holds.JUNCTIONS
    text = [
        name
        for name, column in layer.fields.items()
        if _understood(column, CHOICES["valve_type"]) >= SURE_SHARE
    ]
    if text:
        work.remarks.append(f"layer {layer.name}: taken as valves by the values of {text[0]}")
        return Holds.VALVES
    if _named(layer, "account_no") and (_named(layer, "phone") or _named(layer, "address")):
        return Holds.CUSTOMERS
    return Holds.NOTHING


def _carried(layer: Layer, work: _Work) -> list[LayerRule]:
    """Find the field of surveyed points that says what stands at them, and read valves, hydrants and sources from it."""
    best: dict[Holds, set[str]] = {}
    best_field = ""
    for name, column in layer.fields.items():
        distinct = {one for one in values.texts(_sample(column)).tolist() if one is not None}
        if not 0 < len(distinct) <= DISTINCT_MOST:
            continue
        found: dict[Holds, set[str]] = {}
        for value in distinct:
            kind = next((kind for kind, of in DEVICE_VALUES.items() if value.lower() in of), None)
            if kind is not None:
                found.setdefault(kind, set()).add(value.lower())
        if sum(map(len, found.values())) > sum(map(len, best.values())):
            best, best_field = found, name
    rules = []
    for kind, of in best.items():
        fields = {"code": FieldRule(code)} if (code := _code_field(layer, kind)) else {}
        diameter = _diameter(layer, work) if "diameter" in FIELDS[kind] else None
        if diameter is not None:
            fields["diameter"] = diameter
        rules.append(
            LayerRule(layer.name, kind, only=(Only(best_field, among=frozenset(of)),), fields=fields)
        )
    return rules


# --- fields -----------------------------------------------------------------------------------------


def _fields(
    layer: Layer, kind: Holds, nodes: Sequence[Layer], pipe_codes: frozenset[str], work: _Work
) -> dict[str, FieldRule]:
    rules: dict[str, FieldRule] = {}
    used: set[str] = set()

    def take(target: str, rule: FieldRule | None) -> None:
        if rule is not None and rule.field is not None:
            rules[target] = rule
            used.add(rule.field)

    code = _code_field(layer, kind)
    take("code", None if code is None else FieldRule(code))
    if code is None:
        work.remarks.append(f"layer {layer.name}: no field has a code of its own for every feature")
    begin, end = ("node", "to_node") if kind is Holds.VALVES else ("from_node", "to_node")
    if begin in FIELDS[kind]:
        pair = _named_node_fields(layer, nodes) if layer.shape is Shape.POINT else _node_fields(layer, nodes)
        if pair is not None:
            take(begin, FieldRule(pair[0]))
            take(end, FieldRule(pair[1]))
    if "pipe" in FIELDS[kind] and pipe_codes:
        take("pipe", _pipe_reference(layer, pipe_codes, used))
    if kind is Holds.PIPES and _is_service(layer):
        rules["pipe_class"] = FieldRule(value="service")
    for target, means in FIELDS[kind].items():
        if target in rules or target in ("code", "from_node", "to_node", "node", "pipe", "length", "demand"):
            continue
        rule = _field_for(layer, target, means, used, work)
        take(target, rule)
    return rules


def _field_for(layer: Layer, target: str, means: Means, used: set[str], work: _Work) -> FieldRule | None:
    if target == "diameter":
        return _diameter(layer, work)
    named = [name for name in _named(layer, target) if name not in used]
    match means:
        case Means.CHOICE:
            for name in named:
                share = _understood(layer.fields[name], CHOICES[target])
                if share >= UNDERSTOOD_SHARE and not (
                    target == "status" and _says_closed(layer.fields[name])
                ):
                    if target == "closed" and _folded(name) in OPEN_FIELDS:
                        return _inverted(layer, name)
                    return FieldRule(name)
            return None
        case Means.YEAR:
            named += [
                name for name, column in layer.fields.items() if name not in used and _are_years(column)
            ]
            return next(
                (
                    FieldRule(name)
                    for name in named
                    if _known_share(values.years(_sample(layer.fields[name])), layer.fields[name])
                    >= UNDERSTOOD_SHARE
                ),
                None,
            )
        case Means.LENGTH | Means.NUMBER | Means.FLOW:
            return next((FieldRule(name) for name in named if _are_numbers(layer.fields[name])), None)
        case _:
            if not named and target == "material":
                found = _material_field(layer)
                named = [found] if found is not None and found not in used else []
            return FieldRule(named[0]) if named else None


def _inverted(layer: Layer, name: str) -> FieldRule:
    """Turn the yes of a field that asks whether it is open into the no of being closed."""
    distinct = {one for one in values.texts(layer.fields[name]).tolist() if one is not None}
    codes: dict[str, str | float | bool] = {}
    for value in distinct:
        told = values.YES(value)
        closed = values.CLOSED(value) if told is None else not told
        if closed is not None:
            codes[value.lower()] = closed
    return FieldRule(name, codes=codes)


def _code_field(layer: Layer, kind: Holds) -> str | None:
    """Find the field that tells every feature from every other: by its name, else the first that does."""
    target = [*_named(layer, "account_no")] if kind is Holds.CUSTOMERS else []
    target += _named(layer, "code")
    others = [
        name
        for name, column in layer.fields.items()
        if name not in target and column.dtype.kind in "OUTiu" and not _are_years(column)
    ]
    return next((name for name in (*target, *others) if _is_unique(layer.fields[name])), None)


def _node_fields(layer: Layer, nodes: Sequence[Layer]) -> tuple[str, str] | None:
    """Find the two fields that name a line's first and last node: in a layer of nodes, or alike where lines meet."""
    for node_layer in nodes:
        for codes in _unique_values(node_layer).values():
            pair = _by_reference(layer, codes, node_layer)
            if pair is not None:
                return pair
    begins = [name for name in _named(layer, "from_node") if name in layer.fields]
    ends = [name for name in _named(layer, "to_node") if name in layer.fields]
    for begin, end in zip(begins, ends, strict=False):
        if begin != end and _names_agree(layer, begin, end):
            return begin, end
    return None


def _named_node_fields(layer: Layer, nodes: Sequence[Layer]) -> tuple[str, str] | None:
    """Find the two nodes that a device drawn as a point joins: fields called so, with values of a layer of nodes."""
    codes = {code for node_layer in nodes for of in _unique_values(node_layer).values() for code in of}
    for begin in _named(layer, "from_node"):
        for end in _named(layer, "to_node"):
            if (
                begin != end
                and min(_share_in(layer.fields[one], codes) for one in (begin, end)) >= NAMED_SHARE
            ):
                return begin, end
    return None


def _by_reference(layer: Layer, codes: dict[str, int], node_layer: Layer) -> tuple[str, str] | None:
    candidates = [name for name, column in layer.fields.items() if _share_in(column, codes) >= NAMED_SHARE]
    if len(candidates) < 2:
        return None
    begins, ends = shapely.get_point(layer.shapes, 0), shapely.get_point(layer.shapes, -1)
    typical_m = float(np.nanmedian(shapely.length(layer.shapes))) or 1.0

    def gap(name: str, points: NDArray[np.object_]) -> float:
        rows = [
            codes.get(text, -1) if text is not None else -1
            for text in values.texts(layer.fields[name]).tolist()
        ]
        targets = np.array([node_layer.shapes[row] if row >= 0 else None for row in rows], dtype=object)
        gaps = shapely.distance(points, targets)
        return float(np.nanmedian(gaps)) if np.isfinite(gaps).any() else np.inf

    best = min(
        ((gap(a, begins) + gap(b, ends), a, b) for a in candidates for b in candidates if a != b),
        default=None,
    )
    if best is None or not best[0] <= max(NODE_NEAR_SHARE * typical_m, 1e-6):
        # Other systems, schematic drawings: the names alone decide.
        named = [
            (a, b)
            for a in _named(layer, "from_node")
            for b in _named(layer, "to_node")
            if a in candidates and b in candidates and a != b
        ]
        return named[0] if named else None
    return best[1], best[2]


def _names_agree(layer: Layer, begin: str, end: str) -> bool:
    """Tell whether ends that carry one name lie together; a field merely called start may mean anything."""
    seen: dict[str, tuple[float, float]] = {}
    together = apart = 0
    shapes = layer.shapes
    lengths = shapely.length(shapes)
    near = max(
        NODE_NEAR_SHARE * float(np.nanmedian(lengths[lengths > 0])) if (lengths > 0).any() else 0.0, 1e-9
    )
    for name, index in ((begin, 0), (end, -1)):
        points = shapely.get_point(shapes, index)
        pairs = zip(
            values.texts(layer.fields[name]).tolist(),
            shapely.get_x(points).tolist(),
            shapely.get_y(points).tolist(),
            strict=True,
        )
        for text, x, y in pairs:
            if text is None or not np.isfinite(x):
                continue
            if text in seen:
                if abs(seen[text][0] - x) <= near and abs(seen[text][1] - y) <= near:
                    together += 1
                else:
                    apart += 1
            else:
                seen[text] = (x, y)
    return together > 0 and together >= SURE_SHARE * (together + apart)


def _pipe_reference(layer: Layer, pipe_codes: frozenset[str], used: set[str]) -> FieldRule | None:
    """Find the field that names the pipe a point stands on; running numbers agree by chance, so its name must say so."""
    for name in _named(layer, "pipe"):
        if name not in used and _share_in(layer.fields[name], pipe_codes) >= NAMED_SHARE:
            return FieldRule(name)
    for name, column in layer.fields.items():
        texts = [one for one in values.texts(_sample(column)).tolist() if one is not None]
        if name in used or not texts or all(one.isdigit() for one in texts):
            continue
        if _share_in(column, pipe_codes) >= SURE_SHARE:
            return FieldRule(name)
    return None


def _diameter(layer: Layer, work: _Work) -> FieldRule | None:
    """Find the diameter and its unit; without the unit it is left out rather than guessed."""
    named = [name for name in _named(layer, "diameter") if _are_numbers(layer.fields[name])]
    found = named[0] if named else _nominal_field(layer)
    if found is None:
        return None
    unit = _diameter_unit(found, layer.fields[found])
    if unit is None:
        work.remarks.append(f"layer {layer.name}: the unit of {found} is not clear; the diameter is left out")
        return None
    return FieldRule(found, unit=unit)


def _diameter_unit(name: str, column: NDArray[Any]) -> str | None:
    words = _words(name)
    for unit, marks in (
        ("mm", ("mm", "dn", "毫米")),
        ("in", ("in", "inch", "inches", "英寸")),
        ("cm", ("cm",)),
    ):
        if any(mark in words for mark in marks):
            return unit
    sizes = values.numbers(_sample(column))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if not len(sizes):
        return None
    middle = float(np.median(sizes))
    in_inches = float(np.isin(sizes, list(NOMINAL_INCHES)).mean())
    in_mm = float(np.isin(np.round(sizes), list(NOMINAL_MM)).mean())
    if middle >= 40 or (middle >= 15 and in_mm >= SURE_SHARE and in_inches < SURE_SHARE):
        return "mm"
    if in_inches >= SURE_SHARE and middle >= 2:
        return "in"
    if middle <= 3 and in_inches < SURE_SHARE:
        return "m"
    return None


def _nominal_field(layer: Layer) -> str | None:
    """Find a field of numbers that are nearly all nominal diameters."""
    for name, column in layer.fields.items():
        if not _are_numbers(column) or _is_unique(column):
            continue
        sizes = values.numbers(_sample(column))
        sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
        if len(sizes) and np.isin(sizes, list(NOMINAL_MM)).mean() >= SURE_SHARE and np.median(sizes) >= 40:
            return name
    return None


def _material_field(layer: Layer) -> str | None:
    for name, column in layer.fields.items():
        texts = [one.lower() for one in values.texts(_sample(column)).tolist() if one is not None]
        if (
            texts
            and column.dtype.kind in "OUT"
            and sum(one in MATERIALS for one in texts) >= 0.6 * len(texts)
        ):
            return name
    return None


# --- looking at values ----------------------------------------------------------------------------------


def _sample(column: NDArray[Any]) -> NDArray[Any]:
    return column if len(column) <= SAMPLE_ROWS else column[:: len(column) // SAMPLE_ROWS + 1]


def _known_share(found: NDArray[Any], column: NDArray[Any]) -> float:
    filled = sum(one is not None for one in values.texts(_sample(column)).tolist())
    return sum(one is not None for one in found.tolist()) / filled if filled else 0.0


def _understood(column: NDArray[Any], tell: Callable[[Any], Any]) -> float:
    """Share of a field's filled values that a word list knows."""
    sample = _sample(column)
    distinct = {one for one in values.texts(sample).tolist() if one is not None}
    if len(distinct) > DISTINCT_MOST:
        return 0.0
    return _known_share(values.per_distinct(sample, tell), column)


def _says_closed(column: NDArray[Any]) -> bool:
    return _understood(column, values.CLOSED) >= SURE_SHARE


def _is_unique(column: NDArray[Any]) -> bool:
    if column.dtype.kind in "fbM":
        return False
    texts = values.texts(column).tolist()
    filled = [one for one in texts if one is not None]
    return bool(filled) and len(set(filled)) >= UNIQUE_SHARE * len(texts)


def _unique_values(layer: Layer) -> dict[str, dict[str, int]]:
    """List the fields that could be codes, each value with its row."""
    return {
        name: {text: row for row, text in enumerate(values.texts(column).tolist()) if text is not None}
        for name, column in layer.fields.items()
        if _is_unique(column)
    }


def _references(pipe: Layer, candidates: dict[str, dict[str, int]]) -> bool:
    """Tell whether two fields of a pipe layer name values of another layer, texts rather than running numbers."""
    for codes in candidates.values():
        if all(code.isdigit() for code in codes) and not (
            _named(pipe, "from_node") and _named(pipe, "to_node")
        ):
            continue
        if sum(_share_in(column, codes) >= NAMED_SHARE for column in pipe.fields.values()) >= 2:
            return True
    return False


def _share_in(column: NDArray[Any], codes: Any) -> float:
    if column.dtype.kind in "bM":
        return 0.0
    texts = [one for one in values.texts(_sample(column)).tolist() if one is not None]
    return sum(one in codes for one in texts) / len(texts) if texts else 0.0


def _code_values(layers: Sequence[Layer], kind: Holds) -> frozenset[str]:
    codes: set[str] = set()
    for layer in layers:
        name = _code_field(layer, kind)
        if name is not None:
            codes.update(one for one in values.texts(layer.fields[name]).tolist() if one is not None)
    return frozenset(codes)


def _are_numbers(column: NDArray[Any]) -> bool:
    if column.dtype.kind in "iuf":
        return bool(np.isfinite(column.astype(np.float64)).any())
    if column.dtype.kind in "bM":
        return False
    texts = [one for one in values.texts(_sample(column)).tolist() if one is not None]
    return bool(texts) and sum(any(letter.isdigit() for letter in one) for one in texts) >= NAMED_SHARE * len(
        texts
    )


def _are_years(column: NDArray[Any]) -> bool:
    """Tell whether whole numbers all look like years, and are not just numbered so."""
    if column.dtype.kind not in "iuf":
        return False
    numbers = _sample(column).astype(np.float64)
    numbers = numbers[np.isfinite(numbers) & (numbers != 0)]
    return bool(len(numbers)) and float(((numbers >= 1850) & (numbers <= 2035)).mean()) >= SURE_SHARE


# --- looking at names -----------------------------------------------------------------------------------


def _folded(name: str) -> str:
    return re.sub(r"[^\w]+", "_", name.strip().lower()).strip("_")


def _words(name: str) -> set[str]:
    """Cut a name into words: at underscores, at capitals, at digits; and keep it whole."""
    cut = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    parts = [part for part in re.split(r"[\W_]+|(?<=\D)(?=\d)|(?<=\d)(?=\D)", cut.lower()) if part]
    whole = _folded(name)
    pairs = {f"{a}_{b}" for a, b in pairwise(parts)} | {f"{a}{b}" for a, b in pairwise(parts)}
    words = {whole, whole.replace("_", ""), *parts, *pairs}
    return words | {word[:-1] for word in words if len(word) > 3 and word.endswith("s")}


def _holds_word(words: set[str], name: str, of: Sequence[str]) -> bool:
    return any(word in words if word.isascii() else word in name for word in of)


def _named(layer: Layer, target: str) -> list[str]:
    """List a layer's fields that are called like a target: whole names first, best words first."""
    whole, partly = [], []
    words_of = {name: _words(name) for name in layer.fields}
    for word in FIELD_WORDS.get(target, ()):
        for name, words in words_of.items():
            if _is_called(name, word):
                whole.append(name)
            elif (len(word) > 2 and word.isascii() and word in words) or (
                not word.isascii() and word in name
            ):
                partly.append(name)
    return list(dict.fromkeys([*whole, *partly]))


def _is_service(layer: Layer) -> bool:
    return _holds_word(_words(layer.name), layer.name, SERVICE_WORDS)


def _is_called(name: str, word: str) -> bool:
    """Tell whether a field's whole name is a word; Shapefiles cut names after ten characters."""
    whole = _folded(name)
    if whole.replace("_", "") == word.replace("_", ""):
        return True
    return len(name) == DBF_NAME_CHARS and len(word) > DBF_NAME_CHARS and word.startswith(whole)
