"""The disks under the appliance: that of the store and, where that is another one, that of everything else below DATA."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from appliance.data_folder import DataFolder
from appliance.mounts import is_read_only
from mqtt.messages import Disk

_GIB, _MIB = 1 << 30, 1 << 20
RESERVED_ENTRIES = 200
"""Files that the appliance needs to be able to make for itself, on a file system that counts them."""


class Part(StrEnum):
    """What lies on a disk: local copies; catalog, ledgers, log, and files on their way in or over."""

    STORE = "store"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class Space:
    """One disk. ``free_entries``: how many files can still be made; None where the file system does not count them (btrfs, exFAT)."""

    parts: frozenset[Part]
    path: Path
    disk: Disk
    total_entries: int
    free_entries: int | None
    read_only: bool

    @property
    def has_entries(self) -> bool:
        return self.free_entries is None or self.free_entries > RESERVED_ENTRIES


def spaces(folder: DataFolder, reserve_mib: int | None) -> list[Space]:
    """One, or two. A store that is away is where its place is."""
    store = folder.store if folder.store.exists() else folder.path
    if store.stat().st_dev == folder.path.stat().st_dev:
        return [_space(store, reserve_mib, Part.STORE, Part.DATA)]
    return [_space(store, reserve_mib, Part.STORE), _space(folder.path, reserve_mib, Part.DATA)]


def _space(path: Path, reserve_mib: int | None, *parts: Part) -> Space:
    """The reserve that is not set: 5 % of the disk, at least 16 MiB, at most 1 GiB."""
    found = os.statvfs(path)
    total, free = found.f_frsize * found.f_blocks, found.f_frsize * found.f_bavail
    automatic = min(_GIB, max(16 * _MIB, total // 20))
    reserve = automatic if reserve_mib is None else reserve_mib * _MIB
    return Space(
        parts=frozenset(parts), path=path, disk=Disk(total_bytes=total, free_bytes=free, reserve_bytes=reserve),
        total_entries=found.f_files, free_entries=found.f_favail if found.f_files else None,
        read_only=is_read_only(path),
    )  # fmt: skip


def store_disk(folder: DataFolder, reserve_mib: int | None) -> Disk:
    """Where the local copies are."""
    return spaces(folder, reserve_mib)[0].disk
