"""The largest of many values that come and go."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from heapq import heappop, heappush


@dataclass(slots=True)
class Largest:
    """Counts values in and out; both, and asking for the largest, cost O(log n). Thread-safe."""

    _counts: dict[float, int] = field(default_factory=dict)
    _heap: list[float] = field(default_factory=list)  # negative; each key of the counts once. What is gone leaves when it has come up
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, value: float, times: int) -> None:
        """``times`` below 0 takes it out again."""
        with self._lock:
            if value not in self._counts:
                heappush(self._heap, -value)
            self._counts[value] = self._counts.get(value, 0) + times

    def get(self) -> float | None:
        with self._lock:
            while self._heap and not self._counts[-self._heap[0]]:
                del self._counts[-heappop(self._heap)]
            return -self._heap[0] if self._heap else None
