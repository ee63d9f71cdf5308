"""What the system tells of a mounted disk without asking the disk."""

from __future__ import annotations

import os
from pathlib import Path

SYSTEM = Path("/sys")
_MOUNTS = Path("/proc/self/mountinfo")
_FAILED = {"emergency_ro", "shutdown"}
"""Options that Linux shows of a file system that has found errors; since 6.15 such an ext4 is not called read-only otherwise."""


def is_read_only(path: Path) -> bool:
    """Nothing can be written there. Raises OSError where it is not there at all."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY) or _has_failed(path)


def _has_failed(path: Path) -> bool:
    device = path.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = [line.split() for line in _MOUNTS.read_text(errors="replace").splitlines()]
    except OSError:  # a hardened or foreign system: then the first write tells
        return False
    return any(fields[2] == number and _FAILED & set(fields[-1].split(",")) for fields in mounts if len(fields) > 2)  # noqa: PLR2004 - the device's place


def is_device_gone(path: Path) -> bool:
    """It was pulled, and is still mounted. False for what is no device (a network share, tmpfs). Raises OSError."""
    device = path.stat().st_dev
    devices = SYSTEM / "dev/block"
    return os.major(device) != 0 and devices.exists() and not (devices / f"{os.major(device)}:{os.minor(device)}").exists()
