"""What triage goes by: the rules people set last, and the habits it learnt last."""

from typing import Final

import numpy as np
from sqlalchemy.orm import Session

from core.settings import Settings
from dispatch import queries
from dispatch.triage.habits import Habits
from dispatch.triage.rules import StreamRules, rules_of
from dispatch.triage.supply import ZONE_MATE
from dispatch.triage.town import Town

OUTAGES_PER_1000_DAY: Final = 0.05
"""Breaks and shut valves, a day and 1,000 customers: a town of 50,000 has two or three a day, until its own reports say otherwise."""
TROUBLES_PER_ZONE_DAY: Final = 0.01
"""A pressure zone fails as a whole every hundred days."""
UNEXPLAINED_CALLS: Final = 0.3
"""Calls of a break that no map explains, from anywhere in its zone, however large that is."""
RARELY: Final = 0.02
"""However small a town is, once in fifty days something happens."""


def current_rules(session: Session) -> StreamRules:
    """Give the rules set last; before any were, the defaults."""
    stored = queries.newest_rules(session)
    return rules_of(stored.rules if stored is not None else {})


def current_habits(session: Session, town: Town, settings: Settings) -> Habits:
    """Give the habits learnt last; before any were, those of no town in particular."""
    stored = queries.newest_habits(session)
    return Habits.of(stored) if stored is not None else first_habits(town, settings)


def first_habits(town: Town, settings: Settings) -> Habits:
    """Guess how people call, and how often something breaks, before there is anything to learn from."""
    customers, zones = town.supply.customer_count, len(town.supply.zone_customers)
    per_customer_day = settings.triage_background_per_1000_day / 1000.0
    sizes = np.array([*town.supply.zone_customers.values()], dtype=np.float64)
    in_zone = float((sizes**2).sum() / max(sizes.sum(), 1.0))
    share = Habits().call_share
    share[ZONE_MATE] = min(share[ZONE_MATE], UNEXPLAINED_CALLS / max(in_zone, 1.0))
    return Habits(
        call_share=share,
        calls_per_day=max(per_customer_day * customers, RARELY),
        outages_per_day=max(OUTAGES_PER_1000_DAY * customers / 1000.0, RARELY),
        zones_per_day=TROUBLES_PER_ZONE_DAY * zones,
    )
