"""The one place that asks for the time. Waits use the monotonic clock, records UTC."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


def now() -> datetime:
    """Wall clock, UTC, with the zone. Not to be used for waiting: it may jump."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Seconds that only ever go forward; no relation to the date."""
    return time.monotonic()


def boot_s() -> float:
    """Like ``monotonic_s``, but goes on while the computer sleeps: what the date moves against this, somebody has set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class _Offset:
    """Between the two clocks. Kept until they have drifted a second apart, so that a time that is told twice is the same twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset_s = 0.0

    def date_of(self, at_s: float) -> datetime:
        offset_s = now().timestamp() - monotonic_s()
        with self._lock:
            if abs(offset_s - self._offset_s) > 1:
                self._offset_s = offset_s
            return datetime.fromtimestamp(self._offset_s + at_s, UTC).replace(microsecond=0)


_offset = _Offset()


def date_of(at_s: float) -> datetime:
    """The date of a monotonic time, to the second; the same again and again, until somebody sets the clock."""
    return _offset.date_of(at_s)


def iso(at: datetime) -> str:
    """As in messages and catalog: 2026-11-22T10:00:00.123456Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def from_iso(text: str) -> datetime:
    """The opposite of iso. Raises ValueError."""
    return datetime.fromisoformat(text)
