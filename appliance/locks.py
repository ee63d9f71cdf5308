"""One lock an archive: many transfers and checks may share it; a release or a removal has it alone."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator

from appliance import clock
from appliance.errors import Conflict


class ArchiveLocks:
    """Shared and exclusive, by archive id. Whoever waits for the exclusive side keeps new sharers out, so it is not starved."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sharing: Counter[str] = Counter()
        self._alone: set[str] = set()
        self._wanted: Counter[str] = Counter()

    def is_wanted(self, archive_id: str) -> bool:
        """Somebody waits for, or has, the archive alone: sharers should end soon."""
        # Without the lock, since each piece that moves asks; in this order, since who waits is noted as alone before as waiting no more.
        return archive_id in self._wanted or archive_id in self._alone

    @contextlib.contextmanager
    def share(self, archive_id: str) -> Iterator[bool]:
        """Yields False at once, without the lock, where the archive is had or wanted alone."""
        with self._changed:
            free = archive_id not in self._alone and archive_id not in self._wanted
            if free:
                self._sharing[archive_id] += 1
        try:
            yield free
        finally:
            if free:
                with self._changed:
                    self._sharing[archive_id] -= 1
                    if not self._sharing[archive_id]:
                        del self._sharing[archive_id]
                    self._changed.notify_all()

    @contextlib.contextmanager
    def alone(self, archive_id: str, timeout_s: float = 30.0) -> Iterator[None]:
        """Waits for the sharers to end. Raises Conflict after timeout_s: something long holds the archive."""
        deadline = clock.monotonic_s() + timeout_s
        with self._changed:
            self._wanted[archive_id] += 1
            try:
                while archive_id in self._alone or self._sharing[archive_id]:
                    if not self._changed.wait(max(0.0, deadline - clock.monotonic_s())):
                        raise Conflict(f"archive {archive_id} is busy (transfer or check); try again in a moment")
                self._alone.add(archive_id)
            finally:
                self._wanted[archive_id] -= 1
                if not self._wanted[archive_id]:
                    del self._wanted[archive_id]
        try:
            yield
        finally:
            with self._changed:
                self._alone.discard(archive_id)
                self._changed.notify_all()
