"""The bytes of one upload on their way to the disk: the file that the appliance announced, filled from the front.

Everything here blocks and belongs on a thread. What counts is the mark: so much was synced, and that is written down. What a start finds
behind it may be anything, so it is cut off.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

SYNC_EVERY_BYTES = 32 << 20
_PIECE_BYTES = 4 << 20


class Gone(Exception):
    """The file is not there any more: it expired, or it is an archive by now."""


class Content:
    """``mark(bytes)`` writes down how much is synced. ``offset`` is where the next byte belongs, of ``size_bytes``."""

    def __init__(self, path: Path, size_bytes: int, synced_bytes: int, mark: Callable[[int], None]) -> None:
        self._path = path
        self._size_bytes = size_bytes
        self._mark = mark
        self._lock = threading.Lock()
        self._fd = -1
        self._known = False
        self.synced_bytes = synced_bytes
        self.offset = synced_bytes
        self._digest: Any = None
        self._before: tuple[int, Any] | None = None

    def open(self) -> int:
        """Ready to be written to; where to go on. Raises Gone, OSError."""
        with self._lock:
            if self._fd < 0:
                self._fd = self._opened(os.O_WRONLY)
            self._find_offset()
            return self.offset

    def _opened(self, flags: int) -> int:
        try:
            fd = os.open(self._path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)  # no O_CREAT: the appliance made it
        except FileNotFoundError:
            raise Gone from None
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise Gone
        return fd

    def _find_offset(self) -> None:
        """What this process wrote is as it wrote it; of what another one left only what it synced counts."""
        found_bytes = os.fstat(self._fd).st_size
        if self._known and found_bytes == self.offset:
            return
        self.offset = self.synced_bytes = min(found_bytes, self.synced_bytes)
        if found_bytes > self.offset:
            os.ftruncate(self._fd, self.offset)
        self._digest = None if self.offset else hashlib.sha256()
        self._known = True

    def begin_checked(self) -> None:
        """What follows may be taken back by ``take_back``; until ``keep`` it is not marked."""
        with self._lock:
            self._before = self.offset, self._digest.copy() if self._digest else None

    def keep(self) -> None:
        with self._lock:
            self._before = None

    def take_back(self) -> None:
        with self._lock:
            if self._before is not None and self._fd >= 0:
                self.offset, self._digest = self._before
                os.ftruncate(self._fd, self.offset)
                self._before = None

    def write(self, piece: bytes | bytearray) -> None:
        """At the offset. Raises OSError; then as much is there as ``offset`` says."""
        with self._lock:
            if self._fd < 0:
                raise Gone
            with memoryview(piece) as view:
                self._write(view)
            if self._before is None and self.offset - self.synced_bytes >= SYNC_EVERY_BYTES:
                self._sync()

    def _write(self, view: memoryview) -> None:
        done = 0
        while done < len(view):
            count = os.pwrite(self._fd, view[done:], self.offset)
            if self._digest is not None:
                self._digest.update(view[done : done + count])
            self.offset += count
            done += count

    def sync(self) -> None:
        """All that was written is on the disk, and marked. Raises OSError; then it is not known what is there, and only the mark counts."""
        with self._lock:
            if self._fd >= 0 and self.offset > self.synced_bytes:
                self._sync()

    def _sync(self) -> None:
        try:
            os.fdatasync(self._fd)
        except OSError:
            self._known = False  # the kernel forgets what it could not write: the next sync would lie
            raise
        self._mark(self.offset)
        self.synced_bytes = self.offset

    def close(self) -> None:
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def sha256(self, is_stopped: Callable[[], bool]) -> str:
        """Of the whole, in hexadecimal; read from the disk again where this process did not see all of it. "" where it was stopped."""
        if self._known and self._digest is not None and self.offset == self._size_bytes:
            return str(self._digest.hexdigest())
        digest, fd = hashlib.sha256(), self._opened(os.O_RDONLY)
        try:
            while piece := os.read(fd, _PIECE_BYTES):
                digest.update(piece)
                if is_stopped():
                    return ""
        finally:
            os.close(fd)
        return digest.hexdigest()
