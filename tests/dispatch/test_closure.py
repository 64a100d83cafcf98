"""What follows from a finding."""

import pytest

from dispatch.models import Action, Cause, IncidentKind, WorkOrderKind
from dispatch.policy import Next, after_finding, wanted_work


@pytest.mark.parametrize(
    ("cause", "action", "restored", "following"),
    [
        (Cause.BURST, Action.REPAIRED, True, Next.CLOSE),
        (Cause.BURST, Action.INSPECTED, False, Next.REPAIR),
        (Cause.BURST, Action.ISOLATED, False, Next.REPAIR),
        (Cause.BURST, Action.REPAIRED, False, Next.REPAIR),
        (Cause.LEAK, Action.INSPECTED, True, Next.REPAIR),
        (Cause.CLOSED_VALVE, Action.VALVE_OPENED, True, Next.CLOSE),
        (Cause.CLOSED_VALVE, Action.NONE, False, Next.REPAIR),
        (Cause.DIRTY_MAIN, Action.FLUSHED, True, Next.CLOSE),
        (Cause.PRIVATE_PLUMBING, Action.INSPECTED, False, Next.CLOSE),
        (Cause.NOTHING_FOUND, Action.INSPECTED, True, Next.CLOSE),
    ],
)
def test_it_is_over_when_water_is_back_and_nothing_is_left_broken(
    cause: Cause, action: Action, restored: bool, following: Next
) -> None:
    assert after_finding(cause, action, water_restored=restored, has_other_work=False) is following
    assert after_finding(cause, action, water_restored=restored, has_other_work=True) is Next.WAIT


def test_somebody_looks_at_everything_but_matters_that_are_no_trouble_with_water() -> None:
    for kind in IncidentKind:
        wanted = wanted_work(kind, has_open_work=False)
        assert wanted is (None if kind is IncidentKind.OTHER else WorkOrderKind.INSPECT)
        assert wanted_work(kind, has_open_work=True) is None
