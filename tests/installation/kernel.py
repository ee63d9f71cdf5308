"""What Python 3.11 does not ask of the kernel itself: namespaces, and the end of a file system without a word to its disk."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path

NEW_MOUNTS, NEW_NETWORK = 0x00020000, 0x40000000
_EXT4_SHUTDOWN, _NO_LOG_FLUSH = 0x8004587D, 2

_libc = ctypes.CDLL(None, use_errno=True)


def own_mounts() -> None:
    """What this process and its children mount from now on nobody else sees, and all of it goes with the last of them. Raises OSError."""
    _checked(_libc.unshare(NEW_MOUNTS))
    _checked(_libc.mount(b"none", b"/", None, ctypes.c_ulong((1 << 14) | (1 << 18)), None))  # MS_REC | MS_PRIVATE


@contextlib.contextmanager
def network_of(descriptor: int) -> Iterator[None]:
    """In it the thread opens its sockets in that network namespace, and starts its processes there. Raises OSError."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _checked(_libc.setns(descriptor, NEW_NETWORK))
        try:
            yield
        finally:
            _checked(_libc.setns(home, NEW_NETWORK))
    finally:
        os.close(home)


def cut_off(mounted: Path) -> None:
    """An ext4 file system ends as by a power cut: what was not synced is lost, and nothing can be written any more. Raises OSError."""
    folder = os.open(mounted, os.O_RDONLY)
    try:
        fcntl.ioctl(folder, _EXT4_SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
    finally:
        os.close(folder)


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
