"""The hotline's own copy of what is dry; no estimate past its review is told."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.events import OutageDeclared, OutageEnded
from core.settings import Settings
from hotline import handlers, words
from hotline.known_outages import estimate_to_tell
from hotline.models import KnownOutage
from hotline.queries import outages_of_segments
from tests.hotline.stories import twice


def declare(
    session: Session,
    *,
    incident_id: UUID | None = None,
    segments: tuple[int, ...] = (7, 8),
    estimate_in: timedelta | None = timedelta(hours=2),
    review_in: timedelta | None = timedelta(hours=1),
    ago: timedelta = timedelta(0),
) -> KnownOutage:
    incident_id, now = incident_id or uuid4(), utc_now()
    event = OutageDeclared(
        incident_id=incident_id,
        incident_number=1042,
        cause="burst",
        segment_ids=segments,
        customers=212,
        estimate_at=now + estimate_in if estimate_in is not None else None,
        review_at=now + review_in if review_in is not None else None,
        declared_at=now - ago,
    )
    twice(handlers.learn_outage, session, event)
    return session.get_one(KnownOutage, incident_id, populate_existing=True)


def test_an_outage_is_known_by_each_of_its_segments_until_it_ends(session: Session) -> None:
    outage = declare(session)
    assert list(outages_of_segments(session, [8])) == [outage]
    assert list(outages_of_segments(session, [9])) == []
    assert list(outages_of_segments(session, [])) == []
    twice(handlers.forget_outage, session, OutageEnded(outage.incident_id, utc_now()))
    assert list(outages_of_segments(session, [8])) == []


def test_what_is_declared_again_replaces_extent_and_estimate_but_not_its_beginning(session: Session) -> None:
    outage = declare(session)
    began = outage.declared_at
    again = declare(session, incident_id=outage.incident_id, segments=(9,), estimate_in=timedelta(hours=5))
    assert again.segment_ids == [9]
    assert again.declared_at == began
    assert session.scalar(select(func.count()).select_from(KnownOutage)) == 1


@pytest.mark.parametrize(
    ("estimate_in", "review_in", "is_told"),
    [
        (timedelta(hours=2), timedelta(hours=1), True),
        (timedelta(hours=2), None, True),
        (timedelta(hours=2), timedelta(seconds=-1), False),
        (timedelta(seconds=-1), timedelta(hours=1), False),
        (None, None, False),
    ],
)
def test_an_estimate_past_its_time_or_its_review_is_never_told(
    session: Session,
    settings: Settings,
    estimate_in: timedelta | None,
    review_in: timedelta | None,
    is_told: bool,
) -> None:
    outage = declare(session, estimate_in=estimate_in, review_in=review_in)
    estimate_at = estimate_to_tell(outage, now=utc_now())
    assert (estimate_at is not None) == is_told
    for language in ("zh", "en"):
        said = words.outage_words(outage, estimate_at=estimate_at, settings=settings, language=language)
        assert any(digit in said for digit in "0123456789") == is_told


def test_an_outage_that_ended_before_it_was_told_is_not_dry(session: Session) -> None:
    incident = uuid4()
    twice(handlers.forget_outage, session, OutageEnded(incident, utc_now()))
    declare(session, incident_id=incident, ago=timedelta(minutes=1))
    assert list(outages_of_segments(session, [8])) == []
    again = declare(session, incident_id=incident)
    assert list(outages_of_segments(session, [8])) == [again]
    assert again.incident_number == 1042


def test_older_news_of_an_outage_does_not_replace_newer(session: Session) -> None:
    outage = declare(session, segments=(9,))
    declare(session, incident_id=outage.incident_id, segments=(7, 8), ago=timedelta(minutes=1))
    assert outage.segment_ids == [9]
    twice(handlers.forget_outage, session, OutageEnded(outage.incident_id, utc_now() - timedelta(minutes=1)))
    assert list(outages_of_segments(session, [9])) == [outage]
