"""What the routes for versions take and give."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.text import Line
from gis.models import NetworkUpload, NetworkVersion, VersionState
from gis.versions.drawing import DraftPlace
from gis.versions.forms import MappingForm, form_of
from gis.versions.history import AssetHistory
from gis.versions.uploads import FILES_MAX, PART_BYTES

MAPPING_MAX = 200_000
"""Characters a mapping may have."""
Crs = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^(EPSG:\d{4,6}|local)$", to_upper=False)
]
"""`EPSG:28355`, or `local` for plane metres with no place on Earth."""
MappingToml = Annotated[str, StringConstraints(max_length=MAPPING_MAX, pattern=r"^[^\x00]*$")]
"""TOML that says which layer and field holds what."""


class UploadIn(BaseModel):
    """A file to be sent in parts."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Line, Field(min_length=1)]
    size_bytes: Annotated[int, Field(ge=1, lt=1 << 50)]


class UploadOut(BaseModel):
    """A file that is being sent."""

    id: UUID
    name: str
    size_bytes: int
    part_bytes: int
    """Cut the file into parts of this size; the last one is what is left."""

    @classmethod
    def of(cls, upload: NetworkUpload) -> "UploadOut":
        """Write it down."""
        return cls(id=upload.id, name=upload.name, size_bytes=upload.size_bytes, part_bytes=PART_BYTES)


class ReadIn(BaseModel):
    """How files are to be read; without a mapping it is worked out from the data.

    The mapping is given as TOML, or as the form that the page fills in, not as both.
    """

    model_config = ConfigDict(extra="forbid")

    crs: Crs | None = None
    mapping: MappingToml | None = None
    form: MappingForm | None = None

    def toml(self) -> str | None:
        """Give the mapping as TOML."""
        return self.form.as_toml() if self.form is not None else self.mapping


class NewVersionIn(ReadIn):
    """Uploaded files that make a version together."""

    upload_ids: Annotated[list[UUID], Field(min_length=1, max_length=FILES_MAX)]


class NetworkCountsOut(BaseModel):
    """How much of everything a version holds."""

    pipes: int
    junctions: int
    sources: int
    control_links: int
    valves: int
    hydrants: int
    customers: int
    zones: int
    length_m: float


class KindChangesOut(BaseModel):
    """What would become of the assets of one kind."""

    kind: str
    added: int
    changed: int
    removed: int
    examples: dict[str, list[str]]
    """Codes of some of them, by what would become of them."""


class SourceFieldOut(BaseModel):
    """A field of a layer, with some of its values."""

    name: str
    examples: list[str]


class SourceLayerOut(BaseModel):
    """A layer of the files that were sent."""

    source: str
    file: str
    shape: str
    count: int
    crs: str | None
    fields: list[SourceFieldOut]


class NetworkProblemOut(BaseModel):
    """Something left out, or to be looked at."""

    layer: str
    feature: str
    reason: str
    lon: float | None
    lat: float | None


class VersionOut(BaseModel):
    """A version of the network as a line of the list."""

    number: int
    state: VersionState
    source: str
    crs: str | None
    goes_back_to: int | None
    created_at: datetime
    created_by: str | None
    published_at: datetime | None
    published_by: str | None
    counts: NetworkCountsOut | None
    rejected_count: int
    warnings_count: int
    is_publishing: bool
    refusal: str | None
    """Why it could not be read, or not be published."""

    @classmethod
    def of(cls, version: NetworkVersion, people: dict[UUID, str]) -> "VersionOut":
        """Write a version down."""
        return cls(**_line(version, people))


