"""What waits to be published: bounded while the broker is away, in order, nothing twice."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

LIMIT_AWAY = 1_000
LIMIT_CONNECTED = 10_000
LIMIT_BYTES = 16 * 1024 * 1024
"""Of messages that are not retained. Retained ones are bounded by the number of their topics."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message for the broker."""

    topic: str
    payload: bytes
    retain: bool
    qos: int = 1


class Outbox:
    """Messages in the order of their last ``put``.

    Of a retained topic only the last value is kept. Of the others the newest are: at most LIMIT_AWAY while the broker is away,
    LIMIT_CONNECTED while it is slow, and LIMIT_BYTES in either case; ``dropped`` counts what had to go. Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: OrderedDict[int, Outgoing] = OrderedDict()
        self._retained: dict[str, int] = {}
        self._passing: OrderedDict[int, int] = OrderedDict()
        self._passing_bytes = 0
        self._next = 0
        self._limit = LIMIT_AWAY
        self.dropped = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._waiting)

    def put(self, message: Outgoing) -> None:
        """Never blocks. What is dropped for it is the oldest that is not retained."""
        with self._lock:
            self._add(message)
            self._trim()

    def take(self, only: frozenset[str] | None = None) -> Outgoing | None:
        """The oldest, of these topics where they are given; None where nothing waits."""
        with self._lock:
            keys = (key for key, message in self._waiting.items() if only is None or message.topic in only)
            key = next(keys, None)
            return None if key is None else self._remove(key)

    def away(self, unacknowledged: list[Outgoing]) -> None:
        """The connection is gone: what it did not acknowledge goes back to the front, unless a newer value of its topic waits."""
        with self._lock:
            later = [self._remove(key) for key in list(self._waiting)]
            for message in [*unacknowledged, *later]:
                self._add(message)
            self._limit = LIMIT_AWAY
            self._trim()

    def connected(self) -> int:
        """The broker is back; answers how many messages were dropped meanwhile."""
        with self._lock:
            self._limit = LIMIT_CONNECTED
            dropped, self.dropped = self.dropped, 0
            return dropped

    def _add(self, message: Outgoing) -> None:
        key = self._next = self._next + 1
        if message.retain:
            older = self._retained.get(message.topic)
            if older is not None:
                self._remove(older)
            self._retained[message.topic] = key
        else:
            self._passing[key] = len(message.payload)
            self._passing_bytes += len(message.payload)
        self._waiting[key] = message

    def _remove(self, key: int) -> Outgoing:
        message = self._waiting.pop(key)
        if message.retain:
            del self._retained[message.topic]
        else:
            self._passing_bytes -= self._passing.pop(key)
        return message

    def _trim(self) -> None:
        while len(self._passing) > self._limit or self._passing_bytes > LIMIT_BYTES:
            self._remove(next(iter(self._passing)))
            self.dropped += 1
