"""Which lines of the log somebody wants to see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from appliance import clock
from mqtt.messages import LogLine

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, kw_only=True, slots=True)
class LogFilter:
    """``text`` in the message, whatever the case; ``since_at`` and ``until_at`` are both within."""

    level: str = "info"
    text: str | None = None
    source: str | None = None
    archive_id: str | None = None
    since_at: datetime | None = None
    until_at: datetime | None = None

    def matches(self, line: LogLine) -> bool:
        return (
            LEVELS.index(line.level) >= LEVELS.index(self.level)
            and self.archive_id in {None, line.archive_id}
            and self.source in {None, line.source}
            and (self.since_at is None or line.at >= self.since_at)
            and (self.until_at is None or line.at <= self.until_at)
            and (not self.text or self.text.casefold() in line.message.casefold())
        )

    def raw(self) -> Callable[[bytes], bool]:
        """A quick look at a line in a file: False where it cannot match. Reading all of them as JSON would take a second."""
        lower = [f'"level":"{name}"'.encode() for name in LEVELS[: LEVELS.index(self.level)]]
        archive = self.archive_id.encode() if self.archive_id else b""
        day = clock.iso(self.since_at)[:10].encode() if self.since_at and self.since_at > _EARLIEST else b""

        def may_match(line: bytes) -> bool:
            at = line.find(b'"at":"')
            return archive in line and (not day or line[at + 6 : at + 16] >= day) and not any(level in line[:160] for level in lower)

        return may_match


def page(lines: Iterable[LogLine], wanted: LogFilter, *, offset: int, limit: int, most_bytes: int) -> tuple[list[LogLine], bool]:
    """``lines`` come newest first. The newest that match but for ``offset`` of them, oldest first; and whether there are more."""
    found: list[LogLine] = []
    size_bytes = 0
    for line in lines:
        if not wanted.matches(line):
            continue
        if offset:
            offset -= 1
            continue
        size_bytes += len(line.message.encode()) + 200
        if len(found) == limit or (found and size_bytes > most_bytes):
            return found[::-1], True
        found.append(line)
    return found[::-1], False
