"""Reading dispatch's tables."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    select,
    true,
)
from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import utc_now
from core.messages import say
from core.models import User
from dispatch.clauses import told
from dispatch.errors import NoSuchIncident, NoSuchWorkOrder
from dispatch.models import (
    LIVE,
    Assignment,
    AssignmentState,
    CallingHabits,
    Change,
    Crew,
    Incident,
    IncidentReport,
    IsolationPlan,
    Shift,
    TriageRules,
    WorkOrder,
    WorkOrderState,
)
from dispatch.policy import estimate_to_tell
from dispatch.reports import ReportFacts
from dispatch.views import (
    AssignmentView,
    AttachedReport,
    CrewJob,
    CrewJobRef,
    CrewSummary,
    IncidentDetail,
    IncidentSummary,
    PlanView,
    TimelineEntry,
    ValveStep,
    WorkOrderView,
)
from gis.coordinates import LonLat
from gis.models import Valve
from tracker.positions import CrewPosition, latest_positions

S = TypeVar("S", bound=Select[Any])  # Any: whatever is selected

WHY_PREFIX = "dispatch.why."
"""What the system gives as its reason is a key of the catalogues; what a person gives is his own words."""
_STATE_RANK = {
    AssignmentState.ON_SITE: 0,
    AssignmentState.EN_ROUTE: 1,
    AssignmentState.ACCEPTED: 2,
    AssignmentState.OFFERED: 3,
}


# --- rows ------------------------------------------------------------------------------------------------------------------


def incident_row(session: Session, incident_id: UUID, *, lock: bool = False) -> Incident | None:
    """Read an incident; locked, others wait to change it."""
    query = select(Incident).where(Incident.id == incident_id)
    return session.scalar(_locked(query) if lock else query)


def order_row(session: Session, order_id: UUID, *, lock: bool = False) -> WorkOrder | None:
    """Read a work order; locked, others wait to change it."""
    query = select(WorkOrder).where(WorkOrder.id == order_id)
    return session.scalar(_locked(query) if lock else query)


def assignment_row(session: Session, assignment_id: UUID, *, lock: bool = False) -> Assignment | None:
    """Read an assignment; locked, others wait to change it."""
    query = select(Assignment).where(Assignment.id == assignment_id)
    return session.scalar(_locked(query) if lock else query)


def report_row(session: Session, report_id: UUID) -> IncidentReport | None:
    """Read a report as dispatch sees it."""
    return session.get(IncidentReport, report_id)


def reports_of(
    session: Session, incident_id: UUID, *, actor: Actor | None = None
) -> Sequence[IncidentReport]:
    """List an incident's reports in order of receipt; to an actor, those in his area."""
    is_his = actor.area_filter(IncidentReport.place) if actor else true()
    return session.scalars(
        select(IncidentReport)
        .where(IncidentReport.incident_id == incident_id, is_his)
        .order_by(IncidentReport.received_at, IncidentReport.report_id)
    ).all()


_FACTS = (
    IncidentReport.report_id,
    IncidentReport.category,
    IncidentReport.extent,
    func.ST_X(IncidentReport.place),
    func.ST_Y(IncidentReport.place),
    IncidentReport.pipe_id,
    IncidentReport.segment_id,
    IncidentReport.zone_id,
    IncidentReport.confidence,
    IncidentReport.caller_key,
    IncidentReport.customer_account_id,
    func.coalesce(IncidentReport.told_again_at, IncidentReport.noticed_at),
    IncidentReport.repeat_of,
)
"""What triage knows of a stored report; one told again speaks for that time."""


def _facts(row: Sequence[Any]) -> ReportFacts:  # Any: columns of many types, in the order of _FACTS
    report_id, category, extent, lon, lat, pipe, segment, zone, confidence, caller, account, *rest = row
    noticed_at, repeat_of = rest
    return ReportFacts(
        report_id=report_id,
        category=category,
        extent=extent,
        place=LonLat(lon=lon, lat=lat),
        pipe_id=pipe,
        segment_id=segment,
        zone_id=zone,
        confidence=confidence,
        caller_key=caller,
        customer_account_id=account,
        noticed_at=noticed_at,
        repeat_of=repeat_of,
    )


