"""How urgent an incident is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.models import IncidentKind, IncidentLevel
from dispatch.priority import priority

kinds, levels = st.sampled_from(list(IncidentKind)), st.sampled_from(list(IncidentLevel))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"kind": IncidentKind.OUTAGE, "level": IncidentLevel.SINGLE}, 3),
        ({"kind": IncidentKind.OUTAGE, "level": IncidentLevel.CLUSTER}, 2),
        ({"kind": IncidentKind.OUTAGE, "level": IncidentLevel.AREA}, 1),
        ({"kind": IncidentKind.BURST, "level": IncidentLevel.SINGLE}, 2),
        ({"kind": IncidentKind.BURST, "level": IncidentLevel.SINGLE, "critical_customers": 1}, 1),
        ({"kind": IncidentKind.BURST, "level": IncidentLevel.CLUSTER, "customers_without_water": 300}, 1),
        ({"kind": IncidentKind.LEAK, "level": IncidentLevel.SINGLE, "has_leak": True}, 3),
        ({"kind": IncidentKind.LOW_PRESSURE, "level": IncidentLevel.SINGLE}, 4),
        ({"kind": IncidentKind.LOW_PRESSURE, "level": IncidentLevel.CLUSTER}, 3),
        ({"kind": IncidentKind.WATER_QUALITY, "level": IncidentLevel.SINGLE}, 4),
        ({"kind": IncidentKind.OTHER, "level": IncidentLevel.SINGLE}, 4),
    ],
)
def test_a_hospital_comes_before_a_street_and_a_street_before_a_tap(facts: dict, expected: int) -> None:
    assert priority(**facts) == expected


@given(kinds, levels, st.integers(0, 2000), st.integers(0, 5), st.booleans())
def test_more_of_anything_is_never_less_urgent(
    kind: IncidentKind, level: IncidentLevel, dry: int, critical: int, has_leak: bool
) -> None:
    before = priority(
        kind=kind, level=level, customers_without_water=dry, critical_customers=critical, has_leak=has_leak
    )
    worse = (
        {"customers_without_water": dry + 100, "critical_customers": critical, "has_leak": has_leak},
        {"customers_without_water": dry, "critical_customers": critical + 1, "has_leak": has_leak},
        {"customers_without_water": dry, "critical_customers": critical, "has_leak": True},
    )
    assert 1 <= before <= 4
    for facts in worse:
        assert priority(kind=kind, level=level, **facts) <= before
