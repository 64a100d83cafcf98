"""Why something was decided, part by part: kept as plain values, told in either language."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from core.messages import say

BETWEEN: Final = {"zh": "；"}
"""What stands between the parts of a reason; a semicolon unless said here."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of a reason: a message of the catalogues, and what fills it."""

    code: str
    values: dict[str, Any] = field(default_factory=dict)  # Any: numbers and words


def told(reason: Sequence[dict[str, Any]], language: str) -> str:  # Any: numbers and words
    """Say a stored reason in a language."""
    return joined([Clause(one["code"], one.get("values", {})) for one in reason], language)


def joined(clauses: Sequence[Clause], language: str) -> str:
    """Say some parts of a reason in a language, one after the other."""
    return BETWEEN.get(language, "; ").join(say(one.code, language, **one.values) for one in clauses)
