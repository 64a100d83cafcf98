"""Versions of the network: drafts, what publishing changes, ids and history that last, going back."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.auth import Actor
from core.db import new_id
from gis.cache import current_network
from gis.coordinates import loaded, metric_plane
from gis.errors import AccountNotFound, BrokenDraft, NotADraft, VersionNotFound
from gis.isolation import isolation_plan
from gis.location import locate_account
from gis.models import (
    AssetChange,
    CustomerAccount,
    CustomerClass,
    DraftFeature,
    LifecycleStatus,
    NetworkVersion,
    NodeType,
    Pipe,
    PressureZone,
    ServiceArea,
    ServiceConnection,
    Side,
    Valve,
    VersionState,
)
from gis.network_import.draft import (
    DraftCustomer,
    DraftJunction,
    DraftPipe,
    DraftValve,
    NetworkDraft,
)
from gis.versions import discard, go_back, make_version, publish
from gis.versions.drafts import compare_again, take_up_again
from gis.versions.history import histories
from gis.versions.packing import pack, unpack
from gis.versions.snapshot import snapshot
from tests.town import ORIGIN_X, ORIGIN_Y, SRID, Town, load_town


def small(**changed: Any) -> NetworkDraft:
    """A reservoir, two mains in a row, a valve between them, two customers; 33° W 40° N, 100 m a main."""
    at = [shapely.Point(Town.place(100.0 * k, 0.0).lon, Town.place(100.0 * k, 0.0).lat) for k in range(3)]
    house = Town.place(150.0, 12.0)
    values: dict[str, Any] = {
        "source": "small.inp",
        "crs": f"EPSG:{SRID}",
        "metric_srid": SRID,
        "junctions": [
            DraftJunction(code="R", node_type=NodeType.RESERVOIR, head_m=50.0, place=at[0]),
            DraftJunction(code="A", elevation_m=1.0, place=at[1]),
            DraftJunction(code="B", elevation_m=2.0, place=at[2]),
        ],
        "pipes": [
            DraftPipe(
                code="P1", from_node="R", to_node="A", length_m=100.0, diameter_mm=200, line=_line(at[:2])
            ),
            DraftPipe(
                code="P2", from_node="A", to_node="B", length_m=100.0, diameter_mm=100, line=_line(at[1:])
            ),
        ],
        "valves": [DraftValve(code="V1", pipe="P2", node="A", place=at[1])],
        "customers": [
            DraftCustomer(
                account_no="1",
                pipe="P2",
                tap_chainage_m=50.0,
                name="Ann",
                phone="+12025550001",
                address="3 Mill Street",
                place=shapely.Point(house.lon, house.lat),
            ),
            DraftCustomer(
                account_no="2", pipe="P2", tap_chainage_m=50.0, place=shapely.Point(house.lon, house.lat)
            ),
        ],
    }
    return NetworkDraft(**(values | changed))


def _line(points: list[shapely.Point]) -> shapely.LineString:
    return shapely.LineString(points)


def publish_draft(session: Session, draft: NetworkDraft) -> NetworkVersion:
    version = make_version(session, draft, mapping=None, created_by=None)
    return publish(session, version.number, published_by=None)


def test_a_draft_survives_packing(session: Session) -> None:
    load_town(session)
    draft = snapshot(session)
    assert unpack(pack(draft)) == draft


def test_publishing_a_first_network_makes_it_serve(session: Session) -> None:
    version = publish_draft(session, small())
    assert version.state is VersionState.PUBLISHED
    area = session.scalars(select(ServiceArea)).one()
    assert (area.name, area.metric_srid, area.built_from) == ("small", SRID, "small.inp")
    outline = shapely.transform(loaded(area.geom), _to_plane)
    # 200 m long, 250 m wide on either side, half a circle at either end
    assert shapely.area(outline) == pytest.approx(200 * 500 + math.pi * 250**2, rel=0.01)
    network = current_network(session)
    assert network.pipe_count == 2
    assert version.summary["segments"] == 2
    assert version.summary["changes"]["pipe"]["added"] == 2


def _to_plane(pairs: Any) -> Any:
    return np.column_stack(metric_plane(SRID).to_plane(pairs[:, 0], pairs[:, 1]))


def test_customers_get_a_service_line_from_their_main(session: Session) -> None:
    publish_draft(session, small())
    accounts = {one.account_no: one for one in session.scalars(select(CustomerAccount))}
    (line,) = session.scalars(select(ServiceConnection)).all()
    assert {one.service_connection_id for one in accounts.values()} == {line.id}  # one house, one line
    assert (line.tap_chainage_m, line.tap_side) == (50.0, Side.LEFT)
    tap, door = shapely.get_coordinates(shapely.transform(loaded(line.geom), _to_plane)) - (
        ORIGIN_X,
        ORIGIN_Y,
    )
    assert tap == pytest.approx((150.0, 0.0), abs=0.02)
    assert door == pytest.approx((150.0, 12.0), abs=0.02)
    place = locate_account(session, "1")
    assert (place.pipe_code, place.address_text) == ("P2", "3 Mill Street")


def test_a_network_that_was_there_becomes_the_first_version(session: Session) -> None:
    load_town(session)
    version = make_version(session, small(), mapping="x = 1", created_by=None)
    first = session.get_one(NetworkVersion, 1)
    assert (first.state, first.source) == (VersionState.PUBLISHED, "tests/town.py")
    assert first.summary["counts"]["pipes"] == 68
    assert first.summary["counts"]["customers"] == 150
    assert (version.number, version.state, version.mapping) == (2, VersionState.DRAFT, "x = 1")
    assert session.scalar(select(func.count()).select_from(Pipe)) == 68  # a draft changes nothing


def test_the_same_network_again_changes_nothing(session: Session) -> None:
    town = load_town(session)
    before = session.scalars(select(ServiceArea.network_revision)).one()
    version = make_version(session, snapshot(session), mapping=None, created_by=None)
    counts = {
        kind: (found["added"], found["changed"], found["removed"])
        for kind, found in version.summary["changes"].items()
    }
    assert set(counts.values()) == {(0, 0, 0)}
    publish(session, version.number, published_by=None)
    assert session.scalar(select(func.count()).select_from(AssetChange)) == 0
    assert dict(session.execute(select(Pipe.asset_code, Pipe.id)).all()) == town.pipes
    assert session.scalars(select(ServiceArea.network_revision)).one() != before
    assert session.get_one(NetworkVersion, 1).state is VersionState.SUPERSEDED


@pytest.fixture
def town_without_v21(session: Session) -> tuple[Town, NetworkVersion]:
    """The town published again with H12 twice as wide and without V21, its valve and its houses' main H22."""
    town = load_town(session)
    draft = snapshot(session)
    gone = {"V21", "H22"}
    changed = replace(
        draft,
        pipes=[
            replace(one, diameter_mm=2 * (one.diameter_mm or 0)) if one.code == "H12" else one
            for one in draft.pipes
            if one.code not in gone
        ],
        valves=[one for one in draft.valves if one.pipe not in gone],
        hydrants=[one for one in draft.hydrants if one.pipe not in gone],
        customers=[one for one in draft.customers if one.pipe not in gone],
    )
    return town, publish_draft(session, changed)


