"""The cure of an asset that fails again and again: its states, and the named steps that lead through them.

One case an asset, for good: a fault after the measure was done opens it again under its number, with all that was said before.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.auth import effective_operations
from core.clock import utc_now
from core.deadlines import cancel_deadline, set_deadline
from core.events import AssetFaultsRepeated, DeadlineKind
from core.models import User
from core.outbox import emit
from core.rights import Operation
from core.settings import Settings
from dispatch import incidents
from dispatch.changes import SYSTEM, By
from dispatch.errors import (
    DueInThePast,
    NoSuchRectification,
    NotAnOwner,
    StepRefused,
    VerifiedByItsDoer,
)
from dispatch.models import AssetKind, Fault, Rectification, RectificationChange, RectificationState
from dispatch.rectification.faults import (
    Asset,
    CountingRule,
    assets_of,
    fault_of,
    faults_on,
    mains_beside,
    rules_of,
    too_many,
)

log = structlog.get_logger()

COUNTING_LOCK: Final = 7_301_010
"""Key of the advisory lock under which one transaction at a time counts faults: two that did not see each other's would both count one too
few."""

_S = RectificationState
STEPS: Final[Mapping[RectificationState, Collection[RectificationState]]] = {
    _S.OPEN: {_S.ANALYSED, _S.CLOSED},
    _S.ANALYSED: {_S.ANALYSED, _S.PLANNED},
    _S.PLANNED: {_S.ANALYSED, _S.PLANNED, _S.DONE},
    _S.DONE: {_S.PLANNED, _S.VERIFIED, _S.OPEN},
    _S.VERIFIED: {_S.OBSERVING, _S.OPEN},
    _S.OBSERVING: {_S.CLOSED, _S.OPEN},
    _S.CLOSED: {_S.OPEN},
}
"""From open straight to closed leads only the count, when it was wrong."""


class Verdict(StrEnum):
    """What a new count means for an asset's case."""

    NOTHING = "nothing"
    OPEN = "open"
    REOPEN = "reopen"
    WITHDRAW = "withdraw"


def verdict(
    case: Rectification | None, *, latest_fault_at: datetime | None, is_too_many: bool, window: timedelta
) -> Verdict:
    """Decide what becomes of an asset's case once its faults are counted.

    Parameters
    ----------
    case
        The one it has, whatever its state.
    latest_fault_at
        When its latest fault began.
    is_too_many
        Whether its faults are too many within their window.
    window
        So long after the closing a single fault shows that the measure did not last; later, faults are counted from the beginning.
    """
    if case is None:
        return Verdict.OPEN if is_too_many else Verdict.NOTHING
    match RectificationState(case.state):
        case RectificationState.OPEN:
            is_mistaken = not is_too_many and not case.failed_measures
            return Verdict.WITHDRAW if is_mistaken else Verdict.NOTHING
        case RectificationState.ANALYSED | RectificationState.PLANNED:
            return Verdict.NOTHING
        case _ if case.done_at is None:
            return Verdict.REOPEN if is_too_many else Verdict.NOTHING
        case _ if latest_fault_at is None or latest_fault_at <= case.done_at:
            return Verdict.NOTHING
        case _ if case.closed_at is None or latest_fault_at <= case.closed_at + window:
            return Verdict.REOPEN
        case _:
            return Verdict.REOPEN if is_too_many else Verdict.NOTHING


# --- counting --------------------------------------------------------------------------------------------------------------


def recount(session: Session, incident_id: UUID, *, settings: Settings) -> None:
    """Count an incident among the faults of its assets, or no more, and let their cases follow; done again, nothing changes."""
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": COUNTING_LOCK})
    incident = incidents.get(session, incident_id)
    session.refresh(incident)  # as it is now that nobody else counts
    before, now = session.get(Fault, incident.id), fault_of(session, incident)
    if _facts(before) == _facts(now):
        return
    affected = dict.fromkeys(assets_of(before) if before else ())
    if before is not None:
        session.delete(before)
        session.flush()
    grown = assets_of(now) if now else []
    if now is not None:
        session.add(now)
        session.flush()
    rules = rules_of(settings)
    for asset in affected | dict.fromkeys(grown):
        _review(session, asset, rules[asset.kind], has_grown=asset in grown)


def _facts(fault: Fault | None) -> tuple[object, ...] | None:
    if fault is None:
        return None
    return fault.cause, fault.at, fault.pipe_id, fault.valve_id, fault.zone_id


