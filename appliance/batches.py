"""Cutting a file into batches, and hashing file and batches in one read."""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self, overload

from appliance.errors import SourceChanged

SHA256_BYTES = 32
_PIECE_BYTES = 1 << 20
_BUFFERS = 4  # one is read and hashed here, the others wait for the thread that hashes the whole


class Range(NamedTuple):
    """A contiguous part of a file."""

    offset_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Cut(Sequence[Range]):
    """Ranges of at most batch_bytes that cover a file; each is computed when asked for, so a petabyte costs nothing."""

    size_bytes: int
    batch_bytes: int

    def __len__(self) -> int:
        return batch_count(self.size_bytes, self.batch_bytes)

    @overload
    def __getitem__(self, index: int) -> Range: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Range]: ...

    def __getitem__(self, index: int | slice) -> Range | Sequence[Range]:
        if isinstance(index, slice):
            return [range_of(each, self.size_bytes, self.batch_bytes) for each in range(*index.indices(len(self)))]
        return range_of(index, self.size_bytes, self.batch_bytes)


@dataclass(frozen=True, slots=True)
class Hashes:
    """SHA-256 of the whole file, and of its batches one after the other (32 bytes each)."""

    sha256: bytes
    batches: bytes


def batch_count(size_bytes: int, batch_bytes: int) -> int:
    """How many batches the file has; an empty file has one. Raises ValueError on sizes that cannot be."""
    if size_bytes < 0 or batch_bytes < 1:
        raise ValueError(f"a file of {size_bytes} bytes cannot be cut into batches of {batch_bytes}")
    # One batch even for an empty file: the archive must have something on the remote to be proven by.
    return max(1, -(-size_bytes // batch_bytes))


def range_of(index: int, size_bytes: int, batch_bytes: int) -> Range:
    """Where that batch lies in the file. Raises IndexError where there is no such batch (a negative index included)."""
    if not 0 <= index < batch_count(size_bytes, batch_bytes):
        raise IndexError(f"there is no batch {index}")
    offset = index * batch_bytes
    return Range(offset, min(batch_bytes, size_bytes - offset))


def cut(size_bytes: int, batch_bytes: int) -> Cut:
    """Ranges of at most batch_bytes that cover the file; an empty file is one empty range. Raises ValueError."""
    batch_count(size_bytes, batch_bytes)
    return Cut(size_bytes, batch_bytes)


def hash_file(
    source: Path | int,
    size_bytes: int,
    batch_bytes: int,
    on_progress: Callable[[int], None] = lambda _: None,
    stop: Callable[[], None] = lambda: None,
) -> Hashes:
    """Read the file (a path, or a descriptor whose position stays as it is) once, and hash it whole and by batches.

    ``on_progress(done_bytes)`` and ``stop()`` are called at least every MiB; what they raise ends the work (``Stopped``).
    Memory is 4 MiB whatever the size. Raises SourceChanged where the file does not have exactly size_bytes, OSError.
    """
    with _descriptor(source) as fd, _WholeHash() as whole:
        _read_ahead(fd)
        batches = bytearray()
        for batch in cut(size_bytes, batch_bytes):
            digest = hashlib.sha256()
            for piece in _pieces(fd, batch, size_bytes, whole, on_progress, stop):
                digest.update(piece)
            batches += digest.digest()
        _check_end(fd, size_bytes)
        return Hashes(whole.digest(), bytes(batches))


def hash_whole(
    source: Path | int, size_bytes: int, on_progress: Callable[[int], None] = lambda _: None, stop: Callable[[], None] = lambda: None
) -> bytes:
    """The SHA-256 of the whole file alone, for half the work of ``hash_file``; all else as there."""
    with _descriptor(source) as fd, _WholeHash() as whole:
        _read_ahead(fd)
        for _ in _pieces(fd, Range(0, size_bytes), size_bytes, whole, on_progress, stop):
            pass
        _check_end(fd, size_bytes)
        return whole.digest()


def _read_ahead(fd: int) -> None:
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)


def drop_cache(fd: int) -> None:
    """Let the next read of the file come from its disk. What was not synced yet stays in the cache."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


def drop_cache_of(path: Path) -> None:
    """The same, by name. Raises OSError."""
    with _descriptor(path) as fd:
        drop_cache(fd)


@contextmanager
def _descriptor(source: Path | int) -> Iterator[int]:
    if isinstance(source, int):
        yield source
        return
    fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def _pieces(
    fd: int, part: Range, size_bytes: int, whole: _WholeHash, on_progress: Callable[[int], None], stop: Callable[[], None]
) -> Iterator[memoryview]:
    """Of that part, each read and handed to ``whole``; it keeps its content until the next one is asked for."""
    at, end = part.offset_bytes, part.offset_bytes + part.size_bytes
    while at < end:
        stop()
        piece = whole.free_buffer()[: end - at]
        count = os.preadv(fd, [piece], at)
        if not count:
            raise SourceChanged(f"the file ended after {at} of {size_bytes} bytes while it was read; hand it in again when it is complete")
        whole.add(piece[:count])
        yield piece[:count]
        at += count
        on_progress(at)


def _check_end(fd: int, size_bytes: int) -> None:
    if os.pread(fd, 1, size_bytes):
        raise SourceChanged(f"the file grew beyond its {size_bytes} bytes while it was read; hand it in again when it is complete")


class _WholeHash:
    """Hashes in a second thread what it is given; hashlib lets go of the interpreter meanwhile. Its end is the end of the ``with``."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._full: queue.SimpleQueue[memoryview | None] = queue.SimpleQueue()
        self._free: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="hash", daemon=True)

    def __enter__(self) -> Self:
        for _ in range(_BUFFERS):
            self._free.put(memoryview(bytearray(_PIECE_BYTES)))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._full.put(None)
        self._thread.join()

    def free_buffer(self) -> memoryview:
        """Waits until one of the buffers is hashed. Raises what went wrong in the thread."""
        buffer = self._free.get()
        if self._error:
            raise self._error
        return buffer

    def add(self, piece: memoryview) -> None:
        """The buffer that ``piece`` is the beginning of is free again once it is hashed."""
        self._full.put(piece)

    def digest(self) -> bytes:
        """Of everything added; nothing may be added any more. Raises what went wrong in the thread."""
        self._full.put(None)
        self._thread.join()
        if self._error:
            raise self._error
        return self._sha256.digest()

    def _work(self) -> None:
        while (piece := self._full.get()) is not None:
            try:
                self._sha256.update(piece)
            except BaseException as error:  # noqa: BLE001 (handed over to the thread that reads)
                self._error = error
            self._free.put(memoryview(piece.obj))