def test_what_changed_is_recorded_as_it_was(
    session: Session, town_without_v21: tuple[Town, NetworkVersion]
) -> None:
    town, version = town_without_v21
    changes = {
        (one.asset_kind, one.asset_code): one
        for one in session.scalars(select(AssetChange).where(AssetChange.version == version.number))
    }
    assert {key: one.change for key, one in changes.items()} == {
        ("pipe", "H12"): "changed",
        ("pipe", "V21"): "removed",
        ("pipe", "H22"): "removed",
        ("valve", "VV21"): "removed",
    }
    h12 = changes["pipe", "H12"]
    now = session.get_one(Pipe, town.pipes["H12"])
    assert h12.before is not None
    assert h12.asset_id == town.pipes["H12"]
    assert now.diameter_mm == 2 * h12.before["diameter_mm"]
    assert h12.before["geom"]["type"] == "LineString"


def test_what_is_gone_is_abandoned_and_traced_no_more(
    session: Session, town_without_v21: tuple[Town, NetworkVersion]
) -> None:
    town, _ = town_without_v21
    gone: list[tuple[type[Pipe] | type[Valve], str]] = [(Pipe, "V21"), (Pipe, "H22"), (Valve, "VV21")]
    for model, code in gone:
        status = session.scalars(select(model.lifecycle_status).where(model.asset_code == code)).one()
        assert status is LifecycleStatus.ABANDONED
    assert session.get_one(Pipe, town.pipes["V21"]).asset_code == "V21"  # the row and its id stay
    network = current_network(session)
    assert network.pipe_count == 66
    assert session.get_one(Pipe, town.pipes["V21"]).segment_id is None


