"""What tracker does when something happened."""

from sqlalchemy.orm import Session

from core.events import DeadlineKind, DeadlineReached
from core.settings import get_settings
from tracker.presence import look_for_silence


def watch_silence(session: Session, event: DeadlineReached) -> None:
    """A phone watched may have been silent for too long."""
    if event.kind == DeadlineKind.PRESENCE_STALE:
        look_for_silence(session, event.subject_id, settings=get_settings())
