"""The upload limit, shared by all slots, and the measuring of rates."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from appliance import clock
from appliance.errors import Stopped
from appliance.remotes.remote import PIECE_BYTES

_SAVED_UP_S = 0.25
_PIECES_PER_S = 8
_SMALLEST_PIECE_BYTES = 1024
_LOOK_S = 0.1
_WINDOW_S = 60


@dataclass(slots=True, eq=False)
class _Ticket:
    """One piece in the queue. ``paid``: it was taken from the balance; ``passed``: it was let through."""

    size_bytes: int
    paid: bool = False
    passed: bool = False


class Throttle:
    """Lets at most ``rate_bytes_per_s`` pass, 0 for no limit. Thread-safe; first come, first served.

    A piece passes when it has been earned. Over any 10 s no more passes than the rate, a quarter second's worth that may be
    saved up (a slot that waits for its disk is made up for) and one piece: together less than 5 % too much.
    """

    def __init__(self, rate_bytes_per_s: int) -> None:
        self._changed = threading.Condition()
        self._queue: deque[_Ticket] = deque()
        self._rate = rate_bytes_per_s
        self._balance = 0.0  # bytes; below 0 while the first in the queue waits for what it has taken
        self._at_s = clock.monotonic_s()

    @property
    def rate_bytes_per_s(self) -> int:
        return self._rate

    def set_rate(self, rate_bytes_per_s: int) -> None:
        """Obeyed at once, by those that wait already too."""
        with self._changed:
            self._earn()
            self._rate = rate_bytes_per_s
            self._changed.notify_all()

    def piece_bytes(self) -> int:
        """How much to take at once: an eighth of a second's worth, 1 KiB to PIECE_BYTES.

        Below 8 kB/s the smallest piece is more than that, and a window may hold up to one such piece too much.
        """
        if not self._rate:
            return PIECE_BYTES
        return min(PIECE_BYTES, max(_SMALLEST_PIECE_BYTES, self._rate // _PIECES_PER_S))

    def take(self, size_bytes: int, stop: Callable[[], bool]) -> None:
        """Wait until that many bytes may pass; 0 never waits. Raises Stopped soon after ``stop()`` is true, having taken nothing.

        ``stop`` is asked at least every tenth of a second, and at once after ``wake``; never while a lock is held.
        """
        _raise_if(stop)
        if size_bytes <= 0 or not (self._rate or self._queue):
            return
        ticket = _Ticket(size_bytes)
        with self._changed:
            self._queue.append(ticket)
        try:
            while not self._passes(ticket):
                _raise_if(stop)
        finally:
            self._leave(ticket)

    def wake(self) -> None:
        """Let all that wait ask their ``stop``."""
        with self._changed:
            self._changed.notify_all()

    def _passes(self, ticket: _Ticket) -> bool:
        """Waits a moment before it says no."""
        with self._changed:
            self._earn()
            if ticket is self._queue[0] and not ticket.paid:
                self._balance -= ticket.size_bytes
                ticket.paid = True
            ticket.passed = not self._rate or (ticket.paid and self._balance >= 0)
            if not ticket.passed:
                self._changed.wait(min(_LOOK_S, -self._balance / self._rate) if ticket.paid else _LOOK_S)
            return ticket.passed

    def _leave(self, ticket: _Ticket) -> None:
        with self._changed:
            self._queue.remove(ticket)
            if ticket.paid and not ticket.passed:
                self._balance += ticket.size_bytes
            self._changed.notify_all()

    def _earn(self) -> None:
        now = clock.monotonic_s()
        earned = (now - self._at_s) * self._rate
        self._balance = min(self._balance + earned, self._rate * _SAVED_UP_S) if self._rate else 0.0
        self._at_s = now


def _raise_if(stop: Callable[[], bool]) -> None:
    if stop():
        raise Stopped("the transfer was told to stop; it goes on later where it was")


class RateMeter:
    """Bytes per second over the last minute, counted in seconds. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: deque[list[int]] = deque()  # [second, bytes], oldest first
        self._since_s = clock.monotonic_s()

    def add(self, size_bytes: int) -> None:
        now = clock.monotonic_s()
        with self._lock:
            if not self._seconds or self._seconds[-1][0] != int(now):
                self._forget(now)
                if not self._seconds:
                    self._since_s = now
                self._seconds.append([int(now), 0])
            self._seconds[-1][1] += size_bytes

    def bytes_per_s(self) -> float:
        """The mean since the first byte, of at most the last 60 s and at least 1 s; 0.0 when nothing moved for 60 s."""
        now = clock.monotonic_s()
        with self._lock:
            self._forget(now)
            moved = sum(size_bytes for _, size_bytes in self._seconds)
            return moved / min(float(_WINDOW_S), max(1.0, now - self._since_s))

    def measured_s(self) -> float:
        """Over how long ``bytes_per_s`` is the mean; 0.0 where nothing moved for 60 s."""
        now = clock.monotonic_s()
        with self._lock:
            self._forget(now)
            return min(float(_WINDOW_S), now - self._since_s) if self._seconds else 0.0

    def _forget(self, now_s: float) -> None:
        while self._seconds and self._seconds[0][0] <= now_s - _WINDOW_S:
            self._seconds.popleft()
