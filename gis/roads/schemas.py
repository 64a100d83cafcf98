"""What the roads' routes take and give."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import shapely
import shapely.geometry
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from core.text import Line
from gis.coordinates import geojson_area, geojson_line, loaded
from gis.models import ClosureCause, RoadClosure
from gis.roads.telling import Route, step_text
from gis.schemas import PointIn, PointOut

Minutes = Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)]
Language = Literal["zh", "en"]


class PolygonIn(BaseModel):
    """An RFC 7946 polygon or several, in WGS 84."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["Polygon", "MultiPolygon"]
    coordinates: Annotated[list[Any], Field(min_length=1, max_length=100)]  # Any: rings, or lists of them

    @model_validator(mode="after")
    def is_sound(self) -> Self:
        """Refuse what is no valid area on Earth."""
        west, south, east, north = self.area().bounds
        if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
            raise ValueError("longitude and latitude in degrees are needed")
        return self

    def area(self) -> Any:
        """Give it as a shapely geometry; Any: shapely has no types."""
        try:
            area = shapely.force_2d(
                shapely.geometry.shape({"type": self.type, "coordinates": self.coordinates})
            )
        except (
            ValueError,
            TypeError,
            KeyError,
            IndexError,
            AttributeError,
            OverflowError,
            shapely.errors.ShapelyError,
        ) as error:
            raise ValueError("the coordinates are no polygon") from error
        if area.is_empty or not area.is_valid:
            raise ValueError(f"the polygon is not valid: {shapely.is_valid_reason(area)}")
        return area


class ClosureIn(BaseModel):
    """Roads to close: an area, or a point with a radius, or a line with a width, or mains in the street, or whole segments of them."""

    model_config = ConfigDict(extra="forbid")

    cause: ClosureCause
    subject_id: UUID | None = None
    reason: Annotated[Line, Field(min_length=1)]
    slowdown: Annotated[float | None, Field(gt=1, le=100, allow_inf_nan=False)] = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    polygon: PolygonIn | None = None
    point: PointIn | None = None
    radius_m: Annotated[float | None, Field(gt=0, le=5000, allow_inf_nan=False)] = None
    line: Annotated[list[PointIn] | None, Field(min_length=2, max_length=1000)] = None
    width_m: Annotated[float | None, Field(gt=0, le=500, allow_inf_nan=False)] = None
    pipe_ids: Annotated[list[UUID] | None, Field(min_length=1, max_length=500)] = None
    segment_ids: Annotated[
        list[Annotated[int, Field(ge=0, lt=1 << 31)]] | None, Field(min_length=1, max_length=50)
    ] = None

    @model_validator(mode="after")
    def is_one_place(self) -> Self:
        """Refuse none and several, and halves."""
        given = [self.polygon, self.point, self.line, self.pipe_ids, self.segment_ids]
        if sum(one is not None for one in given) != 1:
            raise ValueError("give one of polygon, point, line, pipe_ids, segment_ids")
        if (self.point is None) != (self.radius_m is None):
            raise ValueError("a point needs a radius_m, and a radius_m a point")
        if (self.line is None) != (self.width_m is None):
            raise ValueError("a line needs a width_m, and a width_m a line")
        return self


class ClosureOut(BaseModel):
    """A road closure as it is or was."""

    id: UUID
    revision: UUID
    cause: ClosureCause
    subject_id: UUID | None
    reason: str
    area: dict[str, Any]  # Any: JSON
    slowdown: float | None
    starts_at: datetime
    ends_at: datetime | None
    created_by: UUID | None
    created_by_name: str | None
    created_at: datetime
    superseded_at: datetime | None
    lifted_by: UUID | None
    lifted_by_name: str | None
    lifted_at: datetime | None

    @classmethod
    def of(cls, closure: RoadClosure, people: Mapping[UUID, str]) -> "ClosureOut":
        """Write a closure down; `people` are the names of those who made and lifted it."""
        return cls(
            id=closure.id,
            revision=closure.revision,
            cause=closure.cause,
            subject_id=closure.subject_id,
            reason=closure.reason,
            area=geojson_area(loaded(closure.area)),
            slowdown=closure.slowdown,
            starts_at=closure.starts_at,
            ends_at=closure.ends_at,
            created_by=closure.created_by,
            created_by_name=people.get(closure.created_by) if closure.created_by else None,
            created_at=closure.created_at,
            superseded_at=closure.superseded_at,
            lifted_by=closure.lifted_by,
            lifted_by_name=people.get(closure.lifted_by) if closure.lifted_by else None,
            lifted_at=closure.lifted_at,
        )


class ClosuresOut(BaseModel):
    """Road closures, the latest first."""

    items: list[ClosureOut]


# --- ways ------------------------------------------------------------------------------------------


class RouteIn(BaseModel):
    """A way that is wanted."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    origin: Annotated[PointIn, Field(alias="from")]
    destination: Annotated[PointIn, Field(alias="to")]
    language: Language | None = None


class WayStepOut(BaseModel):
    """Follow one street."""

    turn: str
    road_name: str | None
    bearing_deg: float
    metres: float
    seconds: float
    point: PointOut
    instruction: str


class WayOut(BaseModel):
    """The fastest way by road, drawn and told, and the closures in force that it goes round."""

    seconds: float
    metres: float
    geometry: dict[str, Any]  # Any: JSON
    steps: list[WayStepOut]
    closures_avoided: list[UUID]

    @classmethod
    def of(cls, way: Route, avoided: list[UUID], *, language: str) -> "WayOut":
        """Write a way down, told in `language`."""
        return cls(
            seconds=round(way.seconds, 1),
            metres=round(way.metres, 1),
            geometry=geojson_line(way.geometry),
            steps=[
                WayStepOut(
                    turn=step.turn.value,
                    road_name=step.road_name,
                    bearing_deg=round(step.bearing_deg, 1),
                    metres=round(step.metres, 1),
                    seconds=round(step.seconds, 1),
                    point=PointOut.of(way.geometry[step.vertex]),
                    instruction=step_text(step, language),
                )
                for step in way.steps
            ],
            closures_avoided=avoided,
        )


class ReachIn(BaseModel):
    """From where, or to where, in how many minutes."""

    model_config = ConfigDict(extra="forbid")

    point: PointIn
    minutes: Annotated[list[Minutes], Field(min_length=1, max_length=4)] = [5.0, 10.0, 15.0]
    towards: bool = False


class ReachProperties(BaseModel):
    """What can be reached in so many minutes."""

    minutes: float
    road_m: float


class ReachFeature(BaseModel):
    """One drive-time area as a GeoJSON feature."""

    type: Literal["Feature"] = "Feature"
    geometry: dict[str, Any]  # Any: JSON
    properties: ReachProperties


class ReachOut(BaseModel):
    """Drive-time areas, the smallest first, as GeoJSON."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[ReachFeature]


class CoverIn(BaseModel):
    """Crews or depots, and how soon one of them is to be everywhere."""

    model_config = ConfigDict(extra="forbid")

    points: Annotated[list[PointIn], Field(min_length=1, max_length=500)]
    minutes: Minutes = 15.0


class CoverProperties(BaseModel):
    """How much is not reached in time."""

    minutes: float
    road_m: float
    uncovered_road_m: float
    uncovered_share: float
    uncovered_customers: int


class CoverOut(BaseModel):
    """Where nobody is in time, as a GeoJSON feature."""

    type: Literal["Feature"] = "Feature"
    geometry: dict[str, Any]  # Any: JSON
    properties: CoverProperties
