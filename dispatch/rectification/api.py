"""Rectifications over HTTP: listed, read, and taken through their steps by people of the asset's owner."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from core import audit
from core.auth import Actor
from core.http.deps import AppSettings, DbSession, requires
from core.http.problems import RESPONSES
from core.schemas import Items
from core.settings import Settings
from dispatch.changes import By
from dispatch.models import Rectification, RectificationState
from dispatch.rectification import cases, queries
from dispatch.rectification.schemas import (
    AnalysisIn,
    MeasureIn,
    ObservationIn,
    OwnerOut,
    ReasonIn,
    RectificationDetailOut,
    RectificationOut,
    StepIn,
)
from dispatch.schemas import Page

router = APIRouter(prefix="/api/rectifications", tags=["dispatch"], responses=RESPONSES)

Reader = Annotated[Actor, requires("rectifications.read")]
Worker = Annotated[Actor, requires("rectifications.work")]

LIVING = frozenset(RectificationState) - {RectificationState.CLOSED}


@router.get("")
def list_rectifications(
    session: DbSession,
    settings: AppSettings,
    actor: Reader,
    state: Literal["living", "all"] | RectificationState = "living",
    is_overdue: bool = False,
    owner_id: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
    cursor: Annotated[UUID | None, Query(description="`next` of the part before.")] = None,
) -> Page[RectificationOut]:
    """List rectifications, newest first; living are all that are not closed."""
    states = {"living": LIVING, "all": frozenset(RectificationState)}.get(state)
    rows = queries.list_rectifications(
        session,
        actor,
        states=states or {RectificationState(state)},
        settings=settings,
        is_overdue=is_overdue,
        owner_id=owner_id,
        limit=limit + 1,
        before=cursor,
    )
    shown = rows[:limit]
    return Page(
        items=[RectificationOut.model_validate(row) for row in shown],
        next=str(shown[-1].id) if len(rows) > limit else None,
    )


@router.get("/owners")
def list_owners(session: DbSession, actor: Worker) -> Items[OwnerOut]:
    """List the people who may be responsible for a measure."""
    return Items(items=[OwnerOut(id=id_, name=name) for id_, name in cases.possible_owners(session).items()])


@router.get("/{rectification_id}")
def read_rectification(
    rectification_id: UUID, session: DbSession, settings: AppSettings, actor: Reader
) -> RectificationDetailOut:
    """Tell everything about a rectification."""
    return _detail(session, actor, rectification_id, settings)


@router.post("/{rectification_id}/analyse")
def analyse_rectification(
    rectification_id: UUID, body: AnalysisIn, session: DbSession, settings: AppSettings, actor: Worker
) -> RectificationDetailOut:
    """Say why the asset fails."""
    case = _locked(session, actor, rectification_id)
    cases.analyse(session, case, root_cause=body.root_cause, by=_by(actor, body.why))
    return _took_step(session, actor, case, settings, "analyse")


@router.post("/{rectification_id}/plan")
def plan_rectification(
    rectification_id: UUID, body: MeasureIn, session: DbSession, settings: AppSettings, actor: Worker
) -> RectificationDetailOut:
    """Say what is done about it, who is responsible, and until when."""
    case = _locked(session, actor, rectification_id)
    cases.plan(
        session,
        case,
        measure=body.measure,
        owner_id=body.owner_id,
        due_at=body.due_at,
        by=_by(actor, body.why),
    )
    return _took_step(session, actor, case, settings, "plan", digest=f"owner={body.owner_id}")


@router.post("/{rectification_id}/finish")
def finish_rectification(
    rectification_id: UUID, body: StepIn, session: DbSession, settings: AppSettings, actor: Worker
) -> RectificationDetailOut:
    """Say that the measure is done."""
    case = _locked(session, actor, rectification_id)
    cases.finish(session, case, by=_by(actor, body.why))
    return _took_step(session, actor, case, settings, "finish")


@router.post("/{rectification_id}/send-back")
def send_back_rectification(
    rectification_id: UUID, body: ReasonIn, session: DbSession, settings: AppSettings, actor: Worker
) -> RectificationDetailOut:
    """Say that the measure is not done as it should be."""
    case = _locked(session, actor, rectification_id)
    cases.send_back(session, case, by=_by(actor, body.why))
    return _took_step(session, actor, case, settings, "send_back")


@router.post("/{rectification_id}/verify")
def verify_rectification(
    rectification_id: UUID, body: StepIn, session: DbSession, settings: AppSettings, actor: Worker
) -> RectificationDetailOut:
    """Say that the measure is done as it should be; whoever did it cannot."""
    case = _locked(session, actor, rectification_id)
    cases.verify(session, case, by=_by(actor, body.why))
    return _took_step(session, actor, case, settings, "verify")


@router.post("/{rectification_id}/observe")
def observe_rectification(
    rectification_id: UUID, body: ObservationIn, session: DbSession, settings: AppSettings, actor: Worker
) -> RectificationDetailOut:
    """Begin to watch the asset; when no fault comes back in that time, the case is closed."""
    case = _locked(session, actor, rectification_id)
    days = body.days or settings.rectify_observation_days
    cases.observe(session, case, days=days, by=_by(actor, body.why))
    return _took_step(session, actor, case, settings, "observe", digest=f"days={days}")


@router.post("/{rectification_id}/reopen")
def reopen_rectification(
    rectification_id: UUID, body: ReasonIn, session: DbSession, settings: AppSettings, actor: Worker
) -> RectificationDetailOut:
    """Say that the measure did not help."""
    case = _locked(session, actor, rectification_id)
    cases.reopen(session, case, by=_by(actor, body.why))
    return _took_step(session, actor, case, settings, "reopen")


def _by(actor: Actor, why: str) -> By:
    return By(user_id=actor.user_id, why=why)


def _locked(session: Session, actor: Actor, case_id: UUID) -> Rectification:
    """Lock a rectification that is the actor's to work on."""
    queries.ensure_his(session, actor, case_id)
    return cases.get(session, case_id)


def _took_step(
    session: Session, actor: Actor, case: Rectification, settings: Settings, step: str, *, digest: str = ""
) -> RectificationDetailOut:
    audit.record(session, actor, action=f"rectification.{step}", subject_id=case.id, digest=digest)
    return _detail(session, actor, case.id, settings)


def _detail(session: Session, actor: Actor, case_id: UUID, settings: Settings) -> RectificationDetailOut:
    found = queries.rectification_detail(session, actor, case_id, settings=settings)
    return RectificationDetailOut.model_validate(found)
