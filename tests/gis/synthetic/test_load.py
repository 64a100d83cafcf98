"""A bundle in the database."""

import numpy as np
import pytest
from sqlalchemy import func, select, text

from gis.cache import current_network
from gis.coordinates import LonLat, straight_line_m
from gis.errors import CityAlreadyLoaded
from gis.isolation import isolation_plan
from gis.location import Method, locate
from gis.models import CustomerAccount, IsolationSegment, Pipe, RoadEdge, Valve
from gis.roads.current import current_roads
from gis.roads.ways import Ways
from gis.synthetic.load import isolation_network, load_city

INDEXES = text("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'gis' ORDER BY 1")
KEYS = text(
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'gis'::regnamespace ORDER BY 1"
)


@pytest.fixture
def loaded(session, bundle):
    before = (session.execute(INDEXES).all(), session.execute(KEYS).all())
    load_city(session, bundle)
    return before


def test_every_table_is_filled_and_its_indexes_are_back(session, loaded, city):
    assert (session.execute(INDEXES).all(), session.execute(KEYS).all()) == loaded
    for model, count in (
        (Pipe, len(city.pipes.code)),
        (Valve, len(city.valves.code)),
        (CustomerAccount, len(city.accounts.account_no)),
        (RoadEdge, city.roads.edge_count),
    ):
        assert session.scalar(select(func.count()).select_from(model)) == count


def test_a_second_city_is_refused(session, loaded, bundle):
    with pytest.raises(CityAlreadyLoaded):
        load_city(session, bundle)


def test_stored_values_are_those_of_the_bundle(session, loaded, city):
    for index in (0, len(city.pipes.code) // 2, len(city.pipes.code) - 1):
        pipe = session.scalars(select(Pipe).where(Pipe.asset_code == city.pipes.code[index])).one()
        assert pipe.length_m == city.pipes.length_m[index]
        assert pipe.diameter_mm == city.pipes.diameter_mm[index]
        assert pipe.id.version == 7
        measured = session.scalar(select(func.ST_Length(func.Geography(Pipe.geom))).where(Pipe.id == pipe.id))
        assert measured == pytest.approx(pipe.length_m, rel=2e-3, abs=0.1)


def test_the_network_read_back_is_the_one_that_was_stored(session, loaded, city):
    read = current_network(session)
    assert read.pipe_code == city.pipes.code
    stored = isolation_network(
        city,
        np.frombuffer(b"".join(read.pipe_id(i).bytes for i in range(read.pipe_count)), np.uint8).reshape(
            -1, 16
        ),
        np.frombuffer(
            b"".join(read.valve_id(i).bytes for i in range(len(read.valve_pipe))), np.uint8
        ).reshape(-1, 16),
    )
    assert (read.segment_of == stored.segment_of).all()
    assert (read.customers == stored.customers).all()
    rows = session.execute(
        select(IsolationSegment.id, IsolationSegment.customer_count, IsolationSegment.cut_off_segment_ids)
    ).all()
    assert len(rows) == len(read.segments)
    for segment, customers, cut_off in rows:
        assert customers == read.customers[read.pipes_of(segment)].sum()
        assert cut_off == read.cut_off_by(segment)


def test_a_shutdown_of_any_main_can_be_planned(session, loaded):
    network = current_network(session)
    for index in range(0, network.pipe_count, 10):
        plan = isolation_plan(network, network.pipe_id(index))
        assert network.pipe_id(index) in plan.segment_pipe_ids
        assert plan.length_m > 0


def test_customers_are_located_by_account_address_and_point(session, loaded, city):
    for index in range(0, len(city.accounts.account_no), 500):
        connection = city.accounts.connection[index]
        address = city.connections.address[connection]
        code = city.pipes.code[city.connections.pipe[connection]]
        by_account = locate(session, account_no=city.accounts.account_no[index])
        assert by_account.pipe_code == code
        by_address = locate(session, address_text=city.addresses.text[address])
        assert (by_address.method, by_address.pipe_code) == (Method.ADDRESS, code)
        door = LonLat(lon=float(city.addresses.lon[address]), lat=float(city.addresses.lat[address]))
        assert straight_line_m(by_account.point, door) < 0.1
        assert locate(session, point=door).distance_m < 120.0


def test_crews_find_their_way(session, loaded, city):
    roads = current_roads(session)
    place = LonLat(lon=float(city.addresses.lon[0]), lat=float(city.addresses.lat[0]))
    crews = [LonLat(lon=float(city.nodes.lon[i]), lat=float(city.nodes.lat[i])) for i in (10, 100, 200)]
    assert all(travel.seconds is not None for travel in Ways(roads, crews, place).travels())
