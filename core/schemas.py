"""What the kernel's routes take and give."""

from datetime import date, datetime
from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

import shapely.geometry
from geojson_pydantic import MultiPolygon
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyNetwork, StringConstraints

from core.rights import Function, Operation, PersonalField
from core.text import Line

Language = Literal["zh", "en"]
T = TypeVar("T")


def _plane_and_valid(area: MultiPolygon) -> MultiPolygon:
    shape = shapely.geometry.shape(area.model_dump())
    if shape.has_z or not shape.is_valid:
        msg = "must be a plane multipolygon whose rings close and do not cross"
        raise ValueError(msg)
    return area


Area = Annotated[MultiPolygon, AfterValidator(_plane_and_valid)]
"""A part of the map, longitude and latitude."""


class Wire(BaseModel):
    """Root of everything that comes in: unknown fields are refused, so that a typing error is seen."""

    model_config = ConfigDict(extra="forbid")


class LoginIn(Wire):
    """A name and a password."""

    username: Annotated[Line, Field(min_length=1, max_length=60)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class RefreshIn(Wire):
    """The refresh token, from those who keep no cookies."""

    refresh_token: Annotated[str, StringConstraints(max_length=200)] | None = None


class MeOut(BaseModel):
    """The person logged in."""

    username: str
    display_name: str
    role: str
    language: Language
    operations: list[str]
    fields: list[str]
    crew_id: UUID | None


class TokensOut(BaseModel):
    """What a log-in gives; pages use the cookies that come with it."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_at: datetime
    session_expires_at: datetime


class MeIn(Wire):
    """What a person may change about himself."""

    language: Language


class ClockOut(BaseModel):
    """The trade's time, and how it runs: at `real_now` it is `now`, and it passes `factor` times as fast."""

    now: datetime
    real_now: datetime
    factor: float


class HealthOut(BaseModel):
    """Whether the product works, without any data of its own."""

    status: Literal["ok", "degraded"]
    workspace: str
    database: Literal["ok"]
    events_waiting: int
    events_parked: int
    now: datetime


class UserIn(Wire):
    """A new person."""

    username: Annotated[Line, Field(min_length=1, max_length=60, pattern=r"^[\w.@-]+$")]
    display_name: Annotated[Line, Field(min_length=1, max_length=120)]
    password: Annotated[str, StringConstraints(min_length=8, max_length=200)]
    role: Line
    language: Language | None = None
    crew_id: UUID | None = None
    area: Area | None = None
    """GeoJSON in longitude and latitude outside which he sees nothing; none: everywhere."""


class UserChangeIn(Wire):
    """What an administrator changes about a person; what is left out stays."""

    role: Line | None = None
    is_disabled: bool | None = None
    area: Area | None = None
    is_everywhere: Literal[True] | None = None
    """Takes the limit of an area away."""


class GroupIn(Wire):
    """What a group reaches, and from where."""

    functions: list[Function]
    networks: list[IPvAnyNetwork]
    """Addresses the group may work from; empty: from everywhere."""


class RoleIn(Wire):
    """What a role may do and see."""

    operations: list[Operation]
    fields: list[PersonalField]


class GroupOut(BaseModel):
    """A group."""

    id: UUID
    name: str
    functions: list[str]
    networks: list[str]


class RoleOut(BaseModel):
    """A role and its group; `operations` are those its group reaches."""

    id: UUID
    name: str
    operations: list[str]
    fields: list[str]
    group: GroupOut


class UserOut(BaseModel):
    """A person."""

    id: UUID
    username: str
    display_name: str
    role: str
    language: Language | None
    crew_id: UUID | None
    has_area: bool
    disabled_at: datetime | None


class SessionOut(BaseModel):
    """A log-in that is still good."""

    id: UUID
    username: str
    client_address: str
    user_agent: str
    created_at: datetime
    expires_at: datetime


class AuditOut(BaseModel):
    """One deed."""

    id: int
    at: datetime
    username: str | None
    client_address: str | None
    action: str
    subject_id: UUID | None
    digest: str


class DayIn(Wire):
    """What a day is to be."""

    is_working: bool
    name: Annotated[Line, Field(min_length=1, max_length=120)]


class DayOut(BaseModel):
    """A day that is not what its weekday says."""

    day: date
    is_working: bool
    name: str
    source: str


class YearOut(BaseModel):
    """A year's exceptional days."""

    year: int
    confirmed_at: datetime | None
    days: list[DayOut]


class ParkedEventOut(BaseModel):
    """An event whose handling failed for good, so far."""

    id: UUID
    name: str
    emitted_at: datetime
    attempts: int
    parked_at: datetime
    last_error: str | None


class Items(BaseModel, Generic[T]):
    """A list."""

    items: list[T]
