"""The features of one layer as one rule reads them: chosen, with codes, their fields in our units and words."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.errors import BadNetworkMapping
from gis.models import CustomerClass, LifecycleStatus, LinkType, Operable, PipeClass, ValveType
from gis.network_import import values
from gis.network_import.draft import Problem
from gis.network_import.layers import Layer
from gis.network_import.mapping import FIELDS, UNIT_USUAL, UNITS, FieldRule, LayerRule, Means

Lines = NDArray[np.object_]
EXAMPLES_TOLD = 5


def _closed(value: Any) -> bool | None:
    told = values.CLOSED(value)
    return values.YES(value) if told is None else told


def _check_valve(value: Any) -> bool | None:
    told = values.YES(value)
    return True if told is None and str(value).strip().upper() == "CV" else told


def _either(own: Callable[[Any], Any], words: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: words(value) if (told := own(value)) is None else told


CHOICES: dict[str, Callable[[Any], Any]] = {
    "closed": _closed,
    "check_valve": _check_valve,
    "status": _either(values.enum_of(LifecycleStatus), values.LIFECYCLE),
    "operable": _either(values.enum_of(Operable), values.OPERABLE),
    "pipe_class": _either(values.enum_of(PipeClass), values.PIPE_CLASS),
    "valve_type": _either(values.enum_of(ValveType), values.VALVE_KIND),
    "link_type": _either(values.enum_of(LinkType), values.LINK_TYPE),
    "customer_class": _either(values.enum_of(CustomerClass), values.CUSTOMER_CLASS),
}


@dataclass(frozen=True, slots=True)
class Features:
    """What one rule takes from one layer.

    Parameters
    ----------
    codes
        Asset codes, distinct within what `Holds` says they are.
    columns
        Values by our names of the fields; only those the rule names.
    shapes
        As drawn, in the source's system.
    """

    rule: LayerRule
    layer: Layer
    codes: list[str]
    columns: dict[str, NDArray[Any]]
    shapes: Lines

    def __len__(self) -> int:
        return len(self.codes)

    def column(self, name: str) -> NDArray[Any]:
        """Give a field's values, or as many None."""
        if name in self.columns:
            return self.columns[name]
        return np.full(len(self.codes), None, dtype=object)

    def value(self, name: str, row: int) -> Any:
        """Give one feature's value of a field, None where there is none."""
        return self.columns[name][row] if name in self.columns else None

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Give a field's numbers, NaN where there is none."""
        if name in self.columns:
            return np.asarray(self.columns[name], dtype=np.float64)
        return np.full(len(self.codes), np.nan)

    def kept(self, rows: NDArray[Any], shapes: Lines | None = None) -> "Features":
        """Keep some of them, drawn otherwise if `shapes` says so."""
        return Features(
            self.rule,
            self.layer,
            [self.codes[row] for row in (np.flatnonzero(rows) if rows.dtype == np.bool_ else rows).tolist()],
            {name: column[rows] for name, column in self.columns.items()},
            self.shapes[rows] if shapes is None else shapes,
        )


def read_features(
    layer: Layer, rule: LayerRule, taken: set[str], problems: tuple[list[Problem], list[Problem]]
) -> Features:
    """Take what a rule says from a layer.

    Parameters
    ----------
    taken
        Codes used already among features of the same kind; those of this layer are added.
    problems
        Rejected and warnings, to add to.

    Raises
    ------
    BadNetworkMapping
        The rule names a field the layer does not have.
    """
    rejected, warnings = problems
    for named in [only.field for only in rule.only] + [
        one.field for one in rule.fields.values() if one.field
    ]:
        if named not in layer.fields:
            raise BadNetworkMapping(
                f"{layer.file}, layer {layer.name}: there is no field {named!r}; it has {', '.join(layer.fields) or 'none'}"
            )
    rows = np.ones(len(layer), dtype=np.bool_)
    for only in rule.only:
        rows &= only.rows(layer.fields[only.field])
    if not rows.all():
        layer = layer.picked(rows)
    columns = {
        name: _converted(name, one, FIELDS[rule.holds][name], layer, warnings)
        for name, one in rule.fields.items()
    }
    codes = _codes(columns.pop("code", None), layer, taken, warnings)
    features = Features(rule, layer, codes, columns, layer.shapes)
    if "status" not in columns:
        return features
    gone = columns["status"] == LifecycleStatus.ABANDONED
    rejected += [
        Problem(layer.name, codes[row], "it is abandoned, says the source")
        for row in np.flatnonzero(gone).tolist()
    ]
    return features.kept(~gone) if gone.any() else features