def test_accounts_whose_main_is_gone_are_given_the_nearest(
    session: Session, town_without_v21: tuple[Town, NetworkVersion]
) -> None:
    town, version = town_without_v21
    for number in town.accounts_on("H22"):
        place = locate_account(session, number)
        assert place.pipe_code != "H22"
    # H22 ran from J22 to J32: its four houses stand 30 m from either end, 12 m off; V22 and V32 run north, V31 south.
    assert {locate_account(session, one).pipe_code for one in town.accounts_on("H22")} <= {
        "V22",
        "V32",
        "V31",
        "H12",
    }
    assert version.summary["accounts_moved"] == 4
    assert version.summary["accounts_without_main"] == 0
    assert session.scalar(select(func.count()).select_from(CustomerAccount)) == 150


def test_accounts_too_far_from_any_main_are_reported_and_kept(session: Session) -> None:
    load_town(session)
    far = small(customers=[])
    shifted = replace(
        far,
        junctions=[
            replace(one, place=shapely.transform(one.place, lambda xy: xy + np.array([0, 0.05])))
            for one in far.junctions
        ],
        pipes=[
            replace(one, line=shapely.transform(one.line, lambda xy: xy + np.array([0, 0.05])))
            for one in far.pipes
        ],
        valves=[],
    )
    version = publish_draft(session, shifted)
    assert version.summary["accounts_without_main"] == 150
    assert version.summary["accounts_without_main_examples"][0] == "100001"
    assert current_network(session).pipe_count == 2
    with pytest.raises(AccountNotFound):
        locate_account(session, "100001")
    assert session.scalars(select(ServiceArea.name)).one() == "small"  # another town, another name


def test_going_back_gives_every_asset_its_old_id_and_fields(
    session: Session, town_without_v21: tuple[Town, NetworkVersion]
) -> None:
    town, version = town_without_v21
    version_1 = unpack(session.get_one(NetworkVersion, 1).content or b"")
    again = go_back(session, 1, by=None)
    assert (again.number, again.goes_back_to, again.state) == (3, 1, VersionState.PUBLISHED)
    assert version.state is VersionState.SUPERSEDED
    live = select(Pipe.asset_code, Pipe.id).where(Pipe.lifecycle_status != LifecycleStatus.ABANDONED)
    assert dict(session.execute(live).all()) == town.pipes
    assert replace(snapshot(session), customers=()) == replace(version_1, customers=())
    assert {one.account_no: one.pipe for one in snapshot(session).customers} == town.account_pipe
    back = session.scalars(
        select(AssetChange).where(AssetChange.version == 3, AssetChange.asset_code == "V21")
    ).one()
    assert (back.change, (back.before or {})["lifecycle_status"]) == ("added", "abandoned")


def test_the_history_of_an_asset_names_its_fields_and_what_they_refer_to(
    session: Session, town_without_v21: tuple[Town, NetworkVersion]
) -> None:
    go_back(session, 1, by=None)
    (h12,) = histories(session, somebody(), "H12")
    assert [(step.version, step.change) for step in h12.steps] == [(3, "changed"), (2, "changed")]
    assert [(one.field, one.after) for one in h12.steps[0].fields] == [
        ("diameter_mm", h12.now["diameter_mm"])
    ]
    assert h12.steps[1].fields[0].after == 2 * h12.steps[0].fields[0].after
    assert (h12.now["from_node"], h12.now["to_node"]) == ("J12", "J22")
    (gone,) = histories(session, somebody(), "VV21")
    assert [step.change for step in gone.steps] == ["added", "removed"]


def test_the_history_ends_at_the_border_of_the_readers_area(session: Session) -> None:
    load_town(session)
    elsewhere = "POLYGON((10 10, 11 10, 11 11, 10 10))"
    assert histories(session, somebody(area_wkt=elsewhere), "H12") == []


def somebody(*, area_wkt: str | None = None) -> Actor:
    return Actor(
        user_id=new_id(),
        username="gis",
        display_name="gis",
        role="supervisor",
        operations=frozenset(),
        fields=frozenset(),
        area_wkt=area_wkt,
        desk_ids=frozenset(),
        crew_id=None,
        session_id=new_id(),
        language="en",
        client_address=None,
    )


