"""Ringing customers to learn where it is broken: whom one may ring, what they said, and writing it down."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from core.auth import Actor
from core.clock import utc_now
from core.events import RingBackNoted
from core.models import User
from core.outbox import emit
from dispatch.errors import NoSuchCustomer, WaterComesBack
from dispatch.models import OPEN_STATES, Answer, Incident, IncidentReport, IncidentState, RingBack
from gis.models import Address, CustomerAccount, Pipe, ServiceConnection

log = structlog.get_logger()

ASKED_STATES = frozenset(OPEN_STATES) - {IncidentState.RESTORING}
"""States in which a tap tells where it is broken."""


@dataclass(frozen=True, slots=True)
class Customer:
    """One who may be rung; name, number and address are personal data."""

    account_id: UUID
    account_no: str
    name: str
    phone: str | None
    address: str | None
    pipe_id: UUID


_CUSTOMERS: Final = (
    select(
        CustomerAccount.id,
        CustomerAccount.account_no,
        CustomerAccount.name,
        CustomerAccount.phone,
        Address.text,
        ServiceConnection.pipe_id,
    )
    .join(ServiceConnection, ServiceConnection.id == CustomerAccount.service_connection_id)
    .outerjoin(Address, Address.id == CustomerAccount.address_id)
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One who was rung, by whom and when, and what he said."""

    id: UUID
    customer_account_id: UUID
    pipe_id: UUID
    answer: Answer
    at: datetime
    by: str | None


def asked_of(session: Session, incident: Incident) -> list[Asked]:
    """List whom one rang for an incident and those merged into it, in order of time; since it was reopened, if it was."""
    merged = select(Incident.id).where(Incident.id == incident.id).cte(recursive=True)
    younger = aliased(Incident)
    merged = merged.union_all(select(younger.id).join(merged, younger.merged_into_id == merged.c.id))
    query = (
        select(
            RingBack.id,
            RingBack.customer_account_id,
            RingBack.pipe_id,
            RingBack.answer,
            RingBack.at,
            User.display_name,
        )
        .outerjoin(User, User.id == RingBack.by_user_id)
        .where(RingBack.incident_id.in_(select(merged.c.id)))
        .order_by(RingBack.at, RingBack.id)
    )
    if incident.reopened_at is not None:
        query = query.where(RingBack.at >= incident.reopened_at)
    return [Asked(*row[:3], Answer(row[3]), *row[4:]) for row in session.execute(query)]


def answers_of(asked: Sequence[Asked]) -> list[tuple[UUID, Answer]]:
    """Keep each customer's latest answer, with the main he is served from."""
    latest = {
        one.customer_account_id: one
        for one in asked
        if one.answer not in (Answer.NOBODY_ANSWERED, Answer.WRONG_NUMBER)
    }
    return [(one.pipe_id, one.answer) for one in latest.values()]


def customers_of(session: Session, actor: Actor, asked: Sequence[Asked]) -> dict[UUID, Customer]:
    """Tell who was rung, by account: those who live in the person's area."""
    ids = {one.customer_account_id for one in asked}
    query = _CUSTOMERS.where(CustomerAccount.id.in_(ids), actor.area_filter(Address.geom))
    found = [Customer(*row) for row in session.execute(query)]
    return {one.account_id: one for one in found}


def may_be_rung(
    session: Session, actor: Actor, incident: Incident, pipe_ids: Collection[UUID], asked: Sequence[Asked]
) -> list[Customer]:
    """List one customer of each of some mains whom one may ring.

    He has a number that was not found wrong, lives in the person's area, has not called about this and was not rung for it: nobody is
    asked what he has told.
    """
    wrong = select(RingBack.customer_account_id).where(RingBack.answer == Answer.WRONG_NUMBER)
    called = select(IncidentReport.customer_account_id).where(
        IncidentReport.incident_id == incident.id, IncidentReport.customer_account_id.is_not(None)
    )
    rows = session.execute(
        _CUSTOMERS.where(
            ServiceConnection.pipe_id == func.any(list(pipe_ids)),
            CustomerAccount.phone.is_not(None),
            CustomerAccount.id.not_in(wrong),
            CustomerAccount.id.not_in(called),
            CustomerAccount.id.not_in([one.customer_account_id for one in asked]),
            actor.area_filter(Address.geom),
        )
        .ext(distinct_on(ServiceConnection.pipe_id))
        .order_by(ServiceConnection.pipe_id, CustomerAccount.account_no)
    )
    return [Customer(*row) for row in rows]


def note(
    session: Session, actor: Actor, incident: Incident, *, customer_account_id: UUID, answer: Answer
) -> RingBack:
    """Write down what ringing a customer brought; the incident itself stays as it is.

    Raises
    ------
    NoSuchCustomer
        There is none, or he is not the person's to see.
    WaterComesBack
        The incident is past the time when a tap tells anything.
    """
    if incident.state not in ASKED_STATES:
        raise WaterComesBack
    pipe_id = session.scalar(
        select(Pipe.id)
        .join(ServiceConnection, ServiceConnection.pipe_id == Pipe.id)
        .join(CustomerAccount, CustomerAccount.service_connection_id == ServiceConnection.id)
        .outerjoin(Address, Address.id == CustomerAccount.address_id)
        .where(CustomerAccount.id == customer_account_id, actor.area_filter(Address.geom))
    )
    if pipe_id is None:
        raise NoSuchCustomer
    row = RingBack(
        incident_id=incident.id,
        customer_account_id=customer_account_id,
        pipe_id=pipe_id,
        answer=answer,
        at=utc_now(),
        by_user_id=actor.user_id,
    )
    session.add(row)
    incident.changed_at = row.at
    session.flush()
    emit(session, RingBackNoted(row.id, incident.id, answer=answer.value))
    log.info("dispatch.ring_back_noted", incident_id=str(incident.id), answer=answer.value)
    return row
