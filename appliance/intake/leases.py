"""Is a file open for writing? Asked of the kernel by a lease (fcntl(2), F_SETLEASE)."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

_F_SETLEASE = 1024


def is_being_written(path: Path) -> bool | None:
    """True or False where the kernel knows; None where it does not tell (another user's file, a file system without leases).

    Raises FileNotFoundError. The caller's process must ignore SIGIO, which a broken lease sends.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.fcntl(fd, _F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return True if error.errno == errno.EAGAIN else None
    else:
        fcntl.fcntl(fd, _F_SETLEASE, fcntl.F_UNLCK)
        return False
    finally:
        os.close(fd)