@dataclass(frozen=True, slots=True)
class Member:
    """A report of an incident without what only people read."""

    facts: ReportFacts
    street: str | None
    last_told_at: datetime
    """When it was attached, or its caller last said that nothing is better."""


def members_of(session: Session, incident_id: UUID) -> list[Member]:
    """List an incident's reports in order of receipt, without loading whole rows."""
    rows = session.execute(
        select(
            *_FACTS,
            IncidentReport.street,
            func.greatest(IncidentReport.attached_at, IncidentReport.told_again_at),
        )
        .where(IncidentReport.incident_id == incident_id)
        .order_by(IncidentReport.received_at, IncidentReport.report_id)
    )
    return [Member(_facts(row[: len(_FACTS)]), row[-2], row[-1]) for row in rows]


def open_orders_of(session: Session, incident_id: UUID, *, lock: bool = False) -> Sequence[WorkOrder]:
    """List an incident's work that is not over; locked, nobody is asked and nobody answers meanwhile."""
    query = (
        select(WorkOrder)
        .where(WorkOrder.incident_id == incident_id, WorkOrder.ended_at.is_(None))
        .order_by(WorkOrder.number)
    )
    return session.scalars(_locked(query) if lock else query).all()


def live_assignment(session: Session, order_id: UUID, *, lock: bool = False) -> Assignment | None:
    """Read the one assignment of a work order that counts now."""
    query = select(Assignment).where(Assignment.work_order_id == order_id, Assignment.state.in_(LIVE))
    return session.scalar(_locked(query) if lock else query)


def live_assignments_of_crew(session: Session, crew_id: UUID) -> Sequence[Assignment]:
    """List a crew's open offers and the work that binds it."""
    return session.scalars(
        select(Assignment)
        .where(Assignment.crew_id == crew_id, Assignment.state.in_(LIVE))
        .order_by(Assignment.offered_at)
    ).all()


def last_assignment(session: Session, order_id: UUID) -> Assignment | None:
    """Read the latest assignment of a work order."""
    return session.scalar(
        select(Assignment)
        .where(Assignment.work_order_id == order_id)
        .order_by(Assignment.offered_at.desc(), Assignment.id.desc())
        .limit(1)
    )


def has_follow_up(session: Session, order: WorkOrder) -> bool:
    """Whether another work order of the same incident was made once this one had ended."""
    later = select(WorkOrder.id).where(
        WorkOrder.incident_id == order.incident_id,
        WorkOrder.number > order.number,
        WorkOrder.created_at >= order.ended_at,
    )
    return session.scalar(later.limit(1)) is not None


def orders_ended_during(session: Session, order: WorkOrder) -> Sequence[WorkOrder]:
    """List the work of the same incident that ended with a finding while this order was open, in order of time."""
    return session.scalars(
        select(WorkOrder)
        .where(
            WorkOrder.incident_id == order.incident_id,
            WorkOrder.id != order.id,
            WorkOrder.finding.is_not(None),
            WorkOrder.ended_at >= order.created_at,
            WorkOrder.ended_at <= order.ended_at,
        )
        .order_by(WorkOrder.ended_at, WorkOrder.number)
    ).all()


def waiting_orders(session: Session) -> Sequence[tuple[UUID, list[str]]]:
    """List the work nobody was asked for with the skills it needs, most urgent first, then oldest."""
    asked = select(Assignment.work_order_id).where(Assignment.state.in_(LIVE))
    rows = session.execute(
        select(WorkOrder.id, WorkOrder.skills)
        .where(WorkOrder.state == WorkOrderState.PROPOSED, WorkOrder.id.not_in(asked))
        .order_by(WorkOrder.priority, WorkOrder.created_at, WorkOrder.number)
    )
    return [(order_id, skills) for order_id, skills in rows]


def active_crews(session: Session) -> Sequence[Crew]:
    """List the crews there are."""
    return session.scalars(select(Crew).where(Crew.is_active).order_by(Crew.code)).all()


def lock_crew(session: Session, crew_id: UUID) -> Crew | None:
    """Lock a crew without waiting; None while somebody else is deciding about it."""
    return session.scalar(
        select(Crew)
        .where(Crew.id == crew_id, Crew.is_active)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )


