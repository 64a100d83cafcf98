"""Taking reports: stored, located, in a case, once."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from core.clock import utc_now
from core.db import SessionFactory
from core.models import OutboxEvent
from core.settings import Settings
from gis.coordinates import LonLat
from gis.errors import AccountNotFound, NothingToLocate, OutsideServiceArea
from hotline.errors import NoticedInTheFuture, ReportAlreadyLocated
from hotline.intake import Taken, Whereabouts, locate_report, take_report
from hotline.models import Case, CaseChange, CaseState, Category, Report, ReportState
from hotline.queries import report_by_client_id
from tests.conftest import make_settings
from tests.hotline.stories import attach, case_of, close, emitted, report, take
from tests.town import Town

PHONE = "+12025559999"  # nobody's in the town


def test_a_report_is_located_by_the_account_and_told_to_all(
    session: Session, settings: Settings, town: Town
) -> None:
    number = town.account_at["3 Market Street"]
    one = take(session, settings, account_no=number, phone=PHONE)
    assert one.state == ReportState.LOCATED
    assert one.pipe_id == town.pipes["H02"]
    assert one.segment_id == town.segments["H02"]
    assert one.customer_account_id == town.accounts[number]
    assert emitted(session, "ReportTaken") == [{"report_id": str(one.id)}]
    [located] = emitted(session, "ReportLocated")
    assert located["report_id"] == str(one.id)
    assert located["pipe_id"] == str(town.pipes["H02"])
    assert located["street"] == "Market Street"
    assert located["report_number"] == one.number
    assert PHONE not in str(located)
    assert number not in str(located)


def test_a_caller_is_located_by_his_number_when_he_gives_nothing_else(
    session: Session, settings: Settings, town: Town
) -> None:
    number = town.account_at["7 Church Street"]
    one = take(session, settings, phone=town.phones[number])
    assert (one.state, one.pipe_id) == (ReportState.LOCATED, town.pipes["H11"])
    assert one.location is not None
    assert one.location["method"] == "phone"


def test_what_cannot_be_located_is_stored_with_what_was_tried(session: Session, settings: Settings) -> None:
    one = take(session, settings, phone=PHONE, account_no="none such", address_text="Nowhere Lane 5")
    assert one.state == ReportState.UNLOCATED
    assert one.location is None
    assert one.location_tried == {
        "ways": ["account_no", "address_text", "phone"],
        "problem": "account-not-found",
    }
    assert case_of(session, one).state == CaseState.OPEN
    assert emitted(session, "ReportUnlocated") == [{"report_id": str(one.id)}]
    assert emitted(session, "ReportLocated") == []


def test_a_report_with_no_word_about_the_place_is_unlocated_not_refused(
    session: Session, settings: Settings
) -> None:
    one = take(session, settings)
    assert (one.state, one.location_tried) == (
        ReportState.UNLOCATED,
        {"ways": [], "problem": "nothing-to-locate"},
    )


def test_an_unsure_place_is_kept_as_a_guess_for_an_agent(
    session: Session, database_url: URL, town: Town
) -> None:
    doubting = make_settings(database_url, locate_confidence_min=0.9)
    one = take(session, doubting, address_text="Market Street")
    assert one.state == ReportState.UNLOCATED
    assert one.location_tried["problem"] == "not-sure"
    assert one.location_tried["guess"]["street"] == "Market Street"


def test_an_unreadable_number_does_not_stop_a_report(session: Session, settings: Settings) -> None:
    one = take(session, settings, phone="ext 80-12", account_no="100001")
    assert (one.caller_phone, one.state) == ("8012", ReportState.LOCATED)


def test_a_pin_says_where_a_leak_is_though_the_callers_account_is_elsewhere(
    session: Session, settings: Settings, town: Town
) -> None:
    pin = town.on_pipe("H52", 50.0, left_m=2.0)
    far = town.account_at["1 Mill Street"]
    leak = take(session, settings, account_no=far, point=pin, category=Category.LEAK)
    dry = take(session, settings, account_no=far, point=pin, category=Category.NO_WATER)
    assert leak.pipe_id == town.pipes["H52"]
    assert dry.pipe_id == town.pipes["H00"]


def test_a_place_chosen_from_those_offered_is_kept(session: Session, settings: Settings, town: Town) -> None:
    """An address by itself, anything else by its point; a street of some length is no point to send a crew to."""
    text, phone = "9 Market Street", town.phones[town.account_at["1 Mill Street"]]
    one = take(
        session, settings, phone=phone, address_text=text, address_id=town.addresses["5 Market Street"]
    )
    assert (one.pipe_id, one.address_text) == (town.pipes["H12"], text)
    pin = town.on_pipe("H52", 50.0, left_m=2.0)
    assert take(session, settings, point=pin, accuracy_m=5.0).pipe_id == town.pipes["H52"]
    vague = take(session, settings, point=pin, accuracy_m=500.0)
    assert (vague.state, vague.location_tried["problem"]) == (ReportState.UNLOCATED, "not-sure")
    located = locate_report(
        session, settings, vague.id, Whereabouts(address_id=town.addresses["5 Market Street"])
    )
    assert located.pipe_id == town.pipes["H12"]


def test_a_point_outside_the_area_is_refused_before_anything_is_stored(
    session: Session, settings: Settings
) -> None:
    with pytest.raises(OutsideServiceArea):
        take(session, settings, account_no="100001", point=LonLat(lon=24.94, lat=60.17))
    assert session.scalar(select(func.count()).select_from(Report)) == 0


def test_swapped_axes_are_named_as_such(session: Session, settings: Settings, town: Town) -> None:
    place = town.junction(2, 2)
    with pytest.raises(OutsideServiceArea, match="swapped"):
        take(session, settings, point=LonLat(lon=place.lat, lat=place.lon))


def test_nothing_is_noticed_in_the_future(session: Session, settings: Settings) -> None:
    late = utc_now() + timedelta(seconds=settings.report_future_tolerance_s + 60)
    with pytest.raises(NoticedInTheFuture):
        take(session, settings, account_no="100001", noticed_at=late)


def test_a_clock_slightly_ahead_is_taken_as_now(session: Session, settings: Settings) -> None:
    soon = utc_now() + timedelta(seconds=20)
    one = take(session, settings, account_no="100001", noticed_at=soon)
    assert one.noticed_at == one.received_at


def test_the_same_client_id_is_the_same_report(session: Session, settings: Settings) -> None:
    client_id = uuid4()
    first = take_report(session, settings, report(account_no="100001", client_id=client_id))
    again = take_report(session, settings, report(account_no="100002", client_id=client_id))
    assert (first.is_new, again.is_new) == (True, False)
    assert again.report.id == first.report.id
    assert len(emitted(session, "ReportTaken")) == 1


def test_two_posts_of_the_same_at_the_same_moment_are_one_report(
    factory: SessionFactory, settings: Settings
) -> None:
    client_id = uuid4()
    new = report(account_no="100001", client_id=client_id)
    waiting: list[Taken] = []

    def second() -> None:
        with factory() as session, session.begin():
            waiting.append(take_report(session, settings, new))

    with factory() as session, session.begin():
        first = take_report(session, settings, new)
        thread = threading.Thread(target=second)
        thread.start()  # has seen no earlier report, and waits for us on the unique index
        thread.join(timeout=1.0)
        assert thread.is_alive()
    thread.join(timeout=10.0)
    assert [(taken.report.id, taken.is_new) for taken in waiting] == [(first.report.id, False)]
    with factory() as session:
        assert session.scalar(select(func.count()).select_from(Report)) == 1
        assert session.scalar(select(func.count()).select_from(Case)) == 1
        assert session.scalar(select(func.count()).select_from(CaseChange)) == 1
        names = session.scalars(select(OutboxEvent.name).order_by(OutboxEvent.id)).all()
        assert names == ["ReportTaken", "ReportLocated"]


def test_a_second_call_about_the_same_is_a_repeat_in_the_same_case(
    session: Session, settings: Settings
) -> None:
    first = take(session, settings, account_no="100001", phone=PHONE)
    again = take(session, settings, account_no="100001", phone=PHONE)
    assert again.repeat_of == first.id
    assert again.case_id == first.case_id
    assert [e["repeat_of"] for e in emitted(session, "ReportLocated")] == [None, str(first.id)]


def test_the_same_household_from_another_phone_is_a_repeat(session: Session, settings: Settings) -> None:
    first = take(session, settings, account_no="100001", phone=PHONE)
    again = take(session, settings, account_no="100001", phone="+12025558888")
    assert again.repeat_of == first.id


def test_a_caller_who_cannot_be_located_now_repeats_what_he_said_before(
    session: Session, settings: Settings
) -> None:
    first = take(session, settings, account_no="100001", phone=PHONE)
    again = take(session, settings, phone=PHONE)
    assert (again.state, again.repeat_of) == (ReportState.UNLOCATED, first.id)


def test_a_third_call_repeats_the_first(session: Session, settings: Settings) -> None:
    first, second, third = (take(session, settings, account_no="100001") for _ in range(3))
    assert (second.repeat_of, third.repeat_of) == (first.id, first.id)


def test_another_matter_or_another_place_or_another_caller_is_no_repeat(
    session: Session, settings: Settings, town: Town
) -> None:
    take(session, settings, point=town.on_pipe("H00", 50.0), phone=PHONE, category=Category.LEAK)
    far = town.on_pipe("H55", 50.0)
    others = [
        take(session, settings, point=town.on_pipe("H00", 50.0), phone=PHONE, category=Category.OTHER),
        take(session, settings, point=far, phone=PHONE, category=Category.LEAK),
        take(
            session, settings, point=town.on_pipe("H00", 50.0), phone="+12025558888", category=Category.LEAK
        ),
    ]
    assert [one.repeat_of for one in others] == [None, None, None]
    assert len({one.case_id for one in others}) == 3


def test_after_the_window_or_after_closing_a_report_is_a_new_matter(
    session: Session, settings: Settings
) -> None:
    old = take(session, settings, account_no="100001")
    old.received_at -= timedelta(seconds=settings.repeat_window_s + 1)
    session.flush()
    first = take(session, settings, account_no="100001")
    assert first.repeat_of is None
    case_of(session, first).state = CaseState.CLOSED
    session.flush()
    assert take(session, settings, account_no="100001").repeat_of is None


def test_calling_again_after_the_answer_puts_the_case_in_hand_again(
    session: Session, settings: Settings
) -> None:
    first = take(session, settings, account_no="100001", phone=PHONE)
    incident = attach(session, [first])
    close(session, incident, [first])
    assert case_of(session, first).state == CaseState.ANSWERED
    take(session, settings, account_no="100001", phone=PHONE)
    assert case_of(session, first).state == CaseState.IN_HAND


def test_an_agent_locates_what_was_not(session: Session, settings: Settings, town: Town) -> None:
    one = take(session, settings, phone=PHONE)
    located = locate_report(session, settings, one.id, Whereabouts(address_text="5 Market Street"))
    assert located.state == ReportState.LOCATED
    assert located.pipe_id == town.pipes["H12"]
    assert located.location_tried == {}
    [event] = emitted(session, "ReportLocated")
    assert event["report_id"] == str(one.id)


def test_an_agents_try_that_fails_changes_nothing(session: Session, settings: Settings) -> None:
    one = take(session, settings, phone=PHONE)
    with pytest.raises(AccountNotFound):
        locate_report(session, settings, one.id, Whereabouts(account_no="none such"))
    with pytest.raises(NothingToLocate):
        locate_report(session, settings, one.id, Whereabouts())
    with pytest.raises(OutsideServiceArea):
        locate_report(session, settings, one.id, Whereabouts(point=LonLat(lon=24.94, lat=60.17)))
    assert (one.state, emitted(session, "ReportLocated")) == (ReportState.UNLOCATED, [])


def test_a_known_place_is_not_changed_under_the_crews(session: Session, settings: Settings) -> None:
    one = take(session, settings, account_no="100001")
    with pytest.raises(ReportAlreadyLocated):
        locate_report(session, settings, one.id, Whereabouts(account_no="100002"))


def test_every_report_belongs_to_exactly_one_case(session: Session, settings: Settings) -> None:
    for told in ({"account_no": "100001"}, {"phone": PHONE}, {}, {"account_no": "100001"}):
        take(session, settings, **told)
    assert session.scalar(select(func.count()).where(Report.case_id.is_(None))) == 0
    assert session.scalar(select(func.count()).select_from(Case)) == 3


def test_a_report_keeps_the_senders_own_time_beside_ours(session: Session, settings: Settings) -> None:
    sent = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
    one = take(session, settings, account_no="100001", source_at=sent, client_id=uuid4())
    assert one.client_id is not None
    session.expire(one)
    assert report_by_client_id(session, one.client_id) is one
    assert (one.source_at, one.received_at > sent) == (sent, True)
