"""What the routes of triage's settings take and give."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from core.messages import say
from core.schemas import Wire
from core.text import Line, Prose
from dispatch.models import TriageRules, TriageTrial, TrialState
from dispatch.triage.rules import DEFAULTS, SETTINGS, Setting, Unit, rules_of

Number = Annotated[float, Field(allow_inf_nan=False)]
Values = Annotated[
    dict[Annotated[Line, Field(max_length=60)], Number],
    Field(max_length=40, description="Settings by their keys; what is left out is as by default."),
]


class TriageRulesIn(Wire):
    """The settings as they are to be from now on, and why."""

    values: Values
    why: Annotated[Prose, Field(min_length=1)]


class TrialIn(Wire):
    """Settings to try on the calls of the last days."""

    values: Values
    days: Annotated[int, Field(ge=1, le=60)] = 30


class SettingOut(BaseModel):
    """One setting, in words and in numbers."""

    key: str
    words: str
    around: tuple[str, str]
    """The words before and after the number."""
    unit: Unit
    value: float
    default: float
    least: float
    most: float
    step: float

    @classmethod
    def of(cls, setting: Setting, value: float, language: str) -> "SettingOut":
        """Say it in a language."""
        rule, _, category = setting.key.partition(".")
        matter = say(f"dispatch.rules.category.{category}", language) if category else ""
        key = f"dispatch.rules.{rule}"
        before, _, after = say(key, language, value="\0", category=matter).partition("\0")
        return cls(
            key=setting.key,
            words=f"{before}{value:g}{after}",
            around=(before, after),
            unit=setting.unit,
            value=value,
            default=setting.of(DEFAULTS),
            least=setting.least,
            most=setting.most,
            step=setting.step,
        )


class TriageRulesOut(BaseModel):
    """The settings in force; `set_at` is empty while nobody changed any."""

    items: list[SettingOut]
    set_at: datetime | None
    set_by: str | None
    why: str | None

    @classmethod
    def of(cls, row: TriageRules | None, *, set_by: str | None, language: str) -> "TriageRulesOut":
        """Say them in a language."""
        rules = rules_of(row.rules if row else {})
        return cls(
            items=[SettingOut.of(one, one.of(rules), language) for one in SETTINGS],
            set_at=row.set_at if row else None,
            set_by=set_by,
            why=row.why if row else None,
        )


class FiguresOut(BaseModel):
    """What settings make of the calls, counted."""

    incidents: int
    alarms: int
    callers_to_alarm: float | None
    minutes_to_alarm: float | None
    repeats: int
    moved: int


class DifferentIncidentOut(BaseModel):
    """An incident that would have been another one."""

    incident_id: UUID
    number: int
    street: str | None
    alarm_before_min: float | None
    alarm_after_min: float | None
    joined: int
    parted: int


class TrialResultOut(BaseModel):
    """The settings in force and those tried, side by side."""

    calls: int
    before: FiguresOut
    after: FiguresOut
    differing: int
    incidents: list[DifferentIncidentOut]


class TrialOut(BaseModel):
    """A trial: how far it is and, when done, what it showed."""

    id: UUID
    asked_at: datetime
    days: int
    values: dict[str, float]
    state: TrialState
    progress: float
    ended_at: datetime | None
    problem: str | None
    result: TrialResultOut | None

    @classmethod
    def of(cls, row: TriageTrial, names: Mapping[UUID, tuple[int, str | None]]) -> "TrialOut":
        """Give it with the incidents that are the reader's to see, by their numbers and streets."""
        return cls(
            id=row.id,
            asked_at=row.asked_at,
            days=row.days,
            values=row.rules,
            state=TrialState(row.state),
            progress=row.progress,
            ended_at=row.ended_at,
            problem=row.problem,
            result=None if row.result is None else _result(row.result, names),
        )


def _result(
    result: dict[str, Any], names: Mapping[UUID, tuple[int, str | None]]
) -> TrialResultOut:  # Any: as it was stored
    shown = []
    for one in result["incidents"]:
        known = names.get(UUID(one["incident_id"]))
        if known is not None:
            number, street = known
            shown.append(DifferentIncidentOut(number=number, street=street, **one))
    return TrialResultOut(**{**result, "incidents": shown})
