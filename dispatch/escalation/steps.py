"""The steps of an escalation: raised, looked at when its time comes, reported, acknowledged, joined, given back, closed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import utc_now
from core.db import new_id
from core.deadlines import cancel_deadline, set_deadline
from core.events import DeadlineKind, EscalationChanged
from core.models import PostRole, User
from core.outbox import emit
from core.settings import Settings
from dispatch.escalation import rules, snapshot
from dispatch.escalation.course import Course, is_told, near, next_look, state_at
from dispatch.escalation.errors import (
    AcknowledgedAlready,
    EscalationOver,
    NoSuchEscalation,
    NotItsRecipient,
    NotReportedYet,
    OwnReport,
    ReportedAlready,
)
from dispatch.escalation.models import (
    Closure,
    Escalation,
    EscalationChange,
    EscalationRule,
    EscalationState,
    Proof,
    ReportedHow,
    TermUnit,
)
from dispatch.models import Incident, IncidentState

log = structlog.get_logger()

WHY = "dispatch.why.escalation."
"""What the system gives as its reason is a key of the catalogues."""
LIVE = Escalation.closed_at.is_(None) & Escalation.joined_into_id.is_(None)
"""Neither over nor joined to another."""


def get(session: Session, escalation_id: UUID, *, lock: bool = False) -> Escalation:
    """Read an escalation; locked, others wait to change it.

    Raises
    ------
    NoSuchEscalation
        There is none of that id.
    """
    query = select(Escalation).where(Escalation.id == escalation_id)
    if lock:
        query = query.with_for_update(of=Escalation).execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise NoSuchEscalation
    return row


def live_of(session: Session, incident_id: UUID, *, code: str | None = None) -> Sequence[Escalation]:
    """Lock and list what somebody must still be told, or was told, of an incident."""
    query = (
        select(Escalation)
        .where(Escalation.incident_id == incident_id, LIVE)
        .order_by(Escalation.id)
        .with_for_update(of=Escalation)
        .execution_options(populate_existing=True)
    )
    return session.scalars(query if code is None else query.where(Escalation.rule_code == code)).all()


def course_of(escalation: Escalation) -> Course:
    """Read the times that decide where an escalation stands."""
    return Course(
        proof=Proof(escalation.rule.proof),
        near_at=escalation.near_at,
        due_at=escalation.due_at,
        rung=escalation.rung,
        reported_at=escalation.reported_at,
        acknowledged_at=escalation.acknowledged_at,
        closed_at=escalation.closed_at,
        is_joined=escalation.joined_into_id is not None,
    )


def recipients(session: Session, escalation: Escalation) -> list[User]:
    """List who is to be told now: those who hold the role and answer for the place, else their deputies."""
    place = select(Incident.place).where(Incident.id == escalation.incident_id).scalar_subquery()
    roles = [escalation.role]
    if escalation.rung == 0 and escalation.rule.deputy_role:
        roles.append(escalation.rule.deputy_role)
    for role in roles:
        found = session.scalars(
            select(User)
            .join(PostRole, PostRole.id == User.role_id)
            .where(
                PostRole.name == role,
                User.disabled_at.is_(None),
                User.area.is_(None) | func.ST_Intersects(User.area, place),
            )
            .order_by(User.display_name)
        ).all()
        if found:
            return list(found)
    return []


# --- raised ----------------------------------------------------------------------------------------------------------------


def raise_for(
    session: Session,
    rule: EscalationRule,
    *,
    at: datetime,
    settings: Settings,
    at_trigger: dict[str, Any],  # Any: a snapshot's JSON
    incident: Incident | None = None,
    asset: tuple[str, str] | None = None,
) -> None:
    """Start a rule's clock for an incident, or an asset as (kind, id); what is running already goes on, at its earlier deadline."""
    start = rules.due(session, rules.term_of(rule), at, settings=settings)
    subject: dict[str, Any]  # Any: ids of two kinds
    if incident is not None:
        subject = {"incident_id": incident.id}
    else:
        assert asset is not None
        subject = dict(zip(("asset_kind", "asset_id"), asset, strict=True))
    if _was_raised(session, rule, at, subject):
        return
    escalation_id = session.scalar(
        insert(Escalation)
        .values(
            id=new_id(),
            rule_id=rule.id,
            rule_code=rule.code,
            raised_for_id=incident.id if incident else None,
            clock_start=at,
            own_due_at=start.due_at,
            due_at=start.due_at,
            near_at=near(at, start.due_at, TermUnit(rule.unit), timezone=settings.utility_timezone),
            is_confirmed=start.is_confirmed,
            state=EscalationState.PENDING,
            role=rule.recipient_role,
            rung=0,
            at_trigger=at_trigger,
            reported_to=[],
            **subject,
        )
        .on_conflict_do_nothing()
        .returning(Escalation.id)
    )
    if escalation_id is None:
        running = session.scalars(
            select(Escalation).where(
                Escalation.rule_code == rule.code,
                LIVE,
                *(getattr(Escalation, k) == v for k, v in subject.items()),
            )
        ).one()
        _take_earlier(session, running, at, settings=settings)
        return
    escalation = get(session, escalation_id)
    _record(session, escalation, from_state=None, why=f"{WHY}{rule.trigger}")
    look(session, escalation, settings=settings)
    log.info("dispatch.escalation_raised", escalation_id=str(escalation_id), rule=rule.code)


