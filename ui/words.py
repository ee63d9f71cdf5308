"""Sizes, times and foreign text as people read them. Pure. Sizes are decimal: 1 kB is 1000 bytes."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

from mqtt.text import JOINERS, harmless

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def clean(text: object) -> str:
    r"""Foreign text for a terminal, in one line: what would steer the terminal is shown as its escape (``\x1b``)."""
    return harmless(str(text))


def size(size_bytes: float) -> str:
    """``4.29 GB``: three digits, no more than are known."""
    unit = 0
    while abs(size_bytes) >= 999.5 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - what would be rounded to 1000
        size_bytes, unit = size_bytes / 1000, unit + 1
    return f"{size_bytes:.0f} {_UNITS[unit]}" if unit == 0 else f"{_three_digits(size_bytes)} {_UNITS[unit]}"


def _three_digits(number: float) -> str:
    return f"{number:.0f}" if number >= 99.95 else f"{number:.1f}" if number >= 9.995 else f"{number:.2f}"  # noqa: PLR2004 - where rounding adds a digit


def rate(bytes_per_s: float) -> str:
    return f"{size(bytes_per_s)}/s"


def duration(seconds: float) -> str:
    """``45 s``, ``34 min``, ``5 h 20 min``, ``19 days``."""
    whole = max(0, round(seconds))
    if whole < 120:  # noqa: PLR2004 - below two minutes seconds still matter
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 120:  # noqa: PLR2004 - below two hours
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:  # noqa: PLR2004 - below two days
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{round(hours / 24)} days"


def percent(ratio: float) -> str:
    """Rounded down: 100 % is said only of what is whole."""
    return f"{int(max(0.0, min(1.0, ratio)) * 100)} %"


def count(number: int, noun: str) -> str:
    """``1 batch``, ``2 batches``."""
    ending = "" if number == 1 else "es" if noun.endswith(("ch", "s")) else "s"
    return f"{number} {noun}{ending}"


def parsed(at: str) -> datetime:
    """A time of the contract: ISO 8601; UTC where it names no zone. Raises ValueError."""
    when = datetime.fromisoformat(at)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def moment(at: str | None) -> str:
    """``2026-11-22 23:10:05`` in the reader's zone; ``never`` for none."""
    return parsed(at).astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else "never"


def age(at: str | None) -> str:
    """``5 min ago``; ``in 5 min`` for what is to come; ``never`` for none."""
    if not at:
        return "never"
    seconds = (datetime.now(UTC) - parsed(at)).total_seconds()
    if abs(seconds) < 1:
        return "just now"
    return f"{duration(seconds)} ago" if seconds > 0 else f"in {duration(-seconds)}"


def width(text: str) -> int:
    """Terminal cells: East Asian wide characters take two, combining ones none."""
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character) or character in JOINERS:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shortened(text: str, cells: int) -> str:
    """At most so many cells; what is cut shows as ``…``."""
    if width(text) <= cells:
        return text
    kept, used = "", 1
    for character in text:
        used += _cells(character)
        if used > cells:
            break
        kept += character
    return f"{kept}…"


def padded(text: str, cells: int, *, right: bool = False) -> str:
    space = " " * max(0, cells - width(text))
    return space + text if right else text + space
