"""Times as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_AGE = re.compile(r"([0-9]{1,6})(min|m|h|d)")
_UNITS = {"min": 60, "m": 60, "h": 3600, "d": 86_400}


def typed_moment(text: str) -> str:
    """In UTC, as requests have it: an age (``30m``, ``2h``, ``3d``), or a date with or without a time, the reader's where no zone is given.

    Raises ValueError.
    """
    age = _AGE.fullmatch(text)
    if age:
        return _iso(datetime.now(UTC) - timedelta(seconds=int(age[1]) * _UNITS[age[2]]))
    return _iso(datetime.fromisoformat(text).astimezone(UTC))


typed_moment.__name__ = "time, like 2h, 3d or 2026-11-25T18:00"


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
