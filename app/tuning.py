"""How a Python process of ours is set so that somebody who waits for it waits little."""

import gc
import os
import sys
from contextlib import suppress

from core.db import SessionFactory
from gis.cache import current_mains, current_network
from gis.errors import NoRoadGraph, NoServiceArea
from gis.geocoding.loading import known_places
from gis.roads import engine as roads

THREAD_SWITCH_S = 0.0005
"""How long a thread may go on while another waits for the interpreter: a request of thirty short steps waits for it thirty times."""


GIVES_WAY = 5
"""Niceness of what nobody waits for at a screen."""


def give_way() -> None:
    """Let those that somebody waits for have the processor first."""
    os.nice(GIVES_WAY)


def make_responsive(factory: SessionFactory, *, locates: bool = False) -> None:
    """Read what stays before the first question, give waiting threads their turn soon, and spare the collector what stays.

    Parameters
    ----------
    factory
        Where network and roads are read.
    locates
        Read mains, streets and addresses as well: who locates callers needs them.
    """
    with factory() as session:
        with suppress(NoServiceArea):
            current_network(session)
            if locates:
                current_mains(session)
        with suppress(NoRoadGraph):
            roads.warm(session)
        if locates:
            known_places(session)
    sys.setswitchinterval(THREAD_SWITCH_S)
    gc.collect()
    gc.freeze()
