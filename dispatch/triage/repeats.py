"""The same customer about the same matter again."""

from typing import Final

from dispatch.triage.calls import Call
from dispatch.triage.scene import Scene

WHEN_OVER: Final = 0.2
"""How much less likely a caller of an incident long past means it again than a caller with a matter of his own."""
OVER_H: Final = 12.0


def repeated(call: Call, scene: Scene) -> tuple[Call | None, float]:
    """Find the earlier call that this one probably repeats, and how many times likelier than chance that makes it.

    One known by account repeats his own calls; where an account is missing, an address is as good as it has few households.
    """
    told, habits = call.told, scene.habits
    households = len(scene.supply.households[call.home]) if call.home >= 0 else 1
    rate = habits.repeat_share / habits.repeat_h
    found: list[tuple[float, Call]] = []
    for other in scene.memory.of_same_home(call):
        if call.at_h - other.at_h > scene.rules.repeat_window_h or other.category != call.category:
            continue
        is_same = told.customer >= 0 and told.customer == other.told.customer
        if not is_same and told.customer >= 0 and other.told.customer >= 0:
            continue
        over = WHEN_OVER if other.incident >= 0 and call.at_h - other.at_h > OVER_H else 1.0
        found.append((over * rate / call.per_customer_h / (1 if is_same else households), other))
    if not found:
        return None, 0.0
    ratio, original = max(found, key=lambda one: (one[0], one[1].at_h))
    return original, ratio
