"""What a utility may set about the stream, in words; everything else is learnt from its history."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRules:
    """When calls belong together and when somebody is told; the defaults were chosen on two simulated months."""

    alarm_persons_outage: int = 3
    """So many different callers before somebody is told of a break: one may be mistaken, two may be neighbours of one riser."""
    alarm_persons_group: int = 4
    """The same for a whole zone or block of flats, whose callers need not be near each other."""
    alarm_persons_works: int = 3
    alarm_log_odds: float = 4.0
    """How sure it must be: e^4, some fifty to one. A higher bar costs minutes, a lower one false alarms."""
    crowded_persons: int = 10
    """Callers before somebody is told of more in a zone he was told about within `together_h`."""
    large_persons: int = 12
    """Callers from which on an incident is joined with another by people only."""
    together_h: float = 3.0
    """Breaks of one zone that begin within so long may be one that the map does not explain."""
    together_m: float = 1500.0
    """And lie no further apart: so far no missing valve reaches."""
    window_h: float = 10.0
    """Older calls open nothing any more."""
    forget_h: float = 24.0
    """An incident that drew no call for so long draws none."""
    site_h: float = 96.0
    """The same for a place where water is seen to run: such places wait for days."""
    moves_h: float = 2.5
    """A call may change its incident so long after it came; later, people have acted on where it stands."""
    moves_odds: float = 3.0
    """And only for an explanation so many times better."""
    repeat_window_h: float = 168.0
    repeat_lean: float = 2.0
    """How many times worse a repeat that is missed is than one too many: its caller is angry already."""
    block_customers: int = 12
    """An address with so many customers is a building with a pump of its own."""
    block_fails_every_days: float = 180.0
    """How often such a pump stops."""
    works_early_h: float = 0.5
    works_late_h: float = 4.0
    """Announced work begins so much early, and its calls end so much after it should have ended."""
    works_beyond: float = 0.2
    """How likely work reaches one valve further than was announced."""
