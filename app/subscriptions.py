"""Who reacts to what: the one table of the product. Handlers touch only our own database and accept a repeat."""

from typing import Final

from app.jobs import let_broker_know_devices, tell_crew_of_change, tell_crew_of_offer
from core.events import (
    AssignmentChanged,
    AssignmentOffered,
    DeadlineReached,
    DeviceCredentialsChanged,
    Event,
    IncidentClosed,
    IncidentMerged,
    IncidentReopened,
    IncidentStateChanged,
    OutageDeclared,
    OutageEnded,
    ReportAttached,
    ReportLocated,
)
from core.outbox import Handler
from hotline import handlers as hotline
from tracker import handlers as tracker

SUBSCRIPTIONS: Final[dict[type[Event], tuple[Handler, ...]]] = {
    ReportAttached: (hotline.link_report,),
    IncidentStateChanged: (hotline.return_cases,),
    IncidentMerged: (hotline.follow_merge,),
    OutageDeclared: (hotline.learn_outage,),
    OutageEnded: (hotline.forget_outage,),
    IncidentClosed: (hotline.tell_callers,),
    IncidentReopened: (hotline.stop_callbacks,),
    DeadlineReached: (hotline.heed_deadline, tracker.watch_silence),
    DeviceCredentialsChanged: (let_broker_know_devices,),
    AssignmentOffered: (tell_crew_of_offer,),
    AssignmentChanged: (tell_crew_of_change,),
}

TRIAGE_LANE: Final = frozenset({ReportLocated.__name__})
"""Events decided one after the other, in order of receipt, by one consumer at a time; all others go side by side."""
