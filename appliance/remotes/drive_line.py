"""How much one request carries: as much as takes about ten seconds on this line, as the last requests found it."""

from __future__ import annotations

import threading
from collections import deque

CHUNK_STEP_BYTES = 256 * 1024
"""Google takes chunks of multiples of this, but for the last one (Drive API, "Upload file data", resumable upload)."""

_REQUEST_S = 10.0
_FIRST_CHUNK_BYTES = 16 * 1024 * 1024
_REMEMBERED = 8


class Line:
    """The line to one remote. Thread-safe: each slot measures its share of it, and all learn from each other.

    A request that is too large loses time where it is cut, one that is too small spends it on waiting for answers.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._took: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED)
        self._at_most = _FIRST_CHUNK_BYTES

    def chunk_bytes(self, left_bytes: int) -> int:
        """Of the next request: all that is left, or a multiple of 256 KiB, so that the requests to come are of about one size."""
        with self._lock:
            steps = max(1, self._wanted_bytes() // CHUNK_STEP_BYTES)
        requests = -(-left_bytes // (steps * CHUNK_STEP_BYTES)) or 1
        return min(left_bytes, -(-left_bytes // requests // CHUNK_STEP_BYTES) * CHUNK_STEP_BYTES)

    def _wanted_bytes(self) -> int:
        seconds = sum(seconds for _, seconds in self._took)
        if not seconds:
            return self._at_most
        return min(self._at_most, int(sum(size_bytes for size_bytes, _ in self._took) / seconds * _REQUEST_S))

    def took(self, size_bytes: int, seconds: float) -> None:
        """A chunk arrived as a whole. What is smaller than a step says more of the answer than of the line, and is left out."""
        if size_bytes < CHUNK_STEP_BYTES:
            return
        with self._lock:
            self._took.append((size_bytes, seconds))
            self._at_most = max(self._at_most, 2 * size_bytes)

    def failed(self, size_bytes: int) -> None:
        """A chunk of that size was cut or refused: the next is half as large, and grows again with those that arrive."""
        with self._lock:
            self._at_most = max(CHUNK_STEP_BYTES, min(self._at_most, size_bytes) // 2)
