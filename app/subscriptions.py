"""Who reacts to what: the one table of the product. Handlers touch only our own database and accept a repeat."""

from typing import Final

from core.events import Event, ReportLocated
from core.outbox import Handler

SUBSCRIPTIONS: Final[dict[type[Event], tuple[Handler, ...]]] = {}

TRIAGE_LANE: Final = frozenset({ReportLocated.__name__})
"""Events decided one after the other, in order of receipt, by one consumer at a time; all others go side by side."""
