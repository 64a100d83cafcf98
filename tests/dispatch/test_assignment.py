"""Offers and answers, one crew at a time; and races in real transactions."""

import contextlib
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.db import SessionFactory
from core.errors import Conflict
from core.events import AssignmentChanged, AssignmentOffered, DeadlineKind
from core.models import Deadline
from core.settings import get_settings
from dispatch import assignment, closure, incidents, merging, queries, shifts, work_orders
from dispatch.changes import By
from dispatch.errors import (
    CrewIsBusy,
    NoSuchAssignment,
    NoSuchCrew,
    OfferGone,
    StepRefused,
    WorkOrderTaken,
    WorkStillOpen,
)
from dispatch.models import (
    LIVE,
    Assignment,
    AssignmentState,
    Crew,
    Shift,
    Skill,
    WorkOrder,
    WorkOrderState,
)
from tests.dispatch.play import FOUND, NOTHING, Play
from tests.town import Town

DISPATCHER = By(user_id=UUID(int=7), why="knows the street")


@pytest.fixture
def two_crews(play: Play) -> tuple[Crew, Crew]:
    return play.crew("near", play.town.junction(2, 2)), play.crew("far", play.town.junction(6, 0))


def test_the_nearest_crew_is_asked_and_told_until_when(play: Play, two_crews: tuple[Crew, Crew]) -> None:
    near, far = two_crews
    play.call("H12")
    offer = play.offer(near)
    assert offer is not None
    assert play.offer(far) is None
    assert offer.expires_at == play.now + timedelta(seconds=get_settings().offer_timeout_s)
    assert offer.travel_time_s is not None
    assert offer.straight_line_choice_travel_s == offer.travel_time_s
    (told,) = play.emitted(AssignmentOffered)
    assert (told.crew_code, told.assignment_id) == ("near", offer.id)


def test_a_refusal_leads_to_the_next_best(play: Play, two_crews: tuple[Crew, Crew]) -> None:
    near, far = two_crews
    play.call("H12")
    declined = play.answer(near, assignment.decline, reason="flat tyre")
    assert (declined.state, declined.decline_reason) == (AssignmentState.DECLINED, "flat tyre")
    assert play.offer(near) is None
    assert play.offer(far) is not None


def test_silence_leads_to_the_next_best(play: Play, two_crews: tuple[Crew, Crew]) -> None:
    near, far = two_crews
    play.call("H12")
    silent = play.offer(near)
    assert silent is not None
    play.wait(seconds=get_settings().offer_timeout_s + 1)
    assert silent.state == AssignmentState.EXPIRED
    assert play.offer(far) is not None


def test_a_crew_that_became_free_does_not_hold_all_the_waiting_work(play: Play, by_hand_only: None) -> None:
    crew = play.crew("one", play.town.junction(2, 2))
    play.call("H12")
    for _ in range(assignment.WAITING_TRIES_MAX + 3):
        order = work_orders.create(
            play.session, play.incident(), work_orders.WorkOrderKind.INSPECT, settings=play.settings
        )
        refused = _plain(order, crew, AssignmentState.DECLINED)
        refused.ended_at = play.now
        play.session.add(refused)
    play.session.flush()
    assert assignment.assign_waiting(play.session, crew.id, settings=play.settings) is None
    tried = play.session.scalars(select(Deadline.id).where(Deadline.kind == DeadlineKind.RETRY_ASSIGNMENT))
    assert len(tried.all()) == assignment.WAITING_TRIES_MAX


def test_an_offer_ends_at_its_time_by_a_clock_that_is_behind(
    play: Play, two_crews: tuple[Crew, Crew]
) -> None:
    play.call("H12")
    silent = play.offer(two_crews[0])
    assert silent is not None
    play.set_clock(silent.expires_at - timedelta(seconds=1))
    assert assignment.expire(play.session, silent.id, at=utc_now()) is None
    assert assignment.expire(play.session, silent.id, at=silent.expires_at) is silent
    assert silent.state == AssignmentState.EXPIRED


