"""The log over restarts: four files of 4 MiB below DATA/log, written in blocks, so that an SD card hardly notices.

Nothing here is synced: a power cut takes the last minute, which the system's journal may still have. A full disk takes lines, too;
they are only read by people. A line is a JSON object; one that was torn is passed over.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from pydantic import ValidationError

from appliance import clock, durable
from appliance.durable import DurableFile
from mqtt.messages import LogLine

FILE_BYTES, FILES = 4 << 20, 4
_BLOCK_BYTES = 32 * 1024
_LATEST_S = 60.0
_MOST_PENDING_BYTES = 1 << 20
_READ_BYTES = 256 * 1024


class LogFiles:
    """Thread-safe. ``log`` is the newest file, then come ``log.1``, ``log.2``, …"""

    def __init__(self, folder: Path, *, file_bytes: int = FILE_BYTES) -> None:
        self.run = secrets.token_hex(4)
        self._folder = folder
        self._file_bytes = file_bytes
        self._pending = bytearray()
        self._due_s: float | None = None  # monotonic
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._thread.start()

    def add(self, number: int, line: LogLine) -> None:
        """Soon: with its block, after a minute, or at once where it is an error. ``number`` grows within a run of the process."""
        document = {"run": self.run, "n": number, **line.model_dump(mode="json", exclude_none=True)}
        with self._changed:
            if len(self._pending) > _MOST_PENDING_BYTES:  # the disk hangs
                return
            self._pending += json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
            is_urgent = line.level == "error" or len(self._pending) >= _BLOCK_BYTES
            due_s = clock.monotonic_s() + (0.0 if is_urgent else _LATEST_S)
            self._due_s = due_s if self._due_s is None else min(due_s, self._due_s)
            self._changed.notify()

    def stop(self, timeout_s: float = 1.0) -> None:
        """What waits is written."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def newest_first(self) -> Iterator[bytes]:
        """All lines, as they are in the files."""
        self.flush()
        for path in self._paths():
            with contextlib.suppress(OSError):  # renamed meanwhile
                yield from _backwards(path)

    def flush(self) -> None:
        with self._writing:  # and not the other lock: who logs must not wait for the disk
            with self._changed:
                pending, self._pending, self._due_s = bytes(self._pending), bytearray(), None
            if pending:
                with contextlib.suppress(OSError):  # a full disk is said elsewhere, and has no room for saying it here
                    self._append(pending)

    def _work(self) -> None:
        while not self._stopped:
            with self._changed:
                wait_s = None if self._due_s is None else self._due_s - clock.monotonic_s()
                if wait_s is None or wait_s > 0:
                    self._changed.wait(wait_s)
                    continue
            self.flush()
        self.flush()

    def _append(self, content: bytes) -> None:
        path = self._folder / "log"
        if path.exists() and path.stat().st_size >= self._file_bytes:
            self._rotate()
        with DurableFile.open(path) if path.exists() else DurableFile.create(path) as file:
            size = file.size_bytes()
            torn = size > 0 and os.pread(file.fd, 1, size - 1) != b"\n"
            file.write_at(size, b"\n" + content if torn else content)

    def _rotate(self) -> None:
        for source, target in reversed([*pairwise(self._paths())]):
            if source.exists():
                durable.rename(source, target)

    def _paths(self) -> list[Path]:
        """The newest first."""
        return [self._folder / "log", *(self._folder / f"log.{number}" for number in range(1, FILES))]


def line_of(raw: bytes) -> tuple[str, int, LogLine] | None:
    """Run of the process, number, line; None: it was torn."""
    try:
        document = json.loads(raw)
        return str(document["run"]), int(document["n"]), LogLine.model_validate(document)
    except (ValueError, KeyError, TypeError, ValidationError):
        return None


def _backwards(path: Path) -> Iterator[bytes]:
    """The lines of a file, the last one first; a piece of it in memory at a time."""
    with path.open("rb") as file:
        end, rest = file.seek(0, os.SEEK_END), b""
        while end > 0:
            begin = max(0, end - _READ_BYTES)
            file.seek(begin)
            first, *lines = (file.read(end - begin) + rest).split(b"\n")
            yield from (line for line in reversed(lines) if line)
            end, rest = begin, first
        if rest:
            yield rest
