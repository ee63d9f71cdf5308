"""The state of the way to each connection: open, or closed until a time and for a reason, tried by one slot at a time."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance import clock
from appliance.errors import ApplianceError, RemoteAway, RemoteBusy
from appliance.transfer.retry import Backoff

_FOLDER_CAP_S = 15.0


@dataclass(slots=True)
class Line:
    """``closed_until_s`` is monotonic; ``told_to_wait`` marks a Retry-After, which no button ends."""

    attempts: int = 0
    closed_until_s: float = 0.0
    reason: str | None = None
    told_to_wait: bool = False
    trying: bool = False


class Lines:
    """Thread-safe. ``on_change(connection_id)`` is called when a line closes or opens."""

    def __init__(self, cap_s: Callable[[], float], on_change: Callable[[str], None]) -> None:
        self._lines: dict[str, Line] = {}
        self._lock = threading.Lock()
        self._cap_s = cap_s
        self._on_change = on_change
        self._random = random.Random()  # noqa: S311 (jitter is no secret)

    def enter(self, connection_id: str) -> bool:
        """May a slot use the line now? After a failure only one may, until it has proved itself."""
        with self._lock:
            line = self._lines.setdefault(connection_id, Line())
            if line.closed_until_s > clock.monotonic_s() or (line.attempts and line.trying):
                return False
            line.trying = True
            return True

    def leave(self, connection_id: str) -> None:
        """The slot ended without learning anything (it was stopped)."""
        with self._lock:
            self._lines[connection_id].trying = False

    def succeeded(self, connection_id: str) -> None:
        with self._lock:
            was_closed = self._lines.setdefault(connection_id, Line()).attempts > 0
            self._lines[connection_id] = Line()
        if was_closed:
            self._on_change(connection_id)

    def failed(self, connection_id: str, error: ApplianceError, *, is_folder: bool) -> None:
        """Close the line: full jitter, a Retry-After kept; a folder's disk is looked for at least every 15 s."""
        told_s = error.retry_after_s if isinstance(error, RemoteBusy) else None
        cap_s = min(self._cap_s(), _FOLDER_CAP_S) if is_folder or isinstance(error, RemoteAway) else self._cap_s()
        with self._lock:
            line = self._lines.setdefault(connection_id, Line())
            delay_s = Backoff(cap_s=cap_s).delay_s(line.attempts, self._random, told_s)
            line.attempts += 1
            line.closed_until_s = clock.monotonic_s() + delay_s
            line.reason, line.told_to_wait, line.trying = str(error), told_s is not None, False
        self._on_change(connection_id)

    def retry_now(self) -> None:
        """End every back-off, but not a Retry-After."""
        with self._lock:
            for line in self._lines.values():
                if not line.told_to_wait:
                    line.closed_until_s = 0.0

    def openings_s(self) -> list[float]:
        """When (monotonic) each closed line may be tried; some may be past."""
        with self._lock:
            return [line.closed_until_s for line in self._lines.values() if line.attempts and not line.trying]

    def trouble(self, connection_id: str) -> tuple[str | None, datetime | None]:
        """Why the line is closed, and the time of the next try."""
        with self._lock:
            line = self._lines.get(connection_id)
            if line is None or not line.attempts:
                return None, None
            rest_s = max(0.0, line.closed_until_s - clock.monotonic_s())
        return line.reason, clock.now() + timedelta(seconds=rest_s)

    def unreachable(self) -> frozenset[str]:
        with self._lock:
            return frozenset(key for key, line in self._lines.items() if line.attempts)