def test_a_shift_ends_at_its_time_by_a_clock_that_is_behind(play: Play) -> None:
    crew = play.crew("one", play.town.junction(2, 2))
    (shift,) = queries.shifts_at(play.session, play.now).values()
    play.set_clock(shift.ends_at - timedelta(seconds=1))
    assert shifts.end(play.session, shift.id, at=shift.ends_at) is shift
    play.session.add(
        Shift(crew_id=crew.id, starts_at=shift.ends_at, ends_at=shift.ends_at + timedelta(hours=8))
    )
    play.session.flush()
    assert shifts.end(play.session, shift.id, at=shift.ends_at) is None


def test_with_nobody_left_it_is_tried_again_until_somebody_can(play: Play) -> None:
    play.call("H12")
    (order,) = play.orders()
    assert order.state == WorkOrderState.PROPOSED
    play.wait(minutes=5)
    late = play.crew("late", play.town.junction(2, 2))
    play.wait(seconds=get_settings().assignment_retry_s)
    assert play.offer(late) is not None
    retries = play.session.scalars(
        select(Deadline).where(
            Deadline.kind == DeadlineKind.RETRY_ASSIGNMENT,
            Deadline.fired_at.is_(None),
            Deadline.cancelled_at.is_(None),
        )
    ).all()
    assert retries == []


def test_one_who_declined_is_asked_again_after_a_while(play: Play) -> None:
    only = play.crew("only", play.town.junction(2, 2))
    play.call("H12")
    play.answer(only, assignment.decline, reason="lunch")
    play.wait(minutes=10)
    assert play.offer(only) is None
    play.wait(minutes=18)
    play.stand(only, play.town.junction(2, 2))
    assert len(play.emitted(AssignmentOffered)) == 1
    play.wait(minutes=5)
    assert len(play.emitted(AssignmentOffered)) == 2


def test_accepting_binds_the_crew_and_schedules_the_work(play: Play, two_crews: tuple[Crew, Crew]) -> None:
    near, _ = two_crews
    play.call("H12")
    job = play.answer(near, assignment.accept)
    (order,) = play.orders()
    assert (job.state, order.state) == (AssignmentState.ACCEPTED, WorkOrderState.SCHEDULED)
    assert assignment.accept(play.session, job.id, crew_id=near.id) is job, "said twice, done once"
    assignment.start_travel(play.session, job.id, crew_id=near.id)
    assert (job.state, order.state, job.en_route_at) == ("en_route", "under_way", play.now)
    assignment.arrive(play.session, job.id, crew_id=near.id)
    assert (job.state, job.on_site_at) == (AssignmentState.ON_SITE, play.now)
    play.relay()
    told = [event.to_state for event in play.emitted(AssignmentChanged)]
    assert told == ["accepted", "en_route", "on_site"]


def test_a_job_is_only_its_own_crews(play: Play, two_crews: tuple[Crew, Crew]) -> None:
    near, far = two_crews
    play.call("H12")
    offer = play.offer(near)
    assert offer is not None
    for step in (assignment.accept, assignment.start_travel, assignment.arrive):
        with pytest.raises(NoSuchAssignment):
            step(play.session, offer.id, crew_id=far.id)


def test_steps_out_of_turn_are_refused(play: Play, two_crews: tuple[Crew, Crew]) -> None:
    near, _ = two_crews
    play.call("H12")
    offer = play.offer(near)
    assert offer is not None
    with pytest.raises(StepRefused):
        assignment.start_travel(play.session, offer.id, crew_id=near.id)
    with pytest.raises(StepRefused):
        work_orders.complete(play.session, offer.id, crew_id=near.id, finding=FOUND)
    play.answer(near, assignment.decline, reason="no")
    for late in (assignment.accept, assignment.start_travel):
        with pytest.raises(Conflict):
            late(play.session, offer.id, crew_id=near.id)


