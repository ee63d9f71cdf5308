"""May this file come in? Refused with the numbers when it would eat into what the appliance keeps free."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.errors import DiskFull
from mqtt.messages import Disk

_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000


def in_words(size_bytes: int) -> str:
    """'4.29 GB': decimal units, three digits."""
    size, unit = float(size_bytes), 0
    while size >= _STEP and unit < len(_UNITS) - 1:
        size, unit = size / _STEP, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.3g} {_UNITS[unit]}"


class Admission:
    """``announced`` are the files that were let in and are not filled yet: their space is spoken for."""

    def __init__(self, disk: Callable[[], Disk], announced: Callable[[], dict[str, dict[str, Any]]], uploads: Path) -> None:
        self._disk = disk
        self._announced = announced
        self._uploads = uploads

    def check(self, size_bytes: int, what: str) -> None:
        """Raises DiskFull where size_bytes more would reach into the reserve."""
        disk = self._disk()
        promised = sum(self._missing_bytes(key, document) for key, document in self._announced().items())
        room = disk.free_bytes - promised - disk.reserve_bytes
        room = max(room, 0)
        if size_bytes > room:
            raise DiskFull(
                f"{what} needs {in_words(size_bytes)}, and {in_words(room)} can be used ({in_words(disk.free_bytes)} free, "
                f"{in_words(promised)} promised to files on their way in, {in_words(disk.reserve_bytes)} kept in reserve); "
                "release archives that are remote, or use a larger disk"
            )

    def _missing_bytes(self, upload_id: str, document: dict[str, Any]) -> int:
        try:
            allocated = (self._uploads / upload_id).stat().st_blocks * 512
        except OSError:
            return 0
        return max(0, int(document["size_bytes"]) - allocated)
