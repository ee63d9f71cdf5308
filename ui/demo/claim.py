"""One demo per data folder."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Self

from ui.errors import Failed

_LOCK = ".demo.lock"
_APPLIANCE_LOCK = ".lock"
# The appliance of a demo that was killed takes up to five seconds to end.
_APPLIANCE_PATIENCE_S = 7.0


class Claim:
    """The data folder is this demo's. Raises Failed where another demo or an appliance has it. Use it in a ``with``."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Failed(f"the data folder {folder} cannot be used: {error.strerror}; choose another with --data DIR") from error
        self._folder = folder

    def __enter__(self) -> Self:
        try:
            self._lock()
            self._await_appliance()
        except BaseException:
            os.close(self._fd)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def _lock(self) -> None:
        if not _take(self._fd):
            holder = os.pread(self._fd, 100, 0).decode(errors="replace").strip() or "unknown process"
            raise Failed(f"{self._folder} is in use by another demo ({holder}); stop it first, or choose another folder with --data DIR")
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"process {os.getpid()}\n".encode(), 0)

    def _await_appliance(self) -> None:
        deadline_s = time.monotonic() + _APPLIANCE_PATIENCE_S
        while (holder := _appliance_of(self._folder)) is not None:
            if time.monotonic() > deadline_s:
                raise Failed(
                    f"{self._folder} is in use by an appliance ({holder}); stop it first, or choose another folder with --data DIR"
                )
            time.sleep(0.1)


def _appliance_of(folder: Path) -> str | None:
    """Who holds the appliance's own lock; None where nobody does."""
    try:
        fd = os.open(folder / _APPLIANCE_LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failed(f"the data folder {folder} cannot be used: {error.strerror}; choose another with --data DIR") from error
    try:
        return None if _take(fd) else os.pread(fd, 100, 0).decode(errors="replace").strip() or "unknown process"
    finally:
        os.close(fd)


def _take(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