class VersionDetailOut(VersionOut):
    """A version with its problems and what it would change."""

    transformation: str | None
    bounds: tuple[float, float, float, float] | None
    mapping: str | None
    form: MappingForm | None
    """The same mapping, to be filled in field by field; none where it is no mapping yet."""
    can_be_read_again: bool
    """Its files are still here."""
    rejected: list[NetworkProblemOut]
    warnings: list[NetworkProblemOut]
    compared_with: int | None
    """The version with which it was compared; none where there was no network."""
    published: int | None
    """The version that serves now."""
    changes: list[KindChangesOut]
    layers: list[SourceLayerOut]
    """What was found in the files."""
    segments: int | None
    accounts_moved: int
    accounts_without_main: int
    accounts_without_main_examples: list[str]

    @classmethod
    def detail(
        cls,
        version: NetworkVersion,
        people: dict[UUID, str],
        *,
        published: int | None,
        can_be_read_again: bool,
    ) -> "VersionDetailOut":
        """Write all of a version down."""
        summary = version.summary
        return cls(
            **_line(version, people),
            transformation=summary.get("transformation"),
            bounds=summary.get("bounds"),
            mapping=version.mapping,
            form=form_of(version.mapping),
            can_be_read_again=can_be_read_again,
            rejected=summary.get("rejected", []),
            warnings=summary.get("warnings", []),
            compared_with=summary.get("compared_with"),
            published=published,
            changes=[
                KindChangesOut(kind=kind, **found) for kind, found in summary.get("changes", {}).items()
            ],
            layers=summary.get("layers", []),
            segments=summary.get("segments"),
            accounts_moved=summary.get("accounts_moved", 0),
            accounts_without_main=summary.get("accounts_without_main", 0),
            accounts_without_main_examples=summary.get("accounts_without_main_examples", []),
        )


def _line(version: NetworkVersion, people: dict[UUID, str]) -> dict[str, Any]:
    """Collect what every form of a version shows; Any: fields of the models above."""
    summary = version.summary
    return {
        "number": version.number,
        "state": version.state,
        "source": version.source,
        "crs": version.crs,
        "goes_back_to": version.goes_back_to,
        "created_at": version.created_at,
        "created_by": people.get(version.created_by) if version.created_by else None,
        "published_at": version.published_at,
        "published_by": people.get(version.published_by) if version.published_by else None,
        "counts": summary.get("counts"),
        "rejected_count": summary.get("rejected_count", 0),
        "warnings_count": summary.get("warnings_count", 0),
        "is_publishing": bool(summary.get("publishing")),
        "refusal": summary.get("refusal") or summary.get("publish_problem"),
    }


class VersionsOut(BaseModel):
    """Versions, newest first."""

    items: list[VersionOut]


class DraftPlaceOut(BaseModel):
    """Where an asset of a draft lies."""

    kind: str
    code: str
    change: str
    bounds: tuple[float, float, float, float]

    @classmethod
    def of(cls, place: DraftPlace) -> "DraftPlaceOut":
        """Write it down, 7 decimals."""
        west, south, east, north = (
            round(value, 7) for value in (place.west, place.south, place.east, place.north)
        )
        return cls(kind=place.kind, code=place.code, change=place.change, bounds=(west, south, east, north))


class DraftPlacesOut(BaseModel):
    """Assets of one code."""

    items: list[DraftPlaceOut]


class FieldChangeOut(BaseModel):
    """A field as it was and as it became; Any: values of any column."""

    field: str
    before: Any
    after: Any


class HistoryStepOut(BaseModel):
    """What one version did to an asset."""

    version: int
    change: str
    at: datetime | None
    by: str | None
    fields: list[FieldChangeOut]


class AssetHistoryOut(BaseModel):
    """An asset as it is, and how it came to be so."""

    kind: str
    id: UUID
    code: str
    now: dict[str, Any]
    """Its fields; Any: values of any column, the geometry as GeoJSON."""
    steps: list[HistoryStepOut]

    @classmethod
    def of(cls, history: AssetHistory, people: dict[UUID, str]) -> "AssetHistoryOut":
        """Write it down."""
        return cls(
            kind=history.kind,
            id=history.id,
            code=history.code,
            now=history.now,
            steps=[
                HistoryStepOut(
                    version=step.version,
                    change=step.change,
                    at=step.at,
                    by=people.get(step.by) if step.by else None,
                    fields=[
                        FieldChangeOut(field=one.field, before=one.before, after=one.after)
                        for one in step.fields
                    ],
                )
                for step in history.steps
            ],
        )


class AssetHistoriesOut(BaseModel):
    """Assets of one code: at most one of each kind."""

    items: list[AssetHistoryOut]
