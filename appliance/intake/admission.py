"""May this file come in? Refused with the numbers when it would eat into what the appliance keeps free."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.errors import DiskFull
from appliance.spaces import Part, Space

_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000
EVERYWHERE = frozenset(Part)


def in_words(size_bytes: int) -> str:
    """'4.29 GB': decimal units, three digits."""
    size, unit = float(size_bytes), 0
    while size >= _STEP and unit < len(_UNITS) - 1:
        size, unit = size / _STEP, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.3g} {_UNITS[unit]}"


class Admission:
    """``announced`` are the files that were let in and are not filled yet: their space is spoken for."""

    def __init__(self, spaces: Callable[[], list[Space]], announced: Callable[[], dict[str, dict[str, Any]]], uploads: Path) -> None:
        self._spaces = spaces
        self._announced = announced
        self._uploads = uploads

    def check(self, size_bytes: int, what: str, on: frozenset[Part] = EVERYWHERE) -> None:
        """Raises DiskFull where size_bytes more would reach into the reserve of a disk that has one of those parts.

        A file that comes in lies below DATA first and in the store then.
        """
        announced = self._announced()
        for space in self._spaces():
            if space.parts & on:
                self._check(space, size_bytes, what, announced)

    def _check(self, space: Space, size_bytes: int, what: str, announced: dict[str, dict[str, Any]]) -> None:
        disk = space.disk
        promised = sum(self._promised_bytes(space, key, document) for key, document in announced.items())
        room = max(disk.free_bytes - promised - disk.reserve_bytes, 0)
        where = "" if Part.STORE in space.parts else f" on the disk of {space.path}"
        if size_bytes > room:
            raise DiskFull(
                f"{what} needs {in_words(size_bytes)}, and {in_words(room)} can be used{where} ({in_words(disk.free_bytes)} free, "
                f"{in_words(promised)} promised to files on their way in, {in_words(disk.reserve_bytes)} kept in reserve); "
                "release archives that are remote, or use a larger disk"
            )
        if not space.has_entries:
            raise DiskFull(
                f"{what} needs a file, and {space.free_entries} more can be made{where} (inodes), which are kept in reserve; "
                "remove small files that are not needed, or use another disk"
            )

    def _promised_bytes(self, space: Space, upload_id: str, document: dict[str, Any]) -> int:
        """What of a file that was let in is still to come onto this disk."""
        try:
            allocated = (self._uploads / upload_id).stat().st_blocks * 512
        except OSError:
            return 0
        size = int(document["size_bytes"])
        return max(0, size - allocated) if Part.DATA in space.parts else size
