"""Escalations over HTTP: listed, reported, acknowledged, closed; their rules said anew and tried on what happened."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status
from sqlalchemy.orm import Session

from core import audit
from core.auth import Actor
from core.clock import utc_now
from core.http.deps import AppSettings, DbSession, requires
from core.http.problems import RESPONSES
from core.schemas import Items
from dispatch.escalation import queries, rules, steps
from dispatch.escalation.models import Escalation
from dispatch.escalation.queries import Show
from dispatch.escalation.rehearsal import rehearse
from dispatch.escalation.schemas import (
    AcknowledgeIn,
    CloseEscalationIn,
    EscalationDetailOut,
    EscalationOut,
    EscalationReportIn,
    RehearsedOut,
    RoleNameOut,
    RuleIn,
    RuleOut,
    RulesOut,
)

router = APIRouter(prefix="/api/escalations", tags=["escalations"], responses=RESPONSES)

Limit = Annotated[int, Query(ge=1, le=500)]
Days = Annotated[int, Query(ge=1, le=366, description="How far back to try it.")]
Reader = Annotated[Actor, requires("escalations.read")]
Reporter = Annotated[Actor, requires("escalations.report")]
Recipient = Annotated[Actor, requires("escalations.acknowledge")]
RuleKeeper = Annotated[Actor, requires("escalation_rules.manage")]


@router.get("")
def list_escalations(
    session: DbSession,
    actor: Reader,
    show: Show = Show.OPEN,
    incident_id: UUID | None = None,
    limit: Limit = 200,
) -> Items[EscalationOut]:
    """List escalations: those nobody was told of first, by deadline; closed ones latest first."""
    rows = queries.listed(session, actor, show=show, incident_id=incident_id, limit=limit)
    names = queries.names_of(
        session, (who for one, _ in rows for who in (one.reported_by, one.acknowledged_by))
    )
    return Items(
        items=[
            EscalationOut.of(one, incident, names=names, language=actor.language) for one, incident in rows
        ]
    )


# --- rules -----------------------------------------------------------------------------------------------------------------


@router.get("/rules")
def list_rules(session: DbSession, actor: Reader) -> RulesOut:
    """List the rules as they stand, in words and in parts."""
    rows = rules.current(session)
    names = queries.names_of(session, (row.made_by for row in rows))
    return RulesOut(
        items=[RuleOut.of(row, names=names, language=actor.language) for row in rows],
        roles=[RoleNameOut.of(role, actor.language) for role in queries.role_names(session)],
    )


@router.post("/rules", status_code=status.HTTP_201_CREATED)
def restate_rule(body: RuleIn, session: DbSession, actor: RuleKeeper) -> RuleOut:
    """Make a rule, or the next version of the one of that name; what was raised by an earlier version keeps to that."""
    rule = rules.restate(session, body.said(), by=actor.user_id)
    audit.record(
        session,
        actor,
        action="escalation_rule.restate",
        subject_id=rule.id,
        digest=f"{rule.code} v{rule.version}",
    )
    return RuleOut.of(rule, names={actor.user_id: actor.display_name}, language=actor.language)


@router.post("/rules/dry-run")
def try_rule(
    body: RuleIn, session: DbSession, settings: AppSettings, actor: RuleKeeper, days: Days = 30
) -> Items[RehearsedOut]:
    """Tell what a rule would have raised in the last so many days; nothing is changed."""
    since = utc_now() - timedelta(days=days)
    found = rehearse(session, actor, body.said(), since=since, settings=settings)
    return Items(items=[RehearsedOut.model_validate(one) for one in found])


@router.get("/rules/{code}")
def list_versions(code: str, session: DbSession, actor: Reader) -> Items[RuleOut]:
    """List the versions of a rule, latest first."""
    rows = rules.versions(session, code)
    names = queries.names_of(session, (row.made_by for row in rows))
    return Items(items=[RuleOut.of(row, names=names, language=actor.language) for row in rows])


# --- one escalation --------------------------------------------------------------------------------------------------------


@router.get("/{escalation_id}")
def read_escalation(escalation_id: UUID, session: DbSession, actor: Reader) -> EscalationDetailOut:
    """Tell everything about an escalation."""
    return _detail(session, actor, escalation_id)


@router.post("/{escalation_id}/report")
def report_escalation(
    escalation_id: UUID, body: EscalationReportIn, session: DbSession, settings: AppSettings, actor: Reporter
) -> EscalationDetailOut:
    """Say that its recipient was told; what else he had to be told of the incident is told with it."""
    one = _locked(session, actor, escalation_id)
    steps.report(session, one, actor, how=body.how, words=body.words, settings=settings)
    audit.record(
        session, actor, action="escalation.report", subject_id=one.id, digest=f"{one.role} {body.how}"
    )
    return _detail(session, actor, one.id)


@router.post("/{escalation_id}/acknowledge")
def acknowledge_escalation(
    escalation_id: UUID, body: AcknowledgeIn, session: DbSession, settings: AppSettings, actor: Recipient
) -> EscalationDetailOut:
    """Say that one was told, as its recipient or his deputy."""
    one = _locked(session, actor, escalation_id)
    steps.acknowledge(session, one, actor, words=body.words, settings=settings)
    audit.record(session, actor, action="escalation.acknowledge", subject_id=one.id, digest=one.role)
    return _detail(session, actor, one.id)


@router.post("/{escalation_id}/close")
def close_escalation(
    escalation_id: UUID, body: CloseEscalationIn, session: DbSession, actor: Reporter
) -> EscalationDetailOut:
    """End an escalation for a reason of one's own."""
    one = _locked(session, actor, escalation_id)
    steps.close(session, one, why=body.why, by=actor.user_id)
    audit.record(session, actor, action="escalation.close", subject_id=one.id)
    return _detail(session, actor, one.id)


def _locked(session: Session, actor: Actor, escalation_id: UUID) -> Escalation:
    """Lock an escalation that is the actor's to see."""
    queries.escalation_for(session, actor, escalation_id)
    return steps.get(session, escalation_id, lock=True)


def _detail(session: Session, actor: Actor, escalation_id: UUID) -> EscalationDetailOut:
    one, incident = queries.escalation_for(session, actor, escalation_id)
    history = list(queries.history(session, one.id))
    people = [one.reported_by, one.acknowledged_by, *one.reported_to, *(step.by_user_id for step in history)]
    return EscalationDetailOut.of_detail(
        one,
        incident,
        recipients=[user.display_name for user in steps.recipients(session, one)],
        is_for_reader=steps.is_for(one, actor.role),
        history=history,
        names=queries.names_of(session, people),
        language=actor.language,
    )
