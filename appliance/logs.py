"""The appliance's log: standard error for the system's journal, the last lines in memory for ``log/query``, a message each."""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from mqtt.messages import LogLine
from mqtt.text import harmless

_KEPT = 10_000
_LONGEST = 4_000
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Harmless(logging.Formatter):
    """One line a record, whatever foreign text is in it; what follows an error is indented, so that it cannot be taken for a line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        text = super().formatMessage(record)
        more = f"… ({len(text):,} characters)" if len(text) > _LONGEST else ""
        return harmless(text[:_LONGEST]) + more

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name is logging's
        lines = super().formatException(ei).split("\n")
        return "\n".join(f"  {harmless(line[:_LONGEST])}" for line in lines)


class RecentLines(logging.Handler):
    """The last 10,000 lines. ``listener(line)`` is called for each; it must only enqueue, and must not log."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: deque[tuple[int, LogLine]] = deque(maxlen=_KEPT)
        self._kept_lock = threading.Lock()
        self.listener: Callable[[LogLine], None] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        line = LogLine.model_validate(
            {
                "at": datetime.fromtimestamp(record.created, UTC), "level": _name(record.levelno), "source": record.name,
                "message": self.format(record), "archive_id": getattr(record, "archive_id", None),
            }
        )  # fmt: skip
        with self._kept_lock:
            self._kept.append((record.levelno, line))
        if self.listener is not None:
            self.listener(line)

    def query(self, *, limit: int, level: str, text: str | None, archive_id: str | None) -> list[LogLine]:
        """The newest lines that match, oldest first."""
        with self._kept_lock:
            kept = list(self._kept)
        wanted = (text or "").casefold()
        found = [
            line
            for number, line in kept
            if number >= _LEVELS[level] and wanted in line.message.casefold() and archive_id in (None, line.archive_id)
        ]
        return found[-limit:]


def _name(level: int) -> str:
    return next((name for name, least in reversed(_LEVELS.items()) if level >= least), "debug")


def start_logging(level: str) -> RecentLines:
    """Once, by the process."""
    shown = logging.StreamHandler(sys.stderr)
    shown.setFormatter(Harmless("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    recent = RecentLines()
    recent.setFormatter(Harmless("%(message)s"))
    logging.basicConfig(level=_LEVELS[level], handlers=[shown, recent])
    return recent