def test_an_expired_or_withdrawn_offer_cannot_be_taken(play: Play, two_crews: tuple[Crew, Crew]) -> None:
    near, _ = two_crews
    play.call("H12")
    offer = play.offer(near)
    assert offer is not None
    play.wait(minutes=4)
    with pytest.raises(OfferGone):
        assignment.accept(play.session, offer.id, crew_id=near.id)


def test_a_freed_crew_gets_the_most_urgent_waiting_work(play: Play) -> None:
    crew = play.crew("only", play.town.junction(2, 2))
    play.call("H50", "leak")
    job = play.go(crew)
    play.call("H12", "water_quality")
    play.wait(hours=11)
    play.stand(crew, play.town.junction(5, 0))
    for k in range(4):
        play.call("H05", minutes_ago=k)
    waiting = [order for order in play.orders() if order.state == WorkOrderState.PROPOSED]
    assert len(waiting) == 2
    work_orders.complete(play.session, job.id, crew_id=crew.id, finding=NOTHING)
    play.relay()
    offer = play.offer(crew)
    assert offer is not None
    assert offer.work_order_id == min(waiting, key=lambda order: order.priority).id


def test_by_hand_a_dispatcher_chooses_whom_the_list_would_not(
    play: Play, two_crews: tuple[Crew, Crew]
) -> None:
    near, far = two_crews
    play.call("H12")
    (order,) = play.orders()
    first = play.offer(near)
    made = assignment.offer_by_hand(play.session, order.id, far.id, by=DISPATCHER, settings=play.settings)
    play.relay()
    assert first is not None
    assert (first.state, made.is_by_hand) == (AssignmentState.WITHDRAWN, True)
    assert made.travel_time_s is not None
    assert made.straight_line_choice_travel_s is not None
    assert made.straight_line_choice_travel_s < made.travel_time_s
    again = assignment.offer_by_hand(play.session, order.id, far.id, by=DISPATCHER, settings=play.settings)
    assert again is made
    play.answer(far, assignment.accept)
    with pytest.raises(WorkOrderTaken):
        assignment.offer_by_hand(play.session, order.id, near.id, by=DISPATCHER, settings=play.settings)
    with pytest.raises(NoSuchCrew):
        assignment.offer_by_hand(play.session, order.id, UUID(int=1), by=DISPATCHER, settings=play.settings)


def test_by_hand_a_crew_may_be_given_a_second_job(play: Play) -> None:
    crew = play.crew("only", play.town.junction(2, 2))
    play.call("H12")
    play.go(crew)
    play.call("H50")
    (_, waiting) = play.orders()
    assignment.offer_by_hand(play.session, waiting.id, crew.id, by=DISPATCHER, settings=play.settings)
    second = play.answer(crew, assignment.accept)
    assert second.state == AssignmentState.ACCEPTED


def test_given_up_work_calls_its_crew_off(play: Play, two_crews: tuple[Crew, Crew]) -> None:
    near, _ = two_crews
    play.call("H12")
    job = play.answer(near, assignment.accept)
    (order,) = play.orders()
    work_orders.cancel(play.session, order, by=DISPATCHER)
    play.relay()
    assert (job.state, order.state) == (AssignmentState.RELEASED, WorkOrderState.CANCELLED)
    with pytest.raises(StepRefused):
        work_orders.cancel(play.session, order, by=DISPATCHER)


def test_released_work_waits_for_another_crew(play: Play, two_crews: tuple[Crew, Crew]) -> None:
    near, far = two_crews
    play.call("H12")
    job = play.answer(near, assignment.accept)
    (order,) = play.orders()
    assignment.release_order(play.session, order.id, by=DISPATCHER)
    play.relay()
    assert (job.state, order.state) == (AssignmentState.RELEASED, WorkOrderState.PROPOSED)
    assert play.offer(far) is not None
    assert play.offer(near) is None


