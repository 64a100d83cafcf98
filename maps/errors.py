"""What maps refuses, each by its own name."""

from core.errors import NotFound, Unavailable


class NoSuchTile(NotFound):
    """There is no tile with these numbers: x and y must lie in the square of their zoom."""


class NoCrewRoute(NotFound):
    """The crew is not on its way to anything you may see."""


class LiveNotRunning(Unavailable):
    """The live stream does not run in this process; read the overview instead."""


class LeafletNotBuilt(Unavailable):
    """The map library for incident reports is missing from the built pages; build them, then open the report again."""
