"""A mapping as a form: the same as the TOML, to be filled in field by field."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gis.errors import BadNetworkMapping
from gis.network_import.mapping import (
    FIELDS,
    SNAP_M,
    UNITS,
    VALVE_END_M,
    FieldRule,
    Holds,
    LayerRule,
    Mapping,
    Means,
    Only,
    parse_mapping,
    write_mapping,
)

Name = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Metres = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]
Value = Name | float | bool
LAYERS_MAX = 500
CODES_MAX = 2_000


class FieldForm(BaseModel):
    """Where a value comes from: a field of the layer, or the same for all."""

    model_config = ConfigDict(extra="forbid")

    field: Name | None = None
    value: Value | None = None
    unit: Name | None = None
    codes: Annotated[dict[Name, Value], Field(max_length=CODES_MAX)] | None = None


class OnlyForm(BaseModel):
    """Take only features whose field has one of these values, or none of those."""

    model_config = ConfigDict(extra="forbid")

    field: Name
    among: Annotated[list[Name], Field(max_length=CODES_MAX)] = []
    not_among: Annotated[list[Name], Field(max_length=CODES_MAX)] = []


class LayerForm(BaseModel):
    """How one layer is read."""

    model_config = ConfigDict(extra="forbid")

    source: Annotated[Name, Field(min_length=1)]
    holds: Holds
    crs: Name | None = None
    swap_axes: bool = False
    reach_m: Metres | None = None
    only: Annotated[list[OnlyForm], Field(max_length=50)] = []
    fields: Annotated[dict[Name, FieldForm], Field(max_length=50)] = {}


class MappingForm(BaseModel):
    """How a bundle of layers is read."""

    model_config = ConfigDict(extra="forbid")

    snap_m: Metres = SNAP_M
    valve_end_m: Metres = VALVE_END_M
    layers: Annotated[list[LayerForm], Field(min_length=1, max_length=LAYERS_MAX)]

    def as_toml(self) -> str:
        """Write it as TOML; what makes no sense in it is refused when that is read."""
        return write_mapping(
            Mapping(
                layers=tuple(_rule(one) for one in self.layers),
                snap_m=self.snap_m,
                valve_end_m=self.valve_end_m,
            )
        )


class MappingWordsOut(BaseModel):
    """What a mapping may say: the kinds of layers, their fields and what each means, the units of a meaning."""

    fields: dict[Holds, dict[str, Means]]
    units: dict[Means, list[str]]


def mapping_words() -> MappingWordsOut:
    """Tell what a mapping may say."""
    return MappingWordsOut(
        fields={holds: dict(fields) for holds, fields in FIELDS.items()},
        units={means: list(units) for means, units in UNITS.items()},
    )


def form_of(toml: str | None) -> MappingForm | None:
    """Read a mapping into the form; none where there is no mapping, or a person's TOML that is none yet."""
    if toml is None:
        return None
    try:
        mapping = parse_mapping(toml)
    except BadNetworkMapping:
        return None
    return MappingForm(
        snap_m=mapping.snap_m,
        valve_end_m=mapping.valve_end_m,
        layers=[_form(one) for one in mapping.layers],
    )


def _form(rule: LayerRule) -> LayerForm:
    return LayerForm(
        source=rule.source,
        holds=rule.holds,
        crs=rule.crs,
        swap_axes=rule.swap_axes,
        reach_m=rule.reach_m,
        only=[
            OnlyForm(field=one.field, among=sorted(one.among), not_among=sorted(one.not_among))
            for one in rule.only
        ],
        fields={
            name: FieldForm(
                field=one.field,
                value=one.value,
                unit=one.unit,
                codes=None if one.codes is None else dict(one.codes),
            )
            for name, one in rule.fields.items()
        },
    )


def _rule(form: LayerForm) -> LayerRule:
    return LayerRule(
        source=form.source,
        holds=form.holds,
        crs=form.crs,
        swap_axes=form.swap_axes,
        reach_m=form.reach_m,
        only=tuple(Only(one.field, frozenset(one.among), frozenset(one.not_among)) for one in form.only),
        fields={
            name: FieldRule(field=one.field, value=one.value, unit=one.unit, codes=one.codes)
            for name, one in form.fields.items()
        },
    )