def _take_earlier(session: Session, running: Escalation, at: datetime, *, settings: Settings) -> None:
    """News that comes late may have happened earlier: then the clock began earlier."""
    if at < running.clock_start and running.reported_at is None:
        running.clock_start = at
        recount(session, running, settings=settings, why=f"{WHY}earlier")


def _was_raised(session: Session, rule: EscalationRule, at: datetime, subject: dict[str, Any]) -> bool:
    """Whether the same event raised one before, by now perhaps over: it was told twice."""
    same = [getattr(Escalation, name) == value for name, value in subject.items()]
    query = select(Escalation.id).where(
        Escalation.rule_code == rule.code, Escalation.clock_start == at, *same
    )
    return session.scalar(query.limit(1)) is not None


# --- as time passes --------------------------------------------------------------------------------------------------------


def look(session: Session, escalation: Escalation, *, settings: Settings, why: str = "") -> None:
    """Take an escalation where its times say it stands, and look again when they next change it."""
    now = utc_now()
    rungs = rules.rungs_of(escalation.rule)
    while True:
        course = course_of(escalation)
        _move(session, escalation, state_at(course, now), why=why)
        is_late = now >= escalation.due_at and not is_told(course)
        if not is_late or escalation.closed_at or escalation.joined_into_id or escalation.rung >= len(rungs):
            escalation.climbs_at = None
            break
        if escalation.climbs_at is None:
            escalation.climbs_at = rules.climb_at(
                session, rungs[escalation.rung], escalation.due_at, settings=settings
            )
        if escalation.climbs_at > now:
            break
        _climb(session, escalation, rungs, settings=settings)
    look_at = next_look(course_of(escalation), escalation.climbs_at, now)
    if look_at is None:
        cancel_deadline(session, kind=DeadlineKind.ESCALATION_STEP, subject_id=escalation.id)
    else:
        set_deadline(session, kind=DeadlineKind.ESCALATION_STEP, subject_id=escalation.id, due_at=look_at)


def _climb(
    session: Session, escalation: Escalation, rungs: Sequence[rules.Rung], *, settings: Settings
) -> None:
    climbed_at = escalation.climbs_at
    assert climbed_at is not None
    before = EscalationState(escalation.state)
    escalation.role = rungs[escalation.rung].role
    escalation.rung += 1
    escalation.state = EscalationState.CLIMBED
    following = rungs[escalation.rung :]
    escalation.climbs_at = (
        rules.climb_at(session, following[0], climbed_at, settings=settings) if following else None
    )
    _record(session, escalation, from_state=before, why=f"{WHY}climbs")


def recount(session: Session, escalation: Escalation, *, settings: Settings, why: str) -> None:
    """Count a deadline anew, by the calendar as it is now and by those joined to it.

    What somebody was told of already, or what has climbed, is never due later than it was.
    """
    rule, before = escalation.rule, escalation.due_at
    counted = rules.due(session, rules.term_of(rule), escalation.clock_start, settings=settings)
    is_bound = escalation.reported_at is not None or escalation.rung > 0
    escalation.own_due_at = min(counted.due_at, escalation.own_due_at) if is_bound else counted.due_at
    joined = session.scalars(
        select(Escalation.due_at).where(
            Escalation.joined_into_id == escalation.id, Escalation.reported_at.is_(None)
        )
    )
    due_at = min([escalation.own_due_at, *joined])
    escalation.due_at = min(due_at, before) if is_bound else due_at
    escalation.is_confirmed = counted.is_confirmed
    escalation.near_at = near(
        escalation.clock_start, escalation.due_at, TermUnit(rule.unit), timezone=settings.utility_timezone
    )
    if escalation.due_at != before:
        if not escalation.rung:
            escalation.climbs_at = None
        _record(session, escalation, from_state=escalation.state, why=why, due_before=before)
    session.flush()
    if escalation.joined_into_id is not None:
        recount(session, get(session, escalation.joined_into_id, lock=True), settings=settings, why=why)
    else:
        look(session, escalation, settings=settings, why=why)


