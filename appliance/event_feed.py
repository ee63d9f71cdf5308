"""Events on their way out: what happens to archives and problems at once, what happens to batches once a second, counted."""

from __future__ import annotations

import threading
from collections.abc import Callable

from appliance import clock
from mqtt.messages import Event

_BETWEEN_BATCHES_S = 1.0
_TELLS = {"archive_remote": "batch_stored", "archive_restored": "batch_restored"}
"""The end of an archive's way tells of its last batches too."""

Key = tuple[str, str | None, str | None]


class EventFeed:
    """Thread-safe. An archive's events keep their order.

    Nothing is lost: ``batches`` of all events of an archive come to what was moved.
    """

    def __init__(self, publish: Callable[[Event], None]) -> None:
        self._publish = publish
        self._lock = threading.Lock()
        self._waiting: dict[Key, Event] = {}
        self._told_s = -_BETWEEN_BATCHES_S

    def add(self, event: Event) -> bool:
        """True where it waits for the next ``flush``."""
        with self._lock:
            if event.event in _TELLS.values():
                return self._add_batch(event)
            self._publish(self._with_batches(event))
            return False

    def flush(self) -> float | None:
        """Tell of the batches that have waited longest, if it is time; when to come again (monotonic), None: nothing waits."""
        with self._lock:
            now_s = clock.monotonic_s()
            if self._waiting and now_s >= self._told_s + _BETWEEN_BATCHES_S:
                self._publish(self._waiting.pop(next(iter(self._waiting))))
                self._told_s = now_s
            return self._told_s + _BETWEEN_BATCHES_S if self._waiting else None

    def flush_all(self) -> None:
        with self._lock:
            for key in list(self._waiting):
                self._publish(self._waiting.pop(key))

    def _add_batch(self, event: Event) -> bool:
        key = (event.event, event.archive_id, event.connection_id)
        before, now_s = self._waiting.get(key), clock.monotonic_s()
        if before is None and not self._waiting and now_s >= self._told_s + _BETWEEN_BATCHES_S:
            self._told_s = now_s
            self._publish(event.model_copy(update={"batches": 1}))
            return False
        self._waiting[key] = event.model_copy(update={"batches": 1 + (before.batches or 0 if before else 0)})
        return True

    def _with_batches(self, event: Event) -> Event:
        """What waits of the same archive goes before it, but what it tells itself."""
        told = None
        for key in [key for key in self._waiting if key[1] == event.archive_id and event.archive_id]:
            waiting = self._waiting.pop(key)
            if key[0] == _TELLS.get(event.event):
                told = (told or 0) + (waiting.batches or 0)
            else:
                self._publish(waiting)
        return event.model_copy(update={"batches": told})
