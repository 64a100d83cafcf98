"""How urgent an incident is: one rule for the queue, for offers and for waiting work."""

from typing import Final

from dispatch.models import IncidentKind, IncidentLevel

URGENT, HIGH, NORMAL, LOW = 1, 2, 3, 4
MANY_DRY_CUSTOMERS: Final = 300
SOME_DRY_CUSTOMERS: Final = 50
_WIDE: Final = frozenset({IncidentLevel.AREA, IncidentLevel.ZONE})
_DRY: Final = frozenset({IncidentKind.BURST, IncidentKind.OUTAGE})


def priority(
    *,
    kind: IncidentKind,
    level: IncidentLevel,
    customers_without_water: int = 0,
    critical_customers: int = 0,
    has_leak: bool = False,
) -> int:
    """Rank an incident from 1, most urgent, to 4.

    Parameters
    ----------
    customers_without_water, critical_customers
        Accounts that are dry, and hospitals, schools and their like among them.
    has_leak
        Somebody saw water run: it undermines streets and floods cellars.
    """
    if critical_customers > 0 or level in _WIDE or customers_without_water >= MANY_DRY_CUSTOMERS:
        return URGENT
    is_group = level is not IncidentLevel.SINGLE
    if (
        kind is IncidentKind.BURST
        or (is_group and kind in _DRY)
        or customers_without_water >= SOME_DRY_CUSTOMERS
    ):
        return HIGH
    if has_leak or kind in (IncidentKind.LEAK, IncidentKind.OUTAGE) or is_group:
        return NORMAL
    return LOW
