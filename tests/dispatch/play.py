"""What dispatch's tests tell again and again: somebody reports, crews stand somewhere, time passes, events are handled."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.subscriptions import SUBSCRIPTIONS
from core.clock import Clock, real_now, use, utc_now
from core.db import new_id
from core.deadlines import DeadlineKind
from core.events import DeadlineReached, Event, ReportLocated
from core.models import Deadline, OutboxEvent
from core.outbox import read_event
from core.settings import get_settings
from dispatch import assignment, queries, work_orders
from dispatch.models import (
    Action,
    Assignment,
    AssignmentState,
    Cause,
    Crew,
    Incident,
    IncidentReport,
    Shift,
    Skill,
    WorkOrder,
)
from dispatch.work_orders import Finding
from gis.coordinates import LonLat
from tests.town import Town
from tracker.models import LatestPosition

E = TypeVar("E", bound=Event)
REPAIRED = Finding(cause=Cause.BURST, action=Action.REPAIRED, water_restored=True)
FOUND = Finding(cause=Cause.BURST, action=Action.INSPECTED, water_restored=False)
NOTHING = Finding(cause=Cause.NOTHING_FOUND, action=Action.INSPECTED, water_restored=True)


@dataclass
class Play:
    """A day in the town. The clock stands still unless `wait` moves it."""

    session: Session
    town: Town
    start: datetime
    times: int = 1
    """How often each event is handled; 2 plays every crash right after the handling."""
    number: int = 0
    now: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.set_clock(self.start)

    # --- time ------------------------------------------------------------------------------------

    def set_clock(self, now: datetime) -> None:
        """Stop the clock; as many real seconds as a test takes do not count."""
        self.now = now
        use(Clock(real_now(), now, 1e-9))

    def wait(self, **span: float) -> None:
        """Let time pass, and fire the deadlines that came due, in order."""
        until = self.now + timedelta(**span)
        while True:
            due = self.session.scalar(
                select(Deadline)
                .where(Deadline.due_at <= until, Deadline.fired_at.is_(None), Deadline.cancelled_at.is_(None))
                .order_by(Deadline.due_at)
                .limit(1)
            )
            if due is None:
                break
            self.set_clock(max(self.now, due.due_at))
            due.fired_at = utc_now()
            self.session.flush()
            event = DeadlineReached(due.id, DeadlineKind(due.kind), due.subject_id, due.due_at)
            for _ in range(self.times):
                self._handle(event)
            self.relay()
        self.set_clock(until)

    def relay(self) -> None:
        """Handle what was emitted, as dispatch's handlers do, until nothing is left."""
        while row := self.session.scalar(
            select(OutboxEvent).where(OutboxEvent.handled_at.is_(None)).order_by(OutboxEvent.id).limit(1)
        ):
            row.handled_at = real_now()
            for _ in range(self.times):
                self._handle(read_event(row))
        self.session.flush()

    def _handle(self, event: Event) -> None:
        for handler in SUBSCRIPTIONS.get(type(event), ()):
            if handler.__module__.startswith("dispatch."):
                handler(self.session, event)
                self.session.flush()

    def emitted(self, kind: type[E]) -> list[E]:
        """List the events of a kind that were emitted so far."""
        rows = self.session.scalars(
            select(OutboxEvent).where(OutboxEvent.name == kind.__name__).order_by(OutboxEvent.id)
        )
        return [read_event(row) for row in rows]  # type: ignore[misc]  # read_event gives the class of the name

    # --- the public ------------------------------------------------------------------------------

    def call(
        self,
        pipe: str,
        category: str = "no_water",
        *,
        account: str | None = None,
        caller: str | None = None,
        at: LonLat | None = None,
        minutes_ago: float = 0.0,
        confidence: float = 0.99,
        **more: Any,
    ) -> ReportLocated:
        """Somebody served from a pipe (or standing at a place on it) reports; handled at once."""
        event = self.located(
            pipe,
            category,
            account=account,
            caller=caller,
            at=at,
            minutes_ago=minutes_ago,
            confidence=confidence,
            **more,
        )
        for _ in range(self.times):
            self._handle(event)
        self.relay()
        return event

    def located(
        self,
        pipe: str,
        category: str = "no_water",
        *,
        account: str | None = None,
        caller: str | None = None,
        at: LonLat | None = None,
        minutes_ago: float = 0.0,
        confidence: float = 0.99,
        extent: str = "unknown",
        repeat_of: UUID | None = None,
    ) -> ReportLocated:
        """Make the event of a located report."""
        self.number += 1
        place = at or self.town.on_pipe(pipe, 20.0 + 7 * (self.number % 9), left_m=12.0)
        is_east = int(pipe[1]) >= 4
        return ReportLocated(
            report_id=new_id(),
            report_number=self.number,
            category=category,
            lon=place.lon,
            lat=place.lat,
            pipe_id=self.town.pipes[pipe],
            segment_id=self.town.segments[pipe],
            zone_id=self.town.zones["East" if is_east else "West"],
            confidence=confidence,
            customer_account_id=self.town.accounts[account] if account else None,
            caller_key=caller or f"caller-{self.number}",
            street="Mill Street",
            extent=extent,
            noticed_at=self.now - timedelta(minutes=minutes_ago),
            received_at=self.now,
            repeat_of=repeat_of,
        )

    # --- the crews -------------------------------------------------------------------------------

    def crew(
        self,
        code: str,
        at: LonLat | None,
        *,
        skills: tuple[Skill, ...] = (Skill.INSPECT, Skill.REPAIR),
        on_shift: bool = True,
        age_s: float = 5.0,
    ) -> Crew:
        """Put a crew somewhere."""
        crew = Crew(code=code, name=code.title(), skills=[str(skill) for skill in skills])
        self.session.add(crew)
        self.session.flush()
        if on_shift:
            self.session.add(
                Shift(
                    crew_id=crew.id,
                    starts_at=self.now - timedelta(hours=1),
                    ends_at=self.now + timedelta(hours=12),
                )
            )
        self.session.flush()
        if at is not None:
            self.stand(crew, at, age_s=age_s)
        return crew

    def stand(self, crew: Crew, at: LonLat, *, age_s: float = 5.0) -> None:
        """A crew's phone says where it is."""
        recorded_at = self.now - timedelta(seconds=age_s)
        self.session.merge(
            LatestPosition(
                crew_id=crew.id,
                recorded_at=recorded_at,
                received_at=recorded_at,
                stored_at=real_now(),
                geom=at.as_stored(),
            )
        )
        self.session.flush()

    def offer(self, crew: Crew) -> Assignment | None:
        """Read the open offer of a crew."""
        return self.session.scalar(
            select(Assignment).where(
                Assignment.crew_id == crew.id, Assignment.state == AssignmentState.OFFERED
            )
        )

    def answer(self, crew: Crew, answer: Callable[..., Assignment], **more: Any) -> Assignment:
        """Answer a crew's open offer."""
        offer = self.offer(crew)
        assert offer is not None, f"{crew.code} was asked nothing"
        made = answer(self.session, offer.id, crew_id=crew.id, **more)
        self.relay()
        return made

    def go(self, crew: Crew) -> Assignment:
        """Accept, drive and arrive."""
        job = self.answer(crew, assignment.accept)
        assignment.start_travel(self.session, job.id, crew_id=crew.id)
        assignment.arrive(self.session, job.id, crew_id=crew.id)
        self.relay()
        return job

    def work(self, crew: Crew, finding: Finding) -> WorkOrder:
        """Do a job from the offer to the finding."""
        job = self.go(crew)
        order = work_orders.complete(self.session, job.id, crew_id=crew.id, finding=finding)
        self.relay()
        return order

    # --- what became of it -----------------------------------------------------------------------

    def incidents(self) -> list[Incident]:
        """List all incidents by number."""
        return list(
            self.session.scalars(
                select(Incident).order_by(Incident.number).execution_options(populate_existing=True)
            )
        )

    def incident(self) -> Incident:
        """Read the only incident."""
        (only,) = self.incidents()
        return only

    def reports(self, incident: Incident) -> list[IncidentReport]:
        """List an incident's reports."""
        return list(queries.reports_of(self.session, incident.id))

    def orders(self, incident: Incident | None = None) -> list[WorkOrder]:
        """List work orders by number."""
        query = select(WorkOrder).order_by(WorkOrder.number).execution_options(populate_existing=True)
        if incident is not None:
            query = query.where(WorkOrder.incident_id == incident.id)
        return list(self.session.scalars(query))

    @property
    def settings(self) -> Any:
        return get_settings()
