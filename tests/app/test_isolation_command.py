"""`./mainline network isolate`, as far as it does not need a workspace."""

import argparse

import pytest

from app.cli import parse
from app.commands.isolation import every_plan, plan_result
from gis.isolation import isolation_plan
from tests.gis.plain_network import Between, Main, PlainNetwork

KEYS = [
    "pipe",
    "segment_pipes",
    "valves_to_close",
    "valves_already_closed",
    "cut_off_pipes",
    "customers",
    "length_m",
]
PLAIN = PlainNetwork(
    nodes=6,
    sources=[0],
    pipes=[Main("P-1", 0, 1), Main("P 2", 2, 3), Main("管3", 4, 5), Main("P-4", 1, 0)],
    valves=[Between(1, 2), Between(3, 4, closed=True)],
    valve_codes=["V-1", "V-2"],
)


def test_a_plan_names_assets_as_their_source_does():
    net = PLAIN.arrays()
    found = plan_result(net, isolation_plan(net, net.pipe_id(0)))
    assert list(found) == KEYS
    assert found == {
        "pipe": "P-1",
        "segment_pipes": ["P-1", "P-4"],
        "valves_to_close": ["V-1"],
        "valves_already_closed": [],
        "cut_off_pipes": ["P 2"],
        "customers": 0 + 3 + 1,
        "length_m": 2.0,
    }


def test_every_pipe_has_its_plan_and_its_own_name():
    net = PLAIN.arrays()
    found = list(every_plan(net))
    assert [one["pipe"] for one in found] == ["P-1", "P 2", "管3", "P-4"]
    assert found[0]["segment_pipes"] == found[3]["segment_pipes"]
    assert (found[2]["valves_to_close"], found[2]["valves_already_closed"]) == ([], ["V-2"])
    assert all(list(one) == KEYS for one in found)


def test_valves_that_will_not_turn_may_be_given_again():
    options = parse(["network", "isolate", "P-1", "--inoperable", "V-1", "--inoperable", "V-2", "--json"])
    assert isinstance(options, argparse.Namespace)
    assert (options.pipe, options.inoperable, options.json) == ("P-1", ["V-1", "V-2"], True)


def test_isolate_all_needs_a_file():
    with pytest.raises(SystemExit) as ended:
        parse(["network", "isolate-all"])
    assert ended.value.code == 2
