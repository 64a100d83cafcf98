"""Plans carried out in EPANET."""

import pytest
import wntr
from sqlalchemy import update

from gis import hydraulic_check
from gis.errors import CheckTookTooLong, NetworkTooLargeToSimulate, NotSimulable
from gis.hydraulic_check import check_plan, export_inp
from gis.models import Junction, NodeType, Pipe


@pytest.fixture
def demanding(session, town):
    """The town drawing water, so that pressures mean something."""
    session.execute(
        update(Junction).where(Junction.node_type == NodeType.JUNCTION).values(base_demand_lps=0.05)
    )
    session.flush()


def test_the_stored_network_is_a_file_epanet_and_wntr_read(session, town, network, demanding, tmp_path):
    file = tmp_path / "town.inp"
    file.write_text(export_inp(session, network))
    model = wntr.network.WaterNetworkModel(str(file))
    assert set(model.pipe_name_list) == set(town.pipes)
    assert (model.num_reservoirs, len(model.node_name_list)) == (2, network.node_count)
    assert model.get_link("V03").initial_status == wntr.network.LinkStatus.Closed
    assert model.get_link("H30").initial_status == wntr.network.LinkStatus.Closed  # a shut valve stands on it


def test_today_nobody_is_dry_and_with_the_first_row_shut_the_west_is(session, town, network, demanding):
    check = check_plan(session, network, town.pipes["H10"])
    assert (check.before.dry, check.before.low) == (0, 0)
    assert check.before.pressure_p50_m > 20.0
    assert check.after.dry == (16 + 10) + 5 * 12 + 4 * 4
    assert check.dry_beyond_plan == 0
    assert {kind.value for kind in check.after.critical_dry} == {"hospital", "school"}


def test_too_little_pressure_is_told_where_tracing_sees_no_harm(session, town, network, demanding):
    """All avenues into the second row become hoses: there is a way, and hardly any water."""
    avenues = Pipe.asset_code.in_(["V00", "V10", "V20", "V30"])
    session.execute(update(Pipe).where(avenues).values(diameter_mm=15))
    session.flush()
    check = check_plan(session, network, town.pipes["V60"], demand_factor=20.0)
    assert check.before.low + check.before.dry > 50
    assert check_plan(session, network, town.pipes["V60"], demand_factor=0.01).before.low == 0


def test_networks_without_elevations_are_refused(session, town, network):
    session.execute(update(Junction).where(Junction.asset_code == "J00").values(elevation_m=None))
    with pytest.raises(NotSimulable, match="elevation"):
        check_plan(session, network, town.pipes["H10"])


def test_networks_too_large_or_too_slow_are_refused(session, town, network, monkeypatch):
    with pytest.raises(CheckTookTooLong):
        check_plan(session, network, town.pipes["H10"], time_max_s=0.01)
    monkeypatch.setattr(hydraulic_check, "LINKS_MAX", 3)
    with pytest.raises(NetworkTooLargeToSimulate):
        check_plan(session, network, town.pipes["H10"])


def test_the_route_answers_in_counts(client, log_in, town, demanding):
    pipe = {"pipe_id": str(town.pipes["H10"])}
    answer = client.post("/api/network/isolation/check", params=pipe, headers=log_in("dispatcher"))
    assert answer.status_code == 200
    assert answer.json()["after"]["dry"] == 102
    assert client.post("/api/network/isolation/check", params=pipe).status_code == 401
