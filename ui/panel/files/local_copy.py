"""The local copy of an archive, open for reading: it goes on being readable when the archive is released meanwhile."""

from __future__ import annotations

import os
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path


class CopyGone(Exception):
    """The file is not there, is not what the appliance said, ends early, or the disk cannot read it. The text says which."""


class LocalCopy:
    """``size_bytes`` is what the appliance said. ``read_at`` and ``close`` may be called by any thread, and wait for each other."""

    def __init__(self, path: Path, size_bytes: int) -> None:
        """Raises CopyGone."""
        self.size_bytes = size_bytes
        self._lock = threading.Lock()
        self._fd = _open(path)
        try:
            self.modified_at = _looked_at(self._fd, size_bytes)
        except CopyGone:
            self.close()
            raise

    def read_at(self, offset_bytes: int, size_bytes: int) -> bytes:
        """Exactly those bytes. Raises CopyGone."""
        with self._lock:
            if self._fd < 0:
                raise CopyGone("the local copy was closed")
            try:
                piece = os.pread(self._fd, size_bytes, offset_bytes)
            except OSError as error:
                raise CopyGone(f"the disk cannot read the local copy: {error.strerror}") from error
        if len(piece) != size_bytes:
            raise CopyGone("the local copy is shorter than it was taken in")
        return piece

    def close(self) -> None:
        with self._lock:
            fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def _open(path: Path) -> int:
    """Neither the file nor its folder may be a link, so that nothing but the store is read; a FIFO does not make us wait."""
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise CopyGone(f"the local copy cannot be opened: {error.strerror}") from error


def _looked_at(fd: int, size_bytes: int) -> datetime:
    """When it was last changed, in whole seconds as HTTP has them. Raises CopyGone."""
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        raise CopyGone("the local copy is no file")
    if found.st_size != size_bytes:
        raise CopyGone("the local copy has another size than when it was taken in")
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    return datetime.fromtimestamp(int(found.st_mtime), UTC)
