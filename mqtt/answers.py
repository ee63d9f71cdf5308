"""The answers that were given, so that a repeated transaction gets the first one and is not executed again."""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict
from enum import Enum

LIMIT_ANSWERS = 1_000
LIMIT_BYTES = 4 * 1024 * 1024
_FASTEST = 1

Key = tuple[str, str]
"""Login and transaction."""


class Place(Enum):
    NEW = "new"
    EXECUTING = "executing"
    ANSWERED = "answered"


class Answers:
    """The last ones: at most LIMIT_ANSWERS, and LIMIT_BYTES in all; those still executing besides. Thread-safe.

    They are packed: a list of archives takes an eighth of its bytes, and hardly one is ever asked for again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._executing: set[Key] = set()
        self._given: OrderedDict[Key, bytes] = OrderedDict()
        self._bytes = 0

    def claim(self, key: Key) -> tuple[Place, bytes | None]:
        """NEW: the caller executes it and calls ``keep``, nobody else does. ANSWERED: with the answer."""
        with self._lock:
            if key in self._executing:
                return Place.EXECUTING, None
            given = self._given.get(key)
            if given is not None:
                self._given.move_to_end(key)
                return Place.ANSWERED, zlib.decompress(given)
            self._executing.add(key)
            return Place.NEW, None

    def keep(self, key: Key, answer: bytes) -> None:
        """The execution that was claimed has ended."""
        packed = zlib.compress(answer, _FASTEST)
        with self._lock:
            self._executing.discard(key)
            self._given[key] = packed
            self._bytes += len(packed)
            while len(self._given) > LIMIT_ANSWERS or self._bytes > LIMIT_BYTES:
                _, oldest = self._given.popitem(last=False)
                self._bytes -= len(oldest)
