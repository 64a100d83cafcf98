"""Where it is broken, and whom to ring to know better, over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, status
from sqlalchemy.orm import Session

from core import audit
from core.auth import Actor
from core.http.deps import AppSettings, DbSession, requires
from core.http.problems import RESPONSES
from core.settings import Settings
from dispatch import incidents, queries
from dispatch.localisation import ring_backs
from dispatch.localisation.picture import picture_of, to_ring
from dispatch.localisation.schemas import LikelyPlaceOut, RingBackIn, RingBacksOut
from dispatch.models import Incident

router = APIRouter(prefix="/api/incidents/{incident_id}", tags=["dispatch"], responses=RESPONSES)

Reader = Annotated[Actor, requires("incidents.read")]
Ringer = Annotated[Actor, requires("ring_backs.make")]


@router.get("/whereabouts")
def tell_likely_place(
    incident_id: UUID, session: DbSession, settings: AppSettings, actor: Reader
) -> LikelyPlaceOut:
    """Tell where an incident's main may be broken, from calls, silence, sightings and answers: a picture, which changes nothing."""
    incident = queries.incident_for(session, actor, incident_id)
    return LikelyPlaceOut.of(picture_of(session, actor, incident, settings=settings), language=actor.language)


@router.get("/ring-backs")
def list_ring_backs(
    incident_id: UUID, session: DbSession, settings: AppSettings, actor: Ringer
) -> RingBacksOut:
    """List the customers whose answer to "do you have water?" teaches most about the place, and who was rung already."""
    return _ring_backs(session, settings, actor, queries.incident_for(session, actor, incident_id))


@router.post("/ring-backs", status_code=status.HTTP_201_CREATED)
def note_ring_back(
    incident_id: UUID, body: RingBackIn, session: DbSession, settings: AppSettings, actor: Ringer
) -> RingBacksOut:
    """Write down what ringing a customer brought; gives whom to ring next."""
    queries.incident_for(session, actor, incident_id)
    incident = incidents.get(session, incident_id, lock=True)
    ring_backs.note(
        session, actor, incident, customer_account_id=body.customer_account_id, answer=body.answer
    )
    audit.record(session, actor, action="ring_back.note", subject_id=incident.id, digest=body.answer.value)
    return _ring_backs(session, settings, actor, incident)


def _ring_backs(session: Session, settings: Settings, actor: Actor, incident: Incident) -> RingBacksOut:
    wanted = to_ring(session, actor, incident, settings=settings)
    asked = ring_backs.asked_of(session, incident)
    return RingBacksOut.of(wanted, asked, ring_backs.customers_of(session, actor, asked), actor)
