"""What the hotline refuses, each by its own name."""

from core.errors import Conflict, Forbidden, Invalid, NotFound


class ReportNotFound(NotFound):
    """There is no such report, or it is not yours to see."""


class CaseNotFound(NotFound):
    """There is no such case, or it is not yours to see."""


class CallbackNotFound(NotFound):
    """There is no such callback, or it is not yours to see."""


class ReportAlreadyLocated(Conflict):
    """The place of this report is known; take another report if the caller meant another place."""


class NoticedInTheFuture(Invalid):
    """A report cannot be noticed later than now; correct the time."""


class CaseAlreadyAnswered(Conflict):
    """The case is answered already; its callbacks tell whether the caller is content."""


class CaseWithIncident(Conflict):
    """An incident answers this case; its callers are called back when that closes."""


class CaseClosed(Conflict):
    """The case is closed; take a new report if there is a new matter."""


class CallbackTaken(Conflict):
    """A colleague is calling already; take another callback."""


class CallbackOver(Conflict):
    """The callback has ended; nobody is called twice for the same thing."""


class CallbackNotYet(Conflict):
    """The caller was not reached a moment ago; try again at the time given in the callback."""


class CallbackNotClaimed(Conflict):
    """Claim the callback before you report what it brought; a claim ends when its time is over."""


class ReasonMissing(Invalid):
    """Say why the caller was not reached."""


class EntryNotFound(NotFound):
    """There is no such entry in the directory."""


class EntryRetired(Conflict):
    """The entry is retired: its number is no longer given to callers. Restore it, or take another one."""


class EntryBeyondArea(Forbidden):
    """The entry answers beyond your area; only people whose area holds all of it may change it."""


class BadTable(Invalid):
    """The file cannot be read as a table of the directory; correct the cells named and send it again."""


class HandOverNotFound(NotFound):
    """The report was not handed over so, or it is not yours to see."""
