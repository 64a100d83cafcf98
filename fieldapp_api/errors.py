"""What the field app's contract refuses, each by its own name."""

from core.errors import Conflict, Forbidden


class NotACrew(Forbidden):
    """The user belongs to no crew; ask the administrator to name his crew."""


class PlaceUnknown(Conflict):
    """The crew's phone has not said yet where it is; switch its location on and try again."""
