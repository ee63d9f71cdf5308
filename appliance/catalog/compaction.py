"""When a new snapshot is worth its writing, and the thread that writes it beside everything else."""

from __future__ import annotations

import logging
import re
import threading
from pathlib import Path

from appliance import durable
from appliance.catalog.snapshot import write_snapshot
from appliance.catalog.tables import Tables
from appliance.errors import Stopped

log = logging.getLogger("catalog")
_MIN_BYTES = 1 << 20
_MIN_GAP_BYTES = 64 * 1024
_BREATH_S = 0.001
_NAME = re.compile(r"(journal|snapshot)-([0-9]+)")


class Compaction:
    """At most one snapshot is written at a time. Thread-safe; the caller rotates the journal before each ``start``."""

    def __init__(self, folder: Path, snapshot_bytes: int, journal_bytes: dict[int, int]) -> None:
        self._folder = folder
        self._snapshot_bytes = snapshot_bytes
        self._journal_bytes = dict(journal_bytes)
        self._not_before_bytes = 0
        self._wanted = False
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.error: OSError | None = None
        """Why the last snapshot could not be written; None after one that was."""

    def grew(self, generation: int, size_bytes: int) -> None:
        """That journal has this size now."""
        with self._lock:
            self._journal_bytes[generation] = size_bytes

    def want(self) -> None:
        """Make one as soon as possible, whatever its worth."""
        self._wanted = True

    def is_due(self) -> bool:
        """The journals since the last snapshot are larger than it (and than 1 MiB), and none is being written."""
        if self._thread is not None and self._thread.is_alive():
            return False
        with self._lock:
            return self._wanted or self._since_bytes() > max(self._limit_bytes(), self._not_before_bytes)

    def _since_bytes(self) -> int:
        return sum(self._journal_bytes.values())

    def _limit_bytes(self) -> int:
        return max(_MIN_BYTES, self._snapshot_bytes)

    def put_off(self, error: OSError) -> None:
        """It could not be done now; changes go on into the journal, and it is tried again when that has grown by an eighth."""
        log.warning("The catalog could not be compacted and will be later: %s", error)
        with self._lock:
            self.error = error
            self._wanted = False
            self._not_before_bytes = self._since_bytes() + max(_MIN_GAP_BYTES, self._limit_bytes() // 8)

    def start(self, generation: int, tables: Tables) -> None:
        """Write the snapshot of that generation: the state with which its journal began. ``tables`` must not change."""
        self._wanted = False
        self._thread = threading.Thread(target=self._run, args=(generation, tables), name="catalog-compaction", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float | None = None) -> None:
        if self._thread is not None:
            self._thread.join(timeout_s)

    def stop(self) -> None:
        """The snapshot that is being written is given up; the journals hold everything."""
        self._stop.set()

    def _run(self, generation: int, tables: Tables) -> None:
        try:
            size_bytes = write_snapshot(self._folder, generation, tables, self._pause)
        except Stopped:
            return
        except OSError as error:
            self.put_off(error)
            return
        self._done(generation, size_bytes)
        remove_old(self._folder, generation)

    def _pause(self) -> None:
        # Let a change have the interpreter between two slices; it would wait for its turn at every system call.
        if self._stop.wait(_BREATH_S):
            raise Stopped("the catalog is being closed")

    def _done(self, generation: int, size_bytes: int) -> None:
        with self._lock:
            self.error = None
            self._not_before_bytes = 0
            self._snapshot_bytes = size_bytes
            self._journal_bytes = {each: size for each, size in self._journal_bytes.items() if each >= generation}


def remove_old(folder: Path, generation: int) -> None:
    """Keep the snapshot of this generation (which must be synced), the one before it, and the journals from there on."""
    try:
        for path in _older(folder, generation):
            durable.unlink(path, missing_ok=True)
        durable.sync_dir(folder)
    except OSError as error:
        log.warning("Old generations of the catalog could not be removed and will be later: %s", error)


def _older(folder: Path, generation: int) -> list[Path]:
    files = [(match[1], int(match[2]), path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    before = max((number for kind, number, _ in files if kind == "snapshot" and number < generation), default=0)
    return [path for _, number, path in files if number < before]
