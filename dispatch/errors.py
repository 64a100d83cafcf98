"""What dispatch refuses, each by its own name."""

from core.errors import Conflict, Invalid, NotFound


class NoSuchIncident(NotFound):
    """There is no incident with this id, or it is not yours to see."""


class NoSuchWorkOrder(NotFound):
    """There is no work order with this id, or it is not yours to see."""


class NoSuchAssignment(NotFound):
    """The crew has no such job."""


class NoSuchCrew(NotFound):
    """There is no crew with this id."""


class NoSuchRectification(NotFound):
    """There is no rectification with this id, or it is not yours to see."""


class NoSuchCustomer(NotFound):
    """There is no customer with this id who is served from our mains, or he is not yours to see."""


class StepRefused(Conflict):
    """Its present state does not allow this step; look at it again, somebody may have been quicker."""


class OfferGone(Conflict):
    """The offer was withdrawn, has expired or was answered already; the list of jobs shows what holds now."""


class CrewIsBusy(Conflict):
    """The crew is bound to another job; it must leave that site first."""


class WorkOrderTaken(Conflict):
    """A crew has accepted this work order; only that crew or a cancellation can give it up."""


class CrewNotEligible(Conflict):
    """The crew cannot take the work order now; the list of crews tells why."""


class CrewCodeTaken(Conflict):
    """A crew with this code exists already; choose another code."""


class ShiftOverlaps(Conflict):
    """The crew has another shift in that time; end or move that one first."""


class WorkStillOpen(Conflict):
    """Work on this incident is not finished; complete or cancel its work orders first."""


class VerifiedByItsDoer(Conflict):
    """Whoever did a measure, or is responsible for it, does not verify it; ask a colleague."""


class NotAnOwner(Invalid):
    """The person named may not work on rectifications; choose one of those offered."""


class DueInThePast(Invalid):
    """A measure must be due in the future."""


class WaterComesBack(Conflict):
    """Water is back or coming back: what a tap does now says nothing about where it was broken."""


class MergeIntoItself(Invalid):
    """An incident cannot be merged into itself; name another one."""


class NothingToSplit(Invalid):
    """Name some, but not all, of the incident's reports."""


class BadSpan(Invalid):
    """A span of time must end after it begins and be no longer than 31 days; ask for it in parts."""


class BadShift(Invalid):
    """A shift must end after it starts."""


class RuleOutOfLimits(Invalid):
    """A setting of triage is unknown, outside its limits or between its steps."""


class TrialUnderWay(Conflict):
    """Changed settings are being tried already; wait until that is done."""


class NoSuchTrial(NotFound):
    """Nobody tried settings under this id."""


class BadBundle(Invalid):
    """A recorded stretch of calls cannot be read; the text says which file and line."""
