"""What lies before the transfers: the queue in its order, and what each archive waits for. Only looks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from appliance import clock
from appliance.connections import Connections
from appliance.transfer.choosing import Chooser, Wait
from appliance.transfer.lines import Lines
from mqtt.messages import Direction


class Outlook:
    """``lock`` is the engine's; ``spool_closed_until_s()`` is monotonic."""

    def __init__(
        self, lock: threading.Condition, chooser: Chooser, lines: Lines, connections: Connections, spool_closed_until_s: Callable[[], float]
    ) -> None:  # fmt: skip
        self._lock = lock
        self._chooser = chooser
        self._lines = lines
        self._connections = connections
        self._spool_closed_until_s = spool_closed_until_s

    def queue(self, direction: Direction, most: int | None = None) -> list[str]:
        """Archive ids with something pending, in order; the first ``most`` of them."""
        found: list[str] = []
        with self._lock:
            candidates = (self._chooser.up if direction is Direction.UP else self._chooser.down).candidates()
            while (most is None or len(found) < most) and (archive_id := next(candidates, None)) is not None:
                found.append(archive_id)
        return found

    def first_wait(self, archive_id: str) -> Wait | None:
        """The wait of one of its batches, if any."""
        with self._lock:
            return next((wait for job, wait in self._chooser.waits.items() if job.archive_id == archive_id), None)

    def waits(self, archive_id: str) -> dict[int | None, Wait]:
        """Of its batches (None: the manifest) that failed and wait for their next try."""
        with self._lock:
            return {job.index: wait for job, wait in self._chooser.waits.items() if job.archive_id == archive_id}

    def held_up(self, archive_id: str) -> tuple[str | None, datetime | None]:
        """Why the next batch that has to be fetched, for a restore or to be carried over, cannot be: reason and next try."""
        closed_until_s = self._spool_closed_until_s()
        if closed_until_s > clock.monotonic_s() and archive_id in self._chooser.carried:
            return "there is no room for batches on their way to another connection", clock.date_of(closed_until_s)
        source = self._chooser.awaited(archive_id)
        if source is None:
            return None, None
        reason, until, _ = self._lines.trouble(source, Direction.DOWN)
        connection = self._connections.get(source)
        if connection is None:
            return "what is missing is on no connection that is valid", None
        return (f"{connection.name}: {reason}" if reason else None), until
