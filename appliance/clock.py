"""The one place that asks for the time. Waits use the monotonic clock, records UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Wall clock, UTC, with the zone. Not to be used for waiting: it may jump."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Seconds that only ever go forward; no relation to the date."""
    return time.monotonic()


def iso(at: datetime) -> str:
    """As in messages and catalog: 2026-11-22T10:00:00.123456Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def from_iso(text: str) -> datetime:
    """The opposite of iso. Raises ValueError."""
    return datetime.fromisoformat(text)
