"""What the directory's routes take and give."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import shapely
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from core.schemas import Area, Wire
from core.text import Line, Prose
from gis.schemas import PointIn
from hotline.directory.entries import Said, drawn
from hotline.models import DirectoryChange, DirectoryEntry, EntryKind, Matter

EVERYWHERE = shapely.box(-180.0, -90.0, 180.0, 90.0)


def _shape(area: Area) -> shapely.Geometry:
    return shapely.from_geojson(area.model_dump_json())


def _on_earth(area: Area) -> Area:
    if not EVERYWHERE.covers(_shape(area)):
        msg = "must lie between -180 and 180 degrees of longitude and -90 and 90 of latitude"
        raise ValueError(msg)
    return area


Phone = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=2,
        max_length=40,
        pattern=r"^\+?[0-9(][0-9 ()/-]*(?:(?:转|x|ext\.?) ?[0-9]+)?$",
    ),
]
"""A number as it is read out, with an extension perhaps: `029-8555 0100 转 2`, `12345`."""


class EntryIn(Wire):
    """Whom to call, for what and where; in one language at least."""

    kind: EntryKind
    name_zh: Line = ""
    name_en: Line = ""
    phones: Annotated[list[Phone], Field(min_length=1, max_length=8)]
    hours_zh: Line = ""
    hours_en: Line = ""
    matters: Annotated[list[Matter], Field(max_length=len(Matter), default_factory=list)]
    """What he answers for; none named: everything."""
    note_zh: Prose = ""
    """What to say to the caller who is handed over."""
    note_en: Prose = ""
    position: Annotated[int, Field(ge=0, le=9999)] = 100
    """Where it stands in the list."""
    area: Annotated[Area, AfterValidator(_on_earth)] | None = None
    """GeoJSON in longitude and latitude where he answers; none: everywhere."""

    @model_validator(mode="after")
    def _has_a_name(self) -> "EntryIn":
        if not (self.name_zh or self.name_en):
            msg = "needs a name in Chinese or in English"
            raise ValueError(msg)
        return self

    def said(self) -> Said:
        """Convert to what the trade works with: an area is a geometry, a matter named twice is one."""
        return Said(
            kind=self.kind,
            name_zh=self.name_zh,
            name_en=self.name_en,
            phones=self.phones,
            hours_zh=self.hours_zh,
            hours_en=self.hours_en,
            matters=sorted(set(self.matters)),
            note_zh=self.note_zh,
            note_en=self.note_en,
            position=self.position,
            area=_shape(self.area) if self.area else None,
        )


class PlaceIn(PointIn):
    """A caller's place, and what it is about."""

    matter: Matter | None = None


class EntryOut(BaseModel):
    """An entry of the directory, its area left aside."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: EntryKind
    name_zh: str
    name_en: str
    phones: list[str]
    hours_zh: str
    hours_en: str
    matters: list[Matter]
    note_zh: str
    note_en: str
    position: int
    has_area: bool
    """Whether it answers for an area of its own; if not, everywhere."""
    is_active: bool
    changed_by: UUID | None
    changed_at: datetime

    @classmethod
    def of(cls, entry: DirectoryEntry) -> "EntryOut":
        """Show an entry."""
        return cls(**_fields(entry))


class EntryDetailOut(EntryOut):
    """An entry with its area as GeoJSON."""

    area: Area | None

    @classmethod
    def of(cls, entry: DirectoryEntry) -> "EntryDetailOut":
        """Show an entry and its area."""
        return cls(**_fields(entry), area=drawn(entry))


class TableOut(BaseModel):
    """What a table changed, or would change."""

    model_config = ConfigDict(from_attributes=True)

    added: int
    changed: int
    same: int


class EntryChangeOut(BaseModel):
    """A change of an entry, and the entry as it was before; null for the first."""

    model_config = ConfigDict(from_attributes=True)

    change: str
    before: dict[str, Any] | None
    """Any: the fields of an entry in JSON."""
    at: datetime
    by_user_id: UUID | None

    @classmethod
    def of(cls, change: DirectoryChange) -> "EntryChangeOut":
        """Show a change."""
        return cls.model_validate(change)


def _fields(entry: DirectoryEntry) -> dict[str, Any]:
    names = EntryOut.model_fields.keys() - {"has_area"}
    return {name: getattr(entry, name) for name in names} | {"has_area": entry.area is not None}
