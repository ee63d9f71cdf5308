"""Lines of a run that come as they are written, joined to those that were written before: no gaps, no doubles."""

from __future__ import annotations

from typing import Any

Line = dict[str, Any]


class Joining:
    """``next`` is the sequence number that is due.

    ``skipped``: so many were left out so far, as they are not kept, or too many to be read.
    """

    def __init__(self) -> None:
        self.next = 0
        self.skipped = 0

    def live(self, lines: list[Line]) -> list[Line] | None:
        """Those that go on where the last one was; None where some are missing in between, which have to be asked for."""
        fresh = [line for line in lines if line["sequence"] >= self.next]
        if not fresh:
            return []
        if fresh[0]["sequence"] != self.next or fresh[-1]["sequence"] != self.next + len(fresh) - 1:
            return None
        self.next += len(fresh)
        return fresh

    def asked(self, lines: list[Line], first_kept: int) -> list[Line]:
        """Of an answer to what was missing; it may begin later than that."""
        fresh = [line for line in lines if line["sequence"] >= self.next]
        begins = max(self.next, fresh[0]["sequence"] if fresh else first_kept)
        self.skipped += begins - self.next
        self.next = fresh[-1]["sequence"] + 1 if fresh else begins
        return fresh
