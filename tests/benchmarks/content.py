"""Files to measure with: no holes, nothing that compresses, every MiB another one."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_PIECE_BYTES = 1 << 20


def fill(path: Path, size_bytes: int) -> str:
    """Write the file (an existing one at its place) and sync it; its SHA-256 in hexadecimal digits. ``size_bytes`` in whole MiB."""
    digest, noise = hashlib.sha256(), bytearray(os.urandom(_PIECE_BYTES))
    with path.open("wb") as file:
        for number in range(size_bytes // _PIECE_BYTES):
            noise[:8] = number.to_bytes(8, "little")
            digest.update(noise)
            file.write(noise)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def forget_cache(path: Path) -> None:
    """The next read of the file comes from the disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)
