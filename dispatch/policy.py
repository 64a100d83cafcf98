"""What dispatch does without being told: which work an incident needs, and what follows from a finding."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from dispatch.models import Action, Cause, IncidentKind, WorkOrderKind

NOT_OUR_MAIN: Final = frozenset({Cause.PRIVATE_PLUMBING, Cause.NOTHING_FOUND})
"""Nothing of ours is broken; a caller who still has no water says so when called back."""
NEEDS_REPAIR: Final = frozenset({Cause.BURST, Cause.LEAK})


class Next(StrEnum):
    """What becomes of an incident after a finding."""

    CLOSE = "close"
    REPAIR = "repair"
    WAIT = "wait"


def wanted_work(kind: IncidentKind, *, has_open_work: bool) -> WorkOrderKind | None:
    """Tell which work to order for an open incident: somebody has a look, except at matters that are no trouble with water."""
    if has_open_work or kind is IncidentKind.OTHER:
        return None
    return WorkOrderKind.INSPECT


def after_finding(cause: Cause, action: Action, *, water_restored: bool, has_other_work: bool) -> Next:
    """Decide how an incident goes on after its field work.

    A main that was found broken and not repaired is repaired even while water flows; otherwise it is over once water is back, or when nothing
    of ours is wrong.
    """
    if has_other_work:
        return Next.WAIT
    if cause in NOT_OUR_MAIN:
        return Next.CLOSE
    if not water_restored or (cause in NEEDS_REPAIR and action is not Action.REPAIRED):
        return Next.REPAIR
    return Next.CLOSE


def estimate_to_tell(
    estimate_at: datetime | None, *, review_at: datetime | None, now: datetime
) -> datetime | None:
    """Tell when water is expected; nothing once that time, or the time to look at it again, has passed."""
    if estimate_at is None or estimate_at <= now or (review_at is not None and review_at <= now):
        return None
    return estimate_at