def _review(session: Session, asset: Asset, rule: CountingRule, *, has_grown: bool) -> None:
    faults = faults_on(session, asset)
    count = too_many(asset.kind, faults, rule)
    case = case_of(session, asset)
    match verdict(
        case,
        latest_fault_at=faults[-1].at if faults else None,
        is_too_many=count > 0,
        window=rule.window,
    ):
        case Verdict.OPEN:
            case = _open(session, asset)
        case Verdict.REOPEN if case is not None:
            _reopen(session, case, by=By(why="dispatch.why.fault_again"))
        case Verdict.WITHDRAW if case is not None:
            _move(session, case, _S.CLOSED, by=By(why="dispatch.why.fewer_faults"))
            case.closed_at = utc_now()
        case _:
            pass
    if case is not None and has_grown and count:
        emit(
            session,
            AssetFaultsRepeated(
                asset.kind.value, asset_id=str(case.asset_id), faults=count, window_days=rule.window.days
            ),
        )
    session.flush()


def case_of(session: Session, asset: Asset) -> Rectification | None:
    """Read and lock the case of an asset; of a segment, the oldest that is named by one of its mains."""
    ids = mains_beside(asset.id) if asset.kind is AssetKind.SEGMENT else [asset.id]
    return session.scalar(
        select(Rectification)
        .where(Rectification.asset_kind == asset.kind, Rectification.asset_id.in_(ids))
        .order_by(Rectification.number)
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _open(session: Session, asset: Asset) -> Rectification:
    now = utc_now()
    case = Rectification(asset_kind=asset.kind, asset_id=asset.id, opened_at=now, changed_at=now)
    session.add(case)
    session.flush()  # its number comes from the database
    _record(session, case, None, by=By(why="dispatch.why.faults_repeated"))
    log.info("dispatch.rectification_opened", rectification_id=str(case.id), asset_id=str(asset.id))
    return case


# --- steps -----------------------------------------------------------------------------------------------------------------


def get(session: Session, case_id: UUID) -> Rectification:
    """Read and lock a case.

    Raises
    ------
    NoSuchRectification
        There is none of that id.
    """
    case = session.get(Rectification, case_id, with_for_update=True, populate_existing=True)
    if case is None:
        raise NoSuchRectification
    return case


def analyse(session: Session, case: Rectification, *, root_cause: str, by: By) -> None:
    """Say why the asset fails.

    Raises
    ------
    StepRefused
        A measure is done already.
    """
    _move(session, case, _S.ANALYSED, by=by, root_cause=root_cause)
    case.root_cause = root_cause


def plan(
    session: Session, case: Rectification, *, measure: str, owner_id: UUID, due_at: datetime, by: By
) -> None:
    """Say what will be done about it, who is responsible, and until when; said again, it is changed.

    Raises
    ------
    StepRefused
        It was not analysed, or a measure is done already.
    NotAnOwner
        The person may not work on such cases.
    DueInThePast
        That time is over.
    """
    if owner_id not in possible_owners(session):
        raise NotAnOwner
    if due_at <= utc_now():
        raise DueInThePast
    if case.state == _S.DONE:
        msg = f"R-{case.number} is done; send it back, or verify it."
        raise StepRefused(msg)
    _move(
        session,
        case,
        _S.PLANNED,
        by=by,
        measure=measure,
        owner_id=str(owner_id),
        due_at=due_at.isoformat(),
    )
    case.measure, case.owner_id, case.due_at = measure, owner_id, due_at
    set_deadline(session, kind=DeadlineKind.RECTIFICATION_DUE, subject_id=case.id, due_at=due_at)


def finish(session: Session, case: Rectification, *, by: By) -> None:
    """Say that the measure is done.

    Raises
    ------
    StepRefused
        None is planned.
    """
    _move(session, case, _S.DONE, by=by)
    case.done_at, case.done_by = utc_now(), by.user_id
    cancel_deadline(session, kind=DeadlineKind.RECTIFICATION_DUE, subject_id=case.id)


def send_back(session: Session, case: Rectification, *, by: By) -> None:
    """Say that the measure is not done as it should be; it is due as before.

    Raises
    ------
    StepRefused
        It was not said to be done, or is verified.
    """
    if case.state != _S.DONE:
        msg = f"R-{case.number} is {case.state}; only what is done can be sent back."
        raise StepRefused(msg)
    _move(session, case, _S.PLANNED, by=by)
    case.done_at = case.done_by = None
    if case.due_at is not None and case.due_at > utc_now():
        set_deadline(session, kind=DeadlineKind.RECTIFICATION_DUE, subject_id=case.id, due_at=case.due_at)


def verify(session: Session, case: Rectification, *, by: By) -> None:
    """Say that the measure is done as it should be; whoever did it, or is responsible for it, cannot.

    Raises
    ------
    StepRefused
        It was not said to be done.
    VerifiedByItsDoer
        As its name says.
    """
    if case.state == _S.DONE and by.user_id in (case.done_by, case.owner_id):
        raise VerifiedByItsDoer
    _move(session, case, _S.VERIFIED, by=by)
    case.verified_by = by.user_id


def observe(session: Session, case: Rectification, *, days: int, by: By) -> None:
    """Begin to watch the asset for some days; without a fault, the case is closed then.

    Raises
    ------
    StepRefused
        The measure is not verified.
    """
    ends_at = utc_now() + timedelta(days=days)
    _move(session, case, _S.OBSERVING, by=by, observation_ends_at=ends_at.isoformat())
    case.observation_ends_at = ends_at
    set_deadline(session, kind=DeadlineKind.OBSERVATION_ENDS, subject_id=case.id, due_at=ends_at)


def reopen(session: Session, case: Rectification, *, by: By) -> None:
    """Say that the measure did not help, before another fault says so.

    Raises
    ------
    StepRefused
        No measure is done.
    """
    if case.done_at is None:
        msg = f"No measure is done for R-{case.number} yet."
        raise StepRefused(msg)
    _reopen(session, case, by=by)


def end_observation(session: Session, case_id: UUID) -> None:
    """Close a case whose asset held; one that was opened again meanwhile goes on."""
    case = get(session, case_id)
    if case.state != _S.OBSERVING:
        return
    _move(session, case, _S.CLOSED, by=By(why="dispatch.why.held"))
    case.closed_at = utc_now()


def note_overdue(session: Session, case_id: UUID) -> None:
    """Write down that a measure was not done in time."""
    case = get(session, case_id)
    if case.state == _S.PLANNED:
        _record(session, case, case.state, by=By(why="dispatch.why.measure_late"))
        log.info("dispatch.rectification_late", rectification_id=str(case.id))


def possible_owners(session: Session) -> dict[UUID, str]:
    """Map the people who may work on such cases to their names."""
    people = session.scalars(select(User).where(User.disabled_at.is_(None)).order_by(User.display_name))
    return {
        one.id: one.display_name
        for one in people
        if Operation.RECTIFICATIONS_WORK
        in effective_operations(one.role.operations, one.role.group.functions)
    }


def _reopen(session: Session, case: Rectification, *, by: By) -> None:
    has_failed = case.done_at is not None
    _move(session, case, _S.OPEN, by=by)
    case.failed_measures += has_failed
    case.due_at = case.done_at = case.done_by = case.verified_by = None
    case.observation_ends_at = case.closed_at = None
    for kind in (DeadlineKind.RECTIFICATION_DUE, DeadlineKind.OBSERVATION_ENDS):
        cancel_deadline(session, kind=kind, subject_id=case.id)


def _move(session: Session, case: Rectification, to: RectificationState, *, by: By, **said: str) -> None:
    before = RectificationState(case.state)
    if to not in STEPS[before]:
        msg = f"R-{case.number} is {before} and cannot become {to}; look at it again, somebody may have been quicker."
        raise StepRefused(msg)
    case.state, case.changed_at = to, utc_now()
    _record(session, case, before, by=by, said=said)
    log.info(
        "dispatch.rectification_moved",
        rectification_id=str(case.id),
        from_state=before.value,
        to_state=to.value,
    )


def _record(
    session: Session,
    case: Rectification,
    before: str | None,
    *,
    by: By = SYSTEM,
    said: Mapping[str, Any] | None = None,  # Any: JSON
) -> None:
    session.add(
        RectificationChange(
            rectification_id=case.id,
            from_state=before,
            to_state=case.state,
            at=utc_now(),
            by_user_id=by.user_id,
            why=by.why[:200],
            said=dict(said or {}),
        )
    )
    session.flush()
