"""Copies one open file into another and hashes what it reads, in one pass; shares the blocks where the file system can."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator

PIECE_BYTES = 4 << 20
_FICLONE = 0x40049409  # ioctl(2) of Linux: let both files share their blocks
_ZEROS = memoryview(bytes(PIECE_BYTES))
Progress = Callable[[int], None]


def copy(source_fd: int, target_fd: int, size_bytes: int, progress: Progress) -> str:
    """SHA-256, in hexadecimal, of the ``size_bytes`` that were read from the source. The target has them afterwards, holes kept.

    ``progress(done_bytes)`` is called after each piece. A source that is shorter than said gives a shorter target: compare
    sizes. Raises OSError of either file.
    """
    os.ftruncate(target_fd, 0)
    cloned = _clone(source_fd, target_fd)
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(PIECE_BYTES))
    done = 0
    for start, length, is_data in _segments(source_fd, size_bytes):
        if not is_data:
            done = _hash_hole(digest.update, start, length, progress)
            continue
        while done < start + length:
            piece = buffer[: os.preadv(source_fd, [buffer[: min(PIECE_BYTES, start + length - done)]], done)]
            if not piece:
                return digest.hexdigest()
            digest.update(piece)
            if not cloned:
                _write_at(target_fd, piece, done)
            done += len(piece)
            progress(done)
    if not cloned:
        os.ftruncate(target_fd, done)  # a hole at the end was never written
    return digest.hexdigest()


def _clone(source_fd: int, target_fd: int) -> bool:
    try:
        fcntl.ioctl(target_fd, _FICLONE, source_fd)
    except OSError:
        return False  # another file system, or one that cannot: it is copied
    return True


def _segments(fd: int, size_bytes: int) -> Iterator[tuple[int, int, bool]]:
    """(start, length, is data) of what lies in the file one after the other; holes are not data."""
    at = 0
    while at < size_bytes:
        data = _seek(fd, at, os.SEEK_DATA, size_bytes)
        if data > at:
            yield at, data - at, False
        if data >= size_bytes:
            return
        hole = _seek(fd, data, os.SEEK_HOLE, size_bytes)
        yield data, hole - data, True
        at = hole


def _seek(fd: int, at: int, whence: int, size_bytes: int) -> int:
    try:
        return min(os.lseek(fd, at, whence), size_bytes)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return size_bytes  # nothing but a hole up to the end, or the file has become shorter
        return at if whence == os.SEEK_DATA else size_bytes  # a file system that does not know holes: all is data


def _hash_hole(update: Callable[[memoryview], None], start: int, length: int, progress: Progress) -> int:
    for offset in range(0, length, PIECE_BYTES):
        update(_ZEROS[: min(PIECE_BYTES, length - offset)])
        progress(start + min(offset + PIECE_BYTES, length))
    return start + length


def _write_at(fd: int, piece: memoryview, offset: int) -> None:
    done = 0
    while done < len(piece):
        done += os.pwrite(fd, piece[done:], offset + done)
