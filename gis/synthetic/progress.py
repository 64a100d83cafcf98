"""How long work says where it is."""

from collections.abc import Callable

Progress = Callable[[str], None]
"""Takes one line for each step."""


def silent(_: str) -> None:
    """Report to nobody."""
