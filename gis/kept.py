"""A value made once for each revision of what is stored, and shared by the threads of a process."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """One value, made by one thread at a time, kept while its revision stays the same."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: tuple[Hashable, T] | None = None

    def get(self, revision: Hashable, make: Callable[[], T]) -> T:
        """Give the value of a revision, making it when another one is kept."""
        kept = self._kept
        if kept is not None and kept[0] == revision:
            return kept[1]
        with self._lock:
            if self._kept is None or self._kept[0] != revision:
                self._kept = (revision, make())
            return self._kept[1]
