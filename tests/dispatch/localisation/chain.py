"""Three mains in a row from a reservoir, a valve before each, and a branch of its own beside them::

    R --|-A--+--|-B--+--|-C--+        shutting A leaves A, B and C dry, B leaves B and C, C and D themselves
             |
             +--|-D--+

Each is 100 m long; 10, 20, 30 and 40 customers.
"""

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_matrix

from dispatch.localisation.belief import SAID, Evidence, Habits, served_from
from dispatch.models import Answer
from gis.isolation import Footprints, IsolationNetwork
from tests.gis.plain_network import Main, OnPipe, PlainNetwork

A, B, C, D = range(4)
"""Mains and, as each is a segment of its own, rows of the footprints."""
CUSTOMERS = (10, 20, 30, 40)
HABITS = Habits(call_share=0.05, stray_share=0.001, wrong_share=0.03)
EVEN = np.ones(4)


def network(customers: tuple[int, ...] = CUSTOMERS) -> IsolationNetwork:
    plain = PlainNetwork(
        nodes=5,
        sources=[0],
        pipes=[
            Main("A", 0, 1, length_m=100.0),
            Main("B", 1, 2, length_m=100.0),
            Main("C", 2, 3, length_m=100.0),
            Main("D", 1, 4, length_m=100.0),
        ],
        valves=[OnPipe(pipe, 0) for pipe in (A, B, C, D)],
    )
    return replace(plain.arrays(), customers=np.array(customers))


def footprints(customers: tuple[int, ...] = CUSTOMERS) -> Footprints:
    return Footprints.of(network(customers))


def row(prints: Footprints, pipe: int) -> int:
    return int(prints.row_of_pipe[pipe])


def calls_from(prints: Footprints, *pipes: int) -> csr_matrix:
    """Surely placed calls of different customers."""
    parts = [prints.part_of_pipe[[pipe]] for pipe in pipes]
    return served_from(parts, [np.ones(1)] * len(parts), len(prints.customers))


def evidence(
    prints: Footprints,
    dry: tuple[int, ...] = (),
    low: tuple[int, ...] = (),
    answers: tuple[tuple[int, Answer], ...] = (),
) -> Evidence:
    return Evidence(
        calls=(calls_from(prints, *dry), calls_from(prints, *low)),
        asked=prints.part_of_pipe[[pipe for pipe, _ in answers]] if answers else np.empty(0, dtype=np.int64),
        said=np.array([SAID.index(answer) for _, answer in answers], dtype=np.int64),
    )
