"""The same line again and again is said a few times, then once an hour with its number: an outage of days must not fill a journal."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from appliance import clock
from appliance.pacing import Budget

_AT_ONCE, _THEN_EVERY_S = 5, 3600.0
_MOST = 500
_AS_THEY_ARE = frozenset({"audit", "script"})
"""What people and scripts did is told each time."""


@dataclass(slots=True)
class _Line:
    budget: Budget = field(default_factory=lambda: Budget(_AT_ONCE, 1 / _THEN_EVERY_S))
    left_out: int = 0


class Folding(logging.Filter):
    """For all handlers together: each record is judged once. Thread-safe."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: OrderedDict[tuple[str, int, str], _Line] = OrderedDict()
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name in _AS_THEY_ARE:
            return True
        judged = vars(record)
        if "is_said" not in judged:
            judged["is_said"] = self._is_said(record)
        return bool(judged["is_said"])

    def _is_said(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        what = repr(record.exc_info[1]) if record.exc_info else ""
        with self._lock:
            line = self._line((record.name, record.levelno, text + what))
            if not line.budget.spend(clock.monotonic_s()):
                line.left_out += 1
                return False
            left_out, line.left_out = line.left_out, 0
        if left_out:
            record.msg, record.args = f"{text} (and {left_out} times more since this was said last)", ()
        return True

    def _line(self, key: tuple[str, int, str]) -> _Line:
        line = self._lines.setdefault(key, _Line())
        self._lines.move_to_end(key)
        if len(self._lines) > _MOST:
            self._lines.popitem(last=False)
        return line
