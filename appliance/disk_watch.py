"""The disks are looked at before they are full: what is said of each, in two steps.

No text has a number that changes while it stands: other words are news to everybody.
"""

from __future__ import annotations

from appliance.intake.admission import in_words
from appliance.problems import Problems
from appliance.spaces import RESERVED_ENTRIES, Part, Space

_WARN_RATIO = 0.1
_ROOM = "release archives that are remote, remove what is not needed, or use a larger disk"
_OF_DATA = "remove what is not PyArchive's from it, let files on their way in come to their end, or use a larger disk"


def look(spaces: list[Space], problems: Problems) -> None:
    """A word of warning below 10 % free, an alarm when no file can be taken in any more; of entries (inodes) as of bytes."""
    for space in spaces:
        about = _about(space)
        full = _why_full(space)
        low = None if full else _why_low(space)
        _tell(problems, "disk_full", about, full, _step(space), needs_you=True)
        _tell(problems, "disk_low", about, low, _step(space), needs_you=False)
        if about == Part.DATA:
            _tell(problems, "data_read_only", about, _why_read_only(space), _SICK, needs_you=True)
    if len(spaces) == 1:
        problems.clear_about(Part.DATA)


_SICK = "look for its errors (`dmesg`), put in another card or disk, and start the appliance on it; docs/pi.md says how"


def _about(space: Space) -> str:
    return "disk" if Part.STORE in space.parts else str(Part.DATA)


def _step(space: Space) -> str:
    return _ROOM if Part.STORE in space.parts else _OF_DATA


def _name(space: Space) -> str:
    return "the disk" if Part.STORE in space.parts else f"the disk of {space.path} (not that of the store)"


def _why_full(space: Space) -> str | None:
    disk = space.disk
    if disk.free_bytes <= disk.reserve_bytes:
        kept = f"what is still free of {in_words(disk.total_bytes)} is kept in reserve ({in_words(disk.reserve_bytes)})"
        return f"no more files are taken in: {kept}{'' if Part.STORE in space.parts else f', on {_name(space)}'}"
    if not space.has_entries:
        return f"no more files are taken in: {_name(space)} has room for fewer than {RESERVED_ENTRIES} more (inodes), kept in reserve"
    return None


def _why_low(space: Space) -> str | None:
    if space.disk.free_bytes < space.disk.total_bytes * _WARN_RATIO:
        return f"{_name(space)} is nearly full: less than 10 % of {in_words(space.disk.total_bytes)} free"
    if space.free_entries is not None and space.free_entries < space.total_entries * _WARN_RATIO:
        return f"{_name(space)} is nearly full of files: less than 10 % of {space.total_entries:,} more can be made (inodes)"
    return None


def _why_read_only(space: Space) -> str | None:
    return f"{_name(space)} has become read-only, as it does after errors: nothing can be written down" if space.read_only else None


def _tell(problems: Problems, code: str, about: str, message: str | None, step: str, *, needs_you: bool) -> None:
    if message is None:
        problems.clear(code, about)
    else:
        problems.raise_(code, about, message, step, needs_you=needs_you)
