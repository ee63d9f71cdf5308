"""Reading objects of a folder remote past the page cache, and filling the part file of an upload."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.batches import drop_cache
from appliance.durable import DurableFile
from appliance.errors import RemoteError
from appliance.remotes.folder_place import FILE_MODE, READ_FLAGS
from appliance.remotes.remote import PIECE_BYTES, BatchReader, Gate

NO_SHA256 = bytes(32)
"""Of what cannot be read or is no file: no content has it."""


@dataclass(frozen=True, slots=True)
class Content:
    """What was read of one file."""

    size_bytes: int
    sha256: bytes

    def is_that_of(self, reader: BatchReader) -> bool:
        return (self.size_bytes, self.sha256) == (reader.size_bytes, reader.sha256)


class Unmetered:
    """A gate for bytes that are only checked: they end when the work has to, but no limit concerns them."""

    def __init__(self, gate: Gate | None) -> None:
        self._gate = gate

    def piece_bytes(self) -> int:
        return PIECE_BYTES

    def __call__(self, size_bytes: int) -> None:  # noqa: ARG002 (a gate is told; this one passes on only that something goes on)
        if self._gate is not None:
            self._gate(0)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    """For reading from the disk, not from the page cache, which is left as empty as it was. Look whether it ``is_file``."""
    fd = os.open(path, READ_FLAGS)
    try:
        if is_file(fd):
            drop_cache(fd)
        yield fd
        if is_file(fd):
            drop_cache(fd)
    finally:
        os.close(fd)


def is_file(fd: int) -> bool:
    return stat.S_ISREG(os.fstat(fd).st_mode)


def content_of(path: Path, gate: Gate) -> Content:
    """Size and SHA-256, read through the gate in flat memory. Raises OSError."""
    digest, size_bytes = hashlib.sha256(), 0
    buffer = memoryview(bytearray(PIECE_BYTES))
    with opened(path) as fd:
        if not is_file(fd):
            return Content(0, NO_SHA256)
        while piece := next_piece(fd, buffer, gate):
            digest.update(piece)
            size_bytes += len(piece)
    return Content(size_bytes, digest.digest())


def next_piece(fd: int, buffer: memoryview, gate: Gate) -> memoryview:
    """The next bytes of the file in the buffer's front; empty at its end."""
    size_bytes = os.readv(fd, [buffer[: gate.piece_bytes()]])
    if size_bytes:
        gate(size_bytes)
    return buffer[:size_bytes]


def open_part(path: Path) -> DurableFile:
    """The part file, as an upload before left it, or new. Raises RemoteError where something else has that name."""
    with contextlib.suppress(FileExistsError):
        return DurableFile.create(path, FILE_MODE)
    if not stat.S_ISREG(path.lstat().st_mode):
        raise RemoteError(f"{path} is in the way: it is not a file; move it elsewhere")
    return DurableFile.open(path)


def fill(part: DurableFile, content: BatchReader, gate: Gate) -> None:
    """Bring the part file to the whole content, moving only what is not there yet; not synced. Raises what reader and gate raise."""
    drop_cache(part.fd)  # what a failed sync left in the page cache only is not there
    offset = _already_there(part, content, gate)
    if part.size_bytes() != offset:
        part.truncate(offset)
    while offset < content.size_bytes:
        size_bytes = min(gate.piece_bytes(), PIECE_BYTES, content.size_bytes - offset)
        gate(size_bytes)
        part.write_at(offset, content.read_at(offset, size_bytes))
        offset += size_bytes


def _already_there(part: DurableFile, content: BatchReader, gate: Gate) -> int:
    """How many bytes the part file has right, compared: a power cut may leave zeros at its end."""
    offset, there = 0, min(part.size_bytes(), content.size_bytes)
    while offset < there:
        gate(0)
        size_bytes = min(PIECE_BYTES, there - offset)
        same = _common_bytes(content.read_at(offset, size_bytes), os.pread(part.fd, size_bytes, offset))
        offset += same
        if same < size_bytes:
            break
    return offset


def is_intact(content: BatchReader, gate: Gate) -> bool:
    """The reader still gives what was taken in."""
    digest = hashlib.sha256()
    for offset in range(0, content.size_bytes, PIECE_BYTES):
        gate(0)
        digest.update(content.read_at(offset, min(PIECE_BYTES, content.size_bytes - offset)))
    return digest.digest() == content.sha256


def _common_bytes(one: bytes, other: bytes) -> int:
    if one == other:
        return len(one)
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