def recount_open(session: Session, *, settings: Settings) -> None:
    """Count the deadlines of all that are not over anew, since the calendar changed; those joined first."""
    rows = session.scalars(
        select(Escalation)
        .where(Escalation.closed_at.is_(None))
        .order_by(Escalation.joined_into_id.is_(None), Escalation.id)
        .with_for_update(of=Escalation)
        .execution_options(populate_existing=True)
    ).all()
    for row in rows:
        if row.rule.unit == TermUnit.WORKING_DAY:
            recount(session, row, settings=settings, why=f"{WHY}calendar")


# --- told ------------------------------------------------------------------------------------------------------------------


def report(
    session: Session,
    escalation: Escalation,
    actor: Actor,
    *,
    how: ReportedHow,
    words: str,
    settings: Settings,
) -> None:
    """Say that its recipient was told, and keep what there was to tell.

    Telling him of an incident tells him of all that he had to be told of it, by whatever rules.

    Raises
    ------
    EscalationOver, ReportedAlready
        As their names say.
    """
    _ensure_live(escalation)
    if escalation.reported_at is not None:
        raise ReportedAlready
    together = [escalation]
    incident = None
    if escalation.incident_id is not None:
        incident = session.get_one(Incident, escalation.incident_id)
        together = [
            one
            for one in live_of(session, escalation.incident_id)
            if one.role == escalation.role and one.reported_at is None
        ]
    told = snapshot.read(escalation.at_trigger)
    at_report = snapshot.take(
        session, incident, times=told.times, window_days=told.window_days, is_on_closed=told.is_on_closed
    )
    for one in together:
        one.reported_at, one.reported_by = utc_now(), actor.user_id
        one.reported_to = [user.id for user in recipients(session, one)]
        one.reported_how, one.reported_words, one.at_report = how, words, at_report
        _told(session, one, EscalationState.REPORTED, words, by=actor.user_id, settings=settings)


def acknowledge(
    session: Session, escalation: Escalation, actor: Actor, *, words: str, settings: Settings
) -> None:
    """Say oneself that one was told; also after it was closed.

    Raises
    ------
    NotReportedYet, AcknowledgedAlready, NotItsRecipient, OwnReport
        As their names say.
    """
    if escalation.joined_into_id is not None:
        raise EscalationOver
    if escalation.reported_at is None:
        raise NotReportedYet
    if escalation.acknowledged_at is not None:
        raise AcknowledgedAlready
    if not is_for(escalation, actor.role):
        raise NotItsRecipient
    if escalation.reported_by == actor.user_id:
        raise OwnReport
    together = [escalation]
    if escalation.incident_id is not None and escalation.closed_at is None:
        together = [
            one
            for one in live_of(session, escalation.incident_id)
            if one.reported_at == escalation.reported_at
            and one.acknowledged_at is None
            and is_for(one, actor.role)
        ]
    for one in together:
        one.acknowledged_at, one.acknowledged_by, one.acknowledged_words = utc_now(), actor.user_id, words
        _told(session, one, EscalationState.ACKNOWLEDGED, words, by=actor.user_id, settings=settings)


def is_for(escalation: Escalation, role: str) -> bool:
    """Whether it is this role's turn to be told, or its deputy's."""
    deputy = escalation.rule.deputy_role if escalation.rung == 0 else None
    return role in (escalation.role, deputy)


def _told(
    session: Session,
    escalation: Escalation,
    state: EscalationState,
    words: str,
    *,
    by: UUID,
    settings: Settings,
) -> None:
    if escalation.closed_at is not None:
        _record(session, escalation, from_state=escalation.state, why=words, by=by)
        return
    _move(session, escalation, state, why=words, by=by)
    close_if_done(session, escalation)
    look(session, escalation, settings=settings)


# --- over ------------------------------------------------------------------------------------------------------------------


def close(session: Session, escalation: Escalation, *, why: str, by: UUID | None = None) -> None:
    """End an escalation, for a reason.

    Raises
    ------
    EscalationOver
        It is over already, or joined to another.
    """
    _ensure_live(escalation)
    escalation.closed_at = utc_now()
    _move(session, escalation, EscalationState.CLOSED, why=why, by=by)
    cancel_deadline(session, kind=DeadlineKind.ESCALATION_STEP, subject_id=escalation.id)