def shifts_at(session: Session, at: datetime) -> dict[UUID, Shift]:
    """Map the crews on duty at a time to their shifts."""
    rows = session.scalars(select(Shift).where(Shift.starts_at <= at, Shift.ends_at > at))
    return {row.crew_id: row for row in rows}


def shifts_between(
    session: Session, *, since: datetime, until: datetime, crew_id: UUID | None = None
) -> Sequence[Shift]:
    """List the shifts that touch a span of time."""
    query = (
        select(Shift)
        .where(Shift.starts_at < until, Shift.ends_at > since)
        .order_by(Shift.starts_at, Shift.id)
    )
    return session.scalars(query if crew_id is None else query.where(Shift.crew_id == crew_id)).all()


@dataclass(frozen=True, slots=True)
class CrewNow:
    """A crew as ranking needs it, its place left aside."""

    crew_id: UUID
    code: str
    name: str
    skills: list[str]
    is_on_shift: bool
    bound_state: str | None
    """State of its open offer or of the work that binds it; the farthest gone counts."""
    bound_order_number: int | None
    has_refused: bool
    """It refused the work order in question, gave it back, or let its offer expire, a short while ago."""
    jobs_lately: int


def _crews_now() -> Select[Any]:  # Any: the columns of CrewNow
    of_crew = Assignment.crew_id == Crew.id
    at: BindParameter[datetime] = bindparam("at")
    on_shift = exists().where(Shift.crew_id == Crew.id, Shift.starts_at <= at, Shift.ends_at > at)
    binding = (
        select(Assignment.state, WorkOrder.number)
        .join(WorkOrder, WorkOrder.id == Assignment.work_order_id)
        .where(of_crew, Assignment.state.in_(LIVE))
        .order_by(case(_STATE_RANK, value=Assignment.state))
        .limit(1)
        .lateral()
    )
    refused = exists().where(
        of_crew,
        Assignment.work_order_id == bindparam("order_id"),
        Assignment.state.in_((AssignmentState.DECLINED, AssignmentState.EXPIRED, AssignmentState.RELEASED)),
        Assignment.ended_at >= bindparam("refused_since"),
    )
    jobs = (
        select(func.count())
        .where(of_crew, Assignment.offered_at >= bindparam("jobs_since"), Assignment.on_site_at.is_not(None))
        .scalar_subquery()
    )
    return (
        select(
            Crew.id,
            Crew.code,
            Crew.name,
            Crew.skills,
            on_shift,
            binding.c.state,
            binding.c.number,
            refused,
            jobs,
        )
        .outerjoin(binding, true())
        .where(Crew.is_active)
        .order_by(Crew.code)
    )


_CREWS_NOW: Final = _crews_now()
"""Asked with every ranking, so written once."""


def crews_now(
    session: Session, at: datetime, *, order_id: UUID | None, refused_since: datetime, jobs_since: datetime
) -> list[CrewNow]:
    """Read in one go what ranking needs to know of the active crews."""
    values = {"at": at, "order_id": order_id, "refused_since": refused_since, "jobs_since": jobs_since}
    return [CrewNow(*row) for row in session.execute(_CREWS_NOW, values)]


def _locked(query: S) -> S:
    return query.with_for_update(key_share=True).execution_options(populate_existing=True)


# --- what triage goes by ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report triage has placed, when, and in which incident it is now."""

    facts: ReportFacts
    number: int
    received_at: datetime
    attached_at: datetime
    incident_id: UUID


@dataclass(frozen=True, slots=True)
class IncidentNow:
    """What triage has to know of an incident."""

    id: UUID
    number: int
    state: str
    changed_at: datetime
    confirmed_at: datetime | None
    closed_at: datetime | None
    merged_into_id: UUID | None
    is_grouped_by_hand: bool
    outage_declared_at: datetime | None
    segment_ids: list[int]
    shutdown_id: UUID | None

    @classmethod
    def of(cls, incident: Incident) -> "IncidentNow":
        """See an incident so."""
        return cls(*(getattr(incident, column.key) for column in _NOW))


_NOW = (
    Incident.id,
    Incident.number,
    Incident.state,
    Incident.changed_at,
    Incident.confirmed_at,
    Incident.closed_at,
    Incident.merged_into_id,
    Incident.is_grouped_by_hand,
    Incident.outage_declared_at,
    Incident.segment_ids,
    Incident.shutdown_id,
)