def _codes(column: NDArray[Any] | None, layer: Layer, taken: set[str], warnings: list[Problem]) -> list[str]:
    """Give every feature a code of its own: the source's, else its layer and number there."""
    codes, unnamed, repeated = [], 0, 0
    for number, given in zip(
        layer.features.tolist(), column.tolist() if column is not None else [None] * len(layer), strict=True
    ):
        code = given
        if code is None:
            unnamed += 1
            code = f"{layer.name}-{number}"
        if code in taken:
            repeat = 2
            while f"{code}#{repeat}" in taken:
                repeat += 1
            if repeated < EXAMPLES_TOLD:
                warnings.append(
                    Problem(
                        layer.name, code, f"the code is used more than once; here it became {code}#{repeat}"
                    )
                )
            repeated += 1
            code = f"{code}#{repeat}"
        taken.add(code)
        codes.append(code)
    if unnamed:
        warnings.append(
            Problem(
                layer.name, "", f"{unnamed} features have no code and are called by their number in the layer"
            )
        )
    if repeated > EXAMPLES_TOLD:
        warnings.append(
            Problem(layer.name, "", f"{repeated} features have a code that is used more than once")
        )
    return codes


def _converted(
    name: str, rule: FieldRule, means: Means, layer: Layer, warnings: list[Problem]
) -> NDArray[Any]:
    column = (
        layer.fields[rule.field] if rule.field is not None else np.full(len(layer), rule.value, dtype=object)
    )
    if rule.codes is not None:
        column = _looked_up(name, rule, column, means, layer, warnings)
    match means:
        case Means.TEXT:
            return values.texts(column)
        case Means.YEAR:
            return values.years(column)
        case Means.DIAMETER:
            sizes, unbelieved = values.diameters_mm(column, unit=rule.unit or UNIT_USUAL[means])
            _tell(warnings, layer, rule, column[unbelieved], "are no diameters of a main and were left out")
            return sizes
        case Means.LENGTH | Means.FLOW:
            return values.numbers(column, factor=UNITS[means][rule.unit or UNIT_USUAL[means]])
        case Means.NUMBER:
            return values.numbers(column)
        case Means.CHOICE:
            chosen = values.per_distinct(column, CHOICES[name])
            odd = np.array([one is None for one in chosen]) & np.array(
                [one is not None for one in values.texts(column)], dtype=np.bool_
            )
            _tell(warnings, layer, rule, column[odd], f"are not understood as {name} and were left out")
            return chosen


def _looked_up(
    name: str, rule: FieldRule, column: NDArray[Any], means: Means, layer: Layer, warnings: list[Problem]
) -> NDArray[Any]:
    assert rule.codes is not None
    codes = rule.codes
    keys = values.texts(column)
    found = np.empty(len(keys), dtype=object)
    missing = []
    for row, key in enumerate(keys.tolist()):
        if key is None:
            continue
        value = codes.get(key.lower())
        if value is None:
            missing.append(key)
            if means is Means.TEXT:
                value = key
        found[row] = value
    if missing:
        _tell(warnings, layer, rule, missing, f"are not in the code table of {name}")
    return found


def _tell(
    warnings: list[Problem], layer: Layer, rule: FieldRule, odd: Sequence[Any] | NDArray[Any], what: str
) -> None:
    """Warn once of all odd values of a field."""
    if not len(odd):
        return
    counted = Counter(str(one).strip() for one in odd)
    shown = ", ".join(f"{value!r} ({times}×)" for value, times in counted.most_common(EXAMPLES_TOLD))
    more = f" and {len(counted) - EXAMPLES_TOLD} others" if len(counted) > EXAMPLES_TOLD else ""
    warnings.append(Problem(layer.name, "", f"field {rule.field}: {shown}{more} {what}"))
