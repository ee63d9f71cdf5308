"""Names under which programs keep what is not finished."""

from __future__ import annotations

_TEMPORARY_ENDINGS = (".part", ".partial", ".crdownload", ".download", ".tmp", ".temp", ".filepart", ".swp", ".swx", ".upload", "~")
_TEMPORARY_NAMES = frozenset({"thumbs.db", "desktop.ini"})


def is_temporary(name: str) -> bool:
    """Names under which programs keep what is not finished."""
    low = name.lower()
    return low.startswith((".", "~")) or low.endswith(_TEMPORARY_ENDINGS) or low in _TEMPORARY_NAMES
