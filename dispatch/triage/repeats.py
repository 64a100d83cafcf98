"""The same customer about the same matter again."""

from typing import Final

from dispatch.triage.calls import Call
from dispatch.triage.habits import CATEGORIES
from dispatch.triage.scene import Scene

WHEN_OVER: Final = 0.2
"""How much less likely a caller of an incident long past means it again than a caller with a matter of his own."""
OVER_H: Final = 12.0
SAID_ODDS: Final = 1e9
"""Nobody doubts a caller who says that he calls again."""


def repeated(call: Call, scene: Scene) -> tuple[Call | None, float]:
    """Find the earlier call that this one probably repeats, and how many times likelier than chance that makes it.

    One known by account or telephone repeats his own calls; where an account is missing, an address is as good as it has few households.
    What a call was said to repeat, it repeats.
    """
    said = scene.memory.named(call.told.again)
    if said is not None:
        return said, SAID_ODDS
    told, habits = call.told, scene.habits
    households = len(scene.supply.households[call.home]) if call.home >= 0 else 1
    rate = habits.repeat_share / habits.repeat_h
    window_h = scene.rules.repeat_window_h[CATEGORIES[call.category]]
    found: list[tuple[float, Call]] = []
    for other in scene.memory.of_same_home(call):
        if call.at_h - other.at_h > window_h or other.category != call.category:
            continue
        is_same = is_same_caller(call, other)
        if not is_same and told.customer >= 0 and other.told.customer >= 0:
            continue
        over = WHEN_OVER if other.incident >= 0 and call.at_h - other.at_h > OVER_H else 1.0
        found.append((over * rate / call.per_customer_h / (1 if is_same else households), other))
    if not found:
        return None, 0.0
    ratio, original = max(found, key=lambda one: (one[0], one[1].at_h))
    return original, ratio


def is_same_caller(one: Call, other: Call) -> bool:
    """Whether two calls are known to be of one customer: by account, or by telephone where no account says otherwise."""
    here, there = one.told, other.told
    if here.customer >= 0 and there.customer >= 0:
        return here.customer == there.customer
    return bool(here.caller) and here.caller == there.caller