def test_an_imported_account_keeps_what_the_files_do_not_say(session: Session) -> None:
    town = load_town(session)
    number = next(one for one, pipe in town.account_pipe.items() if pipe == "H12")
    hospital = session.scalars(
        select(CustomerAccount).where(CustomerAccount.customer_class == CustomerClass.HOSPITAL)
    ).one()
    draft = snapshot(session)
    said = [
        DraftCustomer(account_no=number, pipe="H12", tap_chainage_m=99.0, name="Zoe New"),
        DraftCustomer(
            account_no=hospital.account_no, pipe=town.account_pipe[hospital.account_no], tap_chainage_m=30.0
        ),
    ]
    publish_draft(session, replace(draft, customers=said))
    session.expire_all()
    account = session.get_one(CustomerAccount, town.accounts[number])
    assert (account.name, account.phone) == ("Zoe New", town.phones[number])
    assert session.get_one(ServiceConnection, account.service_connection_id).tap_chainage_m == 99.0
    assert (hospital.customer_class, hospital.name) == (CustomerClass.HOSPITAL, "Littlebrook Hospital")
    assert session.scalar(select(func.count()).select_from(CustomerAccount)) == 150


def test_where_one_of_several_flats_moves_the_others_keep_their_line(session: Session) -> None:
    town = load_town(session)
    flats = [number for number in town.accounts if town.account_at["1 Mill Street"] <= number][:11]
    before = session.get_one(CustomerAccount, town.accounts[flats[1]]).service_connection_id
    draft = snapshot(session)
    publish_draft(
        session,
        replace(draft, customers=[DraftCustomer(account_no=flats[0], pipe="H05", tap_chainage_m=10.0)]),
    )
    session.expire_all()
    assert session.get_one(CustomerAccount, town.accounts[flats[0]]).service_connection_id != before
    assert {
        session.get_one(CustomerAccount, town.accounts[one]).service_connection_id for one in flats[1:]
    } == {before}


def test_zones_a_version_no_longer_has_are_not_drawn_but_stay(session: Session) -> None:
    load_town(session)
    version = publish_draft(session, small())
    zones = session.scalars(select(PressureZone)).all()
    assert len(zones) == 2
    assert {zone.geom for zone in zones} == {None}
    assert version.summary["changes"]["pressure_zone"]["removed"] == 2
    publish_draft(session, small())
    assert session.scalar(select(func.count()).select_from(AssetChange).where(AssetChange.version == 3)) == 0


def test_a_network_without_a_place_on_earth_is_published_and_traced(session: Session) -> None:
    located = small()
    local = replace(
        located,
        crs="local",
        metric_srid=None,
        junctions=[replace(one, place=None) for one in located.junctions],
        pipes=[replace(one, line=None) for one in located.pipes],
        valves=[replace(one, place=None) for one in located.valves],
        customers=[replace(one, place=None) for one in located.customers],
    )
    version = publish_draft(session, local)
    area = session.scalars(select(ServiceArea)).one()
    assert (area.geom, area.metric_srid, version.crs) == (None, None, "local")
    plan = isolation_plan(
        current_network(session), session.scalars(select(Pipe.id).where(Pipe.asset_code == "P2")).one()
    )
    assert plan.customers == 2


def test_a_draft_that_does_not_hold_together_is_refused(session: Session) -> None:
    draft = small(valves=[DraftValve(code="V1", pipe="P9", node="A")])
    with pytest.raises(BrokenDraft, match="V1 refers to P9"):
        make_version(session, draft, mapping=None, created_by=None)
    twice = small()
    with pytest.raises(BrokenDraft, match="P1 stands there twice"):
        make_version(
            session, replace(twice, pipes=[twice.pipes[0], *twice.pipes]), mapping=None, created_by=None
        )


def test_only_a_draft_is_published_and_a_discarded_one_can_be_taken_up(session: Session) -> None:
    version = make_version(session, small(), mapping=None, created_by=None)
    drawn = select(func.count()).select_from(DraftFeature).where(DraftFeature.version == version.number)
    assert session.scalar(drawn) == 3  # two pipes and a valve
    discard(session, version.number)
    assert session.scalar(drawn) == 0
    with pytest.raises(NotADraft):
        publish(session, version.number, published_by=None)
    take_up_again(session, version.number)
    assert session.scalar(drawn) == 3
    publish(session, version.number, published_by=None)
    assert session.scalar(drawn) == 0
    with pytest.raises(NotADraft):
        publish(session, version.number, published_by=None)
    with pytest.raises(NotADraft):
        go_back(session, version.number, by=None)  # it is the one that serves
    with pytest.raises(VersionNotFound):
        publish(session, 99, published_by=None)


def test_a_draft_is_compared_with_what_serves_when_asked_again(session: Session) -> None:
    old = make_version(session, small(), mapping=None, created_by=None)
    assert old.summary["changes"]["pipe"]["added"] == 2
    publish_draft(session, small())
    again = compare_again(session, old.number)
    assert again.summary["changes"]["pipe"]["added"] == 0
    assert again.summary["compared_with"] == 2
