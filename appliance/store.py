"""The local copies: one folder an archive, a finished file under its own name, an unfinished one as ``.restoring``."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Self

from appliance import durable
from appliance.archive import Archive
from appliance.batches import drop_cache, hash_file
from appliance.catalog.ledger import Ledger
from appliance.errors import DiskFull, LocalDamaged, StoreUnavailable

RESTORING = ".restoring"
_PIECE_BYTES = 1 << 20
Progress = Callable[[int], None]


def translated(error: OSError, what: str) -> DiskFull | StoreUnavailable:
    """Our words for what the file system said while ``what`` was done."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull(f"{what}: the disk is full; free some space (release archives, remove what is not needed)")
    return StoreUnavailable(f"{what}: {error.strerror}; check the disk of the store and that it is mounted writable")


class StoreReader:
    """One batch of a local file, as the upload reads it (``BatchReader``)."""

    def __init__(self, path: Path, offset_bytes: int, size_bytes: int, sha256: bytes) -> None:
        self.size_bytes = size_bytes
        self.sha256 = sha256
        self._offset_bytes = offset_bytes
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise LocalDamaged(f"the local copy {path.name} cannot be read: {error.strerror}") from error

    def read_at(self, offset_bytes: int, size_bytes: int) -> bytes:
        """Exactly those bytes of the batch. Raises LocalDamaged where the file is short or the disk cannot read it."""
        try:
            data = os.pread(self._fd, size_bytes, self._offset_bytes + offset_bytes)
        except OSError as error:
            raise LocalDamaged(f"the disk cannot read the local copy: {error.strerror}") from error
        if len(data) != size_bytes:
            raise LocalDamaged("the local copy is shorter than when it was taken in")
        return data

    def forget_cache(self) -> None:
        """Let the next read come from the disk."""
        drop_cache(self._fd)

    def close(self) -> None:
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class BytesReader:
    """A small object that is in memory (``BatchReader``): the manifest."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size_bytes = len(content)
        self.sha256 = hashlib.sha256(content).digest()

    def read_at(self, offset_bytes: int, size_bytes: int) -> bytes:
        return self._content[offset_bytes : offset_bytes + size_bytes]


def batch_is_right(path: Path, ledger: Ledger, index: int, moved: Progress) -> bool:
    """Read one batch from the disk, past the page cache, and compare. Raises what ``moved(bytes)`` raises."""
    offset, size = ledger.range_of(index)
    digest = hashlib.sha256()
    try:
        with StoreReader(path, offset, size, ledger.batch_sha256(index)) as reader:
            reader.forget_cache()
            for start in range(0, size, _PIECE_BYTES):
                piece = reader.read_at(start, min(_PIECE_BYTES, size - start))
                digest.update(piece)
                moved(len(piece))
    except LocalDamaged:
        return False
    return digest.digest() == ledger.batch_sha256(index)


def bring_in(source: Path, folder: Path, file_name: str) -> None:
    """Move a file that is ours alone, and synced, to its place in the store. Safe to repeat after a crash.

    Raises LocalDamaged where it is in neither place, OSError.
    """
    target = folder / file_name
    if source.exists():
        durable.make_dir(folder, 0o750)
        _rename_or_copy(source, target)
    elif not target.exists():
        raise LocalDamaged(f"{file_name} is gone, it is neither where it arrived nor in the store; hand it in again")
    durable.sync_dir(folder)
    durable.sync_dir(source.parent)


def _rename_or_copy(source: Path, target: Path) -> None:
    try:
        durable.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _carry_over(source, target)  # the store is a disk of its own


def _carry_over(source: Path, target: Path) -> None:
    fresh = target.with_name(".incoming")
    durable.unlink(fresh, missing_ok=True)
    sent = hashlib.sha256()
    with source.open("rb") as reading, durable.DurableFile.create(fresh, 0o640) as writing:
        offset = 0
        while piece := reading.read(_PIECE_BYTES):
            sent.update(piece)
            writing.write_at(offset, piece)
            offset += len(piece)
        writing.sync()
        drop_cache(writing.fd)
    if hash_file(fresh, offset, 1 << 30).sha256 != sent.digest():
        raise StoreUnavailable(f"the store's disk did not keep what was written to {target.parent.name}; check the disk")
    durable.rename(fresh, target)
    durable.sync_dir(target.parent)
    durable.unlink(source)


class LocalWriter:
    """Writes batches at their place: into ``.restoring`` of a released archive, or into the file itself to repair it."""

    def __init__(self, folder: Path, archive: Archive, *, released: bool) -> None:
        self._final = folder / archive.file_name
        self.path = folder / RESTORING if released else self._final
        self._made: tuple[int, int] | None = None
        if released:
            durable.make_dir(folder, 0o750)
        if not self.path.exists():
            self._create(archive.size_bytes)

    def _create(self, size_bytes: int) -> None:
        try:
            file = durable.DurableFile.create(self.path, 0o640)
        except FileExistsError:  # another slot was faster
            return
        with file:
            self._made = _identity(os.fstat(file.fd))
            file.truncate(size_bytes)
            file.sync()
        durable.sync_dir(self.path.parent)

    def take_back(self) -> None:
        """Remove the file if this made it: the disk that it was for has left, and it lies in the empty folder where that belongs."""
        with contextlib.suppress(OSError):  # with the disk back, there is another file of that name, or none
            if self._made == _identity(self.path.stat()):
                durable.unlink(self.path)
                durable.remove_dir(self.path.parent)

    def write(self, offset_bytes: int, pieces: Callable[[Callable[[bytes], None]], None]) -> None:
        """``pieces(write)`` calls write for each piece in order; all is synced when this returns."""
        with durable.DurableFile.open(self.path) as file:
            at = offset_bytes

            def write(piece: bytes) -> None:
                nonlocal at
                file.write_at(at, piece)
                at += len(piece)

            pieces(write)
            file.sync(data_only=True)
            drop_cache(file.fd)

    def finish(self) -> None:
        """Give the whole, checked file its name."""
        if self.path != self._final:
            durable.rename(self.path, self._final)
        durable.sync_dir(self._final.parent)


def _identity(of: os.stat_result) -> tuple[int, int]:
    return of.st_dev, of.st_ino


def cut_back(path: Path, size_bytes: int) -> None:
    """Take off what somebody wrote behind the end of a local copy. Its batches are compared when they are read."""
    with durable.DurableFile.open(path) as file:
        file.truncate(size_bytes)
        file.sync()


def free_local(folder: Path, file_name: str) -> None:
    """Remove the local copy and its folder. Safe to repeat."""
    if not folder.exists():
        return
    for name in (file_name, RESTORING):
        durable.unlink(folder / name, missing_ok=True)
    durable.sync_dir(folder)
    if not any(folder.iterdir()):
        durable.remove_dir(folder)
        durable.sync_dir(folder.parent)
