"""Lines of the log on their way out: a few at once, never a flood."""

from __future__ import annotations

import threading
from collections.abc import Callable

from appliance import clock
from mqtt.messages import LogLine

_WINDOW_S, _LINES = 10.0, 19


class LogFeed:
    """Thread-safe. With the line that says how many were left out, at most 20 in 10 s; ``log/query`` has them all."""

    def __init__(self, publish: Callable[[LogLine], None]) -> None:
        self._publish = publish
        self._lock = threading.Lock()
        self._since_s = -_WINDOW_S
        self._told = self._left_out = 0

    def add(self, line: LogLine) -> bool:
        """True where it, or others before it, were left out: ``flush`` has something to say."""
        with self._lock:
            self._next_window()
            if self._told < _LINES:
                self._told += 1
                self._publish(line)
            else:
                self._left_out += 1
            return self._left_out > 0

    def flush(self) -> float | None:
        """Say what was left out, if it is time; when to come again (monotonic), None: nothing was."""
        with self._lock:
            self._next_window()
            return self._since_s + _WINDOW_S if self._left_out else None

    def _next_window(self) -> None:
        now_s = clock.monotonic_s()
        if now_s < self._since_s + _WINDOW_S:
            return
        if self._left_out:
            words = f"{self._left_out} lines were left out here; `pyarchive log` shows them"
            self._publish(LogLine(at=clock.now(), level="warning", source="log", message=words))
        self._since_s, self._told, self._left_out = now_s, 0, 0
