"""What tracker refuses, each by its own name."""

from core.errors import Conflict, Forbidden, Invalid, NotFound


class CrewWithoutDevice(NotFound):
    """No phone or terminal was ever registered for a crew with this id."""


class NoSuchDevice(NotFound):
    """There is no device of this name."""


class DeviceNameTaken(Conflict):
    """A device of this name speaks for another crew; choose another name."""


class BadDeviceName(Invalid):
    """A device's name is 1 to 40 letters, digits, dots, dashes or underscores; the broker's topics need it so."""


class TrailHidden(Forbidden):
    """Your role does not show where a crew has been."""


class TrailSpanTooLong(Invalid):
    """Ask for a shorter time, and for one that begins before it ends."""


class BadCursor(Invalid):
    """The cursor is not one this list gave; begin anew without it."""
