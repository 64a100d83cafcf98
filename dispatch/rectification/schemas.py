"""What the routes of rectifications take and give."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core.schemas import Wire
from core.text import Line, Prose
from gis.schemas import PointOut


class StepIn(Wire):
    """Why a step is taken."""

    why: Line = ""


class ReasonIn(Wire):
    """Why a step is taken; it must be said."""

    why: Annotated[Line, Field(min_length=1)]


class AnalysisIn(StepIn):
    """Why the asset fails."""

    root_cause: Annotated[Prose, Field(min_length=1)]


class MeasureIn(StepIn):
    """What is done about it, by whom, until when."""

    measure: Annotated[Prose, Field(min_length=1)]
    owner_id: UUID
    due_at: AwareDatetime


class ObservationIn(StepIn):
    """How long the asset is watched; as long as usual, unless said."""

    days: Annotated[int, Field(ge=1, le=3650)] | None = None


class OwnerOut(BaseModel):
    """A person who may be responsible for a measure."""

    id: UUID
    name: str


class RectificationOut(BaseModel):
    """A rectification as a line of a list."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    number: int
    asset_kind: str
    asset_id: UUID
    asset_code: str | None
    segment_id: int | None
    state: str
    faults: int
    faults_in_all: int
    window_days: int
    failed_measures: int
    root_cause: str | None
    measure: str | None
    owner_id: UUID | None
    owner: str | None
    due_at: datetime | None
    is_overdue: bool
    done_at: datetime | None
    done_by: UUID | None
    verified_by: UUID | None
    observation_ends_at: datetime | None
    opened_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    last_fault_at: datetime | None
    point: PointOut | None
    street: str | None


class FaultOut(BaseModel):
    """An incident that counts as a fault of an asset."""

    model_config = ConfigDict(from_attributes=True)

    incident_id: UUID
    incident_number: int
    cause: str
    at: datetime
    closed_at: datetime | None
    pipe_id: UUID | None
    point: PointOut
    street: str | None


class RectificationStepOut(BaseModel):
    """A step of a rectification, in the reader's language."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    from_state: str | None
    to_state: str
    what: str
    by_user_id: UUID | None
    who: str | None
    why: str
    said: dict[str, Any]  # Any: the fields a step wrote, as JSON


class RectificationDetailOut(BaseModel):
    """A rectification with its incidents, newest first, and its history, oldest first."""

    model_config = ConfigDict(from_attributes=True)

    summary: RectificationOut
    incidents: list[FaultOut]
    history: list[RectificationStepOut]
