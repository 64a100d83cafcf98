"""What escalations refuse, each by its own name."""

from core.errors import Conflict, Forbidden, Invalid, NotFound


class NoSuchEscalation(NotFound):
    """There is no escalation with this id, or it is not yours to see."""


class NoSuchRule(NotFound):
    """There is no rule of this name."""


class EscalationOver(Conflict):
    """The escalation is closed or joined to another; look at the incident's other escalations."""


class ReportedAlready(Conflict):
    """It was reported already; look at it again, somebody may have been quicker."""


class NotReportedYet(Conflict):
    """Nobody has reported it yet; report it first."""


class AcknowledgedAlready(Conflict):
    """It was acknowledged already."""


class NotItsRecipient(Forbidden):
    """Only whoever it was for, or his deputy, can acknowledge it."""


class OwnReport(Conflict):
    """Whoever reported it cannot acknowledge it himself; somebody else must have been told."""


class RuleUnclear(Invalid):
    """The rule does not say what it needs to."""
