"""The kinds of refusal. Packages raise named subclasses; `core/http/problems.py` alone knows their numbers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one place of the input; `pointer` is an RFC 6901 fragment such as `#/point/lat`."""

    pointer: str
    detail: str


class MainlineError(Exception):
    """Something was refused.

    Parameters
    ----------
    detail
        What happened and what to do next, for the person who asked. Without one, the class's first sentence.
    errors
        The places of the input that were wrong, if any.
    """

    def __init__(self, detail: str | None = None, *, errors: Sequence[FieldError] = ()) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip().split("\n")[0]
        self.errors = tuple(errors)
        super().__init__(self.detail)

    @property
    def slug(self) -> str:
        """The problem's name in addresses: `OutsideServiceArea` -> `outside-service-area`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()


class NotFound(MainlineError):
    """There is no such thing, or it is not yours to see."""


class Conflict(MainlineError):
    """The thing's present state forbids this."""


class Invalid(MainlineError):
    """The input makes no sense as it stands."""


class Misasked(MainlineError):
    """The address asks for what the standard it follows does not know."""


class Forbidden(MainlineError):
    """Your roles do not include this."""


class Unauthenticated(MainlineError):
    """Log in first."""


class TooManyRequests(MainlineError):
    """Too many tries; wait and try again."""


class TooLarge(MainlineError):
    """The input is larger than this system takes."""


class Unavailable(MainlineError):
    """A part this needs does not answer now; nothing was changed, try again."""
