"""Copy a file of somebody else's into ours, hashing what is read of the source."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from appliance import durable
from appliance.errors import SourceChanged, Stopped
from appliance.store import translated

_FICLONE = 0x40049409
_PIECE_BYTES = 4 << 20


def copy_in(source: Path, target: Path, is_stopped: Callable[[], bool]) -> bytes:
    """Fill the existing, empty target; the SHA-256 of what the source held. Shares blocks where the file system can (FICLONE).

    The copy is not synced yet. Raises SourceChanged where the source cannot be read, DiskFull, StoreUnavailable, Stopped.
    """
    try:
        reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SourceChanged(f"the file cannot be read: {error.strerror}; check that the appliance may read and remove it") from error
    try:
        with durable.DurableFile.open(target) as writing:
            cloned = _clone(reading, writing.fd)
            return _copy(reading, None if cloned else writing, is_stopped)
    finally:
        os.close(reading)


def _clone(reading: int, writing: int) -> bool:
    with contextlib.suppress(OSError):
        fcntl.ioctl(writing, _FICLONE, reading)
        return True
    return False


def _copy(reading: int, writing: durable.DurableFile | None, is_stopped: Callable[[], bool]) -> bytes:
    digest, offset = hashlib.sha256(), 0
    os.posix_fadvise(reading, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    while piece := _read(reading, offset):
        if is_stopped():
            raise Stopped("stopped")
        digest.update(piece)
        if writing is not None:
            _write(writing, offset, piece)
        offset += len(piece)
    return digest.digest()


def _read(fd: int, offset_bytes: int) -> bytes:
    try:
        return os.pread(fd, _PIECE_BYTES, offset_bytes)
    except OSError as error:
        raise SourceChanged(f"the file cannot be read: {error.strerror}") from error


def _write(file: durable.DurableFile, offset_bytes: int, piece: bytes) -> None:
    try:
        file.write_at(offset_bytes, piece)
    except OSError as error:
        raise translated(error, "copying from the inbox") from error
