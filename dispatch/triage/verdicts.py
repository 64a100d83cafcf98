"""What became of a call and why, as plain values: kept with it, told in either language."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from core.messages import say

BETWEEN: Final = {"zh": "；"}
"""What stands between the parts of a reason; a semicolon unless said here."""


class VerdictKind(StrEnum):
    """What becomes of a call."""

    OPENS = "opens"
    JOINS = "joins"
    REPEAT = "repeat"
    WORKS = "works"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of a reason: a message of the catalogues, and what fills it."""

    code: str
    values: dict[str, Any] = field(default_factory=dict)  # Any: numbers and words


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


def joined(clauses: Sequence[Clause], language: str) -> str:
    """Say some parts of a reason in a language, one after the other."""
    return BETWEEN.get(language, "; ").join(say(one.code, language, **one.values) for one in clauses)
