"""Crews, shifts and log-ins of a demo: made in the workspace's database before it starts."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from scipy.spatial import cKDTree
from sqlalchemy.orm import Session

from app.demo.fleet import CrewCredentials
from app.demo.town import Floats, Ints, Town
from core import auth
from core.clock import utc_now
from dispatch import crews, shifts
from dispatch.models import Skill
from gis.coordinates import LonLat

PEOPLE = {
    "agent": "agent",
    "dispatcher": "dispatcher",
    "supervisor": "supervisor",
    "leader": "leader",
    "director": "director",
    "admin": "administrator",
}
"""Log-in name -> role."""
REPAIR_EVERY_TEN = frozenset({0, 1, 3, 4, 6, 7, 9})
"""Seven crews of ten can mend as well as look."""
SHIFT_BEFORE, SHIFT_AFTER = timedelta(hours=1), timedelta(hours=24)
LONGEST_SHOW_H = 24.0 * 90
"""For a run without an end, hours of the trade's time."""
PASSWORD_BYTES = 9
_LLOYD_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Cast:
    """Who may log in, and the crews with what their phones were set up with."""

    passwords: dict[str, str]
    crews: tuple[CrewCredentials, ...]


def hire(session: Session, town: Town, *, count: int, hours: float | None) -> Cast:
    """Make the demo's people and crews; the workspace's clock must be set before.

    Parameters
    ----------
    hours
        How long the run takes in the trade's time; shifts cover it and some more.
    """
    auth.seed_roles(session)
    passwords = {name: _password() for name in PEOPLE}
    for name, role in PEOPLE.items():
        auth.add_user(session, username=name, password=passwords[name], role=role)
    on_shift = SHIFT_AFTER + timedelta(hours=hours or LONGEST_SHOW_H)
    made = [
        _hire_crew(session, number, depot, on_shift)
        for number, depot in enumerate(depots(town, count), start=1)
    ]
    return Cast(passwords, tuple(made))


def _hire_crew(session: Session, number: int, depot: LonLat, on_shift: timedelta) -> CrewCredentials:
    code = f"crew-{number:02d}"
    can_repair = (number - 1) % 10 in REPAIR_EVERY_TEN
    skills = [Skill.INSPECT, Skill.REPAIR] if can_repair else [Skill.INSPECT]
    crew = crews.create(session, code=code, name=f"Crew {number}", skills=skills, depot=depot)
    now = utc_now()
    shifts.create(session, crew_id=crew.id, starts_at=now - SHIFT_BEFORE, ends_at=now + on_shift)
    password = _password()
    auth.add_user(
        session, username=code, password=password, role="crew", display_name=crew.name, crew_id=crew.id
    )
    device = crews.register_device(session, crew.id)
    return CrewCredentials(
        code=code,
        username=code,
        password=password,
        mqtt_username=device.mqtt_username,
        mqtt_password=device.mqtt_password,
        depot=depot,
        can_repair=can_repair,
    )


def depots(town: Town, count: int) -> list[LonLat]:
    """Spread depots over the city: each at the customer nearest to the middle of its share of them (Lloyd 1982)."""
    east, north = town.plane.to_plane(town.home_lon, town.home_lat)
    homes = np.column_stack([east, north])
    # Starting in even steps along the customers keeps it the same every time.
    middles = homes[np.linspace(0, len(homes) - 1, count).astype(np.int64)]
    sample = homes[:: max(1, len(homes) // 20_000)]
    for _ in range(_LLOYD_ROUNDS):
        nearest = _nearest(sample, middles)
        middles = np.array(
            [sample[nearest == k].mean(axis=0) if (nearest == k).any() else middles[k] for k in range(count)]
        )
    return [_home(town, number) for number in _nearest(middles, homes).tolist()]


def _nearest(points: Floats, others: Floats) -> Ints:
    """Name, for each point, the nearest of the others."""
    return np.asarray(cKDTree(others).query(points)[1], dtype=np.int64)


def _home(town: Town, number: int) -> LonLat:
    return LonLat(lon=float(town.home_lon[number]), lat=float(town.home_lat[number]))


def _password() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)
