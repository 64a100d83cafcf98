"""What the hotline's tests tell again and again: somebody reports, an incident goes its way, somebody is called back."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import Clock, real_now, use
from core.events import IncidentClosed, IncidentReopened, ReportAttached
from core.models import OutboxEvent
from core.settings import Settings
from gis.coordinates import LonLat
from hotline import handlers
from hotline.intake import NewReport, Whereabouts, take_report
from hotline.models import Callback, CallbackState, Case, Category, Channel, Report

E = TypeVar("E")


def report(
    *,
    phone: str | None = None,
    account_no: str | None = None,
    address_id: UUID | None = None,
    address_text: str | None = None,
    point: LonLat | None = None,
    accuracy_m: float | None = None,
    category: Category = Category.NO_WATER,
    **more: Any,
) -> NewReport:
    return NewReport(
        channel=Channel.PHONE,
        category=category,
        caller_phone=phone,
        whereabouts=Whereabouts(
            account_no=account_no,
            address_id=address_id,
            address_text=address_text,
            point=point,
            accuracy_m=accuracy_m,
        ),
        **more,
    )


def take(session: Session, settings: Settings, **told: Any) -> Report:
    return take_report(session, settings, report(**told)).report


def case_of(session: Session, one: Report) -> Case:
    assert one.case_id is not None
    return session.get_one(Case, one.case_id, populate_existing=True)


def twice(handler: Callable[[Session, E], None], session: Session, event: E) -> None:
    """Handle an event, and handle it again, as after a crash."""
    handler(session, event)
    session.flush()
    handler(session, event)
    session.flush()


def attach(session: Session, reports: Sequence[Report], *, incident_id: UUID | None = None) -> UUID:
    """Let reports join an incident."""
    incident_id = incident_id or uuid4()
    for one in reports:
        twice(handlers.link_report, session, ReportAttached(one.id, incident_id, 1042, decision="joined"))
    return incident_id


def close(
    session: Session,
    incident_id: UUID,
    reports: Sequence[Report],
    *,
    closure_no: int = 1,
    cause: str = "burst",
) -> list[Callback]:
    """Close an incident; tells the callbacks of this closing that are due."""
    ids = tuple(one.id for one in reports)
    twice(handlers.tell_callers, session, IncidentClosed(incident_id, closure_no, ids, cause))
    return callbacks_of(session, incident_id, closure_no=closure_no, state=CallbackState.DUE)


def reopen(session: Session, incident_id: UUID, one: Report, *, closure_no: int = 1) -> None:
    """Let an incident live again after its closing of this number."""
    twice(handlers.stop_callbacks, session, IncidentReopened(incident_id, one.id, closure_no))


def callbacks_of(
    session: Session,
    matter_id: UUID,
    *,
    closure_no: int | None = None,
    state: CallbackState | None = None,
) -> list[Callback]:
    query = select(Callback).where(Callback.matter_id == matter_id).order_by(Callback.id)
    if closure_no is not None:
        query = query.where(Callback.closure_no == closure_no)
    if state is not None:
        query = query.where(Callback.state == state)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def emitted(session: Session, name: str) -> list[dict[str, Any]]:
    """The payloads of the events of a name, in order."""
    session.flush()
    return list(
        session.scalars(select(OutboxEvent.payload).where(OutboxEvent.name == name).order_by(OutboxEvent.id))
    )


def move_clock(by: timedelta) -> datetime:
    """Let the trade's time be so much later than it is."""
    now = real_now()
    use(Clock(real_epoch=now, trade_epoch=now + by))
    return now + by