def close_if_done(session: Session, escalation: Escalation) -> None:
    """End an escalation when its rule says so: told, over, or both; one of a dismissed incident in any case."""
    if escalation.closed_at is not None or escalation.joined_into_id is not None:
        return
    incident = session.get(Incident, escalation.incident_id) if escalation.incident_id else None
    is_dismissed = incident is not None and incident.state == IncidentState.DISMISSED
    over = incident is None or incident.closed_at is not None
    told = is_told(course_of(escalation))
    done = {
        Closure.TOLD_AND_OVER: told and over,
        Closure.TOLD: told,
        Closure.OVER: over and (told or incident is not None),
    }[Closure(escalation.rule.closure)]
    if is_dismissed:
        close(session, escalation, why=f"{WHY}dismissed")
    elif done:
        close(session, escalation, why=f"{WHY}done")


# --- merged, parted --------------------------------------------------------------------------------------------------------


def follow(
    session: Session, escalation: Escalation, incident: Incident, *, settings: Settings, why: str
) -> None:
    """Let an escalation be about another incident; where one by the same rule runs, that one takes the earlier deadline."""
    same = [one for one in live_of(session, incident.id, code=escalation.rule_code) if one is not escalation]
    if same:
        escalation.joined_into_id = same[0].id
        _move(session, escalation, EscalationState.JOINED, why=why)
        cancel_deadline(session, kind=DeadlineKind.ESCALATION_STEP, subject_id=escalation.id)
        session.flush()
        recount(session, same[0], settings=settings, why=why)
        return
    if escalation.joined_into_id is None:
        escalation.incident_id = incident.id
        _record(session, escalation, from_state=escalation.state, why=why)
    escalation.incident_id, escalation.joined_into_id = incident.id, None
    session.flush()
    recount(session, escalation, settings=settings, why=why)


def give_back(session: Session, incident: Incident, *, settings: Settings) -> None:
    """Give an incident that was merged its escalations back; what they were joined to has its own deadline again."""
    rows = session.scalars(
        select(Escalation)
        .where(
            Escalation.raised_for_id == incident.id,
            Escalation.closed_at.is_(None),
            (Escalation.incident_id != incident.id) | Escalation.joined_into_id.is_not(None),
        )
        .order_by(Escalation.id)
        .with_for_update(of=Escalation)
        .execution_options(populate_existing=True)
    ).all()
    for row in rows:
        left = row.joined_into_id
        follow(session, row, incident, settings=settings, why=f"{WHY}unmerged")
        if left is not None:
            recount(session, get(session, left, lock=True), settings=settings, why=f"{WHY}unmerged")


def copy_to(session: Session, escalation: Escalation, child: Incident, *, settings: Settings) -> None:
    """Let an incident that was split off have the same escalation, with its clock, its deadline and what was told."""
    again = select(Escalation.id).where(
        Escalation.raised_for_id == child.id,
        Escalation.rule_code == escalation.rule_code,
        Escalation.clock_start == escalation.clock_start,
    )
    if session.scalar(again.limit(1)) is not None:
        return
    kept = {
        column.key: getattr(escalation, column.key)
        for column in Escalation.__table__.columns
        if column.key not in ("id", "incident_id", "raised_for_id", "joined_into_id")
    }
    copied = session.scalar(
        insert(Escalation)
        .values(id=new_id(), incident_id=child.id, raised_for_id=child.id, **kept)
        .on_conflict_do_nothing()
        .returning(Escalation.id)
    )
    if copied is None:
        (running,) = live_of(session, child.id, code=escalation.rule_code)
        _take_earlier(session, running, escalation.clock_start, settings=settings)
        return
    row = get(session, copied)
    _record(session, row, from_state=None, why=f"{WHY}split")
    look(session, row, settings=settings)


# --- one way to take a step ------------------------------------------------------------------------------------------------


def _ensure_live(escalation: Escalation) -> None:
    if escalation.closed_at is not None or escalation.joined_into_id is not None:
        raise EscalationOver


def _move(
    session: Session, escalation: Escalation, to: EscalationState, *, why: str, by: UUID | None = None
) -> None:
    before = EscalationState(escalation.state)
    if to is before:
        return
    escalation.state = to
    _record(session, escalation, from_state=before, why=why or f"{WHY}{to.value}", by=by)


def _record(
    session: Session,
    escalation: Escalation,
    *,
    from_state: str | None,
    why: str,
    by: UUID | None = None,
    due_before: datetime | None = None,
) -> None:
    """Add a line to an escalation's history, and tell it."""
    session.add(
        EscalationChange(
            escalation_id=escalation.id,
            at=utc_now(),
            from_state=from_state,
            to_state=escalation.state,
            role=escalation.role,
            due_before=due_before,
            due_at=escalation.due_at,
            by_user_id=by,
            why=why,
        )
    )
    emit(
        session,
        EscalationChanged(
            escalation.id, incident_id=escalation.incident_id, to_state=escalation.state, role=escalation.role
        ),
    )
