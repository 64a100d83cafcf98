"""Reading escalations, as far as they are the reader's to see."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select, true
from sqlalchemy.orm import Session

from core.auth import Actor
from core.models import PostRole, User
from dispatch.escalation.errors import NoSuchEscalation
from dispatch.escalation.models import Escalation, EscalationChange, EscalationRule, EscalationState
from dispatch.escalation.steps import LIVE
from dispatch.models import Incident


class Show(StrEnum):
    """Which escalations are asked for."""

    MINE = "mine"
    """Those the reader is to be told of, or was and has not said so."""
    OPEN = "open"
    OVERDUE = "overdue"
    CLOSED = "closed"
    ALL = "all"


def listed(
    session: Session, actor: Actor, *, show: Show, incident_id: UUID | None, limit: int
) -> Sequence[tuple[Escalation, Incident | None]]:
    """List escalations with their incidents: those nobody was told of first, by deadline; the closed ones latest first."""
    query = (
        select(Escalation, Incident)
        .outerjoin(Incident, Incident.id == Escalation.incident_id)
        .join(EscalationRule, EscalationRule.id == Escalation.rule_id)
        .where(_SHOWN[show], actor.area_filter(Incident.place))
        .limit(limit)
    )
    if show is Show.MINE:
        deputy = and_(Escalation.rung == 0, EscalationRule.deputy_role == actor.role)
        query = query.where((Escalation.role == actor.role) | deputy)
    if incident_id is not None:
        query = query.where(Escalation.incident_id == incident_id)
    if show in (Show.CLOSED, Show.ALL):
        query = query.order_by(Escalation.closed_at.desc().nulls_first(), Escalation.id.desc())
    else:
        query = query.order_by(Escalation.reported_at.is_not(None), Escalation.due_at, Escalation.id)
    return [(one, incident) for one, incident in session.execute(query)]


_SHOWN: dict[Show, ColumnElement[bool]] = {
    Show.MINE: LIVE & Escalation.acknowledged_at.is_(None),
    Show.OPEN: LIVE,
    Show.OVERDUE: LIVE & Escalation.state.in_((EscalationState.OVERDUE, EscalationState.CLIMBED)),
    Show.CLOSED: Escalation.closed_at.is_not(None),
    Show.ALL: true(),
}


def escalation_for(session: Session, actor: Actor, escalation_id: UUID) -> tuple[Escalation, Incident | None]:
    """Read an escalation of the actor's area with its incident.

    Raises
    ------
    NoSuchEscalation
        There is none, or it is not his to see.
    """
    row = session.execute(
        select(Escalation, Incident)
        .outerjoin(Incident, Incident.id == Escalation.incident_id)
        .where(Escalation.id == escalation_id, actor.area_filter(Incident.place))
    ).one_or_none()
    if row is None:
        raise NoSuchEscalation
    return row[0], row[1]


def history(session: Session, escalation_id: UUID) -> Sequence[EscalationChange]:
    """List the steps of an escalation, oldest first."""
    return session.scalars(
        select(EscalationChange)
        .where(EscalationChange.escalation_id == escalation_id)
        .order_by(EscalationChange.at, EscalationChange.id)
    ).all()


def names_of(session: Session, user_ids: Iterable[UUID | None]) -> dict[UUID | None, str]:
    """Map people to their names."""
    wanted = {one for one in user_ids if one is not None}
    if not wanted:
        return {}
    return dict(session.execute(select(User.id, User.display_name).where(User.id.in_(wanted))).all())


def role_names(session: Session) -> Sequence[str]:
    """List the roles there are."""
    return session.scalars(select(PostRole.name).order_by(PostRole.name)).all()
