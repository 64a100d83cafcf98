"""Hotline and dispatch together: a merge is undone, and each incident's callers hear of their own."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.subscriptions import SUBSCRIPTIONS
from core.models import OutboxEvent
from core.outbox import read_event
from core.settings import Settings, get_settings
from dispatch import incidents, merging
from dispatch.changes import By
from dispatch.models import Cause, Incident
from hotline.models import CallbackState, CaseState, Category
from tests.hotline.stories import callbacks_of, case_of, take

BY = By(why="dispatch.why.by_hand")


def relay(session: Session) -> None:
    """Handle every event in order, as the worker does, until there is no more."""
    while True:
        session.flush()
        rows = session.scalars(
            select(OutboxEvent).where(OutboxEvent.handled_at.is_(None)).order_by(OutboxEvent.id)
        ).all()
        if not rows:
            return
        for row in rows:
            row.handled_at = row.emitted_at
            event = read_event(row)
            for handler in SUBSCRIPTIONS.get(type(event), ()):
                handler(session, event)


def test_after_a_merge_is_undone_each_incident_closes_for_its_own_callers(
    session: Session, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAINLINE_AUTO_DISPATCH", "false")
    get_settings.cache_clear()
    first = take(session, settings, account_no="100001", phone="+12025559001")
    relay(session)
    second = take(session, settings, account_no="100111", category=Category.WATER_QUALITY)
    relay(session)
    older, younger = session.scalars(select(Incident).order_by(Incident.number)).all()
    assert (first.incident_id, second.incident_id) == (older.id, younger.id)

    merging.merge(session, older, younger, settings=settings, by=BY)
    relay(session)
    assert second.incident_id == older.id
    merging.unmerge(session, younger, settings=settings, by=BY)
    relay(session)
    assert (second.incident_id, second.incident_number) == (younger.id, younger.number)

    incidents.close(session, younger, cause=Cause.NOTHING_FOUND, by=BY)
    relay(session)
    assert [c.report_id for c in callbacks_of(session, younger.id, state=CallbackState.DUE)] == [second.id]
    assert callbacks_of(session, older.id) == []
    assert case_of(session, second).state == CaseState.ANSWERED
    assert case_of(session, first).state == CaseState.IN_HAND
