"""The file that is handed in: opened for reading, and watched for changes. It is never touched."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from ui.errors import Failed
from ui.words import clean


class Source:
    """A regular file, open for reading. Use it in a ``with``. Raises Failed where there is none that can be read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.shown = clean(os.fsencode(path).decode(errors="replace"))
        try:
            self.fd = _open(path)
        except OSError as error:
            raise Failed(f"{self.shown} cannot be handed in: {error.strerror}; check its name and rights") from error
        self._before = os.fstat(self.fd)
        if not stat.S_ISREG(self._before.st_mode):
            os.close(self.fd)
            raise Failed(
                f"{self.shown} cannot be handed in: it is {_kind(self._before.st_mode)}, not a file{_advice(self._before.st_mode)}"
            )

    @property
    def size_bytes(self) -> int:
        return self._before.st_size

    @property
    def file_name(self) -> str:
        """The last component, as valid Unicode whatever its bytes are."""
        return os.fsencode(Path(self.path).absolute().name).decode(errors="replace")

    def check_unchanged(self) -> None:
        """Raises Failed where the file was written, replaced or removed since it was opened."""
        try:
            seen = [os.fstat(self.fd), Path(self.path).stat()]
        except OSError:
            raise Failed(f"{self.shown} vanished while it was read; nothing was handed in", "source_changed") from None
        if any(_identity(status) != _identity(self._before) for status in seen):
            raise Failed(f"{self.shown} changed while it was read; hand it in again when it is at rest", "source_changed")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self.fd)


def _open(path: str) -> int:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK  # NONBLOCK: a FIFO without a writer must not hold us
    try:
        return os.open(path, flags | os.O_NOATIME)
    except PermissionError:
        return os.open(path, flags)  # reading without leaving a trace is the owner's right alone


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")


def _advice(mode: int) -> str:
    return "; pack it with tar, or name the files in it" if stat.S_ISDIR(mode) else ""
