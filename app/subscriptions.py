"""Who reacts to what: the one table of the product. Handlers touch only our own database and accept a repeat."""

from typing import Final

from app.jobs import let_broker_know_devices, tell_crew_of_change, tell_crew_of_offer
from core.events import (
    AreaOutageSuspected,
    AssetFaultsRepeated,
    AssignmentChanged,
    AssignmentOffered,
    CalendarChanged,
    CallbackMade,
    DeadlineReached,
    DeviceCredentialsChanged,
    Event,
    IncidentClosed,
    IncidentMerged,
    IncidentOpened,
    IncidentReopened,
    IncidentUnmerged,
    OutageDeclared,
    OutageEnded,
    PresenceChanged,
    RepeatedComplaint,
    ReportAttached,
    ReportLocated,
    WorkOrderCompleted,
    WorkOrderCreated,
)
from core.outbox import Handler
from dispatch import handlers as dispatch
from dispatch.escalation import handlers as escalation
from hotline import handlers as hotline
from tracker import handlers as tracker

SUBSCRIPTIONS: Final[dict[type[Event], tuple[Handler, ...]]] = {
    ReportLocated: (dispatch.triage_report,),
    IncidentOpened: (dispatch.dispatch_incident, escalation.copy_escalations),
    AreaOutageSuspected: (dispatch.dispatch_incident, escalation.escalate_growth),
    RepeatedComplaint: (escalation.escalate_repeat,),
    AssetFaultsRepeated: (escalation.escalate_faults,),
    WorkOrderCreated: (dispatch.offer_work,),
    WorkOrderCompleted: (dispatch.finish_work,),
    CallbackMade: (dispatch.heed_callback,),
    ReportAttached: (hotline.link_report, dispatch.note_repeat),
    IncidentMerged: (hotline.follow_merge, escalation.join_escalations),
    IncidentUnmerged: (hotline.undo_merge, escalation.part_escalations),
    OutageDeclared: (hotline.learn_outage,),
    OutageEnded: (hotline.forget_outage,),
    IncidentClosed: (hotline.tell_callers, dispatch.count_fault, escalation.end_escalations),
    IncidentReopened: (hotline.stop_callbacks, dispatch.dispatch_incident, dispatch.count_fault),
    CalendarChanged: (escalation.heed_calendar,),
    DeadlineReached: (
        dispatch.heed_deadline,
        escalation.heed_deadline,
        hotline.heed_deadline,
        tracker.watch_silence,
    ),
    PresenceChanged: (dispatch.welcome_crew,),
    DeviceCredentialsChanged: (let_broker_know_devices,),
    AssignmentOffered: (tell_crew_of_offer,),
    AssignmentChanged: (dispatch.follow_assignment, tell_crew_of_change),
}

TRIAGE_LANE: Final = frozenset({ReportLocated.__name__, ReportAttached.__name__})
"""Events handled one after the other, in order of receipt, by one consumer at a time; all others go side by side. Which incident a report
belongs to is decided so, and told the hotline in the same breath: a caller waits for both."""
