"""How many downloads run at once: enough for a household, so few that memory and pages are safe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

OF_ALL, OF_ONE = 32, 8
_LARGE, _SMALL = 1 << 20, 1 << 18
_FEW = 4


class NoPlace(Exception):
    """Others are to end first."""


class Places:
    """On the event loop only."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, name: str) -> Iterator[int]:
        """A place for that person. Yields how many bytes a piece may have: large ones are fast, many large ones are much memory.

        Raises NoPlace.
        """
        if self._taken.total() >= OF_ALL or self._taken[name] >= OF_ONE:
            raise NoPlace
        self._taken[name] += 1
        try:
            yield _LARGE if self._taken.total() <= _FEW else _SMALL
        finally:
            self._taken[name] -= 1