def test_paused_work_goes_on_and_ends(play: Play, two_crews: tuple[Crew, Crew]) -> None:
    near, _ = two_crews
    play.call("H12")
    job = play.go(near)
    (order,) = play.orders()
    work_orders.suspend(play.session, order, by=DISPATCHER)
    with pytest.raises(StepRefused):
        work_orders.suspend(play.session, order, by=DISPATCHER)
    work_orders.resume(play.session, order, by=DISPATCHER)
    work_orders.suspend(play.session, order, by=DISPATCHER)
    work_orders.complete(play.session, job.id, crew_id=near.id, finding=NOTHING)
    assert order.state == WorkOrderState.DONE


def test_who_only_looks_is_not_sent_to_mend(play: Play) -> None:
    looker = play.crew("looker", play.town.junction(2, 2), skills=(Skill.INSPECT,))
    mender = play.crew("mender", play.town.junction(6, 0))
    play.call("H12")
    play.work(looker, FOUND)
    assert play.offer(looker) is None
    assert play.offer(mender) is not None


def test_a_missed_arrival_makes_the_work_more_urgent_and_asks_again(play: Play) -> None:
    play.call("H12")
    (order,) = play.orders()
    before = order.priority
    late = play.crew("late", play.town.junction(2, 2), age_s=-3000)
    play.session.query(Deadline).filter(Deadline.kind == DeadlineKind.RETRY_ASSIGNMENT).update(
        {"cancelled_at": play.now}
    )
    play.wait(seconds=get_settings().arrival_promise_s + 1)
    assert order.priority == before - 1
    assert play.offer(late) is not None


# --- what the database itself forbids ------------------------------------------------------------------------------------------


def test_the_database_forbids_two_live_assignments_of_one_work_order(
    play: Play, two_crews: tuple[Crew, Crew]
) -> None:
    _, far = two_crews
    play.call("H12")
    (order,) = play.orders()
    play.session.add(_plain(order, far, AssignmentState.OFFERED))
    with pytest.raises(IntegrityError, match="uq_assignment_work_order_live"):
        play.session.flush()


@pytest.mark.parametrize(
    ("state", "index"),
    [
        (AssignmentState.OFFERED, "uq_assignment_crew_offered"),
        (AssignmentState.ACCEPTED, "uq_assignment_crew_committed"),
    ],
)
def test_the_database_forbids_two_jobs_of_one_crew(play: Play, state: AssignmentState, index: str) -> None:
    crew = play.crew("only", play.town.junction(2, 2), on_shift=False)
    for pipe in ("H00", "H50"):
        play.call(pipe)
    for order in play.orders():
        play.session.add(_plain(order, crew, state))
    with pytest.raises(IntegrityError, match=index):
        play.session.flush()


def _plain(order: WorkOrder, crew: Crew, state: AssignmentState) -> Assignment:
    now = utc_now()
    return Assignment(work_order_id=order.id, crew_id=crew.id, state=state, offered_at=now, expires_at=now)


# --- races, in real transactions --------------------------------------------------------------------------------------------


@pytest.fixture
def scene(factory: SessionFactory, town: Town, by_hand_only: None) -> tuple[list[UUID], UUID]:
    """Two pieces of work nobody was asked for, one crew; everything committed."""
    with factory() as session, session.begin():
        play = Play(session, town, start=datetime.fromisoformat("2026-03-02T08:00:00+00:00"))
        crew = play.crew("only", town.junction(2, 2))
        for pipe in ("H00", "H50"):
            play.call(pipe)
        for incident in play.incidents():
            work_orders.create(session, incident, work_orders.WorkOrderKind.INSPECT, settings=play.settings)
        return [order.id for order in play.orders()], crew.id


