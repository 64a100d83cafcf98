"""Incidents about which somebody must be told, and people to be told."""

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import auth
from core.auth import Actor
from core.events import AreaOutageSuspected, Event
from core.outbox import emit
from core.settings import get_settings
from dispatch.escalation.models import Escalation
from dispatch.models import Incident
from tests.dispatch.play import Play
from tests.town import Town

BEFORE_THE_FESTIVAL = datetime.fromisoformat("2026-02-13T10:00:00+08:00")
"""Friday; Saturday 14 is a make-up working day, the holiday runs from 15 to 23 February."""
YEAR_S = 31_536_000

SomebodyOf = Callable[..., Actor]


@pytest.fixture
def festival(session: Session, town: Town, by_hand_only: None, monkeypatch: pytest.MonkeyPatch) -> Play:
    """The town on the Friday before Spring Festival, nobody sent, no estimate looked at again every hour for weeks."""
    for span in ("ESTIMATE_REVIEW_S", "REPAIR_USUAL_S"):
        monkeypatch.setenv(f"MAINLINE_{span}", str(YEAR_S))
    get_settings.cache_clear()
    return Play(session, town, start=BEFORE_THE_FESTIVAL)


@pytest.fixture
def somebody(session: Session) -> SomebodyOf:
    """Make a person of a role, as the system knows him when he asks for something."""

    def somebody(role: str, name: str | None = None) -> Actor:
        user = auth.add_user(
            session, username=name or f"{role}-{uuid4().hex[:6]}", password="not used here", role=role
        )
        return Actor(
            user_id=user.id,
            username=user.username,
            display_name=user.display_name,
            role=role,
            operations=frozenset(),
            fields=frozenset(),
            area_wkt=None,
            desk_ids=frozenset(),
            crew_id=None,
            session_id=uuid4(),
            language="en",
            client_address=None,
        )

    return somebody


def happens(play: Play, event: Event) -> None:
    """Tell an event and let it be handled."""
    emit(play.session, event)
    play.session.flush()
    play.relay()


def grows(play: Play, incident: Incident, level: str = "cluster") -> None:
    """An incident reaches a level."""
    happens(play, AreaOutageSuspected(incident.id, level=level))


def escalations(play: Play) -> list[Escalation]:
    """List all escalations in the order they were raised."""
    return list(
        play.session.scalars(
            select(Escalation).order_by(Escalation.id).execution_options(populate_existing=True)
        )
    )


def local(at: datetime | None) -> str:
    """Write a time as clocks in Shanghai show it."""
    assert at is not None
    return at.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%m-%d %H:%M")
