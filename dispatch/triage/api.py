"""What is set about triage over HTTP: read in words, tried on the calls of the last days, put in force."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, status
from sqlalchemy.orm import Session

from core import audit
from core.auth import Actor
from core.http.deps import DbSession, requires
from core.http.problems import RESPONSES
from dispatch import queries
from dispatch.models import TriageTrial
from dispatch.triage import trials
from dispatch.triage.schemas import TriageRulesIn, TriageRulesOut, TrialIn, TrialOut

router = APIRouter(prefix="/api/triage", tags=["triage"], responses=RESPONSES)

Reader = Annotated[Actor, requires("incidents.read")]
RuleKeeper = Annotated[Actor, requires("triage_rules.manage")]


@router.get("/rules")
def read_rules(session: DbSession, actor: Reader) -> TriageRulesOut:
    """Tell what is set, each in words with its default and its limits."""
    return _rules(session, actor)


@router.put("/rules")
def set_rules(body: TriageRulesIn, session: DbSession, actor: RuleKeeper) -> TriageRulesOut:
    """Put settings in force; the stream goes by them two minutes later at most, also for the calls of late."""
    row = trials.set_rules(session, body.values, why=body.why, by=actor.user_id)
    changed = ", ".join(f"{key} {value:g}" for key, value in row.rules.items())
    audit.record(
        session, actor, action="triage_rules.set", subject_id=row.id, digest=changed or "the defaults"
    )
    return _rules(session, actor)


@router.post("/trials", status_code=status.HTTP_202_ACCEPTED)
def try_rules(body: TrialIn, session: DbSession, actor: RuleKeeper) -> TrialOut:
    """Have settings tried on the calls of the last days, beside those in force; nothing is changed."""
    trial = trials.ask(session, body.values, days=body.days, by=actor.user_id)
    return _trial(session, actor, trial)


@router.get("/trials/{trial_id}")
def read_trial(trial_id: UUID, session: DbSession, actor: RuleKeeper) -> TrialOut:
    """Tell how far a trial is and, when done, what would have been different."""
    return _trial(session, actor, trials.get(session, trial_id))


def _rules(session: Session, actor: Actor) -> TriageRulesOut:
    row = queries.newest_rules(session)
    set_by = queries.display_name(session, row.set_by) if row is not None else None
    return TriageRulesOut.of(row, set_by=set_by, language=actor.language)


def _trial(session: Session, actor: Actor, trial: TriageTrial) -> TrialOut:
    shown = trial.result["incidents"] if trial.result is not None else []
    ids = [UUID(one["incident_id"]) for one in shown]
    return TrialOut.of(trial, queries.names_of_incidents(session, actor, ids))
