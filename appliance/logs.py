"""The appliance's log: standard error for the system's journal, memory and files for ``log/query``, a message each."""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance.log_files import LogFiles, line_of
from appliance.log_folding import Folding
from appliance.log_query import LogFilter, page
from mqtt.messages import LogLine
from mqtt.text import harmless

_KEPT = 2_000
_ANSWER_BYTES = 200_000
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
    """The last 2,000 lines, and with ``keep_in`` those that are worth it in files. ``listener(line)`` is called for each; it must only
    enqueue, and must not log.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kept: deque[tuple[int, LogLine]] = deque(maxlen=_KEPT)
        self._kept_lock = threading.Lock()
        self._number = 0
        self._files: LogFiles | None = None
        self.listener: Callable[[LogLine], None] | None = None

    def keep_in(self, folder: Path | None) -> None:
        """From here on, also in files there; None: not any more. What was said before goes there too."""
        former, self._files = self._files, None
        if former is not None:
            former.stop()
        if folder is not None:
            files = LogFiles(folder)
            with self._kept_lock:
                for number, line in self._kept if former is None else ():
                    _file(files, number, line)
                self._files = files

    def emit(self, record: logging.LogRecord) -> None:
        line = LogLine.model_validate(
            {
                "at": datetime.fromtimestamp(record.created, UTC), "level": _name(record.levelno), "source": record.name,
                "message": self.format(record), "archive_id": getattr(record, "archive_id", None),
            }
        )  # fmt: skip
        with self._kept_lock:
            self._number += 1
            self._kept.append((self._number, line))
            if self._files is not None:
                _file(self._files, self._number, line)
        if self.listener is not None:
            self.listener(line)

    def query(self, wanted: LogFilter, *, offset: int = 0, limit: int = 100) -> tuple[list[LogLine], bool]:
        """The newest lines that match but for ``offset`` of them, oldest first, as many as fit into a message; and whether more do."""
        return page(self._newest_first(wanted), wanted, offset=offset, limit=limit, most_bytes=_ANSWER_BYTES)

    def _newest_first(self, wanted: LogFilter) -> Iterator[LogLine]:
        with self._kept_lock:
            kept, files = list(self._kept), self._files
        yield from (line for _, line in reversed(kept))
        oldest, may_match = kept[0][0] if kept else sys.maxsize, wanted.raw()
        for raw in files.newest_first() if files else ():
            found = line_of(raw) if may_match(raw) else None
            if found and files and (found[0] != files.run or found[1] < oldest):  # else it was in memory
                yield found[2]


def _file(files: LogFiles, number: int, line: LogLine) -> None:
    if line.level != "debug":
        files.add(number, line)


def _name(level: int) -> str:
    return next((name for name, least in reversed(_LEVELS.items()) if level >= least), "debug")


def start_logging(level: str) -> RecentLines:
    """Once, by the process."""
    shown = logging.StreamHandler(sys.stderr)
    shown.setFormatter(Harmless("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    recent = RecentLines()
    recent.setFormatter(Harmless("%(message)s"))
    folding = Folding()
    for handler in (shown, recent):
        handler.addFilter(folding)
    logging.basicConfig(level=_LEVELS[level], handlers=[shown, recent])
    return recent
