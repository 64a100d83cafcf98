"""From the first report to the last closing, by dispatch's handlers; every event handled once, and handled twice."""

from datetime import timedelta

import pytest

from core.events import (
    AssignmentOffered,
    CallbackMade,
    IncidentClosed,
    IncidentReopened,
    OutageDeclared,
    OutageEnded,
    ReportAttached,
)
from core.db import new_id
from dispatch import assignment
from dispatch.models import (
    AssignmentState,
    Cause,
    IncidentKind,
    IncidentLevel,
    IncidentState,
    WorkOrderKind,
    WorkOrderState,
)
from tests.dispatch.play import FOUND, NOTHING, REPAIRED, Play

ONCE_AND_TWICE = pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])


@ONCE_AND_TWICE
def test_a_burst_goes_from_the_first_call_to_the_closing(play: Play, times: int) -> None:
    play.times = times
    crew = play.crew("one", play.town.junction(1, 2))
    for pipe in ("H02", "H12", "H22", "H03"):
        play.call(pipe)
        play.wait(seconds=30)
    play.call("H12", "leak", at=play.town.on_pipe("H12", 50.0))
    incident = play.incident()
    assert (incident.kind, incident.level) == (IncidentKind.BURST, IncidentLevel.CLUSTER)
    assert incident.report_count == 5
    assert play.town.segments["H02"] in incident.segment_ids
    assert incident.customers_without_water > 0
    play.work(crew, FOUND)
    assert incident.state == IncidentState.CONFIRMED
    inspect, repair = play.orders()
    assert (inspect.state, repair.kind) == (WorkOrderState.DONE, WorkOrderKind.REPAIR)
    job = play.go(crew)
    assert incident.state == IncidentState.REPAIRING
    from dispatch import work_orders

    work_orders.complete(play.session, job.id, crew_id=crew.id, finding=REPAIRED)
    play.relay()
    assert incident.state == IncidentState.CLOSED
    assert incident.cause == Cause.BURST
    (closed,) = play.emitted(IncidentClosed)
    assert len(closed.report_ids) == 5
    assert closed.closure_no == 1
    assert len(play.emitted(OutageEnded)) == 1
    assert len(play.emitted(ReportAttached)) == 5
    assert len(play.emitted(AssignmentOffered)) == 2