def reports_since(session: Session, since: datetime) -> list[StoredReport]:
    """List the reports placed since some time, in the order in which they were."""
    rows = session.execute(
        select(
            *_FACTS,
            IncidentReport.report_number,
            IncidentReport.received_at,
            IncidentReport.attached_at,
            IncidentReport.incident_id,
        )
        .where(IncidentReport.attached_at >= since)
        .order_by(IncidentReport.attached_at, IncidentReport.report_id)
    )
    return [StoredReport(_facts(row[: len(_FACTS)]), *row[len(_FACTS) :]) for row in rows]


def incidents_since(session: Session, since: datetime) -> list[IncidentNow]:
    """List the incidents that changed since some time."""
    return [
        IncidentNow(*tuple(row)) for row in session.execute(select(*_NOW).where(Incident.changed_at >= since))
    ]


def members_since(
    session: Session, incident_ids: Collection[UUID], since: datetime
) -> list[tuple[UUID, UUID]]:
    """List the reports of some incidents that were placed since some time, each with its incident."""
    return [
        (report_id, incident_id)
        for report_id, incident_id in session.execute(
            select(IncidentReport.report_id, IncidentReport.incident_id).where(
                IncidentReport.incident_id.in_(incident_ids), IncidentReport.attached_at >= since
            )
        )
    ]


def newest_habits(session: Session) -> dict[str, Any] | None:  # Any: numbers and lists of them
    """Read how people call here, as it was learnt last; None where nothing was learnt yet."""
    return session.scalar(select(CallingHabits.habits).order_by(CallingHabits.learnt_at.desc()).limit(1))


def newest_rules(session: Session) -> TriageRules | None:
    """Read what was set about triage last; None where nobody set anything yet."""
    return session.scalar(select(TriageRules).order_by(TriageRules.set_at.desc()).limit(1))


def display_name(session: Session, user_id: UUID) -> str | None:
    """Tell what a person is called."""
    return session.scalar(select(User.display_name).where(User.id == user_id))


def names_of_incidents(
    session: Session, actor: Actor, incident_ids: Collection[UUID]
) -> dict[UUID, tuple[int, str | None]]:
    """Give the numbers and streets of some incidents, those in the actor's area."""
    rows = session.execute(
        select(Incident.id, Incident.number, Incident.street).where(
            Incident.id.in_(incident_ids), actor.area_filter(Incident.place)
        )
    )
    return {row.id: (row.number, row.street) for row in rows}


# --- incidents for people --------------------------------------------------------------------------------------------------


def open_incidents(session: Session, actor: Actor) -> list[IncidentSummary]:
    """List the open incidents in the actor's area, most urgent first."""
    rows = session.scalars(
        select(Incident)
        .where(Incident.closed_at.is_(None), actor.area_filter(Incident.place))
        .order_by(Incident.priority, Incident.opened_at, Incident.number)
    ).all()
    return _summaries(session, rows)


def list_incidents(
    session: Session, actor: Actor, *, is_closed: bool | None, limit: int, before: UUID | None = None
) -> list[IncidentSummary]:
    """List incidents of the actor's area, newest first.

    Parameters
    ----------
    is_closed
        Only those that are over, or only those that are not; None for all.
    before
        The last id of the page before.
    """
    query = (
        select(Incident).where(actor.area_filter(Incident.place)).order_by(Incident.id.desc()).limit(limit)
    )
    if is_closed is not None:
        query = query.where(Incident.closed_at.is_not(None) if is_closed else Incident.closed_at.is_(None))
    if before is not None:
        query = query.where(Incident.id < before)
    return _summaries(session, session.scalars(query).all())


def summaries_of(session: Session, incident_ids: Collection[UUID]) -> dict[UUID, IncidentSummary]:
    """Sum up incidents, by id; whose they are to see was settled when they were found."""
    rows = session.scalars(select(Incident).where(Incident.id.in_(incident_ids))).all()
    return {one.id: one for one in _summaries(session, rows)}


def incident_for(session: Session, actor: Actor, incident_id: UUID) -> Incident:
    """Read an incident that lies in the actor's area.

    Raises
    ------
    NoSuchIncident
        There is none, or it is not his to see.
    """
    row = session.scalar(
        select(Incident).where(Incident.id == incident_id, actor.area_filter(Incident.place))
    )
    if row is None:
        raise NoSuchIncident
    return row


