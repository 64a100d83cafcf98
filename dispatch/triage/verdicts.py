"""What became of a call and why, as plain values: kept with it, told in either language."""

from dataclasses import dataclass
from enum import StrEnum

from dispatch.clauses import Clause, joined


class VerdictKind(StrEnum):
    """What becomes of a call."""

    OPENS = "opens"
    JOINS = "joins"
    REPEAT = "repeat"
    WORKS = "works"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An explanation that was weighed: how many times likelier than chance it makes the call."""

    label: str
    scope: str
    odds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a call when it came, and why.

    Parameters
    ----------
    kind
        Whether it joined, opened, repeated or belongs to announced work.
    label
        The incident.
    odds
        How many times likelier than chance that incident makes it.
    clauses
        Why, part by part.
    candidates
        The best of what was weighed, best first.
    """

    kind: VerdictKind
    label: str
    odds: float
    clauses: tuple[Clause, ...]
    candidates: tuple[Candidate, ...] = ()

    def text(self, language: str) -> str:
        """Say why in a language."""
        return joined(self.clauses, language)
