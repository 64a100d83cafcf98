"""Crews and their phones."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dispatch.errors import CrewCodeTaken, NoSuchCrew
from dispatch.models import Crew, Skill
from gis.coordinates import LonLat
from tracker.devices import register_device as register_with_broker
from tracker.devices import revoke_device as revoke_at_broker


@dataclass(frozen=True, slots=True)
class DeviceCredentials:
    """How a crew's phone speaks to the broker; the password is shown this once."""

    mqtt_username: str
    mqtt_password: str


def create(
    session: Session, *, code: str, name: str, skills: Collection[Skill], depot: LonLat | None = None
) -> Crew:
    """Add a crew.

    Parameters
    ----------
    code
        Also its phone's name at the broker, and part of its topic.

    Raises
    ------
    CrewCodeTaken
        Another crew has it.
    """
    crew = Crew(
        code=code,
        name=name,
        skills=sorted(skill.value for skill in skills),
        depot=depot.as_stored() if depot else None,
    )
    try:
        with session.begin_nested():
            session.add(crew)
    except IntegrityError as error:
        raise CrewCodeTaken from error
    return crew


def get(session: Session, crew_id: UUID) -> Crew:
    """Read a crew.

    Raises
    ------
    NoSuchCrew
        There is none of that id.
    """
    crew = session.get(Crew, crew_id)
    if crew is None:
        raise NoSuchCrew
    return crew


def register_device(session: Session, crew_id: UUID) -> DeviceCredentials:
    """Give a crew's phone its credentials; doing it again replaces the password.

    Raises
    ------
    NoSuchCrew
        There is none of that id.
    """
    crew = get(session, crew_id)
    password = register_with_broker(session, crew_id=crew.id, mqtt_username=crew.code)
    return DeviceCredentials(mqtt_username=crew.code, mqtt_password=password)


def revoke_device(session: Session, crew_id: UUID) -> None:
    """Shut a crew's phone out; doing it again changes nothing.

    Raises
    ------
    NoSuchCrew
        There is none of that id.
    NoSuchDevice
        It has no phone.
    """
    revoke_at_broker(session, mqtt_username=get(session, crew_id).code)
