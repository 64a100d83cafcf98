"""Other settings tried on the calls of the last days: asked for by a person, gone through by a worker, kept to be looked at."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.jobs import defer
from core.settings import Settings
from dispatch import queries
from dispatch.errors import NoSuchTrial, TrialUnderWay
from dispatch.models import TriageRules, TriageTrial, TrialState
from dispatch.triage.calls import Told
from dispatch.triage.comparing import Difference, differences, figures, replayed
from dispatch.triage.engine import Engine
from dispatch.triage.habits import Habits
from dispatch.triage.in_force import current_habits, current_rules
from dispatch.triage.lessons import CALLS_MAX, heard
from dispatch.triage.rules import StreamRules, differing, rules_of
from dispatch.triage.supply import SupplyMap
from dispatch.triage.town import announced, current_town
from dispatch.triage.works import Works
from gis.shutdowns import shutdowns_between

log = structlog.get_logger()

TRY_TRIAGE_RULES: Final = "try_triage_rules"
SHOWN_MAX: Final = 20
GIVEN_UP_AFTER: Final = timedelta(hours=1)
"""A trial asked for so long ago keeps nobody from asking for another."""
RULES_LOCK: Final = 7_301_006
"""Key of the advisory lock under which one transaction at a time sets the rules or asks for a trial."""


def set_rules(session: Session, values: Mapping[str, float], *, why: str, by: UUID) -> TriageRules:
    """Put settings in force; what is not named is as by default.

    Raises
    ------
    RuleOutOfLimits
        One makes no sense.
    """
    rules = differing(values)
    session.execute(select(func.pg_advisory_xact_lock(RULES_LOCK)))
    row = TriageRules(rules=rules, set_at=utc_now(), set_by=by, why=why)
    session.add(row)
    session.flush()
    log.info("triage.rules_set", rules=rules)
    return row


def ask(session: Session, values: Mapping[str, float], *, days: int, by: UUID) -> TriageTrial:
    """Have settings tried on the calls of the last days.

    Raises
    ------
    RuleOutOfLimits
        One makes no sense.
    TrialUnderWay
        Others are being tried.
    """
    rules = differing(values)
    session.execute(select(func.pg_advisory_xact_lock(RULES_LOCK)))
    busy = select(TriageTrial.id).where(
        TriageTrial.state.in_((TrialState.WAITING, TrialState.RUNNING)),
        TriageTrial.asked_at > utc_now() - GIVEN_UP_AFTER,
    )
    if session.scalar(busy.limit(1)) is not None:
        raise TrialUnderWay
    trial = TriageTrial(asked_by=by, asked_at=utc_now(), days=days, rules=rules)
    session.add(trial)
    session.flush()
    defer(session, TRY_TRIAGE_RULES, trial_id=str(trial.id))
    return trial


def get(session: Session, trial_id: UUID) -> TriageTrial:
    """Read a trial."""
    trial = session.get(TriageTrial, trial_id)
    if trial is None:
        raise NoSuchTrial
    return trial


@dataclass(frozen=True)
class Trial:
    """All that is gone through again, read once, and the incident every call is stored in."""

    supply: SupplyMap
    habits: Habits
    calls: tuple[Told, ...]
    works: tuple[Works, ...]
    in_force: StreamRules
    tried: StreamRules
    stored_in: Mapping[str, UUID]

    def run(self, told: Callable[[float], None]) -> dict[str, Any]:  # Any: figures, and lists of them
        """Take the calls with both rules and tell what differs; `told` hears the share gone through."""
        of = 2 * len(self.calls)
        before = self._replayed(self.in_force, lambda at: told(at / of))
        after = self._replayed(self.tried, lambda at: told(0.5 + at / of))
        found = differences(before, after)
        return {
            "calls": len(self.calls),
            "before": asdict(figures(before)),
            "after": asdict(figures(after)),
            "differing": len(found),
            "incidents": [self._shown(one) for one in found[:SHOWN_MAX]],
        }

    def _replayed(self, rules: StreamRules, told: Callable[[int], None]) -> Engine:
        return replayed(self.supply, self.habits, self.works, self.calls, rules, told=told)

    def _shown(self, one: Difference) -> dict[str, Any]:  # Any: as JSON has it
        """Name the incident by which people know most of the calls."""
        known = Counter(self.stored_in[call] for call in one.calls)
        return {
            "incident_id": str(known.most_common(1)[0][0]),
            "alarm_before_min": one.alarm_before_min,
            "alarm_after_min": one.alarm_after_min,
            "joined": one.joined,
            "parted": one.parted,
        }


def begin(session: Session, trial_id: UUID, settings: Settings) -> Trial:
    """Read what a trial goes through; one that was cut off begins anew."""
    row = get(session, trial_id)
    row.state, row.progress = TrialState.RUNNING, 0.0
    town, now = current_town(session), utc_now()
    since = row.asked_at - timedelta(days=row.days)
    stored = queries.reports_since(session, since)[-CALLS_MAX:]
    return Trial(
        supply=town.supply,
        habits=current_habits(session, town, settings),
        calls=heard(town, stored),
        works=tuple(announced(town.supply, shutdowns_between(session, since, now))),
        in_force=current_rules(session),
        tried=rules_of(row.rules),
        stored_in={str(one.facts.report_id): one.incident_id for one in stored},
    )


def went_on(session: Session, trial_id: UUID, progress: float) -> None:
    """Note how far a trial is."""
    get(session, trial_id).progress = progress


def end(session: Session, trial_id: UUID, result: dict[str, Any]) -> None:  # Any: figures, and lists of them
    """Keep what a trial showed."""
    row = get(session, trial_id)
    row.state, row.progress, row.ended_at, row.result = TrialState.DONE, 1.0, utc_now(), result
    log.info(
        "triage.rules_tried", trial_id=str(trial_id), calls=result["calls"], differing=result["differing"]
    )


def fail(session: Session, trial_id: UUID, problem: str) -> None:
    """Note that a trial came to nothing."""
    row = get(session, trial_id)
    row.state, row.ended_at, row.problem = TrialState.FAILED, utc_now(), problem
