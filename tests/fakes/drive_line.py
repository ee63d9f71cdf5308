"""The line between the fake Drive and its clients: its rate in each direction, its latency, and its standing still."""

from __future__ import annotations

import threading
import time

_CREDIT_S = 0.005
"""A sleep that was a little too long is made up for by as much; more would be a burst after idling."""
_PIECE_S = 0.01
_LEAST_PIECE_BYTES = 1024


class Direction:
    """One direction, shared by all connections. Without a rate it costs nothing."""

    def __init__(self) -> None:
        self.bytes_per_s: float | None = None
        self._lock = threading.Lock()
        self._free_s = 0.0

    def piece_bytes(self, wanted_bytes: int) -> int:
        """How much to move before the next call of ``passed``."""
        if self.bytes_per_s is None:
            return wanted_bytes
        return min(wanted_bytes, max(_LEAST_PIECE_BYTES, int(self.bytes_per_s * _PIECE_S)))

    def passed(self, size_bytes: int) -> None:
        """Returns when the line is through with these bytes."""
        rate = self.bytes_per_s
        if rate is None:
            return
        with self._lock:
            self._free_s = max(self._free_s, time.monotonic() - _CREDIT_S) + size_bytes / rate
            wait_s = self._free_s - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)


class Line:
    """Both directions, a latency that every answer waits, and a freeze."""

    def __init__(self) -> None:
        self.up = Direction()
        self.down = Direction()
        self.latency_s = 0.0
        self.is_free = True  # neither shaped nor frozen: nobody has to ask
        self._flowing = threading.Event()
        self._flowing.set()

    def shape(self, up_bytes_per_s: float | None, down_bytes_per_s: float | None, latency_s: float) -> None:
        self.up.bytes_per_s, self.down.bytes_per_s, self.latency_s = up_bytes_per_s, down_bytes_per_s, latency_s
        self._judge()

    def _judge(self) -> None:
        self.is_free = self._flowing.is_set() and not self.is_shaped

    @property
    def is_shaped(self) -> bool:
        return self.up.bytes_per_s is not None or self.down.bytes_per_s is not None

    def freeze(self) -> None:
        self._flowing.clear()
        self._judge()

    def thaw(self) -> None:
        self._flowing.set()
        self._judge()

    def wait_until_thawed(self) -> None:
        self._flowing.wait()