def race(*runs: Callable[[Session], object], factory: SessionFactory) -> list[object]:
    """Run pieces of work side by side, each in a transaction of its own that ends only when all have run."""
    results: list[object] = [None] * len(runs)
    ran = threading.Barrier(len(runs))

    def one(place: int, run: Callable[[Session], object]) -> None:
        with factory() as session:
            try:
                with session.begin():
                    results[place] = run(session)
                    with contextlib.suppress(threading.BrokenBarrierError):
                        ran.wait(timeout=1.0)
            except Conflict as refusal:
                results[place] = refusal

    threads = [threading.Thread(target=one, args=(k, run)) for k, run in enumerate(runs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_workers_never_offer_two_jobs_to_one_crew(
    factory: SessionFactory, scene: tuple[list[UUID], UUID]
) -> None:
    orders, crew_id = scene
    settings = get_settings()
    made = race(
        *(
            lambda session, order=order: assignment.assign(session, order, settings=settings)
            for order in orders
        ),
        factory=factory,
    )
    assert sum(one is not None for one in made) == 1
    with factory() as session:
        live = session.scalars(select(Assignment).where(Assignment.state.in_(LIVE))).all()
        assert [one.crew_id for one in live] == [crew_id]


def test_two_workers_never_offer_one_job_twice(
    factory: SessionFactory, scene: tuple[list[UUID], UUID], town: Town
) -> None:
    orders, _ = scene
    settings = get_settings()
    with factory() as session, session.begin():
        Play(session, town, start=utc_now()).crew("second", town.junction(1, 1))

    def assign(session: Session) -> object:
        return assignment.assign(session, orders[0], settings=settings)

    made = race(assign, assign, factory=factory)
    assert sum(one is not None for one in made) == 1
    with factory() as session:
        assert len(session.scalars(select(Assignment)).all()) == 1


def test_of_two_jobs_accepted_at_once_only_one_binds_the_crew(
    factory: SessionFactory, scene: tuple[list[UUID], UUID]
) -> None:
    orders, crew_id = scene
    with factory() as session, session.begin():
        crew = session.get_one(Crew, crew_id)
        first, second = (
            _plain(session.get_one(WorkOrder, one), crew, AssignmentState.OFFERED) for one in orders
        )
        first.expires_at = second.expires_at = utc_now() + timedelta(minutes=3)
        session.add(first)
        session.flush()
        second.is_by_hand = False
        second.state = AssignmentState.ACCEPTED
        session.add(second)
        session.flush()
    with factory() as session, session.begin(), pytest.raises(CrewIsBusy):
        assignment.accept(session, first.id, crew_id=crew_id)
    with factory() as session:
        assert session.get_one(Assignment, first.id).state == AssignmentState.OFFERED


def test_an_answer_and_the_end_of_its_time_exclude_each_other(
    factory: SessionFactory, scene: tuple[list[UUID], UUID], town: Town
) -> None:
    orders, crew_id = scene
    settings = get_settings()
    with factory() as session, session.begin():
        offer = assignment.assign(session, orders[0], settings=settings)
        assert offer is not None
        Play(session, town, start=offer.expires_at + timedelta(seconds=1))
    results = race(
        lambda session: assignment.accept(session, offer.id, crew_id=crew_id).state,
        lambda session: assignment.expire(session, offer.id, at=offer.expires_at),
        factory=factory,
    )
    with factory() as session:
        state = session.get_one(Assignment, offer.id).state
    if state == AssignmentState.ACCEPTED:
        assert results[1] is None
    else:
        assert isinstance(results[0], OfferGone)


def test_a_crew_that_accepts_while_a_dispatcher_asks_it_for_other_work_keeps_its_job(
    factory: SessionFactory, scene: tuple[list[UUID], UUID]
) -> None:
    orders, crew_id = scene
    settings = get_settings()
    with factory() as session, session.begin():
        offer = assignment.assign(session, orders[0], settings=settings)
        assert offer is not None
    accepted = threading.Event()

    def accept(session: Session) -> object:
        state = assignment.accept(session, offer.id, crew_id=crew_id).state
        accepted.set()
        return state

    def ask(session: Session) -> object:
        accepted.wait(timeout=5.0)
        return assignment.offer_by_hand(session, orders[1], crew_id, by=DISPATCHER, settings=settings)

    results = race(accept, ask, factory=factory)
    assert results[0] == AssignmentState.ACCEPTED
    assert isinstance(results[1], CrewIsBusy)
    with factory() as session:
        assert session.get_one(Assignment, offer.id).state == AssignmentState.ACCEPTED
        assert session.get_one(WorkOrder, orders[0]).state == WorkOrderState.SCHEDULED


@pytest.mark.parametrize("deed", ["dismiss", "bridge"])
def test_work_accepted_while_others_decide_is_not_taken_off_its_crew(
    factory: SessionFactory, scene: tuple[list[UUID], UUID], deed: str
) -> None:
    orders, crew_id = scene
    settings = get_settings()
    with factory() as session, session.begin():
        offer = assignment.assign(session, orders[1], settings=settings)
        assert offer is not None
        older, younger = (session.get_one(WorkOrder, one).incident_id for one in orders)
    accepted = threading.Event()

    def accept(session: Session) -> object:
        state = assignment.accept(session, offer.id, crew_id=crew_id).state
        accepted.set()
        return state

    def decide(session: Session) -> object:
        pair = [incidents.get(session, one, lock=True) for one in (older, younger)]
        session.get_one(
            WorkOrder, orders[1]
        )  # read before the crew answers, as a page or a reassessment does
        accepted.wait(timeout=5.0)
        if deed == "dismiss":
            return closure.call_off_work(session, pair[1], by=DISPATCHER)
        return merging.merge(session, *pair, settings=settings, by=By(why="dispatch.why.bridged")).id

    results = race(accept, decide, factory=factory)
    assert results[0] == AssignmentState.ACCEPTED
    with factory() as session:
        order = session.get_one(WorkOrder, orders[1])
        assert (order.state, order.ended_at) == (WorkOrderState.SCHEDULED, None)
        assert session.get_one(Assignment, offer.id).state == AssignmentState.ACCEPTED
        if deed == "dismiss":
            assert isinstance(results[1], WorkStillOpen)
        else:
            assert (results[1], order.incident_id) == (older, older)


def test_work_finished_while_it_is_cancelled_stays_finished(
    factory: SessionFactory, scene: tuple[list[UUID], UUID]
) -> None:
    orders, crew_id = scene
    settings = get_settings()
    with factory() as session, session.begin():
        offer = assignment.assign(session, orders[0], settings=settings)
        assert offer is not None
        assignment.accept(session, offer.id, crew_id=crew_id)
        assignment.arrive(session, offer.id, crew_id=crew_id)
    finished = threading.Event()

    def complete(session: Session) -> object:
        order = work_orders.complete(session, offer.id, crew_id=crew_id, finding=NOTHING)
        finished.set()
        return order.state

    def cancel(session: Session) -> object:
        order = session.get_one(WorkOrder, orders[0])
        finished.wait(timeout=5.0)
        return work_orders.cancel(session, order, by=DISPATCHER)

    results = race(complete, cancel, factory=factory)
    assert results[0] == WorkOrderState.DONE
    assert isinstance(results[1], StepRefused)
    with factory() as session:
        assert session.get_one(WorkOrder, orders[0]).state == WorkOrderState.DONE


def test_two_acceptances_of_one_offer_bind_once(
    factory: SessionFactory, scene: tuple[list[UUID], UUID]
) -> None:
    orders, crew_id = scene
    settings = get_settings()
    with factory() as session, session.begin():
        offer = assignment.assign(session, orders[0], settings=settings)
        assert offer is not None

    def accept(session: Session) -> object:
        return assignment.accept(session, offer.id, crew_id=crew_id).state

    assert race(accept, accept, factory=factory) == ["accepted", "accepted"]
    with factory() as session:
        changes = session.scalars(select(work_orders.queries.Change.to_state)).all()
        assert changes.count("accepted") == 1