@dataclass(frozen=True, slots=True)
class WorkToDo:
    """Where an incident's first open work is, and what it needs; without any, where the incident is."""

    place: LonLat
    skills: list[str] | None
    order_id: UUID | None


def work_to_do(session: Session, actor: Actor, incident_id: UUID) -> WorkToDo:
    """Tell where to go for an incident that lies in the actor's area.

    Raises
    ------
    NoSuchIncident
        There is none, or it is not his to see.
    """
    row = session.execute(
        select(Incident.place, WorkOrder.place, WorkOrder.skills, WorkOrder.id)
        .outerjoin(WorkOrder, and_(WorkOrder.incident_id == Incident.id, WorkOrder.ended_at.is_(None)))
        .where(Incident.id == incident_id, actor.area_filter(Incident.place))
        .order_by(WorkOrder.number)
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NoSuchIncident
    incident_place, order_place, skills, order_id = row
    return WorkToDo(
        LonLat.from_stored(incident_place if order_place is None else order_place), skills, order_id
    )


def order_for(session: Session, actor: Actor, order_id: UUID) -> WorkOrder:
    """Read a work order that lies in the actor's area.

    Raises
    ------
    NoSuchWorkOrder
        There is none, or it is not his to see.
    """
    row = session.scalar(
        select(WorkOrder).where(WorkOrder.id == order_id, actor.area_filter(WorkOrder.place))
    )
    if row is None:
        raise NoSuchWorkOrder
    return row


def incident_detail(session: Session, actor: Actor, incident_id: UUID) -> IncidentDetail:
    """Tell everything about one incident, in the actor's language; a merged one is told as what it was, with its heir.

    Raises
    ------
    NoSuchIncident
        There is none, or it is not his to see.
    """
    row = incident_for(session, actor, incident_id)
    numbers = session.scalars(
        select(Incident.number).where(Incident.merged_into_id == row.id).order_by(Incident.number)
    ).all()
    into = incident_row(session, row.merged_into_id) if row.merged_into_id else None
    return IncidentDetail(
        summary=_summaries(session, [row])[0],
        merged_into_id=row.merged_into_id,
        merged_into_number=into.number if into else None,
        split_from_id=row.split_from_id,
        also_numbers=list(numbers),
        reports=_attached_reports(session, actor, row),
        timeline=timeline(session, row.id, language=actor.language),
        plan=plan_view(session, row.id),
        work_orders=_order_views(session, WorkOrder.incident_id == row.id),
    )


def timeline(session: Session, incident_id: UUID, *, language: str) -> list[TimelineEntry]:
    """Tell what happened to an incident and its work, oldest first."""
    rows = session.scalars(
        select(Change).where(Change.incident_id == incident_id).order_by(Change.at, Change.id)
    ).all()
    users = {row.by_user_id for row in rows if row.by_user_id}
    crews = {row.by_crew_id for row in rows if row.by_crew_id}
    names: dict[UUID, str] = {}
    if users:
        names |= dict(session.execute(select(User.id, User.display_name).where(User.id.in_(users))).all())
    if crews:
        names |= dict(session.execute(select(Crew.id, Crew.name).where(Crew.id.in_(crews))).all())
    return [_timeline_entry(row, names, language) for row in rows]


def plan_view(session: Session, incident_id: UUID) -> PlanView | None:
    """Give the isolation plan that holds for an incident."""
    row = session.scalar(
        select(IsolationPlan)
        .where(IsolationPlan.incident_id == incident_id)
        .order_by(IsolationPlan.made_at.desc(), IsolationPlan.id.desc())
        .limit(1)
    )
    if row is None:
        return None
    return PlanView(
        pipe_id=row.pipe_id,
        made_at=row.made_at,
        segment_ids=list(row.segment_ids),
        valves_to_close=_valves(session, row.valve_ids),
        valves_already_closed=_valves(session, row.closed_valve_ids),
        customers=row.customers,
        critical_customers=row.critical_customers,
        length_m=row.length_m,
    )


def _summaries(session: Session, rows: Sequence[Incident]) -> list[IncidentSummary]:
    now = utc_now()
    ids = [row.id for row in rows]
    due: dict[UUID, datetime] = {}
    crews: dict[UUID, list[str]] = {}
    if ids:
        there = select(Assignment.work_order_id).where(Assignment.on_site_at.is_not(None))
        due = dict(
            session.execute(
                select(WorkOrder.incident_id, func.min(WorkOrder.arrive_by_at))
                .where(
                    WorkOrder.incident_id.in_(ids), WorkOrder.ended_at.is_(None), WorkOrder.id.not_in(there)
                )
                .group_by(WorkOrder.incident_id)
            ).all()
        )
        for incident_id, code in session.execute(
            select(WorkOrder.incident_id, Crew.code)
            .join(Assignment, Assignment.work_order_id == WorkOrder.id)
            .join(Crew, Crew.id == Assignment.crew_id)
            .where(WorkOrder.incident_id.in_(ids), Assignment.state.in_(LIVE[1:]))
            .order_by(Crew.code)
        ):
            crews.setdefault(incident_id, []).append(code)
    return [
        IncidentSummary(
            id=row.id,
            number=row.number,
            kind=row.kind,
            state=row.state,
            level=row.level,
            priority=row.priority,
            point=LonLat.from_stored(row.place),
            street=row.street,
            pipe_id=row.pipe_id,
            segment_ids=list(row.segment_ids),
            zone_id=row.zone_id,
            report_count=row.report_count,
            customer_count=row.customer_count,
            customers_without_water=row.customers_without_water,
            critical_customers=row.critical_customers,
            opened_at=row.opened_at,
            last_report_at=row.last_report_at,
            changed_at=row.changed_at,
            estimate_at=estimate_to_tell(row.estimate_at, review_at=row.review_at, now=now),
            review_at=row.review_at,
            closed_at=row.closed_at,
            cause=row.cause,
            due_at=due.get(row.id),
            crew_codes=crews.get(row.id, []),
        )
        for row in rows
    ]


def _attached_reports(session: Session, actor: Actor, incident: Incident) -> list[AttachedReport]:
    rows = reports_of(session, incident.id, actor=actor)
    first_in = {row.triaged_into_id for row in rows} - {incident.id}
    numbers: dict[UUID, int] = {}
    if first_in:
        numbers |= dict(
            session.execute(select(Incident.id, Incident.number).where(Incident.id.in_(first_in))).all()
        )
    return [_attached(row, numbers.get(row.triaged_into_id), actor.language) for row in rows]


def _attached(row: IncidentReport, came_from: int | None, language: str) -> AttachedReport:
    return AttachedReport(
        report_id=row.report_id,
        report_number=row.report_number,
        category=row.category,
        point=LonLat.from_stored(row.place),
        segment_id=row.segment_id,
        received_at=row.received_at,
        attached_at=row.attached_at,
        confidence=row.confidence,
        decision=row.decision,
        came_from_number=came_from,
        reason=told(row.reason, language),
    )


def _timeline_entry(row: Change, names: dict[UUID, str], language: str) -> TimelineEntry:
    why = say(row.why, language) if row.why.startswith(WHY_PREFIX) else row.why
    is_step = row.from_state != row.to_state
    by = row.by_user_id or row.by_crew_id
    return TimelineEntry(
        at=row.at,
        subject=row.subject,
        subject_id=row.subject_id,
        from_state=row.from_state,
        to_state=row.to_state,
        what=say(f"dispatch.{row.subject}.{row.to_state}", language) if is_step else why,
        by_user_id=row.by_user_id,
        by_crew_id=row.by_crew_id,
        who=names.get(by) if by else None,
        why=why if is_step else "",
    )


def _valves(session: Session, ids: Iterable[str]) -> list[ValveStep]:
    order = {UUID(one): place for place, one in enumerate(ids, start=1)}
    if not order:
        return []
    rows = session.scalars(select(Valve).where(Valve.id.in_(order)))
    steps = [
        ValveStep(
            id=row.id, asset_code=row.asset_code, point=LonLat.from_stored(row.geom), order=order[row.id]
        )
        for row in rows
    ]
    return sorted(steps, key=lambda step: step.order)


# --- work orders -----------------------------------------------------------------------------------------------------------


def list_orders(
    session: Session,
    actor: Actor,
    *,
    states: Collection[str] | None,
    limit: int,
    before: UUID | None = None,
) -> list[WorkOrderView]:
    """List work orders of the actor's area, newest first.

    Parameters
    ----------
    states
        Only these; None for those that are not over.
    before
        The last id of the page before.
    """
    conditions: list[ColumnElement[bool]] = [actor.area_filter(WorkOrder.place)]
    conditions.append(WorkOrder.ended_at.is_(None) if states is None else WorkOrder.state.in_(states))
    if before is not None:
        conditions.append(WorkOrder.id < before)
    return _order_views(session, and_(*conditions), limit=limit)


def order_view(session: Session, actor: Actor, order_id: UUID) -> WorkOrderView:
    """Tell everything about one work order.

    Raises
    ------
    NoSuchWorkOrder
        There is none, or it is not his to see.
    """
    row = order_for(session, actor, order_id)
    return _order_views(session, WorkOrder.id == row.id)[0]


def _order_views(
    session: Session, condition: ColumnElement[bool], *, limit: int | None = None
) -> list[WorkOrderView]:
    rows = session.execute(
        select(WorkOrder, Incident.number, Incident.street)
        .join(Incident, Incident.id == WorkOrder.incident_id)
        .where(condition)
        .order_by(WorkOrder.id.desc())
        .limit(limit)
    ).all()
    assignments: dict[UUID, list[AssignmentView]] = {order.id: [] for order, _, _ in rows}
    if assignments:
        for assignment, code, name in session.execute(
            select(Assignment, Crew.code, Crew.name)
            .join(Crew, Crew.id == Assignment.crew_id)
            .where(Assignment.work_order_id.in_(assignments))
            .order_by(Assignment.offered_at.desc(), Assignment.id.desc())
        ):
            assignments[assignment.work_order_id].append(_assignment_view(assignment, code, name))
    now = utc_now()
    return [_order_view(order, number, street, assignments[order.id], now) for order, number, street in rows]


def _assignment_view(row: Assignment, crew_code: str, crew_name: str) -> AssignmentView:
    return AssignmentView(
        id=row.id,
        crew_id=row.crew_id,
        crew_code=crew_code,
        crew_name=crew_name,
        state=row.state,
        offered_at=row.offered_at,
        expires_at=row.expires_at,
        answered_at=row.answered_at,
        en_route_at=row.en_route_at,
        on_site_at=row.on_site_at,
        ended_at=row.ended_at,
        travel_time_s=row.travel_time_s,
        distance_m=row.distance_m,
        straight_line_choice_travel_s=row.straight_line_choice_travel_s,
        is_by_hand=row.is_by_hand,
        decline_reason=row.decline_reason,
    )


def _order_view(
    row: WorkOrder, number: int, street: str | None, assignments: list[AssignmentView], now: datetime
) -> WorkOrderView:
    counting = next((one for one in assignments if one.state in LIVE), None) or next(
        (one for one in assignments if one.state == AssignmentState.LEFT_SITE), None
    )
    arrived_at = min((one.on_site_at for one in assignments if one.on_site_at), default=None)
    return WorkOrderView(
        id=row.id,
        number=row.number,
        kind=row.kind,
        state=row.state,
        priority=row.priority,
        incident_id=row.incident_id,
        incident_number=number,
        point=LonLat.from_stored(row.place),
        street=street,
        skills=list(row.skills),
        created_at=row.created_at,
        arrive_by_at=row.arrive_by_at,
        ended_at=row.ended_at,
        is_late=(arrived_at or row.ended_at or now) > row.arrive_by_at,
        finding=row.finding,
        crew_code=counting.crew_code if counting else None,
        assignment_state=counting.state if counting else None,
        assignments=assignments,
    )


# --- crews -----------------------------------------------------------------------------------------------------------------


def crews_overview(session: Session, actor: Actor) -> list[CrewSummary]:
    """List active crews with place, presence and job; to an actor with an area, only those that are in it, and jobs only there."""
    now = utc_now()
    shifts = shifts_at(session, now)
    positions = {one.crew_id: one for one in latest_positions(session, actor=actor)}
    jobs = _crew_jobs(session, actor)
    return [
        _crew_summary(crew, shifts.get(crew.id), positions.get(crew.id), *jobs.get(crew.id, (None, None)))
        for crew in active_crews(session)
        if actor.area_wkt is None or crew.id in positions
    ]


def _crew_jobs(session: Session, actor: Actor) -> dict[UUID, tuple[str, CrewJobRef | None]]:
    """Map crews to the state of what they are at, and to that job where it lies in the actor's area."""
    rows = session.execute(
        select(Assignment, WorkOrder, Incident.number, actor.area_filter(WorkOrder.place))
        .join(WorkOrder, WorkOrder.id == Assignment.work_order_id)
        .join(Incident, Incident.id == WorkOrder.incident_id)
        .where(Assignment.state.in_(LIVE))
    ).all()
    ordered = sorted(rows, key=lambda row: -_STATE_RANK[AssignmentState(row[0].state)])
    return {
        assignment.crew_id: (assignment.state, _job_ref(assignment, order, number) if is_his else None)
        for assignment, order, number, is_his in ordered
    }


def _job_ref(assignment: Assignment, order: WorkOrder, incident_number: int) -> CrewJobRef:
    return CrewJobRef(
        assignment_id=assignment.id,
        state=assignment.state,
        work_order_id=order.id,
        work_order_number=order.number,
        incident_id=order.incident_id,
        incident_number=incident_number,
        travel_time_s=assignment.travel_time_s,
        distance_m=assignment.distance_m,
        started_at=assignment.en_route_at,
        place=LonLat.from_stored(order.place),
    )


def _crew_summary(
    crew: Crew,
    shift: Shift | None,
    position: CrewPosition | None,
    job_state: str | None,
    job: CrewJobRef | None,
) -> CrewSummary:
    return CrewSummary(
        crew_id=crew.id,
        code=crew.code,
        name=crew.name,
        skills=list(crew.skills),
        is_active=crew.is_active,
        is_on_shift=shift is not None,
        shift_ends_at=shift.ends_at if shift else None,
        presence=position.presence if position else "offline",
        status=job_state or ("free" if shift else "off_duty"),
        point=position.point if position else None,
        recorded_at=position.recorded_at if position else None,
        accuracy_m=position.accuracy_m if position else None,
        course_deg=position.course_deg if position else None,
        speed_mps=position.speed_mps if position else None,
        job=job,
    )


def jobs_of_crew(session: Session, crew_id: UUID, *, language: str = "en") -> list[CrewJob]:
    """List a crew's open offers and the work that binds it; what it is at first, then the oldest offer."""
    going_on = case((Assignment.state == AssignmentState.OFFERED, 1), else_=0)
    rows = session.execute(
        select(Assignment, WorkOrder, Incident)
        .join(WorkOrder, WorkOrder.id == Assignment.work_order_id)
        .join(Incident, Incident.id == WorkOrder.incident_id)
        .where(Assignment.crew_id == crew_id, Assignment.state.in_(LIVE))
        .order_by(going_on, Assignment.offered_at, Assignment.id)
    ).all()
    return [_crew_job(session, *row, language=language) for row in rows]


def _crew_job(
    session: Session, assignment: Assignment, order: WorkOrder, incident: Incident, *, language: str
) -> CrewJob:
    plan = plan_view(session, incident.id)
    return CrewJob(
        assignment_id=assignment.id,
        state=assignment.state,
        offered_at=assignment.offered_at,
        expires_at=assignment.expires_at,
        en_route_at=assignment.en_route_at,
        on_site_at=assignment.on_site_at,
        travel_time_s=assignment.travel_time_s,
        distance_m=assignment.distance_m,
        is_by_hand=assignment.is_by_hand,
        work_order_id=order.id,
        work_order_number=order.number,
        work_order_state=order.state,
        kind=order.kind,
        priority=order.priority,
        arrive_by_at=order.arrive_by_at,
        place=LonLat.from_stored(order.place),
        street=incident.street,
        description=say(
            "dispatch.job.description",
            language,
            kind=say(f"dispatch.kind.{incident.kind}", language),
            calls=incident.report_count,
            customers=incident.customer_count,
        ),
        incident_id=incident.id,
        incident_number=incident.number,
        incident_kind=incident.kind,
        pipe_id=incident.pipe_id,
        valves=plan.valves_to_close if plan else [],
        customers_without_water=incident.customers_without_water,
    )
