"""What a utility may set about the stream, in words; everything else is learnt from its history."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from core.errors import FieldError
from dispatch.errors import RuleOutOfLimits
from dispatch.triage.habits import CATEGORIES


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRules:
    """When calls belong together and when somebody is told; the defaults were chosen on two simulated months."""

    alarm_persons_outage: int = 3
    """So many different callers before somebody is told of a break: one may be mistaken, two may be neighbours of one riser."""
    alarm_persons_group: int = 4
    """The same for a whole zone or block of flats, whose callers need not be near each other."""
    alarm_persons_works: int = 3
    alarm_odds: float = 55.0
    """How sure it must be, so many to one. A higher bar costs minutes, a lower one false alarms."""
    crowded_persons: int = 10
    """Callers before somebody is told of more in a zone he was told about within `together_h`."""
    large_persons: int = 12
    """Callers from which on an incident is joined with another by people only."""
    together_h: float = 3.0
    """Breaks of one zone that begin within so long may be one that the map does not explain."""
    together_m: float = 1500.0
    """And lie no further apart: so far no missing valve reaches."""
    window_h: float = 10.0
    """Older calls open nothing any more."""
    forget_h: float = 24.0
    """An incident that drew no call for so long draws none."""
    site_h: float = 96.0
    """The same for a place where water is seen to run: such places wait for days."""
    moves_h: float = 2.5
    """A call may change its incident so long after it came; later, people have acted on where it stands."""
    moves_odds: float = 3.0
    """And only for an explanation so many times better."""
    repeat_window_h: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(CATEGORIES, 168.0))
    """By category: so long after a call its customer's next of the same is taken for the same matter."""
    repeat_lean: float = 2.0
    """How many times worse a repeat that is missed is than one too many: its caller is angry already."""
    block_customers: int = 12
    """An address with so many customers is a building with a pump of its own."""
    block_fails_every_days: float = 180.0
    """How often such a pump stops."""
    works_early_h: float = 0.5
    works_late_h: float = 4.0
    """Announced work begins so much early, and its calls end so much after it should have ended."""
    works_beyond: float = 0.2
    """How likely work reaches one valve further than was announced."""


class Unit(StrEnum):
    """What a setting counts."""

    CALLERS = "callers"
    HOURS = "hours"
    ODDS = "odds"


@dataclass(frozen=True, slots=True)
class Setting:
    """One number people may set: its name (`rule`, or `rule.category`), what it counts, and its limits."""

    key: str
    unit: Unit
    least: float
    most: float
    step: float = 1.0

    def of(self, rules: StreamRules) -> float:
        """Read it."""
        rule, _, category = self.key.partition(".")
        value = getattr(rules, rule)
        return float(value[category] if category else value)


WEEK_H: Final = 168.0
"""Nothing is remembered for much longer."""
SETTINGS: Final = (
    Setting("alarm_persons_outage", Unit.CALLERS, 2, 10),
    Setting("alarm_persons_group", Unit.CALLERS, 2, 10),
    Setting("alarm_persons_works", Unit.CALLERS, 2, 10),
    Setting("alarm_odds", Unit.ODDS, 2, 10_000),
    *(Setting(f"repeat_window_h.{category}", Unit.HOURS, 1, WEEK_H) for category in CATEGORIES),
    Setting("moves_h", Unit.HOURS, 0, 24, 0.5),
    Setting("forget_h", Unit.HOURS, 6, 72),
    Setting("works_late_h", Unit.HOURS, 0, 24, 0.5),
)
"""In the order in which people read them. Alarms of more callers than `crowded_persons` would never sound."""
DEFAULTS: Final = StreamRules()


def differing(values: Mapping[str, float]) -> dict[str, float]:
    """Keep of some settings what differs from the defaults.

    Raises
    ------
    RuleOutOfLimits
        One is unknown, outside its limits or between its steps.
    """
    known = {one.key: one for one in SETTINGS}
    errors = [
        FieldError(f"#/values/{key}", wrong)
        for key, value in values.items()
        if (wrong := _wrong_with(known.get(key), value))
    ]
    if errors:
        raise RuleOutOfLimits(errors=errors)
    return {key: float(value) for key, value in values.items() if value != known[key].of(DEFAULTS)}


def _wrong_with(setting: Setting | None, value: float) -> str:
    if setting is None:
        return "there is no such setting"
    if not setting.least <= value <= setting.most:
        return f"must be from {setting.least:g} to {setting.most:g} {setting.unit}"
    if (value - setting.least) % setting.step:
        return f"must go in steps of {setting.step:g} {setting.unit}"
    return ""


def rules_of(values: Mapping[str, float]) -> StreamRules:
    """Give the default rules with some settings changed; what has since ceased to be a setting is passed over."""
    known = {one.key for one in SETTINGS}
    changed: dict[str, Any] = {}  # Any: callers are whole, windows a number for each category
    for key, value in values.items():
        if key not in known:
            continue
        rule, _, category = key.partition(".")
        if category:
            changed[rule] = {**changed.get(rule, getattr(DEFAULTS, rule)), category: value}
        else:
            changed[rule] = type(getattr(DEFAULTS, rule))(value)
    return replace(DEFAULTS, **changed)
