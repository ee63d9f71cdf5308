"""Every durable write of the appliance goes through this module, and nothing else.

That makes one promise checkable: tests set ``observer`` and see each operation after it was done, in order, and replay
them as a power cut would leave them (what was not fsynced dropped, torn or reordered).

Terms: *synced* means that the bytes survive a power cut (fsync(2) returned); a name is synced when its folder is.
All functions raise OSError as the system call did; callers translate it at their boundary.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

Kind = Literal["create", "write", "truncate", "sync", "rename", "link", "unlink", "mkdir", "rmdir", "sync_dir", "take"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One durable operation that was done. ``data`` and ``offset_bytes`` are those of a write; ``size_bytes`` of a truncate."""

    kind: Kind
    path: Path
    target: Path | None = None
    offset_bytes: int = 0
    data: bytes = b""
    size_bytes: int = 0


observer: Callable[[Operation], None] | None = None
"""Set by tests to see every operation; None in the product."""

_sync_delay_s = float(os.environ.get("PYARCHIVE_TEST_SYNC_DELAY_MS", "0")) / 1000
_waiter = threading.Event()


def _done(operation: Operation) -> None:
    if observer is not None:
        observer(operation)


def _fsync(fd: int, *, data_only: bool = False) -> None:
    if _sync_delay_s:
        _waiter.wait(_sync_delay_s)  # benchmarks slow fsync down to an SD card's
    if data_only:
        os.fdatasync(fd)
    else:
        os.fsync(fd)


class DurableFile:
    """A file open for writing. Not thread-safe; close it, or use it in a ``with``."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.fd = fd

    @classmethod
    def create(cls, path: Path, mode: int = 0o600) -> DurableFile:
        """A new, empty file. Raises FileExistsError where there is one."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        _done(Operation("create", path))
        return cls(path, fd)

    @classmethod
    def open(cls, path: Path) -> DurableFile:
        """An existing file, for reading and writing. Raises FileNotFoundError."""
        return cls(path, os.open(path, os.O_RDWR | os.O_CLOEXEC))

    def write_at(self, offset_bytes: int, data: bytes | bytearray | memoryview) -> None:
        """All of ``data`` at that offset; not synced. On an error (disk full) a part of it may have been written."""
        view = memoryview(data)
        done = 0
        try:
            while done < len(view):
                done += os.pwrite(self.fd, view[done:], offset_bytes + done)
        finally:
            if observer is not None and done:
                _done(Operation("write", self.path, offset_bytes=offset_bytes, data=bytes(view[:done])))

    def truncate(self, size_bytes: int) -> None:
        """Cut or extend to that size; not synced."""
        os.ftruncate(self.fd, size_bytes)
        _done(Operation("truncate", self.path, size_bytes=size_bytes))

    def sync(self, *, data_only: bool = False) -> None:
        """What was written survives a power cut (its name does once the folder is synced).

        ``data_only`` leaves out what is not needed to read the data back (times); size is always kept (fdatasync(2)).
        """
        _fsync(self.fd, data_only=data_only)
        _done(Operation("sync", self.path))

    def size_bytes(self) -> int:
        return os.fstat(self.fd).st_size

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def sync_dir(path: Path) -> None:
    """The names in this folder survive a power cut, where its file system can promise that at all."""
    with _folder(path) as fd:
        try:
            _fsync(fd)
        except OSError as error:
            # Some mounts (SMB, FUSE) have no fsync of folders and say EINVAL: they write names through, or nothing helps.
            if error.errno != errno.EINVAL:
                raise
    _done(Operation("sync_dir", path))


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """The old content or the new one, whatever happens in between; synced when it returns."""
    fresh = path.with_name(f".{path.name}.new")
    unlink(fresh, missing_ok=True)
    with DurableFile.create(fresh, mode) as file:
        file.write_at(0, content)
        file.sync()
    rename(fresh, path)
    sync_dir(path.parent)


def rename(source: Path, target: Path) -> None:
    """Atomically; an existing target is replaced. Not synced."""
    source.rename(target)
    _done(Operation("rename", source, target=target))


def link(source: Path, target: Path) -> None:
    """A second name for the file. Raises FileExistsError. Not synced."""
    target.hardlink_to(source)
    _done(Operation("link", source, target=target))


def unlink(path: Path, *, missing_ok: bool = False) -> None:
    """Remove the name. Not synced."""
    try:
        path.unlink()
    except FileNotFoundError:
        if missing_ok:
            return
        raise
    _done(Operation("unlink", path))


def make_dir(path: Path, mode: int = 0o700) -> None:
    """Make the folder where it is missing, and sync its name. Parents must exist."""
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        return
    _done(Operation("mkdir", path))
    sync_dir(path.parent)


def make_dirs(path: Path, mode: int = 0o700) -> None:
    """Like make_dir, with the parents that are missing."""
    if not path.is_dir():
        make_dirs(path.parent, mode)
        make_dir(path, mode)


def remove_dir(path: Path) -> None:
    """Remove an empty folder. Raises OSError where it is not empty. Not synced."""
    path.rmdir()
    _done(Operation("rmdir", path))


def take(path: Path) -> None:
    """Sync a file that another program wrote, so that it survives a power cut."""
    _done(Operation("take", path))
    with DurableFile.open(path) as file:
        file.sync()


def open_lock(path: Path) -> int:
    """A descriptor for flock(2); the file is made where it is missing. Its content need not survive anything."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def note(fd: int, text: bytes) -> None:
    """Replace the content of a lock file; not synced, for people to read."""
    os.ftruncate(fd, 0)
    os.pwrite(fd, text, 0)
